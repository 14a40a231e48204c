/* Opening the queue on disk. */
#include "lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void makes_its_folders(void **state)
{
	static const char *const names[] = { "", "queue", "queue/00", "queue/ff", "tmp", "hold",
		"corrupt", "state" };
	struct lab lab;
	struct stat st;
	char path[512];

	(void)state;
	umask(0);
	lab_open(&lab);
	for (size_t i = 0; i < ROWS(names); i++) {
		snprintf(path, sizeof path, "%s/%s", lab.path, names[i]);
		row_true(i,
			stat(path, &st) == 0 && S_ISDIR(st.st_mode)
				&& (st.st_mode & 07777) == 0700);
	}
	snprintf(path, sizeof path, "%s/state", lab.path);
	assert_string_equal(spool_state_dir(lab.sp), path);
	lab_close(&lab);
	umask(022);
}

static void makes_it_private_and_empties_tmp(void **state)
{
	struct lab lab;
	struct stat st;
	char path[512];

	(void)state;
	lab_open(&lab);
	snprintf(path, sizeof path, "%s/tmp/0000000000001", lab.path);
	lab_write(path, "half a message", 14);
	snprintf(path, sizeof path, "%s/corrupt/0000000000001", lab.path);
	lab_write(path, "kept", 4);
	assert_int_equal(chmod(lab.path, 0755), 0);
	lab_reopen(&lab);
	assert_int_equal(lab_count(&lab, "tmp"), 0);
	assert_int_equal(lab_count(&lab, "corrupt"), 1);
	assert_true(stat(lab.path, &st) == 0 && (st.st_mode & 07777) == 0700);
	lab_close(&lab);
}

static void second_is_refused(void **state)
{
	struct lab lab;
	struct why why = { 0 };
	char pid[32];

	(void)state;
	lab_open(&lab);
	assert_null(spool_open(lab.l, lab.path, &why));
	assert_int_equal(why.error, EWOULDBLOCK);
	snprintf(pid, sizeof pid, "process %ld ", (long)getpid());
	assert_non_null(strstr(why.text, pid));
	assert_non_null(strstr(why.text, lab.path));
	/* the first still has it: the attempt took nothing away */
	assert_null(spool_open(lab.l, lab.path, NULL));
	lab_reopen(&lab);
	lab_close(&lab);
}

static void says_what_to_do(void **state)
{
	struct lab lab;
	struct why why = { 0 };
	char path[512];

	(void)state;
	lab_open(&lab);
	snprintf(path, sizeof path, "%s/missing/spool", lab.dir);
	assert_null(spool_open(lab.l, path, &why));
	assert_int_equal(why.error, ENOENT);
	assert_non_null(strstr(why.text, "install -d -m 700"));

	snprintf(path, sizeof path, "%s/file", lab.dir);
	lab_write(path, "", 0);
	assert_null(spool_open(lab.l, path, &why));
	assert_int_equal(why.error, ENOTDIR);
	lab_close(&lab);
}

/* As another user, where the test may become one; else on a folder of root's. */
static void another_users_folder(void **state)
{
	struct lab lab;
	struct why why = { 0 };
	bool root = geteuid() == 0;

	(void)state;
	lab_open(&lab);
	assert_int_equal(chmod(lab.dir, 0755), 0);
	assert_int_equal(chmod(lab.path, 0755), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	struct spool *sp = spool_open(lab.l, root ? lab.path : "/etc", &why);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_null(sp);
	assert_non_null(strstr(why.text, "belongs to user 0"));
	assert_non_null(strstr(why.text, "chown -R"));
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(makes_its_folders),
		cmocka_unit_test(makes_it_private_and_empties_tmp),
		cmocka_unit_test(second_is_refused), cmocka_unit_test(says_what_to_do),
		cmocka_unit_test(another_users_folder) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
