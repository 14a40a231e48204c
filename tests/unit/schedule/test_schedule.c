/* The life of queued messages: tried, put off, given up, reported, kept over a restart. */
#include "fake.h"

#include "base/limits.h"
#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void delivered_at_once(void **state)
{
	struct world w;
	struct message *m = world_message("ok@example.net", false);

	(void)state;
	world_open(&w);
	message_keep(m);
	world_send_message(&w, m);
	world_until(&w, world_is_empty(&w));
	/* from memory: what was received is what was tried */
	assert_ptr_equal(fake.last, m);
	assert_int_equal(fake.attempts, 1);
	assert_int_equal(schedule_counts(w.s).delivered, 1);
	assert_int_equal(fake.dsns, 0);
	message_release(&m);
	world_close(&w);
}

static void deferred_and_tried_again(void **state)
{
	struct world w;
	struct schedule_entry e;
	uint64_t id;

	(void)state;
	world_open(&w);
	id = world_send(&w, "defer2@example.net", false);
	world_until(&w, fake.attempts == 1 && schedule_counts(w.s).waiting == 1);
	assert_true(schedule_next(w.s, 0, &e));
	assert_int_equal(e.id, id);
	assert_false(e.held || e.active);
	assert_string_equal(e.last_reply, "451 4.7.1 Try again later, try 1");
	assert_true(e.next > clock_wall() && e.next < clock_wall() + 200);
	assert_false(schedule_next(w.s, id, &e));
	assert_true(llabs(schedule_counts(w.s).oldest - clock_wall()) < 10000);
	world_until(&w, world_is_empty(&w));
	assert_int_equal(fake.attempts, 3);
	assert_int_equal(schedule_counts(w.s).deferred, 2);
	assert_int_equal(schedule_counts(w.s).delivered, 1);
	world_close(&w);
}

/* The file's time is the next attempt, so that a restart knows it without reading. */
static void next_is_on_disk(void **state)
{
	struct world w;
	struct schedule_entry e;
	struct stat st;
	char path[512];

	(void)state;
	world_open(&w);
	w.options.min_backoff = w.options.max_backoff = HOURS(2);
	world_send(&w, "defer@example.net", false);
	world_until(&w, schedule_next(w.s, 0, &e) && e.last_reply[0] && !e.active);
	world_run(&w, 50);
	assert_true(lab_find(&w.lab, "queue", path));
	assert_int_equal(stat(path, &st), 0);
	int64_t next = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;

	/* two hours, an eighth more or less; but never past max_age for long */
	assert_true(next > clock_wall() + MINUTES(59) && next < clock_wall() + MINUTES(61));
	world_restart(&w);
	assert_true(schedule_next(w.s, 0, &e));
	assert_true(llabs(e.next - next) < 100);
	assert_string_equal(e.last_reply, "451 4.7.1 Try again later, try 1");
	world_run(&w, 50);
	assert_int_equal(fake.attempts, 1);
	world_close(&w);
}

static void failed_unproven(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	world_send(&w, "fail@example.net ok@example.net", false);
	world_until(&w, world_is_empty(&w));
	assert_int_equal(fake.attempts, 1);
	assert_int_equal(schedule_counts(w.s).refused, 1);
	assert_int_equal(schedule_counts(w.s).delivered, 1);
	assert_int_equal(schedule_counts(w.s).bounced, 0);
	assert_int_equal(fake.dsns, 0);
	world_close(&w);
}

static void failed_and_reported(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	world_send(&w, "fail@example.net ok@example.net", true);
	world_until(&w, fake.dsns == 1 && world_is_empty(&w));
	assert_string_equal(fake.dsn_to, "bob@example.org ");
	assert_non_null(strstr(fake.dsn, "Action: failed"));
	assert_non_null(strstr(fake.dsn, "Final-Recipient: rfc822; fail@example.net"));
	assert_null(strstr(fake.dsn, "ok@example.net"));
	assert_int_equal(schedule_counts(w.s).bounced, 1);
	/* and the report itself is a message like others */
	assert_int_equal(schedule_counts(w.s).delivered, 2);
	world_close(&w);
}

