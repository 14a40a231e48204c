/*
 * commit.c - a message on its way to disk: tmp/, fsync, rename to queue/, fsync of the folder
 *
 * From     receive/ after the final dot (and before, for large messages); schedule/ for its DSNs.
 * To       queue/HH/ID; after `true` it survives power loss.
 * Owns     tmp/ID, until it was renamed or removed.
 * Never    retries an fsync: after a failed one the kernel may have dropped the pages, and call
 *          what is left clean.
 * Fails    with false and nothing left in queue/; ENOSPC and the like in why->error.
 */
#include "folder.h"
#include "format.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* what a sender may grow by in rewriting, and numbers in digits */
enum { SENDER_ROOM = 4096 };

struct spool_file {
	/* owned */
	struct spool *sp;                  /* kept */
	struct message *m;                 /* kept; a worker reads it while busy */
	struct buf chunk, head;
	uint32_t *mark_at;
	int fd;                            /* of tmp/ID; the content's own once fd_given */
	/* the wait */
	spool_done *done;
	void *waiter;
	/* state */
	size_t head_room;
	size_t cut;                        /* bytes that spool_cut is taking off the content's front */
	uint64_t written;                  /* bytes of content in tmp/ID */
	int64_t next;
	bool fd_given, made, in_queue;
	bool busy;                         /* a worker has it */
	bool dead;                         /* abandoned while busy */
	bool ok;
	struct why why;
};

size_t spool_head_size(const struct message *m)
{
	struct buf head;
	uint32_t *mark_at = mem_alloc((m->env.rcpt_count + 1) * sizeof *mark_at);

	buf_init(&head, LIMIT_SPOOL_HEAD);
	format_head(&head, m, 0, mark_at, NULL);
	size_t n = head.over ? LIMIT_SPOOL_HEAD : head.n + SENDER_ROOM;
	buf_finish(&head);
	free(mark_at);
	return n;
}

struct spool_file *spool_begin(struct spool *sp, struct message *m, size_t head_room)
{
	struct spool_file *f = mem_alloc(sizeof *f);

	if (m->id == 0)
		m->id = message_new_id();
	f->sp = folder_keep(sp);
	f->m = message_keep(m);
	buf_init(&f->chunk, SIZE_MAX);
	buf_init(&f->head, LIMIT_SPOOL_HEAD);
	f->fd = -1;
	f->head_room = head_room;
	f->ok = true;
	return f;
}

/* ---- what a disk that fails twice would not take back ---- */

struct leftover {
	struct spool *sp;                  /* kept */
	uint64_t id;
	bool gone;
};

/* It was not acknowledged: should it stay until the next start, it would come twice, and late. */
static void keep_in_mind(struct spool *sp, uint64_t id)
{
	char text[MESSAGE_ID_TEXT];

	if (sp->leftovers == NULL)
		sp->leftovers = mem_alloc(LEFTOVERS * sizeof *sp->leftovers);
	if (sp->leftover_count < LEFTOVERS)
		sp->leftovers[sp->leftover_count++] = id;
	else
		log_error("spool-leftover", L_Z("id", message_id_text(id, text)),
			L_Z("reason", "it was not accepted, but its file can't be removed"));
}

static bool remove_name(int root, const char *name)
{
	return unlinkat(root, name, 0) == 0 || errno == ENOENT;
}

static void leftover_run(void *arg)
{
	struct leftover *l = arg;
	char name[NAME_MAX_TEXT];

	l->gone = remove_name(l->sp->root, folder_flat_name(name, "tmp", l->id));
	l->gone = remove_name(l->sp->root, folder_name(name, "queue", l->id)) && l->gone;
}

static void leftover_drop(void *arg)
{
	struct leftover *l = arg;

	folder_release(&l->sp);
	free(l);
}

static void leftover_done(void *waiter, void *arg)
{
	struct leftover *l = arg;

	(void)waiter;
	if (!l->gone)
		keep_in_mind(l->sp, l->id);
	leftover_drop(l);
}

/* After a commit, which shows that the disk works again. */
static void remove_leftovers(struct spool *sp)
{
	static const struct work work = { leftover_run, leftover_done, leftover_drop };

	while (sp->leftover_count > 0) {
		struct leftover *l = mem_alloc(sizeof *l);

		l->sp = folder_keep(sp);
		l->id = sp->leftovers[--sp->leftover_count];
		work_forget(sp->loop, &work, l);
	}
}

