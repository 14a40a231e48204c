/* Work that blocks or computes: done on a thread of the pool, answered on the loop. */
#ifndef NET_WORKERS_H
#define NET_WORKERS_H

#include "net/loop.h"

struct work {
	/* On a worker: may touch only arg, which must own all it needs. */
	void (*run)(void *arg);
	/* On the loop. arg is now the callback's to free. */
	void (*done)(void *waiter, void *arg);
	/* On the loop, instead of done, when the job was cancelled (once run is over, if it had begun). */
	void (*drop)(void *arg);
};

/* The kind is static data. First come, first served. */
struct job *work_start(struct loop *l, const struct work *kind, void *arg, void *waiter);
/* Work that nobody waits for and that must be done (an unlink): done or drop is called, but it can't be cancelled. */
void work_forget(struct loop *l, const struct work *kind, void *arg);

#endif
