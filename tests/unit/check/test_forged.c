/* Which Authentication-Results fields speak in our name. */
#include "../unit.h"
#include "check/check.h"

struct row {
	const char *value;
	bool want;
};

static void check(const char *hostname, const struct row *rows, size_t n)
{
	static const struct check_options options;
	static const struct check_own own;
	struct check *c = check_create(NULL, NULL, &options, &own, hostname);

	for (size_t i = 0; i < n; i++)
		row_true(i, check_is_forged(c, str_of(rows[i].value)) == rows[i].want);
	check_destroy(&c);
	assert_null(c);
}

static void names(void **state)
{
	static const struct row rows[] = {
		{ " mail.example.com; spf=pass\r\n", true },
		{ " MAIL.example.COM; none\r\n", true },
		{ "mail.example.com;none", true },
		{ " mail.example.com 1; none\r\n", true },
		{ " mail.example.com/1; none\r\n", true },
		{ " mail.example.com.; none\r\n", true },
		{ "\r\n mail.example.com\r\n\t; none\r\n", true },
		{ " (we) mail.example.com (are (we)) 1 (\\)) ; none\r\n", true },
		{ " \"mail.example.com\"; none\r\n", true },
		{ " \"mail\\.example.com\" 1; none\r\n", true },
		{ " \" mail.example.com \"; none\r\n", true },
		{ " mail.example.com\r\n", true },
		/* somebody else's */
		{ " mx.example.com; spf=pass smtp.mailfrom=a@mail.example.com\r\n", false },
		{ " mx.mail.example.com; none\r\n", false },
		{ " xmail.example.com; none\r\n", false },
		{ " mail.example.comx; none\r\n", false },
		{ " mail.example.com.evil.example; none\r\n", false },
		{ " (mail.example.com) mx.example.net; none\r\n", false },
		{ " \"mx (mail.example.com)\"; none\r\n", false },
		{ " evil.example 1; spf=pass (mail.example.com; x)\r\n", false },
		{ " evil.example; none\r\n", false },
		{ "", false },
		{ " ;\r\n", false },
		/* badly written, with our name in it */
		{ " mail.example.com spf=pass\r\n", true },
		{ " mail.example.com, spf=pass\r\n", true },
		{ " mail.example.com:25; spf=pass\r\n", true },
		{ " (mail.example.com; spf=pass\r\n", true },
		{ " \"mail.example.com; spf=pass\r\n", true },
		{ " ; mail.example.com; spf=pass\r\n", true },
		{ " =mail.example.com; spf=pass\r\n", true },
		{ " mail.example.com (; spf=pass\r\n", true },
		{ " x y mail.example.com; spf=pass\r\n", true },
		{ " <mail.example.com>; spf=pass\r\n", true },
		{ " i=1; mail.example.com; spf=pass\r\n", true },
		{ " mail.example.com\xc2\xa0; spf=pass\r\n", true },
		{ " mail.example.com\v; spf=pass\r\n", true },
		{ " \"\fmail.example.com\"; spf=pass\r\n", true },
		/* and without */
		{ " (evil.example; spf=pass\r\n", false },
		{ " x y; spf=pass\r\n", false },
		{ " <xmail.example.com>; spf=pass\r\n", false },
		{ " \\", false },
		{ " (\\", false },
		{ " \"\\", false },
	};

	(void)state;
	check("mail.example.com", rows, ROWS(rows));
}

static void other_names(void **state)
{
	static const struct row literal[] = {
		{ " \"[192.0.2.1]\"; none\r\n", true }, { " [192.0.2.1]; none\r\n", true },
		{ " [192.0.2.2]; none\r\n", false }, { " 192.0.2.1; none\r\n", false },
	}, international[] = {
		{ " xn--mnchen-3ya.example; none\r\n", true }, { " m\xc3\xbcnchen.example; none\r\n", true },
		{ " M\xc3\x9cNCHEN.example; none\r\n", true }, { " \"m\xc3\xbcnchen.example\" 1; none\r\n", true },
		{ " munchen.example; none\r\n", false }, { " \xff.example; none\r\n", false },
	};

	(void)state;
	check("[192.0.2.1]", literal, ROWS(literal));
	check("xn--mnchen-3ya.example", international, ROWS(international));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names), cmocka_unit_test(other_names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
