"""What one client network may do; the tarpit; and that 500 clients who wait cost the others nothing."""
import asyncio
import os
import statistics
import time

import pytest

from lab import message, screen
from lab.client import Session
from lab.net import SMTP, SUBMISSION, wait_for
from lab.screen import status

RELEASE = os.environ.get("WAYPOST_RELEASE")
WAITING = 500


def server(lab, **over):
	over.setdefault("postscreen", {}).setdefault("greet_wait", 0)
	return lab.waypost(**screen.config(**over))


def rcpt(s, address="alice@example.com", sender="sam@sender.test"):
	s.cmd(f"MAIL FROM:<{sender}>", 250)
	reply = s.cmd(f"RCPT TO:<{address}>")
	s.cmd("RSET")
	return reply


def busy(reply, *words):
	assert reply.code == 421 and all(w in reply.text for w in ("mail.example.com", *words)), reply


def test_connections_at_once(lab):
	w = server(lab, limits={"clients_per_network": 3})
	mine = [Session(w.ip, source=lab.net.host(2)) for _ in range(3)]
	with Session(w.ip, source=lab.net.host(2)) as s:
		busy(s.banner, "Too many connections")
		assert s.closed(2)
	with Session(w.ip, SUBMISSION, source=lab.net.host(2)) as s:
		busy(s.banner)
	with Session(w.ip, source=lab.net.host(3)) as s:
		assert s.banner.code == 220
	mine.pop().close()
	wait_for(lambda: Session(w.ip, source=lab.net.host(2)).banner.code == 220, what="room for one more")
	w.wait_event("refuse", client=lab.net.host(2))


def test_those_who_wait_for_the_greeting_count(lab):
	w = server(lab, postscreen={"greet_wait": "5s"}, limits={"clients_per_network": 2})
	held = [Session(w.ip, source=lab.net.host(2), banner=False) for _ in range(2)]
	wait_for(lambda: status(w)["screen_waiting"] == 2, what="two that wait")
	with Session(w.ip, source=lab.net.host(2)) as s:
		busy(s.banner)
	for s in held:
		s.close()


def test_new_connections(lab):
	w = server(lab, limits={"network_connections_per_minute": 4})
	codes = []
	for _ in range(7):
		with Session(w.ip, source=lab.net.host(2)) as s:
			codes.append(s.banner.code)
	assert codes == [220] * 4 + [421] * 3
	with Session(w.ip, source=lab.net.host(3)) as s:
		assert s.banner.code == 220
	assert status(w)["screen_over_limit"] == 3


def test_messages(lab):
	inbox, w = lab.mailbox(), server(lab, limits={"network_messages_per_hour": 2})
	with Session(w.ip, source=lab.net.host(2)) as s:
		s.ehlo()
		for _ in range(2):
			s.mail("sam@sender.test", "alice@example.com", message.make())
		reply = s.cmd("MAIL FROM:<sam@sender.test>")
		assert (reply.code, reply.status) == (450, "4.7.1") and "2 messages" in reply.text, reply
		s.cmd("RCPT TO:<alice@example.com>", 503)
	with Session(w.ip, source=lab.net.host(3)) as s:
		s.ehlo()
		s.mail("sam@sender.test", "alice@example.com", message.make())
	with w.submission() as s:
		for _ in range(4):
			s.mail("alice@example.com", "dest@far.test", message.make("alice@example.com"))
	inbox.wait(7)


def test_recipients(lab):
	w = server(lab, limits={"network_recipients_per_hour": 3})
	with Session(w.ip, source=lab.net.host(2)) as s:
		s.ehlo()
		codes = [rcpt(s).code for _ in range(5)]
	assert codes == [250, 250, 250, 450, 450]
	with Session(w.ip, source=lab.net.host(3)) as s:
		s.ehlo()
		assert rcpt(s).code == 250


def test_unknown_recipients(lab):
	w = server(lab, limits={"network_unknown_per_hour": 3, "tarpit_after": 100})
	with Session(w.ip, source=lab.net.host(2)) as s:
		s.ehlo()
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		for n in range(3):
			s.cmd(f"RCPT TO:<nobody{n}@example.com>", 550)
		busy(s.cmd("RCPT TO:<nobody4@example.com>"), "unknown")
		assert s.closed(2)
	with Session(w.ip, source=lab.net.host(2)) as s:
		s.ehlo()
		assert rcpt(s).code == 250, "honest mail from there still flows"
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		busy(s.cmd("RCPT TO:<nobody5@example.com>"))
	e = w.wait_event("refuse", client=lab.net.host(2), to="nobody4@example.com")
	assert e["reply"].startswith("421")


