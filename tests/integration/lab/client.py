"""Those who bring mail: swaks, curl, msmtp, and a raw session for what no honest client does."""
import base64
import dataclasses
import re
import select
import socket
import struct
import subprocess

from . import pki
from .net import SMTP, SUBMISSION, SUBMISSIONS


@dataclasses.dataclass
class Reply:
	code: int
	lines: list
	raw: bytes

	@property
	def status(self):
		found = re.match(r"[245]\.\d{1,3}\.\d{1,3}(?= )", self.lines[-1])
		return found.group() if found else ""

	@property
	def text(self):
		return "\n".join(self.lines)

	def __str__(self):
		return f"{self.code} {self.text}"


class Session:
	"""An SMTP session byte by byte."""

	def __init__(self, ip, port=SMTP, implicit_tls=None, timeout=20, source=None, banner=True):
		self.sock = socket.create_connection((ip, port), timeout=timeout,
			source_address=(source, 0) if source else None)
		self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		self.buffer = b""
		if port == SUBMISSIONS if implicit_tls is None else implicit_tls:
			self.sock = pki.client_context().wrap_socket(self.sock, server_hostname="mail.example.com")
		self.banner = self.reply() if banner else None

	def __enter__(self):
		return self

	def __exit__(self, *_):
		self.close()

	def close(self):
		self.sock.close()

	def abort(self):
		"""Ends it with a TCP reset."""
		self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		self.sock.close()

	def send(self, data):
		self.sock.sendall(data.encode() if isinstance(data, str) else data)

	def line(self):
		while b"\r\n" not in self.buffer:
			piece = self.sock.recv(65536)
			if not piece:
				raise EOFError(f"closed; left over: {self.buffer!r}")
			self.buffer += piece
		line, _, self.buffer = self.buffer.partition(b"\r\n")
		return line

	def reply(self):
		lines, raw = [], b""
		while True:
			line = self.line()
			raw += line + b"\r\n"
			assert re.match(rb"[2345]\d\d(?:[ -]|$)", line), f"no SMTP reply: {line!r}"
			assert not lines or code == line[:3], f"two codes in one reply: {raw!r}"
			assert len(line) <= 510, f"a reply line too long: {len(line)}"
			code = line[:3]
			lines.append(line[4:].decode("utf-8", "surrogateescape"))
			if line[3:4] != b"-":
				return Reply(int(code), lines, raw)

	def cmd(self, line, expect=None):
		self.send(line.encode("utf-8", "surrogateescape") + b"\r\n" if isinstance(line, str) else line + b"\r\n")
		reply = self.reply()
		assert expect is None or reply.code == expect, f"{line!r} was answered {reply}, not {expect}"
		return reply

	def ehlo(self, name="client.test"):
		"""The extensions, as {keyword: rest}."""
		lines = self.cmd("EHLO " + name, 250).lines[1:]
		return {line.split(" ")[0].upper(): line.partition(" ")[2] for line in lines}

	def starttls(self):
		self.cmd("STARTTLS", 220)
		self.secure()
		return self.ehlo()

	def secure(self):
		assert not self.buffer, f"bytes after 220: {self.buffer!r}"
		self.sock = pki.client_context().wrap_socket(self.sock, server_hostname="mail.example.com")

	def login(self, user="alice@example.com", password="alice-pw", expect=235):
		plain = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
		return self.cmd("AUTH PLAIN " + plain, expect)

	def data(self, content, expect=250):
		"""DATA with the content, stuffed."""
		self.cmd("DATA", 354)
		self.send(stuff(content) + b".\r\n")
		reply = self.reply()
		assert expect is None or reply.code == expect, f"the content was answered {reply}, not {expect}"
		return reply

	def mail(self, sender, rcpts, content, options="", expect=250):
		self.cmd(f"MAIL FROM:<{sender}>{options}", 250)
		for r in [rcpts] if isinstance(rcpts, str) else rcpts:
			self.cmd(f"RCPT TO:<{r}>", 250)
		return self.data(content, expect)

	def silent(self, seconds=0.3):
		"""Nothing is said for so long?"""
		return not self.buffer and not select.select([self.sock], [], [], seconds)[0]

	def closed(self, timeout=10):
		"""The server ends the connection within the time; what it says before is thrown away."""
		self.sock.settimeout(timeout)
		try:
			while self.sock.recv(65536):
				pass
			return True
		except socket.timeout:
			return False
		except OSError:
			return True


def stuff(content):
	"""Dot-stuffed, and ending in CRLF."""
	if content and not content.endswith(b"\r\n"):
		content += b"\r\n"
	return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]


def run(*words, input=b"", timeout=60):
	done = subprocess.run([str(w) for w in words], input=input, capture_output=True, timeout=timeout)
	done.out = done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace")
	return done


class Clients:
	"""Whole programs against one waypost."""

	def __init__(self, ip, folder):
		self.ip, self.folder = ip, folder

	def swaks(self, *words, to="alice@example.com", sender="sam@sender.test", port=SMTP, content=None):
		"""The finished process; .out has the whole talk. content: the message's bytes, as they are."""
		words = ["swaks", "--server", self.ip, "--port", port, "--from", sender, "--to", to, "--helo",
			"client.test", "--timeout", 30] + list(words)
		if content is not None:
			path = f"{self.folder}/swaks-data"
			with open(path, "wb") as f:
				f.write(content.replace(b"\r\n", b"\n").removesuffix(b"\n"))    # swaks adds the last one
			words += ["--data", "@" + path]
		return run(*words)

	def swaks_auth(self, *words, user="alice@example.com", password="alice-pw", port=SUBMISSION, **more):
		tls = ["--tls-on-connect"] if port == SUBMISSIONS else ["--tls"]
		words = tls + ["--auth", "PLAIN", "--auth-user", user, "--auth-password", password] + list(words)
		return self.swaks(*words, port=port, sender=more.pop("sender", user), **more)

	def curl(self, *words, to="alice@example.com", sender="sam@sender.test", content=b"", port=SMTP,
			scheme="smtp"):
		return run("curl", "-sS", "-k", f"{scheme}://{self.ip}:{port}/client.test", "--mail-from", sender,
			"--mail-rcpt", to, "-T", "-", *words, input=content)

	def msmtp(self, *rcpts, sender="alice@example.com", password="alice-pw", content=b"", words=()):
		conf = (f"account default\nhost {self.ip}\nport {SUBMISSION}\nauth on\nuser {sender}\n"
			f"password {password}\ntls on\ntls_starttls on\ntls_certcheck off\nfrom {sender}\n")
		path = f"{self.folder}/msmtprc"
		with open(path, "w") as f:
			f.write(conf)
		subprocess.run(["chmod", "600", path], check=True)
		return run("msmtp", "-C", path, *words, *rcpts, input=content)


def auth_bytes(user, password):
	return base64.b64encode(f"\0{user}\0{password}".encode()).decode()
