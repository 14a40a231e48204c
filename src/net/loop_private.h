/* What the files of net/ share of the loop: the end of a round, and the stall clock. */
#ifndef NET_LOOP_PRIVATE_H
#define NET_LOOP_PRIVATE_H

#include "net/loop.h"

/* Something to do once, after the callbacks of this round and before the loop waits again. */
struct round_end {
	void (*fn)(struct round_end *hook);
	struct round_end *next;
	bool queued;
};

/* Something that outlives its owner for some seconds, and that the loop ends should it go before. */
struct farewell {
	struct farewell **before, *next;       /* before NULL: in no list */
	void (*end)(struct farewell *f);       /* leaves the list */
};

void loop_keep_farewell(struct loop *l, struct farewell *f);
void loop_drop_farewell(struct farewell *f);    /* fine if it is in no list */
void loop_at_round_end(struct loop *l, struct round_end *hook);  /* once, however often it is called */
void loop_nudge(struct loop *l);       /* the next wait returns at once */
void loop_enter(struct loop *l);       /* first thing in every callback from libevent: starts the stall clock */
bool loop_is_late(const struct loop *l);  /* this round has lasted long enough */
struct workers *loop_workers(struct loop *l);

#endif
