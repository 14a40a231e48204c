/*
 * dns_question.c - one question: the next server when one fails, the next name when an alias leads
 * on
 *
 * From     dns.c, once for all who ask the same.
 * To       dns_wire.c for each try.
 * Owns     its tries, a reference to the servers.
 * Never    caches, and has no deadline of its own: dns.c destroys it when time is up.
 * Fails    with DNS_TEMPORARY when every server has failed.
 *
 * A server that is merely slow is not given up: the next one is asked beside it, and the first good
 * answer wins.
 */
#include "dns_question.h"
#include "base/mem.h"

#include <stdlib.h>

struct try {
	struct dns_question *question;
	struct job *job;
};

struct dns_question {
	struct try tries[LIMIT_DNS_SERVERS];
	struct dns_servers *servers;
	struct timer *slow;
	int64_t step;
	dns_question_heard *heard;
	void *asker;
	/* state */
	unsigned asked;                  /* servers, a bit each, for the present name */
	enum dns_type type;
	int aliases;
	uint32_t ttl;
	bool secure;
	size_t len;
	char name[DNS_NAME_TEXT];        /* asked for now: after an alias, its target */
};

static void stop_tries(struct dns_question *q)
{
	for (size_t i = 0; i < LIMIT_DNS_SERVERS; i++)
		job_cancel(&q->tries[i].job);
}

void dns_question_destroy(struct dns_question **q)
{
	struct dns_question *old = *q;

	*q = NULL;
	if (old == NULL)
		return;
	stop_tries(old);
	timer_destroy(&old->slow);
	dns_servers_drop(&old->servers);
	free(old);
}

static void finish(struct dns_question *q, const struct dns_answer *answer)
{
	dns_question_heard *heard = q->heard;
	void *asker = q->asker;

	dns_question_destroy(&q);
	heard(asker, answer);
}

static void give_up(struct dns_question *q)
{
	finish(q, &(struct dns_answer){ .status = DNS_TEMPORARY,
		.ttl = LIMIT_DNS_TTL_TEMPORARY / 1000 });
}

static bool is_waiting(const struct dns_question *q)
{
	for (size_t i = 0; i < LIMIT_DNS_SERVERS; i++)
		if (q->tries[i].job)
			return true;
	return false;
}

static void heard(void *asker, enum dns_wire_end end, const unsigned char *packet, size_t n);

/* Asks the next server, if there is one; if not, and no other is still being waited for, that was
 * all. */
static void ask_next(struct dns_question *q)
{
	int i = dns_servers_pick(q->servers, q->asked);

	if (i < 0) {
		if (!is_waiting(q))
			give_up(q);
		return;
	}
	q->asked |= 1U << i;
	q->tries[i].question = q;
	q->tries[i].job = dns_wire_ask(dns_servers_wire(q->servers, (size_t)i),
		str_make(q->name, q->len), q->type, heard, &q->tries[i]);
	if (dns_servers_count(q->servers) > 1)
		timer_set(q->slow, q->step);
}

static void slow(void *arg)
{
	ask_next(arg);
}

/* The chain left the answer: on to where it leads, from the first server again. */
static void follow(struct dns_question *q, const struct dns_read *read)
{
	if (q->aliases > LIMIT_DNS_ALIASES || read->alias.n == 0) {
		give_up(q);
		return;
	}
	stop_tries(q);
	q->asked = 0;
	q->len = read->alias.n;
	for (size_t i = 0; i < q->len; i++)
		q->name[i] = read->alias.p[i];
	ask_next(q);
}

static void settle(struct dns_question *q, struct dns_answer *answer)
{
	answer->ttl = q->ttl;
	answer->secure = q->secure;
	if (answer->ttl < LIMIT_DNS_TTL_LEAST / 1000)
		answer->ttl = LIMIT_DNS_TTL_LEAST / 1000;
	finish(q, answer);
}

static void heard_packet(struct dns_question *q, struct arena *a, const unsigned char *packet,
	size_t n)
{
	struct dns_read read;
	enum dns_reading what = dns_packet_read(a, packet, n, str_make(q->name, q->len), q->type,
		&read);

	if (what == DNS_READ_FAILED || what == DNS_READ_RUBBISH) {
		ask_next(q);
		return;
	}
	q->aliases += read.aliases;
	q->secure &= read.answer.secure;
	q->ttl = read.answer.ttl < q->ttl ? read.answer.ttl : q->ttl;
	if (what == DNS_READ_ALIAS)
		follow(q, &read);
	else
		settle(q, &read.answer);
}

static void heard(void *asker, enum dns_wire_end end, const unsigned char *packet, size_t n)
{
	struct try *t = asker;
	struct dns_question *q = t->question;
	struct arena *a;

	t->job = NULL;
	if (end != DNS_WIRE_PACKET) {
		ask_next(q);
		return;
	}
	a = arena_create();
	heard_packet(q, a, packet, n);
	arena_destroy(&a);
}

struct dns_question *dns_question_create(struct loop *l, struct dns_servers *servers,
	struct str name, enum dns_type type, int64_t step, dns_question_heard *fn, void *asker)
{
	struct dns_question *q = mem_alloc(sizeof *q);

	q->servers = dns_servers_take(servers);
	q->slow = timer_new(l, slow, q);
	q->step = step;
	q->heard = fn;
	q->asker = asker;
	q->type = type;
	q->ttl = LIMIT_DNS_TTL_MOST / 1000;
	q->secure = dns_servers_trusted(servers);
	q->len = name.n;
	for (size_t i = 0; i < name.n; i++)
		q->name[i] = name.p[i];
	ask_next(q);
	return q;
}
