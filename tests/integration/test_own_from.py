"""We do not launder: a forged From of ours gains nothing by passing through us, and a genuine one loses nothing."""
import pytest

from lab import message, results, screen
from lab.client import Session
from lab.judge import Judge
from lab.signer import Key

# We send from {1}; {2} is another server of ours, {3} a stranger's, who does all that he can for his own domain.
ZONE = """\
example.com. TXT "v=spf1 ip4:{1} ip4:{2} -all"
_dmarc.example.com. TXT "v=DMARC1; p=reject"
srs.example.com. TXT "v=spf1 ip4:{1} -all"
mail.example.com. TXT "v=spf1 ip4:{1} -all"
srs.far.test. TXT "v=spf1 ip4:{1} -all"
_dmarc.far.test. TXT "v=DMARC1; p=reject"
evil.test. TXT "v=spf1 ip4:{3} -all"
list.test. TXT "v=spf1 ip4:{4} -all"
"""


class Place:
	def __init__(self, lab, srs="srs.example.com", **check):
		self.lab = lab
		self.key, self.forward_key, self.evil = Key(lab.dir, "example.com"), Key(lab.dir, srs, "fwd"), Key(lab.dir, "evil.test")
		for k in (self.key, self.forward_key):
			k.file.chmod(0o600)
		self.zone = lab.dns(ZONE + self.key.record() + self.forward_key.record() + self.evil.record())
		self.box, self.judge = lab.mailbox(), Judge(lab.net)
		over = {"check": check} if check else {}
		self.w = lab.waypost(**screen.config(postscreen={"greet_wait": 0}, deliver={"bind": [lab.net.waypost]},
			srs={"srs_domain": srs, "dkim": {"selector": "fwd", "key": str(self.forward_key.file)}},
			virtual_domains={"example.com": {"dkim": {"selector": "sel", "key": str(self.key.file)}}}, **over))
		self.ours, self.stranger = lab.net.host(2), lab.net.host(3)

	def offer(self, content, sender="x@evil.test", source=None, helo="mx.evil.test", to="alice@example.com"):
		with Session(self.w.ip, source=source or self.stranger) as s:
			s.ehlo(helo)
			s.cmd(f"MAIL FROM:<{sender}>", 250)
			s.cmd(f"RCPT TO:<{to}>", 250)
			return s.data(content, expect=None)

	def verdict(self, n=1):
		"""The judge's, of the n-th message at the provider."""
		return self.judge(self.box.wait(n)[n - 1], self.lab.net.waypost)


@pytest.fixture
def place(lab):
	return Place(lab)


def mail(head, body="x\r\n"):
	return f"{head}\r\nTo: <alice@example.com>\r\nSubject: x\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\n{body}".encode("latin-1")


FORGED = ["From: <alice@example.com>", "From: Alice <ALICE@EXAMPLE.COM>", "From: alice@example.com", "from:alice@example.com",
	"From: <nobody@example.com>", "From: <a@sub.example.com>", "From: <a@mail.example.com>", "From: <a@srs.example.com>",
	"From: <x@evil.test>, <alice@example.com>", "From: <x@evil.test>\r\nFrom: <alice@example.com>", "From: us: <alice@example.com>;",
	"From: alice@(hi)example.com", "From:\r\n <alice@example.com>", "From: <@evil.test:alice@example.com>", "From: <alice@example.com",
	"From: \"x\" alice@example.com <", "From: <\"a b\"@example.com>", "From: <alice@example.com.>", "From : <alice@example.com>",
	"FROM: =?utf-8?q?Alice?= <alice@example.com>", "From: <al@e.example.com>", "From: alice@example.com, <"]


def test_a_forged_from_of_ours_is_refused(place):
	"""By a stranger whose own SPF and DKIM are without fault, and whatever envelope he takes."""
	for head in FORGED:
		content = place.evil.sign(mail(head), headers=[b"to", b"subject", b"from"]) if head.startswith("From: <") else mail(head)
		for sender in ("x@evil.test", "", "alice@example.com"):
			reply = place.offer(content, sender)
			assert (reply.code, reply.status) == (550, "5.7.26"), (head, sender, reply)
	assert not place.box.mails and not place.w.files()
	e = place.w.wait_event("refuse", to="alice@example.com")
	assert e["reply"].startswith("550 5.7.26") and e["client"] == place.stranger


def test_the_refusal_tells_a_person_what_to_do(place):
	text = place.offer(mail("From: <alice@example.com>")).text
	assert all(word in text for word in ("example.com", "SPF", "DKIM", "587", "mailing lists")), text


NOT_OURS = ["From: <x@evil.test>", 'From: "alice@example.com" <x@evil.test>', "From: <x@notexample.com>", "From: <alice@example.com.evil.test>",
	"From: <x@example.net>", "From: <x@example.org> (alice@example.com)"]


def test_who_only_looks_like_us_is_not_refused_for_it_and_gains_nothing(place):
	for n, head in enumerate(NOT_OURS):
		assert place.offer(mail(head)).code == 250, head
		v = place.verdict(n + 1)
		assert not v.passes, (head, v)
		assert v.spf == ("pass", "srs.example.com") and (True, "srs.example.com") in v.dkim, v


