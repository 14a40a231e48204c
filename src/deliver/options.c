/*
 * options.c - what the operator may say about delivery
 *
 * From     the configuration file: relay, next_hops and deliver.
 * To       struct deliver_options, whose strings live in the config's arena.
 * Fails    by telling config_error, which refuses the file.
 */
#include "hop.h"

#include <string.h>

/* The port of a next hop that was written without one; username and password each. */
enum { DEFAULT_PORT = 25, LOGIN_MAX = 1000 };

static const char *const tls_words[] = { "none", "opportunistic", "required", "verify", NULL };

struct written_hop {
	const char *host, *username, *password;
	int tls;
};

static const struct config_row hop_rows[] = {
	{ "host", CONFIG_STRING, NULL, 0, 0, offsetof(struct written_hop, host),
		"Name or address of the next hop, with its port.", NULL, NULL },
	{ "tls", CONFIG_WORD, "opportunistic", 0, 0, offsetof(struct written_hop, tls),
		"How much TLS the next hop must speak; with a password, required is the default.",
		tls_words, NULL },
	{ "username", CONFIG_STRING, NULL, 0, 0, offsetof(struct written_hop, username),
		"Account at the next hop.", NULL, NULL },
	{ "password", CONFIG_STRING, NULL, 0, 0, offsetof(struct written_hop, password),
		"Password of that account; `!file PATH` keeps it out of this file.", NULL, NULL },
	{ NULL, CONFIG_BOOL, NULL, 0, 0, 0, NULL, NULL, NULL }
};

static bool parse_host(
	struct config *c, const struct config_node *node, struct str text, struct hop *hop)
{
	if (hop_parse(hop, text, DEFAULT_PORT, config_arena(c)))
		return true;
	config_error(c, node, "\"%.*s\" is no next hop; write name:port or address:port, such as "
		"\"smtp.example.net:587\" or \"[2001:db8::1]:25\"", STR_FMT(text));
	return false;
}

static bool is_loopback(const char *host)
{
	struct inet_addr a;

	return inet_parse(&a, str_of(host)) ? inet_is_loopback(&a) : strcmp(host, "localhost") == 0;
}

/* The password goes over the wire in clear only where the wire is our own machine. */
static void check_login(struct config *c, const struct config_node *node,
	const struct written_hop *w, const struct hop *hop)
{
	if (str_of(w->username).n > LOGIN_MAX || str_of(w->password).n > LOGIN_MAX)
		config_error(
			c, node, "username and password may have %d characters each", LOGIN_MAX);
	if (!w->username != !w->password)
		config_error(c, node, "username and password go together; give both or neither");
	if (w->username && hop->tls == TLS_POLICY_NONE && !is_loopback(hop->host))
		config_error(c, config_get(node, "tls"), "the password would go to %s in clear; "
			"leave tls: none out, or say tls: required", hop->host);
}

static bool read_hop_map(struct config *c, const struct config_node *node, struct hop *hop)
{
	const struct config_node *tls = config_get(node, "tls"), *host = config_get(node, "host");
	struct written_hop w;

	memset(&w, 0, sizeof(w));
	config_read_table(c, node, hop_rows, &w);
	if (!w.host) {
		if (!host)
			config_error(c, node, "the next hop has no host; add host: \"name:port\"");
		return false;
	}
	if (!parse_host(c, host, str_of(w.host), hop))
		return false;
	hop->username = w.username;
	hop->password = w.password;
	hop->tls = !tls && w.username ? TLS_POLICY_REQUIRED : w.tls;
	if (w.password)
		config_secret(c, config_get(node, "password"));
	if (tls && hop_is_implicit_tls(hop) && hop->tls == TLS_POLICY_NONE)
		config_error(c, tls,
			"port 465 speaks nothing but TLS; say tls: required or verify, or take "
			"another port");
	check_login(c, node, &w, hop);
	return true;
}

/* A next hop: "host:port", or a mapping with host, tls, username, password. */
static bool read_hop(struct config *c, const struct config_node *node, struct hop *hop)
{
	memset(hop, 0, sizeof(*hop));
	switch (config_kind(node)) {
	case CONFIG_SCALAR:
		hop->tls = TLS_POLICY_OPPORTUNISTIC;
		return parse_host(c, node, config_text(node), hop);
	case CONFIG_MAP:
		return read_hop_map(c, node, hop);
	case CONFIG_NULL:
	case CONFIG_LIST:
		break;
	}
	config_error(c, node,
		"a next hop is \"name:port\" or a mapping with host, tls, username and password");
	return false;
}

static void read_relay(struct config *c, const struct config_node *node, void *field)
{
	struct hop **relay = field;
	struct hop hop;

	*relay = NULL;
	if (config_kind(node) == CONFIG_NULL || !read_hop(c, node, &hop))
		return;
	*relay = arena_alloc(config_arena(c), sizeof(hop));
	**relay = hop;
}

static bool read_domain(struct config *c, const struct config_node *key, const char **domain)
{
	struct str out;

	if (str_eq(config_text(key), STR("*"))) {
		*domain = "*";
		return true;
	}
	if (!address_parse_domain(&out, config_text(key), config_arena(c))) {
		config_error(c, key,
			"\"%.*s\" is no domain; write a domain such as gmail.com, or \"*\" for "
			"all others",
			STR_FMT(config_text(key)));
		return false;
	}
	*domain = arena_text(config_arena(c), out);
	return true;
}

