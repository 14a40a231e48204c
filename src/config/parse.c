/*
 * parse.c - YAML, as far as a configuration needs it, into nodes that know their place
 *
 * From     config.c for the file, tags.c for what it includes.
 * To       table.c and the readers in all folders, through the tree.
 * Never    expands an alias, merges a key, or lets a key be given twice: what a person sees is what
 *          holds.
 * Fails    with an error at its place. After bad syntax a file is not read on; after anything else
 *          it is.
 * See      YAML 1.1, read by libyaml's event API.
 */
#include "tree.h"

#include "base/limits.h"
#include "base/must.h"

#include <string.h>
#include <yaml.h>

struct parser {
	struct config *c;
	struct config_file *file;
	struct str text;
	bool failed;                  /* nothing more can be read from this file */
	yaml_parser_t yaml;
};

static struct config_node *read_node(struct parser *p, yaml_event_t *e, int depth);

/* What libyaml says in its own words, and what a person should do then. */
static const struct {
	const char *says;
	const char *hint;
} hints[] = {
	{ "mapping values are not allowed",
		"a value with \": \" in it needs quotes; else look at the indentation" },
	{ "could not find expected ':'", "a key needs \": \" behind it, on the same line" },
	{ "did not find expected key",
		"look at the indentation: keys of one mapping begin in one column" },
	{ "did not find expected '-' indicator",
		"look at the indentation: entries of one list begin in one column" },
	{ "did not find expected ',' or", "the bracket is not closed, or a comma is missing" },
	{ "did not find expected node content", "a value is missing, or needs quotes" },
	{ "did not find expected alphabetic or numeric",
		"a text that begins with * or & needs quotes: \"*\"" },
	{ "found unexpected end of stream", "the quotes are not closed" },
	{ "unknown escape character", "use 'single quotes' where a \\ means itself" },
	{ "cannot start any token", "a text that begins so needs quotes" },
	{ "control characters are not allowed",
		"remove the byte, or write it as \"\\xNN\" in double quotes" },
	{ "block sequence entries are not allowed",
		"put the first \"- \" on its own line, below the key" },
};

