/*
 * entries.c - the queue in memory: a row sorted by id, and a heap by time
 *
 * Ids grow with time, so new entries nearly always go to the end of the row, and old ones leave at
 * its front.
 *
 * Owns     the entries, but not what hangs on them.
 * Never    looks at the clock or at the disk.
 */
#include "entries.h"
#include "base/mem.h"
#include "base/must.h"

#include <stdlib.h>
#include <string.h>

void entries_finish(struct entries *all)
{
	must(all->living == 0);
	free(all->slots);
	free(all->heap);
	*all = (struct entries){ 0 };
}

/* The first slot whose id is not below id. */
static size_t find_slot(const struct entries *all, uint64_t id)
{
	size_t low = all->first, high = all->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (all->slots[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void squeeze(struct entries *all)
{
	size_t to = 0;

	for (size_t i = all->first; i < all->count; i++)
		if (all->slots[i].e)
			all->slots[to++] = all->slots[i];
	all->count = to;
	all->first = 0;
}

struct entry *entries_add(struct entries *all, uint64_t id)
{
	size_t at = find_slot(all, id);
	struct entry *e;

	if (at < all->count && all->slots[at].id == id) {
		if (all->slots[at].e)
			return NULL;
	} else {
		if (all->count == all->room) {
			all->room = all->room ? all->room * 2 : 64;
			all->slots = mem_resize(all->slots, all->room * sizeof *all->slots);
		}
		memmove(all->slots + at + 1, all->slots + at,
			(all->count - at) * sizeof *all->slots);
		all->count++;
	}
	e = mem_alloc(sizeof *e);
	e->id = id;
	all->slots[at].id = id;
	all->slots[at].e = e;
	all->living++;
	return e;
}

struct entry *entries_find(const struct entries *all, uint64_t id)
{
	size_t at = find_slot(all, id);

	return at < all->count && all->slots[at].id == id ? all->slots[at].e : NULL;
}

struct entry *entries_after(const struct entries *all, uint64_t id)
{
	if (id == UINT64_MAX)
		return NULL;
	for (size_t at = find_slot(all, id + 1); at < all->count; at++)
		if (all->slots[at].e)
			return all->slots[at].e;
	return NULL;
}

void entries_drop(struct entries *all, struct entry *e)
{
	size_t at = find_slot(all, e->id);

	must(at < all->count && all->slots[at].e == e && e->m == NULL && e->attempt == NULL);
	entries_pull(all, e);
	all->slots[at].e = NULL;
	all->living--;
	free(e->last_reply);
	free(e);
	while (all->first < all->count && all->slots[all->first].e == NULL)
		all->first++;
	if (all->count > 64 && all->living < all->count / 2)
		squeeze(all);
}

static void heap_set(struct entries *all, size_t at, struct entry *e)
{
	all->heap[at] = e;
	e->heap_at = (uint32_t)at + 1;
}

static void heap_up(struct entries *all, size_t at, struct entry *e)
{
	while (at > 0 && all->heap[(at - 1) / 2]->next > e->next) {
		heap_set(all, at, all->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_set(all, at, e);
}

static void heap_down(struct entries *all, size_t at, struct entry *e)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= all->heap_count)
			break;
		if (child + 1 < all->heap_count
			&& all->heap[child + 1]->next < all->heap[child]->next)
			child++;
		if (all->heap[child]->next >= e->next)
			break;
		heap_set(all, at, all->heap[child]);
		at = child;
	}
	heap_set(all, at, e);
}

void entries_push(struct entries *all, struct entry *e)
{
	must(e->heap_at == 0);
	if (all->heap_count == all->heap_room) {
		all->heap_room = all->heap_room ? all->heap_room * 2 : 64;
		all->heap = mem_resize(all->heap, all->heap_room * sizeof *all->heap);
	}
	heap_up(all, all->heap_count++, e);
}

void entries_pull(struct entries *all, struct entry *e)
{
	if (e->heap_at == 0)
		return;
	size_t at = e->heap_at - 1;
	struct entry *last = all->heap[--all->heap_count];

	e->heap_at = 0;
	if (last == e)
		return;
	if (at > 0 && all->heap[(at - 1) / 2]->next > last->next)
		heap_up(all, at, last);
	else
		heap_down(all, at, last);
}

struct entry *entries_top(const struct entries *all)
{
	return all->heap_count ? all->heap[0] : NULL;
}
