/* From fields that can't be read, and what they may still say; whose mail claims to be ours. */
#include "../unit.h"
#include "from.h"
#include "own.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const domains[] = { "example.com", "xn--mnchen-3ya.example" };
static const char *const senders[] = { "srs.example.net", "mail.host.example.org" };
static const struct check_own own = { domains, 2, senders, 2 };

static void mentions(void **state)
{
	static const struct {
		const char *value;
		bool want;
	} rows[] = {
		{ "<<a@example.com>", true }, { "<<a@EXAMPLE.Com>", true }, { "<<a@sub.example.com>", true },
		{ "<<example.com", true }, { "<<a@example.com.>", true }, { "<<a@example.com..x>", true },
		{ "<<a@exam(x)ple.com>", true }, { "<<a@exam (x(y)) ple\r\n .com>", true },
		{ "<<\"a@example\".com>", true }, { "<<a@example\\.com>", true }, { "<<a@(example.com)", true },
		{ "<<a@m\xc3\xbcnchen.example>", true }, { "<<a@xn--mnchen-3ya.example>", true },
		{ "<<a@notexample.com>", false }, { "<<a@not-example.com>", false }, { "<<a@example.comx>", false },
		{ "<<a@example.com.evil.example>", false }, { "<<a@example.org>", false }, { "<<", false },
		{ "<<\xc3\xa9xample.com", false },
		/* what names nobody may name somebody to another program */
		{ "a@example.com:;", true }, { "(a@example.com)", true }, { "undisclosed:;", false }, { "", false },
		/* decoded first, read then: a@example.com */
		{ "=?utf-8?b?YUBleGFtcGxlLmNvbQ==?=", true }, { "=?UTF-8?B?YUBleGFtcGxlLmNvbQ==?= <>", true },
		{ "=?utf-8?q?a=40example=2Ecom?=", true }, { "a@=?utf-8?Q?ex=61mple?=.com", true },
		{ "=?utf-8?b?YUBleGFt?=\r\n =?utf-8?q?ple.com?=", true }, { "a@=?a?b?ZXhhbXBsZS5jb20=?=", true },
		{ "=?utf-8?b?RXhhbXBsZQ==?= <foo..bar@evil.example>", false }, { "=?utf-8?q?a=40example=2Eco", false },
		{ "=?utf-8?b?YUBleGFtcGxlLmNvbQ?=", true }, { "=?utf-8?b?YUBleGFtcGxlLm?=", false }, { "=?=?=?=?", false }, { "=?a?q?=4?=", false },
		/* what can be read is not searched */
		{ "\"a@example.com\" <a@evil.example>", false },
	};
	char header[200];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct arena *arena = arena_create();
		struct from from;

		snprintf(header, sizeof(header), "From: %s\r\n", rows[i].value);
		from_read(&from, str_of(header), arena);
		row_true(i, (from_mentions(&from, str_of(domains[0])) ||
			from_mentions(&from, str_of(domains[1]))) == rows[i].want);
		arena_destroy(&arena);
	}
}

static void claims(void **state)
{
	static const struct {
		const char *header, *by_dns, *want;
	} rows[] = {
		{ "From: a@example.com\r\n", "", "example.com" },
		{ "fRoM : a@Sub.Example.com\r\n", "", "example.com" },
		{ "From: a@m\xc3\xbcnchen.example\r\n", "", "xn--mnchen-3ya.example" },
		{ "From: a@notexample.com\r\n", "", NULL },
		{ "From: a@com\r\n", "", NULL },
		/* the organisation of what stands behind what we forward */
		{ "From: a@example.net\r\n", "", "srs.example.net" },
		{ "From: a@other.example.net\r\n", "", "srs.example.net" },
		{ "From: a@example.org\r\n", "", "mail.host.example.org" },
		{ "From: a@notexample.net\r\n", "", NULL },
		/* as the DNS has it: larger than the list, and not for strangers */
		{ "From: a@evil.example\r\n", "evil.example", NULL },
		{ "From: a@evil.example\r\n", "example", NULL },
		{ "From: a@evil.example\r\n", "net", NULL },
		/* one of several */
		{ "From: a@evil.example, b@example.com\r\n", "", "example.com" },
		{ "From: a@evil.example\r\nFrom: b@example.com\r\n", "", "example.com" },
		{ "From: b@example.com\r\nFrom: a@evil.example\r\n", "", "example.com" },
		{ "From: b@evil.example\r\nFrom: <<a@example.com\r\n", "", "example.com" },
		{ "From: b@evil.example\r\nFrom: a@example.com:;\r\n", "", "example.com" },
		{ "From: <<a@example.net>\r\n", "", "srs.example.net" },
		{ "From: <<a@evil.example>\r\n", "", NULL },
		/* only From is what people see as the author */
		{ "Sender: a@example.com\r\nReply-To: a@example.com\r\nFrom: a@evil.example\r\n", "", NULL },
		{ "Subject: x\r\n From: a@example.com\r\nFrom: a@evil.example\r\n", "", NULL },
		{ "To: a@example.com\r\n", "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *got = own_claimed(&own, str_of(rows[i].header), rows[i].by_dns);

		row_text(i, str_of(got ? got : "-"), str_of(rows[i].want ? rows[i].want : "-"));
	}
}

/* Where the DNS has one organisation, those behind us see one. */
static void shared_suffix(void **state)
{
	static const char *const there[] = { "srs.a.blogspot.com" };
	static const struct check_own shared = { NULL, 0, there, 1 };

	(void)state;
	assert_null(own_claimed(&shared, STR("From: x@b.blogspot.com\r\n"), ""));
	assert_null(own_claimed(&shared, STR("From: x@b.blogspot.com\r\n"), "b.blogspot.com"));
	assert_non_null(own_claimed(&shared, STR("From: x@b.blogspot.com\r\n"), "blogspot.com"));
	assert_non_null(own_claimed(&shared, STR("From: x@a.blogspot.com\r\n"), ""));
}

/* Too much to look through, too many to count: ours. */
static void endless(void **state)
{
	size_t n = LIMIT_FROM_TEXT + 100;
	char *text = malloc(n + 64);

	(void)state;
	memset(text, '<', n + 64);
	memcpy(text, "From: ", 6);
	memcpy(text + n, "\r\n", 3);
	assert_non_null(own_claimed(&own, str_of(text), ""));
	memcpy(text + 2000, "\r\n", 3);
	assert_null(own_claimed(&own, str_of(text), ""));
	n = 6;
	for (int i = 0; i <= LIMIT_FROM_ADDRESSES; i++)
		n += (size_t)snprintf(text + n, 32, "a@evil.example,");
	snprintf(text + n, 32, "b@example.com\r\n");
	assert_non_null(own_claimed(&own, str_of(text), ""));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(mentions), cmocka_unit_test(claims),
		cmocka_unit_test(shared_suffix), cmocka_unit_test(endless) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
