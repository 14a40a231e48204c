/*
 * The build option -Dspf=libspf2: the same one run as spf_eval(), by libspf2, and the second
 * opinion in our tests. Not the default: Debian 12's package has a remote stack overflow
 * (CVE-2023-42118) and is wrong in 58 of the 203 cases of RFC 7208's test suite. No explanation is
 * ever given.
 */
#ifndef SPF_LIBSPF2_H
#define SPF_LIBSPF2_H

#include "spf_eval.h"

bool spf_libspf2_eval(
	const struct spf_identity *who, spf_lookup *lookup, void *arg, struct spf_answer *answer);

#endif
