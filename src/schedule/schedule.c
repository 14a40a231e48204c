/*
 * schedule.c - the queue's clock, its one timer, and who is next
 *
 * Times are kept by a clock of its own: it follows the monotonic one, so that no correction can
 * stall the queue, and leaps ahead with the wall clock (a machine that slept, a clock that was
 * set), so that nothing is late either.
 *
 * From     receive/ with what was committed; spool/ at start with what was left.
 * To       attempt.c, when a message is due, there is room in memory, and not too many are
 *          under way.
 * Owns     all entries, and the messages that are kept in memory for their first attempt.
 */
#include "schedule_private.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

/* The wall clock is looked at this often, and what moves less is no leap. */
#define LOOK_AGAIN MINUTES(1)
#define A_LEAP     SECONDS(1)

int64_t schedule_now(struct schedule *s)
{
	int64_t mono = clock_mono(), leap = clock_wall() - mono - s->skew;

	if (leap > A_LEAP || leap < -A_LEAP) {
		s->skew += leap;
		s->ahead += leap > 0 ? leap : 0;
	}
	return mono + s->ahead;
}

int64_t schedule_wall(struct schedule *s, int64_t next)
{
	return clock_wall() + (next - schedule_now(s));
}

static bool is_large(const struct message *m)
{
	return m->content.fd >= 0;
}

bool schedule_has_room(const struct schedule *s)
{
	return s->memory < LIMIT_HELD_MESSAGES && s->files < LIMIT_HELD_FILES;
}

void schedule_keep_message(struct schedule *s, struct entry *e, struct message *m)
{
	size_t cost = sizeof *m + m->content.memory.cap + m->top.cap + arena_size(m->arena);

	must(e->m == NULL);
	e->m = m;
	e->cost = cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
	s->memory += e->cost;
	s->files += is_large(m);
}

void schedule_drop_message(struct schedule *s, struct entry *e)
{
	if (e->m == NULL)
		return;
	s->memory -= e->cost;
	s->files -= is_large(e->m);
	message_release(&e->m);
}

void schedule_wait(struct schedule *s, struct entry *e, int64_t next)
{
	e->state = ENTRY_WAITING;
	e->next = next;
	entries_push(&s->entries, e);
}

void schedule_forget(struct schedule *s, struct entry *e)
{
	schedule_drop_message(s, e);
	if (e->state == ENTRY_HELD)
		s->held--;
	entries_drop(&s->entries, e);
}

static void start_due(struct schedule *s)
{
	int64_t now = schedule_now(s);
	struct entry *e;

	while (!s->stopping && s->active < LIMIT_ACTIVE_MESSAGES
		&& (e = entries_top(&s->entries)) != NULL && e->next <= now) {
		/* one that is in memory needs no more of it; the rest waits for others to end */
		if (e->m == NULL && !schedule_has_room(s) && s->active > 0)
			break;
		entries_pull(&s->entries, e);
		attempt_begin(s, e);
	}
}

static void set_timer(struct schedule *s)
{
	struct entry *e = entries_top(&s->entries);

	if (s->stopping || e == NULL) {
		timer_clear(s->timer);
		return;
	}
	int64_t wait = e->next - schedule_now(s);

	/* due already: it waits for another to end, and that end calls schedule_kick */
	timer_set(s->timer, wait > 0 && wait < LOOK_AGAIN ? wait : LOOK_AGAIN);
}

void schedule_kick(struct schedule *s)
{
	s->again = true;
	if (s->kicking)
		return;
	for (s->kicking = true; s->again;) {
		s->again = false;
		start_due(s);
		lanes_run(s);
	}
	s->kicking = false;
	set_timer(s);
	schedule_check_stopped(s);
}

static void timer_fired(void *arg)
{
	schedule_kick(arg);
}

struct schedule *schedule_create(struct loop *l, struct spool *sp, struct deliver *d,
	const struct routes *routes, const struct schedule_options *options, const char *hostname)
{
	struct schedule *s = mem_alloc(sizeof *s);

	s->loop = l;
	s->spool = sp;
	s->deliver = d;
	s->routes = routes;
	s->options = options;
	s->hostname = hostname;
	s->skew = clock_wall() - clock_mono();
	s->timer = timer_new(l, timer_fired, s);
	lanes_init(&s->lanes);
	notes_init(s);
	return s;
}

