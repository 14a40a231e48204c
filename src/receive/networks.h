/*
 * What the limits allow one client network (an IPv4 address, an IPv6 /64): connections at once, and
 * rates. Rates are counted in windows that begin with the first one; bounded (LIMIT_NETWORKS).
 */
#ifndef RECEIVE_NETWORKS_H
#define RECEIVE_NETWORKS_H

#include "receive/receive.h"

struct networks;

enum network_rate {
	RATE_CONNECTIONS,    /* a minute */
	RATE_MESSAGES,       /* an hour, like all below */
	RATE_RECIPIENTS,
	RATE_UNKNOWN,        /* recipients that do not exist */
	RATE_ERRORS,         /* 5xx answers */
	RATES
};

struct networks *networks_create(const struct receive_options *options);
void networks_destroy(struct networks **n);

/* A connection comes. False: too many at once, too many a minute, or too many errors before; *text
 * then says it for a 421 4.7.0, and nothing was counted as being here. */
bool networks_enter(struct networks *n, const struct inet_addr *client, const char **text);
void networks_leave(struct networks *n, const struct inet_addr *client);
/* Counts one. False: the limit was reached before. */
bool networks_take(struct networks *n, enum network_rate rate, const struct inet_addr *client);
int64_t networks_count(
	const struct networks *n, enum network_rate rate, const struct inet_addr *client);
int64_t networks_limit(const struct networks *n, enum network_rate rate);

#endif
