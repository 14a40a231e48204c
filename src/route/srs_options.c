/*
 * srs_options.c - read the section srs:, but for srs.dkim
 *
 * From     admin/settings.c, through config's tables.
 * To       struct srs_options, for srs.c.
 * Owns     nothing; all lives in the config's arena.
 */
#include "route/srs.h"

#include "mail/address.h"

#include <stddef.h>

enum { SECRET_SHORT = 16 };     /* characters; fewer can be guessed by trying */

static bool is_no(struct str s)
{
	return str_ieq(s, STR("false")) || str_ieq(s, STR("no")) || str_ieq(s, STR("off"));
}

/* No srs_domain: this server's own name, or else the first domain that it serves. Mail comes back
 * to both. */
static const char *default_domain(struct config *c)
{
	const struct config_node *root = config_root(c);
	const struct config_node *domains = config_get(root, "virtual_domains");
	struct str domain;

	if (address_parse_domain(&domain, config_text(config_get(root, "ptr_hostname")),
		config_arena(c)) &&
		str_find(domain, '.') > 0)
		return domain.p;
	if (config_kind(domains) == CONFIG_MAP && config_count(domains) > 0 &&
		address_parse_domain(&domain, config_text(config_key(domains, 0)), config_arena(c)))
		return domain.p;
	return NULL;
}

static void read_domain(struct config *c, const struct config_node *node, void *field)
{
	const struct config_node *section = config_get(config_root(c), "srs");
	bool off = is_no(config_text(config_get(section, "enable")));
	const char **out = field;
	struct str domain;

	*out = NULL;
	if (!node) {
		if (!off)
			*out = default_domain(c);
		if (!off && !*out)
			config_error(c, section,
				"srs.srs_domain is missing; name a domain whose mail comes to this "
				"server, such as srs.example.com");
		return;
	}
	if (address_parse_domain(&domain, config_text(node), config_arena(c)))
		*out = domain.p;
	else
		config_error(c, node, "srs.srs_domain: expected a domain such as srs.example.com");
}

static bool read_secret(struct config *c, const struct config_node *node)
{
	struct str text = config_text(node);

	config_secret(c, node);
	if (config_kind(node) != CONFIG_SCALAR || !text.n) {
		config_error(c, node,
			"srs.srs_secret: expected a long random text; `head -c 32 /dev/urandom | "
			"base64` makes one. Without the key one is made in the spool");
		return false;
	}
	if (text.n < SECRET_SHORT)
		config_warn(c, node,
			"srs.srs_secret: who guesses it can send mail through this server; take %d "
			"characters or more (`head -c 32 /dev/urandom | base64`), and keep the old "
			"one as the "
			"second of a list", SECRET_SHORT);
	return true;
}

static void read_secrets(struct config *c, const struct config_node *node, void *field)
{
	bool list = config_kind(node) == CONFIG_LIST;
	size_t n = list ? config_count(node) : node != NULL;
	struct config_strings *out = field;

	*out = (struct config_strings){ arena_alloc(config_arena(c),
		(n + 1) * sizeof(*out->v)), 0 };
	for (size_t i = 0; i < n; i++) {
		const struct config_node *secret = list ? config_item(node, i) : node;

		if (read_secret(c, secret))
			out->v[out->n++] = config_text(secret).p;
	}
}

#define SRS(field) offsetof(struct srs_options, field)
const struct config_row srs_rows[] = {
	{ .key = "srs.enable", .type = CONFIG_BOOL, .fallback = "true", .offset = SRS(enable),
	  .text = "Whether senders of forwarded mail get an address at srs_domain, so that SPF "
	  "passes and bounces "
		  "come back." },
	{ .key = "srs.srs_domain", .type = CONFIG_CUSTOM, .offset = SRS(domain),
	  .read = read_domain,
	  .text = "The domain of these addresses, whose MX is this server; by default "
	  "ptr_hostname." },
	{ .key = "srs.srs_secret", .type = CONFIG_CUSTOM, .offset = SRS(secrets),
	  .read = read_secrets,
	  .text = "What signs them, a long random text; of a list the first one signs and all are "
	  "accepted; by "
		  "default one is made in the spool." },
	{ .key = NULL }
};
