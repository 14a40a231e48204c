/* From domains to addresses: each case of RFC 5321 section 5.1, over DNS made of rows. */
#include "../unit.h"
#include "world.h"

#include <stdio.h>

static char got[4000];
static struct reply trouble;

static void heard(void *waiter, const struct mx_list *list)
{
	size_t at = 0;

	(void)waiter;
	got[0] = 0;
	trouble = list->trouble;
	for (size_t i = 0; i < list->n; i++) {
		char text[INET_TEXT_MAX];

		at += (size_t)snprintf(got + at, sizeof got - at, "%s%s[%s]", i ? " " : "",
			list->v[i].host, endpoint_text(&list->v[i].to, text));
	}
	assert_true((list->n == 0) == (trouble.code != 0));
	loop_stop(world_loop());
}

static bool is_ours(void *arg, struct str host, const struct endpoint *e)
{
	struct inet_addr own;

	(void)arg;
	assert_true(inet_parse(&own, STR("192.0.2.99")));
	return str_ieq(host, STR("me.test")) || (e && e->port == 25 && inet_same(&e->addr, &own));
}

static void find(const char *domain, const struct hop *fixed, bool v4, bool v6)
{
	struct mx_ask ask = { .loop = world_loop(),
		.fixed = fixed,
		.domain = str_of(domain),
		.port = 25,
		.v4 = v4,
		.v6 = v6,
		.is_ours = is_ours };

	snprintf(got, sizeof got, "no answer");
	assert_non_null(mx_find(&ask, heard, NULL));
	assert_string_equal(got, "no answer");          /* never from inside the call */
	loop_run(world_loop());
}

static const struct dns_row zone[] = {
	{ "a.test", DNS_MX, "20 mx2.test" }, { "a.test", DNS_MX, "10 mx1.test" },
	{ "mx1.test", DNS_A, "192.0.2.1" },
	{ "mx2.test", DNS_A, "192.0.2.2" }, { "mx2.test", DNS_AAAA, "2001:db8::2" },
	{ "implicit.test", DNS_A, "192.0.2.3" }, { "implicit6.test", DNS_AAAA, "2001:db8::3" },
	{ "null.test", DNS_MX, "0 " }, { "null.test", DNS_A, "192.0.2.4" },
	{ "null2.test", DNS_MX, "0 " }, { "null2.test", DNS_MX, "10 mx1.test" },
	{ "temp.test", DNS_MX, "temp" },
	{ "empty.test", DNS_TXT, "none" },
	{ "lost.test", DNS_MX, "10 gone.test" },
	{ "half.test", DNS_MX, "10 gone.test" }, { "half.test", DNS_MX, "20 mx1.test" },
	{ "slow.test", DNS_MX, "10 slow1.test" }, { "slow1.test", DNS_A, "temp" },
	{ "slowly.test", DNS_MX, "10 slow1.test" }, { "slowly.test", DNS_MX, "20 mx1.test" },
	{ "ipmx.test", DNS_MX, "10 192.0.2.1" }, { "ipmx.test", DNS_MX, "20 mx1.test" },
	{ "ipmx2.test", DNS_MX, "10 192.0.2.1" },
	{ "zero.test", DNS_MX, "10 zero1.test" }, { "zero1.test", DNS_A, "0.0.0.0" },
	{ "zero1.test", DNS_A, "224.0.0.1" }, { "zero1.test", DNS_AAAA, "::" },
	{ "ours.test", DNS_MX, "10 me.test" }, { "ours.test", DNS_MX, "10 mx1.test" },
	{ "ours.test", DNS_MX, "20 mx2.test" }, { "me.test", DNS_A, "192.0.2.98" },
	{ "second.test", DNS_MX, "10 mx1.test" }, { "second.test", DNS_MX, "20 me.test" },
	{ "second.test", DNS_MX, "30 mx2.test" },
	{ "byaddr.test", DNS_MX, "10 mx1.test" }, { "byaddr.test", DNS_MX, "20 alias.test" },
	{ "alias.test", DNS_A, "192.0.2.99" }, { "byaddr.test", DNS_MX, "20 mx2.test" },
	{ "oursgone.test", DNS_MX, "10 slow1.test" }, { "oursgone.test", DNS_MX, "20 me.test" },
	{ "twice.test", DNS_MX, "10 mx1.test" }, { "twice.test", DNS_MX, "20 mx1.test" },
	{ "dual.test", DNS_A, "192.0.2.7" }, { "dual.test", DNS_AAAA, "2001:db8::7" },
};

