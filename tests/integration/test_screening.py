"""The door of port 25: who must wait for the greeting, who fails for what he does before and after it."""
import re
import socket
import time

import pytest

from lab import message, screen
from lab.client import Session
from lab.net import SUBMISSION, SUBMISSIONS, wait_for
from lab.screen import GREET, Talk, status

EARLY = b"EHLO client.test\r\n"


def server(lab, sites=(), **over):
	return lab.waypost(**screen.config(sites, **over))


def waited(w, source, **more):
	"""Seconds to the greeting."""
	start = time.monotonic()
	with Session(w.ip, source=source, **more) as s:
		assert s.banner.code == 220
		return time.monotonic() - start


def failed(w, test):
	return [e for e in w.events("screen") if e["test"] == test]


# -- before the greeting

def test_a_stranger_sees_a_teaser_and_waits(lab):
	w = server(lab)
	with Session(w.ip, source=lab.net.host(2), banner=False) as s:
		start = time.monotonic()
		assert s.line() == b"220-mail.example.com ESMTP waypost"
		assert time.monotonic() - start < GREET
		assert s.line().startswith(b"220 mail.example.com ESMTP")
		assert time.monotonic() - start > GREET * 0.9
		s.ehlo()


def test_an_honest_client_waits_once_and_is_never_put_off(lab):
	inbox, w = lab.mailbox(), server(lab)
	took = []
	for n in range(4):
		start = time.monotonic()
		with Session(w.ip, source=lab.net.host(2)) as s:
			took.append(time.monotonic() - start)
			s.ehlo()
			s.mail("sam@sender.test", "alice@example.com", message.make(body=f"{n}\r\n"))
			s.cmd("QUIT", 221)
	inbox.wait(4)
	assert took[0] > GREET * 0.9 and max(took[1:]) < GREET / 2, took
	assert not w.events("refuse") and not w.events("screen"), "an honest client was held back"
	assert waited(w, lab.net.host(3)) > GREET * 0.9, "another client need not wait"


def test_a_slow_client_is_as_good(lab):
	"""It answers late at each step; it just may not speak early."""
	inbox, w = lab.mailbox(), server(lab)
	with Session(w.ip, source=lab.net.host(2), banner=False) as s:
		time.sleep(2 * GREET)
		assert s.reply().code == 220
		time.sleep(GREET)
		for piece in (b"EH", b"LO client.te", b"st\r", b"\n"):
			s.send(piece)
			time.sleep(0.05)
		assert s.reply().code == 250
		s.mail("sam@sender.test", "alice@example.com", message.make())
	inbox.one()
	assert not w.events("refuse") and not w.events("screen")


@pytest.mark.parametrize("action", ["ignore", "enforce", "drop"])
def test_who_speaks_early(lab, action):
	inbox, w = lab.mailbox(), server(lab, postscreen={"greet_action": action})
	with Session(w.ip, source=lab.net.host(2), banner=False) as s:
		start = time.monotonic()
		s.send(EARLY)
		if action == "drop":
			assert s.line().startswith(b"220-"), "the teaser, as postscreen has it too"
			reply = s.reply()
			assert (reply.code, reply.status) == (521, "5.5.1") and s.closed(2), reply
			assert time.monotonic() - start < GREET, "it is dropped at once"
		else:
			assert s.reply().code == 220 and s.reply().code == 250
			s.cmd("MAIL FROM:<sam@sender.test>", 250)
			reply = s.cmd("RCPT TO:<alice@example.com>")
			assert (reply.code, reply.status) == ((550, "5.5.1") if action == "enforce" else (250, "2.1.5")), reply
			if action == "ignore":
				s.data(message.make())
				inbox.one()
	seen = w.wait_event("screen", test="pregreet", client=lab.net.host(2))
	assert seen["action"] == action and "EHLO client.test" in seen["said"]
	assert status(w)["screen_pregreet"] == 1
	assert waited(w, lab.net.host(2)) > GREET * 0.9, "who spoke early must not be remembered as good"


