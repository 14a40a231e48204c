/* What the parts of the evaluator share while it runs once. */
#ifndef SPF_RUN_H
#define SPF_RUN_H

#include "spf_eval.h"

struct spf_run {
	/* owned */
	struct arena *scratch;
	/* borrowed */
	const struct spf_identity *who;
	spf_lookup *lookup;
	void *arg;
	struct spf_answer *answer;
	/* state */
	int terms, voids;                  /* section 4.6.4 */
	int inside;                        /* of so many includes */
	bool missing;                      /* an answer was not there: the run is void, end it */
};

/* What DNS says; while it is missing (run->missing is then set), that it fails. A name that no
 * server can have does not exist. */
const struct spf_found *spf_run_ask(struct spf_run *run, struct str name, enum dns_type type);
/* The same for a name that came out of DNS: is not escaped again. */
const struct spf_found *spf_run_ask_host(struct spf_run *run, struct str host, enum dns_type type);
enum dns_type spf_run_address_type(const struct spf_run *run);     /* of the client's family */

/* Section 5.5: the client's validated name; best domain itself, then one below it, then any; empty:
 * none. Asks for all that it needs before it ends, and sets run->missing if not all was there. */
struct str spf_run_client_name(struct spf_run *run, struct str domain);
const struct spf_found *spf_run_reverse(struct spf_run *run);      /* its PTR records */

/* Sets answer->problem, printable; returns result. */
enum spf_result spf_run_problem(struct spf_run *run, enum spf_result result, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Printable ASCII only, cut to size - 1 bytes. */
void spf_run_copy(char *out, size_t size, struct str text);

#endif
