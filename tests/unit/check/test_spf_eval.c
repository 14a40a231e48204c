/* The evaluator on records that people publish, and on those that they publish to hurt. libspf2,
 * with its guards, has to survive the same. */
#include "../unit.h"
#include "spf_libspf2.h"
#include "spf_zone.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define CLIENT "192.0.2.9"

static struct spf_trial try(const char *client, const char *helo, const char *sender)
{
	struct spf_trial t;

	spf_zone_try(spf_eval, client, str_of(helo), str_of(sender), &t);
	return t;
}

static struct spf_trial try_libspf2(const char *client, const char *helo, const char *sender)
{
	struct spf_trial t;

	spf_zone_try(spf_libspf2_eval, client, str_of(helo), str_of(sender), &t);
	return t;
}

/* ---- one record, one result ---- */

static void add_world(void)
{
	spf_zone_addz("a.test", "A", "192.0.2.9");
	spf_zone_addz("a.test", "AAAA", "2001:db8::9");
	spf_zone_addz("other.test", "A", "198.51.100.1");
	spf_zone_addz("silent.test", "ANY", "");
	spf_zone_addz("nullmx.test", "MX", "0 .");
	spf_zone_addz("mx.test", "MX", "20 a.test");
	spf_zone_addz("mx.test", "MX", "10 other.test");
	spf_zone_addz("broken.test", "MX", "10 silent.test");
	spf_zone_addz("broken.test", "MX", "20 a.test");
	spf_zone_addz("rescued.test", "MX", "20 silent.test");
	spf_zone_addz("rescued.test", "MX", "10 a.test");
	spf_zone_addz("pass.test", "TXT", "v=spf1 +all");
	spf_zone_addz("fail.test", "TXT", "v=spf1 -all");
	spf_zone_addz("bad.test", "TXT", "v=spf1 bogus");
	spf_zone_addz("none.test", "TXT", "v=spf2");
	spf_zone_addz("9.2.0.192.in-addr.arpa", "PTR", "a.test");
	spf_zone_addz("two.test", "TXT", "v=spf1 -all");
	spf_zone_addz("two.test", "TXT", "V=SPF1 +all");
	spf_zone_addz("noise.test", "TXT", "v=spf10 +all");
	spf_zone_addz("noise.test", "TXT", "google-site-verification=x");
	spf_zone_addz("noise.test", "TXT", "v=spf1 -all");
}

