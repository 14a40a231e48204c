"""Does dkimpy find our signatures good, and does it notice what they must protect?

Usage: verify_with_dkimpy.py PRINT_SIGNED
"""
import subprocess
import sys

import dkim


def read_samples(data):
    """Keys by DNS name, and (name, message) pairs, from what print_signed prints."""
    keys, messages = {}, []
    while True:
        line, _, data = data.partition(b"\n")
        word, _, rest = line.partition(b" ")
        if word == b"end":
            return keys, messages
        if word == b"key":
            name, _, record = rest.partition(b" ")
            keys[name + b"."] = record
        else:
            assert word == b"message", line
            size, _, name = rest.partition(b" ")
            messages.append((name.decode(), data[:int(size)]))
            data = data[int(size):]


def verify_one(message, keys, index):
    try:
        return dkim.DKIM(message).verify(index, dnsfunc=lambda name, timeout=5: keys.get(name))
    except dkim.ValidationError as error:      # dkimpy's way to say that the body differs
        if "body hash mismatch" in str(error):
            return False
        raise


def verify(message, keys):
    """The results of our two signatures, which stand above all else."""
    return [verify_one(message, keys, 0), verify_one(message, keys, 1)]


def header_end(message):
    end = message.find(b"\r\n\r\n")
    return len(message) if end < 0 else end + 2


def changes(name, message):
    """What nobody may do to a message unnoticed, as (what, changed message)."""
    first = message.index(b"\r\nFrom:") + 2
    end = header_end(message)
    yield "a second From above", b"From: mallory@example.org\r\n" + message
    yield "another Subject above", b"Subject: buy\r\n" + message
    yield "another To above", b"To: mallory@example.org\r\n" + message
    yield "From changed", message[:first] + b"From: mallory@example.org" + message[message.index(b"\r\n", first):]
    yield "Date removed", message[:end].replace(b"Date:", b"X-Date:") + message[end:]
    yield "text at the end", message + (b"" if end < len(message) else b"\r\n") + b"bye\r\n"
    if "forwarded" not in name:
        yield "a Reply-To above", b"Reply-To: mallory@example.org\r\n" + message


def allowed(name, message):
    """What happens on the way and must not matter."""
    yield "trace fields above", b"Return-Path: <x@example.net>\r\nReceived: from x by y; today\r\n" + message
    if "forwarded" in name:
        yield "a list's fields", b"List-Help: <mailto:help@example.net>\r\nReply-To: l@example.net\r\n" + message


def main():
    keys, messages = read_samples(subprocess.run([sys.argv[1]], stdout=subprocess.PIPE, check=True).stdout)
    wrong = 0
    assert len(keys) == 2 and len(messages) > 15, "too few samples"
    for name, message in messages:
        checks = [("as it is", message, [True, True])]
        checks += [(what, changed, [True, True]) for what, changed in allowed(name, message)]
        if message.count(b"\nDate:") == 1 and "one name" not in name:
            checks += [(what, changed, [False, False]) for what, changed in changes(name, message)]
        for what, text, want in checks:
            got = verify(text, keys)
            if got != want:
                print(f"{name}, {what}: rsa, ed25519 = {got}, want {want}")
                wrong += 1
    print(f"{len(messages)} messages, {wrong} wrong")
    return wrong > 0


sys.exit(main())
