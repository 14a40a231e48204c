/* Which domains we must not lend our name to (design.md promise 8). Private to check/. */
#ifndef CHECK_OWN_H
#define CHECK_OWN_H

#include "check/check.h"

/* A domain of ours that the header's From claims, itself or by one below it; NULL: none. by_dns:
 * the organisation that DMARC found for From's domain; "" if none. Lives as long as own. */
const char *own_claimed(const struct check_own *own, struct str header, const char *by_dns);
/* Is name the domain, or below it? Both in lower case. */
bool own_covers(struct str domain, struct str name);

#endif
