/*
 * DMARC as a whole, over a DNS made of rows: which policy applies, what is aligned, and what follows from both.
 * Among the rows are all the false passes of libopendmarc 1.4.2.
 */
#include "../unit.h"
#include "zone.h"

#include "check/dmarc.h"

#include <stdio.h>

enum { ROW_RECORDS = 6 };

struct row {
	struct zone_row zone[ROW_RECORDS];
	const char *from;              /* the From field's value; several fields: separated by '|' */
	/* "DOMAIN RESULT", words separated by blanks: pass, fail, temp; for DKIM also part (l=) */
	const char *spf, *dkim;
	/* "result policy organisation", then spf, dkim (aligned) and ? (undecided) */
	const char *want;
};

static struct dmarc_answer got;
static int calls;

static void done(void *waiter, const struct dmarc_answer *answer)
{
	assert_ptr_equal(waiter, &got);
	got = *answer;
	calls++;
	zone_stop();
}

static void set_header(char *out, size_t max, const char *from)
{
	struct str rest = str_of(from);
	size_t n = (size_t)snprintf(out, max, "Subject: From: x@evil.example\r\n");

	while (rest.n > 0) {
		struct str value = str_cut(&rest, '|');

		n += (size_t)snprintf(out + n, max - n, "From: %.*s\r\n", STR_FMT(value));
	}
	snprintf(out + n, max - n, "To: y@evil.example\r\n");
}

static void set_spf(struct spf_answer *spf, const char *text)
{
	struct str rest = str_of(text), domain = str_cut(&rest, ' ');

	*spf = (struct spf_answer){ .result = str_eq(rest, STR("pass")) ? SPF_PASS
		: str_eq(rest, STR("temp")) ? SPF_TEMPERROR : SPF_FAIL };
	snprintf(spf->domain, sizeof(spf->domain), "%.*s", STR_FMT(domain));
}

static void set_dkim(struct check_dkim_verdict *dkim, struct check_dkim_signature *v, const char *text)
{
	struct str rest = str_of(text);

	*dkim = (struct check_dkim_verdict){ .v = v };
	while (rest.n > 0) {
		struct str domain = str_cut(&rest, ' '), how = str_cut(&rest, ' ');

		v[dkim->n++] = (struct check_dkim_signature){ .domain = domain, .algorithm = "",
			.partial = str_eq(how, STR("part")),
			.result = str_eq(how, STR("pass")) || str_eq(how, STR("part")) ? CHECK_DKIM_PASS
			: str_eq(how, STR("temp")) ? CHECK_DKIM_TEMPERROR : CHECK_DKIM_FAIL };
	}
}

static const char *tell(char *out, size_t max)
{
	snprintf(out, max, "%s %s %s%s%s%s", dmarc_result_text(got.result),
		dmarc_policy_text(got.policy), got.organisation, got.spf_aligned ? " spf" : "",
		got.dkim_aligned ? " dkim" : "", got.undecided ? " ?" : "");
	return out;
}

static size_t zone_size(const struct zone_row *zone, size_t max)
{
	size_t n = 0;

	while (n < max && zone[n].name)
		n++;
	return n;
}

static void ask(const struct row *row)
{
	char header[2048];
	struct spf_answer spf;
	struct check_dkim_signature v[8];
	struct check_dkim_verdict dkim;
	struct dmarc_question q = { .spf = &spf, .dkim = &dkim };
	struct job *job;
	int before = calls;

	zone_set(row->zone, zone_size(row->zone, ROW_RECORDS));
	set_header(header, sizeof(header), row->from);
	set_spf(&spf, row->spf);
	set_dkim(&dkim, v, row->dkim);
	q.header = str_of(header);
	memset(&got, 0xff, sizeof(got));
	job = dmarc_check(zone_loop(), NULL, &q, done, &got);
	assert_non_null(job);
	assert_int_equal(calls, before);
	/* nothing of the question may be needed any more */
	memset(header, 'x', sizeof(header));
	memset(&spf, 'x', sizeof(spf));
	memset(v, 0, sizeof(v));
	zone_wait();
	assert_int_equal(calls, before + 1);
}