static const struct row {
	const char *record, *client;
	enum spf_result result;
	const char *mechanism, *problem;   /* problem: a part of it */
} rows[] = {
	{ "v=spf1", CLIENT, SPF_NEUTRAL, "default", "" },
	{ "v=spf1 -all", CLIENT, SPF_FAIL, "-all", "" },
	{ "V=SpF1 ~ALL", CLIENT, SPF_SOFTFAIL, "~ALL", "" },
	{ "v=spf1 ?all", CLIENT, SPF_NEUTRAL, "?all", "" },
	{ "v=spf1 a:other.test a:a.test -all", CLIENT, SPF_PASS, "a:a.test", "" },
	{ "v=spf1 a:a.test/33 -all", CLIENT, SPF_PERMERROR, "",
		"a bad prefix length in \"a:a.test/33\"" },
	{ "v=spf1 a:other.test/0 -all", CLIENT, SPF_PASS, "a:other.test/0", "" },
	{ "v=spf1 a:a.test//128 -all", "2001:db8::9", SPF_PASS, "a:a.test//128", "" },
	{ "v=spf1 a:a.test/0//128 -all", "2001:db8::8", SPF_FAIL, "-all", "" },
	{ "v=spf1 a:a.test/0//127 -all", "2001:db8::8", SPF_PASS, "a:a.test/0//127", "" },
	{ "v=spf1 mx:mx.test -all", CLIENT, SPF_PASS, "mx:mx.test", "" },
	{ "v=spf1 mx:nullmx.test -all", CLIENT, SPF_FAIL, "-all", "" },
	/* hosts count in the order of preference, and one that fails ends it */
	{ "v=spf1 mx:broken.test -all", CLIENT, SPF_TEMPERROR, "",
		"DNS failed on the address of silent.test" },
	{ "v=spf1 mx:rescued.test -all", CLIENT, SPF_PASS, "mx:rescued.test", "" },
	{ "v=spf1 ptr:test -all", CLIENT, SPF_PERMERROR, "", "a bad domain" },
	{ "v=spf1 ptr:a.test -all", CLIENT, SPF_PASS, "ptr:a.test", "" },
	{ "v=spf1 ptr:t.test -all", CLIENT, SPF_FAIL, "-all", "" },
	{ "v=spf1 include:pass.test -all", CLIENT, SPF_PASS, "include:pass.test", "" },
	{ "v=spf1 include:fail.test ~all", CLIENT, SPF_SOFTFAIL, "~all", "" },
	{ "v=spf1 -include:pass.test ~all", CLIENT, SPF_FAIL, "-include:pass.test", "" },
	{ "v=spf1 include:bad.test", CLIENT, SPF_PERMERROR, "",
		"bad.test: an unknown mechanism in \"bogus\"" },
	{ "v=spf1 include:none.test", CLIENT, SPF_PERMERROR, "",
		"include of none.test, which has no SPF" },
	{ "v=spf1 include:silent.test +all", CLIENT, SPF_TEMPERROR, "",
		"SPF record of silent.test" },
	{ "v=spf1 redirect=fail.test", CLIENT, SPF_FAIL, "-all", "" },
	{ "v=spf1 redirect=none.test", CLIENT, SPF_PERMERROR, "", "redirect to none.test" },
	{ "v=spf1 redirect=two.test", CLIENT, SPF_PERMERROR, "",
		"two.test has several SPF records" },
	{ "v=spf1 redirect=noise.test", CLIENT, SPF_FAIL, "-all", "" },
	{ "v=spf1 redirect=fail.test ?all", CLIENT, SPF_NEUTRAL, "?all", "" },
	{ "v=spf1 exists:silent.test +all", CLIENT, SPF_TEMPERROR, "", "silent.test" },
	{ "v=spf1 exists:nowhere.test +all", CLIENT, SPF_PASS, "+all", "" },
	/* no IPv6 client is in an IPv4 network, nor the other way round; a mapped one has none */
	{ "v=spf1 ip4:0.0.0.0/0 -all", "2001:db8::9", SPF_FAIL, "-all", "" },
	{ "v=spf1 ip6:::/0 -all", CLIENT, SPF_FAIL, "-all", "" },
	{ "v=spf1 ip6:::ffff:192.0.2.9 -all", "::ffff:" CLIENT, SPF_FAIL, "-all", "" },
	{ "v=spf1 ip4:192.0.2.9 -all", "::ffff:" CLIENT, SPF_PASS, "ip4:192.0.2.9", "" },
	/* nobody passes only for being near */
	{ "v=spf1 -all", "127.0.0.1", SPF_FAIL, "-all", "" },
	{ "v=spf1 -all", "::1", SPF_FAIL, "-all", "" },
	{ "v=spf1 ip4:127.0.0.1 -all", "127.0.0.1", SPF_PASS, "ip4:127.0.0.1", "" },
	/* two look-ups may find nothing, not three */
	{ "v=spf1 a:x.test a:y.test +all", CLIENT, SPF_PASS, "+all", "" },
	{ "v=spf1 a:x.test a:y.test a:z.test +all", CLIENT, SPF_PERMERROR, "",
		"more than 2 look-ups" },
	{ "v=spf1 exists:x.test mx:a.test mx:x.test +all", CLIENT, SPF_PERMERROR, "",
		"more than 2 look-ups" },
};

static void test_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct row *r = &rows[i];

		spf_zone_clear();
		add_world();
		spf_zone_addz("d.test", "TXT", r->record);
		struct spf_trial t = try(r->client, "helo.test", "user@D.test");
		row_text(i, str_of(spf_result_text(t.answer.result)),
			str_of(spf_result_text(r->result)));
		row_text(i, str_of(t.answer.mechanism), str_of(r->mechanism));
		row_text(i, str_of(t.answer.domain), STR("d.test"));
		row_true(i, strstr(t.answer.problem, r->problem) != NULL);
		row_true(i, (t.answer.problem[0] != 0) == (r->problem[0] != 0));
	}
	spf_zone_clear();
}

/* ---- who is asked about ---- */

