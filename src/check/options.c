/*
 * options.c - what the operator may say about senders that fail a check
 *
 * From     the configuration file: check.
 * To       struct check_options, whose lists live in the config's arena.
 * Fails    by telling config_error, which refuses the file.
 */
#include "check/check.h"

#include "mail/address.h"

#include <stddef.h>

static const char *const actions[] = { "mark", "refuse", NULL };

/* With a dot in it, and no address gone wrong. */
static bool read_domain(struct config *c, struct str text, struct str *domain)
{
	struct str top;
	uint64_t number;

	if (!address_parse_domain(domain, text, config_arena(c)) || str_find(*domain, '.') < 0)
		return false;
	top = str_skip(*domain, (size_t)str_rfind(*domain, '.') + 1);
	return !str_number(top, &number);
}

static void add_trusted(struct config *c, const struct config_node *node, struct check_options *o)
{
	struct str text = config_text(node), domain;
	struct network network;

	if (config_kind(node) == CONFIG_SCALAR && network_parse(&network, text))
		o->trusted_networks.v[o->trusted_networks.n++] = network;
	else if (config_kind(node) == CONFIG_SCALAR && read_domain(c, text, &domain))
		o->trusted_domains.v[o->trusted_domains.n++] = domain.p;
	else if (config_kind(node) != CONFIG_NULL)
		config_error(c, node, "check.trusted_forwarders takes networks and domains, such as "
			"192.0.2.0/24 or lists.example.org");
}

/* One list in the file, two in the struct. */
static void read_trusted(struct config *c, const struct config_node *node, void *field)
{
	struct check_options *o =
		(void *)((char *)field - offsetof(struct check_options, trusted_networks));
	bool list = config_kind(node) == CONFIG_LIST;
	size_t n = list ? config_count(node) : config_kind(node) != CONFIG_NULL;
	struct arena *arena = config_arena(c);

	o->trusted_networks = (struct config_networks){ arena_alloc(arena,
		n * sizeof(*o->trusted_networks.v) + 1), 0 };
	o->trusted_domains = (struct config_strings){ arena_alloc(arena,
		n * sizeof(*o->trusted_domains.v) + 1), 0 };
	for (size_t i = 0; i < n; i++)
		add_trusted(c, list ? config_item(node, i) : node, o);
}

#define AT(field) offsetof(struct check_options, field)

const struct config_row check_rows[] = {
	{ .key = "check.spf_fail", .type = CONFIG_WORD, .fallback = "mark", .words = actions,
	  .offset = AT(spf_fail),
	  .text = "What becomes of mail whose sender's domain says by SPF that this client may not "
		  "send for it: mark it, or refuse it with 550 5.7.26." },
	{ .key = "check.dmarc_reject", .type = CONFIG_WORD, .fallback = "mark", .words = actions,
	  .offset = AT(dmarc_reject),
	  .text = "What becomes of mail that fails DMARC where the policy of From's domain is reject: "
		  "mark it, or refuse it with 550 5.7.26." },
	{ .key = "check.own_from", .type = CONFIG_WORD, .fallback = "refuse", .words = actions,
	  .offset = AT(own_from),
	  .text = "What becomes of mail from outside with one of our own domains in From that "
		  "neither SPF nor DKIM confirms: mark it, or refuse it with 550 5.7.26." },
	{ .key = "check.trusted_forwarders", .type = CONFIG_CUSTOM, .read = read_trusted,
	  .offset = AT(trusted_networks),
	  .text = "Networks, and domains that SPF or DKIM proves, whose mail is not refused by "
		  "these checks: mailing lists and forwarders of yours." },
	{ .key = NULL }
};
