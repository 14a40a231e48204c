"""The disk of a run: faults for it to make, and what is left of it after a power cut; see fault_disk.c."""
import mmap
import os
import pathlib
import random
import shutil
import struct

KINDS = ["none", "write", "fsync", "rename", "create", "open", "unlink", "utime", "mkdir", "link", "any"]
KIND, FROM, ERROR, TIMES, HITS, SEEN = 0, 1, 2, 3, 4, 8
FOR_EVER = 1 << 30


class Faults:
	"""Words shared with the preloaded library."""

	def __init__(self, path):
		self.path = pathlib.Path(path)
		self.path.write_bytes(bytes(256))
		self.file = open(self.path, "r+b")
		self.map = mmap.mmap(self.file.fileno(), 256)

	def _set(self, word, value):
		struct.pack_into("=I", self.map, 4 * word, value)

	def _get(self, word):
		return struct.unpack_from("=I", self.map, 4 * word)[0]

	def arm(self, kind, n, error, times=1):
		"""Calls n to n + times - 1 of this kind fail with the error number; 0: only half is written."""
		self.disarm()
		for word, value in ((FROM, n), (ERROR, error), (TIMES, times), (HITS, 0)):
			self._set(word, value)
		self._set(SEEN + KINDS.index(kind), 0)
		self._set(KIND, KINDS.index(kind))

	def disarm(self):
		self._set(KIND, 0)
		return self.hits

	@property
	def hits(self):
		return self._get(HITS)


class Disk:
	"""A folder that stands for a disk, and its shadow: what would survive."""

	def __init__(self, folder, layer, shadow=True):
		self.top = pathlib.Path(folder)
		self.root, self.shadow = self.top / "disk", self.top / "shadow"
		self.root.mkdir(mode=0o700)
		self.faults = Faults(self.top / "faults")
		self.env = {"LD_PRELOAD": str(layer), "FAULT_ROOT": str(self.root), "FAULT_CONTROL": str(self.faults.path)}
		if shadow:
			self.env["FAULT_SHADOW"] = str(self.shadow)
			self._new_shadow()
		self.dropped = 0               # names and contents that cuts have taken away

	def _new_shadow(self):
		shutil.rmtree(self.shadow, ignore_errors=True)
		for name in ("data", "dirs"):
			(self.shadow / name).mkdir(parents=True)

	def _listing(self, ident):
		"""{name: (kind, id)} of a folder as it was fsynced last."""
		path = self.shadow / "dirs" / ident
		lines = path.read_text().splitlines() if path.exists() else []
		return {name: (kind, i) for kind, i, name in (line.split(" ", 2) for line in lines)}

	def prune(self):
		"""What neither the durable folders nor the living ones know any more. Only while nothing runs."""
		keep = {i for path in (self.shadow / "dirs").iterdir() for _, i in self._listing(path.name).values()}
		alive = {str(os.lstat(os.path.join(top, n)).st_ino) for top, _, names in os.walk(self.root) for n in names}
		for path in (self.shadow / "data").iterdir():
			if path.name not in keep and path.name.split("-")[0] not in alive:
				path.unlink()

	def power_cut(self, mixed=None):
		"""The disk becomes what it would be after a cut: all that was not fsynced is gone.

		mixed: a random.Random, by which each name that was not fsynced comes or goes, and each such content is the
		old, the new, or the new cut short: a disk may write at any time what nobody asked for.
		"""
		fresh = self.top / "fresh"
		shutil.rmtree(fresh, ignore_errors=True)
		self.index = self._index()
		self._rebuild((self.shadow / "root").read_text().strip(), fresh, self.root, mixed, {})
		shutil.rmtree(self.root)
		fresh.rename(self.root)
		self._new_shadow()

	def _rebuild(self, ident, to, live, mixed, made):
		to.mkdir(mode=0o700)
		durable, now = self._listing(ident), {}
		if live.is_dir():
			now = {e.name: ("d" if e.is_dir(follow_symlinks=False) else "f", e.inode()) for e in os.scandir(live)}
		for name in sorted(durable.keys() | now.keys()):
			old, new = durable.get(name), now.get(name)
			same = old and new and old[1].split("-")[0] == str(new[1])
			if not same:
				self.dropped += 1
				if mixed and mixed.random() < 0.5:
					old = new and (new[0], self._known(new[1]))
			if old is None:
				continue
			if old[0] == "d":
				self._rebuild(old[1], to / name, live / name, mixed, made)
			else:
				self._put(old[1], to / name, live / name if new else None, mixed, made)

	def _index(self):
		"""{inode: id} of the living that were ever fsynced; a number used again: the youngest's."""
		found = {}
		for part in ("data", "dirs"):
			for path in (self.shadow / part).iterdir():
				inode, birth = path.name.split("-")
				if inode not in found or float(birth) > float(found[inode].split("-")[1]):
					found[inode] = path.name
		return found

	def _known(self, inode):
		return self.index.get(str(inode), f"{inode}-0.never")

	def _put(self, ident, to, live, mixed, made):
		kept = self.shadow / "data" / ident
		if ident in made:
			os.link(made[ident], to)
			return
		made[ident] = to
		same = live and live.exists() and ident.startswith(f"{live.stat().st_ino}-")
		choice = mixed.random() if mixed and same else 0
		if choice > 0.5:
			shutil.copy2(live, to)
			if choice > 0.8 and not kept.exists():
				os.truncate(to, mixed.randrange(to.stat().st_size + 1))
		elif kept.exists():
			shutil.copy2(kept, to)
		else:
			to.touch()
		to.chmod(0o600)
