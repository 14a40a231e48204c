"""The owner sends as the address, through 587 and 465."""
import email
import smtplib
import time

import pytest

from lab import message, pki
from lab.net import SUBMISSION, SUBMISSIONS


def own(**more):
	return message.make(sender=more.pop("sender", "alice@example.com"), to="dest@far.test", **more)


@pytest.fixture(scope="module")
def sub(shared):
	shared.box = shared.mailbox()
	shared.w = shared.waypost(limits={"errors": 1000, "auth_failures": 1000}, virtual_domains={"example.org": {"accounts": [
		{"name": "carol", "password": "carol-pw", "forward": "carol@gmail.test", "aliases": ["info"],
			"send_as_aliases": True},
		{"name": "*", "forward": "all@gmail.test"}]}})
	return shared


@pytest.fixture(autouse=True)
def emptied(request):
	if "sub" in request.fixturenames:
		request.getfixturevalue("sub").box.mails.clear()


def arrived(lab, content, sender="alice@example.com", rcpts=("dest@far.test",), extra=()):
	mail = lab.box.one()
	assert mail.sender == sender, "the sender of our own user is not rewritten"
	assert mail.rcpts == list(rcpts)
	return message.split_top(mail.content, content, extra)


# -- clients

@pytest.mark.parametrize("port", [SUBMISSION, SUBMISSIONS])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks(sub, port, mechanism):
	content = own()
	done = sub.w.client.swaks_auth("--auth", mechanism, port=port, to="dest@far.test", content=content)
	assert done.returncode == 0, done.out
	top = arrived(sub, content)
	assert " with ESMTPSA id " in " ".join(top["Received"].split())


def test_curl(sub):
	content = own()
	done = sub.w.client.curl("--ssl-reqd", "--user", "alice@example.com:alice-pw", to="dest@far.test",
		sender="alice@example.com", content=content, port=SUBMISSION)
	assert done.returncode == 0, done.out
	arrived(sub, content)


def test_curl_smtps(sub):
	content = own()
	done = sub.w.client.curl("--user", "alice@example.com:alice-pw", to="dest@far.test",
		sender="alice@example.com", content=content, port=SUBMISSIONS, scheme="smtps")
	assert done.returncode == 0, done.out
	arrived(sub, content)


def test_msmtp(sub):
	content = own()
	done = sub.w.client.msmtp("dest@far.test", content=content.replace(b"\r\n", b"\n"))
	assert done.returncode == 0, done.out
	arrived(sub, content)


def test_smtplib(sub):
	content = own()
	with smtplib.SMTP(sub.w.ip, SUBMISSION, local_hostname="client.test") as c:
		c.starttls(context=pki.client_context())
		c.login("alice@example.com", "alice-pw")
		c.sendmail("alice@example.com", ["dest@far.test", "second@far.test"], content)
	arrived(sub, content, rcpts=("dest@far.test", "second@far.test"))


# -- what is refused

def test_without_auth_nothing_is_taken(sub):
	for port in (SUBMISSION, SUBMISSIONS):
		with sub.w.session(port) as s:
			for rcpt in ("dest@far.test", "alice@example.com"):
				reply = s.cmd("MAIL FROM:<alice@example.com>")
				assert (reply.code, reply.status) == (530, "5.7.0"), str(reply)
				assert s.cmd(f"RCPT TO:<{rcpt}>").code in (503, 530)
	assert not sub.box.mails


FORGED_SENDERS = ["bob@example.com", "al@example.com", "alice@example.org", "alice@far.test", "alice.x@example.com",
	"alicex@example.com", "postmaster@example.com", "alice@sub.example.com", "carol@example.org",
	"SRS0=AAAA=2W=far.test=x@srs.example.com"]


@pytest.mark.parametrize("sender", FORGED_SENDERS)
def test_forged_envelope_sender(sub, sender):
	with sub.w.submission() as s:
		reply = s.cmd(f"MAIL FROM:<{sender}>")
		if reply.code == 250:
			reply = s.cmd("RCPT TO:<dest@far.test>")
		assert (reply.code, reply.status) == (553, "5.7.1"), str(reply)