static bool is_known(const struct deliver_options *o, const char *domain)
{
	for (size_t i = 0; i < o->next_hop_count; i++)
		if (strcmp(o->next_hops[i].domain, domain) == 0)
			return true;
	return false;
}

static void read_next_hops(struct config *c, const struct config_node *node, void *field)
{
	struct deliver_options *o =
		(void *)((char *)field - offsetof(struct deliver_options, next_hops));

	o->next_hops = NULL;
	o->next_hop_count = 0;
	if (config_kind(node) == CONFIG_NULL)
		return;
	if (config_kind(node) != CONFIG_MAP) {
		config_error(c, node, "next_hops is a mapping from domains to next hops, such as "
			"{example.com: \"127.0.0.1:2525\"}");
		return;
	}
	o->next_hops = arena_alloc(config_arena(c), config_count(node) * sizeof(*o->next_hops) + 1);
	for (size_t i = 0; i < config_count(node); i++) {
		struct next_hop *entry = &o->next_hops[o->next_hop_count];

		if (!read_domain(c, config_key(node, i), &entry->domain) ||
			!read_hop(c, config_item(node, i), &entry->hop))
			continue;
		if (is_known(o, entry->domain))
			config_error(c, config_key(node, i),
				"%s has a next hop already; keep one of them", entry->domain);
		else
			o->next_hop_count++;
	}
}

static void add_bind(struct config *c, const struct config_node *node, struct config_strings *list)
{
	struct inet_addr a;
	char text[INET_TEXT_MAX];

	if (config_kind(node) != CONFIG_SCALAR || !inet_parse(&a, config_text(node)))
		config_error(c, node,
			"deliver.bind takes addresses of this machine, such as 192.0.2.1 or "
			"2001:db8::1");
	else
		list->v[list->n++] = arena_text(config_arena(c), str_of(inet_text(&a, text)));
}

static void read_bind(struct config *c, const struct config_node *node, void *field)
{
	struct config_strings *list = field;
	bool one = config_kind(node) != CONFIG_LIST;
	size_t n = config_kind(node) == CONFIG_NULL ? 0 : one ? 1 : config_count(node);

	list->n = 0;
	list->v = arena_alloc(config_arena(c), n * sizeof(*list->v) + 1);
	for (size_t i = 0; i < n; i++)
		add_bind(c, one ? node : config_item(node, i), list);
}

#define AT(field) offsetof(struct deliver_options, field)

/* The times' lower bounds are for tests; RFC 5321 section 4.5.3.2 asks for the defaults. */
const struct config_row deliver_rows[] = {
	{ "relay", CONFIG_CUSTOM, NULL, 0, 0, AT(relay),
		"The next hop of all mail that has no entry in next_hops: {host: \"name:port\", "
		"tls: none|opportunistic|required|verify, username:, password:}.",
		NULL, read_relay },
	{ "next_hops", CONFIG_CUSTOM, NULL, 0, 0, AT(next_hops),
		"Next hops by domain, \"*\" for all others, instead of their MX; each is "
		"\"name:port\" or a mapping like relay.",
		NULL, read_next_hops },
	{ "deliver.port", CONFIG_NUMBER, "25", 1, UINT16_MAX, AT(port),
		"Port of the mail servers that MX records name.", NULL, NULL },
	{ "deliver.bind", CONFIG_CUSTOM, NULL, 0, 0, AT(bind),
		"Local addresses that mail is sent from, the first of each of IPv4 and IPv6 being "
		"used; a family that is not named is not used.",
		NULL, read_bind },
	{ "deliver.soft_bounce", CONFIG_BOOL, "false", 0, 0, AT(soft_bounce),
		"Treat refusals for good (5xx) as temporary, while a new set-up is being tried out.",
		NULL, NULL },
	{ "deliver.connect_timeout", CONFIG_DURATION, "30s", 100, HOURS(1), AT(connect_timeout),
		"How long one address of a next hop may take to accept a connection.", NULL, NULL },
	{ "deliver.command_timeout", CONFIG_DURATION, "5m", 100, HOURS(1), AT(command_timeout),
		"How long a next hop may take for its greeting and for each reply.", NULL, NULL },
	{ "deliver.data_timeout", CONFIG_DURATION, "3m", 100, HOURS(1), AT(data_timeout),
		"How long a next hop may take to accept 64 KiB of a message.", NULL, NULL },
	{ "deliver.final_timeout", CONFIG_DURATION, "10m", 100, HOURS(1), AT(final_timeout),
		"How long a next hop may take to answer the end of a message.", NULL, NULL },
	{ "deliver.host_backoff", CONFIG_DURATION, "30s", 0, HOURS(1), AT(host_backoff),
		"How long a host that could not be reached is left alone; 0s: it is tried for each "
		"message.",
		NULL, NULL },
	{ "deliver.idle", CONFIG_DURATION, "10s", 0, MINUTES(5), AT(idle),
		"How long a connection to a next hop is kept for further messages; 0s: not at all.",
		NULL, NULL },
	{ "deliver.messages_per_connection", CONFIG_NUMBER, "100", 1, 100000,
		AT(messages_per_connection),
		"Messages sent over one connection before it is closed.", NULL, NULL },
	{ "deliver.connections_per_lane", CONFIG_NUMBER, "20", 1, 1000, AT(connections_per_lane),
		"Idle connections kept to one next hop at most.", NULL, NULL },
	{ NULL, CONFIG_BOOL, NULL, 0, 0, 0, NULL, NULL, NULL }
};
