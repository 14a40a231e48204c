/* samples.c - messages to be signed, for the tests of sign_dkim and for other verifiers */
#include "samples.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/must.h"
#include "sign_dkim.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/mman.h>
#include <unistd.h>

#define BASIC \
	"From: Alice <alice@" SAMPLE_DOMAIN ">\r\n" \
	"To: bob@example.net\r\n" \
	"Subject: Dinner\r\n" \
	"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n" \
	"Message-ID: <1@" SAMPLE_DOMAIN ">\r\n"

const struct sample samples[] = {
	{ .name = "plain", .header = BASIC "\r\n", .body = "Hi.\r\n\r\nAre you hungry?\r\n" },
	{ .name = "forwarded", .header = BASIC "\r\n", .body = "Hi.\r\n", .forwarded = true },
	{ .name = "no body", .header = BASIC "\r\n", .body = "" },
	{ .name = "no empty line", .header = BASIC, .body = "" },
	{ .name = "empty lines only", .header = BASIC "\r\n", .body = "\r\n", .times = 7 },
	{ .name = "trailing empty lines", .header = BASIC "\r\n", .body = "x\r\n\r\n \r\n\r\n" },
	{ .name = "blanks", .header = BASIC "\r\n", .body = "  a \t b\t \r\n\t\r\n \t c  d\r\n" },
	{ .name = "dots", .header = BASIC "\r\n", .body = ".\r\n..\r\n.x\r\nFrom here\r\n" },
	{ .name = "8-bit body", .header = BASIC "\r\n", .body = "\xc3\xa4\xff\xfe \x80\r\n" },
	{ .name = "big body", .header = BASIC "\r\n", .body = "All work and no play makes  Jack \t a dull boy.\r\n",
	  .times = 25000 },
	{ .name = "one long line", .header = BASIC "\r\n", .body = " no end in sight", .times = 4000 },
	{ .name = "our Date and Message-ID",
	  .extra = "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <ours@" SAMPLE_DOMAIN ">\r\n",
	  .header = "From: alice@" SAMPLE_DOMAIN "\r\nTo: bob@example.net\r\n\r\n", .body = "Hi.\r\n" },
	{ .name = "folded",
	  .header = "From:\r\n Alice\r\n\t <alice@" SAMPLE_DOMAIN ">\r\n"
		"To: bob@example.net,\r\n\tcarol@example.net,\r\n   dave@example.net\r\n"
		"Subject: one\r\n two \r\n\tthree\t \r\n"
		"References: <a@example.net>\r\n\t<b@example.net>\r\n\t<c@example.net>\r\n"
		"In-Reply-To: <c@example.net>\r\n"
		"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n\r\n",
	  .body = "Hi.\r\n" },
	{ .name = "same fields again",
	  .header = "Received: from a by b; Tue, 14 Nov 2023 22:13:20 +0000\r\n" BASIC
		"To: carol@example.net\r\nCc: dave@example.net\r\nTo: erin@example.net\r\n"
		"cc: frank@example.net\r\nSUBJECT: again\r\nComments: one\r\nComments: two\r\n"
		"Received: from c by d; Tue, 14 Nov 2023 22:13:20 +0000\r\n\r\n",
	  .body = "Hi.\r\n" },
	{ .name = "more of one name than is covered",
	  .header = BASIC "Cc: 1@a.example\r\nCc: 2@a.example\r\nCc: 3@a.example\r\nCc: 4@a.example\r\n"
		"Cc: 5@a.example\r\nCc: 6@a.example\r\nCc: 7@a.example\r\nCc: 8@a.example\r\n"
		"Cc: 9@a.example\r\nCc: 10@a.example\r\nCc: 11@a.example\r\nCc: 12@a.example\r\n\r\n",
	  .body = "Hi.\r\n" },
	{ .name = "UTF-8",
	  .header = "From: =?utf-8?q?M=C3=BCller?= <m\xc3\xbcller@" SAMPLE_DOMAIN ">\r\n"
		"To: \xe5\x85\xac\xe5\x8f\xb8@example.net\r\nSubject: Gr\xc3\xbc\xc3\x9f"
		"e  aus K\xc3\xb6ln\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n\r\n",
	  .body = "\xc3\x84\r\n" },
	{ .name = "empty values",
	  .header = "From: alice@" SAMPLE_DOMAIN "\r\nTo:\r\nCc: \r\nSubject: \t\r\nReply-To:\t\r\nSender:\r\n"
		"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n\r\n",
	  .body = "Hi.\r\n" },
	{ .name = "no blank behind colons",
	  .header = "From:alice@" SAMPLE_DOMAIN "\r\nTo:bob@example.net\r\nSubject:a:b:c\r\n"
		"Date:Tue, 14 Nov 2023 22:13:20 +0000\r\n\r\n",
	  .body = "Hi.\r\n" },
	{ .name = "MIME",
	  .header = BASIC "MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n\tboundary=\"=_x\"\r\n"
		"Content-Transfer-Encoding: 8bit\r\nContent-Language: en\r\nContent-Disposition: inline\r\n\r\n",
	  .body = "--=_x\r\nContent-Type: text/plain\r\n\r\nHi.\r\n--=_x--\r\n" },
	{ .name = "a list's message, forwarded",
	  .header = BASIC "Sender: list-bounces@lists.example\r\nList-Id: <list.lists.example>\r\n"
		"List-Unsubscribe: <mailto:leave@lists.example>,\r\n <https://lists.example/leave>\r\n"
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nList-Post: <mailto:list@lists.example>\r\n"
		"Precedence: list\r\n\r\n",
	  .body = "Hi.\r\n", .forwarded = true },
	{ .name = "resent",
	  .header = "Resent-From: carol@example.net\r\nResent-To: dave@example.net\r\nResent-Date: today\r\n"
		"Resent-Message-ID: <2@example.net>\r\n"
		"Resent-From: bob@example.net\r\nResent-To: carol@example.net\r\nResent-Date: yesterday\r\n" BASIC "\r\n",
	  .body = "Hi.\r\n" },
	{ .name = "another's signature",
	  .header = "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=x; h=from; bh=AAAA; b=AAAA\r\n"
		"Authentication-Results: mx.example.org; dkim=pass\r\n" BASIC "\r\n",
	  .body = "Hi.\r\n" },
	{ .name = "blanks before colons", .odd = true,
	  .header = "From : alice@" SAMPLE_DOMAIN "\r\nTo\t: bob@example.net\r\nSubject  : x\r\n\r\n",
	  .body = "Hi.\r\n" },
	{ .name = "a line that is no field", .odd = true,
	  .header = BASIC "this is no field\r\nCc: carol@example.net\r\n\r\n", .body = "Hi.\r\n" },
};

