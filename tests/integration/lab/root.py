"""The tests never run as root: who starts them as root becomes nobody, and is root again only where it says so."""
import contextlib
import os
import subprocess

NOBODY = 65534
_came_as_root = False


def drop():
	"""Called once, before the first file is made."""
	global _came_as_root
	if os.getuid() != 0:
		return
	_came_as_root = True
	os.setgroups([])
	os.setresgid(NOBODY, NOBODY, 0)
	os.setresuid(NOBODY, NOBODY, 0)
	os.environ.update(USER="nobody", LOGNAME="nobody", HOME="/tmp")


@contextlib.contextmanager
def rights():
	"""Root's rights for this block, for those who came as root."""
	os.seteuid(0)
	os.setegid(0)
	try:
		yield
	finally:
		os.setegid(NOBODY)
		os.seteuid(NOBODY)


def popen(*words, **more):
	"""A process that runs as root, by sudo if we are not."""
	words = [str(w) for w in words]
	if not _came_as_root:
		return subprocess.Popen(["sudo", "-n", "-E", *words], **more)
	with rights():
		return subprocess.Popen(words, user=0, group=0, **more)


def run(*words):
	"""Its exit status."""
	p = popen(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
	return p.wait(60)
