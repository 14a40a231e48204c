/* Where a recipient's mail goes, and who may send as whom: src/route/route.c, walk.c. */
#include "../unit.h"
#include "folder.h"
#include "place.h"

#include "base/clock.h"
#include "base/limits.h"

#include <stdio.h>

static const char yaml[] =
	"srs: {srs_domain: srs.example.com, srs_secret: a-long-and-random-text}\n"
	"virtual_domains:\n"
	"  example.com:\n"
	"    accounts:\n"
	"    - {name: alice, forward: alice@gmail.com, aliases: [al, al.most], password: alice_pw}\n"
	"    - {name: Bob, forward: [bob@gmail.com, Bob@Gmail.com, bob@GMAIL.com, bob@outlook.com], send_as_aliases: true,"
	" aliases: [robert], password: x}\n"
	"    - {name: strict, forward: s@gmail.com, dot_plus_rewrite: false, password: x}\n"
	"    - {name: alice.work, forward: work@gmail.com}\n"
	"    - {name: alice+vip, forward: vip@gmail.com}\n"
	"    - {name: team, forward: [alice@example.com, BOB@example.com, strict@example.org, x@gmail.com]}\n"
	"    - {name: chief, forward: alice@example.com}\n"
	"    - {name: boss, forward: strict@example.com}\n"
	"    - {name: tagged, forward: me+in@gmail.com}\n"
	"    - {name: long, forward: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx@gmail.com}\n"
	"    - {name: '\"john doe\"', forward: j@gmail.com}\n"
	"    - {name: \"\xe7\x8c\xab\", forward: \"\xe7\x8c\xab@gmail.com\"}\n"
	"    - {name: literal, forward: \"x@[192.0.2.9]\"}\n"
	"    - {name: abuse, forward: postmaster@example.org}\n"
	"    - {name: mixed, forward: [x@gmail.com, boss@example.com]}\n"
	"    - {name: hollow, forward: boss@example.com}\n"
	"    blackholes: [alice.spammy, Bob+list, al, postmaster, boss+spam, strict+hole]\n"
	"  example.org:\n"
	"    accounts:\n"
	"    - {name: strict, forward: os@gmail.com}\n"
	"    - {name: \"*\", forward: all@gmail.com}\n"
	"    blackholes: [no]\n"
	"  example.net:\n"
	"    blackholes: [no]\n"
	"  b\xc3\xbc" "cher.example:\n"
	"    accounts:\n"
	"    - {name: postmaster, forward: pm@gmail.com}\n";

struct asked {
	const char *rcpt;              /* "postmaster" alone too */
	bool authenticated;
	const char *answer;            /* kind and targets, or the reply's beginning */
	const char *account;           /* NULL: none */
};

static void print_answer(struct buf *out, const struct route_answer *a)
{
	static const char *const kinds[] = { [ROUTE_FORWARD] = "forward", [ROUTE_RETURN] = "return",
		[ROUTE_RELAY] = "relay", [ROUTE_DISCARD] = "discard" };
	char line[600];

	if (a->kind == ROUTE_REFUSE) {
		buf_addf(out, "%s", reply_line(&a->reply, line, sizeof(line)));
		return;
	}
	buf_addf(out, "%s", kinds[a->kind]);
	for (size_t i = 0; i < a->target_count; i++) {
		buf_add_char(out, ' ');
		address_print(out, &a->targets[i]);
	}
}

static struct address parsed(struct place *p, const char *text)
{
	struct address a = { str_of(text), STR("") };

	if (strchr(text, '@') && !address_parse(&a, str_of(text), p->arena))
		fail_msg("no address: %s", text);
	return a;
}

static void ask(struct place *p, const char *rcpt, bool authenticated, struct route_answer *answer)
{
	struct address a = parsed(p, rcpt);

	route_recipient(p->routes, &a, authenticated, p->arena, answer);
}

