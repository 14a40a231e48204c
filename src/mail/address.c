/*
 * address.c - mail addresses, read strictly and written so that they read back the same
 *
 * Never    takes an address apart at anything but its last unquoted '@': "a@b"@c is local a@b at c,
 *          and a%b@c is local a%b at c.
 * See      RFC 5321 sections 4.1.2 and 4.5.3.1, RFC 6531 section 3.3.
 */
#include "mail/address.h"
#include "base/inet.h"
#include "base/limits.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

bool address_is_null(const struct address *a)
{
	return a->local.n == 0 && a->domain.n == 0;
}

bool address_is_utf8(const struct address *a)
{
	return !str_is_ascii(a->local);
}

bool address_is_literal(const struct address *a)
{
	return a->domain.n > 0 && a->domain.p[0] == '[';
}

bool address_same(const struct address *a, const struct address *b)
{
	return str_eq(a->local, b->local) && str_ieq(a->domain, b->domain);
}

bool address_isame(const struct address *a, const struct address *b)
{
	return str_ieq(a->local, b->local) && str_ieq(a->domain, b->domain);
}

/* RFC 5322 atext, with UTF-8 (RFC 6532) */
static bool is_atext(unsigned char c)
{
	return c > 127 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
		|| (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_dot_string(struct str s)
{
	if (s.n == 0 || s.p[0] == '.' || s.p[s.n - 1] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '.' ? s.p[i + 1] == '.' : !is_atext((unsigned char)s.p[i]))
			return false;
	return true;
}

/* The length of the local part at the front of s as written, 0 if there is none; *out gets it unquoted. */
static size_t read_local(struct str s, struct buf *out)
{
	size_t i = 0;

	if (s.n == 0 || s.p[0] != '"') {
		while (i < s.n && s.p[i] != '@')
			i++;
		return is_dot_string(str_head(s, i)) && buf_add(out, s.p, i) ? i : 0;
	}
	for (i = 1; i < s.n && s.p[i] != '"'; i++) {
		if (s.p[i] == '\\' && ++i == s.n)
			return 0;
		unsigned char c = (unsigned char)s.p[i];

		if (c < ' ' || c == 127 || !buf_add_char(out, (char)c))
			return 0;
	}
	return i < s.n && out->n > 0 ? i + 1 : 0;
}

/* Letters, digits, hyphens and (seen in real MX records) underscores; labels of 1 to 63. */
static bool is_host_name(struct str s)
{
	size_t label = 0;

	for (size_t i = 0; i <= s.n; i++) {
		char c = i < s.n ? s.p[i] : '.';

		if (c == '.') {
			if (label == 0 || label > 63 || s.p[i - 1] == '-')
				return false;
			label = 0;
		} else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || (c == '-' && label > 0)) {
			label++;
		} else {
			return false;
		}
	}
	return s.n <= LIMIT_DOMAIN - 2;
}

static bool to_a_labels(struct buf *out, struct str text)
{
	uint8_t *ascii = NULL;
	struct buf in;
	bool done = false;

	if (str_is_ascii(text))
		return buf_add_str(out, text);
	buf_init(&in, 4 * LIMIT_DOMAIN);
	if (str_is_utf8(text) && !memchr(text.p, 0, text.n) && buf_add_str(&in, text)
		&& idn2_to_ascii_8z(buf_text(&in), (char **)&ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) == IDN2_OK)
		done = buf_add_str(out, str_of((char *)ascii));
	idn2_free(ascii);
	buf_finish(&in);
	return done;
}

bool address_parse_domain(struct str *out, struct str text, struct arena *arena)
{
	struct buf name;
	bool done = false;

	buf_init(&name, LIMIT_DOMAIN);
	if (text.n > 0 && text.n < 4 * LIMIT_DOMAIN && to_a_labels(&name, text)) {
		for (size_t i = 0; i < name.n; i++)
			name.p[i] = str_lower(name.p[i]);
		if (is_host_name(buf_str(&name))) {
			*out = arena_str(arena, buf_str(&name));
			done = true;
		}
	}
	buf_finish(&name);
	return done;
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]"; written back in one form. */
static bool parse_literal(struct str *out, struct str text, struct arena *arena)
{
	struct inet_addr addr;
	char ip[INET_TEXT_MAX];

	if (text.n < 3 || text.p[text.n - 1] != ']')
		return false;
	struct str inner = str_head(str_skip(text, 1), text.n - 2);
	bool v6 = str_istarts(inner, STR("IPv6:"));

	if (!inet_parse(&addr, v6 ? str_skip(inner, 5) : inner) || (addr.v6 && !v6))
		return false;
	*out = str_of(arena_printf(arena, addr.v6 ? "[IPv6:%s]" : "[%s]", inet_text(&addr, ip)));
	return true;
}

/* U+0080 to U+009F in UTF-8: no letters, and terminals obey them. */
static bool has_c1(struct str s)
{
	for (size_t i = 1; i < s.n; i++)
		if ((unsigned char)s.p[i - 1] == 0xc2 && (unsigned char)s.p[i] < 0xa0)
			return true;
	return false;
}

bool address_parse(struct address *out, struct str text, struct arena *arena)
{
	struct address a;
	struct buf local;
	bool done = false;

	buf_init(&local, LIMIT_LOCAL_PART_IN);
	size_t n = read_local(text, &local);
	if (n > 0 && n < text.n && text.p[n] == '@' && str_is_utf8(buf_str(&local))
		&& !has_c1(buf_str(&local))) {
		struct str domain = str_skip(text, n + 1);

		done = domain.n > 0 && domain.p[0] == '[' ? parse_literal(&a.domain, domain, arena)
			: address_parse_domain(&a.domain, domain, arena);
		if (done) {
			a.local = arena_str(arena, buf_str(&local));
			*out = a;
		}
	}
	buf_finish(&local);
	return done;
}

/* The index of the '>' that ends the path: not one inside quotes. */
static ptrdiff_t path_end(struct str s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == '>' && !quoted)
			return (ptrdiff_t)i;
	}
	return -1;
}

