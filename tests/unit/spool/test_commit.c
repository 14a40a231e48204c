/*
 * A message on its way to disk: what a good commit leaves, and that a bad one leaves nothing.
 * fsync, pwritev64 (what pwritev is with 64-bit offsets), renameat2 and futimens are wrapped by the
 * linker, so that each can be made to fail.
 */
#include "lab.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "format.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum call { CALL_WRITE, CALL_TIMES, CALL_FSYNC, CALL_RENAME, CALLS };

/* Which call, counted from 1, fails, and how. */
static atomic_int fail_call = -1, fail_nth, fail_error, calls[CALLS], fail_short;

static bool fails(enum call call)
{
	int n = atomic_fetch_add(&calls[call], 1) + 1;

	if (atomic_load(&fail_call) != (int)call || n != atomic_load(&fail_nth))
		return false;
	errno = atomic_load(&fail_error);
	return true;
}

static void plan(int call, int nth, int error)
{
	for (int i = 0; i < CALLS; i++)
		atomic_store(&calls[i], 0);
	atomic_store(&fail_call, call);
	atomic_store(&fail_nth, nth);
	atomic_store(&fail_error, error);
}

ssize_t __real_pwritev64(int fd, const struct iovec *v, int n, off_t at);
ssize_t __wrap_pwritev64(int fd, const struct iovec *v, int n, off_t at);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __real_futimens(int fd, const struct timespec times[2]);
int __wrap_futimens(int fd, const struct timespec times[2]);

ssize_t __wrap_pwritev64(int fd, const struct iovec *v, int n, off_t at)
{
	if (fails(CALL_WRITE))
		return -1;
	/* disks write less than asked for now and then */
	if (atomic_load(&fail_short) && v->iov_len > 7) {
		struct iovec some = { v->iov_base, v->iov_len - 7 };

		return __real_pwritev64(fd, &some, 1, at);
	}
	return __real_pwritev64(fd, v, n, at);
}

int __wrap_fsync(int fd)
{
	return fails(CALL_FSYNC) ? -1 : __real_fsync(fd);
}

int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	return fails(CALL_RENAME) ? -1 : __real_renameat2(from_dir, from, to_dir, to, flags);
}

int __wrap_futimens(int fd, const struct timespec times[2])
{
	return fails(CALL_TIMES) ? -1 : __real_futimens(fd, times);
}

