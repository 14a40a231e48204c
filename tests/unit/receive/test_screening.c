/* At the door of port 25: the wait, the lists, the cache; manners inside; who is spared and who is hidden. */
#include "../unit.h"

#include "parts.h"
#include "talk.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"

#include <stdio.h>

#define TEASER { NULL, "220-mx.example.com ESMTP waypost\r\n220 mx.example.com ESMTP waypost\r\n" }
#define PLAIN  { NULL, "220 mx.example.com ESMTP waypost\r\n" }
#define EHLO   { "EHLO client.example\r\n", "250-mx.example.com\r\n" }
#define QUIT   { "QUIT\r\n", "221 2.0.0" }, { NULL, "!closed" }
#define FROM   { "MAIL FROM:<joe@other.example>\r\n", "250 2.1.0" }
#define TO     { "RCPT TO:<alice@example.com>\r\n", "250 2.1.5" }
#define DATA   { "DATA\r\n", "354 " }, { "Subject: x\r\n\r\nx\r\n.\r\n", "250 2.0.0" }
#define POSTMASTER { "RCPT TO:<postmaster@example.com>\r\n", "250 2.1.5" }

static struct network permitted;

static int begin(void **state)
{
	(void)state;
	world_begin();
	world.options.postscreen_enable = world.options.postscreen_slow_checks = true;
	talk_from("192.0.2.1");
	return 0;
}

static int end(void **state)
{
	(void)state;
	world_end();
	return 0;
}

static struct receive_counts counts(void)
{
	return receive_counts(world.receive);
}

/* Who is not known waits; who has waited does not wait again, not after a restart either. */
static void waits_once(void **state)
{
	static const struct line first[] = { TEASER, EHLO, FROM, TO, DATA, QUIT };
	static const struct line again[] = { PLAIN, EHLO, FROM, TO, DATA, QUIT };
	int64_t began = clock_mono();

	(void)state;
	TALK(SERVICE_SMTP, first);
	assert_true(clock_mono() - began >= 200);
	assert_int_equal(counts().passed_new, 1);
	assert_int_equal(counts().waiting, 0);
	world.screen.greet_wait = 10000;
	began = clock_mono();
	TALK(SERVICE_SMTP, again);
	assert_int_equal(world.asked_lists, 1);
	receive_destroy(&world.receive);
	TALK(SERVICE_SMTP, again);
	assert_int_equal(world.asked_lists, 1);
	assert_int_equal(counts().passed_known, 1);
	assert_true(clock_mono() - began < 5000);
	talk_from("192.0.2.2");
	world.screen.greet_wait = 50;
	TALK(SERVICE_SMTP, first);
	assert_int_equal(world.asked_lists, 2);
}

/* Never on 587 and 465, nor with the switch off. */
static void elsewhere(void **state)
{
	static const struct line plain[] = { PLAIN, { "EHLO client.example\r\nNOOP\r\n", "250-" }, { NULL, "250 2.0.0" }, QUIT };
	static const struct line tls[] = { { "!tls", "220 mx.example.com" }, EHLO, QUIT };

	(void)state;
	world.screen.pipelining_action = SCREEN_DROP;
	world.lists = LISTS_LISTED;
	TALK(SERVICE_SUBMISSION, plain);
	TALK(SERVICE_SUBMISSIONS, tls);
	world.options.postscreen_enable = false;
	TALK(SERVICE_SMTP, plain);
	assert_int_equal(world.asked_lists, 0);
}

static void early(int action, const struct line *lines, size_t n)
{
	world.screen.greet_action = action;
	receive_destroy(&world.receive);
	talk_check(__LINE__, SERVICE_SMTP, lines, n);
	assert_int_equal(counts().pregreet, 1);
}

