"""Recipients that lead to our own addresses, and what may not be configured."""
import pytest

from lab import message


def accounts(*rows):
	return {"virtual_domains": {"example.com": {"accounts": [
		dict({"password": f"pw-of-{name}"} if name != "*" else {}, name=name, forward=forward, **more)
		for name, forward, more in rows]}}}


def targets(lab, rcpts, *rows, **over):
	"""Where mail for rcpts ends up."""
	box = lab.mailbox()
	w = lab.waypost(**dict(accounts(*rows), **over))
	w.send(message.make(), to=rcpts)
	w.wait_empty()
	return sorted(r for m in box.mails for r in m.rcpts)


def test_own_address_as_a_target_is_followed(lab):
	assert targets(lab, "team@example.com", ("alice", "alice@gmail.test", {}), ("bob", "bob@gmail.test", {}),
		("team", ["alice@example.com", "bob@example.com", "extra@far.test"], {})) == [
			"alice@gmail.test", "bob@gmail.test", "extra@far.test"]


def test_several_steps(lab):
	assert targets(lab, "a@example.com", ("a", "b@example.com", {}), ("b", "c@example.com", {}), ("c", "d@example.com", {}),
		("d", "end@far.test", {})) == ["end@far.test"]


def test_diamond_gives_one_copy(lab):
	assert targets(lab, ["all@example.com", "left@example.com"], ("all", ["left@example.com", "right@example.com"], {}),
		("left", "end@far.test", {}), ("right", "END@far.test", {})) in (["end@far.test"], ["END@far.test", "end@far.test"])


def test_same_target_in_two_cases_of_the_domain_is_one(lab):
	assert targets(lab, ["a@example.com", "b@example.com"], ("a", "end@far.test", {}), ("b", "end@FAR.test", {})) == [
		"end@far.test"]


def test_extension_goes_along(lab):
	assert targets(lab, "team+x@example.com", ("alice", "alice@gmail.test", {}), ("team", "alice@example.com", {})) == [
		"alice+x@gmail.test"]


def test_extension_onto_a_target_that_has_one(lab):
	assert len(targets(lab, "a+x@example.com", ("a", "end+y@far.test", {}))) == 1


def test_dot_plus_off(lab):
	w = lab.waypost(**accounts(("alice", "alice@gmail.test", {"dot_plus_rewrite": False})))
	with w.session() as s:
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		for rcpt in ("alice.x", "alice+x"):
			assert s.cmd(f"RCPT TO:<{rcpt}@example.com>").status == "5.1.1"
		s.cmd("RCPT TO:<alice@example.com>", 250)


def test_quoted_and_odd_local_parts(lab):
	assert targets(lab, '"od d"@example.com', ("alice", "alice@gmail.test", {}), ("*", "all@gmail.test", {})) == ["all@gmail.test"]


def test_own_target_across_domains(lab):
	box = lab.mailbox()
	w = lab.waypost(virtual_domains={"example.org": {"accounts": [
		{"name": "*", "forward": "alice@example.com"}]}})
	w.send(message.make(), to="whoever@example.org")
	assert box.one().rcpts == ["alice@gmail.test"]


def test_blackhole_never_matches_postmaster(lab):
	box = lab.mailbox()
	w = lab.waypost(virtual_domains={"example.com": {"blackholes": ["postmaster", "alice.spammy", "bob"]}})
	w.send(message.make(), to="postmaster@example.com")
	assert box.one().rcpts == ["alice@gmail.test"]
	with w.session() as s:
		s.cmd("MAIL FROM:<sam@sender.test>", 250)
		s.cmd("RCPT TO:<bob@example.com>", 550)


LOOPS = [
	[("a", "a@example.com", {})],
	[("a", "b@example.com", {}), ("b", "a@example.com", {})],
	[("a", "b@example.com", {}), ("b", "c@example.com", {}), ("c", ["x@far.test", "a+x@example.com"], {})],
	[("a", "al@example.com", {"aliases": ["al"]})],
	[("*", "anything@example.com", {}), ("a", "x@far.test", {})],
	[("a", "nobody@example.com", {})],
]


@pytest.mark.parametrize("rows", LOOPS)
def test_loops_are_found_before_anything_is_bound(lab, rows):
	w = lab.waypost(start=False, **accounts(*rows))
	done = w.cli("check", expect=1)
	assert "config.yaml:" in done.out
	assert w.cli("run").returncode == 78


def test_depth_is_limited(lab):
	rows = [(f"a{i}", f"a{i + 1}@example.com", {}) for i in range(30)] + [("a30", "end@far.test", {})]
	w = lab.waypost(start=False, **accounts(*rows))
	assert "config.yaml:" in w.cli("check", expect=1).out
