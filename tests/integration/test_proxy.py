"""The PROXY protocol, versions 1 and 2: from networks that are named only, on all three ports."""
import random
import socket
import time

import pytest

from lab import message, screen
from lab.client import Session
from lab.net import SMTP, SUBMISSION, SUBMISSIONS, wait_for
from lab.screen import GREET, Proxied, proxy1, proxy2, proxy2_crc, status

CLIENT, CLIENT6 = "198.51.100.7", "2001:db8:5::7"


@pytest.fixture
def w(lab):
	return lab.waypost(**screen.config(listen={"proxy_protocol": [lab.net.host(7)]}, log={"level": "debug"}))


def source(lab):
	return lab.net.host(7)


GOOD = [("v1 IPv4", proxy1(CLIENT), CLIENT), ("v1 IPv6", proxy1(CLIENT6), CLIENT6), ("v2 IPv4", proxy2(CLIENT), CLIENT),
	("v2 IPv6", proxy2(CLIENT6), CLIENT6), ("v2 with fields", proxy2(CLIENT, tlvs=b"\x04\0\x03abc\x20\0\0"), CLIENT),
	("v2 with a checksum", proxy2_crc(CLIENT), CLIENT), ("v2 of 3 kB", proxy2(CLIENT, tlvs=b"\x04\x0b\xb8" + b"x" * 3000), CLIENT)]


@pytest.mark.parametrize("header, client", [g[1:] for g in GOOD], ids=[g[0] for g in GOOD])
def test_the_client_is_whom_the_header_names(lab, w, header, client):
	inbox = lab.mailbox()
	start = time.monotonic()
	with Proxied(w.ip, header, source=source(lab)) as s:
		assert time.monotonic() - start > GREET * 0.9, "it is a stranger, and waits"
		s.ehlo()
		s.mail("sam@sender.test", "alice@example.com", message.make())
	assert w.wait_event("accept")["client"] == client
	received = message.parse(inbox.one().content)["Received"]
	assert f"[{'IPv6:' if ':' in client else ''}{client}]" in received, received
	assert source(lab) not in received


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", proxy2(CLIENT, command=0), proxy2(CLIENT, family=0)],
	ids=["v1 UNKNOWN", "v1 UNKNOWN with more", "v2 LOCAL", "v2 UNSPEC"])
def test_a_header_without_a_client(lab, w, header):
	"""A health check of the proxy: it gets its greeting, and a mail of its own is not said to be from the proxy's SPF."""
	inbox = lab.mailbox()
	with Proxied(w.ip, header, source=source(lab)) as s:
		s.ehlo()
		s.mail("sam@sender.test", "alice@example.com", message.make())
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		assert s.cmd("RCPT TO:<x@far.test>").code in (550, 554), "no relaying for a proxy"
	assert "spf=none" in message.parse(inbox.one().content)["Authentication-Results"]
	assert "0 client networks" in w.cli("screen", "list").text


@pytest.mark.parametrize("port", [SUBMISSION, SUBMISSIONS])
def test_on_the_submission_ports(lab, w, port):
	inbox = lab.mailbox()
	with Proxied(w.ip, proxy2(CLIENT), port, source=source(lab)) as s:
		if port == SUBMISSIONS:
			s.secure()
			s.banner = s.reply()
		assert s.banner.code == 220
		s.ehlo()
		if port == SUBMISSION:
			s.starttls()
		s.login()
		s.mail("alice@example.com", "dest@far.test", message.make("alice@example.com"))
	inbox.one()
	assert w.wait_event("accept")["client"] == CLIENT
	with Proxied(w.ip, proxy1(CLIENT6), port, source=source(lab)) as s:
		if port == SUBMISSIONS:
			s.secure()
			s.reply()
		s.ehlo()
		if port == SUBMISSION:
			s.starttls()
		s.login(password="wrong", expect=535)
	wait_for(lambda: any(CLIENT6 in str(e.get("client")) for e in w.log() if "auth" in e["event"]), what="a failed login of the client")


