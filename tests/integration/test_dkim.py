"""Signatures: what we sign verifies with dkimpy and Mail::DKIM, what others signed still verifies behind us."""
import re
import subprocess

import dkim
import pytest

from lab import message
from lab.net import DNS
from lab.zone import txt

PERL = r"""
use strict; use warnings;
use Mail::DKIM::Verifier; use Net::DNS::Resolver;
my $r = Net::DNS::Resolver->new(nameservers => [$ARGV[0]], port => $ARGV[1], recurse => 1);
Mail::DKIM::DNS::resolver($r);
my $v = Mail::DKIM::Verifier->new();
while (<STDIN>) { $v->PRINT($_); }
$v->CLOSE;
print join(" ", $_->domain, $_->selector, $_->algorithm, $_->result), "\n" for $v->signatures;
"""


class Keys:
	"""Keys made by waypost itself, and the zone that it says to publish."""

	def __init__(self, w):
		self.w, self.zone, self.records = w, "", {}

	def make(self, domain, selector, kind="rsa"):
		folder = self.w.dir / "keys"
		folder.mkdir(exist_ok=True)
		before = set(folder.iterdir())
		done = self.w.cli("keygen", "-d", domain, "-s", selector, "-t", kind, "-o", folder, config=False, expect=0)
		made = [p for p in set(folder.iterdir()) - before if b"PRIVATE KEY" in p.read_bytes()]
		assert len(made) == 1, f"{made}: {done.out}"
		assert made[0].stat().st_mode & 0o077 == 0
		value = record_of(done.text, f"{selector}._domainkey.{domain}")
		self.records[f"{selector}._domainkey.{domain}."] = value
		self.zone += txt(f"{selector}._domainkey.{domain}", value)
		return {"selector": selector, "key": str(made[0].relative_to(self.w.dir))}

	def lookup(self, name, timeout=5):
		return self.records.get(name.decode() if isinstance(name, bytes) else name, "").encode()


def record_of(printed, name):
	"""The TXT value in zone-file text, its strings joined."""
	assert name in printed, f"no record for {name}: {printed}"
	after = printed[printed.index(name):]
	value = ""
	for line in after.split("\n"):
		strings = re.findall(r'"((?:[^"\\]|\\.)*)"', line)
		assert all(len(x) <= 255 for x in strings), "a string of a TXT record is too long"
		value += "".join(strings)
		if strings and ")" in line.split('"')[-1] or (strings and "(" not in after.split("\n")[0]):
			break
	return re.sub(r"\\(.)", r"\1", value)


def perl(lab, content):
	"""Mail::DKIM's verdicts; it knows no Ed25519."""
	done = subprocess.run(["perl", "-e", PERL, lab.net.dns, str(DNS)], input=content, capture_output=True,
		timeout=60)
	assert done.returncode == 0, done.stderr.decode()
	return sorted(done.stdout.decode().split("\n")[:-1])


def verify_all(keys, content):
	"""dkimpy's verdict on each signature, top first."""
	n = len(re.findall(rb"(?mi)^DKIM-Signature:", content.split(b"\r\n\r\n")[0]))
	d = dkim.DKIM(content)

	def verdict(i):
		try:
			return d.verify(i, dnsfunc=keys.lookup)
		except dkim.ValidationError:
			return False

	return [verdict(i) for i in range(n)]


def tags(content, index=0):
	value = message.parse(content).get_all("DKIM-Signature")[index]
	return dict((k.strip(), re.sub(r"\s", "", v)) for k, v in (t.split("=", 1) for t in str(value).split(";") if "=" in t))


def signing(lab, kinds=("rsa",), forward=None, **over):
	"""A waypost that signs as example.com, with a resolver that has the keys."""
	lab.dns()
	box = lab.mailbox()
	w = lab.waypost(start=False, **over)
	keys = Keys(w)
	made = [keys.make("example.com", f"s{i}", kind) for i, kind in enumerate(kinds)]
	w.config["dkim"] = {"enable": True}
	w.config["virtual_domains"]["example.com"]["dkim"] = made[0] if len(made) == 1 else made
	if forward:
		w.config["srs"]["dkim"] = keys.make("srs.example.com", "fwd", forward)
	lab.zones[-1].set(keys.zone)
	w.write()
	w.start()
	return box, w, keys


def own(**more):
	return message.make(sender="alice@example.com", to="dest@far.test", **more)


BODIES = {
	"short": b"Hello.\r\n", "empty": b"", "blank lines": b"\r\n\r\n\r\n", "trailing": b"a  b \t\r\n \t \r\n\r\n\r\n",
	"odd": message.odd_bytes(30_000), "big": message.odd_bytes(700_000), "long line": b"x  y" * 15_000 + b"\r\n",
	"dots": b".\r\n..\r\n",
}


@pytest.mark.parametrize("kinds", [("rsa",), ("ed25519",), ("rsa", "ed25519")])
def test_submitted_mail_is_signed(lab, kinds):
	box, w, keys = signing(lab, kinds)
	for name, body in BODIES.items():
		box.mails.clear()
		content = own(body=body, fields="Cc: Bob <bob@example.com>\r\nX-Odd:   a \t b  \r\n")
		w.submit(content)
		got = box.one().content
		message.split_top(got, content)
		assert verify_all(keys, got) == [True] * len(kinds), name
		assert [x for x in perl(lab, got) if "rsa" in x] == [
			f"example.com s{i} rsa-sha256 pass" for i, kind in enumerate(kinds) if kind == "rsa"], name
	t = tags(got)
	assert t["c"] == "relaxed/relaxed" and t["d"] == "example.com" and "l" not in t
	h = t["h"].lower().split(":")
	for field in ("from", "to", "subject", "date", "message-id", "cc", "reply-to"):
		present = 0 if field == "reply-to" else 1
		assert h.count(field) == present + 1, f"{field} is not oversigned: {h}"


