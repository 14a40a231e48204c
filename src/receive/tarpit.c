/*
 * tarpit.c - let a harvester wait for each answer
 *
 * From     cmd_rcpt.c, which counts the sessions that are held back (limits.tarpitted).
 * Owns     one timer for each wait.
 */
#include "tarpit.h"

#include "base/limits.h"
#include "base/mem.h"

#include <stdlib.h>

struct tarpit {
	struct job job;
	/* owned */
	struct timer *timer;
	/* borrowed */
	void (*over)(void *waiter);
	void *waiter;
};

int64_t tarpit_delay(int64_t unknown, int64_t after)
{
	int64_t ms = LIMIT_TARPIT_DELAY;

	if (unknown <= after)
		return 0;
	while (--unknown > after && ms < LIMIT_TARPIT_DELAY_MAX)
		ms *= 2;
	return ms < LIMIT_TARPIT_DELAY_MAX ? ms : LIMIT_TARPIT_DELAY_MAX;
}

static void cancel(struct job *job)
{
	struct tarpit *t = (struct tarpit *)job;           /* its first member */

	timer_destroy(&t->timer);
	free(t);
}

static void time_is_up(void *arg)
{
	struct tarpit t = *(struct tarpit *)arg;

	cancel(arg);
	t.over(t.waiter);
}

struct job *tarpit_wait(struct loop *l, int64_t ms, void (*over)(void *waiter), void *waiter)
{
	struct tarpit *t = mem_alloc(sizeof *t);

	*t = (struct tarpit){ .job = { cancel }, .over = over, .waiter = waiter };
	t->timer = timer_new(l, time_is_up, t);
	timer_set(t->timer, ms);
	return &t->job;
}
