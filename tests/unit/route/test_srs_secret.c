/* The secret that is made once: src/route/srs_secret.c. */
#include "../unit.h"
#include "folder.h"

#include "srs_secret.h"

#include <sys/stat.h>
#include <unistd.h>

static void made_once(void **state)
{
	struct buf first, again, file;
	struct why why;
	struct stat st;

	buf_init(&first, 4096);
	buf_init(&again, 4096);
	assert_true(srs_secret_read(&first, *state, true, &why));
	assert_int_equal(first.n, 44);          /* 32 bytes in base64 */
	assert_int_equal(stat(folder_file(state, "srs-secret"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	folder_read(state, "srs-secret", &file);
	assert_int_equal(file.n, 45);
	assert_int_equal(access(folder_file(state, "srs-secret.new"), F_OK), -1);
	assert_true(srs_secret_read(&again, *state, true, &why));
	row_text(0, buf_str(&again), buf_str(&first));
	buf_finish(&first);
	buf_finish(&again);
	buf_finish(&file);
}

static void two_differ(void **state)
{
	struct buf one, other;
	struct why why;

	buf_init(&one, 4096);
	buf_init(&other, 4096);
	assert_true(srs_secret_read(&one, *state, true, &why));
	assert_int_equal(unlink(folder_file(state, "srs-secret")), 0);
	assert_true(srs_secret_read(&other, *state, true, &why));
	assert_false(str_eq(buf_str(&one), buf_str(&other)));
	buf_finish(&one);
	buf_finish(&other);
}

static void only_read(void **state)
{
	struct buf out;
	struct why why;

	buf_init(&out, 4096);
	assert_true(srs_secret_read(&out, *state, false, &why));
	assert_int_equal(out.n, 0);
	assert_int_equal(access(folder_file(state, "srs-secret"), F_OK), -1);
	buf_finish(&out);
}

static void as_written(void **state)
{
	static const struct { const char *content, *secret, *why; } rows[] = {
		{ "abc\n", "abc", NULL },
		{ "abc", "abc", NULL },
		{ " abc \n\n", " abc \n", NULL },
		{ "", NULL, "empty" },
		{ "\n", NULL, "empty" },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct buf out;
		struct why why = { 0 };
		bool good;

		buf_init(&out, 4096);
		folder_write(state, "srs-secret", str_of(rows[i].content));
		good = srs_secret_read(&out, *state, true, &why);
		row_true(i, good == !rows[i].why);
		if (good)
			row_text(i, buf_str(&out), str_of(rows[i].secret));
		else
			row_true(i, strstr(why.text, rows[i].why));
		buf_finish(&out);
	}
}

static void no_folder(void **state)
{
	struct buf out;
	struct why why = { 0 };

	buf_init(&out, 4096);
	assert_false(srs_secret_read(&out, folder_file(state, "no/such"), true, &why));
	assert_non_null(strstr(why.text, "no/such"));
	assert_true(srs_secret_read(&out, folder_file(state, "new"), true, &why));    /* one level is made */
	assert_int_equal(unlink(folder_file(state, "new/srs-secret")), 0);
	buf_finish(&out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)
int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(made_once), TEST(two_differ), TEST(only_read), TEST(as_written), TEST(no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
