"""Screening in the laboratory: lists that are zones of ours, clients with addresses of their own, PROXY headers."""
import ipaddress
import json
import socket
import struct
import threading

from .client import Session
from .net import SMTP, wait_for
from .server import merge

GREET = 0.3                                         # seconds: greet_wait in these tests


def config(sites=(), **over):
	"""The server screens, unlike in other tests; sections of over are merged."""
	return merge({"postscreen": {"permit": [], "greet_wait": f"{int(GREET * 1000)}ms",
		"dnsbl": {"sites": list(sites)}}}, over)


def reverse(address, zone):
	"""The name that a list is asked for."""
	name = ipaddress.ip_address(address).reverse_pointer.rsplit(".", 2)[0]
	return f"{name}.{zone}."


def dnsbl(zone, entries=None, probe="127.0.0.2", v6=False):
	"""Records of a list that is alive: 127.0.0.2 is on it. entries: {address: (answer or answers, text)}."""
	records = f"{reverse('127.0.0.2', zone)} A {probe}\n"
	if v6:
		# the test entry for IPv6 is ::FFFF:7F00:2 (RFC 5782 section 5)
		nibbles = ".".join(reversed("00000000000000000000ffff7f000002"))
		records += f"{nibbles}.{zone}. A {probe}\n"
	for address, (answers, text) in (entries or {}).items():
		for a in [answers] if isinstance(answers, str) else answers:
			records += f"{reverse(address, zone)} A {a}\n"
		if text:
			records += f'{reverse(address, zone)} TXT "{text}"\n'
	return records


def status(w):
	return json.loads(w.cli("status", "--json", expect=0).text)


def lists(w):
	"""{list: state} of the running server."""
	return {entry["list"]: entry["state"] for entry in status(w)["lists"]}


def wait_lists(w, **states):
	"""Until no list is unproven, and those named are in the given state (dots written as _)."""
	def judged():
		now = lists(w)
		return "unproven" not in now.values() and now
	now = wait_for(judged, 20, lambda: f"the lists to be judged: {status(w)['lists']}")
	for name, state in states.items():
		assert now[name.replace("_", ".")] == state, status(w)["lists"]
	return now


class Talk:
	"""One transaction of a client that behaves as well as it can; what was answered, in order."""

	def __init__(self, w, source, sender="sam@sender.test", to="alice@example.com", helo="client.test", port=SMTP,
			before=b"", ip=None):
		self.replies = []
		self.session = Session(ip or w.ip, port, source=source, banner=False)
		if before:
			self.session.send(before)
		self.say(None)
		if self.banner.code == 220:
			for line in (f"EHLO {helo}", f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>"):
				self.say(line)
		self.session.close()

	def say(self, line):
		try:
			self.replies.append(self.session.reply() if line is None else self.session.cmd(line))
		except (EOFError, ConnectionError):
			pass

	@property
	def banner(self):
		return self.replies[0]

	@property
	def last(self):
		return self.replies[-1]


# -- the PROXY protocol

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def proxy1(client, server=None, port=40000):
	family = "TCP6" if ":" in client else "TCP4"
	server = server or ("2001:db8::99" if ":" in client else "192.0.2.99")
	return f"PROXY {family} {client} {server} {port} 25\r\n".encode()


def proxy2(client, server=None, port=40000, command=1, tlvs=b"", family=None):
	"""Version 2; command 0 is LOCAL."""
	v6 = ":" in client
	server = server or ("2001:db8::99" if v6 else "192.0.2.99")
	packed = b"".join(socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, a) for a in (client, server))
	body = packed + struct.pack("!HH", port, 25) + tlvs
	kind = family if family is not None else 0x21 if v6 else 0x11
	return SIGNATURE + bytes([0x20 | command, kind]) + struct.pack("!H", len(body)) + body


def proxy2_crc(client, wrong=False):
	"""With a checksum (type 3), as HAProxy's send-proxy-v2 crc32c makes it."""
	blank = proxy2(client, tlvs=b"\x03\x00\x04\0\0\0\0")
	crc = crc32c(blank) ^ (1 if wrong else 0)
	return proxy2(client, tlvs=b"\x03\x00\x04" + struct.pack("!I", crc))


def crc32c(data):
	"""Castagnoli's polynomial; zlib has the other one."""
	crc = 0xffffffff
	for byte in data:
		crc ^= byte
		for _ in range(8):
			crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
	return crc ^ 0xffffffff


class Proxied(Session):
	"""A session behind a PROXY header."""

	def __init__(self, ip, header, port=SMTP, source=None, timeout=20):
		super().__init__(ip, port, implicit_tls=False, source=source, timeout=timeout, banner=False)
		self.send(header)
		if port == SMTP or port % 1000 == 587:
			self.banner = self.reply()


def free_port6():
	"""A port at ::1 that nobody uses."""
	with socket.socket(socket.AF_INET6) as s:
		s.bind(("::1", 0))
		return s.getsockname()[1]


def together(n, run):
	"""run(0) ... run(n-1) at once, each in its thread; what they returned."""
	results, faults = [None] * n, []

	def one(i):
		try:
			results[i] = run(i)
		except BaseException as e:
			faults.append(e)
	threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
	for t in threads:
		t.start()
	for t in threads:
		t.join()
	if faults:
		raise faults[0]
	return results
