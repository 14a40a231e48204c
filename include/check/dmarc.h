/*
 * DMARC (RFC 9989, 7489 where in doubt): does the domain that the reader sees in From stand behind
 * the message?
 */
#ifndef CHECK_DMARC_H
#define CHECK_DMARC_H

#include "check/check_dkim.h"
#include "check/spf.h"
#include "net/dns.h"

enum dmarc_result { DMARC_NONE, DMARC_PASS, DMARC_FAIL, DMARC_TEMPERROR, DMARC_PERMERROR };
enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT };

struct dmarc_answer {
	enum dmarc_result result;
	enum dmarc_policy policy;          /* that applies: p, sp or np; t=y lowers it by one */
	char from[256];                    /* From's domain; "" if there was none, or several */
	bool several;                      /* From fields, or domains in one: a fail */
	char organisation[256];            /* the organisational domain of from */
	bool spf_aligned, dkim_aligned;    /* passed in alignment, whether or not there is a policy */
	bool undecided;                    /* not aligned, but what could not be had might have been */
	char problem[96];                  /* one phrase for anything but a plain pass or fail; "" */
};

/* Borrowed for the call, all of it. */
struct dmarc_question {
	struct str header;                 /* of the message */
	const struct spf_answer *spf;      /* of MAIL FROM (or of HELO for the null sender); NULL: none */
	const struct check_dkim_verdict *dkim; /* a signature with l= (partial) does not count */
};

typedef void dmarc_done(void *waiter, const struct dmarc_answer *answer);
struct job *dmarc_check(struct loop *l, struct dns *dns, const struct dmarc_question *question,
	dmarc_done *done, void *waiter);
const char *dmarc_result_text(enum dmarc_result result);
const char *dmarc_policy_text(enum dmarc_policy policy);

/* The organisational domain by the public suffix list (libpsl; no look-up) of a name in lower-case
 * A-labels; points into the argument. For the places where nothing may be asked, and between
 * domains that publish no DMARC record; where there is one, RFC 9989's walk decides
 * (dmarc_walk.c). */
struct str dmarc_organisation(struct str domain);

#endif
