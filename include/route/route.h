/*
 * The recipients: who they are here, and where they go next. Pure look-ups in tables built from the
 * config; nothing blocks.
 */
#ifndef ROUTE_ROUTE_H
#define ROUTE_ROUTE_H

#include "config/config.h"
#include "mail/address.h"
#include "mail/reply.h"
#include "route/srs.h"

struct routes;

struct account {
	struct address address;            /* name@domain; the login name is its text in lower case */
	const char *password;              /* plain, or crypt(3); NULL: can't log in */
	bool password_is_crypt;
	bool send_as_aliases;
	struct config_strings aliases;     /* local parts */
};

enum blackhole_action { BLACKHOLE_REJECT, BLACKHOLE_DEFER, BLACKHOLE_DISCARD };

struct route_options {                     /* virtual_domains and the top-level keys around it */
	const char *hostname;              /* ptr_hostname, lower case */
	const char *postmaster;            /* NULL: the first account */
	int blackhole_action;
	struct route_domain *domains;      /* private to route */
	size_t domain_count;
};

extern const struct config_row route_rows[];

/* Checks what one key alone can't show (loops, doubles, depth, postmaster), telling problems in c, and builds the
 * tables. NULL when c has errors. options is borrowed and must outlive the routes; so must srs. */
struct routes *routes_create(struct config *c, const struct route_options *options, struct srs *srs,
	const char *srs_domain);
void routes_destroy(struct routes **r);

enum route_kind {
	ROUTE_FORWARD,       /* one of ours: targets say where next */
	ROUTE_RETURN,        /* a valid SRS address: targets[0] is the original sender */
	ROUTE_RELAY,         /* not ours, but the client is our user: targets[0] is the address itself */
	ROUTE_DISCARD,       /* a blackhole: say 250 and forget it */
	ROUTE_REFUSE         /* reply says why */
};

struct route_answer {
	enum route_kind kind;
	struct reply reply;                /* ROUTE_REFUSE */
	struct address *targets;           /* in the arena; each once; none of them ours any more */
	size_t target_count;
	const struct account *account;     /* ROUTE_FORWARD: whose mail it is; NULL for postmaster without one */
	bool is_postmaster;
};

/* rcpt without a domain: postmaster only. authenticated: the client is our user. */
void route_recipient(const struct routes *r, const struct address *rcpt, bool authenticated,
	struct arena *arena, struct route_answer *answer);
/* A virtual domain, srs_domain or ptr_hostname; any case. */
bool route_is_our_domain(const struct routes *r, struct str domain);
/* login: "alice@example.com", any case; NULL: no such account, or it can't log in. */
const struct account *route_account(const struct routes *r, struct str login);
/* May the account (one that route_account or route_recipient gave) use this sender? Its own address,
 * `+extension` of it unless that is another account's name, aliases if send_as_aliases. */
bool route_may_send_as(const struct account *account, const struct address *sender);

#endif
