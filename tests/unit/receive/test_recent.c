/* The bounded table: finds, renews, and lets go of what was touched longest ago. */
#include "../unit.h"
#include "recent.h"

static void oldest_goes(void **state)
{
	struct recent *r = recent_create(3);

	(void)state;
	recent_touch(r, STR("a"))->count = 1;
	recent_touch(r, STR("b"))->count = 2;
	recent_touch(r, STR("c"))->count = 3;
	assert_int_equal(recent_touch(r, STR("a"))->count, 1);
	assert_int_equal(recent_touch(r, STR("d"))->count, 0);
	assert_null(recent_find(r, STR("b")));
	assert_int_equal(recent_find(r, STR("c"))->count, 3);
	assert_true(str_eq(recent_oldest(r)->key, STR("c")));
	assert_true(str_eq(recent_oldest(r)->newer->key, STR("a")));
	assert_true(str_eq(recent_oldest(r)->newer->newer->key, STR("d")));
	assert_null(recent_oldest(r)->newer->newer->newer);
	recent_forget(r, STR("a"));
	recent_forget(r, STR("nobody"));
	assert_null(recent_find(r, STR("a")));
	assert_true(str_eq(recent_oldest(r)->newer->key, STR("d")));
	recent_forget(r, STR("c"));
	recent_forget(r, STR("d"));
	assert_null(recent_oldest(r));
	assert_int_equal(recent_touch(r, STR("e"))->count, 0);
	recent_destroy(&r);
	assert_null(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(oldest_goes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
