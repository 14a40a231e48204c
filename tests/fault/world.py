"""What both loops stand on: the laboratory of the integration tests, with a disk of its own for the spool."""
import argparse
import os
import pathlib
import shutil
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from lab import root, server                        # noqa: E402
from lab.net import Network                         # noqa: E402
from lab.zone import Dns                            # noqa: E402

from disk import Disk                               # noqa: E402

# a message that is deferred comes again soon enough to watch it
QUICK = {"min_backoff": "200ms", "max_backoff": "300ms", "host_backoff": "0s"}
OPEN = {"limits": {"clients_per_network": 500, "messages_per_session": 100_000}}


def options(text):
	p = argparse.ArgumentParser(description=text)
	p.add_argument("--waypost", default=os.environ.get("WAYPOST_RELEASE", str(HERE.parents[1] / "build/src/waypost")),
		help="the plain build's program: the layer and AddressSanitizer don't go together")
	p.add_argument("--layer",
		default=os.environ.get("FAULT_DISK", str(HERE.parents[1] / "build-asan/tests/fault/fault_disk.so")),
		help="the library made of fault_disk.c")
	p.add_argument("--seed", type=int, default=time.time_ns() & 0xffffffff)
	p.add_argument("--keep", action="store_true", help="leave the folder with log and spool")
	return p


class Server(server.Waypost):
	"""On the disk that fails."""

	def __init__(self, folder, subnet, over, dns, binary, disk):
		self.disk = disk
		super().__init__(folder, subnet, server.merge({"spool": str(disk.root / "spool")}, over), dns, binary)
		self.spool = disk.root / "spool"

	def start(self, wait=True):
		before = dict(server.ENV)
		server.ENV.update(self.disk.env)
		try:
			return super().start(wait)
		finally:
			server.ENV.clear()
			server.ENV.update(before)


class World:
	"""Disk, DNS and server in a folder that goes at the end."""

	def __init__(self, given, over, shadow=True):
		root.drop()
		self.given = given
		self.dir = pathlib.Path(tempfile.mkdtemp(prefix="waypost-fault."))
		self.net = Network().next_test()
		self.dns = Dns(self.dir / "dns", self.net.dns)
		self.disk = Disk(self.dir, given.layer, shadow)
		self.w = Server(self.dir, self.net, over, self.dns.server, given.waypost, self.disk)

	def __enter__(self):
		return self

	def __exit__(self, kind, *_):
		if self.w.process:
			self.w.process.kill()
			self.w.process.wait()
		self.dns.stop()
		if kind or self.given.keep:
			print(f"log and spool: {self.dir}", file=sys.stderr)
			if kind:
				print(self.w.story()[-6000:], file=sys.stderr)
		else:
			shutil.rmtree(self.dir)
