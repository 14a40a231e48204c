/*
 * srs_opaque.c - remember the senders that are too long for an SRS address
 *
 * From     srs.c: a key and the sender that it stands for.
 * To       state/srs-opaque, a line each: DAY KEY ADDRESS. A worker appends and fsyncs.
 * Owns     the table, and what is not yet on disk.
 * Never    blocks the loop: but at start the file is read and what is too old is left out, and at
 *          the end what is left is written.
 * Fails    with a log line; the records are kept and go with the next append.
 *
 * A record and the message that needs it are written by two workers at the same time. When the
 * machine dies between the two fsyncs, the message may be on disk and the record not: then a bounce
 * to that one message is refused as unknown. The key is made from the sender, so the sender's next
 * message writes it again.
 *
 * The file may grow to LIMIT_SRS_OPAQUE lines; then it becomes srs-opaque.old, replacing the one
 * before, so both together hold at least the last LIMIT_SRS_OPAQUE.
 */
#include "srs_opaque.h"
#include "srs_hash.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	KEEP_DAYS = SRS_MAX_AGE + 1,           /* the day of making is counted too */
	/* bytes that wait for a disk that fails: then the newest are lost */
	PENDING_MAX = 8 << 20
};

struct record {                                /* in the order of their last use, oldest first */
	struct record *older, *newer;
	char key[SRS_KEY_LENGTH + 1];
	int64_t day;
	struct str text;                       /* behind the struct */
};

struct append {                                /* what a worker gets */
	char *path, *old_path, *folder;
	struct buf text;
	bool rotate;
	struct why why;
	bool ok;
};

struct srs_opaque {
	struct srs_opaque *next;               /* of all that are open; loop's thread */
	char *folder, *path, *old_path;        /* owned */
	struct map *by_key;
	struct record *oldest, *newest;
	struct buf pending;                    /* lines not yet handed to a worker */
	size_t lines;                          /* in the file, and on their way */
	int refs;

	struct loop *loop;                     /* borrowed */

	struct append *writing;                /* state */
	struct job *job;
	bool failing;                          /* logged once until it works again */
};

static struct srs_opaque *stores;

/* the table */

static void unlink_record(struct srs_opaque *o, struct record *r)
{
	if (r->older)
		r->older->newer = r->newer;
	else
		o->oldest = r->newer;
	if (r->newer)
		r->newer->older = r->older;
	else
		o->newest = r->older;
	r->older = r->newer = NULL;
}

static void link_newest(struct srs_opaque *o, struct record *r)
{
	r->older = o->newest;
	if (o->newest)
		o->newest->newer = r;
	else
		o->oldest = r;
	o->newest = r;
}

static void forget(struct srs_opaque *o, struct record *r)
{
	map_remove(o->by_key, str_of(r->key));
	unlink_record(o, r);
	free(r);
}

static struct record *remember(struct srs_opaque *o, struct str key, struct str text, int64_t day)
{
	struct record *r = mem_alloc(sizeof(*r) + text.n + 1);
	char *copy = (char *)(r + 1);

	memcpy(r->key, key.p, key.n);
	memcpy(copy, text.p, text.n);
	r->text = str_make(copy, text.n);
	r->day = day;
	map_put(o->by_key, key, r);
	link_newest(o, r);
	return r;
}

static void forget_old(struct srs_opaque *o, int64_t today)
{
	while (o->oldest && (o->oldest->day < today - KEEP_DAYS ||
				    map_count(o->by_key) > LIMIT_SRS_OPAQUE))
		forget(o, o->oldest);
}

static void print_record(struct buf *out, const struct record *r)
{
	buf_addf(out, "%lld %s ", (long long)r->day, r->key);
	percent_encode(out, r->text);
	buf_add_char(out, '\n');
}

/* the file */

static bool is_key(struct str s)
{
	if (s.n != SRS_KEY_LENGTH)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '2' && s.p[i] <= '7')))
			return false;
	return true;
}

/* A line that was torn by a crash is passed over. */
static void read_line(struct srs_opaque *o, struct str line, int64_t today)
{
	struct str day_text = str_cut(&line, ' '), key = str_cut(&line, ' ');
	struct record *known;
	struct buf text;
	uint64_t day;

	buf_init(&text, LIMIT_LOCAL_PART_IN * 2 + LIMIT_DOMAIN + 16);
	/* A day in the future is kept: it is more likely that our clock is not set yet. */
	if (str_number(day_text, &day) && day < INT32_MAX && is_key(key) &&
		percent_decode(&text, line) && text.n) {
		known = map_get(o->by_key, key);
		if (known)
			forget(o, known);
		remember(o, key, buf_str(&text), (int64_t)day);
		forget_old(o, today);
	}
	buf_finish(&text);
}

