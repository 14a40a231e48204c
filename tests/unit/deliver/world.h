/* What tests of delivery need around it: a loop, DNS made of rows, options with short times,
 * messages. */
#ifndef WORLD_H
#define WORLD_H

#include "deliver/deliver.h"
#include "mx.h"
#include "peer.h"

/* "mx" rows: "10 mx1.test"; address rows: the address. Value NULL: no such name. "temp": a look-up
 * that fails; "none": the name exists, not the type. A name without rows does not exist. */
struct dns_row { const char *name; enum dns_type type; const char *value; };
void world_dns(const struct dns_row *rows, size_t n);

struct loop *world_loop(void);
void world_finish(void);                   /* the loop; after all else */
struct deliver_options world_options(void);    /* short times */

enum { WORLD_RCPTS = 200 };

/* What became of an attempt. */
struct outcomes {
	size_t n, done;
	char codes[WORLD_RCPTS * 8];       /* "250,550,": in order of recipients */
	struct reply reply[WORLD_RCPTS];
	char relay[WORLD_RCPTS][100], tls[WORLD_RCPTS][20];
	bool duplicate[WORLD_RCPTS], dsn[WORLD_RCPTS];
};

/* recipients: addresses, separated by commas. */
struct message *world_message(const char *sender, const char *recipients, const char *content);
/* Delivers to all recipients of m and waits for the end. */
void world_deliver(struct deliver *d, struct message *m, struct outcomes *out);
/* Callbacks for deliver_attempt that fill in struct outcomes; done stops the loop. */
void world_each(void *waiter, const struct deliver_outcome *o);
void world_done(void *waiter);
void world_run(int64_t ms);                /* the loop, for a while */

#endif
