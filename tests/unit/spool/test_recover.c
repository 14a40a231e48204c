/* The way back from disk. */
#include "lab.h"

#include "base/limits.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void comes_back_whole(void **state)
{
	static const char content[] = "Subject: x\r\nTo: y\r\n\r\nHello\r\n..\r\n\xff\r\n";
	struct lab lab;
	struct message *m = lab_message(content), *again;
	struct why why = { 0 };
	bool held = true;

	(void)state;
	lab_open(&lab);
	m->env.login = STR("bob@example.org");
	m->env.eightbit = true;
	m->env.rcpts[0].orcpt = STR("rfc822;alice@example.com");
	assert_true(lab_commit(&lab, m, 1, NULL));
	lab_reopen(&lab);
	again = lab_load(&lab, m->id, &why);
	assert_non_null(again);
	assert_int_equal(again->id, m->id);
	assert_int_equal(again->env.arrived, m->env.arrived);
	assert_true(address_same(&again->env.sender, &m->env.sender));
	assert_true(address_same(&again->env.original_sender, &m->env.original_sender));
	assert_true(address_same(&again->env.rcpts[0].to, &m->env.rcpts[0].to));
	assert_true(again->env.eightbit && !again->env.proven);
	row_text(0, again->env.login, m->env.login);
	row_text(1, again->env.rcpts[0].orcpt, m->env.rcpts[0].orcpt);
	row_text(2, buf_str(&again->top), buf_str(&m->top));
	row_text(3, buf_str(&again->content.memory), str_make(content, sizeof content - 1));
	row_text(4, content_header(&again->content), STR("Subject: x\r\nTo: y\r\n"));
	assert_int_equal(again->content.fd, -1);
	message_release(&again);

	again = spool_peek(lab.path, m->id, &held, &why);
	assert_true(again && !held);
	row_text(5, content_header(&again->content), STR("Subject: x\r\nTo: y\r\n"));
	assert_int_equal(again->content.size, sizeof content - 1);
	assert_int_equal(again->content.memory.n, again->content.header);
	message_release(&again);
	again = spool_peek(lab.path, m->id, NULL, NULL);
	assert_non_null(again);
	message_release(&again);
	message_release(&m);
	lab_close(&lab);
}

/* Sizes around each border of reading: one piece, several, memory, file. */
static void any_size(void **state)
{
	static const size_t sizes[] = { 0, 1, 15000, 16384, 17000, 70000, LIMIT_CONTENT_MEMORY };
	struct lab lab;

	(void)state;
	lab_open(&lab);
	for (size_t i = 0; i < ROWS(sizes); i++) {
		char *content = mem_alloc(sizes[i] + 1);

		memset(content, 'x', sizes[i]);
		struct message *m = lab_message(content), *again;
		m->content.header = 0;
		for (int n = 0; n < 200; n++)
			lab_add_rcpt(
				m, "somebody.with.a.long.name@gmail.example", "short@example.com");
		row_true(i, lab_commit(&lab, m, 1, NULL));
		again = lab_load(&lab, m->id, NULL);
		row_true(i, again != NULL && again->env.rcpt_count == 201 && again->content.fd < 0);
		row_text(i, buf_str(&again->content.memory), str_of(content));
		message_release(&again);
		message_release(&m);
		free(content);
	}
	lab_close(&lab);
}

static void gone(void **state)
{
	struct lab lab;
	struct why why = { 0 };
	bool held;

	(void)state;
	lab_open(&lab);
	assert_null(lab_load(&lab, 12345, &why));
	assert_int_equal(why.error, ENOENT);
	assert_null(spool_peek(lab.path, 12345, &held, &why));
	assert_int_equal(why.error, ENOENT);
	assert_null(spool_peek("/nowhere/at/all", 12345, &held, &why));
	assert_int_equal(why.error, ENOENT);
	lab_close(&lab);
}

/* Each way of being wrong puts the file aside, as it is, and says why. */
static void set_aside(void **state)
{
	static const struct { const char *what; long cut; const char *add, *why; } rows[] = {
		{ "cut short", -1, "", "bytes and should have" },
		{ "too long", 0, "x", "bytes and should have" },
		{ "empty", -100000, "", "no end" },
		{ "rubbish", -100000, "hello\n\n", "waypost 1" },
		{ "half an envelope", -100000, "waypost 1\nid ", "no end" },
		{ "not the second line", -100000, "waypost 1\nhowdy\n\n", "line 2" },
	};
	struct lab lab;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct message *m = lab_message("\r\nx\r\n");
		struct why why = { 0 };
		char path[512];
		size_t n;

		lab_open(&lab);
		assert_true(lab_commit(&lab, m, 1, NULL));
		lab_find(&lab, "queue", path);
		char *all = lab_read(path, &n);
		size_t keep = (long)n + rows[i].cut > 0 ? (size_t)((long)n + rows[i].cut) : 0;
		char *wrong = mem_alloc(n + 100);
		memcpy(wrong, all, keep);
		memcpy(wrong + keep, rows[i].add, strlen(rows[i].add));
		lab_write(path, wrong, keep + strlen(rows[i].add));

		row_true(i, lab_load(&lab, m->id, &why) == NULL);
		row_true(i, why.error == 0);
		if (!strstr(why.text, rows[i].why))
			fail_msg("row %zu (%s): %s", i, rows[i].what, why.text);
		row_true(i, lab_count(&lab, "queue") == 0);
		row_true(i, lab_count(&lab, "corrupt") == 1);
		lab_find(&lab, "corrupt", path);
		free(all);
		all = lab_read(path, &n);
		row_true(i, n == keep + strlen(rows[i].add) && memcmp(all, wrong, n) == 0);

		/* the next of that name stands beside it */
		m->env.rcpts[0].mark_at = 0;
		assert_true(lab_commit(&lab, m, 1, NULL));
		lab_find(&lab, "queue", path);
		lab_write(path, "x", 1);
		row_true(i, lab_load(&lab, m->id, &why) == NULL && why.error == 0);
		row_true(i, lab_count(&lab, "corrupt") == 2);
		free(all);
		free(wrong);
		message_release(&m);
		lab_close(&lab);
	}
}

