/*
 * lists.c - ask all lists about one client at once, and add up what they say
 *
 * From     screen.c, while the client waits to be greeted.
 * To       net/dns, one question a list; lists_health.c, with what it met there.
 * Owns     the questions under way.
 * Never    counts a list that is unproven or benched, and never blocks a client that a silent white
 *          list might have spoken for; never shows a zone, only its public name.
 * See      RFC 5782, POSTSCREEN_README; design.md "Screening".
 */
#include "lists_private.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 500, NAME_QUERY = LISTS_QUERY };

struct question {
	struct ask *ask;
	struct zone *zone;
	struct job *job;               /* NULL: answered, or not asked */
	int score;                     /* what the list adds */
};

struct ask {
	struct job job;                /* first: it is cancelled by it */
	/* owned */
	struct timer *timer;           /* the deadline */
	struct job *later;
	struct job *reason_job;
	/* borrowed */
	struct lists *lists;
	lists_heard *heard;
	void *waiter;
	const struct zone *worst;      /* the list that is named */
	/* state */
	struct inet_addr client;
	int64_t began, deadline;       /* mono ms */
	size_t open, silent;
	int score;
	int lost;                      /* what silent and benched white lists might have said */
	enum lists_outcome outcome;
	char reason[LIMIT_LISTS_REASON_TEXT + 1];
	size_t n;
	struct question v[];
};

/* ---- the end ---- */

static void ask_free(struct ask *a)
{
	for (size_t i = 0; i < a->n; i++)
		job_cancel(&a->v[i].job);
	job_cancel(&a->later);
	job_cancel(&a->reason_job);
	timer_destroy(&a->timer);
	free(a);
}

static void ask_cancel(struct job *job)
{
	ask_free((struct ask *)job);
}

static void add_names(const struct ask *a, struct buf *out)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].score != 0)
			buf_addf(out, "%s%s*%d", out->n ? " " : "", zone_site(a->v[i].zone)->shown,
				a->v[i].score);
}

static void tell(void *arg)
{
	struct ask *a = arg;
	struct lists_answer answer = {
		.outcome = a->outcome, .score = a->score, .silent = a->silent };
	lists_heard *heard = a->heard;
	void *waiter = a->waiter;
	char reason[sizeof a->reason];
	struct buf names;

	buf_init(&names, NAMES_MAX);
	add_names(a, &names);
	memcpy(reason, a->reason, sizeof reason);
	answer.name = a->worst ? zone_site(a->worst)->shown : "";
	answer.reason = reason;
	answer.names = buf_text(&names);
	a->later = NULL;
	ask_free(a);
	heard(waiter, &answer);
	buf_finish(&names);
}

/* ---- the score ---- */

static enum lists_outcome outcome_of(const struct ask *a, int score, int lost)
{
	const struct screen_options *o = a->lists->options;

	if (o->allowlist_threshold < 0 && score <= o->allowlist_threshold)
		return LISTS_WHITE;
	if (score < o->dnsbl_threshold)
		return LISTS_CLEAN;
	return score + lost < o->dnsbl_threshold ? LISTS_UNSURE : LISTS_LISTED;
}

/* Whatever the open questions bring, is the outcome the same? */
static bool is_decided(struct ask *a)
{
	int least = a->score, most = a->score;

	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].job == NULL)
			continue;
		least += a->v[i].zone->good;
		most += a->v[i].zone->bad;
	}
	a->outcome = outcome_of(a, a->score, a->lost);
	/* an open white list may also stay silent: then its word is lost */
	return outcome_of(a, least, a->lost) == a->outcome &&
		outcome_of(a, most, a->lost) == a->outcome &&
		outcome_of(a, a->score, a->lost + least - a->score) == a->outcome;
}

static void find_worst(struct ask *a)
{
	int most = 0;

	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].score > most) {
			most = a->v[i].score;
			a->worst = a->v[i].zone;
		}
	}
}

/* ---- the reason ---- */

static void reason_heard(void *waiter, const struct dns_answer *answer)
{
	struct ask *a = waiter;

	a->reason_job = NULL;
	for (size_t i = 0; answer->status == DNS_OK && i < answer->n && !a->reason[0]; i++)
		lists_reason(a->reason, answer->v[i].data, zone_site(a->worst));
	tell(a);
}

static void ask_reason(struct ask *a)
{
	int64_t left = a->deadline - clock_mono();
	char name[NAME_QUERY];

	lists_query(name, &a->client, zone_site(a->worst)->zone);
	timer_set(a->timer, left > LIMIT_LISTS_REASON ? left : LIMIT_LISTS_REASON);
	a->reason_job = dns_ask(a->lists->dns, str_of(name), DNS_TXT, reason_heard, a);
}

/* ---- the answers ---- */

/* Tells, if there is nothing left to learn; from the loop only. */
static void settle(struct ask *a)
{
	if (!is_decided(a))
		return;
	for (size_t i = 0; i < a->n; i++)
		job_cancel(&a->v[i].job);
	a->open = 0;
	if (a->outcome == LISTS_LISTED || a->outcome == LISTS_UNSURE)
		find_worst(a);
	if (a->outcome == LISTS_LISTED)
		ask_reason(a);
	else
		tell(a);
}

