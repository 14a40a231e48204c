"""Who passed is remembered: across a restart, by network, for a time; and an operator can see and change it."""
import re
import time

import pytest

from lab import message, screen
from lab.client import Session
from lab.net import wait_for
from lab.screen import GREET, Talk, status

MANY = 200


def server(lab, sites=(), **over):
	return lab.waypost(**screen.config(sites, **over))


def waits(w, source, **more):
	start = time.monotonic()
	with Session(w.ip, source=source, **more) as s:
		assert s.banner.code == 220
	return time.monotonic() - start > GREET * 0.8


def send_one(w, source):
	with Session(w.ip, source=source) as s:
		s.ehlo()
		s.mail("sam@sender.test", "alice@example.com", message.make())
		s.cmd("QUIT", 221)


def known(w):
	"""{network: words} of screen list."""
	lines = w.cli("screen", "list", expect=0).text.strip().split("\n")
	assert re.fullmatch(r"\d+ client networks?", lines[-1]) and int(lines[-1].split()[0]) == len(lines) - 1, lines
	return {line.split()[0]: line.split("  ")[-1] for line in lines[:-1]}


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restart_forgets_nobody(lab, how):
	lab.mailbox()
	w = server(lab)
	for n in (2, 3):
		assert waits(w, lab.net.host(n))
	send_one(w, lab.net.host(2))
	w.cli("screen", "allow", lab.net.host(4), expect=0)
	if how == "kill":
		# what an operator said is written soon; what clients earned within minutes
		wait_for(lambda: (w.spool / "state/screen-cache").exists() and lab.net.host(4) in (w.spool / "state/screen-cache").read_text(),
			15, "the cache to be written")
		w.kill()
		w.start()
	else:
		w.restart()
	for n in (2, 3, 4):
		assert not waits(w, lab.net.host(n)), n
	assert waits(w, lab.net.host(5))
	assert "pipelining" in w.cli("screen", "list").text


def test_a_damaged_cache_is_no_reason_not_to_start(lab):
	w = server(lab)
	assert waits(w, lab.net.host(2))
	w.stop()
	path = w.spool / "state/screen-cache"
	whole = path.read_bytes()
	for damage in (b"", whole[:-5], b"\0" * 5000, whole + b"x" * 100_000 + b"\n", b"\xff\xfe" + whole):
		path.write_bytes(damage)
		w.start()
		assert waits(w, lab.net.host(3))
		w.stop()
	path.unlink()
	path.mkdir()
	w.start()
	assert waits(w, lab.net.host(2))
	w.stop()


def test_entries_expire_each_for_itself(lab):
	me = lab.net.host(2)
	w = server(lab, postscreen={"greet_ttl": "1s", "pipelining_ttl": "1h"})
	lab.mailbox()
	send_one(w, me)
	assert not waits(w, me)
	time.sleep(1.1)
	assert "greet" not in known(w)[me] and "pipelining" in known(w)[me]
	assert waits(w, me)


def test_a_client_that_fails_later_is_a_stranger_again(lab):
	me = lab.net.host(2)
	w = server(lab)
	assert waits(w, me) and not waits(w, me)
	with Session(w.ip, source=me) as s:
		s.send("HELO client.test\r\nMAIL FROM:<sam@sender.test>\r\n")
		assert [s.reply().code for _ in range(2)] == [250, 250]
	w.wait_event("screen", test="pipelining")
	assert me not in known(w)
	assert waits(w, me)


def test_the_cache_is_bounded(lab):
	"""The one not seen for longest goes."""
	w = server(lab, postscreen={"cache_size": 100, "greet_wait": "10ms"}, listen={"proxy_protocol": [lab.net.host(7)]},
		limits={"clients_per_network": 1000, "network_connections_per_minute": 10000})

	def visit(n):
		with screen.Proxied(w.ip, screen.proxy1(f"198.51.100.{n}"), source=lab.net.host(7)):
			pass
	for n in range(150):
		visit(n)
	now = known(w)
	assert len(now) == 100 and "198.51.100.149" in now and "198.51.100.0" not in now
	assert status(w)["screen_cache"] == 100
	w.restart()
	assert len(known(w)) == 100


