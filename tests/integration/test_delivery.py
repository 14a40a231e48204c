"""The attempt: MX in all its cases, fall-over, TLS, relays, and providers that misbehave."""
import time

import pytest

from lab import message
from lab.net import MX, wait_for
from lab.scripted import DROP, HANG, RESET, Scripted, Wait

QUICK = {"min_backoff": "200ms", "max_backoff": "300ms", "host_backoff": "0s"}
SLOW = {"host_backoff": "0s"}              # no second attempt within a test


def mx_waypost(lab, zone, ttl=1, **over):
	"""A waypost that finds its way by MX records only."""
	lab.dns(zone, ttl=ttl)
	over.setdefault("deliver", SLOW)
	return lab.waypost(next_hops=None, **over)


def outcome(w, status, **pairs):
	return w.wait_event("delivery", status=status, **pairs)


def submit(w, to="dest@far.test", content=None, options=""):
	content = content or message.make(sender="alice@example.com", to=to if isinstance(to, str) else to[0])
	w.submit(content, to=to, options=options)
	return content


# -- MX

def test_lowest_preference_first(lab):
	good, other = lab.scripted(11), lab.scripted(12)
	w = mx_waypost(lab, "far.test. MX 20 mx2.far.test.\nfar.test. MX 10 mx1.far.test.\n"
		"mx1.far.test. A {11}\nmx2.far.test. A {12}\n")
	content = submit(w)
	message.split_top(good.one().content, content)
	assert not other.sessions
	line = outcome(w, "sent")
	assert line["relay"] == f"mx1.far.test[{good.ip}]:{MX}" and line["to"] == "dest@far.test"
	assert line["reply"].startswith("250") and float(line["delay"]) >= 0


@pytest.mark.parametrize("fault", ["nobody listens", "banner 4xx", "banner 5xx", "banner drop", "ehlo drop", "mail 4xx",
	"rcpt 4xx", "dot 4xx", "421 at mail", "no address"])
def test_next_host_is_tried(lab, fault):
	script = {"banner 4xx": {"banner": "421 4.3.2 Busy"}, "banner 5xx": {"banner": "554 5.7.1 Go away"},
		"banner drop": {"banner": DROP}, "ehlo drop": {"ehlo": DROP, "helo": DROP}, "mail 4xx": {"mail": "451 4.3.0 Later"},
		"rcpt 4xx": {"rcpt": "450 4.2.1 Greylisted"}, "dot 4xx": {"dot": "451 4.3.0 Disk"},
		"421 at mail": {"mail": "421 4.3.2 Closing"}}.get(fault)
	if script:
		lab.scripted(11, **script)
	good = lab.scripted(12)
	w = mx_waypost(lab, "far.test. MX 10 mx1.far.test.\nfar.test. MX 20 mx2.far.test.\n"
		+ ("" if fault == "no address" else "mx1.far.test. A {11}\n") + "mx2.far.test. A {12}\n", deliver=QUICK)
	content = submit(w)
	if fault in ("rcpt 4xx", "dot 4xx", "mail 4xx"):
		# an answer about this mail may well count: then it is the next attempt's turn to go on, or to ask again
		wait_for(lambda: good.mails or w.events("delivery", status="deferred"), what="an outcome")
		if not good.mails:
			w.wait_queued()
			return
	message.split_top(good.one().content, content)
	w.wait_empty()


def test_all_hosts_down_is_deferred(lab):
	w = mx_waypost(lab, "far.test. MX 10 mx1.far.test.\nmx1.far.test. A {11}\nmx1.far.test. A {12}\n")
	submit(w)
	assert outcome(w, "deferred")["reply"].startswith("4")
	assert len(w.files()) == 1


def test_equal_preferences_are_shared(lab):
	hosts = [lab.scripted(11), lab.scripted(12)]
	w = mx_waypost(lab, "far.test. MX 10 mx1.far.test.\nfar.test. MX 10 mx2.far.test.\n"
		"mx1.far.test. A {11}\nmx2.far.test. A {12}\n", deliver={"messages_per_connection": 1})
	for _ in range(24):
		submit(w)
	w.wait_empty(30)
	assert all(h.mails for h in hosts), [len(h.mails) for h in hosts]
	assert sum(len(h.mails) for h in hosts) == 24


def test_implicit_mx(lab):
	good = lab.scripted(11)
	w = mx_waypost(lab, "far.test. A {11}\n")
	submit(w)
	good.one()


