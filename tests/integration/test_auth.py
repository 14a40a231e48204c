"""AUTH: who may log in, how, and what happens to those who guess."""
import base64
import crypt
import time

import pytest

from lab import message
from lab.client import auth_bytes
from lab.net import SMTP, SUBMISSION, SUBMISSIONS


def b64(text):
	return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


# Answers get slower with each failure of an account and of a network: so each test has one of its own.
_numbers = iter(range(1, 250))


def guest(w, **more):
	number = next(_numbers)
	s = w.session(SUBMISSIONS, source=f"127.{w.ip.split('.')[1]}.{number}.200", **more)
	s.user = f"u{number}@example.com"
	return s


def users(password):
	return {"virtual_domains": {"example.com": {"accounts": [{"name": "alice", "password": "alice-pw", "forward": "alice@gmail.test"}] + [
		{"name": f"u{i}", "password": password, "forward": "alice@gmail.test"} for i in range(1, 250)]}}}


@pytest.fixture(scope="module")
def auth(shared):
	shared.w = shared.waypost(limits={"auth_failures": 10000, "errors": 1000}, **users("alice-pw"))
	return shared


@pytest.fixture
def s(auth):
	with guest(auth.w) as session:
		yield session


def logged_in(s):
	return s.cmd("MAIL FROM:<alice@example.com>").code == 250


# -- the exchange

def test_plain_with_initial_response(s):
	assert s.cmd("AUTH PLAIN " + auth_bytes("alice@example.com", "alice-pw")).status == "2.7.0"
	assert logged_in(s)


def test_plain_without_initial_response(s):
	reply = s.cmd("AUTH PLAIN", 334)
	assert reply.lines == [""]
	s.cmd(auth_bytes("alice@example.com", "alice-pw"), 235)
	assert logged_in(s)


def test_plain_with_authzid(s):
	s.cmd("AUTH PLAIN " + b64("alice@example.com\0alice@example.com\0alice-pw"), 235)


def test_plain_for_somebody_else(s):
	s.cmd("AUTH PLAIN " + b64(f"alice@example.com\0{s.user}\0alice-pw"), 535)
	assert not logged_in(s)


@pytest.mark.parametrize("initial", [True, False])
def test_login(s, initial):
	reply = s.cmd("AUTH LOGIN" + (" " + b64("alice@example.com") if initial else ""), 334)
	if not initial:
		assert base64.b64decode(reply.lines[0]).lower().startswith(b"username")
		reply = s.cmd(b64("alice@example.com"), 334)
	assert base64.b64decode(reply.lines[0]).lower().startswith(b"password")
	s.cmd(b64("alice-pw"), 235)
	assert logged_in(s)


def test_mechanism_and_user_in_any_case(s):
	s.cmd("auth plain " + auth_bytes("Alice@EXAMPLE.com", "alice-pw"), 235)


@pytest.mark.parametrize("user,password", [(None, "wrong"), (None, "ALICE-PW"), (None, "alice-pw "), (None, "bob-pw"),
	(None, "x" * 3000), ("alice", "alice-pw"), ("al@example.com", "alice-pw"),
	("nobody@example.com", "alice-pw"), ("*@example.com", "alice-pw"),
	("alice.x@example.com", "alice-pw"), ("@", "x"), ("\u00e4@example.com", "\u00e4")])
def test_wrong_ones_get_one_answer(s, user, password):
	reply = s.cmd("AUTH PLAIN " + auth_bytes(user or s.user, password))
	assert (reply.code, reply.lines) == (535, ["5.7.8 Authentication failed: unknown login or wrong password"])
	assert not logged_in(s)


