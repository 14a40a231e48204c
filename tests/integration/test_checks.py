"""SPF, DKIM and DMARC from end to end: what stands on top of the message at the provider, and what is below it."""
import random
import re
import time

import dkim
import pytest

from lab import message, results, screen
from lab.client import Session
from lab.net import wait_for
from lab.screen import status
from lab.signer import Key

ZONE = """\
good.test. TXT "v=spf1 ip4:{2} -all"
_dmarc.good.test. TXT "v=DMARC1; p=reject"
sub.good.test. TXT "v=spf1 ip4:{2} -all"
soft.test. TXT "v=spf1 ~all"
neutral.test. TXT "v=spf1 ?all"
wrong.test. TXT "v=spf1 include:"
explained.test. TXT "v=spf1 -all exp=why.explained.test"
why.explained.test. TXT "ask %{{r}} about %{{i}}"
strict.test. TXT "v=spf1 ip4:{2} -all"
_dmarc.strict.test. TXT "v=DMARC1; p=quarantine; aspf=s; adkim=s"
sub.strict.test. TXT "v=spf1 ip4:{2} -all"
helo.test. TXT "v=spf1 ip4:{2} -all"
_dmarc.loose.test. TXT "v=DMARC1; p=none"
friend.test. TXT "v=spf1 ip4:{2} -all"
""".replace("{{", "{").replace("}}", "}")


class Place:
	"""One server for the whole file, with all keys and records."""

	def __init__(self, lab):
		self.lab = lab
		self.keys = {"good": Key(lab.dir, "good.test"), "ed": Key(lab.dir, "good.test", "ed", "ed25519"),
			"sub": Key(lab.dir, "sub.good.test"), "small": Key(lab.dir, "good.test", "small", 512), "medium": Key(lab.dir, "good.test", "medium", 1024),
			"none": Key(lab.dir, "good.test", "gone"), "broken": Key(lab.dir, "broken.test"), "other": Key(lab.dir, "other.test"),
			"strictsub": Key(lab.dir, "sub.strict.test"), "revoked": Key(lab.dir, "good.test", "revoked"), "testing": Key(lab.dir, "other.test", "t")}
		zone = ZONE + "".join(self.keys[k].record() for k in ("good", "ed", "sub", "small", "medium", "other", "strictsub"))
		zone += self.keys["testing"].record("t=y; ") + 'revoked._domainkey.good.test. TXT "v=DKIM1; p="\n'
		self.zone = lab.dns(zone)
		self.box = lab.mailbox()
		self.w = lab.waypost(**screen.config(postscreen={"greet_wait": 0}, limits={"network_connections_per_minute": 10000}))
		self.good, self.bad = lab.net.host(2), lab.net.host(3)

	def deliver(self, content, sender="sam@good.test", source=None, helo="client.test", w=None, options=""):
		before = len(self.box.mails)
		with Session((w or self.w).ip, source=source or self.bad) as s:
			s.ehlo(helo)
			s.mail(sender, "alice@example.com", content, options)
			s.cmd("QUIT", 221)
		return self.box.wait(before + 1)[-1].content

	def judge(self, content, *words, **more):
		return results.read(self.deliver(content, *words, **more), content)


@pytest.fixture(scope="module")
def place(shared):
	return Place(shared)


def plain(sender="sam@good.test", **more):
	return message.make(sender, **more)


# -- SPF

SPF = [("sam@good.test", "good", "pass"), ("sam@good.test", "bad", "fail"), ("sam@soft.test", "bad", "softfail"), ("sam@neutral.test", "bad", "neutral"),
	("sam@nothing.test", "bad", "none"), ("sam@wrong.test", "bad", "permerror"), ("sam@spf.broken.test", "bad", "temperror"),
	("sam@explained.test", "bad", "fail")]


@pytest.mark.parametrize("sender, source, result", SPF, ids=[f"{s} {r}" for s, _, r in SPF])
def test_spf(place, sender, source, result):
	content, source = plain(sender), getattr(place, source)
	r = place.judge(content, sender, source)
	assert r.spf == result and r.properties["smtp.mailfrom"] == sender and r.properties["smtp.helo"] == "client.test"
	assert r.received_spf["result"] == result
	assert (r.received_spf["client-ip"], r.received_spf["envelope-from"], r.received_spf["helo"], r.received_spf["identity"],
		r.received_spf["receiver"]) == (source, sender, "client.test", "mailfrom", "mail.example.com")


