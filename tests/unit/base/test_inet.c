/* Addresses, endpoints, networks. */
#include "../unit.h"
#include "base/inet.h"

static void endpoints(void **state)
{
	static const struct { const char *in; uint16_t port; const char *out; } rows[] = {
		{ "127.0.0.1:25", 0, "127.0.0.1:25" }, { "[::1]:25", 0, "[::1]:25" }, { "::1", 53, "[::1]:53" },
		{ "[::1]", 53, "[::1]:53" }, { "192.0.2.1", 53, "192.0.2.1:53" }, { "[::ffff:192.0.2.1]:25", 0, "192.0.2.1:25" },
		{ "127.0.0.1", 0, NULL }, { "127.0.0.1:", 25, NULL }, { "127.0.0.1:0", 0, NULL }, { "127.0.0.1:65536", 0, NULL },
		{ "[::1]:", 25, NULL }, { "[::1]x25", 25, NULL }, { "[::1", 25, NULL }, { "host:25", 0, NULL }, { "", 25, NULL },
		{ "127.0.0.1:25x", 0, NULL }, { "1.2.3:25", 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct endpoint e;
		char text[INET_TEXT_MAX];

		row_true(i, endpoint_parse(&e, str_of(rows[i].in), rows[i].port) == (rows[i].out != NULL));
		if (rows[i].out)
			row_text(i, str_of(endpoint_text(&e, text)), str_of(rows[i].out));
	}
}

static void sockaddrs(void **state)
{
	static const char *const rows[] = { "192.0.2.7:4321", "[2001:db8::5]:1" };

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct endpoint e, back;
		struct sockaddr_storage sa;
		char text[INET_TEXT_MAX];

		assert_true(endpoint_parse(&e, str_of(rows[i]), 0));
		endpoint_sockaddr(&e, &sa);
		assert_true(endpoint_of(&back, (struct sockaddr *)&sa));
		row_text(i, str_of(endpoint_text(&back, text)), str_of(rows[i]));
	}
}

static void networks(void **state)
{
	static const struct { const char *net, *in, *out; } rows[] = {
		{ "10.0.0.0/8", "10.255.1.2", "11.0.0.1" }, { "192.0.2.1", "192.0.2.1", "192.0.2.2" },
		{ "0.0.0.0/0", "8.8.8.8", "::1" }, { "192.0.2.128/25", "192.0.2.200", "192.0.2.127" },
		{ "2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1" }, { "::1/128", "::1", "::2" },
		{ "10.0.0.0/31", "10.0.0.1", "10.0.0.2" },
	};
	static const char *const bad[] = { "10.0.0.0/33", "::/129", "x/8", "10.0.0.0/", "10.0.0.0/-1", "/8" };
	struct network n;
	struct inet_addr a;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		row_true(i, network_parse(&n, str_of(rows[i].net)));
		row_true(i, inet_parse(&a, str_of(rows[i].in)) && network_has(&n, &a));
		row_true(i, inet_parse(&a, str_of(rows[i].out)) && !network_has(&n, &a));
	}
	for (size_t i = 0; i < ROWS(bad); i++)
		row_true(i, !network_parse(&n, str_of(bad[i])));
}

static void kinds(void **state)
{
	static const struct { const char *in; bool loopback, private; } rows[] = {
		{ "127.3.4.5", true, false }, { "::1", true, false }, { "::ffff:127.0.0.1", true, false },
		{ "10.1.2.3", false, true }, { "172.31.0.1", false, true }, { "172.32.0.1", false, false },
		{ "192.168.1.1", false, true }, { "100.64.0.1", false, true }, { "169.254.0.1", false, true },
		{ "fd00::1", false, true }, { "fe80::1", false, true }, { "2001:db8::1", false, false },
		{ "192.0.2.1", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct inet_addr a;

		row_true(i, inet_parse(&a, str_of(rows[i].in)));
		row_true(i, inet_is_loopback(&a) == rows[i].loopback);
		row_true(i, inet_is_private(&a) == rows[i].private);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(endpoints), cmocka_unit_test(sockaddrs),
		cmocka_unit_test(networks), cmocka_unit_test(kinds) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
