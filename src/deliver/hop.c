/*
 * hop.c - which way a domain's mail goes on
 *
 * From     the attempt, with the domain of its recipients; options.c, with what the operator wrote.
 * To       mx.c: a fixed host, or the domain's own MX.
 * Owns     nothing: the options live as long as the deliverer.
 */
#include "hop.h"

#include <string.h>

static const struct hop *entry_of(const struct deliver_options *o, struct str domain)
{
	for (size_t i = 0; i < o->next_hop_count; i++)
		if (str_ieq(str_of(o->next_hops[i].domain), domain))
			return &o->next_hops[i].hop;
	return NULL;
}

const struct hop *hop_find(const struct deliver_options *o, struct str domain)
{
	const struct hop *own = entry_of(o, domain);

	if (own)
		return own;
	return o->relay ? o->relay : entry_of(o, STR("*"));
}

const char *hop_text(const struct hop *hop, struct arena *arena)
{
	bool v6 = str_find(str_of(hop->host), ':') >= 0;

	return arena_printf(arena, v6 ? "[%s]:%u" : "%s:%u", hop->host, (unsigned)hop->port);
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_place(const struct hop *a, const struct hop *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool hop_is_same(const struct hop *a, const struct hop *b)
{
	if (!a || !b)
		return a == b;
	return is_same_place(a, b) && a->tls == b->tls && is_same_text(a->username, b->username) &&
		is_same_text(a->password, b->password);
}

const char *hop_lane(const struct deliver_options *o, const struct hop *hop, struct arena *arena)
{
	const char *text = hop_text(hop, arena);
	int other_terms = 0;

	for (size_t i = 0; i <= o->next_hop_count; i++) {
		const struct hop *h = i ? &o->next_hops[i - 1].hop : o->relay;

		if (h && hop_is_same(h, hop))
			break;
		other_terms += h && is_same_place(h, hop);
	}
	return other_terms ? arena_printf(arena, "%s#%d", text, other_terms + 1) : text;
}

bool hop_is_implicit_tls(const struct hop *hop)
{
	return hop->port == HOP_PORT_IMPLICIT_TLS;
}

/* A name that a resolver can be asked for. Underscores are no part of host names, but of container
 * names. */
static bool is_host_name(struct str s)
{
	size_t label = 0;

	if (s.n == 0 || s.n > LIMIT_DOMAIN)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = str_lower(s.p[i]);

		if (c == '.' ? label == 0 : label == 63)
			return false;
		label = c == '.' ? 0 : label + 1;
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
			    c == '.'))
			return false;
	}
	return label > 0;
}

static bool parse_port(uint16_t *port, struct str text)
{
	uint64_t n;

	if (!str_number(text, &n) || n == 0 || n > UINT16_MAX)
		return false;
	*port = (uint16_t)n;
	return true;
}

static const char *lower(struct str s, struct arena *arena)
{
	char *z = arena_text(arena, s);

	for (char *p = z; *p; p++)
		*p = str_lower(*p);
	return z;
}

bool hop_parse(struct hop *out, struct str text, uint16_t default_port, struct arena *arena)
{
	struct endpoint e;
	struct inet_addr a;
	char name[INET_TEXT_MAX];
	ptrdiff_t colon = str_rfind(text, ':');
	struct str host = colon < 0 ? text : str_head(text, (size_t)colon);
	uint16_t port = default_port;

	if (endpoint_parse(&e, text, default_port)) {
		out->host = arena_text(arena, str_of(inet_text(&e.addr, name)));
		out->port = e.port;
		return true;
	}
	if (colon >= 0 && !parse_port(&port, str_skip(text, (size_t)colon + 1)))
		return false;
	/* an address that endpoint_parse did not take has something wrong around it */
	if (port == 0 || inet_parse(&a, host) || !is_host_name(host))
		return false;
	out->host = lower(host, arena);
	out->port = port;
	return true;
}
