"""The configuration file: what is right loads, and what is wrong is said at once, with its place."""
import crypt
import os
import re
import shutil

import pytest
import yaml

from lab import message, server
from lab.server import ROOT

GOOD = """\
ptr_hostname: mail.example.com
srs:
  srs_domain: srs.example.com
virtual_domains:
  example.com:
    accounts:
      - name: alice
        password: alice-pw
        forward: alice@gmail.test
"""

# The whole schema of docker-postfix-forwarder, as its README writes it.
OLD = """\
ptr_hostname: mail.example.com
srs:
  enable: true
  srs_domain: srs.example.com
  srs_secret: c29tZSByYW5kb20gYnl0ZXM=
postscreen:
  enable: true
  enable_slow_checks: false
dkim:
  enable: true
virtual_domains:
  example.com:
    dkim:
      selector: mail
      key: keys/example.com.private
    accounts:
      - name: alice
        password: alice_pw
        forward: alice@gmail.test
        dot_plus_rewrite: true
        aliases:
          - al
          - lice
      - name: bob
        password: bob_pw
        forward:
          - bob@gmail.test
          - bob@outlook.test
    blackholes:
      - alice.spammy
  example.org:
    accounts:
      - name: "*"
        forward: alice@gmail.test
"""


@pytest.fixture
def w(lab):
	return lab.waypost(start=False)


def problems(w, text, code=1):
	"""[(line, column, words)] of check, each in its form."""
	w.write(text)
	done = w.cli("check", expect=code)
	found = []
	for line in done.out.splitlines():
		m = re.match(re.escape(str(w.path)) + r":(\d+):(\d+): (.+)", line)
		if m:
			found.append((int(m[1]), int(m[2]), m[3]))
	return found


def test_good_config_has_no_problem(w):
	hashed = crypt.crypt("x", crypt.mksalt(crypt.METHOD_SHA512))
	assert problems(w, GOOD.replace("alice-pw", f"'{hashed}'"), 0) == []


def test_plain_password_works_and_check_says_how_to_hash_it(w):
	found = problems(w, GOOD, 0)
	assert len(found) == 1
	line, column, words = found[0]
	assert line == 8 and words.startswith("warning") and "waypost password" in words
	assert "alice-pw" not in words


def test_old_config_loads_unchanged(lab, w):
	(w.dir / "keys").mkdir()
	w.cli("keygen", "-d", "example.com", "-s", "mail", "-o", w.dir / "keys", config=False, expect=0)
	made = [p for p in (w.dir / "keys").iterdir() if b"PRIVATE" in p.read_bytes()][0]
	if made.name != "example.com.private":
		shutil.copy(made, w.dir / "keys/example.com.private")
		os.chmod(w.dir / "keys/example.com.private", 0o600)
	assert all(words.startswith("warning") for _, _, words in problems(w, OLD, 0))
	# and it works: only where it listens and delivers is the laboratory's
	rest = {k: v for k, v in w.config.items() if k in ("listen", "spool", "admin", "next_hops", "deliver", "dns", "user", "log")}
	w.write(OLD + yaml.safe_dump(rest))
	box = lab.mailbox()
	w.start()
	for rcpt, target in (("alice@example.com", "alice@gmail.test"), ("lice@example.com", "alice@gmail.test"),
			("alice.x@example.com", "alice+x@gmail.test"), ("any@example.org", "alice@gmail.test")):
		box.mails.clear()
		w.send(message.make(), to=rcpt)
		mail = box.one()
		assert mail.rcpts == [target] and mail.sender.startswith("SRS0=")
	box.mails.clear()
	w.submit(message.make(sender="alice@example.com"), password="alice_pw")
	assert b"DKIM-Signature" in box.one().content


def test_example_config_loads(w):
	"""conf/config.example.yaml, once the names in it are real ones."""
	path = ROOT / "conf/config.example.yaml"
	text, made = path.read_text(), w.dir / "made"
	for key in re.findall(r"(?m)^[^#\n]*key:\s*([^\s{},#]+)", text):
		target = w.dir / key.strip("\"'")
		target.parent.mkdir(parents=True, exist_ok=True)
		if not made.exists():
			made.mkdir()
			w.cli("keygen", "-d", "example.com", "-s", "mail", "-o", made, config=False, expect=0)
		shutil.copy(next(p for p in made.iterdir() if b"PRIVATE" in p.read_bytes()), target)
		target.chmod(0o600)
	assert all(words.startswith("warning") for _, _, words in problems(w, text, 0))


