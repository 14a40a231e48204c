/* What the tls files share: the certificate's files as a context, the pair that we make, OpenSSL's
 * errors as text. */
#ifndef NET_TLS_PRIVATE_H
#define NET_TLS_PRIVATE_H

#include "net/tls.h"

#include <openssl/ssl.h>
#include <sys/stat.h>

/* tls.c: sets why to "what: OpenSSL's reason" and empties OpenSSL's queue of errors. */
bool tls_explain(struct why *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* tls_pair.c. All may run on any thread. */
struct tls_stamp {
	struct stat certificate, key;
};

/* a missing file is all zero */
struct tls_stamp tls_pair_look(const char *certificate, const char *key);
bool tls_pair_same(const struct tls_stamp *a, const struct tls_stamp *b);
/* A server's context with this pair, yours; NULL and why: unusable. note: empty, or why it is no
 * good to others. */
SSL_CTX *tls_pair_load(const char *certificate, const char *key, struct why *note, struct why *why);

/* tls_self.c: makes a key and a certificate for the name and puts both into the file, atomically,
 * mode 0600. */
bool tls_self_make(const char *path, const char *hostname, struct why *why);

#endif
