/*
 * table.c - rows of {key, type, default, bounds} and a mapping, made into a struct
 *
 * From     the folders' options.c, whose tables say what may stand in the file.
 * To       their structs, every field filled: with what was given, or with the default.
 * Never    leaves a field undefined: what is wrong is told, and the default stands in for it.
 */
#include "tree.h"

#include "base/must.h"

#include <inttypes.h>
#include <string.h>

/* One value being read: what table rows and messages need to know about it. */
struct reading {
	struct config *c;
	const struct config_row *row;
	const struct config_node *node;
};

static bool wrong(const struct reading *r, const char *expected)
{
	config_error(r->c, r->node, "%s: expected %s, not %s", r->row->key, expected,
		problem_describe(r->c, r->node));
	return false;
}

static bool is_scalar(const struct config_node *n)
{
	return config_kind(n) == CONFIG_SCALAR;
}

static bool read_bool(const struct reading *r, bool *out)
{
	bool value = false;

	if (!is_scalar(r->node) || !value_bool(r->node->text, &value))
		return wrong(r, "true or false");
	*out = value;
	return true;
}

/* Numbers, sizes and durations. */
static bool read_amount(const struct reading *r, int64_t *out)
{
	static const struct {
		const char *expected;
		bool (*parse)(struct str s, int64_t *out);
	} kinds[] = {
		[CONFIG_NUMBER] = { "a whole number such as 25", value_number },
		[CONFIG_SIZE] = { "a size such as 512K, 50M or 1G", value_size },
		[CONFIG_DURATION] = { "a duration such as 5s, 10m, 4h or 5d", value_duration },
	};
	const struct config_row *row = r->row;
	bool any = row->min == 0 && row->max == 0, open = row->max < row->min;
	char low[32], high[32];
	int64_t value = 0;

	if (!is_scalar(r->node) || !kinds[row->type].parse(r->node->text, &value))
		return wrong(r, kinds[row->type].expected);
	if (!any && (value < row->min || (!open && value > row->max))) {
		config_error(r->c, r->node, "%s: %s is too %s; expected %s %s%s%s", row->key,
			problem_describe(r->c, r->node), value < row->min ? "little" : "much",
			open ? "at least" : "from", value_text(row->type, row->min, low),
			open ? "" : " to ", open ? "" : value_text(row->type, row->max, high));
		return false;
	}
	*out = value;
	return true;
}

static bool read_string(const struct reading *r, const char **out)
{
	if (!is_scalar(r->node))
		return wrong(r, "a text");
	*out = r->node->text.p;
	return true;
}

static bool read_path(const struct reading *r, const char **out)
{
	if (!is_scalar(r->node) || r->node->text.n == 0)
		return wrong(r, "the path of a file or folder");
	*out = config_path(r->c, r->node, r->node->text);
	return true;
}

static bool read_word(const struct reading *r, int *out)
{
	const char *const *words = r->row->words;
	const char *near = NULL;
	struct buf b;
	size_t n = 0;

	for (; words[n]; n++) {
		if (is_scalar(r->node) && str_eq(r->node->text, str_of(words[n]))) {
			*out = (int)n;
			return true;
		}
	}
	buf_init(&b, 1000);
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", words[i]);
	if (is_scalar(r->node))
		near = nearest_word(r->node->text, words, n);
	config_error(r->c, r->node, "%s: expected %s, not %s%s%s%s", r->row->key, buf_text(&b),
		problem_describe(r->c, r->node), near ? "; did you mean \"" : "", near ? near : "",
		near ? "\"?" : "");
	buf_finish(&b);
	return false;
}

/* One entry of a list into one slot. */
typedef bool read_entry(const struct reading *r, void *slot);

static bool entry_string(const struct reading *r, void *slot)
{
	if (!is_scalar(r->node))
		return wrong(r, "a text, or a list of texts");
	*(const char **)slot = r->node->text.p;
	return true;
}

static bool entry_network(const struct reading *r, void *slot)
{
	if (!is_scalar(r->node) || !network_parse(slot, r->node->text))
		return wrong(r, "a network such as 192.0.2.0/24 or 2001:db8::/32, or a list of "
			"them");
	return true;
}

static bool entry_endpoint(const struct reading *r, void *slot)
{
	uint16_t port = (uint16_t)r->row->min;

	if (is_scalar(r->node) && endpoint_parse(slot, r->node->text, port))
		return true;
	return wrong(r, arena_printf(r->c->arena,
		"an address%s such as \"192.0.2.1:%d\" or \"[2001:db8::1]:%d\", or a list of "
		"them", port > 0 ? "" : " with its port", port > 0 ? port : 25,
		port > 0 ? port : 25));
}

static const struct list_kind {
	size_t size;
	read_entry *read;
} list_kinds[] = {
	[CONFIG_STRINGS] = { sizeof(const char *), entry_string },
	[CONFIG_NETWORKS] = { sizeof(struct network), entry_network },
	[CONFIG_ENDPOINTS] = { sizeof(struct endpoint), entry_endpoint },
};

