/* What can be wrong with the accounts in a config, and where it is told: src/route/options.c, routes.c. */
#include "../unit.h"
#include "folder.h"
#include "place.h"

#include "base/limits.h"

#include <stdio.h>
#include <sys/stat.h>

#define HASH "$y$j9T$abcdefgh$IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlEu9"
#define HEAD "srs: {srs_domain: srs.example.com, srs_secret: a-long-and-random-text}\nvirtual_domains:\n"
/* HEAD has two lines: what follows begins in line 3 */
#define ACCOUNTS HEAD "  example.com:\n    accounts:\n"

struct row {
	const char *yaml;
	const char *problems;          /* LINE:COLUMN: text, the beginnings of the lines; NULL: none at all */
};

/* Each line of want begins a line of got, in the same order, and there are no others. */
static bool same_problems(struct str got, struct str want)
{
	while (want.n && got.n)
		if (!str_starts(str_cut(&got, '\n'), str_cut(&want, '\n')))
			return false;
	return !want.n && !got.n;
}

static void check_rows(void **state, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct place p;
		bool good = true;

		place_make(&p, state, rows[i].yaml, "mail.example.com");
		if (!same_problems(buf_str(&p.problems), str_of(rows[i].problems)))
			fail_msg("row %zu: got\n%s\nwant\n%s", i, buf_text(&p.problems),
				rows[i].problems ? rows[i].problems : "");
		good = config_is_right(p.config);
		row_true(i, good == (p.routes != NULL));
		place_clear(&p);
	}
}

static void right(void **state)
{
	static const struct row rows[] = {
		{ ACCOUNTS "    - {name: alice, forward: alice@gmail.com}\n", NULL },
		{ ACCOUNTS "    - name: alice\n      password: " HASH "\n      forward: [a@gmail.com, b@gmail.com]\n"
			"      dot_plus_rewrite: false\n      aliases: [al, ali]\n      send_as_aliases: true\n"
			"    blackholes: [alice.spammy]\n", NULL },
		{ ACCOUNTS "    - {name: \"*\", forward: alice@gmail.com}\n", NULL },
		{ ACCOUNTS "    - {name: alice, forward: alice@gmail.com, aliases: al}\n    blackholes: spam\n", NULL },
		{ ACCOUNTS "    - {name: '\"john doe\"', forward: alice@gmail.com}\n", NULL },
		{ ACCOUNTS "    - {name: \xe7\x8c\xab, forward: \xe7\x8c\xab@b\xc3\xbc" "cher.example}\n", NULL },
		{ HEAD "  b\xc3\xbc" "cher.example:\n    accounts: [{name: a, forward: b@gmail.com}]\n", NULL },
		{ ACCOUNTS "    - {name: a, forward: alice@gmail.com}\n  example.org:\n", NULL },
		{ ACCOUNTS "    - {name: a, forward: alice@gmail.com}\n  example.org: {}\n", NULL },
		{ ACCOUNTS "    - {name: a, forward: b@Example.com}\n    - {name: B, forward: c+x@example.org}\n"
			"  example.org:\n    accounts: [{name: c, forward: d@gmail.com}]\n", NULL },
		{ "srs: {srs_domain: srs.example.com}\npostmaster: me@gmail.com\n", NULL },
		{ "srs: {srs_domain: srs.example.com}\npostmaster: me@gmail.com\nvirtual_domains: {example.com: }\n", NULL },
		{ "srs: {srs_domain: srs.example.com}\nblackhole_action: defer\npostmaster: al@example.com\n"
			"virtual_domains: {example.com: {accounts: [{name: a, aliases: al, forward: x@gmail.com}]}}\n", NULL },
		/* a fan of our own addresses that meets again is no loop */
		{ ACCOUNTS "    - {name: a, forward: [b@example.com, c@example.com, d@example.com]}\n"
			"    - {name: b, forward: d@example.com}\n    - {name: c, forward: d@example.com}\n"
			"    - {name: d, forward: x@gmail.com}\n", NULL },
	};

	check_rows(state, rows, ROWS(rows));
}