static void lose(struct ask *a, const struct zone *z)
{
	a->silent++;
	a->lost += z->good;
}

/* One entry counts once, however many answers it lets in. */
static int score_of(const struct zone *z, const struct dns_answer *answer)
{
	int score = 0;

	for (size_t i = 0; answer->status == DNS_OK && i < z->site_count; i++) {
		bool counts = false;

		for (size_t k = 0; k < answer->n; k++)
			counts = counts ||
				lists_filter_has(&z->sites[i]->filter, answer->v[k].addr.ip);
		if (counts)
			score += z->sites[i]->weight;
	}
	return score;
}

static void heard(void *waiter, const struct dns_answer *answer)
{
	struct question *q = waiter;
	struct ask *a = q->ask;
	char why[200];

	q->job = NULL;
	a->open--;
	if (answer->status == DNS_TEMPORARY) {
		lose(a, q->zone);
		zone_missed(q->zone);
	} else if (!zone_understands(q->zone, answer, why)) {
		lose(a, q->zone);
		if (q->zone->state == ZONE_GOOD)
			zone_bench(q->zone, why);
	} else {
		zone_answered(q->zone);
		q->score = score_of(q->zone, answer);
		a->score += q->score;
	}
	settle(a);
}

/* Who has not answered by now is silent; what came is what counts. */
static void time_is_up(void *arg)
{
	struct ask *a = arg;
	bool patient = clock_mono() - a->began >= LIMIT_LISTS_PATIENCE;

	if (a->reason_job) {
		tell(a);
		return;
	}
	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].job == NULL)
			continue;
		job_cancel(&a->v[i].job);
		lose(a, a->v[i].zone);
		if (patient)
			zone_missed(a->v[i].zone);
	}
	settle(a);
}

/* ---- the questions ---- */

static void put_questions(struct ask *a)
{
	char name[NAME_QUERY];

	for (size_t i = 0; i < a->lists->zone_count; i++) {
		struct question *q = &a->v[i];

		q->ask = a;
		q->zone = &a->lists->zones[i];
		if (!zone_is_ready(q->zone, &a->client)) {
			lose(a, q->zone);
			continue;
		}
		lists_query(name, &a->client, zone_site(q->zone)->zone);
		q->job = dns_ask(a->lists->dns, str_of(name), DNS_A, heard, q);
		a->open++;
	}
	a->n = a->lists->zone_count;
}

struct job *lists_ask(struct lists *lists, const struct inet_addr *client, int64_t wait,
	lists_heard *heard_, void *waiter)
{
	struct ask *a = mem_alloc(sizeof *a + lists->zone_count * sizeof a->v[0]);

	a->job.cancel = ask_cancel;
	a->lists = lists;
	a->heard = heard_;
	a->waiter = waiter;
	a->client = *client;
	a->began = clock_mono();
	a->deadline = a->began + wait;
	a->timer = timer_new(lists->loop, time_is_up, a);
	put_questions(a);
	if (a->open == 0)
		a->later = loop_later(lists->loop, tell, a);
	else
		timer_set(a->timer, wait > 0 ? wait : 0);
	return &a->job;
}

void lists_refusal(
	struct buf *out, const struct inet_addr *client, const struct lists_answer *answer)
{
	char text[INET_TEXT_MAX];

	buf_addf(out, "Service unavailable; client [%s] blocked using %s%s%s",
		inet_text(client, text), answer->name, answer->reason[0] ? "; " : "",
		answer->reason);
}

/* ---- birth and death ---- */

static struct zone *zone_of(struct lists *lists, const struct lists_site *site)
{
	struct zone *z;

	for (size_t i = 0; i < lists->zone_count; i++)
		if (strcmp(zone_site(&lists->zones[i])->zone, site->zone) == 0)
			return &lists->zones[i];
	z = &lists->zones[lists->zone_count++];
	z->lists = lists;
	return z;
}

struct lists *lists_create(struct loop *l, struct dns *d, const struct screen_options *options)
{
	struct lists *lists = mem_alloc(sizeof *lists);

	lists->loop = l;
	lists->dns = d;
	lists->options = options;
	lists->zones = mem_alloc((options->sites.n + 1) * sizeof *lists->zones);
	for (size_t i = 0; i < options->sites.n; i++) {
		const struct lists_site *site = &options->sites.v[i];
		struct zone *z = zone_of(lists, site);

		z->sites[z->site_count++] = site;
		*(site->weight > 0 ? &z->bad : &z->good) += site->weight;
	}
	for (size_t i = 0; i < lists->zone_count; i++)
		zone_watch(&lists->zones[i]);
	return lists;
}

void lists_destroy(struct lists **lists)
{
	struct lists *gone = *lists;

	*lists = NULL;
	if (gone == NULL)
		return;
	for (size_t i = 0; i < gone->zone_count; i++)
		zone_finish(&gone->zones[i]);
	free(gone->zones);
	free(gone);
}
