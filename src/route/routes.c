/*
 * routes.c - make tables of what the config says, and find what it says wrong
 *
 * From     admin/, at start and at reload.
 * To       route.c.
 * Owns     the tables; accounts and domains are the config's.
 * Fails    by telling problems: names given twice, loops, forwards to nobody. All of them at once.
 */
#include "walk.h"

#include "base/mem.h"

#include <stdlib.h>

/* tables */

static void home_destroy(void *value)
{
	struct home *home = value;

	map_destroy(&home->names, NULL);
	map_destroy(&home->aliases, NULL);
	map_destroy(&home->blackholes, NULL);
	free(home);
}

void routes_destroy(struct routes **r)
{
	if (!*r)
		return;
	map_destroy(&(*r)->homes, home_destroy);
	arena_destroy(&(*r)->arena);
	free(*r);
	*r = NULL;
}

/* The one who has the name already; NULL: it is free. */
static const struct route_account *owner(const struct home *home, struct str key, const char **as)
{
	const struct route_account *a = map_get(home->names, key);

	*as = a ? "the name" : "an alias";
	return a ? a : map_get(home->aliases, key);
}

static void add_name(struct config *c, struct home *home, struct map *map, struct local_part name,
	struct route_account *account)
{
	struct str key = routes_lower(name.text, config_arena(c));
	const char *as;
	const struct route_account *other = owner(home, key, &as);

	if (!other) {
		map_put(map, key, account);
		return;
	}
	config_error(c, name.node,
		"\"%.*s\" is already %s of the account \"%.*s\" of %.*s; a name can be given once",
		STR_FMT(name.text), as, STR_FMT(other->public.address.local),
		STR_FMT(home->domain->name));
}

static void add_account(struct config *c, struct home *home, struct route_account *a)
{
	if (!a->catch_all)
		add_name(c, home, home->names,
			(struct local_part){ a->public.address.local, a->node }, a);
	else if (!home->catch_all)
		home->catch_all = a;
	else
		config_error(c, a->node, "\"*\" is already an account of %.*s; put the addresses "
			"of both into one list",
			STR_FMT(home->domain->name));
}

static void add_blackhole(struct config *c, struct home *home, struct local_part *b)
{
	struct str key = routes_lower(b->text, config_arena(c));
	const char *as;
	const struct route_account *other = owner(home, key, &as);

	if (str_eq(key, STR("postmaster")))
		config_warn(c, b->node, "blackholes: postmaster must be reachable (RFC 5321), so "
			"this does nothing");
	else if (other)
		config_warn(c, b->node, "blackholes: \"%.*s\" is also %s of the account \"%.*s\", "
			"which gets none of "
			"that mail", STR_FMT(b->text), as, STR_FMT(other->public.address.local));
	map_put(home->blackholes, key, b);
}

/* Names before aliases, so that it is the alias that is told. */
static void add_domain(struct routes *r, struct config *c, const struct route_domain *d)
{
	struct home *home;

	if (map_get(r->homes, d->name)) {
		config_error(c, d->node, "the domain %.*s is here twice; put its accounts together",
			STR_FMT(d->name));
		return;
	}
	home = mem_alloc(sizeof(*home));
	*home = (struct home){ d, map_create(), map_create(), map_create(), NULL };
	map_put(r->homes, d->name, home);
	for (size_t i = 0; i < d->account_count; i++)
		add_account(c, home, &d->accounts[i]);
	for (size_t i = 0; i < d->account_count; i++)
		for (size_t k = 0; k < d->accounts[i].aliases.n; k++)
			add_name(c, home, home->aliases, d->accounts[i].aliases.v[k],
				&d->accounts[i]);
	for (size_t i = 0; i < d->blackholes.n; i++)
		add_blackhole(c, home, &d->blackholes.v[i]);
	if (!r->first && d->account_count)
		r->first = &d->accounts[0];
}

/* checks */

struct check {
	struct config *c;
	struct walk *walk;
	struct map *told;              /* accounts of loops already told, by address */
	/* of the first trouble that another place is expected to tell */
	const struct config_node *untold;
	const char *untold_chain;
};

static bool is_told(const struct check *k, const struct walk *w)
{
	for (size_t i = w->loop_from; i < w->trouble_depth; i++)
		if (map_get(k->told, w->path[i].key))
			return true;
	return false;
}

