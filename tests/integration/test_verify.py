"""waypost verify: the server's own words about a message file, or about a client."""
import re

import pytest

from lab import message, results, screen
from lab.client import Session
from lab.signer import Key

ZONE = """\
good.test. TXT "v=spf1 ip4:192.0.2.0/24 ip4:{2} ip6:2001:db8::/32 -all"
_dmarc.good.test. TXT "v=DMARC1; p=reject"
soft.test. TXT "v=spf1 ~all"
neutral.test. TXT "v=spf1 ?all"
wrong.test. TXT "v=spf1 include:"
explained.test. TXT "v=spf1 -all exp=why.explained.test"
why.explained.test. TXT "see https://explained.test/"
helo.test. TXT "v=spf1 ip4:192.0.2.1 -all"
"""


class Place:
	def __init__(self, lab):
		self.lab, self.key = lab, Key(lab.dir, "good.test")
		self.broken = Key(lab.dir, "broken.test")
		lab.dns(ZONE + self.key.record())
		self.box = lab.mailbox()
		self.w = lab.waypost(**screen.config(postscreen={"greet_wait": 0}))
		self.n = 0

	def file(self, content):
		self.n += 1
		path = self.lab.dir / f"message{self.n}.eml"
		path.write_bytes(content)
		return path

	def verify(self, *words, status=0, **more):
		done = self.w.cli("verify", *words, expect=status, **more)
		lines = done.text.strip("\n").split("\n")
		assert all(re.match(r"(spf|dkim|dmarc|refused)=\w+", line) for line in lines if line), done.text
		return lines


@pytest.fixture(scope="module")
def place(shared):
	return Place(shared)


def client(ip, sender, helo="helo.test"):
	return "--ip", ip, "--helo", helo, "--mail-from", sender


CLIENTS = [("192.0.2.1", "a@good.test", 0, "spf=pass smtp.mailfrom=a@good.test (ip4:192.0.2.0/24)"),
	("2001:db8::5", "a@good.test", 1, "spf=pass smtp.mailfrom=a@good.test (ip6:2001:db8::/32)"),
	("198.51.100.1", "a@good.test", 1, "spf=fail smtp.mailfrom=a@good.test (-all)"),
	("192.0.2.1", "a@soft.test", 1, "spf=softfail smtp.mailfrom=a@soft.test (~all)"),
	("192.0.2.1", "a@neutral.test", 0, "spf=neutral smtp.mailfrom=a@neutral.test (?all)"),
	("192.0.2.1", "a@nothing.test", 0, "spf=none smtp.mailfrom=a@nothing.test (no SPF record)"),
	("192.0.2.1", "a@explained.test", 1, "spf=fail smtp.mailfrom=a@explained.test (see https://explained.test/)"),
	("192.0.2.1", "a@wrong.test", 1, "spf=permerror smtp.mailfrom=a@wrong.test ("),
	("192.0.2.1", "a@x.broken.test", 75, "spf=temperror smtp.mailfrom=a@x.broken.test (")]


@pytest.mark.parametrize("ip, sender, status, line", CLIENTS, ids=[c[3].split(" (")[0] + " " + c[0] for c in CLIENTS])
def test_a_client(place, ip, sender, status, line):
	lines = place.verify(*client(ip, sender), status=status)
	assert len(lines) == 2 and lines[0].startswith(line), lines
	assert lines[1].startswith("spf=pass smtp.helo=helo.test" if ip == "192.0.2.1" else "spf=fail smtp.helo=helo.test")


def test_the_sender_of_bounces(place):
	for null in ("", "<>"):
		assert place.verify(*client("192.0.2.1", null)) == ["spf=pass smtp.helo=helo.test (ip4:192.0.2.1)"]


def good_and_damaged(key, broken):
	content = message.make("a@good.test")
	return [
		(key.sign(content), 0, "dkim=pass header.d=good.test header.s=sel", "dmarc=pass header.from=good.test policy.dmarc=reject (DKIM is aligned)"),
		(key.sign_perl(content), 0, "dkim=pass header.d=good.test", "dmarc=pass"),
		(key.sign(content) + b"more\r\n", 1, "dkim=fail header.d=good.test header.s=sel", "dmarc=fail header.from=good.test policy.dmarc=reject"),
		(key.sign(message.make("a@good.test", body=message.odd_bytes(1_300_000))), 0, "dkim=pass", "dmarc=pass"),
		(broken.sign(message.make("a@nothing.test")), 75, "dkim=temperror header.d=broken.test", "dmarc=none header.from=nothing.test"),
		(content, 1, "dkim=none (no signature)", "dmarc=fail"),
	]


