/* test_canon.c - RFC 6376 section 3.4, its examples and its corners */
#include "mail/canon.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ROOM = 1 << 20 };

static void collect(void *arg, const void *p, size_t n)
{
	assert_true(buf_add(arg, p, n));
}

static void assert_bytes(const struct buf *got, struct str want, const char *name)
{
	if (!str_eq(buf_str(got), want))
		fail_msg("%s: got \"%.*s\" (%zu), want \"%.*s\" (%zu)", name, STR_FMT(buf_str(got)), got->n,
			STR_FMT(want), want.n);
}

static const struct body_row {
	const char *name;
	struct str body, simple, relaxed;
} bodies[] = {
	{ "empty", STR(""), STR("\r\n"), STR("") },
	{ "one empty line", STR("\r\n"), STR("\r\n"), STR("") },
	{ "empty lines only", STR("\r\n\r\n\r\n"), STR("\r\n"), STR("") },
	{ "blank lines only", STR(" \r\n\t\r\n"), STR(" \r\n\t\r\n"), STR("") },
	{ "RFC 6376 3.4.5", STR(" C \r\nD \t E\r\n\r\n\r\n"), STR(" C \r\nD \t E\r\n"), STR(" C\r\nD E\r\n") },
	{ "trailing empty lines", STR("a\r\n\r\n\r\n"), STR("a\r\n"), STR("a\r\n") },
	{ "trailing blank lines", STR("a\r\n \r\n\t \r\n"), STR("a\r\n \r\n\t \r\n"), STR("a\r\n") },
	{ "empty lines inside", STR("a\r\n\r\n\r\nb\r\n"), STR("a\r\n\r\n\r\nb\r\n"), STR("a\r\n\r\n\r\nb\r\n") },
	{ "blank line inside", STR("a\r\n \t\r\nb\r\n"), STR("a\r\n \t\r\nb\r\n"), STR("a\r\n\r\nb\r\n") },
	{ "leading empty lines", STR("\r\n\r\na\r\n"), STR("\r\n\r\na\r\n"), STR("\r\n\r\na\r\n") },
	{ "leading blanks", STR("  a\r\n\t\tb\r\n"), STR("  a\r\n\t\tb\r\n"), STR(" a\r\n b\r\n") },
	{ "blanks at line ends", STR("a \t \r\nb\t\r\n"), STR("a \t \r\nb\t\r\n"), STR("a\r\nb\r\n") },
	{ "no final CRLF", STR("a\r\nb"), STR("a\r\nb\r\n"), STR("a\r\nb\r\n") },
	{ "no final CRLF, a blank", STR("a "), STR("a \r\n"), STR("a\r\n") },
	{ "only a blank", STR(" "), STR(" \r\n"), STR("") },
	{ "ends in CR", STR("a\r"), STR("a\r\r\n"), STR("a\r\r\n") },
	{ "only a CR", STR("\r"), STR("\r\r\n"), STR("\r\r\n") },
	{ "only a LF", STR("\n"), STR("\n\r\n"), STR("\n\r\n") },
	{ "lone CR", STR("a\rb\r\n"), STR("a\rb\r\n"), STR("a\rb\r\n") },
	{ "lone LF", STR("a\nb\r\n"), STR("a\nb\r\n"), STR("a\nb\r\n") },
	{ "lone LF keeps blanks", STR("a \nb\r\n"), STR("a \nb\r\n"), STR("a \nb\r\n") },
	{ "lone CR keeps blanks", STR("a  \rb\r\n"), STR("a  \rb\r\n"), STR("a \rb\r\n") },
	{ "CR CR LF", STR("a\r\r\nb\r\n"), STR("a\r\r\nb\r\n"), STR("a\r\r\nb\r\n") },
	{ "CR CR LF alone", STR("\r\r\n"), STR("\r\r\n"), STR("\r\r\n") },
	{ "LF CR", STR("\n\r\n\r\n"), STR("\n\r\n"), STR("\n\r\n") },
	{ "CR after empty lines", STR("\r\n\r\n\rx"), STR("\r\n\r\n\rx\r\n"), STR("\r\n\r\n\rx\r\n") },
	{ "blank, CR, blank", STR(" \r \r\n"), STR(" \r \r\n"), STR(" \r\r\n") },
	{ "NUL and 8-bit", STR("\0 \0\xff\xc3\xa9\r\n"), STR("\0 \0\xff\xc3\xa9\r\n"), STR("\0 \0\xff\xc3\xa9\r\n") },
	{ "vertical tab is data", STR("a\v\f \r\n"), STR("a\v\f \r\n"), STR("a\v\f\r\n") },
	{ "dot lines", STR(".\r\n..\r\n"), STR(".\r\n..\r\n"), STR(".\r\n..\r\n") },
};