void schedule_destroy(struct schedule **schedule)
{
	struct schedule *s = *schedule;
	struct entry *e;

	*schedule = NULL;
	if (s == NULL)
		return;
	s->stopping = true;
	s->stopped = NULL;
	orders_cancel(s);
	while ((e = entries_after(&s->entries, 0)) != NULL) {
		if (e->attempt)
			attempt_free(e->attempt);
		schedule_drop_message(s, e);
		entries_drop(&s->entries, e);
	}
	entries_finish(&s->entries);
	lanes_finish(&s->lanes);
	notes_finish(s);
	timer_destroy(&s->timer);
	timer_destroy(&s->stop_timer);
	free(s);
}

static void found(void *arg, uint64_t id, int64_t next, bool held)
{
	struct schedule *s = arg;
	struct entry *e = entries_add(&s->entries, id);
	int64_t wait = next - clock_wall();

	if (e == NULL) {
		char text[MESSAGE_ID_TEXT];

		log_warn("queue-double", L_Z("id", message_id_text(id, text)),
			L_Z("reason", "it is in queue/ and in hold/; the first found counts"));
		return;
	}
	if (held) {
		e->state = ENTRY_HELD;
		s->held++;
		return;
	}
	schedule_wait(s, e, schedule_now(s) + (wait > SCHEDULE_TOO_FAR ? 0 : wait));
}

bool schedule_recover(struct schedule *s, const char *spool_path, struct why *why)
{
	if (!spool_recover(s->spool, found, s, why) || !notes_read(s, why))
		return why_prefix(why, "can't take in the queue of %s", spool_path);
	log_info("queue-recovered", L_NUM("messages", s->entries.living), L_NUM("held", s->held));
	/* attempts begin when the loop runs */
	timer_set(s->timer, 0);
	return true;
}

void schedule_add(struct schedule *s, struct message *m)
{
	struct entry *e = entries_add(&s->entries, m->id);

	must(e != NULL);
	/* half of the room is for those that are under way */
	if (!s->stopping && s->memory < LIMIT_HELD_MESSAGES / 2 && s->files < LIMIT_HELD_FILES / 2)
		schedule_keep_message(s, e, m);
	else
		message_release(&m);
	schedule_wait(s, e, schedule_now(s));
	schedule_kick(s);
}

/* ---- the end ---- */

static void stop_now(void *arg)
{
	struct schedule *s = arg;
	void (*stopped)(void *) = s->stopped;

	s->stopped = NULL;
	timer_clear(s->stop_timer);
	if (stopped)
		stopped(s->stopped_arg);
}

void schedule_check_stopped(struct schedule *s)
{
	/* through the timer: never from inside a call */
	if (s->stopped && s->active == 0 && s->orders == NULL)
		timer_set(s->stop_timer, 0);
}

void schedule_stop(struct schedule *s, int64_t max_wait, void (*stopped)(void *arg), void *arg)
{
	s->stopping = true;
	s->stopped = stopped;
	s->stopped_arg = arg;
	if (s->stop_timer == NULL)
		s->stop_timer = timer_new(s->loop, stop_now, s);
	timer_set(s->stop_timer, max_wait);
	for (struct entry *e = entries_after(&s->entries, 0); e;
		e = entries_after(&s->entries, e->id))
		if (e->attempt)
			attempt_stop(e->attempt);
	schedule_kick(s);
}

/* ---- what others may know ---- */

struct schedule_counts schedule_counts(const struct schedule *s)
{
	struct schedule_counts c = s->counts;
	const struct entry *e = entries_after(&s->entries, 0);

	c.active = s->active;
	c.held = s->held;
	c.waiting = s->entries.living - s->active - s->held;
	/* an id begins with the time when it was made */
	c.oldest = e ? (int64_t)(e->id >> 20) : 0;
	return c;
}

bool schedule_next(const struct schedule *s, uint64_t after, struct schedule_entry *entry)
{
	const struct entry *e = entries_after(&s->entries, after);

	if (e == NULL)
		return false;
	*entry = (struct schedule_entry){ .id = e->id, .held = e->state == ENTRY_HELD,
		.active = e->state == ENTRY_ACTIVE };
	entry->next = clock_wall() + (e->next - (clock_mono() + s->ahead));
	snprintf(entry->last_reply, sizeof entry->last_reply, "%s",
		e->last_reply ? e->last_reply : "");
	return true;
}
