/*
 * lists_site.c - zone=filter*weight: which list is asked, which answers count, how much
 *
 * From     screen_options.c, when the config is read.
 * To       lists.c, which asks.
 * Never    shows the key that a zone's name may hold: not in a problem, not in a reason.
 * See      RFC 5782; POSTSCREEN_README and postconf(5), postscreen_dnsbl_sites.
 */
#include "lists_site.h"

#include "base/limits.h"
#include "mail/address.h"

#include <stdio.h>
#include <string.h>

enum {
	KEY_LABEL = 16,          /* letters and digits from which on a label is taken for a key */
	KEY_LETTERS = 24         /* the same without a digit */
};

/* ---- filters ---- */

static bool parse_octet(unsigned char *out, struct str text)
{
	uint64_t n;

	if (!str_number(text, &n) || n > 255)
		return false;
	*out = (unsigned char)n;
	return true;
}

/* "7" or "2..11" */
static bool parse_range(struct lists_range *out, struct str text)
{
	ptrdiff_t dot = str_find(text, '.');

	if (dot < 0)
		return parse_octet(&out->low, text) && (out->high = out->low, true);
	return str_starts(str_skip(text, (size_t)dot), STR("..")) &&
		parse_octet(&out->low, str_head(text, (size_t)dot)) &&
		parse_octet(&out->high, str_skip(text, (size_t)dot + 2)) && out->low <= out->high;
}

/* Takes one octet of a filter off the front: a number, or "[1;3;10..11]". */
static bool take_octet(struct lists_filter *f, size_t i, struct str *rest)
{
	struct str octet;
	ptrdiff_t close;

	if (!str_starts(*rest, STR("["))) {
		octet = str_cut(rest, '.');
		f->n[i] = 1;
		return parse_octet(&f->v[i][0].low, octet) &&
			(f->v[i][0].high = f->v[i][0].low, true);
	}
	close = str_find(*rest, ']');
	if (close < 0)
		return false;
	octet = str_head(str_skip(*rest, 1), (size_t)close - 1);
	*rest = str_skip(*rest, (size_t)close + 1);
	if (octet.n == 0 || octet.p[octet.n - 1] == ';' || (i < 3 && !str_starts(*rest, STR("."))))
		return false;
	*rest = str_skip(*rest, i < 3);
	while (octet.n > 0)
		if (f->n[i] == LISTS_RANGES ||
			!parse_range(&f->v[i][f->n[i]++], str_cut(&octet, ';')))
			return false;
	return true;
}

bool lists_filter_parse(struct lists_filter *out, struct str text, struct why *why)
{
	struct lists_filter f = { .n = { 0 } };
	struct str rest = text;

	for (size_t i = 0; i < 4; i++)
		if (!take_octet(&f, i, &rest))
			return why_set(why, "the filter \"%.*s\" is not understood; expected four "
				"numbers such as 127.0.0.2, or 127.0.0.[2;4..11] for several",
				STR_FMT(str_head(text, 80)));
	if (rest.n > 0 || text.p[text.n - 1] == '.')
		return why_set(why, "the filter \"%.*s\" has more than four numbers",
			STR_FMT(str_head(text, 80)));
	if (f.n[0] != 1 || f.v[0][0].low != 127 || f.v[0][0].high != 127)
		return why_set(why, "the filter \"%.*s\" lets in what is not below 127.0.0.0/8; no "
			"list answers that (RFC 5782), only a domain that has changed hands",
			STR_FMT(str_head(text, 80)));
	*out = f;
	return true;
}

bool lists_filter_has(const struct lists_filter *f, const unsigned char ip[4])
{
	for (size_t i = 0; i < 4; i++) {
		bool found = false;

		for (size_t k = 0; k < f->n[i]; k++)
			found = found || (f->v[i][k].low <= ip[i] && ip[i] <= f->v[i][k].high);
		if (!found)
			return false;
	}
	return true;
}

static const struct lists_filter any = {
	.v = { { { 127, 127 } }, { { 0, 255 } }, { { 0, 255 } }, { { 0, 255 } } },
	.n = { 1, 1, 1, 1 },
};

/* ---- entries ---- */