static void domains(void **state)
{
	static const struct row rows[] = {
		{ "srs: {srs_domain: srs.example.com}\n", "1:1: nobody would get any mail" },
		{ "srs: {srs_domain: srs.example.com}\nvirtual_domains: {example.com: {blackholes: [x]}}\n",
		  "2:18: nobody would get any mail" },
		{ HEAD "- example.com\n", "3:1: virtual_domains: expected domains" },
		{ HEAD "  example.com: nonsense\n", "3:16: example.com: expected accounts: below it" },
		{ HEAD "  \"\": {accounts: [{name: a, forward: b@gmail.com}]}\n", "3:3: virtual_domains: a domain without a name" },
		{ HEAD "  not_a domain: {accounts: [{name: a, forward: b@gmail.com}]}\n",
		  "3:3: virtual_domains: \"not_a domain\" is no domain" },
		{ HEAD "  a..b: {accounts: [{name: a, forward: nobody}]}\n",
		  "3:3: virtual_domains: \"a..b\" is no domain\n3:40: forward: expected an address such as alice@gmail.com, not nobody" },
		{ HEAD "  \"[192.0.2.1]\": {accounts: [{name: a, forward: b@gmail.com}]}\n", "3:3: virtual_domains:" },
		{ HEAD "  alice@example.com: {accounts: [{name: a, forward: b@gmail.com}]}\n", "3:3: virtual_domains:" },
		{ HEAD "  example.com: {accounts: [{name: a, forward: b@gmail.com}]}\n"
			"  Example.COM: {accounts: [{name: c, forward: b@gmail.com}]}\n",
		  "4:3: the domain example.com is here twice" },
		{ HEAD "  b\xc3\xbc" "cher.example: {accounts: [{name: a, forward: b@gmail.com}]}\n"
			"  xn--bcher-kva.example: {accounts: [{name: c, forward: b@gmail.com}]}\n",
		  "4:3: the domain xn--bcher-kva.example is here twice" },
		{ HEAD "  example.com: {accounts: {name: a, forward: b@gmail.com}}\n",
		  "3:27: accounts: expected a list" },
		{ HEAD "  example.com: {acounts: [{name: a, forward: b@gmail.com}]}\n",
		  "3:3: nobody would\n3:17: unknown key \"acounts\"; did you mean \"accounts\"?" },
	};

	check_rows(state, rows, ROWS(rows));
}