/* A loop is told at the first of its accounts, not at those that lead into it. */
static void tell_loop(struct check *k, const struct config_node *node,
	const struct route_account *start)
{
	const struct walk *w = k->walk;
	const char *chain = walk_chain(w);

	if (w->path[w->loop_from].account != start || is_told(k, w)) {
		if (!k->untold) {
			k->untold = node;
			k->untold_chain = chain;
		}
		return;
	}
	for (size_t i = w->loop_from; i < w->trouble_depth; i++)
		map_put(k->told, w->path[i].key, k);
	config_error(k->c, node, "mail would run in a loop: %s; one of them must lead out", chain);
}

static void tell_dead(struct check *k, const struct config_node *node, const struct walk *w)
{
	if (w->trouble_depth > 1)      /* another account's forward, told there */
		return;
	if (w->blackhole)
		config_error(k->c, node, "%.*s is a blackhole, so nothing sent there arrives",
			STR_FMT(w->trouble_key));
	else
		config_error(k->c, node, "%.*s is at a domain of ours, but there is no such "
			"account; add it, or forward "
			"to another address", STR_FMT(w->trouble_key));
}

static void tell(struct check *k, const struct config_node *node, const struct route_account *start)
{
	const struct walk *w = k->walk;

	switch (w->trouble) {
	case WALK_FINE:
		break;
	case WALK_LOOP:
		tell_loop(k, node, start);
		break;
	case WALK_DEEP:
		config_error(k->c, node, "forwarded more than %d times before it leaves: %s",
			LIMIT_ROUTE_DEPTH,
			walk_chain(w));
		break;
	case WALK_DEAD:
		tell_dead(k, node, w);
		break;
	case WALK_MANY:
		config_error(k->c, node, "this leads to more than %d addresses in the end",
			LIMIT_TARGETS);
		break;
	}
}

static void check_account(struct check *k, const struct routes *r, const struct route_account *a)
{
	walk_init(k->walk, r, clock_wall(), config_arena(k->c));
	walk_enter(k->walk, address_key(&a->public.address, config_arena(k->c)), a);
	for (size_t i = 0; i < a->target_count; i++) {
		k->walk->trouble = WALK_FINE;
		k->walk->blackhole = false;
		walk_follow(k->walk, &a->targets[i].address);
		tell(k, a->targets[i].node, a);
		if (k->walk->trouble == WALK_MANY)
			break;
	}
}

static void check_postmaster(struct check *k, const struct routes *r)
{
	const struct config_node *node = config_get(config_root(k->c), "postmaster");
	struct address bare = { STR("postmaster"), STR("") };

	walk_init(k->walk, r, clock_wall(), config_arena(k->c));
	walk_follow(k->walk, &bare);
	if (!address_is_null(&r->postmaster))
		tell(k, node, NULL);
}

static void check_all(struct routes *r, struct config *c, const struct route_options *o)
{
	struct check k = { .c = c, .walk = mem_alloc(sizeof(*k.walk)), .told = map_create() };
	size_t errors = config_errors(c);

	for (size_t i = 0; i < o->domain_count; i++)
		for (size_t j = 0; j < o->domains[i].account_count; j++)
			check_account(&k, r, &o->domains[i].accounts[j]);
	check_postmaster(&k, r);
	if (k.untold && config_errors(c) == errors)
		config_error(c, k.untold, "mail would run in a loop: %s; one of them must lead out",
			k.untold_chain);
	map_destroy(&k.told, NULL);
	free(k.walk);
}

struct routes *routes_create(struct config *c, const struct route_options *options, struct srs *srs,
	const char *srs_domain)
{
	struct routes *r = mem_alloc(sizeof(*r));

	r->arena = arena_create();
	r->homes = map_create();
	r->options = options;
	r->srs = srs;
	r->srs_domain = routes_lower(str_of(srs_domain), r->arena);
	r->hostname = routes_lower(str_of(options->hostname), r->arena);
	if (options->postmaster)
		address_parse(&r->postmaster, str_of(options->postmaster), r->arena);
	for (size_t i = 0; i < options->domain_count; i++)
		add_domain(r, c, &options->domains[i]);
	check_all(r, c, options);
	if (!r->first && !options->postmaster && config_is_right(c))
		config_error(c, config_get(config_root(c), "virtual_domains"),
			"nobody would get any mail: give a "
			"domain accounts, or name a postmaster at the top of the file");
	if (!config_is_right(c))
		routes_destroy(&r);
	return r;
}
