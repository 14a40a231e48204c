#!/usr/bin/python3
"""kill -9 at random moments under load, and power cuts; then the ledger of 250s against what the provider got.

Senders keep a ledger: a message whose connection broke before its reply is sent again until it is acknowledged, as an
honest server does. Every k-th kill is a power cut too (--cut-every): the disk becomes what was fsynced, by turns the worst
that POSIX allows, and a random mixture of done and undone; see fault_disk.c.

Nothing acknowledged may be missing, nothing may have changed, and nothing may come that was never sent. A second copy is
the protocol's doing where a kill lies between it and the one before (the provider's 250 was heard, but the removal not
durable), or where the client had its connection broken without a reply (both its copies may have been taken). Any other
is an error: from one kill to the next a message comes no more than once, and once more for each break.
"""
import asyncio
import bisect
import collections
import random
import sys
import threading
import time

from world import OPEN, World, options

from lab import volume
from lab.net import MX, SMTP, wait_for


FIRST = 1_000_000_000                  # numbers of what is sent before the load


class Load:
	"""Senders and provider, on one loop in a thread of its own."""

	def __init__(self, net, senders):
		self.net, self.senders, self.number, self.going = net, senders, 0, True
		self.sent, self.acknowledged = {}, {}          # number: digest; number: true
		self.arrived = collections.defaultdict(list)   # number: [(when, digest)]
		self.odd = []                                  # replies that are neither 250 nor 4xx
		self.broken = collections.Counter()            # number: connections that broke before its reply
		self.deferred = self.open = 0
		self.loop = asyncio.new_event_loop()
		self.done = threading.Event()
		ready = threading.Event()
		self.thread = threading.Thread(target=lambda: self.loop.run_until_complete(self._main(ready)), daemon=True)
		self.thread.start()
		assert ready.wait(10), "the provider does not listen"

	async def _main(self, ready):
		owner = self

		class Sink(volume.Sink):
			def connection_made(self, transport):
				owner.open += 1
				super().connection_made(transport)

			def connection_lost(self, error):
				owner.open -= 1

			def keep(self, content):
				at = (b"\r\n" + content).find(b"\r\nX-Volume: ")
				number = int(content[at + 10:at + 30].split(b"\r\n")[0]) if at >= 0 else -1
				owner.arrived[number].append((time.monotonic(), volume.digest(content[max(at, 0):])))
				self.transport.write(b"250 2.0.0 Kept\r\n")
		server = await self.loop.create_server(lambda: Sink(None), self.net.host(9), MX, backlog=500)
		ready.set()
		await asyncio.gather(*(self._sender() for _ in range(self.senders)))
		self.done.set()
		await server.serve_forever()

	async def _sender(self):
		number = None
		while self.going or number is not None:
			try:
				reader, writer = await asyncio.open_connection(self.net.waypost, SMTP)
			except OSError:
				await asyncio.sleep(0.02)
				continue
			try:
				await self._expect(reader, 220)
				writer.write(b"EHLO client.test\r\n")
				await self._expect(reader, 250)
				while self.going or number is not None:
					if number is None:
						self.number += 1
						number = self.number
					if await self._send(reader, writer, number):
						number = None
			except (OSError, asyncio.IncompleteReadError, ValueError):
				if number is not None:
					self.broken[number] += 1
				await asyncio.sleep(0.02)
			finally:
				writer.close()

	async def _expect(self, reader, code):
		if await volume.reply(reader) != code:
			raise ConnectionError("not now")

	async def _send(self, reader, writer, number):
		data = volume.content(number)
		self.sent[number] = volume.digest(data)
		writer.write(f"MAIL FROM:<s{number}@sender.test>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n".encode())
		for wanted in (250, 250, 354):
			await self._expect(reader, wanted)
		writer.write(volume.stuffed(data))
		await writer.drain()
		code = await volume.reply(reader)
		if code == 250:
			self.acknowledged[number] = True
		elif 400 <= code < 500:
			self.deferred += 1
			await asyncio.sleep(0.05)
		else:
			self.odd.append((number, code))
		return code == 250 or code >= 500

	def stop(self):
		"""No new messages; those that are under way are sent until they are acknowledged."""
		self.going = False
		assert self.done.wait(60), "the senders do not come to an end"


