/*
 * problem.c - what is wrong with a configuration, all of it, in the order of the file
 *
 * From     everybody who reads a config, by config_error and config_warn.
 * To       `waypost check`, and the server's start, which prints them and gives up.
 * Owns     the list of problems, at most LIMIT_CONFIG_PROBLEMS; the rest is counted.
 * Never    prints a control byte, or the content of a !file or !env.
 */
#include "tree.h"

#include "base/limits.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
	TEXT_MAX = 2000,        /* of one problem, then it is cut */
	QUOTED_MAX = 60         /* of a value repeated in a problem */
};

/* A terminal shows these lines, and a config may come from elsewhere: control bytes become \xNN. */
static const char *clean(struct config *c, struct str raw)
{
	struct buf b;
	const char *text;

	buf_init(&b, 4 * TEXT_MAX);
	for (size_t i = 0; i < raw.n; i++) {
		unsigned char ch = (unsigned char)raw.p[i];

		if (ch < ' ' || ch == 127)
			buf_addf(&b, "\\x%02x", ch);
		else
			buf_add_char(&b, raw.p[i]);
	}
	text = arena_text(c->arena, buf_str(&b));
	buf_finish(&b);
	return text;
}

static bool is_told(const struct config *c, const struct problem *p)
{
	for (size_t i = 0; i < c->problem_count; i++) {
		const struct problem *q = &c->problems[i];

		if (q->file == p->file && q->line == p->line && q->column == p->column &&
			str_eq(str_of(q->text), str_of(p->text)))
			return true;
	}
	return false;
}

void problem_add(struct config *c, const struct config_file *f, int line, int column, bool warning,
	const char *fmt, va_list ap)
{
	struct problem p = { .file = f, .line = line, .column = column, .warning = warning };
	char text[TEXT_MAX];

	if (c->unreadable)
		return;
	if (c->problem_count < LIMIT_CONFIG_PROBLEMS) {
		vsnprintf(text, sizeof(text), fmt, ap);
		p.text = clean(c, str_of(text));
		if (is_told(c, &p))
			return;
	}
	*(warning ? &c->warnings : &c->errors) += 1;
	if (c->problem_count == LIMIT_CONFIG_PROBLEMS) {
		c->untold++;
		return;
	}
	if (!c->problems)
		c->problems = mem_alloc(LIMIT_CONFIG_PROBLEMS * sizeof(p));
	p.order = c->problem_count;
	c->problems[c->problem_count++] = p;
}

void problem_at(struct config *c, const struct config_file *f, int line, int column,
	const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problem_add(c, f, line, column, false, fmt, ap);
	va_end(ap);
}

static void add_at_node(struct config *c, const struct config_node *n, bool warning,
	const char *fmt, va_list ap) __attribute__((format(printf, 4, 0)));

static void add_at_node(struct config *c, const struct config_node *n, bool warning,
	const char *fmt, va_list ap)
{
	if (n && n->told)
		return;                 /* what follows from it is not a second problem */
	if (n)
		problem_add(c, n->file, n->line, n->column, warning, fmt, ap);
	else
		problem_add(c, c->main, 1, 1, warning, fmt, ap);
}

void config_error(struct config *c, const struct config_node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_at_node(c, n, false, fmt, ap);
	va_end(ap);
}

void config_warn(struct config *c, const struct config_node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_at_node(c, n, true, fmt, ap);
	va_end(ap);
}

/* Cut between characters, not inside one. */
static struct str cut(struct str s)
{
	size_t n = QUOTED_MAX;

	if (s.n <= n)
		return s;
	while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return str_head(s, n);
}

const char *problem_describe(struct config *c, const struct config_node *n)
{
	struct str s;

	switch (config_kind(n)) {
	case CONFIG_NULL:
		return "nothing";
	case CONFIG_LIST:
		return "a list";
	case CONFIG_MAP:
		return "a mapping";
	case CONFIG_SCALAR:
		break;
	}
	if (n->origin == NODE_FROM_FILE)
		return arena_printf(c->arena, "what the file %s holds", n->source);
	if (n->origin == NODE_FROM_ENV)
		return arena_printf(c->arena, "what the variable %s holds", n->source);
	s = cut(n->text);
	return arena_printf(c->arena, "\"%.*s%s\"", STR_FMT(s), s.n < n->text.n ? "..." : "");
}

void config_check_private(struct config *c, const struct config_node *n, const char *path)
{
	struct stat st;

	/* whoever needs the file will open it, and tell why that fails */
	if (stat(path, &st) != 0 || (st.st_mode & 0007) == 0)
		return;
	config_warn(c, n, "%s holds a secret, but every user of this machine may %s it; chmod 640 "
		"%s", path, (st.st_mode & 0004) ? "read" : "change", path);
}

void config_secret(struct config *c, const struct config_node *n)
{
	if (!n || n->origin == NODE_FROM_ENV)
		return;
	if (n->origin == NODE_FROM_FILE) {
		config_check_private(c, n, n->source);
		return;
	}
	if (n->file->privacy_told)
		return;
	n->file->privacy_told = true;
	config_check_private(c, n, n->file->path);
}

static int compare(const void *a, const void *b)
{
	const struct problem *p = a, *q = b;

	if (p->file != q->file)
		return p->file->number < q->file->number ? -1 : 1;
	if (p->line != q->line)
		return p->line < q->line ? -1 : 1;
	if (p->column != q->column)
		return p->column < q->column ? -1 : 1;
	if (p->warning != q->warning)
		return q->warning ? -1 : 1;
	return p->order < q->order ? -1 : 1;
}

void config_print_problems(const struct config *c, struct buf *out)
{
	size_t n = c->problem_count;
	struct problem *sorted;

	if (n == 0)
		return;
	sorted = mem_copy(c->problems, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%s:%d:%d: %s%s\n", sorted[i].file->path, sorted[i].line,
			sorted[i].column, sorted[i].warning ? "warning: " : "", sorted[i].text);
	if (c->untold > 0)
		buf_addf(out, "%s: and %zu more problems\n", c->main->path, c->untold);
	free(sorted);
}

bool config_is_right(const struct config *c)
{
	return c->errors == 0;
}

size_t config_errors(const struct config *c)
{
	return c->errors;
}

size_t config_warnings(const struct config *c)
{
	return c->warnings;
}
