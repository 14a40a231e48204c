"""The commands, as a person at a terminal meets them."""
import re
import subprocess

import pytest

from lab import message, root, server
from lab.net import wait_for

COMMANDS = ["run", "check", "dns", "queue", "status", "keygen", "password", "srs"]


@pytest.fixture
def w(lab):
	return lab.waypost(start=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each(w, command):
	done = w.cli(command, "--help", config=False, expect=0)
	assert done.text.startswith("Usage: waypost " + command) and not done.err
	assert len(done.text.splitlines()) >= 3
	assert all(len(line) <= 110 for line in done.text.splitlines())
	wrong = w.cli(command, "--no-such-option", config=False, expect=2)
	assert "waypost " + command in wrong.err and not wrong.text


def test_help_lists_all(w):
	for words in (["--help"], ["help"], ["-h"]):
		text = w.cli(*words, config=False, expect=0).text
		assert all(re.search(rf"(?m)^\s+{c}\b", text) for c in COMMANDS)
	assert "run" in w.cli(config=False, expect=2).err
	assert w.cli("frobnicate", config=False, expect=2).err
	assert re.match(r"waypost \d+\.\d+", w.cli("--version", config=False, expect=0).text)


@pytest.mark.parametrize("words", [["check", "x"], ["run", "x"], ["status", "x"], ["srs"], ["srs", "forward"], ["srs", "up", "a@b.test"],
	["queue"], ["queue", "show"], ["keygen"], ["keygen", "-d", "example.com"], ["keygen", "-d", "example.com", "-s", "s", "-t", "dsa"]])
def test_wrong_usage_is_2(w, words):
	done = w.cli(*words, config=words[0] in ("queue", "srs"))
	assert done.returncode == 2 and done.err.strip()


@pytest.mark.parametrize("kind,bits", [(None, "2048"), ("rsa", "2048"), ("ed25519", None)])
def test_keygen(w, kind, bits):
	folder = w.dir / "keys"
	folder.mkdir()
	words = ["keygen", "-d", "example.com", "-s", "mail", "-o", folder] + (["-t", kind] if kind else [])
	done = w.cli(*words, config=False, expect=0)
	key = [p for p in folder.iterdir() if b"PRIVATE KEY" in p.read_bytes()]
	assert len(key) == 1 and key[0].stat().st_mode & 0o777 == 0o600
	shown = subprocess.run(["openssl", "pkey", "-in", str(key[0]), "-noout", "-text"], capture_output=True, check=True).stdout.decode()
	assert (bits in shown) if bits else "ED25519" in shown
	assert "mail._domainkey.example.com." in done.text and "v=DKIM1" in done.text
	assert f"k={'ed25519' if kind == 'ed25519' else 'rsa'}" in done.text
	strings = re.findall(r'"([^"]*)"', done.text)
	assert strings and all(len(s) <= 255 for s in strings)
	before = key[0].read_bytes()
	again = w.cli(*words, config=False)
	assert again.returncode != 0 and key[0].read_bytes() == before, "a key is never overwritten"


def test_keygen_into_a_folder_that_is_not_there(w):
	done = w.cli("keygen", "-d", "example.com", "-s", "mail", "-o", w.dir / "no/such", config=False)
	assert done.returncode not in (0, 2) and "no/such" in done.err


def test_password(w):
	first = w.cli("password", input=b"secret\n", config=False, expect=0)
	second = w.cli("password", input=b"secret\n", config=False, expect=0)
	for done in (first, second):
		assert re.fullmatch(r"\$(y|6)\$\S+\n", done.text)
		assert "secret" not in done.out
	assert first.text != second.text
	for bad in (b"", b"\n"):
		assert w.cli("password", input=bad, config=False).returncode != 0
	assert w.cli("password", input=b"x" * 600 + b"\n", config=False).returncode != 0


def test_check_of_a_good_config_says_so(w):
	done = w.cli("check", expect=0)
	assert done.out.strip()


def test_dns_without_keys(w):
	text = w.cli("dns", expect=0).text
	for word in ("example.com.", "MX", "mail.example.com.", "srs.example.com.", "v=spf1"):
		assert word in text, word


def test_commands_without_a_config_file(w):
	for words in (["check"], ["run"], ["dns"], ["queue", "list"], ["status"], ["srs", "forward", "a@b.test"]):
		done = w.cli(*words, "-c", "/nonexistent/config.yaml", config=False)
		assert done.returncode not in (0, 2) and "/nonexistent/config.yaml" in done.out, words


def test_output_that_nobody_reads(w):
	"""waypost queue list | head -0"""
	for words in ("--help", "dns"):
		p = subprocess.Popen([w.binary, words] + ([] if words == "--help" else ["-c", str(w.path)]), stdout=subprocess.PIPE,
			stderr=subprocess.PIPE)
		p.stdout.close()
		assert p.wait(20) in (0, 1, 74, -13)


def test_port_that_is_taken_is_said(lab, w):
	lab.mailbox(host=1, port=2525)
	done = w.cli("run")
	assert done.returncode not in (0, 1, 2) and f"{w.ip}:2525" in done.out, done.out


def test_root_becomes_the_services_user(lab):
	"""Started as root, with a signing key that only root can read."""
	box = lab.mailbox()
	w = lab.waypost(start=False)
	keys = w.dir / "keys"
	keys.mkdir()
	assert root.run(w.binary, "keygen", "-d", "example.com", "-s", "mail", "-o", keys) == 0
	key = next(keys.iterdir())
	assert key.stat().st_uid == 0 and key.stat().st_mode & 0o777 == 0o600
	w.spool = w.dir / "made-by-root/spool"
	w.config.update(user="nobody", spool=str(w.spool))
	w.config["virtual_domains"]["example.com"]["dkim"] = {"selector": "mail", "key": str(key)}
	w.write()
	# who was root can't be looked into by the leak checker
	env = dict(server.ENV, ASAN_OPTIONS=server.ENV["ASAN_OPTIONS"].replace("detect_leaks=1", "detect_leaks=0"))
	with open(w.out, "ab") as out, open(w.errors, "ab") as errors:
		w.process = root.popen(w.binary, "run", "-c", w.path, stdout=out, stderr=errors, stdin=subprocess.DEVNULL, env=env)
	try:
		wait_for(w._is_up, what=w.story)
		status = open(f"/proc/{w.process.pid}/status").read()
		assert re.search(r"(?m)^Uid:\t65534\t65534\t65534\t65534$", status), status
		w.submit(message.make(sender="alice@example.com"))
		assert b"DKIM-Signature" in box.one().content
	finally:
		root.run("kill", w.process.pid)
		code = w.process.wait(30)
		w.process = None
		root.run("rm", "-r", keys, w.spool.parent)
	assert code == 0, w.story()
