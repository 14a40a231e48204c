/* Private to spool/: the head of a queue file, from a message to readable text and back. */
#ifndef SPOOL_FORMAT_H
#define SPOOL_FORMAT_H

#include "mail/message.h"

/* How the parts behind the head are cut. */
struct format_sizes {
	uint64_t top, size, header;        /* bytes: fields on top, content, its header */
};

/* The head with its empty line. mark_at: where each recipient's mark stands, rcpt_count of them.
 * room > 0: padded so that head and top fields take exactly that many bytes. False with why: it
 * does not fit, or an address is none. */
bool format_head(
	struct buf *out, const struct message *m, size_t room, uint32_t *mark_at, struct why *why);
/* Strict: what format_head would not have written is refused. head ends with its empty line. */
bool format_parse(struct message *m, struct str head, struct format_sizes *sizes, struct why *why);
/* Length of the head at the front of bytes, its empty line included; 0: not all of it is there. */
size_t format_head_length(struct str bytes);

#endif
