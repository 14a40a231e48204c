/* After the final dot: everything that stands between the content and the 250. */
#ifndef RECEIVE_INTAKE_H
#define RECEIVE_INTAKE_H

#include "session.h"

/* The content of s->tx is complete. The turn to return; the transaction is over when the reply
 * comes. */
enum turn intake_begin(struct session *s);
/* True: the content is not acceptable, or could not be stored; s->reply says it. */
bool intake_finds_fault(struct session *s);

#endif