bool address_parse_path(struct address *out, struct str *rest, struct arena *arena)
{
	ptrdiff_t end = path_end(*rest);

	if (end < 1 || rest->p[0] != '<')
		return false;
	struct str inner = str_skip(str_head(*rest, (size_t)end), 1);

	if (inner.n == 0) {
		*out = (struct address){ STR(""), STR("") };
	} else if (str_ieq(inner, STR("postmaster"))) {
		*out = (struct address){ arena_str(arena, inner), STR("") };
	} else {
		if (inner.p[0] == '@') {                /* a source route is read over */
			ptrdiff_t colon = str_find(inner, ':');

			if (colon < 0)
				return false;
			inner = str_skip(inner, (size_t)colon + 1);
		}
		if (!address_parse(out, inner, arena))
			return false;
	}
	*rest = str_skip(*rest, (size_t)end + 1);
	return true;
}

bool address_print(struct buf *out, const struct address *a)
{
	if (is_dot_string(a->local) || a->local.n == 0) {
		buf_add_str(out, a->local);
	} else {
		buf_add_char(out, '"');
		for (size_t i = 0; i < a->local.n; i++) {
			if (a->local.p[i] == '"' || a->local.p[i] == '\\')
				buf_add_char(out, '\\');
			buf_add_char(out, a->local.p[i]);
		}
		buf_add_char(out, '"');
	}
	if (a->domain.n)
		buf_addf(out, "@%.*s", STR_FMT(a->domain));
	return !out->over;
}

const char *address_text(const struct address *a, struct arena *arena)
{
	struct buf text;

	buf_init(&text, 2 * LIMIT_LOCAL_PART_IN + LIMIT_DOMAIN + 8);
	address_print(&text, a);
	const char *out = arena_text(arena, buf_str(&text));
	buf_finish(&text);
	return out;
}

struct address address_copy(const struct address *a, struct arena *arena)
{
	return (struct address){ arena_str(arena, a->local), arena_str(arena, a->domain) };
}

struct str address_key(const struct address *a, struct arena *arena)
{
	char *key = arena_printf(arena, "%.*s@%.*s", STR_FMT(a->local), STR_FMT(a->domain));

	for (char *p = key; *p; p++)
		*p = str_lower(*p);
	return str_of(key);
}