def test_messages(place):
	for n, (content, status, dkim, dmarc) in enumerate(good_and_damaged(place.key, place.broken)):
		lines = place.verify(place.file(content), status=status)
		assert [line.split("=")[0] for line in lines] == ["spf", "dkim", "dmarc"], (n, lines)
		assert "not asked" in lines[0] and lines[1].startswith(dkim) and lines[2].startswith(dmarc), (n, lines)
		assert "pass" in lines[1].split(" ")[0] or re.search(r"\(.+\)$", lines[1]), f"no reason: {lines}"


def test_a_message_and_its_client(place):
	path = place.file(message.make("a@good.test"))
	lines = place.verify(*client("192.0.2.1", "a@good.test"), path)
	assert [line.split(" ")[0] for line in lines] == ["spf=pass", "spf=pass", "dkim=none", "dmarc=pass"], lines
	assert "SPF is aligned" in lines[3]
	lines = place.verify(*client("198.51.100.1", "a@good.test"), path, status=1)
	assert lines[3].startswith("dmarc=fail")


def test_what_the_server_would_refuse(place):
	lines = place.verify(*client("192.0.2.1", "a@good.test"), place.file(message.make("alice@example.com")), status=1)
	assert lines[-1].startswith("refused=550 5.7.26 ") and "example.com" in lines[-1], lines


def test_standard_input_and_lines_that_end_in_lf(place):
	signed = place.key.sign(message.make("a@good.test"))
	assert "dkim=pass" in place.w.cli("verify", "-", input=signed, expect=0).text
	done = place.w.cli("verify", "-", input=signed.replace(b"\r\n", b"\n"), expect=0)
	assert "dkim=pass" in done.text and "LF" in done.err


def test_it_agrees_with_what_the_server_wrote(place):
	"""Of what arrived at the provider, a person asks again."""
	n = len(place.box.mails)
	content = place.key.sign(message.make("a@good.test"))
	with Session(place.w.ip, source=place.lab.net.host(2)) as s:
		s.ehlo("client.test")
		s.mail("a@good.test", "alice@example.com", content)
	r = results.read(place.box.wait(n + 1)[-1].content, content)
	lines = place.verify(*client(place.lab.net.host(2), "a@good.test", "client.test"), place.file(content))
	assert [line.split(" ")[0] for line in lines] == [f"spf={r.spf}", f"spf={r.helo}", f"dkim={r.dkim[0][0]}", f"dmarc={r.dmarc}"]


def test_what_a_stranger_wrote_is_harmless_on_a_terminal(place):
	content = b"From: <a@\x1b[2Jgood.test>\r\nDKIM-Signature: v=1; a=rsa-sha256; d=\x1b]0;x\x07.test; s=\x1b[31m; bh=; b=\x1b; h=from\r\n\r\nx\r\n"
	done = place.w.cli("verify", place.file(content))
	assert not re.search(r"[^\x20-\x7e\n]", done.text), repr(done.text)


def test_the_server_need_not_run(lab):
	lab.dns(ZONE)
	w = lab.waypost(start=False)
	assert w.cli("verify", *client("192.0.2.1", "a@good.test")).text.startswith("spf=pass")


USAGE = [(), ("--ip", "192.0.2.1"), ("--ip", "192.0.2.1", "--helo", "x"), client("nonsense", "a@b.test"), client("192.0.2.1", "a b@c"),
	("--bogus", "x"), ("a", "b")]


@pytest.mark.parametrize("words", USAGE, ids=[" ".join(u) or "nothing" for u in USAGE])
def test_wrong_usage(place, words):
	done = place.w.cli("verify", *words)
	assert done.returncode == 2 and done.err and not done.text, (done.returncode, done.out)


def test_what_can_not_be_read(place):
	for path in ("/nonexistent", place.lab.dir):
		done = place.w.cli("verify", path)
		assert done.returncode == 66 and str(path) in done.err, (done.returncode, done.out)
	done = place.w.cli("verify", place.file(b"X: " + b"a" * 300_000 + b"\r\n\r\nx\r\n"))
	assert done.returncode == 66 and "header" in done.err, (done.returncode, done.out)
	assert place.w.cli("verify", place.file(b"")).returncode in (0, 1)
	assert "--mail-from" in place.w.cli("verify", "--help", expect=0).text
