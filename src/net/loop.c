/*
 * loop.c - libevent's base, its timers, the end of each round, and the longest time that one took
 *
 * Owns     the base; the threads beside it are workers.c's.
 * Never    waits while something was left for the end of the round.
 */
#include "net/loop.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"
#include "loop_private.h"
#include "workers_private.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

/* A round may begin further callbacks for so long: hundreds of clients may become ready at once. */
enum { ROUND_US = 1500 };

struct loop {
	/* owned */
	struct event_base *base;
	struct workers *workers;
	struct event *nudge;
	/* state */
	struct round_end *hooks, **hooks_end;
	size_t hook_count;
	struct farewell *farewells;
	int64_t entered;                /* us; 0: no callback in this round yet */
	int64_t longest;                /* us */
	bool stopping;
};

static void nudged(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	loop_enter(arg);
}

struct loop *loop_create(int workers, struct why *why)
{
	struct event_config *config = event_config_new();
	struct loop *l = mem_alloc(sizeof *l);

	must(config != NULL);
	signal(SIGPIPE, SIG_IGN);
	/* a descriptor that is paused and resumed within one round then costs no system call */
	event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST | EVENT_BASE_FLAG_NOLOCK);
	l->base = event_base_new_with_config(config);
	event_config_free(config);
	if (l->base == NULL) {
		free(l);
		why_errno(why, "can't start the event loop");
		return NULL;
	}
	l->hooks_end = &l->hooks;
	l->nudge = evtimer_new(l->base, nudged, l);
	must(l->nudge != NULL);
	l->workers = workers_create(l, workers, why);
	if (l->workers == NULL)
		loop_destroy(&l);
	return l;
}

static struct round_end *pop_hook(struct loop *l)
{
	struct round_end *hook = l->hooks;

	l->hooks = hook->next;
	if (l->hooks == NULL)
		l->hooks_end = &l->hooks;
	hook->queued = false;
	l->hook_count--;
	return hook;
}

void loop_destroy(struct loop **l)
{
	struct loop *gone = *l;

	if (gone == NULL)
		return;
	*l = NULL;
	workers_destroy(&gone->workers);
	for (int rounds = 0; gone->hooks && rounds < 100; rounds++) {
		struct round_end *hook = pop_hook(gone);

		hook->fn(hook);
	}
	while (gone->farewells)
		gone->farewells->end(gone->farewells);
	event_free(gone->nudge);
	event_base_free(gone->base);
	free(gone);
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

struct workers *loop_workers(struct loop *l)
{
	return l->workers;
}

void loop_enter(struct loop *l)
{
	int64_t now = clock_mono_us();

	if (l->entered == 0)
		l->entered = now;
	/* what else is ready runs in the next round, after what was said in this one went out */
	else if (now - l->entered > ROUND_US)
		event_base_loopbreak(l->base);
}

bool loop_is_late(const struct loop *l)
{
	return l->entered && clock_mono_us() - l->entered > ROUND_US;
}

void loop_at_round_end(struct loop *l, struct round_end *hook)
{
	if (hook->queued)
		return;
	hook->queued = true;
	hook->next = NULL;
	*l->hooks_end = hook;
	l->hooks_end = &hook->next;
	l->hook_count++;
}

void loop_keep_farewell(struct loop *l, struct farewell *f)
{
	f->before = &l->farewells;
	f->next = l->farewells;
	if (f->next)
		f->next->before = &f->next;
	l->farewells = f;
}

void loop_drop_farewell(struct farewell *f)
{
	if (f->before == NULL)
		return;
	*f->before = f->next;
	if (f->next)
		f->next->before = f->before;
	f->before = NULL;
}

void loop_nudge(struct loop *l)
{
	static const struct timeval now;

	evtimer_add(l->nudge, &now);
}

/* Those that queue themselves again, and those that there is no time for, wait for the next round, which comes
 * at once. */
static void end_round(struct loop *l)
{
	int64_t begun = clock_mono_us();

	if (l->hooks && l->entered == 0)
		l->entered = begun;
	for (size_t left = l->hook_count; left > 0 && clock_mono_us() - begun < ROUND_US; left--) {
		struct round_end *hook = pop_hook(l);

		hook->fn(hook);
	}
	if (l->hooks)
		loop_nudge(l);
	if (l->entered) {
		int64_t took = clock_mono_us() - l->entered;

		l->entered = 0;
		if (took > l->longest)
			l->longest = took;
	}
}

void loop_run(struct loop *l)
{
	l->stopping = false;
	end_round(l);
	while (!l->stopping) {
		event_base_loop(l->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
		end_round(l);
	}
}

void loop_stop(struct loop *l)
{
	l->stopping = true;
	loop_nudge(l);
}

int64_t loop_longest_stall_us(const struct loop *l)
{
	return l->longest;
}

struct timer {
	struct event *event;
	struct loop *loop;
	void (*fn)(void *arg);
	void *arg;
};

static void timer_fired(evutil_socket_t fd, short what, void *arg)
{
	struct timer *t = arg;

	(void)fd;
	(void)what;
	loop_enter(t->loop);
	t->fn(t->arg);
}

struct timer *timer_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct timer *t = mem_alloc(sizeof *t);

	*t = (struct timer){ NULL, l, fn, arg };
	t->event = evtimer_new(l->base, timer_fired, t);
	must(t->event != NULL);
	return t;
}

void timer_set(struct timer *t, int64_t ms)
{
	if (ms < 0)
		ms = 0;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	evtimer_add(t->event, &tv);
}

void timer_clear(struct timer *t)
{
	evtimer_del(t->event);
}

bool timer_is_set(const struct timer *t)
{
	return evtimer_pending(t->event, NULL);
}

void timer_destroy(struct timer **t)
{
	if (*t) {
		event_free((*t)->event);
		free(*t);
	}
	*t = NULL;
}

struct later {
	struct job job;
	struct timer *timer;
	void (*fn)(void *waiter);
	void *waiter;
};

static void later_cancel(struct job *job)
{
	struct later *later = (struct later *)job;

	timer_destroy(&later->timer);
	free(later);
}

static void later_fired(void *arg)
{
	struct later later = *(struct later *)arg;

	later_cancel(arg);
	later.fn(later.waiter);
}

struct job *loop_later(struct loop *l, void (*fn)(void *waiter), void *waiter)
{
	struct later *later = mem_alloc(sizeof *later);

	*later = (struct later){ { later_cancel }, NULL, fn, waiter };
	later->timer = timer_new(l, later_fired, later);
	timer_set(later->timer, 0);
	return &later->job;
}
