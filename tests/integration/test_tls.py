"""TLS on the way in: STARTTLS, implicit TLS, certificates."""
import os
import socket
import ssl
import time

import pytest

from lab import message, pki
from lab.net import SUBMISSION, SUBMISSIONS, wait_for


def subject(sock):
	return ssl.DER_cert_to_PEM_cert(sock.getpeercert(True))


def test_self_signed_pair_is_made_once(lab):
	box, w = lab.mailbox(), lab.waypost()
	content = message.make()
	with w.session() as s:
		s.starttls()
		first = subject(s.sock)
		assert s.sock.version() == "TLSv1.3"
		s.mail("sam@sender.test", "alice@example.com", content)
	top = message.split_top(box.one().content, content)
	assert " with ESMTPS id " in " ".join(top["Received"].split())
	assert "TLSv1.3" in top["Received"]
	kept = [p for p in w.files("state") if b"PRIVATE KEY" in p.read_bytes()]
	assert kept and all(p.stat().st_mode & 0o077 == 0 for p in kept)
	w.restart()
	with w.session() as s:
		s.starttls()
		assert subject(s.sock) == first


def test_configured_pair_is_used_and_read_again_when_it_changes(lab):
	cert, key = lab.certificate("mail.example.com")
	other_cert, other_key = lab.certificate("other.example.com")
	paths = [lab.dir / "cert.pem", lab.dir / "key.pem"]

	def put(*files):
		for path, file in zip(paths, files):
			new = path.with_suffix(".new")
			new.write_bytes(open(file, "rb").read())
			new.chmod(0o600)
			os.rename(new, path)

	def shown():
		with w.session(SUBMISSIONS, ehlo=False) as s:
			return subject(s.sock)

	put(cert, key)
	w = lab.waypost(tls={"certificate": str(paths[0]), "key": str(paths[1])})
	assert shown() == open(cert).read()
	put(other_cert, other_key)
	wait_for(lambda: shown() == open(other_cert).read(), 30, "the new certificate")
	put(cert, other_key)
	time.sleep(1)
	assert shown() == open(other_cert).read(), "a pair that does not fit leaves the old one in use"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(lab, version):
	w = lab.waypost()
	context = pki.client_context()
	context.set_ciphers("ALL:@SECLEVEL=0")
	context.minimum_version = version
	context.maximum_version = version
	with socket.create_connection((w.ip, SUBMISSIONS), 10) as raw, pytest.raises((ssl.SSLError, OSError)):
		context.wrap_socket(raw)
	with w.session() as s:
		s.starttls()


def test_tls_1_2_is_taken(lab):
	w = lab.waypost()
	context = pki.client_context()
	context.maximum_version = ssl.TLSVersion.TLSv1_2
	with socket.create_connection((w.ip, SUBMISSIONS), 10) as raw:
		assert context.wrap_socket(raw).version() == "TLSv1.2"


def test_client_certificate_does_no_harm(lab):
	w = lab.waypost()
	context = pki.client_context()
	context.load_cert_chain(*lab.certificate("client.test"))
	with w.session() as s:
		s.cmd("STARTTLS", 220)
		s.sock = context.wrap_socket(s.sock)
		s.ehlo()


@pytest.mark.parametrize("port", [None, SUBMISSION])
@pytest.mark.parametrize("injected", [b"MAIL FROM:<injected@evil.test>\r\n", b"NOOP\r\n", b"EHLO evil\r\n", b"RSET", b"\r\n",
	b"\x16\x03\x01\x02\x00"])
def test_nothing_sent_before_tls_is_used_after_it(lab, injected, port):
	w = lab.waypost()
	with w.session(port or 2525) as s:
		s.send(b"STARTTLS\r\n" + injected)
		try:
			reply = s.reply()
			if reply.code == 220:
				s.secure()
				s.sock.settimeout(1)
				reply = s.cmd("NOOP")
				assert s.silent(0.3), "an answer to what was injected"
				assert s.cmd("RCPT TO:<alice@example.com>").code == 503
				return
			assert reply.code // 100 in (4, 5), str(reply)
			assert s.closed(2), "the door stays open after an injection"
		except (EOFError, OSError):
			pass
	assert not w.files()


def test_starttls_forgets_all_that_was_said(lab):
	w = lab.waypost()
	with w.session() as s:
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("RCPT TO:<alice@example.com>", 250)
		reply = s.cmd("STARTTLS")
		if reply.code == 220:
			s.secure()
			assert s.cmd("DATA").code == 503
			assert s.cmd("MAIL FROM:<sam@sender.test>").code == 503, "EHLO is to be said again"
			s.ehlo()
		assert s.cmd("RCPT TO:<alice@example.com>").code == 503 or reply.code == 503


def test_starttls_twice_and_with_words(lab):
	w = lab.waypost()
	with w.session() as s:
		assert s.cmd("STARTTLS now").code == 501
		s.starttls()
		assert s.cmd("STARTTLS").code == 503
		s.cmd("NOOP", 250)
	with w.session(SUBMISSIONS) as s:
		assert s.cmd("STARTTLS").code == 503


def test_failed_handshakes_do_not_disturb(lab):
	w = lab.waypost()
	for garbage in (b"EHLO plain\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 200, b"", b"\0" * 3000):
		with socket.create_connection((w.ip, SUBMISSIONS), 5) as raw:
			raw.sendall(garbage)
		with w.session() as s:
			s.cmd("STARTTLS", 220)
			s.send(garbage)
			s.close()
	halves = [socket.create_connection((w.ip, SUBMISSIONS), 5) for _ in range(20)]
	with w.session(SUBMISSIONS) as s:
		s.cmd("NOOP", 250)
	for h in halves:
		h.close()


def test_silent_handshake_is_given_up(lab):
	w = lab.waypost(limits={"command_time": "1s"})
	with socket.create_connection((w.ip, SUBMISSIONS), 5) as raw:
		begin = time.monotonic()
		raw.settimeout(6)
		try:
			while raw.recv(100):
				pass
		except ConnectionResetError:
			pass
		assert time.monotonic() - begin < 5


def test_big_message_under_tls(lab):
	box, w = lab.mailbox(), lab.waypost()
	content = message.make(body=message.odd_bytes(3_000_000))
	with w.session() as s:
		s.starttls()
		s.mail("sam@sender.test", "alice@example.com", content)
	message.split_top(box.one(30).content, content)


def test_swaks_with_tls(lab):
	box, w = lab.mailbox(), lab.waypost()
	done = w.client.swaks("--tls")
	assert done.returncode == 0, done.out
	assert "ESMTPS" in box.one().content.decode()
