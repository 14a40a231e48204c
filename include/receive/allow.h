/*
 * The allow cache: which clients passed which test, until when. By client network (an IPv4 address,
 * an IPv6 /64), bounded, kept across restarts in state/screen-cache. All on the loop's thread.
 */
#ifndef RECEIVE_ALLOW_H
#define RECEIVE_ALLOW_H

#include "base/buf.h"
#include "base/inet.h"
#include "net/loop.h"

enum screen_test {
	SCREEN_GREET,              /* was silent until the greeting */
	SCREEN_LISTS,              /* is on no block list */
	SCREEN_PIPELINING,         /* sent nothing before it was its turn */
	SCREEN_NON_SMTP,           /* spoke SMTP */
	SCREEN_BARE_NEWLINE,       /* ended its lines with CR LF */
	SCREEN_TESTS
};

enum { SCREEN_ALL = (1 << SCREEN_TESTS) - 1 };

struct allow;
struct screen_options;

/* Reads what was kept (blocks: at start only). What can't be read is logged and passed over. */
struct allow *allow_create(
	struct loop *l, const struct screen_options *options, const char *state_dir);
/* Writes what is not yet written, at once. */
void allow_destroy(struct allow **a);

/* The tests that the client need not take again, a set of 1 << SCREEN_x; SCREEN_ALL: an operator
 * allowed it. */
unsigned allow_passed(struct allow *a, const struct inet_addr *client);
/* It passed the tests of this set; each counts for its time to live from now. */
void allow_pass(struct allow *a, const struct inet_addr *client, unsigned tests);
/* It failed: all that it passed is forgotten, but for what an operator allowed. */
void allow_fail(struct allow *a, const struct inet_addr *client);
size_t allow_count(const struct allow *a);

/* ---- for the operator ---- */

struct allow_entry {
	struct inet_addr network;          /* an IPv4 address, or the first of an IPv6 /64 */
	int64_t until[SCREEN_TESTS];       /* ms since 1970; 0: not passed */
	int64_t allowed;                   /* by an operator, until; INT64_MAX: for ever; 0: not */
};

/* Walks all, in no order; *at starts at 0. Between two calls entries may come and go: one that
 * stays is then possibly met twice, or not at all. False: no more. */
bool allow_next(const struct allow *a, size_t *at, struct allow_entry *out);
bool allow_find(const struct allow *a, const struct inet_addr *client, struct allow_entry *out);
/* ms from now; INT64_MAX: for ever. False: LIMIT_ALLOW_GRANTS are there already. */
bool allow_grant(struct allow *a, const struct inet_addr *client, int64_t ms);
bool allow_forget(struct allow *a, const struct inet_addr *client);  /* false: it was not there */

/* "192.0.2.1 greet=1720000000 allowed=forever": the line of the file and of the control socket,
 * times in seconds since 1970. What has no time is left out. */
void allow_print(struct buf *out, const struct allow_entry *e);
bool allow_parse(struct allow_entry *e, struct str line);            /* false: not such a line */

#endif
