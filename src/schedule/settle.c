/*
 * settle.c - what follows from the outcomes: reports, marks, removal, or another time
 *
 * The order is the promise: a report about a failure is durable before the recipient is marked
 * failed, and the marks are durable before the message goes. A crash anywhere in between costs a
 * second report or a duplicate, never a loss.
 *
 * From     attempt.c, when all outcomes are in.
 * To       spool/, for the report and the marks; back to schedule.c.
 * Never    tries a recipient again whose mark could not be written: the message waits in
 *          memory until it can.
 */
#include "schedule_private.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>

/* ---- reports ---- */

static bool is_wanted(const struct attempt *a, size_t i, enum bounce_kind kind)
{
	enum outcome out = (enum outcome)a->out[i];
	bool concerned = false;

	switch (kind) {
	case BOUNCE_FAILED:
		concerned = out == OUT_FAILED;
		break;
	case BOUNCE_RELAYED:
		concerned = out == OUT_RELAYED;
		break;
	case BOUNCE_DELAYED:
		concerned = out == OUT_DEFERRED && !a->e->noticed
			&& attempt_age(a->e->m) >= a->s->options->delay_notice;
		break;
	case BOUNCE_DELIVERED:
		break;
	}
	return concerned && bounce_is_due(a->e->m, i, kind);
}

/* The sender may be one of ours, who reads mail elsewhere: its targets take its place. */
static bool route_report(struct attempt *a, struct message *dsn)
{
	struct address to = dsn->env.rcpts[0].to;
	struct route_answer answer = { 0 };
	char line[LIMIT_REPLY_TEXT + 40], id[MESSAGE_ID_TEXT];

	route_recipient(a->s->routes, &to, true, dsn->arena, &answer);
	if (answer.kind == ROUTE_DISCARD || answer.kind == ROUTE_REFUSE
		|| answer.target_count == 0) {
		log_warn("bounce-undeliverable", L_Z("id", message_id_text(a->e->id, id)),
			L_Z("to", address_text(&to, a->arena)),
			L_Z("reply", answer.reply.code
				? reply_line(&answer.reply, line, sizeof line) : "discarded"));
		return false;
	}
	struct recipient *all = arena_alloc(dsn->arena, answer.target_count * sizeof *all);

	for (size_t i = 0; i < answer.target_count; i++) {
		all[i] = dsn->env.rcpts[0];
		all[i].to = answer.targets[i];
	}
	dsn->env.rcpts = all;
	dsn->env.rcpt_count = answer.target_count;
	return true;
}

static struct message *make_report(struct attempt *a, enum bounce_kind kind)
{
	struct message *m = a->e->m, *dsn = NULL;
	struct bounce_entry *about = mem_alloc((m->env.rcpt_count + 1) * sizeof *about);
	size_t n = 0;

	for (size_t i = 0; i < m->env.rcpt_count; i++)
		if (is_wanted(a, i, kind)) {
			about[n].rcpt = i;
			about[n++].reply = *a->replies[i];
		}
	if (n > 0)
		dsn = bounce_make(
			m, kind, about, n, a->s->hostname, m->env.arrived + a->s->options->max_age);
	free(about);
	if (dsn && !route_report(a, dsn))
		message_release(&dsn);
	return dsn;
}

static void report_done(struct attempt *a)
{
	static const char *const kinds[] = { "failed", "delayed", "delivered", "relayed" };
	char id[MESSAGE_ID_TEXT], dsn[MESSAGE_ID_TEXT];

	log_info("bounce", L_Z("id", message_id_text(a->e->id, id)),
		L_Z("dsn", message_id_text(a->dsn->id, dsn)),
		L_Z("to", address_text(&a->dsn->env.rcpts[0].original, a->arena)),
		L_Z("kind", kinds[a->dsn_kind]));
	if (a->dsn_kind == BOUNCE_FAILED)
		a->reported = true;
	if (a->dsn_kind == BOUNCE_DELAYED)
		notes_noticed(a->s, a->e);
	schedule_add(a->s, a->dsn);
	a->dsn = NULL;
}

static void report_committed(void *waiter, bool ok, const struct why *why)
{
	struct attempt *a = waiter;
	struct schedule *s = a->s;
	char id[MESSAGE_ID_TEXT];

	a->job = NULL;
	if (ok) {
		report_done(a);
	} else {
		log_error("bounce-unwritten", L_Z("id", message_id_text(a->e->id, id)),
			L_Z("reason", why->text));
		message_release(&a->dsn);
		/* not reported, so not failed yet: they are tried again */
		for (size_t i = 0; a->dsn_kind == BOUNCE_FAILED && i < a->e->m->env.rcpt_count; i++)
			if (is_wanted(a, i, BOUNCE_FAILED))
				a->out[i] = OUT_DEFERRED;
	}
	settle(a);
	schedule_kick(s);
}

/* True: it is on its way to disk, and settle goes on afterwards. */
static bool report(struct attempt *a, enum bounce_kind kind)
{
	a->dsn = make_report(a, kind);
	a->dsn_kind = kind;
	if (a->dsn == NULL)
		return false;
	struct spool_file *f = spool_begin(a->s->spool, a->dsn, 0);

	a->job = spool_commit(&f, clock_wall(), report_committed, a);
	return true;
}