def test_cname_chain(lab):
	good = lab.scripted(11)
	w = mx_waypost(lab, "far.test. CNAME b.test.\nb.test. CNAME c.test.\nc.test. MX 10 mx.c.test.\n"
		"mx.c.test. CNAME real.c.test.\nreal.c.test. A {11}\n")
	submit(w)
	assert good.one().rcpts == ["dest@far.test"], "the recipient keeps the name that was written"


def test_cname_loop_is_no_catastrophe(lab):
	w = mx_waypost(lab, "far.test. CNAME b.test.\nb.test. CNAME far.test.\n")
	submit(w)
	wait_for(lambda: w.events("delivery"), what="an outcome")


def test_null_mx_is_refused_at_once(lab):
	bounces = lab.scripted(9)
	lab.dns("far.test. MX 0 .\nfar.test. A {11}\n")
	w = lab.waypost(next_hops={"gmail.test": f"{bounces.ip}:{MX}", "*": None})
	submit(w)
	line = outcome(w, "bounced", to="dest@far.test")
	assert "5.1.10" in line["reply"] and line["relay"] == "none"
	assert bounces.one().rcpts == ["alice@gmail.test"]


@pytest.mark.parametrize("domain,zone", [("nowhere.test", ""), ("txt-only.test", "txt-only.test. TXT \"x\"\n")])
def test_domain_without_mail_is_refused_for_good(lab, domain, zone):
	bounces = lab.scripted(9)
	lab.dns(zone)
	w = lab.waypost(next_hops={"gmail.test": f"{bounces.ip}:{MX}", "*": None})
	submit(w, "dest@" + domain)
	line = outcome(w, "bounced", to="dest@" + domain)
	assert "5.1.2" in line["reply"] or "5.4.4" in line["reply"]
	bounces.one()


def test_mx_without_addresses_is_not_an_implicit_mx(lab):
	wrong = lab.scripted(11)
	lab.dns("far.test. MX 10 gone.far.test.\nfar.test. A {11}\n")
	w = lab.waypost(next_hops={"gmail.test": f"{lab.net.host(9)}:{MX}", "*": None})
	submit(w)
	wait_for(lambda: w.events("delivery"), what="an outcome")
	assert not wrong.sessions


def test_servfail_is_deferred(lab):
	w = mx_waypost(lab, "")
	submit(w, "dest@a.broken.test")
	assert outcome(w, "deferred", to="dest@a.broken.test")["reply"].startswith("4")


def test_dead_resolver_is_deferred(lab):
	zone = lab.dns("far.test. A {11}\n")
	w = lab.waypost(next_hops=None, deliver=SLOW)
	zone.stop()
	submit(w)
	outcome(w, "deferred")


def test_address_literal(lab):
	good = lab.scripted(11)
	w = mx_waypost(lab, "")
	submit(w, f"dest@[{good.ip}]")
	assert good.one().rcpts == [f"dest@[{good.ip}]"]


def test_mx_that_is_ourselves_is_a_loop(lab):
	ip = lab.net.waypost
	bounces = lab.scripted(9)
	lab.dns("far.test. MX 10 us.far.test.\nus.far.test. A {1}\n"
		"named.test. MX 10 mail.example.com.\nmail.example.com. A {30}\n")
	w = lab.waypost(listen={"smtp": [f"{ip}:2525", f"{ip}:{MX}"]},
		next_hops={"gmail.test": f"{bounces.ip}:{MX}", "*": None})
	for to in ("dest@far.test", "dest@named.test"):
		submit(w, to)
		line = outcome(w, "bounced", to=to)
		assert "5.4.6" in line["reply"], line
	assert [m.rcpts for m in bounces.wait(2)] == [["alice@gmail.test"]] * 2


def test_hosts_at_or_behind_ourselves_are_not_used(lab):
	"""RFC 5321 section 5.1: a backup MX hands only to hosts of lower preference than itself."""
	primary, later = lab.scripted(11), lab.scripted(12)
	w = mx_waypost(lab, "far.test. MX 10 mx1.far.test.\nfar.test. MX 20 mail.example.com.\nfar.test. MX 30 mx3.far.test.\n"
		"mx1.far.test. A {11}\nmail.example.com. A {1}\nmx3.far.test. A {12}\n",
		deliver=dict(SLOW, messages_per_connection=1))
	submit(w)
	primary.one()
	primary.on(banner="421 4.3.2 Busy")
	submit(w, "second@far.test")
	outcome(w, "deferred", to="second@far.test")
	assert not later.sessions


