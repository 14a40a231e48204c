/* test_sign_key.c - key files good and bad, and the records that they give */
#include "sign_key.h"
#include "base/encode.h"
#include "base/must.h"
#include "sign/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static char folder[] = "/tmp/test_sign_key.XXXXXX";

enum form { PKCS8, PKCS1, ENCRYPTED, PUBLIC };

static void write_pem(BIO *bio, EVP_PKEY *pkey, enum form form)
{
	switch (form) {
	case PKCS8:
		must(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL));
		break;
	case PKCS1:
		must(PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL));
		break;
	case ENCRYPTED:
		must(PEM_write_bio_PKCS8PrivateKey(bio, pkey, EVP_aes_128_cbc(), "secret", 6, NULL, NULL));
		break;
	case PUBLIC:
		must(PEM_write_bio_PUBKEY(bio, pkey));
		break;
	}
}

static EVP_PKEY *make_key(const char *type, size_t bits)
{
	if (strcmp(type, "RSA") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits);
	if (strcmp(type, "EC") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	return EVP_PKEY_Q_keygen(NULL, NULL, type);
}

static const char *path_of(const char *name)
{
	static char path[300];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static const char *write_file(const char *name, const void *p, size_t n)
{
	const char *path = path_of(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
	return path;
}

static const char *write_key(EVP_PKEY *pkey, enum form form)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const char *path;
	char *p;
	long n;

	write_pem(bio, pkey, form);
	n = BIO_get_mem_data(bio, &p);
	path = write_file("key", p, (size_t)n);
	BIO_free(bio);
	return path;
}

static const struct key_row {
	const char *type;
	size_t bits;
	enum form form;
	const char *problem;       /* in why; NULL: it loads */
	enum sign_key_kind kind;
	bool record;               /* may it be published? */
} keys[] = {
	{ "RSA", 1024, PKCS8, NULL, SIGN_KEY_RSA, true },
	{ "RSA", 2048, PKCS8, NULL, SIGN_KEY_RSA, true },
	{ "RSA", 2048, PKCS1, NULL, SIGN_KEY_RSA, true },
	{ "RSA", 4096, PKCS8, NULL, SIGN_KEY_RSA, true },
	{ "ED25519", 0, PKCS8, NULL, SIGN_KEY_ED25519, true },
	{ "RSA", 1023, PKCS8, "1023 bits", SIGN_KEY_RSA, false },
	{ "RSA", 512, PKCS8, "512 bits", SIGN_KEY_RSA, false },
	{ "RSA", 4104, PKCS8, "4104 bits", SIGN_KEY_RSA, false },
	{ "RSA", 2048, ENCRYPTED, "passphrase", SIGN_KEY_RSA, false },
	{ "RSA", 2048, PUBLIC, "no private key", SIGN_KEY_RSA, true },
	{ "ED25519", 0, PUBLIC, "no private key", SIGN_KEY_RSA, true },
	{ "EC", 0, PKCS8, "kind", SIGN_KEY_RSA, false },
	{ "ED448", 0, PKCS8, "kind", SIGN_KEY_RSA, false },
	{ "X25519", 0, PKCS8, "kind", SIGN_KEY_RSA, false },
};

/* The record's p= against the key itself. */
static void check_record(EVP_PKEY *pkey, const struct buf *record)
{
	bool rsa = EVP_PKEY_is_a(pkey, "RSA");
	struct str value = buf_str(record), begin = rsa ? STR("v=DKIM1; k=rsa; p=") : STR("v=DKIM1; k=ed25519; p=");
	const unsigned char *p;
	struct buf der;
	EVP_PKEY *read;

	assert_true(str_starts(value, begin));
	buf_init(&der, 4096);
	assert_true(base64_decode(&der, str_skip(value, begin.n)));
	p = (const unsigned char *)der.p;
	read = rsa ? d2i_PUBKEY(NULL, &p, (long)der.n) : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, p, der.n);
	assert_int_equal(EVP_PKEY_eq(read, pkey), 1);
	EVP_PKEY_free(read);
	buf_finish(&der);
}

static void key_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const struct key_row *row = &keys[i];
		EVP_PKEY *pkey = make_key(row->type, row->bits);
		const char *path = write_key(pkey, row->form);
		struct sign_key_loaded key;
		struct why why = { 0 };
		struct buf record;

		bool loaded = sign_key_load(&key, path, STR_NONE, &why);

		if (loaded != (row->problem == NULL) || (!loaded && strstr(why.text, row->problem) == NULL))
			fail_msg("%s %zu, form %d: %d %s", row->type, row->bits, row->form, loaded, why.text);
		assert_int_equal(key.pkey != NULL, loaded);
		if (loaded)
			assert_int_equal(key.kind, row->kind);
		else
			assert_non_null(strstr(why.text, path));
		sign_key_finish(&key);

		buf_init(&record, 4096);
		if (sign_key_record(path, &record, &why) != row->record)
			fail_msg("%s %zu, form %d: record, %s", row->type, row->bits, row->form, why.text);
		if (row->record)
			check_record(pkey, &record);
		else
			assert_int_equal(record.n, 0);
		buf_finish(&record);
		EVP_PKEY_free(pkey);
	}
}

static void files_that_are_no_keys(void **state)
{
	static char big[(64 << 10) + 1];
	static const struct { const char *name, *text; size_t n; const char *problem; } rows[] = {
		{ "empty", "", 0, "no private key" },
		{ "text", "v=DKIM1; k=rsa; p=AAAA\n", 23, "no private key" },
		{ "cut", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1h\n", 53, "no private key" },
		{ "rubbish", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 59, "no private key" },
		{ "big", big, sizeof big, "too big" },
	};
	struct sign_key_loaded key;
	struct why why = { 0 };

	(void)state;
	memset(big, 'x', sizeof big);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *path = write_file(rows[i].name, rows[i].text, rows[i].n);

		assert_false(sign_key_load(&key, path, STR_NONE, &why));
		if (strstr(why.text, rows[i].problem) == NULL || strstr(why.text, path) == NULL)
			fail_msg("%s: %s", rows[i].name, why.text);
		unlink(path);
	}
	assert_false(sign_key_load(&key, path_of("missing"), STR_NONE, &why));
	assert_non_null(strstr(why.text, "No such file"));
	assert_false(sign_key_load(&key, folder, STR_NONE, &why));
	assert_non_null(strstr(why.text, "not a file"));
	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	assert_false(sign_key_load(&key, path_of("fifo"), STR_NONE, &why));     /* must not wait for a writer */
	assert_non_null(strstr(why.text, "not a file"));
	unlink(path_of("fifo"));
	assert_false(sign_key_load(&key, NULL, STR("-----BEGIN nothing"), &why));
	assert_non_null(strstr(why.text, "the config"));
}

static void a_kept_key_outlives_the_first(void **state)
{
	EVP_PKEY *pkey = make_key("ED25519", 0);
	struct sign_key_loaded key, kept;
	unsigned char digest[32] = { 1 }, out[64];

	(void)state;
	assert_true(sign_key_load(&key, write_key(pkey, PKCS8), STR_NONE, NULL));
	kept = sign_key_keep(&key);
	sign_key_finish(&key);
	assert_int_equal(sign_key_sign(&kept, digest, out, sizeof out, NULL), 64);
	assert_int_equal(sign_key_sign(&kept, digest, out, 10, NULL), 0);      /* no room */
	sign_key_finish(&kept);
	EVP_PKEY_free(pkey);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path_of("key"));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_files),
		cmocka_unit_test(files_that_are_no_keys),
		cmocka_unit_test(a_kept_key_outlives_the_first),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
