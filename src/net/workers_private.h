/* The pool, as loop.c makes and ends it. */
#ifndef NET_WORKERS_PRIVATE_H
#define NET_WORKERS_PRIVATE_H

#include "net/workers.h"

struct workers *workers_create(struct loop *l, int threads, struct why *why);
void workers_destroy(struct workers **w);      /* finishes what was started and what was queued */

#endif
