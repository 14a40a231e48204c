"""The provider behind us as a judge: SPF by pyspf, DKIM by dkimpy, DMARC's alignment by hand; nothing of it is ours."""
import dataclasses
import email
import email.utils
import warnings

import dkim
import dns.resolver
import spf

from .net import DNS


@dataclasses.dataclass
class Verdict:
	author: str                        # From's domain
	spf: tuple                         # (result, domain)
	dkim: list                         # (passed, d=)
	policy: str                        # of the author's organisation; "": none
	aligned: list                      # what passed in alignment: "spf example.com", "dkim example.com"

	@property
	def passes(self):
		return bool(self.aligned)


def organisation(domain):
	"""No suffix of these tests has a dot in it."""
	return ".".join(domain.lower().rstrip(".").split(".")[-2:])


class Judge:
	def __init__(self, net):
		self.resolver = dns.resolver.Resolver(configure=False)
		self.resolver.nameservers, self.resolver.port, self.resolver.lifetime = [net.dns], DNS, 5

	def txt(self, name):
		name = name.decode() if isinstance(name, bytes) else name
		try:
			return b"".join(self.resolver.resolve(name.rstrip(".") + ".", "TXT")[0].strings)
		except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
			return b""

	def spf(self, ip, sender, helo):
		with warnings.catch_warnings():
			warnings.simplefilter("ignore")
			kept, dns.resolver.default_resolver = dns.resolver.default_resolver, self.resolver
			try:
				result, _ = spf.check2(ip, sender, helo)
			finally:
				dns.resolver.default_resolver = kept
		return result, (sender.rpartition("@")[2] or helo).lower()

	def dkim(self, content):
		signatures = [v for k, v in email.message_from_bytes(content).items() if k.lower() == "dkim-signature"]
		out, d = [], dkim.DKIM(content)
		for i, value in enumerate(signatures):
			tags = dict(t.strip().split("=", 1) for t in "".join(str(value).split()).strip(";").split(";"))
			try:
				passed = d.verify(i, dnsfunc=lambda name, timeout=5: self.txt(name))
			except dkim.DKIMException:
				passed = False
			out.append((passed and "l" not in tags, tags.get("d", "").lower()))
		return out

	def __call__(self, mail, ip):
		"""A Mail as the provider got it from that address."""
		authors = [a for _, a in email.utils.getaddresses(email.message_from_bytes(mail.content).get_all("From") or [])]
		author = authors[0].rpartition("@")[2].lower() if authors else ""
		policy = ""
		for name in dict.fromkeys((author, organisation(author))):
			record = self.txt(f"_dmarc.{name}").decode() if name else ""
			if record.startswith("v=DMARC1") and not policy:
				policy = dict(t.strip().split("=", 1) for t in record.strip(";").split(";")).get("p", "none")
		checked, signatures = self.spf(ip, mail.sender, mail.helo), self.dkim(mail.content)
		aligned = [f"spf {checked[1]}"] if checked[0] == "pass" and organisation(checked[1]) == organisation(author) else []
		aligned += [f"dkim {d}" for passed, d in signatures if passed and organisation(d) == organisation(author)]
		return Verdict(author, checked, signatures, policy, aligned)
