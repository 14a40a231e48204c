/*
 * spf_record.c - "v=spf1 ip4:192.0.2.0/24 -all" and what is wrong with it
 *
 * From     the evaluator, with a TXT record that begins with the version.
 * To       the evaluator, one mechanism after the other: no list is made, so that none can be too
 *          short.
 * Never    looks anything up.
 * See      RFC 7208 sections 4.6.1, 5, 6 and 12.
 */
#include "spf_record.h"
#include "base/must.h"
#include "spf_macro.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum argument { NOTHING, MAY_NAME, MUST_NAME, ADDRESS };

static const struct mechanism {
	struct str name;
	enum argument argument;
	bool lengths;            /* [ "/" ip4 ] [ "//" ip6 ] may follow */
} mechanisms[] = {
	[SPF_ALL] = { { "all", 3 }, NOTHING, false },
	[SPF_INCLUDE] = { { "include", 7 }, MUST_NAME, false },
	[SPF_A] = { { "a", 1 }, MAY_NAME, true },
	[SPF_MX] = { { "mx", 2 }, MAY_NAME, true },
	[SPF_PTR] = { { "ptr", 3 }, MAY_NAME, false },
	[SPF_IP4] = { { "ip4", 3 }, ADDRESS, false },
	[SPF_IP6] = { { "ip6", 3 }, ADDRESS, false },
	[SPF_EXISTS] = { { "exists", 6 }, MUST_NAME, false },
};

/* One word of a record: a modifier, or a directive in `term`. */
struct word {
	bool is_modifier;
	struct str name, value;
	struct spf_term term;
};

/* ---- numbers and addresses ---- */

/* "/24" off the end, if it is there. False: a number that can't be meant. */
static bool cut_length(struct str *s, uint64_t most, int *bits)
{
	ptrdiff_t slash = str_rfind(*s, '/');
	struct str digits = slash < 0 ? STR_NONE : str_skip(*s, (size_t)slash + 1);
	uint64_t v;

	if (!str_number(digits, &v))
		return true;
	if (v > most || (digits.n > 1 && digits.p[0] == '0'))
		return false;
	*bits = (int)v;
	*s = str_head(*s, (size_t)slash);
	return true;
}

/* "/24", "//64" or both. What is left wrong is no name, and is found as that. */
static bool cut_lengths(struct str *s, struct spf_term *t)
{
	ptrdiff_t slash = str_rfind(*s, '/');
	size_t n = s->n;

	if (slash > 0 && s->p[slash - 1] == '/') {
		if (!cut_length(s, 128, &t->bits6))
			return false;
		if (s->n < n)
			s->n--;
	}
	return cut_length(s, 32, &t->bits4);
}

/* Not inet_parse: a mapped address in a record is an IPv6 address, which no client has. */
static bool read_network(struct spf_term *t, struct str s)
{
	bool v6 = t->mechanism == SPF_IP6;
	char text[INET6_ADDRSTRLEN];

	t->network = (struct network){ .addr.v6 = v6, .bits = v6 ? 128 : 32 };
	if (!cut_length(&s, v6 ? 128 : 32, &t->network.bits) || s.n >= sizeof text)
		return false;
	memcpy(text, s.n ? s.p : "", s.n);
	text[s.n] = '\0';
	return inet_pton(v6 ? AF_INET6 : AF_INET, text, t->network.addr.ip) == 1;
}

/* ---- words ---- */

/* Each returns NULL, or what is wrong. */

static const char *read_argument(struct spf_term *t, bool colon, struct str s)
{
	const struct mechanism *m = &mechanisms[t->mechanism];

	if (m->argument == NOTHING)
		return colon || s.n ? "an argument where none belongs" : NULL;
	if (m->argument == ADDRESS)
		return colon && read_network(t, s) ? NULL : "a bad address";
	if (m->lengths && !cut_lengths(&s, t))
		return "a bad prefix length";
	t->domain = s;
	if (colon)
		return spf_macro_is_domain(s) ? NULL : "a bad domain";
	if (s.n)
		return "rubbish behind the mechanism";
	return m->argument == MUST_NAME ? "no domain" : NULL;
}

