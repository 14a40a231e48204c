/*
 * Tag lists, "v=1; a=rsa-sha256; ...": signatures, key records and policies (RFC 6376 section 3.2).
 * All points into the text. Any thread.
 */
#ifndef MAIL_TAGLIST_H
#define MAIL_TAGLIST_H

#include "base/buf.h"
#include "base/limits.h"

struct taglist_tag {
	struct str name;           /* case counts */
	struct str value;          /* without blanks around it; folding inside is kept */
	struct str raw;            /* all that stands between '=' and ';' */
};

struct taglist {
	struct taglist_tag v[LIMIT_TAGS];
	size_t n;
};

/* Strict: a tag that occurs twice, a name that is none, a byte that may not be in a value, a line end
 * that is not folding or more than LIMIT_TAGS make the whole list invalid. UTF-8 is fine (RFC 8616). */
bool taglist_parse(struct taglist *out, struct str text);
/* NULL: not there */
const struct taglist_tag *taglist_find(const struct taglist *list, struct str name);
/* The next item of a value such as "from : to", without the blanks around it. False at the end. */
bool taglist_item(struct str *rest, struct str *item);
bool taglist_has_item(struct str value, struct str item);          /* case is ignored */
/* Base64 with folding anywhere in it. False: it is not, or does not fit. */
bool taglist_base64(struct buf *out, struct str value);

#endif
