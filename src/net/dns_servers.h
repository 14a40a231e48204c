/* The resolvers in use: which, in what order, and whether their AD bit counts. Shared by the
 * questions that run. */
#ifndef NET_DNS_SERVERS_H
#define NET_DNS_SERVERS_H

#include "base/limits.h"
#include "dns_wire.h"

struct dns_servers;

struct dns_server_list {
	struct endpoint v[LIMIT_DNS_SERVERS];
	size_t n;
};

/* The lines "nameserver" of a resolv.conf; 127.0.0.1 if there is no file or no such line
 * (resolv.conf(5)). */
void dns_servers_read(struct dns_server_list *out, const char *path);

/* Counted references: create and take give one, drop takes one back. May be dropped from a callback
 * of the wire. */
struct dns_servers *dns_servers_create(struct loop *l, const struct dns_server_list *list,
	bool trust_ad, int64_t budget);
struct dns_servers *dns_servers_take(struct dns_servers *s);
void dns_servers_drop(struct dns_servers **s);

bool dns_servers_are(const struct dns_servers *s, const struct dns_server_list *list);
bool dns_servers_trusted(const struct dns_servers *s);
size_t dns_servers_count(const struct dns_servers *s);
struct dns_wire *dns_servers_wire(struct dns_servers *s, size_t i);
/* The next to ask: of those not in the mask the first that answers, else the first. -1: none is
 * left. */
int dns_servers_pick(const struct dns_servers *s, unsigned asked);

#endif