const size_t sample_count = sizeof samples / sizeof samples[0];

struct str sample_text(const struct sample *s, struct buf *out)
{
	buf_add_str(out, str_of(s->header));
	for (size_t i = 0; i < (s->times ? s->times : 1); i++)
		buf_add_str(out, str_of(s->body));
	must(!out->over);
	return buf_str(out);
}

void sample_content(struct content *c, struct str message, bool in_file)
{
	ptrdiff_t end = content_find_header_end(message);
	size_t head = end < 0 ? message.n : (size_t)end;

	content_init(c);
	c->size = message.n;
	c->header = head;
	if (!in_file) {
		c->memory.max = message.n;
		buf_add_str(&c->memory, message);
		return;
	}
	buf_add_str(&c->memory, str_head(message, head + 3));
	c->fd = memfd_create("sample", MFD_CLOEXEC);
	c->at = 100;                       /* behind an envelope */
	must(c->fd >= 0 && pwrite(c->fd, message.p, message.n, c->at) == (ssize_t)message.n);
}

void sample_key(struct sign_key_loaded *key, enum sign_key_kind kind)
{
	EVP_PKEY *pkey = kind == SIGN_KEY_RSA ? EVP_RSA_gen(2048) : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long n;

	must(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL));
	n = BIO_get_mem_data(bio, &pem);
	must(sign_key_load(key, NULL, str_make(pem, (size_t)n), NULL));
	key->domain = mem_string(SAMPLE_DOMAIN);
	key->selector = mem_string(kind == SIGN_KEY_RSA ? "rsa" : "ed");
	BIO_free(bio);
	EVP_PKEY_free(pkey);
}

/* Not by our own printer of records: this one checks it. */
void sample_record(const struct sign_key_loaded *key, struct buf *out)
{
	unsigned char raw[32], *der = NULL;
	size_t n = sizeof raw;

	if (key->kind == SIGN_KEY_ED25519) {
		must(EVP_PKEY_get_raw_public_key(key->pkey, raw, &n));
		buf_addf(out, "v=DKIM1; k=ed25519; p=");
		base64_encode(out, raw, n);
		return;
	}
	int len = i2d_PUBKEY(key->pkey, &der);

	buf_addf(out, "v=DKIM1; k=rsa; p=");
	base64_encode(out, der, (size_t)len);
	OPENSSL_free(der);
}

void sample_sign(const struct sample *s, const struct sign_key_loaded keys[2], bool in_file, struct buf *out)
{
	struct sign_dkim_job job = {
		.keys = keys, .key_count = 2, .submitted = !s->forwarded, .now = 1700000000123,
		.extra = str_of(s->extra),
	};
	struct why why = { 0 };
	struct content content;
	struct buf text;

	buf_init(&text, 4 << 20);
	sample_content(&content, sample_text(s, &text), in_file);
	job.content = &content;
	must(sign_dkim(out, &job, &why) && why.text[0] == '\0');
	buf_add_str(out, str_of(s->extra));
	buf_add_str(out, buf_str(&text));
	must(!out->over);
	content_finish(&content);
	buf_finish(&text);
}
