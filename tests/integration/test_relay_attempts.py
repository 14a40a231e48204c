"""Never an open relay, whatever the address looks like."""
import pytest

from lab import message

ATTEMPTS = [
	"victim@far.test",
	"victim%far.test@example.com",
	"victim%far.test@mail.example.com",
	"far.test!victim@example.com",
	"far.test!victim",
	"@example.com:victim@far.test",
	"@example.com,@mail.example.com:victim@far.test",
	"@127.0.0.1:victim@far.test",
	'"victim@far.test"@example.com',
	'"victim@far.test"',
	'"victim%far.test"@example.com',
	"victim@far.test@example.com",
	"victim@[127.0.0.1]",
	"victim@[192.0.2.1]",
	"victim@[IPv6:::1]",
	"victim@localhost",
	"victim@example.com.far.test",
	"victim@far.test.",
	"victim@sub.example.com",
	"alice@sub.example.com",
	"victim@xexample.com",
	"alice@mail.example.com",
	"victim@127.0.0.1",
	'"alice@example.com"@far.test',
	"SRS0=AAAA=2W=far.test=victim@srs.example.com",
	"SRS1=AAAA=far.test==victim@srs.example.com",
	"SRS0=victim@far.test",
	"victim=far.test@srs.example.com",
	"alice+victim%far.test@example.com",
	"victim\u0000@far.test",
]


@pytest.fixture(scope="module")
def relay(shared):
	shared.box = shared.mailbox()
	shared.w = shared.waypost(limits={"errors": 1000})
	return shared


@pytest.mark.parametrize("sender", ["sam@sender.test", "alice@example.com", "", "root@localhost"])
@pytest.mark.parametrize("rcpt", ATTEMPTS)
def test_relaying_is_refused_for_good(relay, rcpt, sender):
	with relay.w.session() as s:
		s.cmd(f"MAIL FROM:<{sender}>", 250)
		reply = s.cmd(f"RCPT TO:<{rcpt}>")
		assert reply.code in (500, 501, 550, 553), f"{rcpt}: {reply}"
		assert s.cmd("DATA").code in (503, 554)
	assert not relay.box.mails


@pytest.mark.parametrize("rcpt", ["victim@far.test", "victim@[127.0.0.1]", "alice@sub.example.com", "@example.com:victim@far.test"])
def test_reply_says_that_we_do_not_relay(relay, rcpt):
	with relay.w.session() as s:
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		reply = s.cmd(f"RCPT TO:<{rcpt}>")
		assert (reply.code, reply.status) == (550, "5.7.1"), str(reply)


def test_swaks_is_refused(relay):
	done = relay.w.client.swaks(to="victim@far.test")
	assert done.returncode == 24, done.out        # swaks: no recipient was accepted
	assert "550 5.7.1" in done.out
	assert relay.w.wait_event("refuse", to="victim@far.test")["reply"].startswith("550 5.7.1")


def test_tls_alone_opens_nothing(relay):
	with relay.w.session() as s:
		s.starttls()
		s.cmd("MAIL FROM:<alice@example.com>", 250)
		s.cmd("RCPT TO:<victim@far.test>", 550)


def test_mixed_with_a_good_recipient_only_that_one_gets_it(relay):
	relay.box.mails.clear()
	with relay.w.session() as s:
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("RCPT TO:<victim@far.test>", 550)
		s.cmd("RCPT TO:<alice@example.com>", 250)
		s.data(message.make())
	assert relay.box.one().rcpts == ["alice@gmail.test"]
	relay.w.wait_empty()
	assert len(relay.box.mails) == 1
