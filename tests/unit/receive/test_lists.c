/* The notation, the score, the bench: lists.c, lists_site.c, lists_health.c. */
#include "stage.h"

#include "lists_site.h"
#include "base/arena.h"
#include "receive/screen.h"

#include <stdio.h>
#include <stdlib.h>

static int begin(void **state)
{
	(void)state;
	stage_begin();
	return 0;
}

static int end(void **state)
{
	(void)state;
	stage_end();
	return 0;
}

/* ---- the notation ---- */

static void entries(void **state)
{
	static const struct {
		const char *text, *zone, *shown;
		int weight;
		const char *in, *out;            /* addresses that the filter lets in, and not */
	} rows[] = {
		{ "bl.example", "bl.example", "bl.example", 1, "127.0.0.2 127.0.0.0 127.255.255.1", "" },
		{ "BL.Example*2", "bl.example", "bl.example", 2, "127.9.9.9", "" },
		{ "bl.example=127.0.0.2", "bl.example", "bl.example", 1, "127.0.0.2",
			"127.0.0.3 127.0.1.2 127.1.0.2" },
		{ "bl.example=127.0.0.[2..11]*3", "bl.example", "bl.example", 3,
			"127.0.0.2 127.0.0.7 127.0.0.11", "127.0.0.1 127.0.0.12 127.0.1.5" },
		{ "wl.example=127.0.[0..255].[1;3]*-4", "wl.example", "wl.example", -4,
			"127.0.0.1 127.0.255.3", "127.0.5.2 127.1.5.1" },
		{ "wl.example=127.0.[2..9;11;13..15].1*-4", "wl.example", "wl.example", -4,
			"127.0.2.1 127.0.9.1 127.0.11.1 127.0.14.1",
			"127.0.1.1 127.0.10.1 127.0.12.1 127.0.16.1" },
		{ "x.example=127.[1].0.[0..0]*+5", "x.example", "x.example", 5, "127.1.0.0",
			"127.1.0.1" },
		{ "x.example=127.0.0.[255]*1000", "x.example", "x.example", 1000, "127.0.0.255", "" },
		/* keys */
		{ "a1b2c3d4e5f6g7h8i9j0k1l2m3.zen.dq.spamhaus.net=127.0.0.[2..11]*3",
			"a1b2c3d4e5f6g7h8i9j0k1l2m3.zen.dq.spamhaus.net", "zen.spamhaus.org", 3,
			"127.0.0.4", "127.255.255.254" },
		{ "short.zen.dq.spamhaus.net", "short.zen.dq.spamhaus.net", "zen.spamhaus.org", 1,
			"127.0.0.4", "" },
		{ "0123456789abcdef0123456789abcdef.combined.mail.abusix.zone*2",
			"0123456789abcdef0123456789abcdef.combined.mail.abusix.zone",
			"combined.mail.abusix.zone", 2, "127.0.0.4", "" },
		{ "abcdefghijklmnopqrstuvwxyz.bl.example", "abcdefghijklmnopqrstuvwxyz.bl.example",
			"bl.example", 1, "127.0.0.4", "" },
		{ "bl.spameatingmonkey.net", "bl.spameatingmonkey.net", "bl.spameatingmonkey.net", 1,
			"127.0.0.4", "" },
		{ "0123456789abcdef0.example", "0123456789abcdef0.example",
			"0123456789abcdef0.example", 1, "127.0.0.4", "" },
	};
	struct arena *arena = arena_create();

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str in = str_of(rows[i].in), out = str_of(rows[i].out), word;
		struct lists_site site;
		struct inet_addr a;
		struct why why = { .error = 0 };

		row_true(i, lists_site_parse(&site, str_of(rows[i].text), arena, &why));
		row_text(i, str_of(site.zone), str_of(rows[i].zone));
		row_text(i, str_of(site.shown), str_of(rows[i].shown));
		row_true(i, site.weight == rows[i].weight);
		while ((word = str_word(&in)).n > 0)
			row_true(i, inet_parse(&a, word) && lists_filter_has(&site.filter, a.ip));
		while ((word = str_word(&out)).n > 0)
			row_true(i, inet_parse(&a, word) && !lists_filter_has(&site.filter, a.ip));
	}
	arena_destroy(&arena);
}

