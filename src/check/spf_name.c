/*
 * spf_name.c - domain names: which can be asked about, how they are cut, how DNS writes them
 *
 * From     the evaluator, with names out of records, macros and the envelope.
 * Never    looks anything up.
 * See      RFC 7208 sections 4.3 and 7.3.
 */
#include "spf_name.h"
#include "base/buf.h"

static struct str without_dot(struct str name)
{
	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	return name;
}

/* Every label between 1 and 63 bytes, the whole 253 at most. */
static bool has_good_lengths(struct str name, size_t *labels)
{
	bool more = true;

	*labels = 0;
	if (name.n == 0 || name.n > SPF_NAME_MOST)
		return false;
	while (more) {
		more = str_find(name, '.') >= 0;
		struct str label = str_cut(&name, '.');

		if (label.n == 0 || label.n > SPF_LABEL_MOST)
			return false;
		++*labels;
	}
	return true;
}

bool spf_name_is_checkable(struct str name)
{
	size_t labels;

	name = without_dot(name);
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == '[' || name.p[i] == '\\')
			return false;
	return has_good_lengths(name, &labels) && labels > 1;
}

struct str spf_name_fit(struct str name)
{
	name = without_dot(name);
	while (name.n > SPF_NAME_MOST)
		str_cut(&name, '.');
	return name;
}

bool spf_name_is_within(struct str name, struct str domain)
{
	name = without_dot(name);
	domain = without_dot(domain);
	return str_iends(name, domain)
		&& (name.n == domain.n || name.p[name.n - domain.n - 1] == '.');
}

bool spf_name_to_dns(struct str name, struct arena *a, struct str *out)
{
	struct buf text;
	size_t labels;

	name = without_dot(name);
	if (!has_good_lengths(name, &labels))
		return false;
	buf_init(&text, 4 * SPF_NAME_MOST);    /* all of it escaped */
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c <= ' ' || c > '~' || c == '\\')
			buf_addf(&text, "\\%03u", c);
		else
			buf_add_char(&text, str_lower((char)c));
	}
	*out = arena_str(a, buf_str(&text));
	buf_finish(&text);
	return true;
}
