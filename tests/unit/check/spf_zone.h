/* What tests of SPF need around it: DNS made of rows, and the runs until nothing is missing. */
#ifndef SPF_ZONE_H
#define SPF_ZONE_H

#include "spf_eval.h"

/* An evaluator: ours, or libspf2. */
typedef bool spf_evaluator(
	const struct spf_identity *who, spf_lookup *lookup, void *arg, struct spf_answer *answer);

void spf_zone_clear(void);
/* name: any bytes. type: "TXT", "A" ...; "ANY": all else at that name times out; another: it is
 * only there. value: "10 host" for MX. */
void spf_zone_add(struct str name, const char *type, struct str value);
void spf_zone_addz(const char *name, const char *type, const char *value);
/* As net/dns would answer; lives until the next call. */
const struct dns_answer *spf_zone_answer(struct str name, enum dns_type type);

struct spf_trial {
	struct spf_answer answer;
	int runs; /* until nothing was missing; LIMIT_SPF_RUNS + 1: given up */
	size_t queries;
	bool over;                         /* LIMIT_SPF_QUERIES was passed */
};
/* sender: split at its last "@"; empty: the null sender. */
void spf_zone_try(spf_evaluator *evaluate, const char *client, struct str helo, struct str sender,
	struct spf_trial *out);

/* Reads the lines of spf_suite.py and hands each case to fn; returns how many there were. */
struct spf_case {
	const char *id, *client, *results;  /* "fail,softfail" */
	struct str helo, sender, explanation;
};
size_t spf_zone_read(const char *path, void (*fn)(const struct spf_case *c));
bool spf_zone_allows(const struct spf_case *c, enum spf_result result);

#endif
