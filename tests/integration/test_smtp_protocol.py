"""The SMTP server's own manners: RFC 5321 and the extensions that it offers, honest clients and others."""
import time

import pytest

from lab import message
from lab.client import stuff
from lab.net import SUBMISSION, SUBMISSIONS, wait_for


@pytest.fixture(scope="module")
def lab1(shared):
	shared.box = shared.mailbox()
	shared.w = shared.waypost(limits={"errors": 1000})
	return shared


@pytest.fixture
def s(lab1):
	lab1.box.mails.clear()
	with lab1.w.session() as session:
		yield session


def still_delivers(lab1, s):
	"""The session goes on, and nothing but the next message arrives."""
	s.cmd("RSET", 250)
	content = message.make(subject="after all that")
	s.mail("sam@sender.test", "alice@example.com", content)
	lab1.box.one()
	lab1.w.wait_empty()
	assert len(lab1.box.mails) == 1
	message.split_top(lab1.box.mails[0].content, content)


# -- greeting and extensions

def test_banner_names_the_host(lab1, s):
	assert s.banner.code == 220
	assert s.banner.lines[-1].startswith("mail.example.com ESMTP")


def test_extensions_on_25(s):
	x = s.extensions
	assert set(x) == {"PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "STARTTLS",
		"CHUNKING", "LIMITS"}
	assert x["SIZE"] == str(50 * 1024 * 1024)
	assert x["LIMITS"].startswith("RCPTMAX=100")


def test_extensions_on_587_before_and_after_tls(lab1):
	with lab1.w.session(SUBMISSION) as s:
		assert "STARTTLS" in s.extensions and "AUTH" not in s.extensions
		assert not any(k.startswith("AUTH") for k in s.extensions)
		assert "DSN" in s.extensions
		inside = s.starttls()
		assert "STARTTLS" not in inside
		assert sorted(inside["AUTH"].split()) == ["LOGIN", "PLAIN"]
		assert any(k.startswith("AUTH=") for k in inside), "the old AUTH= form"
		assert "DSN" in inside and "CHUNKING" in inside


def test_extensions_on_465(lab1):
	with lab1.w.session(SUBMISSIONS) as s:
		assert "STARTTLS" not in s.extensions
		assert "AUTH" in s.extensions and "DSN" in s.extensions


def test_helo_offers_nothing(lab1):
	with lab1.w.session(ehlo=False) as s:
		reply = s.cmd("HELO client.test", 250)
		assert len(reply.lines) == 1
		content = message.make()
		lab1.box.mails.clear()
		s.mail("sam@sender.test", "alice@example.com", content)
		top = message.split_top(lab1.box.one().content, content)
		assert " with SMTP id " in " ".join(top["Received"].split())


# -- commands

REPLIES = [
	("NOOP", 250), ("noop", 250), ("NOOP anything at all", 250), ("RSET", 250), ("VRFY alice@example.com", 252),
	("VRFY nobody@example.com", 252), ("EXPN list", 502), ("HELP", 214), ("HELP MAIL", 214),
	("EHLO", 501), ("HELO", 501),
	("DATA", 503), ("RCPT TO:<alice@example.com>", 503), ("BDAT", 501), ("BDAT x LAST", 501),
	("AUTH PLAIN", (502, 503, 504)), ("TURN", (500, 502)), ("WIZ", 500), ("", 500), ("  ", 500), ("MAIL", 501),
	("MAIL FROM", 501), ("MAIL FROM:", 501), ("MAIL FROM:sam@sender.test x", 501), ("MAIL TO:<a@b.test>", 501),
	("MAIL FROM:<sam@sender.test", 501), ("MAIL FROM:<@>", 501), ("MAIL FROM:<sam@>", 501), ("MAIL FROM:<sam@@a.test>", 501),
	("MAIL FROM:<sam@sender..test>", 501), ("MAIL FROM:<a b@sender.test>", 501), ("MAIL FROM:<sam@-a.test>", 501),
	("MAIL FROM:<" + "x" * 300 + "@sender.test>", 501), ("MAIL FROM:<sam@" + "a" * 64 + ".test>", 501),
	("MAIL FROM:<sam@sender.test> FOO=BAR", (501, 555)), ("MAIL FROM:<sam@sender.test> SIZE=x", (501, 555)),
	("MAIL FROM:<sam@sender.test> SIZE=99999999999", 552), ("MAIL FROM:<sam@sender.test> BODY=BINARYMIME", (501, 504, 555)),
	("MAIL FROM:<sam@sender.test> BODY=9BIT", (501, 504, 555)),
	("MAIL FROM:<sam@sender.test> RET=FULL", (501, 555)), ("MAIL FROM:<gr\u00fcn@sender.test>", (501, 550, 553)),
	("MAIL FROM:<sam@sender.test> SIZE=10 SIZE=10", (501, 555)),
]