static void bad_entries(void **state)
{
	static const struct {
		const char *text, *problem;
	} rows[] = {
		{ "bl.example*0", "the weight \"0\" is not understood" },
		{ "bl.example*", "the weight \"\" is not understood" },
		{ "bl.example*1001", "expected a number from 1 to 1000" },
		{ "bl.example*x", "the weight \"x\" is not understood" },
		{ "bl.example*--1", "the weight \"--1\" is not understood" },
		{ "bl.example*1.5", "the weight \"1.5\" is not understood" },
		{ "bl.example=", "behind = there is no filter" },
		{ "bl.example=127.0.0", "the filter \"127.0.0\" is not understood" },
		{ "bl.example=127.0.0.", "is not understood" },
		{ "bl.example=127.0.0.2.", "more than four numbers" },
		{ "bl.example=127.0.0.2.3", "more than four numbers" },
		{ "bl.example=127.0.0.256", "is not understood" },
		{ "bl.example=127.0.0.[2..11", "is not understood" },
		{ "bl.example=127.0.0.[]", "is not understood" },
		{ "bl.example=127.0.0.[2;]", "is not understood" },
		{ "bl.example=127.0.0.[;2]", "is not understood" },
		{ "bl.example=127.0.0.[11..2]", "is not understood" },
		{ "bl.example=127.0.0.[2.11]", "is not understood" },
		{ "bl.example=127.0.0.[2...11]", "is not understood" },
		{ "bl.example=127.0.0.[2]x", "more than four numbers" },
		{ "bl.example=127.0.[2]0.1", "is not understood" },
		{ "bl.example=127..0.1", "is not understood" },
		{ "bl.example=127.0.0.[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17]", "is not understood" },
		{ "bl.example=192.0.2.1", "not below 127.0.0.0/8" },
		{ "bl.example=[126..127].0.0.2", "not below 127.0.0.0/8" },
		{ "bl.example=[127;127].0.0.2", "not below 127.0.0.0/8" },
		{ "=127.0.0.2", "not a list's domain" },
		{ "", "not a list's domain" },
		{ "example", "not a list's domain" },
		{ "bl..example", "not a list's domain" },
		{ "bl example", "not a list's domain" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			"aaaaaaaaaaaa.exa", "at most 180 letters" },
	};
	struct arena *arena = arena_create();

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct lists_site site;
		struct why why = { .error = 0 };

		row_true(i, !lists_site_parse(&site, str_of(rows[i].text), arena, &why));
		if (!strstr(why.text, rows[i].problem))
			fail_msg("%s: %s", rows[i].text, why.text);
	}
	arena_destroy(&arena);
}

