/*
 * header.c - walking a header's fields where they lie
 *
 * Never    unfolds, decodes or changes: what is below our own fields stays as it came.
 * See      RFC 5322 sections 2.2 and 3.4, with the obsolete forms that are still sent.
 */
#include "mail/header.h"
#include "base/limits.h"

#include <string.h>

/* The length of the field at the front of s: up to the CRLF that no white space follows. */
static size_t field_length(struct str s)
{
	size_t at = 0;

	while (at < s.n) {
		const char *nl = memchr(s.p + at, '\n', s.n - at);

		if (nl == NULL)
			return s.n;
		at = (size_t)(nl - s.p) + 1;
		if (at < s.n && s.p[at] != ' ' && s.p[at] != '\t')
			return at;
	}
	return at;
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] > 126)
			return false;
	return s.n > 0;
}

bool header_next(struct str *rest, struct header_field *field)
{
	if (rest->n == 0)
		return false;
	field->raw = str_head(*rest, field_length(*rest));
	*rest = str_skip(*rest, field->raw.n);
	ptrdiff_t colon = str_find(field->raw, ':');
	struct str name = colon < 0 ? STR_NONE : str_head(field->raw, (size_t)colon);

	while (name.n && (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '\t'))
		name.n--;
	if (!is_name(name)) {
		field->name = str_head(field->raw, 0);
		field->value = field->raw;
		return true;
	}
	field->name = name;
	field->value = str_skip(field->raw, (size_t)colon + 1);
	return true;
}

bool header_find(struct str header, struct str name, struct header_field *field)
{
	while (header_next(&header, field))
		if (str_ieq(field->name, name))
			return true;
	return false;
}

size_t header_count(struct str header, struct str name)
{
	struct header_field field;
	size_t n = 0;

	while (header_next(&header, &field))
		n += str_ieq(field.name, name);
	return n;
}

/* A walk over an address-list: one token at a time, comments and folding read over. */
struct tokens {
	struct str rest;
	struct buf word;       /* of an atom or quoted string, unquoted */
	bool bad;
};

static void skip_comment(struct tokens *t)
{
	int depth = 0;

	do {
		char c = t->rest.p[0];

		t->rest = str_skip(t->rest, c == '\\' ? 2 : 1);
		depth += c == '(' ? 1 : c == ')' ? -1 : 0;
	} while (depth > 0 && t->rest.n);
	t->bad |= depth > 0;
}

static void read_quoted(struct tokens *t)
{
	t->rest = str_skip(t->rest, 1);
	while (t->rest.n && t->rest.p[0] != '"') {
		if (t->rest.p[0] == '\\')
			t->rest = str_skip(t->rest, 1);
		if (t->rest.n && t->rest.p[0] != '\r' && t->rest.p[0] != '\n')
			buf_add_char(&t->word, t->rest.p[0]);
		t->rest = str_skip(t->rest, 1);
	}
	t->bad |= t->rest.n == 0;
	t->rest = str_skip(t->rest, 1);
}

static void read_literal(struct tokens *t)
{
	ptrdiff_t close = str_find(t->rest, ']');
	size_t n = close < 0 ? t->rest.n : (size_t)close + 1;

	t->bad |= close < 0;
	buf_add_str(&t->word, str_head(t->rest, n));
	t->rest = str_skip(t->rest, n);
}

/* 0: the end; 'w': a word, in t->word; else the special itself. */
static char next_token(struct tokens *t)
{
	buf_clear(&t->word);
	for (;;) {
		while (t->rest.n && strchr(" \t\r\n", t->rest.p[0]) && t->rest.p[0])
			t->rest = str_skip(t->rest, 1);
		if (t->rest.n == 0)
			return 0;
		if (t->rest.p[0] != '(')
			break;
		skip_comment(t);
	}
	char c = t->rest.p[0];
	if (c == '"') {
		read_quoted(t);
		return 'w';
	}
	if (c == '[') {
		read_literal(t);
		return 'w';
	}
	if (c && strchr("<>@,:;.", c)) {
		t->rest = str_skip(t->rest, 1);
		return c;
	}
	while (t->rest.n && !strchr(" \t\r\n\"()<>@,:;.[", t->rest.p[0])) {
		buf_add_char(&t->word, t->rest.p[0]);
		t->rest = str_skip(t->rest, 1);
	}
	if (t->word.n == 0) {           /* a NUL */
		t->bad = true;
		t->rest = str_skip(t->rest, 1);
	}
	return 'w';
}

/* One mailbox being put together: what stands before '@' and what behind it. */
struct mailbox {
	struct buf local, domain;
	bool at;
};

static bool mailbox_done(struct mailbox *m, struct address *out, struct arena *arena)
{
	struct address a;
	struct buf text;
	bool good;

	if (!m->at || m->local.n == 0)
		return false;
	a.local = buf_str(&m->local);
	a.domain = buf_str(&m->domain);
	buf_init(&text, 2 * LIMIT_LOCAL_PART_IN + 4 * LIMIT_DOMAIN);
	good = address_print(&text, &a) && address_parse(out, buf_str(&text), arena);
	buf_finish(&text);
	return good;
}

static void mailbox_clear(struct mailbox *m)
{
	buf_clear(&m->local);
	buf_clear(&m->domain);
	m->at = false;
}

static bool next_address(struct tokens *t, struct mailbox *m, bool *any)
{
	bool angle = false, closed = false;

	*any = false;
	mailbox_clear(m);
	for (;;) {
		char c = next_token(t);

		if (t->bad)
			return false;
		if (c == 0 || c == ',' || (c == ';' && !angle))
			return !angle || closed;
		*any = true;
		if (c == '<') {                         /* what came before was the display name */
			if (angle)
				return false;
			mailbox_clear(m);
			angle = true;
		} else if (c == '>') {
			if (!angle || closed)
				return false;
			closed = true;
		} else if (closed) {
			return false;
		} else if (c == ':') {                  /* a group's name, or a source route */
			mailbox_clear(m);
			*any = angle;
		} else if (c == '@') {
			if (m->at && !angle)
				return false;
			m->at = true;
			buf_clear(&m->domain);
		} else if (c == '.') {
			buf_add_char(m->at ? &m->domain : &m->local, '.');
		} else {
			struct buf *part = m->at ? &m->domain : &m->local;

			/* words side by side are a display name; one of them may look like anything */
			if (part->n && part->p[part->n - 1] != '.' && !angle && !m->at)
				buf_add_char(part, ' ');
			else if (part->n && part->p[part->n - 1] != '.')
				return false;
			buf_add_str(part, buf_str(&t->word));
		}
	}
}

int header_addresses(struct str value, struct address *out, int max, struct arena *arena)
{
	struct tokens t = { .rest = value };
	struct mailbox m = { .at = false };
	int n = 0;
	bool any = true, good = true;

	buf_init(&t.word, LIMIT_HEADER);
	buf_init(&m.local, LIMIT_HEADER);
	buf_init(&m.domain, LIMIT_HEADER);
	while (good && n < max && t.rest.n) {
		good = next_address(&t, &m, &any);
		if (good && any) {
			good = mailbox_done(&m, &out[n], arena);
			n++;
		}
	}
	buf_finish(&t.word);
	buf_finish(&m.local);
	buf_finish(&m.domain);
	return good ? n : -1;
}

bool header_unfold(struct buf *out, struct str value)
{
	value = str_trim(value);
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] != '\r' && value.p[i] != '\n')
			buf_add_char(out, value.p[i]);
	return !out->over;
}
