/*
 * lanes.c - a line for each destination, so that a dead one holds nobody else up
 *
 * Each lane has its own limit and its own line; lanes with something to start take turns. A lane
 * that reached nobody several times in a row rests: what waits in it is put off with the reason
 * that the last attempt had. Lanes that fail get one delivery at a time, and half of all at most.
 *
 * From     attempt.c, with one message's recipients for one lane.
 * To       attempt_start_delivery when its turn comes, attempt_turn_away when the lane rests.
 * Owns     the lanes, but nothing that waits in them.
 */
#include "schedule_private.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"

#include <stdlib.h>

void lanes_init(struct lanes *l)
{
	l->by_name = map_create();
	l->ring_end = &l->ring_first;
}

static void lane_free(void *value)
{
	struct lane *lane = value;

	free(lane->name);
	free(lane->trouble);
	free(lane);
}

void lanes_finish(struct lanes *l)
{
	map_destroy(&l->by_name, lane_free);
}

static bool is_failing(const struct lane *lane)
{
	return lane->failures >= LIMIT_LANE_FAILURES;
}

static bool is_idle(const struct lane *lane)
{
	return lane->running == 0 && lane->waiting == 0 && lane->parked == 0 && !lane->in_ring;
}

/* Forgets idle lanes when there are too many; those that fail are what is worth remembering, but
 * not for ever. */
static void forget_idle(struct lanes *l)
{
	struct str name;
	void *value;

	for (size_t at = 0; map_next(l->by_name, &at, &name, &value);)
		if (is_idle(value)) {
			map_remove(l->by_name, name);
			lane_free(value);
		}
}

void lanes_make_room(struct schedule *s)
{
	if (map_count(s->lanes.by_name) >= LIMIT_LANES)
		forget_idle(&s->lanes);
}

struct lane *lanes_get(struct schedule *s, struct str name)
{
	struct lanes *l = &s->lanes;
	struct lane *lane = map_get(l->by_name, name);

	if (lane)
		return lane;
	lane = mem_alloc(sizeof *lane);
	lane->name = mem_copy(name.p, name.n);
	lane->end = &lane->first;
	lane->parked_end = &lane->parked_first;
	map_put(l->by_name, name, lane);
	return lane;
}

static void drop_if_idle(struct lanes *l, struct lane *lane)
{
	if (!is_idle(lane) || lane->failures > 0)
		return;
	map_remove(l->by_name, str_of(lane->name));
	lane_free(lane);
}

bool lanes_is_full(const struct lane *lane)
{
	return lane->waiting >= LIMIT_LANE_WAITING;
}

bool lanes_is_resting(const struct lane *lane)
{
	return lane->trouble && clock_mono() < lane->rests_until;
}

void lanes_park(struct lane *lane, struct entry *e)
{
	e->state = ENTRY_PARKED;
	e->behind = NULL;
	*lane->parked_end = e;
	lane->parked_end = &e->behind;
	lane->parked++;
}

static struct entry *unpark_first(struct lane *lane)
{
	struct entry *e = lane->parked_first;

	if ((lane->parked_first = e->behind) == NULL)
		lane->parked_end = &lane->parked_first;
	lane->parked--;
	e->behind = NULL;
	return e;
}

static bool unpark_from(struct lane *lane, struct entry *e)
{
	for (struct entry **at = &lane->parked_first; *at; at = &(*at)->behind)
		if (*at == e) {
			*at = e->behind;
			if (*at == NULL)
				lane->parked_end = at;
			lane->parked--;
			e->behind = NULL;
			return true;
		}
	return false;
}

/* For the operator's orders alone, so it may look through all lanes. */
void lanes_unpark(struct schedule *s, struct entry *e)
{
	struct str name;
	void *value;

	for (size_t at = 0; map_next(s->lanes.by_name, &at, &name, &value);)
		if (unpark_from(value, e)) {
			drop_if_idle(&s->lanes, value);
			return;
		}
	must(!"the entry is parked somewhere");
}

static void join_ring(struct lanes *l, struct lane *lane)
{
	if (lane->in_ring || lane->waiting == 0)
		return;
	lane->in_ring = true;
	lane->ring_next = NULL;
	*l->ring_end = lane;
	l->ring_end = &lane->ring_next;
	l->ring_count++;
}

static struct lane *leave_ring(struct lanes *l)
{
	struct lane *lane = l->ring_first;

	if ((l->ring_first = lane->ring_next) == NULL)
		l->ring_end = &l->ring_first;
	lane->in_ring = false;
	l->ring_count--;
	return lane;
}