BAD = {
	"no header, a command": b"EHLO client.test\r\n",
	"a TLS hello": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"x" * 100,
	"v1 without CR": b"PROXY TCP4 198.51.100.7 192.0.2.99 1 2\n" + b"EHLO x\r\n",
	"v1 too long": b"PROXY TCP4 " + b"1" * 200,
	"v1 bad family": b"PROXY TCP5 198.51.100.7 192.0.2.99 1 2\r\n",
	"v1 IPv6 in TCP4": b"PROXY TCP4 2001:db8::1 192.0.2.99 1 2\r\n",
	"v1 bad address": b"PROXY TCP4 198.51.100.777 192.0.2.99 1 2\r\n",
	"v1 bad port": b"PROXY TCP4 198.51.100.7 192.0.2.99 1 70000\r\n",
	"v1 leading zero": b"PROXY TCP4 198.51.100.07 192.0.2.99 1 2\r\n",
	"v1 without ports": b"PROXY TCP4 198.51.100.7 192.0.2.99\r\n",
	"v1 one word more": b"PROXY TCP4 198.51.100.7 192.0.2.99 1 2 3\r\n",
	"v1 two blanks": b"PROXY TCP4  198.51.100.7 192.0.2.99 1 2\r\n",
	"v1 lower case": b"proxy TCP4 198.51.100.7 192.0.2.99 1 2\r\n",
	"v1 a NUL": b"PROXY TCP4 198.51.100.7\0 192.0.2.99 1 2\r\n",
	"v2 version 1": screen.SIGNATURE + b"\x11\x11\0\x0c" + b"x" * 12,
	"v2 command 2": screen.SIGNATURE + b"\x22\x11\0\x0c" + b"x" * 12,
	"v2 UDP": proxy2(CLIENT, family=0x12),
	"v2 a socket file": proxy2(CLIENT, family=0x31),
	"v2 too short": screen.SIGNATURE + b"\x21\x11\0\x0b" + b"x" * 11,
	"v2 IPv6 with IPv4's length": screen.SIGNATURE + b"\x21\x21\0\x0c" + b"x" * 12,
	"v2 too long": screen.SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 65535,
	"v2 a field past its end": proxy2(CLIENT, tlvs=b"\x04\0\xff"),
	"v2 a wrong checksum": proxy2_crc(CLIENT, wrong=True),
	"v2 a broken signature": b"\r\n\r\n\0\r\nQUIX\n" + proxy2(CLIENT)[12:],
}


def unheard(ip, data, source_, port=SMTP):
	"""Closed, without a byte."""
	with socket.create_connection((ip, port), timeout=5, source_address=(source_, 0)) as s:
		try:
			s.sendall(data)
			return s.recv(1000) == b""
		except ConnectionError:
			return True


@pytest.mark.parametrize("port", [SMTP, SUBMISSION, SUBMISSIONS])
def test_malformed_headers_close_the_connection(lab, w, port):
	for name, data in BAD.items():
		assert unheard(w.ip, data, source(lab), port), name
	w.wait_event("proxy", count=len(BAD))
	assert len(w.events("proxy")) == len(BAD) and all(e["why"] for e in w.events("proxy"))
	now = status(w)
	assert now["bad_proxy_headers"] == len(BAD) and now["sessions"] == 0, now


def test_a_header_in_pieces_and_one_with_a_command_right_behind(lab, w):
	header = proxy2(CLIENT, tlvs=b"\x04\0\x03abc")
	with Session(w.ip, source=source(lab), banner=False) as s:
		for i in range(len(header)):
			s.send(header[i:i + 1])
			time.sleep(0.002)
		assert s.reply().code == 220
	# what stands behind the header is the client's: here it waits, being known by now
	with Session(w.ip, source=source(lab), banner=False) as s:
		s.send(header + b"EHLO client.test\r\n")
		assert [s.reply().code for _ in range(2)] == [220, 250]
	# and here it speaks too early
	with Session(w.ip, source=source(lab), banner=False) as s:
		s.send(proxy1("198.51.100.8") + b"EHLO client.test\r\n")
		w.wait_event("screen", test="pregreet", client="198.51.100.8")