static void test_identities(void **state)
{
	static const struct {
		struct str helo, sender;
		enum spf_result result;
		const char *domain;
	} who[] = {
		{ { "d.test", 6 }, { "", 0 }, SPF_FAIL, "d.test" },
		{ { "D.Test.", 7 }, { "", 0 }, SPF_FAIL, "d.test" },
		{ { "x", 1 }, { "u@d.test", 8 }, SPF_FAIL, "d.test" },
		{ { "d.test", 6 }, { "u@nothing.test", 14 }, SPF_NONE, "nothing.test" },
		{ { "d.test", 6 }, { "u@[192.0.2.1]", 13 }, SPF_NONE, "" },
		{ { "[192.0.2.9]", 11 }, { "", 0 }, SPF_NONE, "" },
		{ { "192.0.2.9", 9 }, { "", 0 }, SPF_NONE, "192.0.2.9" },
		{ { "[IPv6:2001:db8::1]", 18 }, { "", 0 }, SPF_NONE, "" },
		{ { "", 0 }, { "", 0 }, SPF_NONE, "" },
		{ { "localhost", 9 }, { "", 0 }, SPF_NONE, "" },
		{ { ".", 1 }, { "", 0 }, SPF_NONE, "" },
		{ { "..", 2 }, { "", 0 }, SPF_NONE, "" },
		{ { "d..test", 7 }, { "", 0 }, SPF_NONE, "" },
		{ { ".d.test", 7 }, { "", 0 }, SPF_NONE, "" },
		{ { "d. test", 7 }, { "", 0 }, SPF_NONE, "" },
		{ { "d.test\0x", 8 }, { "", 0 }, SPF_NONE, "" },
		{ { "d.t\303\251st", 8 }, { "", 0 }, SPF_NONE, "" },
		{ { "d\\046test.x", 11 }, { "", 0 }, SPF_NONE, "" },
	};
	static spf_evaluator *const both[] = { spf_eval, spf_libspf2_eval };

	(void)state;
	spf_zone_addz("d.test", "TXT", "v=spf1 -all");
	for (size_t i = 0; i < 2 * ROWS(who); i++) {
		struct spf_trial t;

		spf_zone_try(both[i % 2], CLIENT, who[i / 2].helo, who[i / 2].sender, &t);
		row_true(i / 2, t.answer.result == who[i / 2].result);
		row_text(i / 2, str_of(t.answer.domain), str_of(who[i / 2].domain));
	}
	spf_zone_clear();
}

static void test_long_helo(void **state)
{
	char helo[400];

	(void)state;
	memset(helo, 'a', sizeof helo - 1);
	helo[sizeof helo - 1] = '\0';
	for (size_t i = 50; i < sizeof helo - 1; i += 50)
		helo[i] = '.';
	struct spf_trial t = try(CLIENT, helo, "");
	assert_int_equal(t.answer.result, SPF_NONE);
	assert_string_equal(t.answer.domain, "");
	assert_int_equal(t.queries, 0);
	assert_int_equal(try_libspf2(CLIENT, helo, "").answer.result, SPF_NONE);
}

/* ---- limits ---- */

/* A record with `n` terms made from fmt, which takes the number. */
static void add_terms(
	const char *name, const char *before, const char *fmt, int n, const char *after)
{
	struct buf text;
	char term[100];

	buf_init(&text, 100000);
	buf_addf(&text, "v=spf1 %s", before);
	for (int i = 0; i < n; i++) {
		const char *at = strchr(fmt, '#');

		snprintf(term, sizeof term, " %.*s%d%s", (int)(at - fmt), fmt, i, at + 1);
		buf_add_str(&text, str_of(term));
	}
	buf_addf(&text, " %s", after);
	spf_zone_addz(name, "TXT", buf_text(&text));
	buf_finish(&text);
}

static void add_bomb(const char *name, int depth)
{
	char fmt[100], below[100];

	snprintf(fmt, sizeof fmt, "%s#.%s", depth ? "include:" : "a:", name);
	add_terms(name, "", fmt, 9, "-all");
	for (int i = 0; depth && i < 9; i++) {
		snprintf(below, sizeof below, "%d.%s", i, name);
		add_bomb(below, depth - 1);
	}
}

/* 9 includes of 9 includes of 9 a: 820 look-ups for one message in libspf2 left alone. */
static void test_bomb(void **state)
{
	(void)state;
	add_bomb("b.test", 2);
	struct spf_trial t = try(CLIENT, "h.test", "u@b.test");
	assert_int_equal(t.answer.result, SPF_PERMERROR);
	assert_true(t.queries <= 6);
	t = try_libspf2(CLIENT, "h.test", "u@b.test");
	assert_int_equal(t.answer.result, SPF_PERMERROR);
	assert_true(t.queries <= 16);
	spf_zone_clear();
}

static void test_term_limit(void **state)
{
	char name[20];

	(void)state;
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "a%d.test", i);
		spf_zone_addz(name, "A", "198.51.100.1");
	}
	spf_zone_addz("a10.test", "A", CLIENT);
	add_terms("eleven.test", "", "a:a#.test", 11, "-all");
	add_terms("ten.test", "a:a10.test", "a:a#.test", 9, "-all");
	add_terms("redirected.test", "", "a:a#.test", 10, "redirect=ten.test");
	add_terms("last.test", "", "a:a#.test", 9, "a:a10.test");
	assert_int_equal(try(CLIENT, "h.test", "u@eleven.test").answer.result, SPF_PERMERROR);
	assert_int_equal(try(CLIENT, "h.test", "u@redirected.test").answer.result, SPF_PERMERROR);
	assert_int_equal(try(CLIENT, "h.test", "u@ten.test").answer.result, SPF_PASS);
	assert_int_equal(try(CLIENT, "h.test", "u@last.test").answer.result, SPF_PASS);
	/* what comes after the answer does not count */
	add_terms("early.test", "a:a10.test", "a:a#.test", 30, "-all");
	assert_int_equal(try(CLIENT, "h.test", "u@early.test").answer.result, SPF_PASS);
	spf_zone_clear();
}

