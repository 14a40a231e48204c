/*
 * attempt.c - one go at a message: its recipients parted by lane, and what became of each
 *
 * From     schedule.c, when its time has come.
 * To       lanes.c, and through it deliver/; settle.c when all outcomes are in.
 * Owns     the attempt; the message is the entry's, and deliver keeps its own reference.
 */
#include "schedule_private.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int64_t attempt_age(const struct message *m)
{
	int64_t age = clock_wall() - m->env.arrived;

	return age > 0 ? age : 0;
}

void attempt_free(struct attempt *a)
{
	job_cancel(&a->job);
	job_cancel(&a->marking);
	for (size_t i = 0; i < a->count; i++)
		job_cancel(&a->deliveries[i].job);
	if (a->replies)
		for (size_t i = 0; i < a->e->m->env.rcpt_count; i++)
			free(a->replies[i]);
	free(a->replies);
	free(a->out);
	message_release(&a->dsn);
	arena_destroy(&a->arena);
	a->e->attempt = NULL;
	a->s->active--;
	free(a);
}

/* Back to waiting, as if nothing had been tried. */
static void give_back(struct attempt *a, int64_t next)
{
	struct schedule *s = a->s;
	struct entry *e = a->e;

	attempt_free(a);
	schedule_wait(s, e, next);
}

/* ---- outcomes ---- */

static const char *print(struct attempt *a, const struct address *address)
{
	return address_is_null(address) ? "<>" : address_text(address, a->arena);
}

static void log_outcome(
	struct attempt *a, size_t rcpt, const struct deliver_outcome *o, const char *status)
{
	const struct recipient *r = &a->e->m->env.rcpts[rcpt];
	char id[MESSAGE_ID_TEXT], line[LIMIT_REPLY_TEXT + 40];
	const char *to = print(a, &r->to), *original = print(a, &r->original);

	log_info("delivery", L_Z("id", message_id_text(a->e->id, id)),
		L_Z("from", print(a, &a->e->m->env.original_sender)), L_Z("to", to),
		L_Z("original", strcmp(to, original) ? original : ""), L_Z("relay", o->relay),
		L_SECS("delay", attempt_age(a->e->m)), L_Z("status", status),
		L_Z("by", o->reply->by), L_Z("reply", reply_line(o->reply, line, sizeof line)),
		L_Z("tls", o->tls),
		L_Z("note", o->duplicate_possible ? "a duplicate is possible" : ""));
}

static void keep_reply(struct attempt *a, size_t rcpt, const struct reply *reply)
{
	if (a->replies[rcpt] == NULL)
		a->replies[rcpt] = mem_alloc(sizeof *reply);
	*a->replies[rcpt] = *reply;
}

static void hear(struct attempt *a, const struct deliver_outcome *o)
{
	struct message *m = a->e->m;
	struct recipient *r = &m->env.rcpts[o->rcpt];

	must(o->rcpt < m->env.rcpt_count);
	a->tried = true;
	keep_reply(a, o->rcpt, o->reply);
	if (reply_is_ok(o->reply)) {
		a->out[o->rcpt] = o->dsn_passed_on ? OUT_SENT : OUT_RELAYED;
		r->mark = RCPT_DELIVERED;
		a->dirty = true;
		a->s->counts.delivered++;
		log_outcome(a, o->rcpt, o, "sent");
	} else if (reply_is_permanent(o->reply) || attempt_age(m) > a->s->options->max_age) {
		bool due = bounce_is_due(m, o->rcpt, BOUNCE_FAILED);

		a->out[o->rcpt] = OUT_FAILED;
		a->s->counts.bounced += due;
		a->s->counts.refused += !due;
		log_outcome(a, o->rcpt, o, due ? "bounced" : "refused");
	} else {
		a->out[o->rcpt] = OUT_DEFERRED;
		a->s->counts.deferred++;
		log_outcome(a, o->rcpt, o, "deferred");
	}
}

static void heard(void *waiter, const struct deliver_outcome *o)
{
	struct delivery *d = waiter;

	if (o->reply->by[0] || !reply_is_temporary(o->reply))
		d->reached = true;
	else
		d->last = *o->reply;
	hear(d->attempt, o);
}

static void marked(void *waiter, bool ok, const struct why *why)
{
	struct attempt *a = waiter;

	/* if not: settle tries again, and minds */
	(void)ok;
	(void)why;
	a->marking = NULL;
}

static void over(void *waiter)
{
	struct delivery *d = waiter;
	struct attempt *a = d->attempt;
	struct schedule *s = a->s;

	d->job = NULL;
	lanes_over(s, d);
	d->lane = NULL;
	if (--a->open == 0) {
		settle(a);
	} else if (a->dirty && a->marking == NULL) {
		/* others may take long: a crash must not deliver these twice */
		a->marking = spool_mark(s->spool, a->e->m, false, marked, a);
	}
	schedule_kick(s);
}

void attempt_start_delivery(struct delivery *d)
{
	struct attempt *a = d->attempt;

	d->job = deliver_attempt(a->s->deliver, a->e->m, d->rcpts, d->n, heard, over, d);
}

static void settle_later(void *waiter)
{
	struct attempt *a = waiter;
	struct schedule *s = a->s;

	a->job = NULL;
	settle(a);
	schedule_kick(s);
}

