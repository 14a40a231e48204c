"""A proxy between clients and server that hides who they are: nothing is learned from its address, and it may do nothing more."""
import base64
import time

import pytest

from lab import message, netns, screen
from lab.client import Session
from lab.net import SMTP, SUBMISSION, wait_for
from lab.netns import CLIENT, CLIENT6
from lab.screen import GREET, proxy2, status

ZONE = f"""\
strict.test. TXT "v=spf1 ip4:{CLIENT} -all"
six.test. TXT "v=spf1 ip6:{CLIENT6} -all"
"""


@pytest.fixture(params=["172.30.5", "203.0.113"], ids=["private gateway", "public gateway"])
def machines(lab, request):
	m = netns.Machines(lab, request.param)
	m.zone = ZONE + screen.dnsbl("bad.test", {m.gateway: ("127.0.0.2", "")})
	lab.dns(m.zone)
	yield m
	for w in lab.servers:
		w.stop()
	m.remove()


def results(w, ip, box, sender, n=1):
	with Session(ip, SMTP) as s:
		s.ehlo()
		s.mail(sender, "alice@example.com", message.make(sender))
		s.cmd("QUIT", 221)
	return message.parse(box.wait(n)[-1].content)


def test_ipv4_is_real_and_ipv6_is_hidden(lab, machines):
	box = lab.mailbox()
	w = machines.waypost(**screen.config(["bad.test*9"], limits={"clients_per_network": 1, "network_messages_per_hour": 2}))
	screen.wait_lists(w, bad_test="good")

	mail = results(w, machines.by_ipv4, box, "a@strict.test")
	assert "spf=pass" in mail["Authentication-Results"] and CLIENT in mail["Received-SPF"]
	assert CLIENT in w.cli("screen", "list").text
	assert status(w)["hidden_clients"] == 0 and not w.events("hidden-client")

	# the same sender by IPv6: the address that is seen is the gateway's, which its SPF record forbids and a list has
	mail = results(w, machines.by_ipv6, box, "a@strict.test", 2)
	assert "spf=none" in mail["Authentication-Results"] and "hidden" in mail["Authentication-Results"]
	assert mail["Received-SPF"].startswith("none")
	assert machines.gateway not in w.cli("screen", "list").text, "remembering it would let everybody in"
	assert not w.events("screen", test="lists"), "a list was asked about the proxy"

	e = w.wait_event("hidden-client")
	assert e["address"] == machines.gateway and e["level"] == "warn"
	assert all(word in e["why"] for word in ("host's network", "PROXY", "listen.proxy_protocol", "postscreen.permit")), e["why"]
	now = status(w)
	assert now["hidden_clients"] == 1 and now["hidden_by"] == machines.gateway
	assert machines.gateway in w.cli("status").text
	assert all(word in w.cli("status").text for word in ("PROXY", "postscreen.permit")), "status has to say how to fix it"


def test_hidden_clients_wait_but_know_no_limits_of_a_network(lab, machines):
	box = lab.mailbox()
	w = machines.waypost(**screen.config(limits={"clients_per_network": 1, "network_messages_per_hour": 1, "network_connections_per_minute": 2,
		"network_unknown_per_hour": 1, "tarpit_after": 0, "network_errors_per_hour": 1}))
	start = time.monotonic()
	sessions = [Session(machines.by_ipv6, SMTP) for _ in range(3)]
	assert time.monotonic() - start > GREET * 2.5, "each waits for its greeting, and again"
	for n, s in enumerate(sessions):
		s.ehlo()
		s.cmd("MAIL FROM:<a@strict.test>", 250)
		for x in range(3):
			begin = time.monotonic()
			s.cmd(f"RCPT TO:<unknown{x}@example.com>", 550)
			assert time.monotonic() - begin < 0.9, "one harvester must not make all others wait"
		s.cmd("RCPT TO:<alice@example.com>", 250)
		s.data(message.make(body=f"{n}\r\n"))
		s.close()
	box.wait(3)
	# where it is known who calls, each of these limits holds
	with Session(machines.by_ipv4, SMTP) as s:
		s.ehlo()
		s.cmd("MAIL FROM:<a@strict.test>", 250)
		s.cmd("RCPT TO:<unknown1@example.com>")
		reply = s.cmd("RCPT TO:<unknown2@example.com>")
		assert reply.code == 421, reply
	w.wait_event("hidden-client")
	assert len(w.events("hidden-client")) == 1, "told once, not for each connection"


