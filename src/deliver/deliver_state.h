/* What all attempts share. */
#ifndef DELIVER_STATE_H
#define DELIVER_STATE_H

#include "hosts.h"
#include "mx.h"
#include "pool.h"

struct deliver {
	/* owned */
	struct hosts *hosts;
	struct pool *pool;
	/* borrowed */
	struct loop *loop;
	struct dns *dns;
	struct tls_client *tls;
	const struct deliver_options *options;
	bool (*is_ours)(void *arg, struct str host, const struct endpoint *address);
	void *is_ours_arg;
	/* state */
	struct inet_addr from_v4, from_v6;     /* where mail leaves from, if the operator said so */
	bool has_from_v4, has_from_v6;
	size_t active;
};

/* walk.c; see deliver_attempt */
struct job *walk_start(struct deliver *d, struct message *m, const size_t *rcpts, size_t n,
	deliver_each *each, deliver_done *done, void *waiter);

#endif
