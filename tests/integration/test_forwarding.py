"""The main job: mail for an address of ours goes to the mailbox that the owner reads."""
import smtplib

import pytest

from lab import message
from lab.net import SMTP


def test_swaks_sends_one_message(lab):
	box, w = lab.mailbox(), lab.waypost()
	done = w.client.swaks("--header", "Subject: from swaks")
	assert done.returncode == 0, done.out
	mail = box.one()
	assert mail.rcpts == ["alice@gmail.test"]
	assert mail.sender.startswith("SRS0=") and mail.sender.endswith("=sender.test=sam@srs.example.com")
	assert b"Subject: from swaks\r\n" in mail.content
	assert mail.helo == "mail.example.com"
	w.wait_empty()
	assert w.events("delivery", status="sent", to="alice@gmail.test", original="alice@example.com")


def test_curl_sends_one_message(lab):
	box, w = lab.mailbox(), lab.waypost()
	content = message.make()
	done = w.client.curl(content=content)
	assert done.returncode == 0, done.out
	message.split_top(box.one().content, content)


def test_smtplib_sends_one_message(lab):
	box, w = lab.mailbox(), lab.waypost()
	content = message.make()
	with smtplib.SMTP(w.ip, SMTP, local_hostname="client.test") as client:
		client.sendmail("sam@sender.test", ["alice@example.com"], content)
	message.split_top(box.one().content, content)


def test_fields_on_top_name_the_way(lab):
	box, w = lab.mailbox(), lab.waypost()
	content = message.make()
	w.send(content)
	top = message.split_top(box.one().content, content)
	received = " ".join(top["Received"].split())
	assert received.startswith("from client.test ")
	assert "[127.0.0.1]" in received
	assert " by mail.example.com " in received
	assert " with ESMTP id " in received
	assert "for <alice@example.com>" in received
	assert top["Delivered-To"] == "alice@example.com"
	assert "alice@gmail.test" in top["X-Forwarded-To"]
	assert "alice@example.com" in top["X-Forwarded-For"]
	assert len(top.get_all("Received")) == 1


BODIES = {
	"odd bytes": message.make(body=message.odd_bytes(100_000)),
	"dots": message.make(body=b".\r\n..\r\n...\r\n.x\r\n\r\n.\r\n"),
	"no body": b"Subject: only a header\r\n\r\n",
	"no header": b"\r\njust text\r\n",
	"no empty line": b"Subject: nothing follows\r\n",
	"nothing at all": b"",
	"not a field": b"this is no header field\r\nSubject: x\r\n\r\nbody\r\n",
	"folded oddly": b"Subject: a\r\n\t \r\n b\r\nX-Long: " + b"x" * 900 + b"\r\n\r\nbody\r\n",
	"trailing blanks": message.make(body=b"a  \r\nb\t\r\n\r\n\r\n\r\n"),
	"8-bit header": "Subject: gr\u00fc\u00dfe\r\n\r\n\u00e4\r\n".encode(),
	"latin-1 header": "Subject: gr\u00fc\u00dfe\r\n\r\n\u00e4\r\n".encode("latin-1"),
	"mbox From": b"From sam@sender.test Mon Nov  2 10:00:00 2026\r\nSubject: x\r\n\r\nFrom here\r\n",
	"a line of 60 KB": message.make(body=b"x" * 60_000 + b"\r\n"),
	"1 MB": message.make(body=message.odd_bytes(1_000_000)),
	"boundary of memory": message.make(body=b"y" * 998 + b"\r\n" + message.odd_bytes(262_144)),
}


@pytest.fixture(scope="module")
def plain(shared):
	shared.box = shared.mailbox()
	shared.w = shared.waypost()
	return shared


@pytest.mark.parametrize("name", BODIES)
def test_content_arrives_byte_for_byte(plain, name):
	plain.box.mails.clear()
	plain.w.send(BODIES[name])
	message.split_top(plain.box.one().content, BODIES[name])


RCPTS = [
	("alice@example.com", "alice@gmail.test"),
	("ALICE@Example.COM", "alice@gmail.test"),
	("al@example.com", "alice@gmail.test"),
	("Al@example.com", "alice@gmail.test"),
	("alice+news@example.com", "alice+news@gmail.test"),
	("alice.news@example.com", "alice+news@gmail.test"),
	("alice+a-b_C9@example.com", "alice+a-b_C9@gmail.test"),
	('"alice"@example.com', "alice@gmail.test"),
	("postmaster@example.com", "alice@gmail.test"),
	("PostMaster", "alice@gmail.test"),
	("postmaster@mail.example.com", "alice@gmail.test"),
	("postmaster@srs.example.com", "alice@gmail.test"),
]


@pytest.mark.parametrize("rcpt,target", RCPTS)
def test_recipient_goes_to(plain, rcpt, target):
	plain.box.mails.clear()
	content = message.make()
	plain.w.send(content, to=rcpt)
	assert [r.lower() for r in plain.box.one().rcpts] == [target.lower()]
	message.split_top(plain.box.one().content, content)


def test_extension_with_a_forbidden_character_is_an_unknown_user(plain):
	with plain.w.session() as s:
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		for local in ("alice+", "alice+a.b", "alice+a+b", "alice.a.b", "al+x", "alicex", "alic"):
			reply = s.cmd(f"RCPT TO:<{local}@example.com>")
			assert (reply.code, reply.status) == (550, "5.1.1"), (local, str(reply))


def test_several_targets_each_get_it(lab):
	box, w = lab.mailbox(), lab.waypost()
	content = message.make()
	w.send(content, to="bob@example.com")
	w.wait_empty()
	got = sorted(r for m in box.mails for r in m.rcpts)
	assert got == ["bob@gmail.test", "bob@outlook.test"]
	for mail in box.mails:
		message.split_top(mail.content, content)


