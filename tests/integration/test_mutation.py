"""Talk that somebody broke at random, always the same random: nothing crashes, and honest mail still gets through."""
import random
import socket

import pytest

from lab import message
from lab.client import stuff
from lab.net import SMTP, SUBMISSION, wait_for

TALKS = [
	b"EHLO client.test\r\nMAIL FROM:<sam@sender.test> SIZE=100 BODY=8BITMIME\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n"
	+ stuff(message.make(fields="X-A: b\r\n c\r\n")) + b".\r\nNOOP\r\nRSET\r\nVRFY a\r\nHELP\r\nQUIT\r\n",
	b"EHLO client.test\r\nMAIL FROM:<\"a b\"@sender.test> SMTPUTF8\r\nRCPT TO:<alice+x@example.com>\r\nBDAT 30\r\n"
	b"Subject: x\r\n\r\n0123456789ABCD\r\nBDAT 12 LAST\r\n0123456789\r\nRCPT TO:<@a.test:b@example.com>\r\nSTARTTLS\r\n",
	b"HELO [IPv6:::1]\r\nMAIL FROM:<>\r\nRCPT TO:<SRS0=AAAA=2W=sender.test=sam@srs.example.com>\r\nRCPT TO:<postmaster>\r\n"
	b"RCPT TO:<SRS1=AAAA=a.test==BBBB=2W=sender.test=sam@srs.example.com>\r\nDATA\r\n\r\n.\r\nAUTH PLAIN AGEAYg==\r\n",
]
PIECES = [b"\r\n", b"\n", b"\r", b"\0", b".\r\n", b"\r\n.\r\n", b"<", b">", b"@", b"\"", b"\\", b"[", b"]", b":", b" ", b"=", b"\xff", b"\xc3",
	b"A" * 600, b"x" * 70_000, b"=" * 100, b"99999999999999999999", b"-1", b"SRS0=", b"RCPT TO:", b"DATA\r\n", b"BDAT 5\r\n", b"STARTTLS\r\n"]


def mutated(r, talk):
	out = bytearray(talk)
	for _ in range(r.choice((1, 1, 2, 5, 20))):
		at = r.randrange(len(out) + 1)
		what = r.randrange(5)
		if what == 0:
			out[at:at] = r.choice(PIECES)
		elif what == 1:
			del out[at:at + r.choice((1, 2, 10, 100))]
		elif what == 2:
			out[at:at + 1] = bytes([r.randrange(256)])
		elif what == 3:
			out[at:at] = out[at:at + 200]
		else:
			del out[at:]
	return bytes(out)


@pytest.mark.parametrize("port", [SMTP, SUBMISSION])
def test_mutated_clients(lab, port):
	box = lab.mailbox()
	w = lab.waypost(limits={"clients_per_network": 1000}, log={"level": "debug"})
	r = random.Random(port)
	for _ in range(400):
		data = mutated(r, r.choice(TALKS))
		with socket.create_connection((w.ip, port), 10) as s:
			try:
				for at in range(0, len(data), size := r.choice((1 << 20, 1 << 20, 7, 100))):
					s.send(data[at:at + size])
				if r.random() < 0.8:
					s.shutdown(socket.SHUT_WR)
					s.settimeout(5)
					while s.recv(65536):
						pass
			except OSError:
				pass
	content = message.make(subject="after all that")
	w.send(content)
	wait_for(lambda: any(m.content.endswith(content) for m in box.mails), what="the honest one")
	w.wait_empty(30)
	assert all(m.rcpts[0].endswith("@gmail.test") for m in box.mails), "somebody was relayed"


REPLIES = [b"250 2.0.0 OK\r\n", b"250-a\r\n250 b\r\n", b"354 go\r\n", b"550 5.1.1 no\r\n", b"421 4.3.2 bye\r\n", b"220 hi\r\n",
	b"250-PIPELINING\r\n250-SIZE 100\r\n250-CHUNKING\r\n250-DSN\r\n250-SMTPUTF8\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n"]


def test_mutated_provider(lab):
	r = random.Random(1)

	def any_reply(session, line):
		return mutated(r, r.choice(REPLIES)) if r.random() < 0.3 else None

	steps = ("banner", "ehlo", "mail", "rcpt", "data", "dot", "rset", "starttls")
	provider = lab.scripted(**{step: any_reply for step in steps}, extensions=["PIPELINING", "SIZE", "DSN", "CHUNKING"])
	w = lab.waypost(deliver={"min_backoff": "100ms", "max_backoff": "200ms", "host_backoff": "0s", "command_timeout": "300ms",
		"data_timeout": "300ms", "final_timeout": "300ms"})
	for i in range(30):
		w.submit(message.make(sender="alice@example.com", subject=f"number {i}"), to=[f"a{i}@far.test", f"b{i}@far.test"])
	wait_for(lambda: len(provider.sessions) > 100 or not w.files(), 60, "many attempts")
	provider.on(**{step: None for step in steps})
	w.wait_empty(30)
	ends = {e["to"] for e in w.events("delivery") if e["status"] in ("sent", "bounced")}
	expected = {f"{x}{i}@far.test" for i in range(30) for x in "ab"}
	assert expected <= ends, f"neither sent nor bounced: {expected - ends}"