@pytest.mark.parametrize("command,code", REPLIES, ids=[r[0][:40] or "empty" for r in REPLIES])
def test_reply_to_a_command(s, command, code):
	reply = s.cmd(command)
	assert reply.code in (code if isinstance(code, tuple) else (code,)), str(reply)
	if reply.code != 214:
		assert reply.status.startswith(str(reply.code)[0]), f"no enhanced status: {reply}"


GOOD_MAIL = ["MAIL FROM:<>", "mail from:<sam@sender.test>", "MAIL FROM:<sam@sender.test> SIZE=1000 BODY=8BITMIME",
	"MAIL FROM:<sam@sender.test> BODY=7BIT", 'MAIL FROM:<"sam spade"@sender.test>', "MAIL FROM:<sam@[192.0.2.1]>",
	"MAIL FROM:<sam@[IPv6:2001:db8::1]>", "MAIL FROM:<@relay.test,@b.test:sam@sender.test>",
	"MAIL FROM:<gr\u00fcn@sender.test> SMTPUTF8", "MAIL FROM:<sam@b\u00fccher.test> SMTPUTF8",
	"MAIL FROM:<a!#$%&'*+-/=?^_`{|}~b@sender.test>"]


@pytest.mark.parametrize("command", GOOD_MAIL)
def test_good_sender_is_taken(s, command):
	s.cmd(command, 250)
	s.cmd("RCPT TO:<alice@example.com>", 250)


BAD_RCPT = ["RCPT", "RCPT TO:", "RCPT TO:<>", "RCPT FROM:<alice@example.com>", "RCPT TO:<alice@example.com",
	"RCPT TO:<alice@exam ple.com>", "RCPT TO:<alice>", "RCPT TO:<@example.com>", 'RCPT TO:<"alice@example.com>',
	"RCPT TO:<alice@example.com> FOO=BAR", "RCPT TO:<alice@example.com> NOTIFY=NEVER"]


@pytest.mark.parametrize("command", BAD_RCPT)
def test_bad_recipient_is_refused(s, command):
	s.cmd("MAIL FROM:<sam@sender.test>", 250)
	reply = s.cmd(command)
	assert reply.code in (501, 550, 553, 555), str(reply)
	s.cmd("RCPT TO:<alice@example.com>", 250)


def test_order_of_commands(lab1):
	with lab1.w.session(ehlo=False) as s:
		for command in ("MAIL FROM:<sam@sender.test>", "RCPT TO:<alice@example.com>", "DATA", "BDAT 0 LAST"):
			assert s.cmd(command).code == 503, command
		s.ehlo()
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("MAIL FROM:<sam@sender.test>", 503)
		s.cmd("DATA", 503)
		s.cmd("RCPT TO:<nobody@example.com>", 550)
		assert s.cmd("DATA").code in (503, 554), "no valid recipient"
		s.cmd("RCPT TO:<alice@example.com>", 250)
		s.ehlo()
		s.cmd("DATA", 503)
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("RSET", 250)
		s.cmd("RCPT TO:<alice@example.com>", 503)


def test_quit_closes(s):
	assert s.cmd("QUIT").code == 221
	assert s.closed(2)


def test_several_messages_in_a_session(lab1, s):
	for i in range(5):
		s.mail("sam@sender.test", "alice@example.com", message.make(subject=f"number {i}"))
	assert len(lab1.box.wait(5)) == 5


def test_pipelined_transactions_are_answered_in_order(lab1, s):
	content = message.make()
	s.send("MAIL FROM:<sam@sender.test>\r\nRCPT TO:<alice@example.com>\r\nRCPT TO:<nobody@example.com>\r\nDATA\r\n")
	assert [s.reply().code for _ in range(4)] == [250, 250, 550, 354]
	s.send(stuff(content) + b".\r\nMAIL FROM:<sam@sender.test>\r\nRCPT TO:<al@example.com>\r\nDATA\r\n")
	assert [s.reply().code for _ in range(4)] == [250, 250, 250, 354]
	s.send(stuff(content) + b".\r\nQUIT\r\n")
	assert [s.reply().code for _ in range(2)] == [250, 221]
	for mail in lab1.box.wait(2):
		message.split_top(mail.content, content)


