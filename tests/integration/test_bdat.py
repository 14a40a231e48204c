"""CHUNKING (RFC 3030): the same message in counted pieces."""
import pytest

from lab import message


@pytest.fixture(scope="module")
def bdat(shared):
	shared.box = shared.mailbox()
	shared.w = shared.waypost(limits={"message_size": "300K", "errors": 1000})
	return shared


@pytest.fixture
def s(bdat):
	bdat.box.mails.clear()
	with bdat.w.session() as session:
		session.cmd("MAIL FROM:<sam@sender.test> BODY=8BITMIME", 250)
		session.cmd("RCPT TO:<alice@example.com>", 250)
		yield session


def chunk(s, data, last=False):
	s.send(b"BDAT %d%s\r\n" % (len(data), b" LAST" if last else b"") + data)
	return s.reply()


def arrives(bdat, content):
	message.split_top(bdat.box.one().content, content)
	bdat.w.wait_empty()
	assert len(bdat.box.mails) == 1


CONTENT = message.make(body=b"a line\r\n.\r\n..two dots\r\n.one\r\n" + message.odd_bytes(5000))


def test_one_chunk(bdat, s):
	assert chunk(s, CONTENT, True).code == 250
	arrives(bdat, CONTENT)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_many_chunks(bdat, s, size):
	content = CONTENT if size > 1 else CONTENT[:700] + b"\r\n"
	for i in range(0, len(content), size):
		assert chunk(s, content[i:i + size]).code == 250
	assert chunk(s, b"", True).code == 250
	arrives(bdat, content)


def test_pipelined_chunks(bdat, s):
	pieces = [CONTENT[i:i + 1500] for i in range(0, len(CONTENT), 1500)]
	s.send(b"".join(b"BDAT %d\r\n" % len(p) + p for p in pieces) + b"BDAT 0 LAST\r\nNOOP\r\n")
	for _ in pieces:
		assert s.reply().code == 250
	assert s.reply().code == 250
	assert s.reply().code == 250
	arrives(bdat, CONTENT)


def test_final_newline_is_added(bdat, s):
	assert chunk(s, b"Subject: x\r\n\r\nno newline", True).code == 250
	arrives(bdat, b"Subject: x\r\n\r\nno newline\r\n")


def test_dot_alone_is_content(bdat, s):
	content = b"Subject: x\r\n\r\n.\r\nQUIT\r\n.\r\n"
	assert chunk(s, content, True).code == 250
	arrives(bdat, content)


@pytest.mark.parametrize("body", [b"bare\nLF\r\n", b"bare\rCR\r\n", b"\n.\n", b"split\r"])
def test_bare_newline_is_refused(bdat, s, body):
	reply = chunk(s, b"Subject: x\r\n\r\n" + body, True)
	assert reply.code in (550, 554), str(reply)
	s.cmd("NOOP", 250)
	assert not bdat.box.mails


def test_newline_split_between_chunks_is_fine(bdat, s):
	assert chunk(s, b"Subject: x\r\n\r\none\r").code == 250
	assert chunk(s, b"\ntwo\r\n", True).code == 250
	arrives(bdat, b"Subject: x\r\n\r\none\r\ntwo\r\n")


def test_too_big_in_all(bdat, s):
	code = 250
	for i in range(40):
		reply = chunk(s, b"x" * 9998 + b"\r\n", i == 39)
		code = max(code, reply.code)
	assert code == 552
	s.cmd("RSET", 250)
	assert not bdat.box.mails


def test_one_chunk_too_big(bdat, s):
	"""Its octets are read over, and not kept."""
	assert chunk(s, b"QUIT\r\n" * 200_000, True).code == 552
	s.cmd("NOOP", 250)
	assert not bdat.box.mails and not bdat.w.files("tmp")


def test_absurd_size(bdat, s):
	s.send(b"BDAT 99999999999999999999999999 LAST\r\n")
	assert s.reply().code in (501, 552)


def test_without_transaction_the_octets_are_swallowed(bdat, s):
	s.cmd("RSET", 250)
	data = b"NOOP\r\n" * 10
	s.send(b"BDAT %d LAST\r\n" % len(data) + data)
	assert s.reply().code == 503
	assert s.silent(0.2), "the octets were read as commands"
	s.cmd("NOOP", 250)


def test_without_valid_recipient(bdat):
	bdat.box.mails.clear()
	with bdat.w.session() as s:
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("RCPT TO:<nobody@example.com>", 550)
		s.send(b"BDAT 6 LAST\r\nNOOP\r\n")
		assert s.reply().code in (503, 554)
		s.cmd("NOOP", 250)


def test_data_after_bdat_is_out_of_order(bdat, s):
	assert chunk(s, b"Subject: x\r\n").code == 250
	assert s.cmd("DATA").code == 503
	assert s.cmd("RCPT TO:<al@example.com>").code == 503
	s.cmd("RSET", 250)
	assert s.cmd("BDAT 0 LAST").code == 503
	assert not bdat.box.mails


def test_rset_between_chunks_forgets(bdat, s):
	chunk(s, b"Subject: forgotten\r\n")
	s.cmd("RSET", 250)
	s.cmd("MAIL FROM:<sam@sender.test>", 250)
	s.cmd("RCPT TO:<alice@example.com>", 250)
	assert chunk(s, b"Subject: kept\r\n\r\n", True).code == 250
	arrives(bdat, b"Subject: kept\r\n\r\n")


@pytest.mark.parametrize("line", ["BDAT", "BDAT x", "BDAT -1", "BDAT 0 LASTLY", "BDAT 5x"])
def test_bad_syntax(s, line):
	assert s.cmd(line).code in (501, 500)


def test_chunks_under_tls(bdat):
	bdat.box.mails.clear()
	with bdat.w.session() as s:
		s.starttls()
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("RCPT TO:<alice@example.com>", 250)
		for i in range(0, len(CONTENT), 2000):
			assert chunk(s, CONTENT[i:i + 2000]).code == 250
		assert chunk(s, b"", True).code == 250
	arrives(bdat, CONTENT)