/* Loop's thread. */
static void file_free(struct spool_file *f)
{
	if (f->made || f->in_queue)
		keep_in_mind(f->sp, f->m->id);
	if (f->fd >= 0 && !f->fd_given)
		close(f->fd);
	buf_finish(&f->chunk);
	buf_finish(&f->head);
	free(f->mark_at);
	message_release(&f->m);
	folder_release(&f->sp);
	free(f);
}

/* Removes what there is of the file; any thread that has sole use of f. What it can't remove stays
 * known to f. */
static void unmake(struct spool_file *f)
{
	char name[NAME_MAX_TEXT];

	if (f->made)
		f->made = !remove_name(f->sp->root, folder_flat_name(name, "tmp", f->m->id));
	if (f->in_queue)
		f->in_queue = !remove_name(f->sp->root, folder_name(name, "queue", f->m->id));
}

static bool make(struct spool_file *f)
{
	char name[NAME_MAX_TEXT];

	folder_flat_name(name, "tmp", f->m->id);
	f->fd = openat(f->sp->root, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd < 0)
		return why_errno(&f->why, "can't make %s/%s", f->sp->path, name);
	f->made = true;
	return true;
}

/* All of the pieces, at an offset; pieces are used up. */
static bool write_all(struct spool_file *f, struct iovec *piece, int n, off_t at)
{
	while (n > 0) {
		if (piece->iov_len == 0) {
			piece++;
			n--;
			continue;
		}
		ssize_t put = pwritev(f->fd, piece, n, at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			errno = put < 0 ? errno : ENOSPC;
			return why_errno(&f->why, "can't write to %s/tmp", f->sp->path);
		}
		at += put;
		while (n > 0 && (size_t)put >= piece->iov_len) {
			put -= (ssize_t)piece->iov_len;
			piece++;
			n--;
		}
		if (n > 0) {
			piece->iov_base = (char *)piece->iov_base + put;
			piece->iov_len -= (size_t)put;
		}
	}
	return true;
}

static struct iovec piece_of(const struct buf *b)
{
	return (struct iovec){ b->p, b->n };
}

static void append_run(void *arg)
{
	struct spool_file *f = arg;
	struct iovec pieces[2] = { { NULL, 0 }, piece_of(&f->chunk) };

	if (!f->made) {
		f->ok = make(f);
		pieces[0] = piece_of(&f->m->content.memory);
	}
	size_t n = pieces[0].iov_len + pieces[1].iov_len;

	f->ok = f->ok && write_all(f, pieces, 2, (off_t)(f->head_room + f->written));
	if (f->ok)
		f->written += n;
}

static void append_done(void *waiter, void *arg)
{
	struct spool_file *f = arg;

	(void)waiter;
	f->busy = false;
	buf_finish(&f->chunk);
	if (f->fd >= 0 && !f->fd_given) {
		f->m->content.fd = f->fd;
		f->m->content.at = (off_t)f->head_room;
		f->fd_given = true;
	}
	f->done(f->waiter, f->ok, &f->why);
}

static void append_drop(void *arg)
{
	struct spool_file *f = arg;

	f->busy = false;
	/* what is in the file is not known any more: only spool_abandon is left */
	f->ok = false;
	why_set(&f->why, "writing was given up");
	if (f->dead) {
		unmake(f);
		file_free(f);
	}
}

static const struct work append_work = { append_run, append_done, append_drop };

struct job *spool_append(struct spool_file *f, struct buf *chunk, spool_done *done, void *waiter)
{
	must(!f->busy);
	f->busy = true;
	f->done = done;
	f->waiter = waiter;
	buf_finish(&f->chunk);
	buf_move(&f->chunk, chunk);
	return work_start(f->sp->loop, &append_work, f, NULL);
}

/* ---- a shorter header ---- */

static void cut_run(void *arg)
{
	struct spool_file *f = arg;
	struct iovec header = { f->m->content.memory.p, f->m->content.header };

	f->ok = f->ok && write_all(f, &header, 1, (off_t)(f->head_room + f->cut));
}

static void cut_done(void *waiter, void *arg)
{
	struct spool_file *f = arg;

	(void)waiter;
	f->busy = false;
	f->head_room += f->cut;
	f->written -= f->cut;
	f->m->content.at += (off_t)f->cut;
	f->done(f->waiter, f->ok, &f->why);
}

static const struct work cut_work = { cut_run, cut_done, append_drop };

