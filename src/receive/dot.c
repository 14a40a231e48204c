/*
 * dot.c - read the content of a message: where it ends, and what is wrong with it
 *
 * From     cmd_data.c, with whatever piece of the wire has arrived.
 * To       the transaction's buffer, dots unstuffed.
 * Owns     nothing; struct dot is a plain value.
 * Never    takes anything but CRLF for the end of a line, and anything but CRLF "." CRLF for the
 *          end of DATA: what other servers read as an end must not be one here, nor the other way
 *          round (smuggling).
 * Fails    by noting a fault and reading on to the end; the reply comes after the end.
 * See      RFC 5321 sections 2.3.8, 4.1.1.4 and 4.5.2; RFC 3030.
 */
#include "dot.h"

#include "base/limits.h"

#include <string.h>

void dot_init(struct dot *d, bool dots, bool normalize, uint64_t size_max)
{
	*d = (struct dot){
		.dots = dots, .normalize = normalize, .size_max = size_max,
		.at = DOT_AT_LINE, .real_line = true, .in_header = true,
	};
}

static void put(struct dot *d, struct buf *out, const char *p, size_t n)
{
	d->size += n;
	if (d->size > d->size_max)
		d->faults |= DOT_TOO_BIG;
	if (d->in_header && d->size > LIMIT_HEADER)
		d->faults |= DOT_LONG_HEADER;
	if (d->faults == 0)
		buf_add(out, p, n);
}

static void put_text(struct dot *d, struct buf *out, const char *p, size_t n)
{
	if (d->size == 0 && (*p == ' ' || *p == '\t'))
		d->faults |= DOT_FOLDED_FIRST;
	d->line += n;
	if (d->line > LIMIT_TEXT_LINE)
		d->faults |= DOT_LONG_LINE;
	put(d, out, p, n);
}

static void end_line(struct dot *d, struct buf *out, bool real)
{
	if (d->in_header && d->line == 0) {
		d->in_header = false;
		d->header = d->size;
	} else if (d->in_header && ++d->header_lines > LIMIT_HEADER_LINES) {
		d->faults |= DOT_LONG_HEADER;
	}
	put(d, out, "\r\n", 2);
	d->line = 0;
	d->real_line = real;
	d->at = DOT_AT_LINE;
}

/* A CR or LF that stands alone: the end of a line where the sender may be corrected, else just
 * wrong. */
static void bare(struct dot *d, struct buf *out, enum dot_fault fault)
{
	if (d->normalize) {
		end_line(d, out, false);
		return;
	}
	d->faults |= fault;
	d->at = DOT_AT_TEXT;
}

/* Text up to the next octet that means something, and that octet. Returns the octets used, at
 * least 1. */
static size_t read_text(struct dot *d, struct str in, struct buf *out)
{
	size_t n = 0;

	while (n < in.n && in.p[n] != '\r' && in.p[n] != '\n' && in.p[n] != '\0')
		n++;
	d->at = DOT_AT_TEXT;
	if (n > 0)
		put_text(d, out, in.p, n);
	if (n == in.n)
		return n;
	if (in.p[n] == '\r')
		d->at = DOT_AT_CR;
	else if (in.p[n] == '\n')
		bare(d, out, DOT_BARE_LF);
	else
		d->faults |= DOT_NUL;
	return n + 1;
}

/* After a dot that began a line. A line of just a dot that a bare CR or LF ends, or follows, is
 * text: its dot stays. */
static size_t read_after_dot(struct dot *d, char c, struct buf *out)
{
	if (c == '\r') {
		d->at = DOT_AT_DOT_CR;
		return 1;
	}
	d->at = DOT_AT_TEXT;
	if (c == '\n')
		put_text(d, out, ".", 1);
	return 0;
}

static size_t read_after_dot_cr(struct dot *d, char c, struct buf *out)
{
	if (c == '\n' && d->real_line) {
		d->ended = true;
		return 1;
	}
	put_text(d, out, ".", 1);
	d->at = DOT_AT_CR;
	return 0;
}

static size_t read_after_cr(struct dot *d, char c, struct buf *out)
{
	if (c != '\n') {
		bare(d, out, DOT_BARE_CR);
		return 0;
	}
	end_line(d, out, true);
	return 1;
}

static size_t read_some(struct dot *d, struct str in, struct buf *out)
{
	switch (d->at) {
	case DOT_AT_LINE:
		if (d->dots && in.p[0] == '.') {
			d->at = DOT_AT_DOT;
			return 1;
		}
		return read_text(d, in, out);
	case DOT_AT_DOT:
		return read_after_dot(d, in.p[0], out);
	case DOT_AT_DOT_CR:
		return read_after_dot_cr(d, in.p[0], out);
	case DOT_AT_CR:
		return read_after_cr(d, in.p[0], out);
	case DOT_AT_TEXT:
		break;
	}
	return read_text(d, in, out);
}

size_t dot_feed(struct dot *d, struct str in, struct buf *out)
{
	size_t used = 0;

	while (used < in.n && !d->ended)
		used += read_some(d, str_skip(in, used), out);
	return used;
}

void dot_finish(struct dot *d, struct buf *out)
{
	if (d->at == DOT_AT_CR)
		bare(d, out, DOT_BARE_CR);
	if (d->at == DOT_AT_TEXT && !d->ended)
		end_line(d, out, true);
	if (d->in_header) {
		d->in_header = false;
		d->header = d->size;
	}
}