static void check(struct place *p, const struct asked *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct route_answer answer;
		struct buf text;

		buf_init(&text, 1 << 16);
		ask(p, rows[i].rcpt, rows[i].authenticated, &answer);
		print_answer(&text, &answer);
		if (answer.kind == ROUTE_REFUSE ? !str_starts(buf_str(&text), str_of(rows[i].answer))
			: !str_eq(buf_str(&text), str_of(rows[i].answer)))
			fail_msg("row %zu, %s: got %s, want %s", i, rows[i].rcpt, buf_text(&text), rows[i].answer);
		if (rows[i].account)
			row_text(i, str_of(answer.account ? address_text(&answer.account->address, p->arena) : "none"),
				str_of(rows[i].account));
		row_true(i, answer.is_postmaster == str_istarts(str_of(rows[i].rcpt), STR("postmaster")));
		buf_finish(&text);
	}
}

static void made(struct place *p, void **state, const char *text, const char *hostname)
{
	place_make(p, state, text, hostname);
	if (!p->routes)
		fail_msg("%s", buf_text(&p->problems));
}

#define NOBODY "550 5.1.1 No mailbox here"
#define HOLE "550 5.1.1 Mailbox unavailable"

static void forwarded(void **state)
{
	static const struct asked rows[] = {
		{ "alice@example.com", false, "forward alice@gmail.com", "alice@example.com" },
		{ "ALICE@EXAMPLE.COM", false, "forward alice@gmail.com", "alice@example.com" },
		{ "alice@example.com", true, "forward alice@gmail.com", "alice@example.com" },
		/* one target once; the local part's case is the target's business */
		{ "bob@example.com", false, "forward bob@gmail.com Bob@gmail.com bob@outlook.com", "Bob@example.com" },
		{ "robert@example.com", false, "forward bob@gmail.com Bob@gmail.com bob@outlook.com", NULL },
		{ "al.most@example.com", false, "forward alice@gmail.com", "alice@example.com" },
		{ "AL.Most@example.com", false, "forward alice@gmail.com", NULL },
		{ "team@example.com", false,
		  "forward alice@gmail.com bob@gmail.com Bob@gmail.com bob@outlook.com os@gmail.com x@gmail.com",
		  "team@example.com" },
		{ "literal@example.com", false, "forward x@[192.0.2.9]", NULL },
		{ "\"john doe\"@example.com", false, "forward j@gmail.com", NULL },
		{ "\"John Doe\"@example.com", false, "forward j@gmail.com", NULL },
		{ "\"alice\"@example.com", false, "forward alice@gmail.com", NULL },
		{ "\xe7\x8c\xab@example.com", false, "forward \xe7\x8c\xab@gmail.com", NULL },
		{ "nobody@example.com", false, NOBODY, "none" },
		{ "nobody@example.com", true, NOBODY, "none" },
		{ "*@example.com", false, NOBODY, "none" },
		/* the catch-all */
		{ "whoever@example.org", false, "forward all@gmail.com", "*@example.org" },
		{ "who.ever+x@example.org", false, "forward all@gmail.com", "*@example.org" },
		{ "*@example.org", false, "forward all@gmail.com", "*@example.org" },
		{ "strict@example.org", false, "forward os@gmail.com", NULL },
		{ "strict.x@example.org", false, "forward os+x@gmail.com", NULL },
		{ "\"a b\"@example.org", false, "forward all@gmail.com", NULL },
		{ "whoever@example.net", false, NOBODY, NULL },
		{ "whoever@b\xc3\xbc" "cher.example", false, NOBODY, NULL },
	};
	struct place p;

	made(&p, state, yaml, "mail.example.com");
	check(&p, rows, ROWS(rows));
	place_clear(&p);
}