static void pregreeters(void **state)
{
	static const struct line ignored[] = { { "EHLO client.example\r\n", "220-" }, { NULL, "250-" }, FROM, TO, DATA, QUIT };
	static const struct line enforced[] = { { "EHLO client.example\r\n", "220-" }, { NULL, "250-" }, FROM,
		{ "RCPT TO:<alice@example.com>\r\n", "550 5.5.1 Protocol error: you spoke before" },
		{ "RCPT TO:<nobody@example.com>\r\n", "550 5.5.1" }, { "RCPT TO:<postmaster@example.com>\r\n", "550 5.5.1" },
		{ "DATA\r\n", "554 5.5.1" }, QUIT };
	/* the teaser, and then another code */
	static const struct line dropped[] = { { "EHLO client.example\r\n", "220-mx.example.com ESMTP waypost\r\n521 5.5.1 Protocol" },
		{ NULL, "!closed" } };
	/* it is no proxy of ours */
	static const struct line proxy[] = { { "PROXY TCP4 127.0.0.1 127.0.0.1 1 25\r\n",
		"220-mx.example.com ESMTP waypost\r\n521 5.5.1" }, { NULL, "!closed" } };

	(void)state;
	early(SCREEN_IGNORE, ignored, ROWS(ignored));
	early(SCREEN_ENFORCE, enforced, ROWS(enforced));
	early(SCREEN_DROP, dropped, ROWS(dropped));
	early(SCREEN_DROP, proxy, ROWS(proxy));
	assert_int_equal(world.queued, 1);
}

static void listed(void **state)
{
	static const struct line enforced[] = { TEASER, EHLO, FROM,
		{ "RCPT TO:<alice@example.com>\r\n",
			"550 5.7.1 Service unavailable; client [192.0.2.1] blocked using list.example; see there\r\n" },
		{ "RCPT TO:<nobody@example.com>\r\n", "550 5.7.1 Service unavailable" }, POSTMASTER, DATA, QUIT };
	static const struct line dropped[] = { { NULL, "220-mx.example.com ESMTP waypost\r\n521 5.7.1 Service unavailable" },
		{ NULL, "!closed" } };
	static const struct line good[] = { TEASER, EHLO, FROM, TO, DATA, QUIT };

	(void)state;
	world.lists = LISTS_LISTED;
	TALK(SERVICE_SMTP, enforced);
	TALK(SERVICE_SMTP, enforced);           /* nothing was remembered in its favour */
	assert_int_equal(counts().listed, 2);
	assert_int_equal(world.queued, 2);
	world.screen.dnsbl_action = SCREEN_DROP;
	TALK(SERVICE_SMTP, dropped);
	world.screen.dnsbl_action = SCREEN_IGNORE;
	TALK(SERVICE_SMTP, good);
	world.lists = LISTS_UNSURE;
	talk_from("192.0.2.2");
	TALK(SERVICE_SMTP, good);
	assert_int_equal(counts().listed_unsure, 1);
}

/* A white list ends the wait at once, and is asked again: it is not what the client did. */
static void white(void **state)
{
	static const struct line lines[] = { TEASER, { "EHLO client.example\r\nMAIL FROM:<a@other.example>\r\n", "250-" },
		{ NULL, "250 2.1.0" }, TO, DATA, QUIT };
	int64_t began = clock_mono();

	(void)state;
	world.screen.greet_wait = 10000;
	world.lists = LISTS_WHITE;
	world.lists_ms = 20;
	TALK(SERVICE_SMTP, lines);
	TALK(SERVICE_SMTP, lines);
	assert_true(clock_mono() - began < 5000);
	assert_int_equal(world.asked_lists, 2);
	assert_int_equal(counts().white, 2);
	assert_int_equal(counts().pipelining, 0);
}

