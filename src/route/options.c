/*
 * options.c - read who lives here: virtual_domains, and the keys around it
 *
 * From     admin/settings.c, through config's tables.
 * To       struct route_options, which routes.c makes into tables.
 * Owns     nothing; all lives in the config's arena.
 * Fails    by telling problems; what is wrong by itself is told here, what is wrong with another
 *          entry (loops, names given twice) in routes.c.
 */
#include "domains.h"
#include "password.h"

#include "base/limits.h"

#include <stddef.h>

/* Rows that only pick a value out; it is read when all that it depends on is known. */
static void keep_node(struct config *c, const struct config_node *node, void *field)
{
	(void)c;
	*(const struct config_node **)field = node;
}

/* One value, or a list of them. */
static size_t count(const struct config_node *n)
{
	return config_kind(n) == CONFIG_LIST ? config_count(n) : config_kind(n) != CONFIG_NULL;
}

static const struct config_node *item(const struct config_node *n, size_t i)
{
	return config_kind(n) == CONFIG_LIST ? config_item(n, i) : n;
}

/* local parts */

/* what: "the name of an account" */
static bool read_local_part(struct config *c, const struct config_node *node, struct str domain,
	const char *what, struct local_part *out)
{
	struct arena *arena = config_arena(c);
	struct str text = config_text(node);
	struct address a;

	if (config_kind(node) != CONFIG_SCALAR) {
		config_error(c, node, "%s: expected what stands before the @, such as alice", what);
		return false;
	}
	if (address_parse(&a, str_of(arena_printf(arena, "%.*s@example.com", STR_FMT(text))),
		arena)) {
		*out = (struct local_part){ a.local, node };
		return true;
	}
	if (str_find(text, '@') > 0)
		config_error(c, node,
			"%s: write only what stands before the @; the domain is %.*s already",
			what, STR_FMT(domain));
	else
		config_error(c, node, "%s: \"%.*s\" can't stand before an @; letters, digits and . "
			"_ - + are safe",
			what, STR_FMT(text));
	return false;
}

static struct local_parts read_local_parts(struct config *c, const struct config_node *list,
	struct str domain, const char *what)
{
	struct local_parts parts = { arena_alloc(config_arena(c),
		(count(list) + 1) * sizeof(*parts.v)), 0 };

	for (size_t i = 0; i < count(list); i++)
		if (read_local_part(c, item(list, i), domain, what, &parts.v[parts.n]))
			parts.n++;
	return parts;
}

/* accounts */

struct account_nodes {
	const struct config_node *name, *password, *forward, *aliases;
	bool dot_plus, send_as_aliases;
};

#define ACCOUNT(field) offsetof(struct account_nodes, field)
static const struct config_row account_rows[] = {
	{ .key = "name", .type = CONFIG_CUSTOM, .offset = ACCOUNT(name), .read = keep_node,
	  .text = "What stands before the @; \"*\" takes what no other account takes." },
	{ .key = "password", .type = CONFIG_CUSTOM, .offset = ACCOUNT(password), .read = keep_node,
	  .text = "For sending as this address: what `waypost password` prints, or plain; none, no "
	  "login." },
	{ .key = "forward", .type = CONFIG_CUSTOM, .offset = ACCOUNT(forward), .read = keep_node,
	  .text = "Where mail to the account goes: one address, or a list." },
	{ .key = "dot_plus_rewrite", .type = CONFIG_BOOL, .fallback = "true",
	  .offset = ACCOUNT(dot_plus),
	  .text = "Whether name.x and name+x belong to the account too and go to target+x." },
	{ .key = "aliases", .type = CONFIG_CUSTOM, .offset = ACCOUNT(aliases), .read = keep_node,
	  .text = "Further names of the account." },
	{ .key = "send_as_aliases", .type = CONFIG_BOOL, .fallback = "false",
	  .offset = ACCOUNT(send_as_aliases),
	  .text = "Whether the account may send as its aliases too." },
	{ .key = NULL }
};

static bool read_name(struct config *c, const struct config_node *map,
	const struct config_node *node,
	struct route_account *a)
{
	struct str domain = a->domain->name;
	struct local_part name;

