"""SRS: senders are rewritten on the way out, and their bounces come home, also those of the old installation."""
import base64
import hashlib
import hmac
import socket
import subprocess
import time

import pytest

from lab import message
from lab.net import wait_for

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def stamp(days_ago=0):
	day = int(time.time() // 86400) - days_ago
	return ALPHABET[day >> 5 & 31] + ALPHABET[day & 31]


def digest(secret, *parts):
	text = "".join(parts).lower().encode()
	return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha1).digest()).decode()[:4]


def srs0(local, domain, secret="tops3cr3t", days_ago=0, srs_domain="srs.example.com"):
	"""As PostSRSd writes it; test_postsrsd_agrees checks this function against PostSRSd itself."""
	tt = stamp(days_ago)
	return f"SRS0={digest(secret, tt, domain, local)}={tt}={domain}={local}@{srs_domain}"


@pytest.fixture(scope="module")
def postsrsd(shared):
	"""The real PostSRSd, the way the old installation ran it."""
	folder = shared.dir / "postsrsd"
	folder.mkdir()
	(folder / "secret").write_text("tops3cr3t\n")
	ip = shared.net.host(40)
	process = subprocess.Popen(["/usr/sbin/postsrsd", "-s", str(folder / "secret"), "-d", "srs.example.com", "-l", ip,
		"-f", "10001", "-r", "10002"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
		stderr=(folder / "log").open("wb"))

	def ask(port, address):
		with socket.create_connection((ip, port), 5) as s:
			s.sendall(f"get {address}\n".encode())
			return s.makefile().readline().split(" ", 1)

	def up():
		assert process.poll() is None, (folder / "log").read_text()
		try:
			return ask(10001, "x@y.test")
		except OSError:
			return None

	wait_for(up, what="postsrsd")
	yield ask
	process.terminate()
	process.wait(10)


@pytest.fixture(scope="module")
def srs(shared):
	shared.box = shared.mailbox()
	shared.w = shared.waypost(limits={"errors": 1000}, srs={"srs_secret": ["newest", "tops3cr3t"]})
	return shared


@pytest.fixture(autouse=True)
def emptied(request):
	if "srs" in request.fixturenames:
		request.getfixturevalue("srs").box.mails.clear()


def test_postsrsd_agrees(postsrsd):
	code, address = postsrsd(10001, "sam@sender.test")
	assert (code, address.strip()) == ("200", srs0("sam", "sender.test"))


def test_address_of_postsrsd_comes_home(srs, postsrsd):
	for sender in ("sam@sender.test", "Sam.Spade+x@Sender.TEST", "a=b=c@d-e.test", "sam@srs0.test"):
		srs.box.mails.clear()
		code, address = postsrsd(10001, sender)
		assert code == "200"
		srs.w.send(message.make(), sender="", to=address.strip())
		mail = srs.box.one()
		assert mail.rcpts == [sender] or mail.rcpts[0].lower() == sender.lower()
		assert mail.sender == ""


def test_address_of_ours_is_one_that_postsrsd_reads(shared, postsrsd):
	box = shared.scripted(host=8)
	w = shared.waypost(next_hops={"*": f"{shared.net.host(8)}:2600"}, listen={"smtp": [f"{shared.net.host(2)}:2525"],
		"submission": [], "submissions": []}, start=False)
	w.ip = w.client.ip = shared.net.host(2)
	w.start()
	w.send(message.make())
	code, address = postsrsd(10002, box.one().sender)
	assert (code, address.strip()) == ("200", "sam@sender.test")
	w.stop()


def test_first_secret_signs_and_all_verify(srs):
	srs.w.send(message.make())
	assert srs.box.one().sender == srs0("sam", "sender.test", "newest")
	for secret in ("newest", "tops3cr3t"):
		srs.box.mails.clear()
		srs.w.send(message.make(), sender="", to=srs0("sam", "sender.test", secret))
		assert srs.box.one().rcpts == ["sam@sender.test"]


def test_case_is_no_matter(srs):
	for change in (str.lower, str.upper):
		srs.box.mails.clear()
		srs.w.send(message.make(), sender="", to=change(srs0("sam", "sender.test")))
		assert srs.box.one().rcpts[0].lower() == "sam@sender.test"


def test_a_bounce_comes_home_unchanged(srs):
	srs.w.send(message.make())
	address = srs.box.one().sender
	srs.box.mails.clear()
	content = message.make(sender="MAILER-DAEMON@gmail.test", to=address, subject="Undelivered")
	srs.w.send(content, sender="", to=address)
	mail = srs.box.one()
	assert (mail.sender, mail.rcpts) == ("", ["sam@sender.test"])
	message.split_top(mail.content, content)


def test_srs_address_with_a_sender_of_its_own(srs):
	srs.w.send(message.make(), sender="helpdesk@gmail.test", to=srs0("sam", "sender.test"))
	mail = srs.box.one()
	assert mail.rcpts == ["sam@sender.test"]
	assert mail.sender == srs0("helpdesk", "gmail.test", "newest")


FORGED = [
	("another secret", srs0("sam", "sender.test", "guess")),
	("another user", srs0("sam", "sender.test").replace("=sam@", "=bob@")),
	("another domain", srs0("sam", "sender.test").replace("=sender.test=", "=bank.test=")),
	("no hash", "SRS0=" + srs0("sam", "sender.test")[9:]),
	("short hash", srs0("sam", "sender.test")[:5] + srs0("sam", "sender.test")[6:]),
	("one letter", "SRS0=" + srs0("sam", "sender.test")[5:6] + srs0("sam", "sender.test")[9:]),
	("stale", srs0("sam", "sender.test", days_ago=30)),
	("from the future", srs0("sam", "sender.test", days_ago=-5)),
	("no time", "SRS0=AAAA=sender.test=sam@srs.example.com"),
	("nothing", "SRS0=@srs.example.com"),
	("only separators", "SRS0====@srs.example.com"),
	("SRS1 forged", "SRS1=AAAA=third.test==AAAA=2W=sender.test=sam@srs.example.com"),
	("SRS1 nothing", "SRS1=@srs.example.com"),
	("no SRS at all", "somebody@srs.example.com"),
	("SRS2", "SRS2=AAAA=2W=sender.test=sam@srs.example.com"),
]


@pytest.mark.parametrize("rcpt", [f[1] for f in FORGED], ids=[f[0] for f in FORGED])
def test_forged_or_stale_is_refused_at_rcpt(srs, rcpt):
	with srs.w.session() as s:
		s.cmd("MAIL FROM:<>", 250)
		reply = s.cmd(f"RCPT TO:<{rcpt}>")
		assert (reply.code, reply.status) == (550, "5.1.1"), str(reply)


@pytest.mark.parametrize("days", [0, 1, 20])
def test_as_old_as_three_weeks_is_taken(srs, days):
	srs.w.send(message.make(), sender="", to=srs0("sam", "sender.test", days_ago=days))
	assert srs.box.one().rcpts == ["sam@sender.test"]


def test_srs0_of_another_forwarder_becomes_srs1_and_back(srs):
	theirs = "SRS0=xyz=2W=origin.test=sam@other-forwarder.test"
	srs.w.send(message.make(), sender=theirs)
	address = srs.box.one().sender
	assert address.startswith("SRS1=") and address.endswith("=other-forwarder.test==xyz=2W=origin.test=sam@srs.example.com")
	srs.box.mails.clear()
	srs.w.send(message.make(), sender="", to=address)
	assert srs.box.one().rcpts == [theirs]


def test_srs1_of_another_forwarder_keeps_its_first_hop(srs):
	theirs = "SRS1=abcd=first.test==xyz=2W=origin.test=sam@second.test"
	srs.w.send(message.make(), sender=theirs)
	address = srs.box.one().sender
	assert address.endswith("=first.test==xyz=2W=origin.test=sam@srs.example.com")
	assert "second.test" not in address
	srs.box.mails.clear()
	srs.w.send(message.make(), sender="", to=address)
	assert srs.box.one().rcpts == ["SRS0=xyz=2W=origin.test=sam@first.test"]


def test_our_own_domain_as_an_unauthenticated_sender_is_rewritten(srs):
	srs.w.send(message.make(), sender="alice@example.com")
	assert srs.box.one().sender == srs0("alice", "example.com", "newest")


def test_long_sender_gets_a_key_that_survives_a_restart(lab):
	box, w = lab.mailbox(), lab.waypost()
	sender = f"{'long.local.part' * 4}@{'a-long-domain' * 3}.test"
	w.send(message.make(), sender=sender)
	address = box.one().sender
	assert address.endswith("@srs.example.com") and len(address.partition("@")[0]) <= 64
	assert "long.local" not in address
	box.mails.clear()
	w.send(message.make(), sender="", to=address)
	assert box.one().rcpts == [sender]
	w.restart()
	box.mails.clear()
	w.send(message.make(), sender="", to=address)
	assert box.one().rcpts == [sender]
	with w.session() as s:
		s.cmd("MAIL FROM:<>", 250)
		forged = address[:-len("@srs.example.com") - 1] + ("A" if address[-len("@srs.example.com") - 1] != "A" else "B")
		assert s.cmd(f"RCPT TO:<{forged}@srs.example.com>").status == "5.1.1"


def test_secret_is_made_and_kept(lab):
	box, w = lab.mailbox(), lab.waypost(srs={"srs_secret": None})
	w.send(message.make())
	address = box.one().sender
	assert address.startswith("SRS0=")
	w.restart()
	box.mails.clear()
	w.send(message.make(), sender="", to=address)
	assert box.one().rcpts == ["sam@sender.test"]


def test_header_recipients_are_left_alone(srs):
	address = srs0("sam", "sender.test")
	content = message.make(to=address, fields=f"Cc: {address}\r\n")
	srs.w.send(content, sender="", to=address)
	message.split_top(srs.box.one().content, content)


def test_command_line(lab):
	w = lab.waypost(start=False)
	address = w.cli("srs", "forward", "sam@sender.test", expect=0).text.strip()
	assert address == srs0("sam", "sender.test")
	assert w.cli("srs", "reverse", address, expect=0).text.strip() == "sam@sender.test"
	assert w.cli("srs", "reverse", FORGED[0][1], expect=1).out.strip()
	assert w.cli("srs", "reverse", "sam@sender.test").returncode == 1
	assert w.cli("srs", "forward", "not an address").returncode != 0
