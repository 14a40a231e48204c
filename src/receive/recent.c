/*
 * recent.c - a map whose entries stand in the order of their last use
 *
 * From     auth.c, for networks, accounts and pairs of them.
 * Owns     the entries.
 */
#include "recent.h"

#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>

struct recent {
	struct map *map;
	struct recent_entry *oldest, *newest;
	size_t max;
};

struct recent *recent_create(size_t max)
{
	struct recent *r = mem_alloc(sizeof *r);

	r->map = map_create();
	r->max = max;
	return r;
}

static void unlink_entry(struct recent *r, struct recent_entry *e)
{
	*(e->older ? &e->older->newer : &r->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &r->newest) = e->older;
}

static void link_newest(struct recent *r, struct recent_entry *e)
{
	e->newer = NULL;
	e->older = r->newest;
	*(r->newest ? &r->newest->newer : &r->oldest) = e;
	r->newest = e;
}

static void drop(struct recent *r, struct recent_entry *e)
{
	map_remove(r->map, e->key);
	unlink_entry(r, e);
	free((char *)e->key.p);
	free(e);
}

void recent_destroy(struct recent **r)
{
	struct recent *gone = *r;

	*r = NULL;
	if (gone == NULL)
		return;
	while (gone->oldest)
		drop(gone, gone->oldest);
	map_destroy(&gone->map, NULL);
	free(gone);
}

struct recent_entry *recent_find(const struct recent *r, struct str key)
{
	return map_get(r->map, key);
}

struct recent_entry *recent_touch(struct recent *r, struct str key)
{
	struct recent_entry *e = recent_find(r, key);

	if (e) {
		unlink_entry(r, e);
		link_newest(r, e);
		return e;
	}
	if (map_count(r->map) >= r->max)
		drop(r, r->oldest);
	e = mem_alloc(sizeof *e);
	e->key = str_make(mem_copy(key.p, key.n), key.n);
	map_put(r->map, e->key, e);
	link_newest(r, e);
	return e;
}

void recent_forget(struct recent *r, struct str key)
{
	struct recent_entry *e = recent_find(r, key);

	if (e)
		drop(r, e);
}

const struct recent_entry *recent_oldest(const struct recent *r)
{
	return r->oldest;
}
