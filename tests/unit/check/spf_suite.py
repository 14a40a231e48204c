#!/usr/bin/python3
"""Runs a test program over the RFC 7208 suite, as lines that C reads without a YAML parser.

    spf_suite.py PROGRAM SUITE.yml

The lines, fields parted by tabs, texts in hex ("-" is nothing):

    scenario  NAME
    record    NAME TYPE VALUE
    case      ID CLIENT HELO SENDER RESULT[,RESULT] EXPLANATION

A scenario's records are forgotten at the next one. The type ANY with the value "timeout": all else
at that name fails.
"""
import os
import subprocess
import sys
import tempfile

import yaml

SKIPPED = 77


def packed(text):
    return text.encode().hex() or "-"


def records_of(name, entries):
    """(type, value) of one name. The suite's rule: where a name has no TXT, SPF means TXT."""
    found, spf, has_txt = [], [], False
    for entry in entries:
        if not isinstance(entry, dict):
            found.append(("ANY", None))
            continue
        for kind, value in entry.items():
            has_txt |= kind == "TXT"
            if value == "NONE" and kind in ("TXT", "SPF"):
                continue
            if kind == "MX":
                found.append((kind, "%d %s" % tuple(value)))
            elif kind in ("TXT", "SPF"):
                (spf if kind == "SPF" else found).append((kind, "".join(value)))
            else:
                found.append((kind, str(value)))
    return ([] if has_txt else [("TXT", value) for _, value in spf]) + found


def lines_of(suite):
    for scenario in yaml.safe_load_all(suite):
        yield "scenario", scenario.get("description", "").strip()
        for name, entries in scenario["zonedata"].items():
            # the name is there, if only with a type that nobody asks for
            for kind, value in records_of(name, entries) or [("NONE", "")]:
                yield "record", packed(name), kind, "timeout" if value is None else packed(value)
        for case, t in scenario["tests"].items():
            results = t["result"] if isinstance(t["result"], list) else [t["result"]]
            texts = [packed(t.get(key) or "") for key in ("helo", "mailfrom", "explanation")]
            yield "case", case, t["host"], texts[0], texts[1], ",".join(results), texts[2]


def main():
    program, path = sys.argv[1:]
    if not os.path.exists(path):
        print(f"{path}: the RFC 7208 suite is not there", file=sys.stderr)
        return 1 if os.environ.get("CI") else SKIPPED
    with open(path, "rb") as suite, tempfile.NamedTemporaryFile("w", suffix=".spf") as lines:
        for fields in lines_of(suite):
            print(*fields, sep="\t", file=lines)
        lines.flush()
        return subprocess.run([program, lines.name]).returncode


if __name__ == "__main__":
    sys.exit(main())
