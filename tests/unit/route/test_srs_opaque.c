/* Senders kept under short keys, in memory and on disk: src/route/srs_opaque.c. */
#include "../unit.h"
#include "folder.h"

#include "srs_opaque.h"

#include "base/clock.h"
#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY(n) (DAYS(20000) + DAYS(n))
#define A "aaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccc"

static struct srs_opaque *opened(void **state, struct loop *l, int64_t now)
{
	struct why why;
	struct srs_opaque *o = srs_opaque_open(*state, l, now, &why);

	if (!o)
		fail_msg("%s", why.text);
	return o;
}

static struct loop *loop(void)
{
	struct why why;
	struct loop *l = loop_create(1, &why);

	assert_non_null(l);
	return l;
}

static void file_is(void **state, const char *want)
{
	struct buf file;

	folder_read(state, "srs-opaque", &file);
	row_text(0, buf_str(&file), str_of(want));
	buf_finish(&file);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

/* Long enough for a worker to append what waits. */
static void run_a_while(struct loop *l)
{
	struct timer *t = timer_new(l, stop, l);

	timer_set(t, 200);
	loop_run(l);
	timer_destroy(&t);
}

static void remembered(void **state)
{
	struct srs_opaque *o = opened(state, NULL, DAY(0));

	srs_opaque_put(o, STR(A), STR("a@example.com"), DAY(0));
	srs_opaque_put(o, STR("not a key"), STR("b@example.com"), DAY(0));
	row_text(0, srs_opaque_get(o, STR(A)), STR("a@example.com"));
	row_text(1, srs_opaque_get(o, STR(B)), STR(""));
	row_text(2, srs_opaque_get(o, STR("not a key")), STR(""));
	srs_opaque_close(&o);
	assert_null(o);
	assert_int_equal(access(folder_file(state, "srs-opaque"), F_OK), -1);    /* no loop: never written */
}

static void too_old(void **state)
{
	struct srs_opaque *o = opened(state, NULL, DAY(0));

	srs_opaque_put(o, STR(A), STR("a@example.com"), DAY(0));
	srs_opaque_put(o, STR(B), STR("b@example.com"), DAY(1));
	srs_opaque_put(o, STR(C), STR("c@example.com"), DAY(22));
	assert_int_equal(srs_opaque_count(o), 3);       /* one of day 0 may be asked for until day 22 */
	srs_opaque_put(o, STR(B), STR("b@example.com"), DAY(23));
	assert_int_equal(srs_opaque_count(o), 2);
	row_text(0, srs_opaque_get(o, STR(A)), STR(""));
	row_text(1, srs_opaque_get(o, STR(B)), STR("b@example.com"));
	srs_opaque_close(&o);
}

/* Long senders of a spammer push out each other, and memory stays bounded. */
static void bounded(void **state)
{
	struct srs_opaque *o = opened(state, NULL, DAY(0));
	char key[] = A;

	for (int i = 0; i <= LIMIT_SRS_OPAQUE; i++) {
		for (int n = i, at = 0; at < 5; at++, n /= 26)
			key[at] = (char)('a' + n % 26);
		srs_opaque_put(o, str_of(key), STR("x@example.com"), DAY(0));
	}
	assert_int_equal(srs_opaque_count(o), LIMIT_SRS_OPAQUE);
	row_text(0, srs_opaque_get(o, STR(A)), STR(""));
	row_text(1, srs_opaque_get(o, str_of(key)), STR("x@example.com"));
	srs_opaque_close(&o);
}

static void reloaded(void **state)
{
	struct loop *l = loop();
	struct srs_opaque *o = opened(state, l, DAY(0));
	struct stat st;

	srs_opaque_put(o, STR(A), STR("\"a b%\"@example.com"), DAY(0));
	srs_opaque_put(o, STR(A), STR("\"a b%\"@example.com"), DAY(0));     /* the same day: once */
	srs_opaque_put(o, STR(B), STR("\xc3\xa4@example.com"), DAY(0));
	run_a_while(l);                 /* else closing may write what a worker is just writing: twice */
	srs_opaque_close(&o);
	assert_int_equal(stat(folder_file(state, "srs-opaque"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	file_is(state, "20000 " A " %22a%20b%25%22@example.com\n20000 " B " \xc3\xa4@example.com\n");
	o = opened(state, l, DAY(5));
	row_text(0, srs_opaque_get(o, STR(A)), STR("\"a b%\"@example.com"));
	row_text(1, srs_opaque_get(o, STR(B)), STR("\xc3\xa4@example.com"));
	srs_opaque_put(o, STR(A), STR("\"a b%\"@example.com"), DAY(5));
	srs_opaque_close(&o);
	o = opened(state, l, DAY(23));                  /* and left out of the file */
	assert_int_equal(srs_opaque_count(o), 1);
	srs_opaque_close(&o);
	file_is(state, "20005 " A " %22a%20b%25%22@example.com\n");
	loop_destroy(&l);
}

static void file_grew(void *arg)
{
	void **state = arg;
	struct stat st;

	if (stat(folder_file(state, "srs-opaque"), &st) == 0 && st.st_size > 0)
		loop_stop(state[1]);
	else
		timer_set(state[2], 5);
}

/* By a worker, while the server runs. */
static void appended(void **state)
{
	struct loop *l = loop();
	struct srs_opaque *o = opened(state, l, DAY(0));
	void *all[] = { *state, l, NULL };
	struct timer *t = timer_new(l, file_grew, all);

	all[2] = t;
	srs_opaque_put(o, STR(A), STR("a@example.com"), DAY(0));
	timer_set(t, 1);
	loop_run(l);
	file_is(state, "20000 " A " a@example.com\n");
	timer_destroy(&t);
	srs_opaque_close(&o);
	loop_destroy(&l);
}

/* A reload opens the new one before it closes the old. */
static void shared(void **state)
{
	struct loop *l = loop();
	struct srs_opaque *old = opened(state, l, DAY(0)), *fresh;

	srs_opaque_put(old, STR(A), STR("a@example.com"), DAY(0));
	fresh = opened(state, l, DAY(0));
	row_text(0, srs_opaque_get(fresh, STR(A)), STR("a@example.com"));
	srs_opaque_close(&old);
	row_text(1, srs_opaque_get(fresh, STR(A)), STR("a@example.com"));
	srs_opaque_close(&fresh);
	loop_destroy(&l);
}

static void damaged(void **state)
{
	static const char file[] =
		"20000 " A " a@example.com\n"
		"\n"
		"x " B " b@example.com\n"
		"20000 short b@example.com\n"
		"20000 " B "\n"
		"20000 " B " \n"
		"20000 " B " bad%2\n"
		"-5 " B " b@example.com\n"
		"99999999999999999999 " B " b@example.com\n"
		"19000 " B " b@example.com\n"
		"20001 " A " newer@example.com\n"
		"20001 " C " torn@examp";
	struct loop *l = loop();
	struct srs_opaque *o;

	folder_write(state, "srs-opaque", str_of(file));
	o = opened(state, l, DAY(1));
	assert_int_equal(srs_opaque_count(o), 1);
	row_text(0, srs_opaque_get(o, STR(A)), STR("newer@example.com"));
	file_is(state, "20001 " A " newer@example.com\n");
	srs_opaque_put(o, STR(C), STR("c@example.com"), DAY(1));
	run_a_while(l);
	srs_opaque_close(&o);
	file_is(state, "20001 " A " newer@example.com\n20001 " C " c@example.com\n");
	loop_destroy(&l);
}

/* Whoever only looks (the command line) changes nothing. */
static void read_only(void **state)
{
	static const char file[] = "19000 " A " a@example.com\n20000 " B " b@example.com\n";
	struct srs_opaque *o;

	folder_write(state, "srs-opaque", str_of(file));
	o = opened(state, NULL, DAY(0));
	assert_int_equal(srs_opaque_count(o), 1);
	srs_opaque_close(&o);
	file_is(state, file);
}

/* Of a file that grew to its limit, and of the one before it. */
static void two_files(void **state)
{
	struct loop *l = loop();
	struct srs_opaque *o;

	folder_write(state, "srs-opaque.old", STR("20000 " A " a@example.com\n20000 " B " b@example.com\n"));
	folder_write(state, "srs-opaque", STR("20001 " B " newer@example.com\n"));
	o = opened(state, l, DAY(2));
	row_text(0, srs_opaque_get(o, STR(A)), STR("a@example.com"));
	row_text(1, srs_opaque_get(o, STR(B)), STR("newer@example.com"));
	srs_opaque_close(&o);
	file_is(state, "20000 " A " a@example.com\n20001 " B " newer@example.com\n");
	assert_int_equal(access(folder_file(state, "srs-opaque.old"), F_OK), -1);
	loop_destroy(&l);
}

static void rotated(void **state)
{
	struct loop *l = loop();
	struct srs_opaque *o;
	struct buf file;
	char key[] = A;

	o = opened(state, l, DAY(0));
	for (int i = 0; i < LIMIT_SRS_OPAQUE + 10; i++) {
		for (int n = i, at = 0; at < 5; at++, n /= 26)
			key[at] = (char)('a' + n % 26);
		srs_opaque_put(o, str_of(key), STR("x@example.com"), DAY(0));
	}
	srs_opaque_close(&o);
	o = opened(state, l, DAY(0));
	assert_int_equal(srs_opaque_count(o), LIMIT_SRS_OPAQUE);
	srs_opaque_put(o, STR(C), STR("c@example.com"), DAY(0));
	run_a_while(l);
	srs_opaque_close(&o);
	assert_int_equal(access(folder_file(state, "srs-opaque.old"), F_OK), 0);
	folder_read(state, "srs-opaque.old", &file);
	assert_true(file.n > (size_t)LIMIT_SRS_OPAQUE * 30);
	buf_finish(&file);
	file_is(state, "20000 " C " c@example.com\n");
	o = opened(state, l, DAY(0));
	assert_int_equal(srs_opaque_count(o), LIMIT_SRS_OPAQUE);
	row_text(0, srs_opaque_get(o, STR(C)), STR("c@example.com"));
	srs_opaque_close(&o);
	loop_destroy(&l);
}

/* What could not be written is kept, and goes with the next. */
static void disk_fails(void **state)
{
	struct loop *l = loop();
	struct srs_opaque *o = opened(state, l, DAY(0));

	assert_int_equal(mkdir(folder_file(state, "srs-opaque"), 0700), 0);     /* open(2) says EISDIR */
	srs_opaque_put(o, STR(A), STR("a@example.com"), DAY(0));
	run_a_while(l);
	row_text(0, srs_opaque_get(o, STR(A)), STR("a@example.com"));
	assert_int_equal(rmdir(folder_file(state, "srs-opaque")), 0);
	srs_opaque_put(o, STR(B), STR("b@example.com"), DAY(0));
	srs_opaque_close(&o);
	o = opened(state, NULL, DAY(0));
	row_text(1, srs_opaque_get(o, STR(A)), STR("a@example.com"));
	row_text(2, srs_opaque_get(o, STR(B)), STR("b@example.com"));
	srs_opaque_close(&o);
	loop_destroy(&l);
}

static void unreadable(void **state)
{
	struct why why = { 0 };

	assert_int_equal(mkdir(folder_file(state, "srs-opaque"), 0700), 0);
	assert_null(srs_opaque_open(*state, NULL, DAY(0), &why));
	assert_non_null(strstr(why.text, "srs-opaque"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)
int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(remembered), TEST(too_old), TEST(bounded), TEST(reloaded), TEST(appended), TEST(shared),
		TEST(damaged), TEST(read_only), TEST(two_files), TEST(rotated), TEST(disk_fails),
		TEST(unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
