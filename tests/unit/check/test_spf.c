/* The job: asks for what was missing, at once, and answers exactly once, from the loop. dns_ask()
 * is this file's. */
#include "../unit.h"
#include "spf_zone.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

static struct loop *loop;
static size_t under_way, most_under_way, asked, cancelled;
static bool silent;                        /* DNS never answers */

struct question {
	struct job job;
	struct timer *timer;
	struct str name;
	enum dns_type type;
	dns_heard *heard;
	void *waiter;
};

static void question_free(struct question *q)
{
	under_way--;
	timer_destroy(&q->timer);
	free((char *)q->name.p);
	free(q);
}

static void question_cancel(struct job *job)
{
	cancelled++;
	question_free((struct question *)job);
}

static void answer(void *arg)
{
	struct question *q = arg;
	dns_heard *heard = q->heard;
	void *waiter = q->waiter;
	const struct dns_answer *a = spf_zone_answer(q->name, q->type);

	question_free(q);
	heard(waiter, a);
}

/* In place of net/dns.c. */
struct job *dns_ask(
	struct dns *d, struct str name, enum dns_type type, dns_heard *heard, void *waiter)
{
	struct question *q = mem_alloc(sizeof *q);

	(void)d;
	*q = (struct question){ { question_cancel }, NULL, name, type, heard, waiter };
	q->name.p = mem_copy(name.p, name.n);
	q->timer = timer_new(loop, answer, q);
	if (!silent)
		timer_set(q->timer, 1);
	asked++;
	if (++under_way > most_under_way)
		most_under_way = under_way;
	return &q->job;
}

/* ---- waiting ---- */

struct heard {
	struct job *job;
	struct spf_answer answer;
	int times;
};

static void stop(void *arg)
{
	loop_stop(arg);
}

static void run(int64_t ms)
{
	struct timer *t = timer_new(loop, stop, loop);

	timer_set(t, ms);
	loop_run(loop);
	timer_destroy(&t);
}

static void done(void *waiter, const struct spf_answer *a)
{
	struct heard *h = waiter;

	h->job = NULL;
	h->answer = *a;
	h->times++;
	loop_stop(loop);
}

static void start(struct heard *h, const char *client, const char *helo, const char *sender)
{
	struct spf_question q = { .helo = str_of(helo), .receiver = "mx.test" };
	struct arena *a = arena_create();

	memset(h, 0, sizeof *h);
	under_way = most_under_way = asked = cancelled = 0;
	assert_true(inet_parse(&q.client, str_of(client)));
	if (sender[0])
		assert_true(address_parse(&q.sender, str_of(sender), a));
	h->job = spf_check(loop, NULL, &q, done, h);
	assert_non_null(h->job);
	assert_int_equal(h->times, 0);       /* never from inside */
	arena_destroy(&a);                   /* the question is copied */
}

static const struct spf_answer *ask(
	struct heard *h, const char *client, const char *helo, const char *sender)
{
	start(h, client, helo, sender);
	run(5000);
	assert_int_equal(h->times, 1);
	assert_null(h->job);
	assert_int_equal(under_way, 0);
	run(20);
	assert_int_equal(h->times, 1);
	return &h->answer;
}

/* ---- the tests ---- */

static const struct {
	const char *client, *helo, *sender;
	enum spf_result result;
	const char *domain, *mechanism;
} rows[] = {
	{ "192.0.2.9", "h.test", "u@d.test", SPF_PASS, "d.test", "mx" },
	{ "192.0.2.1", "h.test", "u@d.test", SPF_FAIL, "d.test", "-all" },
	{ "192.0.2.9", "d.test", "", SPF_PASS, "d.test", "mx" },
	{ "192.0.2.9", "[192.0.2.9]", "", SPF_NONE, "", "" },
	{ "192.0.2.9", "h.test", "u@nowhere.test", SPF_NONE, "nowhere.test", "" },
	{ "192.0.2.9", "h.test", "u@silent.test", SPF_TEMPERROR, "silent.test", "" },
	{ "192.0.2.9", "h.test", "u@half.test", SPF_TEMPERROR, "half.test", "" },
	{ "192.0.2.9", "h.test", "u@bad.test", SPF_PERMERROR, "bad.test", "" },
	{ "192.0.2.9", "h.test", "u@name.test", SPF_PASS, "name.test", "exists:%{p}.x.test" },
};