def test_several_addresses_of_a_host(lab):
	good = lab.scripted(12)
	w = mx_waypost(lab, "far.test. MX 10 mx.far.test.\nmx.far.test. A {11}\nmx.far.test. A {12}\nmx.far.test. A {13}\n")
	for _ in range(4):
		submit(w)
	good.wait(4)


def test_ipv6_only_host(lab):
	good = Scripted("::1", MX)
	lab.peers.append(good)
	w = mx_waypost(lab, "far.test. MX 10 mx.far.test.\nmx.far.test. AAAA ::1\n")
	submit(w)
	good.one()
	assert outcome(w, "sent")["relay"] == f"mx.far.test[::1]:{MX}"


def test_ipv6_host_that_is_down_does_not_keep_mail_from_ipv4(lab):
	good = lab.scripted(11)
	w = mx_waypost(lab, "far.test. MX 10 mx.far.test.\nmx.far.test. AAAA ::1\nmx.far.test. A {11}\n")
	submit(w)
	good.one()


def test_next_hops_go_before_relay_and_mx(lab):
	own, relay, star = lab.scripted(21), lab.scripted(22), lab.scripted(23)
	w = lab.waypost(next_hops={"far.test": f"{own.ip}:{MX}", "*": f"{star.ip}:{MX}"}, relay={"host": f"{relay.ip}:{MX}"})
	submit(w, "dest@far.test")
	own.one()
	submit(w, "dest@else.test")
	assert relay.one().rcpts == ["dest@else.test"]
	assert not star.sessions


def test_source_address(lab):
	good = lab.scripted(11)
	peers = []
	good.on(banner=lambda s, line: peers.append(s.sock.getpeername()[0]))
	w = lab.waypost(next_hops={"*": f"{good.ip}:{MX}"}, deliver={"bind": [lab.net.host(44)]})
	submit(w)
	good.one()
	assert peers == [lab.net.host(44)]


# -- TLS on the way out

def test_opportunistic_tls(lab):
	provider, w = lab.scripted(tls=lab.tls()), lab.waypost()
	content = submit(w)
	mail = provider.one()
	assert mail.tls
	message.split_top(mail.content, content)
	assert outcome(w, "sent")["tls"] == "encrypted"
	assert [line.split(" ")[0] for line in provider.sessions[0].lines[:3]] == ["EHLO", "STARTTLS", "EHLO"]


def broken_handshake(session, line):
	session.sock.sendall(b"220 2.0.0 Go ahead\r\n")
	session.sock.recv(1000)
	return b"this is no TLS\r\n"


@pytest.mark.parametrize("fault", ["454 4.7.0 Not now", "554 5.7.0 Never", broken_handshake, DROP],
	ids=["454", "554", "handshake", "drop"])
def test_opportunistic_tls_falls_back(lab, fault):
	provider = lab.scripted(extensions=["STARTTLS", "PIPELINING"], starttls=fault)
	w = lab.waypost(deliver=QUICK)
	submit(w)
	assert not provider.one().tls
	assert outcome(w, "sent")["tls"] == "none"


def test_what_is_said_before_the_handshake_is_not_believed(lab):
	"""Somebody in between answers MAIL and RCPT ahead: RFC 3207 section 6."""
	provider = lab.scripted(extensions=["STARTTLS", "PIPELINING"],
		starttls=[b"220 go\r\n250 2.1.0 OK\r\n250 2.1.5 OK\r\n", None])
	w = lab.waypost(deliver=SLOW)
	submit(w)
	outcome(w, "deferred")
	assert not any(line.startswith("MAIL") for line in provider.lines)


@pytest.mark.parametrize("tls", ["required", "verify"])
@pytest.mark.parametrize("offer", ["nothing", "refused", "handshake"])
def test_required_tls_never_falls_back(lab, tls, offer):
	script = {"nothing": {"extensions": ["PIPELINING"]}, "refused": {"extensions": ["STARTTLS"], "starttls": "454 4.7.0 No"},
		"handshake": {"extensions": ["STARTTLS"], "starttls": broken_handshake}}[offer]
	provider = lab.scripted(**script)
	w = lab.waypost(next_hops={"*": {"host": f"{provider.ip}:{MX}", "tls": tls}}, deliver=SLOW)
	submit(w)
	outcome(w, "deferred")
	assert not any(line.startswith("MAIL") for line in provider.lines)