/* A report that fails is the end of it. */
static void no_report_about_a_report(void **state)
{
	struct world w;
	struct message *m = world_message("fail@example.net", true);

	(void)state;
	world_open(&w);
	address_parse(&m->env.original_sender, STR("fail-too@example.org"), m->arena);
	world_send_message(&w, m);
	world_until(&w, fake.dsns == 1 && world_is_empty(&w));
	assert_int_equal(schedule_counts(w.s).bounced, 1);
	assert_int_equal(schedule_counts(w.s).refused, 1);
	world_close(&w);
}

/* The sender is one of ours: the report goes where that one reads; or nowhere, but the message
 * still ends. */
static void report_to_our_own(void **state)
{
	static const struct { const char *sender, *to;
	} rows[] = { { "alice@ours.example", "ok-one@else.example ok-two@else.example " },
		{ "nobody@refused.example", "" } };

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct world w;
		struct message *m = world_message("fail@example.net", true);

		world_open(&w);
		address_parse(&m->env.original_sender, str_of(rows[i].sender), m->arena);
		world_send_message(&w, m);
		world_until(&w, schedule_counts(w.s).bounced == 1 && world_is_empty(&w));
		assert_string_equal(fake.dsn_to, rows[i].to);
		if (i == 0)
			assert_non_null(strstr(fake.dsn, "To: <alice@ours.example>"));
		world_close(&w);
	}
}

