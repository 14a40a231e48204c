/* The report: who may be told, and the text of a DSN (RFC 3464, RFC 3461). */
#ifndef BOUNCE_BOUNCE_H
#define BOUNCE_BOUNCE_H

#include "mail/message.h"
#include "mail/reply.h"

enum bounce_kind { BOUNCE_FAILED, BOUNCE_DELAYED, BOUNCE_DELIVERED, BOUNCE_RELAYED };

struct bounce_entry {
	size_t rcpt;                       /* index into env.rcpts */
	struct reply reply;
};

/* Promise 4: is the sender proven, not null, and does the recipient's NOTIFY want it? A delay
 * notice is for our own users only. */
bool bounce_is_due(const struct message *m, size_t rcpt, enum bounce_kind kind);
/* A new message with one recipient (the original sender's real address) and the null sender,
 * content in memory; yours. Shows original recipients only, never targets. The original's header,
 * or all of it for RET=FULL while it fits LIMIT_CONTENT_MEMORY. until: ms since 1970 when we give
 * up, for delay notices. */
struct message *bounce_make(const struct message *m, enum bounce_kind kind,
	const struct bounce_entry *entries, size_t n, const char *hostname, int64_t until);

#endif