static void extensions(void **state)
{
	static const struct asked rows[] = {
		{ "alice.shop@example.com", false, "forward alice+shop@gmail.com", "alice@example.com" },
		{ "alice+shop@example.com", false, "forward alice+shop@gmail.com", NULL },
		{ "Alice.Shop_2-B@example.com", false, "forward alice+Shop_2-B@gmail.com", NULL },
		{ "bob+x@example.com", false, "forward bob+x@gmail.com Bob+x@gmail.com bob+x@outlook.com", NULL },
		/* exact names win */
		{ "alice.work@example.com", false, "forward work@gmail.com", "alice.work@example.com" },
		{ "alice+work@example.com", false, "forward alice+work@gmail.com", "alice@example.com" },
		{ "alice+vip@example.com", false, "forward vip@gmail.com", NULL },
		{ "alice.vip@example.com", false, "forward alice+vip@gmail.com", NULL },
		{ "alice.work.x@example.com", false, "forward work+x@gmail.com", NULL },
		{ "alice.work+x@example.com", false, "forward work+x@gmail.com", NULL },
		/* what is no extension */
		{ "alice+@example.com", false, NOBODY, NULL },
		{ "alice.a.b@example.com", false, NOBODY, NULL },
		{ "alice+a+b@example.com", false, NOBODY, NULL },
		{ "alice+a=b@example.com", false, NOBODY, NULL },
		{ "alice-x@example.com", false, NOBODY, NULL },
		{ "alice.\xc3\xa4@example.com", false, NOBODY, NULL },
		{ "+x@example.com", false, NOBODY, NULL },
		/* not for aliases, nor where it is turned off */
		{ "robert.x@example.com", false, NOBODY, NULL },
		{ "strict.x@example.com", false, NOBODY, NULL },
		{ "strict+x@example.com", false, NOBODY, NULL },
		/* a target that has one already, and one that would be too long */
		{ "tagged.x@example.com", false, "forward me+in+x@gmail.com", NULL },
		{ "long.xyz@example.com", false,
		  "forward xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx+xyz@gmail.com", NULL },
		{ "long.xyzz@example.com", false,
		  "forward xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx@gmail.com", NULL },
		/* targets of our own are resolved on: with the extension where they know it */
		{ "chief.x@example.com", false, "forward alice+x@gmail.com", "chief@example.com" },
		{ "chief.vip@example.com", false, "forward vip@gmail.com", NULL },
		{ "boss.x@example.com", false, "forward s@gmail.com", NULL },
		{ "team.x@example.com", false,
		  "forward alice+x@gmail.com bob+x@gmail.com Bob+x@gmail.com bob+x@outlook.com os+x@gmail.com x+x@gmail.com",
		  NULL },
	};
	struct place p;

	made(&p, state, yaml, "mail.example.com");
	check(&p, rows, ROWS(rows));
	place_clear(&p);
}

static void blackholes(void **state)
{
	static const struct asked rows[] = {
		{ "alice.spammy@example.com", false, HOLE, "none" },
		{ "ALICE.Spammy@example.com", true, HOLE, NULL },
		{ "bob+list@example.com", false, HOLE, NULL },
		{ "al@example.com", false, HOLE, NULL },                /* before the alias */
		{ "alice+spammy@example.com", false, "forward alice+spammy@gmail.com", NULL },
		{ "alice.spammy.x@example.com", false, NOBODY, NULL },
		{ "no@example.org", false, HOLE, NULL },                /* before the catch-all */
		{ "no@example.net", false, HOLE, NULL },
		{ "alice.spammy@example.org", false, "forward all@gmail.com", NULL },
		{ "postmaster@example.com", false, "forward alice@gmail.com", NULL },
		/* behind an account: one target less, and none left */
		{ "mixed.spam@example.com", false, "forward x+spam@gmail.com", NULL },
		{ "mixed.x@example.com", false, "forward x+x@gmail.com s@gmail.com", NULL },
		{ "hollow.spam@example.com", false, HOLE, NULL },
		{ "boss.hole@example.com", false, HOLE, NULL },
	};
	struct place p;

	made(&p, state, yaml, "mail.example.com");
	check(&p, rows, ROWS(rows));
	place_clear(&p);
}

