/*
 * hosts.c - so that a dead host isn't waited for by every message, nor broken TLS tried by each
 *
 * From     the attempt, after a connection failed, and before the next is made.
 * Owns     a bounded table by address and port; the oldest entry goes.
 * Never    remembers what a host said about a message: that is the recipients' own.
 */
#include "hosts.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>

struct host {
	struct host *older, *newer;
	struct endpoint endpoint;
	struct reply reply;
	int64_t down_until, no_tls_until;    /* clock_mono */
};

struct hosts {
	struct map *by_endpoint;
	struct host *oldest, *newest;
	size_t max;
};

struct hosts *hosts_create(size_t max)
{
	struct hosts *h = mem_alloc(sizeof(*h));

	h->by_endpoint = map_create();
	h->max = max;
	return h;
}

void hosts_destroy(struct hosts **h)
{
	if (!*h)
		return;
	map_destroy(&(*h)->by_endpoint, free);
	free(*h);
	*h = NULL;
}

static void unlink_host(struct hosts *h, struct host *x)
{
	*(x->older ? &x->older->newer : &h->oldest) = x->newer;
	*(x->newer ? &x->newer->older : &h->newest) = x->older;
}

static void forget(struct hosts *h, struct host *x)
{
	char key[INET_TEXT_MAX];

	unlink_host(h, x);
	map_remove(h->by_endpoint, str_of(endpoint_text(&x->endpoint, key)));
	free(x);
}

static struct host *find(const struct hosts *h, const struct endpoint *e)
{
	char key[INET_TEXT_MAX];

	return map_get(h->by_endpoint, str_of(endpoint_text(e, key)));
}

static struct host *find_or_add(struct hosts *h, const struct endpoint *e)
{
	struct host *x = find(h, e);
	char key[INET_TEXT_MAX];

	if (x)
		return x;
	if (map_count(h->by_endpoint) >= h->max)
		forget(h, h->oldest);
	x = mem_alloc(sizeof(*x));
	x->endpoint = *e;
	x->older = h->newest;
	*(h->newest ? &h->newest->newer : &h->oldest) = x;
	h->newest = x;
	map_put(h->by_endpoint, str_of(endpoint_text(e, key)), x);
	return x;
}

void hosts_set_down(
	struct hosts *h, const struct endpoint *e, const struct reply *reply, int64_t ms)
{
	if (ms <= 0)
		return;
	struct host *x = find_or_add(h, e);

	x->reply = *reply;
	x->down_until = clock_mono() + ms;
}

const struct reply *hosts_down(struct hosts *h, const struct endpoint *e)
{
	struct host *x = find(h, e);

	return x && x->down_until > clock_mono() ? &x->reply : NULL;
}

void hosts_set_up(struct hosts *h, const struct endpoint *e)
{
	struct host *x = find(h, e);

	if (!x)
		return;
	x->down_until = 0;
	if (x->no_tls_until <= clock_mono())
		forget(h, x);
}

void hosts_set_no_tls(struct hosts *h, const struct endpoint *e, int64_t ms)
{
	find_or_add(h, e)->no_tls_until = clock_mono() + ms;
}

bool hosts_no_tls(struct hosts *h, const struct endpoint *e)
{
	struct host *x = find(h, e);

	return x && x->no_tls_until > clock_mono();
}