static void add_world(void)
{
	spf_zone_addz("d.test", "TXT", "v=spf1 mx -all");
	spf_zone_addz("d.test", "MX", "10 m1.test");
	spf_zone_addz("d.test", "MX", "20 m2.test");
	spf_zone_addz("d.test", "MX", "30 m3.test");
	spf_zone_addz("m1.test", "A", "192.0.2.7");
	spf_zone_addz("m2.test", "A", "192.0.2.8");
	spf_zone_addz("m3.test", "A", "192.0.2.9");
	spf_zone_addz("silent.test", "ANY", "");
	spf_zone_addz("half.test", "TXT", "v=spf1 a:silent.test -all");
	spf_zone_addz("bad.test", "TXT", "v=spf1 include:nowhere.test -all");
	spf_zone_addz("name.test", "TXT", "v=spf1 exists:%{p}.x.test -all");
	spf_zone_addz("9.2.0.192.in-addr.arpa", "PTR", "m3.test");
	spf_zone_addz("m3.test.x.test", "A", "127.0.0.2");
}

static void test_answers(void **state)
{
	(void)state;
	add_world();
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct heard h;
		const struct spf_answer *a = ask(&h, rows[i].client, rows[i].helo, rows[i].sender);

		row_true(i, a->result == rows[i].result);
		row_text(i, str_of(a->domain), str_of(rows[i].domain));
#ifndef SPF_BY_LIBSPF2
		row_text(i, str_of(a->mechanism), str_of(rows[i].mechanism));
#endif
		row_true(i, (a->problem[0] != 0)
				    == (a->result == SPF_TEMPERROR || a->result == SPF_PERMERROR));
	}
}

/* The record, its MX, and then all of its hosts at once; nothing twice. */
static void test_parallel(void **state)
{
	struct heard h;

	(void)state;
	ask(&h, "192.0.2.9", "h.test", "u@d.test");
	assert_int_equal(asked, 5);
#ifndef SPF_BY_LIBSPF2
	assert_int_equal(most_under_way, 3);
#endif
}

static void test_many_at_once(void **state)
{
	struct heard h[50];

	(void)state;
	for (size_t i = 0; i < ROWS(h); i++)
		start(&h[i], "192.0.2.9", "h.test", i % 2 ? "u@d.test" : "u@silent.test");
	run(200);
	run(200);
	for (size_t i = 0; i < ROWS(h); i++)
		while (h[i].times == 0)
			run(200);
	for (size_t i = 0; i < ROWS(h); i++)
		row_true(i, h[i].times == 1
				    && h[i].answer.result == (i % 2 ? SPF_PASS : SPF_TEMPERROR));
}

/* At every moment: before the first run, during each of the rounds. */
static void test_cancel(void **state)
{
	struct heard h;

	(void)state;
	for (int ms = -1; ms < 8; ms++) {
		start(&h, "192.0.2.9", "h.test", "u@d.test");
		if (ms >= 0)
			run(ms);
		job_cancel(&h.job);
		assert_int_equal(under_way, 0);
		run(10);
		assert_true(h.times <= 1);
	}
	silent = true;
	start(&h, "192.0.2.9", "h.test", "u@d.test");
	run(10);
	assert_int_equal(under_way, 1);
	job_cancel(&h.job);
	assert_int_equal(cancelled, 1);
	run(10);
	assert_int_equal(h.times, 0);
	silent = false;
}

/* DNS that never answers: the budget ends it. The timer_set() below lets it pass in no time. */
static void test_budget(void **state)
{
	struct heard h;

	(void)state;
	silent = true;
	start(&h, "192.0.2.9", "h.test", "u@d.test");
	run(5000);
	silent = false;
	assert_int_equal(h.times, 1);
	assert_int_equal(h.answer.result, SPF_TEMPERROR);
	assert_string_equal(h.answer.domain, "d.test");
	assert_string_equal(h.answer.problem, "DNS took too long");
	assert_int_equal(under_way, 0);
	assert_int_equal(cancelled, 1);
}

/* The linker hands spf.c's calls of timer_set() to this one: 20 s become a tenth of one. */
void __real_timer_set(struct timer *t, int64_t ms);
void __wrap_timer_set(struct timer *t, int64_t ms);
void __wrap_timer_set(struct timer *t, int64_t ms)
{
	__real_timer_set(t, ms == LIMIT_SPF_TIME ? 100 : ms);
}

static void test_words(void **state)
{
	(void)state;
	assert_string_equal(spf_result_text(SPF_NONE), "none");
	assert_string_equal(spf_result_text(SPF_SOFTFAIL), "softfail");
	assert_string_equal(spf_result_text(SPF_PERMERROR), "permerror");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_words),
	};
	struct why why;

	loop = loop_create(1, &why);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	spf_zone_clear();
	loop_destroy(&loop);
	return failed;
}