static void blackhole_actions(void **state)
{
	static const struct { const char *action, *answer; } rows[] = {
		{ "reject", HOLE }, { "defer", "450 4.2.1 Mailbox temporarily" }, { "discard", "discard" },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct asked row = { "x@example.com", false, rows[i].answer, "none" };
		struct place p;
		char text[500];

		snprintf(text, sizeof(text), "srs: {srs_domain: s.example.com}\nblackhole_action: %s\nvirtual_domains:\n"
			"  example.com: {accounts: [{name: a, forward: b@gmail.com}], blackholes: [x]}\n",
			rows[i].action);
		made(&p, state, text, NULL);
		check(&p, &row, 1);
		place_clear(&p);
	}
}

static void relaying(void **state)
{
	static const struct asked rows[] = {
		{ "x@example.edu", false, "550 5.7.1 Relay access denied: no mail for example.edu", "none" },
		{ "x@example.edu", true, "relay x@example.edu", "none" },
		{ "\"x y\"@example.edu", true, "relay \"x y\"@example.edu", "none" },
		{ "x@sub.example.com", false, "550 5.7.1", NULL },
		{ "x@com", false, "550 5.7.1", NULL },
		{ "x@example.com.example.edu", false, "550 5.7.1", NULL },
		{ "x@[192.0.2.1]", false, "550 5.7.1", NULL },
		{ "x@[192.0.2.1]", true, "relay x@[192.0.2.1]", NULL },
		/* whatever the address looks like, it is a local part of ours */
		{ "x%example.edu@example.com", false, NOBODY, NULL },
		{ "x%example.edu@example.com", true, NOBODY, NULL },
		{ "example.edu!x@example.com", false, NOBODY, NULL },
		{ "\"x@example.edu\"@example.com", false, NOBODY, NULL },
		{ "\"@example.edu:x\"@example.com", false, NOBODY, NULL },
		{ "alice%example.com@example.edu", false, "550 5.7.1", NULL },
		/* this host's own name */
		{ "x@mail.example.com", false, NOBODY, NULL },
		{ "x@mail.example.com", true, "relay x@mail.example.com", NULL },
		{ "nobody", false, "550 5.1.3 The address needs a domain", NULL },
		{ "", true, "550 5.1.3", NULL },
	};
	struct route_answer answer;
	struct place p;

	made(&p, state, yaml, "mail.example.com");
	check(&p, rows, ROWS(rows));
	ask(&p, "postmaster@[192.0.2.1]", false, &answer);
	assert_int_equal(answer.kind, ROUTE_REFUSE);
	assert_string_equal(answer.reply.status, "5.7.1");
	assert_false(answer.is_postmaster);
	place_clear(&p);
}

static void postmaster_default(void **state)
{
	static const struct asked rows[] = {
		{ "postmaster@example.com", false, "forward alice@gmail.com", "alice@example.com" },
		{ "PostMaster@example.com", false, "forward alice@gmail.com", NULL },
		{ "postmaster@example.org", false, "forward os@gmail.com", "strict@example.org" },
		{ "postmaster@example.net", false, "forward alice@gmail.com", "alice@example.com" },
		{ "postmaster@b\xc3\xbc" "cher.example", false, "forward pm@gmail.com", NULL },
		{ "postmaster@srs.example.com", false, "forward alice@gmail.com", NULL },
		{ "postmaster@mail.example.com", false, "forward alice@gmail.com", NULL },
		{ "postmaster@mail.example.com", true, "forward alice@gmail.com", NULL },
		{ "postmaster", false, "forward alice@gmail.com", "alice@example.com" },
		{ "POSTMASTER", false, "forward alice@gmail.com", NULL },
	};
	static const struct asked others[] = {
		{ "abuse@example.com", false, "forward os@gmail.com", "abuse@example.com" },
		{ "post.master@example.com", false, NOBODY, NULL },
	};
	struct place p;

	made(&p, state, yaml, "mail.example.com");
	check(&p, rows, ROWS(rows));
	check(&p, others, ROWS(others));
	place_clear(&p);
}

