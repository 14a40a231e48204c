/* The tables of all domains, and the way from one address to where its mail goes. Private to
 * route/. */
#ifndef ROUTE_WALK_H
#define ROUTE_WALK_H

#include "domains.h"

#include "base/limits.h"
#include "base/map.h"

struct home {                                  /* a domain of ours; keys in lower case */
	const struct route_domain *domain;
	struct map *names, *aliases;           /* to struct route_account */
	struct map *blackholes;                /* to struct local_part */
	const struct route_account *catch_all; /* or NULL */
};

struct routes {
	struct arena *arena;                   /* owned */
	struct map *homes;                     /* owned: domain to struct home */

	const struct route_options *options;   /* borrowed */
	const struct srs *srs;                 /* or NULL */

	struct address postmaster;             /* null: the first account */
	const struct route_account *first;     /* of all; NULL: there is none */
	struct str srs_domain, hostname;       /* lower case; empty: none */
};

struct found {
	enum {
		/* at a domain of ours, but nobody; text may say why */
		FOUND_NOTHING,
		FOUND_BLACKHOLE,
		/* account, extension ("" or what stands behind . or +) */
		FOUND_ACCOUNT,
		FOUND_ADDRESS,                 /* next: whom the postmaster option names */
		FOUND_RETURN,                  /* next: the sender that an SRS address stands for */
		FOUND_ELSEWHERE                /* not a domain of ours */
	} what;
	const struct route_account *account;
	struct str extension;
	struct address next;
	const char *text;
};

struct found routes_find(const struct routes *r, const struct address *a, int64_t now,
	struct arena *arena);
struct str routes_lower(struct str s, struct arena *arena);
bool routes_is_extension(struct str s);

enum walk_trouble { WALK_FINE, WALK_LOOP, WALK_DEEP, WALK_DEAD, WALK_MANY };

struct walk {
	/* borrowed */
	const struct routes *routes;
	struct arena *arena;
	int64_t now;
	/* state */
	struct walk_step {
		struct str key;
		const struct route_account *account;    /* NULL: none stands there */
	} path[LIMIT_ROUTE_DEPTH + 1];
	size_t depth;
	struct str seen[LIMIT_ROUTE_ADDRESSES];
	size_t seen_count;
	struct address targets[LIMIT_TARGETS];
	size_t target_count;
	const struct route_account *account;            /* the first one met */
	bool blackhole;                                 /* met one */
	/* the first trouble: what, at which address, how deep, and where in the path a loop
	 * closes */
	enum walk_trouble trouble;
	struct str trouble_key;
	size_t trouble_depth, loop_from;
	const char *text;
};

void walk_init(struct walk *w, const struct routes *r, int64_t now, struct arena *arena);
void walk_enter(struct walk *w, struct str key, const struct route_account *account);
void walk_follow(struct walk *w, const struct address *a);
void walk_targets(struct walk *w, const struct route_account *account, struct str extension);
const char *walk_chain(const struct walk *w);          /* a@x -> b@x -> a@x, of the trouble */

#endif
