/*
 * The content of a message as received (after dot-unstuffing), never changed: its head in memory, and
 * all of it in a file once it passed LIMIT_CONTENT_MEMORY.
 */
#ifndef MAIL_CONTENT_H
#define MAIL_CONTENT_H

#include "base/buf.h"
#include "base/why.h"

#include <sys/types.h>

struct content {
	/* owned */
	struct buf memory;       /* the first bytes; all of them while fd < 0. The header is always in here */
	int fd;                  /* -1: only in memory */
	/* state */
	off_t at;                /* where the content begins in the file */
	uint64_t size;           /* bytes in all */
	size_t header;           /* length of the header with its last CRLF, without the empty line */
};

void content_init(struct content *c);
void content_finish(struct content *c);                 /* frees; closes fd */
struct str content_header(const struct content *c);     /* borrowed */
/* n bytes from offset on: from memory, else pread (which may block: worker, or a page that was just
 * written). False with why on a read error or a short file. */
bool content_read(const struct content *c, uint64_t offset, void *out, size_t n, struct why *why);
/* All bytes from offset on, in pieces that are borrowed for the call; blocks as content_read does. */
typedef void content_piece(void *arg, struct str piece);
bool content_walk(const struct content *c, uint64_t offset, content_piece *fn, void *arg, struct why *why);
uint64_t content_body(const struct content *c);         /* where the body begins; size or more: there is none */
/* Where the header ends in bytes seen so far, for content.header; -1: not yet. */
ptrdiff_t content_find_header_end(struct str bytes);

#endif
