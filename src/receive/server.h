/* What all sessions share. */
#ifndef RECEIVE_SERVER_H
#define RECEIVE_SERVER_H

#include "receive/receive.h"

struct session;

struct receive {
	/* owned */
	struct accept *accept;
	struct auth *auth;
	struct quota *quota;
	struct networks *networks;
	struct guard *guard;
	struct allow *allow;
	struct lists *lists;
	struct session *sessions;
	struct timer *stop_timer;
	struct job *stop_job;
	/* borrowed */
	const struct receive_options *options;
	struct receive_parts parts;
	/* state */
	struct receive_counts counts;
	bool stopping;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

/* What a client's address is worth. */
struct standing {
	bool hidden;       /* it is not the client's: a proxy stands in between (guard.h) */
	bool spared;       /* permit, or a trusted forwarder: no screening, no limits of networks */
	bool denied;       /* access.deny */
};

/* known: false if a proxy did not tell the client's address. */
struct standing server_judge(struct receive *r, const struct inet_addr *client, bool known);
/* Is it a proxy, whose connections begin with a PROXY header? */
bool server_is_proxy(const struct receive *r, const struct inet_addr *peer);

/* A connection comes. False: there are limits.clients already. */
bool server_enter(struct receive *r);
void server_leave(struct receive *r);
void server_add(struct receive *r, struct session *s);
void server_remove(struct receive *r, struct session *s);

#endif