def test_hidden_clients_may_not_relay(lab, machines):
	w = machines.waypost(**screen.config())
	with Session(machines.by_ipv6, SMTP) as s:
		s.ehlo()
		for sender in ("a@strict.test", "alice@example.com", ""):
			s.cmd(f"MAIL FROM:<{sender}>", 250)
			assert s.cmd("RCPT TO:<x@far.test>").code in (550, 554)
			s.cmd("RSET", 250)
		s.cmd("MAIL FROM:<alice@example.com>", 250)
		s.cmd("RCPT TO:<alice@example.com>", 250)
		assert s.data(message.make("alice@example.com"), expect=None).status == "5.7.26", "a From of ours that nothing shows to be ours"
	assert not w.files()


def test_what_one_hidden_client_does_bans_no_other(lab, machines):
	w = machines.waypost(**screen.config(limits={"auth_failures": 2}))

	def login(password):
		with Session(machines.by_ipv6, SUBMISSION) as s:
			s.ehlo()
			s.starttls()
			return s.cmd("AUTH PLAIN " + base64.b64encode(f"\0{'bob@example.com' if password == 'bob-pw' else 'mallory@example.com'}\0{password}"
				.encode()).decode()).code
	assert [login("wrong") for _ in range(3)][:2] == [535, 535]
	assert login("bob-pw") == 235, "bob is shut out for what mallory did"
	assert w.running


def test_the_two_ways_out(lab, machines):
	"""The proxy is a server of ours (permit), or it says who the client is (PROXY)."""
	box = lab.mailbox()
	w = machines.waypost(**screen.config(postscreen={"permit": [machines.gateway]}))
	mail = results(w, machines.by_ipv6, box, "a@strict.test")
	assert "spf=fail" in mail["Authentication-Results"] and machines.gateway in mail["Received-SPF"]
	assert not w.events("hidden-client")
	w.stop()
	w.config["postscreen"]["permit"] = []
	w.config["listen"]["proxy_protocol"] = [machines.gateway]
	w.write()
	w.out.unlink()
	w.start()
	with Session(machines.by_ipv6, SMTP, banner=False) as s:
		s.send(proxy2(CLIENT6))
		assert s.reply().code == 220
		s.ehlo()
		s.mail("a@six.test", "alice@example.com", message.make("a@six.test"))
	mail = message.parse(box.wait(2)[-1].content)
	assert "spf=pass" in mail["Authentication-Results"] and CLIENT6 in mail["Received-SPF"]
	assert not w.events("hidden-client") and "2001:db8:1::/64" in w.cli("screen", "list").text


def test_a_restart_and_a_client_known_by_its_own_address(lab, machines):
	"""What was learned of real clients stays; nothing of hidden ones is learned by then either."""
	w = machines.waypost(**screen.config())
	for ip in (machines.by_ipv4, machines.by_ipv6):
		Session(ip, SMTP).close()
	w.restart()
	wait_for(lambda: len(w.events("start")) == 2, what="the second start")
	listed = w.cli("screen", "list").text
	assert CLIENT in listed and machines.gateway not in listed
	for ip, waits in ((machines.by_ipv4, False), (machines.by_ipv6, True)):
		start = time.monotonic()
		Session(ip, SMTP).close()
		assert (time.monotonic() - start > GREET * 0.8) == waits, ip
