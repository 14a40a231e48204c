"""The mailbox provider of the demo: takes all mail and keeps each message as a file. mailbox.py FOLDER"""
import asyncio
import json
import pathlib
import sys

from aiosmtpd.smtp import SMTP


class Keep:
	def __init__(self, folder):
		self.folder, self.count = pathlib.Path(folder), 0

	async def handle_DATA(self, server, session, envelope):
		self.count += 1
		path = self.folder / f"{self.count:03d}.eml"
		sender = "" if envelope.mail_from == "<>" else envelope.mail_from     # aiosmtpd writes the null sender so
		path.with_suffix(".json").write_text(json.dumps({"sender": sender, "recipients": envelope.rcpt_tos}))
		new = path.with_suffix(".new")
		new.write_bytes(envelope.original_content)
		new.rename(path)
		return f"250 2.0.0 Kept as {path.name}"


async def main():
	keep = Keep(sys.argv[1])
	loop = asyncio.get_running_loop()
	server = await loop.create_server(lambda: SMTP(keep, hostname="mx.mailbox.test", enable_SMTPUTF8=True, loop=loop),
		"127.0.0.26", 2600)
	await server.serve_forever()


asyncio.run(main())
