/*
 * quota.c - count recipients by account and day
 *
 * From     cmd_rcpt.c. Bounded by the number of accounts in the config.
 */
#include "quota.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>

struct quota {
	struct map *accounts;          /* name -> struct use */
};

struct use {
	int64_t since;                 /* mono ms */
	int64_t count;
};

struct quota *quota_create(void)
{
	struct quota *q = mem_alloc(sizeof *q);

	q->accounts = map_create();
	return q;
}

void quota_destroy(struct quota **q)
{
	struct quota *gone = *q;

	*q = NULL;
	if (gone == NULL)
		return;
	map_destroy(&gone->accounts, free);
	free(gone);
}

bool quota_take(struct quota *q, struct str account, int64_t limit)
{
	struct use *u = map_get(q->accounts, account);
	int64_t now = clock_mono();

	if (u == NULL) {
		u = mem_alloc(sizeof *u);
		u->since = now;
		map_put(q->accounts, account, u);
	}
	if (now - u->since >= DAYS(1))
		*u = (struct use){ .since = now };
	if (u->count >= limit)
		return false;
	u->count++;
	return true;
}
