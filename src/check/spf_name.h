/* Domain names as SPF has them: any bytes between the dots, for a macro may have put them there. */
#ifndef SPF_NAME_H
#define SPF_NAME_H

#include "base/arena.h"

/* Bytes: RFC 7208 section 7.3, RFC 1035 section 2.3.4. */
enum { SPF_NAME_MOST = 253, SPF_LABEL_MOST = 63 };

/* Section 4.3: of at least two labels, none empty or too long, printable, no address literal. */
bool spf_name_is_checkable(struct str name);
/* Section 7.3: without the final dot, cut on the left to SPF_NAME_MOST bytes; points into name.
 * Empty if there is nothing left to look up. */
struct str spf_name_fit(struct str name);
/* Is name the domain or below it? Case and final dots do not matter. */
bool spf_name_is_within(struct str name, struct str domain);
/* As net/dns wants it: lower case, other bytes as \DDD. False: no such name can exist. */
bool spf_name_to_dns(struct str name, struct arena *a, struct str *out);

#endif
