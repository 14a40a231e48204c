/*
 * DKIM canonicalisation (RFC 6376 section 3.4), shared by signing and verifying. Streaming; constant
 * memory. Any thread.
 */
#ifndef MAIL_CANON_H
#define MAIL_CANON_H

#include "base/buf.h"

enum canon { CANON_SIMPLE, CANON_RELAXED };

/* Where canonical bytes go (a hash). */
typedef void canon_sink(void *arg, const void *p, size_t n);

/*
 * Only CRLF ends a line: a lone CR or LF is data like any other byte. Held back are what may turn out
 * to stand at the end of a line (blanks, a CR) or at the end of the body (line ends).
 */
struct canon_body {
	enum canon how;
	canon_sink *sink;
	void *arg;
	uint64_t line_ends;        /* CRLFs held back: they count only if something follows */
	bool blank, cr, any;       /* held WSP (relaxed), held CR, some data was put out */
};

void canon_body_init(struct canon_body *c, enum canon how, canon_sink *sink, void *arg);
void canon_body_add(struct canon_body *c, struct str bytes);   /* any split, also between CR and LF */
void canon_body_end(struct canon_body *c);                     /* puts out the final CRLF as the RFC says */
/* One header field (raw: name to final CRLF) in canonical form, with its CRLF unless last (the signature's own
 * field). False: it did not fit in out. */
bool canon_header(struct buf *out, enum canon how, struct str raw, bool last);

#endif
