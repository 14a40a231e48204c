/* Who passed, for how long, and across a restart: allow.c, allow_file.c. */
#include "stage.h"

#include "base/limits.h"
#include "receive/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GREET (1u << SCREEN_GREET)
#define LISTS (1u << SCREEN_LISTS)
#define LINES (1u << SCREEN_BARE_NEWLINE)

static struct screen_options options;

static int begin(void **state)
{
	(void)state;
	stage_begin();
	stage_options(&options, "postscreen: {cache_size: 100}\n");
	return 0;
}

static int end(void **state)
{
	(void)state;
	stage_end();
	return 0;
}

static struct inet_addr addr(const char *text)
{
	struct inet_addr a;

	assert_true(inet_parse(&a, str_of(text)));
	return a;
}

static struct inet_addr number(unsigned n)
{
	return (struct inet_addr){ .ip = { 10, (unsigned char)(n >> 16), (unsigned char)(n >> 8),
		(unsigned char)n } };
}

static struct allow *open_cache(void)
{
	return allow_create(NULL, &options, stage_folder());
}

static unsigned passed(struct allow *a, const char *client)
{
	struct inet_addr c = addr(client);

	return allow_passed(a, &c);
}

static void pass(struct allow *a, const char *client, unsigned tests)
{
	struct inet_addr c = addr(client);

	allow_pass(a, &c, tests);
}

static bool grant(struct allow *a, const char *client, int64_t ms)
{
	struct inet_addr c = addr(client);

	return allow_grant(a, &c, ms);
}

static bool forget(struct allow *a, const char *client)
{
	struct inet_addr c = addr(client);

	return allow_forget(a, &c);
}

