#!/usr/bin/python3
"""Fails the 1st, 2nd, 3rd ... call of each kind below the spool, one fault a message, and looks what becomes of it.

A table of kinds x errors x ways to send. For each n, until a message passes without meeting the fault:
  the client must get 250 or 4xx; with 250 the message must arrive, with 4xx it must not, also not after a restart;
  the next message, with a disk that works again, must be taken and arrive. Once armed the fault stays armed until the
  message is out of the queue, so that it also meets marks, reports and removal.

Left open by the protocol, counted as `again`: a message may arrive twice when the fault hits what comes after the
provider's 250 (mark, removal). None may arrive that was refused, also when the disk is dead from the n-th call on (DEAD)
and nothing can be taken back at once: what is left goes with the first message that the disk takes again. (Were the
machine to die before that, it would be delivered after the next start: one that the client was told to send again.)
"""
import collections
import errno
import sys
import time

from disk import FOR_EVER
from world import OPEN, QUICK, World, options

from lab import message
from lab.client import stuff
from lab.mailbox import Mailbox
from lab.net import wait_for
from lab.scripted import Scripted

MOST = 60                              # faults of one kind on one way: more would be a loop without end
SHORT = [("write", errno.ENOSPC), ("write", 0), ("fsync", errno.EIO), ("rename", errno.EIO), ("create", errno.EMFILE),
	("create", errno.ENOSPC), ("open", errno.EMFILE), ("unlink", errno.EIO), ("utime", errno.EIO)]
DEAD = [("any", errno.EIO), ("any", errno.ENOSPC), ("create", errno.EMFILE), ("open", errno.EMFILE), ("fsync", errno.EIO),
	("write", errno.ENOSPC), ("unlink", errno.EIO)]
LONG = [(kind, error) for kind in ("write", "fsync", "rename", "create", "open", "unlink", "utime", "mkdir")
	for error in (errno.ENOSPC, errno.EIO, errno.EMFILE)] + [("write", 0)]


class Ways:
	"""Each sends one message and gives the last reply's code."""

	def __init__(self, world):
		self.w, self.serial = world.w, 0
		self.big = message.odd_bytes(1_200_000)

	def make(self, sender, body):
		self.serial += 1
		return message.make(sender=sender, subject=f"serial {self.serial}", body=body, fields=f"X-Serial: {self.serial}\r\n")

	def talk(self, session, sender, to, body):
		with session as s:
			content = self.make(sender, body)
			for line in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>", "DATA"):
				reply = s.cmd(line)
				if reply.code >= 400:
					return self.serial, reply
			s.send(stuff(content) + b".\r\n")
			return self.serial, s.reply()

	def small(self):
		return self.talk(self.w.session(), "sam@sender.test", "alice@example.com", b"Hello.\r\n")

	def large(self):
		return self.talk(self.w.session(), "sam@sender.test", "alice@example.com", self.big)

	def two_lanes(self):
		"""One target takes it at once, the other at the second attempt: a mark is needed."""
		return self.talk(self.w.session(), "sam@sender.test", "bob@example.com", b"Hello, both.\r\n")

	def bounced(self):
		"""Our own user's, refused for good: a report, and then a mark that must be durable."""
		return self.talk(self.w.submission(), "alice@example.com", "no@far.test", b"Hello?\r\n")


	def later(self):
		"""Deferred until the provider is ready."""
		return self.talk(self.w.session(), "sam@sender.test", "carol@example.com", b"Later.\r\n")


# what must arrive where for one that was acknowledged
EXPECT = {"small": ["alice@gmail.test"], "large": ["alice@gmail.test"], "two_lanes": ["bob@gmail.test", "bob@outlook.test"],
	"bounced": ["report"]}
ALONE = list(EXPECT)
EXPECT["later"] = ["carol@later.test"]


