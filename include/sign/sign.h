/* The sealed text: the fields that we put on top of a message, DKIM signatures among them. */
#ifndef SIGN_SIGN_H
#define SIGN_SIGN_H

#include "config/config.h"
#include "mail/message.h"
#include "net/loop.h"

struct signer;

struct sign_key {                          /* one {selector, key} */
	const char *domain;                /* d=; A-labels, lower case, like the selector */
	const char *selector;
	const char *path;                  /* PEM, PKCS#8 or PKCS#1; RSA >= 1024 bits or Ed25519; NULL: pem */
	const char *pem;                   /* the key itself, where the config holds it (with !file or !env) */
	const struct config_node *node;    /* where it stands, for problems */
};

struct sign_options {
	bool enable;                       /* dkim.enable; false: no key is read, nothing is signed */
	struct sign_key *keys;             /* of virtual_domains.*.dkim, then srs.dkim (one mapping, or a list) */
	size_t key_count;
	const char *forward_domain;        /* d= for forwarded mail: srs_domain if srs.dkim is given, else NULL */
};

extern const struct config_row sign_rows[];

/* Loads the keys; a problem (file missing, not a key, too short, readable by others) is told in c. NULL: errors. */
struct signer *signer_create(struct config *c, const struct sign_options *options);
void signer_destroy(struct signer **s);    /* after all jobs */

struct sign_request {
	const char *hostname;              /* ours, for Received */
	const char *protocol;              /* "ESMTPSA" and the like (RFC 3848, RFC 6531) */
	struct str client_name;            /* reverse name; empty: not known */
	const char *tls;                   /* "TLSv1.3 cipher ..."; NULL: none */
	struct str from_domain;            /* submission: the From field's domain, whose keys sign; empty: forwarded mail */
	struct str results;                /* of our checks, to put above Received (RFC 7208 section 9.1), each ending
	                                    * in CRLF; at most LIMIT_RESULTS; empty: none */
	bool unsigned_content;             /* none of its signatures can be valid: results that one oversigns are added
	                                    * all the same, or a forger could keep them off */
	struct str extra;                  /* fields to put below Received, each ending in CRLF: Date, Message-ID */
};

/* Fills m->top: Received, Delivered-To and X-Forwarded-To/-For where there is one original recipient and it is
 * forwarded, then extra, with DKIM-Signature above them. The request is borrowed for the call.
 * done: false with why if a file could not be read; never false for lack of a key. */
typedef void sign_done(void *waiter, bool ok, const struct why *why);
struct job *sign_message(struct signer *s, struct loop *l, struct message *m, const struct sign_request *request,
	sign_done *done, void *waiter);

/* Is this message in a loop? 50 Received fields, or twice our own Received together with our Delivered-To
 * for one of its original recipients. */
bool sign_finds_loop(struct str header, const char *hostname, const struct recipient *rcpts, size_t n);

/* The value of a key's TXT record ("v=DKIM1; k=rsa; p=..."), to be published at SELECTOR._domainkey.DOMAIN. The file
 * may hold a private or a public key. */
bool sign_key_record(const char *path, struct buf *value, struct why *why);
bool sign_key_record_of(const struct sign_key *key, struct buf *value, struct why *why);

#endif
