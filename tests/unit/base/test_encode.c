/* Base64, hex, percent coding: there, back, and what must not be understood. */
#include "../unit.h"
#include "base/encode.h"

static void base64(void **state)
{
	static const struct { const char *plain, *coded; } rows[] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfd", "//79" },
	};
	static const char *const bad[] = { "Zg=", "Zg", "Zg==Zg==", "Z===", "====", "Zm 9v", "Zh==", "Zm9=", "Zm9v\n",
		"Zm9-" };
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < ROWS(rows); i++) {
		buf_clear(&b);
		row_true(i, base64_encode(&b, rows[i].plain, strlen(rows[i].plain)));
		row_text(i, buf_str(&b), str_of(rows[i].coded));
		buf_clear(&b);
		row_true(i, base64_decode(&b, str_of(rows[i].coded)));
		row_text(i, buf_str(&b), str_of(rows[i].plain));
	}
	for (size_t i = 0; i < ROWS(bad); i++) {
		buf_clear(&b);
		buf_add_str(&b, STR("kept"));
		row_true(i, !base64_decode(&b, str_of(bad[i])));
		row_text(i, buf_str(&b), STR("kept"));
	}
	buf_finish(&b);
}

static void percent(void **state)
{
	static const struct { struct str plain, coded; } rows[] = {
		{ STR("a@b.c"), STR("a@b.c") }, { STR("a b"), STR("a%20b") }, { STR("100%"), STR("100%25") },
		{ STR("\r\n\0x"), STR("%0d%0a%00x") }, { STR("\xc3\xa4"), STR("\xc3\xa4") }, { STR("\"\x7f"), STR("%22%7f") },
	};
	static const char *const bad[] = { "%", "%4", "a%4", "%zz", "%4g", "%%41" };
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < ROWS(rows); i++) {
		buf_clear(&b);
		percent_encode(&b, rows[i].plain);
		row_text(i, buf_str(&b), rows[i].coded);
		buf_clear(&b);
		row_true(i, percent_decode(&b, rows[i].coded));
		row_text(i, buf_str(&b), rows[i].plain);
	}
	for (size_t i = 0; i < ROWS(bad); i++) {
		buf_clear(&b);
		row_true(i, !percent_decode(&b, str_of(bad[i])) && b.n == 0);
	}
	buf_clear(&b);
	assert_true(percent_decode(&b, STR("x%41")));
	row_text(99, buf_str(&b), STR("xA"));
	buf_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(base64), cmocka_unit_test(percent) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