/* In pieces that end at `first` and `second`. */
static void check_body(const struct body_row *row, enum canon how, size_t first, size_t second)
{
	struct canon_body c;
	struct buf out;

	buf_init(&out, ROOM);
	canon_body_init(&c, how, collect, &out);
	canon_body_add(&c, str_head(row->body, first));
	canon_body_add(&c, str_skip(str_head(row->body, second), first));
	canon_body_add(&c, str_skip(row->body, second));
	canon_body_end(&c);
	assert_bytes(&out, how == CANON_SIMPLE ? row->simple : row->relaxed, row->name);
	buf_finish(&out);
}

static void check_bytewise(const struct body_row *row, enum canon how)
{
	struct canon_body c;
	struct buf out;

	buf_init(&out, ROOM);
	canon_body_init(&c, how, collect, &out);
	for (size_t i = 0; i < row->body.n; i++)
		canon_body_add(&c, str_make(row->body.p + i, 1));
	canon_body_end(&c);
	assert_bytes(&out, how == CANON_SIMPLE ? row->simple : row->relaxed, row->name);
	buf_finish(&out);
}

static void bodies_in_every_split(void **state)
{
	(void)state;
	for (size_t r = 0; r < sizeof bodies / sizeof bodies[0]; r++) {
		for (size_t i = 0; i <= bodies[r].body.n; i++) {
			for (size_t j = i; j <= bodies[r].body.n; j++) {
				check_body(&bodies[r], CANON_SIMPLE, i, j);
				check_body(&bodies[r], CANON_RELAXED, i, j);
			}
		}
		check_bytewise(&bodies[r], CANON_SIMPLE);
		check_bytewise(&bodies[r], CANON_RELAXED);
	}
}

struct count {
	uint64_t bytes, largest;
};

static void count_bytes(void *arg, const void *p, size_t n)
{
	struct count *count = arg;

	(void)p;
	count->bytes += n;
	if (n > count->largest)
		count->largest = n;
}

/* Runs of many pieces' length, of each byte that is held back. */
static const struct run_row {
	const char *name, *unit, *after;
	size_t times;
	uint64_t simple, relaxed;
} runs[] = {
	{ "line ends, then data", "\r\n", "x\r\n", 100000, 200003, 200003 },
	{ "line ends at the end", "\r\n", "", 100000, 2, 0 },
	{ "blanks inside", " \t", "x\r\n", 100000, 200003, 4 },
	{ "blanks at the end", " \t", "\r\n", 100000, 200002, 0 },
	{ "CRs", "\r", "\n", 100000, 100001, 100001 },
	{ "one long line", "abcdefgh", "\r\n", 100000, 800002, 800002 },
	{ "words", "ab ", "\r\n", 100000, 300002, 300001 },
};

static void long_runs(void **state)
{
	(void)state;
	for (size_t r = 0; r < sizeof runs / sizeof runs[0]; r++) {
		for (int how = CANON_SIMPLE; how <= CANON_RELAXED; how++) {
			struct count count = { 0 };
			struct canon_body c;

			canon_body_init(&c, (enum canon)how, count_bytes, &count);
			for (size_t i = 0; i < runs[r].times; i++)
				canon_body_add(&c, str_of(runs[r].unit));
			canon_body_add(&c, str_of(runs[r].after));
			canon_body_end(&c);
			if (count.bytes != (how == CANON_SIMPLE ? runs[r].simple : runs[r].relaxed))
				fail_msg("%s, %d: %llu bytes", runs[r].name, how, (unsigned long long)count.bytes);
			assert_true(count.largest <= 4096);
		}
	}
}