	if (!node) {
		config_error(c, map, "this account of %.*s has no name; write name: and what "
			"stands before the @",
			STR_FMT(domain));
		return false;
	}
	a->node = node;
	if (!read_local_part(c, node, domain, "name", &name))
		return false;
	a->catch_all = str_eq(name.text, STR("*"));
	a->public.address = (struct address){ name.text, domain };
	return true;
}

static void read_password(struct config *c, const struct config_node *node, struct route_account *a)
{
	struct why why = { 0 };

	if (!node)
		return;
	if (config_kind(node) != CONFIG_SCALAR) {
		config_error(c, node,
			"password: expected a text; run `waypost password` to make one");
		return;
	}
	config_secret(c, node);
	if (a->catch_all) {
		config_error(c, node, "password: \"*\" is nobody and can't log in; give the "
			"password to an account");
		return;
	}
	if (!password_check(config_text(node), &a->public.password_is_crypt, &why)) {
		config_error(c, node, "password: %s", why.text);
		return;
	}
	a->public.password = config_text(node).p;
	if (!a->public.password_is_crypt)
		config_warn(c, node,
			"password: it stands here in the clear; run `waypost password` and write "
			"what it prints");
}

static void read_target(struct config *c, const struct config_node *node, struct route_account *a)
{
	struct target *t = &a->targets[a->target_count];

	t->node = node;
	if (config_kind(node) == CONFIG_SCALAR &&
		address_parse(&t->address, config_text(node), config_arena(c)))
		a->target_count++;
	else
		config_error(c, node, "forward: expected an address such as alice@gmail.com%s%.*s",
			config_kind(node) == CONFIG_SCALAR ? ", not " : "",
			STR_FMT(config_text(node)));
}

static void read_forward(struct config *c, const struct config_node *node, struct route_account *a)
{
	if (count(node) == 0) {
		config_error(c, a->node,
			"the account \"%.*s\" has no forward; say where its mail goes: forward: "
			"alice@gmail.com", STR_FMT(a->public.address.local));
		return;
	}
	if (count(node) > LIMIT_TARGETS) {
		config_error(c, node, "forward: %zu addresses, at most %d are possible",
			count(node), LIMIT_TARGETS);
		return;
	}
	a->targets = arena_alloc(config_arena(c), count(node) * sizeof(*a->targets));
	for (size_t i = 0; i < count(node); i++)
		read_target(c, item(node, i), a);
}

static void read_aliases(struct config *c, const struct config_node *node, struct route_account *a)
{
	struct config_strings *names = &a->public.aliases;

	a->aliases = read_local_parts(c, node, a->domain->name, "aliases");
	names->v = arena_alloc(config_arena(c), (a->aliases.n + 1) * sizeof(*names->v));
	for (size_t i = 0; i < a->aliases.n; i++)
		names->v[names->n++] = a->aliases.v[i].text.p;
}

static bool read_account(struct config *c, const struct config_node *node, struct route_account *a)
{
	struct account_nodes nodes;

	if (config_kind(node) != CONFIG_MAP) {
		config_error(c, node,
			"accounts: expected name: and forward: here, an account each \"- \"");
		return false;
	}
	config_read_table(c, node, account_rows, &nodes);
	if (!read_name(c, node, nodes.name, a))
		return false;
	a->dot_plus = nodes.dot_plus && !a->catch_all;
	a->public.send_as_aliases = nodes.send_as_aliases;
	read_password(c, nodes.password, a);
	read_forward(c, nodes.forward, a);
	read_aliases(c, nodes.aliases, a);
	return true;
}

/* domains */

struct domain_nodes {
	const struct config_node *accounts, *blackholes;
};

static const struct config_row domain_rows[] = {
	{ .key = "accounts", .type = CONFIG_CUSTOM, .read = keep_node,
	  .offset = offsetof(struct domain_nodes, accounts),
	  .text = "Who gets mail at the domain." },
	{ .key = "blackholes", .type = CONFIG_CUSTOM, .read = keep_node,
	  .offset = offsetof(struct domain_nodes, blackholes),
	  .text = "Local parts that get no mail, whatever else is said of them." },
	{ .key = NULL }
};

