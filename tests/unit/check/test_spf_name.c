/* Names that may be asked about, cut, compared and written for DNS. */
#include "../unit.h"
#include "spf_name.h"

#define LABEL63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NAME191 LABEL63 "." LABEL63 "." LABEL63
/* 253 bytes: the most that there is */
#define TAIL    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.cc"
#define NAME253 NAME191 "." TAIL

#define S(literal) { literal, sizeof(literal) - 1 }

static void test_checkable(void **state)
{
	static const struct {
		struct str name;
		bool is;
	} rows[] = {
		{ S("example.com"), true },
		{ S("example.com."), true },
		{ S("_spf.example.com"), true },
		{ S("a.b"), true },
		{ S("com"), false },
		{ S("com."), false },
		{ S(""), false },
		{ S("."), false },
		{ S("a..b"), false },
		{ S(".a.b"), false },
		{ S("a.b.."), false },
		{ S("[192.0.2.1]"), false },
		{ S("a b.c"), false },
		{ S("a.b\0"), false },
		{ S("a\\046b.c"), false },
		{ S("\303\251.fr"), false },
		{ S(LABEL63 ".c"), true },
		{ S("a" LABEL63 ".c"), false },
		{ S(NAME253), true },
		{ S(NAME253 "."), true },
		{ S("d" NAME253), false },
		{ S("d." NAME253), false },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		row_true(i, spf_name_is_checkable(rows[i].name) == rows[i].is);
}

static void test_fit(void **state)
{
	static const struct {
		struct str name, want;
	} rows[] = {
		{ S("a.b"), S("a.b") },
		{ S("a.b."), S("a.b") },
		{ S(""), S("") },
		{ S("."), S("") },
		{ S(NAME253), S(NAME253) },
		{ S("x.y." NAME253 "."), S(NAME253) },
		{ S("x" NAME253),
			S(LABEL63 "." LABEL63 "." TAIL) },
		{ S(LABEL63 LABEL63 LABEL63 LABEL63 LABEL63), S("") },
	};

	(void)state;
	assert_int_equal(sizeof NAME253 - 1, SPF_NAME_MOST);
	for (size_t i = 0; i < ROWS(rows); i++)
		row_text(i, spf_name_fit(rows[i].name), rows[i].want);
}

static void test_within(void **state)
{
	static const struct {
		struct str name, domain;
		bool is;
	} rows[] = {
		{ S("a.b"), S("a.b"), true },
		{ S("x.a.b"), S("A.b."), true },
		{ S("X.A.B."), S("a.b"), true },
		{ S("xa.b"), S("a.b"), false },
		{ S("b"), S("a.b"), false },
		{ S(""), S("a.b"), false },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		row_true(i, spf_name_is_within(rows[i].name, rows[i].domain) == rows[i].is);
}

static void test_to_dns(void **state)
{
	static const struct {
		struct str name;
		const char *want;          /* NULL: can't exist */
	} rows[] = {
		{ S("A.Test."), "a.test" },
		{ S("com"), "com" },
		{ S("a b\0.\\\377.x"), "a\\032b\\000.\\092\\255.x" },
		{ S(""), NULL },
		{ S("."), NULL },
		{ S("a..b"), NULL },
		{ S("a" LABEL63 ".c"), NULL },
		{ S("d." NAME253), NULL },
		{ S("\00123.x"), "\\00123.x" },
	};
	struct arena *a = arena_create();

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str out = STR_NONE;

		row_true(i, spf_name_to_dns(rows[i].name, a, &out) == (rows[i].want != NULL));
		row_text(i, out, str_of(rows[i].want));
	}
	arena_destroy(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checkable),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_to_dns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