static void config(void **state)
{
	static const struct {
		const char *yaml, *problem;
		size_t sites;
	} rows[] = {
		{ "postscreen: {}\n", "", 7 },
		{ "postscreen: {dnsbl: {sites: []}}\n", "", 0 },
		{ "postscreen: {dnsbl: {sites: null}}\n", "", 7 },
		{ "postscreen: {dnsbl: {sites: bl.example}}\n", "", 1 },
		/* as it stands in main.cf */
		{ "postscreen: {dnsbl: {sites: \"bl.example=127.0.0.2*2, b.example,\\n wl.example*-1\"}}\n",
			"", 3 },
		{ "postscreen:\n  dnsbl:\n    sites:\n    - bl.example*2\n    - wl.example*-2\n", "", 2 },
		{ "postscreen: {dnsbl: {sites: [\"bl.example*x\"]}}\n",
			"1:30: postscreen.dnsbl.sites: the weight \"x\"", 0 },
		{ "postscreen: {dnsbl: {sites: \"\"}}\n",
			"1:29: postscreen.dnsbl.sites: expected an entry such as", 0 },
		{ "postscreen: {dnsbl: {sites: [[a.example]]}}\n",
			"1:30: postscreen.dnsbl.sites: expected a list of entries", 0 },
		{ "postscreen: {dnsbl: {sites: [{site: KEY.x.example*2, show: x.example}]}}\n", "", 1 },
		{ "postscreen: {dnsbl: {sites: [{site: KEY.x.example*2}]}}\n",
			"1:30: postscreen.dnsbl.sites: expected {site: zone=filter*weight, show:", 0 },
		{ "postscreen: {dnsbl: {sites: [{site: KEY.x.example*0, show: x.example}]}}\n",
			"1:37: postscreen.dnsbl.sites: the weight \"0\"", 0 },
		{ "postscreen: {dnsbl: {sites: [{site: a.example, show: b.example, shoe: x}]}}\n",
			"1:65: unknown key \"shoe\"", 1 },
		{ "postscreen: {dnsbl: {threshold: 0}}\n", "1:33: postscreen.dnsbl.threshold: \"0\"", 7 },
		{ "postscreen: {dnsbl: {allowlist_threshold: 1}}\n",
			"1:43: postscreen.dnsbl.allowlist_threshold: \"1\"", 7 },
		{ "postscreen: {dnsbl: {action: reject}}\n",
			"1:30: postscreen.dnsbl.action: expected ignore, enforce or drop", 7 },
		{ "postscreen: {greet_wait: 2h}\n", "1:26: postscreen.greet_wait: \"2h\" is too much", 7 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct screen_options o = { 0 };

		stage_begin();
		const char *problem = stage_options(&o, rows[i].yaml);

		if (strncmp(problem, rows[i].problem, strlen(rows[i].problem)) != 0 ||
			(rows[i].problem[0] == '\0') != (problem[0] == '\0'))
			fail_msg("row %zu: %s", i, problem);
		row_true(i, o.sites.n == rows[i].sites);
		stage_end();
	}
}

/* One more than there may be; and a secret makes its file one that others may not read. */
static void many_entries(void **state)
{
	struct screen_options o = { 0 };
	struct buf yaml;

	(void)state;
	buf_init(&yaml, 1 << 16);
	buf_addf(&yaml, "postscreen: {dnsbl: {sites: \"");
	for (int i = 0; i <= LIMIT_LISTS_SITES; i++)
		buf_addf(&yaml, "bl%d.example ", i);
	buf_addf(&yaml, "\"}}\n");
	assert_non_null(strstr(stage_options(&o, buf_text(&yaml)), "at most 64 entries"));
	buf_finish(&yaml);
	stage_mode = 0644;
	assert_non_null(strstr(stage_options(&o, "postscreen: {dnsbl: {sites: "
		"secretsecretsecret1.zen.dq.spamhaus.net=127.0.0.2}}\n"), "holds a secret, but every user"));
	assert_null(strstr(stage_options(&o, "postscreen: {dnsbl: {sites: "
		"secretsecretsecret1.zen.dq.spamhaus.net=128.0.0.2}}\n"), "secretsecret"));
}

static void queries(void **state)
{
	static const struct {
		const char *client, *name;
	} rows[] = {
		{ "192.0.2.1", "1.2.0.192.bl.example" },
		{ "127.0.0.2", "2.0.0.127.bl.example" },
		{ "::ffff:192.0.2.1", "1.2.0.192.bl.example" },
		{ "2001:db8:1:2:3:4:567:89ab", "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0."
			"1.0.0.2.bl.example" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		char name[LISTS_QUERY];
		struct inet_addr a;

		assert_true(inet_parse(&a, str_of(rows[i].client)));
		lists_query(name, &a, "bl.example");
		row_text(i, str_of(name), str_of(rows[i].name));
	}
}

#define KEY "k3yk3yk3yk3yk3yk3yk3yk3yk3"

static void reasons(void **state)
{
	static const struct {
		const char *text;
		size_t n;                        /* 0: up to the NUL */
		const char *reason;
	} rows[] = {
		{ "https://www.spamhaus.org/query/ip/192.0.2.1", 0,
			"https://www.spamhaus.org/query/ip/192.0.2.1" },
		{ "", 0, "" },
		{ "  a \t b  ", 0, "a b" },
		{ "listed\r\n250 2.0.0 Ok: queued\r\n", 0, "listed 250 2.0.0 Ok: queued" },
		{ "a\0b", 3, "a?b" },
		{ "\x1b[31mred\x07", 0, "?[31mred?" },
		{ "caf\xc3\xa9", 0, "caf??" },
		{ "\x7f", 0, "?" },
		{ "see " KEY ".zen.dq.spamhaus.net", 0, "" },
		{ "see K3YK3YK3YK3YK3YK3YK3YK3YK3", 0, "" },
		{ "zen.dq.spamhaus.net says no", 0, "zen.dq.spamhaus.net says no" },
	};
	const struct lists_site site = { .zone = KEY ".zen.dq.spamhaus.net",
		.shown = "zen.spamhaus.org" };
	char out[LIMIT_LISTS_REASON_TEXT + 1], longer[3000];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		lists_reason(out, str_make(rows[i].text, rows[i].n ? rows[i].n : strlen(rows[i].text)),
			&site);
		row_text(i, str_of(out), str_of(rows[i].reason));
	}
	memset(longer, 'x', sizeof longer);
	lists_reason(out, str_make(longer, sizeof longer), &site);
	assert_int_equal(strlen(out), LIMIT_LISTS_REASON_TEXT);
}

/* ---- the score ---- */

/* bl3, bl2, bl1: block lists of that weight; wl4: a white list. All of them well. */
#define SITES "postscreen: {dnsbl: {threshold: 3, allowlist_threshold: -3, sites: [" \
	"\"bl3.example=127.0.0.[2..11]*3\", bl2.example*2, bl1.example=127.0.0.2*1, " \
	"bl1.example=127.0.0.4*1, \"wl4.example=127.0.[0..255].[1..3]*-4\"]}}\n"

static void well(const char *zone)
{
	char name[300];

	snprintf(name, sizeof name, "2.0.0.127.%s", zone);
	stage_say(name, "127.0.0.2");
}

struct told {
	int count;
	enum lists_outcome outcome;
	int score;
	size_t silent;
	char name[200], reason[300], names[600];
};

static void hear(void *waiter, const struct lists_answer *a)
{
	struct told *t = waiter;

	t->count++;
	t->outcome = a->outcome;
	t->score = a->score;
	t->silent = a->silent;
	snprintf(t->name, sizeof t->name, "%s", a->name);
	snprintf(t->reason, sizeof t->reason, "%s", a->reason);
	snprintf(t->names, sizeof t->names, "%s", a->names);
}

static struct inet_addr addr(const char *text)
{
	struct inet_addr a;

	assert_true(inet_parse(&a, str_of(text)));
	return a;
}

static struct lists *lists_of(struct screen_options *o, const char *yaml)
{
	struct lists *lists;

	assert_string_equal(stage_options(o, yaml), "");
	lists = lists_create(NULL, NULL, o);
	stage_run(SECONDS(1));
	return lists;
}

static struct told ask(struct lists *lists, const char *client, int64_t ms)
{
	struct inet_addr a = addr(client);
	struct told t = { 0 };
	struct job *job = lists_ask(lists, &a, SECONDS(6), hear, &t);

	assert_non_null(job);
	assert_int_equal(t.count, 0);
	stage_run(ms);
	assert_int_equal(t.count, 1);
	return t;
}

static void scores(void **state)
{
	static const struct {
		const char *bl3, *bl2, *bl1, *wl4;
		enum lists_outcome outcome;
		int score;
		const char *name, *names;
	} rows[] = {
		{ "no", "no", "no", "no", LISTS_CLEAN, 0, "", "" },
		{ "127.0.0.2", "no", "no", "no", LISTS_LISTED, 3, "bl3.example", "bl3.example*3" },
		/* several answers of one list count once an entry */
		{ "127.0.0.2 127.0.0.4 127.0.0.10", "no", "no", "no", LISTS_LISTED, 3, "bl3.example",
			"bl3.example*3" },
		/* outside the filter */
		{ "127.0.0.1", "no", "no", "no", LISTS_CLEAN, 0, "", "" },
		{ "127.0.0.12", "no", "no", "no", LISTS_CLEAN, 0, "", "" },
		{ "no", "127.0.0.2", "no", "no", LISTS_CLEAN, 2, "", "bl2.example*2" },
		{ "no", "127.0.0.2", "127.0.0.2", "no", LISTS_LISTED, 3, "bl2.example",
			"bl2.example*2 bl1.example*1" },
		/* two entries of one zone */
		{ "no", "no", "127.0.0.2 127.0.0.4", "no", LISTS_CLEAN, 2, "", "bl1.example*2" },
		{ "no", "127.0.0.2", "127.0.0.2 127.0.0.4", "no", LISTS_LISTED, 4, "bl2.example",
			"bl2.example*2 bl1.example*2" },
		/* rescued */
		{ "127.0.0.2", "no", "no", "127.0.5.1", LISTS_CLEAN, -1, "",
			"bl3.example*3 wl4.example*-4" },
		/* decided before it could: 7 - 4 is 3 still */
		{ "127.0.0.2", "127.0.0.2", "127.0.0.2 127.0.0.4", "127.0.5.1", LISTS_LISTED, 7,
			"bl3.example", "bl3.example*3 bl2.example*2 bl1.example*2" },
		{ "no", "no", "no", "127.0.5.1", LISTS_WHITE, -4, "", "wl4.example*-4" },
		{ "no", "no", "127.0.0.2", "127.0.5.1", LISTS_WHITE, -3, "",
			"bl1.example*1 wl4.example*-4" },
		/* decided before: 2 and -2 are both neither */
		{ "no", "127.0.0.2", "no", "127.0.5.1", LISTS_CLEAN, 2, "", "bl2.example*2" },
		/* listed there, but without trust */
		{ "127.0.0.2", "no", "no", "127.0.5.0", LISTS_LISTED, 3, "bl3.example",
			"bl3.example*3" },
		/* silent block lists keep nobody out; a silent white list lets everybody in that it
		 * might have spoken for */
		{ "fail", "fail", "fail", "no", LISTS_CLEAN, 0, "", "" },
		{ "fail", "fail", "fail", "fail", LISTS_CLEAN, 0, "", "" },
		{ "never", "never", "never", "never", LISTS_CLEAN, 0, "", "" },
		{ "never", "never", "never", "127.0.5.1", LISTS_WHITE, -4, "", "wl4.example*-4" },
		{ "127.0.0.2", "no", "no", "fail", LISTS_UNSURE, 3, "bl3.example", "bl3.example*3" },
		{ "127.0.0.2", "no", "no", "never", LISTS_UNSURE, 3, "bl3.example", "bl3.example*3" },
		{ "127.0.0.2", "127.0.0.2", "127.0.0.2", "never", LISTS_UNSURE, 6, "bl3.example",
			"bl3.example*3 bl2.example*2 bl1.example*1" },
		{ "127.0.0.2", "127.0.0.2", "127.0.0.2 127.0.0.4", "never", LISTS_LISTED, 7,
			"bl3.example", "bl3.example*3 bl2.example*2 bl1.example*2" },
		{ "127.0.0.2", "never", "fail", "no", LISTS_LISTED, 3, "bl3.example", "bl3.example*3" },
		/* answers that are none */
		{ "127.255.255.254", "no", "no", "no", LISTS_CLEAN, 0, "", "" },
		{ "no", "127.255.255.255", "127.255.255.252", "no", LISTS_CLEAN, 0, "", "" },
		{ "192.0.2.99", "198.51.100.1", "192.0.2.99", "no", LISTS_CLEAN, 0, "", "" },
		{ "no", "no", "no", "127.0.0.255", LISTS_CLEAN, 0, "", "" },
		{ "127.0.0.2", "no", "no", "127.0.0.255", LISTS_UNSURE, 3, "bl3.example",
			"bl3.example*3" },
		{ "127.0.0.2 127.255.255.254", "no", "no", "no", LISTS_CLEAN, 0, "", "" },
		/* 127.0.0.255 is a refusal of white lists only */
		{ "no", "127.0.0.255", "127.0.0.2", "no", LISTS_LISTED, 3, "bl2.example",
			"bl2.example*2 bl1.example*1" },
	};
	static const char *const clients[2][2] = {
		{ "192.0.2.99", "99.2.0.192" },
		{ "2001:db8::5", "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows) * 2; i++) {
		const char *const *client = clients[i % 2];
		const struct {
			const char *zone, *says;
		} say[] = {
			{ "bl3", rows[i / 2].bl3 }, { "bl2", rows[i / 2].bl2 },
			{ "bl1", rows[i / 2].bl1 }, { "wl4", rows[i / 2].wl4 },
		};
		struct screen_options o = { 0 };
		struct lists *lists;
		struct told t;
		char name[200];

		stage_begin();
		for (size_t k = 0; k < ROWS(say); k++) {
			snprintf(name, sizeof name, "%s.example", say[k].zone);
			well(name);
			snprintf(name, sizeof name, "%s.%s.example", client[1], say[k].zone);
			stage_say(name, say[k].says);
		}
		lists = lists_of(&o, SITES);
		t = ask(lists, client[0], SECONDS(8));
		row_true(i, t.outcome == rows[i / 2].outcome);
		row_true(i, t.score == rows[i / 2].score);
		row_text(i, str_of(t.name), str_of(rows[i / 2].name));
		row_text(i, str_of(t.names), str_of(rows[i / 2].names));
		lists_destroy(&lists);
		stage_end();
	}
}

/* Decided before all have answered, and never before it is. */
static void early(void **state)
{
	static const struct {
		const char *bl3, *bl2, *wl4;
		int64_t least, most;             /* ms within which it is told */
		enum lists_outcome outcome;
	} rows[] = {
		{ "no", "no", "no", 20, 20, LISTS_CLEAN },
		/* bl2 alone can't do it; bl3 can */
		{ "no", "never", "no", 20, 20, LISTS_CLEAN },
		{ "never", "no", "no", 6000, 6000, LISTS_CLEAN },
		/* wl4 may still speak for it */
		{ "127.0.0.2", "no", "never", 6000, 6000 + 1000, LISTS_UNSURE },
		{ "127.0.0.2", "never", "no", 20, 40, LISTS_LISTED },
		/* bl3 may still keep it from being white */
		{ "never", "no", "127.0.5.3", 6000, 6000, LISTS_WHITE },
		{ "no", "no", "127.0.5.3", 20, 20, LISTS_WHITE },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct inet_addr a = addr("192.0.2.99");
		struct screen_options o = { 0 };
		struct told t = { 0 };
		struct lists *lists;
		int64_t began;

		stage_begin();
		well("bl3.example");
		well("bl2.example");
		well("wl4.example");
		stage_say("99.2.0.192.bl3.example", rows[i].bl3);
		stage_say("99.2.0.192.bl2.example", rows[i].bl2);
		stage_say("99.2.0.192.wl4.example", rows[i].wl4);
		lists = lists_of(&o, "postscreen: {dnsbl: {threshold: 3, allowlist_threshold: -2, sites: "
			"\"bl3.example*3 bl2.example*2 wl4.example=127.0.[0..255].[1..3]*-4\"}}\n");
		began = clock_mono();
		lists_ask(lists, &a, SECONDS(6), hear, &t);
		while (t.count == 0 && clock_mono() < began + SECONDS(10))
			stage_run(1);
		row_true(i, t.count == 1 && t.outcome == rows[i].outcome);
		if (clock_mono() - began < rows[i].least || clock_mono() - began > rows[i].most)
			fail_msg("row %zu: told after %d ms", i, (int)(clock_mono() - began));
		lists_destroy(&lists);
		stage_end();
	}
}

static void refusals(void **state)
{
	struct screen_options o = { 0 };
	struct inet_addr client = addr("192.0.2.99");
	struct lists_answer a = { .name = "zen.spamhaus.org", .reason = "" };
	struct lists *lists;
	struct told t;
	struct buf out;

	(void)state;
	well(KEY ".zen.dq.spamhaus.net");
	stage_say("99.2.0.192." KEY ".zen.dq.spamhaus.net", "127.0.0.2 127.0.0.4");
	stage_say_text("99.2.0.192." KEY ".zen.dq.spamhaus.net",
		"https://www.spamhaus.org/query/ip/192.0.2.99\r\nx", 47);
	stage_options(&o, "postscreen: {dnsbl: {sites: \"" KEY ".zen.dq.spamhaus.net=127.0.0.[2..11]*3\"}}\n");
	lists = lists_create(NULL, NULL, &o);
	stage_run(SECONDS(1));
	assert_true(stage_was_asked("2.0.0.127." KEY ".zen.dq.spamhaus.net"));
	t = ask(lists, "192.0.2.99", 40);
	assert_int_equal(t.outcome, LISTS_LISTED);
	assert_string_equal(t.name, "zen.spamhaus.org");
	assert_string_equal(t.names, "zen.spamhaus.org*3");
	buf_init(&out, 2000);
	a.reason = t.reason;
	lists_refusal(&out, &client, &a);
	assert_string_equal(buf_text(&out), "Service unavailable; client [192.0.2.99] blocked using "
		"zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.99 x");
	buf_clear(&out);
	a.reason = "";
	client = addr("2001:db8::1");
	lists_refusal(&out, &client, &a);
	assert_string_equal(buf_text(&out),
		"Service unavailable; client [2001:db8::1] blocked using zen.spamhaus.org");
	buf_clear(&out);
	lists_describe(lists, &out, false);
	lists_describe(lists, &out, true);
	assert_null(strstr(buf_text(&out), "k3y"));
	stage_say("98.2.0.192." KEY ".zen.dq.spamhaus.net", "127.255.255.254");
	ask(lists, "192.0.2.98", 40);
	assert_int_equal(stage_logged("list-benched list=zen.spamhaus.org"), 1);
	assert_int_equal(stage_logged("k3y"), 0);
	assert_non_null(strstr(buf_text(&out), "zen.spamhaus.org"));
	buf_finish(&out);
	lists_destroy(&lists);
}

/* The reason is waited for, but not for long; and one may go while it is. */
static void late_reason(void **state)
{
	struct inet_addr client = addr("192.0.2.99");
	struct screen_options o = { 0 };
	struct told t = { 0 };
	struct lists *lists;
	struct job *job;

	(void)state;
	well("bl.example");
	stage_say("99.2.0.192.bl.example", "127.0.0.2");
	stage_say_text("99.2.0.192.bl.example", "never", 5);
	lists = lists_of(&o, "postscreen: {dnsbl: {sites: bl.example*3}}\n");
	job = lists_ask(lists, &client, 500, hear, &t);
	stage_run(20 + LIMIT_LISTS_REASON - 1);
	assert_int_equal(t.count, 0);
	stage_run(1);
	assert_int_equal(t.count, 1);
	assert_int_equal(t.outcome, LISTS_LISTED);
	assert_string_equal(t.reason, "");
	for (int64_t ms = 0; ms < 40; ms += 5) {
		job = lists_ask(lists, &client, 500, hear, &t);
		stage_run(ms);
		job_cancel(&job);
		assert_null(job);
	}
	stage_run(SECONDS(5));
	assert_int_equal(t.count, 1);
	lists_destroy(&lists);
}

/* ---- the bench ---- */

static void described(const struct lists *lists, const char *line)
{
	struct buf out;

	buf_init(&out, 10000);
	lists_describe(lists, &out, false);
	if (!strstr(buf_text(&out), line))
		fail_msg("\"%s\" is not in \"%s\"", line, buf_text(&out));
	buf_finish(&out);
}

#define MAPPED(last) last ".0.0.0.0.0.f.7.f.f.f.f." \
	"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.example"

static void probes(void **state)
{
	static const struct {
		const char *v4_listed, *v4_clean, *v6_listed, *v6_clean;
		const char *state;
		bool v4, v6;                     /* asked for such clients */
	} rows[] = {
		{ "127.0.0.2", "no", "no", "no", "good", true, true },
		{ "127.0.0.2", "no", "127.0.0.2", "no", "good", true, true },
		/* dnswl.org's own test entry is one without trust */
		{ "127.0.10.0", "no", "no", "no", "good", true, true },
		/* for IPv6 only */
		{ "no", "no", "127.0.0.2", "no", "good", false, true },
		/* its IPv6 part is odd */
		{ "127.0.0.2", "no", "127.0.0.2", "127.0.0.2", "good", true, false },
		{ "127.0.0.2", "no", "fail", "fail", "good", true, false },
		{ "127.0.0.2", "no", "never", "never", "good", true, false },
		{ "no", "no", "no", "no", "does not list 127.0.0.2", false, false },
		{ "127.0.0.2", "127.0.0.2", "no", "no", "perhaps everybody", false, false },
		{ "no", "no", "127.0.0.2", "127.0.0.2", "lists ::ffff:127.0.0.1", false, false },
		{ "127.0.0.2", "fail", "no", "no", "does not answer", false, false },
		{ "fail", "no", "no", "no", "does not answer", false, false },
		{ "fail", "fail", "fail", "fail", "does not answer", false, false },
		{ "192.0.2.1", "192.0.2.1", "no", "no", "it answers 192.0.2.1", false, false },
		{ "127.255.255.254", "no", "no", "no",
			"127.255.255.254: it does not answer this resolver", false, false },
		{ "127.255.255.252", "no", "no", "no", "its name is misspelt", false, false },
		{ "127.255.255.255", "no", "no", "no", "it was asked too often", false, false },
		{ "127.0.0.2", "127.255.255.254", "no", "no", "127.255.255.254", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct screen_options o = { 0 };
		struct lists *lists;
		bool answers = strcmp(rows[i].v6_listed, "never") != 0;

		stage_begin();
		stage_say("2.0.0.127.bl.example", rows[i].v4_listed);
		stage_say("1.0.0.127.bl.example", rows[i].v4_clean);
		stage_say(MAPPED("2"), answers ? rows[i].v6_listed : "fail");
		stage_say(MAPPED("1"), answers ? rows[i].v6_clean : "fail");
		assert_string_equal(
			stage_options(&o, "postscreen: {dnsbl: {sites: bl.example*3}}\n"), "");
		lists = lists_create(NULL, NULL, &o);
		described(lists, "unproven");
		stage_run(SECONDS(1));
		described(lists, rows[i].state);
		row_true(i, lists_benched(lists) == !(rows[i].v4 || rows[i].v6));
		ask(lists, "192.0.2.99", 100);
		ask(lists, "2001:db8::5", 100);
		row_true(i, stage_was_asked("99.2.0.192.bl.example") == rows[i].v4);
		row_true(i, stage_was_asked("5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0."
			"1.0.0.2.bl.example") == rows[i].v6);
		lists_destroy(&lists);
		stage_end();
	}
}

/* Until it has shown that it is well, a list counts for nothing. */
static void unproven(void **state)
{
	struct screen_options o = { 0 };
	struct lists *lists;
	struct told t;

	(void)state;
	well("bl.example");
	stage_say("99.2.0.192.bl.example", "127.0.0.2");
	stage_options(&o, "postscreen: {dnsbl: {sites: bl.example*3}}\n");
	lists = lists_create(NULL, NULL, &o);
	t = ask(lists, "192.0.2.99", 0);
	assert_int_equal(t.outcome, LISTS_CLEAN);
	assert_int_equal(t.silent, 1);
	stage_run(SECONDS(1));
	t = ask(lists, "192.0.2.99", 100);
	assert_int_equal(t.outcome, LISTS_LISTED);
	lists_destroy(&lists);
}

/* It goes bad while it is in use, at the next question or the next hourly probe; and comes back. */
static void comes_and_goes(void **state)
{
	struct screen_options o = { 0 };
	struct lists *lists;
	size_t questions;

	(void)state;
	well("bl.example");
	stage_say("99.2.0.192.bl.example", "127.0.0.2");
	lists = lists_of(&o, "postscreen: {dnsbl: {sites: bl.example*3}}\n");
	assert_int_equal(ask(lists, "192.0.2.99", 100).outcome, LISTS_LISTED);
	/* it refuses us: at once */
	stage_say("99.2.0.192.bl.example", "127.255.255.254");
	stage_say("2.0.0.127.bl.example", "127.255.255.254");
	assert_int_equal(ask(lists, "192.0.2.99", 100).outcome, LISTS_CLEAN);
	assert_int_equal(lists_benched(lists), 1);
	assert_int_equal(stage_logged("list-benched list=bl.example why=127.255.255.254"), 1);
	/* probed after 1, 2, 4, 8, 16, 32 and then every 60 minutes */
	questions = stage_questions;
	stage_run(MINUTES(1 + 2 + 4 + 8 + 16 + 32) + SECONDS(30));
	assert_int_equal(stage_questions - questions, 6 * 4);
	stage_run(MINUTES(180));
	assert_int_equal(stage_questions - questions, 9 * 4);
	assert_int_equal(ask(lists, "192.0.2.99", 100).outcome, LISTS_CLEAN);
	assert_int_equal(stage_questions - questions, 9 * 4);
	assert_int_equal(stage_logged("list-benched"), 1);
	assert_int_equal(stage_logged("list-back"), 0);
	stage_say("2.0.0.127.bl.example", "127.0.0.2");
	stage_say("99.2.0.192.bl.example", "127.0.0.2");
	stage_run(MINUTES(60));
	assert_int_equal(stage_logged("list-back list=bl.example"), 1);
	assert_int_equal(lists_benched(lists), 0);
	assert_int_equal(ask(lists, "192.0.2.99", 100).outcome, LISTS_LISTED);
	/* hourly, it is found to list everybody */
	stage_say("1.0.0.127.bl.example", "127.0.0.2");
	assert_int_equal(ask(lists, "192.0.2.99", 100).outcome, LISTS_LISTED);
	stage_run(HOURS(1));
	assert_int_equal(ask(lists, "192.0.2.99", 100).outcome, LISTS_CLEAN);
	described(lists, "perhaps everybody");
	lists_destroy(&lists);
}

/* Questions left open in a row bench a list; one answer wipes them out; a client that had no time does not
 * count. */
static void strikes(void **state)
{
	struct inet_addr client = addr("192.0.2.99");
	struct screen_options o = { 0 };
	struct told t = { 0 };
	struct lists *lists;
	size_t questions;

	(void)state;
	well("bl.example");
	stage_say("99.2.0.192.bl.example", "never");
	stage_say("98.2.0.192.bl.example", "fail");
	lists = lists_of(&o, "postscreen: {dnsbl: {sites: bl.example*3}}\n");
	for (int i = 0; i < LIMIT_LISTS_STRIKES - 1; i++)
		ask(lists, i % 2 ? "192.0.2.98" : "192.0.2.99", SECONDS(6));
	assert_int_equal(ask(lists, "192.0.2.97", 100).silent, 0);
	for (int i = 0; i < LIMIT_LISTS_STRIKES - 1; i++)
		ask(lists, "192.0.2.99", SECONDS(6));
	for (int i = 0; i < 20; i++) {
		lists_ask(lists, &client, 500, hear, &t);
		stage_run(500);
	}
	assert_int_equal(t.count, 20);
	assert_int_equal(lists_benched(lists), 0);
	ask(lists, "192.0.2.98", SECONDS(1));
	assert_int_equal(lists_benched(lists), 1);
	questions = stage_questions;
	assert_int_equal(ask(lists, "192.0.2.99", 0).silent, 1);
	assert_int_equal(stage_questions, questions);
	stage_run(MINUTES(1));
	assert_int_equal(lists_benched(lists), 0);
	lists_destroy(&lists);
}

/* The promise: with every list refusing, or no DNS at all, everybody comes in, and soon. */
static void nothing_works(void **state)
{
	static const char *const says[] = { "127.255.255.254", "fail", "192.0.2.1" };
	static const char *const zones[] = { "zen.spamhaus.org", "bl.spamcop.net", "psbl.surriel.com",
		"bl.mailspike.net", "list.dnswl.org" };
	char name[200];

	(void)state;
	for (size_t i = 0; i < ROWS(says) * 2; i++) {
		struct screen_options o = { 0 };
		struct lists *lists;
		struct told t;

		stage_begin();
		for (size_t k = 0; k < ROWS(zones); k++) {
			/* from the start, or only once they have been good */
			snprintf(name, sizeof name, "2.0.0.127.%s", zones[k]);
			stage_say(name, i % 2 ? "127.0.0.2" : says[i / 2]);
			snprintf(name, sizeof name, "99.2.0.192.%s", zones[k]);
			stage_say(name, says[i / 2]);
		}
		assert_string_equal(stage_options(&o, "postscreen: {}\n"), "");
		lists = lists_create(NULL, NULL, &o);
		stage_run(SECONDS(1));
		row_true(i, lists_benched(lists) == (i % 2 ? 0 : ROWS(zones)));
		for (int n = 0; n < LIMIT_LISTS_STRIKES; n++) {
			t = ask(lists, "192.0.2.99", 100);
			row_true(i, t.outcome == LISTS_CLEAN && t.score == 0);
			row_true(i, t.silent == ROWS(zones));
		}
		row_true(i, lists_benched(lists) == ROWS(zones));
		lists_destroy(&lists);
		stage_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries),
		cmocka_unit_test(bad_entries),
		cmocka_unit_test(config),
		cmocka_unit_test_setup_teardown(many_entries, begin, end),
		cmocka_unit_test(queries),
		cmocka_unit_test(reasons),
		cmocka_unit_test(scores),
		cmocka_unit_test(early),
		cmocka_unit_test_setup_teardown(refusals, begin, end),
		cmocka_unit_test_setup_teardown(late_reason, begin, end),
		cmocka_unit_test(probes),
		cmocka_unit_test_setup_teardown(unproven, begin, end),
		cmocka_unit_test_setup_teardown(comes_and_goes, begin, end),
		cmocka_unit_test_setup_teardown(strikes, begin, end),
		cmocka_unit_test(nothing_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
