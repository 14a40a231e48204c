/*
 * tls_pair.c - a certificate and its key, from files into a context
 *
 * From     tls_server.c: at start, for `check`, and on a worker when the files changed.
 * Owns     nothing; the context is the caller's.
 * Never    asks a person for a passphrase, as OpenSSL would on a terminal; logs (it runs on
 *          workers).
 * Fails    with the file and what is wrong with it.
 */
#include "tls_private.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

/* TLS 1.2, for those who do not speak 1.3: forward secrecy always; CBC last, for old Exchange and
 * Java. */
static const char ciphers[] =
	"ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:"
	"!aNULL:!eNULL:!MD5:!DSS:!PSK:!SRP:@SECLEVEL=1";

/* ---- the files ---- */

struct tls_stamp tls_pair_look(const char *certificate, const char *key)
{
	struct tls_stamp s;

	if (stat(certificate, &s.certificate) != 0)
		memset(&s.certificate, 0, sizeof s.certificate);
	if (stat(key, &s.key) != 0)
		memset(&s.key, 0, sizeof s.key);
	return s;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
		a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool tls_pair_same(const struct tls_stamp *a, const struct tls_stamp *b)
{
	return same_file(&a->certificate, &b->certificate) && same_file(&a->key, &b->key);
}

/* OpenSSL's words for a file that can't be opened tell nothing: look first. */
static bool can_read(const char *path, const char *what, struct why *why)
{
	struct stat st;
	FILE *f;

	if (stat(path, &st) != 0)
		return why_errno(why, "%s %s", what, path);
	if (!S_ISREG(st.st_mode))
		return why_set(why, "%s %s: is not a file", what, path);
	if ((f = fopen(path, "re")) == NULL)
		return why_errno(why, "%s %s", what, path);
	fclose(f);
	return true;
}

/* ---- the pair ---- */

static bool error_is(int lib, int reason)
{
	unsigned long first = ERR_peek_error(), last = ERR_peek_last_error();

	return (ERR_GET_LIB(first) == lib && ERR_GET_REASON(first) == reason) ||
		(ERR_GET_LIB(last) == lib && ERR_GET_REASON(last) == reason);
}

static bool load_certificate(SSL_CTX *ctx, const char *path, struct why *why)
{
	if (!can_read(path, "certificate", why))
		return false;
	if (SSL_CTX_use_certificate_chain_file(ctx, path) == 1)
		return true;
	if (!error_is(ERR_LIB_PEM, PEM_R_NO_START_LINE))
		return tls_explain(why, "certificate %s", path);
	ERR_clear_error();
	return why_set(why, "certificate %s: has no certificate in PEM form (BEGIN CERTIFICATE)",
		path);
}

/* OpenSSL asks here for a passphrase: there is nobody to type it. */
static int no_passphrase(char *out, int size, int writing, void *asked)
{
	(void)out;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static bool load_key(SSL_CTX *ctx, const char *path, const char *certificate, struct why *why)
{
	bool asked = false, loaded;

	if (!can_read(path, "key", why))
		return false;
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, &asked);
	loaded = SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) == 1;
	SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
	if (loaded && SSL_CTX_check_private_key(ctx) == 1)
		return true;
	bool nothing = error_is(ERR_LIB_PEM, PEM_R_NO_START_LINE) ||
		error_is(ERR_LIB_OSSL_DECODER, ERR_R_UNSUPPORTED);
	bool foreign = loaded || error_is(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH) ||
		error_is(ERR_LIB_X509, X509_R_KEY_TYPE_MISMATCH);
	if (!asked && !nothing && !foreign)
		return tls_explain(why, "key %s", path);
	ERR_clear_error();
	if (asked)
		return why_set(why,
			"key %s: is encrypted, and nobody is there to type its passphrase; store it "
			"without (openssl pkey -in OLD -out NEW)", path);
	if (foreign)
		return why_set(why, "key %s: does not belong to certificate %s", path, certificate);
	return why_set(why,
		"key %s: has no private key in PEM form (BEGIN PRIVATE KEY) of a kind that is known",
		path);
}

static void note_dates(SSL_CTX *ctx, const char *path, struct why *note)
{
	X509 *x = SSL_CTX_get0_certificate(ctx);

	if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
		why_set(note, "certificate %s: has expired", path);
	else if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
		why_set(note, "certificate %s: is not valid yet", path);
}

/* ---- the context ---- */

static bool set_rules(SSL_CTX *ctx)
{
	static const unsigned char id[] = "waypost";

	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL); /* no client is asked for a certificate */
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
		SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* tickets keep the state at the client */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_dh_auto(ctx, 1);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
		SSL_CTX_set_cipher_list(ctx, ciphers) == 1 &&
		SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
		SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1) == 1;
}

SSL_CTX *tls_pair_load(const char *certificate, const char *key, struct why *note, struct why *why)
{
	SSL_CTX *ctx;

	ERR_clear_error();
	note->text[0] = '\0';
	ctx = SSL_CTX_new(TLS_server_method());
	if (ctx == NULL || !set_rules(ctx)) {
		tls_explain(why, "TLS can't be set up");
		SSL_CTX_free(ctx);
		return NULL;
	}
	if (!load_certificate(ctx, certificate, why) || !load_key(ctx, key, certificate, why)) {
		SSL_CTX_free(ctx);
		ERR_clear_error();
		return NULL;
	}
	note_dates(ctx, certificate, note);
	ERR_clear_error();
	return ctx;
}