/* The most that ten terms can ask for: what LIMIT_SPF_QUERIES and LIMIT_SPF_RUNS have to hold. */
static void test_most_queries(void **state)
{
	char name[40], value[60];

	(void)state;
	add_terms("d.test", "", "mx:%{p}.m#.test", 10, "-all exp=%{p}.e.test");
	for (int i = 0; i < 10; i++) {
		snprintf(value, sizeof value, "p%d.test", i);
		spf_zone_addz("9.2.0.192.in-addr.arpa", "PTR", value);
		spf_zone_addz(value, "A", i == 9 ? CLIENT : "198.51.100.1");
		snprintf(name, sizeof name, "p9.test.m%d.test", i);
		for (int k = 0; k < 10; k++) {
			snprintf(value, sizeof value, "%d h%d-%d.test", k, i, k);
			spf_zone_addz(name, "MX", value);
			spf_zone_addz(strchr(value, ' ') + 1, "A", "198.51.100.1");
		}
	}
	spf_zone_addz("p9.test.e.test", "TXT", "no: %{p}");
	struct spf_trial t = try(CLIENT, "h.test", "u@d.test");
	assert_int_equal(t.answer.result, SPF_FAIL);
	assert_string_equal(t.answer.explanation, "no: p9.test");
	assert_int_equal(t.queries, 123);
	assert_int_equal(t.runs, 25);
	spf_zone_clear();
}

static void test_mx_limit(void **state)
{
	char value[40];

	(void)state;
	spf_zone_addz("d.test", "TXT", "v=spf1 mx -all");
	for (int i = 0; i < 11; i++) {
		snprintf(value, sizeof value, "%d h%d.test", 20 - i, i);
		spf_zone_addz("d.test", "MX", value);
		spf_zone_addz(strchr(value, ' ') + 1, "A", i == 3 ? CLIENT : "198.51.100.1");
		struct spf_trial t = try(CLIENT, "h.test", "u@d.test");
		enum spf_result want = i < 3 ? SPF_FAIL : i < 10 ? SPF_PASS : SPF_PERMERROR;
		assert_int_equal(t.answer.result, want);
	}
	spf_zone_clear();
}

/* More than ten names: the first ten are looked at, it is no error. Names that only DNS can write
 * are nobody's. */
static void test_ptr_names(void **state)
{
	char name[40];

	(void)state;
	spf_zone_addz("d.test", "TXT", "v=spf1 ptr -all");
	spf_zone_add(STR("odd one.d.test"), "A", STR(CLIENT));
	spf_zone_addz("9.2.0.192.in-addr.arpa", "PTR", "odd one.d.test");
	assert_int_equal(try(CLIENT, "h.test", "u@d.test").answer.result, SPF_FAIL);
	for (int i = 1; i < 12; i++) {
		snprintf(name, sizeof name, "h%d.d.test", i);
		spf_zone_addz("9.2.0.192.in-addr.arpa", "PTR", name);
	}
	spf_zone_addz("h10.d.test", "A", CLIENT);
	assert_int_equal(try(CLIENT, "h.test", "u@d.test").answer.result, SPF_FAIL);
	spf_zone_addz("h9.d.test", "A", CLIENT);
	assert_int_equal(try(CLIENT, "h.test", "u@d.test").answer.result, SPF_PASS);
	spf_zone_clear();
}

static void test_recursion(void **state)
{
	static const char *const senders[] = { "u@i.test", "u@r.test", "u@x.test", "u@m.test" };

	(void)state;
	spf_zone_addz("i.test", "TXT", "v=spf1 include:i.test -all");
	spf_zone_addz("r.test", "TXT", "v=spf1 redirect=r.test");
	spf_zone_addz("x.test", "TXT", "v=spf1 include:y.test redirect=x.test");
	spf_zone_addz("y.test", "TXT", "v=spf1 include:x.test redirect=y.test");
	spf_zone_addz("m.test", "TXT", "v=spf1 include:%{d}");
	for (size_t i = 0; i < ROWS(senders); i++) {
		struct spf_trial t = try(CLIENT, "h.test", senders[i]);

		row_true(i, t.answer.result == SPF_PERMERROR);
		row_true(i, t.queries <= 2);
		row_true(i,
			try_libspf2(CLIENT, "h.test", senders[i]).answer.result == SPF_PERMERROR);
	}
	spf_zone_clear();
}

/* ---- long and odd records ---- */