def test_the_null_sender_is_judged_by_helo(place):
	r = place.judge(plain(), "", place.good, helo="helo.test")
	assert (r.spf, r.helo) == ("", "pass") and r.received_spf["result"] == "pass"
	assert r.received_spf["identity"] == "helo" and r.received_spf["envelope-from"] == ""
	r = place.judge(plain(), "", place.bad, helo="helo.test")
	assert r.helo == "fail"


def test_both_identities_are_asked(place):
	r = place.judge(plain(), "sam@good.test", place.good, helo="explained.test")
	assert (r.spf, r.helo) == ("pass", "fail")


def test_odd_senders_stay_in_their_place(place):
	for sender, options in (('"a;b (c) \\"d\\""@good.test', ""), ("a+b=c_d-e@good.test", ""), ('"x\\\\y"@good.test', ""),
			("jos\u00e9@good.test", " SMTPUTF8"), ("a/b*c!d#e$f%g&h'i@good.test", ""), ("a" * 64 + "@good.test", "")):
		with Session(place.w.ip, source=place.good) as s:
			s.ehlo("[IPv6:2001:db8::1]")
			n = len(place.box.mails)
			content = plain()
			s.mail(sender, "alice@example.com", content, options)
		arrived = place.box.wait(n + 1)[-1].content
		r = results.read(arrived, content)
		assert r.spf == "pass" and r.dmarc == "pass", (sender, r)
		assert all(len(line) <= 78 or b" " not in line.strip() for line in arrived.split(b"\r\n")[:30] if not line.startswith(b"Received:")), sender


# -- DKIM

def variants(k):
	content = plain()
	large = plain(body=message.odd_bytes(1_500_000))
	return {
		"dkimpy": (k["good"].sign(content), [("pass", "good.test")], "pass"),
		"dkimpy simple": (k["good"].sign(content, canonicalize=(b"simple", b"simple")), [("pass", "good.test")], "pass"),
		"dkimpy Ed25519": (k["ed"].sign(content), [("pass", "good.test")], "pass"),
		"dkimpy 1024 bits": (k["medium"].sign(content), [("pass", "good.test")], "pass"),
		"dkimpy, 1.5 MB": (k["good"].sign(large), [("pass", "good.test")], "pass"),
		"Mail::DKIM": (k["good"].sign_perl(content), [("pass", "good.test")], "pass"),
		"Mail::DKIM simple": (k["good"].sign_perl(content, method="simple/simple"), [("pass", "good.test")], "pass"),
		"Mail::DKIM, 1.5 MB": (k["good"].sign_perl(large), [("pass", "good.test")], "pass"),
		"of a subdomain": (k["sub"].sign(content), [("pass", "sub.good.test")], "pass"),
		"of somebody else": (k["other"].sign(content), [("pass", "other.test")], "fail"),
		"one of each": (k["ed"].sign(k["good"].sign(content)), [("pass", "good.test")] * 2, "pass"),
		"good and damaged": (k["good"].sign(k["other"].sign(content).replace(b"bh=", b"bh=AA", 1)), None, "pass"),
		"body changed": (k["good"].sign(content) + b"PS: pay me\r\n", [("fail", "good.test")], "fail"),
		"large body changed": (k["good"].sign(large)[:-3] + b"!\r\n", [("fail", "good.test")], "fail"),
		"subject changed": (k["good"].sign(content).replace(b"Subject: hello", b"Subject: Hello"), [("fail", "good.test")], "fail"),
		"signature changed": (re.sub(rb"([; ]b=)", rb"\1AAAA", k["good"].sign(content), count=1), None, "fail"),
		"no key": (k["none"].sign(content), [("permerror", "good.test")], "fail"),
		"key revoked": (k["revoked"].sign(content), None, "fail"),
		"key can't be looked up": (k["broken"].sign(content), [("temperror", "broken.test")], "fail"),
		"a part of the body": (k["good"].sign(content, length=True) + b"PS: pay me\r\n", [("pass", "good.test")], "fail"),
		"l= for all of the body": (k["good"].sign(content, length=True), [("pass", "good.test")], "pass"),
		"rsa-sha1": (k["good"].sign(content, signature_algorithm=b"rsa-sha1"), [("policy", "good.test")], "fail"),
		"512 bits": (k["small"].sign(content), [("policy", "good.test")], "fail"),
		"none": (content, [("none", "")], "fail"),
	}