static struct delivery *take_first(struct lane *lane)
{
	struct delivery *d = lane->first;

	if ((lane->first = d->next) == NULL)
		lane->end = &lane->first;
	lane->waiting--;
	d->next = NULL;
	return d;
}

void lanes_submit(struct schedule *s, struct delivery *d)
{
	struct lane *lane = d->lane;

	if (lanes_is_resting(lane)) {
		attempt_turn_away(d, lane->trouble);
		return;
	}
	d->next = NULL;
	*lane->end = d;
	lane->end = &d->next;
	lane->waiting++;
	join_ring(&s->lanes, lane);
}

void lanes_withdraw(struct schedule *s, struct delivery *d)
{
	struct lane *lane = d->lane;

	(void)s;
	for (struct delivery **at = &lane->first; *at; at = &(*at)->next)
		if (*at == d) {
			*at = d->next;
			if (*at == NULL)
				lane->end = at;
			lane->waiting--;
			return;
		}
}

/* Entries that were parked get their time again, in the order in which they came. */
static void wake(struct schedule *s, struct lane *lane, int64_t next)
{
	size_t room = lane->waiting < LIMIT_LANE_WAITING ? LIMIT_LANE_WAITING - lane->waiting : 0;

	if (next == 0 && lane->waiting > LIMIT_LANE_WAITING / 2)
		return;
	while (lane->parked && (next || room-- > 0)) {
		struct entry *e = unpark_first(lane);

		schedule_wait(s, e, next ? next : e->next);
		s->again = true;
	}
}

/* Has the lane itself all that it may run? */
static bool is_busy(const struct schedule *s, const struct lane *lane)
{
	return lane->running >= (is_failing(lane) ? 1 : (size_t)s->options->lane_concurrency);
}

static bool may_start(const struct schedule *s, const struct lane *lane)
{
	size_t half = (size_t)s->options->concurrency / 2;

	if (lane->waiting == 0 || is_busy(s, lane))
		return false;
	return !is_failing(lane) || s->lanes.failing < (half ? half : 1);
}

static void start_one(struct schedule *s, struct lane *lane)
{
	struct delivery *d = take_first(lane);

	lane->running++;
	s->lanes.running++;
	d->as_failing = is_failing(lane);
	s->lanes.failing += d->as_failing;
	attempt_start_delivery(d);
}

void lanes_run(struct schedule *s)
{
	struct lanes *l = &s->lanes;
	size_t vain = 0;

	/* until all slots are taken, or nobody in a whole round of the ring could start */
	while (!s->stopping && vain < l->ring_count
		&& l->running < (size_t)s->options->concurrency) {
		struct lane *lane = leave_ring(l);

		if (may_start(s, lane)) {
			start_one(s, lane);
			vain = 0;
		} else {
			vain++;
		}
		wake(s, lane, 0);
		/* a busy lane comes back when one of its deliveries is over */
		if (!is_busy(s, lane))
			join_ring(l, lane);
	}
}

/* All that waits here gets the answer that the last one got. */
static void rest(struct schedule *s, struct lane *lane, const struct reply *reply)
{
	int64_t pause =
		s->options->min_backoff < MINUTES(1) ? s->options->min_backoff / 2 : SECONDS(30);

	lane->rests_until = clock_mono() + pause;
	if (lane->trouble == NULL)
		lane->trouble = mem_alloc(sizeof *lane->trouble);
	*lane->trouble = *reply;
	while (lane->first)
		attempt_turn_away(take_first(lane), lane->trouble);
	wake(s, lane, schedule_now(s) + pause);
}

void lanes_over(struct schedule *s, struct delivery *d)
{
	struct lane *lane = d->lane;

	lane->running--;
	s->lanes.running--;
	s->lanes.failing -= d->as_failing;
	if (d->reached) {
		lane->failures = 0;
		free(lane->trouble);
		lane->trouble = NULL;
	} else if (d->last.code) {
		if (lane->failures < LIMIT_LANE_FAILURES)
			lane->failures++;
		if (is_failing(lane) && !s->stopping)
			rest(s, lane, &d->last);
	}
	join_ring(&s->lanes, lane);
	if (lane->waiting == 0)
		wake(s, lane, 0);
	drop_if_idle(&s->lanes, lane);
}

void lanes_wake_all(struct schedule *s)
{
	struct str name;
	void *value;

	for (size_t at = 0; map_next(s->lanes.by_name, &at, &name, &value);) {
		struct lane *lane = value;

		lane->rests_until = 0;
	}
}
