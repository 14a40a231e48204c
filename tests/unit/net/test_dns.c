/* The resolver against resolvers that answer, fail, stay silent, cut, and lie. */
#include "../unit.h"
#include "base/clock.h"
#include "base/limits.h"
#include "dns_private.h"
#include "dns_server.h"
#include "net/dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the script: what the first label says, happens ---- */

static bool named(const struct asked *q, const char *label)
{
	return str_starts(str_of(q->name), str_of(label));
}

static void answer_alias(const struct asked *q, struct packet *out)
{
	unsigned number = 0;
	char next[300];

	if (named(q, "alias.")) {
		packet_target(out, q->name, DNS_CNAME, 100, "there.test");
		packet_a(out, "there.test", 300, "192.0.2.9");
	} else if (named(q, "far.")) {
		packet_target(out, q->name, DNS_CNAME, 50, "a.test");
	} else if (named(q, "circle.")) {
		packet_target(out, q->name, DNS_CNAME, 50, "round.test");
	} else if (named(q, "round.")) {
		packet_target(out, q->name, DNS_CNAME, 50, "circle.test");
	} else if (named(q, "root.")) {
		packet_target(out, q->name, DNS_CNAME, 50, "");
	} else if (sscanf(q->name, "endless%u.", &number) == 1) {
		snprintf(next, sizeof next, "endless%u.test", number + 1);
		packet_target(out, q->name, DNS_CNAME, 50, next);
	}
}

static void answer_data(const struct asked *q, struct packet *out)
{
	if (named(q, "short."))
		packet_a(out, q->name, 1, "192.0.2.7");
	else if (named(q, "big.") || named(q, "huge."))
		for (int i = 0; i < (named(q, "huge.") ? 150 : 20); i++)
			packet_a(out, q->name, 300, "192.0.2.8");
	else if (q->type == DNS_A)
		packet_a(out, q->name, 300, "192.0.2.1");
	else if (q->type == DNS_AAAA)
		packet_a(out, q->name, 300, "2001:db8::1");
	else if (q->type == DNS_MX)
		packet_mx(out, q->name, 300, 10, "Mail.Test");
	else if (q->type == DNS_TXT)
		packet_record(out, q->name, DNS_TXT, 300, "\5hello\6 world", 13);
	else if (q->type == DNS_TLSA)
		packet_record(out, q->name, DNS_TLSA, 300, "\3\1\1xyz", 6);
	else if (q->type == DNS_PTR)
		packet_target(out, q->name, DNS_PTR, 300, "host.test");
}

static void answer_well(const struct asked *q, struct packet *out)
{
	if (named(q, "silent."))
		return;
	if (named(q, "late."))
		usleep(200 * 1000);
	packet_begin(out, q->id, q->name, q->type, q->ad ? 0x20 : 0, named(q, "nx.") ? 3 : 0);
	if (named(q, "nx.") || named(q, "nodata."))
		packet_soa(out, "test", 300, 60);
	else if (named(q, "cut.") && !q->tcp)
		out->p[2] |= 2;
	else if (named(q, "alias.") || named(q, "far.") || named(q, "circle.") ||
		named(q, "round.") || named(q, "root.") || named(q, "endless"))
		answer_alias(q, out);
	else
		answer_data(q, out);
	if (named(q, "huge.") && !q->tcp) {
		packet_begin(out, q->id, q->name, q->type, 0, 0);
		out->p[2] |= 2;
	}
}

/* One that has trouble with everything, each in its way. */
static void answer_badly(const struct asked *q, struct packet *out)
{
	int rcode = named(q, "servfail.") ? 2 : named(q, "refused.") ? 5 :
		named(q, "notimp.") ? 4 : 0;

	if (named(q, "silent."))
		return;
	packet_begin(out, q->id, q->name, q->type, 0, rcode);
	if (named(q, "referral."))
		packet_ns(out, "test");
	else if (named(q, "rubbish."))
		packet_record(out, q->name, q->type, 300, "abc", 3);
	else if (named(q, "stub."))
		out->p[7] = 9;
	else if (rcode == 0)
		packet_a(out, q->name, 300, "192.0.2.2");
}

/* From before 1999. */
static void answer_without_edns(const struct asked *q, struct packet *out)
{
	packet_begin(out, q->id, q->name, q->type, 0, q->edns ? 1 : 0);
	if (!q->edns)
		answer_data(q, out);
}