class Provider:
	"""What arrived: {(recipient, serial): times}"""

	def __init__(self, world):
		net = world.net
		self.home = Mailbox(net.host(9))
		self.deferred, self.ready = set(), True
		self.other = Mailbox(net.host(8))
		self.later = Mailbox(net.host(6))
		take = self.later.handle_DATA

		async def when_ready(server, session, envelope):
			return await take(server, session, envelope) if self.ready else "450 4.2.0 Not yet"
		self.later.handle_DATA = when_ready
		self.far = Scripted(net.host(7), rcpt=lambda s, line: "550 5.1.1 No such user here")
		handle = self.other.handle_DATA

		async def first_not(server, session, envelope):
			serial = serial_of(envelope.original_content)
			if serial not in self.deferred:
				self.deferred.add(serial)
				return "451 4.3.0 The second time, please"
			return await handle(server, session, envelope)
		self.other.handle_DATA = first_not

	def arrived(self):
		seen = collections.Counter()
		for m in self.home.mails + self.other.mails + self.later.mails:
			report = m.sender == "" and b"multipart/report" in m.content
			for r in m.rcpts:
				seen["report" if report else r, serial_of(m.content)] += 1
		return seen

	def stop(self):
		for p in (self.home, self.other, self.later, self.far):
			p.stop()


def serial_of(content):
	at = content.find(b"\r\nX-Serial: ")
	return int(content[at + 12:at + 24].split(b"\r\n")[0]) if at >= 0 else -1


HOLD = [("mkdir", errno.ENOSPC), ("rename", errno.EIO), ("fsync", errno.EIO), ("open", errno.EMFILE)]


class Holds:
	"""The operator's orders, hold and release: what the answer says must be where the file is."""

	def __init__(self, run):
		self.run, self.w = run, run.w

	def order(self, word, ident, kind, error, n):
		def said():
			self.run.world.disk.faults.arm(kind, n, error)
			done = self.w.cli("queue", word, ident)
			hits = self.run.world.disk.faults.disarm()
			return "right now" not in done.out and (done, hits)
		done, hits = wait_for(said, 10, f"the order to {word} to be taken")
		held = done.returncode == 0 if word == "hold" else done.returncode != 0
		where = {f: [p.name for p in self.w.files(f)] for f in ("queue", "hold")}
		assert where["hold" if held else "queue"] == [ident] and not where["queue" if held else "hold"], (
			f"{kind} no. {n}: {word} was answered {done.out!r}, and the file is in {where}")
		self.run.injected[kind, errno.errorcode[error]] += hits
		return held, hits

	def one(self, kind, error, n):
		"""How many faults were met by hold and by release."""
		self.run.fault = f"{kind} {errno.errorcode[error]} no. {n}, hold and release"
		self.run.provider.ready = False
		assert self.run.send("later") == 250
		ident = self.w.wait_queued()[0].name
		held, met = self.order("hold", ident, kind, error, n)
		if not held:
			held, _ = self.order("hold", ident, kind, error, FOR_EVER)
		assert held
		held, more = self.order("release", ident, kind, error, n)
		if held:
			held, _ = self.order("release", ident, kind, error, FOR_EVER)
		assert not held
		self.run.provider.ready = True
		self.w.cli("queue", "retry", expect=0)
		self.run.settled()
		return met + more

	def all(self):
		for kind, error in HOLD:
			n = 1
			while self.one(kind, error, n):
				n += 1
		self.run.check()