/* Lists that are slower than the wait, and silent ones: mail flows, and nothing is remembered of what was not said. */
static void slow_lists(void **state)
{
	static const struct line waits[] = { TEASER, EHLO, FROM, TO, DATA, QUIT };
	static const struct line later[] = { PLAIN, EHLO, FROM, TO, DATA, QUIT };
	int64_t began = clock_mono();

	(void)state;
	world.lists_silent = 2;
	world.lists_ms = 400;
	TALK(SERVICE_SMTP, waits);
	assert_true(clock_mono() - began >= 400);
	TALK(SERVICE_SMTP, later);              /* the wait is behind it; the lists are asked again */
	assert_int_equal(world.asked_lists, 2);
	world.screen.greet_wait = 0;
	world.lists_silent = 0;
	talk_from("192.0.2.2");
	TALK(SERVICE_SMTP, later);
	TALK(SERVICE_SMTP, later);
	assert_int_equal(world.asked_lists, 3);
}

static void hang_up(void **state)
{
	static const struct line lines[] = { { "!sleep 50", "" }, { "!close", "" } };

	(void)state;
	world.screen.greet_wait = 5000;
	world.lists_ms = 3000;
	TALK(SERVICE_SMTP, lines);
	assert_int_equal(counts().hung_up, 1);
	assert_int_equal(counts().waiting, 0);
}

struct manners { const char *say, *reply; uint64_t pipelining, non_smtp, bare_newline; };

/* Each in a session of its own, after EHLO; then a recipient, to see whether it was held against the client. */
static void manners(void **state)
{
	static const struct manners rows[] = {
		{ "GET / HTTP/1.1\r\n", "500 5.5.1", 0, 1, 0 }, { "POST / HTTP/1.0\r\n", "500", 0, 1, 0 },
		{ "CONNECT mx:25 HTTP/1.0\r\n", "500", 0, 1, 0 }, { "PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", "500", 0, 1, 0 },
		{ "Subject: cheap\r\n", "500", 0, 1, 0 }, { "From:me\r\n", "500", 0, 1, 0 }, { "To: you\r\n", "500", 0, 1, 0 },
		{ "NOOP\r\nNOOP\r\n", "250", 0, 0, 0 }, { "WHAT\r\n", "500 5.5.1", 0, 0, 0 }, { "XCLIENT a=b\r\n", "500", 0, 0, 0 },
		{ "EHLO a.example\r\nRSET\r\n", "250-", 1, 0, 0 }, { "NOOP\nNOOP\r\n", "500 5.5.2", 0, 0, 1 },
		{ "NO\rOP\r\n", "500 5.5.2", 0, 0, 0 },
	};

	(void)state;
	world.screen.non_smtp_command_action = SCREEN_ENFORCE;
	world.screen.greet_wait = 0;
	for (size_t i = 0; i < ROWS(rows); i++) {
		bool two = strstr(rows[i].say, "\nNOOP\r\n") && rows[i].reply[0] == '2';
		bool more = two || strstr(rows[i].say, "RSET");
		bool bad = rows[i].pipelining || rows[i].non_smtp || rows[i].bare_newline;
		const struct line lines[] = { PLAIN, EHLO, { rows[i].say, rows[i].reply },
			{ NULL, more ? "250" : "" }, FROM,
			{ "RCPT TO:<alice@example.com>\r\n", bad ? "550 5.5.1 Protocol error" : "250" }, QUIT };
		const char *trouble;

		receive_destroy(&world.receive);
		trouble = talk(SERVICE_SMTP, lines, ROWS(lines));
		if (trouble)
			fail_msg("row %zu: %s", i, trouble);
		row_true(i, counts().pipelining == rows[i].pipelining && counts().non_smtp == rows[i].non_smtp
			&& counts().bare_newline == rows[i].bare_newline);
	}
}

