/*
 * orders.c - what the operator wants done with a message: retry, hold, release, remove
 *
 * From     admin/'s control socket.
 * To       spool/, for what changes on disk; then the answer, as a sentence for a person.
 * Never    touches a message in the middle of an attempt: its outcome is not known yet.
 */
#include "schedule_private.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct order {
	struct job job;
	/* owned */
	struct job *inner;
	/* borrowed */
	struct schedule *s;             /* NULL: it is gone */
	/* the wait */
	schedule_answer *answer;        /* NULL: nobody listens any more */
	void *waiter;
	/* state */
	struct order *next;             /* in s->orders, while the disk works */
	bool on_disk;
	enum schedule_order what;
	uint64_t id;
	uint8_t was;                    /* enum entry_state before */
	bool ok;
	char text[sizeof(struct why) + 100];
};

static void order_cancel(struct job *job)
{
	struct order *o = (struct order *)job;

	if (o->on_disk && o->s) {
		/* what was begun is finished, only nobody is told */
		o->answer = NULL;
		return;
	}
	job_cancel(&o->inner);
	free(o);
}

static void speak(void *waiter)
{
	struct order *o = waiter;

	o->inner = NULL;
	if (o->answer)
		o->answer(o->waiter, o->ok, o->text);
	free(o);
}

static struct job *say(struct order *o, bool ok, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static struct job *say(struct order *o, bool ok, const char *fmt, ...)
{
	va_list ap;

	o->ok = ok;
	va_start(ap, fmt);
	vsnprintf(o->text, sizeof o->text, fmt, ap);
	va_end(ap);
	o->inner = loop_later(o->s->loop, speak, o);
	return &o->job;
}

void orders_cancel(struct schedule *s)
{
	while (s->orders) {
		struct order *o = s->orders;

		s->orders = o->next;
		job_cancel(&o->inner);
		o->s = NULL;
		/* one that somebody waits for is freed when that one cancels it */
		if (o->answer == NULL)
			free(o);
	}
}

/* To where it was, or where the order wanted it. */
static void put_back(struct schedule *s, struct entry *e, uint8_t state, int64_t next)
{
	if (state == ENTRY_HELD) {
		schedule_drop_message(s, e);
		e->state = ENTRY_HELD;
		s->held++;
	} else {
		schedule_wait(s, e, next);
	}
}

static void done(void *waiter, bool ok, const struct why *why)
{
	static const char *const words[] = { "will be tried now", "is on hold",
		"is back in the queue", "has been removed" };
	static const char *const events[] = { "queue-retry", "queue-hold", "queue-release",
		"queue-remove" };
	struct order *o = waiter;
	struct schedule *s = o->s;
	struct entry *e = entries_find(&s->entries, o->id);
	char id[MESSAGE_ID_TEXT];

	for (struct order **at = &s->orders; *at; at = &(*at)->next)
		if (*at == o) {
			*at = o->next;
			break;
		}
	o->inner = NULL;
	message_id_text(o->id, id);
	if (!ok)
		put_back(s, e, o->was == ENTRY_HELD ? ENTRY_HELD : ENTRY_WAITING, e->next);
	else if (o->what == SCHEDULE_REMOVE)
		schedule_forget(s, e);
	else
		put_back(s, e, o->what == SCHEDULE_HOLD ? ENTRY_HELD : ENTRY_WAITING,
			schedule_now(s));
	o->ok = ok;
	if (ok) {
		snprintf(o->text, sizeof o->text, "%s %s", id, words[o->what]);
		log_info(events[o->what], L_Z("id", id), L_Z("reason", "the operator's order"));
	} else {
		snprintf(o->text, sizeof o->text, "%s: %s", id, why->text);
	}
	speak(o);
	schedule_kick(s);
}

static struct job *ask_disk(struct order *o, struct entry *e)
{
	struct schedule *s = o->s;

	o->was = e->state;
	if (e->state == ENTRY_PARKED)
		lanes_unpark(s, e);
	else if (e->state == ENTRY_HELD)
		s->held--;
	entries_pull(&s->entries, e);
	e->state = ENTRY_BUSY;
	o->on_disk = true;
	o->next = s->orders;
	s->orders = o;
	o->inner = o->what == SCHEDULE_REMOVE ? spool_remove(s->spool, o->id, done, o)
		: spool_hold(s->spool, o->id, o->what == SCHEDULE_HOLD, done, o);
	return &o->job;
}

static void retry(struct schedule *s, struct entry *e)
{
	if (e->state != ENTRY_WAITING)
		return;
	entries_pull(&s->entries, e);
	schedule_wait(s, e, schedule_now(s));
}

static struct job *retry_all(struct order *o)
{
	struct schedule *s = o->s;
	size_t n = s->entries.heap_count;
	int64_t now = schedule_now(s);

	lanes_wake_all(s);
	/* all the same: any order of the heap is right */
	for (size_t i = 0; i < n; i++)
		s->entries.heap[i]->next = now;
	schedule_kick(s);
	return say(o, true, "%zu message%s will be tried now", n, n == 1 ? "" : "s");
}

struct job *schedule_tell(struct schedule *s, enum schedule_order what, uint64_t id,
	schedule_answer *answer, void *waiter)
{
	struct order *o = mem_alloc(sizeof *o);
	char text[MESSAGE_ID_TEXT];

	*o = (struct order){ .job = { order_cancel }, .s = s, .answer = answer, .waiter = waiter,
		.what = what,
		.id = id };
	if (id == 0)
		return what == SCHEDULE_RETRY ? retry_all(o) : say(o, false, "say which message");
	struct entry *e = entries_find(&s->entries, id);

	message_id_text(id, text);
	if (e == NULL)
		return say(o, false, "there is no message %s in the queue", text);
	if (s->stopping)
		return say(o, false, "waypost is stopping; try again when it runs");
	if (e->state == ENTRY_ACTIVE || e->state == ENTRY_BUSY)
		return say(o, false, "%s is being %s right now; try again in a moment", text,
			e->state == ENTRY_ACTIVE ? "delivered" : "moved");
	if (e->unwritten && what != SCHEDULE_RETRY)
		return say(o, false, "%s has been tried, but the disk could not be written; "
			"see the log for queue-unwritten", text);
	if (e->state == ENTRY_HELD ? what == SCHEDULE_HOLD : what == SCHEDULE_RELEASE)
		return say(o, false, "%s is %son hold", text,
			e->state == ENTRY_HELD ? "already " : "not ");
	if (what != SCHEDULE_RETRY)
		return ask_disk(o, e);
	if (e->state == ENTRY_HELD)
		return say(o, false, "%s is on hold; release it first", text);
	lanes_wake_all(s);
	retry(s, e);
	schedule_kick(s);
	return say(o, true, "%s will be tried now", text);
}