def test_a_genuine_from_by_submission_passes(place):
	place.w.submit(message.make("alice@example.com"))
	v = place.verdict()
	assert v.policy == "reject" and v.aligned == ["spf example.com", "dkim example.com"], v


def test_a_genuine_from_of_another_server_of_ours_passes(place):
	"""On port 25, by SPF alone: accepted; signed by our key: accepted from anywhere, and the signature lives on."""
	assert place.offer(mail("From: <alice@example.com>"), "alice@example.com", place.ours, "www.example.com").code == 250
	r = results.read(place.box.one().content)
	assert (r.spf, r.dmarc) == ("pass", "pass")
	signed = place.key.sign(mail("From: <alice@example.com>"), headers=[b"from", b"to", b"subject", b"date"])
	assert place.offer(signed, "bounces@list.test", place.stranger).code == 250
	r = results.read(place.box.wait(2)[1].content, signed)
	assert (r.spf, r.dmarc) == ("fail", "pass") and r.dkim == [("pass", "example.com")]
	v = place.verdict(2)
	assert v.aligned and ("dkim example.com" in v.aligned), v


def test_a_broken_signature_of_ours_is_no_proof(place):
	signed = place.key.sign(mail("From: <alice@example.com>"), headers=[b"from", b"to", b"subject"])
	assert place.offer(signed.replace(b"\r\n\r\nx", b"\r\n\r\ny")).status == "5.7.26"
	other = place.evil.sign(mail("From: <alice@example.com>"), headers=[b"from", b"to", b"subject"])
	assert place.offer(other).status == "5.7.26", "a good signature of somebody else"


def test_marked_and_not_refused(lab):
	"""own_from: mark, with an SRS domain of another organisation: what is forwarded gains no pass.

	But where our names are of one organisation with From's domain they vouch for it, and for <> it is our HELO that
	does: nobody behind us can know better. This is why refuse is the default.
	"""
	place = Place(lab, srs="srs.far.test", own_from="mark")
	for n, sender in enumerate(("x@evil.test", "alice@example.com")):
		assert place.offer(mail("From: <alice@example.com>"), sender).code == 250
		r = results.read(place.box.wait(n + 1)[n].content)
		assert r.dmarc == "fail", "it has to be marked"
		v = place.verdict(n + 1)
		assert not v.passes and v.policy == "reject", (sender, v)
	assert place.offer(mail("From: <alice@example.com>"), "").code == 250
	assert results.read(place.box.wait(3)[2].content).dmarc == "fail"
	assert place.verdict(3).aligned == ["spf mail.example.com"]


def test_the_organisation_of_the_srs_domain_is_ours_too(lab):
	"""SPF passes for srs.far.test, and by relaxed alignment for From at far.test: nobody else may use that."""
	place = Place(lab, srs="srs.far.test")
	for head in ("From: <ceo@far.test>", "From: <ceo@a.far.test>", "From: <x@srs.far.test>"):
		reply = place.offer(mail(head))
		assert (reply.code, reply.status) == (550, "5.7.26"), (head, reply)
	assert not place.box.mails


def test_our_envelope_senders_are_rewritten_when_they_come_in_unauthenticated(place):
	"""Else the bounce, and SPF's pass, would be ours."""
	for n, sender in enumerate(("alice@example.com", "nobody@example.com", "a@sub.example.com")):
		assert place.offer(mail("From: <x@evil.test>"), sender).code == 250
		got = place.box.wait(n + 1)[n]
		assert got.sender.startswith("SRS0=") and got.sender.endswith("@srs.example.com"), got.sender
		assert not place.verdict(n + 1).passes
	place.w.submit(message.make("alice@example.com"))
	assert place.box.wait(4)[3].sender == "alice@example.com", "our own user is not rewritten"


def test_a_mailing_list_may_be_trusted(lab):
	place = Place(lab, trusted_forwarders=["list.test"])
	content = mail("From: <alice@example.com>\r\nList-Id: <a.list.test>")
	assert place.offer(content, "bounces@list.test", lab.net.host(4), "mx.list.test").code == 250
	assert results.read(place.box.one().content, content).dmarc == "fail"
	assert place.offer(content, "bounces@list.test", place.stranger).status == "5.7.26"


def test_while_dns_is_dead_a_from_of_ours_is_put_off_and_all_else_flows(place):
	place.zone.stop()
	reply = place.offer(mail("From: <alice@example.com>"), "alice@example.com", place.ours)
	assert (reply.code, reply.status) == (451, "4.4.3"), reply
	assert place.offer(mail("From: <x@evil.test>")).code == 250
	place.box.one()


def test_a_reply_from_our_own_user_by_way_of_a_forwarder_of_ours(place):
	"""Mail that we signed ourselves comes back to us by a list that changes nothing: it is genuine."""
	place.w.submit(message.make("alice@example.com"), to="list@list.test")
	signed = place.box.one().content
	assert place.offer(signed, "bounces@list.test", place.lab.net.host(4), "mx.list.test").code == 250
	assert "dkim example.com" in place.verdict(2).aligned
