/*
 * Bytes that grow, born with a maximum. What would pass the maximum is not added at all, and `over`
 * stays set: add freely and ask once at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

struct buf {
	char *p;      /* owned; NULL while empty */
	size_t n, cap, max;
	bool over;
};

void buf_init(struct buf *b, size_t max);              /* max in bytes */
void buf_finish(struct buf *b);                        /* frees the bytes; the buf may be used again */
bool buf_add(struct buf *b, const void *p, size_t n);  /* p may not point into b */
bool buf_add_str(struct buf *b, struct str s);
bool buf_add_char(struct buf *b, char c);
bool buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool buf_addv(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void buf_drop(struct buf *b, size_t n);                /* n bytes off the front */
void buf_clear(struct buf *b);                         /* empty, memory kept, `over` forgotten */
struct str buf_str(const struct buf *b);               /* borrowed until the next change */
const char *buf_text(struct buf *b);                   /* the same, NUL-terminated */
void buf_move(struct buf *to, struct buf *from);       /* `to` must be fresh or finished; `from` becomes empty */

#endif