static void write_file(const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/screen-cache", stage_folder());
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

/* "" if there is none */
static const char *read_file(void)
{
	static char text[1 << 20];
	char path[128];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/screen-cache", stage_folder());
	f = fopen(path, "r");
	if (f) {
		n = fread(text, 1, sizeof text - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return text;
}

/* Each test counts for its own time. */
static void time_to_live(void **state)
{
	struct allow *a = open_cache();

	(void)state;
	assert_int_equal(passed(a, "192.0.2.1"), 0);
	pass(a, "192.0.2.1", 0);
	assert_int_equal(allow_count(a), 0);
	pass(a, "192.0.2.1", SCREEN_ALL);
	assert_int_equal(passed(a, "192.0.2.1"), SCREEN_ALL);
	assert_int_equal(passed(a, "192.0.2.2"), 0);
	stage_run(HOURS(1) - 1);
	assert_int_equal(passed(a, "192.0.2.1"), SCREEN_ALL);
	stage_run(1);
	assert_int_equal(passed(a, "192.0.2.1"), SCREEN_ALL & ~LISTS);
	pass(a, "192.0.2.1", LISTS);
	stage_run(HOURS(23));
	assert_int_equal(passed(a, "192.0.2.1"), SCREEN_ALL & ~LISTS & ~GREET);
	assert_int_equal(allow_count(a), 1);
	stage_run(DAYS(29));
	assert_int_equal(passed(a, "192.0.2.1"), 0);
	stage_run(LIMIT_ALLOW_SWEEP * 2);
	assert_int_equal(allow_count(a), 0);
	allow_destroy(&a);
	assert_null(a);
	allow_destroy(&a);
}

static void networks(void **state)
{
	static const struct {
		const char *one, *other;
		bool same;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true },
		{ "2001:db8:1:2::1", "2001:db8:1:3::1", false },
		{ "c000:201::", "192.0.2.1", false },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct allow *a;

		begin(NULL);
		a = open_cache();
		pass(a, rows[i].one, GREET);
		row_true(i, passed(a, rows[i].other) == (rows[i].same ? GREET : 0));
		row_true(i, forget(a, rows[i].other) == rows[i].same);
		row_true(i, allow_count(a) == !rows[i].same);
		allow_destroy(&a);
		end(NULL);
	}
}

static void failures(void **state)
{
	struct inet_addr one = addr("192.0.2.1"), two = addr("192.0.2.2");
	struct allow *a = open_cache();

	(void)state;
	pass(a, "192.0.2.1", GREET | LISTS);
	allow_fail(a, &one);
	assert_int_equal(allow_count(a), 0);
	allow_fail(a, &one);
	/* what an operator says stays */
	pass(a, "192.0.2.2", GREET);
	assert_true(grant(a, "192.0.2.2", DAYS(2)));
	allow_fail(a, &two);
	assert_int_equal(passed(a, "192.0.2.2"), SCREEN_ALL);
	stage_run(DAYS(2));
	assert_int_equal(passed(a, "192.0.2.2"), 0);
	allow_destroy(&a);
}

/* Of more than cache_size the one not seen for longest goes; what an operator allowed does not. */
static void bounded(void **state)
{
	struct allow *a = open_cache();
	struct inet_addr c;

	(void)state;
	assert_true(grant(a, "192.0.2.1", INT64_MAX));
	for (unsigned i = 0; i < 100; i++) {
		c = number(i);
		allow_pass(a, &c, LINES);
	}
	assert_int_equal(allow_count(a), 101);
	c = number(0);
	assert_int_equal(allow_passed(a, &c), LINES);
	for (unsigned i = 100; i < 199; i++) {
		c = number(i);
		allow_pass(a, &c, LINES);
	}
	assert_int_equal(allow_count(a), 101);
	c = number(0);
	assert_int_equal(allow_passed(a, &c), LINES);
	c = number(99);
	assert_int_equal(allow_passed(a, &c), 0);
	c = number(100);
	assert_int_equal(allow_passed(a, &c), LINES);
	assert_int_equal(passed(a, "192.0.2.1"), SCREEN_ALL);
	allow_destroy(&a);
}

static void grants(void **state)
{
	struct allow *a = open_cache();
	struct allow_entry e;
	struct inet_addr c;

	(void)state;
	assert_true(grant(a, "2001:db8::9", INT64_MAX));
	assert_int_equal(passed(a, "2001:db8::1"), SCREEN_ALL);
	c = addr("2001:db8::2");
	assert_true(allow_find(a, &c, &e));
	assert_true(e.allowed == INT64_MAX);
	/* for some days: then what it earned itself counts again */
	pass(a, "192.0.2.1", LINES);
	assert_true(grant(a, "192.0.2.1", DAYS(3)));
	stage_run(DAYS(3) - 1);
	assert_int_equal(passed(a, "192.0.2.1"), SCREEN_ALL);
	stage_run(LIMIT_ALLOW_SWEEP);
	assert_int_equal(passed(a, "192.0.2.1"), LINES);
	assert_true(grant(a, "192.0.2.1", DAYS(1)));
	assert_true(forget(a, "192.0.2.1"));
	assert_false(forget(a, "192.0.2.1"));
	assert_int_equal(passed(a, "192.0.2.1"), 0);
	for (unsigned i = 0; i < LIMIT_ALLOW_GRANTS - 1; i++) {
		c = number(i);
		assert_true(allow_grant(a, &c, INT64_MAX));
	}
	assert_false(grant(a, "192.0.2.3", INT64_MAX));
	c = number(0);
	assert_true(allow_grant(a, &c, DAYS(1)));
	stage_run(DAYS(400));
	assert_int_equal(allow_count(a), LIMIT_ALLOW_GRANTS - 1);
	allow_destroy(&a);
}

static void walked(void **state)
{
	struct allow *a = open_cache();
	bool seen[90] = { false };
	struct allow_entry e;
	size_t at = 0, n = 0;

	(void)state;
	for (unsigned i = 0; i < 90; i++) {
		struct inet_addr c = number(i);

		allow_pass(a, &c, GREET);
	}
	while (allow_next(a, &at, &e)) {
		assert_false(seen[e.network.ip[3]]);
		seen[e.network.ip[3]] = true;
		n++;
	}
	assert_int_equal(n, 90);
	allow_destroy(&a);
}

/* ---- the file ---- */

static void restart(void **state)
{
	struct allow *a = open_cache();

	(void)state;
	pass(a, "192.0.2.1", GREET | LISTS);
	pass(a, "2001:db8:1:2::3", LINES);
	assert_true(grant(a, "192.0.2.4", INT64_MAX));
	assert_true(grant(a, "192.0.2.5", DAYS(2)));
	allow_destroy(&a);
	assert_string_equal(read_file(), "waypost screen-cache 1\n"
		"192.0.2.1 greet=1700087400 lists=1700004600\n"
		"192.0.2.5 allowed=1700173800\n"
		"2001:db8:1:2:: bare-newline=1702593000\n"
		"192.0.2.4 allowed=forever\n");
	a = open_cache();
	assert_int_equal(allow_count(a), 4);
	assert_int_equal(passed(a, "192.0.2.1"), GREET | LISTS);
	assert_int_equal(passed(a, "2001:db8:1:2::7"), LINES);
	assert_int_equal(passed(a, "192.0.2.4"), SCREEN_ALL);
	assert_int_equal(passed(a, "192.0.2.5"), SCREEN_ALL);
	allow_destroy(&a);
	/* time goes by while it is down */
	stage_jump(HOURS(5));
	a = open_cache();
	assert_int_equal(passed(a, "192.0.2.1"), GREET);
	allow_destroy(&a);
	stage_jump(DAYS(40));
	a = open_cache();
	assert_int_equal(allow_count(a), 1);
	assert_int_equal(passed(a, "192.0.2.4"), SCREEN_ALL);
	allow_destroy(&a);
}

/* Written in the background: what a client earned within five minutes, an operator's word at once. */
static void written(void **state)
{
	struct allow *a = open_cache();

	(void)state;
	pass(a, "192.0.2.1", GREET);
	stage_run(LIMIT_ALLOW_WRITE - 1);
	assert_string_equal(read_file(), "");
	stage_run(100);
	assert_non_null(strstr(read_file(), "192.0.2.1"));
	assert_true(grant(a, "192.0.2.2", INT64_MAX));
	stage_run(SECONDS(2));
	assert_non_null(strstr(read_file(), "192.0.2.2 allowed=forever\n"));
	/* one that comes while it is written goes with the next */
	assert_true(forget(a, "192.0.2.2"));
	stage_run(SECONDS(1));
	pass(a, "192.0.2.3", GREET);
	stage_run(LIMIT_ALLOW_WRITE + 100);
	assert_non_null(strstr(read_file(), "192.0.2.3"));
	assert_null(strstr(read_file(), "192.0.2.2"));
	/* it ends in the midst of a write */
	assert_true(grant(a, "192.0.2.9", INT64_MAX));
	stage_run(SECONDS(1));
	assert_true(grant(a, "192.0.2.8", INT64_MAX));
	allow_destroy(&a);
	assert_non_null(strstr(read_file(), "192.0.2.9"));
	assert_non_null(strstr(read_file(), "192.0.2.8"));
}

/* More entries than one round of the loop copies. */
static void written_large(void **state)
{
	struct allow *a;
	size_t lines = 0;

	(void)state;
	stage_options(&options, "postscreen: {cache_size: 5000}\n");
	a = open_cache();
	for (unsigned i = 0; i < 5000; i++) {
		struct inet_addr c = number(i);

		allow_pass(a, &c, GREET);
	}
	stage_run(LIMIT_ALLOW_WRITE + 100);
	for (const char *p = read_file(); *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 5001);
	allow_destroy(&a);
	/* there is room for fewer now: those that would have ended first are gone */
	stage_options(&options, "postscreen: {cache_size: 100}\n");
	a = open_cache();
	assert_int_equal(allow_count(a), 100);
	allow_destroy(&a);
}

/* The old file stays when the new one can't be written, and it is tried again. */
static void unwritable(void **state)
{
	struct allow *a = open_cache();
	char new_path[128];

	(void)state;
	pass(a, "192.0.2.1", GREET);
	stage_run(LIMIT_ALLOW_WRITE + 100);
	/* a folder stands where the new file would */
	snprintf(new_path, sizeof new_path, "%s/screen-cache.new", stage_folder());
	assert_int_equal(mkdir(new_path, 0700), 0);
	pass(a, "192.0.2.2", GREET);
	stage_run(LIMIT_ALLOW_WRITE + 100);
	assert_int_equal(stage_logged("screen-cache state=not written"), 1);
	assert_non_null(strstr(read_file(), "192.0.2.1"));
	assert_null(strstr(read_file(), "192.0.2.2"));
	assert_int_equal(rmdir(new_path), 0);
	stage_run(LIMIT_ALLOW_WRITE + 100);
	assert_non_null(strstr(read_file(), "192.0.2.2"));
	allow_destroy(&a);
}

static void bad_files(void **state)
{
	static const struct {
		const char *text;
		size_t entries, bad;
	} rows[] = {
		{ "", 0, 0 },
		{ "waypost screen-cache 1\n", 0, 0 },
		{ "waypost screen-cache 1\n192.0.2.1 greet=1800000000\n", 1, 0 },
		{ "\n\n192.0.2.1 greet=1800000000\n\n", 1, 0 },
		{ "192.0.2.1 greet=1800000000\n192.0.2.1 lists=1800000000\n", 1, 0 },
		/* expired */
		{ "192.0.2.1 greet=1600000000\n", 0, 0 },
		{ "192.0.2.1\n", 0, 0 },
		/* cut off */
		{ "192.0.2.1 greet=1800000000\n192.0.2.2 greet=18000", 1, 1 },
		{ "192.0.2.300 greet=1800000000\n", 0, 1 },
		{ "example.com greet=1800000000\n", 0, 1 },
		{ "192.0.2.1 greet=x\n", 0, 1 },
		{ "192.0.2.1 greet=-1\n", 0, 1 },
		{ "192.0.2.1 greet=0\n", 0, 1 },
		{ "192.0.2.1 greet\n", 0, 1 },
		{ "192.0.2.1 greet=99999999999999999999\n", 0, 1 },
		{ "192.0.2.1 greet=9223372036854775807\n", 0, 1 },
		{ "192.0.2.1 great=1800000000\n", 0, 1 },
		{ "192.0.2.1 allowed=always\n", 0, 1 },
		{ "\x01\x02\xff\n192.0.2.1 greet=1800000000\n", 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct allow *a;
		char lines[40];

		begin(NULL);
		write_file(rows[i].text);
		a = open_cache();
		row_true(i, allow_count(a) == rows[i].entries);
		snprintf(lines, sizeof lines, "lines=%zu", rows[i].bad);
		row_true(i, stage_logged("screen-cache") == (rows[i].bad != 0));
		row_true(i, stage_logged(lines) == (rows[i].bad != 0));
		allow_destroy(&a);
		end(NULL);
	}
}

/* A line without end is one bad line, however long; the next one counts. */
static void long_line(void **state)
{
	struct buf text;
	struct allow *a;

	(void)state;
	buf_init(&text, 1 << 20);
	for (int i = 0; i < 5000; i++)
		buf_addf(&text, "192.0.2.1 greet=1800000000 ");
	buf_addf(&text, "\n192.0.2.2 greet=1800000000\n");
	write_file(buf_text(&text));
	buf_finish(&text);
	a = open_cache();
	assert_int_equal(allow_count(a), 1);
	assert_int_equal(passed(a, "192.0.2.2"), GREET);
	assert_int_equal(stage_logged("lines=1"), 1);
	allow_destroy(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(time_to_live, begin, end),
		cmocka_unit_test(networks),
		cmocka_unit_test_setup_teardown(failures, begin, end),
		cmocka_unit_test_setup_teardown(bounded, begin, end),
		cmocka_unit_test_setup_teardown(grants, begin, end),
		cmocka_unit_test_setup_teardown(walked, begin, end),
		cmocka_unit_test_setup_teardown(restart, begin, end),
		cmocka_unit_test_setup_teardown(written, begin, end),
		cmocka_unit_test_setup_teardown(written_large, begin, end),
		cmocka_unit_test_setup_teardown(unwritable, begin, end),
		cmocka_unit_test(bad_files),
		cmocka_unit_test_setup_teardown(long_line, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
