/*
 * recover.c - the way back from disk: one message, or the names and times of all
 *
 * From     schedule/, for the next attempt and at start; cli/ for `queue list` and `queue show`.
 * Owns     what it reads until it is handed over.
 * Never    deletes: what makes no sense goes to corrupt/, for a person to look at.
 */
#include "folder.h"
#include "format.h"
#include "base/limits.h"
#include "base/mem.h"
#include "net/workers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* False without an error number: the file ended before. */
static bool read_all(int fd, void *out, size_t n, off_t at, struct why *why)
{
	char *to = out;

	while (n > 0) {
		ssize_t got = pread(fd, to, n, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return why_errno(why, "can't read it");
		if (got == 0)
			return why_set(why, "it ends too early");
		to += got;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

/* Reads from the front of the file until the head is whole. file keeps all that was read; *head:
 * its length. */
static bool read_head(int fd, uint64_t size, struct buf *file, size_t *head, struct why *why)
{
	char chunk[16384];

	for (*head = 0; *head == 0;) {
		size_t n = size - file->n < sizeof chunk ? (size_t)(size - file->n) : sizeof chunk;

		if (n == 0)
			return why_set(why, "its envelope has no end");
		if (!read_all(fd, chunk, n, (off_t)file->n, why))
			return false;
		/* the end may lie across two pieces */
		size_t from = file->n ? file->n - 1 : 0;

		if (!buf_add(file, chunk, n))
			return why_set(
				why, "its envelope is longer than %d bytes", LIMIT_SPOOL_HEAD);
		*head = format_head_length(str_skip(buf_str(file), from));
		*head += *head ? from : 0;
	}
	return true;
}

/* n bytes of the file from offset `at` on, behind what `out` holds; what was read already is not
 * read again. */
static bool take(
	int fd, const struct buf *file, uint64_t at, size_t n, struct buf *out, struct why *why)
{
	struct str have = str_head(str_skip(buf_str(file), (size_t)at), n);
	size_t rest = n - have.n;

	if (!buf_add_str(out, have))
		return why_set(why, "it has more than can be held");
	if (rest == 0)
		return true;
	char *more = mem_alloc(rest);
	bool done = read_all(fd, more, rest, (off_t)(at + have.n), why) && buf_add(out, more, rest);

	free(more);
	return done;
}

static bool read_message(struct message *m, int fd, bool whole, struct buf *file, struct why *why)
{
	struct format_sizes sizes = { 0 };
	struct content *c = &m->content;
	struct stat st;
	size_t head;

	if (fstat(fd, &st) < 0)
		return why_errno(why, "can't look at it");
	if (!S_ISREG(st.st_mode))
		return why_set(why, "it is no file");
	if (!read_head(fd, (uint64_t)st.st_size, file, &head, why)
		|| !format_parse(m, str_head(buf_str(file), head), &sizes, why))
		return false;
	if ((uint64_t)st.st_size != head + sizes.top + sizes.size)
		return why_set(why, "it has %lld bytes and should have %llu", (long long)st.st_size,
			(unsigned long long)(head + sizes.top + sizes.size));
	bool small = whole && sizes.size <= LIMIT_CONTENT_MEMORY;

	c->size = sizes.size;
	c->header = (size_t)sizes.header;
	c->at = (off_t)(head + sizes.top);
	return take(fd, file, head, (size_t)sizes.top, &m->top, why)
		&& take(fd, file, head + sizes.top, (size_t)(small ? sizes.size : sizes.header),
			&c->memory, why);
}

/* whole: with content. NULL with why; its error is 0 if the file itself is wrong. */
static struct message *load(int root, const char *name, uint64_t id, bool whole, struct why *why)
{
	int fd = openat(root, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct buf file;

	if (fd < 0) {
		why_errno(why, "can't open %s", name);
		return NULL;
	}
	struct message *m = message_create();

	buf_init(&file, LIMIT_SPOOL_HEAD);
	bool done = read_message(m, fd, whole, &file, why);
	if (done && m->id != id)
		done = why_set(why, "it holds another message's envelope");
	buf_finish(&file);
	if (!done) {
		why_prefix(why, "%s", name);
		message_release(&m);
	}
	if (m && whole && m->content.memory.n < m->content.size)
		m->content.fd = fd;
	else
		close(fd);
	return m;
}

struct loading {
	/* owned */
	struct spool *sp;                  /* kept */
	struct message *m;
	/* the wait */
	spool_loaded *done;
	void *waiter;
	/* state */
	uint64_t id;
	struct why why;
};

static bool set_aside(struct spool *sp, const char *name, uint64_t id)
{
	char to[NAME_MAX_TEXT], nth[NAME_MAX_TEXT + 16];

	folder_flat_name(to, "corrupt", id);
	if (folder_rename(sp->root, name, to))
		return true;
	for (int i = 1; errno == EEXIST && i <= LIMIT_SPOOL_CORRUPT; i++) {
		snprintf(nth, sizeof nth, "%s.%d", to, i);
		if (folder_rename(sp->root, name, nth))
			return true;
	}
	return false;
}

static void load_run(void *arg)
{
	struct loading *l = arg;
	char name[NAME_MAX_TEXT];

	folder_name(name, "queue", l->id);
	l->m = load(l->sp->root, name, l->id, true, &l->why);
	if (l->m || l->why.error)
		return;
	if (!set_aside(l->sp, name, l->id)) {
		l->why.error = errno;
		why_prefix(&l->why, "can't be moved to corrupt/ (%s)", strerror(errno));
	}
}

static void load_drop(void *arg)
{
	struct loading *l = arg;

	message_release(&l->m);
	folder_release(&l->sp);
	free(l);
}

static void load_done(void *waiter, void *arg)
{
	struct loading *l = arg;
	spool_loaded *done = l->done;
	void *whose = l->waiter;
	struct message *m = l->m;
	struct why why = l->why;

	(void)waiter;
	l->m = NULL;
	load_drop(l);
	done(whose, m, &why);
}

struct job *spool_load(struct spool *sp, uint64_t id, spool_loaded *done, void *waiter)
{
	static const struct work work = { load_run, load_done, load_drop };
	struct loading *l = mem_alloc(sizeof *l);

	*l = (struct loading){ .sp = folder_keep(sp), .done = done, .waiter = waiter, .id = id };
	return work_start(sp->loop, &work, l, NULL);
}

static int open_path(const char *path, struct why *why)
{
	int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		why_errno(why, "can't open the spool %s", path);
	return root;
}

struct message *spool_peek(const char *path, uint64_t id, bool *held, struct why *why)
{
	int root = open_path(path, why);
	char name[NAME_MAX_TEXT];
	struct why first = { 0 };
	bool is_held = false;

	if (root < 0)
		return NULL;
	struct message *m = load(root, folder_name(name, "queue", id), id, false, &first);

	if (m == NULL && first.error == ENOENT) {
		is_held = true;
		m = load(root, folder_name(name, "hold", id), id, false, &first);
	}
	if (m == NULL && why)
		*why = first;
	if (held)
		*held = is_held;
	close(root);
	return m;
}

/* ---- names and times ---- */

struct scan {
	int root;
	const char *path;
	bool repair;
	spool_seen *seen;
	void *arg;
};

/* A file in another folder than its id says would never be found again. */
static bool is_in_place(
	const struct scan *s, const char *top, unsigned folder, const char *file, uint64_t id)
{
	char from[NAME_MAX_TEXT], to[NAME_MAX_TEXT], text[MESSAGE_ID_TEXT];

	message_id_text(id, text);
	if (folder_of(id) == folder && strcmp(file, text) == 0)
		return true;
	snprintf(from, sizeof from, "%s/%02x/%.20s", top, folder, file);
	return s->repair && folder_rename(s->root, from, folder_name(to, top, id));
}

static void see(const struct scan *s, int dir, const char *top, unsigned folder, const char *file)
{
	struct stat st;
	uint64_t id;

	if (!message_id_parse(&id, str_of(file)) || id == 0
		|| fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode)
		|| !is_in_place(s, top, folder, file, id))
		return;
	s->seen(s->arg, id, (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000,
		strcmp(top, "hold") == 0);
}

static bool scan_folder(const struct scan *s, const char *top, unsigned folder, struct why *why)
{
	char name[NAME_MAX_TEXT];
	struct dirent *e;

	snprintf(name, sizeof name, "%s/%02x", top, folder);
	int fd = openat(s->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT)
		return true;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL) {
		why_errno(why, "can't read %s/%s", s->path, name);
		if (fd >= 0)
			close(fd);
		return false;
	}
	for (errno = 0; (e = readdir(dir)) != NULL; errno = 0)
		see(s, fd, top, folder, e->d_name);
	bool done = errno == 0 || why_errno(why, "can't read %s/%s", s->path, name);

	closedir(dir);
	return done;
}

static bool scan_all(const struct scan *s, struct why *why)
{
	for (unsigned i = 0; i < FOLDERS; i++)
		if (!scan_folder(s, "queue", i, why) || !scan_folder(s, "hold", i, why))
			return false;
	return true;
}

bool spool_scan(const char *path, spool_seen *seen, void *arg, struct why *why)
{
	struct scan s = { open_path(path, why), path, false, seen, arg };
	bool done = s.root >= 0 && scan_all(&s, why);

	if (s.root >= 0)
		close(s.root);
	return done;
}

bool spool_recover(struct spool *sp, spool_seen *seen, void *arg, struct why *why)
{
	struct scan s = { sp->root, sp->path, true, seen, arg };

	return scan_all(&s, why);
}
