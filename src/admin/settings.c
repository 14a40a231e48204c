/*
 * settings.c - all folders' options, read from one file and checked as a whole
 *
 * From     cli/, with the file's path.
 * To       server.c, which builds the server from it; `waypost check`, which prints its problems.
 * Owns     the config that all texts live in, and the signer until settings_route.
 * Never    writes, binds or looks a name up: `check` runs beside a running server.
 * Fails    by telling problems in the config, each at its place.
 */
#include "admin/settings.h"

#include "base/mem.h"
#include "base/must.h"
#include "mail/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { PROBLEMS_MAX = 4 << 20 };       /* bytes of all that is told at once */

/* ---- our own keys ---- */

/* "[192.0.2.1]" as a text, or, without quotes, as YAML's list of one. */
static struct str literal_inside(const struct config_node *n)
{
	struct str s = config_text(n);

	if (config_kind(n) == CONFIG_LIST && config_count(n) == 1)
		return config_text(config_item(n, 0));
	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		return str_make(s.p + 1, s.n - 2);
	return STR_NONE;
}

static const char *literal(struct config *c, const struct config_node *n)
{
	struct str inside = literal_inside(n);
	char text[INET_TEXT_MAX];
	struct inet_addr a;

	if (str_istarts(inside, STR("IPv6:")))
		inside = str_skip(inside, 5);
	if (!inet_parse(&a, inside))
		return NULL;
	return arena_printf(config_arena(c), "[%s%s]", a.v6 ? "IPv6:" : "", inet_text(&a, text));
}

static void read_hostname(struct config *c, const struct config_node *n, void *field)
{
	const char **out = field;
	struct inet_addr a;
	struct str name;

	*out = n ? literal(c, n) : NULL;
	if (*out)
		return;
	if (!n) {
		config_error(c, NULL, "ptr_hostname is missing; it is the name that this server's "
			"address resolves to (`dig -x ADDRESS`), such as ptr_hostname: "
			"mail.example.com");
	} else if (inet_parse(&a, config_text(n))) {
		config_error(c, n, "ptr_hostname: an address needs brackets; write \"[%.*s]\"",
			STR_FMT(config_text(n)));
	} else if (!address_parse_domain(&name, config_text(n), config_arena(c))) {
		config_error(c, n, "ptr_hostname: expected a name such as mail.example.com, or an "
			"address such as \"[192.0.2.1]\"");
	} else {
		*out = name.p;
		if (str_find(name, '.') < 0)
			config_warn(c, n, "ptr_hostname: \"%s\" has no dot; other servers refuse "
				"mail from one that does not give its full name, such as "
				"mail.example.com", *out);
	}
}

static void read_user(struct config *c, const struct config_node *n, void *field)
{
	const char **out = field;
	struct str name = config_text(n);

	*out = name.p;
	if (config_kind(n) != CONFIG_SCALAR || name.n == 0 || str_find(name, ':') >= 0 ||
		str_find(name, '/') >= 0)
		config_error(c, n, "user: expected the name of a user of this machine, such as "
			"waypost");
	else if (str_eq(name, STR("root")) || str_eq(name, STR("0")))
		config_warn(c, n, "user: as root, a fault in this server is one of the whole "
			"machine; make a user for it (`useradd --system waypost`)");
}

static void read_socket(struct config *c, const struct config_node *n, void *field)
{
	const char **out = field;
	struct sockaddr_un sun;

	*out = config_path(c, n, config_text(n));
	if (config_kind(n) != CONFIG_SCALAR || config_text(n).n == 0)
		config_error(c, n, "admin.socket: expected a path, such as "
			"/run/waypost/control.sock");
	else if (strlen(*out) >= sizeof(sun.sun_path))
		config_error(c, n, "admin.socket: a socket's path has at most %zu bytes; take a "
			"shorter one", sizeof(sun.sun_path) - 1);
}

static const char *const formats[] = { "text", "json", NULL };
static const char *const levels[] = { "debug", "info", "warn", "error", NULL };

#define AT(field) offsetof(struct settings, field)

/* what settings_places needs */
static const struct config_row place_rows[] = {
	{ .key = "spool", .type = CONFIG_PATH, .fallback = "/var/spool/waypost",
	  .offset = AT(spool),
	  .text = "The folder of the queue and of what the server remembers; it is made with mode "
		  "0700." },
	{ .key = "admin.socket", .type = CONFIG_CUSTOM, .fallback = "/run/waypost/control.sock",
	  .read = read_socket,
	  .offset = AT(control_socket),
	  .text = "Where `waypost queue` and `waypost status` find the running server." },
	{ .key = NULL }
};

