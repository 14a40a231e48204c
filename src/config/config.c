/*
 * config.c - a configuration, from its file to the last key that nobody knows
 *
 * From     admin/settings.c, with a path.
 * To       tables and readers of all folders, which ask for their keys.
 * Owns     the arena in which everything lives, so that a reload can read a second config beside
 *          it.
 * Fails    never: what is wrong is a problem like others, told by config_print_problems.
 */
#include "tree.h"

#include "base/must.h"

#include <stdlib.h>
#include <string.h>

struct config *config_load(const char *path)
{
	struct arena *arena = arena_create();
	struct config *c = arena_alloc(arena, sizeof(*c));

	c->arena = arena;
	c->root = parse_file(c, arena_text(arena, str_of(path)), NULL, 1);
	if (c->root && c->root->kind != CONFIG_MAP) {
		config_error(c, c->root,
			"expected keys such as ptr_hostname: mail.example.com, not %s",
			problem_describe(c, c->root));
		c->root = NULL;
	}
	c->unreadable = !c->root;
	return c;
}

void config_destroy(struct config **c)
{
	struct arena *arena;

	if (!*c)
		return;
	free((*c)->problems);
	arena = (*c)->arena;
	arena_destroy(&arena);
	*c = NULL;
}

const struct config_node *config_root(const struct config *c)
{
	return c->root;
}

struct arena *config_arena(struct config *c)
{
	return c->arena;
}

/* The map is the tree's own: const is the reader's view, and config_finish wants to know what
 * was asked. */
const struct config_node *config_get(const struct config_node *map, const char *key)
{
	struct config_node *m = (struct config_node *)map, *found;

	if (config_kind(map) != CONFIG_MAP)
		return NULL;
	tree_ask(m->file->owner, m, key);
	found = tree_find(map, str_of(key));
	if (!found)
		return NULL;
	found->known = true;
	return found->value;
}

const char *config_path(struct config *c, const struct config_node *n, struct str path)
{
	const char *folder = n ? n->file->folder : c->main->folder;

	if (str_starts(path, STR("/")))
		return arena_text(c->arena, path);
	return arena_printf(c->arena, "%s%.*s", folder, STR_FMT(path));
}

static void refuse_unknown(struct config *c, const struct config_node *map,
	const struct config_node *key)
{
	const char *near = nearest_word(key->text, map->asked, map->asked_n);
	struct buf known;

	if (near) {
		config_error(c, key, "unknown key %s; did you mean \"%s\"?",
			problem_describe(c, key), near);
		return;
	}
	buf_init(&known, 1000);
	for (size_t i = 0; i < map->asked_n; i++)
		buf_addf(&known, "%s%s", i > 0 ? ", " : "", map->asked[i]);
	config_error(c, key, "unknown key %s; %s%s", problem_describe(c, key),
		map->asked_n > 0 ? "known here: " : "remove it", buf_text(&known));
	buf_finish(&known);
}

/* A mapping of which nobody asked anything stands where none was expected, which was told
 * already. */
static void finish_node(struct config *c, const struct config_node *n)
{
	bool was_read = n->asked_n > 0;

	for (size_t i = 0; n->keys && i < n->n; i++)
		was_read = was_read || n->keys[i]->known;
	for (size_t i = 0; i < n->n; i++) {
		if (n->kind == CONFIG_LIST || n->keys[i]->known)
			finish_node(c, n->items[i]);
		else if (was_read && !n->keys[i]->twice)
			refuse_unknown(c, n, n->keys[i]);
	}
}

void config_finish(struct config *c)
{
	if (c->root)
		finish_node(c, c->root);
}