def test_required_takes_any_certificate_and_verify_does_not(lab):
	provider = lab.scripted(tls=lab.tls())
	w = lab.waypost(next_hops={"far.test": {"host": f"{provider.ip}:{MX}", "tls": "required"},
		"strict.test": {"host": f"{provider.ip}:{MX}", "tls": "verify"}}, deliver=SLOW)
	submit(w, "dest@far.test")
	assert provider.one().tls
	submit(w, "dest@strict.test")
	outcome(w, "deferred", to="dest@strict.test")
	assert len(provider.mails) == 1


def test_tls_none_asks_for_none(lab):
	provider = lab.scripted(tls=lab.tls(), extensions=["STARTTLS"])
	w = lab.waypost(next_hops={"*": {"host": f"{provider.ip}:{MX}", "tls": "none"}})
	submit(w)
	assert not provider.one().tls


# -- relay with AUTH

@pytest.mark.parametrize("offer", ["AUTH PLAIN", "AUTH LOGIN", "AUTH LOGIN PLAIN", "AUTH=PLAIN LOGIN\nAUTH PLAIN LOGIN"])
def test_relay_with_auth(lab, offer):
	provider = lab.scripted(tls=lab.tls(), extensions=offer.split("\n"))
	w = lab.waypost(next_hops=None, relay={"host": f"{provider.ip}:{MX}", "tls": "required", "username": "me@relay.test",
		"password": "gr\u00fcn pass"})
	submit(w)
	mail = provider.one()
	assert mail.login == ("me@relay.test", "gr\u00fcn pass") and mail.tls
	text = w.out.read_text()
	assert "gr\u00fcn pass" not in text


def test_mailbox_with_auth(lab):
	"""The same against aiosmtpd's own AUTH."""
	box = lab.mailbox(tls=lab.tls(), require_tls=True, login=("me@relay.test", "secret"))
	w = lab.waypost(next_hops=None, relay={"host": f"{box.ip}:{MX}", "username": "me@relay.test", "password": "secret"})
	submit(w)
	mail = box.one()
	assert mail.tls and box.tried == [("me@relay.test", "secret")]


def test_password_is_never_sent_in_clear(lab):
	provider = lab.scripted(extensions=["AUTH PLAIN LOGIN"])
	w = lab.waypost(next_hops=None, relay={"host": f"{provider.ip}:{MX}", "username": "me", "password": "secret"},
		deliver=SLOW)
	submit(w)
	outcome(w, "deferred")
	assert not any(line.startswith("AUTH") for line in provider.lines)


@pytest.mark.parametrize("script", [{"auth": "535 5.7.8 Wrong"}, {"extensions": []}, {"extensions": ["AUTH GSSAPI"]}])
def test_relay_that_does_not_let_us_in_is_a_temporary_trouble(lab, script):
	script = dict({"extensions": ["AUTH PLAIN"]}, **script)
	provider = lab.scripted(tls=lab.tls(), **script)
	w = lab.waypost(next_hops=None, relay={"host": f"{provider.ip}:{MX}", "username": "me", "password": "x"}, deliver=SLOW)
	submit(w)
	outcome(w, "deferred")
	assert not provider.mails and len(w.files()) == 1


# -- extensions

def test_pipelining_and_size_and_8bitmime(lab):
	provider, w = lab.scripted(), lab.waypost()
	content = message.make(sender="alice@example.com", body="gr\u00fc\u00dfe\r\n")
	submit(w, content=content, options=" BODY=8BITMIME")
	mail = provider.one()
	options = {o.split("=")[0].upper(): o.partition("=")[2] for o in mail.mail_options}
	assert options["BODY"].upper() == "8BITMIME"
	assert int(options["SIZE"]) == len(mail.content)


def test_without_extensions_only_helo_is_needed(lab):
	provider = lab.scripted(ehlo="502 5.5.1 What?", extensions=[])
	w = lab.waypost()
	content = message.make(sender="alice@example.com", body="gr\u00fc\u00dfe\r\n.\r\n..\r\n")
	submit(w, content=content, options=" BODY=8BITMIME")
	mail = provider.one()
	message.split_top(mail.content, content)
	assert mail.mail_options == []
	assert any(line.startswith("HELO ") for line in provider.lines)


