/*
 * The client-address guard: is this peer somebody who stands between the client and us, so that its
 * address says nothing about the client (Docker's userland proxy, a NAT)?
 */
#ifndef RECEIVE_GUARD_H
#define RECEIVE_GUARD_H

#include "base/inet.h"

struct guard;

/* The kernel's tables of routes; NULL: those of /proc/net. For tests. */
struct guard_tables { const char *route, *ipv6_route; };

struct guard *guard_create(const struct guard_tables *tables);         /* yours */
void guard_destroy(struct guard **g);
/* Our default gateway, or a private address; never loopback. Reads the tables now and then. */
bool guard_hides(struct guard *g, const struct inet_addr *peer);
/* Is it time to log that this address hides clients? True once an hour for each. */
bool guard_tells(struct guard *g, const struct inet_addr *peer);

/* The gateway of a line of /proc/net/route or /proc/net/ipv6_route; false: it is no default route
 * with one. */
bool guard_read_route(struct inet_addr *gateway, struct str line);
bool guard_read_route6(struct inet_addr *gateway, struct str line);

#endif
