/* Questions to borrowed bytes. */
#include "../unit.h"

static void numbers(void **state)
{
	static const struct { const char *in; bool good; uint64_t v; } rows[] = {
		{ "0", true, 0 }, { "42", true, 42 }, { "18446744073709551615", true, UINT64_MAX },
		{ "18446744073709551616", false, 0 }, { "99999999999999999999", false, 0 }, { "", false, 0 },
		{ "-1", false, 0 }, { " 1", false, 0 }, { "1x", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		uint64_t v = 0;

		row_true(i, str_number(str_of(rows[i].in), &v) == rows[i].good);
		row_true(i, v == rows[i].v);
	}
}

static void pieces(void **state)
{
	struct str rest = STR("a,,b"), words = STR("  MAIL \t FROM:<x> ");

	(void)state;
	row_text(0, str_cut(&rest, ','), STR("a"));
	row_text(1, str_cut(&rest, ','), STR(""));
	row_text(2, str_cut(&rest, ','), STR("b"));
	row_true(3, rest.n == 0);
	row_text(4, str_cut(&rest, ','), STR(""));
	row_text(5, str_word(&words), STR("MAIL"));
	row_text(6, str_word(&words), STR("FROM:<x>"));
	row_text(7, str_word(&words), STR(""));
	row_text(8, str_trim(STR("\t a b\r\n")), STR("a b"));
	row_text(9, str_skip(STR("abc"), 9), STR(""));
	assert_int_equal(str_rfind(STR("a.b.c"), '.'), 3);
	assert_int_equal(str_find(STR_NONE, '.'), -1);
}

static void comparing(void **state)
{
	(void)state;
	assert_true(str_ieq(STR("Alice"), STR("aLICE")));
	assert_false(str_ieq(STR("\xc3\x84"), STR("\xc3\xa4")));
	assert_true(str_istarts(STR("From:<a>"), STR("FROM:")));
	assert_true(str_iends(STR("x.Example.COM"), STR(".example.com")));
	assert_false(str_iends(STR("com"), STR("example.com")));
	assert_true(str_same_secret(STR("abc"), STR("abc")));
	assert_false(str_same_secret(STR("abc"), STR("abd")));
	assert_false(str_same_secret(STR("abc"), STR("ab")));
}

static void utf8(void **state)
{
	static const struct { const char *in; bool good; } rows[] = {
		{ "plain", true }, { "\xc3\xa4", true }, { "\xe2\x82\xac", true }, { "\xf0\x9f\x93\xac", true },
		{ "\xc0\x80", false }, { "\xc3", false }, { "\xe0\x80\x80", false }, { "\xed\xa0\x80", false },
		{ "\xf4\x90\x80\x80", false }, { "\xff", false }, { "a\x80", false }, { "\xf0\x80\x80\x80", false },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		row_true(i, str_is_utf8(str_of(rows[i].in)) == rows[i].good);
	assert_false(str_is_ascii(STR("\x7f")));
	assert_true(str_is_ascii(STR("~")));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(numbers), cmocka_unit_test(pieces),
		cmocka_unit_test(comparing), cmocka_unit_test(utf8) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