def test_signatures(place):
	"""Each as the sender's own server would have it: from an address that its SPF record does not know."""
	for name, (content, signed, dmarc) in variants(place.keys).items():
		r = place.judge(content)
		if signed is None:
			assert any(result != "pass" for result, _ in r.dkim) and r.reasons["dkim"] is not None, (name, r)
		else:
			assert sorted(r.dkim) == sorted(signed), (name, r)
		assert r.dmarc == dmarc, (name, r)
		if not all(result in ("pass", "none") for result, _ in r.dkim) and len(r.dkim) == 1:
			assert r.reasons["dkim"], f"{name}: no reason is given"


def test_more_signatures_than_are_looked_at(place):
	content = plain()
	for _ in range(14):
		content = place.keys["good"].sign(content)
	r = place.judge(content)
	assert len([1 for result, _ in r.dkim if result == "pass"]) == 10 and ("policy", "") in r.dkim, r.dkim
	assert r.dmarc == "pass"


# -- DMARC

DMARC = [
	("aligned by a subdomain", "From: <a@sub.good.test>", "sam@good.test", "good", "pass"),
	("SPF of another domain", "From: <a@good.test>", "sam@helo.test", "good", "fail"),
	("strict, the same", "From: <a@strict.test>", "sam@strict.test", "good", "pass"),
	("strict, a subdomain", "From: <a@strict.test>", "sam@sub.strict.test", "good", "fail"),
	("no policy", "From: <a@nothing.test>", "sam@nothing.test", "bad", "none"),
	("policy none", "From: <a@loose.test>", "sam@loose.test", "bad", "fail"),
	("policy can't be looked up", "From: <a@x.broken.test>", "sam@nothing.test", "bad", "temperror"),
	("two authors of one domain", "From: <a@good.test>, <b@good.test>", "sam@good.test", "good", None),
	("two From fields", "From: <a@good.test>\r\nFrom: <b@good.test>", "sam@good.test", "good", "fail"),
	("a display name that lies", 'From: "a@good.test" <a@nothing.test>', "sam@nothing.test", "bad", "none"),
]


@pytest.mark.parametrize("head, sender, source, result", [d[1:] for d in DMARC], ids=[d[0] for d in DMARC])
def test_dmarc(place, head, sender, source, result):
	content = f"{head}\r\nTo: <alice@example.com>\r\nSubject: x\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\nx\r\n".encode()
	r = place.judge(content, sender, getattr(place, source))
	assert result is None or r.dmarc == result, r
	if result in ("pass", "fail") and "two" not in head and head.count("From:") == 1:
		assert r.properties["header.from"] == re.search(r"@([a-z.]+)>", head)[1]


def test_no_from_at_all(place):
	r = place.judge(b"Subject: x\r\n\r\nx\r\n", "sam@good.test", place.good)
	assert r.dmarc == "fail" and r.reasons["dmarc"]


# -- forged results

FORGED = [b"Authentication-Results: mail.example.com; spf=pass smtp.mailfrom=x@bank.test; dmarc=pass header.from=bank.test\r\n",
	b"authentication-results:MAIL.Example.COM;\r\n\tdkim=pass\r\n header.d=bank.test\r\n",
	b"Authentication-Results: (x) \"mail.example.com\" 1; none\r\n"]
OTHERS = [b"Authentication-Results: mx.sender.test; spf=pass\r\n", b"Authentication-Results: xmail.example.com; dkim=pass\r\n",
	b"X-Authentication-Results: mail.example.com; dkim=pass\r\n", b"ARC-Authentication-Results: i=1; mail.example.com; spf=pass\r\n"]


@pytest.mark.parametrize("size", [100, 1_500_000])
def test_forged_results_are_dropped_and_nothing_else(place, size):
	body = message.odd_bytes(size)
	rest = plain(body=body)
	head = FORGED[0] + OTHERS[0] + FORGED[1] + OTHERS[1] + OTHERS[2] + FORGED[2] + OTHERS[3]
	arrived = place.deliver(head + rest)
	kept = b"".join(OTHERS) + rest
	r = results.read(arrived, kept)
	assert r.spf == "fail" and r.dmarc == "fail"
	assert b"bank.test" not in arrived.split(b"\r\n\r\n")[0]


