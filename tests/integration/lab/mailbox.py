"""The mailbox provider that waypost delivers to: aiosmtpd for what is ordinary."""
import asyncio
import dataclasses
import threading

from aiosmtpd.smtp import SMTP, AuthResult

from .net import MX, wait_for


@dataclasses.dataclass
class Mail:
	"""One transaction as the provider got it."""
	sender: str
	rcpts: list
	content: bytes
	mail_options: list = dataclasses.field(default_factory=list)
	rcpt_options: list = dataclasses.field(default_factory=list)
	tls: bool = False
	login: str = ""
	helo: str = ""
	connection: int = 0            # counts the provider's connections
	body: str = "DATA"


class _Loop:
	"""One asyncio loop in a thread, for all providers of a run."""

	def __init__(self):
		self.loop = asyncio.new_event_loop()
		threading.Thread(target=self.loop.run_forever, daemon=True).start()

	def call(self, coroutine):
		return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)


_loop = None


class _Smtp(SMTP):
	line_length_limit = 2 ** 20


class Mailbox:
	"""Takes all mail and keeps it. refuse: {recipient: reply} answers at RCPT; login: (user, password) demands AUTH."""

	def __init__(self, ip, port=MX, tls=None, require_tls=False, login=None, refuse=None, size=0):
		global _loop
		_loop = _loop or _Loop()
		self.ip, self.port = ip, port
		self.mails, self.connections, self.tried = [], 0, []
		self.login, self.refuse = login, refuse or {}
		self.options = dict(data_size_limit=size or 2 ** 30, enable_SMTPUTF8=True, hostname="mx.gmail.test",
			ident="ready", timeout=60, loop=_loop.loop)
		if tls:
			self.options.update(tls_context=tls, require_starttls=require_tls)
		if login:
			self.options.update(authenticator=self._authenticate, auth_required=True,
				auth_require_tls=bool(tls))
		_loop.call(self._listen())

	async def _listen(self):
		self.server = await asyncio.get_running_loop().create_server(self._protocol, self.ip, self.port,
			reuse_address=True, backlog=200)

	def _protocol(self):
		self.connections += 1
		protocol = _Smtp(self, **self.options)
		protocol.number = self.connections
		return protocol

	def _authenticate(self, server, session, envelope, mechanism, data):
		given = (data.login.decode(), data.password.decode())
		self.tried.append(given)
		return AuthResult(success=given == self.login, handled=False, auth_data=data.login.decode())

	async def handle_RCPT(self, server, session, envelope, address, options):
		reply = self.refuse.get(address)
		if reply:
			return reply
		envelope.rcpt_tos.append(address)
		envelope.rcpt_options.append(options)
		return "250 2.1.5 OK"

	async def handle_DATA(self, server, session, envelope):
		login = session.auth_data if session.authenticated else ""
		# aiosmtpd writes the null sender as it came
		sender = "" if envelope.mail_from == "<>" else envelope.mail_from
		self.mails.append(Mail(sender, list(envelope.rcpt_tos), envelope.original_content,
			envelope.mail_options, envelope.rcpt_options, bool(session.ssl), login, session.host_name,
			server.number))
		return "250 2.0.0 Kept as number %d" % len(self.mails)

	def wait(self, n=1, timeout=15):
		"""The first n messages; one more than that is found out by `only`."""
		wait_for(lambda: len(self.mails) >= n, timeout,
			lambda: f"message {n} at the provider, which has {len(self.mails)}")
		return self.mails[:n]

	def one(self, timeout=15):
		return self.wait(1, timeout)[0]

	def by_rcpt(self, rcpt):
		return [m for m in self.mails if rcpt in m.rcpts]

	def stop(self):
		async def close():
			self.server.close()
		_loop.call(close())
