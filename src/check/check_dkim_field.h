/* One DKIM-Signature field, read. */
#ifndef CHECK_CHECK_DKIM_FIELD_H
#define CHECK_CHECK_DKIM_FIELD_H

#include "base/arena.h"
#include "base/limits.h"
#include "check/check_dkim.h"
#include "mail/canon.h"
#include "mail/header.h"

enum { CHECK_DKIM_DIGEST = 32 };           /* SHA-256; SHA-1 is shorter */

enum check_dkim_kind { CHECK_DKIM_RSA, CHECK_DKIM_ED25519 };

struct check_dkim_algorithm {
	const char *name;                  /* as in a= */
	const char *hash;                  /* as in a key's h= */
	enum check_dkim_kind kind;
	bool old;                          /* no longer accepted (RFC 8301 section 3.1) */
};

struct check_dkim_field {
	/* borrowed: the header */
	struct str raw;                    /* the whole field */
	struct str value;                  /* of b=, with the blanks around it: not covered */
	struct str names;                  /* h= */
	/* state */
	const struct check_dkim_algorithm *algorithm;
	enum canon header, body;
	unsigned char hash[CHECK_DKIM_DIGEST];
	size_t hash_n;
	unsigned char signature[LIMIT_DKIM_KEY_BITS / 8];
	size_t signature_n;
	uint64_t length;                   /* l=; UINT64_MAX: not given */
	bool subdomain;                    /* the domain of i= is below d= */
};

/* Fills *f, and of *out what the field says; texts go to the arena. False: it is not worth a look at
 * the key, out has the result and the reason. now: ms since 1970. */
bool check_dkim_field_read(struct check_dkim_field *f, struct check_dkim_signature *out,
	const struct header_field *field, int64_t now, struct arena *arena);

#endif
