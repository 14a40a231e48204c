/*
 * Passwords, and those who guess at them: who may try, how long the answer takes, where an account
 * is known. The loop's thread; hashing is done on workers, few at a time.
 */
#ifndef RECEIVE_AUTH_H
#define RECEIVE_AUTH_H

#include "receive/receive.h"

struct auth;

/* state_dir: known networks are kept in its file auth-known. */
struct auth *auth_create(
	const struct receive_options *options, struct loop *l, const char *state_dir);
/* after all checks were cancelled; writes auth-known if it must */
void auth_destroy(struct auth **a);

/* client is NULL where its address is not its own (a proxy hides it): it is then never banned, and
 * known nowhere. */

/* False: too many failures came from this network, and this account has not logged in there
 * lately. */
bool auth_may_try(const struct auth *a, const struct inet_addr *client, struct str login);
/* Counts how a try ended. Returns the ms that are to pass between the try's begin and its
 * answer. */
int64_t auth_note(struct auth *a, const struct inet_addr *client, struct str login, bool right);

/* account NULL: no such account; takes as long as a hash does, and is wrong. */
typedef void auth_checked(void *waiter, bool right);
struct job *auth_check(struct auth *a, const struct account *account, struct str password,
	auth_checked *checked, void *waiter);

#endif