/* Data sent ahead of 354 after recipients were taken: the message is refused, whatever came with it. */
static void data_ahead(void **state)
{
	static const struct line lines[] = { PLAIN, EHLO, FROM, TO, { "DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n", "354" },
		{ NULL, "550 5.5.1 Protocol error: you spoke before it was your turn" }, QUIT };
	static const struct line group[] = { PLAIN, EHLO,
		{ "MAIL FROM:<joe@other.example>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n", "250" }, { NULL, "250" }, { NULL, "354" },
		{ "x\r\n.\r\n", "250 2.0.0" }, QUIT };
	static const struct line helo[] = { PLAIN, { "HELO client.example\r\n", "250" },
		{ "MAIL FROM:<joe@other.example>\r\nRCPT TO:<alice@example.com>\r\n", "250" }, { NULL, "550 5.5.1" }, QUIT };
	static const struct line quit[] = { PLAIN, { "HELO client.example\r\n", "250" }, { "QUIT\r\nQUIT\r\n", "221" },
		{ NULL, "!closed" } };

	(void)state;
	world.screen.greet_wait = 0;
	TALK(SERVICE_SMTP, group);
	assert_int_equal(world.queued, 1);
	talk_from("192.0.2.2");                 /* the first is now known as one that waits its turn */
	TALK(SERVICE_SMTP, lines);
	TALK(SERVICE_SMTP, helo);
	TALK(SERVICE_SMTP, quit);
	assert_int_equal(world.queued, 1);
	assert_int_equal(counts().pipelining, 2);
	world.options.postscreen_slow_checks = false;
	talk_from("192.0.2.3");
	TALK(SERVICE_SMTP, (const struct line[]){ PLAIN, { "HELO c\r\nNOOP\r\n", "250" }, { NULL, "250" }, FROM, TO, QUIT });
}

static void dropped_inside(void **state)
{
	static const struct { const char *say; } rows[] = { { "GET / HTTP/1.1\r\nHost: x\r\n\r\n" }, { "EHLO c\r\nRSET\r\n" },
		{ "NOOP\nNOOP\r\n" } };

	(void)state;
	world.screen.greet_wait = 0;
	world.screen.pipelining_action = world.screen.bare_newline_action = SCREEN_DROP;
	for (size_t i = 0; i < ROWS(rows); i++)
		TALK(SERVICE_SMTP, (const struct line[]){ PLAIN, { rows[i].say, "521 5.5.1 Protocol error" }, { NULL, "!closed" } });
}

static void names(void **state)
{
	static const struct { const char *helo; bool bad; } rows[] = {
		{ "client.example", false }, { "mx.example.com", true }, { "MX.Example.COM", true }, { "mx.example.com.", true },
		{ "192.0.2.1", true }, { "2001:db8::1", true }, { "[192.0.2.1]", false }, { "[IPv6:2001:db8::1]", false },
		{ "amx.example.com", false }, { "localhost", false },
	};

	(void)state;
	world.screen.greet_wait = 0;
	for (size_t i = 0; i < ROWS(rows); i++) {
		char helo[80];
		const struct line lines[] = { PLAIN, { helo, "250" }, FROM, POSTMASTER,
			{ "RCPT TO:<alice@example.com>\r\n", rows[i].bad ? "550 5.7.1 Your HELO is" : "250" },
			/* who mends its ways is heard */
			{ "RSET\r\n", "250" }, EHLO, FROM, TO, QUIT };
		const char *trouble;

		snprintf(helo, sizeof helo, "HELO %s\r\n", rows[i].helo);
		trouble = talk(SERVICE_SMTP, lines, ROWS(lines));
		if (trouble)
			fail_msg("row %zu: %s", i, trouble);
	}
}

static void spared(void **state)
{
	static const struct line lines[] = { PLAIN, { "EHLO mx.example.com\r\nNOOP\r\n", "250-" }, { NULL, "250" }, FROM, TO, DATA,
		QUIT };

	(void)state;
	world.lists = LISTS_LISTED;
	world.screen.pipelining_action = SCREEN_DROP;
	assert_true(network_parse(&permitted, STR("192.0.2.0/24")));
	world.screen.permit = (struct config_networks){ &permitted, 1 };
	world.options.network_connections_per_minute = 1;
	TALK(SERVICE_SMTP, lines);
	TALK(SERVICE_SMTP, lines);
	world.screen.permit.n = 0;
	receive_destroy(&world.receive);
	world.screen.access_permit = (struct access_list){ .networks = &permitted, .network_count = 1 };
	TALK(SERVICE_SMTP, lines);
	world.screen.access_permit.network_count = 0;
	world.trusted = "192.0.2.1";
	TALK(SERVICE_SMTP, lines);
	/* an operator's word */
	world.trusted = NULL;
	allow_grant(receive_allow(world.receive), &(struct inet_addr){ .ip = { 192, 0, 2, 1 } }, HOURS(1));
	receive_destroy(&world.receive);
	TALK(SERVICE_SMTP, lines);
	assert_int_equal(world.asked_lists, 0);
}

