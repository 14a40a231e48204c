"""A mail server that does what the test says, at each point of the session, and keeps the raw bytes.

Steps: banner ehlo helo starttls auth mail rcpt data dot bdat rset noop quit. What a step does is given by
name: a reply (str; lines joined by \\n), bytes sent as they are, DROP (close), RESET (RST), HANG (silence), Wait(seconds,
then), a function (session, line) giving one of these, or a list of these for the first, second, ... time
(the last one stays). None: what an honest server would do.
"""
import base64
import dataclasses
import re
import socket
import ssl
import struct
import threading
import time

from .mailbox import Mail
from .net import MX, wait_for

DROP, RESET, HANG = object(), object(), object()


@dataclasses.dataclass
class Wait:
	seconds: float
	then: object = None


class _Gone(Exception):
	pass


class Session:
	"""One connection, in its own thread."""

	def __init__(self, owner, sock, number):
		self.owner, self.sock, self.number = owner, sock, number
		self.buffer = b""
		self.raw = b""                 # all that the client sent
		self.lines = []                # its commands
		self.said = []                 # our answers
		self.helo, self.login, self.tls = "", "", False
		self.sender, self.rcpts, self.options = None, [], []
		self.rcpt_options = []

	def run(self):
		try:
			self.say("banner", "220 mx.gmail.test ESMTP ready")
			while True:
				self.command(self.line())
		except (_Gone, OSError):
			pass
		finally:
			self.sock.close()

	# -- bytes

	def fill(self):
		piece = self.sock.recv(65536)
		if not piece:
			raise _Gone
		self.raw += piece if len(self.raw) < 1 << 20 else b""
		self.buffer += piece

	def line(self):
		while b"\r\n" not in self.buffer:
			self.fill()
		line, _, self.buffer = self.buffer.partition(b"\r\n")
		self.lines.append(line.decode("utf-8", "surrogateescape"))
		return self.lines[-1]

	def exactly(self, n):
		while len(self.buffer) < n:
			self.fill()
		piece, self.buffer = self.buffer[:n], self.buffer[n:]
		return piece

	def until_dot(self):
		while b"\r\n.\r\n" not in b"\r\n" + self.buffer[:3] and b"\r\n.\r\n" not in self.buffer:
			self.fill()
		if self.buffer.startswith(b".\r\n"):
			self.buffer = self.buffer[3:]
			return b""
		content, _, self.buffer = self.buffer.partition(b"\r\n.\r\n")
		content += b"\r\n"
		return (b"\r\n" + content).replace(b"\r\n.", b"\r\n")[2:]

	# -- the script

	def say(self, step, honest, line=""):
		"""Does what the script says for this step; the code if that was a 2xx or 3xx, else 0."""
		return self.act(self.owner.pick(step), honest, line)

	def act(self, action, honest, line):
		if callable(action):
			action = action(self, line)
		if isinstance(action, Wait):
			self.owner.closing.wait(action.seconds)
			return self.act(action.then, honest, line)
		if action is None:
			action = honest
		if action is HANG:
			self.owner.closing.wait(600)
			raise _Gone
		if action is DROP:
			raise _Gone
		if action is RESET:
			self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
			raise _Gone
		if isinstance(action, str):
			texts = action.split("\n")
			code = texts[0][:3]
			texts = [t if i == 0 else f"{code} {t}" for i, t in enumerate(texts)]
			texts[:-1] = [t[:3] + "-" + t[4:] for t in texts[:-1]]
			action = "".join(t + "\r\n" for t in texts).encode()
		self.said.append(action)
		self.sock.sendall(action)
		found = re.match(rb"[23]\d\d(?=[ -])", action)
		return int(found.group()) if found else 0

	def command(self, line):
		verb = line.split(" ")[0].split(":")[0].upper()
		handler = getattr(self, "on_" + verb.lower(), None)
		if handler:
			handler(line)
		else:
			self.say("unknown", "500 5.5.2 What?", line)

	def on_ehlo(self, line):
		self.helo = line[5:]
		offers = [o for o in self.owner.extensions if not (o == "STARTTLS" and self.tls)]
		self.say("ehlo", "\n".join(["250 mx.gmail.test"] + offers), line)

	def on_helo(self, line):
		self.helo = line[5:]
		self.say("helo", "250 mx.gmail.test", line)

	def on_starttls(self, line):
		if self.say("starttls", "220 2.0.0 Go ahead", line) and self.owner.tls:
			self.sock = self.owner.tls.wrap_socket(self.sock, server_side=True)
			self.tls = True

	def on_auth(self, line):
		words = line.split(" ")
		if words[1].upper() == "LOGIN":
			given = []
			if len(words) > 2:
				given.append(words[2])
			for prompt in ("VXNlcm5hbWU6", "UGFzc3dvcmQ6")[len(given):]:
				self.sock.sendall(f"334 {prompt}\r\n".encode())
				given.append(self.line())
			self.login = tuple(base64.b64decode(g).decode() for g in given)
		else:
			if len(words) < 3:
				self.sock.sendall(b"334 \r\n")
				words.append(self.line())
			self.login = tuple(base64.b64decode(words[2]).decode().split("\0")[1:])
		self.say("auth", "235 2.7.0 Welcome", line)

	def on_mail(self, line):
		if self.say("mail", "250 2.1.0 OK", line):
			path, _, options = line[10:].partition(">")
			self.sender, self.options, self.rcpts, self.rcpt_options = path.lstrip("<"), options.split(), [], []

	def on_rcpt(self, line):
		if self.sender is None and self.owner.pick_is_honest("rcpt"):
			self.sock.sendall(b"503 5.5.1 No sender\r\n")
			return
		if self.say("rcpt", "250 2.1.5 OK", line):
			path, _, options = line[8:].partition(">")
			self.rcpts.append(path.lstrip("<"))
			self.rcpt_options.append(options.split())

	def on_data(self, line):
		if not self.rcpts and self.owner.pick_is_honest("data"):
			self.sock.sendall(b"503 5.5.1 No recipients\r\n")
			return
		if self.say("data", "354 Go ahead", line) == 354:
			self.keep(self.until_dot(), "DATA")

	def on_bdat(self, line):
		words = line.split(" ")
		self.chunks = getattr(self, "chunks", b"") + self.exactly(int(words[1]))
		if len(words) > 2 and words[2].upper() == "LAST":
			content, self.chunks = self.chunks, b""
			self.keep(content, "BDAT")
		else:
			self.say("bdat", "250 2.0.0 Chunk", line)

	def keep(self, content, how):
		if 200 <= self.say("dot", "250 2.0.0 Kept", "") < 300:
			self.owner.mails.append(Mail(self.sender, self.rcpts, content, self.options, self.rcpt_options,
				self.tls, self.login, self.helo, self.number, how))
		self.sender, self.rcpts, self.rcpt_options = None, [], []

	def on_rset(self, line):
		self.say("rset", "250 2.0.0 OK", line)
		self.sender, self.rcpts, self.rcpt_options = None, [], []

	def on_noop(self, line):
		self.say("noop", "250 2.0.0 OK", line)

	def on_quit(self, line):
		self.say("quit", "221 2.0.0 Bye", line)
		raise _Gone