static void check(const struct row *rows, size_t n)
{
	char text[700];

	for (size_t i = 0; i < n; i++) {
		ask(&rows[i]);
		row_text(i, str_of(tell(text, sizeof(text))), str_of(rows[i].want));
	}
}

#define REJECT "v=DMARC1; p=reject"
#define ORG { "_dmarc.example.com", REJECT }

static void alignment(void **state)
{
	static const struct row rows[] = {
		/* nothing vouches */
		{ { ORG }, "a@example.com", "", "", "fail reject example.com" },
		{ { ORG }, "a@example.com", "evil.example pass", "evil.example pass", "fail reject example.com" },
		{ { ORG }, "a@example.com", "example.com fail", "example.com fail", "fail reject example.com" },
		/* equal names */
		{ { ORG }, "a@example.com", "example.com pass", "", "pass reject example.com spf" },
		{ { ORG }, "a@example.com", "", "example.com pass", "pass reject example.com dkim" },
		{ { ORG }, "a@EXAMPLE.com", "Example.COM pass", "EXAMPLE.Com. pass", "pass reject example.com spf dkim" },
		{ { ORG }, "a@example.com", "", "evil.example pass example.com fail example.com pass",
			"pass reject example.com dkim" },
		/* relaxed: the same organisation, up, down and across */
		{ { ORG }, "a@example.com", "bounce.example.com pass", "", "pass reject example.com spf" },
		{ { ORG }, "a@mail.example.com", "example.com pass", "", "pass reject example.com spf" },
		{ { ORG }, "a@mail.example.com", "", "a.b.example.com pass", "pass reject example.com dkim" },
		/* names that only look alike */
		{ { ORG }, "a@example.com", "badexample.com pass", "notexample.com pass", "fail reject example.com" },
		{ { ORG }, "a@example.com", "com pass", "example.com.evil.example pass", "fail reject example.com" },
		{ { ORG }, "a@example.com", "", "example.com\303\251 pass", "fail reject example.com" },
		{ { { "_dmarc.badexample.com", REJECT } }, "a@badexample.com", "example.com pass", "example.com pass",
			"fail reject badexample.com" },
		/* part of the body is not what was signed */
		{ { ORG }, "a@example.com", "", "example.com part", "fail reject example.com" },
		{ { ORG }, "a@example.com", "", "example.com part example.com pass", "pass reject example.com dkim" },
		/* strict, each for itself */
		{ { { "_dmarc.example.com", "v=DMARC1; p=reject; adkim=s" } }, "a@example.com", "",
			"sub.example.com pass", "fail reject example.com" },
		{ { { "_dmarc.example.com", "v=DMARC1; p=reject; adkim=s" } }, "a@sub.example.com", "",
			"example.com pass", "fail reject example.com" },
		{ { { "_dmarc.example.com", "v=DMARC1; p=reject; adkim=s" } }, "a@example.com",
			"sub.example.com pass", "sub.example.com pass", "pass reject example.com spf" },
		{ { { "_dmarc.example.com", "v=DMARC1; p=reject; aspf=s" } }, "a@example.com",
			"sub.example.com pass", "sub.example.com pass", "pass reject example.com dkim" },
		{ { { "_dmarc.example.com", "v=DMARC1; p=reject; aspf=s; adkim=s" } }, "a@example.com",
			"example.com pass", "sub.example.com pass", "pass reject example.com spf" },
		/* one-letter names are names too */
		{ { { "_dmarc.x.com", "v=DMARC1; p=reject; adkim=s; aspf=s" } }, "a@x.com", "z.com pass", "z.com pass",
			"fail reject x.com" },
		{ { { "_dmarc.x.com", REJECT } }, "a@x.com", "z.com pass", "z.com pass", "fail reject x.com" },
		{ { { "_dmarc.x.com", REJECT }, { "_dmarc.z.com", REJECT } }, "a@x.com", "z.com pass", "z.com pass",
			"fail reject x.com" },
		/* below wildcard and international suffixes */
		{ { { "_dmarc.xx.foo.ck", REJECT } }, "a@xx.foo.ck", "yy.foo.ck pass", "yy.foo.ck pass",
			"fail reject xx.foo.ck" },
		{ { { "_dmarc.a.xn--55qx5d.cn", REJECT } }, "a@a.\345\205\254\345\217\270.cn", "b.xn--55qx5d.cn pass",
			"b.xn--55qx5d.cn pass", "fail reject a.xn--55qx5d.cn" },
		{ { { "_dmarc.a.xn--55qx5d.cn", REJECT } }, "a@a.\345\205\254\345\217\270.cn", "",
			"m.a.xn--55qx5d.cn pass", "pass reject a.xn--55qx5d.cn dkim" },
	};

	(void)state;
	check(rows, ROWS(rows));
}

