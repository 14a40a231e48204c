/*
 * deliver.c - the door: who delivers, and what all attempts share
 *
 * From     schedule/, with a message and recipients of one lane.
 * To       walk.c, which walks the hosts.
 * Owns     the idle connections and what is remembered about hosts.
 */
#include "deliver_state.h"
#include "base/mem.h"
#include "base/must.h"

#include <stdlib.h>
#include <string.h>

static bool take_bind(struct deliver *d, struct why *why)
{
	const struct config_strings *bind = &d->options->bind;

	for (size_t i = bind->n; i > 0; i--) {
		struct inet_addr a;

		if (!inet_parse(&a, str_of(bind->v[i - 1])))
			return why_set(why, "deliver.bind: \"%s\" is no address", bind->v[i - 1]);
		*(a.v6 ? &d->from_v6 : &d->from_v4) = a;
		*(a.v6 ? &d->has_from_v6 : &d->has_from_v4) = true;
	}
	return true;
}

struct deliver *deliver_create(struct loop *l, struct dns *dns, struct tls_client *tls,
	const struct deliver_options *options,
	bool (*is_ours)(void *arg, struct str host, const struct endpoint *address), void *arg,
	struct why *why)
{
	struct deliver *d = mem_alloc(sizeof(*d));

	d->loop = l;
	d->dns = dns;
	d->tls = tls;
	d->options = options;
	d->is_ours = is_ours;
	d->is_ours_arg = arg;
	if (!take_bind(d, why)) {
		free(d);
		return NULL;
	}
	d->hosts = hosts_create(LIMIT_NEXT_HOPS);
	d->pool = pool_create(
		l, LIMIT_POOL_IDLE, (size_t)options->connections_per_lane, options->idle);
	return d;
}

void deliver_destroy(struct deliver **d)
{
	if (!*d)
		return;
	must((*d)->active == 0);
	pool_destroy(&(*d)->pool);
	hosts_destroy(&(*d)->hosts);
	free(*d);
	*d = NULL;
}

const char *deliver_lane(const struct deliver *d, struct str domain, struct arena *arena)
{
	const struct hop *fixed = hop_find(d->options, domain);
	char *lane;

	if (fixed)
		return hop_lane(d->options, fixed, arena);
	lane = arena_text(arena, domain);
	for (char *p = lane; *p; p++)
		*p = str_lower(*p);
	return lane;
}

struct job *deliver_attempt(struct deliver *d, struct message *m, const size_t *rcpts, size_t n,
	deliver_each *each, deliver_done *done, void *waiter)
{
	return walk_start(d, m, rcpts, n, each, done, waiter);
}

struct deliver_counts deliver_counts(const struct deliver *d)
{
	return (struct deliver_counts){ .active = d->active, .idle = pool_count(d->pool) };
}
