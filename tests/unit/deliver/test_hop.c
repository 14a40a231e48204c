/* Which next hop a domain has, and how one is written. */
#include "../unit.h"
#include "hop.h"

#include <stdio.h>

static void parses(void **state)
{
	static const struct { const char *text, *host; unsigned port;
	} rows[] = {
		{ "mail.example.net:587", "mail.example.net", 587 },
		{ "Mail.Example.NET", "mail.example.net", 25 },
		{ "192.0.2.1:2525", "192.0.2.1", 2525 },
		{ "192.0.2.1", "192.0.2.1", 25 },
		{ "[2001:db8::1]:465", "2001:db8::1", 465 },
		{ "2001:db8::1", "2001:db8::1", 25 },
		{ "smtp_relay:25", "smtp_relay", 25 },
		{ "localhost:1", "localhost", 1 },
		{ "", NULL, 0 },
		{ ":25", NULL, 0 },
		{ "a:", NULL, 0 },
		{ "a:0", NULL, 0 },
		{ "a:65536", NULL, 0 },
		{ "a:x", NULL, 0 },
		{ "a..b", NULL, 0 },
		{ "a b", NULL, 0 },
		{ "a.", NULL, 0 },
		{ "a:25:25", NULL, 0 },
		{ "a\r\nb", NULL, 0 },
		{ "192.0.2.1:0", NULL, 0 },
		{ "[mail.example.net]:25", NULL, 0 },
	};
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct arena *arena = arena_create();
		struct hop hop = { 0 };
		bool good = hop_parse(&hop, str_of(rows[i].text), 25, arena);

		row_true(i, good == (rows[i].host != NULL));
		if (good) {
			row_text(i, str_of(hop.host), str_of(rows[i].host));
			row_true(i, hop.port == rows[i].port);
		}
		arena_destroy(&arena);
	}
}

static struct hop relay = { .host = "relay", .port = 25 };
static struct next_hop entries[] = {
	{ "gmail.com", { .host = "127.0.0.9", .port = 2525 } },
	{ "*", { .host = "2001:db8::1", .port = 465 } },
};

static void finds(void **state)
{
	static const struct { bool relay, entries; const char *domain, *want; } rows[] = {
		{ false, false, "gmail.com", NULL },
		{ true, false, "gmail.com", "relay:25" },
		{ true, true, "gmail.com", "127.0.0.9:2525" },
		{ true, true, "GMAIL.com", "127.0.0.9:2525" },
		{ true, true, "example.com", "relay:25" },
		{ false, true, "example.com", "[2001:db8::1]:465" },
		{ false, true, "sub.gmail.com", "[2001:db8::1]:465" },
		{ false, true, "gmail.com", "127.0.0.9:2525" },
	};
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct arena *arena = arena_create();
		struct deliver_options o = { .relay = rows[i].relay ? &relay : NULL,
			.next_hops = entries,
			.next_hop_count = rows[i].entries ? ROWS(entries) : 0 };
		const struct hop *hop = hop_find(&o, str_of(rows[i].domain));

		row_text(i, hop ? str_of(hop_text(hop, arena)) : STR_NONE, str_of(rows[i].want));
		arena_destroy(&arena);
	}
}

/* Mail that must be verified may share neither connection nor lane with mail that need not. */
static void lanes_differ_by_terms(void **state)
{
	struct next_hop hops[] = {
		{ "a.test", { .host = "mx", .port = 25, .tls = TLS_POLICY_OPPORTUNISTIC } },
		{ "b.test", { .host = "mx", .port = 25, .tls = TLS_POLICY_OPPORTUNISTIC } },
		{ "c.test", { .host = "mx", .port = 25, .tls = TLS_POLICY_VERIFY } },
		{ "d.test", { .host = "mx", .port = 26, .tls = TLS_POLICY_VERIFY } },
		{ "e.test", { .host = "mx", .port = 25, .username = "u", .password = "p" } },
	};
	static const char *const want[] = { "mx:25", "mx:25", "mx:25#3", "mx:26", "mx:25#4" };
	struct deliver_options o = { .next_hops = hops, .next_hop_count = ROWS(hops) };
	struct arena *arena = arena_create();

	(void)state;
	for (size_t i = 0; i < ROWS(hops); i++)
		row_text(i, str_of(hop_lane(&o, &hops[i].hop, arena)), str_of(want[i]));
	assert_true(hop_is_same(&hops[0].hop, &hops[1].hop));
	assert_false(hop_is_same(&hops[0].hop, &hops[2].hop));
	assert_false(hop_is_same(&hops[0].hop, &hops[4].hop));
	assert_false(hop_is_same(&hops[0].hop, NULL));
	assert_true(hop_is_same(NULL, NULL));
	arena_destroy(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),
		cmocka_unit_test(finds),
		cmocka_unit_test(lanes_differ_by_terms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