def test_errors(lab):
	w = server(lab, limits={"network_errors_per_hour": 6, "errors": 4})
	with Session(w.ip, source=lab.net.host(2)) as s:
		for _ in range(3):
			assert s.cmd("BOGUS").code == 500
		assert s.cmd("BOGUS").code == 500
		busy(s.reply(), "errors")
		assert s.closed(2)
	with Session(w.ip, source=lab.net.host(2)) as s:
		for _ in range(2):
			s.cmd("BOGUS", 500)
		s.send("BOGUS\r\n")
		assert s.reply().code in (500, 421)
	with Session(w.ip, source=lab.net.host(2)) as s:
		busy(s.banner, "errors")
	with Session(w.ip, source=lab.net.host(3)) as s:
		assert s.banner.code == 220


def test_a_good_message_forgives_errors(lab):
	inbox, w = lab.mailbox(), server(lab, limits={"errors": 3})
	with Session(w.ip, source=lab.net.host(2)) as s:
		s.ehlo()
		for _ in range(3):
			for _ in range(2):
				s.cmd("BOGUS", 500)
			s.mail("sam@sender.test", "alice@example.com", message.make())
	inbox.wait(3)


def test_ipv6_is_counted_by_its_64(lab):
	w = server(lab, limits={"clients_per_network": 2}, listen={"proxy_protocol": [lab.net.host(7)]})

	def connect(client):
		return screen.Proxied(w.ip, screen.proxy2(client), source=lab.net.host(7))
	held = [connect(f"2001:db8:1:2::{n}") for n in range(2)]
	busy(connect("2001:db8:1:2:ffff::9").banner)
	assert connect("2001:db8:1:3::1").banner.code == 220
	assert all(s.banner.code == 220 for s in held)


def test_who_is_permitted_knows_no_limits(lab):
	me = lab.net.host(2)
	w = server(lab, access={"permit": [me]}, limits={"clients_per_network": 1, "network_connections_per_minute": 1,
		"network_messages_per_hour": 1, "network_recipients_per_hour": 1, "network_unknown_per_hour": 1, "tarpit_after": 0})
	for _ in range(3):
		with Session(w.ip, source=me) as s:
			s.ehlo()
			assert [rcpt(s).code, rcpt(s).code] == [250, 250]
			start = time.monotonic()
			assert [rcpt(s, "nobody@example.com").code for _ in range(2)] == [550, 550]
			assert time.monotonic() - start < 0.9


# -- the tarpit

def test_a_harvester_waits_longer_and_longer(lab):
	w = server(lab, limits={"tarpit_after": 2})
	took = []
	with Session(w.ip, source=lab.net.host(2)) as s, Session(w.ip, source=lab.net.host(3)) as other:
		s.ehlo()
		other.ehlo()
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		for n in range(4):
			start = time.monotonic()
			s.send(f"RCPT TO:<nobody{n}@example.com>\r\n")
			if n == 3:
				wait_for(lambda: status(w)["screen_tarpitted"] == 1, what="a session that is held back")
				before = time.monotonic()
				assert rcpt(other).code == 250 and time.monotonic() - before < 0.9, "another client must not wait"
			assert s.reply().code == 550
			took.append(time.monotonic() - start)
		before = time.monotonic()
		s.cmd("RCPT TO:<alice@example.com>", 250)
		assert time.monotonic() - before < 0.9, "a recipient that exists is answered at once"
	assert max(took[:2]) < 0.9 < took[2] < 1.9 < took[3], took
	assert status(w)["screen_tarpitted"] == 0


def test_the_tarpit_has_room_for_so_many(lab):
	w = server(lab, limits={"tarpit_after": 0, "tarpitted": 1})
	with Session(w.ip, source=lab.net.host(2)) as held, Session(w.ip, source=lab.net.host(3)) as s:
		held.ehlo()
		held.cmd("MAIL FROM:<sam@sender.test>", 250)
		for n in range(2):
			held.send(f"RCPT TO:<nobody{n}@example.com>\r\n")
		wait_for(lambda: status(w)["screen_tarpitted"] == 1, what="one that is held back")
		s.ehlo()
		start = time.monotonic()
		assert rcpt(s, "nobody@example.com").code == 550
		assert time.monotonic() - start < 0.9


