/* A world for check_dkim: a DNS that says what the test wants, messages in memory and in files, and a signer that signs
 * whatever it is told to. */
#ifndef TEST_CHECK_DKIM_WORLD_H
#define TEST_CHECK_DKIM_WORLD_H

#include "check/check_dkim.h"

#include <openssl/evp.h>

#define WORLD_DOMAIN "example.com"

/* ---- DNS ---- */
void world_clear(void);                                        /* nobody has a record */
void world_record(const char *name, struct str text);          /* one TXT record more */
void world_status(const char *name, enum dns_status status);   /* instead of an answer */
size_t world_asked(void);                                      /* questions since world_clear */
size_t world_asked_at_once(void);                              /* before the first of them was answered */

/* ---- messages ---- */
struct message *world_message(struct str text, bool in_file);
/* Runs the loop until the verdict is there; it lives in m's arena. */
struct check_dkim_verdict world_check(struct message *m);
/* The same for a text; only the first signature's result and reason (static) come back. */
enum check_dkim_result world_result(struct str text, const char **reason);
struct loop *world_loop(void);
void world_finish(void);

/* ---- signatures ---- */
enum world_key { WORLD_RSA, WORLD_SHORT, WORLD_LONG, WORLD_ED25519, WORLD_OTHER, WORLD_KEYS };

EVP_PKEY *world_key(enum world_key which);                     /* made once; RSA 2048, 768, 8192, -, 2048 bits */
const char *world_public(enum world_key which);                /* for p= */

struct world_signature {
	/* The field's value; BH stands for the hash of the body, [...] is the part that does not cover itself, and $ in it
	 * stands for the signature. */
	const char *tags;
	const char *canon;                                     /* as c= would have it; NULL: simple/simple */
	const char *names;                                     /* what is really signed; NULL: "from:to:subject" */
	size_t length;                                         /* of the body that is hashed; 0: all */
	bool sha1;
	enum world_key key;
};

/* Puts a DKIM-Signature field for the message in front of it. */
void world_sign(struct buf *out, const struct world_signature *s, struct str message);

#endif
