/*
 * The queue on disk, design.md "Spool": one file a message, marks in place, next attempt = mtime.
 * All disk work is on the workers; answers come on the loop. After `true` it survives power loss.
 */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include "base/why.h"
#include "mail/message.h"
#include "net/loop.h"

struct spool;
/* A message on its way to disk: begin, append, then exactly one of commit and abandon. */
struct spool_file;

/* Makes the folders (0700), empties tmp/, takes the lock. False: another process has it, or no
 * permission. */
struct spool *spool_open(struct loop *l, const char *path, struct why *why);
void spool_close(struct spool **sp);
const char *spool_state_dir(const struct spool *sp);

typedef void spool_done(void *waiter, bool ok, const struct why *why);

/* m gets its id, if it has none. No I/O yet. head_room: what envelope and top fields take at most,
 * bytes. */
struct spool_file *spool_begin(struct spool *sp, struct message *m, size_t head_room);
/* What the envelope of m takes at most: for head_room, with LIMIT_TOP_FIELDS. */
size_t spool_head_size(const struct message *m);
/* Writes what passed LIMIT_CONTENT_MEMORY to tmp/: chunk is taken (moved). One at a time. The first
 * call also writes what m->content.memory holds, and sets content.fd and content.at before done;
 * from then on memory must not grow. content.size and content.header are the caller's to keep
 * right: bytes of memory and chunks in all. */
struct job *spool_append(struct spool_file *f, struct buf *chunk, spool_done *done, void *waiter);
/* The header became n bytes shorter: m->content.memory has it as it is to be, with content.header
 * and content.size, and something was appended before. The file's content begins n bytes later from
 * then on; content.at says so. One at a time, like spool_append. */
struct job *spool_cut(struct spool_file *f, size_t n, spool_done *done, void *waiter);
/* Head, content, fsync, rename to queue/, fsync of the folder. True: rcpts have their mark_at. f is
 * used up either way; on false nothing is left in the queue, nor when the job is cancelled.
 * why->error tells ENOSPC apart. next: first attempt, ms since 1970. The message must not change
 * until done. */
struct job *spool_commit(struct spool_file **f, int64_t next, spool_done *done, void *waiter);
void spool_abandon(struct spool_file **f);      /* &NULL is fine; leaves NULL; the tmp file goes */

/* Reads a message back; content in memory if it is small, else an open file. NULL with why:
 * why->error is 0 when it made no sense and was moved to corrupt/ (log it), ENOENT when it is gone,
 * else it can't be read now and stays where it is. m is yours. */
typedef void spool_loaded(void *waiter, struct message *m, const struct why *why);
struct job *spool_load(struct spool *sp, uint64_t id, spool_loaded *done, void *waiter);
/* Writes the marks of the recipients as they stand in m now (durable: fsync). */
struct job *spool_mark(
	struct spool *sp, struct message *m, bool durable, spool_done *done, void *waiter);
/* Sets the next attempt (mtime). Not durable: a crash may cost an earlier attempt. Nobody waits. */
void spool_set_next(struct spool *sp, uint64_t id, int64_t next);
struct job *spool_remove(struct spool *sp, uint64_t id, spool_done *done, void *waiter);
/* queue/ <-> hold/ */
struct job *spool_hold(struct spool *sp, uint64_t id, bool hold, spool_done *done, void *waiter);

/* What is there: names and times only. Blocks: for start-up, and for the command line without a
 * server. */
typedef void spool_seen(void *arg, uint64_t id, int64_t next, bool held);
bool spool_scan(const char *path, spool_seen *seen, void *arg, struct why *why);
/* The same for the server that holds the lock: a file that stands in the wrong folder is put right
 * on the way. */
bool spool_recover(struct spool *sp, spool_seen *seen, void *arg, struct why *why);
/* Reads one message's envelope and fields (no content) without a spool open: for `queue show`.
 * Blocks. held and why may be NULL. NULL with why. */
struct message *spool_peek(const char *path, uint64_t id, bool *held, struct why *why);

#endif