static void accounts(void **state)
{
	static const struct row rows[] = {
		{ ACCOUNTS "    - alice\n", "5:7: accounts: expected name: and forward:" },
		{ ACCOUNTS "    - {forward: b@gmail.com}\n", "5:7: this account of example.com has no name" },
		{ ACCOUNTS "    - {name: [a], forward: b@gmail.com}\n", "5:14: name: expected what stands before the @" },
		{ ACCOUNTS "    - {name: \"\", forward: b@gmail.com}\n", "5:14: name: \"\" can't stand before an @" },
		{ ACCOUNTS "    - {name: a b, forward: b@gmail.com}\n", "5:14: name: \"a b\" can't stand before an @" },
		{ ACCOUNTS "    - {name: .a, forward: b@gmail.com}\n", "5:14: name: \".a\" can't" },
		{ ACCOUNTS "    - {name: a@example.com, forward: b@gmail.com}\n",
		  "5:14: name: write only what stands before the @; the domain is example.com already" },
		{ ACCOUNTS "    - {name: a, forwad: b@gmail.com}\n",
		  "5:14: the account \"a\" has no forward\n5:17: unknown key \"forwad\"; did you mean \"forward\"?" },
		{ ACCOUNTS "    - {name: a, forward: }\n", "5:14: the account \"a\" has no forward" },
		{ ACCOUNTS "    - {name: a, forward: []}\n", "5:14: the account \"a\" has no forward" },
		{ ACCOUNTS "    - {name: a, forward: [b@gmail.com, bob, {x: y}]}\n",
		  "5:40: forward: expected an address such as alice@gmail.com, not bob\n"
		  "5:45: forward: expected an address such as alice@gmail.com" },
		{ ACCOUNTS "    - {name: a, forward: b@gmail..com}\n", "5:26: forward: expected an address" },
		{ ACCOUNTS "    - {name: a, forward: b@gmail.com, aliases: [x@example.com, \"y z\"]}\n",
		  "5:49: aliases: write only\n5:64: aliases: \"y z\" can't" },
		{ ACCOUNTS "    - {name: a, forward: b@gmail.com}\n    blackholes: [x@example.com, {y: z}]\n",
		  "6:18: blackholes: write only\n6:33: blackholes: expected what" },
		{ ACCOUNTS "    - {name: a, forward: b@gmail.com, dot_plus_rewrite: maybe}\n",
		  "5:57: dot_plus_rewrite: expected true or false" },
		{ "blackhole_action: drop\n" ACCOUNTS "    - {name: a, forward: b@gmail.com}\n",
		  "1:19: blackhole_action: expected reject, defer or discard" },
		{ "postmaster: me\n" ACCOUNTS "    - {name: a, forward: b@gmail.com}\n",
		  "1:13: postmaster: expected an address" },
	};

	check_rows(state, rows, ROWS(rows));
}

static void names_twice(void **state)
{
	static const struct row rows[] = {
		{ ACCOUNTS "    - {name: al, forward: b@gmail.com}\n    - {name: AL, forward: b@gmail.com}\n",
		  "6:14: \"AL\" is already the name of the account \"al\" of example.com" },
		{ ACCOUNTS "    - {name: a, aliases: [x], forward: b@gmail.com}\n"
			"    - {name: b, aliases: [X], forward: b@gmail.com}\n",
		  "6:27: \"X\" is already an alias of the account \"a\" of example.com" },
		{ ACCOUNTS "    - {name: a, aliases: [b], forward: b@gmail.com}\n"
			"    - {name: b, forward: b@gmail.com}\n",
		  "5:27: \"b\" is already the name of the account \"b\" of example.com" },
		{ ACCOUNTS "    - {name: a, aliases: [x, a, x], forward: b@gmail.com}\n",
		  "5:30: \"a\" is already the name\n5:33: \"x\" is already an alias" },
		{ ACCOUNTS "    - {name: \"*\", forward: b@gmail.com}\n    - {name: \"*\", forward: c@gmail.com}\n",
		  "6:14: \"*\" is already an account of example.com" },
		{ ACCOUNTS "    - {name: a, forward: b@gmail.com}\n  example.org:\n    accounts:\n"
			"    - {name: a, forward: b@gmail.com}\n", NULL },
		{ ACCOUNTS "    - {name: a, aliases: x, forward: b@gmail.com}\n    blackholes: [A, x, y, Postmaster]\n",
		  "6:18: warning: blackholes: \"A\" is also the name of the account \"a\"\n"
		  "6:21: warning: blackholes: \"x\" is also an alias of the account \"a\"\n"
		  "6:27: warning: blackholes: postmaster must be reachable" },
	};

	check_rows(state, rows, ROWS(rows));
}