static void discovery(void **state)
{
	static const struct row rows[] = {
		/* nobody said anything: none, and alignment by the list of public suffixes */
		{ { { 0 } }, "a@example.com", "example.com pass", "", "none none example.com spf" },
		{ { { 0 } }, "a@example.com", "sub.example.com pass", "evil.example pass", "none none example.com spf" },
		{ { { 0 } }, "a@a.co.uk", "b.co.uk pass", "co.uk pass", "none none a.co.uk" },
		{ { { 0 } }, "a@a.blogspot.com", "b.blogspot.com pass", "", "none none a.blogspot.com" },
		/* not records, or too many */
		{ { { "_dmarc.example.com", "v=spf1 -all" } }, "a@example.com", "", "", "none none example.com" },
		{ { { "_dmarc.example.com", "p=reject; v=DMARC1" } }, "a@example.com", "", "", "none none example.com" },
		{ { ORG, ORG }, "a@example.com", "", "", "none none example.com" },
		{ { ORG, { "_dmarc.example.com", "v=spf1 -all" } }, "a@example.com", "", "", "fail reject example.com" },
		{ { ORG, { "_dmarc.a.example.com", REJECT }, { "_dmarc.a.example.com", "v=DMARC1; p=none" } },
			"a@a.example.com", "", "", "fail reject example.com" },
		/* a policy that does not exist: nothing can be asked of us */
		{ { { "_dmarc.example.com", "v=DMARC1; p=bogus" } }, "a@example.com", "example.com pass", "",
			"permerror none example.com spf" },
		{ { { "_dmarc.example.com", "v=DMARC1; p=bogus; rua=mailto:a@example.com" } }, "a@example.com", "", "",
			"fail none example.com" },
		/* the author's own record, and that of the organisation */
		{ { ORG, { "_dmarc.a.example.com", "v=DMARC1; p=none" } }, "a@a.example.com", "example.com pass", "",
			"pass none example.com spf" },
		{ { ORG, { "_dmarc.a.example.com", "v=DMARC1; p=none" } }, "a@a.example.com", "", "",
			"fail none example.com" },
		{ { { "_dmarc.example.com", "v=DMARC1; p=reject; sp=quarantine; np=none" }, { "a.example.com", "none" } },
			"a@a.example.com", "", "", "fail quarantine example.com" },
		{ { { "_dmarc.example.com", "v=DMARC1; p=none; sp=quarantine; np=reject" } }, "a@a.example.com", "", "",
			"fail reject example.com" },
		{ { { "_dmarc.example.com", "v=DMARC1; p=none; sp=quarantine; np=reject" } }, "a@example.com", "", "",
			"fail none example.com" },
		/* whether the name exists can't be told: the milder of both */
		{ { { "_dmarc.example.com", "v=DMARC1; p=none; sp=none; np=reject" }, { "a.example.com", "temp" } },
			"a@a.example.com", "", "", "fail none example.com" },
		{ { { "_dmarc.example.com", "v=DMARC1; p=none; sp=reject; np=none" }, { "a.example.com", "temp" } },
			"a@a.example.com", "", "", "fail none example.com" },
		/* a record between the author and the organisation is not asked */
		{ { ORG, { "_dmarc.b.example.com", "v=DMARC1; p=none" } }, "a@a.b.example.com", "", "",
			"fail reject example.com" },
		/* unless it says that it is the organisation */
		{ { ORG, { "_dmarc.b.example.com", "v=DMARC1; p=none; psd=n" } }, "a@a.b.example.com", "example.com pass",
			"", "fail none b.example.com" },
		{ { ORG, { "_dmarc.b.example.com", "v=DMARC1; p=none; psd=n" } }, "a@a.b.example.com", "b.example.com pass",
			"", "pass none b.example.com spf" },
		{ { ORG, { "_dmarc.b.example.com", "v=DMARC1; p=none; psd=n" } }, "a@example.com", "", "b.example.com pass",
			"fail reject example.com" },
		{ { ORG, { "_dmarc.b.example.com", "v=DMARC1; p=none; psd=n" } }, "a@example.com", "", "a.b.example.com pass",
			"fail reject example.com" },
		/* public suffixes that say so: one below is the organisation */
		{ { { "_dmarc.example", "v=DMARC1; p=reject; sp=quarantine; psd=y" }, { "a.bank.example", "none" } },
			"a@a.bank.example", "", "", "fail quarantine bank.example" },
		{ { { "_dmarc.example", "v=DMARC1; p=reject; psd=y" } }, "a@a.bank.example", "b.bank.example pass", "",
			"pass reject bank.example spf" },
		{ { { "_dmarc.example", "v=DMARC1; p=reject; psd=y" } }, "a@bank.example", "other.example pass",
			"other.example pass", "fail reject bank.example" },
		{ { { "_dmarc.example", "v=DMARC1; p=reject; psd=y" }, { "_dmarc.bank.example", "v=DMARC1; p=none" } },
			"a@bank.example", "", "", "fail none bank.example" },
		{ { { "_dmarc.example", "v=DMARC1; p=reject; psd=y" }, { "_dmarc.b.bank.example", "v=DMARC1; p=none" } },
			"a@a.b.bank.example", "", "", "fail reject bank.example" },
		/* the suffix itself writes */
		{ { { "_dmarc.gov.example", "v=DMARC1; p=reject; psd=y" } }, "a@gov.example", "gov.example pass", "",
			"pass reject gov.example spf" },
		{ { { "_dmarc.gov.example", "v=DMARC1; p=reject; psd=y" } }, "a@gov.example", "x.gov.example pass", "",
			"fail reject gov.example" },
		/* a top-level domain that forgot to say so does not make strangers one */
		{ { { "_dmarc.example", REJECT } }, "a@bank.example", "other.example pass", "other.example pass",
			"fail reject bank.example" },
		{ { { "_dmarc.example", "v=DMARC1; p=reject; psd=n" } }, "a@shop.example", "", "post.example pass",
			"pass reject example dkim" },
		/* testing: one less */
		{ { { "_dmarc.example.com", "v=DMARC1; p=reject; t=y" } }, "a@example.com", "", "",
			"fail quarantine example.com" },
		{ { { "_dmarc.example.com", "v=DMARC1; p=quarantine; t=y" } }, "a@example.com", "", "",
			"fail none example.com" },
		{ { { "_dmarc.example.com", "v=DMARC1; p=reject; pct=0" } }, "a@example.com", "", "",
			"fail quarantine example.com" },
		{ { { "_dmarc.example.com", "v=DMARC1; p=reject; pct=1" } }, "a@example.com", "", "",
			"fail reject example.com" },
	};

	(void)state;
	check(rows, ROWS(rows));
}