/* ---- one who asks ---- */

struct heard {
	int calls;
	enum dns_status status;
	bool secure;
	uint32_t ttl;
	size_t n;
	struct inet_addr addr;
	int preference;
	char text[300];
};

static struct {
	struct loop *loop;
	struct dns *dns;
	struct timer *guard;
	int left;                /* answers that are waited for */
	bool late;
} t;

static void heard_one(void *waiter, const struct dns_answer *answer)
{
	struct heard *h = waiter;
	int calls = h->calls + 1;

	*h = (struct heard){ calls, answer->status, answer->secure, answer->ttl, answer->n, { 0 },
		0, "" };
	if (answer->n) {
		h->addr = answer->v[0].addr;
		h->preference = answer->v[0].preference;
		snprintf(h->text, sizeof h->text, "%.*s%.*s", STR_FMT(answer->v[0].name),
			STR_FMT(answer->v[0].data));
	}
	if (--t.left == 0)
		loop_stop(t.loop);
}

static void too_late(void *arg)
{
	(void)arg;
	t.late = true;
	loop_stop(t.loop);
}

/* Runs the loop until as many answers came, or for that long; true: they came. */
static bool run(int answers, int64_t ms)
{
	t.left = answers;
	t.late = false;
	timer_set(t.guard, ms);
	loop_run(t.loop);
	timer_clear(t.guard);
	return !t.late;
}

static struct heard ask(const char *name, enum dns_type type)
{
	struct heard h = { 0 };

	dns_ask(t.dns, str_of(name), type, heard_one, &h);
	assert_int_equal(h.calls, 0);            /* never from inside the call */
	assert_true(run(1, 10000));
	assert_int_equal(h.calls, 1);
	return h;
}

static void use(int64_t timeout, struct dns_server *a, struct dns_server *b)
{
	struct endpoint v[2];
	struct dns_options o = { .servers = { v, b ? 2 : 1 }, .timeout = timeout };
	struct why why;

	v[0] = a->at;
	if (b)
		v[1] = b->at;
	dns_destroy(&t.dns);
	t.dns = dns_create(t.loop, &o, &why);
	assert_non_null(t.dns);
}

static int setup(void **state)
{
	struct why why;

	(void)state;
	t.loop = loop_create(1, &why);
	t.guard = timer_new(t.loop, too_late, NULL);
	return t.loop == NULL;
}

static int teardown(void **state)
{
	(void)state;
	dns_destroy(&t.dns);
	timer_destroy(&t.guard);
	loop_destroy(&t.loop);
	return 0;
}

static bool is_addr(const struct heard *h, const char *text)
{
	struct inet_addr a;

	return h->status == DNS_OK && inet_parse(&a, str_of(text)) && inet_same(&a, &h->addr);
}

/* ---- what is asked for and what comes ---- */

static void each_type_is_asked_for(void **state)
{
	static const struct {
		const char *name;
		enum dns_type type;
		const char *addr, *text;
		int preference;
	} rows[] = {
		{ "a.test", DNS_A, "192.0.2.1", "", 0 },
		{ "A.Test.", DNS_AAAA, "2001:db8::1", "", 0 },
		{ "m.test", DNS_MX, NULL, "mail.test", 10 },
		{ "t.test", DNS_TXT, NULL, "hello world", 0 },
		{ "_25._tcp.m.test", DNS_TLSA, NULL, "\3\1\1xyz", 0 },
		{ "1.2.0.192.in-addr.arpa", DNS_PTR, NULL, "host.test", 0 },
		{ "alias.test", DNS_A, "192.0.2.9", "", 0 },
		{ "far.test", DNS_A, "192.0.2.1", "", 0 },
		{ "far2.far.test", DNS_A, "192.0.2.1", "", 0 },
		{ "cut.test", DNS_A, "192.0.2.1", "", 0 },
		{ "huge.test", DNS_A, "192.0.2.8", "", 0 },
		{ "\\097.test", DNS_A, "192.0.2.1", "", 0 },
	};
	struct dns_server *s = server_start("127.0.0.1", answer_well);

	(void)state;
	use(5000, s, NULL);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct heard h = ask(rows[i].name, rows[i].type);
		row_true(i, h.status == DNS_OK);
		row_true(i, rows[i].addr == NULL || is_addr(&h, rows[i].addr));
		row_text(i, str_of(h.text), str_of(rows[i].text));
		row_true(i, h.preference == rows[i].preference);
		row_true(i, h.secure || strcmp(rows[i].name, "huge.test") == 0);
	}
	assert_int_equal(s->tcp, 2);
	server_stop(&s);
}

