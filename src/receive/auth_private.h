/* The inside of auth.h, shared by auth.c (who may try) and password.c (is it right). */
#ifndef RECEIVE_AUTH_PRIVATE_H
#define RECEIVE_AUTH_PRIVATE_H

#include "recent.h"

#include "base/limits.h"

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
	struct password_check *running[LIMIT_AUTH_CHECKS];   /* on workers, also cancelled ones */
	bool dirty;                            /* known has what the file has not */
};

/* auth goes, while a worker may still be busy with a check that was cancelled. */
void auth_forget_checks(struct auth *a);

#endif