class Run:
	def __init__(self, given, world):
		self.given, self.world, self.w = given, world, world.w
		self.provider, self.ways = Provider(world), Ways(world)
		self.ledger = {}               # serial: (way, code, fault)
		self.injected, self.replies = collections.Counter(), collections.Counter()
		self.fault, self.times, self.again = "none", 1, 0

	def settled(self):
		wait_for(lambda: not self.w.files("queue") and not self.w.files("hold"), 20,
			lambda: f"an empty queue, not {self.w.files('queue')}; fault {self.fault}")

	def send(self, way):
		serial, reply = getattr(self.ways, way)()
		self.ledger[serial] = (way, reply.code, self.fault)
		assert reply.code == 250 or 400 <= reply.code < 500, f"{self.fault}: {way} was answered {reply}"
		return reply.code

	def one(self, way, kind, error, n):
		"""How many faults were met."""
		self.fault = f"{kind} {errno.errorcode.get(error, 'half')} no. {n}, {way}"
		self.world.disk.faults.arm(kind, n, error, self.times)
		code = self.send(way)
		if code == 250 and self.times == 1:
			self.settled()
		elif code == 250:
			time.sleep(0.3)            # it is tried meanwhile, and can be neither marked nor removed
		time.sleep(0.02)
		hits = self.world.disk.faults.disarm()
		self.injected[kind, errno.errorcode.get(error, "half")] += hits
		self.replies[kind, code] += hits > 0
		self.fault = f"after {self.fault}"
		assert self.send("small") == 250, f"{self.fault}: the next message was not taken"
		# what a dead disk did not take back goes with the first message that it takes again
		self.settled()
		wait_for(lambda: not self.w.files("tmp"), 10, lambda: f"{self.fault}: an empty tmp/, not {self.w.files('tmp')}")
		return hits

	def check(self):
		"""All that has come since the last time, against the ledger; after a restart, which reads the spool anew."""
		self.settled()
		self.w.restart()
		self.settled()
		seen = self.provider.arrived()
		again = 0
		for serial, (way, code, fault) in self.ledger.items():
			for rcpt in EXPECT[way]:
				times = seen[rcpt, serial]
				assert code != 250 or times, f"LOST: {fault}: {way} serial {serial} was acknowledged; {rcpt} never got it"
				assert code == 250 or not times, (
					f"KEPT: {fault}: {way} serial {serial} was refused with {code}, and {rcpt} got it")
				again += max(0, times - 1)
		assert not self.w.files("corrupt"), self.w.files("corrupt")
		self.again = again

	def all(self, table, ways, times=1):
		self.times = times
		for kind, error in table:
			for way in ways:
				for n in range(1, MOST):
					if self.one(way, kind, error, n) == 0:
						break
				else:
					raise AssertionError(f"{kind} fails {MOST} times on the way of {way}")
			self.check()


def main():
	p = options(__doc__.split("\n")[0])
	p.add_argument("--long", action="store_true", help="each kind with each error")
	given = p.parse_args()
	over = dict(OPEN, deliver=QUICK, virtual_domains={"example.com": {"accounts": [
		{"name": "alice", "password": "alice-pw", "forward": "alice@gmail.test"},
		{"name": "bob", "password": "bob-pw", "forward": ["bob@gmail.test", "bob@outlook.test"]},
		{"name": "carol", "password": "carol-pw", "forward": "carol@later.test"}]}})
	with World(given, over, shadow=False) as world:
		world.w.config["next_hops"].update({"later.test": f"{world.net.host(6)}:2600",
			"outlook.test": f"{world.net.host(8)}:2600", "far.test": f"{world.net.host(7)}:2600"})
		world.w.write()
		run = Run(given, world)
		world.w.start()
		begun = time.monotonic()
		run.all(LONG if given.long else SHORT, ALONE)
		run.all(DEAD if given.long else DEAD[:1], ALONE if given.long else ["small"], FOR_EVER)
		Holds(run).all()
		world.w.stop()
		run.provider.stop()
	acknowledged = sum(code == 250 for _, code, _ in run.ledger.values())
	for (kind, error), n in sorted(run.injected.items()):
		print(f"  {kind:7} {error:7} {n:4} faults")
	print("  replies to what met a fault: " + ", ".join(f"{k} {c}: {n}" for (k, c), n in sorted(run.replies.items()) if n))
	print(f"faults: {sum(run.injected.values())} injected, {len(run.ledger)} messages, {acknowledged} acknowledged, "
		f"0 lost, {len(run.ledger) - acknowledged} refused, 0 of them kept, {run.again} arrived again, "
		f"{time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
	sys.exit(main())