def test_everything_byte_by_byte(lab1, s):
	content = message.make(body=b".\r\n..\r\nx\r\n")
	for piece in (b"MAIL FROM:<sam@sender.test>\r\n", b"RCPT TO:<alice@example.com>\r\n", b"DATA\r\n",
			stuff(content) + b".\r\n"):
		for i in range(len(piece)):
			s.send(piece[i:i + 1])
		s.reply()
	message.split_top(lab1.box.one().content, content)


# -- lines: what ends one and what does not

SMUGGLED = b"MAIL FROM:<evil@sender.test>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n"
ENDS = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\r\r\n.\r\r\n", b"\n\n.\n\n", b"\r\n.\r\r\n",
	b"\r\n\x00.\r\n", b"\r\n.\x00\r\n", b"\n.\r"]


@pytest.mark.parametrize("end", ENDS)
def test_only_crlf_dot_crlf_ends_a_message(lab1, s, end):
	s.cmd("MAIL FROM:<sam@sender.test>", 250)
	s.cmd("RCPT TO:<alice@example.com>", 250)
	s.cmd("DATA", 354)
	s.send(b"Subject: one\r\n\r\nfirst" + end + SMUGGLED)
	assert s.silent(0.2), "the message was ended by something else"
	s.send(b"\r\n.\r\n")
	reply = s.reply()
	if b"\0" in end and reply.code == 250:
		assert b"Subject: smuggled" in lab1.box.one().content
		return
	assert reply.code in (550, 554), str(reply)
	assert reply.status.startswith("5.6.")
	assert s.silent(0.1), "an answer to what was smuggled"
	still_delivers(lab1, s)


@pytest.mark.parametrize("body", [b"bare\nLF\r\n", b"bare\rCR\r\n", b"\nfirst\r\n", b"last\r\n\n\r\n", b"x\r\r\n"])
def test_bare_newline_in_a_message_is_refused(lab1, s, body):
	reply = s.mail("sam@sender.test", "alice@example.com", message.make(body=body), expect=None)
	assert reply.code in (550, 554), str(reply)
	assert any(word in reply.text.upper() for word in ("LF", "CR", "NEWLINE", "LINE END")), str(reply)
	still_delivers(lab1, s)


def test_bare_newline_in_the_header_is_refused(lab1, s):
	s.mail("sam@sender.test", "alice@example.com", b"Subject: x\nBcc: y\r\n\r\nbody\r\n", expect=None)
	still_delivers(lab1, s)


def test_a_header_that_goes_on_from_ours_is_refused(lab1, s):
	"""Its first line would else become part of a field that waypost vouches for."""
	reply = s.mail("sam@sender.test", "alice@example.com", b" forged=pass\r\nSubject: x\r\n\r\nbody\r\n", expect=None)
	assert (reply.code, reply.status) == (550, "5.6.0"), str(reply)
	still_delivers(lab1, s)


@pytest.mark.parametrize("line", [b"NOOP\nNOOP\r\n", b"NOOP\n\r\n", b"NOOP\rNOOP\r\n",
	b"MAIL FROM:<a@b.test>\nRCPT TO:<alice@example.com>\r\n", b"NOOP \0\r\n"])
def test_bare_newline_in_a_command_is_one_bad_command(s, line):
	s.send(line)
	assert s.reply().code in (500, 501)
	assert s.silent(0.2), "two answers to one line"
	s.cmd("NOOP", 250)


def test_long_lines_of_commands(s):
	s.cmd("NOOP " + "x" * 400, 250)
	assert s.cmd("NOOP " + "x" * 5000).code == 500
	assert s.cmd("NOOP " + "x" * 200_000).code == 500
	s.cmd("NOOP", 250)
	local = "x" * 60
	s.cmd(f"MAIL FROM:<{local}@{'a' * 60}.{'b' * 60}.{'c' * 60}.test> SIZE=100 BODY=8BITMIME", 250)


def test_long_lines_of_text(lab1, s):
	content = message.make(body=b"x" * 65_000 + b"\r\nshort\r\n")
	s.mail("sam@sender.test", "alice@example.com", content)
	message.split_top(lab1.box.one().content, content)
	lab1.box.mails.clear()
	reply = s.mail("sam@sender.test", "alice@example.com", message.make(body=b"x" * 70_000 + b"\r\n"), expect=None)
	assert reply.code // 100 == 5, str(reply)
	still_delivers(lab1, s)


def test_header_too_big(lab1, s):
	fields = "".join(f"X-{i}: {'y' * 900}\r\n" for i in range(400))
	reply = s.mail("sam@sender.test", "alice@example.com", message.make(fields=fields), expect=None)
	assert reply.code in (552, 554, 550), str(reply)
	still_delivers(lab1, s)


# -- limits

