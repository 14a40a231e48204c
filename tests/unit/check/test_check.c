/*
 * The verdict: what SPF, DKIM and DMARC add up to. SPF and DKIM are played (the linker wraps both), DMARC is real, over a
 * DNS made of rows.
 */
#include "../unit.h"
#include "zone.h"

#include "check/check.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROW_RECORDS = 3 };

/* ---- SPF and DKIM as the row says ---- */

struct job *__wrap_spf_check(struct loop *l, struct dns *dns, const struct spf_question *q, spf_done *done,
	void *waiter);
struct job *__wrap_check_dkim(struct loop *l, struct dns *dns, struct message *m, check_dkim_done *done, void *waiter);

static struct {
	const char *helo, *spf, *dkim;
	size_t asked;
	char helo_asked[64], sender_asked[64];
} play;

struct played {
	struct job job;
	struct job *later;
	bool helo;
	struct spf_answer spf;
	spf_done *done;
	check_dkim_done *dkim_done;
	void *waiter;
};

static void cancel_played(struct job *job)
{
	struct played *p = (struct played *)job;

	job_cancel(&p->later);
	free(p);
}

static enum spf_result spf_result_of(struct str word)
{
	for (int r = SPF_NONE; r <= SPF_PERMERROR; r++)
		if (str_eq(word, str_of(spf_result_text((enum spf_result)r))))
			return (enum spf_result)r;
	fail_msg("no SPF result: %.*s", STR_FMT(word));
	return SPF_NONE;
}

static void spf_answers(void *waiter)
{
	struct played p = *(struct played *)waiter;

	free(waiter);
	p.done(p.waiter, &p.spf);
}

struct job *__wrap_spf_check(struct loop *l, struct dns *dns, const struct spf_question *q, spf_done *done,
	void *waiter)
{
	struct played *p = calloc(1, sizeof(*p));
	bool helo = q->sender.domain.n == 0;
	struct str domain = helo ? q->helo : q->sender.domain;

	(void)dns;
	assert_string_equal(q->receiver, "mail.example.com");
	play.asked++;
	snprintf(helo ? play.helo_asked : play.sender_asked, sizeof(play.helo_asked), "%.*s", STR_FMT(domain));
	p->job.cancel = cancel_played;
	p->spf.result = spf_result_of(str_of(helo ? play.helo : play.spf));
	snprintf(p->spf.domain, sizeof(p->spf.domain), "%.*s", STR_FMT(domain));
	if (p->spf.result == SPF_FAIL)
		snprintf(p->spf.explanation, sizeof(p->spf.explanation), "go away");
	p->done = done;
	p->waiter = waiter;
	p->later = loop_later(l, spf_answers, p);
	return &p->job;
}

static struct check_dkim_signature signatures[4];

static void dkim_answers(void *waiter)
{
	struct played p = *(struct played *)waiter;
	struct check_dkim_verdict verdict = { .v = signatures };
	struct str rest = str_of(play.dkim);

	free(waiter);
	while (rest.n > 0) {
		struct str domain = str_cut(&rest, ' '), how = str_cut(&rest, ' ');

		signatures[verdict.n++] = (struct check_dkim_signature){ .domain = domain, .algorithm = "rsa-sha256",
			.partial = str_eq(how, STR("part")),
			.result = str_eq(how, STR("fail")) ? CHECK_DKIM_FAIL
			: str_eq(how, STR("temp")) ? CHECK_DKIM_TEMPERROR : CHECK_DKIM_PASS };
	}
	p.dkim_done(p.waiter, &verdict);
}

struct job *__wrap_check_dkim(struct loop *l, struct dns *dns, struct message *m, check_dkim_done *done, void *waiter)
{
	struct played *p = calloc(1, sizeof(*p));

	(void)dns;
	assert_non_null(m);
	p->job.cancel = cancel_played;
	p->dkim_done = done;
	p->waiter = waiter;
	p->later = loop_later(l, dkim_answers, p);
	return &p->job;
}

/* ---- one transaction ---- */

static const char *const domains[] = { "example.com" };
static const char *const senders[] = { "srs.example.net" };
static const struct check_own own = { domains, 1, senders, 1 };
static const char *trusted_domains[] = { "lists.example.org" };

static struct verdict v;
static int calls;

