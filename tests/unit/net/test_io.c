/* Sockets: lines, long lines, back-pressure, deadlines, endings, TLS in place. Both ends are ours, in one loop. */
#include "../unit.h"
#include "net/io.h"
#include "net/workers.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;

/* One end: what it was told, and what it does with it. */
struct end {
	struct io *io;
	struct buf lines;       /* "line|line|"; a long one is "LONG|" */
	size_t max, bytes;
	int ended, secured, connected, writable;
	enum io_end how;
	char why[512];
	size_t stop_at;         /* bytes after which the loop stops */
	bool raw, quit_at_end;
};

static void readable(void *owner)
{
	struct end *e = owner;
	struct str line;

	if (e->raw) {
		char piece[5000];
		size_t n = io_read(e->io, piece, sizeof piece);

		for (size_t i = 0; i < n; i++)
			assert_int_equal((unsigned char)piece[i], (e->bytes + i) % 251);
		e->bytes += n;
		if (io_pending(e->io))
			io_again(e->io);
	} else {
		enum io_line got;

		while ((got = io_read_line(e->io, e->max, &line)) != IO_LINE_NONE) {
			if (got == IO_LINE)
				buf_addf(&e->lines, "%.*s|", STR_FMT(line));
			else
				buf_addf(&e->lines, "LONG|");
		}
		e->bytes = e->lines.n;
	}
	if (e->stop_at && e->bytes >= e->stop_at)
		loop_stop(loop);
}

static void writable(void *owner)
{
	struct end *e = owner;

	e->writable++;
}

static void secured(void *owner)
{
	struct end *e = owner;

	e->secured++;
}

static void connected(void *owner)
{
	struct end *e = owner;

	e->connected++;
}

static void ended(void *owner, enum io_end how, const struct why *why)
{
	struct end *e = owner;

	e->ended++;
	e->how = how;
	snprintf(e->why, sizeof e->why, "%s", why->text);
	if (e->quit_at_end)
		loop_stop(loop);
}

static const struct io_owner calls = { readable, writable, secured, connected, ended };

static void stop(void *unused)
{
	(void)unused;
	loop_stop(loop);
}

/* Runs until something stops the loop, at most ms. */
static void run(int64_t ms)
{
	struct timer *t = timer_new(loop, stop, NULL);

	timer_set(t, ms);
	loop_run(loop);
	timer_destroy(&t);
}

static void open_end(struct end *e, int fd, size_t limit)
{
	*e = (struct end){ .max = 100 };
	buf_init(&e->lines, 1 << 20);
	e->io = io_create(loop, fd, limit, &calls, e);
}

static void close_end(struct end *e)
{
	io_destroy(&e->io, false);
	buf_finish(&e->lines);
}

static void pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

static void lines_at_any_split(void **state)
{
	static const char in[] = "EHLO a\r\n\r\nbare\nlf\rcr\r\nMAIL\r\n0123456789ABCDEF\r\nRSET\r\nincomplete";

	(void)state;
	for (size_t split = 1; split < sizeof in - 1; split++) {
		struct end e;
		int fds[2];

		pair(fds);
		open_end(&e, fds[0], 1000);
		e.max = 12;
		e.stop_at = 1000000;
		assert_int_equal(write(fds[1], in, split), split);
		run(1);
		assert_int_equal(write(fds[1], in + split, sizeof in - 1 - split), sizeof in - 1 - split);
		run(1);
		row_text(split, buf_str(&e.lines), STR("EHLO a||bare\nlf\rcr|MAIL|LONG|RSET|"));
		assert_int_equal(io_pending(e.io), 10);
		close_end(&e);
		close(fds[1]);
	}
}

static void long_line_is_read_over(void **state)
{
	struct end e;
	int fds[2];
	char x[5000];

	(void)state;
	pair(fds);
	open_end(&e, fds[0], 2000);
	memset(x, 'x', sizeof x);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(write(fds[1], x, sizeof x), sizeof x);
		run(5);
	}
	assert_int_equal(write(fds[1], "\r\nNOOP\r\n", 8), 8);
	run(5);
	row_text(0, buf_str(&e.lines), STR("LONG|NOOP|"));
	close_end(&e);
	close(fds[1]);
}

static void the_peer_closes(void **state)
{
	struct end e;
	int fds[2];

	(void)state;
	pair(fds);
	open_end(&e, fds[0], 1000);
	e.quit_at_end = true;
	assert_int_equal(write(fds[1], "QUIT\r\nhalf", 10), 10);
	close(fds[1]);
	run(1000);
	row_text(0, buf_str(&e.lines), STR("QUIT|"));
	assert_int_equal(e.ended, 1);
	assert_int_equal(e.how, IO_CLOSED);
	close_end(&e);
}

