/*
 * dns_cache.c - answers kept for as long as their TTL says
 *
 * From     dns.c, before it asks and after it heard.
 * Owns     a reference to each answer in it, in a list from the last used to the longest unused.
 * Never    grows past its two limits, whatever TTLs outsiders choose.
 */
#include "dns_cache.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- one answer ---- */

static size_t text_bytes(const struct dns_answer *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->v[i].name.n + a->v[i].data.n;
	return n;
}

static struct str put_text(char **at, struct str s)
{
	struct str out = str_make(*at, s.n);

	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return out;
}

struct dns_stored *dns_stored_create(const struct dns_answer *answer, int64_t now)
{
	size_t records = answer->n * sizeof *answer->v;
	size_t bytes = sizeof(struct dns_stored) + records + text_bytes(answer);
	struct dns_stored *s = mem_alloc(bytes);
	struct dns_record *v = (struct dns_record *)(s + 1);
	char *text = (char *)(v + answer->n);

	s->answer = *answer;
	s->answer.v = v;
	s->expires = now + (int64_t)answer->ttl * 1000;
	s->bytes = bytes;
	s->refs = 1;
	for (size_t i = 0; i < answer->n; i++) {
		v[i] = answer->v[i];
		v[i].name = put_text(&text, answer->v[i].name);
		v[i].data = put_text(&text, answer->v[i].data);
	}
	return s;
}

struct dns_stored *dns_stored_take(struct dns_stored *s)
{
	s->refs++;
	return s;
}

void dns_stored_drop(struct dns_stored **s)
{
	struct dns_stored *old = *s;

	*s = NULL;
	if (old && --old->refs == 0)
		free(old);
}

/* ---- all of them ---- */

struct entry {
	struct entry *newer, *older;
	struct dns_stored *stored;
	size_t bytes;
	size_t key_n;
	char key[];
};

struct dns_cache {
	struct map *by_key;
	struct entry *newest, *oldest;
	size_t bytes, bytes_max, entries_max;
};

struct dns_cache *dns_cache_create(size_t entries, size_t bytes)
{
	struct dns_cache *c = mem_alloc(sizeof *c);

	c->by_key = map_create();
	c->entries_max = entries;
	c->bytes_max = bytes;
	return c;
}

static void unlink_entry(struct dns_cache *c, struct entry *e)
{
	*(e->newer ? &e->newer->older : &c->newest) = e->older;
	*(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_newest(struct dns_cache *c, struct entry *e)
{
	e->newer = NULL;
	e->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = e;
	c->newest = e;
}

static void drop_entry(struct dns_cache *c, struct entry *e)
{
	map_remove(c->by_key, str_make(e->key, e->key_n));
	unlink_entry(c, e);
	c->bytes -= e->bytes;
	dns_stored_drop(&e->stored);
	free(e);
}

void dns_cache_destroy(struct dns_cache **c)
{
	if (*c == NULL)
		return;
	while ((*c)->newest)
		drop_entry(*c, (*c)->newest);
	map_destroy(&(*c)->by_key, NULL);
	free(*c);
	*c = NULL;
}

struct dns_stored *dns_cache_get(struct dns_cache *c, struct str key, int64_t now)
{
	struct entry *e = map_get(c->by_key, key);

	if (e == NULL)
		return NULL;
	if (e->stored->expires <= now) {
		drop_entry(c, e);
		return NULL;
	}
	unlink_entry(c, e);
	link_newest(c, e);
	return e->stored;
}

void dns_cache_put(struct dns_cache *c, struct str key, struct dns_stored *s)
{
	struct entry *e = map_get(c->by_key, key);

	if (e)
		drop_entry(c, e);
	e = mem_alloc(sizeof *e + key.n);
	e->stored = dns_stored_take(s);
	e->bytes = s->bytes + sizeof *e + 2 * key.n;        /* the map has the key once more */
	e->key_n = key.n;
	memcpy(e->key, key.p, key.n);
	map_put(c->by_key, key, e);
	link_newest(c, e);
	c->bytes += e->bytes;
	while (c->bytes > c->bytes_max || map_count(c->by_key) > c->entries_max)
		drop_entry(c, c->oldest);
}

size_t dns_cache_count(const struct dns_cache *c)
{
	return map_count(c->by_key);
}
