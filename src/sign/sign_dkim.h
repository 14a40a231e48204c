/* DKIM-Signature fields for one message. On a worker: reads the content's file. */
#ifndef SIGN_SIGN_DKIM_H
#define SIGN_SIGN_DKIM_H

#include "mail/content.h"
#include "sign_key.h"

struct sign_dkim_job {
	const struct sign_key_loaded *keys;        /* a signature for each */
	size_t key_count;
	bool submitted;                            /* our own user's mail: more is oversigned */
	int64_t now;                               /* t=, ms since 1970 */
	struct str extra;                          /* fields of ours that stand above the content and are covered */
	const struct content *content;
};

/* Adds the fields to out, each ending in CRLF; none for a message without exactly one From field (RFC 6376
 * section 5.4 needs it), and none that does not fit. False: the content could not be read. True with a text in why: a
 * key could not sign, and its field is missing. */
bool sign_dkim(struct buf *out, const struct sign_dkim_job *job, struct why *why);

#endif
