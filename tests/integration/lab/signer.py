"""Others who sign: dkimpy and Mail::DKIM, with keys made for the run."""
import base64
import pathlib
import subprocess

import dkim

from .zone import txt

PERL = r"""
use strict; use warnings;
use Mail::DKIM::Signer; use Mail::DKIM::PrivateKey;
my ($file, $domain, $selector, $algorithm, $method) = @ARGV;
my $s = Mail::DKIM::Signer->new(Algorithm => $algorithm, Method => $method, Domain => $domain, Selector => $selector,
	Key => Mail::DKIM::PrivateKey->load(File => $file));
binmode STDIN;
while (<STDIN>) { $s->PRINT($_); }
$s->CLOSE;
print $s->signature->as_string;
"""
HEADERS = [b"from", b"to", b"subject", b"date", b"message-id"]


class Key:
	"""kind: bits of RSA, or "ed25519"."""

	def __init__(self, folder, domain, selector="sel", kind=2048):
		self.domain, self.selector, self.kind = domain, selector, kind
		self.file = pathlib.Path(folder) / f"{domain}.{selector}.pem"
		algorithm = ["ed25519"] if kind == "ed25519" else ["rsa", "-pkeyopt", f"rsa_keygen_bits:{kind}"]
		subprocess.run(["openssl", "genpkey", "-algorithm", *algorithm, "-out", self.file], check=True, capture_output=True)
		der = subprocess.run(["openssl", "pkey", "-in", self.file, "-pubout", "-outform", "DER"], check=True,
			capture_output=True).stdout
		self.public = base64.b64encode(der[-32:] if kind == "ed25519" else der).decode()

	def record(self, more=""):
		name = "ed25519" if self.kind == "ed25519" else "rsa"
		return txt(f"{self.selector}._domainkey.{self.domain}", f"v=DKIM1; k={name}; {more}p={self.public}")

	def lookup(self, name, timeout=5):
		"""For dkimpy: this key, whatever the name."""
		return f"v=DKIM1; k={'ed25519' if self.kind == 'ed25519' else 'rsa'}; p={self.public}".encode()

	def private(self):
		if self.kind != "ed25519":
			return self.file.read_bytes()
		der = subprocess.run(["openssl", "pkey", "-in", self.file, "-outform", "DER"], check=True, capture_output=True).stdout
		return base64.b64encode(der[-32:])

	def sign(self, content, headers=None, **more):
		"""The content with dkimpy's signature on top."""
		more.setdefault("signature_algorithm", b"ed25519-sha256" if self.kind == "ed25519" else b"rsa-sha256")
		present = [h for h in headers or HEADERS]
		field = dkim.sign(content, self.selector.encode(), self.domain.encode(), self.private(), include_headers=present,
			canonicalize=more.pop("canonicalize", (b"relaxed", b"relaxed")), **more)
		return field + content

	def sign_perl(self, content, algorithm="rsa-sha256", method="relaxed/relaxed"):
		"""The same by Mail::DKIM."""
		done = subprocess.run(["perl", "-e", PERL, self.file, self.domain, self.selector, algorithm, method], input=content,
			capture_output=True, timeout=60)
		assert done.returncode == 0, done.stderr.decode()
		field = done.stdout.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").rstrip(b"\r\n")
		return field + b"\r\n" + content