static void questions_say_what_is_wanted(void **state)
{
	struct dns_server *s = server_start("127.0.0.1", answer_well);

	(void)state;
	use(5000, s, NULL);
	struct heard h = ask("a.test", DNS_A);
	assert_true(s->edns && s->ad && s->dnssec_ok);
	assert_int_equal(s->size, 1232);
	assert_true(h.secure);
	/* 20 addresses: more than 512 bytes, and still one UDP packet */
	h = ask("big.test", DNS_A);
	assert_int_equal(h.n, 20);
	assert_int_equal(s->tcp, 0);
	/* 150 do not fit: over TCP */
	h = ask("huge.test", DNS_A);
	assert_int_equal(h.n, 150);
	assert_int_equal(s->tcp, 1);
	server_stop(&s);
}

static void trust_is_a_matter_of_place(void **state)
{
	struct dns_server *docker = server_start("127.0.0.11", answer_well);
	struct dns_server *own = server_start("127.0.0.53", answer_well);
	struct dns_options o = { .servers = { &docker->at, 1 }, .trust_ad = true, .timeout = 2000 };
	struct why why;

	(void)state;
	use(2000, docker, NULL);
	assert_false(ask("a.test", DNS_A).secure);
	assert_true(docker->edns);
	assert_false(docker->ad || docker->dnssec_ok);
	use(2000, own, docker);
	assert_false(ask("a.test", DNS_A).secure);
	use(2000, own, NULL);
	assert_true(ask("a.test", DNS_A).secure);
	dns_destroy(&t.dns);
	t.dns = dns_create(t.loop, &o, &why);
	assert_true(ask("a.test", DNS_A).secure);
	server_stop(&docker);
	server_stop(&own);
}

static void no_is_heard_and_kept(void **state)
{
	struct dns_server *s = server_start("127.0.0.1", answer_well);

	(void)state;
	use(5000, s, NULL);
	for (int i = 0; i < 2; i++) {
		struct heard h = ask("nx.test", DNS_A);
		assert_int_equal(h.status, DNS_NXDOMAIN);
		assert_in_range(h.ttl, 58, 60);
		assert_int_equal(ask("nodata.test", DNS_MX).status, DNS_NODATA);
	}
	assert_int_equal(server_questions(s), 2);
	/* of another type it is another question */
	assert_int_equal(ask("nodata.test", DNS_A).status, DNS_NODATA);
	assert_int_equal(server_questions(s), 3);
	server_stop(&s);
}

static void aliases_end(void **state)
{
	struct dns_server *s = server_start("127.0.0.1", answer_well);

	(void)state;
	use(5000, s, NULL);
	struct heard h = ask("far.test", DNS_A);
	assert_true(is_addr(&h, "192.0.2.1"));
	assert_in_range(h.ttl, 48, 50);          /* the alias's, which is less */
	assert_int_equal(server_questions(s), 2);
	assert_int_equal(ask("circle.test", DNS_A).status, DNS_TEMPORARY);
	assert_int_equal(ask("root.test", DNS_A).status, DNS_TEMPORARY);
	int before = server_questions(s);
	assert_int_equal(ask("endless0.test", DNS_A).status, DNS_TEMPORARY);
	assert_in_range(server_questions(s) - before, LIMIT_DNS_ALIASES, LIMIT_DNS_ALIASES + 2);
	server_stop(&s);
}

