/* What all sessions share. */
#ifndef RECEIVE_SERVER_H
#define RECEIVE_SERVER_H

#include "base/map.h"
#include "receive/receive.h"

struct session;

struct receive {
	/* owned */
	struct accept *accept;
	struct auth *auth;
	struct quota *quota;
	/* connections of each client network: struct network_use */
	struct map *networks;
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

/* A connection comes. False: too many, in all or of its network; *status and *text then say it
 * for the 421. */
bool server_enter(
	struct receive *r, const struct inet_addr *client, const char **status, const char **text);
void server_leave(struct receive *r, const struct inet_addr *client);
void server_add(struct receive *r, struct session *s);
void server_remove(struct receive *r, struct session *s);

#endif
