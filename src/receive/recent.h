/* A bounded table of what happened lately, by name: when it is full, the entry touched longest
 * ago goes. */
#ifndef RECEIVE_RECENT_H
#define RECEIVE_RECENT_H

#include "base/str.h"

struct recent;

struct recent_entry {
	int64_t count, since, until;       /* the owner's; zero in a new entry; times in ms */
	/* private to recent.c */
	struct recent_entry *older, *newer;
	struct str key;
};

struct recent *recent_create(size_t max);
void recent_destroy(struct recent **r);
struct recent_entry *recent_find(const struct recent *r, struct str key);      /* NULL: not there */
/* made if not there */
struct recent_entry *recent_touch(struct recent *r, struct str key);
void recent_forget(struct recent *r, struct str key);
const struct recent_entry *recent_oldest(const struct recent *r);              /* then ->newer */

#endif