static void denied(void **state)
{
	static const char *senders[] = { ".bad.example", "other.example" };
	static const struct line client[] = { PLAIN, EHLO, FROM,
		{ "RCPT TO:<alice@example.com>\r\n", "550 5.7.1 Client address rejected: access denied" }, QUIT };
	static const struct line sender[] = { PLAIN, EHLO, FROM,
		{ "RCPT TO:<alice@example.com>\r\n", "550 5.7.1 Sender address rejected: access denied" }, { "RSET\r\n", "250" },
		{ "MAIL FROM:<a@good.example>\r\n", "250" }, TO, { "RSET\r\n", "250" }, { "MAIL FROM:<>\r\n", "250" }, TO, QUIT };
	static const struct line permit[] = { PLAIN, EHLO, { "MAIL FROM:<a@good.example>\r\n", "250" },
		{ "RCPT TO:<alice@example.com>\r\n", "550 5.7.1" }, { "RSET\r\n", "250" }, FROM, TO,
		{ "RCPT TO:<joe@elsewhere.example>\r\n", "550 5.7.1 Not our domain" }, QUIT };

	(void)state;
	world.screen.greet_wait = 0;
	assert_true(network_parse(&permitted, STR("192.0.2.0/24")));
	world.screen.access_deny = (struct access_list){ .networks = &permitted, .network_count = 1 };
	TALK(SERVICE_SMTP, client);
	assert_int_equal(counts().denied, 1);
	assert_int_equal(world.asked_lists, 0);
	world.screen.access_deny = (struct access_list){ .senders = senders, .sender_count = 2 };
	TALK(SERVICE_SMTP, sender);
	/* a permitted sender is spared the lists, and does not relay */
	world.screen.access_deny.sender_count = 0;
	world.screen.access_permit = (struct access_list){ .senders = senders, .sender_count = 2 };
	world.lists = LISTS_LISTED;
	talk_from("192.0.2.2");
	TALK(SERVICE_SMTP, permit);
}

/* Behind a proxy that hides it: it waits, no list is asked, nothing is remembered, no network's limit holds; it gains
 * nothing either. */
static void hidden(void **state)
{
	static const struct line lines[] = { TEASER, EHLO, FROM, TO, DATA,
		{ "MAIL FROM:<a@other.example>\r\n", "250" }, { "RCPT TO:<joe@elsewhere.example>\r\n", "550 5.7.1 Not our domain" },
		QUIT };

	(void)state;
	talk_from("172.17.0.1");
	world.lists = LISTS_LISTED;
	world.options.network_connections_per_minute = world.options.clients_per_network = 1;
	world.options.network_messages_per_hour = 1;
	TALK(SERVICE_SMTP, lines);
	TALK(SERVICE_SMTP, lines);
	assert_int_equal(world.asked_lists, 0);
	assert_true(world.hidden);
	assert_int_equal(counts().hidden, 2);
	assert_string_equal(counts().hidden_last, "172.17.0.1");
	assert_int_equal(allow_count(receive_allow(world.receive)), 0);
	/* named by the operator, it is a client like any other */
	assert_true(network_parse(&permitted, STR("172.17.0.1")));
	world.screen.permit = (struct config_networks){ &permitted, 1 };
	TALK(SERVICE_SMTP, (const struct line[]){ PLAIN, EHLO, FROM, TO, DATA, QUIT });
	assert_false(world.hidden);
	assert_int_equal(counts().hidden, 2);
}