/* Fills a message's content beyond what is kept in memory: memory first, the rest in chunks. */
static char *large(size_t n)
{
	char *p = mem_alloc(n + 1);

	for (size_t i = 0; i < n; i++)
		p[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : (char)('a' + i / 64 % 26);
	memcpy(p, "Subject: x\r\n\r\n", 14);
	return p;
}

static struct message *large_message(const char *all, size_t memory)
{
	struct message *m = lab_message("");

	buf_add(&m->content.memory, all, memory);
	m->content.size = memory;
	m->content.header = 12;
	return m;
}

static bool append(
	struct lab *lab, struct spool_file *f, struct message *m, const char *p, size_t n)
{
	struct answer a = { .lab = lab };
	struct buf chunk;

	buf_init(&chunk, LIMIT_CONTENT_CHUNK);
	buf_add(&chunk, p, n);
	spool_append(f, &chunk, lab_done, &a);
	assert_int_equal(chunk.n, 0);
	lab_wait(&a);
	m->content.size += n;
	return a.ok;
}

static void expect_file(
	struct lab *lab, struct message *m, const char *content, size_t n, int64_t next)
{
	char path[512];
	struct stat st;
	size_t size;

	assert_int_equal(lab_count(lab, "tmp"), 0);
	assert_int_equal(lab_count(lab, "queue"), 1);
	assert_true(lab_find(lab, "queue", path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal((int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000, next);
	char *all = lab_read(path, &size);
	size_t head = format_head_length(str_make(all, size));

	assert_true(head > 0);
	assert_int_equal(size, head + m->top.n + n);
	assert_memory_equal(all + head, m->top.p, m->top.n);
	assert_memory_equal(all + head + m->top.n, content, n);
	for (size_t i = 0; i < m->env.rcpt_count; i++)
		assert_memory_equal(all + m->env.rcpts[i].mark_at, "-to ", 4);
	free(all);
}

static void small_one(void **state)
{
	static const char content[] = "Subject: x\r\n\r\nHello\r\n";
	struct lab lab;
	struct message *m = lab_message(content);
	int64_t next = clock_wall() + 123456;

	(void)state;
	lab_open(&lab);
	lab_add_rcpt(m, "carol@example.net", "carol@example.com");
	assert_true(lab_commit(&lab, m, next, NULL));
	assert_true(m->id != 0);
	expect_file(&lab, m, content, sizeof content - 1, next);
	message_release(&m);
	lab_close(&lab);
}

static void large_one(void **state)
{
	enum { SIZE = 1 << 20, MEMORY = LIMIT_CONTENT_MEMORY };
	struct lab lab;
	char *all = large(SIZE);
	struct message *m = large_message(all, MEMORY);
	size_t room = spool_head_size(m) + LIMIT_TOP_FIELDS;
	struct answer a = { .lab = &lab };
	struct why why = { 0 };

	(void)state;
	lab_open(&lab);
	atomic_store(&fail_short, 1);
	struct spool_file *f = spool_begin(lab.sp, m, room);

	for (size_t at = MEMORY; at < SIZE; at += LIMIT_CONTENT_CHUNK)
		assert_true(append(&lab, f, m, all + at, LIMIT_CONTENT_CHUNK));
	/* readable before the commit, for signing */
	char piece[100];
	assert_true(m->content.fd >= 0);
	assert_true(content_read(&m->content, SIZE - 100, piece, 100, &why));
	assert_memory_equal(piece, all + SIZE - 100, 100);
	/* the envelope and what is put on top are known only now */
	buf_add_str(&m->top, STR("X-Late: yes\r\n"));
	m->env.envid = STR("late");
	spool_commit(&f, 5000, lab_done, &a);
	lab_wait(&a);
	assert_true(a.ok);
	expect_file(&lab, m, all, SIZE, 5000);

	struct message *again = lab_load(&lab, m->id, &why);
	assert_non_null(again);
	assert_true(again->content.fd >= 0);
	assert_int_equal(again->content.size, SIZE);
	assert_int_equal(again->content.memory.n, 12);
	assert_true(content_read(&again->content, 5, piece, 100, &why));
	assert_memory_equal(piece, all + 5, 100);
	atomic_store(&fail_short, 0);
	message_release(&again);
	message_release(&m);
	free(all);
	lab_close(&lab);
}

/* A field goes from the header of what is in tmp/ already; the file then is as if it had never been there. */
static void cut_header(void **state)
{
	enum { SIZE = LIMIT_CONTENT_MEMORY + 50000, MEMORY = LIMIT_CONTENT_MEMORY };
	static const char header[] = "A: 1\r\nForged: yes\r\nB: 2\r\n\r\n", kept[] = "A: 1\r\nB: 2\r\n\r\n";
	const size_t cut = sizeof header - sizeof kept;
	struct lab lab;
	char *all = large(SIZE), piece[100];
	struct why why = { 0 };

	(void)state;
	memcpy(all, header, sizeof header - 1);
	for (int fails = 0; fails < 2; fails++) {
		struct message *m = large_message(all, MEMORY);
		struct content *c = &m->content;
		struct answer a = { .lab = &lab }, b = a;

		lab_open(&lab);
		struct spool_file *f = spool_begin(lab.sp, m, spool_head_size(m) + LIMIT_TOP_FIELDS);
		assert_true(append(&lab, f, m, all + MEMORY, SIZE - MEMORY));
		memcpy(c->memory.p, kept, sizeof kept - 1);
		memmove(c->memory.p + sizeof kept - 1, c->memory.p + sizeof header - 1, MEMORY - sizeof header + 1);
		c->memory.n -= cut;
		c->size -= cut;
		c->header = sizeof kept - 3;
		plan(fails ? CALL_WRITE : -1, 1, EIO);
		spool_cut(f, cut, lab_done, &a);
		lab_wait(&a);
		plan(-1, 0, 0);
		assert_true(a.ok == !fails);
		if (fails) {
			spool_abandon(&f);
		} else {
			assert_true(content_read(c, SIZE - cut - 100, piece, 100, &why));
			assert_memory_equal(piece, all + SIZE - 100, 100);
			spool_commit(&f, 5000, lab_done, &b);
			lab_wait(&b);
			assert_true(b.ok);
			memcpy(all + cut, kept, sizeof kept - 1);
			expect_file(&lab, m, all + cut, SIZE - cut, 5000);
			memcpy(all, header, sizeof header - 1);
		}
		message_release(&m);
		lab_close(&lab);
	}
	free(all);
}

/* Every call that can fail, at every place, small and large: false, told why, and no trace. */
static void each_failure(void **state)
{
	static const struct { int call, nth, error; bool is_large;
	} rows[] = {
		{ CALL_WRITE, 1, ENOSPC, false },
		{ CALL_TIMES, 1, EPERM, false },
		{ CALL_FSYNC, 1, EIO, false },
		{ CALL_RENAME, 1, EDQUOT, false },
		{ CALL_RENAME, 1, EEXIST, false },
		{ CALL_FSYNC, 2, EIO, false },
		{ CALL_WRITE, 1, ENOSPC, true },
		{ CALL_WRITE, 2, ENOSPC, true },
		{ CALL_FSYNC, 1, EIO, true },
		{ CALL_FSYNC, 2, EIO, true },
		{ CALL_RENAME, 1, EROFS, true },
	};
	char *all = large(LIMIT_CONTENT_MEMORY + 1000);

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct lab lab;
		struct message *m = rows[i].is_large ? large_message(all, LIMIT_CONTENT_MEMORY)
						     : lab_message("\r\nx\r\n");
		struct answer a = { .lab = &lab };

		lab_open(&lab);
		struct spool_file *f = spool_begin(lab.sp, m, 40000);
		plan(rows[i].call, rows[i].nth, rows[i].error);
		if (rows[i].is_large && !append(&lab, f, m, all + LIMIT_CONTENT_MEMORY, 1000)) {
			row_true(i, rows[i].call == CALL_WRITE && rows[i].nth == 1);
			spool_abandon(&f);
		} else {
			spool_commit(&f, 1, lab_done, &a);
			lab_wait(&a);
			row_true(i, !a.ok && a.why.error == rows[i].error && a.why.text[0]);
			/* a failed fsync is the end of it: no second one may seem to succeed */
			row_true(i, rows[i].call != CALL_FSYNC || calls[CALL_FSYNC] == rows[i].nth);
		}
		plan(-1, 0, 0);
		spool_close(&lab.sp);
		loop_destroy(&lab.l);           /* the removal is a worker's */
		row_true(i, lab_count(&lab, "tmp") == 0);
		row_true(i, lab_count(&lab, "queue") == 0);
		message_release(&m);
		lab_close(&lab);
	}
	free(all);
}

/* A file system without RENAME_NOREPLACE is as good. */
static void old_file_system(void **state)
{
	struct lab lab;
	struct message *m = lab_message("\r\nx\r\n");

	(void)state;
	lab_open(&lab);
	plan(CALL_RENAME, 1, EINVAL);
	assert_true(lab_commit(&lab, m, 1000, NULL));
	plan(-1, 0, 0);
	expect_file(&lab, m, "\r\nx\r\n", 5, 1000);
	message_release(&m);
	lab_close(&lab);
}

/* A disk that is full, by the kernel's own word: the limit on a file's size. */
static void full_disk(void **state)
{
	struct lab lab;
	struct rlimit old, tight = { 1000, 0 };
	char *all = large(5000);
	struct message *m = large_message(all, 5000);
	struct why why = { 0 };

	(void)state;
	lab_open(&lab);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	tight.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &tight);
	bool ok = lab_commit(&lab, m, 1000, &why);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_false(ok);
	assert_int_equal(why.error, EFBIG);
	assert_int_equal(lab_count(&lab, "tmp"), 0);
	assert_int_equal(lab_count(&lab, "queue"), 0);
	/* and then there is room again */
	assert_true(lab_commit(&lab, m, 1000, &why));
	message_release(&m);
	free(all);
	lab_close(&lab);
}

static void never_overwrites(void **state)
{
	struct lab lab;
	struct message *m = lab_message("\r\nfirst\r\n"), *other = lab_message("\r\nsecond\r\n");
	struct why why = { 0 };

	(void)state;
	lab_open(&lab);
	assert_true(lab_commit(&lab, m, 1000, NULL));
	other->id = m->id;
	assert_false(lab_commit(&lab, other, 2000, &why));
	assert_int_equal(why.error, EEXIST);
	expect_file(&lab, m, "\r\nfirst\r\n", 9, 1000);
	message_release(&m);
	message_release(&other);
	lab_close(&lab);
}

/* What can't be written as it should is refused before anything is. */
static void what_does_not_fit(void **state)
{
	struct lab lab;
	struct message *m = lab_message("\r\nx\r\n");
	struct why why = { 0 };
	char *all = large(LIMIT_CONTENT_MEMORY + 10);

	(void)state;
	lab_open(&lab);
	m->content.size = 99;
	assert_false(lab_commit(&lab, m, 1, &why));
	m->content.size = 5;
	m->content.header = 6;
	assert_false(lab_commit(&lab, m, 1, &why));
	m->content.header = 0;
	m->env.rcpts[0].to.local = STR("a\r\nDATA");
	assert_false(lab_commit(&lab, m, 1, &why));
	assert_int_equal(lab_count(&lab, "tmp") + lab_count(&lab, "queue"), 0);
	message_release(&m);

	m = large_message(all, LIMIT_CONTENT_MEMORY);
	struct spool_file *f = spool_begin(lab.sp, m, 50);
	struct answer a = { .lab = &lab };
	assert_true(append(&lab, f, m, all + LIMIT_CONTENT_MEMORY, 10));
	spool_commit(&f, 1, lab_done, &a);
	lab_wait(&a);
	assert_false(a.ok);
	assert_non_null(strstr(a.why.text, "50 bytes"));
	assert_int_equal(lab_count(&lab, "tmp") + lab_count(&lab, "queue"), 0);
	message_release(&m);
	free(all);
	lab_close(&lab);
}

/* Giving up, at any moment, leaves nothing. */
static void giving_up(void **state)
{
	struct lab lab;
	char *all = large(LIMIT_CONTENT_MEMORY + 1000);

	(void)state;
	for (size_t row = 0; row < 5; row++) {
		struct message *m = large_message(all, LIMIT_CONTENT_MEMORY);
		struct answer a = { .lab = &lab };
		struct job *job = NULL;
		struct buf chunk;

		lab_open(&lab);
		struct spool_file *f = spool_begin(lab.sp, m, 40000);
		if (row > 0)
			assert_true(append(&lab, f, m, all + LIMIT_CONTENT_MEMORY, 1000));
		buf_init(&chunk, 10);
		if (row == 2 || row == 3)
			job = spool_append(f, &chunk, lab_done, &a);
		if (row == 4)
			job = spool_commit(&f, 1, lab_done, &a);
		if (row == 3) {
			spool_abandon(&f);
			job_cancel(&job);
		}
		job_cancel(&job);
		spool_abandon(&f);
		spool_abandon(&f);              /* NULL by now */
		message_release(&m);
		spool_close(&lab.sp);
		loop_destroy(&lab.l);
		row_true(row, !a.came);
		row_true(row, lab_count(&lab, "tmp") + lab_count(&lab, "queue") == 0);
		lab_close(&lab);
	}
	free(all);
}

/* Many at once, in few folders each. */
static void many(void **state)
{
	enum { MANY = 500 };
	static struct answer answers[MANY];
	struct lab lab;
	struct message *m[MANY];
	size_t folders = 0;

	(void)state;
	lab_open(&lab);
	for (size_t i = 0; i < MANY; i++) {
		m[i] = lab_message("\r\nx\r\n");
		struct spool_file *f = spool_begin(lab.sp, m[i], 0);

		answers[i] = (struct answer){ .lab = &lab };
		spool_commit(&f, 1, lab_done, &answers[i]);
	}
	for (size_t i = 0; i < MANY; i++) {
		lab_wait(&answers[i]);
		assert_true(answers[i].ok);
		message_release(&m[i]);
	}
	assert_int_equal(lab_count(&lab, "queue"), MANY);
	for (unsigned i = 0; i < 256; i++) {
		char name[16];

		snprintf(name, sizeof name, "queue/%02x", i);
		size_t n = lab_count(&lab, name);

		folders += n > 0;
		assert_true(n < 20);
	}
	assert_true(folders > 150);
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(small_one),
		cmocka_unit_test(large_one), cmocka_unit_test(cut_header), cmocka_unit_test(each_failure),
		cmocka_unit_test(old_file_system), cmocka_unit_test(full_disk),
		cmocka_unit_test(never_overwrites), cmocka_unit_test(what_does_not_fit),
		cmocka_unit_test(giving_up), cmocka_unit_test(many) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
