/*
 * notes.c - state/notices: last replies of deferred messages, and whose senders know of the delay
 *
 * A convenience that survives restarts: losing it costs a second notice or an empty column, so it
 * is never waited for. Appended to while the server runs; written anew at start and when it has
 * grown.
 *
 *   01KAN0R4Y8Q5T notice
 *   01KAN0R4Y8Q5T reply 451%204.7.1%20Try%20again%20later
 */
#include "schedule_private.h"
#include "base/encode.h"
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

enum { REPLY_TEXT = sizeof ((struct schedule_entry *)0)->last_reply };

struct writing {
	/* owned */
	char *path;
	struct buf data;
	/* state */
	bool anew, ok;
	struct why why;
};

static bool write_all(int fd, struct str data)
{
	while (data.n > 0) {
		ssize_t n = write(fd, data.p, data.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data = str_skip(data, (size_t)n);
	}
	return true;
}

static void write_run(void *arg)
{
	struct writing *w = arg;
	char path[4096];

	snprintf(path, sizeof path, "%s%s", w->path, w->anew ? ".new" : "");
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (w->anew ? O_TRUNC : O_APPEND), 0600);

	w->ok = fd >= 0 && write_all(fd, buf_str(&w->data))
		&& (!w->anew || rename(path, w->path) == 0);
	if (!w->ok)
		why_errno(&w->why, "can't write %s", path);
	if (fd >= 0)
		close(fd);
}

static void write_drop(void *arg)
{
	struct writing *w = arg;

	buf_finish(&w->data);
	free(w->path);
	free(w);
}

static void start(struct schedule *s, bool anew);

static void write_done(void *waiter, void *arg)
{
	struct schedule *s = waiter;
	struct writing *w = arg;

	s->notes.job = NULL;
	if (w->ok)
		s->notes.size = w->data.n + (w->anew ? 0 : s->notes.size);
	else
		log_warn("notices-unwritten", L_Z("reason", w->why.text));
	write_drop(w);
	if (s->notes.pending.n > 0)
		start(s, false);
}

static void add_line(struct buf *out, uint64_t id, const char *reply)
{
	char text[MESSAGE_ID_TEXT];
	struct buf line;

	buf_init(&line, 4 * REPLY_TEXT);
	buf_addf(&line, "%s %s", message_id_text(id, text), reply ? "reply " : "notice");
	if (reply)
		percent_encode(&line, str_of(reply));
	buf_add_char(&line, '\n');
	/* whole lines or none, should it be full */
	buf_add_str(out, buf_str(&line));
	buf_finish(&line);
}

static void add_all(struct schedule *s, struct buf *out)
{
	for (const struct entry *e = entries_after(&s->entries, 0); e;
		e = entries_after(&s->entries, e->id)) {
		if (e->noticed)
			add_line(out, e->id, NULL);
		if (e->last_reply)
			add_line(out, e->id, e->last_reply);
	}
}

/* One write at a time; what comes meanwhile goes with the next. */
static void start(struct schedule *s, bool anew)
{
	static const struct work work = { write_run, write_done, write_drop };
	struct notes *n = &s->notes;

	if (n->job)
		return;
	struct writing *w = mem_alloc(sizeof *w);

	w->path = mem_string(n->path);
	w->anew = anew || n->size > LIMIT_QUEUE_NOTES;
	if (w->anew) {
		/* half full at most, so that it is not written anew all the time */
		buf_init(&w->data, LIMIT_QUEUE_NOTES / 2);
		add_all(s, &w->data);
		buf_finish(&n->pending);
	} else {
		buf_init(&w->data, 0);
		buf_move(&w->data, &n->pending);
	}
	n->job = work_start(s->loop, &work, w, s);
}

void notes_init(struct schedule *s)
{
	const char *dir = spool_state_dir(s->spool);
	size_t n = strlen(dir) + sizeof "/notices";

	s->notes.path = mem_alloc(n);
	snprintf(s->notes.path, n, "%s/notices", dir);
	buf_init(&s->notes.pending, LIMIT_QUEUE_NOTES);
	s->notes.ring = mem_alloc(LIMIT_LAST_REPLIES * sizeof *s->notes.ring);
}

void notes_finish(struct schedule *s)
{
	job_cancel(&s->notes.job);
	buf_finish(&s->notes.pending);
	free(s->notes.path);
	free(s->notes.ring);
}

static void set_reply(struct schedule *s, struct entry *e, struct str text)
{
	struct notes *n = &s->notes;

	text = str_head(text, REPLY_TEXT - 1);
	if (e->last_reply == NULL) {
		struct entry *oldest = entries_find(&s->entries, n->ring[n->ring_at]);

		if (oldest) {
			free(oldest->last_reply);
			oldest->last_reply = NULL;
		}
		n->ring[n->ring_at] = e->id;
		n->ring_at = (n->ring_at + 1) % LIMIT_LAST_REPLIES;
	}
	free(e->last_reply);
	e->last_reply = mem_copy(text.p, text.n);
}

void notes_reply(struct schedule *s, struct entry *e, const char *text)
{
	set_reply(s, e, str_of(text));
	add_line(&s->notes.pending, e->id, e->last_reply);
	start(s, false);
}

void notes_noticed(struct schedule *s, struct entry *e)
{
	e->noticed = true;
	add_line(&s->notes.pending, e->id, NULL);
	start(s, false);
}

/* A line that makes no sense is passed over. */
static void take_line(struct schedule *s, struct str line)
{
	struct str id_text = str_cut(&line, ' '), what = str_cut(&line, ' ');
	struct entry *e;
	struct buf text;
	uint64_t id;

	if (!message_id_parse(&id, id_text) || (e = entries_find(&s->entries, id)) == NULL)
		return;
	buf_init(&text, 4 * REPLY_TEXT);
	if (str_eq(what, STR("notice")))
		e->noticed = true;
	else if (str_eq(what, STR("reply")) && percent_decode(&text, line) && text.n
		&& !memchr(text.p, 0, text.n))
		set_reply(s, e, buf_str(&text));
	buf_finish(&text);
}

static bool read_whole(int fd, struct buf *out)
{
	char chunk[16384];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof chunk)) > 0 && buf_add(out, chunk, (size_t)n))
		;
	return n >= 0;
}

bool notes_read(struct schedule *s, struct why *why)
{
	int fd = open(s->notes.path, O_RDONLY | O_CLOEXEC);
	struct buf all;

	if (fd < 0)
		return errno == ENOENT || why_errno(why, "can't open %s", s->notes.path);
	buf_init(&all, 2 * (size_t)LIMIT_QUEUE_NOTES);
	bool done = read_whole(fd, &all) || why_errno(why, "can't read %s", s->notes.path);

	close(fd);
	for (struct str rest = buf_str(&all); rest.n > 0;)
		take_line(s, str_cut(&rest, '\n'));
	if (done && all.n > 0)
		start(s, true);
	buf_finish(&all);
	return done;
}