static void drips_do_not_move_the_deadline(void **state)
{
	struct end e;
	int fds[2];

	(void)state;
	pair(fds);
	open_end(&e, fds[0], 1000);
	e.quit_at_end = true;
	io_deadline(e.io, 60);
	for (int i = 0; i < 10 && !e.ended; i++) {
		assert_int_equal(write(fds[1], "x", 1), 1);
		run(20);
	}
	assert_int_equal(e.ended, 1);
	assert_int_equal(e.how, IO_TIMEOUT);
	close_end(&e);
	close(fds[1]);
}

static void fill(char *p, size_t n, size_t at)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)((at + i) % 251);
}

/* Two megabytes through a small limit, with the reader slower than the writer. */
static void stream(struct end *from, struct end *to)
{
	enum { TOTAL = 2 << 20, PIECE = 30000 };
	static char piece[PIECE];
	size_t sent = 0;

	to->raw = true;
	to->stop_at = TOTAL;
	for (int round = 0; round < 2000 && to->bytes < TOTAL; round++) {
		while (sent < TOTAL && io_unsent(from->io) < 100000) {
			size_t n = TOTAL - sent < PIECE ? TOTAL - sent : PIECE;

			fill(piece, n, sent);
			io_write(from->io, piece, n);
			sent += n;
		}
		io_want_more(from->io, 50000);
		run(1);
	}
	assert_int_equal(to->bytes, TOTAL);
	assert_true(from->writable > 10);
}

static void back_pressure(void **state)
{
	struct end a, b;
	int fds[2];

	(void)state;
	pair(fds);
	open_end(&a, fds[0], 8000);
	open_end(&b, fds[1], 8000);
	io_pause(b.io, true);
	static char much[400000];
	fill(much, sizeof much, 0);
	io_write(a.io, much, sizeof much);
	run(10);
	assert_int_equal(io_pending(b.io), 0);
	assert_true(io_unsent(a.io) > 0);
	b.raw = true;
	b.stop_at = sizeof much;
	io_pause(b.io, false);
	run(2000);
	assert_int_equal(b.bytes, sizeof much);
	b.bytes = 0;
	b.writable = 0;
	stream(&a, &b);
	close_end(&a);
	close_end(&b);
}

static void last_words(void **state)
{
	struct end a, b;
	int fds[2];
	static char much[300000];

	(void)state;
	pair(fds);
	open_end(&a, fds[0], 1000);
	open_end(&b, fds[1], 8000);
	fill(much, sizeof much, 0);
	b.raw = b.quit_at_end = true;
	io_write(a.io, much, sizeof much);
	io_destroy(&a.io, true);
	run(3000);
	assert_int_equal(b.bytes, sizeof much);
	assert_int_equal(b.how, IO_CLOSED);
	close_end(&a);
	close_end(&b);
}

/* The loop ends before the peer has read all: what the kernel took arrives, and nothing is left behind. */
static void last_words_cut_short(void **state)
{
	static const struct io_owner nobody = { .readable = NULL };
	static char much[4 << 20];
	char piece[4096];
	struct loop *l = loop_create(1, NULL);
	struct io *io;
	int fds[2];

	(void)state;
	assert_non_null(l);
	pair(fds);
	io = io_create(l, fds[0], 1000, &nobody, NULL);
	io_write(io, much, sizeof much);
	io_destroy(&io, true);
	loop_destroy(&l);
	assert_int_equal(read(fds[1], piece, sizeof piece), sizeof piece);
	close(fds[1]);
}

/* A server that says 552 and closes while we are still sending: its words count. */
static void last_words_of_a_peer_that_hangs_up(void **state)
{
	struct end e;
	int fds[2];
	static char much[400000];

	(void)state;
	pair(fds);
	open_end(&e, fds[0], 1000);
	e.quit_at_end = true;
	io_pause(e.io, true);
	io_write(e.io, much, sizeof much);
	run(5);
	assert_int_equal(write(fds[1], "552 too big\r\n", 13), 13);
	close(fds[1]);
	io_pause(e.io, false);
	run(1000);
	row_text(0, buf_str(&e.lines), STR("552 too big|"));
	assert_int_equal(e.ended, 1);
	close_end(&e);
}

static void connecting(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa;
	struct endpoint to;
	struct end e = { .quit_at_end = true };

	(void)state;
	assert_true(endpoint_parse(&to, STR("127.0.0.1:1"), 0));
	to.port = 0;
	n = endpoint_sockaddr(&to, &sa);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	assert_true(endpoint_of(&to, (struct sockaddr *)&sa));
	/* nobody listens yet: refused, told from the loop */
	e.io = io_connect(loop, &to, NULL, 1000, &calls, &e);
	assert_int_equal(e.ended, 0);
	run(1000);
	assert_int_equal(e.ended, 1);
	assert_non_null(strstr(e.why, "refused"));
	io_destroy(&e.io, false);

	assert_int_equal(listen(fd, 5), 0);
	struct inet_addr from;
	assert_true(inet_parse(&from, STR("127.0.0.9")));
	e = (struct end){ 0 };
	e.io = io_connect(loop, &to, &from, 1000, &calls, &e);
	run(50);
	assert_int_equal(e.connected, 1);
	assert_true(inet_same(&io_local(e.io)->addr, &from));
	io_destroy(&e.io, true);
	close(fd);
}

