/*
 * spf_identity.c - the values that macros stand for
 *
 * From     spf.c, once for each check.
 * See      RFC 7208 sections 2.4, 4.3, 7.2 and 7.3.
 */
#include "spf_identity.h"
#include "spf_name.h"

#include <stdio.h>

/* 192.0.2.1, or 2.0.0.1.0.D.B.8. ... */
static void print_dotted(const struct inet_addr *a, char out[64])
{
	char text[INET_TEXT_MAX];

	if (!a->v6) {
		snprintf(out, 64, "%.63s", inet_text(a, text));
		return;
	}
	for (size_t i = 0; i < 16; i++)
		snprintf(out + 4 * i, 64 - 4 * i, "%X.%X%s", a->ip[i] >> 4, a->ip[i] & 15U,
			i < 15 ? "." : "");
}

/* Without the final dot. */
static void print_name(struct str domain, char out[256])
{
	struct str name = spf_name_fit(domain);

	if (!spf_name_is_checkable(domain))
		return;
	for (size_t i = 0; i < name.n; i++)
		out[i] = str_lower(name.p[i]);
	out[name.n] = '\0';
}

struct spf_identity spf_identity_of(
	const struct spf_question *question, int64_t now, struct arena *a)
{
	const struct address *sender = &question->sender;
	bool null = address_is_null(sender);
	struct spf_identity who = { .client = question->client };

	who.helo = arena_str(a, question->helo);
	who.local = sender->local.n ? arena_str(a, sender->local) : STR("postmaster");
	who.domain = null ? who.helo : arena_str(a, sender->domain);
	who.sender = str_of(arena_printf(a, "%.*s@%.*s", STR_FMT(who.local), STR_FMT(who.domain)));
	who.receiver = arena_str(a, str_of(question->receiver ? question->receiver : "unknown"));
	print_name(who.domain, who.name);
	inet_text(&question->client, who.plain);
	print_dotted(&question->client, who.dotted);
	snprintf(who.time, sizeof who.time, "%lld", (long long)now);
	return who;
}
