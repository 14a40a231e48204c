/*
 * forged.c - does a field that came in speak in our name?
 *
 * From     receive/, for each Authentication-Results field of a message, whose readers will believe
 *          what stands under our name.
 * Never    gives the benefit of the doubt: what is not written as the RFC says and has our name in
 *          it counts as ours, as its reader may be as careless as its writer.
 * See      RFC 8601 sections 2.2, 2.5 and 5.
 */
#include "check_private.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Blanks, folding and comments, nested ones too, off the front. False: a comment without end. */
static bool skip_blanks(struct str *s)
{
	int depth = 0;

	while (s->n > 0) {
		char c = s->p[0];

		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (c == '\\' && depth > 0)
			*s = str_skip(*s, 1);
		else if (depth == 0 && !is_blank(c))
			break;
		*s = str_skip(*s, 1);
	}
	return depth == 0;
}

/* Unquoted into out. False: no quotation mark at its end. */
static bool take_quoted(struct str *s, struct buf *out)
{
	*s = str_skip(*s, 1);
	while (s->n > 0 && s->p[0] != '"') {
		if (s->p[0] == '\\')
			*s = str_skip(*s, 1);
		if (s->n > 0 && s->p[0] != '\r' && s->p[0] != '\n')
			buf_add_char(out, s->p[0]);
		*s = str_skip(*s, 1);
	}
	if (s->n == 0)
		return false;
	*s = str_skip(*s, 1);
	return true;
}

static void take_token(struct str *s, struct buf *out)
{
	while (s->n > 0 && !is_blank(s->p[0]) && s->p[0] && !strchr("()<>@,;:\\\"/[]?=", s->p[0])) {
		buf_add_char(out, s->p[0]);
		*s = str_skip(*s, 1);
	}
}

/* authserv-id [version], up to the first ';' or the end. */
static bool read_id(struct str s, struct buf *id)
{
	if (!skip_blanks(&s))
		return false;
	if (s.n > 0 && s.p[0] == '"') {
		if (!take_quoted(&s, id))
			return false;
	} else {
		take_token(&s, id);
	}
	if (id->n == 0 || !skip_blanks(&s))
		return false;
	while (s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9')
		s = str_skip(s, 1);
	return skip_blanks(&s) && (s.n == 0 || s.p[0] == ';');
}

/* Names are compared without case and final dot; other alphabets as they would be looked up. */
static bool is_name(struct str id, struct str name)
{
	struct arena *arena = arena_create();
	struct str ascii;
	bool same;

	while (id.n > 0 && (id.p[id.n - 1] == '.' || is_blank(id.p[id.n - 1])))
		id.n--;
	while (id.n > 0 && is_blank(id.p[0]))
		id = str_skip(id, 1);
	same = str_ieq(id, name) || (!str_is_ascii(id) &&
		address_parse_domain(&ascii, id, arena) && str_ieq(ascii, name));
	arena_destroy(&arena);
	return same;
}

static bool is_name_byte(char c)
{
	c = str_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static bool mentions(struct str text, struct str name)
{
	for (size_t i = 0; i + name.n <= text.n; i++)
		if (str_ieq(str_make(text.p + i, name.n), name) &&
			(i == 0 || !is_name_byte(text.p[i - 1])) &&
			(i + name.n == text.n || !is_name_byte(text.p[i + name.n]) ||
			text.p[i + name.n] == '.'))
			return true;
	return false;
}

/* A byte beyond ASCII, or a control byte, may be a blank to somebody. */
static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	return true;
}

bool check_is_forged(const struct check *c, struct str field_value)
{
	struct str name = str_of(c->hostname);
	struct buf id;
	bool forged, plain;

	buf_init(&id, LIMIT_HEADER);
	plain = read_id(field_value, &id) && is_printable(buf_str(&id));
	forged = is_name(buf_str(&id), name) || (!plain && mentions(field_value, name));
	buf_finish(&id);
	return forged;
}