def test_message_too_big(lab):
	box, w = lab.mailbox(), lab.waypost(limits={"message_size": "100K"})
	with w.session() as s:
		assert s.extensions["SIZE"] == "102400"
		reply = s.cmd("MAIL FROM:<sam@sender.test> SIZE=102401")
		assert (reply.code, reply.status) == (552, "5.3.4")
		s.cmd("MAIL FROM:<sam@sender.test> SIZE=102400", 250)
		s.cmd("RSET", 250)
		reply = s.mail("sam@sender.test", "alice@example.com", message.make(body=message.odd_bytes(200_000)), expect=None)
		assert (reply.code, reply.status) == (552, "5.3.4")
		s.mail("sam@sender.test", "alice@example.com", message.make(subject="small"))
		assert b"small" in box.one().content
	assert not list((w.spool / "tmp").iterdir())


def test_too_many_recipients(lab):
	box, w = lab.mailbox(), lab.waypost(limits={"recipients": 3}, virtual_domains={"example.com": {"accounts": [
		{"name": f"u{i}", "password": "pw-of-u", "forward": f"u{i}@gmail.test"} for i in range(5)]}})
	with w.session() as s:
		assert s.extensions["LIMITS"].startswith("RCPTMAX=3")
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		for i in range(3):
			s.cmd(f"RCPT TO:<u{i}@example.com>", 250)
		for i in range(3, 5):
			reply = s.cmd(f"RCPT TO:<u{i}@example.com>")
			assert (reply.code, reply.status) == (452, "4.5.3")
		s.data(message.make())
	w.wait_empty()
	assert sorted(r for m in box.mails for r in m.rcpts) == ["u0@gmail.test", "u1@gmail.test", "u2@gmail.test"]


def test_too_many_errors_end_the_session(lab):
	w = lab.waypost(limits={"errors": 5})
	with w.session() as s:
		codes = []
		for _ in range(10):
			codes.append(s.cmd("FOO").code)
			if codes[-1] == 421:
				break
		assert codes[-1] == 421 and len(codes) <= 6
		assert s.closed(2)


def test_too_many_connections(lab):
	w = lab.waypost(limits={"clients": 3, "clients_per_network": 3})
	# the one that the laboratory opened to see it up may still be counted
	time.sleep(0.3)
	open_ones = [w.session() for _ in range(3)]
	with w.session(ehlo=False) as s:
		assert s.banner.code == 421
		assert s.closed(2)
	open_ones.pop().close()
	wait_for(lambda: w.session(ehlo=False).banner.code == 220, 5, "a place to come free")
	for o in open_ones:
		o.close()


def test_connections_are_counted_by_client(lab):
	w = lab.waypost(postscreen={"permit": [], "greet_wait": 0}, limits={"clients": 100, "clients_per_network": 2})
	open_ones = [w.session(source=lab.net.host(30)) for _ in range(2)]
	with w.session(ehlo=False, source=lab.net.host(30)) as s:
		assert s.banner.code == 421
	with w.session(ehlo=False, source=lab.net.host(31)) as s:
		assert s.banner.code == 220, "another one"
	for o in open_ones:
		o.close()


def test_silent_client_is_sent_off(lab):
	w = lab.waypost(limits={"command_time": "1s"})
	with w.session() as s:
		begin = time.monotonic()
		reply = s.reply()
		assert (reply.code, reply.status) == (421, "4.4.2")
		assert 0.7 < time.monotonic() - begin < 4
		assert s.closed(2)


def test_drip_of_a_command_does_not_reset_the_time(lab):
	w = lab.waypost(limits={"command_time": "1s"})
	with w.session() as s:
		begin = time.monotonic()
		while s.silent(0.15):
			s.send(b"N")
			assert time.monotonic() - begin < 5, "still waiting for the drip"
		assert s.reply().code == 421


def test_drip_of_a_message_does_not_reset_the_time(lab):
	w = lab.waypost(limits={"data_time": "1s"})
	with w.session() as s:
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("RCPT TO:<alice@example.com>", 250)
		s.cmd("DATA", 354)
		begin = time.monotonic()
		while s.silent(0.1):
			s.send(b"x\r\n")
			assert time.monotonic() - begin < 5, "still waiting for the drip"
		assert s.reply().code == 421
	assert not w.files()


def test_session_has_a_time_of_its_own(lab):
	w = lab.waypost(limits={"session_time": "1s"})
	with w.session() as s:
		begin = time.monotonic()
		code = 250
		while code == 250:
			time.sleep(0.1)
			code = s.cmd("NOOP").code
			assert time.monotonic() - begin < 5, "the session never ends"
		assert code == 421


