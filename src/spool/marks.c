/*
 * marks.c - what changes in a queue file, or becomes of it, after it was committed
 *
 * From     schedule/, when outcomes are known and when the operator says so.
 * Never    writes a byte that is no recipient's mark: a file that a person has edited is left
 *          alone.
 */
#include "folder.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct mark {
	uint32_t at;
	char mark;
};

/* One errand to a file of the queue; the same struct for all kinds. */
struct errand {
	/* owned */
	struct spool *sp;                  /* kept */
	struct mark *marks;
	size_t count;
	/* the wait */
	spool_done *done;
	void *waiter;
	/* state */
	uint64_t id;
	int64_t next;
	bool durable, hold, ok;
	struct why why;
};

static struct errand *errand_make(struct spool *sp, uint64_t id, spool_done *done, void *waiter)
{
	struct errand *e = mem_alloc(sizeof *e);

	e->sp = folder_keep(sp);
	e->id = id;
	e->done = done;
	e->waiter = waiter;
	return e;
}

static void errand_drop(void *arg)
{
	struct errand *e = arg;

	folder_release(&e->sp);
	free(e->marks);
	free(e);
}

static void errand_done(void *waiter, void *arg)
{
	struct errand *e = arg;
	spool_done *done = e->done;
	void *whose = e->waiter;
	struct why why = e->why;
	bool ok = e->ok;

	(void)waiter;
	errand_drop(e);
	if (done)
		done(whose, ok, &why);
}

static bool write_mark(int fd, const struct mark *mark)
{
	char old[4];

	if (pread(fd, old, sizeof old, mark->at) != (ssize_t)sizeof old
		|| memcmp(old + 1, "to ", 3) != 0
		|| (old[0] != RCPT_TODO && old[0] != RCPT_DELIVERED && old[0] != RCPT_FAILED)) {
		errno = EUCLEAN;
		return false;
	}
	if (old[0] == mark->mark)
		return true;
	ssize_t n = pwrite(fd, &mark->mark, 1, mark->at);

	if (n == 0)
		errno = ENOSPC;
	return n == 1;
}

/* The write changes the mtime, which is the next attempt: it is put back. */
static bool write_marks(struct errand *e, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	for (size_t i = 0; i < e->count; i++)
		if (!write_mark(fd, &e->marks[i]))
			return false;
	struct timespec times[2] = { { 0, UTIME_OMIT }, st.st_mtim };

	return futimens(fd, times) == 0 && (!e->durable || fdatasync(fd) == 0);
}

static void mark_run(void *arg)
{
	struct errand *e = arg;
	char name[NAME_MAX_TEXT];
	int fd = openat(
		e->sp->root, folder_name(name, "queue", e->id), O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	e->ok = fd >= 0 && write_marks(e, fd);
	if (!e->ok)
		why_errno(&e->why, "can't mark recipients in %s/%s", e->sp->path, name);
	if (fd >= 0)
		close(fd);
}

struct job *spool_mark(
	struct spool *sp, struct message *m, bool durable, spool_done *done, void *waiter)
{
	static const struct work work = { mark_run, errand_done, errand_drop };
	struct errand *e = errand_make(sp, m->id, done, waiter);

	e->durable = durable;
	e->marks = mem_alloc((m->env.rcpt_count + 1) * sizeof *e->marks);
	for (size_t i = 0; i < m->env.rcpt_count; i++) {
		const struct recipient *r = &m->env.rcpts[i];

		must(r->mark_at != 0);
		if (r->mark != RCPT_TODO)
			e->marks[e->count++] = (struct mark){ r->mark_at, r->mark };
	}
	return work_start(sp->loop, &work, e, NULL);
}

static void set_next_run(void *arg)
{
	struct errand *e = arg;
	struct timespec times[2] = { { 0, UTIME_OMIT },
		{ (time_t)(e->next / 1000), (long)(e->next % 1000) * 1000000 } };
	char name[NAME_MAX_TEXT];

	folder_name(name, "queue", e->id);
	/* failing costs an attempt too early after a restart, or the message is gone */
	e->ok = utimensat(e->sp->root, name, times, AT_SYMLINK_NOFOLLOW) == 0;
}

void spool_set_next(struct spool *sp, uint64_t id, int64_t next)
{
	static const struct work work = { set_next_run, errand_done, errand_drop };
	struct errand *e = errand_make(sp, id, NULL, NULL);

	e->next = next;
	work_forget(sp->loop, &work, e);
}

/* Not durable: that it comes back after a power failure costs a duplicate, never a loss. */
static void remove_run(void *arg)
{
	struct errand *e = arg;
	char name[NAME_MAX_TEXT], held[NAME_MAX_TEXT];

	folder_name(name, "queue", e->id);
	folder_name(held, "hold", e->id);
	e->ok = unlinkat(e->sp->root, name, 0) == 0
		|| (errno == ENOENT && (unlinkat(e->sp->root, held, 0) == 0 || errno == ENOENT));
	if (!e->ok)
		why_errno(&e->why, "can't remove %s/%s", e->sp->path, name);
}

struct job *spool_remove(struct spool *sp, uint64_t id, spool_done *done, void *waiter)
{
	static const struct work work = { remove_run, errand_done, errand_drop };

	return work_start(sp->loop, &work, errand_make(sp, id, done, waiter), NULL);
}

static bool sync_dir_of(struct spool *sp, const char *name)
{
	struct str dir = str_of(name);
	char path[NAME_MAX_TEXT];

	dir = str_head(dir, (size_t)str_rfind(dir, '/'));
	memcpy(path, dir.p, dir.n);
	path[dir.n] = '\0';
	int fd = openat(sp->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return done;
}

static bool make_hold_folder(struct spool *sp, uint64_t id)
{
	char name[NAME_MAX_TEXT];

	folder_name(name, "hold", id);
	name[str_rfind(str_of(name), '/')] = '\0';
	/* whoever made it may not have come to this */
	return (mkdirat(sp->root, name, 0700) == 0 || errno == EEXIST)
		&& sync_dir_of(sp, name);          /* of hold/ */
}

static void hold_run(void *arg)
{
	struct errand *e = arg;
	char queued[NAME_MAX_TEXT], held[NAME_MAX_TEXT];

	folder_name(queued, "queue", e->id);
	folder_name(held, "hold", e->id);
	const char *from = e->hold ? queued : held, *to = e->hold ? held : queued;

	bool moved = (!e->hold || make_hold_folder(e->sp, e->id))
		&& folder_rename(e->sp->root, from, to);

	/* the new place first: better in both than in none, should the power fail in between */
	e->ok = moved && sync_dir_of(e->sp, to) && sync_dir_of(e->sp, from);
	if (e->ok)
		return;
	why_errno(&e->why, "can't move %s/%s to %s", e->sp->path, from, to);
	/* back to where the caller will look for it */
	if (moved)
		folder_rename(e->sp->root, to, from);
}

struct job *spool_hold(struct spool *sp, uint64_t id, bool hold, spool_done *done, void *waiter)
{
	static const struct work work = { hold_run, errand_done, errand_drop };
	struct errand *e = errand_make(sp, id, done, waiter);

	e->hold = hold;
	return work_start(sp->loop, &work, e, NULL);
}