static const struct config_row own_rows[] = {
	{ .key = "ptr_hostname", .type = CONFIG_CUSTOM, .read = read_hostname,
	  .offset = AT(hostname),
	  .text = "The server's name in its greeting, in HELO and in Received: what its address "
		  "resolves back to; may be an address in brackets." },
	{ .key = "user", .type = CONFIG_CUSTOM, .fallback = "waypost", .read = read_user,
	  .offset = AT(user),
	  .text = "Who the server runs as once its ports are open, when it was started as root." },
	{ .key = "log.format", .type = CONFIG_WORD, .fallback = "text", .words = formats,
	  .offset = AT(log.format),
	  .text = "text for people, json for programs; the same keys in both." },
	{ .key = "log.level", .type = CONFIG_WORD, .fallback = "info", .words = levels,
	  .offset = AT(log.level),
	  .text = "The least that is logged: debug, info, warn or error." },
	{ .key = "log.file", .type = CONFIG_PATH, .offset = AT(log.file),
	  .text = "A file to log to, which rotates itself; none: standard output." },
	{ .key = "log.max_size", .type = CONFIG_SIZE, .fallback = "10M", .min = 64 << 10,
	  .max = (int64_t)1 << 40,
	  .offset = AT(log.max_size), .text = "The size at which the log's file is rotated." },
	{ .key = "log.keep", .type = CONFIG_NUMBER, .fallback = "5", .min = 1, .max = 1000,
	  .offset = AT(log.keep),
	  .text = "Rotated log files that are kept." },
	{ .key = "admin.http", .type = CONFIG_ENDPOINTS, .offset = AT(http),
	  .text = "Address and port of the status page; none: there is none." },
	{ .key = NULL }
};

const struct settings_table settings_tables[] = {
	{ own_rows, 0 },
	{ place_rows, 0 },
	{ tls_rows, AT(tls) },
	{ dns_rows, AT(dns) },
	{ route_rows, AT(route) },
	{ srs_rows, AT(srs) },
	{ sign_rows, AT(sign) },
	{ deliver_rows, AT(deliver) },
	{ schedule_rows, AT(schedule) },
	{ receive_rows, AT(receive) },
	{ screen_rows, AT(screen) },
	{ check_rows, AT(check) },
};
const size_t settings_table_count = sizeof(settings_tables) / sizeof(*settings_tables);

/* ---- what only the whole shows ---- */

static const struct config_node *node_of(const struct settings *s, const char *section,
	const char *key)
{
	return config_get(config_get(config_root(s->config), section), key);
}

static void check_tls(struct settings *s)
{
	const struct config_node *certificate = node_of(s, "tls", "certificate"),
		*key = node_of(s, "tls", "key");
	struct why why = { 0 };

	if (!s->tls.certificate) {
		if (s->tls.key)
			config_error(s->config, key,
				"tls.key: a key alone is no use; name its tls.certificate too");
		return;
	}
	if (!tls_server_check(&s->tls, &why))
		config_error(s->config, certificate, "tls: %s", why.text);
	else if (why.text[0])
		config_warn(s->config, certificate, "tls: %s", why.text);
	config_check_private(s->config, s->tls.key ? key : certificate,
		s->tls.key ? s->tls.key : s->tls.certificate);
}

struct listener {
	const char *key;                 /* below listen: */
	const struct config_endpoints *at;
};

/* Is the endpoint among the first n of these? Port 0 is a free one each time. */
static bool is_among(const struct endpoint *e, const struct config_endpoints *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (e->port != 0 && e->port == list->v[i].port && inet_same(&e->addr, &list->v[i].addr))
			return true;
	return false;
}

/* all[0..n) are the listeners before this one. */
static void check_listener(struct settings *s, const struct listener *all, size_t n)
{
	const struct listener *l = &all[n];
	char text[INET_TEXT_MAX];

	for (size_t i = 0; i < l->at->n; i++) {
		const struct endpoint *e = &l->at->v[i];

		for (size_t k = 0; k <= n; k++)
			if (is_among(e, all[k].at, k < n ? all[k].at->n : i))
				config_error(s->config, node_of(s, "listen", l->key),
					"listen.%s: %s is taken by listen.%s already; take another port",
					l->key, endpoint_text(e, text), all[k].key);
	}
}