static void temporary(void **state)
{
	static const struct row rows[] = {
		{ { { "_dmarc.example.com", "temp" } }, "a@example.com", "", "", "temperror none example.com" },
		/* it is aligned, but nobody knows with what policy */
		{ { { "_dmarc.example.com", "temp" } }, "a@example.com", "example.com pass", "",
			"temperror none example.com spf" },
		{ { { "_dmarc.example.com", "temp" } }, "a@example.com", "sub.example.com pass", "",
			"temperror none example.com ?" },
		{ { { "_dmarc.example.com", "temp" } }, "a@a.example.com", "", "evil.example pass",
			"temperror none example.com" },
		/* further up: the policy is known, the organisation is not */
		{ { ORG, { "_dmarc.com", "temp" } }, "a@example.com", "", "", "fail reject example.com" },
		{ { ORG, { "_dmarc.com", "temp" } }, "a@example.com", "example.com pass", "",
			"pass reject example.com spf" },
		{ { ORG, { "_dmarc.com", "temp" } }, "a@example.com", "sub.example.com pass", "",
			"temperror reject example.com ?" },
		{ { ORG, { "_dmarc.com", "temp" } }, "a@example.com", "evil.example pass", "",
			"fail reject example.com" },
		{ { ORG, { "_dmarc.com", "temp" } }, "a@a.example.com", "", "", "temperror none example.com" },
		/* behind what decides, it does not matter */
		{ { { "_dmarc.example.com", "v=DMARC1; p=reject; psd=n" }, { "_dmarc.com", "temp" } },
			"a@a.example.com", "b.example.com pass", "", "pass reject example.com spf" },
		/* the other's walk */
		{ { ORG, { "_dmarc.b.example.com", "temp" } }, "a@example.com", "", "b.example.com pass",
			"temperror reject example.com ?" },
		{ { ORG, { "_dmarc.b.example.com", "temp" } }, "a@example.com", "example.com pass", "b.example.com pass",
			"pass reject example.com spf" },
		/* results that are still out, of those who could have been aligned */
		{ { ORG }, "a@example.com", "example.com temp", "", "temperror reject example.com ?" },
		{ { ORG }, "a@example.com", "", "sub.example.com temp", "temperror reject example.com ?" },
		{ { ORG }, "a@example.com", "evil.example temp", "evil.example temp", "fail reject example.com" },
		{ { { "_dmarc.example.com", "v=DMARC1; p=reject; adkim=s" } }, "a@example.com", "",
			"sub.example.com temp", "fail reject example.com" },
		{ { ORG }, "a@example.com", "example.com temp", "example.com pass", "pass reject example.com dkim" },
	};

	(void)state;
	check(rows, ROWS(rows));
}