static void domains(void **state)
{
	static const struct { const char *domain, *want; int code; const char *status;
	} rows[] = {
		{ "a.test",
			"mx1.test[192.0.2.1:25] mx2.test[192.0.2.2:25] mx2.test[[2001:db8::2]:25]",
			0, "" },
		{ "implicit.test", "implicit.test[192.0.2.3:25]", 0, "" },
		{ "implicit6.test", "implicit6.test[[2001:db8::3]:25]", 0, "" },
		{ "null.test", "", 556, "5.1.10" },
		{ "null2.test", "mx1.test[192.0.2.1:25]", 0, "" },
		{ "nowhere.test", "", 550, "5.1.2" },
		{ "temp.test", "", 451, "4.4.3" },
		{ "empty.test", "", 550, "5.1.2" },
		{ "lost.test", "", 550, "5.4.4" },
		{ "half.test", "mx1.test[192.0.2.1:25]", 0, "" },
		{ "slow.test", "", 451, "4.4.3" },
		{ "slowly.test", "mx1.test[192.0.2.1:25]", 0, "" },
		{ "ipmx.test", "mx1.test[192.0.2.1:25]", 0, "" },
		{ "ipmx2.test", "", 550, "5.4.4" },
		{ "zero.test", "", 550, "5.4.4" },
		{ "ours.test", "", 554, "5.4.6" },
		{ "second.test", "mx1.test[192.0.2.1:25]", 0, "" },
		{ "byaddr.test", "mx1.test[192.0.2.1:25]", 0, "" },
		{ "oursgone.test", "", 451, "4.4.3" },
		{ "alias.test", "", 554, "5.4.6" },
		{ "me.test", "", 554, "5.4.6" },
		{ "twice.test", "mx1.test[192.0.2.1:25]", 0, "" },
		{ "[192.0.2.5]", "192.0.2.5[192.0.2.5:25]", 0, "" },
		{ "[IPv6:2001:db8::5]", "2001:db8::5[[2001:db8::5]:25]", 0, "" },
		{ "[192.0.2.99]", "", 554, "5.4.6" },
		{ "[0.0.0.0]", "", 550, "5.4.4" },
	};
	(void)state;
	world_dns(zone, ROWS(zone));
	for (size_t i = 0; i < ROWS(rows); i++) {
		find(rows[i].domain, NULL, true, true);
		row_text(i, str_of(got), str_of(rows[i].want));
		row_true(i, trouble.code == rows[i].code);
		row_text(i, str_of(trouble.status), str_of(rows[i].status));
	}
}

static void fixed_hops(void **state)
{
	static const struct { const char *host, *want; int code;
	} rows[] = {
		{ "192.0.2.9", "192.0.2.9[192.0.2.9:2525]", 0 },
		{ "2001:db8::9", "2001:db8::9[[2001:db8::9]:2525]", 0 },
		{ "localhost", "localhost[127.0.0.1:2525] localhost[[::1]:2525]", 0 },
		{ "implicit.test", "implicit.test[192.0.2.3:2525]", 0 },
		{ "a.test", "", 451 }, /* its MX counts for nothing; it may get an address */
		{ "nowhere.test", "", 451 },
		{ "me.test", "me.test[192.0.2.98:2525]",
			0 }, /* the operator's word is not doubted */
		{ "slow1.test", "", 451 },
	};
	(void)state;
	world_dns(zone, ROWS(zone));
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct hop hop = { .host = rows[i].host, .port = 2525 };

		find("a.test", &hop, true, true);
		row_text(i, str_of(got), str_of(rows[i].want));
		row_true(i, trouble.code == rows[i].code);
	}
}