static void check_listen(struct settings *s)
{
	const struct listener all[] = {
		{ "smtp", &s->receive.smtp },
		{ "submission", &s->receive.submission },
		{ "submissions", &s->receive.submissions },
	};
	size_t total = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		check_listener(s, all, i);
		total += all[i].at->n;
	}
	if (total == 0)
		config_error(s->config, config_get(config_root(s->config), "listen"),
			"listen: all three ports are turned off; keep at least listen.smtp: "
			"[\"0.0.0.0:25\", \"[::]:25\"]");
}

static bool is_any(const struct inet_addr *a)
{
	static const unsigned char zero[16];

	return memcmp(a->ip, zero, a->v6 ? 16 : 4) == 0;
}

/* Would a connection there come back to us? */
static bool is_own(const struct settings *s, const struct endpoint *e)
{
	const struct config_endpoints *v = &s->receive.smtp;

	for (size_t i = 0; i < v->n; i++)
		if (v->v[i].port == e->port && (inet_same(&v->v[i].addr, &e->addr) ||
			(is_any(&v->v[i].addr) && v->v[i].addr.v6 == e->addr.v6 &&
			inet_is_loopback(&e->addr))))
			return true;
	return false;
}

static void check_hop(struct settings *s, const struct config_node *n, const struct hop *hop,
	const char *what)
{
	struct endpoint e = { .port = hop->port };

	if (inet_parse(&e.addr, str_of(hop->host)) && is_own(s, &e))
		config_error(s->config, n, "%s: %s:%d is this server itself, and mail would run in "
			"a loop; name the next server's address", what, hop->host, hop->port);
}

static void check_hops(struct settings *s)
{
	const struct config_node *hops = config_get(config_root(s->config), "next_hops"), *at;

	if (s->deliver.relay)
		check_hop(s, config_get(config_root(s->config), "relay"), s->deliver.relay,
			"relay");
	for (size_t i = 0; i < s->deliver.next_hop_count; i++) {
		const struct next_hop *hop = &s->deliver.next_hops[i];

		at = hops;
		for (size_t k = 0; k < config_count(hops); k++)
			if (str_ieq(config_text(config_key(hops, k)), str_of(hop->domain)))
				at = config_item(hops, k);
		check_hop(s, at, &hop->hop, "next_hops");
	}
}

/* Without the section, senders are rewritten to the server's own name; who turns it on says where. */
static void check_srs(struct settings *s)
{
	const struct config_node *enable = node_of(s, "srs", "enable");

	if (s->srs.enable && config_kind(enable) == CONFIG_SCALAR && !node_of(s, "srs", "srs_domain"))
		config_error(s->config, enable, "srs.enable: true needs srs.srs_domain, the domain that "
			"rewritten senders get, such as srs_domain: srs.example.com");
}

/* Lists whose weights can't add up to the threshold refuse nobody. */
static void check_lists(struct settings *s)
{
	const struct config_node *dnsbl = node_of(s, "postscreen", "dnsbl");
	int64_t most = 0;

	for (size_t i = 0; i < s->screen.sites.n; i++)
		if (s->screen.sites.v[i].weight > 0)
			most += s->screen.sites.v[i].weight;
	if (most > 0 && most < s->screen.dnsbl_threshold)
		config_warn(s->config, dnsbl, "postscreen.dnsbl: the weights of all lists add up to "
			"%lld, below the threshold, so that they refuse nobody; raise weights or "
			"lower dnsbl.threshold", (long long)most);
}

static void check_rest(struct settings *s)
{
	const struct config_node *enable = node_of(s, "dkim", "enable"),
		*http = node_of(s, "admin", "http");

	if (s->schedule.min_backoff > s->schedule.max_backoff)
		config_error(s->config, node_of(s, "deliver",
			node_of(s, "deliver", "min_backoff") ? "min_backoff" : "max_backoff"),
			"deliver: min_backoff is longer than max_backoff; make it the shorter one");
	if (enable && s->sign.enable && s->sign.key_count == 0)
		config_warn(s->config, enable, "dkim.enable: no domain has a key, so nothing is "
			"signed; `waypost keygen -d DOMAIN -s mail` makes one, and dkim: "
			"{selector: mail, key: FILE} below the domain names it");
	if (s->http.n > 1)
		config_error(s->config, http,
			"admin.http: one address is enough; remove the others");
	for (size_t i = 0; i < s->http.n; i++)
		if (!inet_is_loopback(&s->http.v[i].addr))
			config_warn(s->config, http, "admin.http: the status page asks for no "
				"password; let it listen on 127.0.0.1 only");
}