def test_nothing_is_pipelined_to_who_did_not_offer_it(lab):
	early = []

	def watch(session, line):
		time.sleep(0.05)
		session.sock.setblocking(False)
		try:
			early.append(session.sock.recv(1000) + session.buffer)
		except BlockingIOError:
			if session.buffer:
				early.append(session.buffer)
		session.sock.setblocking(True)

	provider = lab.scripted(extensions=["SIZE 1000000"], mail=watch, rcpt=watch, data=watch)
	w = lab.waypost()
	submit(w, ["dest@far.test", "second@far.test"])
	provider.one()
	assert not early


def test_size_limit_of_the_next_hop(lab):
	provider = lab.scripted(extensions=["SIZE 10000"])
	w = lab.waypost()
	submit(w, content=message.make(sender="alice@example.com", body=message.odd_bytes(50_000)))
	line = outcome(w, "bounced", to="dest@far.test")
	assert line["reply"].startswith("552") or "5.3.4" in line["reply"]
	assert provider.one().rcpts == ["alice@gmail.test"], "the bounce is small enough"


def test_smtputf8_is_needed_and_not_there(lab):
	provider = lab.scripted(extensions=["8BITMIME"])
	w = lab.waypost()
	submit(w, "d\u00e4st@far.test", options=" SMTPUTF8")
	line = wait_for(lambda: w.events("delivery", status="bounced"), what="a bounce")[0]
	assert "5.6.7" in line["reply"]
	assert not any("d\u00e4st" in line for line in provider.lines)


def test_connection_is_used_again(lab):
	provider = lab.scripted()
	w = lab.waypost(deliver={"connections_per_lane": 1})
	for i in range(6):
		submit(w, content=message.make(sender="alice@example.com", subject=f"number {i}"))
	provider.wait(6)
	assert len(provider.sessions) == 1, "one connection is enough"
	w.stop()
	assert provider.sessions[0].lines[-1] == "QUIT"


def test_connection_that_died_meanwhile_costs_nothing(lab):
	provider, w = lab.scripted(), lab.waypost(deliver=SLOW)
	submit(w)
	provider.one()
	provider.sessions[0].sock.shutdown(2)
	submit(w)
	provider.wait(2)
	w.wait_empty()
	assert not w.events("delivery", status="deferred")


# -- providers that say no, in all ways

def test_each_recipient_has_an_outcome_of_its_own(lab):
	answers = {"good1@far.test": None, "bad@far.test": "550 5.1.1 No such user", "later@far.test": "450 4.2.2 Full",
		"good2@far.test": None, "odd@far.test": "551 5.7.1 Not local"}
	bounced = lab.scripted(8)
	provider = lab.scripted(rcpt=lambda s, line: answers[line.split("<")[1].split(">")[0]])
	w = lab.waypost(next_hops={"gmail.test": f"{bounced.ip}:{MX}"}, deliver=QUICK)
	content = submit(w, list(answers))
	assert sorted(provider.one().rcpts) == ["good1@far.test", "good2@far.test"]
	for rcpt, status in (("good1@far.test", "sent"), ("bad@far.test", "bounced"), ("later@far.test", "deferred"),
			("good2@far.test", "sent"), ("odd@far.test", "bounced")):
		outcome(w, status, to=rcpt)
	answers["later@far.test"] = None
	later = provider.wait(2)[1]
	assert later.rcpts == ["later@far.test"]
	message.split_top(later.content, content)
	w.wait_empty()
	assert len(provider.mails) == 2


