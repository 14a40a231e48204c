/* What is remembered about next hops, and that it is forgotten. */
#include "../unit.h"
#include "hosts.h"

#include "base/clock.h"

#include <unistd.h>

static struct endpoint at(const char *text)
{
	struct endpoint e;

	assert_true(endpoint_parse(&e, str_of(text), 0));
	return e;
}

static void remembers_for_a_while(void **state)
{
	struct hosts *h = hosts_create(10);
	struct endpoint a = at("192.0.2.1:25"), other_port = at("192.0.2.1:26");
	struct reply r = { 0 };

	(void)state;
	reply_set(&r, 451, "4.4.1", "refused");
	assert_null(hosts_down(h, &a));
	hosts_set_down(h, &a, &r, 60);
	assert_int_equal(hosts_down(h, &a)->code, 451);
	assert_null(hosts_down(h, &other_port));
	usleep(80 * 1000);
	assert_null(hosts_down(h, &a));
	hosts_set_down(h, &a, &r, 0);
	assert_null(hosts_down(h, &a));
	hosts_destroy(&h);
	assert_null(h);
}

static void a_success_clears(void **state)
{
	struct hosts *h = hosts_create(10);
	struct endpoint a = at("[2001:db8::1]:25");
	struct reply r = { .code = 451 };

	(void)state;
	hosts_set_down(h, &a, &r, MINUTES(1));
	hosts_set_no_tls(h, &a, MINUTES(1));
	hosts_set_up(h, &a);
	assert_null(hosts_down(h, &a));
	/* that it is up says nothing about its TLS */
	assert_true(hosts_no_tls(h, &a));
	hosts_destroy(&h);
}

static void the_oldest_goes(void **state)
{
	struct hosts *h = hosts_create(2);
	struct endpoint v[] = { at("192.0.2.1:25"), at("192.0.2.2:25"), at("192.0.2.3:25") };

	(void)state;
	for (size_t i = 0; i < ROWS(v); i++)
		hosts_set_no_tls(h, &v[i], MINUTES(1));
	assert_false(hosts_no_tls(h, &v[0]));
	assert_true(hosts_no_tls(h, &v[1]));
	assert_true(hosts_no_tls(h, &v[2]));
	hosts_destroy(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers_for_a_while),
		cmocka_unit_test(a_success_clears),
		cmocka_unit_test(the_oldest_goes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
