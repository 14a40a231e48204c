/*
 * buf.c - bytes that grow up to a maximum
 *
 * Fails    by adding nothing and setting `over`.
 */
#include "base/buf.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_finish(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

/* Room for n bytes and a NUL; false if that passes the maximum. */
static bool make_room(struct buf *b, size_t n)
{
	if (n > b->max - b->n || b->n > b->max) {
		b->over = true;
		return false;
	}
	if (b->n + n + 1 > b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 64;

		while (cap < b->n + n + 1)
			cap *= 2;
		if (cap > b->max + 1)
			cap = b->max + 1;
		b->p = mem_resize(b->p, cap);
		b->cap = cap;
	}
	return true;
}

bool buf_add(struct buf *b, const void *p, size_t n)
{
	if (!make_room(b, n))
		return false;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	return true;
}

bool buf_add_str(struct buf *b, struct str s)
{
	return buf_add(b, s.p, s.n);
}

bool buf_add_char(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

bool buf_addv(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	size_t room = b->cap > b->n ? b->cap - b->n : 0;
	int n = vsnprintf(room ? b->p + b->n : NULL, room, fmt, ap);
	bool done = n >= 0 && make_room(b, (size_t)n);

	if (done && (size_t)n >= room)
		vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
	if (done)
		b->n += (size_t)n;
	va_end(again);
	return done;
}

bool buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bool done = buf_addv(b, fmt, ap);
	va_end(ap);
	return done;
}

void buf_drop(struct buf *b, size_t n)
{
	if (n > b->n)
		n = b->n;
	if (n && n < b->n)
		memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->over = false;
}

struct str buf_str(const struct buf *b)
{
	return str_make(b->p, b->n);
}

const char *buf_text(struct buf *b)
{
	if (!make_room(b, 0))
		return "";
	b->p[b->n] = '\0';
	return b->p;
}

void buf_move(struct buf *to, struct buf *from)
{
	*to = *from;
	buf_init(from, from->max);
}
