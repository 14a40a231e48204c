#!/usr/bin/python3
"""What an independent reader makes of our reports: verify_dsn.py PRINT_DSN."""
import email
import email.policy
import subprocess
import sys
import unittest

PRINT = sys.argv.pop(1)


def report(name):
    raw = subprocess.run([PRINT, name], check=True, stdout=subprocess.PIPE).stdout
    return raw, email.message_from_bytes(raw, policy=email.policy.default.clone(utf8=True))


def status(msg):
    """The groups of fields in the second part: about the message, then about each recipient."""
    return msg.get_payload()[1].get_payload()


class Dsn(unittest.TestCase):
    def shape(self, name, kinds):
        raw, msg = report(name)
        self.assertEqual(msg.get_content_type(), "multipart/report")
        self.assertEqual(msg["Content-Type"].params["report-type"], "delivery-status")
        self.assertEqual([p.get_content_type() for p in msg.get_payload()], kinds)
        self.assertEqual([d for part in msg.walk() for d in part.defects], [])
        self.assertEqual(msg["Auto-Submitted"], "auto-replied")
        self.assertEqual(msg["MIME-Version"], "1.0")
        self.assertIn("postmaster@mx.example.com", msg["From"])
        for field in ("Date", "Message-ID", "Subject", "To"):
            self.assertEqual(len(msg.get_all(field)), 1, field)
        for line in raw.split(b"\r\n"):
            self.assertLess(len(line), 998)
            self.assertNotIn(b"\r", line)
            self.assertNotIn(b"\n", line)
            self.assertNotIn(b"\0", line)
        if msg["Content-Transfer-Encoding"] == "7bit":
            self.assertTrue(raw.isascii())
        return raw, msg

    def test_plain(self):
        raw, msg = self.shape("plain", ["text/plain", "message/delivery-status", "text/rfc822-headers"])
        self.assertEqual(msg["To"], "bob@example.org")
        self.assertEqual(msg["References"], "<77@example.org>")
        about, rcpt = status(msg)
        self.assertEqual(about["Reporting-MTA"], "dns; mx.example.com")
        self.assertEqual(about["Original-Envelope-Id"], "QQ+31=4159")
        self.assertEqual(rcpt["Original-Recipient"], "rfc822; alice+tag@example.com")
        self.assertEqual(rcpt["Final-Recipient"], "rfc822; alice@example.com")
        self.assertEqual(rcpt["Action"], "failed")
        self.assertEqual(rcpt["Status"], "5.1.1")
        self.assertEqual(rcpt["Remote-MTA"], "dns; mx1.gmail.example")
        self.assertIn("550 5.1.1 <alice@example.com>: no such user", rcpt["Diagnostic-Code"])
        self.assertNotIn(b"secret", raw.lower())
        text = msg.get_payload()[0].get_content()
        self.assertIn("<alice@example.com>", text)
        self.assertIn("mx1.gmail.example[192.0.2.9] said:", text)
        self.assertIn("Subject: Hello", msg.get_payload()[2].get_payload())

    def test_hostile(self):
        raw, msg = self.shape("hostile", ["text/plain", "message/delivery-status", "text/rfc822-headers"])
        groups = status(msg)
        self.assertEqual(len(groups), 2)
        self.assertEqual(groups[0].keys(), ["Reporting-MTA", "Original-Envelope-Id", "Arrival-Date"])
        self.assertEqual(groups[1].get_all("Action"), ["failed"])
        self.assertEqual(groups[1].keys(), ["Original-Recipient", "Final-Recipient", "Action", "Status",
            "Remote-MTA", "Diagnostic-Code", "Last-Attempt-Date"])
        self.assertIsNone(msg["References"])
        self.assertIsNone(msg["Bcc"])

    def test_whole(self):
        _, msg = self.shape("whole", ["text/plain", "message/delivery-status", "message/rfc822"])
        inner = msg.get_payload()[2].get_payload(0)
        self.assertEqual(inner["Subject"], "Hello")
        self.assertIn("--boundary\r\n.", inner.get_payload())
        self.assertEqual(status(msg)[1]["Status"], "5.0.0")

    def test_utf8(self):
        raw, msg = self.shape("utf8", ["text/plain", "message/global-delivery-status", "message/global-headers"])
        self.assertIn("To: <j\u00fcrgen@example.org>".encode(), raw)
        self.assertIn("Final-Recipient: utf-8; gr\u00e4tel@example.net".encode(), raw)
        self.assertIn("gr\u00e4tel", msg.get_payload()[0].get_content())
        self.assertEqual(msg.get_payload()[0].get_content_charset(), "utf-8")

    def test_latin1(self):
        raw, msg = self.shape("latin1", ["text/plain", "message/delivery-status", "text/rfc822-headers"])
        self.assertIn("gibt es nicht: ??", status(msg)[1]["Diagnostic-Code"])
        self.assertEqual(msg["Content-Transfer-Encoding"], "8bit")

    def test_delayed(self):
        _, msg = self.shape("delayed", ["text/plain", "message/delivery-status", "text/rfc822-headers"])
        rcpt = status(msg)[1]
        self.assertEqual((rcpt["Action"], rcpt["Status"]), ("delayed", "4.0.0"))
        until = email.utils.parsedate_to_datetime(rcpt["Will-Retry-Until"])
        self.assertEqual(until.timestamp(), 1795780800)
        self.assertIsNone(rcpt["Remote-MTA"])

    def test_relayed(self):
        _, msg = self.shape("relayed", ["text/plain", "message/delivery-status", "text/rfc822-headers"])
        rcpt = status(msg)[1]
        self.assertEqual((rcpt["Action"], rcpt["Status"]), ("relayed", "2.0.0"))

    def test_expired(self):
        _, msg = self.shape("expired", ["text/plain", "message/delivery-status", "text/rfc822-headers"])
        groups = status(msg)[1:]
        self.assertEqual([g["Final-Recipient"] for g in groups],
            ["rfc822; alice@example.com", "rfc822; carol@example.com"])
        self.assertEqual([g["Status"] for g in groups], ["4.4.7", "5.2.2"])
        self.assertEqual([g["Action"] for g in groups], ["failed", "failed"])


if __name__ == "__main__":
    unittest.main()
