/*
 * sign_key.c - DKIM keys: from PEM to something that signs, and to the record that publishes them
 *
 * From     signer.c at start-up and reload; the command line for the record.
 * To       sign_dkim.c on a worker.
 * Owns     one reference to the EVP_PKEY for each struct; parsing a key costs more than signing with it.
 * Never    asks for a passphrase.
 * See      RFC 8301 (RSA key lengths), RFC 8463 (Ed25519), RFC 6376 section 3.6.1 (the record).
 */
#include "sign_key.h"
#include "base/encode.h"
#include "base/limits.h"
#include "base/mem.h"
#include "sign/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RSA_MIN_BITS = 1024, ED25519_BYTES = 32 };   /* RFC 8301 section 3.2, RFC 8032 */

static bool read_fd(int fd, struct buf *out, const char *path, struct why *why)
{
	char piece[4096];
	ssize_t got;

	while ((got = read(fd, piece, sizeof piece)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return why_errno(why, "can't read %s", path);
		if (!buf_add(out, piece, (size_t)got))
			return why_set(why, "%s is too big for a key file", path);
	}
	OPENSSL_cleanse(piece, sizeof piece);
	return true;
}

static bool read_pem_file(const char *path, struct buf *out, struct why *why)
{
	struct stat st;
	bool ok;
	int fd;

	/* O_NONBLOCK: a FIFO in its place must not stop the server */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return why_errno(why, "can't open %s", path);
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		ok = why_set(why, "%s is not a file", path);
	else
		ok = read_fd(fd, out, path, why);
	close(fd);
	return ok;
}

/* Instead of OpenSSL's own, which would ask on the terminal. */
static int no_passphrase(char *out, int size, int writing, void *asked)
{
	(void)out, (void)size, (void)writing;
	*(bool *)asked = true;
	return -1;
}

typedef EVP_PKEY *pem_reader(BIO *bio, EVP_PKEY **out, pem_password_cb *ask, void *arg);

static EVP_PKEY *parse(struct str pem, pem_reader *read_pem, bool *passphrase)
{
	EVP_PKEY *pkey = NULL;
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);

	if (bio != NULL)
		pkey = read_pem(bio, NULL, no_passphrase, passphrase);
	BIO_free(bio);
	ERR_clear_error();
	return pkey;
}

static bool classify(EVP_PKEY *pkey, enum sign_key_kind *kind, const char *what, struct why *why)
{
	int bits = EVP_PKEY_get_bits(pkey);

	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		*kind = SIGN_KEY_ED25519;
		return true;
	}
	if (!EVP_PKEY_is_a(pkey, "RSA"))
		return why_set(why, "%s holds a key of a kind that DKIM does not know; use RSA or Ed25519", what);
	*kind = SIGN_KEY_RSA;
	if (bits < RSA_MIN_BITS)
		return why_set(why, "the RSA key in %s has %d bits; receivers ignore less than %d, use 2048", what, bits,
			RSA_MIN_BITS);
	if (bits > LIMIT_SIGN_KEY_BITS)
		return why_set(why, "the RSA key in %s has %d bits; receivers need not accept more than %d, use 2048",
			what, bits, LIMIT_SIGN_KEY_BITS);
	return true;
}

static bool load(struct sign_key_loaded *key, const char *what, struct str pem, struct why *why)
{
	bool passphrase = false;

	key->pkey = parse(pem, PEM_read_bio_PrivateKey, &passphrase);
	if (key->pkey == NULL && passphrase)
		return why_set(why, "the key in %s is protected by a passphrase, which nobody could type in", what);
	if (key->pkey == NULL)
		return why_set(why, "%s holds no private key in PEM form", what);
	key->bits = EVP_PKEY_get_bits(key->pkey);
	if (classify(key->pkey, &key->kind, what, why))
		return true;
	EVP_PKEY_free(key->pkey);
	key->pkey = NULL;
	return false;
}

static void wipe(struct buf *b)
{
	if (b->p != NULL)
		OPENSSL_cleanse(b->p, b->cap);
	buf_finish(b);
}

