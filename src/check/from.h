/* The From fields of a message: whom does its reader take for the author? Private to check/. */
#ifndef CHECK_FROM_H
#define CHECK_FROM_H

#include "base/arena.h"
#include "base/limits.h"

struct from {
	size_t fields;
	bool unreadable;                   /* one of them is not an address list, or too long a one */
	bool nobody;                       /* one of them has no address in it */
	size_t n;
	struct str domains[LIMIT_FROM_ADDRESSES]; /* each once: lower case, A-labels; in the arena */
	bool endless;                      /* unreadable, and longer than LIMIT_FROM_TEXT */
	/* their text, if one is unreadable or names nobody; in the arena */
	struct str raw, squeezed;
};

void from_read(struct from *out, struct str header, struct arena *arena);
/* The one domain; empty: there is none, or several. problem: why; NULL where there is one. */
struct str from_domain(const struct from *f, const char **problem);
/* Is this domain, or one below it, anywhere in the text of fields that can't be read, or that name
 * nobody? A reader's
 * program may still show something. Yes, if there is too much of it to look through. */
bool from_mentions(const struct from *f, struct str domain);

#endif