static void harvesters(void **state)
{
	static const struct line lines[] = { PLAIN, EHLO, FROM, { "RCPT TO:<a@example.com>\r\n", "550 5.1.1" },
		{ "RCPT TO:<b@example.com>\r\n", "550 5.1.1" }, { "RCPT TO:<alice@example.com>\r\n", "250" },
		{ "RCPT TO:<c@example.com>\r\n", "550 5.1.1" }, { "RCPT TO:<d@example.com>\r\n", "421 4.7.0" }, { NULL, "!closed" } };
	static const struct line leaves[] = { PLAIN, EHLO, FROM, { "RCPT TO:<a@example.com>\r\n", "550 5.1.1" },
		{ "RCPT TO:<b@example.com>\r\n", "" }, { "!sleep 100", "" } };
	int64_t began = clock_mono();

	(void)state;
	world.screen.greet_wait = 0;
	world.options.tarpit_after = 2;
	world.options.network_unknown_per_hour = 3;
	TALK(SERVICE_SMTP, lines);
	assert_in_range(clock_mono() - began, LIMIT_TARPIT_DELAY, LIMIT_TARPIT_DELAY + 900);
	assert_int_equal(counts().tarpitted, 0);
	/* no more sessions are held back than that */
	talk_from("192.0.2.2");
	world.options.tarpitted = 0;
	began = clock_mono();
	TALK(SERVICE_SMTP, lines);
	assert_true(clock_mono() - began < LIMIT_TARPIT_DELAY);
	/* one that does not wait for it */
	talk_from("192.0.2.3");
	world.options.tarpitted = 1;
	world.options.tarpit_after = 1;
	TALK(SERVICE_SMTP, leaves);
	assert_int_equal(counts().tarpitted, 0);
}

static void rates(void **state)
{
	static const struct line messages[] = { PLAIN, EHLO, FROM, TO, DATA, { "MAIL FROM:<>\r\n", "450 4.7.1" }, QUIT };
	static const struct line recipients[] = { PLAIN, EHLO, FROM, TO, { "RCPT TO:<hole@example.com>\r\n", "250" },
		{ "RCPT TO:<pair@example.com>\r\n", "450 4.7.1" }, QUIT };
	static const struct line errors[] = { PLAIN, { "X\r\n", "500" }, { "X\r\n", "500" }, { "X\r\n", "500" },
		{ NULL, "421 4.7.0" }, { NULL, "!closed" } };
	static const struct line gone[] = { { NULL, "421 4.7.0 mx.example.com Too many errors" }, { NULL, "!closed" } };

	(void)state;
	world.screen.greet_wait = 0;
	world.options.network_messages_per_hour = 1;
	TALK(SERVICE_SMTP, messages);
	world.options.network_messages_per_hour = 100;
	world.options.network_recipients_per_hour = 2;
	talk_from("192.0.2.2");
	TALK(SERVICE_SMTP, recipients);
	world.options.network_errors_per_hour = 2;
	talk_from("192.0.2.3");
	TALK(SERVICE_SMTP, errors);
	TALK(SERVICE_SMTP, gone);
	TALK(SERVICE_SUBMISSION, gone);
}

#define SCREENING_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCREENING_TEST(waits_once), SCREENING_TEST(elsewhere), SCREENING_TEST(pregreeters), SCREENING_TEST(listed),
		SCREENING_TEST(white), SCREENING_TEST(slow_lists), SCREENING_TEST(hang_up), SCREENING_TEST(manners),
		SCREENING_TEST(data_ahead), SCREENING_TEST(dropped_inside), SCREENING_TEST(names), SCREENING_TEST(spared),
		SCREENING_TEST(denied), SCREENING_TEST(hidden), SCREENING_TEST(harvesters), SCREENING_TEST(rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