@pytest.mark.parametrize("size", [250_000, 262_000, 262_144, 265_000, 330_000, 1_100_000])
def test_forged_results_in_a_long_header_and_around_what_is_kept_in_memory(place, size):
	"""What is behind the header moves up, wherever it is kept."""
	long = b"".join(b"X-Long-%d: %s\r\n" % (n, b"y" * 900) for n in range(200))
	head = FORGED[0] * 300 + long + FORGED[1] + OTHERS[0] + FORGED[2]
	rest = plain(body=message.odd_bytes(size - len(long)))
	r = results.read(place.deliver(head + rest), long + OTHERS[0] + rest)
	assert r.spf == "fail"


@pytest.mark.parametrize("size", [100, 1_500_000])
@pytest.mark.parametrize("signer", ["sign", "sign_perl"])
def test_a_signature_over_a_forged_field_is_verified_before_that(place, signer, size):
	"""dkimpy's covers the field, and is broken for those behind us; Mail::DKIM's does not, and stays good."""
	rest = plain(body=message.odd_bytes(size))
	unsigned = OTHERS[0] + FORGED[0] + rest
	if signer == "sign":
		content = place.keys["good"].sign(unsigned, headers=[b"from", b"subject", b"authentication-results"])
	else:
		content = place.keys["good"].sign_perl(unsigned)
	field = content[:len(content) - len(unsigned)]
	arrived = place.deliver(content)
	r = results.read(arrived, field + OTHERS[0] + rest)
	assert r.dkim == [("pass", "good.test")] and r.dmarc == "pass"
	assert dkim.verify(field + OTHERS[0] + rest, dnsfunc=place.keys["good"].lookup) == (signer == "sign_perl")
	place.w.wait_event("forged-results")


def test_a_signature_that_is_not_valid_keeps_no_results_off(place):
	"""It names our fields in h= once more than there are, as an honest one does that wants none added."""
	junk = b"DKIM-Signature: v=1; a=rsa-sha256; d=good.test; s=nosuch;\r\n\th=from:authentication-results:received-spf; bh=AAAA; b=AAAA\r\n"
	r = place.judge(junk + plain(), "sam@good.test", place.bad)
	assert r.spf == "fail" and r.dmarc == "fail" and r.received_spf["result"] == "fail"


def test_the_longest_results_are_there(place):
	"""All that a client chooses at its longest: HELO, sender, and ten signatures."""
	domain = ".".join(["d" * 60] * 4)
	sign = "DKIM-Signature: v=1; a=ed25519-sha256; d=%s; s=%s;\r\n\th=from; l=0; bh=AAAA; b=////////\r\n" % (domain, ".".join(["s" * 60] * 4))
	content = sign.encode() * 12 + plain(f"x@{domain}")
	r = place.judge(content, '"%s"@%s' % ('\\"' * 110, domain), place.bad, helo="h" * 240)
	assert len(r.dkim) == 11 and r.dmarc == "none"


def test_a_field_that_a_valid_signature_oversigns_is_not_added(place):
	"""Else we would break it (promise 2); but who oversigns with a signature that is none can't keep our results off."""
	content = place.keys["good"].sign(plain(), headers=[b"from", b"subject", b"authentication-results"])
	arrived = place.deliver(content)
	top = message.split_top(arrived, content)
	assert top["Authentication-Results"] is None and top["Received-SPF"].startswith("fail")
	assert dkim.verify(arrived, dnsfunc=place.keys["good"].lookup)
	junk = (b"DKIM-Signature: v=1; a=rsa-sha256; d=evil.test; s=x; h=from:authentication-results:received-spf; bh=AAAA; b=AAAA\r\n"
		+ plain())
	assert place.judge(junk).spf == "fail"
	broken = content.replace(b"Subject: hello", b"Subject: Hello")
	assert place.judge(broken).dkim == [("fail", "good.test")]


@pytest.mark.parametrize("size", [10, 70_000, 300_000, 1_200_000, 3_000_000])
def test_content_stays_as_it_was(place, size):
	r = random.Random(size)
	body = message.odd_bytes(size, seed=size)
	content = plain(fields=f"X-Odd:   a\t b \r\n\tc  \r\nx-nothing:\r\nReceived-SPF: pass (somebody else's)\r\nX-R: {r.random()}\r\n", body=body)
	assert place.judge(content, source=place.good).dmarc == "pass"