static void test_long_records(void **state)
{
	struct buf text;

	(void)state;
	add_terms("many.test", "", "ip4:198.51.100.#", 190, "ip4:" CLIENT " -all");
	assert_int_equal(try(CLIENT, "h.test", "u@many.test").answer.result, SPF_PASS);
	assert_int_equal(try("192.0.2.8", "h.test", "u@many.test").answer.result, SPF_FAIL);
	buf_init(&text, 100000);
	buf_add_str(&text, STR("v=spf1 -all"));
	while (text.n < LIMIT_SPF_RECORD)
		buf_add_char(&text, ' ');
	spf_zone_add(STR("full.test"), "TXT", buf_str(&text));
	assert_int_equal(try(CLIENT, "h.test", "u@full.test").answer.result, SPF_FAIL);
	buf_add_char(&text, ' ');
	spf_zone_add(STR("over.test"), "TXT", buf_str(&text));
	assert_int_equal(try(CLIENT, "h.test", "u@over.test").answer.result, SPF_PERMERROR);
	assert_int_equal(try_libspf2(CLIENT, "h.test", "u@over.test").answer.result, SPF_PERMERROR);
	while (text.n < 60000)
		buf_add_char(&text, '!');
	spf_zone_add(STR("errors.test"), "TXT", buf_str(&text));
	assert_int_equal(try(CLIENT, "h.test", "u@errors.test").answer.result, SPF_PERMERROR);
	buf_finish(&text);
	spf_zone_clear();
}

/* CVE-2023-42118: 127 macros, then more than a fixed buffer holds. */
static void test_macro_row(void **state)
{
	static const char *const terms[] = { "a:", "exists:", "q=", "include:", "exp=" };
	static const size_t tails[] = { 0, 50, 2000, 3500, 9000 };
	struct buf text;
	char domain[40], sender[60];

	(void)state;
	buf_init(&text, 100000);
	for (size_t i = 0; i < ROWS(terms) * ROWS(tails) * 4; i++) {
		size_t tail = tails[i / ROWS(terms) % ROWS(tails)];

		snprintf(domain, sizeof domain, "n%zu.test", i);
		snprintf(sender, sizeof sender, "u@%s", domain);
		buf_clear(&text);
		buf_addf(&text, "v=spf1 %s", terms[i % ROWS(terms)]);
		for (size_t k = 0; k < 125 + i / ROWS(terms) / ROWS(tails); k++)
			buf_add_str(&text, STR("%{d}"));
		for (size_t k = 0; k < tail; k++)
			buf_add_char(&text, 'x');
		buf_add_str(&text, STR(" -all"));
		spf_zone_add(str_of(domain), "TXT", buf_str(&text));
		enum spf_result got = try(CLIENT, "h.test", sender).answer.result;
		/* a domain can't end in "}xxx"; a modifier that we do not know can */
		bool fine = text.n <= LIMIT_SPF_RECORD && (tail == 0 || i % ROWS(terms) == 2)
			&& i % ROWS(terms) != 3;
		row_true(i, got == (fine ? SPF_FAIL : SPF_PERMERROR));
		row_true(i, try_libspf2(CLIENT, "h.test", sender).answer.result != SPF_PASS);
	}
	buf_finish(&text);
	spf_zone_clear();
}

static void test_long_expansion(void **state)
{
	struct buf text;
	char sender[300];

	(void)state;
	memset(sender, '/', 250);
	snprintf(sender + 250, sizeof sender - 250, "@d.test");
	buf_init(&text, LIMIT_SPF_RECORD);
	buf_add_str(&text, STR("v=spf1 -exists:"));
	while (text.n < 4000)
		buf_add_str(&text, STR("%{S}"));
	buf_add_str(&text, STR(".test"));
	spf_zone_add(STR("d.test"), "TXT", buf_str(&text));
	struct spf_trial t = try(CLIENT, "h.test", sender);
	assert_int_equal(t.answer.result, SPF_PERMERROR);
	assert_non_null(strstr(t.answer.problem, "65536"));
	buf_finish(&text);
	spf_zone_clear();
}

/* A local part that is no label: the name can't exist, so the rest of the record still counts. */
static void test_evasion(void **state)
{
	char sender[300];

	(void)state;
	memset(sender, 'a', 255);
	snprintf(sender + 255, sizeof sender - 255, "@d.test");
	spf_zone_addz("d.test", "TXT", "v=spf1 exists:%{l} exists:%{l}.d.test -all");
	assert_int_equal(try(CLIENT, "h.test", sender).answer.result, SPF_FAIL);
	spf_zone_clear();
}

