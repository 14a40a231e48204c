/*
 * allow_file.c - state/screen-cache: the allow cache across restarts
 *
 * A convenience: losing it costs known clients one wait. Copied slice by slice on the loop, so that
 * a large cache stops nobody; written by a worker beside the old file, then put in its place.
 *
 *   waypost screen-cache 1
 *   192.0.2.1 greet=1720000000 lists=1719917200
 *   2001:db8:: allowed=forever
 */
#include "allow_private.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const test_names[SCREEN_TESTS] = {
	[SCREEN_GREET] = "greet", [SCREEN_LISTS] = "lists", [SCREEN_PIPELINING] = "pipelining",
	[SCREEN_NON_SMTP] = "non-smtp", [SCREEN_BARE_NEWLINE] = "bare-newline",
};
static const struct str header = { "waypost screen-cache 1", 22 };

struct allow_copy {
	/* owned */
	struct allow_entry *v;
	char *path, *new_path;
	/* state */
	size_t n, cap, at;
	bool ok;
	struct why why;
};

/* ---- one line ---- */

void allow_print(struct buf *out, const struct allow_entry *e)
{
	char text[INET_TEXT_MAX];

	buf_addf(out, "%s", inet_text(&e->network, text));
	for (size_t i = 0; i < SCREEN_TESTS; i++)
		if (e->until[i])
			buf_addf(out, " %s=%lld", test_names[i], (long long)(e->until[i] / 1000));
	if (e->allowed == INT64_MAX)
		buf_addf(out, " allowed=forever");
	else if (e->allowed)
		buf_addf(out, " allowed=%lld", (long long)(e->allowed / 1000));
}

static bool parse_time(int64_t *out, struct str text)
{
	uint64_t seconds;

	if (!str_number(text, &seconds) || seconds == 0 || seconds > INT64_MAX / 1000)
		return false;
	*out = (int64_t)seconds * 1000;
	return true;
}

static bool parse_word(struct allow_entry *e, struct str word)
{
	struct str value = word, name = str_cut(&value, '=');

	if (str_eq(name, STR("allowed")) && str_eq(value, STR("forever"))) {
		e->allowed = INT64_MAX;
		return true;
	}
	if (str_eq(name, STR("allowed")))
		return parse_time(&e->allowed, value);
	for (size_t i = 0; i < SCREEN_TESTS; i++)
		if (str_eq(name, str_of(test_names[i])))
			return parse_time(&e->until[i], value);
	return false;
}

bool allow_parse(struct allow_entry *e, struct str line)
{
	struct allow_entry out = { .allowed = 0 };
	struct str rest = line, word;

	if (line.n > LIMIT_ALLOW_LINE || !inet_parse(&out.network, str_word(&rest)))
		return false;
	out.network = inet_client_network(&out.network);
	while ((word = str_word(&rest)).n > 0)
		if (!parse_word(&out, word))
			return false;
	*e = out;
	return true;
}

/* ---- writing, on a worker ---- */

static int64_t last_of(const struct allow_entry *e)
{
	int64_t last = e->allowed;

	for (size_t i = 0; i < SCREEN_TESTS; i++)
		if (e->until[i] > last)
			last = e->until[i];
	return last;
}

/* Those that end first stand first: when there is not room for all, they are the ones that go. */
static int by_end(const void *a, const void *b)
{
	int64_t x = last_of(a), y = last_of(b);

	return x < y ? -1 : x > y;
}

static bool write_all(struct allow_copy *c, FILE *f)
{
	struct buf line;
	bool ok = fprintf(f, "%.*s\n", STR_FMT(header)) > 0;

	buf_init(&line, LIMIT_ALLOW_LINE);
	for (size_t i = 0; ok && i < c->n; i++) {
		buf_clear(&line);
		allow_print(&line, &c->v[i]);
		ok = fprintf(f, "%s\n", buf_text(&line)) > 0;
	}
	buf_finish(&line);
	return ok && fflush(f) == 0 && fsync(fileno(f)) == 0;
}