static void read_domain(struct config *c, const struct config_node *node, struct route_domain *d)
{
	struct domain_nodes nodes = { 0 };

	if (config_kind(node) == CONFIG_NULL)
		return;
	if (config_kind(node) != CONFIG_MAP) {
		config_error(c, node, "%.*s: expected accounts: below it", STR_FMT(d->name));
		return;
	}
	config_read_table(c, node, domain_rows, &nodes);
	d->blackholes = read_local_parts(c, nodes.blackholes, d->name, "blackholes");
	if (nodes.accounts && config_kind(nodes.accounts) != CONFIG_LIST) {
		config_error(c, nodes.accounts,
			"accounts: expected a list; write \"- \" before each name");
		return;
	}
	d->accounts = arena_alloc(config_arena(c),
		(count(nodes.accounts) + 1) * sizeof(*d->accounts));
	for (size_t i = 0; i < count(nodes.accounts); i++) {
		struct route_account *a = &d->accounts[d->account_count];

		*a = (struct route_account){ .domain = d };
		if (read_account(c, item(nodes.accounts, i), a))
			d->account_count++;
	}
}

static bool read_domain_name(struct config *c, const struct config_node *key,
	struct route_domain *d)
{
	struct str text = config_text(key);

	d->node = key;
	if (address_parse_domain(&d->name, text, config_arena(c)))
		return true;
	if (text.n)
		config_error(c, key, "virtual_domains: \"%.*s\" is no domain; expected a name such "
			"as example.com",
			STR_FMT(text));
	else
		config_error(c, key, "virtual_domains: a domain without a name; expected one such "
			"as example.com");
	return false;
}

static void read_domains(struct config *c, const struct config_node *node, void *field)
{
	struct route_options *o = (void *)((char *)field - offsetof(struct route_options, domains));

	o->domain_count = 0;
	o->domains = arena_alloc(config_arena(c), (config_count(node) + 1) * sizeof(*o->domains));
	if (!node)
		return;
	if (config_kind(node) != CONFIG_MAP) {
		config_error(c, node,
			"virtual_domains: expected domains, each with accounts: below it");
		return;
	}
	for (size_t i = 0; i < config_count(node); i++) {
		struct route_domain *d = &o->domains[o->domain_count];

		*d = (struct route_domain){ 0 };
		if (!read_domain_name(c, config_key(node, i), d)) {
			/* so that what is below it is looked at too */
			d->name = STR("example.com");
			read_domain(c, config_item(node, i), d);
			continue;
		}
		o->domain_count++;
		read_domain(c, config_item(node, i), d);
	}
}

static void read_postmaster(struct config *c, const struct config_node *node, void *field)
{
	const char **out = field;
	struct address a;

	*out = NULL;
	if (!node)
		return;
	if (config_kind(node) == CONFIG_SCALAR && address_parse(&a, config_text(node),
		config_arena(c)))
		*out = address_text(&a, config_arena(c));
	else
		config_error(c, node, "postmaster: expected an address such as alice@example.com");
}

static const char *const blackhole_words[] = { "reject", "defer", "discard", NULL };

#define ROUTE(field) offsetof(struct route_options, field)
const struct config_row route_rows[] = {
	{ .key = "postmaster", .type = CONFIG_CUSTOM, .offset = ROUTE(postmaster),
	  .read = read_postmaster,
	  .text = "Who gets mail for postmaster at any domain of ours; by default the domain's "
	  "first account." },
	{ .key = "blackhole_action", .type = CONFIG_WORD, .fallback = "reject",
	  .words = blackhole_words,
	  .offset = ROUTE(blackhole_action),
	  .text = "What happens to mail for blackholes: reject (550), defer (450), or discard (250 "
	  "and gone)." },
	{ .key = "virtual_domains", .type = CONFIG_CUSTOM, .offset = ROUTE(domains),
	  .read = read_domains,
	  .text = "The domains whose mail comes here, each with its accounts, blackholes and "
	  "DKIM key." },
	{ .key = NULL }
};