static void authors(void **state)
{
	static const struct {
		const char *from, *want_from, *want;
		bool several;
	} rows[] = {
		{ "A <a@Example.COM>", "example.com", "pass", false },
		{ "a@example.com (b@evil.example)", "example.com", "pass", false },
		{ "\"b@evil.example\" <a@example.com>", "example.com", "pass", false },
		{ "a@example.com, b@example.com", "example.com", "pass", false },
		{ "Us: a@example.com, b@EXAMPLE.com;", "example.com", "pass", false },
		{ "a@m\xc3\xbcnchen.example", "xn--mnchen-3ya.example", "none", false },
		{ "a@[192.0.2.1]", "[192.0.2.1]", "none", false },
		{ "", "", "fail", false },
		{ " ", "", "fail", false },
		{ "nobody", "", "fail", false },
		{ "Us:;", "", "fail", false },
		{ "<<a@example.com>", "", "fail", false },
		{ "a@example.com, b@evil.example", "", "fail", true },
		{ "a@example.com|b@evil.example", "", "fail", true },
		{ "a@example.com|a@example.com", "", "fail", true },
		{ "nobody|a@example.com", "", "fail", true },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct row row = { { ORG }, rows[i].from, "example.com pass", "example.com pass", "" };

		ask(&row);
		row_text(i, str_of(got.from), str_of(rows[i].want_from));
		row_text(i, str_of(dmarc_result_text(got.result)), str_of(rows[i].want));
		row_true(i, got.several == rows[i].several);
		row_true(i, (got.problem[0] != 0) == (got.result != DMARC_PASS));
		row_true(i, got.result != DMARC_FAIL || got.policy == DMARC_POLICY_NONE);
	}
}

