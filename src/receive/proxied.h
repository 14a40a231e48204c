/* Waiting for the PROXY header of a fresh connection. */
#ifndef RECEIVE_PROXIED_H
#define RECEIVE_PROXIED_H

#include "proxy.h"

#include "net/loop.h"

/* Borrowed for the call. trouble: malformed or too late; neither trouble nor length: the proxy hung
 * up before it said anything (it looks whether we are there). */
typedef void proxied_heard(void *waiter, const struct proxy_header *header);

/* Reads the header and not an octet more. The fd stays the caller's; only one may read it. */
struct job *proxied_read(struct loop *l, int fd, proxied_heard *heard, void *waiter);

#endif
