"""Much mail, big mail, and a crash in the middle of it."""
import collections
import os
import pathlib
import subprocess
import time

import pytest

from lab import message, volume
from lab.client import Session, stuff
from lab.net import MX, SMTP, wait_for

RELEASE = os.environ.get("WAYPOST_RELEASE", str(pathlib.Path(__file__).parents[2] / "build/src/waypost"))
SCRIPT = volume.__file__
OPEN = {"limits": {"clients_per_network": 500, "messages_per_session": 100_000}, "log": {"level": "info"}}


class Run:
	"""The sink, and senders, with their files."""

	def __init__(self, lab):
		self.lab, self.sink_file, self.children = lab, lab.dir / "sink", []
		self.sink = self.start("sink", lab.net.host(9), MX, self.sink_file)
		assert self.sink.stdout.readline() == b"ready\n"

	def start(self, *words):
		child = subprocess.Popen(["/usr/bin/python3", SCRIPT, *map(str, words)], stdout=subprocess.PIPE,
			stdin=subprocess.DEVNULL)
		self.children.append(child)
		return child

	def send(self, first, n, sessions):
		path = self.lab.dir / f"acknowledged{first}"
		return self.start("send", self.lab.net.waypost, SMTP, path, first, n, sessions), path

	def finish(self):
		for child in self.children:
			child.kill()
			child.wait()


def read(path):
	"""{number: [digests]}"""
	found = collections.defaultdict(list)
	if path.exists():
		for line in path.read_text().splitlines(keepends=True):
			if line.endswith("\n"):
				number, digest = line.split()
				found[int(number)].append(digest)
	return found


@pytest.fixture
def run(lab):
	run = Run(lab)
	yield run
	run.finish()


def test_ten_thousand_in_ten_thousand_out(lab, run):
	w = lab.waypost(**OPEN)
	halves = [run.send(1 + i * 5000, 5000, 4) for i in range(2)]
	for child, _ in halves:
		assert child.wait(300) == 0
	acknowledged = {k: v for _, path in halves for k, v in read(path).items()}
	assert len(acknowledged) == 10_000
	wait_for(lambda: len(read(run.sink_file)) == 10_000, 120, lambda: f"all at the provider: {len(read(run.sink_file))}")
	w.wait_empty(30)
	arrived = read(run.sink_file)
	assert arrived == acknowledged, "each once, and byte for byte"


def test_kill_9_in_the_middle_of_ten_thousand(lab, run):
	w = lab.waypost(binary=RELEASE, **OPEN)
	halves = [run.send(1 + i * 5000, 5000, 8) for i in range(2)]
	for share in (2500, 6000):
		wait_for(lambda: sum(len(read(path)) for _, path in halves) >= share, 120, "some to be acknowledged")
		w.kill()
		time.sleep(0.2)
		w.start()
	for child, _ in halves:
		assert child.wait(300) == 0
	acknowledged = {k: v for _, path in halves for k, v in read(path).items()}
	assert len(acknowledged) == 10_000
	wait_for(lambda: len(read(run.sink_file)) >= 10_000, 120, lambda: f"all at the provider: {len(read(run.sink_file))}")
	w.wait_empty(60)
	arrived = read(run.sink_file)
	assert set(arrived) == set(acknowledged), "none acknowledged and lost, none made up"
	for number, digests in arrived.items():
		assert set(digests) == set(acknowledged[number]), f"number {number} changed"
	twice = sum(len(d) > 1 for d in arrived.values())
	assert twice < 1000, f"{twice} messages came twice: more than were under way at the two crashes"


def test_everything_accepted_while_the_provider_is_down_is_there_after_a_crash(lab):
	w = lab.waypost(binary=RELEASE, **OPEN, deliver={"host_backoff": "0s"})
	run = None
	try:
		sender = subprocess.Popen(["/usr/bin/python3", SCRIPT, "send", w.ip, str(SMTP), str(lab.dir / "acks"), "1", "3000", "16"])
		assert sender.wait(120) == 0
		w.kill()
		run = Run(lab)
		w.start()
		w.cli("queue", "retry", expect=0)
		wait_for(lambda: len(read(run.sink_file)) == 3000, 120, lambda: f"all: {len(read(run.sink_file))}")
		assert read(run.sink_file) == read(lab.dir / "acks")
		w.wait_empty(30)
	finally:
		if run:
			run.finish()


def memory(pid, key):
	with open(f"/proc/{pid}/status") as f:
		return next(int(line.split()[1]) for line in f if line.startswith(key + ":")) / 1024


def test_memory_while_fifty_megabytes_pass(lab, run):
	w = lab.waypost(binary=RELEASE, **OPEN)
	head = b"X-Volume: 7\r\nFrom: <sam@sender.test>\r\n\r\n"
	lines = message.odd_bytes(1_000_000)
	content = head + lines * ((50 * 1024 * 1024 - len(head)) // len(lines))
	assert len(content) > 49 * 1024 * 1024
	wire = stuff(content) + b".\r\n"
	sessions = []
	for _ in range(4):
		s = Session(w.ip, timeout=120)
		s.ehlo()
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("RCPT TO:<alice@example.com>", 250)
		s.cmd("DATA", 354)
		sessions.append(s)
	for at in range(0, len(wire), 1 << 20):
		for s in sessions:
			s.send(wire[at:at + (1 << 20)])
	for s in sessions:
		assert s.reply().code == 250
	wait_for(lambda: len(read(run.sink_file)[7]) == 4, 120, "the big ones at the provider")
	w.wait_empty(30)
	assert set(read(run.sink_file)[7]) == {volume.digest(content)}
	peak = memory(w.process.pid, "VmHWM")
	assert peak < 64, f"{peak:.1f} MB at its peak"


def test_memory_does_not_grow_with_messages(lab, run):
	w = lab.waypost(binary=RELEASE, **OPEN)

	def send(first, n):
		child, path = run.send(first, n, 8)
		assert child.wait(120) == 0
		w.wait_empty(60)

	send(1, 2000)
	before = memory(w.process.pid, "VmRSS")
	send(10_001, 4000)
	after = memory(w.process.pid, "VmRSS")
	assert after < before + 8, f"{before:.1f} MB after 2,000 messages, {after:.1f} MB after 6,000"


def test_idle_connections_are_cheap(lab):
	w = lab.waypost(binary=RELEASE, limits={"clients_per_network": 1000})
	before = memory(w.process.pid, "VmRSS")
	sessions = [w.session() for _ in range(400)]
	each = (memory(w.process.pid, "VmRSS") - before) * 1024 / 400
	for s in sessions:
		s.close()
	assert each < 32, f"{each:.1f} KB for an idle connection"