static void tls_in_place(void **state)
{
	char folder[] = "/tmp/test-io-XXXXXX", command[100];
	struct tls_options options = { NULL, NULL };
	struct tls_wish wish = { "localhost", false };
	struct why why;
	struct end a, b;
	int fds[2];

	(void)state;
	assert_non_null(mkdtemp(folder));
	struct tls_server *server = tls_server_create(loop, &options, folder, "localhost", &why);
	struct tls_client *client = tls_client_create(&why);
	assert_non_null(server);
	assert_non_null(client);
	pair(fds);
	open_end(&a, fds[0], 8000);
	open_end(&b, fds[1], 8000);
	io_secure_server(a.io, server, STR("220 go\r\n"));
	run(20);
	row_text(0, buf_str(&b.lines), STR("220 go|"));
	io_secure_client(b.io, client, &wish);
	io_write(b.io, "EHLO again\r\n", 12);
	run(200);
	assert_int_equal(a.secured, 1);
	assert_int_equal(b.secured, 1);
	row_text(1, buf_str(&a.lines), STR("EHLO again|"));
	assert_non_null(strstr(io_tls(a.io)->version, "TLSv1.3"));
	assert_false(io_tls(b.io)->verified);
	b.bytes = 0;
	stream(&a, &b);
	a.bytes = a.writable = b.writable = 0;
	stream(&b, &a);
	/* a clean goodbye is an end, not an error */
	b.quit_at_end = true;
	io_destroy(&a.io, true);
	run(1000);
	assert_int_equal(b.how, IO_CLOSED);
	close_end(&a);
	close_end(&b);

	/* verification that must succeed and can't */
	pair(fds);
	open_end(&a, fds[0], 8000);
	open_end(&b, fds[1], 8000);
	wish.must_verify = true;
	b.quit_at_end = true;
	io_secure_server(a.io, server, STR(""));
	io_secure_client(b.io, client, &wish);
	run(1000);
	assert_int_equal(b.ended, 1);
	assert_non_null(strstr(b.why, "certificate"));
	close_end(&a);
	close_end(&b);

	/* given up in the middle of the handshake, while a worker has it */
	pair(fds);
	open_end(&a, fds[0], 8000);
	open_end(&b, fds[1], 8000);
	wish.must_verify = false;
	io_secure_server(a.io, server, STR(""));
	io_secure_client(b.io, client, &wish);
	run(0);
	close_end(&a);
	close_end(&b);
	run(50);
	tls_client_destroy(&client);
	tls_server_destroy(&server);
	snprintf(command, sizeof command, "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

/* ---- workers ---- */

static int runs, dones, drops;

static void count_run(void *arg)
{
	usleep(1000);
	__atomic_fetch_add(&runs, 1, __ATOMIC_SEQ_CST);
	*(int *)arg += 1;
}

static void count_done(void *waiter, void *arg)
{
	assert_ptr_equal(waiter, &dones);
	assert_int_equal(*(int *)arg, 1);
	dones++;
	free(arg);
}

static void count_drop(void *arg)
{
	drops++;
	free(arg);
}

static void workers(void **state)
{
	static const struct work kind = { count_run, count_done, count_drop };
	struct job *jobs[200];

	(void)state;
	for (size_t i = 0; i < ROWS(jobs); i++)
		jobs[i] = work_start(loop, &kind, calloc(1, sizeof(int)), &dones);
	assert_int_equal(dones, 0);
	for (size_t i = 0; i < ROWS(jobs); i += 2)
		job_cancel(&jobs[i]);
	assert_null(jobs[0]);
	job_cancel(&jobs[0]);
	run(400);
	assert_int_equal(dones, 100);
	assert_int_equal(drops, 100);
	assert_true(runs >= 100 && runs < 200);
}

static int later_calls;

static void later(void *unused)
{
	(void)unused;
	later_calls++;
}

static void later_jobs(void **state)
{
	struct job *kept = loop_later(loop, later, NULL), *gone = loop_later(loop, later, NULL);

	(void)state;
	(void)kept;
	assert_int_equal(later_calls, 0);
	job_cancel(&gone);
	run(10);
	assert_int_equal(later_calls, 1);
	assert_true(loop_longest_stall_us(loop) > 0);
}

static int set_up(void **state)
{
	(void)state;
	loop = loop_create(4, NULL);
	return loop == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	loop_destroy(&loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lines_at_any_split), cmocka_unit_test(long_line_is_read_over),
		cmocka_unit_test(the_peer_closes), cmocka_unit_test(drips_do_not_move_the_deadline),
		cmocka_unit_test(back_pressure), cmocka_unit_test(last_words), cmocka_unit_test(last_words_cut_short),
		cmocka_unit_test(last_words_of_a_peer_that_hangs_up), cmocka_unit_test(connecting),
		cmocka_unit_test(tls_in_place), cmocka_unit_test(workers), cmocka_unit_test(later_jobs) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
