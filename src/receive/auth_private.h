/* The inside of auth.h, shared by auth.c (who may try) and password.c (is it right). */
#ifndef RECEIVE_AUTH_PRIVATE_H
#define RECEIVE_AUTH_PRIVATE_H

#include "recent.h"

#include "receive/receive.h"

struct password_check;

struct auth {
	/* owned */
	/* failures: count since `since`; networks: refused until `until` */
	struct recent *networks, *accounts;
	/* "network login", since: wall ms of the last login there */
	struct recent *known;
	struct timer *save;
	char *path;
	/* borrowed */
	const struct receive_options *options;
	struct loop *loop;
	struct password_check *waiting, **waiting_end;
	/* state */
	size_t running;                        /* checks on workers */
	bool dirty;                            /* known has what the file has not */
};

#endif