FORGED_FROM = [
	"From: bob@example.com",
	"From: Alice <al@example.com>",
	"From: ceo@far.test",
	'From: "alice@example.com" <ceo@far.test>',
	"From: alice@example.com, ceo@far.test",
	"From: alice@example.com\r\nFrom: ceo@far.test",
	"From: ceo@far.test\r\nFrom: alice@example.com",
	"From: <alice@example.com> <ceo@far.test>",
	"From: alice@example.com <ceo@far.test>",
	"From: =?utf-8?q?alice=40example.com?= <ceo@far.test>",
	"From: (alice@example.com) ceo@far.test",
	"From: Team: alice@example.com, ceo@far.test;",
	"From:\r\n ceo@far.test",
	"FROM: ceo@far.test",
	"From : ceo@far.test",
	"From: alice@example.com@far.test",
	"From: <@example.com:ceo@far.test>",
]


@pytest.mark.parametrize("field", FORGED_FROM)
def test_forged_from_field(sub, field):
	content = (f"{field}\r\nTo: dest@far.test\r\nSubject: forged\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\n"
		"Message-ID: <1@example.com>\r\n\r\nx\r\n").encode()
	with sub.w.submission() as s:
		reply = s.mail("alice@example.com", "dest@far.test", content, expect=None)
		assert (reply.code, reply.status) in ((553, "5.7.1"), (550, "5.7.1"), (550, "5.6.0"), (554, "5.6.0")), str(reply)
		if field in FORGED_FROM[:4]:
			assert (reply.code, reply.status) == (553, "5.7.1")
	sub.w.wait_empty()
	assert not sub.box.mails


GOOD_FROM = ["From: alice@example.com", "From: Alice <Alice@Example.COM>", "From: \"A, B\" <alice@example.com>",
	"From: =?utf-8?q?=C3=84lice?= <alice@example.com>", "From: <alice+shop@example.com>",
	"From: alice@example.com (the real one)", "From:alice@example.com", "From:\r\n \"Alice\"\r\n <alice@example.com>",
	"From: \u00c4lice <alice@example.com>"]


@pytest.mark.parametrize("field", GOOD_FROM)
def test_own_from_field(sub, field):
	content = (f"{field}\r\nTo: dest@far.test\r\nSubject: x\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\n"
		"Message-ID: <1@example.com>\r\n\r\nx\r\n").encode()
	sub.w.submit(content)
	arrived(sub, content)


@pytest.mark.parametrize("sender", ["alice@example.com", "ALICE@EXAMPLE.COM", "alice+shop@example.com", ""])
def test_own_senders(sub, sender):
	content = own()
	sub.w.submit(content, sender=sender)
	mail = sub.box.one()
	assert mail.sender.lower() == sender.lower()
	message.split_top(mail.content, content)


def test_send_as_aliases(sub):
	content = own(sender="info@example.org")
	sub.w.submit(content, sender="info@example.org", user="carol@example.org", password="carol-pw")
	arrived(sub, content, sender="info@example.org")


def test_null_sender_does_not_free_the_from_field(sub):
	with sub.w.submission() as s:
		reply = s.mail("", "dest@far.test", own(sender="ceo@far.test"), expect=None)
		assert (reply.code, reply.status) == (553, "5.7.1")


# -- what is added, and nothing else

def test_missing_date_and_message_id_are_added(sub):
	content = b"From: alice@example.com\r\nTo: dest@far.test\r\nSubject: bare\r\n\r\nx\r\n"
	before = time.time()
	sub.w.submit(content)
	top = arrived(sub, content, extra=("Date", "Message-ID"))
	assert abs(email.utils.parsedate_to_datetime(top["Date"]).timestamp() - before) < 60
	assert top["Message-ID"].startswith("<") and top["Message-ID"].endswith("example.com>")
	parsed = message.parse(sub.box.one().content)
	assert len(parsed.get_all("Date")) == 1 and len(parsed.get_all("Message-ID")) == 1


@pytest.mark.parametrize("present,added", [("Date: Mon, 02 Nov 2026 10:00:00 +0000", "Message-ID"),
	("MESSAGE-ID: <x@y>", "Date")])