static bool read_file(struct srs_opaque *o, const char *path, int64_t today, struct why *why)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	bool ok;

	if (!f)
		return errno == ENOENT || why_errno(why, "%s", path);
	while ((n = getline(&line, &size, f)) > 0) {
		o->lines++;
		if (line[n - 1] == '\n')        /* else a crash tore its end off */
			read_line(o, str_make(line, (size_t)n - 1), today);
	}
	free(line);
	ok = !ferror(f) || why_errno(why, "%s", path);
	fclose(f);
	return ok;
}

static bool write_all(int fd, struct str text)
{
	while (text.n) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text = str_skip(text, (size_t)n);
	}
	return true;
}

static bool sync_folder(const char *path, struct why *why)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		why_errno(why, "%s", path);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Writes the whole table aside and puts it in the place of both files. At start only. */
static bool compact(struct srs_opaque *o, struct why *why)
{
	char *aside = mem_alloc(strlen(o->path) + 5);
	FILE *f;
	struct buf line;
	bool ok = true;

	memcpy(aside, o->path, strlen(o->path));
	memcpy(aside + strlen(o->path), ".new", 5);
	unlink(aside);
	f = fopen(aside, "wxe");
	if (!f) {
		why_errno(why, "%s", aside);
		free(aside);
		return false;
	}
	buf_init(&line, LIMIT_COMMAND_LINE * 4);
	for (const struct record *r = o->oldest; r && ok; r = r->newer) {
		buf_clear(&line);
		print_record(&line, r);
		ok = fwrite(line.p, 1, line.n, f) == line.n;
	}
	buf_finish(&line);
	ok = ok && fflush(f) == 0 && fchmod(fileno(f), 0600) == 0 && fsync(fileno(f)) == 0;
	ok = fclose(f) == 0 && ok && rename(aside, o->path) == 0;
	if (!ok) {
		why_errno(why, "%s", aside);
		unlink(aside);
	} else if ((ok = sync_folder(o->folder, why))) {
		unlink(o->old_path);
		o->lines = map_count(o->by_key);
	}
	free(aside);
	return ok;
}

static bool load(struct srs_opaque *o, int64_t now, struct why *why)
{
	int64_t today = now / DAYS(1);

	if (!read_file(o, o->old_path, today, why) || !read_file(o, o->path, today, why))
		return false;
	if (o->loop && o->lines > map_count(o->by_key))
		return compact(o, why);
	return true;
}

static void append_run(void *arg)
{
	struct append *a = arg;
	struct stat st;
	bool fresh;
	int fd;

	if (a->rotate && rename(a->path, a->old_path) < 0 && errno != ENOENT) {
		why_errno(&a->why, "%s", a->old_path);
		return;
	}
	fd = open(a->path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		why_errno(&a->why, "%s", a->path);
		return;
	}
	fresh = fstat(fd, &st) == 0 && st.st_size == 0;
	a->ok = write_all(fd, buf_str(&a->text)) && fsync(fd) == 0;
	if (!a->ok)
		why_errno(&a->why, "%s", a->path);
	if (close(fd) < 0 && a->ok)
		a->ok = why_errno(&a->why, "%s", a->path);
	if (a->ok && fresh)
		a->ok = sync_folder(a->folder, &a->why);
}

static void append_drop(void *arg)
{
	struct append *a = arg;

	free(a->path);
	free(a->old_path);
	free(a->folder);
	buf_finish(&a->text);
	free(a);
}

static struct append *append_create(struct srs_opaque *o)
{
	struct append *a = mem_alloc(sizeof(*a));

	a->path = mem_string(o->path);
	a->old_path = mem_string(o->old_path);
	a->folder = mem_string(o->folder);
	buf_move(&a->text, &o->pending);
	buf_init(&o->pending, PENDING_MAX);
	if (o->lines > LIMIT_SRS_OPAQUE) {
		a->rotate = true;
		o->lines = 0;
	}
	return a;
}