static void ways(void **state)
{
	static const struct row rows[] = {
		{ ACCOUNTS "    - {name: a, forward: a@example.com}\n",
		  "5:26: mail would run in a loop: a@example.com -> a@example.com;" },
		{ ACCOUNTS "    - {name: a, forward: [x@gmail.com, A@Example.com]}\n",
		  "5:40: mail would run in a loop: a@example.com -> a@example.com;" },
		{ ACCOUNTS "    - {name: a, forward: b@example.com}\n    - {name: b, forward: c@example.com}\n"
			"    - {name: c, forward: a@example.com}\n",
		  "5:26: mail would run in a loop: a@example.com -> b@example.com -> c@example.com -> a@example.com;" },
		/* told once, and not at the one that leads into it */
		{ ACCOUNTS "    - {name: x, forward: a@example.com}\n    - {name: a, forward: b@example.com}\n"
			"    - {name: b, forward: a@example.com}\n",
		  "6:26: mail would run in a loop: a@example.com -> b@example.com -> a@example.com;" },
		/* two loops */
		{ ACCOUNTS "    - {name: a, forward: a@example.com}\n    - {name: b, forward: b@example.com}\n",
		  "5:26: mail would run in a loop: a@\n6:26: mail would run in a loop: b@" },
		/* by an alias, an extension, the catch-all, the postmaster */
		{ ACCOUNTS "    - {name: a, aliases: [al], forward: al@example.com}\n",
		  "5:41: mail would run in a loop: al@example.com -> al@example.com;" },
		{ ACCOUNTS "    - {name: a, forward: b+x@example.com}\n    - {name: b, forward: a.y@example.com}\n",
		  "5:26: mail would run in a loop: " },
		{ ACCOUNTS "    - {name: a, forward: x@gmail.com}\n    - {name: \"*\", forward: nobody@example.com}\n",
		  "6:28: mail would run in a loop: nobody@example.com -> nobody@example.com;" },
		{ ACCOUNTS "    - {name: a, forward: postmaster@example.com}\n",
		  "5:26: mail would run in a loop: postmaster@example.com -> postmaster@example.com;" },
		{ "postmaster: postmaster@example.com\n" ACCOUNTS "    - {name: a, forward: x@gmail.com}\n",
		  "1:13: mail would run in a loop: postmaster@example.com -> postmaster@example.com;" },
		{ "postmaster: postmaster@example.com\n" ACCOUNTS "    - {name: postmaster, forward: x@gmail.com}\n", NULL },
		/* dead ends */
		{ ACCOUNTS "    - {name: a, forward: b@example.com}\n",
		  "5:26: b@example.com is at a domain of ours, but there is no such account" },
		{ ACCOUNTS "    - {name: x, forward: a@example.com}\n    - {name: a, forward: b@example.com}\n",
		  "6:26: b@example.com is at a domain of ours" },
		{ ACCOUNTS "    - {name: a, dot_plus_rewrite: false, forward: x@gmail.com}\n"
			"    - {name: b, forward: a+x@example.com}\n", "6:26: a+x@example.com is at a domain of ours" },
		{ ACCOUNTS "    - {name: a, forward: x@srs.example.com}\n", "5:26: x@srs.example.com is at a domain of ours" },
		{ ACCOUNTS "    - {name: a, forward: postmaster@srs.example.com}\n    - {name: b, forward: x@gmail.com}\n",
		  "5:26: mail would run in a loop" },
		{ "postmaster: x@gmail.com\n" ACCOUNTS "    - {name: a, forward: postmaster@srs.example.com}\n", NULL },
		{ ACCOUNTS "    - {name: a, forward: spam@example.com}\n    blackholes: [spam]\n",
		  "5:26: spam@example.com is a blackhole" },
		{ "postmaster: who@example.com\n" ACCOUNTS "    - {name: a, forward: x@gmail.com}\n",
		  "1:13: who@example.com is at a domain of ours" },
	};

	check_rows(state, rows, ROWS(rows));
}

/* A chain of accounts, each forwarding to the next; the last one leads out. */
static const char *chain(struct arena *arena, int length)
{
	struct buf yaml;
	const char *text;

	buf_init(&yaml, 1 << 20);
	buf_addf(&yaml, "%s", ACCOUNTS);
	for (int i = 0; i < length; i++)
		buf_addf(&yaml, "    - {name: a%d, forward: a%d@%s}\n", i, i + 1,
			i + 1 < length ? "example.com" : "gmail.com");
	text = arena_text(arena, buf_str(&yaml));
	buf_finish(&yaml);
	return text;
}

