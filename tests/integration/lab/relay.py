"""Carries connections from one network namespace to another: relay.py KIND,NS,ADDRESS,PORT,NS,ADDRESS,PORT ...

Runs as root, as a process of its own. Each word is a listener (where it listens; where it leads to); KIND is tcp or
udp, and NS the name of a namespace or - for the one that we came from. A user-space proxy is one with both ends in
one namespace.
"""
import ctypes
import socket
import sys
import threading

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
home = open("/proc/self/ns/net")


def enter(name):
	"""This thread is in that namespace from now on."""
	where = home if name == "-" else open(f"/run/netns/{name}")
	if libc.setns(where.fileno(), CLONE_NEWNET) != 0:
		raise OSError(ctypes.get_errno(), f"setns {name}")
	if where is not home:
		where.close()


def family(address):
	return socket.AF_INET6 if ":" in address else socket.AF_INET


def pump(a, b):
	try:
		while True:
			data = a.recv(65536)
			if not data:
				break
			b.sendall(data)
	except OSError:
		pass
	for s in (a, b):
		try:
			s.shutdown(socket.SHUT_WR if s is b else socket.SHUT_RD)
		except OSError:
			pass


def carry(near, ns, address, port):
	try:
		enter(ns)
		far = socket.create_connection((address, port), timeout=20)
		far.settimeout(None)
	except OSError:
		near.close()
		return
	threading.Thread(target=pump, args=(far, near), daemon=True).start()
	pump(near, far)


def accept(listener, *to):
	while True:
		near, _ = listener.accept()
		threading.Thread(target=carry, args=(near, *to), daemon=True).start()


def ask(listener, question, asker, ns, address, port):
	try:
		enter(ns)
		with socket.socket(family(address), socket.SOCK_DGRAM) as far:
			far.settimeout(5)
			far.sendto(question, (address, port))
			listener.sendto(far.recv(65536), asker)
	except OSError:
		pass


def questions(listener, *to):
	while True:
		question, asker = listener.recvfrom(65536)
		threading.Thread(target=ask, args=(listener, question, asker, *to), daemon=True).start()


def main():
	for word in sys.argv[1:]:
		kind, ns, address, port, *to = word.split(",")
		enter(ns)
		if kind == "tcp":
			listener = socket.create_server((address, int(port)), family=family(address), backlog=100)
		else:
			listener = socket.socket(family(address), socket.SOCK_DGRAM)
			listener.bind((address, int(port)))
		enter("-")
		threading.Thread(target=accept if kind == "tcp" else questions,
			args=(listener, to[0], to[1], int(to[2])), daemon=True).start()
	print("ready", flush=True)
	sys.stdin.read()        # until who started us is gone


if __name__ == "__main__":
	main()