def test_ipv6_is_remembered_by_its_network(lab):
	proxy = lab.net.host(7)
	w = server(lab, listen={"proxy_protocol": [proxy]})

	def wait_of(client):
		start = time.monotonic()
		with screen.Proxied(w.ip, screen.proxy2(client), source=proxy):
			return time.monotonic() - start > GREET * 0.8
	assert wait_of("2001:db8:1:2::3")
	assert not wait_of("2001:db8:1:2:ffff::4"), "the same /64"
	assert wait_of("2001:db8:1:3::3")
	assert set(known(w)) == {"2001:db8:1:2::/64", "2001:db8:1:3::/64"}


# -- the operator

def test_show_says_what_is_known(lab):
	me, listed = lab.net.host(2), lab.net.host(3)
	lab.dns(screen.dnsbl("bad.test", {listed: ("127.0.0.2", "https://bad.test/")}))
	w = server(lab, ["bad.test*3"], access={"deny": [lab.net.host(4)]})
	lab.mailbox()
	screen.wait_lists(w, bad_test="good")
	send_one(w, me)
	out = w.cli("screen", "show", me, expect=0).text
	assert me in out and "waited for the greeting" in out and "ends lines with CR LF" in out and "do not refuse it" in out, out
	out = w.cli("screen", "show", listed, expect=0).text
	assert "refuse it" in out and "bad.test" in out and "https://bad.test/" in out and "nothing that is remembered" in out, out
	assert "access.deny" in w.cli("screen", "show", lab.net.host(4), expect=0).text


def test_allow_goes_before_lists_and_tests(lab):
	me = lab.net.host(2)
	lab.dns(screen.dnsbl("bad.test", {me: ("127.0.0.2", "")}))
	w = server(lab, ["bad.test*3"])
	screen.wait_lists(w, bad_test="good")
	assert Talk(w, me).last.code == 550
	w.cli("screen", "allow", me, "1", expect=0)
	assert not waits(w, me) and Talk(w, me).last.code == 250
	assert "allowed" in known(w)[me]
	assert "by an operator" in w.cli("screen", "show", me).text
	with Session(w.ip, source=me) as s:
		s.send("HELO client.test\r\nGET / HTTP/1.0\r\n")
		assert [s.reply().code for _ in range(2)] == [250, 500]
	w.cli("screen", "forget", me, expect=0)
	assert me not in known(w) and Talk(w, me).last.code == 550
	w.wait_event("screen-allow", client=me)
	w.wait_event("screen-forget", client=me)


def test_forget_makes_a_stranger(lab):
	me = lab.net.host(2)
	w = server(lab)
	assert waits(w, me) and not waits(w, me)
	w.cli("screen", "forget", me, expect=0)
	assert waits(w, me)
	assert "not remembered" in w.cli("screen", "forget", lab.net.host(9), expect=1).err


@pytest.mark.parametrize("words, status_", [((), 2), (("show",), 2), (("show", "x"), 2), (("allow", "192.0.2.1", "x"), 2), (("eat", "192.0.2.1"), 2),
	(("allow", "192.0.2.1", "0"), 1), (("allow", "192.0.2.1", "99999"), 1), (("list", "x"), 2), (("--help",), 0)])
def test_wrong_usage(shared, words, status_):
	w = shared.servers[0] if shared.servers else shared.waypost(**screen.config())
	done = w.cli("screen", *words)
	assert done.returncode == status_ and done.out, (done.returncode, done.out)


def test_without_a_running_server_it_says_so(lab):
	w = lab.waypost(start=False, **screen.config())
	done = w.cli("screen", "list")
	assert done.returncode == 69 and "running" in done.err, (done.returncode, done.out)


def test_many_are_listed_in_pages(lab):
	w = server(lab, postscreen={"greet_wait": "10ms"}, listen={"proxy_protocol": [lab.net.host(7)]})
	for n in range(MANY):
		w_ip = f"203.0.{n // 100}.{n % 100}"
		with screen.Proxied(w.ip, screen.proxy1(w_ip), source=lab.net.host(7)):
			pass
	assert len(known(w)) == MANY
