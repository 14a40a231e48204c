/*
 * The content of a message as it comes over the wire, octet by octet: where it ends, and what is
 * wrong with it. Knows nothing of sessions and sockets; any split of the input gives the same
 * result.
 */
#ifndef RECEIVE_DOT_H
#define RECEIVE_DOT_H

#include "base/buf.h"

enum dot_fault {
	DOT_BARE_CR = 1,
	DOT_BARE_LF = 2,
	DOT_NUL = 4,
	DOT_LONG_LINE = 8,          /* LIMIT_TEXT_LINE */
	DOT_TOO_BIG = 16,
	DOT_LONG_HEADER = 32,       /* LIMIT_HEADER, LIMIT_HEADER_LINES */
	/* it begins with a blank: that line would become part of the last field that we put on top */
	DOT_FOLDED_FIRST = 64
};

struct dot {
	/* how to read */
	bool dots;                  /* DATA: a final dot ends it. Else BDAT: somebody counts */
	bool normalize;             /* bare CR and bare LF become CRLF instead of being faults */
	uint64_t size_max;
	/* state */
	enum { DOT_AT_LINE, DOT_AT_DOT, DOT_AT_DOT_CR, DOT_AT_TEXT, DOT_AT_CR } at;
	/* the line began after a CRLF of the wire, or at the very start */
	bool real_line;
	bool in_header;
	bool ended;                 /* the final dot was read */
	/* enum dot_fault, added up; once there is one, no more content is put out */
	unsigned faults;
	uint64_t size;              /* octets of content so far */
	uint64_t line;              /* octets of the line so far */
	/* length of the header, the last CRLF included: known after the empty line */
	uint64_t header;
	size_t header_lines;
};

/* What n octets of input become at most: bare LF grows, and three octets may have been held
 * back. */
#define DOT_GROWS_TO(n) (2 * (size_t)(n) + 4)

void dot_init(struct dot *d, bool dots, bool normalize, uint64_t size_max);
/* Reads until the final dot, or all of it; adds content to out. Returns the octets used. */
size_t dot_feed(struct dot *d, struct str in, struct buf *out);
/* After the final dot or the last chunk: an unfinished last line gets its CRLF; `header` is
 * known now. */
void dot_finish(struct dot *d, struct buf *out);

#endif
