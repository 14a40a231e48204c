/*
 * canon.c - bring header fields and bodies into the form that DKIM hashes
 *
 * From     sign/, and whoever verifies signatures.
 * To       a hash, through the caller's sink.
 * Never    holds more than a few counters of a body, whatever its lines look like.
 * See      RFC 6376 section 3.4; its corners: an empty body is CRLF in simple and nothing in relaxed form
 *          (3.4.3, 3.4.4), and a last line without CRLF gets one.
 */
#include "mail/canon.h"

#include <string.h>

enum { PIECE = 4096 };

/* Canonical bytes on their way to the sink: hashes are slow when fed word by word. */
struct piece {
	struct canon_body *c;
	size_t n;
	char p[PIECE];
};

static void piece_flush(struct piece *out)
{
	if (out->n > 0)
		out->c->sink(out->c->arg, out->p, out->n);
	out->n = 0;
}

static void piece_add(struct piece *out, const char *p, size_t n)
{
	if (n > PIECE - out->n)
		piece_flush(out);
	if (n > PIECE) {
		out->c->sink(out->c->arg, p, n);
		return;
	}
	memcpy(out->p + out->n, p, n);
	out->n += n;
}

/* Data follows: what was held back does count. */
static void piece_release(struct piece *out)
{
	struct canon_body *c = out->c;

	for (; c->line_ends > 0; c->line_ends--)
		piece_add(out, "\r\n", 2);
	if (c->blank)
		piece_add(out, " ", 1);
	c->blank = false;
}

static void piece_data(struct piece *out, const char *p, size_t n)
{
	piece_release(out);
	piece_add(out, p, n);
	out->c->any = true;
}

void canon_body_init(struct canon_body *c, enum canon how, canon_sink *sink, void *arg)
{
	*c = (struct canon_body){ .how = how, .sink = sink, .arg = arg };
}

static bool is_wsp(char b)
{
	return b == ' ' || b == '\t';
}

static size_t data_run(const struct canon_body *c, const char *p, const char *end)
{
	const char *at = p;

	if (c->how == CANON_SIMPLE) {
		at = memchr(p, '\r', (size_t)(end - p));
		return (size_t)((at ? at : end) - p);
	}
	while (at < end && *at != '\r' && !is_wsp(*at))
		at++;
	return (size_t)(at - p);
}

void canon_body_add(struct canon_body *c, struct str bytes)
{
	struct piece out = { .c = c };
	const char *p = bytes.p, *end = bytes.n ? bytes.p + bytes.n : bytes.p;
	size_t run;

	while (p < end) {
		if (c->cr) {
			c->cr = false;
			if (*p == '\n') {
				c->line_ends++;
				c->blank = false;
				p++;
				continue;
			}
			piece_data(&out, "\r", 1);
		}
		if (*p == '\r') {
			c->cr = true;
			p++;
		} else if (c->how == CANON_RELAXED && is_wsp(*p)) {
			c->blank = true;
			p++;
		} else {
			run = data_run(c, p, end);
			piece_data(&out, p, run);
			p += run;
		}
	}
	piece_flush(&out);
}

void canon_body_end(struct canon_body *c)
{
	struct piece out = { .c = c };

	if (c->cr)
		piece_data(&out, "\r", 1);
	c->cr = c->blank = false;
	c->line_ends = 0;
	if (c->any || c->how == CANON_SIMPLE)
		piece_add(&out, "\r\n", 2);
	piece_flush(&out);
}

static struct str without_line_end(struct str raw)
{
	if (raw.n >= 2 && memcmp(raw.p + raw.n - 2, "\r\n", 2) == 0)
		raw.n -= 2;
	return raw;
}

static bool relaxed_name(struct buf *out, struct str name)
{
	bool ok = true;
	size_t i;

	while (name.n > 0 && is_wsp(name.p[name.n - 1]))
		name.n--;
	for (i = 0; i < name.n; i++)
		ok = buf_add_char(out, str_lower(name.p[i])) && ok;
	return ok;
}

/* Unfolded, runs of blanks as one, none at either end. */
static bool relaxed_value(struct buf *out, struct str value)
{
	bool blank = false, any = false, ok = true;
	size_t i = 0, from;

	while (i < value.n) {
		if (is_wsp(value.p[i])) {
			blank = true;
			i++;
			continue;
		}
		if (i + 1 < value.n && value.p[i] == '\r' && value.p[i + 1] == '\n') {
			i += 2;
			continue;
		}
		from = i;
		do
			i++;
		while (i < value.n && !is_wsp(value.p[i]) && value.p[i] != '\r');
		if (blank && any)
			ok = buf_add_char(out, ' ') && ok;
		ok = buf_add(out, value.p + from, i - from) && ok;
		any = true;
		blank = false;
	}
	return ok;
}

bool canon_header(struct buf *out, enum canon how, struct str raw, bool last)
{
	struct str field = without_line_end(raw);
	ptrdiff_t colon = str_find(field, ':');
	bool ok = true;

	if (how == CANON_SIMPLE || colon < 0) {
		ok = buf_add_str(out, field);
	} else {
		ok = relaxed_name(out, str_head(field, (size_t)colon)) && ok;
		ok = buf_add_char(out, ':') && ok;
		ok = relaxed_value(out, str_skip(field, (size_t)colon + 1)) && ok;
	}
	return last ? ok : buf_add_str(out, STR("\r\n")) && ok;
}
