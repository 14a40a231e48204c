/*
 * taglist.c - tag lists as signatures, keys and policies have them
 *
 * From     check/, for what comes in fields and TXT records.
 * Never    guesses: a list that is wrong anywhere is wrong as a whole, so that no two readers see two
 *          things in it.
 * See      RFC 6376 sections 3.2 and 2.8 (folding).
 */
#include "mail/taglist.h"
#include "base/encode.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Only what a tag value may hold, and line ends only as folding. */
static bool is_clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\r') {
			if (s.n - i < 3 || s.p[i + 1] != '\n' ||
				(s.p[i + 2] != ' ' && s.p[i + 2] != '\t'))
				return false;
			i += 2;
		} else if ((c < ' ' && c != '\t') || c == 127) {
			return false;
		}
	}
	return str_is_utf8(s);
}

static bool is_letter(char c)
{
	c = str_lower(c);
	return c >= 'a' && c <= 'z';
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_letter(s.p[i]) &&
			(i == 0 || (s.p[i] != '_' && (s.p[i] < '0' || s.p[i] > '9'))))
			return false;
	return s.n > 0;
}

static bool add_tag(struct taglist *out, struct str spec)
{
	ptrdiff_t equals = str_find(spec, '=');
	struct str name = str_trim(str_head(spec, equals < 0 ? 0 : (size_t)equals));

	if (!is_name(name) || out->n == LIMIT_TAGS || taglist_find(out, name))
		return false;
	struct str raw = str_skip(spec, (size_t)equals + 1);

	out->v[out->n++] = (struct taglist_tag){ name, str_trim(raw), raw };
	return true;
}

bool taglist_parse(struct taglist *out, struct str text)
{
	out->n = 0;
	if (!is_clean(text))
		return false;
	for (;;) {
		ptrdiff_t end = str_find(text, ';');
		struct str spec = end < 0 ? text : str_head(text, (size_t)end);

		if (str_trim(spec).n == 0)
			return end < 0 && out->n > 0;           /* what follows the last ';' */
		if (!add_tag(out, spec))
			return false;
		if (end < 0)
			return true;
		text = str_skip(text, (size_t)end + 1);
	}
}

const struct taglist_tag *taglist_find(const struct taglist *list, struct str name)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i].name, name))
			return &list->v[i];
	return NULL;
}

bool taglist_item(struct str *rest, struct str *item)
{
	if (rest->n == 0)
		return false;
	*item = str_trim(str_cut(rest, ':'));
	return true;
}

bool taglist_has_item(struct str value, struct str item)
{
	struct str one;

	while (taglist_item(&value, &one))
		if (str_ieq(one, item))
			return true;
	return false;
}

bool taglist_base64(struct buf *out, struct str value)
{
	struct buf text;
	bool ok;

	buf_init(&text, value.n);
	for (size_t i = 0; i < value.n; i++)
		if (!is_blank(value.p[i]))
			buf_add_char(&text, value.p[i]);
	ok = base64_decode(out, buf_str(&text));
	buf_finish(&text);
	return ok;
}
