/*
 * A message: envelope, the fields that we put on top, and the content as received.
 * Counted references; loop's thread only (a worker gets sole use of one for the time of its job).
 */
#ifndef MAIL_MESSAGE_H
#define MAIL_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "mail/content.h"
#include "mail/envelope.h"

enum { MESSAGE_ID_TEXT = 14 };           /* 13 characters and the NUL */

struct message {
	/* owned */
	struct arena *arena;                 /* envelope and all that goes with the message */
	struct buf top;                      /* header fields added on top, each ending in CRLF */
	struct content content;
	struct envelope env;
	/* state */
	uint64_t id;                         /* 0: none yet; sorts by time */
	int refs;
};

struct message *message_create(void);                        /* one reference, yours */
struct message *message_keep(struct message *m);             /* one more reference */
void message_release(struct message **m);                    /* the last one frees; closes the content's file */
uint64_t message_size(const struct message *m);              /* top + content, bytes */

/* A new id: 44 bits of milliseconds, 20 bits that tell apart; greater than any before in this process. */
uint64_t message_new_id(void);
/* 13 characters of Crockford's base32, upper case, which sort as the numbers do. */
const char *message_id_text(uint64_t id, char out[MESSAGE_ID_TEXT]);
bool message_id_parse(uint64_t *id, struct str text);        /* case is ignored */

#endif
