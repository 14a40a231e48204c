"""The real waypost: started, watched, killed, started again."""
import copy
import json
import os
import pathlib
import re
import signal
import subprocess

import yaml

from .client import Clients, Session
from .net import MX, SMTP, SUBMISSION, SUBMISSIONS, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = os.environ.get("WAYPOST", str(ROOT / "build-asan/src/waypost"))
TROUBLE = re.compile(r"ERROR: \w+Sanitizer|runtime error:|LeakSanitizer|WARNING: \w+Sanitizer")
ENV = dict(os.environ,
	ASAN_OPTIONS="halt_on_error=1:abort_on_error=0:detect_leaks=1:exitcode=99:detect_stack_use_after_return=0",
	UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1:exitcode=99",
	LSAN_OPTIONS="exitcode=99")

# What all tests begin from; sections are merged, see merge().
CONFIG = {
	"ptr_hostname": "mail.example.com",
	"srs": {"enable": True, "srs_domain": "srs.example.com", "srs_secret": "tops3cr3t"},
	"virtual_domains": {
		"example.com": {
			"accounts": [
				{"name": "alice", "password": "alice-pw", "forward": "alice@gmail.test", "aliases": ["al"]},
				{"name": "bob", "password": "bob-pw", "forward": ["bob@gmail.test", "bob@outlook.test"]},
			],
			"blackholes": ["alice.spammy"],
		},
	},
	# all clients are loopback: tests of screening take this back, see lab/screen.py
	"postscreen": {"permit": ["127.0.0.0/8"], "dnsbl": {"sites": []}},
	"log": {"format": "json"},
}


def merge(base, over):
	"""base with over on top; mappings are merged, None removes a key."""
	out = copy.deepcopy(base)
	for key, value in over.items():
		if isinstance(value, dict) and isinstance(out.get(key), dict):
			out[key] = merge(out[key], value)
		elif value is None:
			out.pop(key, None)
		else:
			out[key] = copy.deepcopy(value)
	return out


