/*
 * tls.c - what was agreed in a handshake, and what OpenSSL says when it fails
 *
 * From     io_tls.c after the handshake; the other tls files when OpenSSL refuses something.
 * Never    leaves errors in OpenSSL's queue: the next call of another connection would find them.
 */
#include "tls_private.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool tls_explain(struct why *why, const char *fmt, ...)
{
	/* the first is the cause, the last only where it ended */
	unsigned long e = ERR_peek_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	ERR_clear_error();
	return why_set(why, "%s: %s", what, reason ? reason : "OpenSSL does not say why");
}

static bool has_name(SSL *ssl)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	char *ip = NULL;
	bool has = X509_VERIFY_PARAM_get0_host(param, 0) != NULL;

	if (!has)
		ip = X509_VERIFY_PARAM_get1_ip_asc(param);
	has |= ip != NULL;
	OPENSSL_free(ip);
	return has;
}

/* Why the peer's certificate is not good for the name; NULL: it is. */
static const char *trouble_of(SSL *ssl)
{
	long result = SSL_get_verify_result(ssl);

	if (result != X509_V_OK)
		return X509_verify_cert_error_string(result);
	if (SSL_get0_peer_certificate(ssl) == NULL)
		return "no certificate";
	return has_name(ssl) ? NULL : "no name to verify";
}

void tls_read_facts(struct ssl_st *ssl, struct tls_facts *out)
{
	const char *trouble;

	ERR_clear_error();
	memset(out, 0, sizeof *out);
	snprintf(out->version, sizeof out->version, "%s", SSL_get_version(ssl));
	snprintf(out->cipher, sizeof out->cipher, "%s", SSL_get_cipher_name(ssl));
	out->bits = SSL_get_cipher_bits(ssl, NULL);
	if (!SSL_is_server(ssl)) {
		trouble = trouble_of(ssl);
		out->verified = trouble == NULL;
		snprintf(out->trouble, sizeof out->trouble, "%s", trouble ? trouble : "");
	}
	ERR_clear_error();
}