static void names_that_are_never_asked_for(void **state)
{
	static const struct {
		const char *name;
		enum dns_type type;
		enum dns_status status;
		const char *addr;
	} rows[] = {
		{ "localhost", DNS_A, DNS_OK, "127.0.0.1" },
		{ "LocalHost.", DNS_AAAA, DNS_OK, "::1" },
		{ "a.localhost", DNS_A, DNS_OK, "127.0.0.1" },
		{ "localhost", DNS_MX, DNS_NODATA, NULL },
		{ "invalid", DNS_A, DNS_NXDOMAIN, NULL },
		{ "a.b.INVALID", DNS_MX, DNS_NXDOMAIN, NULL },
		{ "a.onion", DNS_A, DNS_NXDOMAIN, NULL },
		{ "192.0.2.1", DNS_A, DNS_NXDOMAIN, NULL },
		{ "example.123", DNS_MX, DNS_NXDOMAIN, NULL },
		{ "", DNS_MX, DNS_NXDOMAIN, NULL },
		{ ".", DNS_MX, DNS_NXDOMAIN, NULL },
		{ "a..b", DNS_A, DNS_NXDOMAIN, NULL },
		{ "ex ample.com", DNS_A, DNS_NXDOMAIN, NULL },
		{ "b\xc3\xbc" "cher.example", DNS_A, DNS_NXDOMAIN, NULL },
	};
	struct dns_server *s = server_start("127.0.0.1", answer_well);

	(void)state;
	use(5000, s, NULL);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct heard h = ask(rows[i].name, rows[i].type);
		row_true(i, h.status == rows[i].status);
		row_true(i, rows[i].addr == NULL || is_addr(&h, rows[i].addr));
	}
	assert_int_equal(server_questions(s), 0);
	assert_true(ask("mylocalhost", DNS_A).status == DNS_OK);
	assert_int_equal(server_questions(s), 1);
	server_stop(&s);
}

/* ---- servers that fail ---- */

static void the_next_server_knows(void **state)
{
	static const char *const rows[] = { "servfail.test", "refused.test", "notimp.test",
		"referral.test",
		"rubbish.test", "stub.test" };
	struct dns_server *bad = server_start("127.0.0.1", answer_badly);
	struct dns_server *good = server_start("127.0.0.1", answer_well);

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		int64_t start = clock_mono();
		use(5000, bad, good);
		struct heard h = ask(rows[i], DNS_A);
		row_true(i, is_addr(&h, "192.0.2.1"));
		row_true(i, clock_mono() - start < 1000);      /* at once, not after a time-out */
		use(5000, bad, bad);
		h = ask(rows[i], DNS_A);
		row_true(i, h.status == DNS_TEMPORARY && h.ttl <= 3);
		use(5000, bad, NULL);
		row_true(i, ask(rows[i], DNS_A).status == DNS_TEMPORARY);
		row_true(i, clock_mono() - start < 2000);
	}
	assert_int_equal(good->udp, ROWS(rows));
	assert_int_equal(bad->udp, 4 * ROWS(rows)); /* no server is asked twice in vain */
	use(5000, bad, good);
	struct heard h = ask("a.test", DNS_A);
	assert_true(is_addr(&h, "192.0.2.2")); /* while it answers, the first is asked */
	server_stop(&bad);
	server_stop(&good);
}

static void a_dead_server_costs_no_time(void **state)
{
	struct dns_server *good = server_start("127.0.0.1", answer_well);
	struct dns_server *dead = server_start("127.0.0.1", answer_well);
	struct dns_server ghost = { .at = dead->at };
	int64_t start = clock_mono();

	(void)state;
	server_stop(&dead);
	use(5000, &ghost, good);
	struct heard h = ask("a.test", DNS_A);
	assert_true(is_addr(&h, "192.0.2.1"));
	use(5000, &ghost, NULL);
	assert_int_equal(ask("a.test", DNS_A).status, DNS_TEMPORARY);
	assert_in_range(clock_mono() - start, 0, 1500);
	server_stop(&good);
}

static void silence_ends_in_time(void **state)
{
	struct dns_server *s = server_start("127.0.0.1", answer_well);
	int64_t start;

	(void)state;
	use(700, s, NULL);
	start = clock_mono();
	struct heard h = ask("silent.test", DNS_A);
	assert_int_equal(h.status, DNS_TEMPORARY);
	assert_in_range(clock_mono() - start, 600, 1500);
	assert_in_range(s->udp, 2, 3);                         /* asked again meanwhile */
	/* the failure is kept for a moment, not longer */
	assert_int_equal(ask("silent.test", DNS_A).status, DNS_TEMPORARY);
	assert_in_range(s->udp, 2, 3);
	usleep(3100 * 1000);
	assert_int_equal(ask("silent.test", DNS_A).status, DNS_TEMPORARY);
	assert_in_range(s->udp, 4, 6);
	server_stop(&s);
}

