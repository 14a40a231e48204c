/*
 * access.c - whom the operator lets in, or keeps out, by network, sender or domain
 *
 * From     screen.c and cmd_mail.c, with a client or a sender.
 * Owns     nothing: the lists live in the config.
 * Never    lets anybody relay: a sender is only what the client claims.
 */
#include "access_list.h"

#include "base/limits.h"
#include "receive/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the config ---- */

static void wrong(struct config *c, const struct config_node *node)
{
	config_error(c, node, "access: expected a network such as 192.0.2.0/24, a sender such as "
		"alice@example.com, a domain such as example.com, or .example.com for all below "
		"it%s%.*s", config_kind(node) == CONFIG_SCALAR ? "; not " : "",
		STR_FMT(config_text(node)));
}

static bool parse_sender(const char **out, struct str text, struct arena *arena)
{
	bool below = str_starts(text, STR("."));
	struct address a;
	struct str domain;
	uint64_t number;

	if (str_find(text, '@') >= 0) {
		if (!address_parse(&a, text, arena))
			return false;
		*out = address_key(&a, arena).p;
		return true;
	}
	if (!address_parse_domain(&domain, str_skip(text, below), arena))
		return false;
	/* a mistyped address */
	if (str_number(str_skip(domain, (size_t)(str_rfind(domain, '.') + 1)), &number))
		return false;
	*out = below ? arena_printf(arena, ".%s", domain.p) : domain.p;
	return true;
}

static void read_entry(struct config *c, const struct config_node *node, struct access_list *list)
{
	struct str text = config_text(node);

	if (config_kind(node) != CONFIG_SCALAR)
		wrong(c, node);
	else if (network_parse(&list->networks[list->network_count], text))
		list->network_count++;
	else if (str_eq(text, STR("<>")))
		config_error(c, node, "access: bounces come from <>; it can't be listed");
	else if (str_find(text, '/') < 0 &&
		parse_sender(&list->senders[list->sender_count], text, config_arena(c)))
		list->sender_count++;
	else
		wrong(c, node);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void access_read(struct config *c, const struct config_node *node, void *field)
{
	struct access_list *list = field;
	bool many = config_kind(node) == CONFIG_LIST;
	size_t n = many ? config_count(node) : config_kind(node) != CONFIG_NULL;

	*list = (struct access_list){
		.networks = arena_alloc(config_arena(c), (n + 1) * sizeof *list->networks),
		.senders = arena_alloc(config_arena(c), (n + 1) * sizeof *list->senders) };
	for (size_t i = 0; i < n; i++)
		read_entry(c, many ? config_item(node, i) : node, list);
	if (list->sender_count)
		qsort(list->senders, list->sender_count, sizeof *list->senders, by_text);
}

/* ---- the questions ---- */

static bool has_client(const struct access_list *list, const struct inet_addr *client)
{
	for (size_t i = 0; i < list->network_count; i++)
		if (network_has(&list->networks[i], client))
			return true;
	return false;
}

static bool has_key(const struct access_list *list, const char *key)
{
	return list->sender_count > 0 && bsearch(&key, list->senders, list->sender_count,
		sizeof *list->senders, by_text) != NULL;
}

/* key: "alice@www.example.com" in lower case; then the domain, then ".example.com", ".com" */
static bool has_sender(const struct access_list *list, const char *key)
{
	const char *domain = strrchr(key, '@') + 1;

	if (has_key(list, key) || has_key(list, domain))
		return true;
	for (const char *dot = strchr(domain, '.'); dot; dot = strchr(dot + 1, '.'))
		if (has_key(list, dot))
			return true;
	return false;
}

bool access_spares(const struct screen_options *options, const struct inet_addr *client)
{
	for (size_t i = 0; i < options->permit.n; i++)
		if (network_has(&options->permit.v[i], client))
			return true;
	return false;
}

enum access access_client(const struct screen_options *options, const struct inet_addr *client)
{
	if (has_client(&options->access_permit, client))
		return ACCESS_PERMIT;
	return has_client(&options->access_deny, client) ? ACCESS_DENY : ACCESS_UNSAID;
}

enum access access_sender(const struct screen_options *options, const struct address *sender)
{
	char key[LIMIT_LOCAL_PART_IN + LIMIT_DOMAIN + 2];
	int n = snprintf(key, sizeof key, "%.*s@%.*s", STR_FMT(sender->local),
		STR_FMT(sender->domain));

	if (sender->domain.n == 0 || n < 0 || (size_t)n >= sizeof key)
		return ACCESS_UNSAID;
	for (char *p = key; *p; p++)
		*p = str_lower(*p);
	if (has_sender(&options->access_permit, key))
		return ACCESS_PERMIT;
	return has_sender(&options->access_deny, key) ? ACCESS_DENY : ACCESS_UNSAID;
}