static bool parse_weight(int *out, struct str text, struct why *why)
{
	bool minus = str_starts(text, STR("-"));
	uint64_t n;

	if (!str_number(str_skip(text, minus || str_starts(text, STR("+"))), &n) || n == 0 ||
		n > LIMIT_LISTS_WEIGHT)
		return why_set(why, "the weight \"%.*s\" is not understood; expected a number "
			"from 1 to %d, or from -1 to -%d for a white list",
			STR_FMT(str_head(text, 20)), LIMIT_LISTS_WEIGHT, LIMIT_LISTS_WEIGHT);
	*out = minus ? -(int)n : (int)n;
	return true;
}

bool lists_site_parse(
	struct lists_site *out, struct str text, struct arena *arena, struct why *why)
{
	struct lists_site site = { .filter = any, .weight = 1 };
	ptrdiff_t star = str_rfind(text, '*');
	struct str rest = star < 0 ? text : str_head(text, (size_t)star), zone;
	bool filtered = str_find(rest, '=') >= 0;

	if (star >= 0 && !parse_weight(&site.weight, str_skip(text, (size_t)star + 1), why))
		return false;
	zone = str_cut(&rest, '=');
	if (filtered && rest.n == 0)
		return why_set(why, "behind = there is no filter; expected one such as 127.0.0.2");
	if (filtered && !lists_filter_parse(&site.filter, rest, why))
		return false;
	if (!address_parse_domain(&zone, zone, arena) || str_find(zone, '.') < 0)
		return why_set(why, "what stands first is not a list's domain; expected an entry "
			"such as zen.spamhaus.org=127.0.0.[2..11]*3");
	if (zone.n > LIMIT_LISTS_ZONE)
		return why_set(why, "a list's domain has at most %d letters", LIMIT_LISTS_ZONE);
	site.zone = zone.p;
	site.shown = lists_public_name(zone, arena);
	*out = site;
	return true;
}

/* ---- names ---- */

static bool is_key(struct str label)
{
	size_t digits = 0;

	for (size_t i = 0; i < label.n; i++) {
		if (label.p[i] == '-')
			return false;
		digits += label.p[i] >= '0' && label.p[i] <= '9';
	}
	return label.n >= (digits ? KEY_LABEL : KEY_LETTERS);
}

const char *lists_public_name(struct str zone, struct arena *arena)
{
	static const char spamhaus[] = ".dq.spamhaus.net";
	struct str rest = zone;

	if (str_iends(zone, STR(".dq.spamhaus.net"))) {
		rest = str_head(zone, zone.n - (sizeof spamhaus - 1));
		rest = str_skip(rest, (size_t)(str_rfind(rest, '.') + 1));
		return arena_printf(arena, "%.*s.spamhaus.org", STR_FMT(rest));
	}
	for (;;) {
		struct str next = rest, label = str_cut(&next, '.');

		/* what is left must be a domain */
		if (!is_key(label) || str_find(next, '.') < 0)
			return arena_text(arena, rest);
		rest = next;
	}
}

void lists_query(char out[LISTS_QUERY], const struct inet_addr *client, const char *zone)
{
	const unsigned char *ip = client->ip;
	size_t n = 0;

	if (!client->v6) {
		snprintf(out, LISTS_QUERY, "%u.%u.%u.%u.%s", ip[3], ip[2], ip[1], ip[0], zone);
		return;
	}
	for (size_t i = 16; i-- > 0; n += 4)
		snprintf(out + n, LISTS_QUERY - n, "%x.%x.", ip[i] & 15u, ip[i] >> 4);
	snprintf(out + n, LISTS_QUERY - n, "%s", zone);
}

/* ---- reasons ---- */

static bool has_text(struct str in, struct str part)
{
	for (size_t i = 0; part.n > 0 && i + part.n <= in.n; i++)
		if (str_ieq(str_make(in.p + i, part.n), part))
			return true;
	return false;
}

/* Does the text hold a part of the zone's name that its public name hasn't? */
static bool tells_secret(struct str text, const struct lists_site *site)
{
	struct str rest = str_of(site->zone);

	if (str_ieq(rest, str_of(site->shown)))
		return false;
	while (rest.n > 0) {
		struct str label = str_cut(&rest, '.');

		/* "dq" and "net" are nobody's secret */
		if (label.n >= 6 && !has_text(str_of(site->shown), label) &&
			!str_ieq(label, STR("spamhaus")) && has_text(text, label))
			return true;
	}
	return false;
}

