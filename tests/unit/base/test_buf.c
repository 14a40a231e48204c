/* Bytes that grow up to a maximum; arenas. */
#include "../unit.h"
#include "base/arena.h"
#include "base/buf.h"

#include <stdio.h>

static void maximum(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_true(buf_add(&b, "12345", 5));
	assert_true(buf_addf(&b, "%d", 67890));
	assert_false(buf_add_char(&b, 'x'));
	assert_true(b.over);
	assert_false(buf_addf(&b, "%s", "more"));
	assert_string_equal(buf_text(&b), "1234567890");
	buf_drop(&b, 4);
	assert_true(buf_add(&b, "abcd", 4));
	assert_string_equal(buf_text(&b), "567890abcd");
	buf_clear(&b);
	assert_false(b.over);
	assert_string_equal(buf_text(&b), "");
	buf_finish(&b);
}

static void long_format(void **state)
{
	struct buf b, to;

	(void)state;
	buf_init(&b, 100000);
	for (int i = 0; i < 1000; i++)
		assert_true(buf_addf(&b, "%04d-%s;", i, "padding"));
	assert_int_equal(b.n, 1000 * 13);
	row_text(0, str_skip(buf_str(&b), 999 * 13), STR("0999-padding;"));
	buf_move(&to, &b);
	assert_int_equal(b.n, 0);
	assert_int_equal(to.n, 13000);
	buf_finish(&to);
	buf_finish(&b);
}

static void arenas(void **state)
{
	struct arena *a = arena_create();
	struct str copies[200];

	(void)state;
	for (size_t i = 0; i < ROWS(copies); i++)
		copies[i] = str_of(arena_printf(a, "number %zu%*s", i, (int)(i * 37), "!"));
	for (size_t i = 0; i < ROWS(copies); i++) {
		char want[32];
		int n = snprintf(want, sizeof want, "number %zu", i);

		row_text(i, str_head(copies[i], (size_t)n), str_of(want));
		row_true(i, ((uintptr_t)copies[i].p & 15) == 0);
	}
	assert_non_null(arena_alloc(a, 1 << 20));
	arena_destroy(&a);
	assert_null(a);
	arena_destroy(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(maximum), cmocka_unit_test(long_format),
		cmocka_unit_test(arenas) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
