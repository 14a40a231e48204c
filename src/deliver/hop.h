/* Which next hop a domain has: a fixed one, or its MX. */
#ifndef HOP_H
#define HOP_H

#include "deliver/deliver.h"

enum { HOP_PORT_IMPLICIT_TLS = 465 };      /* RFC 8314 section 3.3 */

/* The domain's entry of next_hops, else the relay, else the entry "*", else NULL: the domain's
 * MX. */
const struct hop *hop_find(const struct deliver_options *o, struct str domain);
/* The same host on the same terms. Either may be NULL. */
bool hop_is_same(const struct hop *a, const struct hop *b);
/* "host:port", and "#2" behind it where an entry that comes before has other terms for the same
 * host: mail that must be sent over TLS shares nothing with mail that need not. In the arena. */
const char *hop_lane(const struct deliver_options *o, const struct hop *hop, struct arena *arena);
/* "host:port", an IPv6 address in brackets. In the arena. */
const char *hop_text(const struct hop *hop, struct arena *arena);
bool hop_is_implicit_tls(const struct hop *hop);
/* Reads "host:port" ("[2001:db8::1]:25", "mail.example.net") into host and port; host goes to the
 * arena, in lower case. False: neither a name nor an address, or no port that can be. */
bool hop_parse(struct hop *out, struct str text, uint16_t default_port, struct arena *arena);

#endif
