"""What waits: on disk, over crashes, and under the operator's hand."""
import json
import os
import re
import shutil
import signal
import time

import pytest

from lab import message, root
from lab.client import stuff
from lab.net import wait_for
from lab.scripted import HANG, Wait

BUSY = "450 4.3.2 Not now"
RETRYING = {"min_backoff": "1s", "max_backoff": "2s", "host_backoff": "0s"}


def queued(w):
	"""Ids in the order of `queue list`."""
	return re.findall(r"(?m)^([0-9A-HJKMNP-TV-Z]{13})\b", w.cli("queue", "list", expect=0).text)


def deferred(lab, n=1, **over):
	provider = lab.scripted(mail=BUSY)
	w = lab.waypost(**over)
	for i in range(n):
		w.send(message.make(subject=f"number {i}"))
	w.wait_event("delivery", count=n, status="deferred")
	return provider, w


# -- the file

def test_queue_file_is_text_that_a_person_can_read(lab):
	provider, w = deferred(lab)
	content = message.make(subject="to be read")
	w.send(content, to=["alice@example.com", "bob@example.com"])
	path = wait_for(lambda: [p for p in w.files() if b"to be read" in p.read_bytes()], what="the file")[0]
	assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{13}", path.name)
	assert path.parent.parent.name == "queue" and len(path.parent.name) == 2
	text = path.read_bytes()
	envelope, _, rest = text.partition(b"\n\n")
	assert b"sam@sender.test" in envelope and b"alice@gmail.test" in envelope
	assert len(re.findall(rb"(?m)^- ?.*gmail|^-.*outlook", envelope)) >= 2, envelope
	assert rest.endswith(content)
	assert all(ord(" ") <= b < 127 or b == 10 for b in envelope)
	for folder in (w.spool, path.parent, w.spool / "state", w.spool / "tmp"):
		assert folder.stat().st_mode & 0o777 == 0o700, folder
	assert path.stat().st_mode & 0o077 == 0


def test_marks_in_place(lab):
	provider = lab.scripted(rcpt=lambda s, line: BUSY if "outlook" in line else None)
	w = lab.waypost()
	w.send(message.make(), to="bob@example.com")
	w.wait_event("delivery", status="deferred", to="bob@outlook.test")
	w.wait_event("delivery", status="sent", to="bob@gmail.test")
	path = w.wait_queued()[0]
	size = path.stat().st_size

	def marks():
		lines = path.read_bytes().partition(b"\n\n")[0].split(b"\n")
		return {target: next(x[:1] for x in lines if target in x and b"srs" not in x.lower())
			for target in (b"bob@gmail.test", b"bob@outlook.test")}

	wait_for(lambda: marks() == {b"bob@gmail.test": b"+", b"bob@outlook.test": b"-"}, what=lambda: f"the marks: {path.read_bytes()[:600]}")
	assert path.stat().st_size == size
	w.kill()
	provider.on(rcpt=None)
	w.start()
	w.cli("queue", "retry", expect=0)
	w.wait_empty()
	assert sorted(r for m in provider.mails for r in m.rcpts) == ["bob@gmail.test", "bob@outlook.test"], "each once"


def test_next_attempt_is_the_files_time(lab):
	provider, w = deferred(lab, deliver={"min_backoff": "10m", "max_backoff": "4h"})
	path = w.wait_queued()[0]
	ahead = path.stat().st_mtime - time.time()
	assert 60 < ahead < 1200, ahead
	w.stop()
	provider.on(mail=None)
	os.utime(path, (time.time() + 3600, time.time() + 3600))
	w.start()
	time.sleep(1)
	assert not provider.mails, "it is not due"
	w.stop()
	os.utime(path, (time.time() - 5, time.time() - 5))
	w.start()
	provider.one()


def test_time_too_far_ahead_is_due_now(lab):
	provider, w = deferred(lab)
	path = w.wait_queued()[0]
	w.stop()
	os.utime(path, (time.time() + 6 * 3600, time.time() + 6 * 3600))
	provider.on(mail=None)
	w.start()
	provider.one()


# -- retrying

def test_it_is_tried_again_by_itself(lab):
	provider, w = deferred(lab, deliver=RETRYING)
	wait_for(lambda: len([x for x in provider.lines if x.startswith("MAIL")]) >= 3, 20, "three attempts")
	provider.on(mail=None)
	provider.one(20)
	w.wait_empty()
	assert len(provider.mails) == 1


