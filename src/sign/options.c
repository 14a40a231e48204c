/*
 * options.c - dkim.enable, and the keys wherever the config names them
 *
 * From     admin/, which reads all tables.
 * Owns     nothing: what is read lives in the config's arena.
 * Fails    by telling what a mapping lacks; domains that can't be are route's to tell.
 */
#include "base/limits.h"
#include "mail/address.h"
#include "sign/sign.h"

#include <stddef.h>
#include <string.h>

static void add_key(struct config *c, struct sign_options *o, struct sign_key key)
{
	struct sign_key *more;
	size_t same_domain = 0;

	for (size_t i = 0; i < o->key_count; i++) {
		if (strcmp(o->keys[i].domain, key.domain) != 0)
			continue;
		same_domain++;
		if (strcmp(o->keys[i].selector, key.selector) == 0) {
			config_error(c, key.node, "%s has two keys with the selector %s; give each its own",
				key.domain, key.selector);
			return;
		}
	}
	if (same_domain == LIMIT_SIGN_KEYS) {
		config_error(c, key.node, "%s has more than %d DKIM keys; one RSA and one Ed25519 key are enough",
			key.domain, LIMIT_SIGN_KEYS);
		return;
	}
	more = arena_alloc(config_arena(c), (o->key_count + 1) * sizeof *more);
	if (o->key_count > 0)
		memcpy(more, o->keys, o->key_count * sizeof *more);
	more[o->key_count++] = key;
	o->keys = more;
}

/* A string that must be there; NULL after an error. */
static const struct config_node *need(struct config *c, const struct config_node *map, const char *key,
	const char *example)
{
	const struct config_node *n = config_get(map, key);

	if (config_kind(n) == CONFIG_SCALAR && config_text(n).n > 0)
		return n;
	config_error(c, n ? n : map, "a DKIM key needs `%s`, as in `%s`", key, example);
	return NULL;
}

static void read_key(struct config *c, struct sign_options *o, const struct config_node *node, const char *domain)
{
	const struct config_node *selector, *file;
	struct sign_key key = { .domain = domain, .node = node };
	struct arena *arena = config_arena(c);
	struct str name;

	if (config_kind(node) != CONFIG_MAP) {
		config_error(c, node, "expected a DKIM key, as in `{selector: mail, key: keys/%s.private}`", domain);
		return;
	}
	selector = need(c, node, "selector", "selector: mail");
	file = need(c, node, "key", "key: keys/example.com.private");
	if (selector == NULL || file == NULL)
		return;
	if (!address_parse_domain(&name, config_text(selector), arena)) {
		config_error(c, selector, "a selector is a name such as `mail` or `2024.mail`: letters, digits, `-`");
		return;
	}
	key.selector = name.p;
	key.node = file;
	if (str_starts(config_text(file), STR("-----BEGIN"))) {
		key.pem = arena_text(arena, config_text(file));
		config_secret(c, file);
	} else {
		key.path = config_path(c, file, config_text(file));
	}
	add_key(c, o, key);
}

/* One mapping, or a list of them. */
static bool read_keys(struct config *c, struct sign_options *o, const struct config_node *dkim, const char *domain)
{
	size_t before = o->key_count;

	if (config_kind(dkim) == CONFIG_NULL)
		return false;
	if (config_kind(dkim) != CONFIG_LIST) {
		read_key(c, o, dkim, domain);
		return o->key_count > before;
	}
	for (size_t i = 0; i < config_count(dkim); i++)
		read_key(c, o, config_item(dkim, i), domain);
	return o->key_count > before;
}

static void read_domains(struct config *c, const struct config_node *domains, void *field)
{
	struct sign_options *o = field;
	struct str domain;

	if (config_kind(domains) != CONFIG_MAP)
		return;                    /* route tells */
	for (size_t i = 0; i < config_count(domains); i++) {
		const struct config_node *entry = config_item(domains, i);

		if (config_kind(entry) != CONFIG_MAP)
			continue;
		if (address_parse_domain(&domain, config_text(config_key(domains, i)), config_arena(c)))
			read_keys(c, o, config_get(entry, "dkim"), domain.p);
	}
}

static void read_forward(struct config *c, const struct config_node *dkim, void *field)
{
	struct sign_options *o = field;
	const struct config_node *domain = config_get(config_get(config_root(c), "srs"), "srs_domain");
	struct str name;

	if (config_kind(dkim) == CONFIG_NULL)
		return;
	if (config_kind(domain) != CONFIG_SCALAR) {
		config_error(c, dkim, "srs.dkim signs forwarded mail for srs.srs_domain, which is not given");
		return;
	}
	if (!address_parse_domain(&name, config_text(domain), config_arena(c)))
		return;                    /* srs tells */
	if (read_keys(c, o, dkim, name.p))
		o->forward_domain = name.p;
}

/* Both readers add to the same list: their field is the whole struct. */
const struct config_row sign_rows[] = {
	{ .key = "dkim.enable", .type = CONFIG_BOOL, .fallback = "true", .offset = offsetof(struct sign_options, enable),
	  .text = "Whether mail is signed with the DKIM keys that the config names." },
	{ .key = "virtual_domains", .type = CONFIG_CUSTOM, .read = read_domains,
	  .text = "In each domain, `dkim` names the key that signs its users' mail: {selector, key}, or a list of them." },
	{ .key = "srs.dkim", .type = CONFIG_CUSTOM, .read = read_forward,
	  .text = "The key that signs forwarded mail with srs_domain as its domain: {selector, key}, or a list of them." },
	{ .key = NULL }
};
