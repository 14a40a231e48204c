/*
 * DMARC (RFC 9989, 7489 where in doubt): does the domain that the reader sees in From stand behind the message?
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
	enum dmarc_policy policy;          /* that applies to this From (p, sp or np; t=y lowers it by one) */
	char from[256];                    /* the From field's domain; "" if there was none, or several */
	char organisation[256];            /* its organisational domain */
	bool spf_aligned, dkim_aligned;    /* a passing result in alignment, whether or not there is a policy */
	char problem[96];
};

struct dmarc_question {
	struct str header;                 /* of the message; borrowed for the call */
	const struct spf_answer *spf;      /* of MAIL FROM (or of HELO for the null sender) */
	const struct check_dkim_verdict *dkim;
};

typedef void dmarc_done(void *waiter, const struct dmarc_answer *answer);
struct job *dmarc_check(struct loop *l, struct dns *dns, const struct dmarc_question *question, dmarc_done *done,
	void *waiter);
const char *dmarc_result_text(enum dmarc_result result);

/* The organisational domain by the public suffix list (libpsl; no look-up): out gets lower-case A-labels. Used by DMARC
 * discovery only through one place, as RFC 9989's tree walk replaces it there. */
struct str dmarc_organisation(struct str domain);        /* points into the argument */

#endif
