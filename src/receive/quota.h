/* How many recipients each account has sent to today, against a stolen password. Forgotten at a
 * restart. */
#ifndef RECEIVE_QUOTA_H
#define RECEIVE_QUOTA_H

#include "base/str.h"

struct quota;

struct quota *quota_create(void);
void quota_destroy(struct quota **q);
/* Counts one recipient for the account. False: `limit` were counted within the 24 hours since
 * the first. */
bool quota_take(struct quota *q, struct str account, int64_t limit);

#endif
