/*
 * Private to schedule/: all messages of the queue as small entries (under 100 bytes each with their
 * places here), found by id, walked in order of id, and the waiting ones in order of time.
 */
#ifndef SCHEDULE_ENTRIES_H
#define SCHEDULE_ENTRIES_H

#include "mail/message.h"

enum entry_state {
	ENTRY_WAITING,          /* in the heap, until its time comes */
	ENTRY_PARKED,           /* due, but its lane has enough to do: in that lane's line */
	ENTRY_ACTIVE,           /* has an attempt */
	ENTRY_BUSY,             /* the operator has something done with its file */
	ENTRY_HELD              /* in hold/ */
};

struct attempt;

struct entry {
	/* owned */
	struct message *m;              /* kept for its attempt, or for unwritten marks; or NULL */
	struct attempt *attempt;        /* ACTIVE */
	char *last_reply;               /* NULL: none, or forgotten */
	/* state */
	uint64_t id;
	int64_t next;                   /* ms of the queue's own clock */
	struct entry *behind;           /* PARKED: the next in line */
	uint32_t heap_at;               /* 1 + index in the heap; 0: not in it */
	uint32_t cost;                  /* bytes that m takes */
	uint8_t state;                  /* enum entry_state */
	bool noticed;                   /* its sender was told of the delay */
	bool unwritten;                 /* its marks could not be written yet: not tried */
};

struct entries {
	struct slot { uint64_t id; struct entry *e; } *slots;    /* by id; e NULL: gone */
	size_t count, room;             /* slots */
	size_t living, first;           /* entries; slots before first are gone */
	struct entry **heap;
	size_t heap_count, heap_room;
};

void entries_finish(struct entries *all);                   /* after all was dropped */
struct entry *entries_add(struct entries *all, uint64_t id); /* NULL: there is one with that id */
struct entry *entries_find(const struct entries *all, uint64_t id);
/* The next in order of id; NULL: none. */
struct entry *entries_after(const struct entries *all, uint64_t id);
void entries_drop(struct entries *all, struct entry *e);    /* frees it; its m must be gone */
void entries_push(struct entries *all, struct entry *e);    /* into the heap, for e->next */
void entries_pull(struct entries *all, struct entry *e);    /* out of it, if it is in */
struct entry *entries_top(const struct entries *all);       /* the earliest; NULL: none waits */

#endif