static void tell(struct parser *p, yaml_mark_t at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void tell(struct parser *p, yaml_mark_t at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problem_add(p->c, p->file, (int)at.line + 1, (int)at.column + 1, false, fmt, ap);
	va_end(ap);
}

/* Line and column (in characters) of a byte offset: libyaml has no mark for a byte that it can't
 * decode. */
static yaml_mark_t mark_of(struct str text, size_t offset)
{
	yaml_mark_t at = { 0 };

	for (size_t i = 0; i < offset && i < text.n; i++) {
		unsigned char ch = (unsigned char)text.p[i];

		if (ch == '\n') {
			at.line++;
			at.column = 0;
		} else if ((ch & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

static bool is_tab(struct str text, yaml_mark_t at)
{
	size_t line = 0, i = 0;

	for (; i < text.n && line < at.line; i++)
		line += text.p[i] == '\n';
	return i + at.column < text.n && text.p[i + at.column] == '\t';
}

static void tell_syntax(struct parser *p)
{
	const yaml_parser_t *y = &p->yaml;
	const char *says = y->problem ? y->problem : "it can't be read";
	const char *hint = NULL;
	yaml_mark_t at = y->error == YAML_READER_ERROR ? mark_of(p->text, y->problem_offset)
		: y->problem_mark;

	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints) && !hint; i++)
		if (strstr(says, hints[i].says))
			hint = hints[i].hint;
	if (y->error == YAML_SCANNER_ERROR && is_tab(p->text, at))
		hint = "there is a tab; YAML is indented with spaces only";
	if (y->context && y->context_mark.line != at.line)
		tell(p, at, "not YAML: %s, %s that begins in line %zu%s%s", says, y->context,
			y->context_mark.line + 1, hint ? "; " : "", hint ? hint : "");
	else
		tell(p, at, "not YAML: %s%s%s", says, hint ? "; " : "", hint ? hint : "");
}

/* The next event, the caller's to delete. False: told, and p->failed. */
static bool next(struct parser *p, yaml_event_t *e)
{
	if (!p->failed && yaml_parser_parse(&p->yaml, e))
		return true;
	if (!p->failed)
		tell_syntax(p);
	p->failed = true;
	return false;
}

/* NULL: too many; told. */
static struct config_node *make_node(struct parser *p, enum config_kind kind, yaml_mark_t at)
{
	if (p->c->nodes >= LIMIT_CONFIG_NODES) {
		tell(p, at, "more than %d values in this configuration; split it over several "
			"servers", LIMIT_CONFIG_NODES);
		p->failed = true;
		return NULL;
	}
	p->c->nodes++;
	return tree_node(p->c, p->file, kind, (int)at.line + 1, (int)at.column + 1);
}

static bool is_null_word(struct str s)
{
	return s.n == 0 || str_eq(s, STR("~")) || str_eq(s, STR("null")) ||
		str_eq(s, STR("Null")) ||
		str_eq(s, STR("NULL"));
}

static void refuse_anchor(struct parser *p, const yaml_event_t *e, const yaml_char_t *anchor)
{
	if (anchor)
		tell(p, e->start_mark, "anchors (&%s) are not used here; write the value out, or "
			"use !include FILE", (const char *)anchor);
}

static struct config_node *read_scalar(struct parser *p, const yaml_event_t *e, int depth)
{
	struct config_node *n = make_node(p, CONFIG_SCALAR, e->start_mark);
	struct str text = str_make(e->data.scalar.value, e->data.scalar.length);

	if (!n)
		return NULL;
	refuse_anchor(p, e, e->data.scalar.anchor);
	if (memchr(text.p, 0, text.n)) {
		tell(p, e->start_mark, "there is a NUL byte in this text; remove it");
		n->kind = CONFIG_NULL;
		n->told = true;
		return n;
	}
	n->text = arena_str(p->c->arena, text);
	if (e->data.scalar.tag)
		return tags_resolve(p->c, n, str_of((const char *)e->data.scalar.tag), depth);
	if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && is_null_word(text))
		n->kind = CONFIG_NULL;
	return n;
}

static void refuse_tag(struct parser *p, const yaml_event_t *e, const yaml_char_t *tag)
{
	if (tag)
		tell(p, e->start_mark,
			"the tag %s can't stand before a list or a mapping; remove it",
			(const char *)tag);
}

static struct config_node *read_list(struct parser *p, const yaml_event_t *e, int depth)
{
	struct config_node *list = make_node(p, CONFIG_LIST, e->start_mark), *item;
	yaml_event_t sub;

	if (!list)
		return NULL;
	refuse_anchor(p, e, e->data.sequence_start.anchor);
	refuse_tag(p, e, e->data.sequence_start.tag);
	for (;;) {
		if (!next(p, &sub))
			return NULL;
		if (sub.type == YAML_SEQUENCE_END_EVENT)
			break;
		item = read_node(p, &sub, depth + 1);
		if (!item)
			return NULL;
		tree_add(p->c, list, NULL, item);
	}
	yaml_event_delete(&sub);
	return list;
}

/* *key is NULL for what can't be a key: told, and its value is then read over. False: the file
 * can't be read on. */
static bool read_key(struct parser *p, yaml_event_t *e, int depth, struct config_node **key)
{
	yaml_mark_t at = e->start_mark;
	bool plain = e->type == YAML_SCALAR_EVENT && !e->data.scalar.tag;
	bool alias = e->type == YAML_ALIAS_EVENT;
	struct config_node *n;

	if (e->type == YAML_SCALAR_EVENT && e->data.scalar.tag) {
		yaml_event_delete(e);
		tell(p, at, "a key can't have a tag; write it as a plain word");
		*key = NULL;
		return true;
	}
	n = read_node(p, e, depth + 1);
	if (!n)
		return false;
	*key = NULL;
	if (plain && n->kind == CONFIG_SCALAR && str_eq(n->text, STR("<<")))
		tell(p, at, "merging (<<) is not used here; write the keys out, or use !include "
			"FILE");
	else if (plain && n->kind == CONFIG_SCALAR)
		*key = n;
	else if (plain && n->text.n == 0)
		tell(p, at, "a key is missing");
	else if (!alias)
		tell(p, at, "a key must be a word, not %s", problem_describe(p->c, n));
	return true;
}

static struct config_node *read_map(struct parser *p, const yaml_event_t *e, int depth)
{
	struct config_node *map = make_node(p, CONFIG_MAP, e->start_mark), *key, *item;
	yaml_event_t sub;

	if (!map)
		return NULL;
	refuse_anchor(p, e, e->data.mapping_start.anchor);
	refuse_tag(p, e, e->data.mapping_start.tag);
	for (;;) {
		if (!next(p, &sub))
			return NULL;
		if (sub.type == YAML_MAPPING_END_EVENT)
			break;
		if (!read_key(p, &sub, depth, &key) || !next(p, &sub))
			return NULL;
		item = read_node(p, &sub, depth + 1);
		if (!item)
			return NULL;
		if (key)
			tree_add(p->c, map, key, item);
	}
	yaml_event_delete(&sub);
	tree_sort(p->c, map);
	return map;
}

/* Takes the event. NULL: the file can't be read on; told. */
static struct config_node *read_node(struct parser *p, yaml_event_t *e, int depth)
{
	struct config_node *n = NULL;

	if (depth > LIMIT_CONFIG_DEPTH) {
		tell(p, e->start_mark,
			"nested more than %d deep; a configuration has no need of that",
			LIMIT_CONFIG_DEPTH);
		p->failed = true;
	} else if (e->type == YAML_SCALAR_EVENT) {
		n = read_scalar(p, e, depth);
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		n = read_list(p, e, depth);
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		n = read_map(p, e, depth);
	} else {
		must(e->type == YAML_ALIAS_EVENT);
		tell(p, e->start_mark, "aliases (*%s) are not used here; a text that begins with * "
			"needs quotes: \"*%s\"",
			(const char *)e->data.alias.anchor, (const char *)e->data.alias.anchor);
		n = make_node(p, CONFIG_NULL, e->start_mark);
		if (n)
			n->told = true;
	}
	yaml_event_delete(e);
	return n;
}

static struct config_node *read_document(struct parser *p, int depth)
{
	struct config_node *root;
	yaml_event_t e;

	if (!next(p, &e))
		return NULL;
	must(e.type == YAML_STREAM_START_EVENT);
	yaml_event_delete(&e);
	if (!next(p, &e))
		return NULL;
	if (e.type == YAML_STREAM_END_EVENT) {
		yaml_event_delete(&e);
		tell(p, (yaml_mark_t){ 0 }, "the file is empty%s",
			p->file->includer ? "; remove the !include, or write what belongs there"
				: "; conf/config.example.yaml shows what belongs there");
		return NULL;
	}
	yaml_event_delete(&e);           /* the document's start */
	if (!next(p, &e))
		return NULL;
	root = read_node(p, &e, depth);
	if (!root || !next(p, &e))
		return NULL;
	yaml_event_delete(&e);           /* its end */
	if (!next(p, &e))
		return NULL;
	if (e.type != YAML_STREAM_END_EVENT)
		tell(p, e.start_mark,
			"a second document begins here; a configuration is one: remove this line");
	yaml_event_delete(&e);
	return p->failed ? NULL : root;
}

/* The first byte that is not UTF-8, text.n if there is none. */
static size_t bad_utf8(struct str text)
{
	size_t at = 0;

	while (at < text.n) {
		size_t n = 1;

		while (n < 4 && at + n < text.n && ((unsigned char)text.p[at + n] & 0xc0) == 0x80)
			n++;
		if (!str_is_utf8(str_make(text.p + at, n)))
			return at;
		at += n;
	}
	return at;
}

/* What libyaml would take, or give no place for. */
static bool check_encoding(struct parser *p)
{
	struct str t = p->text;
	const char *nul;
	size_t bad;

	if (str_starts(t, STR("\xff\xfe")) || str_starts(t, STR("\xfe\xff"))) {
		tell(p, (yaml_mark_t){ 0 }, "the file is UTF-16; save it as UTF-8");
		return false;
	}
	nul = t.n > 0 ? memchr(t.p, 0, t.n) : NULL;
	if (nul) {
		tell(p, mark_of(t, (size_t)(nul - t.p)),
			"there is a NUL byte; save the file as plain text in UTF-8");
		return false;
	}
	bad = bad_utf8(t);
	if (bad < t.n) {
		tell(p, mark_of(t, bad), "the byte 0x%02x is not UTF-8; save the file as UTF-8",
			(unsigned char)t.p[bad]);
		return false;
	}
	return true;
}

static struct config_node *parse_text(struct config *c, struct config_file *f, struct str text,
	int depth)
{
	/* some editors begin UTF-8 with a byte order mark */
	struct parser p = { .c = c, .file = f,
		.text = str_skip(text, str_starts(text, STR("\xef\xbb\xbf")) ? 3 : 0) };
	struct config_node *root;

	if (!check_encoding(&p))
		return NULL;
	must(yaml_parser_initialize(&p.yaml));
	yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p.yaml, (const unsigned char *)(p.text.n ? p.text.p : ""),
		p.text.n);
	root = read_document(&p, depth);
	yaml_parser_delete(&p.yaml);
	return root;
}

static struct config_file *make_file(struct config *c, const char *path,
	const struct config_node *at)
{
	struct config_file *f = arena_alloc(c->arena, sizeof(*f));
	ptrdiff_t slash = str_rfind(str_of(path), '/');

	f->owner = c;
	f->path = path;
	f->folder = arena_text(c->arena, str_head(str_of(path), (size_t)(slash + 1)));
	f->included_at = at;
	f->includer = at ? at->file : NULL;
	f->number = (int)c->files++;
	return f;
}

static bool is_cycle(const struct config_file *f)
{
	for (const struct config_file *up = f->includer; up; up = up->includer)
		if (up->dev == f->dev && up->ino == f->ino)
			return true;
	return false;
}

struct config_node *parse_file(struct config *c, const char *path, const struct config_node *at,
	int depth)
{
	struct config_node *root = NULL;
	struct config_file *f;
	struct why why;
	struct buf b;

	if (c->files >= LIMIT_CONFIG_FILES) {
		config_error(c, at, "more than %d files are included; are they including each "
			"other?", LIMIT_CONFIG_FILES);
		return NULL;
	}
	f = make_file(c, path, at);
	if (!c->main)
		c->main = f;
	if (!tags_read_whole(c, path, LIMIT_CONFIG_FILE, &b, f, &why)) {
		if (at)
			config_error(c, at, "!include: %s", why.text);
		else
			config_error(c, NULL, "%s; -c FILE names another", why.text);
		buf_finish(&b);
		return NULL;
	}
	if (is_cycle(f))
		config_error(c, at, "!include: %s includes itself, here or by way of others; remove "
			"one !include", path);
	else
		root = parse_text(c, f, buf_str(&b), depth);
	buf_finish(&b);
	return root;
}
