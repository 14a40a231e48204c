"""One fixture, `lab`: it starts what a test asks for, and at the end stops all and looks for damage."""
import pathlib

import pytest

from lab import pki, root
from lab.mailbox import Mailbox
from lab.net import MX, Network
from lab.scripted import Scripted
from lab.server import Waypost
from lab.zone import Dns

root.drop()


class Lab:
	def __init__(self, folder, subnet, pki_folder, empty_dns):
		self.dir, self.net, self.pki, self.empty_dns = folder, subnet, str(pki_folder), empty_dns
		self.peers, self.servers, self.zones = [], [], []

	def waypost(self, start=True, binary=None, **over):
		"""The server with a config that differs from lab/server.py's CONFIG in what is given."""
		folder = self.dir if not self.servers else self.dir / f"waypost{len(self.servers) + 1}"
		folder.mkdir(exist_ok=True)
		dns = self.zones[-1].server if self.zones else self.empty_dns.server
		w = Waypost(folder, self.net, over, dns, binary)
		self.servers.append(w)
		return w.start() if start else w

	def mailbox(self, host=9, port=MX, **more):
		"""A provider at host number `host` of this test's network; 9 is where next_hops points."""
		m = Mailbox(self.net.host(host), port, **more)
		self.peers.append(m)
		return m

	def scripted(self, host=9, port=MX, **more):
		s = Scripted(self.net.host(host), port, **more)
		self.peers.append(s)
		return s

	def dns(self, text="", **more):
		"""A DNS server of this test's own; {n} in the text is host number n's address."""
		z = Dns(self.dir / f"dns{len(self.zones)}", self.net.dns, self.zone_text(text), **more)
		self.zones.append(z)
		return z

	def zone_text(self, text):
		for n in range(1, 60):
			text = text.replace("{%d}" % n, self.net.host(n))
		return text

	def tls(self, name="mx.gmail.test"):
		return pki.server_context(self.pki, name)

	def certificate(self, name):
		return pki.self_signed(self.pki, name)

	def finish(self):
		for p in self.peers:
			p.stop()
		faults = []
		for w in self.servers:
			try:
				w.stop()
				w.check_errors()
			except AssertionError as e:
				faults.append(str(e))
		for z in self.zones:
			z.stop()
		assert not faults, "\n".join(faults)


@pytest.fixture(scope="session")
def network():
	return Network()


@pytest.fixture(scope="session")
def shared_dns(network, tmp_path_factory):
	"""Knows no name at all; for tests that need no DNS."""
	dns = Dns(tmp_path_factory.mktemp("dns"), network.next_test().dns)
	yield dns
	dns.stop()


@pytest.fixture(scope="session")
def pki_folder(tmp_path_factory):
	return tmp_path_factory.mktemp("pki")


@pytest.fixture
def lab(request, tmp_path, network, shared_dns, pki_folder):
	lab = Lab(pathlib.Path(tmp_path), network.next_test(), pki_folder, shared_dns)
	request.node.lab = lab
	yield lab
	lab.finish()


@pytest.fixture(scope="module")
def shared(request, tmp_path_factory, network, shared_dns, pki_folder):
	"""One laboratory for all tests of a file: for long tables of questions to one server."""
	lab = Lab(tmp_path_factory.mktemp(request.module.__name__), network.next_test(), pki_folder, shared_dns)
	request.node.lab = lab
	yield lab
	lab.finish()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
	"""A failed test shows what waypost logged."""
	report = (yield).get_result()
	for node in (item, item.parent):
		if report.failed and hasattr(node, "lab"):
			for w in node.lab.servers:
				report.sections.append(("waypost", w.story()))