struct job *spool_cut(struct spool_file *f, size_t n, spool_done *done, void *waiter)
{
	must(!f->busy && f->made && n <= f->written);
	f->busy = true;
	f->cut = n;
	f->done = done;
	f->waiter = waiter;
	return work_start(f->sp->loop, &cut_work, f, NULL);
}

/* ---- the end of the way ---- */

static bool write_file(struct spool_file *f)
{
	struct iovec pieces[3] = { piece_of(&f->head), piece_of(&f->m->top),
		piece_of(&f->m->content.memory) };

	if (f->made)
		return write_all(f, pieces, 2, 0);
	return make(f) && write_all(f, pieces, 3, 0);
}

static bool sync_file(struct spool_file *f)
{
	struct timespec times[2] = { { 0, UTIME_OMIT },
		{ (time_t)(f->next / 1000), (long)(f->next % 1000) * 1000000 } };

	if (futimens(f->fd, times) < 0)
		return why_errno(&f->why, "can't set the time of a file in %s/tmp", f->sp->path);
	return fsync(f->fd) == 0 || why_errno(&f->why, "can't fsync a file in %s/tmp", f->sp->path);
}

static bool move_file(struct spool_file *f)
{
	char from[NAME_MAX_TEXT], to[NAME_MAX_TEXT];

	folder_flat_name(from, "tmp", f->m->id);
	folder_name(to, "queue", f->m->id);
	if (!folder_rename(f->sp->root, from, to))
		return why_errno(&f->why, "can't rename to %s/%s", f->sp->path, to);
	f->made = false;
	f->in_queue = true;
	if (fsync(f->sp->queue[folder_of(f->m->id)]) < 0)
		return why_errno(&f->why, "can't fsync the folder of %s/%s", f->sp->path, to);
	return true;
}

static void commit_run(void *arg)
{
	struct spool_file *f = arg;

	f->ok = f->ok && write_file(f) && sync_file(f) && move_file(f);
	if (!f->ok)
		unmake(f);
	if (!f->fd_given && f->fd >= 0) {
		close(f->fd);
		f->fd = -1;
	}
}

static void commit_done(void *waiter, void *arg)
{
	struct spool_file *f = arg;
	spool_done *done = f->done;
	void *whose = f->waiter;
	struct why why = f->why;
	bool ok = f->ok;

	(void)waiter;
	for (size_t i = 0; ok && i < f->m->env.rcpt_count; i++) {
		struct recipient *r = &f->m->env.rcpts[i];

		r->mark_at = f->mark_at[i];
		r->mark = r->mark ? r->mark : RCPT_TODO;
	}
	if (ok) {
		f->in_queue = false;            /* the queue's own from now on */
		remove_leftovers(f->sp);
	}
	file_free(f);
	done(whose, ok, &why);
}

/* Whoever gave up waiting has not said 250: what got into the queue goes again. */
static void commit_drop(void *arg)
{
	unmake(arg);
	file_free(arg);
}

static const struct work commit_work = { commit_run, commit_done, commit_drop };

static bool prepare(struct spool_file *f)
{
	const struct content *c = &f->m->content;
	uint64_t there = f->made ? f->written : c->memory.n;

	if (!f->ok)
		return false;
	if (c->size != there || c->memory.n < c->header || c->header > c->size)
		return why_set(&f->why, "content of %llu bytes has %llu, header %zu of %zu",
			(unsigned long long)c->size, (unsigned long long)there, c->header,
			c->memory.n);
	f->mark_at = mem_alloc((f->m->env.rcpt_count + 1) * sizeof *f->mark_at);
	return format_head(&f->head, f->m, f->made ? f->head_room : 0, f->mark_at, &f->why);
}

struct job *spool_commit(struct spool_file **file, int64_t next, spool_done *done, void *waiter)
{
	struct spool_file *f = *file;

	*file = NULL;
	must(!f->busy);
	f->busy = true;
	f->next = next;
	f->done = done;
	f->waiter = waiter;
	f->ok = prepare(f);
	return work_start(f->sp->loop, &commit_work, f, NULL);
}

static void remove_run(void *arg)
{
	unmake(arg);
}

static void remove_done(void *waiter, void *arg)
{
	(void)waiter;
	file_free(arg);
}

static const struct work remove_work = { remove_run, remove_done, commit_drop };

void spool_abandon(struct spool_file **file)
{
	struct spool_file *f = *file;

	*file = NULL;
	if (f == NULL)
		return;
	if (f->busy)
		f->dead = true;
	else if (f->made)
		work_forget(f->sp->loop, &remove_work, f);
	else
		file_free(f);
}
