"""Delivery status notifications (RFC 3461, 3464): to our own users, in a form that programs read, and to nobody else."""
import re
import time

import pytest

from lab import message
from lab.net import wait_for

NO = "550 5.1.1 No such user here"
LATER = "450 4.2.2 Mailbox full"
QUICK = {"min_backoff": "200ms", "max_backoff": "300ms", "host_backoff": "0s"}


def world(lab, rcpt=NO, **over):
	"""(provider that answers so at RCPT for far.test, Alice's own provider, waypost)"""
	far = lab.scripted(8, rcpt=lambda s, line: rcpt if "ok@" not in line else None, extensions=over.pop("extensions",
		["PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE"]))
	home = lab.mailbox()
	over.setdefault("deliver", QUICK)
	w = lab.waypost(next_hops={"far.test": f"{far.ip}:2600"}, **over)
	return far, home, w


def own(**more):
	return message.make(sender="alice@example.com", to="dest@far.test", **more)


def parts(mail):
	"""(human text, per-message fields, [per-recipient fields], the original's part) of a DSN."""
	m = message.parse(mail.content)
	assert m.get_content_type() == "multipart/report" and m.get_param("report-type") == "delivery-status"
	sub = m.get_payload()
	assert len(sub) == 3
	assert sub[0].get_content_type() == "text/plain"
	assert sub[1].get_content_type() in ("message/delivery-status", "message/global-delivery-status")
	blocks = sub[1].get_payload()
	return sub[0].get_content(), blocks[0], [b for b in blocks[1:] if b.keys()], sub[2]


def well_formed(mail):
	assert mail.sender == "" and mail.rcpts == ["alice@gmail.test"]
	m = message.parse(mail.content)
	assert re.search(r"mailer-daemon|postmaster", m["From"], re.I)
	assert "alice@example.com" in m["To"] and m["Date"] and m["Message-ID"] and m["Subject"]
	assert m["Auto-Submitted"].startswith("auto-")
	assert m["MIME-Version"] == "1.0"
	assert m.defects == [], m.defects
	assert b"\n" not in mail.content.replace(b"\r\n", b"")
	assert all(len(line) <= 998 for line in mail.content.split(b"\r\n"))


def test_failure_is_reported_to_our_user(lab):
	far, home, w = world(lab)
	content = own(subject="will fail", body="the body itself\r\n")
	w.submit(content, options=" ENVID=an+2Benvelope")
	mail = home.one()
	well_formed(mail)
	text, about, rcpts, original = parts(mail)
	assert about["Reporting-MTA"] == "dns; mail.example.com"
	assert about["Original-Envelope-Id"] == "an+envelope"
	assert about["Arrival-Date"]
	assert len(rcpts) == 1
	r = rcpts[0]
	assert r["Final-Recipient"].replace(" ", "") == "rfc822;dest@far.test"
	assert r["Action"] == "failed" and r["Status"] == "5.1.1"
	assert r["Diagnostic-Code"].replace(" ", "", 1).startswith("smtp;550 5.1.1 No such user here")
	assert r["Remote-MTA"].startswith("dns;")
	assert "dest@far.test" in text and "No such user here" in text
	assert original.get_content_type() in ("text/rfc822-headers", "message/rfc822")
	assert b"Subject: will fail" in mail.content
	w.wait_empty()
	assert w.events("delivery", status="bounced", to="dest@far.test")
	assert len(home.mails) == 1


@pytest.mark.parametrize("ret,full", [(" RET=FULL", True), (" RET=HDRS", False)])
def test_ret(lab, ret, full):
	far, home, w = world(lab)
	content = own(body="the body itself\r\n")
	w.submit(content, options=ret)
	mail = home.one()
	original = parts(mail)[3]
	assert (b"the body itself" in mail.content) is full
	assert original.get_content_type() == ("message/rfc822" if full else "text/rfc822-headers")


def test_8_bit_original_in_a_report(lab):
	far, home, w = world(lab)
	w.submit(own(body="gr\u00fc\u00dfe\r\n", subject="\u00fcber"), options=" RET=FULL BODY=8BITMIME")
	mail = home.one()
	well_formed(mail)
	assert "gr\u00fc\u00dfe".encode() in mail.content