def held_back(w, source):
	s = Session(w.ip, source=source)
	s.ehlo()
	s.cmd("MAIL FROM:<sam@sender.test>", 250)
	s.send("RCPT TO:<nobody@example.com>\r\n")
	return s


def test_hanging_up_in_the_tarpit(lab):
	w = server(lab, limits={"tarpit_after": 0})
	for n in range(20):
		held_back(w, lab.net.host(20 + n)).close()
	wait_for(lambda: status(w)["sessions"] == 0 and status(w)["screen_tarpitted"] == 0, what="all to be gone")


def test_a_stop_does_not_wait_for_the_tarpit(lab):
	w = server(lab, limits={"tarpit_after": 0})
	held = [held_back(w, lab.net.host(20 + n)) for n in range(3)]
	wait_for(lambda: status(w)["screen_tarpitted"] == 3, what="three in the tarpit")
	start = time.monotonic()
	w.stop()
	assert time.monotonic() - start < 5
	for s in held:
		s.close()


# -- many who wait

async def crowd(w, lab, n, seconds):
	"""n clients that are silent, from 200 addresses; the seconds that each waited for its 220."""
	async def one(i):
		begin = time.monotonic()
		reader, writer = await asyncio.open_connection(w.ip, SMTP, local_addr=(lab.net.host(20 + i % 200), 0))
		line = b""
		while not line.startswith(b"220 "):
			line = await asyncio.wait_for(reader.readline(), 30)
			assert line.startswith(b"220"), line
		waited = time.monotonic() - begin
		writer.write(b"QUIT\r\n")
		await reader.read()
		writer.close()
		return waited
	return await asyncio.gather(*(one(i) for i in range(n)))


def test_500_clients_wait_and_the_loop_stays_quick(lab, record_property, capsys):
	"""Measured by waypost itself; the aim is 5 ms, and the limit here leaves room for a busy machine."""
	assert RELEASE, "WAYPOST_RELEASE names the build without sanitizers; tests/run sets it"
	zones = ["bad.test", "worse.test", "white.test"]
	lab.dns("".join(screen.dnsbl(z) for z in zones) + 'sender.test. TXT "v=spf1 mx -all"\n')
	inbox = lab.mailbox()
	w = lab.waypost(binary=RELEASE, **screen.config(["bad.test*3", "worse.test*2", "white.test*-3"], postscreen={"greet_wait": "2s"},
		limits={"clients": 1000, "clients_per_network": 50}, access={"permit": [lab.net.host(8)]}))
	screen.wait_lists(w, bad_test="good", worse_test="good", white_test="good")
	before = status(w)["longest_loop_stall_us"]

	async def run():
		task = asyncio.create_task(crowd(w, lab, WAITING, 2))
		answers, most = [], 0
		while not task.done():
			await asyncio.sleep(0.1)
			most = max(most, (await asyncio.to_thread(status, w))["screen_waiting"])
			begin = time.monotonic()
			await asyncio.to_thread(one_message)
			answers.append(time.monotonic() - begin)
		return await task, most, answers

	def one_message():
		with Session(w.ip, source=lab.net.host(8)) as s:
			s.ehlo()
			s.mail("sam@sender.test", "alice@example.com", message.make())
	waited, most, answers = asyncio.run(run())
	stall = status(w)["longest_loop_stall_us"]
	with capsys.disabled():
		print(f"\n{most} clients in the greet wait at once: longest loop stall {stall / 1000:.1f} ms (at start {before / 1000:.1f} ms); "
			f"a known client's message meanwhile {1000 * statistics.median(answers):.0f} ms")
	record_property("longest_loop_stall_us", stall)
	assert most >= WAITING * 0.9, f"only {most} waited at once"
	assert min(waited) > 1.9 and max(waited) < 8, (min(waited), max(waited))
	assert len(inbox.mails) == len(answers)
	assert stall < 50_000, f"the loop stood still for {stall} us"


@pytest.mark.parametrize("n", [30])
def test_all_places_taken(lab, n):
	w = server(lab, limits={"clients": 10, "clients_per_network": 50})
	held = [Session(w.ip, source=lab.net.host(20 + i)) for i in range(10)]
	for i in range(n):
		with Session(w.ip, source=lab.net.host(60 + i)) as s:
			busy(s.banner)
	assert all(s.cmd("NOOP").code == 250 for s in held)
