/*
 * from.c - the From fields, read once for DMARC and for the domains that are ours
 *
 * From     dmarc.c and own.c, with the header as it came.
 * Never    takes the first of several: what one program reads first, another reads last.
 * See      RFC 9989 section 5.3.1 and 10.5; RFC 5322 section 3.6.2.
 */
#include "from.h"

#include "base/encode.h"
#include "mail/header.h"

#include <idn2.h>
#include <stdio.h>

static void add_domain(struct from *f, struct str domain)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_eq(f->domains[i], domain))
			return;
	if (f->n == LIMIT_FROM_ADDRESSES)
		f->unreadable = true;
	else
		f->domains[f->n++] = domain;
}

static void add_field(struct from *f, struct str value, struct arena *arena)
{
	struct address authors[LIMIT_FROM_ADDRESSES + 1];
	int n = header_addresses(value, authors, LIMIT_FROM_ADDRESSES + 1, arena);

	f->fields++;
	if (n < 0 || n > LIMIT_FROM_ADDRESSES) {
		f->unreadable = true;
		return;
	}
	f->nobody = f->nobody || n == 0;
	for (int i = 0; i < n; i++)
		add_domain(f, authors[i].domain);
}

/* Without blanks, comments, quotes and backslashes, as a forgiving reader might put it together. */
static void squeeze(struct buf *out, struct str text)
{
	int depth = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != '"' &&
			c != '\\')
			buf_add_char(out, c);
	}
}

static int hex_digit(char c)
{
	c = str_lower(c);
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode_q(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		bool coded = text.p[i] == '=' && i + 2 < text.n && hex_digit(text.p[i + 1]) >= 0 &&
			hex_digit(text.p[i + 2]) >= 0;

		buf_add_char(out, !coded ? text.p[i]
			: (char)(hex_digit(text.p[i + 1]) * 16 + hex_digit(text.p[i + 2])));
		i += coded ? 2 : 0;
	}
}

/* With or without padding. */
static bool decode_b(struct buf *out, struct str text)
{
	struct buf padded;
	bool right;

	while (text.n > 0 && text.p[text.n - 1] == '=')
		text.n--;
	buf_init(&padded, text.n + 3);
	buf_add_str(&padded, text);
	while (padded.n % 4 != 0 && padded.n < text.n + 3)
		buf_add_char(&padded, '=');
	right = base64_decode(out, buf_str(&padded));
	buf_finish(&padded);
	return right;
}

/* Takes "=?charset?q?text?=" off the front (RFC 2047). False: that is not what stands there. */
static bool decode_word(struct buf *out, struct str *rest)
{
	struct str at = str_skip(*rest, 2), kind, text;
	ptrdiff_t end;

	if (!str_starts(*rest, STR("=?")) || str_find(at, '?') < 0)
		return false;
	str_cut(&at, '?');
	kind = str_cut(&at, '?');
	end = str_find(at, '?');
	if (end < 0 || !str_starts(str_skip(at, (size_t)end), STR("?=")))
		return false;
	text = str_head(at, (size_t)end);
	if (str_ieq(kind, STR("q")))
		decode_q(out, text);
	else if (!str_ieq(kind, STR("b")) || !decode_b(out, text))
		return false;
	*rest = str_skip(at, (size_t)end + 2);
	return true;
}

/* An address has no business in an encoded word, but some programs decode first and read then. */
static void decode(struct buf *out, struct str text)
{
	while (text.n > 0) {
		if (decode_word(out, &text))
			continue;
		buf_add_char(out, text.p[0]);
		text = str_skip(text, 1);
	}
}

static void keep_text(struct from *f, struct str header, struct arena *arena)
{
	struct header_field field;
	struct buf raw, decoded, squeezed;

	buf_init(&raw, LIMIT_FROM_TEXT);
	buf_init(&decoded, LIMIT_FROM_TEXT);
	buf_init(&squeezed, LIMIT_FROM_TEXT);
	while (header_next(&header, &field))
		if (str_ieq(field.name, STR("From")))
			buf_add_str(&raw, field.value);
	decode(&decoded, buf_str(&raw));
	squeeze(&squeezed, buf_str(&decoded));
	f->endless = raw.over;
	f->raw = arena_str(arena, buf_str(&raw));
	f->squeezed = arena_str(arena, buf_str(&squeezed));
	buf_finish(&raw);
	buf_finish(&decoded);
	buf_finish(&squeezed);
}

void from_read(struct from *out, struct str header, struct arena *arena)
{
	struct header_field field;
	struct str rest = header;

	*out = (struct from){ .fields = 0 };
	while (header_next(&rest, &field))
		if (str_ieq(field.name, STR("From")))
			add_field(out, field.value, arena);
	if (out->unreadable || out->nobody)
		keep_text(out, header, arena);
}

struct str from_domain(const struct from *f, const char **problem)
{
	*problem = f->fields == 0 ? "no From field"
		: f->fields > 1 ? "several From fields"
		: f->unreadable ? "the From field can't be understood"
		: f->n == 0 ? "no address in the From field"
		: f->n > 1 ? "addresses of several domains in the From field" : NULL;
	return *problem ? STR_NONE : f->domains[0];
}

/* ---- fields that can't be read ---- */

static bool is_name_byte(unsigned char c)
{
	return (c >= '0' && c <= '9') || (str_lower((char)c) >= 'a' && str_lower((char)c) <= 'z') ||
		c == '-' || c == '_' || c > 127;
}

/* As a name of its own or the end of one: not in the middle of a longer label, nor with further
 * labels behind it. */
static bool stands_in(struct str text, struct str name)
{
	for (size_t i = 0; name.n > 0 && i + name.n <= text.n; i++) {
		struct str behind = str_skip(text, i + name.n);

		if (str_lower(text.p[i]) != str_lower(name.p[0]) ||
			!str_ieq(str_make(text.p + i, name.n), name))
			continue;
		if (i > 0 && is_name_byte((unsigned char)text.p[i - 1]))
			continue;
		if (behind.n > 0 && is_name_byte((unsigned char)behind.p[0]))
			continue;
		if (behind.n > 1 && behind.p[0] == '.' && is_name_byte((unsigned char)behind.p[1]))
			continue;
		return true;
	}
	return false;
}

static bool mentions(const struct from *f, struct str name)
{
	return stands_in(f->raw, name) || stands_in(f->squeezed, name);
}

bool from_mentions(const struct from *f, struct str domain)
{
	char ascii[LIMIT_DOMAIN + 1], *unicode = NULL;
	bool found = f->endless || mentions(f, domain);

	if (found || f->raw.n == 0 || domain.n >= sizeof(ascii))
		return found;
	snprintf(ascii, sizeof(ascii), "%.*s", STR_FMT(domain));
	if (idn2_to_unicode_8z8z(ascii, &unicode, 0) == IDN2_OK) {
		found = mentions(f, str_of(unicode));
		idn2_free(unicode);
	}
	return found;
}
