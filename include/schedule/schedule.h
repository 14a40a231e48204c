/*
 * The queue entry's life: when a message is tried, how many at once, what becomes of each outcome.
 * Owns what is in the spool once it was committed; no message is acknowledged before.
 */
#ifndef SCHEDULE_SCHEDULE_H
#define SCHEDULE_SCHEDULE_H

#include "base/buf.h"
#include "config/config.h"
#include "deliver/deliver.h"
#include "mail/message.h"
#include "route/route.h"
#include "spool/spool.h"

struct schedule;

struct schedule_options {                  /* of the section deliver: */
	int64_t max_age;                   /* ms; then failed */
	int64_t delay_notice;              /* ms; 4 h */
	int64_t min_backoff, max_backoff;  /* ms; 1 min, 4 h */
	int64_t concurrency;               /* messages in delivery at once, all lanes */
	int64_t lane_concurrency;
};

extern const struct config_row schedule_rows[];

struct schedule *schedule_create(struct loop *l, struct spool *sp, struct deliver *d,
	const struct routes *routes, const struct schedule_options *options, const char *hostname);
void schedule_destroy(struct schedule **s);
/* Takes in all that spool_scan finds. Blocks; before the loop runs. */
bool schedule_recover(struct schedule *s, const char *spool_path, struct why *why);
/* m was committed: the reference is taken; its first attempt begins soon. */
void schedule_add(struct schedule *s, struct message *m);
/* No new attempts; stopped is called when the running ones are done, or after max_wait ms. */
void schedule_stop(struct schedule *s, int64_t max_wait, void (*stopped)(void *arg), void *arg);

/* For the operator. id 0 with retry: all. The answer is text, lines joined by '\n'. */
enum schedule_order { SCHEDULE_RETRY, SCHEDULE_HOLD, SCHEDULE_RELEASE, SCHEDULE_REMOVE };
typedef void schedule_answer(void *waiter, bool ok, const char *text);
struct job *schedule_tell(struct schedule *s, enum schedule_order order, uint64_t id,
	schedule_answer *answer, void *waiter);

struct schedule_counts {
	size_t waiting, active, held;
	int64_t oldest;
	uint64_t delivered, deferred, bounced, refused;
};
struct schedule_counts schedule_counts(const struct schedule *s);
/* Walks entries in order of id, for `queue list`: after: the last one seen, 0 at first. */
struct schedule_entry { uint64_t id; int64_t next; bool held, active; char last_reply[200]; };
bool schedule_next(const struct schedule *s, uint64_t after, struct schedule_entry *entry);

#endif
