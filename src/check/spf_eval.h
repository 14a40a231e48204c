/*
 * The evaluator: SPF as a pure function of who asks and of what DNS says. What it lacks it asks the
 * lookup for, ends, and is run again: the cost is a few parsed records, far below one round trip.
 */
#ifndef SPF_EVAL_H
#define SPF_EVAL_H

#include "check/spf.h"
#include "spf_answers.h"
#include "spf_identity.h"

/* One run. False: answers were missing, what stands in *answer means nothing. */
bool spf_eval(
	const struct spf_identity *who, spf_lookup *lookup, void *arg, struct spf_answer *answer);

#endif