def test_one_target_reached_by_two_ways_gets_it_once(lab):
	box, w = lab.mailbox(), lab.waypost()
	w.send(message.make(), to=["alice@example.com", "al@example.com", "alice@example.com"])
	w.wait_empty()
	assert [r for m in box.mails for r in m.rcpts] == ["alice@gmail.test"]


def test_no_one_learns_of_another_recipient(lab):
	box, w = lab.mailbox(), lab.waypost()
	content = message.make()
	w.send(content, to=["alice@example.com", "bob@example.com"])
	w.wait_empty()
	for mail in box.mails:
		top = message.split_top(mail.content, content)
		assert "Delivered-To" not in top and "X-Forwarded-To" not in top and "X-Forwarded-For" not in top
		assert " for " not in " ".join(top["Received"].split(";")[0].split())


def test_null_sender_stays_null(lab):
	box, w = lab.mailbox(), lab.waypost()
	w.send(message.make(), sender="")
	assert box.one().sender == ""


def test_srs_off_leaves_the_sender(lab):
	box, w = lab.mailbox(), lab.waypost(srs={"enable": False, "srs_domain": None, "srs_secret": None})
	w.send(message.make())
	assert box.one().sender == "sam@sender.test"


def test_several_domains_and_catch_all(lab):
	box = lab.mailbox()
	w = lab.waypost(virtual_domains={"example.org": {"accounts": [
		{"name": "carol", "password": "pw-carol", "forward": "carol@gmail.test", "dot_plus_rewrite": False},
		{"name": "carol.exact", "password": "pw-exact", "forward": "exact@gmail.test"},
		{"name": "*", "forward": "all@gmail.test"},
	]}})
	for rcpt, target in (("carol@example.org", "carol@gmail.test"), ("carol.exact@example.org", "exact@gmail.test"),
			("carol+x@example.org", "all@gmail.test"), ("anyone.at.all@example.org", "all@gmail.test"),
			("alice@example.com", "alice@gmail.test")):
		box.mails.clear()
		w.send(message.make(), to=rcpt)
		assert box.one().rcpts == [target], rcpt
	with w.session() as s:
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		assert s.cmd("RCPT TO:<nobody@example.com>").code == 550


def test_exact_account_wins_over_extension(lab):
	box = lab.mailbox()
	w = lab.waypost(virtual_domains={"example.com": {"accounts": [
		{"name": "alice", "password": "alice-pw", "forward": "alice@gmail.test"},
		{"name": "alice.work", "password": "work-pw", "forward": "work@outlook.test", "aliases": ["alice+shop"]},
	]}})
	w.send(message.make(), to="alice.work@example.com")
	w.send(message.make(), to="alice+shop@example.com")
	assert [m.rcpts for m in box.wait(2)] == [["work@outlook.test"], ["work@outlook.test"]]


def test_explicit_postmaster_account_wins(lab):
	box = lab.mailbox()
	w = lab.waypost(postmaster="alice@example.com", virtual_domains={"example.com": {"accounts": [
		{"name": "bob", "password": "bob-pw", "forward": "bob@gmail.test"},
		{"name": "alice", "password": "alice-pw", "forward": "alice@gmail.test"},
	]}, "example.org": {"accounts": [
		{"name": "postmaster", "password": "pm-pw", "forward": "pm@gmail.test"},
		{"name": "dan", "password": "dan-pw", "forward": "dan@gmail.test"},
	]}})
	for rcpt, target in (("postmaster@example.org", "pm@gmail.test"), ("postmaster@example.com", "alice@gmail.test"),
			("postmaster", "alice@gmail.test"), ("postmaster@mail.example.com", "alice@gmail.test")):
		box.mails.clear()
		w.send(message.make(), to=rcpt)
		assert box.one().rcpts == [target], rcpt


@pytest.mark.parametrize("action,code", [("reject", 550), ("defer", 450), ("discard", 250)])
def test_blackhole(lab, action, code):
	box, w = lab.mailbox(), lab.waypost(blackhole_action=action)
	with w.session() as s:
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		reply = s.cmd("RCPT TO:<Alice.Spammy@example.com>")
		assert reply.code == code, str(reply)
		if action == "discard":
			s.data(message.make())
		s.cmd("RSET", 250)
		s.mail("sam@sender.test", "alice@example.com", message.make(subject="wanted"))
	assert b"wanted" in box.one().content
	w.wait_empty()
	assert len(box.mails) == 1


def test_blackhole_beside_a_wanted_recipient(lab):
	box, w = lab.mailbox(), lab.waypost(blackhole_action="discard")
	w.send(message.make(), to=["alice.spammy@example.com", "alice@example.com"])
	w.wait_empty()
	assert [m.rcpts for m in box.mails] == [["alice@gmail.test"]]


def test_queue_survives_a_restart(lab):
	provider = lab.scripted(mail="450 4.3.2 Not now")
	w = lab.waypost()
	contents = [message.make(subject=f"number {i}") for i in range(5)]
	for content in contents:
		w.send(content)
	w.wait_event("delivery", count=5, status="deferred")
	w.stop()
	assert len(w.files()) == 5
	provider.on(mail=None)
	w.start()
	w.cli("queue", "retry", expect=0)
	arrived = provider.wait(5)
	for content in contents:
		assert sum(m.content.endswith(content) for m in arrived) == 1
	w.wait_empty()


def test_keys_of_screening_are_read(lab):
	box = lab.mailbox()
	w = lab.waypost(postscreen={"enable": False, "enable_slow_checks": True})
	w.send(message.make())
	box.one()