static void append_done(void *waiter, void *arg);

static void append_start(struct srs_opaque *o)
{
	static const struct work kind = { append_run, append_done, append_drop };

	if (o->job || !o->loop || !o->pending.n)
		return;
	o->writing = append_create(o);
	o->job = work_start(o->loop, &kind, o->writing, o);
}

/* They stand before those that came meanwhile. */
static void put_back(struct srs_opaque *o, const struct append *a)
{
	struct buf both;

	buf_init(&both, PENDING_MAX);
	/* a part may be on disk: a record must not run into its torn end */
	if (a->why.text[0])
		buf_add_char(&both, '\n');
	buf_add_str(&both, buf_str(&a->text));
	buf_add_str(&both, buf_str(&o->pending));
	buf_finish(&o->pending);
	buf_move(&o->pending, &both);
}

static void append_done(void *waiter, void *arg)
{
	struct srs_opaque *o = waiter;
	struct append *a = arg;

	o->job = NULL;
	o->writing = NULL;
	if (a->ok) {
		o->failing = false;
		append_start(o);
	} else {
		if (!o->failing)
			log_error("srs_opaque_not_kept", L_Z("why", a->why.text));
		o->failing = true;
		/* no new try before the next record: the disk is left in peace */
		put_back(o, a);
	}
	append_drop(a);
}

/* the door */

static struct srs_opaque *create(const char *state_dir, struct loop *l)
{
	struct srs_opaque *o = mem_alloc(sizeof(*o));
	size_t n = strlen(state_dir) + sizeof("/srs-opaque.old");

	o->folder = mem_string(state_dir);
	o->path = mem_alloc(n);
	o->old_path = mem_alloc(n);
	snprintf(o->path, n, "%s/srs-opaque", state_dir);
	snprintf(o->old_path, n, "%s/srs-opaque.old", state_dir);
	o->by_key = map_create();
	o->loop = l;
	buf_init(&o->pending, PENDING_MAX);
	o->refs = 1;
	o->next = stores;
	stores = o;
	return o;
}

static void destroy(struct srs_opaque *o)
{
	struct srs_opaque **at = &stores;

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	while (o->oldest)
		forget(o, o->oldest);
	map_destroy(&o->by_key, NULL);
	buf_finish(&o->pending);
	free(o->folder);
	free(o->path);
	free(o->old_path);
	free(o);
}

struct srs_opaque *srs_opaque_open(const char *state_dir, struct loop *l, int64_t now,
	struct why *why)
{
	struct srs_opaque *o;

	for (o = stores; o; o = o->next) {
		if (o->loop == l && strcmp(o->folder, state_dir) == 0) {
			o->refs++;
			return o;
		}
	}
	o = create(state_dir, l);
	if (!load(o, now, why)) {
		destroy(o);
		return NULL;
	}
	return o;
}

/* The worker may be writing the same lines at this moment: a line twice does no harm. */
static void write_rest(struct srs_opaque *o)
{
	struct append *rest;

	if (o->writing) {
		/* the rest is the worker's */
		struct append copy = { .text = o->writing->text };

		put_back(o, &copy);
	}
	job_cancel(&o->job);
	if (!o->pending.n)
		return;
	rest = append_create(o);
	append_run(rest);
	if (!rest->ok)
		log_error("srs_opaque_not_kept", L_Z("why", rest->why.text));
	append_drop(rest);
}

void srs_opaque_close(struct srs_opaque **o)
{
	if (!*o)
		return;
	if (--(*o)->refs == 0) {
		write_rest(*o);
		destroy(*o);
	}
	*o = NULL;
}

void srs_opaque_put(struct srs_opaque *o, struct str key, struct str text, int64_t now)
{
	int64_t today = now / DAYS(1);
	struct record *r = map_get(o->by_key, key);

	if (!is_key(key) || (r && r->day >= today))
		return;
	if (r)
		forget(o, r);
	r = remember(o, key, text, today);
	forget_old(o, today);
	if (!o->loop)
		return;
	print_record(&o->pending, r);
	o->lines++;
	append_start(o);
}

struct str srs_opaque_get(const struct srs_opaque *o, struct str key)
{
	const struct record *r = map_get(o->by_key, key);

	return r ? r->text : STR_NONE;
}

size_t srs_opaque_count(const struct srs_opaque *o)
{
	return map_count(o->by_key);
}
