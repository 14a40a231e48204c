/*
 * tls_client.c - TLS towards next hops: whatever they can do, or verified
 *
 * From     io_tls.c, for a connection of deliver/.
 * Owns     two contexts, and the store of authorities that both use.
 * Never    offers a certificate. A session that need not verify is checked all the same, for the
 *          log.
 * See      RFC 7435 (opportunistic security): old TLS is better than none; RFC 6125 and RFC 9525
 *          for names.
 */
#include "base/inet.h"
#include "base/mem.h"
#include "base/must.h"
#include "tls_private.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum { SAFE_LEVEL = 2 };

struct tls_client {
	SSL_CTX *any, *verified;
};

static SSL_CTX *make_context(X509_STORE *store, int version, int level, const char *ciphers)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_security_level(ctx, level);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set1_cert_store(ctx, store);
	if (SSL_CTX_set_min_proto_version(ctx, version) == 1 &&
		SSL_CTX_set_cipher_list(ctx, ciphers) == 1)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

struct tls_client *tls_client_create(struct why *why)
{
	struct tls_client *t = mem_alloc(sizeof *t);
	X509_STORE *store;

	ERR_clear_error();
	store = X509_STORE_new();
	if (store && X509_STORE_set_default_paths(store) == 1) {
		t->any = make_context(store, TLS1_VERSION, 0, "DEFAULT:@SECLEVEL=0");
		t->verified = make_context(store, TLS1_2_VERSION, SAFE_LEVEL,
			"DEFAULT:@SECLEVEL=2");
	}
	X509_STORE_free(store);
	if (t->any && t->verified) {
		/* servers from before RFC 5746 */
		SSL_CTX_set_options(t->any, SSL_OP_LEGACY_SERVER_CONNECT);
		ERR_clear_error();
		return t;
	}
	tls_explain(why, "TLS for next hops can't be set up");
	tls_client_destroy(&t);
	return NULL;
}

void tls_client_destroy(struct tls_client **t)
{
	if (*t == NULL)
		return;
	SSL_CTX_free((*t)->any);
	SSL_CTX_free((*t)->verified);
	free(*t);
	*t = NULL;
}

/* What the certificate must be for; an address has no SNI (RFC 6066 section 3). */
static bool set_name(SSL *ssl, const char *name)
{
	struct inet_addr a;

	if (inet_parse(&a, str_of(name)))
		return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), a.ip, a.v6 ? 16 : 4) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (SSL_set_tlsext_host_name(ssl, name) != 1)
		ERR_clear_error(); /* too long for SNI: then no certificate is for it either */
	return SSL_set1_host(ssl, name) == 1;
}

struct ssl_st *tls_client_session(struct tls_client *t, const struct tls_wish *wish)
{
	bool named = wish->name && wish->name[0];
	SSL *ssl;

	must(named || !wish->must_verify);
	ERR_clear_error();
	ssl = SSL_new(wish->must_verify ? t->verified : t->any);
	must(ssl != NULL);
	SSL_set_connect_state(ssl);
	/* weak certificates are no proof, even where weak ciphers must do */
	X509_VERIFY_PARAM_set_auth_level(SSL_get0_param(ssl), SAFE_LEVEL);
	if (named)
		must(set_name(ssl, wish->name));
	SSL_set_verify(ssl, wish->must_verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	ERR_clear_error();
	return ssl;
}