def test_interval_grows(lab):
	provider, w = deferred(lab, deliver={"min_backoff": "1s", "max_backoff": "1h", "host_backoff": "0s"})
	w.wait_event("delivery", count=4, status="deferred", timeout=40)
	delays = [float(e["delay"]) for e in w.events("delivery", status="deferred")][:4]
	gaps = [b - a for a, b in zip(delays, delays[1:])]
	assert gaps[2] > gaps[0] * 1.5, f"attempts after {delays} seconds"


def test_max_age_ends_it(lab):
	provider = lab.scripted(rcpt=lambda s, line: BUSY if "far.test" in line else None)
	w = lab.waypost(deliver=dict(RETRYING, max_age="2s"))
	w.submit(message.make(sender="alice@example.com", to="dest@far.test"))
	w.wait_event("delivery", status="bounced", to="dest@far.test", timeout=20)
	bounce = provider.one(20)
	assert bounce.sender == "" and bounce.rcpts == ["alice@gmail.test"]
	assert b"450 4.3.2 Not now" in bounce.content or b"4.3.2" in bounce.content
	w.wait_empty()


def test_max_age_of_mail_from_strangers_is_a_line_in_the_log(lab):
	provider = lab.scripted(mail=BUSY)
	w = lab.waypost(deliver=dict(RETRYING, max_age="2s"))
	w.send(message.make())
	line = wait_for(lambda: [e for e in w.events("delivery") if e["status"] in ("refused", "bounced")], 20, "its end")[-1]
	assert line["status"] == "refused", "nobody is told"
	w.wait_empty()
	assert not provider.mails


# -- the operator

def test_list_and_show(lab):
	provider, w = deferred(lab, 3)
	ids = queued(w)
	assert ids == sorted(p.name for p in w.files()) and len(ids) == 3
	text = w.cli("queue", "list", expect=0).text
	assert "sam@sender.test" in text and "alice@example.com" in text and "450 4.3.2 Not now" in text
	shown = w.cli("queue", "show", ids[0], expect=0).text
	for word in (ids[0], "sam@sender.test", "alice@example.com", "alice@gmail.test", "Subject: number 0", "127.0.0.1"):
		assert word in shown, word
	assert "Hello." not in shown, "no content"
	assert w.cli("queue", "show", "0000000000000").returncode == 1
	assert w.cli("queue", "show", "nonsense").returncode == 2
	assert w.cli("queue", "frobnicate").returncode == 2
	w.stop()
	offline = w.cli("queue", "list", expect=0).text
	assert all(i in offline for i in ids) and "sam@sender.test" in offline
	assert "Subject: number 0" in w.cli("queue", "show", ids[0], expect=0).text
	assert w.cli("queue", "remove", ids[0]).returncode not in (0, 2)
	assert len(w.files()) == 3, "without a server it only reads"


def test_retry_one_and_all(lab):
	provider, w = deferred(lab, 3)
	provider.on(mail=None)
	ids = queued(w)
	w.cli("queue", "retry", ids[1], expect=0)
	assert b"number 1" in provider.one().content
	time.sleep(0.3)
	assert len(provider.mails) == 1
	w.cli("queue", "retry", expect=0)
	provider.wait(3)
	w.wait_empty()
	assert w.cli("queue", "retry", ids[0]).returncode == 1, "it is gone"


def test_hold_release_remove(lab):
	provider, w = deferred(lab, 3)
	first, second, third = queued(w)
	w.cli("queue", "hold", first, expect=0)
	assert [p.name for p in w.files("hold")] == [first] and len(w.files()) == 2
	w.cli("queue", "remove", second, expect=0)
	assert second not in queued(w) and len(w.files()) == 1
	assert re.search(first + r".*held", w.cli("queue", "list", expect=0).text)
	provider.on(mail=None)
	w.cli("queue", "retry", expect=0)
	assert b"number 2" in provider.one().content
	w.restart()
	time.sleep(0.5)
	assert len(provider.mails) == 1, "held over a restart"
	assert [p.name for p in w.files("hold")] == [first]
	w.cli("queue", "release", first, expect=0)
	w.cli("queue", "retry", expect=0)
	assert b"number 0" in provider.wait(2)[1].content
	w.wait_empty()
	assert not w.files("hold")
	for order in ("hold", "release", "remove"):
		assert w.cli("queue", order, third).returncode == 1
	assert w.cli("queue", "hold").returncode == 2