class Scripted:
	"""See above. implicit_tls: speaks TLS from the first byte."""
	EXTENSIONS = ("PIPELINING", "SIZE 100000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")

	def __init__(self, ip, port=MX, extensions=EXTENSIONS, tls=None, **script):
		self.ip, self.port, self.extensions, self.tls, self.script = ip, port, list(extensions), tls, script
		if tls and "STARTTLS" not in self.extensions:
			self.extensions.append("STARTTLS")
		self.mails, self.sessions, self.times = [], [], []
		self.closing = threading.Event()
		self.lock = threading.Lock()
		self.socket = socket.create_server((ip, port), backlog=200,
			family=socket.AF_INET6 if ":" in ip else socket.AF_INET)
		threading.Thread(target=self._accept, daemon=True).start()

	def _accept(self):
		while True:
			try:
				sock, _ = self.socket.accept()
			except OSError:
				return
			sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
			session = Session(self, sock, len(self.sessions) + 1)
			self.sessions.append(session)
			self.times.append(time.monotonic())
			threading.Thread(target=session.run, daemon=True).start()

	def pick(self, step):
		with self.lock:
			action = self.script.get(step)
			if isinstance(action, list):
				action = action.pop(0) if len(action) > 1 else action[0]
			return action

	def pick_is_honest(self, step):
		return self.script.get(step) is None

	def on(self, **script):
		"""Another script from now on."""
		with self.lock:
			self.script.update(script)

	@property
	def lines(self):
		return [line for s in self.sessions for line in s.lines]

	def wait(self, n=1, timeout=15):
		wait_for(lambda: len(self.mails) >= n, timeout,
			lambda: f"message {n} at the scripted server, which has {len(self.mails)} and heard {self.lines}")
		return self.mails[:n]

	def one(self, timeout=15):
		return self.wait(1, timeout)[0]

	def wait_sessions(self, n=1, timeout=15):
		wait_for(lambda: len(self.sessions) >= n, timeout, lambda: f"session {n} of {len(self.sessions)}")

	def by_rcpt(self, rcpt):
		return [m for m in self.mails if rcpt in m.rcpts]

	def stop(self):
		self.closing.set()
		try:
			self.socket.shutdown(socket.SHUT_RDWR)
		except OSError:
			pass
		self.socket.close()
		for s in self.sessions:
			try:
				s.sock.shutdown(socket.SHUT_RDWR)
			except OSError:
				pass


__all__ = ["DROP", "HANG", "RESET", "Scripted", "Wait", "ssl"]
