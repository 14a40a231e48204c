/* Replies as peers send them, friendly and hostile. */
#include "../unit.h"
#include "mail/reply.h"

static void reading(void **state)
{
	static const struct { const char *lines[4]; int code; const char *status, *text, *one; } rows[] = {
		{ { "250 2.1.5 Ok" }, 250, "2.1.5", "Ok", "250 2.1.5 Ok" },
		{ { "250" }, 250, "", "", "250" },
		{ { "250 " }, 250, "", "", "250" },
		{ { "550-5.7.26 This mail", "550-5.7.26  is not", "550 5.7.26 liked." }, 550, "5.7.26",
			"This mail\nis not\nliked.", "550 5.7.26 This mail; is not; liked." },
		{ { "220-mx.example ESMTP", "220 ready" }, 220, "", "mx.example ESMTP\nready", "220 mx.example ESMTP; ready" },
		{ { "550 5.1 no status" }, 550, "", "5.1 no status", "550 5.1 no status" },
		{ { "550 2.1.5 wrong class" }, 550, "", "2.1.5 wrong class", "550 2.1.5 wrong class" },
		{ { "550 x\xc2\x9b" "1m \xc3\xbc" }, 550, "", "x?\x9b" "1m \xc3\xbc", "550 x?\x9b" "1m \xc3\xbc" },
		{ { "421 4.7.0 a\x01\x7f" "b\x80" }, 421, "4.7.0", "a??b\x80", "421 4.7.0 a??b\x80" },
		{ { "250 2.1.5" }, 250, "2.1.5", "", "250 2.1.5" },
	};
	static const char *const bad[] = { "", "25", "abc ok", "250x", "199 no", "600 no", "250\tok", "HTTP/1.1 200" };
	char line[200];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct reply r = { 0 };
		bool more = true;

		for (size_t k = 0; more; k++)
			row_true(i, reply_read_line(&r, str_of(rows[i].lines[k]), &more));
		row_true(i, r.code == rows[i].code);
		row_text(i, str_of(r.status), str_of(rows[i].status));
		row_text(i, str_of(r.text), str_of(rows[i].text));
		row_text(i, str_of(reply_line(&r, line, sizeof line)), str_of(rows[i].one));
	}
	for (size_t i = 0; i < ROWS(bad); i++) {
		struct reply r = { 0 };
		bool more;

		row_true(i + 100, !reply_read_line(&r, str_of(bad[i]), &more));
	}
}

static void limits(void **state)
{
	struct reply r = { 0 };
	static char line[5000] = "550-";
	char small[20];
	bool more;

	(void)state;
	memset(line + 4, 'x', sizeof line - 5);
	for (int i = 0; i < 10; i++)
		assert_true(reply_read_line(&r, str_of(line), &more));
	assert_int_equal(strlen(r.text), LIMIT_REPLY_TEXT - 1);
	assert_int_equal(strlen(reply_line(&r, small, sizeof small)), sizeof small - 1);
	assert_false(reply_read_line(&r, STR("551 other code"), &more));
}

static void making(void **state)
{
	struct reply r;

	(void)state;
	reply_set(&r, 451, "4.3.0", "try %d", 7);
	assert_true(reply_is_temporary(&r) && !reply_is_ok(&r) && !reply_is_permanent(&r));
	assert_string_equal(r.text, "try 7");
	reply_set(&r, 550, "", "no");
	assert_string_equal(reply_status(&r), "5.0.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reading), cmocka_unit_test(limits), cmocka_unit_test(making) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