static void postmaster_named(void **state)
{
	static const struct asked ours[] = {
		{ "postmaster@example.com", false, "forward b@gmail.com", "boss@example.com" },
		{ "postmaster", false, "forward b@gmail.com", NULL },
		{ "postmaster@example.org", false, "forward explicit@gmail.com", "x@example.org" },
		{ "postmaster@[192.0.2.1]", false, "forward b@gmail.com", NULL },
	};
	static const struct asked elsewhere[] = {
		{ "postmaster@example.com", false, "forward me@gmail.com", "none" },
		{ "postmaster", false, "forward me@gmail.com", "none" },
		{ "postmaster@srs.example.com", false, "forward me@gmail.com", "none" },
	};
	struct place p;

	made(&p, state, "srs: {srs_domain: srs.example.com}\npostmaster: boss@example.com\nvirtual_domains:\n"
		"  example.com: {accounts: [{name: a, forward: a@gmail.com}, {name: boss, forward: b@gmail.com}]}\n"
		"  example.org: {accounts: [{name: x, aliases: Postmaster, forward: explicit@gmail.com}]}\n", "[192.0.2.1]");
	check(&p, ours, ROWS(ours));
	place_clear(&p);
	made(&p, state, "srs: {srs_domain: srs.example.com}\npostmaster: me@gmail.com\nvirtual_domains:\n"
		"  example.com: \n", NULL);
	check(&p, elsewhere, ROWS(elsewhere));
	place_clear(&p);
}

/* What srs_forward makes of the sender, as a recipient. */
static const char *rewritten(struct place *p, const char *sender, int64_t now)
{
	struct address in = parsed(p, sender), out = srs_forward(p->srs, &in, now, p->arena);

	return address_text(&out, p->arena);
}

static void returned(void **state)
{
	int64_t now = clock_wall();
	struct place p;

	made(&p, state, yaml, "mail.example.com");
	struct asked rows[] = {
		{ rewritten(&p, "x@example.edu", now), false, "return x@example.edu", "none" },
		{ rewritten(&p, "x@example.edu", now), true, "return x@example.edu", "none" },
		{ rewritten(&p, "SRS0=a=b=c=d@example.edu", now), false, "return SRS0=a=b=c=d@example.edu", NULL },
		{ rewritten(&p, rewritten(&p, "x@example.edu", now), now), false, "return x@example.edu", NULL },
		/* a sender of ours is resolved on, so that the bounce reaches the owner */
		{ rewritten(&p, "alice@example.com", now), false, "forward alice@gmail.com", "alice@example.com" },
		{ rewritten(&p, "alice.x@example.com", now), false, "forward alice+x@gmail.com", NULL },
		{ rewritten(&p, "gone@example.com", now), false, NOBODY, NULL },
		{ rewritten(&p, "al@example.com", now), false, HOLE, NULL },
		{ rewritten(&p, "x@srs.example.com", now), false, NOBODY, NULL },
		{ rewritten(&p, "postmaster@mail.example.com", now), false, "forward alice@gmail.com", NULL },
		/* stale, forged, none */
		{ rewritten(&p, "x@example.edu", now - DAYS(30)), false, "550 5.1.1 This rewritten sender address is too old",
		  "none" },
		{ rewritten(&p, "x@example.edu", now + DAYS(30)), false, "550 5.1.1 This rewritten", NULL },
		{ "SRS0=FAKE=AA=example.edu=x@srs.example.com", false,
		  "550 5.1.1 This rewritten sender address was not made here", NULL },
		{ "SRS0=FAKE=AA=example.edu=x@srs.example.com", true, "550 5.1.1 This", NULL },
		{ "SRS1=FAKE=example.edu==x=y=z=a@srs.example.com", false, "550 5.1.1 This", NULL },
		{ "x@srs.example.com", false, NOBODY, NULL },
		{ "x@srs.example.com", true, NOBODY, NULL },
		{ "x%example.edu@srs.example.com", true, NOBODY, NULL },
		/* at another domain of ours it is a name like any other */
		{ "SRS0=FAKE=AA=example.edu=x@example.com", false, NOBODY, NULL },
		{ "SRS0=FAKE=AA=example.edu=x@example.org", false, "forward all@gmail.com", NULL },
		{ "SRS0=FAKE=AA=example.edu=x@example.edu", false, "550 5.7.1", NULL },
	};

	check(&p, rows, ROWS(rows));
	place_clear(&p);
}