static void done(void *waiter)
{
	assert_ptr_equal(waiter, &v);
	calls++;
	zone_stop();
}

struct transaction {
	const char *client, *helo, *sender;      /* sender "": <> */
	const char *helo_result, *result, *dkim;
	const char *from;
	struct zone_row zone[ROW_RECORDS];
	bool hidden, exempt;
};

static struct message *message_of(const struct transaction *t, const struct address *sender)
{
	struct message *m = message_create();
	char header[512];

	snprintf(header, sizeof(header), "From: %s\r\n\r\nbody\r\n", t->from);
	buf_add_str(&m->content.memory, str_of(header));
	m->content.size = m->content.memory.n;
	m->content.header = (size_t)content_find_header_end(buf_str(&m->content.memory));
	m->env.original_sender = address_copy(sender, m->arena);
	return m;
}

static void begin(const struct transaction *t, struct arena *arena, struct check_client *client,
	struct address *sender)
{
	*client = (struct check_client){ .helo = str_of(t->helo), .hidden = t->hidden };
	assert_true(inet_parse(&client->address, str_of(t->client)));
	*sender = (struct address){ STR(""), STR("") };
	assert_true(t->sender[0] == 0 || address_parse(sender, str_of(t->sender), arena));
	play.helo = t->helo_result;
	play.spf = t->result;
	play.dkim = t->dkim;
	play.asked = 0;
	zone_set(t->zone, t->zone[0].name ? t->zone[1].name ? t->zone[2].name ? 3 : 2 : 1 : 0);
	memset(&v, 0xff, sizeof(v));
}

/* mail: only what is known at MAIL. */
static void run(const struct check_options *options, const struct transaction *t, bool mail)
{
	struct check *c = check_create(zone_loop(), NULL, options, &own, "mail.example.com");
	struct arena *arena = arena_create();
	struct check_client client;
	struct address sender;
	struct message *m;
	int before = calls;

	begin(t, arena, &client, &sender);
	assert_non_null(check_sender(c, &client, &sender, &v, done, &v));
	assert_int_equal(calls, before);
	zone_wait();
	assert_true(v.spf_done && !v.message_done);
	if (!mail) {
		m = message_of(t, &sender);
		assert_non_null(check_message(c, m, &v, t->exempt, done, &v));
		assert_int_equal(calls, before + 1);
		zone_wait();
		assert_true(v.message_done);
		message_release(&m);
	}
	arena_destroy(&arena);
	check_destroy(&c);
}

#define C "192.0.2.9", "mx.sender.example"
#define NOBODY { { 0 } }

/* ---- proven ---- */

static void proven(void **state)
{
	static const struct {
		struct transaction t;
		bool at_mail, at_end;
	} rows[] = {
		{ { C, "a@sender.example", "none", "pass", "", "a@x.example", NOBODY, false, false }, true, true },
		{ { C, "a@sender.example", "pass", "none", "", "a@x.example", NOBODY, false, false }, false, false },
		{ { C, "a@sender.example", "pass", "softfail", "", "a@x.example", NOBODY, false, false }, false, false },
		{ { C, "a@sender.example", "pass", "neutral", "", "a@x.example", NOBODY, false, false }, false, false },
		{ { C, "a@sender.example", "pass", "temperror", "", "a@x.example", NOBODY, false, false }, false, false },
		/* by a signature of the same organisation; From does not matter */
		{ { C, "a@sender.example", "none", "fail", "sender.example pass", "a@x.example", NOBODY, false, false },
			false, true },
		{ { C, "a@b.sender.example", "none", "none", "mail.sender.example pass", "a@x.example", NOBODY, false,
			false }, false, true },
		{ { C, "a@sender.example", "none", "none", "x.example pass", "a@x.example", NOBODY, false, false },
			false, false },
		{ { C, "a@sender.example", "none", "none", "sender.example part", "a@x.example", NOBODY, false, false },
			false, false },
		{ { C, "a@sender.example", "none", "none", "sender.example fail", "a@x.example", NOBODY, false, false },
			false, false },
		{ { C, "a@sender.example", "none", "none", "sender.example temp", "a@x.example", NOBODY, false, false },
			false, false },
		{ { C, "a@a.co.uk", "none", "none", "b.co.uk pass co.uk pass", "a@x.example", NOBODY, false, false },
			false, false },
		/* <> never */
		{ { C, "", "pass", "none", "mx.sender.example pass", "a@sender.example", NOBODY, false, false },
			false, false },
		/* behind a proxy only signatures count */
		{ { C, "a@sender.example", "pass", "pass", "", "a@x.example", NOBODY, true, false }, false, false },
		{ { C, "a@sender.example", "pass", "pass", "sender.example pass", "a@x.example", NOBODY, true, false },
			false, true },
		/* to be trusted is not to be proven */
		{ { "203.0.113.7", "mx", "a@sender.example", "none", "none", "", "a@x.example", NOBODY, false, false },
			false, false },
	};
	static struct network network;
	static const struct check_options options = { .trusted_networks = { &network, 1 } };

	(void)state;
	assert_true(network_parse(&network, STR("203.0.113.0/24")));
	for (size_t i = 0; i < ROWS(rows); i++) {
		run(&options, &rows[i].t, true);
		row_true(i, v.proven == rows[i].at_mail);
		row_true(i, v.hidden == rows[i].t.hidden);
		run(&options, &rows[i].t, false);
		row_true(i, v.proven == rows[i].at_end);
		row_true(i, v.refusal.code == 0);
	}
}