static void too_deep(void **state)
{
	struct arena *arena = arena_create();
	struct row rows[] = {
		{ chain(arena, LIMIT_ROUTE_DEPTH + 1), NULL },
		{ chain(arena, LIMIT_ROUTE_DEPTH + 2), "5:27: forwarded more than 10 times before it leaves: "
			"a0@example.com -> a1@example.com -> a2@example.com" },
	};

	check_rows(state, rows, ROWS(rows));
	arena_destroy(&arena);
}

static const char *fan(struct arena *arena, int targets)
{
	struct buf yaml;
	const char *text;

	buf_init(&yaml, 1 << 20);
	buf_addf(&yaml, "%s", ACCOUNTS "    - {name: all, forward: [half0@example.com, half1@example.com]}\n");
	for (int half = 0; half < 2; half++) {
		buf_addf(&yaml, "    - name: half%d\n      forward:\n", half);
		for (int i = half; i < targets; i += 2)
			buf_addf(&yaml, "      - user%d@gmail.com\n", i);
	}
	text = arena_text(arena, buf_str(&yaml));
	buf_finish(&yaml);
	return text;
}

static void too_many(void **state)
{
	struct arena *arena = arena_create();
	struct row rows[] = {
		{ fan(arena, LIMIT_TARGETS), NULL },
		{ fan(arena, LIMIT_TARGETS + 1), "5:48: this leads to more than 100 addresses in the end" },
		{ fan(arena, 2 * LIMIT_TARGETS + 1), "8:7: forward: 101 addresses, at most 100 are possible" },
	};

	check_rows(state, rows, ROWS(rows));
	arena_destroy(&arena);
}

static void passwords(void **state)
{
	static const struct row rows[] = {
		{ ACCOUNTS "    - {name: a, forward: b@gmail.com, password: alice_pw}\n",
		  "5:49: warning: password: it stands here in the clear; run `waypost password`" },
		{ ACCOUNTS "    - {name: a, forward: b@gmail.com, password: \"" HASH "\"}\n", NULL },
		{ ACCOUNTS "    - {name: a, forward: b@gmail.com, password: $1$salt$ez2vlPGdaLYkJam5pWs/Y1}\n",
		  "5:49: password: of the hashes of crypt(5)" },
		{ ACCOUNTS "    - {name: a, forward: b@gmail.com, password: \"\"}\n", "5:49: password: it is empty" },
		{ ACCOUNTS "    - {name: a, forward: b@gmail.com, password: [x]}\n", "5:49: password: expected a text" },
		{ ACCOUNTS "    - {name: a, forward: b@gmail.com, password: }\n", NULL },
		{ ACCOUNTS "    - {name: \"*\", forward: b@gmail.com, password: \"" HASH "\"}\n",
		  "5:51: password: \"*\" is nobody and can't log in" },
	};

	check_rows(state, rows, ROWS(rows));
}

/* A file with passwords that all may read. */
static void private(void **state)
{
	struct config *c;
	struct route_options options;
	struct buf problems;

	folder_write(state, "c.yaml", STR(ACCOUNTS "    - {name: a, forward: b@gmail.com, password: \"" HASH "\"}\n"));
	assert_int_equal(chmod(folder_file(state, "c.yaml"), 0644), 0);
	c = config_load(folder_file(state, "c.yaml"));
	config_read_table(c, config_root(c), route_rows, &options);
	buf_init(&problems, 1 << 16);
	config_print_problems(c, &problems);
	assert_non_null(strstr(buf_text(&problems), "warning: "));
	assert_non_null(strstr(buf_text(&problems), "holds a secret"));
	buf_finish(&problems);
	config_destroy(&c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)
int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(right), TEST(domains), TEST(accounts), TEST(names_twice), TEST(ways), TEST(too_deep),
		TEST(too_many), TEST(passwords), TEST(private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
