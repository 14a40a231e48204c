/* Who is let in, or kept out, by name: access.c. */
#include "stage.h"

#include "base/arena.h"
#include "receive/screen.h"

static int begin(void **state)
{
	(void)state;
	stage_begin();
	return 0;
}

static int end(void **state)
{
	(void)state;
	stage_end();
	return 0;
}

static const char rules[] =
	"postscreen: {permit: [10.1.0.0/16, \"2001:db8:9::/48\"]}\n"
	"access:\n"
	"  permit: [192.0.2.0/25, \"2001:db8:1::/48\", Bob@Example.ORG, good.example, "
		".sub.example.net, m\xc3\xbcnchen.example]\n"
	"  deny: [192.0.2.0/24, 198.51.100.7, \"2001:db8::/32\", example.org, .example.net, "
		"'\"Odd Name\"@odd.example', .tld]\n";

static void clients(void **state)
{
	static const struct {
		const char *client;
		enum access access;
		bool spared;
	} rows[] = {
		{ "192.0.2.1", ACCESS_PERMIT, false },
		{ "192.0.2.127", ACCESS_PERMIT, false },
		{ "192.0.2.128", ACCESS_DENY, false },
		{ "::ffff:192.0.2.128", ACCESS_DENY, false },
		{ "198.51.100.7", ACCESS_DENY, false },
		{ "198.51.100.8", ACCESS_UNSAID, false },
		{ "2001:db8:1::5", ACCESS_PERMIT, false },
		{ "2001:db8:2::5", ACCESS_DENY, false },
		{ "2001:db9::5", ACCESS_UNSAID, false },
		{ "10.1.2.3", ACCESS_UNSAID, true },
		{ "10.2.2.3", ACCESS_UNSAID, false },
		{ "2001:db8:9::1", ACCESS_DENY, true },
	};
	struct screen_options o = { 0 };

	(void)state;
	assert_string_equal(stage_options(&o, rules), "");
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct inet_addr a;

		assert_true(inet_parse(&a, str_of(rows[i].client)));
		row_true(i, access_client(&o, &a) == rows[i].access);
		row_true(i, access_spares(&o, &a) == rows[i].spared);
	}
}

static void senders(void **state)
{
	static const struct {
		const char *sender;
		enum access access;
	} rows[] = {
		{ "bob@example.org", ACCESS_PERMIT },
		{ "BOB@EXAMPLE.ORG", ACCESS_PERMIT },
		{ "alice@example.org", ACCESS_DENY },
		{ "bob@www.example.org", ACCESS_UNSAID },
		{ "x@good.example", ACCESS_PERMIT },
		{ "x@sub.good.example", ACCESS_UNSAID },
		{ "x@notgood.example", ACCESS_UNSAID },
		/* below it, not it */
		{ "x@example.net", ACCESS_UNSAID },
		{ "x@www.example.net", ACCESS_DENY },
		{ "x@sub.example.net", ACCESS_DENY },
		{ "x@deep.sub.example.net", ACCESS_PERMIT },
		{ "x@badexample.net", ACCESS_UNSAID },
		{ "x@anything.tld", ACCESS_DENY },
		{ "x@m\xc3\xbcnchen.example", ACCESS_PERMIT },
		{ "x@xn--mnchen-3ya.example", ACCESS_PERMIT },
		{ "\"odd name\"@odd.example", ACCESS_DENY },
		{ "odd@odd.example", ACCESS_UNSAID },
		{ "\"bob@example.org\"@elsewhere.example", ACCESS_UNSAID },
		{ "x@[192.0.2.1]", ACCESS_UNSAID },
	};
	struct arena *arena = arena_create();
	struct screen_options o = { 0 };
	struct address a = { STR_NONE, STR_NONE };

	(void)state;
	assert_string_equal(stage_options(&o, rules), "");
	assert_int_equal(access_sender(&o, &a), ACCESS_UNSAID);
	a.local = STR("postmaster");
	assert_int_equal(access_sender(&o, &a), ACCESS_UNSAID);
	for (size_t i = 0; i < ROWS(rows); i++) {
		row_true(i, address_parse(&a, str_of(rows[i].sender), arena));
		row_true(i, access_sender(&o, &a) == rows[i].access);
	}
	arena_destroy(&arena);
}

static void config(void **state)
{
	static const struct {
		const char *yaml, *problem;
	} rows[] = {
		{ "access: {permit: [], deny: []}\n", "" },
		{ "access: {permit: null}\n", "" },
		{ "access: {permit: 192.0.2.1}\n", "" },
		{ "access: {deny: example.com}\n", "" },
		{ "access: {deny: [192.0.2.0/33]}\n", "1:17: access: expected a network such as" },
		{ "access: {deny: [example.com/24]}\n", "1:17: access: expected a network such as" },
		{ "access: {deny: [alice@]}\n", "1:17: access: expected a network such as" },
		{ "access: {deny: [\"@example.com\"]}\n", "1:17: access: expected a network such as" },
		{ "access: {deny: [a..b]}\n", "1:17: access: expected a network such as" },
		{ "access: {deny: [\"*.example.com\"]}\n", "1:17: access: expected a network such as" },
		{ "access: {deny: [192.0.2.300]}\n", "1:17: access: expected a network such as" },
		{ "access: {deny: [.]}\n", "1:17: access: expected a network such as" },
		{ "access: {deny: [\"\"]}\n", "1:17: access: expected a network such as" },
		{ "access: {deny: [{a: b}]}\n", "1:17: access: expected a network such as" },
		{ "access: {deny: [\"<>\"]}\n", "1:17: access: bounces come from <>" },
		{ "access: {deni: []}\n", "1:10: unknown key \"deni\"; did you mean \"deny\"?" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct screen_options o = { 0 };
		const char *problem;

		stage_begin();
		problem = stage_options(&o, rows[i].yaml);
		if (strncmp(problem, rows[i].problem, strlen(rows[i].problem)) != 0 ||
			(rows[i].problem[0] == '\0') != (problem[0] == '\0'))
			fail_msg("row %zu: %s", i, problem);
		stage_end();
	}
}

/* Nothing is said where nothing stands. */
static void empty(void **state)
{
	struct inet_addr client = { .ip = { 192, 0, 2, 1 } };
	struct address sender = { STR("alice"), STR("example.com") };
	struct screen_options o = { 0 };

	(void)state;
	assert_string_equal(stage_options(&o, "postscreen: {}\n"), "");
	assert_int_equal(access_client(&o, &client), ACCESS_UNSAID);
	assert_int_equal(access_sender(&o, &sender), ACCESS_UNSAID);
	assert_false(access_spares(&o, &client));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(clients, begin, end),
		cmocka_unit_test_setup_teardown(senders, begin, end),
		cmocka_unit_test(config),
		cmocka_unit_test_setup_teardown(empty, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
