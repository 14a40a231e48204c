/*
 * test_rfc8463.c - the signed message of RFC 8463 appendix A.3, checked with our canonicalisation and our keys' records
 *
 * A verifier in small: what it needs beside mail/canon.h is a few lines of OpenSSL.
 */
#include "base/encode.h"
#include "mail/canon.h"
#include "mail/content.h"
#include "mail/header.h"
#include "sign_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

enum { ROOM = 64 << 10, DIGEST = 32 };

#define SIGNED_BODY "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="

static const char header[] =
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
	" subject : date : message-id : from : subject : date;\r\n"
	" bh=" SIGNED_BODY ";\r\n"
	" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
	" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
	" date : message-id : from : subject : date;\r\n"
	" bh=" SIGNED_BODY ";\r\n"
	" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
	" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
	" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
	"From: Joe SixPack <joe@football.example.com>\r\n"
	"To: Suzie Q <suzie@shopping.example.net>\r\n"
	"Subject: Is dinner ready?\r\n"
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";

static const char body[] = "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";

#define ED25519_PUBLIC "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RSA_PUBLIC \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/" \
	"byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+" \
	"l/K4w3QIDAQAB"

static const struct row {
	const char *algorithm, *public_key;
	struct str fields[8];              /* h=, in its order; those oversigned are not there */
} rows[] = {
	{ "ed25519-sha256", ED25519_PUBLIC,
	  { STR("from"), STR("to"), STR("subject"), STR("date"), STR("message-id") } },
	{ "rsa-sha256", RSA_PUBLIC,
	  { STR("from"), STR("to"), STR("subject"), STR("date"), STR("message-id") } },
};

static void sha256_sink(void *arg, const void *p, size_t n)
{
	EVP_DigestUpdate(arg, p, n);
}

static void hash_body(unsigned char digest[DIGEST])
{
	EVP_MD_CTX *sha256 = EVP_MD_CTX_new();
	struct canon_body canon;

	EVP_DigestInit_ex(sha256, EVP_sha256(), NULL);
	canon_body_init(&canon, CANON_RELAXED, sha256_sink, sha256);
	canon_body_add(&canon, str_of(body));
	canon_body_end(&canon);
	EVP_DigestFinal_ex(sha256, digest, NULL);
	EVP_MD_CTX_free(sha256);
}

static void the_body_hash(void **state)
{
	unsigned char digest[DIGEST];
	struct buf text;

	(void)state;
	hash_body(digest);
	buf_init(&text, 100);
	base64_encode(&text, digest, sizeof digest);
	assert_string_equal(buf_text(&text), SIGNED_BODY);
	buf_finish(&text);
}

static void add_field(struct buf *out, struct str name)
{
	struct header_field field;

	assert_true(header_find(str_of(header), name, &field));
	assert_true(canon_header(out, CANON_RELAXED, field.raw, false));
}

static struct header_field signature_field(const char *algorithm)
{
	struct str rest = str_of(header);
	struct header_field field;

	while (header_next(&rest, &field))
		if (memmem(field.raw.p, field.raw.n, algorithm, strlen(algorithm)) != NULL)
			return field;
	fail_msg("no signature with %s", algorithm);
	return field;
}

/* The field without the value of b=, and that value without blanks. */
static void split_signature(struct str raw, struct buf *before, struct buf *value)
{
	const char *b = memmem(raw.p, raw.n, "\r\n b=", 5);

	assert_non_null(b);
	b += 4;
	buf_add(before, raw.p, (size_t)(b + 1 - raw.p));
	for (b++; b < raw.p + raw.n; b++)
		if (*b != ' ' && *b != '\r' && *b != '\n')
			buf_add_char(value, *b);
}

static EVP_PKEY *public_key(const struct row *row)
{
	EVP_PKEY *pkey;
	struct buf der;
	const unsigned char *p;

	buf_init(&der, 1024);
	assert_true(base64_decode(&der, str_of(row->public_key)));
	p = (const unsigned char *)der.p;
	pkey = strcmp(row->algorithm, "rsa-sha256") == 0 ? d2i_PUBKEY(NULL, &p, (long)der.n)
		: EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, p, der.n);
	assert_non_null(pkey);
	buf_finish(&der);
	return pkey;
}

static bool verify(EVP_PKEY *pkey, const struct buf *text, const struct buf *signature)
{
	bool rsa = EVP_PKEY_is_a(pkey, "RSA");
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char digest[DIGEST];
	const unsigned char *sig = (const unsigned char *)signature->p;
	bool ok;

	EVP_Digest(text->p, text->n, digest, NULL, EVP_sha256(), NULL);
	EVP_DigestVerifyInit(ctx, NULL, rsa ? EVP_sha256() : NULL, NULL, pkey);
	ok = rsa ? EVP_DigestVerify(ctx, sig, signature->n, (const unsigned char *)text->p, text->n) == 1
		: EVP_DigestVerify(ctx, sig, signature->n, digest, sizeof digest) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

static void check_row(const struct row *row, const char *change)
{
	struct buf text, field, base64, signature;
	EVP_PKEY *pkey = public_key(row);

	buf_init(&text, ROOM);
	buf_init(&field, ROOM);
	buf_init(&base64, ROOM);
	buf_init(&signature, ROOM);
	for (size_t i = 0; row->fields[i].n > 0; i++)
		add_field(&text, row->fields[i]);
	split_signature(signature_field(row->algorithm).raw, &field, &base64);
	assert_true(canon_header(&text, CANON_RELAXED, buf_str(&field), true));
	buf_addf(&text, "%s", change);
	assert_true(base64_decode(&signature, buf_str(&base64)));
	assert_int_equal(verify(pkey, &text, &signature), change[0] == '\0');
	EVP_PKEY_free(pkey);
	buf_finish(&text);
	buf_finish(&field);
	buf_finish(&base64);
	buf_finish(&signature);
}

static void both_signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		check_row(&rows[i], "");
		check_row(&rows[i], "x");
	}
}

/* Appendix A.1's secret key, PKCS#8: its record and, Ed25519 being deterministic, its very signature. */
static void our_signature_is_the_same(void **state)
{
	static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
		"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
		"-----END PRIVATE KEY-----\n";
	struct sign_key_loaded key;
	unsigned char digest[DIGEST], signature[64];
	struct buf text, field, want, got;
	struct why why = { 0 };

	(void)state;
	buf_init(&text, ROOM);
	buf_init(&field, ROOM);
	buf_init(&want, ROOM);
	buf_init(&got, ROOM);
	for (size_t i = 0; rows[0].fields[i].n > 0; i++)
		add_field(&text, rows[0].fields[i]);
	split_signature(signature_field("ed25519-sha256").raw, &field, &want);
	canon_header(&text, CANON_RELAXED, buf_str(&field), true);
	EVP_Digest(text.p, text.n, digest, NULL, EVP_sha256(), NULL);
	if (!sign_key_load(&key, NULL, str_of(pem), &why))
		fail_msg("%s", why.text);
	assert_int_equal(sign_key_sign(&key, digest, signature, sizeof signature, &why), 64);
	base64_encode(&got, signature, sizeof signature);
	assert_string_equal(buf_text(&got), buf_text(&want));
	sign_key_finish(&key);
	buf_finish(&text);
	buf_finish(&field);
	buf_finish(&want);
	buf_finish(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_body_hash),
		cmocka_unit_test(both_signatures),
		cmocka_unit_test(our_signature_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
