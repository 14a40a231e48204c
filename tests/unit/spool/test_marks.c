/* What becomes of a queue file after its commit: marks, times, hold, removal. */
#include "lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NEXT = 1234567 };

static int64_t mtime_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

static struct answer mark(struct lab *lab, struct message *m, bool durable)
{
	struct answer a = { .lab = lab };

	spool_mark(lab->sp, m, durable, lab_done, &a);
	lab_wait(&a);
	return a;
}

static void in_place(void **state)
{
	static const char marks[][4] = { "---", "+--", "+-!", "++!", "+++" };
	struct lab lab;
	struct message *m = lab_message("\r\nx\r\n");
	char path[512];
	size_t n, before;

	(void)state;
	lab_open(&lab);
	lab_add_rcpt(m, "b@example.net", "b@example.com");
	lab_add_rcpt(m, "c@example.net", "c@example.com");
	assert_true(lab_commit(&lab, m, NEXT, NULL));
	lab_find(&lab, "queue", path);
	char *first = lab_read(path, &before);

	for (size_t row = 0; row < ROWS(marks); row++) {
		for (size_t i = 0; i < 3; i++)
			m->env.rcpts[i].mark = marks[row][i];
		row_true(row, mark(&lab, m, row % 2).ok);
		/* the time of the next attempt is not touched */
		row_true(row, mtime_of(path) == NEXT);
		char *all = lab_read(path, &n);
		row_true(row, n == before);
		for (size_t i = 0; i < n; i++)
			if (all[i] != first[i])
				row_true(row,
					i == m->env.rcpts[0].mark_at || i == m->env.rcpts[1].mark_at
						|| i == m->env.rcpts[2].mark_at);
		struct message *again = lab_load(&lab, m->id, NULL);
		for (size_t i = 0; i < 3; i++)
			row_true(row, again->env.rcpts[i].mark == marks[row][i]
				&& again->env.rcpts[i].mark_at == m->env.rcpts[i].mark_at);
		message_release(&again);
		free(all);
	}
	free(first);
	message_release(&m);
	lab_close(&lab);
}

/* A file that somebody has edited: no byte of it is overwritten at a guess. */
static void not_at_a_guess(void **state)
{
	struct lab lab;
	struct message *m = lab_message("\r\nx\r\n");
	char path[512];
	size_t n, again;

	(void)state;
	lab_open(&lab);
	assert_true(lab_commit(&lab, m, NEXT, NULL));
	lab_find(&lab, "queue", path);
	char *all = lab_read(path, &n);

	lab_write(path, all + 1, n - 1);
	m->env.rcpts[0].mark = RCPT_DELIVERED;
	struct answer a = mark(&lab, m, true);
	assert_false(a.ok);
	assert_int_equal(a.why.error, EUCLEAN);
	char *kept = lab_read(path, &again);
	assert_int_equal(again, n - 1);
	assert_memory_equal(kept, all + 1, n - 1);
	free(kept);
	free(all);

	unlink(path);
	a = mark(&lab, m, false);
	assert_false(a.ok);
	assert_int_equal(a.why.error, ENOENT);
	message_release(&m);
	lab_close(&lab);
}

static struct answer move(struct lab *lab, uint64_t id, bool hold)
{
	struct answer a = { .lab = lab };

	spool_hold(lab->sp, id, hold, lab_done, &a);
	lab_wait(&a);
	return a;
}

static struct answer take_away(struct lab *lab, uint64_t id)
{
	struct answer a = { .lab = lab };

	spool_remove(lab->sp, id, lab_done, &a);
	lab_wait(&a);
	return a;
}

static void there_and_back(void **state)
{
	struct lab lab;
	struct message *m = lab_message("\r\nx\r\n");
	bool held = false;
	char path[512];

	(void)state;
	lab_open(&lab);
	assert_true(lab_commit(&lab, m, NEXT, NULL));
	assert_true(move(&lab, m->id, true).ok);
	assert_int_equal(lab_count(&lab, "queue"), 0);
	assert_int_equal(lab_count(&lab, "hold"), 1);
	lab_find(&lab, "hold", path);
	assert_int_equal(mtime_of(path), NEXT);
	assert_int_equal(move(&lab, m->id, true).why.error, ENOENT);
	struct message *peeked = spool_peek(lab.path, m->id, &held, NULL);
	assert_true(peeked && held);
	message_release(&peeked);
	assert_true(move(&lab, m->id, false).ok);
	assert_int_equal(lab_count(&lab, "queue"), 1);
	assert_int_equal(lab_count(&lab, "hold"), 0);
	assert_true(move(&lab, m->id, true).ok);
	assert_true(take_away(&lab, m->id).ok);
	assert_int_equal(lab_count(&lab, "hold"), 0);
	/* gone is gone, however often */
	assert_true(take_away(&lab, m->id).ok);
	message_release(&m);
	lab_close(&lab);
}

static void next_is_the_mtime(void **state)
{
	struct lab lab;
	struct message *m = lab_message("\r\nx\r\n");
	char path[512];

	(void)state;
	lab_open(&lab);
	assert_true(lab_commit(&lab, m, NEXT, NULL));
	lab_find(&lab, "queue", path);
	spool_set_next(lab.sp, m->id, INT64_C(1795348800123));
	spool_set_next(lab.sp, m->id + 1, 5);           /* no such message: nothing happens */
	lab_reopen(&lab);
	assert_int_equal(mtime_of(path), INT64_C(1795348800123));
	message_release(&m);
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(in_place),
		cmocka_unit_test(not_at_a_guess), cmocka_unit_test(there_and_back),
		cmocka_unit_test(next_is_the_mtime) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
