/*
 * spf_macro.c - %{d}, %{ir} and the like
 *
 * From     spf_record.c, which asks whether a term is well-formed; the evaluator, for what it says.
 * To       a buf with a maximum: no value is copied anywhere else.
 * Never    keeps the parts of a value: they are walked from the one end or the other.
 * See      RFC 7208 sections 7 and 12.
 */
#include "spf_macro.h"
#include "base/must.h"

/* What stands after a "%". */
struct macro {
	char letter;             /* lower case; '%', '_' and '-' are themselves */
	bool escape;             /* it was upper case: URL-escaped */
	bool reverse;
	unsigned keep;           /* parts; 0: all */
	struct str delimiters;
};

enum { KEEP_MOST = 1000 };       /* no value has as many parts */

/* ---- is it one? ---- */

static bool is_alpha(char c)
{
	return str_lower(c) >= 'a' && str_lower(c) <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_in(char c, struct str set)
{
	return str_find(set, c) >= 0;
}

/* Digits off the front; false if they say zero. */
static bool take_keep(struct str *rest, unsigned *keep)
{
	struct str from = *rest;

	*keep = 0;
	while (rest->n && is_digit(rest->p[0])) {
		*keep = *keep * 10 + (unsigned)(rest->p[0] - '0');
		if (*keep > KEEP_MOST)
			*keep = KEEP_MOST;
		*rest = str_skip(*rest, 1);
	}
	return rest->n == from.n || *keep > 0;
}

static bool take_braces(struct str *rest, struct macro *m)
{
	if (rest->n == 0 || !is_alpha(rest->p[0]))
		return false;
	m->letter = str_lower(rest->p[0]);
	m->escape = m->letter != rest->p[0];
	*rest = str_skip(*rest, 1);
	if (!take_keep(rest, &m->keep))
		return false;
	m->reverse = rest->n && str_lower(rest->p[0]) == 'r';
	if (m->reverse)
		*rest = str_skip(*rest, 1);
	m->delimiters = str_head(*rest, 0);
	while (rest->n && is_in(rest->p[0], STR(".-+,/_="))) {
		m->delimiters.n++;
		*rest = str_skip(*rest, 1);
	}
	if (rest->n == 0 || rest->p[0] != '}')
		return false;
	*rest = str_skip(*rest, 1);
	if (m->delimiters.n == 0)
		m->delimiters = STR(".");
	return true;
}

/* A macro off the front, which is a "%". */
static bool take_macro(struct str *rest, struct macro *m)
{
	*m = (struct macro){ 0 };
	*rest = str_skip(*rest, 1);
	if (rest->n == 0)
		return false;
	m->letter = rest->p[0];
	*rest = str_skip(*rest, 1);
	return m->letter == '{' ? take_braces(rest, m) : is_in(m->letter, STR("%_-"));
}

/* Is all of s macros with these letters, and literals from `lowest` to "~"? Says whether a macro
 * ended it. */
static bool is_macro_string(struct str s, char lowest, struct str letters, bool *ends_in_macro)
{
	*ends_in_macro = false;
	while (s.n) {
		struct macro m;

		*ends_in_macro = s.p[0] == '%';
		if (*ends_in_macro) {
			if (!take_macro(&s, &m) || !is_in(m.letter, letters))
				return false;
			continue;
		}
		if (s.p[0] < lowest || s.p[0] > '~')
			return false;
		s = str_skip(s, 1);
	}
	return true;
}

#define LETTERS "slodiphv%_-"

bool spf_macro_is_text(struct str s)
{
	bool ends_in_macro;

	return is_macro_string(s, '!', STR(LETTERS), &ends_in_macro);
}

bool spf_macro_is_explanation(struct str s)
{
	bool ends_in_macro;

	return is_macro_string(s, ' ', STR(LETTERS "crt"), &ends_in_macro);
}

/* "." toplabel [ "." ] at the end: letters, digits and hyphens, not digits alone, no hyphen at
 * either side. */
static bool ends_in_toplabel(struct str s)
{
	bool not_a_number = false;

	if (s.n && s.p[s.n - 1] == '.')
		s.n--;
	ptrdiff_t dot = str_rfind(s, '.');
	struct str label = str_skip(s, (size_t)(dot + 1));

	if (dot < 0 || label.n == 0 || label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++) {
		if (!is_alpha(label.p[i]) && !is_digit(label.p[i]) && label.p[i] != '-')
			return false;
		not_a_number |= !is_digit(label.p[i]);
	}
	return not_a_number;
}

bool spf_macro_is_domain(struct str s)
{
	bool ends_in_macro;

	if (!is_macro_string(s, '!', STR(LETTERS), &ends_in_macro))
		return false;
	return ends_in_macro || ends_in_toplabel(s);
}

/* ---- what does it say? ---- */

/* Unreserved characters stand for themselves (RFC 3986 section 2.3). */
static void add_byte(struct buf *out, char c, bool escape)
{
	if (!escape || is_alpha(c) || is_digit(c) || is_in(c, STR("-._~")))
		buf_add_char(out, c);
	else
		buf_addf(out, "%%%02X", (unsigned char)c);
}

/* The last parts of the value, in its own order, dots between them. */
static void add_forward(struct buf *out, const struct macro *m, struct str value)
{
	size_t from = value.n;

	for (unsigned parts = 0; from > 0; from--)
		if (is_in(value.p[from - 1], m->delimiters) && ++parts == m->keep)
			break;
	for (size_t i = from; i < value.n; i++)
		add_byte(out, is_in(value.p[i], m->delimiters) ? '.' : value.p[i], m->escape);
}

/* Reversed first, then the last parts: so the value's first parts, backwards. */
static void add_reversed(struct buf *out, const struct macro *m, struct str value)
{
	size_t end = 0;

	for (unsigned parts = 0; end < value.n; end++)
		if (is_in(value.p[end], m->delimiters) && ++parts == m->keep)
			break;
	for (;;) {
		size_t from = end;

		while (from > 0 && !is_in(value.p[from - 1], m->delimiters))
			from--;
		for (size_t i = from; i < end; i++)
			add_byte(out, value.p[i], m->escape);
		if (from == 0)
			return;
		add_byte(out, '.', m->escape);
		end = from - 1;
	}
}

static struct str client_name(struct spf_run *run, struct str domain)
{
	struct str name = spf_run_client_name(run, domain);

	return name.n ? name : STR("unknown");
}

static struct str value_of(struct spf_run *run, char letter, struct str domain)
{
	const struct spf_identity *who = run->who;

	switch (letter) {
	case 's':
		return who->sender;
	case 'l':
		return who->local;
	case 'o':
		return who->domain;
	case 'd':
		return domain;
	case 'i':
		return str_of(who->dotted);
	case 'p':
		return client_name(run, domain);
	case 'h':
		return who->helo;
	case 'v':
		return who->client.v6 ? STR("ip6") : STR("in-addr");
	case 'c':
		return str_of(who->plain);
	case 'r':
		return who->receiver;
	case 't':
		return str_of(who->time);
	default:
		must(!"a macro letter that was let through");
		return STR_NONE;
	}
}

static void expand(struct spf_run *run, const struct macro *m, struct str domain, struct buf *out)
{
	if (m->letter == '%')
		buf_add_char(out, '%');
	else if (m->letter == '_')
		buf_add_char(out, ' ');
	else if (m->letter == '-')
		buf_add_str(out, STR("%20"));
	else if (m->reverse)
		add_reversed(out, m, value_of(run, m->letter, domain));
	else
		add_forward(out, m, value_of(run, m->letter, domain));
}

bool spf_macro_expand(struct spf_run *run, struct str macro, struct str domain, struct buf *out)
{
	while (macro.n && !run->missing && !out->over) {
		struct macro m;

		if (macro.p[0] == '%') {
			must(take_macro(&macro, &m));
			expand(run, &m, domain, out);
		} else {
			buf_add_char(out, macro.p[0]);
			macro = str_skip(macro, 1);
		}
	}
	return !run->missing && !out->over;
}
