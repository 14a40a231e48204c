/*
 * pool.c - idle connections, oldest first
 *
 * From     the attempt, when its transaction is over.
 * To       the next attempt to the same address on the same terms (the key says which).
 * Owns     the clients in it. One that dies here is dropped without a word: it owes nobody
 *          anything.
 */
#include "pool.h"
#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct entry {
	struct entry *older, *newer;
	struct pool *pool;
	struct client *client;
	char *key;
	int64_t until;                     /* clock_mono */
};

struct pool {
	struct entry *oldest, *newest;
	size_t count, max, per_key;
	int64_t idle;
	struct timer *timer;
};

/* The client is the caller's. */
static struct client *remove_entry(struct entry *e)
{
	struct pool *p = e->pool;
	struct client *c = e->client;

	*(e->older ? &e->older->newer : &p->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &p->newest) = e->older;
	p->count--;
	free(e->key);
	free(e);
	return c;
}

static void drop(struct entry *e)
{
	struct client *c = remove_entry(e);

	client_close(&c);
}

static void set_timer(struct pool *p)
{
	if (p->oldest)
		timer_set(p->timer, p->oldest->until - clock_mono());
	else
		timer_clear(p->timer);
}

static void drop_old(void *arg)
{
	struct pool *p = arg;

	while (p->oldest && p->oldest->until <= clock_mono())
		drop(p->oldest);
	set_timer(p);
}

static void lost(void *owner, const struct client_loss *loss)
{
	(void)loss;
	drop(owner);
}

/* Without a transaction nothing but the end can be heard. */
static const struct client_calls calls = { .lost = lost };

struct pool *pool_create(struct loop *l, size_t max, size_t per_key, int64_t idle)
{
	struct pool *p = mem_alloc(sizeof(*p));

	p->max = max;
	p->per_key = per_key;
	p->idle = idle;
	p->timer = timer_new(l, drop_old, p);
	return p;
}

void pool_destroy(struct pool **p)
{
	if (!*p)
		return;
	while ((*p)->oldest)
		drop((*p)->oldest);
	timer_destroy(&(*p)->timer);
	free(*p);
	*p = NULL;
}

static struct entry *find(const struct pool *p, const char *key)
{
	for (struct entry *e = p->newest; e; e = e->older)
		if (strcmp(e->key, key) == 0)
			return e;
	return NULL;
}

bool pool_has(const struct pool *p, const char *key)
{
	return find(p, key) != NULL;
}

struct client *pool_take(struct pool *p, const char *key)
{
	struct entry *e = find(p, key);

	return e ? remove_entry(e) : NULL;
}

static size_t count_of(const struct pool *p, const char *key)
{
	size_t n = 0;

	for (struct entry *e = p->oldest; e; e = e->newer)
		n += strcmp(e->key, key) == 0;
	return n;
}

void pool_give(struct pool *p, const char *key, struct client **c)
{
	struct entry *e;

	if (!client_is_reusable(*c) || p->idle <= 0 || count_of(p, key) >= p->per_key) {
		client_close(c);
		return;
	}
	if (p->count >= p->max)
		drop(p->oldest);
	e = mem_alloc(sizeof(*e));
	*e = (struct entry){ .older = p->newest, .pool = p, .client = *c, .key = mem_string(key),
		.until = clock_mono() + p->idle };
	*(p->newest ? &p->newest->newer : &p->oldest) = e;
	p->newest = e;
	p->count++;
	client_own(e->client, &calls, e);
	*c = NULL;
	set_timer(p);
}

size_t pool_count(const struct pool *p)
{
	return p->count;
}