def first_hour(world):
	"""{number: digest} of what the very first start took, before a power cut: the spool's own name must be durable too."""
	sent = {}
	for number in range(FIRST, FIRST + 3):
		data = volume.content(number)
		with world.w.session() as s:
			s.cmd(f"MAIL FROM:<s{number}@sender.test>", 250)
			s.cmd("RCPT TO:<alice@example.com>", 250)
			s.cmd("DATA", 354)
			s.send(volume.stuffed(data))
			assert s.reply().code == 250
		sent[number] = volume.digest(data)
	world.w.kill()
	world.disk.power_cut()
	world.w.start()
	left = len(world.w.files("queue"))
	assert left == len(sent), f"{len(sent)} messages were acknowledged, and the first power cut left {left}"
	return sent


def crash(world, given, random_, load):
	"""The moments of the kills."""
	kills, cuts, w = [], 0, world.w
	for i in range(1, given.kills + 1):
		time.sleep(random_.choice((0.01, 0.05, 0.2, 0.5)) * (0.5 + random_.random()))
		w.kill()
		# what the dead one had sent belongs to before the kill, however late it is read
		wait_for(lambda: load.open == 0, 20, "the provider to see the dead one's connections end")
		kills.append(time.monotonic())
		if given.cut_every and i % given.cut_every == 0:
			cuts += 1
			world.disk.power_cut(random_ if cuts % 2 == 0 else None)
		elif given.cut_every:
			world.disk.prune()
		# what it said is looked at here: a long run must not fill the disk with it
		if w.out.stat().st_size > 50_000_000:
			w.out.unlink()
		w.start()
		assert not w.files("corrupt"), f"after kill {i}: {w.files('corrupt')}"
		if i % 50 == 0:
			print(f"  {i} kills, {len(load.acknowledged)} acknowledged", flush=True)
	return kills, cuts


def judge(load, kills):
	"""(numbers lost, strange, copies more than one, numbers with more copies than there is a reason for)"""
	lost = [n for n in load.acknowledged if n not in load.arrived]
	strange = [n for n in load.arrived if n not in load.sent or any(d != load.sent[n] for _, d in load.arrived[n])]
	copies, groundless = 0, []
	for number, times in load.arrived.items():
		copies += len(times) - 1
		lives = collections.Counter(bisect.bisect(kills, when) for when, _ in times)
		if max(lives.values()) > 1 + load.broken[number]:
			groundless.append(number)
	return lost, strange, copies, groundless


def main():
	p = options(__doc__.split("\n")[0])
	p.add_argument("--kills", type=int, default=20)
	p.add_argument("--cut-every", type=int, default=4, metavar="K",
		help="each K-th kill is a power cut; 0: none, and no layer")
	p.add_argument("--senders", type=int, default=6)
	given = p.parse_args()
	random_ = random.Random(given.seed)
	with World(given, dict(OPEN, deliver={"host_backoff": "0s", "min_backoff": "1s", "max_backoff": "2s"})) as world:
		if not given.cut_every:
			world.disk.env.clear()
		world.w.start()
		before = first_hour(world) if given.cut_every else {}
		load = Load(world.net, given.senders)
		load.sent.update(before)
		load.acknowledged.update(before)
		begun = time.monotonic()
		kills, cuts = crash(world, given, random_, load)
		load.stop()
		wait_for(lambda: not world.w.files("queue"), 120, lambda: f"an empty queue, not {len(world.w.files('queue'))} files")
		lost, strange, copies, groundless = judge(load, kills)
		print(f"crashes: seed {given.seed}: {len(kills)} kills, {cuts} of them power cuts that took back "
			f"{world.disk.dropped} names, {len(load.acknowledged)} acknowledged, {load.broken.total()} broken off and sent "
			f"again, {load.deferred} deferred, {len(lost)} lost, {len(strange)} changed or made up, {copies} duplicates, "
			f"{len(groundless)} of them without a reason, {time.monotonic() - begun:.0f} s")
		assert not lost, f"LOST: {lost[:20]}"
		assert not strange, f"CHANGED: {strange[:20]}"
		assert not groundless, f"TWICE WITHOUT A REASON: {groundless[:20]}"
		assert not load.odd, f"REFUSED: {load.odd[:20]}"
		assert len(load.acknowledged) >= 5 * given.kills, f"only {len(load.acknowledged)} messages: that was no load"
		assert not cuts or world.disk.dropped, "the power cuts took nothing back: were they cuts?"
		world.w.stop()


if __name__ == "__main__":
	sys.exit(main())
