/*
 * From MAIL to the answer after the final dot: the message being taken in. Content stays in memory
 * up to LIMIT_CONTENT_MEMORY and then goes to the spool's tmp/ in chunks.
 */
#ifndef RECEIVE_TRANSACTION_H
#define RECEIVE_TRANSACTION_H

#include "dot.h"

#include "check/check.h"
#include "mail/message.h"
#include "mail/reply.h"
#include "spool/spool.h"

struct route_answer;
struct session;

/* How a recipient is to be told (RFC 3461); both 0 or empty: nothing was said. */
struct transaction_dsn { unsigned notify; struct str orcpt; };

struct transaction {
	/* owned */
	struct message *m;                 /* its arena holds all that goes with the transaction */
	struct spool_file *file;           /* NULL: not begun, or given up */
	struct buf chunk;                  /* content on its way to the file */
	struct job *spf;                   /* the sender is being checked */
	/* state */
	/* in the arena: the disk failed, or a BDAT went wrong; NULL: none */
	struct reply *fault;
	struct dot dot;
	bool spilled;                      /* content no longer goes to memory */
	size_t rcpt_cap;
	/* recipients: named, taken (discarded among them), thrown away */
	size_t tried, accepted, discarded;
	size_t postmasters;                /* of the accepted */
	struct str from_domain;            /* of a submitted message; in the arena */
	struct verdict *verdict;           /* in the arena; NULL: from our own user, not checked */
	/* what waits for SPF, and for the check of the message */
	enum turn (*after_spf)(struct session *s), (*after_check)(struct session *s);
	/* the RCPT that waits for SPF; in the arena */
	struct address asked;
	struct transaction_dsn asked_dsn;
	bool checked, cleaned, sealed, committed;
};

struct transaction *transaction_create(void);
void transaction_destroy(struct transaction **t);      /* abandons the file */

/* False: its targets would be more than one message may have. */
bool transaction_add(struct transaction *t, const struct address *original,
	const struct route_answer *answer, const struct transaction_dsn *dsn);

/* How many octets may be fed to t->dot before transaction_must_spill is asked again. */
size_t transaction_room(const struct transaction *t);
struct buf *transaction_out(struct transaction *t);    /* where t->dot puts content */
/* The chunk is full: to go on, transaction_spill. Ask before and after each feeding. */
bool transaction_must_spill(struct transaction *t);
/* Begins to write what is there, opening the file if there is none. done comes from the loop. */
struct job *transaction_spill(
	struct transaction *t, struct spool *sp, spool_done *done, void *waiter);
void transaction_disk_failed(struct transaction *t, const struct why *why);
void transaction_end_content(struct transaction *t);   /* after the last octet */

#endif
