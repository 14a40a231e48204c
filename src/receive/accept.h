/* The listeners: addresses bound, connections taken, endpoints recognised as ours. */
#ifndef RECEIVE_ACCEPT_H
#define RECEIVE_ACCEPT_H

#include "receive/receive.h"

struct accept;

/* Binds all that the options name. NULL with why: one can't be bound. */
struct accept *accept_open(struct receive *r, struct why *why);
void accept_close(struct accept **a);
bool accept_is_own(const struct accept *a, const struct endpoint *e);

#endif