FAULTS = [
	("banner", "421 4.3.2 Busy"), ("banner", "554 5.7.1 No"), ("banner", DROP), ("banner", RESET), ("banner", HANG),
	("banner", b"garbage\r\n"), ("banner", b"\x00\xff\xfe\r\n"), ("banner", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
	("banner", b"220-first\r\n250 other\r\n"), ("banner", b"220 no end"), ("banner", b"220 " + b"x" * 100_000 + b"\r\n"),
	("banner", b"220-more\r\n" * 5000), ("banner", b"2200 x\r\n"), ("banner", b"22\r\n"), ("banner", b"\r\n"),
	("banner", b"220 mx.gmail.test\r\n250 and no end"), ("banner", b"250 odd\r\n-1"),
	("ehlo", DROP), ("ehlo", HANG), ("ehlo", "421 4.3.2 Closing"), ("ehlo", b"250-x\r\n" * 1000),
	("mail", "550 5.7.1 We do not like your address"), ("rcpt", "550 5.7.25 Reverse DNS"), ("mail", DROP), ("mail", RESET), ("mail", HANG), ("mail", "451 4.3.0 Later"), ("mail", "421 4.3.2 Closing"),
	("mail", b"25\r\n"), ("mail", b"999 what\r\n"),
	("rcpt", DROP), ("rcpt", HANG), ("rcpt", "451 4.3.0 Later"), ("rcpt", "421 4.3.2 Closing"), ("rcpt", b"\x80\r\n"),
	("data", DROP), ("data", HANG), ("data", "451 4.3.0 Later"), ("data", "421 4.3.2 Closing"), ("data", "250 2.0.0 odd"),
	("dot", DROP), ("dot", RESET), ("dot", HANG), ("dot", "451 4.3.0 Later"), ("dot", "421 4.3.2 Closing"),
	("dot", b"2xx\r\n"), ("dot", "354 again"),
]


@pytest.mark.parametrize("step,action", FAULTS,
	ids=[f"{s}-{i}" for i, (s, _) in enumerate(FAULTS)])
def test_temporary_fault_is_tried_again_until_it_arrives(lab, step, action):
	provider = lab.scripted(**{step: [action, None], "helo": "502 5.5.1 No" if step == "ehlo" else None})
	w = lab.waypost(deliver=dict(QUICK, command_timeout="500ms", data_timeout="500ms", final_timeout="500ms",
		connect_timeout="500ms"))
	content = submit(w)
	message.split_top(provider.one(25).content, content)
	w.wait_empty()
	assert len(provider.mails) == 1
	assert not w.events("delivery", status="bounced")
	if step == "dot" and action in (DROP, RESET, HANG):
		assert any("duplicate" in str(e) for e in w.log()), "a possible duplicate is to be said"


FINAL = [("rcpt", "550 5.1.1 No such user"), ("rcpt", "553 no enhanced status"),
	("data", "554 5.6.0 No"), ("dot", "550 5.7.1 Spam\nsee https://gmail.test/why\nthank you"), ("dot", "552 5.2.2 Full")]


@pytest.mark.parametrize("step,action", FINAL, ids=[f"{s}-{a[:8]}" for s, a in FINAL])
def test_permanent_refusal_is_told_once(lab, step, action):
	bounces = lab.scripted(8)
	provider = lab.scripted(**{step: action})
	w = lab.waypost(next_hops={"gmail.test": f"{bounces.ip}:{MX}"}, deliver=QUICK)
	submit(w)
	mail = bounces.one()
	assert mail.sender == "" and mail.rcpts == ["alice@gmail.test"]
	assert action.split("\n")[0][4:] in mail.content.decode()
	w.wait_empty()
	assert not provider.mails
	line = outcome(w, "bounced")
	assert line["reply"].startswith(action[:3])
	time.sleep(0.3)
	assert len(bounces.mails) == 1


def test_soft_bounce(lab):
	provider = lab.scripted(rcpt="550 5.1.1 No such user")
	w = lab.waypost(deliver=dict(SLOW, soft_bounce=True))
	submit(w)
	outcome(w, "deferred")
	assert len(w.files()) == 1 and not provider.mails


def test_reply_of_several_lines_is_one_log_line(lab):
	provider, w = lab.scripted(dot="250 2.0.0 Kept\nfor\never"), lab.waypost()
	submit(w)
	provider.one()
	assert "ever" in outcome(w, "sent")["reply"]


def test_slow_provider_holds_nobody_else_up(lab):
	slow = lab.scripted(8, dot=Wait(5))
	quick = lab.scripted(9)
	w = lab.waypost(next_hops={"slow.test": f"{slow.ip}:{MX}"}, deliver={"concurrency": 20})
	for i in range(10):
		submit(w, f"d{i}@slow.test")
	begin = time.monotonic()
	submit(w)
	quick.one()
	assert time.monotonic() - begin < 3


def test_rcpt_of_many_is_split_by_the_next_hops_limit(lab):
	"""452 in the middle of many recipients: the rest follows in another transaction."""
	taken = []

	def at_most_three(session, line):
		taken.append(line)
		return "452 4.5.3 Too many recipients" if len(session.rcpts) >= 3 else None

	provider = lab.scripted(rcpt=at_most_three)
	w = lab.waypost(deliver=QUICK)
	submit(w, [f"d{i}@far.test" for i in range(7)])
	wait_for(lambda: sum(len(m.rcpts) for m in provider.mails) == 7, 25, "all seven")
	w.wait_empty()
	assert sorted(r for m in provider.mails for r in m.rcpts) == [f"d{i}@far.test" for i in range(7)]