static void identities(void **state)
{
	static const struct check_options options;
	struct transaction t = { C, "a@sender.example", "softfail", "pass", "", "a@x.example", NOBODY, false, false };

	(void)state;
	run(&options, &t, true);
	assert_int_equal(play.asked, 2);
	assert_string_equal(play.helo_asked, "mx.sender.example");
	assert_string_equal(play.sender_asked, "sender.example");
	assert_int_equal(v.helo.result, SPF_SOFTFAIL);
	assert_int_equal(v.spf.result, SPF_PASS);
	assert_false(v.null_sender);
	t.sender = "";
	run(&options, &t, true);
	assert_int_equal(play.asked, 1);
	assert_int_equal(v.helo.result, SPF_SOFTFAIL);
	assert_int_equal(v.spf.result, SPF_SOFTFAIL);
	assert_true(v.null_sender);
	t.hidden = true;
	run(&options, &t, true);
	assert_int_equal(play.asked, 0);
	assert_int_equal(v.spf.result, SPF_NONE);
	assert_int_equal(v.helo.result, SPF_NONE);
}

/* ---- refusals ---- */

#define REJECT { { "_dmarc.x.example", "v=DMARC1; p=reject" } }
#define OURS { { "_dmarc.example.com", "v=DMARC1; p=none" } }

struct refusal_row {
	struct transaction t;
	int code;                        /* at the end */
	const char *status, *part;       /* of the text */
};

static void check_refusals(const struct check_options *options, const struct refusal_row *rows, size_t n)
{
	char line[1200];

	for (size_t i = 0; i < n; i++) {
		run(options, &rows[i].t, false);
		row_true(i, v.refusal.code == rows[i].code);
		row_text(i, str_of(v.refusal.status), str_of(rows[i].status));
		row_true(i, strstr(reply_line(&v.refusal, line, sizeof(line)), rows[i].part) != NULL);
	}
}