static void notify_is_heard(void **state)
{
	static const struct {
		const char *to;
		unsigned notify;
		size_t dsns;
		const char *action;
	} rows[] = {
		{ "ok@example.net", 0, 0, "" },
		{ "ok@example.net", NOTIFY_SUCCESS, 1, "Action: relayed" },
		{ "pass@example.net", NOTIFY_SUCCESS, 0, "" },
		{ "fail@example.net", NOTIFY_SUCCESS, 0, "" },
		{ "fail@example.net", NOTIFY_NEVER, 0, "" },
		{ "fail@example.net", NOTIFY_FAILURE, 1, "Action: failed" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct world w;
		struct message *m = world_message(rows[i].to, true);

		world_open(&w);
		m->env.rcpts[0].notify = rows[i].notify;
		world_send_message(&w, m);
		world_until(&w, world_is_empty(&w));
		row_true(i, fake.dsns == rows[i].dsns);
		row_true(i, strstr(fake.dsn, rows[i].action) != NULL);
		world_close(&w);
	}
}

/* What was settled is marked in the file, and only the rest is tried again. */
static void marks_on_disk(void **state)
{
	struct world w;
	char path[512];
	size_t n;

	(void)state;
	world_open(&w);
	w.options.min_backoff = w.options.max_backoff = HOURS(2);
	world_send(&w, "ok@example.net defer@example.net fail@example.net", true);
	world_until(&w,
		fake.dsns == 1 && schedule_counts(w.s).delivered == 2
			&& schedule_counts(w.s).waiting == 1);
	world_until(&w, lab_count(&w.lab, "queue") == 1);
	lab_find(&w.lab, "queue", path);
	char *all = lab_read(path, &n);
	assert_non_null(strstr(all, "\n+to ok@example.net"));
	assert_non_null(strstr(all, "\n-to defer@example.net"));
	assert_non_null(strstr(all, "\n!to fail@example.net"));
	free(all);
	world_restart(&w);
	char text[700];
	assert_true(world_tell(&w, SCHEDULE_RETRY, 0, text));
	assert_string_equal(text, "1 message will be tried now");
	world_until(&w, fake_tries("defer") == 2);
	assert_int_equal(fake_tries("ok") + fake_tries("fail"), 2);
	world_close(&w);
}

/* A lane that takes long: others' marks do not wait for it. */
static void marks_on_the_way(void **state)
{
	struct world w;
	char path[512];
	size_t n;
	bool there = false;

	(void)state;
	world_open(&w);
	world_send(&w, "ok@example.net ok@slow.example", false);
	lab_find(&w.lab, "queue", path);
	for (int i = 0; i < 500 && !there; i++) {
		world_run(&w, 5);
		char *all = lab_read(path, &n);
		there = strstr(all, "\n+to ok@example.net") != NULL;
		free(all);
	}
	assert_true(there);
	assert_int_equal(schedule_counts(w.s).active, 1);
	fake_go(w.lab.l);
	world_until(&w, world_is_empty(&w));
	world_close(&w);
}

static void given_up_in_time(void **state)
{
	struct world w;
	struct message *m = world_message("defer@example.net", true);

	(void)state;
	world_open(&w);
	m->env.arrived = clock_wall() - w.options.max_age - 1000;
	world_send_message(&w, m);
	world_until(&w, fake.dsns == 1 && world_is_empty(&w));
	assert_int_equal(fake.attempts, 2);
	assert_non_null(strstr(fake.dsn, "Status: 4.4.7"));
	assert_non_null(strstr(fake.dsn, "Action: failed"));
	assert_non_null(strstr(fake.dsn, "Try again later, try 1"));
	world_close(&w);
}

/* One that is not over yet is tried once more right after its time, not hours later. */
static void last_attempt_is_not_late(void **state)
{
	struct world w;
	struct message *m = world_message("defer@example.net", false);
	struct schedule_entry e;

	(void)state;
	world_open(&w);
	w.options.max_backoff = HOURS(4);
	m->env.arrived = clock_wall() - w.options.max_age + MINUTES(1);
	world_send_message(&w, m);
	world_until(&w, schedule_next(w.s, 0, &e) && e.last_reply[0] && !e.active);
	assert_true(e.next > clock_wall() + SECONDS(50) && e.next < clock_wall() + SECONDS(70));
	world_close(&w);
}

static void delay_notice_once(void **state)
{
	struct world w;
	struct message *m = world_message("defer@example.net ok@example.net", true), *other;

	(void)state;
	world_open(&w);
	m->env.arrived = clock_wall() - w.options.delay_notice - 1000;
	w.options.min_backoff = w.options.max_backoff = 50;
	world_send_message(&w, m);
	world_until(&w, fake.dsns == 1 && fake_tries("defer") >= 3);
	assert_non_null(strstr(fake.dsn, "Action: delayed"));
	assert_non_null(strstr(fake.dsn, "Will-Retry-Until: "));
	assert_null(strstr(fake.dsn, "ok@example.net"));
	/* nor after a restart */
	world_run(&w, 50);
	world_restart(&w);
	world_until(&w, fake_tries("defer") >= 6);
	assert_int_equal(fake.dsns, 1);

	/* somebody else's mail: proven or not, no notice */
	other = world_message("defer@other.example", true);
	other->env.login = STR_NONE;
	other->env.arrived = clock_wall() - w.options.delay_notice - 1000;
	world_send_message(&w, other);
	world_until(&w, fake_tries("defer") >= 12);
	assert_int_equal(fake.dsns, 1);
	world_close(&w);
}

/* ---- lanes ---- */

static void one_lane_holds_no_other_up(void **state)
{
	enum { MANY = 250 };
	struct world w;

	(void)state;
	world_open(&w);
	for (size_t i = 0; i < MANY; i++)
		world_send(&w, "ok@slow.example", false);
	world_run(&w, 20);
	assert_int_equal(fake.running, w.options.lane_concurrency);
	/* only so many are more than an entry */
	assert_true(schedule_counts(w.s).active <= (size_t)LIMIT_LANE_WAITING + 3);
	for (size_t i = 0; i < 20; i++)
		world_send(&w, "ok-other@example.net", false);
	world_until(&w, fake_tries("ok-other") == 20);
	assert_int_equal(fake_tries("ok"), 0);
	for (int i = 0; i < MANY && !world_is_empty(&w); i++) {
		fake_go(w.lab.l);
		world_run(&w, 5);
	}
	world_until(&w, world_is_empty(&w));
	assert_int_equal(fake_tries("ok"), MANY);
	assert_int_equal(fake.lane_most, w.options.lane_concurrency);
	world_close(&w);
}

static void no_more_than_allowed(void **state)
{
	struct world w;
	char to[40];

	(void)state;
	world_open(&w);
	for (int i = 0; i < 30; i++) {
		snprintf(to, sizeof to, "ok@slow%d.example", i);
		world_send(&w, to, false);
	}
	world_run(&w, 20);
	assert_int_equal(fake.running, w.options.concurrency);
	while (!world_is_empty(&w)) {
		fake_go(w.lab.l);
		world_run(&w, 5);
	}
	assert_int_equal(fake.most_running, w.options.concurrency);
	assert_int_equal(fake_tries("ok"), 30);
	world_close(&w);
}

static void many_recipients_one_message(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	world_send(&w,
		"ok@a.example ok@b.example defer1@a.example fail@b.example ok@c.example "
		"ok@a.example",
		false);
	world_until(&w, world_is_empty(&w));
	/* three lanes, and once more for the one that was deferred */
	assert_int_equal(fake.attempts, 4);
	assert_int_equal(fake.rcpts, 7);
	world_close(&w);
}

/* Three in a row that reached nobody: the rest of the lane is put off unseen. */
static void dead_lane_rests(void **state)
{
	enum { MANY = 60 };
	struct world w;
	struct schedule_entry e;
	size_t told = 0;

	(void)state;
	world_open(&w);
	w.options.min_backoff = w.options.max_backoff = SECONDS(20);
	for (int i = 0; i < MANY; i++)
		world_send(&w, "dead@example.net", false);
	world_until(&w, schedule_counts(w.s).active == 0);
	assert_true(fake.attempts >= LIMIT_LANE_FAILURES && fake.attempts < 20);
	for (uint64_t id = 0; schedule_next(w.s, id, &e); id = e.id)
		told += strcmp(e.last_reply, "451 4.4.1 Connection timed out") == 0;
	assert_int_equal(told, MANY);
	assert_int_equal(schedule_counts(w.s).deferred, MANY);

	/* a new message for it is not even tried now; one for another lane is */
	size_t before = fake.attempts;
	world_send(&w, "dead@example.net", false);
	world_send(&w, "ok@else.example", false);
	world_until(&w, schedule_counts(w.s).active == 0 && fake_tries("ok") == 1);
	assert_int_equal(fake.attempts, before + 1);

	/* but an operator's word is */
	char text[700];
	assert_true(world_tell(&w, SCHEDULE_RETRY, 0, text));
	world_until(&w, schedule_counts(w.s).active == 0);
	assert_true(fake.attempts > before + 1);
	world_close(&w);
}

/* So many lanes are remembered that idle ones go: not those that a message is just being given to. */
static void too_many_lanes(void **state)
{
	enum { RCPTS = 1000, MESSAGES = LIMIT_LANES / RCPTS };
	struct world w;
	struct buf to;

	(void)state;
	world_open(&w);
	w.options.min_backoff = w.options.max_backoff = MINUTES(10);
	buf_init(&to, 64 * RCPTS);
	for (int i = 0; i < MESSAGES; i++) {
		buf_clear(&to);
		for (int k = 0; k < RCPTS; k++)
			buf_addf(&to, "%sdead@d%d.example", k ? " " : "", i * RCPTS + k);
		world_send(&w, buf_text(&to), false);
		world_until(&w, schedule_counts(w.s).active == 0);
	}
	buf_finish(&to);
	world_send(&w, "dead@d1.example ok@new.example dead@d2.example", false);
	world_until(&w, fake_tries("ok") == 1 && schedule_counts(w.s).active == 0);
	world_close(&w);
}

static void revives(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	for (int i = 0; i < 10; i++)
		world_send(&w, "dead@example.net", false);
	world_until(&w, fake.attempts >= 4);
	for (int i = 0; i < 10; i++)
		world_send(&w, "ok@example.net", false);
	world_until(&w, fake_tries("ok") == 10);
	world_close(&w);
}

/* ---- the disk ---- */

static void unwritten_marks(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	atomic_store(&fake_pwrite_fails, 1);
	world_send(&w, "ok@example.net defer1@example.net", false);
	world_run(&w, 600);
	/* the mark is in memory only: nobody is tried, least of all twice */
	assert_int_equal(fake.attempts, 1);
	atomic_store(&fake_pwrite_fails, 0);
	world_until(&w, world_is_empty(&w));
	assert_int_equal(fake_tries("ok"), 1);
	assert_int_equal(fake_tries("defer1"), 2);
	world_close(&w);
}

static void not_removed(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	atomic_store(&fake_unlink_fails, 1);
	world_send(&w, "ok@example.net", false);
	world_run(&w, 600);
	assert_int_equal(fake.attempts, 1);
	assert_int_equal(lab_count(&w.lab, "queue"), 1);
	atomic_store(&fake_unlink_fails, 0);
	world_until(&w, world_is_empty(&w));
	assert_int_equal(fake.attempts, 1);
	world_close(&w);
}

/* The report can't be made durable: then the recipient has not failed yet. */
static void unwritten_report(void **state)
{
	struct world w;
	char path[512];
	size_t n;

	(void)state;
	world_open(&w);
	w.options.min_backoff = w.options.max_backoff = 300;
	uint64_t id = world_send(&w, "fail@example.net", true);
	atomic_store(&fake_fsync_fails, 1);
	world_until(&w, fake.attempts == 1 && schedule_counts(w.s).waiting == 1);
	assert_int_equal(lab_count(&w.lab, "queue"), 1);
	lab_find(&w.lab, "queue", path);
	char *all = lab_read(path, &n);
	assert_non_null(strstr(all, "\n-to fail@example.net"));
	free(all);
	(void)id;
	atomic_store(&fake_fsync_fails, 0);
	world_until(&w, fake.dsns == 1 && world_is_empty(&w));
	assert_int_equal(fake_tries("fail"), 2);
	world_close(&w);
}

static void somebody_removed_it(void **state)
{
	struct world w;
	char path[512];

	(void)state;
	world_open(&w);
	world_send(&w, "defer@example.net", false);
	world_until(&w, fake.attempts == 1 && schedule_counts(w.s).active == 0);
	lab_find(&w.lab, "queue", path);
	assert_int_equal(unlink(path), 0);
	world_until(&w, world_is_empty(&w));
	world_close(&w);
}

static void corrupt_is_set_aside(void **state)
{
	struct world w;
	char path[512];

	(void)state;
	world_open(&w);
	world_send(&w, "defer@example.net", false);
	world_until(&w, fake.attempts == 1 && schedule_counts(w.s).active == 0);
	lab_find(&w.lab, "queue", path);
	lab_write(path, "waypost 1\nrubbish\n\n", 19);
	world_until(&w, world_is_empty(&w));
	assert_int_equal(lab_count(&w.lab, "corrupt"), 1);
	world_close(&w);
}

/* ---- restarts ---- */

static void taken_in_again(void **state)
{
	struct world w;
	struct message *m[5];
	struct answer a = { 0 };
	struct schedule_entry e;

	(void)state;
	world_open(&w);
	/* due, due soon, due late, due in the future of a wrong clock, held */
	static const int64_t next[] = { -1000, 300, HOURS(2), HOURS(6), 0 };
	for (int i = 0; i < 5; i++) {
		char to[40];

		snprintf(to, sizeof to, "ok%d@example.net", i);
		m[i] = world_message(to, false);
		assert_true(lab_commit(&w.lab, m[i], clock_wall() + next[i], NULL));
	}
	a.lab = &w.lab;
	spool_hold(w.lab.sp, m[4]->id, true, lab_done, &a);
	lab_wait(&a);
	world_restart(&w);
	assert_int_equal(schedule_counts(w.s).held, 1);
	assert_int_equal(schedule_counts(w.s).waiting, 4);
	world_until(&w, fake.attempts == 3 && schedule_counts(w.s).active == 0);
	assert_int_equal(fake_tries("ok0") + fake_tries("ok1") + fake_tries("ok3"), 3);
	assert_true(schedule_next(w.s, 0, &e));
	assert_int_equal(e.id, m[2]->id);
	assert_true(schedule_next(w.s, e.id, &e));
	assert_true(e.held && e.id == m[4]->id);
	for (int i = 0; i < 5; i++)
		message_release(&m[i]);
	world_close(&w);
}

/* A crash between the last mark and the removal: no second delivery. */
static void all_marked(void **state)
{
	struct world w;
	struct message *m = world_message("ok@example.net fail@example.net", true);

	(void)state;
	world_open(&w);
	m->env.rcpts[0].mark = RCPT_DELIVERED;
	m->env.rcpts[1].mark = RCPT_FAILED;
	assert_true(lab_commit(&w.lab, m, 1, NULL));
	world_restart(&w);
	world_until(&w, world_is_empty(&w));
	assert_int_equal(fake.attempts, 0);
	message_release(&m);
	world_close(&w);
}

static bool was_stopped;

static void stopped(void *arg)
{
	assert_false(was_stopped);
	was_stopped = true;
	loop_stop(arg);
}

/* Running ones are waited for; what waits for its lane stays in the queue; nothing new begins. */
static void stopping(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	w.options.lane_concurrency = 1;
	world_send(&w, "ok@slow.example", false);
	world_send(&w, "ok@slow.example", false);
	world_run(&w, 10);
	was_stopped = false;
	schedule_stop(w.s, 10000, stopped, w.lab.l);
	world_send(&w, "ok-new@example.net", false);
	world_run(&w, 50);
	assert_false(was_stopped);
	fake_go(w.lab.l);
	world_until(&w, was_stopped);
	assert_int_equal(fake_tries("ok"), 1);
	assert_int_equal(fake_tries("ok-new"), 0);
	assert_int_equal(lab_count(&w.lab, "queue"), 2);
	world_restart(&w);
	world_until(&w, fake_tries("ok-new") == 1);
	fake_go(w.lab.l);
	world_until(&w, world_is_empty(&w));
	world_close(&w);
}

static void stopping_waits_no_longer(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	world_send(&w, "ok@slow.example", false);
	was_stopped = false;
	schedule_stop(w.s, 50, stopped, w.lab.l);
	assert_false(was_stopped);
	world_until(&w, was_stopped);
	assert_int_equal(lab_count(&w.lab, "queue"), 1);
	world_close(&w);

	/* nothing to wait for: still not from inside the call */
	world_open(&w);
	was_stopped = false;
	schedule_stop(w.s, 10000, stopped, w.lab.l);
	assert_false(was_stopped);
	world_until(&w, was_stopped);
	world_close(&w);
}

/* ---- clocks ---- */

static void clock_leaps(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	w.options.max_age = DAYS(5);
	w.options.min_backoff = w.options.max_backoff = MINUTES(30);
	world_send(&w, "defer@example.net", false);
	world_until(&w, fake.attempts == 1 && schedule_counts(w.s).active == 0);
	world_run(&w, 50);
	assert_int_equal(fake.attempts, 1);
	/* an hour ahead: due now (noticed with the next event, or within a minute) */
	atomic_store(&fake_leap, HOURS(1));
	world_send(&w, "ok@else.example", false);
	world_until(&w, fake_tries("defer") == 2);

	/* a day back: what was to come in 200 ms comes in 200 ms */
	w.options.min_backoff = w.options.max_backoff = 200;
	world_send(&w, "defer1@else.example", false);
	world_until(&w, fake_tries("defer1") == 1);
	atomic_store(&fake_leap, -DAYS(1));
	world_until(&w, fake_tries("defer1") == 2);
	world_close(&w);
}

/* ---- the operator ---- */

static void orders(void **state)
{
	struct world w;
	char text[700], id_text[MESSAGE_ID_TEXT];
	uint64_t id;
	struct schedule_entry e;

	(void)state;
	world_open(&w);
	w.options.min_backoff = w.options.max_backoff = HOURS(1);
	id = world_send(&w, "defer@example.net", false);
	message_id_text(id, id_text);
	world_until(&w, fake.attempts == 1 && schedule_counts(w.s).active == 0);

	assert_false(world_tell(&w, SCHEDULE_HOLD, id + 1, text));
	assert_non_null(strstr(text, "no message"));
	assert_false(world_tell(&w, SCHEDULE_REMOVE, 0, text));
	assert_false(world_tell(&w, SCHEDULE_RELEASE, id, text));
	assert_non_null(strstr(text, "not on hold"));

	assert_true(world_tell(&w, SCHEDULE_RETRY, id, text));
	world_until(&w, fake.attempts == 2 && schedule_counts(w.s).active == 0);

	assert_true(world_tell(&w, SCHEDULE_HOLD, id, text));
	assert_non_null(strstr(text, id_text));
	assert_int_equal(lab_count(&w.lab, "hold"), 1);
	assert_true(schedule_next(w.s, 0, &e) && e.held);
	assert_int_equal(schedule_counts(w.s).held, 1);
	assert_false(world_tell(&w, SCHEDULE_HOLD, id, text));
	assert_false(world_tell(&w, SCHEDULE_RETRY, id, text));
	assert_non_null(strstr(text, "release it first"));
	assert_true(world_tell(&w, SCHEDULE_RETRY, 0, text));
	assert_string_equal(text, "0 messages will be tried now");
	world_run(&w, 20);
	assert_int_equal(fake.attempts, 2);

	assert_true(world_tell(&w, SCHEDULE_RELEASE, id, text));
	world_until(&w, fake.attempts == 3 && schedule_counts(w.s).active == 0);
	assert_int_equal(schedule_counts(w.s).held, 0);

	/* a disk that says no: as it was */
	atomic_store(&fake_unlink_fails, 1);
	assert_false(world_tell(&w, SCHEDULE_REMOVE, id, text));
	assert_non_null(strstr(text, "can't remove"));
	atomic_store(&fake_unlink_fails, 0);
	assert_int_equal(schedule_counts(w.s).waiting, 1);
	assert_true(world_tell(&w, SCHEDULE_REMOVE, id, text));
	assert_true(world_is_empty(&w));
	assert_false(world_tell(&w, SCHEDULE_REMOVE, id, text));
	world_close(&w);
}

static void orders_for_busy_ones(void **state)
{
	struct world w;
	char text[700];
	uint64_t id;

	(void)state;
	world_open(&w);
	id = world_send(&w, "ok@slow.example", false);
	world_run(&w, 10);
	assert_false(world_tell(&w, SCHEDULE_REMOVE, id, text));
	assert_non_null(strstr(text, "being delivered right now"));
	/* one that waits, parked, behind many others */
	for (int i = 0; i < 120; i++)
		id = world_send(&w, "ok@slow.example", false);
	world_run(&w, 10);
	assert_true(world_tell(&w, SCHEDULE_REMOVE, id, text));
	assert_int_equal(lab_count(&w.lab, "queue"), 120);
	while (!world_is_empty(&w)) {
		fake_go(w.lab.l);
		world_run(&w, 5);
	}
	assert_int_equal(fake_tries("ok"), 120);
	world_close(&w);
}

static void never(void *waiter, bool ok, const char *text)
{
	(void)waiter;
	(void)ok;
	fail_msg("an answer after job_cancel: %s", text);
}

static void nobody_listens(void **state)
{
	struct world w;
	uint64_t id;
	struct job *job;

	(void)state;
	world_open(&w);
	w.options.min_backoff = w.options.max_backoff = HOURS(1);
	id = world_send(&w, "defer@example.net", false);
	world_until(&w, fake.attempts == 1 && schedule_counts(w.s).active == 0);
	job = schedule_tell(w.s, SCHEDULE_RETRY, id + 1, never, NULL);
	job_cancel(&job);
	/* what was begun is done all the same */
	job = schedule_tell(w.s, SCHEDULE_HOLD, id, never, NULL);
	job_cancel(&job);
	world_until(&w, schedule_counts(w.s).held == 1);
	job = schedule_tell(w.s, SCHEDULE_REMOVE, id, never, NULL);
	job_cancel(&job);
	world_close(&w);

	/* and one that waits when the schedule goes */
	world_open(&w);
	w.options.min_backoff = w.options.max_backoff = HOURS(1);
	id = world_send(&w, "defer@example.net", false);
	world_until(&w, fake.attempts == 1 && schedule_counts(w.s).active == 0);
	job = schedule_tell(w.s, SCHEDULE_HOLD, id, never, NULL);
	schedule_destroy(&w.s);
	job_cancel(&job);
	world_close(&w);
}

/* ---- the log ---- */

static void one_line_each(void **state)
{
	static const char *const rows[][6] = {
		{ "from=bob@example.org", "to=ok@example.net", "status=sent",
			"relay=mx.example.net[192.0.2.9]:25", "tls=encrypted", "queued as 77" },
		{ "from=bob@example.org", "to=fail@example.net", "status=refused", "No such user",
			"550 5.1.1", "id=" },
		{ "from=bob@example.org", "to=defer@example.net", "status=deferred", "451 4.7.1",
			"delay=", "id=" },
		{ "to=twice@example.net", "status=sent", "a duplicate is possible", "id=", "", "" },
	};
	struct world w;
	struct log_options options = { .level = LOG_INFO, .max_size = 1 << 20 };
	struct why why;
	char path[128];
	size_t n;

	(void)state;
	world_open(&w);
	snprintf(path, sizeof path, "%s/log", w.lab.dir);
	options.file = path;
	assert_true(log_open(&options, &why));
	world_send(
		&w, "ok@example.net fail@example.net defer@example.net twice@example.net", false);
	world_until(&w, fake.attempts == 1 && schedule_counts(w.s).active == 0);
	log_close();
	char *all = lab_read(path, &n);
	size_t lines = 0;

	for (struct str rest = str_make(all, n); rest.n > 0;) {
		struct str line = str_cut(&rest, '\n');

		if (!memmem(line.p, line.n, " delivery ", 10))
			continue;
		for (size_t i = 0; i < 6; i++)
			if (!memmem(line.p, line.n, rows[lines][i], strlen(rows[lines][i])))
				fail_msg("no %s in %.*s", rows[lines][i], STR_FMT(line));
		lines++;
	}
	assert_int_equal(lines, 4);
	free(all);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(delivered_at_once),
		cmocka_unit_test(deferred_and_tried_again), cmocka_unit_test(next_is_on_disk),
		cmocka_unit_test(failed_unproven), cmocka_unit_test(failed_and_reported),
		cmocka_unit_test(no_report_about_a_report), cmocka_unit_test(report_to_our_own),
		cmocka_unit_test(notify_is_heard), cmocka_unit_test(marks_on_disk),
		cmocka_unit_test(marks_on_the_way), cmocka_unit_test(given_up_in_time),
		cmocka_unit_test(last_attempt_is_not_late), cmocka_unit_test(delay_notice_once),
		cmocka_unit_test(one_lane_holds_no_other_up),
		cmocka_unit_test(no_more_than_allowed),
		cmocka_unit_test(many_recipients_one_message), cmocka_unit_test(dead_lane_rests),
		cmocka_unit_test(too_many_lanes), cmocka_unit_test(revives), cmocka_unit_test(unwritten_marks),
		cmocka_unit_test(not_removed), cmocka_unit_test(unwritten_report),
		cmocka_unit_test(somebody_removed_it), cmocka_unit_test(corrupt_is_set_aside),
		cmocka_unit_test(taken_in_again), cmocka_unit_test(all_marked),
		cmocka_unit_test(stopping), cmocka_unit_test(stopping_waits_no_longer),
		cmocka_unit_test(clock_leaps), cmocka_unit_test(orders),
		cmocka_unit_test(orders_for_busy_ones), cmocka_unit_test(nobody_listens),
		cmocka_unit_test(one_line_each) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
