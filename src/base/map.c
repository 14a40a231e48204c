/*
 * map.c - a hash map with open addressing and a secret seed
 *
 * Owns     the table and copies of the keys; values are the caller's.
 * See      SipHash would cost more than it gains here: the seed is drawn for each process and the tables are
 *          bounded; FNV-1a mixed with the seed and finished by a multiply-shift is enough.
 */
#include "base/map.h"
#include "base/mem.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

struct slot {
	char *key;              /* NULL: free; `gone`: removed */
	size_t n;
	uint64_t hash;
	void *value;
};

struct map {
	struct slot *slots;
	size_t size, used, live;      /* used counts removed ones too */
	uint64_t seed;
};

static char gone[1];

struct map *map_create(void)
{
	struct map *m = mem_alloc(sizeof *m);

	random_bytes(&m->seed, sizeof m->seed);
	return m;
}

void map_destroy(struct map **m, void (*drop)(void *value))
{
	if (*m == NULL)
		return;
	for (size_t i = 0; i < (*m)->size; i++) {
		struct slot *s = &(*m)->slots[i];

		if (s->key == NULL || s->key == gone)
			continue;
		if (drop)
			drop(s->value);
		free(s->key);
	}
	free((*m)->slots);
	free(*m);
	*m = NULL;
}

static uint64_t hash_of(const struct map *m, struct str key)
{
	uint64_t h = 0xcbf29ce484222325u ^ m->seed;

	for (size_t i = 0; i < key.n; i++)
		h = (h ^ (unsigned char)key.p[i]) * 0x100000001b3u;
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15u ^ (m->seed | 1);
	return h ^ h >> 29;
}

static struct slot *find(const struct map *m, struct str key, uint64_t hash)
{
	if (m->size == 0)
		return NULL;
	for (size_t i = hash & (m->size - 1);; i = (i + 1) & (m->size - 1)) {
		struct slot *s = &m->slots[i];

		if (s->key == NULL)
			return NULL;
		if (s->key != gone && s->hash == hash && s->n == key.n && memcmp(s->key, key.p, key.n) == 0)
			return s;
	}
}

static void place(struct map *m, struct slot from)
{
	size_t i = from.hash & (m->size - 1);

	while (m->slots[i].key)
		i = (i + 1) & (m->size - 1);
	m->slots[i] = from;
}

static void grow(struct map *m)
{
	struct slot *old = m->slots;
	size_t n = m->size;

	m->size = m->live * 4 < 16 ? 16 : m->live * 2 >= m->size ? m->size * 2 : m->size;
	m->slots = mem_alloc(m->size * sizeof *m->slots);
	m->used = m->live;
	for (size_t i = 0; i < n; i++)
		if (old[i].key && old[i].key != gone)
			place(m, old[i]);
	free(old);
}

void *map_get(const struct map *m, struct str key)
{
	struct slot *s = find(m, key, hash_of(m, key));

	return s ? s->value : NULL;
}

void *map_put(struct map *m, struct str key, void *value)
{
	uint64_t hash = hash_of(m, key);
	struct slot *s = find(m, key, hash);

	if (s) {
		void *old = s->value;

		s->value = value;
		return old;
	}
	if (m->used * 4 >= m->size * 3)
		grow(m);
	place(m, (struct slot){ mem_copy(key.p, key.n), key.n, hash, value });
	m->used++;
	m->live++;
	return NULL;
}

void *map_remove(struct map *m, struct str key)
{
	struct slot *s = find(m, key, hash_of(m, key));

	if (s == NULL)
		return NULL;
	void *value = s->value;
	free(s->key);
	s->key = gone;
	s->value = NULL;
	m->live--;
	return value;
}

size_t map_count(const struct map *m)
{
	return m->live;
}

bool map_next(const struct map *m, size_t *at, struct str *key, void **value)
{
	for (; *at < m->size; (*at)++) {
		const struct slot *s = &m->slots[*at];

		if (s->key && s->key != gone) {
			*key = str_make(s->key, s->n);
			*value = s->value;
			(*at)++;
			return true;
		}
	}
	return false;
}
