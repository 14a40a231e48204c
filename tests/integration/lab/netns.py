"""Three machines that are network namespaces: a server in a container, the host that is its gateway, and a client.

    client 198.51.100.7, 2001:db8:1::7 --- 198.51.100.1, 2001:db8:1::1 host SUBNET.1 --- SUBNET.2 server

As Docker does it by default: IPv4 is routed, so that the server sees who calls; IPv6 ends at the host, where a program
takes it and connects to the server by IPv4, from the gateway's address.
"""
import os
import pathlib
import subprocess
import sys

from . import root
from .net import DNS, MX, SMTP, SUBMISSION, wait_for
from .server import ENV, Waypost

CLIENT, CLIENT6 = "198.51.100.7", "2001:db8:1::7"
HOST, HOST6 = "198.51.100.1", "2001:db8:1::1"


def ip(*words):
	assert root.run("ip", *words) == 0, f"ip {' '.join(words)} failed: these tests need root's rights and iproute2"


class Machines:
	"""subnet: of server and host, such as "172.30.5"."""

	def __init__(self, lab, subnet):
		self.lab, self.net = lab, lab.net
		self.server_ip, self.gateway = f"{subnet}.2", f"{subnet}.1"
		tag = f"wp{os.getpid() % 100000}{lab.net.prefix.rsplit('.', 1)[1]}"
		self.server, self.host, self.client = (f"{tag}{x}" for x in "shc")
		self.relay = None
		try:
			self.build()
		except BaseException:
			self.remove()
			raise

	def build(self):
		for ns in (self.server, self.host, self.client):
			ip("netns", "add", ns)
			ip("-n", ns, "link", "set", "lo", "up")
		self.wire("s", self.host, f"{self.gateway}/24", self.server, f"{self.server_ip}/24")
		self.wire("c", self.host, f"{HOST}/24", self.client, f"{CLIENT}/24")
		for ns, address in ((self.host, HOST6), (self.client, CLIENT6)):
			ip("-n", ns, "-6", "addr", "add", f"{address}/64", "dev", "c", "nodad")
		ip("-n", self.server, "route", "add", "default", "via", self.gateway)
		ip("-n", self.client, "route", "add", "default", "via", HOST)
		assert root.run("ip", "netns", "exec", self.host, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward") == 0
		self.carry()

	@staticmethod
	def wire(name, a, a_address, b, b_address):
		ip("-n", a, "link", "add", name, "type", "veth", "peer", "name", name, "netns", b)
		for ns, address in ((a, a_address), (b, b_address)):
			ip("-n", ns, "addr", "add", address, "dev", name)
			ip("-n", ns, "link", "set", name, "up")

	def carry(self):
		"""Names and mailbox of the test, for the server; doors through which the test acts as the client."""
		near, words = self.net, []
		words += [f"{kind},{self.server},{near.dns},{DNS},-,{near.dns},{DNS}" for kind in ("udp", "tcp")]
		words.append(f"tcp,{self.server},{near.host(9)},{MX},-,{near.host(9)},{MX}")
		for port in (SMTP, SUBMISSION):
			words.append(f"tcp,{self.host},{HOST6},{port},{self.host},{self.server_ip},{port}")
			words.append(f"tcp,-,{near.host(4)},{port},{self.client},{self.server_ip},{port}")
			words.append(f"tcp,-,{near.host(6)},{port},{self.client},{HOST6},{port}")
		self.relay = root.popen(sys.executable, "-B", pathlib.Path(__file__).with_name("relay.py"), *words,
			stdin=subprocess.PIPE, stdout=subprocess.PIPE)
		assert self.relay.stdout.readline() == b"ready\n"

	@property
	def by_ipv4(self):
		"""Who connects here is, for the server, the client."""
		return self.net.host(4)

	@property
	def by_ipv6(self):
		"""Who connects here comes to the server through the program at the gateway."""
		return self.net.host(6)

	def waypost(self, **over):
		w = Contained(self.lab, self, over)
		self.lab.servers.append(w)
		return w.start()

	def remove(self):
		if self.relay:
			self.relay.stdin.close()
			self.relay.wait(20)
			self.relay.stdout.close()
		for ns in (self.server, self.host, self.client):
			root.run("ip", "netns", "del", ns)


class Contained(Waypost):
	"""waypost in the server's namespace, without root's rights as ever."""

	def __init__(self, lab, machines, over):
		self.machines = machines
		over = dict(over, listen=dict({"smtp": [f"0.0.0.0:{SMTP}"], "submission": [f"0.0.0.0:{SUBMISSION}"],
			"submissions": []}, **over.get("listen", {})))
		super().__init__(lab.dir, lab.net, over, lab.zones[-1].server if lab.zones else lab.empty_dns.server)

	def start(self, wait=True):
		with open(self.out, "ab") as out, open(self.errors, "ab") as errors:
			self.process = root.popen("ip", "netns", "exec", self.machines.server, "setpriv", f"--reuid={os.getuid()}",
				f"--regid={os.getgid()}", "--clear-groups", self.binary, "run", "-c", self.path, stdout=out,
				stderr=errors, stdin=subprocess.DEVNULL, env=ENV)
		wait_for(self._has_started, 20, lambda: f"waypost to start\n{self.story()}")
		return self

	def _has_started(self):
		assert self.process.poll() is None, f"ended with {self.process.returncode}\n{self.story()}"
		return self.events("start")