def test_a_proxy_that_hangs_up_is_no_trouble(lab, w):
	"""Load balancers knock like this all day."""
	for data in (b"", b"PROXY TCP4 198.", proxy2(CLIENT)[:20], proxy2(CLIENT)):
		with socket.create_connection((w.ip, SMTP), source_address=(source(lab), 0)) as s:
			s.sendall(data)
	with Proxied(w.ip, proxy1(CLIENT), source=source(lab)) as s:
		s.ehlo()
	assert status(w)["sessions"] <= 1


def test_who_is_no_proxy_and_speaks_it_is_a_pregreeter(lab, w):
	other = lab.net.host(8)
	with Session(w.ip, source=other, banner=False) as s:
		s.send(proxy1(CLIENT))
		s.line()
		seen = w.wait_event("screen", test="pregreet", client=other)
		assert "PROXY" in seen["said"]
	with Session(w.ip, SUBMISSION, source=other) as s:
		assert s.cmd(proxy1(CLIENT).rstrip()).code == 500
		s.ehlo()
	assert not w.events("accept", client=CLIENT) and not [e for e in w.log() if e.get("client") == CLIENT]


def test_a_proxied_client_has_its_own_spf_lists_and_limits(lab):
	lab.dns(screen.dnsbl("bad.test", {CLIENT: ("127.0.0.2", "")})
		+ f'sender.test. TXT "v=spf1 ip4:{CLIENT} ip6:2001:db8:5::/48 -all"\n')
	inbox = lab.mailbox()
	w = lab.waypost(**screen.config(["bad.test*3"], listen={"proxy_protocol": [lab.net.host(7)]}, limits={"network_messages_per_hour": 1}))
	screen.wait_lists(w, bad_test="good")
	with Proxied(w.ip, proxy2(CLIENT), source=lab.net.host(7)) as s:
		s.ehlo()
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		assert f"client [{CLIENT}]" in s.cmd("RCPT TO:<alice@example.com>", 550).text
	results = []
	for client in (CLIENT6, "203.0.113.9"):
		with Proxied(w.ip, proxy2(client), source=lab.net.host(7)) as s:
			s.ehlo()
			s.mail("sam@sender.test", "alice@example.com", message.make())
			s.cmd("MAIL FROM:<sam@sender.test>", 450)
		results.append(message.parse(inbox.wait(len(results) + 1)[-1].content))
	assert "spf=pass" in results[0]["Authentication-Results"] and CLIENT6 in results[0]["Received-SPF"]
	assert "spf=fail" in results[1]["Authentication-Results"] and "203.0.113.9" in results[1]["Received-SPF"]


def test_headers_that_somebody_broke_at_random(lab, w):
	"""Closed, greeted, or waited for; never a client that nobody named, and the server lives on."""
	r = random.Random(3)
	good = [header for _, header, _ in GOOD] + list(BAD.values())
	for n in range(400):
		data = bytearray(r.choice(good)[:300])
		for _ in range(r.choice((1, 1, 2, 8))):
			at = r.randrange(len(data) + 1)
			data[at:at + r.choice((0, 1))] = r.choice((b"", bytes([r.randrange(256)]), b"\r\n", b" ", b"\0" * 4, bytes(data[at:at + 20])))
			data = data or bytearray(b"P")
		with socket.create_connection((w.ip, r.choice((SMTP, SUBMISSION, SUBMISSIONS))), source_address=(source(lab), 0)) as s:
			try:
				s.sendall(data)
				s.settimeout(0.01)
				s.recv(100)
			except OSError:
				pass
	with Proxied(w.ip, proxy1("198.51.100.77"), source=source(lab)) as s:
		s.ehlo()
	wait_for(lambda: status(w)["sessions"] <= 1, what="all others to be gone")