/* srs_domain is a domain with accounts too, even with a catch-all. */
static void srs_at_home(void **state)
{
	static const char home[] = "srs: {srs_domain: example.com, srs_secret: a-long-and-random-text}\n"
		"virtual_domains:\n  example.com:\n    accounts:\n    - {name: \"*\", forward: all@gmail.com}\n"
		"    - {name: srs0-team, forward: team@gmail.com}\n";
	int64_t now = clock_wall();
	struct place p;

	made(&p, state, home, NULL);
	struct asked rows[] = {
		{ rewritten(&p, "x@example.edu", now), false, "return x@example.edu", NULL },
		{ rewritten(&p, "x@example.edu", now - DAYS(30)), false, "550 5.1.1 This rewritten", NULL },
		{ "SRS0=FAKE=AA=example.edu=x@example.com", false, "550 5.1.1 This rewritten", NULL },
		{ "srs0-team@example.com", false, "forward team@gmail.com", NULL },
		{ "srs0@example.com", false, "forward all@gmail.com", NULL },
		{ "whoever@example.com", false, "forward all@gmail.com", NULL },
	};

	check(&p, rows, ROWS(rows));
	place_clear(&p);
}

/* Two layers of our own SRS around a chain of accounts pass the depth: an answer, not a crash. */
static void too_deep(void **state)
{
	struct place p;
	struct route_answer answer;
	struct buf text;

	buf_init(&text, 1 << 16);
	buf_addf(&text, "srs: {srs_domain: srs.example.com, srs_secret: a-long-and-random-text}\nvirtual_domains:\n"
		"  example.com:\n    accounts:\n");
	for (int i = 0; i <= LIMIT_ROUTE_DEPTH; i++)
		buf_addf(&text, "    - {name: a%d, forward: a%d@%s}\n", i, i + 1,
			i < LIMIT_ROUTE_DEPTH ? "example.com" : "gmail.com");
	made(&p, state, buf_text(&text), NULL);
	ask(&p, "a0@example.com", false, &answer);
	assert_int_equal(answer.kind, ROUTE_FORWARD);
	ask(&p, rewritten(&p, "a0@example.com", clock_wall()), false, &answer);
	assert_int_equal(answer.kind, ROUTE_REFUSE);
	assert_int_equal(answer.reply.code, 550);
	assert_string_equal(answer.reply.status, "5.4.6");
	place_clear(&p);
	buf_finish(&text);
}

static void our_domains(void **state)
{
	static const struct { const char *domain; bool ours; } rows[] = {
		{ "example.com", true }, { "EXAMPLE.com", true }, { "example.net", true }, { "srs.example.com", true },
		{ "mail.example.com", true }, { "Mail.Example.Com", true }, { "xn--bcher-kva.example", true },
		{ "example.edu", false }, { "sub.example.com", false }, { "com", false }, { "", false },
		{ "[192.0.2.1]", false },
	};
	struct place p;

	made(&p, state, yaml, "mail.example.com");
	for (size_t i = 0; i < ROWS(rows); i++)
		row_true(i, route_is_our_domain(p.routes, str_of(rows[i].domain)) == rows[i].ours);
	place_clear(&p);
	made(&p, state, "srs: {srs_domain: s.example.com}\npostmaster: x@gmail.com\n", NULL);
	assert_false(route_is_our_domain(p.routes, STR("")));
	assert_true(route_is_our_domain(p.routes, STR("s.example.com")));
	place_clear(&p);
}

