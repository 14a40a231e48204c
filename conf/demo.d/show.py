"""The demo itself, once conf/demo has built: show.py FOLDER [--once]

Everything runs in FOLDER, which has the binary, the configuration and the zone; what is sent is sent by swaks, as
any mail client would.
"""
import email
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time

import dkim

SMTP, SUBMISSION = 2525, 2587
IP = "127.0.0.25"
HAND = """
It stays up. In another terminal:

  swaks --server {ip} --port 2525 --from you@sender.test --to alice@example.com
  swaks --server {ip} --port 2525 --from you@sender.test --to alice+news@example.com
  swaks --server {ip} --port 2525 --from you@sender.test --to alice.shop@example.com     (a blackhole)
  swaks --server {ip} --port 2587 --tls --auth --auth-user alice@example.com --auth-password wonderland \\
      --from alice@example.com --to bob@friend.test

  {dir}/waypost status -c {dir}/config.yaml
  {dir}/waypost queue list -c {dir}/config.yaml
  ls {dir}/mail          what the mailbox provider got
  cat {dir}/log          what waypost did

Ctrl-C ends it and removes {dir}.
"""


class Demo:
	def __init__(self, folder):
		self.dir, self.children, self.right, self.seen = pathlib.Path(folder), [], True, 0
		(self.dir / "mail").mkdir()

	# -- the machinery

	def waypost(self, *words, input=None):
		done = subprocess.run([str(self.dir / "waypost"), *words], cwd=self.dir, input=input, text=True,
			capture_output=True, timeout=60)
		if done.returncode != 0:
			raise SystemExit(f"waypost {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
		return done.stdout

	def start(self, name, *words):
		log = open(self.dir / f"{name}.log", "wb") if name != "waypost" else open(self.dir / "log", "wb")
		self.children.append((name, subprocess.Popen(words, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log,
			stderr=subprocess.STDOUT, start_new_session=True)))

	def wait_port(self, ip, port, what):
		for _ in range(500):
			for name, child in self.children:
				if child.poll() is not None:
					path = self.dir / ("log" if name == "waypost" else f"{name}.log")
					raise SystemExit(f"{name} ended:\n{path.read_text()}")
			try:
				socket.create_connection((ip, port), 1).close()
				return
			except OSError:
				time.sleep(0.02)
		raise SystemExit(f"{what} does not answer at {ip}:{port}")

	def stop(self):
		for name, child in reversed(self.children):
			if child.poll() is None:
				child.terminate()
			try:
				child.wait(70)
			except subprocess.TimeoutExpired:
				child.kill()
				child.wait()

	def prepare(self):
		"""A key, its DNS record, a hashed password: what the owner of a domain does once."""
		key = self.dir / "key.pem"
		self.waypost("keygen", "-d", "example.com", "-s", "mail", "-o", str(self.dir))
		made = [p for p in self.dir.iterdir() if p.is_file() and p.stat().st_size < 10000 and b"PRIVATE KEY" in p.read_bytes()]
		made[0].rename(key)
		(self.dir / "alice.password").write_text(self.waypost("password", input="wonderland\n"))
		for name in ("config.yaml", "alice.password"):
			(self.dir / name).chmod(0o600)
		self.waypost("check", "-c", "config.yaml")
		records = self.waypost("dns", "-c", "config.yaml")
		with open(self.dir / "root.zone", "a") as zone:
			zone.write(records)
		self.record = "".join(re.findall(r'"([^"]*)"', records[records.index("mail._domainkey"):].split(")")[0]))

	def run(self):
		self.prepare()
		self.start("nsd", "nsd", "-d", "-c", "nsd.conf")
		self.start("mailbox", "/usr/bin/python3", "-B", "mailbox.py", "mail")
		self.start("waypost", "./waypost", "run", "-c", "config.yaml")
		self.wait_port(IP, 5300, "the DNS server")
		self.wait_port("127.0.0.26", 2600, "the mailbox provider")
		self.wait_port(IP, SMTP, "waypost")

	# -- what is shown

	def title(self, text):
		print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}")

	def verdict(self, fine, text):
		self.right = self.right and bool(fine)
		print(f"  [{'ok' if fine else 'WRONG'}] {text}")

	def swaks(self, *words):
		command = ["swaks", "--server", IP, *words]
		print("  $ " + " ".join(f"'{w}'" if " " in w or "<" in w else w for w in command))
		done = subprocess.run(command + ["--helo", "client.sender.test"], capture_output=True, text=True, timeout=60)
		return done.stdout + done.stderr

	def arrived(self):
		"""The next message at the provider, with its envelope; shows what waypost put on top."""
		path = self.dir / f"mail/{self.seen + 1:03d}.eml"
		for _ in range(750):
			if path.exists():
				break
			time.sleep(0.02)
		else:
			self.verdict(False, "it arrived")
			return None, b"", None
		self.seen += 1
		content = path.read_bytes()
		envelope = json.loads(path.with_suffix(".json").read_text())
		print(f"  at the provider:  from <{envelope['sender']}>  to <{', '.join(envelope['recipients'])}>")
		for line in content.split(b"\r\n\r\n")[0].decode(errors="replace").split("\r\n"):
			print(f"    | {line[:110]}")
		return envelope, content, email.message_from_bytes(content)

	def forward(self):
		self.title("1. Sam writes to Alice's address; it goes on to the mailbox that she reads")
		self.swaks("--port", str(SMTP), "--from", "sam@sender.test", "--to", "alice@example.com", "--h-Subject", "Hello Alice")
		envelope, content, message = self.arrived()
		if not envelope:
			return None
		self.verdict(envelope["recipients"] == ["alice@mailbox.test"], "it went to the mailbox behind the address")
		self.verdict(message["Subject"] == "Hello Alice", "it is Sam's message")
		self.verdict(envelope["sender"].startswith("SRS0=") and envelope["sender"].endswith("@srs.example.com"),
			"the envelope sender is ours now, so that SPF passes at the provider")
		return envelope["sender"]

	def submit(self):
		self.title("2. Alice sends as her address, with TLS and password")
		self.swaks("--port", str(SUBMISSION), "--tls", "--auth", "PLAIN", "--auth-user", "alice@example.com",
			"--auth-password", "wonderland", "--from", "alice@example.com", "--to", "bob@friend.test",
			"--h-Subject", "Lunch?")
		envelope, content, message = self.arrived()
		if not envelope:
			return
		self.verdict(envelope["sender"] == "alice@example.com", "the sender is Alice's own address")
		self.verdict(dkim.verify(content, dnsfunc=lambda name, timeout=5: self.record.encode()),
			"the DKIM signature of example.com is good")

	def bounce(self, address):
		self.title("3. The provider could not keep Sam's message and tells the rewritten sender: it comes home to Sam")
		self.swaks("--port", str(SMTP), "--from", "<>", "--to", address, "--h-From",
			"MAILER-DAEMON@mailbox.test", "--h-Subject", "Undelivered Mail")
		envelope, content, message = self.arrived()
		if envelope:
			self.verdict(envelope["recipients"] == ["sam@sender.test"], "it went to Sam's real address")
			self.verdict(envelope["sender"] == "", "a bounce stays a bounce")

	def relay(self):
		self.title("4. A stranger tries to send through us to somebody else")
		talk = self.swaks("--port", str(SMTP), "--from", "spam@sender.test", "--to", "victim@friend.test")
		refusal = [line for line in talk.splitlines() if line.startswith("<** 5")]
		print("\n".join("    | " + line for line in refusal))
		self.verdict(refusal and "550 5.7.1" in refusal[0], "refused for good: never an open relay")
		talk = self.swaks("--port", str(SMTP), "--from", "sam@sender.test", "--to", "nobody@example.com")
		refusal = [line for line in talk.splitlines() if line.startswith("<** 5")]
		print("\n".join("    | " + line for line in refusal))
		self.verdict(refusal and "550 5.1.1" in refusal[0], "an unknown user is refused while the sender is connected")

	def log(self):
		self.title("5. What waypost wrote about it")
		time.sleep(0.3)
		lines = (self.dir / "log").read_text().splitlines()
		wanted = [line for line in lines if re.search(r" (delivery|refuse) ", line)]
		for line in wanted:
			print(textwrap.fill(line, 110, initial_indent="    | ", subsequent_indent="    |     ",
				break_long_words=False, break_on_hyphens=False))
		self.verdict(len(wanted) >= 5, "a line for each delivery and each refusal")


def main():
	once = "--once" in sys.argv[2:]
	demo = Demo(sys.argv[1])
	signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
	try:
		demo.run()
		address = demo.forward()
		demo.submit()
		if address:
			demo.bounce(address)
		demo.relay()
		demo.log()
		print(f"\n{'All was right.' if demo.right else 'SOMETHING WAS WRONG.'}")
		if not once and demo.right:
			print(HAND.format(ip=IP, dir=demo.dir), flush=True)
			signal.pause()
	except KeyboardInterrupt:
		print()
	finally:
		demo.stop()
	return 0 if demo.right else 1


if __name__ == "__main__":
	sys.exit(main())