@pytest.mark.parametrize("line,code", [("AUTH", 501), ("AUTH CRAM-MD5", 504), ("AUTH XOAUTH2 abc", 504),
	("AUTH PLAIN !!!!", 501), ("AUTH PLAIN YQ", 501), ("AUTH PLAIN =", (501, 535)), ("AUTH PLAIN " + b64("no nul"), (501, 535)),
	("AUTH PLAIN " + b64("a\0b\0c\0d"), (501, 535)), ("AUTH PLAIN " + "A" * 20000, (500, 501)),
	("AUTH PLAIN " + b64("\0alice@example.com"), (501, 535)), ("AUTH PLAIN " + b64("\0alice@example.com\0"), (501, 535)),
	("AUTH PLAIN " + b64("\0\0"), (501, 535)), ("AUTH PLAIN a b", (501, 535))])
def test_bad_syntax(s, line, code):
	assert s.cmd(line).code in (code if isinstance(code, tuple) else (code,))
	s.cmd("NOOP", 250)
	assert not logged_in(s)


def test_cancel(s):
	s.cmd("AUTH PLAIN", 334)
	s.cmd("*", 501)
	s.cmd("AUTH LOGIN", 334)
	s.cmd("*", 501)
	s.cmd("AUTH LOGIN", 334)
	s.cmd(b64("alice@example.com"), 334)
	s.cmd("*", 501)
	assert not logged_in(s)
	s.login()


def test_rubbish_in_the_middle(s):
	s.cmd("AUTH LOGIN", 334)
	s.cmd("!!", 501)
	s.cmd("AUTH LOGIN", 334)
	assert s.cmd("A" * 15000).code in (500, 501)
	s.cmd("NOOP", 250)
	s.login()


def test_out_of_order(s):
	s.login()
	assert s.cmd("AUTH PLAIN " + auth_bytes("alice@example.com", "alice-pw")).code == 503
	s.cmd("MAIL FROM:<alice@example.com>", 250)
	assert s.cmd("AUTH PLAIN " + auth_bytes("alice@example.com", "alice-pw")).code == 503


def test_rset_and_ehlo_do_not_log_out(s):
	s.login()
	s.cmd("RSET", 250)
	s.ehlo()
	assert logged_in(s)


# -- where it may be said

def test_never_in_clear(auth):
	with auth.w.session(SUBMISSION) as s:
		for line in ("AUTH PLAIN " + auth_bytes("alice@example.com", "alice-pw"), "AUTH PLAIN", "AUTH LOGIN"):
			reply = s.cmd(line)
			assert reply.code in (530, 538), str(reply)
			assert reply.status in ("5.7.0", "5.7.11")
		assert s.cmd("MAIL FROM:<alice@example.com>").code == 530


def test_never_on_25(auth):
	with auth.w.session(SMTP) as s:
		assert s.cmd("AUTH PLAIN " + auth_bytes("alice@example.com", "alice-pw")).code in (500, 502, 503)
		s.starttls()
		assert s.cmd("AUTH PLAIN " + auth_bytes("alice@example.com", "alice-pw")).code in (500, 502, 503)
		s.cmd("MAIL FROM:<alice@example.com>", 250)
		s.cmd("RCPT TO:<dest@far.test>", 550)


def test_pipelined_password_is_not_used_before_the_answer(auth):
	with guest(auth.w) as s:
		s.send("AUTH PLAIN " + auth_bytes(s.user, "wrong") + "\r\nMAIL FROM:<alice@example.com>\r\n")
		assert s.reply().code == 535
		assert s.reply().code == 530


# -- passwords in the config