/* A list, or one entry in its place. NULL: told. */
static void *read_list(const struct reading *r, size_t *n)
{
	const struct list_kind *kind = &list_kinds[r->row->type];
	bool one = config_kind(r->node) != CONFIG_LIST, ok = true;
	size_t count = one ? 1 : r->node->n;
	char *v = arena_alloc(r->c->arena, (count + 1) * kind->size);
	struct reading entry = *r;

	for (size_t i = 0; i < count; i++) {
		entry.node = one ? r->node : r->node->items[i];
		ok = kind->read(&entry, v + i * kind->size) && ok;
	}
	*n = ok ? count : 0;
	return ok ? v : NULL;
}

static bool read_field(const struct reading *r, void *field)
{
	struct config_strings *strings = field;
	struct config_networks *networks = field;
	struct config_endpoints *endpoints = field;

	switch (r->row->type) {
	case CONFIG_BOOL:
		return read_bool(r, field);
	case CONFIG_NUMBER:
	case CONFIG_SIZE:
	case CONFIG_DURATION:
		return read_amount(r, field);
	case CONFIG_STRING:
		return read_string(r, field);
	case CONFIG_PATH:
		return read_path(r, field);
	case CONFIG_WORD:
		return read_word(r, field);
	case CONFIG_STRINGS:
		strings->v = read_list(r, &strings->n);
		return strings->v != NULL;
	case CONFIG_NETWORKS:
		networks->v = read_list(r, &networks->n);
		return networks->v != NULL;
	case CONFIG_ENDPOINTS:
		endpoints->v = read_list(r, &endpoints->n);
		return endpoints->v != NULL;
	case CONFIG_CUSTOM:
		break;
	}
	r->row->read(r->c, r->node, field);
	return true;
}

static void clear_field(const struct config_row *row, void *field)
{
	static const size_t sizes[] = {
		[CONFIG_BOOL] = sizeof(bool), [CONFIG_NUMBER] = sizeof(int64_t),
		[CONFIG_SIZE] = sizeof(int64_t),
		[CONFIG_DURATION] = sizeof(int64_t), [CONFIG_STRING] = sizeof(const char *),
		[CONFIG_PATH] = sizeof(const char *), [CONFIG_WORD] = sizeof(int),
		[CONFIG_STRINGS] = sizeof(struct config_strings),
		[CONFIG_NETWORKS] = sizeof(struct config_networks),
		[CONFIG_ENDPOINTS] = sizeof(struct config_endpoints),
		[CONFIG_CUSTOM] = 0,       /* its reader knows */
	};

	memset(field, 0, sizes[row->type]);
}

static bool is_list_type(enum config_type type)
{
	return type == CONFIG_STRINGS || type == CONFIG_NETWORKS || type == CONFIG_ENDPOINTS;
}

/* The default as if it stood in the file's first line. */
static struct config_node *fallback_node(struct config *c, const struct config_row *row)
{
	struct config_node *list = tree_node(c, c->main, CONFIG_LIST, 1, 1), *item;
	struct str rest = str_of(row->fallback);

	if (!is_list_type(row->type)) {
		list->kind = CONFIG_SCALAR;
		list->text = arena_str(c->arena, rest);
		return list;
	}
	while (rest.n > 0) {
		item = tree_node(c, c->main, CONFIG_SCALAR, 1, 1);
		item->text = arena_str(c->arena, str_trim(str_cut(&rest, ',')));
		tree_add(c, list, NULL, item);
	}
	return list;
}

static void read_fallback(struct config *c, const struct config_row *row, void *field)
{
	struct reading r = { .c = c, .row = row };
	size_t errors = c->errors;

	clear_field(row, field);
	if (row->fallback) {
		r.node = fallback_node(c, row);
		must(read_field(&r, field) && c->errors == errors);
	} else if (row->type == CONFIG_CUSTOM) {
		row->read(c, NULL, field);
	}
}

/* Descends key by key. NULL: not there, or something else stands where a mapping should, which
 * was told. */
static const struct config_node *find(struct config *c, const struct config_node *map,
	const char *key)
{
	struct str rest = str_of(key), name;
	const struct config_node *n = map;

	for (size_t done = 0; n; done += name.n + 1) {
		if (n->kind == CONFIG_NULL && done > 0)
			return NULL;
		if (n->kind != CONFIG_MAP) {
			config_error(c, n, "%.*s%sexpected a mapping with keys below it, not %s",
				(int)(done > 0 ? done - 1 : 0), key, done > 0 ? ": " : "",
				problem_describe(c, n));
			return NULL;
		}
		name = str_cut(&rest, '.');
		n = config_get(n, arena_text(c->arena, name));
		if (rest.n == 0)
			return n;
	}
	return NULL;
}

static void read_row(struct config *c, const struct config_row *row, const struct config_node *node,
	void *field)
{
	struct reading r = { .c = c, .row = row, .node = node };

	if (node && node->told && row->type == CONFIG_CUSTOM && !row->fallback) {
		row->read(c, node, field);
		return;
	}
	if (config_kind(node) == CONFIG_NULL) {
		if (node && is_list_type(row->type) && row->fallback && *row->fallback)
			config_error(c, node, "%s: write [] for none, or remove the key for the "
				"default, which is %s", row->key, row->fallback);
		read_fallback(c, row, field);
		return;
	}
	clear_field(row, field);
	if (!read_field(&r, field))
		read_fallback(c, row, field);
}

void config_read_table(struct config *c, const struct config_node *map,
	const struct config_row *rows, void *options)
{
	for (const struct config_row *row = rows; row->key; row++)
		read_row(c, row, find(c, map, row->key), (char *)options + row->offset);
}
