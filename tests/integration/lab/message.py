"""Messages to send, and the question whether they arrived as they were."""
import email
import email.policy
import random
import re

OUR_FIELDS = {"received", "delivered-to", "x-forwarded-to", "x-forwarded-for", "dkim-signature",
	"authentication-results", "received-spf", "return-path"}


def make(sender="sam@sender.test", to="alice@example.com", subject="hello", body="Hello.\r\n", fields="",
		ident=None):
	"""An ordinary message as bytes, CRLF at each line's end."""
	ident = ident or f"{random.getrandbits(64):x}@sender.test"
	head = (f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n"
		f"Date: Mon, 02 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{ident}>\r\n{fields}\r\n")
	if isinstance(body, str):
		body = body.encode()
	return head.encode() + body


def odd_bytes(size, seed=1):
	"""Lines of every 8-bit byte but NUL, CR and LF, with dots where they hurt."""
	r = random.Random(seed)
	alphabet = bytes(b for b in range(1, 256) if b not in (10, 13))
	out = bytearray()
	while len(out) < size:
		line = bytes(r.choices(alphabet, k=r.choice((0, 1, 20, 76, 200, 990))))
		out += r.choice((b"", b".", b"..", b"...")) + line + b"\r\n"
	return bytes(out)


def split_top(arrived, sent, extra=()):
	"""The fields that waypost put above what was sent, as email.Message. All below must be as it was."""
	assert arrived.endswith(sent), (
		f"changed on its way:\n--- sent\n{sent[:2000]!r}\n--- arrived\n{arrived[:4000]!r}")
	top = arrived[:len(arrived) - len(sent)]
	fields = re.sub(rb"\r\n(?=[ \t])", b"", top).split(b"\r\n")
	assert fields.pop() == b"", f"our fields do not end in CRLF: {top!r}"
	for field in fields:
		name = field.split(b":")[0].decode()
		assert name.lower() in OUR_FIELDS | {e.lower() for e in extra}, f"an unexpected field on top: {field!r}"
	assert all(len(line) <= 998 for line in top.split(b"\r\n"))
	return email.message_from_bytes(top + b"\r\n", policy=email.policy.compat32)


def parse(content):
	return email.message_from_bytes(content, policy=email.policy.default)
