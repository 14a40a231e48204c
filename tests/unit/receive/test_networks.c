/* What one network may do: connections at once and a minute, rates an hour, each for itself. */
#include "../unit.h"

#include "networks.h"

#include "base/limits.h"

#include <stdio.h>

static const struct receive_options options = {
	.clients_per_network = 5, .network_connections_per_minute = 8, .network_messages_per_hour = 3,
	.network_recipients_per_hour = 4, .network_unknown_per_hour = 2, .network_errors_per_hour = 6,
};

static struct inet_addr parse(const char *text)
{
	struct inet_addr a;

	assert_true(inet_parse(&a, str_of(text)));
	return a;
}

static void at_once(void **state)
{
	struct networks *n = networks_create(&options);
	struct inet_addr a = parse("2001:db8::1"), b = parse("2001:db8::ffff:2"), other = parse("2001:db8:0:1::1");
	const char *text = NULL;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_true(networks_enter(n, i % 2 ? &a : &b, &text));
	assert_false(networks_enter(n, &a, &text));
	assert_string_equal(text, "Too many connections from your network");
	assert_true(networks_enter(n, &other, &text));
	networks_leave(n, &b);
	assert_true(networks_enter(n, &a, &text));
	for (int i = 0; i < 5; i++)
		networks_leave(n, &a);
	networks_leave(n, &other);
	/* 6 of 8 were let in; who was turned away did not count */
	assert_true(networks_enter(n, &a, &text));
	assert_true(networks_enter(n, &b, &text));
	assert_false(networks_enter(n, &a, &text));
	assert_string_equal(text, "Too many new connections from your network, try again later");
	networks_destroy(&n);
	assert_null(n);
}

static void rates(void **state)
{
	static const struct { enum network_rate rate; int64_t limit; } rows[] = {
		{ RATE_CONNECTIONS, 8 }, { RATE_MESSAGES, 3 }, { RATE_RECIPIENTS, 4 }, { RATE_UNKNOWN, 2 }, { RATE_ERRORS, 6 },
	};
	struct networks *n = networks_create(&options);
	struct inet_addr a = parse("192.0.2.1"), b = parse("192.0.2.2");

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		row_true(i, networks_limit(n, rows[i].rate) == rows[i].limit);
		for (int64_t k = 0; k < rows[i].limit; k++) {
			row_true(i, networks_count(n, rows[i].rate, &a) == k);
			row_true(i, networks_take(n, rows[i].rate, &a));
		}
		row_true(i, !networks_take(n, rows[i].rate, &a));
		row_true(i, networks_count(n, rows[i].rate, &a) == rows[i].limit);
		row_true(i, networks_count(n, rows[i].rate, &b) == 0);
	}
	networks_destroy(&n);
}

static void errors_shut_out(void **state)
{
	struct networks *n = networks_create(&options);
	struct inet_addr a = parse("192.0.2.1"), b = parse("192.0.2.2");
	const char *text = NULL;

	(void)state;
	for (int i = 0; i < 6; i++)
		networks_take(n, RATE_ERRORS, &a);
	assert_false(networks_enter(n, &a, &text));
	assert_string_equal(text, "Too many errors from your network, try again later");
	assert_true(networks_enter(n, &b, &text));
	networks_leave(n, &b);
	networks_destroy(&n);
}

/* However many come, memory is bounded: the one that was quiet for longest is forgotten. */
static void bounded(void **state)
{
	struct networks *n = networks_create(&options);
	struct inet_addr first = parse("10.0.0.1");

	(void)state;
	networks_take(n, RATE_MESSAGES, &first);
	for (uint32_t i = 0; i < LIMIT_NETWORKS; i++) {
		struct inet_addr a = { .ip = { 192, (unsigned char)(i >> 16), (unsigned char)(i >> 8), (unsigned char)i } };

		assert_true(networks_take(n, RATE_MESSAGES, &a));
	}
	assert_int_equal(networks_count(n, RATE_MESSAGES, &first), 0);
	networks_destroy(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_once), cmocka_unit_test(rates), cmocka_unit_test(errors_shut_out), cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