def test_remove_what_is_held(lab):
	provider, w = deferred(lab)
	ident = queued(w)[0]
	w.cli("queue", "hold", ident, expect=0)
	w.cli("queue", "remove", ident, expect=0)
	assert not w.files() and not w.files("hold")


def test_orders_about_what_is_being_sent(lab):
	"""They have to wait until the attempt is over, and say so."""
	provider = lab.scripted(dot=HANG)
	w = lab.waypost(deliver={"host_backoff": "0s"})
	w.send(message.make())
	wait_for(lambda: "DATA" in provider.lines, what="the attempt")
	ident = queued(w)[0]
	assert re.search(ident + r".*active", w.cli("queue", "list", expect=0).text)
	for order in ("hold", "remove"):
		assert "now" in w.cli("queue", order, ident, expect=1).out
	for s in provider.sessions:
		s.sock.shutdown(2)
	w.wait_event("delivery", status="deferred")
	wait_for(lambda: w.cli("queue", "remove", ident).returncode == 0, what="the order to be taken")
	assert not w.files() and not queued(w)


def test_status(lab):
	provider, w = deferred(lab, 2)
	text = w.cli("status", expect=0).text
	assert "queue" in text
	data = json.loads(w.cli("status", "--json", expect=0).text)
	assert data["queue_waiting"] == 2 and data["messages_accepted"] == 2 and data["deliveries_deferred"] >= 2
	assert data["hostname"] == "mail.example.com"
	w.stop()
	assert w.cli("status").returncode == 69


def test_socket_is_the_services_own(lab):
	w = lab.waypost()
	assert (w.dir / "sock").stat().st_mode & 0o077 == 0
	w.stop()
	assert not (w.dir / "sock").exists()


# -- crashes

@pytest.mark.parametrize("moment", ["waiting", "sending"])
def test_kill_9_and_restart(lab, moment):
	provider = lab.scripted(**({"mail": BUSY} if moment == "waiting" else {"data": Wait(30)}))
	w = lab.waypost()
	contents = [message.make(subject=f"number {i}", body=message.odd_bytes(2000, i)) for i in range(20)]
	for content in contents:
		w.send(content)
	if moment == "waiting":
		w.wait_event("delivery", count=20, status="deferred")
	else:
		wait_for(lambda: "DATA" in provider.lines, what="the first attempt")
	w.kill()
	provider.on(mail=None, data=None)
	w.start()
	w.cli("queue", "retry", expect=0)
	arrived = provider.wait(20, 30)
	for content in contents:
		assert any(m.content.endswith(content) for m in arrived)
	w.wait_empty()


def test_half_written_files_are_cleared_at_start(lab):
	provider, w = deferred(lab)
	s = w.session()
	s.cmd("MAIL FROM:<sam@sender.test>", 250)
	s.cmd("RCPT TO:<alice@example.com>", 250)
	s.cmd("DATA", 354)
	s.send(stuff(message.make(body=message.odd_bytes(2_000_000))))
	wait_for(lambda: w.files("tmp"), what="a file in tmp/")
	w.kill()
	assert w.files("tmp")
	w.start()
	assert not w.files("tmp") and len(w.files()) == 1


def test_second_process_on_a_spool_is_refused(lab):
	w = lab.waypost()
	other = lab.waypost(start=False, spool=str(w.spool), listen={"smtp": [f"{lab.net.host(2)}:2525"], "submission": [],
		"submissions": []})
	done = other.cli("run")
	assert done.returncode not in (0, 2)
	assert str(w.spool) in done.out or "another" in done.out.lower(), done.out
	w.send(message.make())
	w.kill()
	w.start()


def test_stopping_waits_for_attempts_but_not_for_dawdlers(lab):
	"""SIGTERM: who is quick is still taken in, nothing new is handed over, and what was begun is ended."""
	provider = lab.scripted(dot=Wait(3))
	w = lab.waypost()
	w.send(message.make(subject="under way"))
	wait_for(lambda: provider.sessions and any("DATA" in x for x in provider.sessions[0].lines), what="DATA")
	quick, slow = w.session(), w.session()
	for s in quick, slow:
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("RCPT TO:<alice@example.com>", 250)
		s.cmd("DATA", 354)
		s.send(b"Subject: x\r\n\r\n")
	began = time.monotonic()
	w.process.send_signal(signal.SIGTERM)
	w.wait_event("stop")
	quick.send(b".\r\n")
	assert quick.reply().code == 250
	assert slow.reply().code == 421
	assert w.process.wait(20) == 0
	w.stop()
	assert 3 < time.monotonic() - began < 20
	assert [m.content.count(b"under way") for m in provider.mails] == [1]
	assert len(w.files()) == 1
	w.start()
	w.wait_empty()
	assert len(provider.mails) == 2