# what is wrong: (text, line, column or None, words that the message must have)
WRONG = {
	"unknown key": (GOOD + "ptr_hostnam: x\n", 10, 1, ["ptr_hostnam", "ptr_hostname"]),
	"unknown key below": (GOOD.replace("forward:", "foward:"), 9, 9, ["foward", "forward"]),
	"unknown key far from all": (GOOD + "zzzzqqqq: 1\n", 10, 1, ["zzzzqqqq"]),
	"duplicate key": (GOOD + "ptr_hostname: mail.example.com\n", 10, 1, ["ptr_hostname"]),
	"duplicate domain": (GOOD + "  EXAMPLE.com:\n    accounts: []\n", 10, 3, ["example.com"]),
	"duplicate account": (GOOD + "      - {name: Alice, password: x, forward: b@gmail.test}\n", 10, None, ["lice"]),
	"alias used twice": (GOOD + "        aliases: [al, AL]\n", 10, None, ["AL"]),
	"alias is an account": (GOOD + "        aliases: [alice]\n", 10, None, ["alice"]),
	"anchor": (GOOD.replace("alice@gmail.test", "&a alice@gmail.test"), 9, None, ["anchor"]),
	"alias of yaml": (GOOD + "postmaster: *a\n", 10, None, []),
	"merge key": (GOOD + "<<: {a: b}\n", 10, None, ["<<"]),
	"NUL": (GOOD.replace("alice-pw", '"a\\0b"'), 8, None, ["NUL"]),
	"list for a string": (GOOD.replace("mail.example.com", "[a, b]"), 1, None, []),
	"string for a mapping": (GOOD.replace("  srs_domain: srs.example.com", "  yes"), 3, None, []),
	"bool": (GOOD + "dkim: {enable: maybe}\n", 10, None, ["true"]),
	"number": (GOOD + "deliver: {port: many}\n", 10, None, []),
	"number too big": (GOOD + "deliver: {port: 65536}\n", 10, None, ["65535"]),
	"size": (GOOD + "limits: {message_size: 50X}\n", 10, None, ["50X"]),
	"duration": (GOOD + "deliver: {max_age: soon}\n", 10, None, ["soon"]),
	"word": (GOOD + "blackhole_action: refuse\n", 10, None, ["reject", "defer", "discard"]),
	"endpoint": (GOOD + "listen: {smtp: ['nonsense']}\n", 10, None, ["nonsense"]),
	"endpoint port": (GOOD + "listen: {smtp: ['127.0.0.1:99999']}\n", 10, None, ["99999"]),
	"dns server": (GOOD + "dns: {servers: ['name.example:53']}\n", 10, None, ["name.example"]),
	"no host name": (GOOD.replace("ptr_hostname: mail.example.com\n", ""), 1, None, ["ptr_hostname"]),
	"bad host name": (GOOD.replace("mail.example.com", "mail_example com"), 1, None, []),
	"forward is no address": (GOOD.replace("alice@gmail.test", "gmail.test"), 9, None, ["gmail.test"]),
	"forward with a space": (GOOD.replace("alice@gmail.test", "al ice@gmail.test"), 9, None, []),
	"no forward": (GOOD.replace("        forward: alice@gmail.test\n", ""), 7, None, ["forward"]),
	"no name": (GOOD.replace("      - name: alice\n        password", "      - password"), 7, None, ["name"]),
	"bad name": (GOOD.replace("name: alice", "name: 'alice@example.com'"), 7, None, []),
	"bad domain": (GOOD.replace("example.com:", "exa mple:"), 5, None, []),
	"no account at all": ("ptr_hostname: mail.example.com\n", 1, None, []),
	"srs without a domain": (GOOD.replace("  srs_domain: srs.example.com", "  enable: true"), None, None, ["srs_domain"]),
	"crypt with a weak method": (GOOD.replace("alice-pw", "'$1$abcdefgh$irWbblnpmw.5z7wgBnprh0'"), 8, None, []),
	"crypt with insane cost": (GOOD.replace("alice-pw", "'$6$rounds=999999999$abcdefgh$" + "x" * 86 + "'"), 8, None, []),
	"key file missing": (GOOD.replace("    accounts:", "    dkim: {selector: mail, key: no/such.pem}\n    accounts:"), 6, None,
		["no/such.pem"]),
	"include missing": (GOOD + "limits: !include nowhere.yaml\n", 10, None, ["nowhere.yaml"]),
	"file missing": (GOOD.replace("alice-pw", "!file nowhere.txt"), 8, None, ["nowhere.txt"]),
	"env missing": (GOOD.replace("alice-pw", "!env NO_SUCH_VARIABLE"), 8, None, ["NO_SUCH_VARIABLE"]),
	"unknown tag": (GOOD.replace("alice-pw", "!magic x"), 8, None, ["magic"]),
	"two documents": (GOOD + "---\na: b\n", None, None, []),
	"tabs": ("ptr_hostname: x\n\tsrs: y\n", 2, None, []),
	"unclosed": (GOOD + "listen: {smtp: [\n", None, None, []),
	"not utf-8": (GOOD.encode() + b"postmaster: \xff\xfe\n", None, None, []),
	"empty": ("", 1, None, []),
	"a list": ("- a\n- b\n", 1, None, []),
	"catch-all that logs in": (GOOD + "      - {name: '*', password: x, forward: x@gmail.test}\n", None, None, []),
	"tls key without certificate": (GOOD + "tls: {key: nowhere.pem}\n", 10, None, []),
	"tls certificate missing": (GOOD + "tls: {certificate: nowhere.pem, key: nowhere.pem}\n", 10, None, ["nowhere.pem"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(w, name):
	text, line, column, words = WRONG[name]
	if isinstance(text, bytes):
		w.write("x")
		w.path.write_bytes(text)
		done = w.cli("check", expect=1)
		assert str(w.path) + ":" in done.out
		return
	found = problems(w, text)
	fits = [f for f in found if not f[2].startswith("warning") and (line is None or f[0] == line)
		and (column is None or f[1] == column) and all(x in f[2] for x in words)]
	assert fits, found


def test_all_problems_at_once_and_in_order(w):
	text = ("ptr_hostname: [x]\nbogus: 1\nsrs: {enable: perhaps, srs_domain: srs.example.com}\n"
		"virtual_domains:\n  example.com:\n    accounts:\n      - {name: alice, forward: nowhere, pasword: x}\n"
		"deliver: {port: 0}\nlisten: {smtp: [x]}\n")
	found = [f for f in problems(w, text) if not f[2].startswith("warning")]
	assert {f[0] for f in found} >= {1, 2, 3, 7, 8, 9}
	assert [f[:2] for f in found] == sorted(f[:2] for f in found)
	assert len([f for f in found if f[0] == 7]) >= 2


def test_run_refuses_a_wrong_config_before_binding(w):
	w.write(GOOD + "bogus: 1\n")
	done = w.cli("run", expect=78)
	assert f"{w.path}:10:1: " in done.out
	assert not w.spool.exists()


def test_missing_file_is_said(w):
	done = w.cli("check", "-c", w.dir / "nowhere.yaml", config=False, expect=1)
	assert "nowhere.yaml" in done.out


def test_secrets_that_others_can_read_are_a_warning(lab, w):
	w.write(GOOD)
	w.path.chmod(0o644)
	done = w.cli("check", expect=0)
	assert re.search(r"warning.*(read|chmod|private)", done.out), done.out
	assert sum("chmod" in x for x in done.out.splitlines()) == 1, "said once"


def test_include_file_and_env(lab):
	box = lab.mailbox()
	w = lab.waypost(start=False)
	(w.dir / "accounts").mkdir()
	(w.dir / "accounts/all.yaml").write_text(
		"- {name: alice, password: !file secret.txt, forward: !env FORWARD_TO}\n")
	(w.dir / "accounts/secret.txt").write_text("alice-pw\n")
	for name in ("all.yaml", "secret.txt"):
		(w.dir / "accounts" / name).chmod(0o600)
	text = w.path.read_text()
	begin, end = text.index("virtual_domains:"), text.index("log:")
	w.write(text[:begin] + "virtual_domains:\n  example.com:\n    accounts: !include accounts/all.yaml\n" + text[end:])
	server.ENV["FORWARD_TO"] = "from-env@gmail.test"
	try:
		w.start()
		w.send(message.make())
		assert box.one().rcpts == ["from-env@gmail.test"]
		w.submission().close()
	finally:
		del server.ENV["FORWARD_TO"]


def test_problem_in_an_included_file_names_that_file(w):
	(w.dir / "more.yaml").write_text("message_size: 10M\nbogus: 1\n")
	w.write(GOOD + "limits: !include more.yaml\n")
	assert f"{w.dir}/more.yaml:2:1: " in w.cli("check", expect=1).out
	(w.dir / "more.yaml").write_text("!include more.yaml\n")
	assert "more.yaml" in w.cli("check", expect=1).out, "a file that includes itself"


def test_bombs_are_refused_quickly(w):
	for text in ("a: " + "[" * 20000, "a: &a [x]\nb: &b [*a,*a,*a]\nc: [*b,*b]\n", "x: y\n" * 900_000):
		w.write(text)
		assert w.cli("check").returncode == 1


def test_hostname_literal(lab):
	box = lab.mailbox()
	w = lab.waypost(ptr_hostname="[192.0.2.1]")
	with w.session() as s:
		assert s.banner.lines[-1].startswith("[192.0.2.1] ")
		s.mail("sam@sender.test", "postmaster@[192.0.2.1]", message.make())
	assert box.one().helo == "[192.0.2.1]"


def test_log_file_and_text_format(lab):
	lab.mailbox()
	w = lab.waypost(log={"format": "text", "file": str(lab.dir / "waypost.log")})
	w.send(message.make())
	w.wait_empty()
	w.stop()
	text = (lab.dir / "waypost.log").read_text()
	line = next(x for x in text.splitlines() if " delivery " in x)
	for word in ("status=sent", "to=alice@gmail.test", "relay=", "delay=", "reply=\"250", "id="):
		assert word in line, line
	assert not w.out.read_text().strip()


def test_one_message_bears_one_id(lab):
	lab.mailbox()
	w = lab.waypost()
	w.send(message.make())
	w.wait_empty()
	lines = [e for e in w.log() if "id" in e]
	assert len(lines) >= 2 and len({e["id"] for e in lines}) == 1
