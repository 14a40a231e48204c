/* One entry of postscreen.dnsbl.sites, and the names that a list is asked for. Pure. */
#ifndef RECEIVE_LISTS_SITE_H
#define RECEIVE_LISTS_SITE_H

#include "base/limits.h"
#include "receive/lists.h"

/* "zone=filter*weight", as Postfix writes it; texts live in the arena. False with why, which names
 * neither zone nor key. */
bool lists_site_parse(
	struct lists_site *out, struct str text, struct arena *arena, struct why *why);
bool lists_filter_parse(struct lists_filter *out, struct str text, struct why *why);
bool lists_filter_has(const struct lists_filter *f, const unsigned char ip[4]);

/* The zone without what looks like a key: "0a1b2c....zen.dq.spamhaus.net" is zen.spamhaus.org. */
const char *lists_public_name(struct str zone, struct arena *arena);

enum { LISTS_QUERY = 64 + LIMIT_LISTS_ZONE + 1 };
/* "1.2.0.192.zone", or 32 nibbles and the zone (RFC 5782 sections 2.1 and 2.4) */
void lists_query(char out[LISTS_QUERY], const struct inet_addr *client, const char *zone);

/* A list's TXT for a client's eyes: printable ASCII on one line, cut; nothing if it holds a part of
 * the zone that its public name does not. */
void lists_reason(char out[LIMIT_LISTS_REASON_TEXT + 1], struct str text,
	const struct lists_site *site);

/* CONFIG_CUSTOM reader of postscreen.dnsbl.sites into a struct lists_sites. */
void lists_read_sites(struct config *c, const struct config_node *node, void *field);

#endif