NOTIFY = [("", True), ("NOTIFY=FAILURE", True), ("NOTIFY=NEVER", False), ("NOTIFY=SUCCESS", False), ("NOTIFY=DELAY", False),
	("NOTIFY=SUCCESS,FAILURE", True), ("NOTIFY=failure,delay", True)]


@pytest.mark.parametrize("notify,told", NOTIFY)
def test_notify(lab, notify, told):
	far, home, w = world(lab)
	with w.submission() as s:
		s.cmd("MAIL FROM:<alice@example.com>", 250)
		s.cmd(f"RCPT TO:<dest@far.test> {notify} ORCPT=rfc822;Some+2BBody@far.test".replace("  ", " "), 250)
		s.data(own())
	wait_for(lambda: [e for e in w.events("delivery") if e["status"] in ("bounced", "refused") and e["to"] == "dest@far.test"],
		what="its end")
	if told:
		r = parts(home.one())[2][0]
		assert r["Original-Recipient"].replace(" ", "") == "rfc822;Some+Body@far.test"
	w.wait_empty()
	time.sleep(0.2)
	assert len(home.mails) == int(told)


@pytest.mark.parametrize("line", ["NOTIFY=", "NOTIFY=NEVER,FAILURE", "NOTIFY=WHAT", "ORCPT=nothing", "ORCPT=rfc822;a+b",
	"NOTIFY=NEVER NOTIFY=NEVER"])
def test_bad_options_are_refused(lab, line):
	far, home, w = world(lab)
	with w.submission() as s:
		for bad in ("RET=SOME", "ENVID=a+b", "ENVID="):
			assert s.cmd(f"MAIL FROM:<alice@example.com> {bad}").code in (501, 555), bad
		s.cmd("MAIL FROM:<alice@example.com>", 250)
		assert s.cmd(f"RCPT TO:<dest@far.test> {line}").code in (501, 555)


def test_success_is_reported_when_asked_for(lab):
	"""The next hop has no DSN, so what we can say is that we relayed it (RFC 3461 section 5.2.2)."""
	far, home, w = world(lab)
	with w.submission() as s:
		s.cmd("MAIL FROM:<alice@example.com>", 250)
		s.cmd("RCPT TO:<ok@far.test> NOTIFY=SUCCESS,FAILURE", 250)
		s.data(own())
	mail = home.one()
	well_formed(mail)
	r = parts(mail)[2][0]
	assert r["Action"] == "relayed" and r["Status"].startswith("2.")
	assert far.mails


def test_dsn_is_handed_on_where_it_is_offered(lab):
	far, home, w = world(lab, extensions=["PIPELINING", "DSN"])
	with w.submission() as s:
		s.cmd("MAIL FROM:<alice@example.com> RET=HDRS ENVID=abc", 250)
		s.cmd("RCPT TO:<ok@far.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;ok@far.test", 250)
		s.data(own())
	mail = far.one()
	assert {"RET=HDRS", "ENVID=abc"} <= set(o.upper().replace("ABC", "abc") for o in mail.mail_options)
	options = " ".join(mail.rcpt_options[0])
	assert "NOTIFY=SUCCESS,FAILURE" in options and "ORCPT=rfc822;ok@far.test" in options
	w.wait_empty()
	time.sleep(0.2)
	assert not home.mails, "the next hop reports"


def test_several_recipients_in_one_report_or_several(lab):
	far, home, w = world(lab)
	w.submit(own(), to=["a@far.test", "ok@far.test", "b@far.test"])
	wait_for(lambda: sum(len(parts(m)[2]) for m in home.mails) == 2, what="two recipients reported")
	w.wait_empty()
	told = sorted(r["Final-Recipient"].split(";")[1].strip() for m in home.mails for r in parts(m)[2])
	assert told == ["a@far.test", "b@far.test"]
	assert far.mails[0].rcpts == ["ok@far.test"]