class Waypost:
	def __init__(self, folder, subnet, over, dns=None, binary=None):
		self.dir, self.net = pathlib.Path(folder), subnet
		self.ip = subnet.waypost
		self.binary = binary or BINARY
		self.spool = self.dir / "spool"
		self.path = self.dir / "config.yaml"
		self.errors = self.dir / "stderr"
		self.out = self.dir / "log"
		self.process, self.client = None, Clients(self.ip, folder)
		self.config = merge(merge(CONFIG, {
			"listen": {"smtp": [f"{self.ip}:{SMTP}"], "submission": [f"{self.ip}:{SUBMISSION}"],
				"submissions": [f"{self.ip}:{SUBMISSIONS}"]},
			"spool": str(self.spool),
			"admin": {"socket": str(self.dir / "sock")},
			"next_hops": {"*": f"{subnet.host(9)}:{MX}"},
			"deliver": {"port": MX},
			"dns": {"servers": [dns], "timeout": "2s"},
		}), over)
		self.write()

	def write(self, text=None):
		"""The config file, from self.config or as given."""
		self.path.write_text(text if text is not None else yaml.safe_dump(self.config, sort_keys=False,
			allow_unicode=True))
		self.path.chmod(0o600)

	# -- its life

	def start(self, wait=True):
		assert not self.running, "already running"
		with open(self.out, "ab") as out, open(self.errors, "ab") as errors:
			self.process = subprocess.Popen([self.binary, "run", "-c", str(self.path)], stdout=out,
				stderr=errors, stdin=subprocess.DEVNULL, env=ENV)
		if wait:
			wait_for(self._is_up, 20, lambda: f"waypost to listen\n{self.story()}")
		return self

	def _is_up(self):
		"""It answers, so it is past all that start-up does."""
		assert self.process.poll() is None, f"ended with {self.process.returncode}\n{self.story()}"
		port = SUBMISSION if self.config["listen"].get("submission") else SMTP
		try:
			with Session(self.ip, port, timeout=10) as s:
				s.cmd("QUIT", 221)
			return True
		except (OSError, EOFError):
			return False

	@property
	def running(self):
		return self.process is not None and self.process.poll() is None

	def stop(self, timeout=30):
		"""SIGTERM, as the service manager does it; must end with 0 and without a complaint of the sanitizers."""
		if self.process is None:
			return
		if self.process.poll() is None:
			self.process.send_signal(signal.SIGTERM)
		try:
			code = self.process.wait(timeout)
		except subprocess.TimeoutExpired:
			self.process.kill()
			self.process.wait()
			raise AssertionError(f"did not stop within {timeout} s of SIGTERM\n{self.story()}") from None
		self.process = None
		self.check_errors()
		assert code == 0, f"ended with {code}\n{self.story()}"

	def kill(self):
		"""kill -9."""
		assert self.process.poll() is None, f"had ended by itself\n{self.story()}"
		self.process.kill()
		self.process.wait()
		self.process = None
		self.check_errors()

	def restart(self):
		self.stop()
		return self.start()

	def check_errors(self):
		text = self.errors.read_text(errors="replace") if self.errors.exists() else ""
		assert not TROUBLE.search(text), f"sanitizer report:\n{text[:12000]}"

	def story(self):
		parts = []
		for path in (self.out, self.errors):
			if path.exists():
				parts.append(f"--- {path.name}\n{path.read_text(errors='replace')[-4000:]}")
		return "\n".join(parts)

	# -- what it says

	def log(self):
		if not self.out.exists():
			return []
		lines = self.out.read_bytes().split(b"\n")
		return [json.loads(line) for line in lines[:-1] if line.strip()]

	def events(self, event, **pairs):
		return [e for e in self.log() if e.get("event") == event
			and all(str(e.get(k)) == str(v) for k, v in pairs.items())]

	def wait_event(self, event, timeout=15, count=1, **pairs):
		wait_for(lambda: len(self.events(event, **pairs)) >= count, timeout,
			lambda: f"{count} log event(s) {event} {pairs}\n{self.story()}")
		return self.events(event, **pairs)[-1]

	def cli(self, *words, input=b"", config=True, expect=None):
		"""One subcommand; .out has what it printed on both outputs."""
		words = [str(w) for w in words] + (["-c", str(self.path)] if config else [])
		done = subprocess.run([self.binary] + words, input=input, capture_output=True, timeout=30, env=ENV)
		done.text, done.err = done.stdout.decode(), done.stderr.decode()
		done.out = done.text + done.err
		assert not TROUBLE.search(done.err), done.err
		assert done.returncode >= 0, f"waypost {words} died of signal {-done.returncode}: {done.out}"
		assert expect is None or done.returncode == expect, f"waypost {words} ended with {done.returncode}: {done.out}"
		return done

	# -- its spool

	def files(self, folder="queue"):
		top = self.spool / folder
		return sorted((p for p in top.rglob("*") if p.is_file()), key=lambda p: p.name) if top.exists() else []

	def wait_empty(self, timeout=15):
		"""Until the queue has nothing left."""
		wait_for(lambda: not self.files(), timeout, lambda: f"an empty queue, not {self.files()}\n{self.story()}")

	def wait_queued(self, n=1, timeout=15):
		return wait_for(lambda: len(self.files()) == n and self.files(), timeout,
			lambda: f"{n} messages in the queue, not {self.files()}\n{self.story()}")

	# -- sessions with it

	def session(self, port=SMTP, ehlo=True, **more):
		s = Session(self.ip, port, **more)
		if ehlo:
			s.extensions = s.ehlo()
		return s

	def submission(self, user="alice@example.com", password="alice-pw", port=SUBMISSION):
		"""A session that has logged in."""
		s = self.session(port)
		if port == SUBMISSION:
			s.extensions = s.starttls()
		s.login(user, password)
		return s

	def send(self, content, to="alice@example.com", sender="sam@sender.test", options=""):
		with self.session() as s:
			s.mail(sender, to, content, options)
			s.cmd("QUIT", 221)

	def submit(self, content, to="dest@far.test", sender="alice@example.com", options="", **more):
		with self.submission(**more) as s:
			s.mail(sender, to, content, options)
			s.cmd("QUIT", 221)