static void not_started(struct delivery *d)
{
	struct attempt *a = d->attempt;

	d->lane = NULL;
	if (--a->open == 0)
		a->job = loop_later(a->s->loop, settle_later, a);
}

void attempt_turn_away(struct delivery *d, const struct reply *reply)
{
	for (size_t i = 0; i < d->n; i++) {
		struct deliver_outcome o = {
			.rcpt = d->rcpts[i], .reply = reply, .relay = "none", .tls = "none"
		};

		hear(d->attempt, &o);
	}
	not_started(d);
}

void attempt_stop(struct attempt *a)
{
	for (size_t i = 0; i < a->count; i++) {
		struct delivery *d = &a->deliveries[i];

		if (d->lane && d->job == NULL) {
			lanes_withdraw(a->s, d);
			not_started(d);
		}
	}
}

/* ---- the beginning ---- */

static struct delivery *delivery_for(struct attempt *a, struct lane *lane)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->deliveries[i].lane == lane)
			return &a->deliveries[i];
	struct delivery *d = &a->deliveries[a->count++];

	d->attempt = a;
	d->lane = lane;
	return d;
}

/* Two passes, so that each delivery's recipients stand side by side: count, then fill. */
static void part(struct attempt *a)
{
	const struct envelope *env = &a->e->m->env;
	struct lane **lanes = arena_alloc(a->arena, env->rcpt_count * sizeof *lanes);
	size_t lanes_at_most = 0;

	for (size_t i = 0; i < env->rcpt_count; i++)
		lanes_at_most += env->rcpts[i].mark == RCPT_TODO;
	a->deliveries = arena_alloc(a->arena, (lanes_at_most + 1) * sizeof *a->deliveries);
	for (size_t i = 0; i < env->rcpt_count; i++)
		if (env->rcpts[i].mark == RCPT_TODO) {
			lanes[i] = lanes_get(a->s,
				str_of(deliver_lane(
					a->s->deliver, env->rcpts[i].to.domain, a->arena)));
			delivery_for(a, lanes[i])->n++;
		}
	for (size_t i = 0; i < a->count; i++) {
		a->deliveries[i].rcpts = arena_alloc(a->arena, a->deliveries[i].n * sizeof(size_t));
		a->deliveries[i].n = 0;
	}
	for (size_t i = 0; i < env->rcpt_count; i++)
		if (lanes[i]) {
			struct delivery *d = delivery_for(a, lanes[i]);

			d->rcpts[d->n++] = i;
		}
}

/* When all its lanes have enough to do, the message waits as an entry. */
static bool park(struct attempt *a)
{
	struct schedule *s = a->s;
	struct entry *e = a->e;

	if (a->count == 0)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!lanes_is_full(a->deliveries[i].lane))
			return false;
	struct lane *lane = a->deliveries[0].lane;

	attempt_free(a);
	lanes_park(lane, e);
	/* many may have to wait there: memory is for those that move */
	if (e->m->content.fd >= 0 || s->memory > LIMIT_HELD_MESSAGES / 2)
		schedule_drop_message(s, e);
	return true;
}

static void go(struct attempt *a)
{
	size_t n = a->e->m->env.rcpt_count;

	a->replies = mem_alloc(n * sizeof *a->replies + 1);
	a->out = mem_alloc(n + 1);
	if (a->e->unwritten) {
		a->step = SETTLE_MARK;
		a->dirty = a->only_marks = true;
		settle(a);
		return;
	}
	lanes_make_room(a->s);
	part(a);
	if (park(a))
		return;
	a->open = a->count;
	if (a->open == 0) {             /* a crash between the last mark and the removal */
		settle(a);
		return;
	}
	for (size_t i = 0, count = a->count; i < count; i++)
		lanes_submit(a->s, &a->deliveries[i]);
}

static void loaded(void *waiter, struct message *m, const struct why *why)
{
	struct attempt *a = waiter;
	struct schedule *s = a->s;
	struct entry *e = a->e;
	char id[MESSAGE_ID_TEXT];

	a->job = NULL;
	message_id_text(e->id, id);
	if (m) {
		schedule_keep_message(s, e, m);
		if (s->stopping)
			give_back(a, e->next);
		else
			go(a);
	} else if (why->error == 0 || why->error == ENOENT) {
		if (why->error == 0)
			log_error("queue-corrupt", L_Z("id", id), L_Z("reason", why->text),
				L_Z("advice", "the file is in corrupt/ now; nobody was told"));
		else
			log_warn("queue-gone", L_Z("id", id),
				L_Z("reason", "somebody has removed its file"));
		attempt_free(a);
		schedule_forget(s, e);
	} else {
		log_error("queue-unreadable", L_Z("id", id), L_Z("reason", why->text));
		give_back(a, schedule_now(s) + s->options->min_backoff);
	}
	schedule_kick(s);
}

void attempt_begin(struct schedule *s, struct entry *e)
{
	struct attempt *a = mem_alloc(sizeof *a);

	a->s = s;
	a->e = e;
	a->arena = arena_create();
	e->attempt = a;
	e->state = ENTRY_ACTIVE;
	s->active++;
	if (e->m)
		go(a);
	else
		a->job = spool_load(s->spool, e->id, loaded, a);
}
