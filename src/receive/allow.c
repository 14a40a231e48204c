/*
 * allow.c - who passed which test, until when
 *
 * From     screen.c, before a client has to wait and after it behaved; the operator.
 * To       state/screen-cache, by allow_file.c.
 * Owns     the entries: those that clients earned, the one used longest ago goes when there are too
 *          many; those that an operator made stay.
 * Never    looks at all entries in one round of the loop.
 */
#include "allow_private.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- entries ---- */

struct str allow_key(struct inet_addr *network)
{
	*network = inet_client_network(network);
	return str_make(network->ip, network->v6 ? 16 : 4);
}

static struct node *find(const struct allow *a, const struct inet_addr *client)
{
	struct inet_addr network = *client;

	return map_get(a->map, allow_key(&network));
}

static bool is_granted(const struct node *n)
{
	return n->e.allowed != 0;
}

static void unlink_node(struct allow *a, struct node *n)
{
	if (is_granted(n)) {
		a->granted--;
		return;
	}
	*(n->older ? &n->older->newer : &a->oldest) = n->newer;
	*(n->newer ? &n->newer->older : &a->newest) = n->older;
}

static void link_node(struct allow *a, struct node *n)
{
	n->newer = n->older = NULL;
	if (is_granted(n)) {
		a->granted++;
		return;
	}
	n->older = a->newest;
	*(n->older ? &n->older->newer : &a->oldest) = n;
	a->newest = n;
}

static void drop(struct allow *a, struct node *n)
{
	struct inet_addr network = n->e.network;

	map_remove(a->map, allow_key(&network));
	unlink_node(a, n);
	free(n);
}

static struct node *make(struct allow *a, const struct inet_addr *client)
{
	struct node *n = mem_alloc(sizeof *n);

	n->e.network = *client;
	map_put(a->map, allow_key(&n->e.network), n);
	link_node(a, n);
	if (map_count(a->map) - a->granted > (size_t)a->options->cache_size)
		drop(a, a->oldest);
	return n;
}

static unsigned passed(const struct allow_entry *e, int64_t now)
{
	unsigned tests = 0;

	if (e->allowed > now)
		return SCREEN_ALL;
	for (size_t i = 0; i < SCREEN_TESTS; i++)
		if (e->until[i] > now)
			tests |= 1u << i;
	return tests;
}

static void touch(struct allow *a, struct node *n)
{
	unlink_node(a, n);
	link_node(a, n);
}

/* ---- clients ---- */

unsigned allow_passed(struct allow *a, const struct inet_addr *client)
{
	struct node *n = find(a, client);

	if (n == NULL)
		return 0;
	touch(a, n);
	return passed(&n->e, clock_wall());
}

void allow_pass(struct allow *a, const struct inet_addr *client, unsigned tests)
{
	struct node *n = find(a, client);
	int64_t now = clock_wall();

	if ((tests & SCREEN_ALL) == 0)
		return;
	if (n)
		touch(a, n);
	else
		n = make(a, client);
	for (size_t i = 0; i < SCREEN_TESTS; i++)
		if (tests & 1u << i)
			n->e.until[i] = now + a->options->ttl[i];
	allow_changed(a, LIMIT_ALLOW_WRITE);
}

void allow_fail(struct allow *a, const struct inet_addr *client)
{
	struct node *n = find(a, client);

	if (n == NULL)
		return;
	memset(n->e.until, 0, sizeof n->e.until);
	if (!is_granted(n))
		drop(a, n);
	allow_changed(a, LIMIT_ALLOW_WRITE);
}

size_t allow_count(const struct allow *a)
{
	return map_count(a->map);
}

/* ---- the operator ---- */

bool allow_next(const struct allow *a, size_t *at, struct allow_entry *out)
{
	struct str key;
	void *value;

	if (!map_next(a->map, at, &key, &value))
		return false;
	*out = ((const struct node *)value)->e;
	return true;
}

bool allow_find(const struct allow *a, const struct inet_addr *client, struct allow_entry *out)
{
	const struct node *n = find(a, client);

	if (n == NULL)
		return false;
	*out = n->e;
	return true;
}

bool allow_grant(struct allow *a, const struct inet_addr *client, int64_t ms)
{
	struct node *n = find(a, client);
	int64_t now = clock_wall();

	if (a->granted >= LIMIT_ALLOW_GRANTS && (n == NULL || !is_granted(n)))
		return false;
	if (n == NULL)
		n = make(a, client);
	unlink_node(a, n);
	n->e.allowed = ms > INT64_MAX - now ? INT64_MAX : now + ms;
	link_node(a, n);
	allow_changed(a, ALLOW_SOON);
	return true;
}

bool allow_forget(struct allow *a, const struct inet_addr *client)
{
	struct node *n = find(a, client);

	if (n == NULL)
		return false;
	drop(a, n);
	allow_changed(a, ALLOW_SOON);
	return true;
}

/* What was kept, if it is of use still; in the order in which it is to be forgotten. */
void allow_take(struct allow *a, const struct allow_entry *e)
{
	struct node *n = find(a, &e->network);

	if (passed(e, clock_wall()) == 0 || (e->allowed && a->granted >= LIMIT_ALLOW_GRANTS))
		return;
	if (n)
		drop(a, n);
	n = make(a, &e->network);
	unlink_node(a, n);
	memcpy(n->e.until, e->until, sizeof n->e.until);
	n->e.allowed = e->allowed;
	link_node(a, n);
}

/* ---- time goes by ---- */

/* What an operator gave for some days falls back to what the client earned. */
static void age(struct allow *a, struct node *n, int64_t now)
{
	if (is_granted(n) && n->e.allowed <= now) {
		unlink_node(a, n);
		n->e.allowed = 0;
		link_node(a, n);
	}
	if (passed(&n->e, now) == 0)
		drop(a, n);
}

static void sweep(void *arg)
{
	struct allow *a = arg;
	int64_t now = clock_wall();
	struct str key;
	void *value;

	for (size_t i = 0; i < LIMIT_ALLOW_SLICE; i++) {
		if (!map_next(a->map, &a->sweep_at, &key, &value)) {
			a->sweep_at = 0;
			break;
		}
		age(a, value, now);
	}
	timer_set(a->sweep, LIMIT_ALLOW_SWEEP);
}

/* ---- birth and death ---- */

struct allow *allow_create(
	struct loop *l, const struct screen_options *options, const char *state_dir)
{
	struct allow *a = mem_alloc(sizeof *a);

	a->loop = l;
	a->options = options;
	a->map = map_create();
	a->sweep = timer_new(l, sweep, a);
	allow_file_open(a, state_dir);
	timer_set(a->sweep, LIMIT_ALLOW_SWEEP);
	return a;
}

void allow_destroy(struct allow **a)
{
	struct allow *gone = *a;

	*a = NULL;
	if (gone == NULL)
		return;
	allow_file_close(gone);
	timer_destroy(&gone->sweep);
	map_destroy(&gone->map, free);
	free(gone);
}
