#!/usr/bin/python3
"""The order of the folders, read as a law: a file may include only from its own folder and those below it.

Names in one row do not know each other. A public header lives in include/<folder>/ and is included as
"folder/noun.h"; a name without a slash is the folder's own private header.
"""
import pathlib
import re
import sys

ROWS = ["base", "config", "mail", "net", "check route sign spool", "deliver bounce", "schedule",
        "receive", "admin", "cli", "main"]
LEVEL = {name: i for i, row in enumerate(ROWS) for name in row.split()}
ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
FORBIDDEN = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|alloca)\s*\(")
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)


def owner(path):
    parts = path.relative_to(ROOT).parts
    return "main" if parts[-1] == "main.c" and len(parts) == 2 else parts[1]


def faults(path):
    me, text = owner(path), path.read_text()
    if me not in LEVEL:
        yield f"{path}: folder {me} is not in the order of layers"
        return
    for name in INCLUDE.findall(text):
        if "/" not in name:
            if not (path.parent / name).exists():
                yield f"{path}: \"{name}\" is not a header of this folder"
            continue
        other = name.split("/")[0]
        if not (ROOT / "include" / name).exists():
            yield f"{path}: include/{name} does not exist"
        elif other != me and LEVEL.get(other, 99) >= LEVEL[me]:
            yield f"{path}: {me} may not include {name}: {other} is not below it"
    for word in FORBIDDEN.findall(COMMENT.sub("", text)):
        yield f"{path}: {word}() is not used here"


def main():
    files = sorted(p for top in ("src", "include") for p in (ROOT / top).rglob("*.[ch]"))
    found = [f for p in files for f in faults(p)]
    print("\n".join(found) or f"{len(files)} files in order")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