static const struct header_row {
	const char *name;
	struct str raw, simple, relaxed;
} headers[] = {
	{ "RFC 6376 3.4.5 A", STR("A: X\r\n"), STR("A: X\r\n"), STR("a:X\r\n") },
	{ "RFC 6376 3.4.5 B", STR("B : Y\t\r\n\tZ  \r\n"), STR("B : Y\t\r\n\tZ  \r\n"), STR("b:Y Z\r\n") },
	{ "no blank", STR("Subject:x\r\n"), STR("Subject:x\r\n"), STR("subject:x\r\n") },
	{ "empty value", STR("Subject:\r\n"), STR("Subject:\r\n"), STR("subject:\r\n") },
	{ "blank value", STR("Subject: \t \r\n"), STR("Subject: \t \r\n"), STR("subject:\r\n") },
	{ "folded at once", STR("Subject:\r\n x\r\n"), STR("Subject:\r\n x\r\n"), STR("subject:x\r\n") },
	{ "folded to nothing", STR("Subject: x\r\n \r\n"), STR("Subject: x\r\n \r\n"), STR("subject:x\r\n") },
	{ "colons in the value", STR("A:b:c : d\r\n"), STR("A:b:c : d\r\n"), STR("a:b:c : d\r\n") },
	{ "UTF-8", STR("Subject: \xc3\x84  \xc3\xa4\r\n"), STR("Subject: \xc3\x84  \xc3\xa4\r\n"),
	  STR("subject:\xc3\x84 \xc3\xa4\r\n") },
	{ "lone CR and LF", STR("A: b\rc \nd\r\n"), STR("A: b\rc \nd\r\n"), STR("a:b\rc \nd\r\n") },
	{ "CR CR LF", STR("A: b\r\r\n"), STR("A: b\r\r\n"), STR("a:b\r\r\n") },
	{ "no CRLF", STR("A: b"), STR("A: b\r\n"), STR("a:b\r\n") },
	{ "no colon", STR("what is this \r\n"), STR("what is this \r\n"), STR("what is this \r\n") },
	{ "no name", STR(": x\r\n"), STR(": x\r\n"), STR(":x\r\n") },
	{ "nothing", STR(""), STR("\r\n"), STR("\r\n") },
};

static void header_fields(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, ROOM);
	for (size_t r = 0; r < sizeof headers / sizeof headers[0]; r++) {
		const struct header_row *row = &headers[r];

		buf_clear(&out);
		assert_true(canon_header(&out, CANON_SIMPLE, row->raw, false));
		assert_bytes(&out, row->simple, row->name);
		buf_clear(&out);
		assert_true(canon_header(&out, CANON_RELAXED, row->raw, false));
		assert_bytes(&out, row->relaxed, row->name);
		buf_clear(&out);
		assert_true(canon_header(&out, CANON_RELAXED, row->raw, true));
		assert_bytes(&out, str_head(row->relaxed, row->relaxed.n - 2), row->name);
	}
	buf_finish(&out);
}

static void a_field_that_does_not_fit(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 8);
	assert_false(canon_header(&out, CANON_RELAXED, STR("Subject: longer than that\r\n"), false));
	buf_finish(&out);
	buf_init(&out, 8);
	assert_false(canon_header(&out, CANON_SIMPLE, STR("Subject: x\r\n"), true));
	buf_finish(&out);
	buf_init(&out, 3);
	assert_false(canon_header(&out, CANON_RELAXED, STR("A: b\r\n"), false));
	assert_true(out.over);
	buf_finish(&out);
}

static void a_long_name(void **state)
{
	struct buf raw, out;

	(void)state;
	buf_init(&raw, ROOM);
	buf_init(&out, ROOM);
	for (int i = 0; i < 20000; i++)
		buf_add_char(&raw, 'N');
	buf_add_str(&raw, STR(" : v\r\n"));
	assert_true(canon_header(&out, CANON_RELAXED, buf_str(&raw), false));
	assert_int_equal(out.n, 20000 + 4);
	assert_true(str_iends(buf_str(&out), STR("n:v\r\n")));
	buf_finish(&raw);
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_in_every_split),
		cmocka_unit_test(long_runs),
		cmocka_unit_test(header_fields),
		cmocka_unit_test(a_field_that_does_not_fit),
		cmocka_unit_test(a_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