void lists_reason(char out[LIMIT_LISTS_REASON_TEXT + 1], struct str text,
	const struct lists_site *site)
{
	size_t n = 0;

	out[0] = '\0';
	text = str_trim(text);
	if (tells_secret(text, site))
		return;
	for (size_t i = 0; i < text.n && n < LIMIT_LISTS_REASON_TEXT; i++) {
		char c = text.p[i];

		/* blanks of all kinds once; what is no ASCII can't stand in a reply */
		if (c > ' ' && c < 127)
			out[n++] = c;
		else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			if (n > 0 && out[n - 1] != ' ')
				out[n++] = ' ';
		} else {
			out[n++] = '?';
		}
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

/* ---- the config ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == ',' || c == '\n' || c == '\r';
}

/* The next entry of "a=1*2, b c", as main.cf has them. */
static struct str take_entry(struct str *rest)
{
	size_t n = 0;

	while (rest->n > 0 && is_blank(rest->p[0]))
		*rest = str_skip(*rest, 1);
	while (n < rest->n && !is_blank(rest->p[n]))
		n++;
	struct str entry = str_head(*rest, n);

	*rest = str_skip(*rest, n);
	return entry;
}

static struct lists_site *add_site(struct config *c, const struct config_node *node,
	struct lists_sites *sites, struct str text)
{
	struct lists_site *site = &sites->v[sites->n];
	struct why why = { 0 };

	if (sites->n == LIMIT_LISTS_SITES) {
		config_error(c, node, "postscreen.dnsbl.sites: at most %d entries are possible",
			LIMIT_LISTS_SITES);
		return NULL;
	}
	if (!lists_site_parse(site, text, config_arena(c), &why)) {
		config_error(c, node, "postscreen.dnsbl.sites: %s", why.text);
		return NULL;
	}
	if (strcmp(site->zone, site->shown) != 0)
		config_secret(c, node);
	sites->n++;
	return site;
}

static void read_texts(struct config *c, const struct config_node *node, struct lists_sites *sites)
{
	struct str rest = config_text(node), entry;

	if (take_entry(&(struct str){ rest.p, rest.n }).n == 0) {
		config_error(c, node, "postscreen.dnsbl.sites: expected an entry such as "
			"zen.spamhaus.org=127.0.0.[2..11]*3; for no lists at all write []");
		return;
	}
	while ((entry = take_entry(&rest)).n > 0)
		if (!add_site(c, node, sites, entry))
			return;
}

/* {site: zone=filter*weight, show: name} */
static void read_shown(struct config *c, const struct config_node *node, struct lists_sites *sites)
{
	const struct config_node *text = config_get(node, "site"), *show = config_get(node, "show");
	struct lists_site *site;
	struct str name;

	if (config_kind(text) != CONFIG_SCALAR || config_kind(show) != CONFIG_SCALAR ||
		!address_parse_domain(&name, config_text(show), config_arena(c))) {
		config_error(c, node, "postscreen.dnsbl.sites: expected {site: "
			"zone=filter*weight, show: the list's public name}");
		return;
	}
	site = add_site(c, text, sites, str_trim(config_text(text)));
	if (!site)
		return;
	site->shown = name.p;
	if (strcmp(site->zone, site->shown) != 0)
		config_secret(c, text);
}

static void read_site(struct config *c, const struct config_node *node, struct lists_sites *sites)
{
	if (config_kind(node) == CONFIG_SCALAR)
		read_texts(c, node, sites);
	else if (config_kind(node) == CONFIG_MAP)
		read_shown(c, node, sites);
	else
		config_error(c, node, "postscreen.dnsbl.sites: expected a list of entries such as "
			"zen.spamhaus.org=127.0.0.[2..11]*3");
}

void lists_read_sites(struct config *c, const struct config_node *node, void *field)
{
	struct lists_sites *sites = field;

	*sites = (struct lists_sites){
		.v = arena_alloc(config_arena(c), (LIMIT_LISTS_SITES + 1) * sizeof *sites->v) };
	if (config_kind(node) != CONFIG_LIST) {
		read_site(c, node, sites);
		return;
	}
	for (size_t i = 0; i < config_count(node); i++)
		read_site(c, config_item(node, i), sites);
}