bool sign_key_load(struct sign_key_loaded *key, const char *path, struct str pem, struct why *why)
{
	struct buf text;
	bool ok;

	*key = (struct sign_key_loaded){ 0 };
	if (path == NULL)
		return load(key, "the config", pem, why);
	buf_init(&text, LIMIT_SIGN_KEY_FILE);
	ok = read_pem_file(path, &text, why) && load(key, path, buf_str(&text), why);
	wipe(&text);
	return ok;
}

struct sign_key_loaded sign_key_keep(const struct sign_key_loaded *key)
{
	struct sign_key_loaded copy = *key;

	EVP_PKEY_up_ref(key->pkey);
	copy.domain = mem_string(key->domain);
	copy.selector = mem_string(key->selector);
	return copy;
}

void sign_key_finish(struct sign_key_loaded *key)
{
	EVP_PKEY_free(key->pkey);
	free(key->domain);
	free(key->selector);
	*key = (struct sign_key_loaded){ 0 };
}

const char *sign_key_algorithm(enum sign_key_kind kind)
{
	return kind == SIGN_KEY_RSA ? "rsa-sha256" : "ed25519-sha256";
}

static bool sign_rsa(EVP_PKEY *pkey, const unsigned char digest[32], unsigned char *out, size_t *n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	bool ok = ctx != NULL && EVP_PKEY_sign_init(ctx) > 0
		&& EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0
		&& EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0
		&& EVP_PKEY_sign(ctx, out, n, digest, 32) > 0;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

/* RFC 8463 section 3: PureEdDSA over the digest, not over the text. */
static bool sign_ed25519(EVP_PKEY *pkey, const unsigned char digest[32], unsigned char *out, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) > 0
		&& EVP_DigestSign(ctx, out, n, digest, 32) > 0;

	EVP_MD_CTX_free(ctx);
	return ok;
}

size_t sign_key_sign(const struct sign_key_loaded *key, const unsigned char digest[32], unsigned char *out, size_t n,
	struct why *why)
{
	bool ok = key->kind == SIGN_KEY_RSA ? sign_rsa(key->pkey, digest, out, &n)
		: sign_ed25519(key->pkey, digest, out, &n);

	ERR_clear_error();
	if (ok)
		return n;
	why_set(why, "OpenSSL can't sign with %s._domainkey.%s", key->selector, key->domain);
	return 0;
}

static bool print_record(EVP_PKEY *pkey, enum sign_key_kind kind, struct buf *value, struct why *why)
{
	unsigned char raw[ED25519_BYTES], *der = NULL;
	size_t n = sizeof raw;
	int len;

	if (kind == SIGN_KEY_ED25519) {
		if (!EVP_PKEY_get_raw_public_key(pkey, raw, &n))
			return why_set(why, "OpenSSL can't give the public key");
		return buf_add_str(value, STR("v=DKIM1; k=ed25519; p=")) && base64_encode(value, raw, n);
	}
	len = i2d_PUBKEY(pkey, &der);
	if (len < 0)
		return why_set(why, "OpenSSL can't give the public key");
	buf_add_str(value, STR("v=DKIM1; k=rsa; p="));
	base64_encode(value, der, (size_t)len);
	OPENSSL_free(der);
	return !value->over || why_set(why, "the record is too long");
}

static bool record_of_pem(struct str pem, const char *what, struct buf *value, struct why *why)
{
	enum sign_key_kind kind;
	bool passphrase = false, ok;
	EVP_PKEY *pkey = parse(pem, PEM_read_bio_PrivateKey, &passphrase);

	if (pkey == NULL)
		pkey = parse(pem, PEM_read_bio_PUBKEY, &passphrase);
	if (pkey == NULL)
		return why_set(why, passphrase ? "the key in %s is protected by a passphrase"
			: "%s holds no key in PEM form", what);
	ok = classify(pkey, &kind, what, why) && print_record(pkey, kind, value, why);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return ok;
}

bool sign_key_record(const char *path, struct buf *value, struct why *why)
{
	struct buf text;
	bool ok;

	buf_init(&text, LIMIT_SIGN_KEY_FILE);
	ok = read_pem_file(path, &text, why) && record_of_pem(buf_str(&text), path, value, why);
	wipe(&text);
	return ok;
}

bool sign_key_record_of(const struct sign_key *key, struct buf *value, struct why *why)
{
	if (key->pem == NULL)
		return sign_key_record(key->path, value, why);
	return record_of_pem(str_of(key->pem), "the config", value, why);
}
