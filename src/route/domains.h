/* What the config says of each domain, as options.c reads it and the look-ups use it. Private to
 * route/. */
#ifndef ROUTE_DOMAINS_H
#define ROUTE_DOMAINS_H

#include "route/route.h"

struct local_part {
	struct str text;                       /* without quotes; case kept */
	const struct config_node *node;
};

struct target {
	struct address address;
	const struct config_node *node;
};

struct local_parts { struct local_part *v; size_t n; };

struct route_account {
	struct account public;                 /* first: route_may_send_as goes back from it */
	const struct route_domain *domain;
	const struct config_node *node;        /* its name */
	bool catch_all, dot_plus;
	struct local_parts aliases;
	struct target *targets;
	size_t target_count;
};

struct route_domain {
	struct str name;
	const struct config_node *node;
	struct route_account *accounts;
	size_t account_count;
	struct local_parts blackholes;
};

#endif
