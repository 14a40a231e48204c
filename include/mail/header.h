/* Walking the fields of a header (RFC 5322 section 2.2) in place; nothing is unfolded or decoded. */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/buf.h"
#include "base/str.h"
#include "mail/address.h"

struct header_field {
	struct str name;       /* without blanks before the colon */
	struct str value;      /* after the colon, folding and the final CRLF included */
	struct str raw;        /* the whole field with its final CRLF */
};

/* Takes the next field off *rest. A line that is no field gives a name of length 0. False at the end. */
bool header_next(struct str *rest, struct header_field *field);
bool header_find(struct str header, struct str name, struct header_field *field); /* the first of that name */
size_t header_count(struct str header, struct str name);
/* The addresses of an address-list field (From, Sender, Reply-To; RFC 5322 section 3.4), comments, groups
 * and display names read over. At most max; returns how many, or -1: the field can't be understood. */
int header_addresses(struct str value, struct address *out, int max, struct arena *arena);
/* The value unfolded to one line, blanks trimmed: for the log and for comparing ids. */
bool header_unfold(struct buf *out, struct str value);

#endif