/* Keys and recipients are built once for their problems. The keys are kept: later we may not
 * read them. */
static void check_whole(struct settings *s)
{
	struct routes *routes;

	check_tls(s);
	check_listen(s);
	check_hops(s);
	check_srs(s);
	check_lists(s);
	check_rest(s);
	s->signer = signer_create(s->config, &s->sign);
	routes = routes_create(s->config, &s->route, NULL, s->srs.domain);
	routes_destroy(&routes);
}

/* ---- what is ours ---- */

/* The domains that are served here. Keys that are no domains were told by route/. */
static void collect_domains(struct settings *s)
{
	const struct config_node *map = config_get(config_root(s->config), "virtual_domains");
	size_t n = config_kind(map) == CONFIG_MAP ? config_count(map) : 0;
	const char **v = arena_alloc(config_arena(s->config), (n + 1) * sizeof(*v));
	struct str name;

	s->own.domains = v;
	for (size_t i = 0; i < n; i++)
		if (address_parse_domain(&name, config_text(config_key(map, i)),
			config_arena(s->config)))
			v[s->own.domain_count++] = name.p;
}

/* What those behind us see stand for the mail that we forward: the rewritten sender's domain, the
 * signature's, and for mail without a sender our HELO. */
static void collect_senders(struct settings *s)
{
	const char *const all[] = { s->srs.enable ? s->srs.domain : NULL, s->sign.forward_domain,
		s->hostname && s->hostname[0] != '[' ? s->hostname : NULL };
	const char **v = arena_alloc(config_arena(s->config), sizeof(all));

	s->own.senders = v;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i])
			v[s->own.sender_count++] = all[i];
}

/* ---- the doors ---- */

struct settings *settings_load(const char *path)
{
	struct settings *s = mem_alloc(sizeof(*s));
	const struct config_node *root;

	s->config = config_load(path);
	root = config_root(s->config);
	for (size_t i = 0; i < settings_table_count; i++)
		config_read_table(s->config, root, settings_tables[i].rows,
			(char *)s + settings_tables[i].offset);
	s->route.hostname = s->hostname;
	s->deliver.hostname = s->hostname;
	s->receive.hostname = s->hostname;
	collect_domains(s);
	collect_senders(s);
	if (root) {
		check_whole(s);
		config_finish(s->config);
	}
	return s;
}

static void explain(const struct settings *s)
{
	struct buf text;

	buf_init(&text, PROBLEMS_MAX);
	config_print_problems(s->config, &text);
	fputs(buf_text(&text), stderr);
	buf_finish(&text);
}

struct settings *settings_load_or_explain(const char *path)
{
	struct settings *s = settings_load(path);

	explain(s);
	if (!config_is_right(s->config))
		settings_destroy(&s);
	return s;
}

void settings_destroy(struct settings **s)
{
	if (!*s)
		return;
	signer_destroy(&(*s)->signer);
	config_destroy(&(*s)->config);
	free(*s);
	*s = NULL;
}

bool settings_route(struct settings *s, struct srs *srs, struct routes **routes,
	struct signer **signer, struct why *why)
{
	must(s->signer && config_is_right(s->config));
	*routes = routes_create(s->config, &s->route, srs, s->srs.domain);
	if (!*routes)
		return why_set(why, "the recipients of the configuration can't be built; `waypost "
			"check` says why");
	*signer = s->signer;
	s->signer = NULL;
	return true;
}

bool settings_places(const char *path, struct settings **s, const char **spool, const char **socket)
{
	size_t errors;

	*s = mem_alloc(sizeof(**s));
	(*s)->config = config_load(path);
	errors = config_errors((*s)->config);
	config_read_table((*s)->config, config_root((*s)->config), place_rows, *s);
	if (!config_root((*s)->config) || config_errors((*s)->config) > errors) {
		explain(*s);
		settings_destroy(s);
		return false;
	}
	if (spool)
		*spool = (*s)->spool;
	if (socket)
		*socket = (*s)->control_socket;
	return true;
}
