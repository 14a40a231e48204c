"""A real DNS server (nsd), authoritative for everything, so that it can stand in for a resolver."""
import os
import shutil
import signal
import subprocess
import time

import dns.message
import dns.query

from .net import DNS, wait_for

CONF = """\
server:
  ip-address: {ip}@{port}
  username: ""
  chroot: ""
  zonesdir: "{dir}"
  pidfile: "{dir}/nsd.pid"
  database: ""
  xfrdfile: "{dir}/xfrd.state"
  xfrdir: "{dir}"
  zonelistfile: "{dir}/zone.list"
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "root.zone"
zone:
  name: "broken.test"
  zonefile: "never-written.zone"
"""
HEAD = """\
$ORIGIN .
$TTL {ttl}
@ SOA ns.lab.test. admin.lab.test. {serial} 3600 3600 3600 1
@ NS ns.lab.test.
ns.lab.test. A {ip}
"""


class Dns:
	"""Names below broken.test give SERVFAIL; a name that was not written is NXDOMAIN."""

	def __init__(self, folder, ip, text="", ttl=1):
		self.dir, self.ip, self.serial, self.ttl = str(folder), ip, 0, ttl
		os.makedirs(self.dir, exist_ok=True)
		with open(f"{self.dir}/nsd.conf", "w") as f:
			f.write(CONF.format(ip=ip, port=DNS, dir=self.dir))
		self._write(text)
		self.process = None
		self.start()

	@property
	def server(self):
		return f"{self.ip}:{DNS}"

	def _write(self, text):
		self.serial += 1
		with open(f"{self.dir}/root.zone.new", "w") as f:
			f.write(HEAD.format(serial=self.serial, ip=self.ip, ttl=self.ttl) + text)
		# nsd reads a zone again when its time, in whole seconds, is another one
		os.utime(f"{self.dir}/root.zone.new", (0, 1_000_000_000 + self.serial))
		os.rename(f"{self.dir}/root.zone.new", f"{self.dir}/root.zone")

	def start(self):
		nsd = shutil.which("nsd", path="/usr/sbin:/usr/bin:/sbin")
		self.log = open(f"{self.dir}/nsd.log", "ab")
		self.process = subprocess.Popen([nsd, "-d", "-c", f"{self.dir}/nsd.conf"], stdout=self.log,
			stderr=self.log, stdin=subprocess.DEVNULL)
		wait_for(lambda: self._serial() == self.serial, what="nsd to answer")

	def _serial(self):
		try:
			answer = dns.query.udp(dns.message.make_query(".", "SOA"), self.ip, port=DNS, timeout=0.1)
			return answer.answer[0][0].serial
		except (OSError, dns.exception.DNSException, IndexError):
			assert self.process.poll() is None, open(f"{self.dir}/nsd.log").read()
			return None

	def set(self, text):
		"""Other records from now on."""
		self._write(text)

		def read_again():
			self.process.send_signal(signal.SIGHUP)
			return any(self._serial() == self.serial or time.sleep(0.02) for _ in range(20))

		wait_for(read_again, what="nsd to read the new zone")

	def stop(self):
		if self.process and self.process.poll() is None:
			self.process.terminate()
			self.process.wait(10)
		self.log.close()


def txt(name, value):
	"""A TXT record of any length, in strings of 255."""
	parts = " ".join('"%s"' % value[i:i + 255].replace('"', '\\"') for i in range(0, len(value), 255))
	return f"{name.rstrip('.')}. TXT {parts}\n"
