/*
 * tree.c - the values of a configuration, each with its place, and who knows which keys
 *
 * From     parse.c, which builds it node by node.
 * To       readers in all folders, through config.h.
 * Owns     nothing: nodes and their tables live in the config's arena.
 */
#include "tree.h"

#include "base/limits.h"
#include "base/must.h"

#include <stdlib.h>
#include <string.h>

struct config_node *tree_node(struct config *c, struct config_file *f, enum config_kind kind,
	int line, int column)
{
	struct config_node *n = arena_alloc(c->arena, sizeof(*n));

	n->kind = kind;
	n->file = f;
	n->line = line;
	n->column = column;
	return n;
}

/* An array that doubles; the old one stays in the arena, which costs at most as much again. */
static void *grown(struct config *c, const void *old, size_t n, size_t cap, size_t size)
{
	void *v = arena_alloc(c->arena, cap * size);

	if (n > 0)
		memcpy(v, old, n * size);
	return v;
}

void tree_add(struct config *c, struct config_node *parent, struct config_node *key,
	struct config_node *item)
{
	if (parent->n == parent->cap) {
		parent->cap = parent->cap ? 2 * parent->cap : 4;
		parent->items = grown(c, parent->items, parent->n, parent->cap,
			sizeof(*parent->items));
		if (key)
			parent->keys = grown(c, parent->keys, parent->n, parent->cap,
				sizeof(*parent->keys));
	}
	if (key) {
		key->value = item;
		parent->keys[parent->n] = key;
	}
	parent->items[parent->n++] = item;
}

static int compare_text(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return d != 0 ? d : (a.n > b.n) - (a.n < b.n);
}

static int compare_keys(const void *a, const void *b)
{
	const struct config_node *x = *(struct config_node *const *)a;
	const struct config_node *y = *(struct config_node *const *)b;
	int d = compare_text(x->text, y->text);

	if (d == 0)
		d = (x->line > y->line) - (x->line < y->line);
	if (d == 0)
		d = (x->column > y->column) - (x->column < y->column);
	return d;
}

void tree_sort(struct config *c, struct config_node *map)
{
	const struct config_node *first = NULL;

	must(map->kind == CONFIG_MAP && !map->sorted);
	if (map->n == 0)
		return;
	map->sorted = grown(c, map->keys, map->n, map->n, sizeof(*map->sorted));
	qsort(map->sorted, map->n, sizeof(*map->sorted), compare_keys);
	for (size_t i = 0; i < map->n; i++) {
		struct config_node *key = map->sorted[i];

		if (!first || !str_eq(first->text, key->text)) {
			first = key;
			continue;
		}
		key->twice = true;
		config_error(c, key,
			"the key %s was already given in line %d, column %d; keep one of the two",
			problem_describe(c, key), first->line, first->column);
	}
}

struct config_node *tree_find(const struct config_node *map, struct str key)
{
	size_t low = 0, high;

	if (config_kind(map) != CONFIG_MAP)
		return NULL;
	/* the first of equal keys: the lowest place whose text is not below */
	for (high = map->n; low < high;) {
		size_t mid = low + (high - low) / 2;

		if (compare_text(map->sorted[mid]->text, key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < map->n && str_eq(map->sorted[low]->text, key) ? map->sorted[low] : NULL;
}

void tree_ask(struct config *c, struct config_node *map, const char *key)
{
	for (size_t i = 0; i < map->asked_n; i++)
		if (strcmp(map->asked[i], key) == 0)
			return;
	if (map->asked_n == LIMIT_CONFIG_ASKED)
		return;
	if (map->asked_n == map->asked_cap) {
		map->asked_cap = map->asked_cap ? 2 * map->asked_cap : 8;
		map->asked = grown(c, map->asked, map->asked_n, map->asked_cap,
			sizeof(*map->asked));
	}
	map->asked[map->asked_n++] = arena_text(c->arena, str_of(key));
}

enum config_kind config_kind(const struct config_node *n)
{
	return n ? n->kind : CONFIG_NULL;
}

struct str config_text(const struct config_node *n)
{
	return config_kind(n) == CONFIG_SCALAR ? n->text : STR("");
}

size_t config_count(const struct config_node *n)
{
	return n ? n->n : 0;
}

const struct config_node *config_item(const struct config_node *n, size_t i)
{
	must(i < config_count(n));
	return n->items[i];
}

/* That it was asked for is noted in the key, which the tree owns: const is the reader's view. */
const struct config_node *config_key(const struct config_node *n, size_t i)
{
	must(config_kind(n) == CONFIG_MAP && i < n->n);
	n->keys[i]->known = true;
	return n->keys[i];
}