static void families(void **state)
{
	(void)state;
	world_dns(zone, ROWS(zone));
	find("dual.test", NULL, true, true);
	assert_string_equal(got, "dual.test[192.0.2.7:25] dual.test[[2001:db8::7]:25]");
	find("dual.test", NULL, false, true);
	assert_string_equal(got, "dual.test[[2001:db8::7]:25]");
	find("dual.test", NULL, true, false);
	assert_string_equal(got, "dual.test[192.0.2.7:25]");
	find("implicit6.test", NULL, true, false);
	assert_int_equal(trouble.code, 550);
}

/* Equal preferences come in every order, better ones always first. */
static void equals_are_shuffled(void **state)
{
	static const struct dns_row rows[] = {
		{ "s.test", DNS_MX, "20 c.test" },
		{ "s.test", DNS_MX, "10 a.test" },
		{ "s.test", DNS_MX, "10 b.test" },
		{ "a.test", DNS_A, "192.0.2.1" },
		{ "b.test", DNS_A, "192.0.2.2" },
		{ "c.test", DNS_A, "192.0.2.3" },
	};
	int a_first = 0, tries = 200;

	(void)state;
	world_dns(rows, ROWS(rows));
	for (int i = 0; i < tries; i++) {
		find("s.test", NULL, true, true);
		assert_non_null(strstr(got, " c.test[192.0.2.3:25]"));
		a_first += got[0] == 'a';
	}
	assert_in_range(a_first, 1, tries - 1);
}

/* Whoever publishes hundreds gets no more of our time than others, and the best are kept. */
static void many_hosts(void **state)
{
	static char text[300][2][40];
	static struct dns_row rows[600];

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		snprintf(text[i][0], sizeof text[i][0], "%zu h%zu.test", 300 - i, i);
		snprintf(text[i][1], sizeof text[i][1], "h%zu.test", i);
		rows[2 * i] = (struct dns_row){ "many.test", DNS_MX, text[i][0] };
		rows[2 * i + 1] = (struct dns_row){ text[i][1], DNS_A, "none" };
	}
	rows[2 * 199 + 1] = (struct dns_row){ "h199.test", DNS_A, "192.0.2.1" };
	rows[2 * 100 + 1] = (struct dns_row){ "h100.test", DNS_A, "192.0.2.2" };
	world_dns(rows, ROWS(rows));
	find("many.test", NULL, true, true);
	/* of the records that are read at all, the twenty best */
	assert_string_equal(got, "h199.test[192.0.2.1:25]");
}

static void many_addresses(void **state)
{
	static char text[100][20];
	static struct dns_row rows[100];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		snprintf(text[i], sizeof text[i], "192.0.2.%zu", i + 100);
		rows[i] = (struct dns_row){ "many.test", DNS_A, text[i] };
	}
	world_dns(rows, ROWS(rows));
	find("many.test", NULL, true, true);
	for (const char *p = got; (p = strstr(p, "many.test[")); p++)
		n++;
	assert_int_equal(n, LIMIT_MX_ADDRESSES);
}

static void must_not_hear(void *waiter, const struct mx_list *list)
{
	(void)waiter;
	(void)list;
	fail_msg("heard after it was cancelled");
}

/* At each point of the look-up. */
static void cancelled(void **state)
{
	static const char *const domains_[] = { "a.test", "implicit.test", "[192.0.2.5]",
		"nowhere.test" };

	(void)state;
	world_dns(zone, ROWS(zone));
	for (size_t i = 0; i < ROWS(domains_); i++) {
		for (int ms = 0; ms < 2; ms++) {
			struct mx_ask ask = { .loop = world_loop(),
				.domain = str_of(domains_[i]),
				.port = 25,
				.v4 = true,
				.v6 = true,
				.is_ours = is_ours };
			struct job *job = mx_find(&ask, must_not_hear, NULL);

			job_cancel(&job);
			world_run(ms);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains),
		cmocka_unit_test(fixed_hops),
		cmocka_unit_test(families),
		cmocka_unit_test(equals_are_shuffled),
		cmocka_unit_test(many_hosts),
		cmocka_unit_test(many_addresses),
		cmocka_unit_test(cancelled),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	world_finish();
	return failed;
}