/* ---- marks and removal ---- */

static size_t count_marks(const struct message *m, char mark)
{
	size_t n = 0;

	for (size_t i = 0; i < m->env.rcpt_count; i++)
		n += m->env.rcpts[i].mark == mark;
	return n;
}

static void mark_failed(struct attempt *a)
{
	for (size_t i = 0; i < a->e->m->env.rcpt_count; i++)
		if (a->out[i] == OUT_FAILED && a->e->m->env.rcpts[i].mark == RCPT_TODO) {
			a->e->m->env.rcpts[i].mark = RCPT_FAILED;
			a->dirty = true;
		}
}

static void end(struct attempt *a, int64_t next)
{
	struct schedule *s = a->s;
	struct entry *e = a->e;

	attempt_free(a);
	if (!e->unwritten)
		schedule_drop_message(s, e);
	schedule_wait(s, e, next);
}

static void wait_for_disk(struct attempt *a, const struct why *why)
{
	char id[MESSAGE_ID_TEXT];

	log_error("queue-unwritten", L_Z("id", message_id_text(a->e->id, id)),
		L_Z("reason", why->text),
		L_Z("advice", "it waits in memory until the disk can be written"));
	a->e->unwritten = true;
	end(a, schedule_now(a->s) + a->s->options->min_backoff);
}

static void gone(struct attempt *a)
{
	struct schedule *s = a->s;
	struct entry *e = a->e;

	attempt_free(a);
	schedule_forget(s, e);
}

static void marks_written(void *waiter, bool ok, const struct why *why)
{
	struct attempt *a = waiter;
	struct schedule *s = a->s;
	char id[MESSAGE_ID_TEXT];

	a->job = NULL;
	if (ok) {
		a->e->unwritten = false;
		a->dirty = false;
		settle(a);
	} else if (why->error == ENOENT) {
		log_warn("queue-gone", L_Z("id", message_id_text(a->e->id, id)),
			L_Z("reason", "somebody has removed its file"));
		gone(a);
	} else if (count_marks(a->e->m, RCPT_TODO) == 0) {
		settle(a);                      /* perhaps it can be removed all the same */
	} else {
		wait_for_disk(a, why);
	}
	schedule_kick(s);
}

static void removed(void *waiter, bool ok, const struct why *why)
{
	struct attempt *a = waiter;
	struct schedule *s = a->s;

	a->job = NULL;
	if (ok)
		gone(a);
	else
		wait_for_disk(a, why);
	schedule_kick(s);
}

/* ---- another time ---- */

/* As long again as it has been waiting: the times of attempts double. An eighth more or less keeps
 * messages that came together from coming together for ever. The last one comes right after
 * max_age. */
static int64_t next_attempt(struct attempt *a)
{
	const struct schedule_options *o = a->s->options;
	int64_t age = attempt_age(a->e->m), wait = age < o->max_backoff ? age : o->max_backoff;

	if (wait < o->min_backoff)
		wait = o->min_backoff;
	wait += (int64_t)random_below((uint32_t)(wait / 4) + 1) - wait / 8;
	if (age < o->max_age && age + wait > o->max_age)
		wait = o->max_age - age + SECONDS(1);
	return schedule_now(a->s) + wait;
}

static void put_off(struct attempt *a)
{
	struct message *m = a->e->m;
	char line[LIMIT_REPLY_TEXT + 40];
	const struct reply *last = NULL;

	for (size_t i = 0; i < m->env.rcpt_count; i++)
		if (m->env.rcpts[i].mark == RCPT_TODO && a->replies[i])
			last = a->replies[i];
	if (last)
		notes_reply(a->s, a->e, reply_line(last, line, sizeof line));
	int64_t next = next_attempt(a);

	spool_set_next(a->s->spool, a->e->id, schedule_wall(a->s, next));
	end(a, next);
}

void settle(struct attempt *a)
{
	struct schedule *s = a->s;
	size_t left;

	for (;;) {
		left = count_marks(a->e->m, RCPT_TODO);
		switch (a->step) {
		case SETTLE_FAILED:
			a->step = SETTLE_RELAYED;
			if (report(a, BOUNCE_FAILED))
				return;
			break;
		case SETTLE_RELAYED:
			mark_failed(a);
			a->step = SETTLE_DELAYED;
			if (report(a, BOUNCE_RELAYED))
				return;
			break;
		case SETTLE_DELAYED:
			a->step = SETTLE_MARK;
			if (report(a, BOUNCE_DELAYED))
				return;
			break;
		case SETTLE_MARK:
			a->step = left ? SETTLE_END : SETTLE_REMOVE;
			/* all done and nobody told: the file just goes */
			if (a->dirty && (left || a->reported || a->e->unwritten)) {
				job_cancel(&a->marking);
				a->job = spool_mark(s->spool, a->e->m,
					count_marks(a->e->m, RCPT_FAILED) > 0, marks_written, a);
				return;
			}
			break;
		case SETTLE_REMOVE:
			job_cancel(&a->marking);
			a->job = spool_remove(s->spool, a->e->id, removed, a);
			return;
		case SETTLE_END:
			/* marks made up for, or waypost stops: its turn is still to come */
			if (!a->tried && (s->stopping || a->only_marks))
				end(a, a->e->next);
			else
				put_off(a);
			return;
		}
	}
}