static void own_from(void **state)
{
	static const struct check_options options = { .own_from = CHECK_REFUSE }, mark = { .own_from = CHECK_MARK };
	static const struct refusal_row rows[] = {
		{ { C, "a@sender.example", "none", "pass", "", "a@example.com", OURS, false, false },
			550, "5.7.26", "example.com" },
		{ { C, "a@sender.example", "none", "pass", "", "a@deep.sub.example.com", NOBODY, false, false },
			550, "5.7.26", "deep.sub.example.com" },
		{ { C, "a@sender.example", "none", "pass", "sender.example pass", "a@example.net", NOBODY, false, false },
			550, "5.7.26", "example.net" },
		{ { C, "a@sender.example", "none", "pass", "", "a@evil.example, b@example.com", NOBODY, false, false },
			550, "5.7.26", "example.com" },
		{ { C, "a@sender.example", "none", "pass", "", "a@evil.example\r\nFrom: b@example.com", NOBODY, false,
			false }, 550, "5.7.26", "example.com" },
		{ { C, "a@sender.example", "none", "pass", "", "<<b@example.com", NOBODY, false, false },
			550, "5.7.26", "example.com" },
		/* postmasters read no forgeries either */
		{ { C, "a@sender.example", "none", "pass", "", "a@example.com", OURS, false, true },
			550, "5.7.26", "port 465 or 587" },
		/* not the whole of it is signed; signed by somebody else; failed */
		{ { C, "a@sender.example", "none", "pass", "example.com part", "a@example.com", OURS, false, false },
			550, "5.7.26", "" },
		{ { C, "a@example.com", "none", "softfail", "example.com fail", "a@example.com", OURS, false, false },
			550, "5.7.26", "" },
		{ { C, "a@example.com", "none", "pass", "", "a@example.com", OURS, true, false }, 550, "5.7.26", "" },
		/* genuine */
		{ { C, "a@example.com", "none", "pass", "", "a@example.com", OURS, false, false }, 0, "", "" },
		{ { C, "a@example.com", "none", "pass", "", "a@example.com", NOBODY, false, false }, 0, "", "" },
		{ { C, "a@sender.example", "none", "fail", "example.com pass", "a@example.com", OURS, false, false },
			0, "", "" },
		{ { C, "", "none", "none", "example.com pass", "a@sub.example.com", NOBODY, false, false }, 0, "", "" },
		{ { "192.0.2.9", "mx.example.com", "", "pass", "none", "", "a@example.com", OURS, false, false },
			0, "", "" },
		/* somebody else's */
		{ { C, "a@sender.example", "none", "none", "", "a@notexample.com", NOBODY, false, false }, 0, "", "" },
		{ { C, "a@sender.example", "none", "none", "", "a@x.example", REJECT, false, false }, 0, "", "" },
		{ { C, "a@sender.example", "none", "none", "", "<<", NOBODY, false, false }, 0, "", "" },
		/* it can't be told: later */
		{ { C, "a@example.com", "none", "temperror", "", "a@example.com", OURS, false, false },
			451, "4.4.3", "try again later" },
		{ { C, "a@x.example", "none", "pass", "example.com temp", "a@example.com", NOBODY, false, false },
			451, "4.4.3", "" },
		{ { C, "a@sub.example.com", "none", "pass", "", "a@example.com", { { "_dmarc.example.com", "temp" } }, false,
			false }, 451, "4.4.3", "" },
		{ { C, "a@x.example", "none", "temperror", "x.example temp", "a@example.com", OURS, false, false },
			550, "5.7.26", "" },
	};

	(void)state;
	check_refusals(&options, rows, ROWS(rows));
	for (size_t i = 0; i < ROWS(rows); i++) {
		run(&mark, &rows[i].t, false);
		row_true(i, v.refusal.code == 0);
	}
}

static void dmarc_reject(void **state)
{
	static const struct check_options options = { .dmarc_reject = CHECK_REFUSE }, mark = { 0 };
	static const struct refusal_row rows[] = {
		{ { C, "a@sender.example", "none", "pass", "", "a@x.example", REJECT, false, false },
			550, "5.7.26", "x.example" },
		{ { C, "a@sender.example", "none", "pass", "", "a@x.example", REJECT, false, true }, 0, "", "" },
		{ { C, "a@x.example", "none", "pass", "", "a@x.example", REJECT, false, false }, 0, "", "" },
		{ { C, "a@sender.example", "none", "none", "x.example pass", "a@x.example", REJECT, false, false },
			0, "", "" },
		{ { C, "a@sender.example", "none", "pass", "", "a@x.example",
			{ { "_dmarc.x.example", "v=DMARC1; p=quarantine" } }, false, false }, 0, "", "" },
		{ { C, "a@sender.example", "none", "pass", "", "a@x.example",
			{ { "_dmarc.x.example", "v=DMARC1; p=reject; t=y" } }, false, false }, 0, "", "" },
		{ { C, "a@sender.example", "none", "pass", "", "a@x.example", NOBODY, false, false }, 0, "", "" },
		{ { C, "a@sender.example", "none", "pass", "", "a@x.example", { { "_dmarc.x.example", "temp" } }, false,
			false }, 0, "", "" },
		{ { C, "a@x.example", "none", "temperror", "", "a@x.example", REJECT, false, false }, 0, "", "" },
		{ { C, "a@sender.example", "none", "none", "x.example temp", "a@x.example", REJECT, false, false },
			0, "", "" },
		/* nobody can tell whose policy it is */
		{ { C, "a@sender.example", "none", "pass", "", "a@x.example, b@y.example", REJECT, false, false },
			550, "5.7.26", "several domains" },
		{ { C, "a@sender.example", "none", "pass", "", "a@x.example\r\nFrom: b@x.example", REJECT, false, false },
			550, "5.7.26", "several From fields" },
		{ { C, "a@sender.example", "none", "pass", "", "nobody", REJECT, false, false }, 0, "", "" },
	};

	(void)state;
	check_refusals(&options, rows, ROWS(rows));
	for (size_t i = 0; i < ROWS(rows); i++) {
		run(&mark, &rows[i].t, false);
		row_true(i, v.refusal.code == 0);
	}
}