static const char *read_mechanism(struct spf_term *t, struct str name, struct str rest)
{
	bool colon = rest.n && rest.p[0] == ':';
	size_t i = 0;

	while (i < sizeof mechanisms / sizeof *mechanisms && !str_ieq(mechanisms[i].name, name))
		i++;
	if (i == sizeof mechanisms / sizeof *mechanisms)
		return "an unknown mechanism";
	t->mechanism = (enum spf_mechanism)i;
	t->bits4 = 32;
	t->bits6 = 128;
	return read_argument(t, colon, colon ? str_skip(rest, 1) : rest);
}

static const char *read_modifier(struct word *w)
{
	bool is_ours = str_ieq(w->name, STR("redirect")) || str_ieq(w->name, STR("exp"));

	if (is_ours)
		return spf_macro_is_domain(w->value) ? NULL : "a bad domain";
	return spf_macro_is_text(w->value) ? NULL : "a bad macro";
}

static bool take_qualifier(struct str *rest, enum spf_result *qualifier)
{
	static const enum spf_result means[] = { SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_NEUTRAL };
	ptrdiff_t at = rest->n ? str_find(STR("+-~?"), rest->p[0]) : -1;

	*qualifier = at < 0 ? SPF_PASS : means[at];
	if (at >= 0)
		*rest = str_skip(*rest, 1);
	return at >= 0;
}

static struct str take_name(struct str *rest)
{
	struct str from = *rest;
	size_t n = 0;

	for (; n < from.n; n++) {
		char c = str_lower(from.p[n]);
		bool alpha = c >= 'a' && c <= 'z';

		if (!alpha && (n == 0 || ((c < '0' || c > '9') && str_find(STR("-_."), c) < 0)))
			break;
	}
	*rest = str_skip(from, n);
	return str_head(from, n);
}

static const char *read_word(struct word *w, struct str text)
{
	struct str rest = text;

	*w = (struct word){ .term.text = text };
	bool qualified = take_qualifier(&rest, &w->term.qualifier);
	w->name = take_name(&rest);
	if (w->name.n == 0)
		return "neither mechanism nor modifier";
	w->is_modifier = rest.n && rest.p[0] == '=';
	if (!w->is_modifier)
		return read_mechanism(&w->term, w->name, rest);
	w->value = str_skip(rest, 1);
	return qualified ? "a modifier with a qualifier" : read_modifier(w);
}

/* ---- the record ---- */

static const char *keep(struct str *where, struct str value)
{
	if (where->n)
		return "a modifier that is there twice";
	*where = value;
	return NULL;
}

static const char *take_word(struct spf_record *out, struct str text)
{
	struct word w;
	const char *wrong = read_word(&w, text);

	if (wrong || !w.is_modifier)
		return wrong;
	if (str_ieq(w.name, STR("redirect")))
		return keep(&out->redirect, w.value);
	if (str_ieq(w.name, STR("exp")))
		return keep(&out->exp, w.value);
	return NULL;
}

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	return true;
}

bool spf_record_parse(struct spf_record *out, struct str text, char problem[128])
{
	struct str rest = str_skip(text, STR("v=spf1").n), word;

	*out = (struct spf_record){ .terms = rest };
	if (!is_printable(text)) {
		snprintf(problem, 128, "a character that is not printable ASCII");
		return false;
	}
	while ((word = str_word(&rest)).n) {
		const char *wrong = take_word(out, word);

		if (wrong) {
			snprintf(
				problem, 128, "%s in \"%.*s\"", wrong, STR_FMT(str_head(word, 50)));
			return false;
		}
	}
	return true;
}

bool spf_record_next(struct str *terms, struct spf_term *term)
{
	struct str text;

	while ((text = str_word(terms)).n) {
		struct word w;

		must(read_word(&w, text) == NULL);
		if (!w.is_modifier) {
			*term = w.term;
			return true;
		}
	}
	return false;
}