def test_speaking_early_is_seen_with_half_a_line_and_a_tls_hello(lab):
	w = server(lab)
	for n, early in enumerate((b"E", b"\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"\0" * 100, b"A" * 200_000)):
		with Session(w.ip, source=lab.net.host(10 + n), banner=False) as s:
			s.send(early)
			w.wait_event("screen", test="pregreet", client=lab.net.host(10 + n))
	assert all(len(e["said"]) <= 400 for e in failed(w, "pregreet")), "a log line must stay short"
	assert waited(w, lab.net.host(2)) > GREET * 0.9


def test_a_known_client_that_speaks_early_loses_nothing(lab):
	"""Where no one has to wait there is no "early": the banner is on its way already."""
	w = server(lab)
	waited(w, lab.net.host(2))
	with Session(w.ip, source=lab.net.host(2), banner=False) as s:
		s.send(EARLY)
		assert s.reply().code == 220 and s.reply().code == 250
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("RCPT TO:<alice@example.com>", 250)


def test_who_hangs_up_in_the_wait_leaves_nothing(lab):
	w = server(lab)
	for n in range(20):
		s = socket.create_connection((w.ip, 2525), source_address=(lab.net.host(2), 0))
		if n % 2:
			s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
		s.close()
	assert waited(w, lab.net.host(2)) > GREET * 0.9, "hanging up is no way to pass"
	now = status(w)
	assert now["screen_waiting"] == 0 and now["sessions"] == 0, now


def test_the_wait_can_be_turned_off(lab):
	w = server(lab, postscreen={"greet_wait": 0})
	with Session(w.ip, source=lab.net.host(2), banner=False) as s:
		assert s.line().startswith(b"220 mail.example.com"), "no wait, and yet a teaser"
	assert waited(w, lab.net.host(3)) < 0.2


def test_networks_in_permit_are_not_screened(lab):
	w = server(lab, postscreen={"permit": [f"{lab.net.host(2)}/32"]})
	assert waited(w, lab.net.host(2)) < GREET / 2
	assert waited(w, lab.net.host(3)) > GREET * 0.9
	with Session(w.ip, source=lab.net.host(2), banner=False) as s:
		s.send(EARLY)
		assert [s.reply().code for _ in range(2)] == [220, 250]
		s.send(b"GET / HTTP/1.0\r\n")
		assert s.reply().code == 500, "it is still no command"
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("RCPT TO:<alice@example.com>", 250)


def test_a_white_list_spares_the_wait(lab):
	friend, half, other = lab.net.host(2), lab.net.host(3), lab.net.host(4)
	lab.dns(screen.dnsbl("white.test", {friend: ("127.0.5.3", ""), half: ("127.0.5.1", "")}))
	w = server(lab, ["white.test=127.0.5.1*-1", "white.test=127.0.5.3*-3"])
	screen.wait_lists(w, white_test="good")
	assert waited(w, friend) < GREET / 2
	assert waited(w, half) > GREET * 0.9, "-1 is not at or under the threshold of -2"
	assert waited(w, other) > GREET * 0.9
	assert status(w)["screen_passed_white"] == 1


def test_submission_is_never_screened(lab):
	"""The block list has the client, it is to be dropped, and the wait is long: not on 587 and 465."""
	me = lab.net.host(2)
	lab.dns(screen.dnsbl("bad.test", {me: ("127.0.0.2", "listed")}))
	inbox = lab.mailbox()
	w = server(lab, ["bad.test*9"], postscreen={"greet_wait": "20s", "greet_action": "drop", "dnsbl": {"action": "drop"}})
	screen.wait_lists(w, bad_test="good")
	for port in (SUBMISSION, SUBMISSIONS):
		start = time.monotonic()
		with Session(w.ip, port, source=me) as s:
			assert len(s.banner.lines) == 1, "a teaser on submission"
			s.send("EHLO client.test\r\nNOOP\r\n" if port == SUBMISSIONS else "EHLO client.test\r\n")
			assert s.reply().code == 250
			if port == SUBMISSIONS:
				assert s.reply().code == 250
			else:
				s.starttls()
			s.login()
			s.mail("alice@example.com", "dest@far.test", message.make("alice@example.com"))
		assert time.monotonic() - start < 10
	inbox.wait(2)
	assert status(w)["screen_waiting"] == 0 and not w.events("screen")


def test_postscreen_off(lab):
	me = lab.net.host(2)
	lab.dns(screen.dnsbl("bad.test", {me: ("127.0.0.2", "listed")}))
	w = server(lab, ["bad.test*9"], postscreen={"enable": False})
	assert waited(w, me) < GREET / 2
	with Session(w.ip, source=me, banner=False) as s:
		s.send(EARLY + b"GET / HTTP/1.0\r\n")
		assert [s.reply().code for _ in range(3)] == [220, 250, 500]
		s.send(b"NOOP\n\r\n")
		assert s.reply().code == 500
		s.cmd("EHLO mail.example.com", 250)
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("RCPT TO:<alice@example.com>", 250)
	assert not w.events("screen")


def test_ipv6_clients_are_screened_too(lab):
	port = screen.free_port6()
	w = server(lab, listen={"smtp": [f"{lab.net.waypost}:2525", f"[::1]:{port}"]})
	start = time.monotonic()
	with Session("::1", port) as s:
		assert time.monotonic() - start > GREET * 0.9
		s.ehlo()
	with Session("::1", port, banner=False) as s:
		assert not s.silent(GREET / 2), "::1 was not remembered"
	assert "::/64" in w.cli("screen", "list").text


# -- after the greeting

PIPELINED = [
	("EHLO client.test\r\nMAIL FROM:<a@sender.test>\r\n", "EHLO"),
	("HELO client.test\r\nMAIL FROM:<a@sender.test>\r\nRCPT TO:<alice@example.com>\r\n", "HELO"),
	("EHLO client.test\r\nNOOP\r\n", "EHLO, NOOP"),
]


def refusal_after(w, source, talk, replies):
	"""Says talk at once, hears so many replies, and gives the reply to RCPT then."""
	with Session(w.ip, source=source) as s:
		s.send(talk)
		for _ in range(replies):
			s.reply()
		s.cmd("RSET")
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		return s.cmd("RCPT TO:<alice@example.com>")


@pytest.mark.parametrize("talk, name", PIPELINED, ids=[p[1] for p in PIPELINED])
def test_pipelining_before_it_was_offered(lab, talk, name):
	w = server(lab, postscreen={"greet_wait": 0})
	reply = refusal_after(w, lab.net.host(2), talk, talk.count("\r\n"))
	assert (reply.code, reply.status) == (550, "5.5.1"), reply
	assert w.wait_event("screen", test="pipelining")["action"] == "enforce"
	assert status(w)["screen_pipelining"] == 1


def test_pipelining_when_it_was_offered_is_what_honest_servers_do(lab):
	inbox, w = lab.mailbox(), server(lab, postscreen={"greet_wait": 0})
	with Session(w.ip, source=lab.net.host(2)) as s:
		s.ehlo()
		for n in range(3):
			s.send("MAIL FROM:<sam@sender.test>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n")
			assert [s.reply().code for _ in range(3)] == [250, 250, 354]
			s.send(message.make(body=f"{n}\r\n") + b".\r\nRSET\r\nNOOP\r\n")
			assert [s.reply().code for _ in range(3)] == [250, 250, 250]
		s.send("MAIL FROM:<sam@sender.test>\r\nRCPT TO:<alice@example.com>\r\nQUIT\r\n")
		assert [s.reply().code for _ in range(3)] == [250, 250, 221]
	inbox.wait(3)
	assert not w.events("screen") and not w.events("refuse")


@pytest.mark.parametrize("action", ["ignore", "enforce", "drop"])
def test_the_pipelining_action(lab, action):
	w = server(lab, postscreen={"greet_wait": 0, "pipelining_action": action})
	with Session(w.ip, source=lab.net.host(2)) as s:
		s.send("HELO client.test\r\nMAIL FROM:<sam@sender.test>\r\n")
		first = s.reply()
		if action == "drop":
			assert (first.code, first.status) == (521, "5.5.1") and s.closed(2), first
		else:
			assert (first.code, s.reply().code) == (250, 250)
			assert s.cmd("RCPT TO:<alice@example.com>").code == (550 if action == "enforce" else 250)
	assert w.wait_event("screen", test="pipelining")["action"] == action


@pytest.mark.parametrize("line", ["GET / HTTP/1.1", "POST /x HTTP/1.0", "CONNECT 192.0.2.1:25 HTTP/1.1", "Host: mail.example.com",
	"Subject: hello", "From: <a@sender.test>", "get / http/1.1", "OPTIONS * HTTP/1.1"])
def test_what_is_no_smtp_is_dropped(lab, line):
	w = server(lab, postscreen={"greet_wait": 0})
	with Session(w.ip, source=lab.net.host(2)) as s:
		reply = s.cmd(line)
		assert (reply.code, reply.status) == (521, "5.5.1"), reply
		assert s.closed(2)
	w.wait_event("screen", test="non-smtp-command")
	w.wait_event("refuse", client=lab.net.host(2))
	assert status(w)["screen_non_smtp_command"] == 1


def test_an_unknown_command_is_no_crime(lab):
	inbox, w = lab.mailbox(), server(lab, postscreen={"greet_wait": 0})
	with Session(w.ip, source=lab.net.host(2)) as s:
		for line in ("XCLIENT ADDR=192.0.2.1", "ETRN example.com", "TURN", "VRFY alice"):
			assert s.cmd(line).code != 521
		s.ehlo()
		s.mail("sam@sender.test", "alice@example.com", message.make())
	inbox.one()
	assert not w.events("screen")


@pytest.mark.parametrize("action", ["ignore", "enforce", "drop"])
def test_a_bare_newline(lab, action):
	w = server(lab, postscreen={"greet_wait": 0, "bare_newline_action": action})
	with Session(w.ip, source=lab.net.host(2)) as s:
		s.ehlo()
		s.send(b"NOOP\nNOOP\r\n")
		reply = s.reply()
		if action == "drop":
			assert (reply.code, reply.status) == (521, "5.5.1") and s.closed(2), reply
		else:
			assert reply.code == 500, "a line with a bare LF must not run"
			s.cmd("MAIL FROM:<sam@sender.test>", 250)
			got = s.cmd("RCPT TO:<alice@example.com>")
			assert got.code == (550 if action == "enforce" else 250), got
	assert w.wait_event("screen", test="bare-newline")["action"] == action


def test_a_command_before_the_greeting_of_ehlo(lab):
	w = server(lab, postscreen={"greet_wait": 0})
	with Session(w.ip, source=lab.net.host(2)) as s:
		for line in ("MAIL FROM:<sam@sender.test>", "RCPT TO:<alice@example.com>", "DATA"):
			reply = s.cmd(line)
			assert (reply.code, reply.status) == (503, "5.5.1"), reply


HELOS = [("mail.example.com", False), ("MAIL.EXAMPLE.COM.", False), ("192.0.2.1", False), ("2001:db8::1", False), ("127.0.0.1", False),
	("[192.0.2.1]", True), ("[IPv6:2001:db8::1]", True), ("client.test", True), ("localhost", True), ("x.mail.example.com", True)]


@pytest.mark.parametrize("verb", ["EHLO", "HELO"])
def test_helo_as_us_or_as_a_bare_address(lab, verb):
	w = server(lab, postscreen={"greet_wait": 0})
	with Session(w.ip, source=lab.net.host(2)) as s:
		for helo, good in HELOS:
			s.cmd(f"{verb} {helo}", 250)
			s.cmd("MAIL FROM:<sam@sender.test>", 250)
			reply = s.cmd("RCPT TO:<alice@example.com>")
			assert (reply.code, reply.status) == ((250, "2.1.5") if good else (550, "5.7.1")), (helo, reply)
			assert good or "HELO" in reply.text, "a person must be told what is wrong"
			s.cmd("RSET", 250)
			s.cmd("MAIL FROM:<sam@sender.test>", 250)
			s.cmd("RCPT TO:<postmaster@example.com>", 250)


def test_slow_checks_off(lab):
	w = server(lab, postscreen={"enable_slow_checks": False})
	assert waited(w, lab.net.host(2)) > GREET * 0.9, "the wait is no slow check"
	with Session(w.ip, source=lab.net.host(2)) as s:
		s.send("HELO client.test\r\nMAIL FROM:<sam@sender.test>\r\n")
		assert [s.reply().code for _ in range(2)] == [250, 250]
		assert s.cmd("GET / HTTP/1.1").code == 500
		s.send(b"NOOP\nX\r\n")
		assert s.reply().code == 500
		s.cmd("EHLO 192.0.2.1", 250)
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("RCPT TO:<alice@example.com>", 250)
	assert not failed(w, "pipelining") and not failed(w, "non-smtp-command") and not failed(w, "bare-newline")


def test_what_is_held_against_a_client_is_said_at_rcpt_with_the_whole_story_in_the_log(lab):
	w = server(lab)
	with Session(w.ip, source=lab.net.host(2), banner=False) as s:
		s.send(EARLY)
		assert [s.reply().code for _ in range(2)] == [220, 250]
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		reply = s.cmd("RCPT TO:<alice@example.com>", 550)
		assert s.cmd("RCPT TO:<postmaster@example.com>").code == 550, "speaking early is not forgiven for postmaster"
		s.cmd("DATA", 554)
	e = w.wait_event("refuse", client=lab.net.host(2), to="alice@example.com")
	assert e["helo"] == "client.test" and e["from"] == "sam@sender.test" and str(reply.code) in e["reply"]


def test_starttls_goes_through_screening_once(lab):
	inbox, w = lab.mailbox(), server(lab)
	with Session(w.ip, source=lab.net.host(2)) as s:
		s.ehlo()
		start = time.monotonic()
		s.starttls()
		assert time.monotonic() - start < 5
		s.mail("sam@sender.test", "alice@example.com", message.make())
	assert re.search(rb"with ESMTPS", inbox.one().content)


# -- access

def test_access_by_network(lab):
	bad, good = lab.net.host(2), lab.net.host(3)
	w = server(lab, access={"deny": [f"{lab.net.prefix}.0/30", good], "permit": [good]})
	talk = Talk(w, bad)
	assert (talk.last.code, talk.last.status) == (550, "5.7.1") and "access" in talk.last.text, str(talk.last)
	assert len(talk.banner.lines) == 1, "who is denied need not wait"
	assert waited(w, good) < GREET / 2, "permit goes before deny, and spares the wait"
	assert Talk(w, good).last.code == 250
	assert Talk(w, lab.net.host(4)).last.code == 250
	assert status(w)["screen_denied"] == 1


SENDERS = [("bad@sender.test", 550), ("BAD@Sender.Test", 550), ("good@sender.test", 250), ("a@evil.test", 550), ("a@sub.evil.test", 250),
	("a@sub.below.test", 550), ("a@x.y.below.test", 550), ("a@below.test", 250), ("friend@evil.test", 250), ("a@notevil.test", 250)]


def test_access_by_sender(lab):
	w = server(lab, postscreen={"greet_wait": 0}, access={"deny": ["bad@sender.test", "evil.test", ".below.test"],
		"permit": ["friend@evil.test"]})
	with Session(w.ip, source=lab.net.host(2)) as s:
		s.ehlo()
		for sender, code in SENDERS:
			s.cmd(f"MAIL FROM:<{sender}>", 250)
			reply = s.cmd("RCPT TO:<alice@example.com>")
			assert reply.code == code, (sender, reply)
			s.cmd("RSET", 250)
		s.cmd("MAIL FROM:<>", 250)
		s.cmd("RCPT TO:<alice@example.com>", 250)


def test_a_permitted_sender_on_a_block_list_is_heard_but_may_not_relay(lab):
	me = lab.net.host(2)
	lab.dns(screen.dnsbl("bad.test", {me: ("127.0.0.2", "")}))
	w = server(lab, ["bad.test*9"], access={"permit": ["friend@sender.test"]})
	screen.wait_lists(w, bad_test="good")
	assert Talk(w, me).last.code == 550
	assert Talk(w, me, sender="friend@sender.test").last.code == 250
	assert Talk(w, me, sender="friend@sender.test", to="x@far.test").last.code in (550, 554)
	assert Talk(w, me, to="postmaster@example.com").last.code == 250, "postmaster hears from those on lists"


def test_real_programs_wait_as_they_should(lab):
	"""A greeting of two lines, and not at once: each client of the street takes it."""
	inbox, w = lab.mailbox(), server(lab, postscreen={"greet_ttl": "1s"})
	done = w.client.swaks("--pipeline", content=message.make())
	assert done.returncode == 0, done.out
	w.cli("screen", "forget", "127.0.0.1", expect=0)
	done = w.client.curl(content=message.make())
	assert done.returncode == 0, done.out
	w.cli("screen", "forget", "127.0.0.1", expect=0)
	done = w.client.swaks("--tls", content=message.make())
	assert done.returncode == 0, done.out
	inbox.wait(3)
	assert not w.events("screen") and not w.events("refuse")


def test_a_stop_does_not_wait_for_those_who_wait(lab):
	w = server(lab, postscreen={"greet_wait": "30s"})
	held = [Session(w.ip, source=lab.net.host(2 + n), banner=False) for n in range(3)]
	wait_for(lambda: status(w)["screen_waiting"] == 3, what="three that wait")
	start = time.monotonic()
	w.stop()
	assert time.monotonic() - start < 5
	for s in held:
		assert s.line().startswith(b"220-") and s.line().startswith(b"421 ")
		assert s.closed(2)
