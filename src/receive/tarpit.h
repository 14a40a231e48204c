/* A wait before an answer, for those who try names that do not exist. */
#ifndef RECEIVE_TARPIT_H
#define RECEIVE_TARPIT_H

#include "net/loop.h"

/* ms to hold the answer back: unknown names so far, those that are free of delay. */
int64_t tarpit_delay(int64_t unknown, int64_t after);
struct job *tarpit_wait(struct loop *l, int64_t ms, void (*over)(void *waiter), void *waiter);

#endif
