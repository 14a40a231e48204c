/*
 * dmarc_record.c - what a domain asks of those who get mail in its name
 *
 * From     dmarc_walk.c, with a TXT record as it came.
 * Never    guesses: `p=r` is no reject, and a record without its version in front is no record.
 * See      RFC 9989 sections 4.7, 4.8 and 4.10.1; RFC 6376 section 3.2 for tags given twice.
 */
#include "dmarc_record.h"

#include "base/limits.h"

/* Raw values of the tags that we know; empty: not given. */
struct tags {
	struct str p, sp, np, psd, adkim, aspf, rua, t, pct;
};

static struct str *tag_of(struct tags *tags, struct str name)
{
	const struct {
		const char *name;
		struct str *at;
	} known[] = {
		{ "p", &tags->p }, { "sp", &tags->sp }, { "np", &tags->np }, { "psd", &tags->psd },
		{ "adkim", &tags->adkim }, { "aspf", &tags->aspf }, { "rua", &tags->rua },
		{ "t", &tags->t }, { "pct", &tags->pct },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (str_ieq(name, str_of(known[i].name)))
			return known[i].at;
	return NULL;
}

/* Takes "name = value" off the front; false: no '=' in it. A value that has a byte which is not
 * printable is none. */
static bool next_tag(struct str *rest, struct str *name, struct str *value)
{
	struct str tag = str_cut(rest, ';');
	ptrdiff_t equals = str_find(tag, '=');

	if (equals < 0)
		return false;
	*name = str_trim(str_head(tag, (size_t)equals));
	*value = str_trim(str_skip(tag, (size_t)equals + 1));
	for (size_t i = 0; i < value->n; i++)
		if (value->p[i] < ' ' || value->p[i] > '~')
			value->n = 0;
	return true;
}

bool dmarc_record_is(struct str text)
{
	struct str name, value;

	/* blanks may stand around the '=' and before the ';', not in front */
	return text.n > 0 && text.n <= LIMIT_DMARC_RECORD && str_lower(text.p[0]) == 'v' &&
		next_tag(&text, &name, &value) && name.n == 1 && str_eq(value, STR("DMARC1"));
}

static bool read_tags(struct tags *tags, struct str text)
{
	struct str name, value;

	str_cut(&text, ';');
	while (text.n > 0) {
		struct str *tag;

		if (!next_tag(&text, &name, &value))
			continue;
		tag = tag_of(tags, name);
		if (!tag)
			continue;
		if (tag->p)
			return false;
		/* given, but with nothing in it, is not the same as not given */
		*tag = value.p ? value : STR("");
	}
	return true;
}

static bool read_policy(enum dmarc_policy *out, struct str value)
{
	if (str_ieq(value, STR("none")))
		*out = DMARC_POLICY_NONE;
	else if (str_ieq(value, STR("quarantine")))
		*out = DMARC_POLICY_QUARANTINE;
	else if (str_ieq(value, STR("reject")))
		*out = DMARC_POLICY_REJECT;
	else
		return false;
	return true;
}

/* Something that a report could be sent to: a scheme and what it leads to. */
static bool is_uri(struct str s)
{
	ptrdiff_t colon = str_find(s, ':'), at;
	struct str rest;

	if (colon < 1)
		return false;
	for (ptrdiff_t i = 0; i < colon; i++) {
		char c = str_lower(s.p[i]);

		if (!((c >= 'a' && c <= 'z') || (i && ((c >= '0' && c <= '9') || c == '+' ||
			c == '-' || c == '.'))))
			return false;
	}
	rest = str_skip(s, (size_t)colon + 1);
	if (rest.n == 0 || str_find(rest, ' ') >= 0)
		return false;
	at = str_rfind(rest, '@');
	return !str_istarts(s, STR("mailto:")) || (at > 0 && (size_t)at + 1 < rest.n);
}

static bool has_uri(struct str list)
{
	while (list.n > 0)
		if (is_uri(str_trim(str_cut(&list, ','))))
			return true;
	return false;
}

/* RFC 9989 section 4.10.1: who got a policy wrong but wants reports counts as p=none; who wants
 * none, takes no part. Without any p it is none as well (section 4.7). */
static void read_policies(struct dmarc_record *out, const struct tags *tags)
{
	bool good = !tags->p.p || read_policy(&out->p, tags->p);

	out->sp = out->p;
	good &= !tags->sp.p || read_policy(&out->sp, tags->sp);
	out->np = out->sp;
	good &= !tags->np.p || read_policy(&out->np, tags->np);
	out->applies = good || has_uri(tags->rua);
	if (!good)
		out->p = out->sp = out->np = DMARC_POLICY_NONE;
}

bool dmarc_record_parse(struct dmarc_record *out, struct str text)
{
	struct tags tags = { 0 };
	struct dmarc_record r = { .p = DMARC_POLICY_NONE };

	if (!dmarc_record_is(text) || !read_tags(&tags, text))
		return false;
	read_policies(&r, &tags);
	r.dkim_strict = str_ieq(tags.adkim, STR("s"));
	r.spf_strict = str_ieq(tags.aspf, STR("s"));
	r.testing = tags.t.p ? str_ieq(tags.t, STR("y")) : str_eq(tags.pct, STR("0"));
	r.psd = str_ieq(tags.psd, STR("y")) ? DMARC_PSD_YES
		: str_ieq(tags.psd, STR("n")) ? DMARC_PSD_NO : DMARC_PSD_UNKNOWN;
	*out = r;
	return true;
}
