"""Loopback addresses for one run, so that two runs on one machine never meet.

A run owns some 127.N.0.0/16, and each test a /24 of one; within that, ports can be the same in every test.
"""
import os
import socket
import time

SMTP, SUBMISSION, SUBMISSIONS = 2525, 2587, 2465    # waypost's
MX = 2600                                           # deliver.port: of all mailbox providers
DNS = 5353
_GUARD = 1999


class Network:
	"""Second octets that no other run has: one for every 250 tests."""

	def __init__(self):
		self.tests, self.octet, self.guards = 0, 0, []

	def _claim(self):
		for i in range(200):
			octet = 20 + (os.getpid() + i) % 200
			guard = socket.socket()
			try:
				guard.bind((f"127.{octet}.0.1", _GUARD))
			except OSError:
				guard.close()
				continue
			self.guards.append(guard)
			return octet
		raise RuntimeError("no free loopback network: are 200 test runs going on?")

	def next_test(self):
		if self.tests % 250 == 0:
			self.octet = self._claim()
		self.tests += 1
		return Subnet(f"127.{self.octet}.{1 + self.tests % 250}")


class Subnet:
	"""The addresses of one test."""

	def __init__(self, prefix):
		self.prefix = prefix
		self.waypost = self.host(1)
		self.dns = self.host(53)

	def host(self, n):
		return f"{self.prefix}.{n}"


def wait_for(ask, timeout=15, what="it"):
	"""What ask() gives once that is true; asks often."""
	end = time.monotonic() + timeout
	while True:
		answer = ask()
		if answer:
			return answer
		if time.monotonic() > end:
			raise AssertionError(f"waited {timeout} s for {what() if callable(what) else what}")
		time.sleep(0.02)