def test_client_that_goes_away_leaves_nothing(lab):
	w = lab.waypost()
	for leave in ("close", "abort"):
		for size in (100, 1_000_000):
			s = w.session()
			s.cmd("MAIL FROM:<sam@sender.test>", 250)
			s.cmd("RCPT TO:<alice@example.com>", 250)
			s.cmd("DATA", 354)
			s.send(message.make(body=b"a line\r\n" * (size // 8)))
			getattr(s, leave)()
	wait_for(lambda: not w.files("tmp"), what="an empty tmp/")
	assert not w.files()


# -- loops

def test_fifty_received_fields_are_a_loop(lab1, s):
	field = "Received: from a.test by b.test; Mon, 02 Nov 2026 10:00:00 +0000\r\n"
	reply = s.mail("sam@sender.test", "alice@example.com", message.make(fields=field * 50), expect=None)
	assert (reply.code, reply.status) == (554, "5.4.6")
	content = message.make(fields=field * 30)
	s.mail("sam@sender.test", "alice@example.com", content)
	message.split_top(lab1.box.one().content, content)


def test_our_own_fields_twice_are_a_loop(lab1, s):
	content = message.make()
	for turn in range(3):
		lab1.box.mails.clear()
		reply = s.mail("sam@sender.test", "alice@example.com", content, expect=None)
		if reply.code != 250:
			break
		content = lab1.box.one().content
	assert (reply.code, reply.status) == (554, "5.4.6"), "the same message came round"
	assert turn == 2, "a person who redirects a message back once makes no loop"


# -- other rules

def test_smtputf8_recipient(lab):
	box = lab.mailbox()
	w = lab.waypost(virtual_domains={"b\u00fccher.example": {"accounts": [
		{"name": "gr\u00fcn", "password": "pw-gruen", "forward": "gr\u00fcn@gmail.test"},
		{"name": "ascii", "password": "pw-ascii", "forward": "ascii@gmail.test"}]}})
	content = message.make(to="gr\u00fcn@b\u00fccher.example")
	with w.session() as s:
		s.cmd("MAIL FROM:<s\u00e4m@sender.test> SMTPUTF8", 250)
		s.cmd("RCPT TO:<gr\u00fcn@b\u00fccher.example>", 250)
		s.data(content)
	mail = box.one()
	assert mail.rcpts == ["gr\u00fcn@gmail.test"]
	assert "SMTPUTF8" in mail.mail_options
	message.split_top(mail.content, content)
	box.mails.clear()
	w.send(message.make(), to="ascii@xn--bcher-kva.example")
	assert box.one().rcpts == ["ascii@gmail.test"]


def test_log_lines_of_a_refusal(lab):
	w = lab.waypost()
	with w.session() as s:
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("RCPT TO:<nobody@example.com>", 550)
	line = w.wait_event("refuse")
	assert line["client"].startswith("127.0.0.1") and line["helo"] == "client.test"
	assert line["from"] == "sam@sender.test" and line["to"] == "nobody@example.com"
	assert line["reply"].startswith("550 5.1.1")


def test_client_cannot_forge_a_log_line(lab):
	w = lab.waypost(log={"format": "text"})
	with w.session(ehlo=False) as s:
		s.cmd(b"EHLO a\tb\x1b[31m\x7f")
		s.cmd(b"EHLO x event=delivery status=sent")
		s.cmd("EHLO client.test", 250)
		s.cmd('MAIL FROM:<"a b=c\\" d"@sender.test>', 250)
		s.cmd("RCPT TO:<nobody@example.com>", 550)
	wait_for(lambda: b"refuse" in w.out.read_bytes(), what="the refusal's line")
	text = w.out.read_bytes()
	assert b"\x1b" not in text and b"\t" not in text and b"\x7f" not in text


def test_sigterm_says_goodbye(lab):
	w = lab.waypost()
	s = w.session()
	w.stop()
	try:
		assert s.reply().code == 421
	except (EOFError, ConnectionResetError):
		pass
	assert s.closed(2)


def test_many_sessions_at_once(lab):
	box, w = lab.mailbox(), lab.waypost(limits={"clients_per_network": 200})
	sessions = [w.session() for _ in range(100)]
	for i, s in enumerate(sessions):
		s.send(f"MAIL FROM:<sam{i}@sender.test>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n")
	for s in sessions:
		assert [s.reply().code for _ in range(3)] == [250, 250, 354]
	for i, s in enumerate(sessions):
		s.send(stuff(message.make(subject=f"session {i}")) + b".\r\n")
	for s in sessions:
		assert s.reply().code == 250
		s.close()
	box.wait(100, 30)
	w.wait_empty()
	assert len(box.mails) == 100