/* A file under another message's name would be delivered twice. */
static void wrong_name(void **state)
{
	struct lab lab;
	struct message *m = lab_message("\r\nx\r\n"), *other = lab_message("\r\ny\r\n");
	struct why why = { 0 };
	char from[512], to[512];

	(void)state;
	lab_open(&lab);
	assert_true(lab_commit(&lab, m, 1, NULL));
	lab_find(&lab, "queue", from);
	snprintf(to, sizeof to, "%s/away", lab.dir);
	assert_int_equal(rename(from, to), 0);
	assert_true(lab_commit(&lab, other, 1, NULL));
	unlink(to);
	lab_find(&lab, "queue", to);
	assert_int_equal(link(to, from), 0);
	assert_null(lab_load(&lab, m->id, &why));
	assert_int_equal(why.error, 0);
	assert_non_null(strstr(why.text, "another message"));
	message_release(&m);
	message_release(&other);
	lab_close(&lab);
}

/* What the disk can't give now is not wrong: it stays where it is. */
static void not_now(void **state)
{
	struct lab lab;
	struct message *m = lab_message("\r\nx\r\n");
	struct why why = { 0 };
	char path[512];

	(void)state;
	lab_open(&lab);
	assert_true(lab_commit(&lab, m, 1, NULL));
	lab_find(&lab, "queue", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_null(lab_load(&lab, m->id, &why));
	assert_int_equal(why.error, ELOOP);
	assert_int_equal(lab_count(&lab, "corrupt"), 0);
	message_release(&m);
	lab_close(&lab);
}

struct seen {
	size_t n, held;
	uint64_t ids[10];
	int64_t next[10];
};

static void see(void *arg, uint64_t id, int64_t next, bool held)
{
	struct seen *s = arg;

	assert_true(s->n < 10);
	s->held += held;
	s->ids[s->n] = id;
	s->next[s->n++] = next;
}

static void names_and_times(void **state)
{
	struct lab lab;
	struct message *m[4];
	struct seen seen = { 0 };
	struct answer a = { .lab = &lab };
	char path[512], other[600];
	struct why why = { 0 };

	(void)state;
	lab_open(&lab);
	for (int i = 0; i < 4; i++) {
		m[i] = lab_message("\r\nx\r\n");
		assert_true(lab_commit(&lab, m[i], 1000 + i, NULL));
	}
	spool_hold(lab.sp, m[3]->id, true, lab_done, &a);
	lab_wait(&a);
	/* what is no message is not seen */
	snprintf(path, sizeof path, "%s/queue/00/notes.txt", lab.path);
	lab_write(path, "hm", 2);
	snprintf(path, sizeof path, "%s/queue/00/0000000000000", lab.path);
	lab_write(path, "hm", 2);
	assert_true(spool_scan(lab.path, see, &seen, &why));
	assert_int_equal(seen.n, 4);
	assert_int_equal(seen.held, 1);
	for (int i = 0; i < 4; i++) {
		bool found = false;

		for (size_t j = 0; j < seen.n; j++)
			found = found || (seen.ids[j] == m[i]->id && seen.next[j] == 1000 + i);
		row_true(i, found);
	}

	/* one that stands in the wrong folder can't be loaded, until the server puts it right */
	char id[MESSAGE_ID_TEXT];
	message_id_text(m[0]->id, id);
	for (unsigned i = 0; i < 256; i++) {
		snprintf(path, sizeof path, "%s/queue/%02x/%s", lab.path, i, id);
		snprintf(other, sizeof other, "%s/queue/%02x/%s", lab.path, (i + 1) % 256, id);
		if (rename(path, other) == 0)
			break;
	}
	seen = (struct seen){ 0 };
	assert_true(spool_scan(lab.path, see, &seen, &why));
	assert_int_equal(seen.n, 3);
	assert_null(lab_load(&lab, m[0]->id, &why));
	seen = (struct seen){ 0 };
	assert_true(spool_recover(lab.sp, see, &seen, &why));
	assert_int_equal(seen.n, 4);
	struct message *again = lab_load(&lab, m[0]->id, &why);
	assert_non_null(again);
	message_release(&again);
	assert_false(spool_scan("/nowhere/at/all", see, &seen, &why));
	for (int i = 0; i < 4; i++)
		message_release(&m[i]);
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(comes_back_whole),
		cmocka_unit_test(any_size), cmocka_unit_test(gone), cmocka_unit_test(set_aside),
		cmocka_unit_test(wrong_name), cmocka_unit_test(not_now),
		cmocka_unit_test(names_and_times) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