static void a_silent_server_is_passed_by(void **state)
{
	struct dns_server *bad = server_start("127.0.0.1", answer_badly);
	struct dns_server *good = server_start("127.0.0.1", answer_well);
	struct heard h[3] = { { 0 } };
	int64_t start = clock_mono();

	(void)state;
	/* slow: after a quarter of the time the next is asked as well */
	good->answer = answer_without_edns;
	use(800, bad, good);
	h[0] = ask("silent.test", DNS_A);
	assert_true(is_addr(&h[0], "192.0.2.1"));
	assert_in_range(clock_mono() - start, 150, 600);
	/* after some silences it is asked last */
	dns_ask(t.dns, STR("silent.a.test"), DNS_A, heard_one, &h[0]);
	dns_ask(t.dns, STR("silent.b.test"), DNS_A, heard_one, &h[1]);
	dns_ask(t.dns, STR("silent.c.test"), DNS_A, heard_one, &h[2]);
	assert_true(run(3, 5000));
	run(1, 1000);
	int before = bad->udp;
	start = clock_mono();
	h[0] = ask("a.test", DNS_A);
	assert_true(is_addr(&h[0], "192.0.2.1"));
	assert_in_range(clock_mono() - start, 0, 150);
	assert_int_equal(bad->udp, before);
	server_stop(&bad);
	server_stop(&good);
}

static void edns_may_be_unknown(void **state)
{
	struct dns_server *old = server_start("127.0.0.11", answer_without_edns);
	struct dns_server *own = server_start("127.0.0.1", answer_without_edns);
	struct heard h;

	(void)state;
	use(2000, old, NULL);
	h = ask("a.test", DNS_A);
	assert_true(is_addr(&h, "192.0.2.1"));
	assert_int_equal(old->udp, 2);                         /* with, and without */
	h = ask("b.test", DNS_A);
	assert_true(is_addr(&h, "192.0.2.1"));
	assert_int_equal(old->udp, 3);                         /* it is remembered */
	/* where signed answers matter nobody may talk us out of them */
	use(2000, own, NULL);
	h = ask("a.test", DNS_A);
	assert_true(is_addr(&h, "192.0.2.1"));
	h = ask("b.test", DNS_A);
	assert_int_equal(own->udp, 4);
	own->answer = answer_well;
	h = ask("c.test", DNS_A);
	assert_true(own->edns && own->dnssec_ok && h.secure);
	server_stop(&old);
	server_stop(&own);
}

/* ---- many who ask ---- */

static void one_question_for_many(void **state)
{
	struct dns_server *s = server_start("127.0.0.1", answer_well);
	static struct heard h[50];

	(void)state;
	memset(h, 0, sizeof h);
	use(5000, s, NULL);
	for (size_t i = 0; i < ROWS(h); i++)
		dns_ask(t.dns, i % 2 ? STR("A.test.") : STR("a.test"), DNS_A, heard_one, &h[i]);
	assert_true(run(ROWS(h), 5000));
	for (size_t i = 0; i < ROWS(h); i++)
		row_true(i, h[i].calls == 1 && is_addr(&h[i], "192.0.2.1"));
	assert_int_equal(server_questions(s), 1);
	h[0] = ask("a.test", DNS_A);                           /* and from the cache */
	assert_true(is_addr(&h[0], "192.0.2.1") && h[0].secure && h[0].ttl >= 297);
	assert_int_equal(server_questions(s), 1);
	server_stop(&s);
}

static void what_is_old_is_asked_again(void **state)
{
	struct dns_server *s = server_start("127.0.0.1", answer_well);

	(void)state;
	use(5000, s, NULL);
	assert_in_range(ask("short.test", DNS_A).ttl, 1, 2);   /* LIMIT_DNS_TTL_LEAST */
	ask("short.test", DNS_A);
	assert_int_equal(server_questions(s), 1);
	usleep(2100 * 1000);
	ask("short.test", DNS_A);
	assert_int_equal(server_questions(s), 2);
	server_stop(&s);
}

static void a_thousand_at_once(void **state)
{
	struct dns_server *s = server_start("127.0.0.1", answer_well);
	static struct heard h[1000];
	char name[40];

	(void)state;
	memset(h, 0, sizeof h);
	use(10000, s, NULL);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "h%d.test", i);
		dns_ask(t.dns, str_of(name), DNS_A, heard_one, &h[i]);
	}
	assert_true(run(1000, 10000));
	for (size_t i = 0; i < 1000; i++)
		row_true(i, h[i].calls == 1 && is_addr(&h[i], "192.0.2.1"));
	assert_in_range(s->udp, 1000, 1020);                   /* hardly one was lost on the way */
	server_stop(&s);
}

