/* Private to schedule/: what its files share. All of it is the loop's thread's. */
#ifndef SCHEDULE_PRIVATE_H
#define SCHEDULE_PRIVATE_H

#include "base/map.h"
#include "bounce/bounce.h"
#include "entries.h"
#include "schedule/schedule.h"

/* design.md "Spool": a time further ahead than any back-off comes from a clock that was wrong. */
#define SCHEDULE_TOO_FAR HOURS(5)

/* One lane's share of one attempt: some recipients of a message, which go to deliver together. */
struct delivery {
	struct attempt *attempt;
	struct lane *lane;
	size_t *rcpts, n;               /* indexes into env.rcpts, in the attempt's arena */
	struct job *job;                /* under way; NULL: waits in the lane */
	struct delivery *next;          /* in the lane's line */
	bool as_failing;                /* begun while its lane was failing */
	bool reached;                   /* somebody over there has answered */
	struct reply last;              /* else: why not */
};

/* A provider, or a domain: what its servers can take, and whether they can be reached. */
struct lane {
	char *name;
	size_t running, waiting, parked;
	struct delivery *first, **end;
	struct entry *parked_first, **parked_end;
	struct lane *ring_next;
	bool in_ring;
	int failures;                   /* attempts in a row that reached nobody */
	int64_t rests_until;            /* clock_mono; until then all get the last reply */
	struct reply *trouble;          /* that reply; NULL: none */
};

struct lanes {
	struct map *by_name;
	struct lane *ring_first, **ring_end;  /* those with something to start, each in turn */
	size_t ring_count;
	size_t running, failing;        /* deliveries under way; of these in lanes that fail */
};

enum outcome { OUT_NONE, OUT_SENT, OUT_RELAYED, OUT_DEFERRED, OUT_FAILED };

enum settle_step { SETTLE_FAILED, SETTLE_RELAYED, SETTLE_DELAYED, SETTLE_MARK, SETTLE_REMOVE,
	SETTLE_END };

/* One go at all open recipients of one message. */
struct attempt {
	/* owned */
	struct arena *arena;
	struct job *job;                /* the step that is under way */
	struct job *marking;            /* deliveries' marks, written while others go on */
	struct delivery *deliveries;    /* in the arena */
	struct reply **replies;         /* one a recipient, or NULL */
	struct message *dsn;            /* being committed */
	/* borrowed */
	struct schedule *s;
	struct entry *e;                /* and its m */
	/* state */
	size_t count, open;             /* deliveries; of these not yet over */
	uint8_t *out;                   /* enum outcome, one a recipient */
	enum bounce_kind dsn_kind;
	enum settle_step step;
	bool tried;                     /* at least one outcome came */
	bool only_marks;                /* it makes up for marks that could not be written */
	bool dirty;                     /* marks were set that are not on disk */
	bool reported;                  /* a DSN about a failure is durable: its marks come next */
};

struct notes {
	/* owned */
	char *path;
	struct buf pending;
	struct job *job;
	uint64_t *ring;                 /* whose replies are kept, oldest first from ring_at */
	size_t ring_at;
	/* state */
	uint64_t size;                  /* of the file */
};

struct order;

struct schedule {
	/* owned */
	struct entries entries;
	struct lanes lanes;
	struct notes notes;
	struct timer *timer, *stop_timer;
	struct order *orders;           /* that wait for the disk */
	/* borrowed */
	struct loop *loop;
	struct spool *spool;
	struct deliver *deliver;
	const struct routes *routes;
	const struct schedule_options *options;
	const char *hostname;
	/* state */
	int64_t skew;                   /* wall - mono when last looked */
	int64_t ahead;                  /* how far the queue's clock runs before mono */
	size_t active, held;            /* entries in that state */
	size_t memory, files;           /* of messages kept: bytes, descriptors */
	bool stopping, kicking, again;
	void (*stopped)(void *arg);
	void *stopped_arg;
	struct schedule_counts counts;
};

/* schedule.c */
/* The queue's clock: takes wall's leaps ahead, never back. */
int64_t schedule_now(struct schedule *s);
/* ms since 1970 for a time of the queue's clock */
int64_t schedule_wall(struct schedule *s, int64_t next);
void schedule_kick(struct schedule *s);                     /* starts what is due and may start */
/* The reference is taken. */
void schedule_keep_message(struct schedule *s, struct entry *e, struct message *m);
void schedule_drop_message(struct schedule *s, struct entry *e);
bool schedule_has_room(const struct schedule *s);           /* for one more message in memory */
void schedule_wait(struct schedule *s, struct entry *e, int64_t next);  /* to WAITING */
void schedule_forget(struct schedule *s, struct entry *e);  /* the message is gone */
void schedule_check_stopped(struct schedule *s);

/* lanes.c */
void lanes_init(struct lanes *l);
void lanes_finish(struct lanes *l);
/* Idle lanes may be forgotten: not between lanes_get and lanes_submit. */
void lanes_make_room(struct schedule *s);
struct lane *lanes_get(struct schedule *s, struct str name);
bool lanes_is_full(const struct lane *lane);
bool lanes_is_resting(const struct lane *lane);
void lanes_park(struct lane *lane, struct entry *e);
void lanes_unpark(struct schedule *s, struct entry *e);     /* wherever it is parked */
void lanes_submit(struct schedule *s, struct delivery *d);
void lanes_withdraw(struct schedule *s, struct delivery *d); /* one that waits */
void lanes_run(struct schedule *s);
void lanes_over(struct schedule *s, struct delivery *d);    /* after deliver's last word on it */
void lanes_wake_all(struct schedule *s);                    /* no lane rests any more */

/* attempt.c */
void attempt_begin(struct schedule *s, struct entry *e);
void attempt_start_delivery(struct delivery *d);            /* its turn has come */
/* Its lane rests: deferred unseen. */
void attempt_turn_away(struct delivery *d, const struct reply *reply);
void attempt_stop(struct attempt *a);                       /* what waits for a lane comes back */
void attempt_free(struct attempt *a);                       /* cancels whatever it waits for */
int64_t attempt_age(const struct message *m);               /* ms */

/* settle.c */
void settle(struct attempt *a);                             /* all outcomes are in */

/* notes.c */
void notes_init(struct schedule *s);
void notes_finish(struct schedule *s);
bool notes_read(struct schedule *s, struct why *why);       /* at start; blocks */
void notes_reply(struct schedule *s, struct entry *e, const char *text);
void notes_noticed(struct schedule *s, struct entry *e);

/* orders.c */
void orders_cancel(struct schedule *s);

#endif
