/*
 * spf.c - the SPF check of one identity: run, ask for what was missing, run again
 *
 * From     check.c, at MAIL, once for HELO and once for the sender.
 * To       the evaluator; net/dns for all that a run was missing, at once.
 * Owns     the look-ups under way and the copied answers, until it has answered.
 * Fails    with temperror when DNS is silent, or past LIMIT_SPF_TIME, _RUNS or _QUERIES.
 * See      RFC 7208 sections 4 and 11.1.
 */
#include "check/spf.h"
#include "base/mem.h"
#include "spf_answers.h"
#include "spf_eval.h"
#ifdef SPF_BY_LIBSPF2
#include "spf_libspf2.h"
#endif

#include <stdio.h>
#include <stdlib.h>

struct check_job;

struct wait {                                /* one look-up */
	struct check_job *owner;
	struct spf_want *want;
	struct job *job;
};

struct check_job {
	struct job job;                      /* first: job_cancel frees the whole */
	/* owned */
	struct arena *arena;
	struct job *start;
	struct timer *budget;
	struct wait waits[LIMIT_SPF_QUERIES];
	/* borrowed */
	struct dns *dns;
	spf_done *done;
	void *waiter;
	/* state */
	struct spf_identity who;
	struct spf_answers answers;
	size_t wait_count, waiting;
	int runs;
};

static void check_free(struct check_job *c)
{
	job_cancel(&c->start);
	for (size_t i = 0; i < c->wait_count; i++)
		job_cancel(&c->waits[i].job);
	timer_destroy(&c->budget);
	arena_destroy(&c->arena);
	free(c);
}

static void check_cancel(struct job *job)
{
	check_free((struct check_job *)job);
}

/* The job is gone when the answer comes. */
static void give(struct check_job *c, const struct spf_answer *answer)
{
	struct spf_answer copy = *answer;
	spf_done *done = c->done;
	void *waiter = c->waiter;

	check_free(c);
	done(waiter, &copy);
}

static bool evaluate(struct check_job *c, struct spf_answer *answer)
{
#ifdef SPF_BY_LIBSPF2
	return spf_libspf2_eval(&c->who, spf_answers_look, &c->answers, answer);
#else
	return spf_eval(&c->who, spf_answers_look, &c->answers, answer);
#endif
}

static void give_up(struct check_job *c, const char *why)
{
	struct spf_answer answer = { .result = SPF_TEMPERROR };

	snprintf(answer.domain, sizeof answer.domain, "%s", c->who.name);
	snprintf(answer.problem, sizeof answer.problem, "%s", why);
	give(c, &answer);
}

static void ask_missing(struct check_job *c);
static void heard(void *waiter, const struct dns_answer *answer);

static void run(struct check_job *c)
{
	struct spf_answer answer;

	if (evaluate(c, &answer))
		give(c, &answer);
	else if (c->answers.over)
		give_up(c, "the check needs too many DNS look-ups");
	else if (++c->runs == LIMIT_SPF_RUNS)
		give_up(c, "the check needs too many rounds of DNS look-ups");
	else
		ask_missing(c);
}

static void ask_missing(struct check_job *c)
{
	for (size_t i = 0; i < c->answers.n; i++) {
		struct spf_want *want = &c->answers.v[i];
		struct wait *w = &c->waits[c->wait_count];

		if (want->asked)
			continue;
		want->asked = true;
		*w = (struct wait){ .owner = c, .want = want };
		w->job = dns_ask(c->dns, want->name, want->type, heard, w);
		c->wait_count++;
		c->waiting++;
	}
}

static void heard(void *waiter, const struct dns_answer *answer)
{
	struct wait *w = waiter;
	struct check_job *c = w->owner;

	w->job = NULL;
	spf_answers_put(&c->answers, w->want, answer);
	if (--c->waiting == 0)
		run(c);
}

static void started(void *waiter)
{
	struct check_job *c = waiter;

	c->start = NULL;
	run(c);
}

static void too_late(void *waiter)
{
	give_up(waiter, "DNS took too long");
}

struct job *spf_check(struct loop *l, struct dns *dns, const struct spf_question *question,
	spf_done *done, void *waiter)
{
	struct check_job *c = mem_alloc(sizeof *c);

	c->job.cancel = check_cancel;
	c->arena = arena_create();
	c->answers.arena = c->arena;
	c->who = spf_identity_of(question, clock_wall() / 1000, c->arena);
	c->dns = dns;
	c->done = done;
	c->waiter = waiter;
	c->budget = timer_new(l, too_late, c);
	timer_set(c->budget, LIMIT_SPF_TIME);
	c->start = loop_later(l, started, c);
	return &c->job;
}

const char *spf_result_text(enum spf_result result)
{
	static const char *const text[] = {
		[SPF_NONE] = "none",
		[SPF_NEUTRAL] = "neutral",
		[SPF_PASS] = "pass",
		[SPF_FAIL] = "fail",
		[SPF_SOFTFAIL] = "softfail",
		[SPF_TEMPERROR] = "temperror",
		[SPF_PERMERROR] = "permerror",
	};

	return text[result];
}