static void logins(void **state)
{
	static const struct { const char *login, *account; } rows[] = {
		{ "alice@example.com", "alice@example.com" }, { "ALICE@Example.COM", "alice@example.com" },
		{ "bob@example.com", "Bob@example.com" },
		{ "robert@example.com", NULL }, { "al@example.com", NULL }, { "alice+x@example.com", NULL },
		{ "alice", NULL }, { "", NULL }, { "@", NULL }, { "@example.com", NULL }, { "alice@", NULL },
		{ "alice@example.org", NULL }, { "alice@example.edu", NULL }, { "postmaster@example.com", NULL },
		{ "chief@example.com", NULL },          /* has no password */
		{ "*@example.org", NULL }, { "whoever@example.org", NULL }, { "alice@example.com ", NULL },
		{ "alice@example.com@example.com", NULL },
	};
	struct place p;
	char huge[1000];

	made(&p, state, yaml, "mail.example.com");
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct account *a = route_account(p.routes, str_of(rows[i].login));

		row_text(i, a ? str_of(address_text(&a->address, p.arena)) : STR_NONE, str_of(rows[i].account));
	}
	memset(huge, 'a', sizeof(huge));
	assert_null(route_account(p.routes, str_make(huge, sizeof(huge))));
	assert_string_equal(route_account(p.routes, STR("alice@example.com"))->password, "alice_pw");
	assert_false(route_account(p.routes, STR("alice@example.com"))->password_is_crypt);
	place_clear(&p);
}

static void senders(void **state)
{
	static const struct { const char *login, *sender; bool may; } rows[] = {
		{ "alice@example.com", "alice@example.com", true },
		{ "alice@example.com", "Alice@Example.COM", true },
		{ "alice@example.com", "alice+shop@example.com", true },
		{ "alice@example.com", "ALICE+Shop_2-b@example.com", true },
		{ "alice@example.com", "alice+vip@example.com", false },        /* another account */
		{ "alice@example.com", "alice.work@example.com", false },
		{ "alice@example.com", "alice.shop@example.com", false },
		{ "alice@example.com", "alice+@example.com", false },
		{ "alice@example.com", "alice+a+b@example.com", false },
		{ "alice@example.com", "alice+a b@example.com", false },
		{ "alice@example.com", "alicex@example.com", false },
		{ "alice@example.com", "ali@example.com", false },
		{ "alice@example.com", "al@example.com", false },
		{ "alice@example.com", "al.most@example.com", false },
		{ "alice@example.com", "alice@example.org", false },
		{ "alice@example.com", "alice@gmail.com", false },
		{ "alice@example.com", "postmaster@example.com", false },
		{ "bob@example.com", "robert@example.com", true },
		{ "bob@example.com", "ROBERT@example.com", true },
		{ "bob@example.com", "robert+x@example.com", false },
		{ "bob@example.com", "robert@example.org", false },
		{ "bob@example.com", "alice@example.com", false },
		{ "strict@example.com", "strict+x@example.com", true },
	};
	struct place p;

	made(&p, state, yaml, "mail.example.com");
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct account *a = route_account(p.routes, str_of(rows[i].login));
		struct address sender = { STR("alice+a b"), STR("example.com") };

		if (!strchr(rows[i].sender, ' '))
			sender = parsed(&p, rows[i].sender);
		row_true(i, a);
		row_true(i, route_may_send_as(a, &sender) == rows[i].may);
	}
	place_clear(&p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)
int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(forwarded), TEST(extensions), TEST(blackholes), TEST(blackhole_actions), TEST(relaying),
		TEST(postmaster_default), TEST(postmaster_named), TEST(returned), TEST(srs_at_home), TEST(too_deep),
		TEST(our_domains), TEST(logins), TEST(senders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