def test_submitted_mail_has_no_results_and_says_nothing_of_where_it_came_from(place):
	n = len(place.box.mails)
	with place.w.submission() as s:
		s.mail("alice@example.com", "dest@far.test", message.make("alice@example.com"))
	arrived = place.box.wait(n + 1)[-1].content.split(b"\r\n\r\n")[0]
	assert b"Authentication-Results" not in arrived and b"Received-SPF" not in arrived


# -- what becomes of it

def server(lab, place_keys="", **check):
	"""With records like those above and these options."""
	lab.dns(ZONE + place_keys)
	box = lab.mailbox()
	over = {"check": check} if check else {}
	return box, lab.waypost(**screen.config(postscreen={"greet_wait": 0}, **over))


def answer(w, source, sender="sam@good.test", from_=None, to="alice@example.com", content=None, helo="client.test"):
	"""The first reply that is no 2xx, else the one to the content."""
	with Session(w.ip, source=source) as s:
		s.ehlo(helo)
		for line in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>"):
			reply = s.cmd(line)
			if reply.code >= 400:
				return reply
		return s.data(content or plain(from_ or sender), expect=None)


def test_mark_is_the_default(lab):
	box, w = server(lab)
	assert answer(w, lab.net.host(3)).code == 250
	r = results.read(box.one().content)
	assert (r.spf, r.dmarc) == ("fail", "fail")


def test_spf_fail_refuse(lab):
	box, w = server(lab, spf_fail="refuse")
	reply = answer(w, lab.net.host(3))
	assert (reply.code, reply.status) == (550, "5.7.26") and "good.test" in reply.text, reply
	assert "ask" in answer(w, lab.net.host(3), "sam@explained.test").text, "the domain's own words"
	for sender in ("sam@soft.test", "sam@neutral.test", "sam@wrong.test", "sam@spf.broken.test", "sam@nothing.test"):
		assert answer(w, lab.net.host(3), sender).code == 250, sender
	assert answer(w, lab.net.host(2)).code == 250
	assert answer(w, lab.net.host(3), to="postmaster@example.com").code == 250, "postmaster is to be reached"
	e = w.wait_event("refuse", **{"from": "sam@good.test"})
	assert "5.7.2" in e["reply"] and e["from"] == "sam@good.test" and e["to"] == "alice@example.com"
	box.wait(7)


def test_a_long_explanation_is_told_in_lines_of_512_bytes(lab):
	words = " ".join(f"word{i}" for i in range(70))
	lab.dns(f'long.test. TXT "v=spf1 -all exp=why.long.test"\nwhy.long.test. TXT "{words[:240]}" "{words[240:]}"\n')
	w = lab.waypost(**screen.config(postscreen={"greet_wait": 0}, check={"spf_fail": "refuse"}))
	with Session(w.ip, source=lab.net.host(3)) as s:
		s.ehlo()
		s.cmd("MAIL FROM:<sam@long.test>", 250)
		s.send(b"RCPT TO:<alice@example.com>\r\n")
		lines = [s.line()]
		while lines[-1][3:4] == b"-":
			lines.append(s.line())
		assert len(lines) == 2 and all(len(line) <= 510 for line in lines)
		assert lines[0].startswith(b"550-5.7.") and lines[1].startswith(b"550 5.7.")
		assert words.encode() in b" ".join(line[len("550 5.7.26 "):] for line in lines)
		s.cmd("QUIT", 221)


def test_dmarc_reject_refuse(lab):
	key = Key(lab.dir, "good.test")
	box, w = server(lab, key.record(), dmarc_reject="refuse")
	bad = lab.net.host(3)
	reply = answer(w, bad)
	assert (reply.code, reply.status) == (550, "5.7.26") and "good.test" in reply.text, reply
	assert answer(w, bad, content=key.sign(plain())).code == 250
	assert answer(w, lab.net.host(2)).code == 250
	for from_ in ("a@strict.test", "a@loose.test", "a@nothing.test", "a@x.broken.test"):
		assert answer(w, bad, "sam@nothing.test", from_).code == 250, from_
	assert answer(w, bad, to="postmaster@example.com").code == 250
	w.wait_event("refuse", client=bad)
	box.wait(7)


