/* Answers kept: deep copies, their time, and the two limits. */
#include "../unit.h"
#include "dns_cache.h"

#include <stdio.h>
#include <string.h>

static struct dns_stored *stored(const char *text, uint32_t ttl, int64_t now)
{
	char copy[2000];
	snprintf(copy, sizeof copy, "%s", text);
	struct dns_record v[2] = { { .preference = 7, .name = str_of(copy), .data = str_of(copy) },
		{ .preference = 8, .name = str_of(copy) } };
	struct dns_stored *s = dns_stored_create(&(struct dns_answer){
		.status = DNS_OK, .ttl = ttl, .n = 2, .v = v }, now);

	memset(copy, 'x', sizeof copy);
	return s;
}

static void put(struct dns_cache *c, const char *key, const char *text, uint32_t ttl, int64_t now)
{
	struct dns_stored *s = stored(text, ttl, now);

	dns_cache_put(c, str_of(key), s);
	dns_stored_drop(&s);
}

static void answers_are_copies(void **state)
{
	struct dns_stored *s = stored("mail.example", 10, 0);

	(void)state;
	assert_int_equal(s->answer.n, 2);
	assert_true(str_eq(s->answer.v[0].name, STR("mail.example")));
	assert_true(str_eq(s->answer.v[0].data, STR("mail.example")));
	assert_true(str_eq(s->answer.v[1].name, STR("mail.example")));
	assert_int_equal(s->answer.v[1].data.n, 0);
	assert_int_equal(s->answer.v[1].preference, 8);
	dns_stored_drop(&s);
	assert_null(s);
	dns_stored_drop(&s);
}

static void time_ends_an_answer(void **state)
{
	struct dns_cache *c = dns_cache_create(10, 100000);

	(void)state;
	put(c, "a", "one", 10, 5000);
	assert_non_null(dns_cache_get(c, STR("a"), 5000));
	assert_non_null(dns_cache_get(c, STR("a"), 14999));
	assert_null(dns_cache_get(c, STR("a"), 15000));
	assert_int_equal(dns_cache_count(c), 0);
	assert_null(dns_cache_get(c, STR("a"), 5000));
	dns_cache_destroy(&c);
}

static void the_longest_unused_goes(void **state)
{
	struct dns_cache *c = dns_cache_create(3, 100000);

	(void)state;
	put(c, "a", "1", 10, 0);
	put(c, "b", "2", 10, 0);
	put(c, "c", "3", 10, 0);
	assert_non_null(dns_cache_get(c, STR("a"), 0));
	put(c, "d", "4", 10, 0);
	assert_int_equal(dns_cache_count(c), 3);
	assert_null(dns_cache_get(c, STR("b"), 0));
	assert_non_null(dns_cache_get(c, STR("a"), 0));
	assert_non_null(dns_cache_get(c, STR("c"), 0));
	assert_non_null(dns_cache_get(c, STR("d"), 0));
	dns_cache_destroy(&c);
}

static void bytes_are_bounded(void **state)
{
	struct dns_cache *c = dns_cache_create(100000, 20000);
	char text[1500], key[20];
	size_t count;

	(void)state;
	memset(text, 'y', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof key, "k%d", i);
		put(c, key, text, 10, 0);
	}
	count = dns_cache_count(c);
	assert_in_range(count, 2, 5);
	assert_non_null(dns_cache_get(c, STR("k999"), 0));
	assert_null(dns_cache_get(c, STR("k0"), 0));
	dns_cache_destroy(&c);
	/* one that alone is too big is not kept, and does no harm to who holds it */
	c = dns_cache_create(10, 1000);
	struct dns_stored *s = stored(text, 10, 0);
	dns_cache_put(c, STR("big"), s);
	assert_null(dns_cache_get(c, STR("big"), 0));
	assert_int_equal(s->answer.v[0].name.n, 1499);
	dns_stored_drop(&s);
	dns_cache_destroy(&c);
}

static void a_new_answer_replaces(void **state)
{
	struct dns_cache *c = dns_cache_create(10, 100000);
	struct dns_stored *held;

	(void)state;
	put(c, "a", "old", 10, 0);
	held = dns_stored_take(dns_cache_get(c, STR("a"), 0));
	put(c, "a", "new", 10, 0);
	assert_int_equal(dns_cache_count(c), 1);
	assert_true(str_eq(dns_cache_get(c, STR("a"), 0)->answer.v[0].name, STR("new")));
	assert_true(str_eq(held->answer.v[0].name, STR("old")));
	dns_cache_destroy(&c);
	assert_true(str_eq(held->answer.v[0].name, STR("old")));
	dns_stored_drop(&held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_copies),
		cmocka_unit_test(time_ends_an_answer),
		cmocka_unit_test(the_longest_unused_goes),
		cmocka_unit_test(bytes_are_bounded),
		cmocka_unit_test(a_new_answer_replaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
