/*
 * tags.c - the values that stand elsewhere: !include FILE, !file PATH, !env NAME
 *
 * From     parse.c, with a scalar that bears a tag.
 * To       the tree, with what the tag stands for.
 * Never    reads what is no regular file (a FIFO would hold up a reload), nor more than its limit.
 * Fails    with an error at the tag's place and a node without a value.
 */
#include "tree.h"

#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A node that failed so is not complained of again by those who miss its value. */
static void tell(struct config *c, struct config_node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void tell(struct config *c, struct config_node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problem_add(c, n->file, n->line, n->column, false, fmt, ap);
	va_end(ap);
	n->told = true;
}

static bool read_all(int fd, const char *path, struct buf *out, struct why *why)
{
	char chunk[16384];
	ssize_t got;

	for (;;) {
		got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return why_errno(why, "%s can't be read", path);
		if (got == 0)
			return true;
		if (!buf_add(out, chunk, (size_t)got))
			return why_set(why, "%s is larger than %zu bytes", path, out->max);
	}
}

bool tags_read_whole(struct config *c, const char *path, size_t max, struct buf *out,
	struct config_file *f, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	bool ok;

	buf_init(out, max);
	if (fd < 0)
		return why_errno(why, "%s can't be read", path);
	if (fstat(fd, &st) != 0)
		ok = why_errno(why, "%s can't be read", path);
	else if (!S_ISREG(st.st_mode))
		ok = why_set(why, "%s is not a regular file", path);
	else
		ok = read_all(fd, path, out, why);
	close(fd);
	c->bytes += out->n;
	if (ok && c->bytes > LIMIT_CONFIG_BYTES)
		ok = why_set(why, "with %s all files are together larger than %d bytes", path,
			LIMIT_CONFIG_BYTES);
	if (ok && f) {
		f->dev = st.st_dev;
		f->ino = st.st_ino;
	}
	return ok;
}

/* One newline at the end is the editor's, not the value's. */
static struct str without_newline(struct str s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

static void from_file(struct config *c, struct config_node *n)
{
	struct why why;
	struct buf b;
	struct str s;

	n->source = config_path(c, n, n->text);
	if (!tags_read_whole(c, n->source, LIMIT_CONFIG_VALUE, &b, NULL, &why)) {
		tell(c, n, "!file: %s", why.text);
		buf_finish(&b);
		return;
	}
	s = without_newline(buf_str(&b));
	if (s.n == 0) {
		tell(c, n, "!file: %s is empty; the value should stand in it", n->source);
	} else if (memchr(s.p, 0, s.n)) {
		tell(c, n, "!file: %s has a NUL byte in it; a text is expected", n->source);
	} else {
		n->kind = CONFIG_SCALAR;
		n->origin = NODE_FROM_FILE;
		n->text = arena_str(c->arena, s);
	}
	buf_finish(&b);
}

static void from_env(struct config *c, struct config_node *n)
{
	struct str value;

	n->source = n->text.p;
	value = str_of(getenv(n->source));
	if (value.n == 0) {
		tell(c, n, "!env: the environment variable %s is %s", n->source,
			getenv(n->source) ? "empty" : "not set");
	} else if (value.n > LIMIT_CONFIG_VALUE) {
		tell(c, n, "!env: the environment variable %s is longer than %d bytes", n->source,
			LIMIT_CONFIG_VALUE);
	} else {
		n->kind = CONFIG_SCALAR;
		n->origin = NODE_FROM_ENV;
		n->text = arena_str(c->arena, value);
	}
}

struct config_node *tags_resolve(struct config *c, struct config_node *n, struct str tag, int depth)
{
	bool include = str_eq(tag, STR("!include")), file = str_eq(tag, STR("!file"));
	struct config_node *tree;

	/* until it is resolved it has no value; n->text stays, for messages and for the argument */
	n->kind = CONFIG_NULL;
	if (!include && !file && !str_eq(tag, STR("!env"))) {
		tell(c, n, "the tag %.*s is not known here; known are !include FILE, !file PATH and "
			"!env NAME", STR_FMT(tag));
		return n;
	}
	if (n->text.n == 0) {
		tell(c, n, "%.*s needs %s behind it", STR_FMT(tag),
			include ? "the name of a YAML file" : file ? "the name of a file"
			: "the name of a variable");
		return n;
	}
	if (include) {
		tree = parse_file(c, config_path(c, n, n->text), n, depth + 1);
		n->told = !tree;
		return tree ? tree : n;
	}
	(file ? from_file : from_env)(c, n);
	return n;
}