static void test_odd_bytes(void **state)
{
	static const struct str records[] = {
		{ "v=spf1 +all\0", 12 }, { "v=spf1\t+all", 11 }, { "v=spf1 +all\n", 12 },
		{ "v=spf1 +all\177", 12 }, { "v=spf1 +all\200", 12 }, { "v=spf1 \0 +all", 13 },
		{ "v=spf1 \303\251 +all", 14 }, { "v=spf1 x=\1 +all", 14 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(records); i++) {
		spf_zone_clear();
		spf_zone_add(STR("d.test"), "TXT", records[i]);
		struct spf_trial t = try(CLIENT, "h.test", "u@d.test");
		/* a tab behind the version makes it another version */
		row_true(i, t.answer.result == (i == 1 ? SPF_NONE : SPF_PERMERROR));
		row_true(i, str_is_ascii(str_of(t.answer.problem)));
		try_libspf2(CLIENT, "h.test", "u@d.test");
	}
	spf_zone_clear();
}

/* CVE-2021-33912 and 33913: bytes over 127 escaped, parts reversed. */
static void test_odd_senders(void **state)
{
	(void)state;
	spf_zone_addz("d.test", "TXT", "v=spf1 exists:%{L}.x.test -all");
	spf_zone_addz("%80%FE%FF%20%00.x.test", "A", "127.0.0.2");
	struct spf_trial t;
	spf_zone_try(spf_eval, CLIENT, STR("h.test"), STR("\200\376\377 \0@d.test"), &t);
	assert_int_equal(t.answer.result, SPF_PASS);
	spf_zone_try(spf_libspf2_eval, CLIENT, STR("h.test"), STR("\200\376\377 \0@d.test"), &t);
	assert_int_equal(t.answer.result, SPF_FAIL);
	/* as itself: asked for with its bytes */
	spf_zone_addz("e.test", "TXT", "v=spf1 exists:%{l}.x.test -all");
	spf_zone_add(STR("\200\\ \0.x.test"), "A", STR("127.0.0.2"));
	spf_zone_try(spf_eval, CLIENT, STR("h.test"), STR("\200\\ \0@e.test"), &t);
	assert_int_equal(t.answer.result, SPF_PASS);
	spf_zone_addz("r.test", "TXT", "v=spf1 exists:%{l9r-}.%{L2r-+}.%{H3r} -all");
	spf_zone_addz("h.g.f.e.d.b+c.a.b+c.a.c.b.a", "A", "127.0.0.2");
	t = try(CLIENT, "a.b.c.d.e.f.g", "a-b+c-d-e-f-g-h@r.test");
	assert_int_equal(t.answer.result, SPF_FAIL);
	try_libspf2(CLIENT, "a.b.c.d.e.f.g", "a-b+c-d-e-f-g-h@r.test");
	spf_zone_clear();
}

/* A run that lacks an answer ends: what stands behind is not asked for on suspicion. */
static void test_asks_in_turn(void **state)
{
	static const struct {
		const char *record;
		size_t queries;
	} asks[] = {
		{ "v=spf1 ptr:a.test a mx -all", 3 },
		{ "v=spf1 exists:%{p}.x.test a:x.test -all", 4 },
		{ "v=spf1 a:a.test include:x.test -all", 2 },
		{ "v=spf1 mx:mx.test include:x.test -all", 4 },
		{ "v=spf1 ip4:192.0.2.9 a:x.test redirect=y.test", 1 },
		{ "v=spf1 -exists:a.test a:x.test exp=e.test", 3 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(asks); i++) {
		spf_zone_clear();
		add_world();
		spf_zone_addz("a.test.x.test", "A", "127.0.0.2");
		spf_zone_addz("d.test", "TXT", asks[i].record);
		row_true(i, try(CLIENT, "h.test", "u@d.test").queries == asks[i].queries);
	}
	spf_zone_clear();
}

/* ---- explanations ---- */

static void test_explanations(void **state)
{
	static const struct {
		struct str txt;
		const char *want;
	} says[] = {
		{ { "%{c} may not send for %{o}", 26 }, CLIENT " may not send for d.test" },
		{ { "see http://x.test/?l=%{L}&h=%{h}", 32 },
			"see http://x.test/?l=a%C3%A9%00&h=h?lo\"<" },
		{ { "%{l} %_%% %-", 12 }, "a???  % %20" },
		{ { "%{t}", 4 }, "1700000000" },
		{ { "%{r}", 4 }, "receiver.example" },
		{ { "", 0 }, "" },
		{ { "bad %{z}", 8 }, "" },
		{ { "not ascii \303\251", 12 }, "" },
		{ { "line\r\nbreak", 11 }, "" },
		{ { "nul\0", 4 }, "" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(says); i++) {
		struct spf_trial t;

		spf_zone_clear();
		spf_zone_addz("d.test", "TXT", "v=spf1 -all exp=e.test");
		spf_zone_add(STR("e.test"), "TXT", says[i].txt);
		spf_zone_try(spf_eval, CLIENT, STR("h\tlo\"<"), STR("a\303\251\0@d.test"), &t);
		row_true(i, t.answer.result == SPF_FAIL);
		row_text(i, str_of(t.answer.explanation), str_of(says[i].want));
		row_text(i, str_of(t.answer.problem), STR(""));
	}
	spf_zone_clear();
}

static void test_explanation_limits(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 10000);
	while (text.n < 4000)
		buf_add_str(&text, STR("%{s} "));
	spf_zone_addz("d.test", "TXT", "v=spf1 include:i.test -all exp=e.test");
	spf_zone_addz("i.test", "TXT", "v=spf1 -all exp=wrong.test");
	spf_zone_addz("wrong.test", "TXT", "of an include");
	spf_zone_add(STR("e.test"), "TXT", buf_str(&text));
	struct spf_trial t = try(CLIENT, "h.test", "u@d.test");
	assert_int_equal(strlen(t.answer.explanation), sizeof t.answer.explanation - 1);
	while (text.n <= LIMIT_SPF_RECORD)
		buf_add_char(&text, 'x');
	/* too long, several, an SPF record among them, silence: none of these is an error */
	spf_zone_addz("long.test", "TXT", "v=spf1 -all exp=l.test");
	spf_zone_add(STR("l.test"), "TXT", buf_str(&text));
	spf_zone_addz("several.test", "TXT", "v=spf1 -all exp=s.test");
	spf_zone_addz("s.test", "TXT", "v=spf1 -all");
	spf_zone_addz("s.test", "TXT", "other");
	spf_zone_addz("silent.test", "TXT", "v=spf1 -all exp=t.test");
	spf_zone_addz("t.test", "ANY", "");
	spf_zone_addz("name.test", "TXT", "v=spf1 -all exp=%{l}");
	static const char *const senders[] = { "u@long.test", "u@several.test", "u@silent.test",
		"u@name.test" };
	for (size_t i = 0; i < ROWS(senders); i++) {
		t = try(CLIENT, "h.test", senders[i]);
		row_true(i, t.answer.result == SPF_FAIL);
		row_text(i, str_of(t.answer.explanation), STR(""));
		row_text(i, str_of(t.answer.problem), STR(""));
	}
	buf_finish(&text);
	spf_zone_clear();
}

/* libspf2 gives none, and does not even ask. */
static void test_no_explanation_by_libspf2(void **state)
{
	(void)state;
	spf_zone_addz("d.test", "TXT", "v=spf1 -all exp=e.test");
	spf_zone_addz("e.test", "TXT", "no");
	struct spf_trial t = try_libspf2(CLIENT, "h.test", "u@d.test");
	assert_int_equal(t.answer.result, SPF_FAIL);
	assert_string_equal(t.answer.explanation, "");
	assert_int_equal(t.queries, 1);
	spf_zone_clear();
}

/* Loopback is judged like anyone by libspf2 too, and a name that came late counts. */
static void test_guards_of_libspf2(void **state)
{
	(void)state;
	spf_zone_addz("d.test", "TXT", "v=spf1 -all");
	assert_int_equal(try_libspf2("127.0.0.1", "h.test", "u@d.test").answer.result, SPF_FAIL);
	assert_int_equal(try_libspf2("::1", "h.test", "u@d.test").answer.result, SPF_FAIL);
	spf_zone_addz("p.test", "TXT", "v=spf1 exists:%{p}.x.test -all");
	spf_zone_addz("9.2.0.192.in-addr.arpa", "PTR", "h.test");
	spf_zone_addz("h.test", "A", CLIENT);
	spf_zone_addz("h.test.x.test", "A", "127.0.0.2");
	assert_int_equal(try_libspf2(CLIENT, "h.test", "u@p.test").answer.result, SPF_PASS);
	spf_zone_addz("v.test", "TXT", "v=spf1 a:x1.test a:x2.test a:x3.test +all");
	assert_int_equal(try_libspf2(CLIENT, "h.test", "u@v.test").answer.result, SPF_PERMERROR);
	/* hosts of an mx that have no address of the client's family are no voids */
	spf_zone_addz("m.test", "TXT", "v=spf1 mx ip6:2001:db8::9 -all");
	spf_zone_addz("m.test", "MX", "1 m1.test");
	spf_zone_addz("m.test", "MX", "2 m2.test");
	spf_zone_addz("m.test", "MX", "3 m3.test");
	assert_int_equal(try_libspf2("2001:db8::9", "h.test", "u@m.test").answer.result, SPF_PASS);
	assert_int_equal(try("2001:db8::9", "h.test", "u@m.test").answer.result, SPF_PASS);
	spf_zone_clear();
}

/* ---- random records ---- */

static uint32_t dice;

static uint32_t roll(uint32_t n)
{
	dice = dice * 1664525 + 1013904223;
	return (dice >> 8) % n;
}

static const char *const seeds[] = {
	"v=spf1 a mx ptr -all",
	"v=spf1 a:%{d} mx:%{o}/24//64 ptr:%{h} exists:%{ir}.%{v}._spf.%{d2} ?all",
	"v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 include:_spf.%{d} ~all exp=%{l1r-}.e.%{d}",
	"v=spf1 redirect=%{S}.%{L2r+-}.x.test exp=exp.%{i}.test x.y-z=%{p}%%%_%-",
	"v=spf1 exists:%{p}.%{P3r.}.x.test include:%{d99}.x.test -exists:%{h2/_=,}.test",
	"v=spf1 include:a.test include:b.test include:c.test a a a a a a a a a a redirect=d.test",
};

static void mutate(struct buf *b, const char *seed)
{
	static const char spice[] = "%{}/:=.+-~? rRdDpPsS09lLhHivoctI\0\t\200\377\\[";

	buf_clear(b);
	buf_add_str(b, str_of(seed));
	for (uint32_t n = roll(6); n > 0; n--) {
		uint32_t at = 7 + roll((uint32_t)b->n - 6);

		if (at >= b->n || roll(3) == 0)
			buf_add(b, spice + roll(sizeof spice - 1), 1);
		else if (roll(2))
			b->p[at] = spice[roll(sizeof spice - 1)];
		else
			buf_add_str(b, str_head(str_of(seeds[roll(ROWS(seeds))]), 7 + roll(60)));
	}
}

static struct str seed_mutated(struct arena *a)
{
	struct buf b;

	buf_init(&b, 2000);
	mutate(&b, seeds[roll(ROWS(seeds))]);
	struct str out = arena_str(a, buf_str(&b));
	buf_finish(&b);
	return out;
}

/* DNS that says anything. */
static void answer_anything(struct spf_answers *answers, struct spf_want *w)
{
	static const enum dns_status statuses[] = { DNS_OK, DNS_OK, DNS_OK, DNS_OK, DNS_OK,
		DNS_NODATA, DNS_NXDOMAIN, DNS_TEMPORARY };
	static const char *const names[] = { "d.test", "a.d.test", "", "x\\032y.d.test", "z" };
	struct dns_record v[14];
	struct dns_answer answer = { .status = statuses[roll(ROWS(statuses))], .v = v };

	memset(v, 0, sizeof v);
	if (answer.status == DNS_OK)
		answer.n = 1 + (roll(4) ? 0 : roll(ROWS(v)));
	for (size_t i = 0; i < answer.n; i++) {
		v[i].addr.v6 = w->type == DNS_AAAA;
		v[i].addr.ip[0] = roll(2) ? 192 : 32;
		v[i].addr.ip[2] = 2;
		v[i].addr.ip[3] = 9;
		v[i].preference = (int)roll(5);
		v[i].name = str_of(names[roll(ROWS(names))]);
		v[i].data = w->type == DNS_TXT ? seed_mutated(answers->arena) : STR_NONE;
	}
	spf_answers_put(answers, w, &answer);
}

static bool is_clean(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static void try_anything(size_t row)
{
	struct spf_answers *answers = mem_alloc(sizeof *answers);
	struct spf_question q = { .helo = seed_mutated(answers->arena = arena_create()),
		.receiver = "r.test" };
	struct spf_answer got;
	int runs = 1;

	q.client.v6 = roll(2);
	q.client.ip[0] = 192;
	q.client.ip[2] = 2;
	q.client.ip[3] = 9;
	q.sender.local = seed_mutated(answers->arena);
	q.sender.domain = STR("d.test");
	struct spf_identity who = spf_identity_of(&q, 0, answers->arena);
	for (size_t asked = 0; !spf_eval(&who, spf_answers_look, answers, &got); runs++) {
		row_true(row, !answers->over && runs < LIMIT_SPF_RUNS && answers->n > asked);
		for (; asked < answers->n; asked++)
			answer_anything(answers, &answers->v[asked]);
	}
	row_true(row, answers->n <= 123);
	row_true(
		row, is_clean(got.explanation) && is_clean(got.problem) && is_clean(got.mechanism));
	row_true(row, got.explanation[0] == 0 || got.result == SPF_FAIL);
	row_true(row, (got.problem[0] != 0)
			      == (got.result == SPF_TEMPERROR || got.result == SPF_PERMERROR));
	arena_destroy(&answers->arena);
	free(answers);
}

static void test_mutations(void **state)
{
	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		dice = (uint32_t)i * 7919;
		try_anything(i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_long_helo),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_term_limit),
		cmocka_unit_test(test_most_queries),
		cmocka_unit_test(test_mx_limit),
		cmocka_unit_test(test_ptr_names),
		cmocka_unit_test(test_recursion),
		cmocka_unit_test(test_long_records),
		cmocka_unit_test(test_macro_row),
		cmocka_unit_test(test_long_expansion),
		cmocka_unit_test(test_evasion),
		cmocka_unit_test(test_odd_bytes),
		cmocka_unit_test(test_odd_senders),
		cmocka_unit_test(test_asks_in_turn),
		cmocka_unit_test(test_explanations),
		cmocka_unit_test(test_explanation_limits),
		cmocka_unit_test(test_no_explanation_by_libspf2),
		cmocka_unit_test(test_guards_of_libspf2),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
