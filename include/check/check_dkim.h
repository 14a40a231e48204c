/*
 * DKIM verification (RFC 6376, 8301, 8463): every signature of a message up to LIMIT_DKIM_SIGNATURES, keys fetched
 * ahead in parallel, arithmetic on a worker. (libopendkim owns the prefix dkim_.)
 */
#ifndef CHECK_CHECK_DKIM_H
#define CHECK_CHECK_DKIM_H

#include "mail/message.h"
#include "net/dns.h"

/* RFC 8601 section 2.7.1; NEUTRAL: it can't be understood; POLICY: it verifies, but we do not accept it
 * (rsa-sha1, a key under 1024 bits); PERMERROR: no key, a key that can't be read. */
enum check_dkim_result { CHECK_DKIM_PASS, CHECK_DKIM_FAIL, CHECK_DKIM_NEUTRAL, CHECK_DKIM_POLICY, CHECK_DKIM_TEMPERROR,
	CHECK_DKIM_PERMERROR };

struct check_dkim_signature {
	enum check_dkim_result result;
	struct str domain, selector;       /* d=, s=: lower case; empty where they could not be read */
	struct str identity;               /* i= as it came, or "@d" */
	const char *algorithm;             /* "rsa-sha256"; "" */
	struct str tag;                    /* the first 8 characters of b=, for header.b */
	int bits;                          /* of the key; 0: not read */
	bool partial;                      /* l= leaves a part of the body unsigned: does not count for DMARC */
	bool testing;                      /* the key says t=y */
	char reason[96];                   /* one phrase; "" for a plain pass */
};

struct check_dkim_verdict {
	struct check_dkim_signature *v;    /* in m's arena, in the order of the fields */
	size_t n;
	size_t ignored;                    /* signatures over the limit */
};

typedef void check_dkim_done(void *waiter, const struct check_dkim_verdict *verdict);
/* m and its content must not change until done. */
struct job *check_dkim(struct loop *l, struct dns *dns, struct message *m, check_dkim_done *done, void *waiter);
const char *check_dkim_result_text(enum check_dkim_result result);

#endif