static void the_wire_is_not_flooded(void **state)
{
	struct dns_server *s = server_start("127.0.0.1", answer_well);
	static struct heard h[300];
	char name[40];

	(void)state;
	memset(h, 0, sizeof h);
	use(3500, s, NULL);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "silent.%d.test", i);
		dns_ask(t.dns, str_of(name), DNS_A, heard_one, &h[i]);
	}
	assert_false(run(300, 250));
	assert_int_equal(s->udp, LIMIT_DNS_OUTSTANDING);
	/* who waits for a turn that does not come waits no longer than the others */
	int64_t start = clock_mono();
	assert_true(run(300, 6000));
	assert_in_range(clock_mono() - start, 2000, 4500);
	for (size_t i = 0; i < 300; i++)
		row_true(i, h[i].calls == 1 && h[i].status == DNS_TEMPORARY);
	server_stop(&s);
}

static void those_who_wait_are_bounded(void **state)
{
	struct dns_server *s = server_start("127.0.0.1", answer_well);
	struct heard last = { 0 };
	struct heard *h = calloc(LIMIT_DNS_WAITING, sizeof *h);

	(void)state;
	use(5000, s, NULL);
	for (int i = 0; i < LIMIT_DNS_WAITING; i++)
		dns_ask(t.dns, STR("late.test"), DNS_A, heard_one, &h[i]);
	dns_ask(t.dns, STR("late.test"), DNS_A, heard_one, &last);
	assert_true(run(1, 5000));
	assert_int_equal(last.calls, 1);
	assert_int_equal(last.status, DNS_TEMPORARY);
	assert_int_equal(h[0].calls, 0);
	assert_true(run(LIMIT_DNS_WAITING, 10000));
	for (size_t i = 0; i < LIMIT_DNS_WAITING; i++)
		row_true(i, h[i].calls == 1 && h[i].status == DNS_OK);
	free(h);
	server_stop(&s);
}

/* ---- those who no longer want to know ---- */

static struct job *victim;

static void heard_and_cancels(void *waiter, const struct dns_answer *answer)
{
	job_cancel(&victim);
	heard_one(waiter, answer);
}

static void heard_and_asks(void *waiter, const struct dns_answer *answer)
{
	(void)answer;
	dns_ask(t.dns, STR("more.test"), DNS_A, heard_one, waiter);
}

static void waiting_may_be_given_up(void **state)
{
	struct dns_server *s = server_start("127.0.0.1", answer_well);
	struct heard h[3] = { { 0 } };
	struct job *job;

	(void)state;
	use(5000, s, NULL);
	/* on the wire: the answer comes into the cache */
	job = dns_ask(t.dns, STR("a.test"), DNS_A, heard_one, &h[0]);
	job_cancel(&job);
	assert_null(job);
	run(1, 300);
	assert_int_equal(h[0].calls, 0);
	assert_int_equal(s->udp, 1);
	h[1] = ask("a.test", DNS_A);
	assert_true(is_addr(&h[1], "192.0.2.1"));
	assert_int_equal(s->udp, 1);
	/* an answer that is there already */
	job = dns_ask(t.dns, STR("a.test"), DNS_A, heard_one, &h[0]);
	job_cancel(&job);
	job = dns_ask(t.dns, STR("a..test"), DNS_A, heard_one, &h[0]);
	job_cancel(&job);
	run(1, 50);
	assert_int_equal(h[0].calls, 0);
	/* one of several, from outside and from the callback of another */
	h[1].calls = 0;
	victim = dns_ask(t.dns, STR("c.test"), DNS_A, heard_one, &h[0]);
	dns_ask(t.dns, STR("c.test"), DNS_A, heard_and_cancels, &h[1]);
	job = dns_ask(t.dns, STR("c.test"), DNS_A, heard_one, &h[2]);
	job_cancel(&job);
	assert_true(run(1, 5000));
	run(1, 50);
	assert_int_equal(h[1].calls, 1);
	assert_int_equal(h[0].calls + h[2].calls, 0);
	assert_null(victim);
	/* asking anew from the callback */
	h[0].calls = 0;
	dns_ask(t.dns, STR("d.test"), DNS_A, heard_and_asks, &h[0]);
	assert_true(run(1, 5000));
	assert_true(h[0].calls == 1 && is_addr(&h[0], "192.0.2.1"));
	server_stop(&s);
}