def test_only_what_is_missing_is_added(sub, present, added):
	content = f"From: alice@example.com\r\n{present}\r\nSubject: x\r\n\r\nDate: in the body\r\nMessage-ID: <b>\r\n".encode()
	sub.w.submit(content)
	top = arrived(sub, content, extra=(added,))
	assert added in top


def test_nothing_is_added_on_25(sub):
	content = b"From: sam@sender.test\r\nSubject: bare\r\n\r\nx\r\n"
	sub.w.send(content)
	top = message.split_top(sub.box.one().content, content)
	assert "Date" not in top and "Message-ID" not in top


def test_complete_message_is_left_alone(sub):
	content = own(body=message.odd_bytes(50_000), fields="Bcc: secret@far.test\r\nX-Odd:  a  b \r\n")
	sub.w.submit(content)
	arrived(sub, content)


# -- where it goes

def test_to_one_of_us(sub):
	content = own()
	sub.w.submit(content, to="bob@example.com")
	sub.w.wait_empty()
	assert sorted(r for m in sub.box.mails for r in m.rcpts) == ["bob@gmail.test", "bob@outlook.test"]
	assert all(m.sender == "alice@example.com" for m in sub.box.mails)


def test_to_nobody_of_us(sub):
	with sub.w.submission() as s:
		s.cmd("MAIL FROM:<alice@example.com>", 250)
		assert s.cmd("RCPT TO:<nobody@example.com>").status == "5.1.1"


def test_dsn_options_are_taken(sub):
	content = own()
	sub.w.submit(content, options=" RET=HDRS ENVID=abc+2B1")
	arrived(sub, content)


def test_bare_newline_is_refused_unless_normalized(lab):
	box = lab.mailbox()
	w = lab.waypost()
	content = own(body=b"unix\nlines\n\n.\nend\r\n")
	with w.submission() as s:
		reply = s.mail("alice@example.com", "dest@far.test", content, expect=None)
		assert reply.code in (550, 554)
	w.stop()
	w.config["submission"] = {"normalize": True}
	w.write()
	w.start()
	w.submit(content)
	assert box.one().content.endswith(b"\r\n\r\nunix\r\nlines\r\n\r\n.\r\nend\r\n")
	with w.session() as s:
		reply = s.mail("sam@sender.test", "alice@example.com", message.make(body=b"unix\nlines\r\n"), expect=None)
		assert reply.code in (550, 554), "25 never normalizes"


def test_recipients_per_day(lab):
	box, w = lab.mailbox(), lab.waypost(limits={"account_recipients_per_day": 5})
	with w.submission() as s:
		s.mail("alice@example.com", [f"d{i}@far.test" for i in range(4)], own())
		s.cmd("MAIL FROM:<alice@example.com>", 250)
		s.cmd("RCPT TO:<d5@far.test>", 250)
		reply = s.cmd("RCPT TO:<d6@far.test>")
		assert reply.code in (450, 451, 452, 550, 554), str(reply)
		s.data(own())
	w.wait_empty()
	with w.submission() as s:
		reply = s.cmd("MAIL FROM:<alice@example.com>")
		if reply.code == 250:
			reply = s.cmd("RCPT TO:<d7@far.test>")
		assert reply.code // 100 in (4, 5), "another session does not begin anew"
	w.restart()
	assert sum(len(m.rcpts) for m in box.mails) == 5
	w.submit(message.make(sender="bob@example.com"), sender="bob@example.com", user="bob@example.com", password="bob-pw")
	assert sum(len(m.rcpts) for m in box.wait(3)) == 6


def test_smtputf8_submission(lab):
	box, w = lab.mailbox(), lab.waypost()
	content = own(subject="gr\u00fc\u00dfe")
	w.submit(content, to="d\u00e4st@b\u00fccher.test", options=" SMTPUTF8 BODY=8BITMIME")
	mail = box.one()
	assert "SMTPUTF8" in mail.mail_options
	local, _, domain = mail.rcpts[0].partition("@")
	assert local == "d\u00e4st" and domain in ("b\u00fccher.test", "xn--bcher-kva.test")
	message.split_top(mail.content, content)
