/*
 * The one thread that owns all state: libevent's base, timers, and the workers beside it.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/why.h"
#include "net/job.h"

#include <stdint.h>

struct event_base;
struct loop;

/* workers: threads for what blocks or costs more than about 100 microseconds; 0: a default. */
struct loop *loop_create(int workers, struct why *why);
void loop_destroy(struct loop **l);          /* after all that uses it; waits for running work */
struct event_base *loop_base(struct loop *l);
void loop_run(struct loop *l);               /* until loop_stop */
void loop_stop(struct loop *l);
int64_t loop_longest_stall_us(const struct loop *l);   /* the longest time that one round of callbacks took */

/* A timer; one shot, may be set again any time, also from its own callback. (POSIX has taken timer_create.) */
struct timer;
struct timer *timer_new(struct loop *l, void (*fn)(void *arg), void *arg);
void timer_set(struct timer *t, int64_t ms);  /* from now; replaces what was set */
void timer_clear(struct timer *t);
bool timer_is_set(const struct timer *t);
void timer_destroy(struct timer **t);

/* Calls fn from the loop, soon, never from inside this call. */
struct job *loop_later(struct loop *l, void (*fn)(void *waiter), void *waiter);

#endif