static void those_in_the_queue_are_dropped_unasked(void **state)
{
	struct dns_server *s = server_start("127.0.0.1", answer_well);
	struct heard h = { 0 };
	struct job *jobs[300];
	char name[40];

	(void)state;
	use(5000, s, NULL);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "h%d.test", i);
		jobs[i] = dns_ask(t.dns, str_of(name), DNS_A, heard_one, &h);
	}
	for (int i = 0; i < 300; i++)
		job_cancel(&jobs[i]);
	run(1, 400);
	assert_int_equal(h.calls, 0);
	assert_int_equal(s->udp, LIMIT_DNS_OUTSTANDING);
	server_stop(&s);
}

static void it_ends_while_questions_run(void **state)
{
	struct dns_server *s = server_start("127.0.0.1", answer_well);
	struct heard h = { 0 };
	struct job *jobs[200];
	char name[40];

	(void)state;
	use(5000, s, s);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "silent.%d.test", i);
		jobs[i] = dns_ask(t.dns, str_of(name), DNS_A, heard_one, &h);
	}
	run(1, 50);
	for (int i = 0; i < 200; i++)
		job_cancel(&jobs[i]);
	dns_destroy(&t.dns);
	assert_null(t.dns);
	run(1, 50);
	assert_int_equal(h.calls, 0);
	server_stop(&s);
}

/* ---- resolv.conf ---- */

static void write_conf(const char *path, const struct dns_server *s)
{
	char text[INET_TEXT_MAX];
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "# by hand\nsearch example.com test\nnameserver %s\noptions ndots:5\n",
		endpoint_text(&s->at, text));
	fclose(f);
}

static void resolv_conf_is_followed(void **state)
{
	struct dns_server *one = server_start("127.0.0.1", answer_well);
	struct dns_server *two = server_start("127.0.0.1", answer_badly);
	char path[] = "/tmp/test_dns_XXXXXX";
	struct dns_options o = { .timeout = 2000 };
	struct heard h;
	struct why why;

	(void)state;
	close(mkstemp(path));
	write_conf(path, one);
	t.dns = dns_create_from(t.loop, &o, path, &why);
	h = ask("a.test", DNS_A);
	assert_true(is_addr(&h, "192.0.2.1"));
	write_conf(path, two);
	h = ask("b.test", DNS_A);
	assert_true(is_addr(&h, "192.0.2.1"));                 /* not looked at each time */
	usleep(2100 * 1000);
	h = ask("a.test", DNS_A);
	assert_true(is_addr(&h, "192.0.2.2")); /* what the old one said is forgotten */
	unlink(path);
	usleep(2100 * 1000);
	h = ask("c.test", DNS_A);
	assert_true(is_addr(&h, "192.0.2.2"));                 /* a file on its way is waited for */
	server_stop(&one);
	server_stop(&two);
}

/* A name is asked for as it is: no search domain, however few dots. */
static void nothing_is_appended(void **state)
{
	struct dns_server *s = server_start("127.0.0.1", answer_well);
	char path[] = "/tmp/test_dns_XXXXXX";
	struct dns_options o = { .timeout = 2000 };
	struct why why;

	(void)state;
	close(mkstemp(path));
	write_conf(path, s);
	setenv("LOCALDOMAIN", "example.com", 1);
	t.dns = dns_create_from(t.loop, &o, path, &why);
	assert_int_equal(ask("nx.host", DNS_A).status, DNS_NXDOMAIN);
	assert_int_equal(server_questions(s), 1);
	unsetenv("LOCALDOMAIN");
	unlink(path);
	server_stop(&s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_type_is_asked_for),
		TEST(questions_say_what_is_wanted),
		TEST(trust_is_a_matter_of_place),
		TEST(no_is_heard_and_kept),
		TEST(aliases_end),
		TEST(names_that_are_never_asked_for),
		TEST(the_next_server_knows),
		TEST(a_dead_server_costs_no_time),
		TEST(silence_ends_in_time),
		TEST(a_silent_server_is_passed_by),
		TEST(edns_may_be_unknown),
		TEST(one_question_for_many),
		TEST(what_is_old_is_asked_again),
		TEST(a_thousand_at_once),
		TEST(the_wire_is_not_flooded),
		TEST(those_who_wait_are_bounded),
		TEST(waiting_may_be_given_up),
		TEST(those_in_the_queue_are_dropped_unasked),
		TEST(it_ends_while_questions_run),
		TEST(resolv_conf_is_followed),
		TEST(nothing_is_appended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
