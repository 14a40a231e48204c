/*
 * What stands below the schedule in its tests: a deliver that does as the recipient's local part
 * says, routes that know three domains, a clock and a disk that can be made to misbehave (wrapped
 * by the linker).
 */
#ifndef TESTS_SCHEDULE_FAKE_H
#define TESTS_SCHEDULE_FAKE_H

#include "../spool/lab.h"

#include "base/clock.h"
#include "schedule/schedule.h"

#include <stdatomic.h>

/*
 * Local parts: ok... 250; pass... 250, and the DSN request was passed on; deferN... 451 for the
 * first N attempts, then 250; defer... 451; fail... 550; dead... 451 of our own making (nobody
 * reached); twice... 250, but with a warning. The domain is the lane; a delivery to a lane
 * "slow..." lasts until fake_go.
 */
struct fake {
	size_t attempts, running, most_running;
	size_t lane_most;                       /* most at once in one lane */
	size_t rcpts;                           /* offered in all */
	const struct message *last;             /* of the last attempt */
	char dsn[1 << 16]; /* content of the last message with the null sender */
	char dsn_to[1024];                      /* its targets, each with a blank behind */
	size_t dsns;
};
extern struct fake fake;

void fake_reset(void);
size_t fake_tries(const char *local);           /* how often it was offered */
void fake_go(struct loop *l);                   /* the slow ones end */

extern _Atomic int64_t fake_leap;               /* ms that the wall clock is off */
extern atomic_int fake_pwrite_fails, fake_unlink_fails, fake_fsync_fails;

/* A schedule on a lab's spool. */
struct world {
	struct lab lab;
	struct schedule_options options;
	struct schedule *s;
};

void world_open(struct world *w);
void world_close(struct world *w);
/* Both closed and opened again, and what is there taken in. */
void world_restart(struct world *w);
/* A committed message to these recipients ("ok@example.net ..."), handed on. Its id. */
uint64_t world_send(struct world *w, const char *to, bool ours);
struct message *world_message(const char *to, bool ours);
uint64_t world_send_message(struct world *w, struct message *m);
/* Runs the loop until the condition holds; fails after some seconds. */
#define world_until(w, condition) \
	do { \
		for (int64_t end_ = clock_mono() + 15000; !(condition);) { \
			if (clock_mono() > end_) \
				fail_msg("it did not happen: %s", #condition); \
			world_run(w, 2); \
		} \
	} while (0)
void world_run(struct world *w, int64_t ms);
bool world_is_empty(struct world *w);           /* no entry and no file */
bool world_tell(struct world *w, enum schedule_order order, uint64_t id, char text[700]);

#endif
