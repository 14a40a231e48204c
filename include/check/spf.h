/*
 * SPF (RFC 7208): may this client send for this domain? A pure evaluator over answers that were
 * fetched ahead; what is missing is asked for, all at once, and the evaluation runs again.
 */
#ifndef CHECK_SPF_H
#define CHECK_SPF_H

#include "base/inet.h"
#include "mail/address.h"
#include "net/dns.h"

enum spf_result {
	SPF_NONE,
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR,
	SPF_PERMERROR
};

struct spf_question {
	struct inet_addr client;
	struct str helo;                   /* as it came; may be an address literal */
	struct address sender;             /* null: postmaster@helo is checked (section 2.4) */
	const char *receiver;              /* our name, for %{r} */
};

struct spf_answer {
	enum spf_result result;
	char domain[256];                  /* that was asked about, lower case; "": unusable */
	/* all three are printable ASCII, cut to their size, or "" */
	char mechanism[128];               /* the term that matched, "-all"; "default": none did */
	char explanation[512];             /* the domain's own words for a fail (exp=) */
	char problem[128];                 /* what was wrong, for temperror and permerror */
};

/* The answer is borrowed for the call. */
typedef void spf_done(void *waiter, const struct spf_answer *answer);
/* The question is copied. Bounded in queries, runs and time (LIMIT_SPF_*). */
struct job *spf_check(struct loop *l, struct dns *dns, const struct spf_question *question,
	spf_done *done, void *waiter);
const char *spf_result_text(enum spf_result result);     /* "softfail" */

#endif
