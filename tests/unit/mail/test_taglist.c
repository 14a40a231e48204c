/* test_taglist.c - what is a tag list, what is none */
#include "../unit.h"
#include "mail/taglist.h"

#include <stdio.h>

static void lists(void **state)
{
	static const struct {
		struct str text;
		int n;                             /* -1: invalid */
		const char *name, *value;          /* of one of them */
	} rows[] = {
		{ STR("v=1"), 1, "v", "1" },
		{ STR("v=1;"), 1, "v", "1" },
		{ STR(" v = 1 ; a\t=\tx y ;  "), 2, "a", "x y" },
		{ STR("v=1;\r\n a=b"), 2, "a", "b" },
		{ STR("\r\n\ta\r\n = \r\n \r\n\t b \r\n ;c=d"), 2, "a", "b" },
		{ STR("a=b\r\n c;"), 1, "a", "b\r\n c" },
		{ STR("a="), 1, "a", "" },
		{ STR("a=;b= ;"), 2, "b", "" },
		{ STR("a=b=c==;"), 1, "a", "b=c==" },
		{ STR("a_b1=x; A=y; a=z"), 3, "A", "y" },
		{ STR("a=m\xc3\xbcller"), 1, "a", "m\xc3\xbcller" },
		{ STR(""), -1, NULL, NULL },
		{ STR(" "), -1, NULL, NULL },
		{ STR(";"), -1, NULL, NULL },
		{ STR("a"), -1, NULL, NULL },
		{ STR("=b"), -1, NULL, NULL },
		{ STR("1a=b"), -1, NULL, NULL },
		{ STR("_a=b"), -1, NULL, NULL },
		{ STR("a-b=c"), -1, NULL, NULL },
		{ STR("a b=c"), -1, NULL, NULL },
		{ STR("a=b;;"), -1, NULL, NULL },
		{ STR("a=b; ;c=d"), -1, NULL, NULL },
		{ STR("a=b; a=b"), -1, NULL, NULL },
		{ STR("a=b; c=d; a =e"), -1, NULL, NULL },
		{ STR("a=b\r\n"), -1, NULL, NULL },
		{ STR("a=b\r\nc"), -1, NULL, NULL },
		{ STR("a=b\n c"), -1, NULL, NULL },
		{ STR("a=b\r c"), -1, NULL, NULL },
		{ STR("a=b\0c"), -1, NULL, NULL },
		{ STR("a=b\x7f"), -1, NULL, NULL },
		{ STR("a=\xff"), -1, NULL, NULL },
		{ STR("v=DKIM1\\; p=x\\;"), 2, "v", "DKIM1\\" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct taglist list;
		bool good = taglist_parse(&list, rows[i].text);

		row_true(i, good == (rows[i].n >= 0));
		if (!good)
			continue;
		row_true(i, list.n == (size_t)rows[i].n);
		const struct taglist_tag *tag = taglist_find(&list, str_of(rows[i].name));

		row_true(i, tag != NULL);
		row_text(i, tag->value, str_of(rows[i].value));
	}
}

/* What stands between '=' and ';' belongs to the tag, blanks and all. */
static void raw_values(void **state)
{
	struct str text = STR("a=x; b = q\r\n w ; c= r ");
	struct taglist list;

	(void)state;
	assert_true(taglist_parse(&list, text));
	row_text(0, taglist_find(&list, STR("b"))->raw, STR(" q\r\n w "));
	row_text(1, taglist_find(&list, STR("c"))->raw, STR(" r "));
	assert_ptr_equal(taglist_find(&list, STR("a"))->raw.p, text.p + 2);
	assert_null(taglist_find(&list, STR("B")));
}

static void at_most_so_many(void **state)
{
	struct buf text;
	struct taglist list;

	(void)state;
	buf_init(&text, 1 << 20);
	for (int i = 0; i < LIMIT_TAGS; i++)
		buf_addf(&text, "t%d=%d;", i, i);
	assert_true(taglist_parse(&list, buf_str(&text)));
	assert_int_equal(list.n, LIMIT_TAGS);
	buf_addf(&text, "last=1");
	assert_false(taglist_parse(&list, buf_str(&text)));
	buf_finish(&text);
}

static void items(void **state)
{
	static const struct { const char *value, *item; bool has; } rows[] = {
		{ "from:to", "FROM", true }, { "from : to\r\n : date", "to", true }, { "a:b:\r\n c", "c", true },
		{ "fromm:to", "from", false }, { "", "from", false }, { "from", "from", true }, { "y : s", "s", true },
	};
	struct str rest = STR("a : \r\n b::c"), item;
	static const char *const want[] = { "a", "b", "", "c" };
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		row_true(i, taglist_has_item(str_of(rows[i].value), str_of(rows[i].item)) == rows[i].has);
	for (; taglist_item(&rest, &item); n++)
		row_text(n, item, str_of(want[n]));
	assert_int_equal(n, ROWS(want));
}

static void base64(void **state)
{
	static const struct { const char *value, *want; } rows[] = {
		{ "aGVsbG8=", "hello" }, { " aGV\r\n\tsb G8 =", "hello" }, { "", "" },
		{ "aGVsbG8", NULL }, { "aGVs*G8=", NULL }, { "aGVsbG9=", NULL }, { "=aGVsbG8", NULL },
		{ "aGVsbG8gd29ybGQgYWdhaW4=", NULL /* more than fits */ },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct buf out;

		buf_init(&out, 10);
		row_true(i, taglist_base64(&out, str_of(rows[i].value)) == (rows[i].want != NULL));
		if (rows[i].want)
			row_text(i, buf_str(&out), str_of(rows[i].want));
		buf_finish(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(raw_values),
		cmocka_unit_test(at_most_so_many),
		cmocka_unit_test(items),
		cmocka_unit_test(base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
