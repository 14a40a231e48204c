/*
 * TLS contexts: ours as a server (certificate re-read when its files change; made once where none is given) and
 * as a client towards next hops. TLS 1.2 and up; no client certificate is ever asked for.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/why.h"
#include "config/config.h"
#include "net/loop.h"

struct tls_server;
struct tls_client;

struct tls_options {                       /* the section tls: */
	const char *certificate;           /* PEM, leaf first, then chain; NULL: self-signed in state/ */
	const char *key;                   /* PEM; NULL: in the certificate's file */
};

extern const struct config_row tls_rows[];

/* What was agreed, for the log and Received. */
struct tls_facts {
	char version[16];                  /* "TLSv1.3" */
	char cipher[64];
	int bits;
	bool verified;                     /* client side: the peer's certificate was found good for the name */
	char trouble[128];                 /* client side: why not verified */
};

/* What a client wants of a connection. */
struct tls_wish {
	const char *name;                  /* SNI, and the name or address to verify, NULL: none; borrowed for the call */
	bool must_verify;                  /* fail the handshake if the certificate is not good for the name; needs one */
};

/* state_dir: where tls-self-signed.pem is made and kept (mode 0600) when options name no files; hostname: its name. */
struct tls_server *tls_server_create(struct loop *l, const struct tls_options *options, const char *state_dir,
	const char *hostname, struct why *why);
void tls_server_destroy(struct tls_server **t);
/* Looks (at most once in two seconds, on a worker) whether the files changed, and reads them; a wrong pair leaves the
 * old in use and is logged. tls_server_session calls it; another may at any time. */
void tls_server_refresh(struct tls_server *t);
/* Do the files make a pair? For `check`; blocks. No files named: yes. When it says yes, a text in why is a warning
 * (expired, not valid yet); without a warning the text is empty. */
bool tls_server_check(const struct tls_options *options, struct why *why);

/* SECLEVEL 0 and TLS 1.0 for opportunistic use (old is better than in clear), SECLEVEL 2 and TLS 1.2 where must_verify.
 * Authorities: the system's (OpenSSL's default paths; SSL_CERT_FILE and SSL_CERT_DIR count). */
struct tls_client *tls_client_create(struct why *why);
void tls_client_destroy(struct tls_client **t);

/* For net/io.c only. The session is the caller's (SSL_free), in accept or connect state, without a socket. */
struct ssl_st *tls_server_session(struct tls_server *t);
struct ssl_st *tls_client_session(struct tls_client *t, const struct tls_wish *wish);
void tls_read_facts(struct ssl_st *ssl, struct tls_facts *out);  /* once the handshake is done, or failed */

#endif