static void write_run(void *arg)
{
	struct allow_copy *c = arg;
	int fd = open(c->new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (c->n)
		qsort(c->v, c->n, sizeof *c->v, by_end);
	c->ok = f && write_all(c, f);
	if (!c->ok)
		why_errno(&c->why, "can't write %s", c->new_path);
	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
}

static void copy_free(struct allow_copy *c)
{
	if (c == NULL)
		return;
	free(c->v);
	free(c->path);
	free(c->new_path);
	free(c);
}

/* The old file stays what it was unless all of the new one is there. Renamed here, on the loop's
 * thread, so that one that was given up never overtakes the last. */
static void put_in_place(struct allow_copy *c)
{
	if (c->ok && rename(c->new_path, c->path) != 0)
		c->ok = why_errno(&c->why, "can't rename %s", c->new_path);
	if (!c->ok) {
		unlink(c->new_path);
		log_warn("screen-cache", L_Z("state", "not written"), L_Z("why", c->why.text));
	}
}

static void write_done(void *waiter, void *arg)
{
	struct allow *a = waiter;

	a->job = NULL;
	put_in_place(arg);
	a->changed = a->changed || !((struct allow_copy *)arg)->ok;
	copy_free(arg);
	if (a->changed)
		allow_changed(a, LIMIT_ALLOW_WRITE);
}

static void write_drop(void *arg)
{
	struct allow_copy *c = arg;

	unlink(c->new_path);
	copy_free(c);
}

/* ---- copying, on the loop ---- */

static struct allow_copy *copy_begin(struct allow *a, const char *ending)
{
	struct allow_copy *c = mem_alloc(sizeof *c);
	size_t n = strlen(a->path) + strlen(ending) + 1;

	c->path = mem_string(a->path);
	c->new_path = mem_alloc(n);
	snprintf(c->new_path, n, "%s%s", a->path, ending);
	a->changed = false;
	return c;
}

/* The next `most` entries. False: there are no more. */
static bool copy_some(const struct allow *a, struct allow_copy *c, size_t most)
{
	for (; most > 0; most--) {
		if (c->n == c->cap) {
			c->cap = c->cap ? c->cap * 2 : LIMIT_ALLOW_SLICE;
			c->v = mem_resize(c->v, c->cap * sizeof *c->v);
		}
		if (!allow_next(a, &c->at, &c->v[c->n]))
			return false;
		c->n++;
	}
	return true;
}

static void copy_slice(void *arg)
{
	static const struct work work = { write_run, write_done, write_drop };
	struct allow *a = arg;
	struct allow_copy *c = a->copy;

	a->job = NULL;
	if (copy_some(a, c, LIMIT_ALLOW_SLICE)) {
		a->job = loop_later(a->loop, copy_slice, a);
		return;
	}
	a->copy = NULL;
	a->job = work_start(a->loop, &work, c, a);
}

static void write_due(void *arg)
{
	struct allow *a = arg;

	/* one at a time: the one under way sees that there is more */
	if (a->job || !a->changed)
		return;
	a->copy = copy_begin(a, ".new");
	a->job = loop_later(a->loop, copy_slice, a);
}

void allow_changed(struct allow *a, int64_t ms)
{
	a->changed = true;
	if (!timer_is_set(a->write) || ms < LIMIT_ALLOW_WRITE)
		timer_set(a->write, ms);
}

/* ---- reading, at start ---- */

static void take_lines(struct allow *a, FILE *f)
{
	char line[LIMIT_ALLOW_LINE + 2];
	size_t bad = 0;
	bool cut = false;

	while (fgets(line, sizeof line, f)) {
		struct str text = str_of(line);
		bool whole = text.n > 0 && text.p[text.n - 1] == '\n', was_cut = cut;
		struct allow_entry e;

		cut = !whole;
		text = str_trim(text);
		if (text.n == 0 || str_eq(text, header))
			continue;
		/* one that is too long, or that the end of the file cut off */
		if (!whole || was_cut || !allow_parse(&e, text))
			bad += !was_cut;
		else
			allow_take(a, &e);
	}
	if (bad)
		log_warn("screen-cache", L_Z("state", "lines passed over"), L_NUM("lines", bad));
	if (ferror(f))
		log_warn("screen-cache", L_Z("state", "not read to its end"));
}

void allow_file_open(struct allow *a, const char *state_dir)
{
	size_t n = strlen(state_dir) + sizeof "/screen-cache";
	FILE *f;

	a->path = mem_alloc(n);
	snprintf(a->path, n, "%s/screen-cache", state_dir);
	a->write = timer_new(a->loop, write_due, a);
	f = fopen(a->path, "re");
	if (f == NULL && errno != ENOENT)
		log_warn("screen-cache", L_Z("state", "not read"), L_Z("why", strerror(errno)));
	if (f == NULL)
		return;
	take_lines(a, f);
	fclose(f);
}

void allow_file_close(struct allow *a)
{
	/* what runs is given up: it may be older than what is written now */
	bool unwritten = a->changed || a->job != NULL;

	job_cancel(&a->job);
	copy_free(a->copy);
	if (unwritten) {
		struct allow_copy *c = copy_begin(a, ".last");

		copy_some(a, c, SIZE_MAX);
		write_run(c);
		put_in_place(c);
		copy_free(c);
	}
	timer_destroy(&a->write);
	free(a->path);
}
