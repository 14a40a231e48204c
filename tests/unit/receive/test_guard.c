/* Who hides clients: the kernel's routes in rows, private addresses, loopback. */
#include "../unit.h"

#include "guard.h"

#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ZERO "00000000000000000000000000000000"

static void routes(void **state)
{
	/* the addresses as a little-endian machine has them; the bytes are turned where it is not one */
	static const struct { const char *line, *gateway; } rows[] = {
		{ "eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0", "172.17.0.1" },
		{ "eth0 00000000 010200C0 0003 0 0 100 00000000 0 0 0", "192.0.2.1" },
		{ "eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0", NULL },      /* a link's */
		{ "eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000080\t0\t0\t0", NULL },      /* half the world */
		{ "eth0\t00000000\t010011AC\t0002\t0\t0\t0\t00000000\t0\t0\t0", NULL },      /* down */
		{ "tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0", NULL },      /* no gateway */
		{ "lo\t00000000\t010011AC\t0203\t0\t0\t0\t00000000\t0\t0\t0", NULL },        /* rejected */
		{ "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT", NULL },
		{ "eth0\t00000000\t010011AC\t0003", NULL }, { "", NULL },
		{ "eth0\t00000000\t1010011AC\t0003\t0\t0\t0\t00000000", NULL },
		{ "eth0\t00000000\tx10011AC\t0003\t0\t0\t0\t00000000", NULL },
	};
	const uint16_t one = 1;
	bool little = *(const unsigned char *)&one == 1;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct inet_addr a;
		char text[INET_TEXT_MAX];
		bool found = guard_read_route(&a, str_of(rows[i].line));

		row_true(i, found == (rows[i].gateway != NULL));
		if (found && little)
			row_text(i, str_of(inet_text(&a, text)), str_of(rows[i].gateway));
	}
}

static void routes6(void **state)
{
	static const struct { const char *line, *gateway; } rows[] = {
		{ ZERO " 00 " ZERO " 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0", "fe80::1" },
		{ ZERO " 00 " ZERO " 00 20010db8000000000000000000000001 00000400 00000001 00000000 00450003     eth0",
			"2001:db8::1" },
		{ ZERO " 00 " ZERO " 00 " ZERO " ffffffff 00000001 00000000 00200200       lo", NULL },
		{ "20010db8000000000000000000000000 40 " ZERO " 00 20010db8000000000000000000000001 00000400 0 0 00000003 eth0", NULL },
		{ ZERO " 01 " ZERO " 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0", NULL },
		{ ZERO " 00 " ZERO " 00 fe80000000000000000000000000001 00000400 00000001 00000000 00000003     eth0", NULL },
		{ ZERO " 00 " ZERO " 00 fe800000000000000000000000000001 00000400 00000001 00000000", NULL }, { "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct inet_addr a;
		char text[INET_TEXT_MAX];
		bool found = guard_read_route6(&a, str_of(rows[i].line));

		row_true(i, found == (rows[i].gateway != NULL));
		if (found)
			row_text(i, str_of(inet_text(&a, text)), str_of(rows[i].gateway));
	}
}

static void peers(void **state)
{
	static const struct { const char *peer; bool hides; } rows[] = {
		{ "127.0.0.1", false }, { "127.0.0.53", false }, { "::1", false },
		{ "10.0.0.1", true }, { "172.16.0.1", true }, { "172.31.255.254", true }, { "172.32.0.1", false },
		{ "192.168.0.1", true }, { "100.64.0.1", true }, { "169.254.1.1", true }, { "fe80::1", true },
		{ "fd00::1", true }, { "192.0.2.7", false }, { "2001:db8::7", false },
		{ "2001:db8::1", true },               /* the gateway of the table */
	};
	char path[] = "/tmp/receive-test-XXXXXX";
	struct guard_tables tables = { "/nonexistent/route", path };
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	struct guard *g = guard_create(&tables);

	(void)state;
	must(f != NULL);
	fputs(ZERO " 00 " ZERO " 00 20010db8000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n", f);
	fclose(f);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct inet_addr a;

		row_true(i, inet_parse(&a, str_of(rows[i].peer)));
		row_true(i, guard_hides(g, &a) == rows[i].hides);
	}
	unlink(path);
	guard_destroy(&g);
	assert_null(g);
}

static void told_once(void **state)
{
	struct guard *g = guard_create(NULL);
	struct inet_addr a = { .ip = { 172, 17, 0, 1 } }, b = { .ip = { 172, 17, 0, 2 } };

	(void)state;
	assert_true(guard_tells(g, &a));
	assert_false(guard_tells(g, &a));
	assert_true(guard_tells(g, &b));
	assert_false(guard_tells(g, &a));
	guard_destroy(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes), cmocka_unit_test(routes6), cmocka_unit_test(peers), cmocka_unit_test(told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