def test_target_of_a_forward_is_not_shown(lab):
	"""Alice writes to Bob here; his mailbox refuses; she learns of bob@example.com only."""
	far = lab.scripted(8, rcpt="550 5.1.1 <secret-bob@outlook.test> unknown")
	home = lab.mailbox()
	w = lab.waypost(deliver=QUICK, next_hops={"outlook.test": f"{far.ip}:2600"},
		virtual_domains={"example.com": {"accounts": [
			{"name": "alice", "password": "alice-pw", "forward": "alice@gmail.test"},
			{"name": "bob", "password": "bob-pw", "forward": "secret-bob@outlook.test"}]}})
	w.submit(own(), to="bob@example.com")
	mail = home.one()
	well_formed(mail)
	assert b"bob@example.com" in mail.content
	assert b"secret-bob" not in mail.content, mail.content.decode()


@pytest.mark.parametrize("sender", ["sam@sender.test", "", "alice@example.com"])
def test_no_backscatter(lab, sender):
	"""Whoever came in unauthenticated is not told; the log is."""
	far = lab.scripted(8, rcpt=NO)
	home = lab.mailbox()
	w = lab.waypost(deliver=QUICK, next_hops={"gmail.test": f"{far.ip}:2600"})
	w.send(message.make(), sender=sender)
	line = w.wait_event("delivery", status="refused", to="alice@gmail.test")
	assert line["reply"].startswith("550 5.1.1") and line["original"] == "alice@example.com"
	w.wait_empty()
	time.sleep(0.3)
	assert not home.mails and not far.mails


def test_null_sender_of_our_own_user_is_never_answered(lab):
	far, home, w = world(lab)
	w.submit(own(), sender="")
	w.wait_event("delivery", status="refused", to="dest@far.test")
	w.wait_empty()
	assert not home.mails


def test_bounce_that_cannot_be_delivered_ends(lab):
	"""No bounce of a bounce."""
	provider = lab.scripted(rcpt=NO)
	w = lab.waypost(deliver=QUICK)
	w.submit(own())
	wait_for(lambda: len([x for x in provider.lines if x.startswith("RCPT")]) >= 2, what="the bounce's attempt")
	w.wait_empty()
	time.sleep(0.5)
	assert len([x for x in provider.lines if x.startswith("RCPT")]) == 2


def test_delay_notice_to_our_own_user_only(lab):
	far, home, w = world(lab, rcpt=LATER, deliver=dict(QUICK, delay_notice="1s", max_age="1h"))
	w.submit(own(subject="late one"))
	mail = home.one(25)
	well_formed(mail)
	about = parts(mail)[1]
	r = parts(mail)[2][0]
	assert r["Action"] == "delayed" and r["Status"].startswith("4.") and r["Will-Retry-Until"]
	assert about["Reporting-MTA"]
	attempts = len([x for x in far.lines if x.startswith("RCPT")])
	wait_for(lambda: len([x for x in far.lines if x.startswith("RCPT")]) >= attempts + 3, 20, "more attempts")
	assert len(home.mails) == 1, "one notice a message"
	assert len(w.files()) == 1


def test_no_delay_notice_to_strangers(lab):
	far = lab.scripted(8, rcpt=LATER)
	home = lab.mailbox()
	w = lab.waypost(deliver=dict(QUICK, delay_notice="1s"), next_hops={"gmail.test": f"{far.ip}:2600"})
	w.send(message.make())
	wait_for(lambda: len([x for x in far.lines if x.startswith("RCPT")]) >= 4, 20, "some attempts")
	assert not home.mails


def test_report_survives_a_crash(lab):
	far = lab.scripted(8, rcpt=NO)
	home = lab.scripted(9, mail="450 4.3.2 Not now")
	w = lab.waypost(next_hops={"far.test": f"{far.ip}:2600"}, deliver=QUICK)
	w.submit(own())
	w.wait_event("delivery", status="deferred", to="alice@gmail.test")
	w.kill()
	home.on(mail=None)
	w.start()
	w.cli("queue", "retry", expect=0)
	mail = home.one(20)
	assert mail.sender == "" and b"No such user here" in mail.content
	w.wait_empty()
	assert len(home.mails) == 1 and len([x for x in far.lines if x.startswith("RCPT")]) == 1
