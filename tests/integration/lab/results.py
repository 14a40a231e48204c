"""What waypost wrote on top about who sent it, read with python3-authres as a strict reader would."""
import dataclasses
import re

import authres

from . import message

RECEIVED_SPF = re.compile(
	r"^(?P<result>pass|fail|softfail|neutral|none|temperror|permerror) \((?P<comment>(?:[^()\\]|\\.)*)\)"
	r"(?P<pairs>(?: ?[a-z-]+=(?:\"(?:[^\"\\]|\\.)*\"|[^\s;\"]+);?)*)$")


@dataclasses.dataclass
class Results:
	spf: str = ""                      # of MAIL FROM, else of HELO
	helo: str = ""
	dkim: list = dataclasses.field(default_factory=list)   # (result, domain), as in the message
	dmarc: str = ""
	reasons: dict = dataclasses.field(default_factory=dict)        # method: reason
	properties: dict = dataclasses.field(default_factory=dict)     # "smtp.mailfrom": value, the last of each
	received_spf: dict = dataclasses.field(default_factory=dict)


def read_received_spf(value):
	found = RECEIVED_SPF.match(re.sub(r"\s+", " ", value.strip()))
	assert found, f"no Received-SPF of RFC 7208: {value!r}"
	pairs = dict(p.split("=", 1) for p in re.findall(r'[a-z-]+=(?:"(?:[^"\\]|\\.)*"|[^\s;"]+)', found["pairs"]))
	return dict({k: re.sub(r"\\(.)", r"\1", v.strip('"')) for k, v in pairs.items()}, result=found["result"], comment=found["comment"])


def read(arrived, sent=None, hostname="mail.example.com"):
	"""Of a message as it arrived; sent: what is below must be just this."""
	if sent is not None:
		top = message.split_top(arrived, sent)
	else:
		top = message.parse(arrived)
	ours = [v for v in top.get_all("Authentication-Results") or [] if re.match(rf"\s*{re.escape(hostname)}\s*;", str(v))]
	assert len(ours) == 1, f"{len(ours)} Authentication-Results of ours: {ours}"
	header = authres.AuthenticationResultsHeader.parse("Authentication-Results: " + re.sub(r"\r?\n[ \t]+", " ", str(ours[0])))
	assert header.authserv_id == hostname and header.version is None
	out = Results()
	for r in header.results:
		properties = {f"{p.type}.{p.name}": p.value for p in r.properties}
		out.properties.update(properties)
		out.reasons[r.method] = r.reason or ""
		if r.method == "spf" and "smtp.mailfrom" in properties:
			out.spf = r.result
		elif r.method == "spf":
			out.helo = r.result
		elif r.method == "dkim":
			out.dkim.append((r.result, properties.get("header.d", "")))
		elif r.method == "dmarc":
			out.dmarc = r.result
	received = (top.get_all("Received-SPF") or [])[:1]
	out.received_spf = read_received_spf(str(received[0])) if received else {}
	return out