/* RFC 9989 section 4.10: never more than eight questions for a name, and these. */
static void questions(void **state)
{
	static const struct row far = { { { 0 } }, "a@a.b.c.d.e.f.g.h.i.j.mail.example.com", "", "", "" };
	static const char *const names[] = { "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
		"_dmarc.g.h.i.j.mail.example.com", "_dmarc.h.i.j.mail.example.com", "_dmarc.i.j.mail.example.com",
		"_dmarc.j.mail.example.com", "_dmarc.mail.example.com", "_dmarc.example.com", "_dmarc.com" };
	static const struct {
		struct row row;
		size_t want;
	} rows[] = {
		{ { { ORG }, "a@example.com", "example.com pass", "example.com pass evil.example pass", "" }, 2 },
		{ { { ORG }, "a@a.b.c.d.e.f.example.com", "", "", "" }, 8 },
		{ { { ORG }, "a@a.b.c.d.e.f.g.example.com", "", "", "" }, 8 },
		/* only those below the organisation are walked, once each and only if they passed */
		{ { { ORG }, "a@example.com", "a.example.com pass", "b.example.com fail b.example.com part com pass", "" },
			5 },
		{ { { { "_dmarc.example.com", "v=DMARC1; p=reject; adkim=s; aspf=s" } }, "a@example.com",
			"a.example.com pass", "b.example.com pass", "" }, 2 },
		{ { { ORG }, "a@[192.0.2.1]", "", "", "" }, 0 },
		{ { { ORG }, "nobody", "", "", "" }, 0 },
		/* does the name exist? Only where that changes something */
		{ { { { "_dmarc.example.com", "v=DMARC1; p=none; np=reject" } }, "a@a.example.com", "", "", "" }, 4 },
		{ { { { "_dmarc.example.com", "v=DMARC1; p=none; sp=reject" } }, "a@a.example.com", "", "", "" }, 3 },
	};

	(void)state;
	ask(&far);
	assert_int_equal(zone_asked(), ROWS(names));
	for (size_t i = 0; i < ROWS(names); i++)
		row_text(i, str_of(zone_question(i)), str_of(names[i]));
	for (size_t i = 0; i < ROWS(rows); i++) {
		ask(&rows[i].row);
		row_true(i, zone_asked() == rows[i].want);
	}
}

struct cancelling {
	struct job *job;
	size_t asked;
};

static void cancel_later(void *arg)
{
	struct cancelling *c = arg;

	if (zone_asked() < c->asked) {
		loop_later(zone_loop(), cancel_later, c);
		return;
	}
	job_cancel(&c->job);
	if (c->asked > 3)
		zone_stop();
}

/* Given up at every point of the way: the callback never comes, and nothing is left (the sanitizer sees to that). */
static void cancelled(void **state)
{
	static const struct zone_row zone[] = { { "_dmarc.example.com", "v=DMARC1; p=none; sp=reject; np=none" } };
	struct check_dkim_signature v[] = { { .result = CHECK_DKIM_PASS, .domain = STR("b.example.com"), .algorithm = "" } };
	const struct check_dkim_verdict dkim = { .v = v, .n = 1 };
	const struct dmarc_question q = { .header = STR("From: a@a.example.com\r\n"), .dkim = &dkim };
	/* in the author's walk, at the question for its name, in the other's walk */
	static const size_t asked[] = { 3, 4, 7 };
	int before = calls;

	(void)state;
	for (size_t i = 0; i < ROWS(asked); i++) {
		struct cancelling c = { .asked = asked[i] };

		zone_set(zone, 1);
		c.job = dmarc_check(zone_loop(), NULL, &q, done, &got);
		cancel_later(&c);
		if (c.job)
			zone_wait();
		assert_null(c.job);
		row_true(i, zone_asked() == asked[i]);
	}
	assert_int_equal(calls, before);
}

static void organisations(void **state)
{
	static const struct {
		const char *domain, *want;
	} rows[] = {
		{ "example.com", "example.com" }, { "a.b.example.com", "example.com" }, { "com", "com" },
		{ "a.co.uk", "a.co.uk" }, { "x.a.co.uk", "a.co.uk" }, { "co.uk", "co.uk" },
		{ "xx.foo.ck", "xx.foo.ck" }, { "www.ck", "www.ck" }, { "a.www.ck", "www.ck" },
		{ "b.a.xn--55qx5d.cn", "a.xn--55qx5d.cn" }, { "a.unknown-tld", "a.unknown-tld" },
		{ "b.a.unknown-tld", "a.unknown-tld" }, { "x.com", "x.com" }, { "y.x.com", "x.com" },
		{ "[192.0.2.1]", "[192.0.2.1]" }, { "localhost", "localhost" }, { "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		row_text(i, dmarc_organisation(str_of(rows[i].domain)), str_of(rows[i].want));
	/* it is cut from its argument, which needs no NUL */
	assert_int_equal(dmarc_organisation(str_make("a.example.comXX", 13)).n, 11);
}

static int finish(void **state)
{
	(void)state;
	zone_finish();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(alignment), cmocka_unit_test(discovery),
		cmocka_unit_test(temporary), cmocka_unit_test(authors), cmocka_unit_test(questions),
		cmocka_unit_test(cancelled), cmocka_unit_test(organisations) };

	return cmocka_run_group_tests(tests, NULL, finish);
}