CORRUPTIONS = {
	"empty": lambda b: b"",
	"cut in the envelope": lambda b: b[:40],
	"cut in the content": lambda b: b[:-10],
	"rubbish": lambda b: os.urandom(500),
	"another version": lambda b: b.replace(b"1", b"9", 1),
	"no envelope": lambda b: b"\n\n" + b.partition(b"\n\n")[2],
	"a NUL in the envelope": lambda b: b.replace(b"sam@", b"sa\0@", 1),
}


@pytest.mark.parametrize("how", CORRUPTIONS)
def test_corrupt_file_is_set_aside(lab, how):
	provider, w = deferred(lab, 2)
	w.stop()
	path = w.files()[0]
	damaged = CORRUPTIONS[how](path.read_bytes())
	path.write_bytes(damaged)
	provider.on(mail=None)
	w.start()
	w.cli("queue", "retry", expect=0)
	assert b"number 1" in provider.one().content, "the other one goes on"
	wait_for(lambda: w.files("corrupt"), what="corrupt/ to have it")
	w.wait_empty()
	assert [(p.name, p.read_bytes()) for p in w.files("corrupt")] == [(path.name, damaged)]
	assert any(path.name in json.dumps(e) and e["level"] in ("warn", "error", "warning") for e in w.log()), "it is reported"
	assert len(provider.mails) == 1
	w.restart()
	assert len(w.files("corrupt")) == 1


def test_strange_files_in_the_queue_do_no_harm(lab):
	provider, w = deferred(lab)
	w.stop()
	folder = w.files()[0].parent
	(folder / "README").write_text("not a message")
	(folder / "core.123").write_bytes(b"x")
	(w.spool / "queue" / "zz").mkdir()
	(w.spool / "queue" / "lost+found").mkdir()
	provider.on(mail=None)
	w.start()
	w.cli("queue", "retry", expect=0)
	provider.one()


def test_file_that_vanished_is_forgotten(lab):
	provider, w = deferred(lab, 2)
	w.files()[0].unlink()
	provider.on(mail=None)
	w.cli("queue", "retry", expect=0)
	assert b"number 1" in provider.one().content
	wait_for(lambda: not queued(w), what="an empty list")


def test_full_disk_is_452(lab):
	"""A spool on a file system of its own, which is filled."""
	provider = lab.scripted(mail=BUSY)
	w = lab.waypost(start=False)
	w.spool.mkdir(mode=0o700)
	options = f"size=1m,mode=700,uid={os.getuid()},gid={os.getgid()}"
	assert root.run("mount", "-t", "tmpfs", "-o", options, "tmpfs", w.spool) == 0, "mounting needs root or sudo"
	try:
		w.start()
		with w.session() as s:
			codes = []
			for i in range(30):
				reply = s.mail("sam@sender.test", "alice@example.com", message.make(body=message.odd_bytes(100_000)), expect=None)
				codes.append((reply.code, reply.status))
				if reply.code != 250:
					break
			assert codes[-1][0] in (451, 452) and codes[-1][1] in ("4.3.1", "4.3.0"), codes
			accepted = len(codes) - 1
			assert 1 <= accepted == len(w.files())
		assert not w.files("tmp"), "no trace of what was refused"
		provider.on(mail=None)
		w.cli("queue", "retry", expect=0)
		provider.wait(accepted)
		w.wait_empty()
		w.send(message.make())
		w.stop()
	finally:
		if w.running:
			w.kill()
		root.run("umount", w.spool)


def test_spool_without_permission_is_said(lab):
	w = lab.waypost(start=False)
	shutil.rmtree(w.spool, ignore_errors=True)
	w.spool.write_text("a file, not a folder")
	done = w.cli("run")
	assert done.returncode not in (0, 1, 2) and str(w.spool) in done.out
