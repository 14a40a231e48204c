/* Private to bounce/: the text of a report. */
#ifndef BOUNCE_TEXT_H
#define BOUNCE_TEXT_H

#include "bounce/bounce.h"

struct report {
	/* owned by the caller */
	size_t *shown;                     /* indexes into entries, one an original recipient */
	/* borrowed */
	const struct message *m;
	const struct bounce_entry *entries;
	const char *hostname;
	struct arena *arena;
	/* state */
	enum bounce_kind kind;
	size_t shown_count;
	int64_t until, now;                /* ms since 1970 */
	char boundary[40];
};

/* The whole message: header, three parts. Only CRLF, no line of 998 octets or more. */
void text_report(struct buf *out, const struct report *r, uint64_t id);

/* What follows is for tests too. */
/* Appends text that others chose as words on lines of at most 76, each begun with indent: no byte
 * of it can end the line. ascii: other bytes than ASCII become '?'; else they stay if they are
 * UTF-8. */
void text_wrapped(struct buf *out, struct str text, const char *indent, bool ascii);
/* Text without the target's address: each place where it stands shows the original recipient's
 * instead. */
struct str text_without_target(const struct recipient *r, const char *text, struct arena *arena);
/* RFC 3461 section 4: xtext back to what it stands for; as it is, if that is not printable. */
struct str text_of_xtext(struct str xtext, struct arena *arena);

#endif