@pytest.mark.parametrize("method", [crypt.METHOD_SHA512, crypt.METHOD_BLOWFISH, "yescrypt", "cli"])
def test_crypt_strings(lab, method):
	lab.mailbox()
	w = lab.waypost(start=False)
	if method == "cli":
		hashed = w.cli("password", input=b"s3cret pass\n", config=False, expect=0).text.strip()
	elif method == "yescrypt":
		# a fixed one: Python's crypt makes none by itself
		hashed = crypt.crypt("s3cret pass", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$")
	else:
		hashed = crypt.crypt("s3cret pass", crypt.mksalt(method, rounds=2 ** 6 if method == crypt.METHOD_BLOWFISH else 5000))
	assert hashed.startswith("$")
	w.config["virtual_domains"]["example.com"]["accounts"][0]["password"] = hashed
	w.write()
	w.start()
	for password, code in (("wrong", 535), ("s3cret pass", 235), (hashed, 535)):
		with guest(w) as s:
			s.login(password=password, expect=code)


def test_unknown_user_takes_as_long(lab):
	"""Each answer is made to wait for a second; what is measured is what goes beyond that."""
	w = lab.waypost(limits={"auth_failures": 10000, "errors": 1000},
		**users(crypt.crypt("alice-pw", crypt.mksalt(crypt.METHOD_SHA512, rounds=900_000))))
	spent = {True: [], False: []}
	for known in (True, False) * 3:
		with guest(w) as s:
			begin = time.monotonic()
			s.login(s.user if known else f"nobody-{s.user}", "wrong", 535)
			spent[known].append(time.monotonic() - begin)
	with guest(w) as s:
		begin = time.monotonic()
		s.login(s.user, expect=235)
		hashing = time.monotonic() - begin
	gap = abs(min(spent[True]) - min(spent[False]))
	assert hashing > 0.1, "too quick to tell"
	assert gap < hashing / 2, f"an unknown user is known by its time: {spent}, a hash takes {hashing:.3f} s"


# -- guessing

def test_guessers_are_slowed_and_then_refused_but_only_auth(lab):
	box = lab.mailbox()
	w = lab.waypost(limits={"auth_failures": 3, "auth_ban": "8s", "errors": 1000})
	spent = []
	for _ in range(3):
		with w.session(SUBMISSIONS) as s:
			begin = time.monotonic()
			s.login(password="wrong", expect=535)
			spent.append(time.monotonic() - begin)
	banned = time.monotonic()
	assert spent[1] > spent[0] + 0.3 and spent[2] > spent[1] + 0.3, f"answers do not slow down: {spent}"
	for password in ("wrong", "alice-pw"):
		with w.session(SUBMISSIONS) as s:
			reply = s.login(password=password, expect=None)
			assert (reply.code, reply.status) == (454, "4.7.0"), str(reply)
	w.send(message.make())
	box.one()
	with w.session(SUBMISSIONS, source=lab.net.host(77)) as s:
		s.login()
	assert time.monotonic() - banned < 6, "too slow to tell"
	time.sleep(max(0, banned + 8.2 - time.monotonic()))
	with w.session(SUBMISSIONS) as s:
		s.login()


def test_network_of_the_owner_is_spared(lab):
	"""Whoever guesses from it shuts himself out there, not the one who logged in from it before."""
	w = lab.waypost(limits={"auth_failures": 2, "auth_ban": "60s", "errors": 1000})

	def login(user, password, code):
		with w.session(SUBMISSIONS) as s:
			s.login(user, password, code)

	login("alice@example.com", "alice-pw", 235)
	login("alice@example.com", "wrong", 535)
	login("bob@example.com", "wrong", 535)
	login("bob@example.com", "bob-pw", 454)
	login("alice@example.com", "alice-pw", 235)
	w.restart()
	login("bob@example.com", "wrong", 535)
	login("bob@example.com", "wrong", 535)
	login("bob@example.com", "bob-pw", 454)
	login("alice@example.com", "alice-pw", 235)


def test_failures_are_logged_without_the_password(lab):
	w = lab.waypost()
	with w.session(SUBMISSIONS) as s:
		s.login(password="my-guess-77", expect=535)
		s.login()
	w.stop()
	text = w.out.read_text() + w.errors.read_text()
	assert "alice@example.com" in text and "127.0.0.1" in text
	for secret in ("my-guess-77", "alice-pw", auth_bytes("alice@example.com", "my-guess-77"),
			auth_bytes("alice@example.com", "alice-pw"), b64("alice-pw")):
		assert secret not in text