static void spf_fail(void **state)
{
	static const struct check_options options = { .spf_fail = CHECK_REFUSE }, mark = { 0 };
	static const struct {
		const char *helo_result, *result, *sender;
		int code;
	} rows[] = {
		{ "none", "fail", "a@x.example", 550 }, { "fail", "none", "a@x.example", 0 },
		{ "fail", "pass", "a@x.example", 0 }, { "fail", "none", "", 550 },
		{ "none", "softfail", "a@x.example", 0 }, { "none", "temperror", "a@x.example", 0 },
		{ "none", "permerror", "a@x.example", 0 }, { "none", "neutral", "a@x.example", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct transaction t = { C, rows[i].sender, rows[i].helo_result, rows[i].result, "", "a@y.example", NOBODY,
			false, false };

		run(&options, &t, true);
		row_true(i, v.refusal.code == rows[i].code);
		row_true(i, v.refusal.code == 0 || (strcmp(v.refusal.status, "5.7.26") == 0 &&
			strstr(v.refusal.text, rows[i].sender[0] ? "x.example" : "mx.sender.example") &&
			strstr(v.refusal.text, "go away")));
		run(&options, &t, false);
		row_true(i, v.refusal.code == rows[i].code);
		run(&mark, &t, false);
		row_true(i, v.refusal.code == 0);
	}
}

/* ---- trusted forwarders ---- */

static void trusted(void **state)
{
	static struct network networks[2];
	static const struct check_options options = { CHECK_REFUSE, CHECK_REFUSE, CHECK_REFUSE, { networks, 2 },
		{ trusted_domains, 1 } };
	static const struct {
		struct transaction t;
		bool at_mail, at_end;
	} rows[] = {
		/* by network */
		{ { "203.0.113.7", "mx", "a@x.example", "none", "fail", "", "a@example.com", NOBODY, false, false },
			true, true },
		{ { "2001:db8::7", "mx", "a@x.example", "none", "fail", "", "a@example.com", NOBODY, false, false },
			true, true },
		{ { "203.0.114.7", "mx", "a@x.example", "none", "fail", "", "a@example.com", NOBODY, false, false },
			false, false },
		/* a hidden client's address is the proxy's */
		{ { "203.0.113.7", "mx", "a@x.example", "none", "fail", "", "a@example.com", NOBODY, true, false },
			false, false },
		/* by SPF of the sender or of HELO */
		{ { C, "a@lists.example.org", "none", "pass", "", "a@example.com", NOBODY, false, false }, true, true },
		{ { C, "a@x.lists.example.org", "none", "pass", "", "a@example.com", NOBODY, false, false }, true, true },
		{ { C, "a@lists.example.org", "none", "softfail", "", "a@example.com", NOBODY, false, false },
			false, false },
		{ { C, "a@example.org", "none", "pass", "", "a@example.com", NOBODY, false, false }, false, false },
		{ { C, "a@xlists.example.org", "none", "pass", "", "a@example.com", NOBODY, false, false }, false, false },
		{ { "192.0.2.9", "out.lists.example.org", "a@x.example", "pass", "fail", "", "a@example.com", NOBODY, false,
			false }, true, true },
		{ { "192.0.2.9", "out.lists.example.org", "", "pass", "none", "", "a@example.com", NOBODY, false, false },
			true, true },
		{ { "192.0.2.9", "out.lists.example.org", "a@x.example", "none", "fail", "", "a@example.com", NOBODY, false,
			false }, false, false },
		/* by signature: only at the end, and then an SPF fail is forgiven too */
		{ { C, "a@x.example", "none", "fail", "lists.example.org pass", "a@example.com", NOBODY, false, false },
			false, true },
		{ { C, "a@x.example", "none", "fail", "out.lists.example.org pass", "a@example.com", NOBODY, true, false },
			false, true },
		{ { C, "a@x.example", "none", "fail", "lists.example.org part", "a@example.com", NOBODY, false, false },
			false, false },
		{ { C, "a@x.example", "none", "fail", "lists.example.org fail", "a@example.com", NOBODY, false, false },
			false, false },
		{ { C, "a@x.example", "none", "fail", "example.org pass", "a@example.com", NOBODY, false, false },
			false, false },
	};

	(void)state;
	assert_true(network_parse(&networks[0], STR("203.0.113.0/24")));
	assert_true(network_parse(&networks[1], STR("2001:db8::/32")));
	for (size_t i = 0; i < ROWS(rows); i++) {
		run(&options, &rows[i].t, true);
		row_true(i, v.trusted == rows[i].at_mail);
		/* a signature may still come */
		row_true(i, v.refusal.code == 0);
		run(&options, &rows[i].t, false);
		row_true(i, v.trusted == rows[i].at_end);
		row_true(i, (v.refusal.code == 550) == !rows[i].at_end);
	}
}

/* The same for DMARC's policy, with From elsewhere. */
static void trusted_dmarc(void **state)
{
	static const struct check_options options = { .dmarc_reject = CHECK_REFUSE, .spf_fail = CHECK_REFUSE,
		.trusted_domains = { trusted_domains, 1 } };
	static const struct refusal_row rows[] = {
		{ { C, "a@lists.example.org", "none", "pass", "", "a@x.example", REJECT, false, false }, 0, "", "" },
		{ { C, "a@x.example", "none", "fail", "lists.example.org pass", "a@x.example", REJECT, false, false },
			0, "", "" },
		{ { C, "a@sender.example", "none", "pass", "", "a@x.example", REJECT, false, false },
			550, "5.7.26", "x.example" },
		{ { C, "a@sender.example", "none", "fail", "", "a@x.example", REJECT, false, false },
			550, "5.7.26", "sender.example" },
	};

	(void)state;
	check_refusals(&options, rows, ROWS(rows));
}

/* ---- given up ---- */

static struct job *waiting;

static void cancel_when_asked(void *arg)
{
	if (zone_asked() == 0) {
		loop_later(zone_loop(), cancel_when_asked, arg);
		return;
	}
	job_cancel(&waiting);
	zone_stop();
}

static void cancelled(void **state)
{
	static const struct check_options options = { .own_from = CHECK_REFUSE };
	static const struct transaction t = { C, "a@sender.example", "none", "pass", "", "a@example.com", OURS, false,
		false };
	struct check *c = check_create(zone_loop(), NULL, &options, &own, "mail.example.com");
	struct arena *arena = arena_create();
	struct check_client client;
	struct address sender;
	struct message *m;
	struct job *job;
	int before = calls;

	(void)state;
	begin(&t, arena, &client, &sender);
	job = check_sender(c, &client, &sender, &v, done, &v);
	job_cancel(&job);
	client.hidden = true;
	job = check_sender(c, &client, &sender, &v, done, &v);
	job_cancel(&job);
	client.hidden = false;
	check_sender(c, &client, &sender, &v, done, &v);
	zone_wait();
	m = message_of(&t, &sender);
	job = check_message(c, m, &v, false, done, &v);
	job_cancel(&job);
	/* while DMARC asks */
	waiting = check_message(c, m, &v, false, done, &v);
	cancel_when_asked(NULL);
	zone_wait();
	assert_null(waiting);
	assert_int_equal(calls, before + 1);
	message_release(&m);
	arena_destroy(&arena);
	check_destroy(&c);
}

static int finish(void **state)
{
	(void)state;
	zone_finish();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(proven), cmocka_unit_test(identities),
		cmocka_unit_test(own_from), cmocka_unit_test(dmarc_reject), cmocka_unit_test(spf_fail),
		cmocka_unit_test(trusted), cmocka_unit_test(trusted_dmarc), cmocka_unit_test(cancelled) };

	return cmocka_run_group_tests(tests, NULL, finish);
}
