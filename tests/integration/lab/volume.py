"""Much mail, from and to processes of their own: volume.py send|sink ...

Each message begins with "X-Volume: NUMBER"; what is below our fields is known by its SHA-256.
    sink IP PORT OUT                   one line "NUMBER DIGEST" in OUT for each message taken
    send IP PORT OUT FIRST N SESSIONS  one line "NUMBER DIGEST" in OUT for each message acknowledged; a
                                       connection that breaks is made anew, and what it had not acknowledged sent again
"""
import asyncio
import hashlib
import random
import sys

SIZES = [300] * 4 + [2000] * 20 + [8000] * 4 + [60_000]


def content(number):
	r = random.Random(number)
	size = r.choice(SIZES)
	body = r.randbytes(size).replace(b"\r", b"x").replace(b"\n", b"\r\n").replace(b"\0", b"..")
	lines = [line[i:i + 900] for line in body.split(b"\r\n") for i in range(0, len(line) or 1, 900)]
	return (f"X-Volume: {number}\r\nFrom: <s{number}@sender.test>\r\nTo: <alice@example.com>\r\n"
		f"Subject: number {number}\r\n\r\n").encode() + b"\r\n".join(lines) + b"\r\n.\r\n..\r\n"


def digest(data):
	return hashlib.sha256(data).hexdigest()[:32]


def stuffed(data):
	return (b"\r\n" + data).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


# -- the sink

class Sink(asyncio.Protocol):
	def __init__(self, out):
		self.out, self.pending, self.pieces, self.tail = out, b"", None, b""

	def connection_made(self, transport):
		self.transport = transport
		transport.write(b"220 mx.gmail.test ESMTP\r\n")

	def data_received(self, data):
		while data:
			data = self.take_content(data) if self.pieces is not None else self.take_commands(data)

	def take_commands(self, data):
		self.pending += data
		replies = []
		while b"\r\n" in self.pending and self.pieces is None:
			line, _, self.pending = self.pending.partition(b"\r\n")
			replies.append(self.answer(line[:4].upper()))
		self.transport.write(b"".join(replies))
		if self.pieces is None:
			return b""
		rest, self.pending = self.pending, b""
		return rest

	def answer(self, verb):
		if verb == b"EHLO":
			return b"250-mx.gmail.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n"
		if verb == b"DATA":
			self.pieces, self.tail = [], b"\r\n"
			return b"354 Go ahead\r\n"
		if verb == b"QUIT":
			return b"221 Bye\r\n"
		return b"250 2.0.0 OK\r\n"

	def take_content(self, data):
		"""Looks for the end only in the new piece and the four bytes before it."""
		seen = self.tail + data
		at = seen.find(b"\r\n.\r\n")
		if at < 0:
			self.pieces.append(data)
			self.tail = seen[-4:]
			return b""
		used = at + 5 - len(self.tail)
		self.pieces.append(data[:max(used, 0)])
		whole = b"".join(self.pieces)[:-3]
		self.pieces = None
		self.keep((b"\r\n" + whole).replace(b"\r\n.", b"\r\n")[2:])
		return data[used:]

	def keep(self, message):
		at = (b"\r\n" + message).find(b"\r\nX-Volume: ")
		number = message[at + 10:at + 30].split(b"\r\n")[0].decode() if at >= 0 else "-1"
		print(number, digest(message[max(at, 0):]), file=self.out, flush=True)
		self.transport.write(b"250 2.0.0 Kept\r\n")


async def sink(ip, port, out):
	server = await asyncio.get_running_loop().create_server(lambda: Sink(out), ip, port, backlog=500)
	print("ready", flush=True)
	await server.serve_forever()


# -- the sender

async def reply(reader):
	while True:
		line = await reader.readline()
		if not line.endswith(b"\r\n"):
			raise ConnectionError("cut")
		if line[3:4] != b"-":
			return int(line[:3])


async def session(ip, port, numbers, out):
	"""Sends until numbers is empty; False when the connection broke."""
	reader, writer = await asyncio.open_connection(ip, port)
	number = None
	try:
		assert await reply(reader) == 220
		writer.write(b"EHLO client.test\r\n")
		assert await reply(reader) == 250
		while numbers:
			number = numbers.pop()
			data = content(number)
			writer.write(f"MAIL FROM:<s{number}@sender.test>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n".encode())
			codes = [await reply(reader) for _ in range(3)]
			if codes != [250, 250, 354]:
				raise SystemExit(f"message {number} was answered {codes}")
			writer.write(stuffed(data))
			await writer.drain()
			code = await reply(reader)
			if code != 250:
				raise SystemExit(f"message {number} was answered {code}")
			print(number, digest(data), file=out, flush=True)
			number = None
		writer.write(b"QUIT\r\n")
		await reply(reader)
		return True
	finally:
		if number is not None:
			numbers.append(number)
		writer.close()


async def worker(ip, port, numbers, out):
	for _ in range(600):
		try:
			if await session(ip, port, numbers, out):
				return
		except (ConnectionError, OSError, AssertionError, asyncio.IncompleteReadError):
			await asyncio.sleep(0.1)
	raise SystemExit("the server did not come back")


async def send(ip, port, out, first, n, sessions):
	numbers = list(range(first + n - 1, first - 1, -1))
	await asyncio.gather(*(worker(ip, port, numbers, out) for _ in range(sessions)))


def main():
	mode, ip, port, path = sys.argv[1:5]
	with open(path, "a") as out:
		if mode == "sink":
			asyncio.run(sink(ip, int(port), out))
		else:
			asyncio.run(send(ip, int(port), out, *map(int, sys.argv[5:8])))


if __name__ == "__main__":
	main()