def test_added_fields_are_covered(lab):
	box, w, keys = signing(lab)
	w.submit(b"From: alice@example.com\r\nSubject: bare\r\n\r\nx\r\n")
	got = box.one().content
	assert verify_all(keys, got) == [True]
	h = tags(got)["h"].lower().split(":")
	assert "date" in h and "message-id" in h
	broken = got.replace(b"\r\nDate: ", b"\r\nDate: X", 1)
	assert broken != got and verify_all(keys, broken) == [False]


def test_changes_break_it(lab):
	box, w, keys = signing(lab)
	w.submit(own())
	got = box.one().content
	for change in ((b"Hello.", b"Hullo."), (b"Subject: hello", b"Subject: hullo"), (b"From: <alice@", b"From: <malice@")):
		assert verify_all(keys, got.replace(*change)) == [False], change
	for added in (b"From: <ceo@bank.test>\r\n", b"Subject: another\r\n", b"Reply-To: <x@y.test>\r\n"):
		assert verify_all(keys, added + got) == [False], added


def test_another_domains_user_is_signed_by_that_domain_only(lab):
	box, w, keys = signing(lab, virtual_domains={"example.org": {"accounts": [
		{"name": "carol", "password": "carol-pw", "forward": "carol@gmail.test"}]}})
	w.submit(message.make(sender="carol@example.org"), sender="carol@example.org", user="carol@example.org",
		password="carol-pw")
	assert b"DKIM-Signature" not in box.one().content


def test_switched_off(lab):
	box, w, keys = signing(lab)
	w.stop()
	w.config["dkim"] = {"enable": False}
	w.write()
	w.start()
	w.submit(own())
	assert b"DKIM-Signature" not in box.one().content


def test_forwarded_mail_is_not_signed_without_srs_dkim(lab):
	box, w, keys = signing(lab)
	w.send(message.make())
	assert b"DKIM-Signature" not in box.one().content


@pytest.mark.parametrize("forward", ["rsa", "ed25519"])
def test_foreign_signatures_stay_valid_and_ours_stands_beside(lab, forward):
	box, w, keys = signing(lab, forward=forward)
	sender_key = keys.make("sender.test", "theirs")
	lab.zones[-1].set(keys.zone)
	private = (w.dir / sender_key["key"]).read_bytes()
	for name, body in BODIES.items():
		if name == "odd" or name == "big":
			body = bytes(b for b in body if b < 128)
		for canon in ((b"relaxed", b"relaxed"), (b"simple", b"simple")):
			box.mails.clear()
			content = message.make(body=body, fields="X-Odd:   a \t b  \r\n")
			content = dkim.sign(content, b"theirs", b"sender.test", private, canonicalize=canon,
				include_headers=[b"From", b"To", b"Subject", b"X-Odd"]) + content
			w.send(content)
			got = box.one().content
			top = message.split_top(got, content)
			assert "DKIM-Signature" in top
			assert tags(got)["d"] == "srs.example.com"
			assert verify_all(keys, got) == [True, True], (name, canon)
			assert all(x.endswith(" pass") for x in perl(lab, got) if "rsa" in x)


def test_fields_that_a_signature_oversigns_are_not_added(lab):
	box, w, keys = signing(lab)
	sender_key = keys.make("sender.test", "theirs")
	private = (w.dir / sender_key["key"]).read_bytes()
	content = message.make()
	signature = dkim.sign(content, b"theirs", b"sender.test", private,
		include_headers=[b"From", b"Subject", b"Delivered-To", b"X-Forwarded-To", b"X-Forwarded-For"])
	content = signature + content
	w.send(content)
	got = box.one().content
	top = message.split_top(got, content)
	assert verify_all(keys, got) == [True], f"a signature that was valid before us: {top.keys()}"
	assert "Received" in top and "Delivered-To" not in top


def test_dns_prints_what_to_publish(lab):
	box, w, keys = signing(lab, ("rsa", "ed25519"), forward="rsa")
	printed = w.cli("dns", expect=0).text
	for name, value in keys.records.items():
		assert record_of(printed, name.rstrip(".")) == value
	for word in ("example.com.", "MX", "mail.example.com.", "v=spf1", "_dmarc.example.com."):
		assert word in printed, word
	# it is what it says: zone-file format
	lab.zones[-1].set("".join(line + "\n" for line in printed.split("\n")
		if not re.match(r"\s*(;|$)", line)))


def test_wrong_keys_are_found_by_check(lab):
	w = lab.waypost(start=False)
	(w.dir / "empty").write_bytes(b"")
	(w.dir / "cert").write_bytes(open(lab.certificate("mail.example.com")[0], "rb").read())
	subprocess.run(["openssl", "genrsa", "-out", str(w.dir / "small"), "512"], check=True, capture_output=True)
	subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-out", str(w.dir / "ec")], check=True,
		capture_output=True)
	for name in ("empty", "cert", "small", "ec", "missing"):
		if name != "missing":
			(w.dir / name).chmod(0o600)
		w.config["virtual_domains"]["example.com"]["dkim"] = {"selector": "s", "key": name}
		w.write()
		done = w.cli("check", expect=1)
		assert re.search(r"config\.yaml:\d+:\d+: ", done.out) and name in done.out, done.out