@pytest.mark.parametrize("check", [{"spf_fail": "refuse"}, {"dmarc_reject": "refuse"}, {"spf_fail": "refuse", "dmarc_reject": "refuse"}])
def test_a_dead_dns_refuses_nobody(lab, check):
	box, w = server(lab, **check)
	lab.zones[-1].stop()
	assert answer(w, lab.net.host(3)).code == 250
	r = results.read(box.one().content)
	assert (r.spf, r.dmarc) == ("temperror", "temperror")


def test_trusted_forwarders(lab):
	"""By network, by SPF and by DKIM: none of their mail is refused by these checks."""
	key = Key(lab.dir, "list.test")
	box, w = server(lab, key.record(), spf_fail="refuse", dmarc_reject="refuse",
		trusted_forwarders=[lab.net.host(5), "friend.test", "list.test"])
	forged = plain("a@good.test")
	assert answer(w, lab.net.host(3), content=forged).code == 550
	assert answer(w, lab.net.host(5), content=forged).code == 250, "by network"
	assert answer(w, lab.net.host(2), "fwd@friend.test", content=forged).code == 250, "by SPF"
	assert answer(w, lab.net.host(3), "fwd@friend.test", content=forged).code == 550, "who only claims it is not trusted"
	assert answer(w, lab.net.host(3), "sam@good.test", content=key.sign(forged)).code == 250, "by DKIM"
	assert answer(w, lab.net.host(3), "sam@good.test", content=key.sign(forged) + b"x").code == 550, "a broken signature proves nothing"
	box.wait(3)


def test_trusted_networks_are_not_screened(lab):
	me = lab.net.host(5)
	lab.dns(screen.dnsbl("bad.test", {me: ("127.0.0.2", "")}))
	w = lab.waypost(**screen.config(["bad.test*9"], check={"trusted_forwarders": [me]}))
	screen.wait_lists(w, bad_test="good")
	start = time.monotonic()
	with Session(w.ip, source=me) as s:
		assert time.monotonic() - start < screen.GREET / 2
		s.ehlo()
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("RCPT TO:<alice@example.com>", 250)


# -- proven

NO = "550 5.1.1 No such user here"


@pytest.mark.parametrize("case", ["nobody", "SPF", "DKIM", "DKIM of another", "bounce"])
def test_only_the_proven_are_told(lab, case):
	"""A delivery that fails later: a DSN goes to whom SPF or DKIM shows to be the sender, and to nobody else."""
	key = Key(lab.dir, "other.test" if case == "DKIM of another" else "good.test")
	lab.dns(ZONE + key.record())
	home, far = lab.mailbox(), lab.scripted(8, rcpt=NO)
	w = lab.waypost(**screen.config(postscreen={"greet_wait": 0}, next_hops={"gmail.test": f"{far.ip}:{far.port}"}))
	content = key.sign(plain()) if "DKIM" in case else plain()
	# a bounce may pass SPF by its HELO, and is yet never bounced
	sender, helo = ("", "helo.test") if case == "bounce" else ("sam@good.test", "client.test")
	with Session(w.ip, source=lab.net.host(2 if case in ("SPF", "bounce") else 3)) as s:
		s.ehlo(helo)
		s.mail(sender, "alice@example.com", content)
	line = w.wait_event("delivery", to="alice@gmail.test")
	if case in ("SPF", "DKIM"):
		mail = home.one()
		assert (mail.sender, mail.rcpts) == ("", ["sam@good.test"]) and b"alice@example.com" in mail.content
		assert b"alice@gmail.test" not in mail.content, "where it went is nobody's business"
	else:
		assert line["status"] == "refused"
		w.wait_empty()
		time.sleep(0.3)
		assert not home.mails, home.mails


def test_a_slow_dns_does_not_hold_up_the_dialogue(lab):
	"""SPF is awaited only where an answer depends on it."""
	lab.dns(ZONE)
	w = lab.waypost(**screen.config(postscreen={"greet_wait": 0}, dns={"timeout": "3s"}))
	lab.zones[-1].stop()
	with Session(w.ip, source=lab.net.host(2)) as s:
		s.ehlo()
		start = time.monotonic()
		s.cmd("MAIL FROM:<sam@good.test>", 250)
		s.cmd("RCPT TO:<alice@example.com>", 250)
		s.cmd("DATA", 354)
		assert time.monotonic() - start < 1
	wait_for(lambda: status(w)["sessions"] == 0, what="the session to end")
