/* SPF while the client goes on, DKIM and DMARC after the dot, and the fields that tell of them. */
#include "../unit.h"

#include "parts.h"
#include "talk.h"

#include "base/clock.h"
#include "base/limits.h"

#include <stdio.h>

#define EHLO { NULL, "220 " }, { "EHLO client.example\r\n", "250-" }
#define QUIT { "QUIT\r\n", "221 2.0.0" }, { NULL, "!closed" }
#define FROM { "MAIL FROM:<joe@other.example>\r\n", "250 2.1.0" }
#define TO   { "RCPT TO:<alice@example.com>\r\n", "250 2.1.5" }
#define POSTMASTER { "RCPT TO:<postmaster@example.com>\r\n", "250 2.1.5" }
#define DATA { "DATA\r\n", "354 " }
#define SEND { "Subject: x\r\n\r\nx\r\n.\r\n", "250 2.0.0" }
#define FORGED "Authentication-Results: mx.example.com;\r\n\tdkim=pass header.d=bank.example\r\n"

static int begin(void **state)
{
	(void)state;
	world_begin();
	talk_from("192.0.2.1");
	return 0;
}

static int end(void **state)
{
	(void)state;
	world_end();
	return 0;
}

static void refuse_spf(void)
{
	reply_set(&world.spf_refusal, 550, "5.7.26", "other.example does not let 192.0.2.1 send for it");
}

/* Neither MAIL nor RCPT waits for SPF, the end does. */
static void not_delayed(void **state)
{
	static const struct line lines[] = { EHLO, FROM, TO, DATA, SEND, QUIT };
	static const struct line before[] = { EHLO, FROM, TO, DATA, { "!sleep 1", "" } };
	int64_t began = clock_mono();

	(void)state;
	world.check_ms = 500;
	TALK(SERVICE_SMTP, before);
	assert_true(clock_mono() - began < 400);
	began = clock_mono();
	world.proven = true;
	TALK(SERVICE_SMTP, lines);
	assert_true(clock_mono() - began >= 500);
	assert_int_equal(world.queued, 1);
	assert_true(world.message->env.proven);
	assert_false(world.exempt);
	assert_string_equal(world.results, "Authentication-Results: mx.example.com; none\r\n");
	world.proven = false;
	world.check_ms = 0;
	TALK(SERVICE_SMTP, lines);
	assert_false(world.message->env.proven);
	assert_int_equal(world.senders_checked, 3);
	assert_int_equal(world.messages_checked, 2);
}

static void our_users(void **state)
{
	static const struct line lines[] = { { "!tls", "220 " }, { "EHLO c\r\n", "250-" },
		{ "AUTH PLAIN AGFsaWNlQGV4YW1wbGUuY29tAHNlY3JldA==\r\n", "235" }, { "MAIL FROM:<alice@example.com>\r\n", "250" },
		{ "RCPT TO:<bob@other.example>\r\n", "250" }, DATA, { "From: alice@example.com\r\n" FORGED "\r\nx\r\n.\r\n", "250" },
		QUIT };

	(void)state;
	TALK(SERVICE_SUBMISSIONS, lines);
	assert_int_equal(world.queued, 1);
	assert_true(world.message->env.proven);
	assert_int_equal(world.senders_checked + world.messages_checked, 0);
	assert_string_equal(world.results, "");
	row_text(0, buf_str(&world.content), STR("From: alice@example.com\r\n\r\nx\r\n"));
}

/* Only where spf_fail is refuse does RCPT wait; nobody is refused for an answer that is not there. */
static void refused_at_rcpt(void **state)
{
	static const struct line lines[] = { EHLO, FROM,
		{ "RCPT TO:<alice@example.com>\r\n", "550 5.7.26 other.example does not let" },
		{ "RCPT TO:<nobody@example.com>\r\n", "550 5.7.26" }, POSTMASTER, QUIT };
	static const struct line grouped[] = { EHLO,
		{ "MAIL FROM:<joe@other.example>\r\nRCPT TO:<alice@example.com>\r\nRCPT TO:<al@example.com>\r\nDATA\r\n", "250" },
		{ NULL, "550 5.7.26" }, { NULL, "550 5.7.26" }, { NULL, "554 5.5.1" }, QUIT };
	static const struct line reset[] = { EHLO, FROM, { "RCPT TO:<alice@example.com>\r\nRSET\r\n", "550" }, { NULL, "250" }, QUIT };
	static const struct line leaves[] = { EHLO, FROM, { "RCPT TO:<alice@example.com>\r\n", "" }, { "!sleep 20", "" } };
	static const struct line passes[] = { EHLO, FROM, TO, DATA, SEND, QUIT };
	int64_t began;

	(void)state;
	world.check.spf_fail = CHECK_REFUSE;
	world.check_ms = 150;
	refuse_spf();
	TALK(SERVICE_SMTP, lines);
	TALK(SERVICE_SMTP, grouped);
	TALK(SERVICE_SMTP, reset);
	TALK(SERVICE_SMTP, leaves);
	assert_int_equal(world.queued, 0);
	world.spf_refusal.code = 0;
	began = clock_mono();
	TALK(SERVICE_SMTP, passes);
	assert_true(clock_mono() - began >= 150);
	assert_int_equal(world.queued, 1);
}

static void refused_after_the_dot(void **state)
{
	static const struct line lines[] = { EHLO, FROM, TO, POSTMASTER, DATA, { "x\r\n.\r\n", "550 5.7.26 other.example says" },
		FROM, TO, QUIT };
	static const struct line postmaster[] = { EHLO, FROM, POSTMASTER, DATA, SEND, QUIT };

	(void)state;
	reply_set(&world.message_refusal, 550, "5.7.26", "other.example says that such mail is to be rejected");
	TALK(SERVICE_SMTP, lines);
	assert_false(world.exempt);
	assert_int_equal(world.queued, 0);
	assert_int_equal(receive_counts(world.receive).refused_messages, 1);
	world.message_refusal.code = 0;
	TALK(SERVICE_SMTP, postmaster);
	assert_true(world.exempt);
	assert_int_equal(world.queued, 1);
}

static void forged_fields(void **state)
{
	static const struct { const char *in, *out; } rows[] = {
		{ FORGED "Subject: x\r\n\r\nx\r\n", "Subject: x\r\n\r\nx\r\n" },
		{ "Subject: x\r\n" FORGED FORGED "From: a\r\n\r\nx\r\n", "Subject: x\r\nFrom: a\r\n\r\nx\r\n" },
		{ "Subject: x\r\n" FORGED, "Subject: x\r\n" }, { FORGED, "" }, { FORGED "\r\nx\r\n", "\r\nx\r\n" },
		{ "authentication-results : mx.example.com\r\nSubject: x\r\n\r\n" FORGED, "Subject: x\r\n\r\n" FORGED },
		{ "Authentication-Results: other.example; spf=pass\r\n\r\nx\r\n",
			"Authentication-Results: other.example; spf=pass\r\n\r\nx\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		char content[1000];
		const struct line lines[] = { EHLO, FROM, TO, DATA, { content, "" }, { ".\r\n", "250 2.0.0" }, QUIT };
		const char *trouble;

		snprintf(content, sizeof content, "%s", rows[i].in);
		trouble = talk(SERVICE_SMTP, lines, ROWS(lines));
		if (trouble)
			fail_msg("row %zu: %s", i, trouble);
		row_text(i, buf_str(&world.content), str_of(rows[i].out));
	}
	assert_int_equal(world.cut, 0);
}

/* What is on disk already is cut there, too. */
static void forged_and_large(void **state)
{
	static const struct line lines[] = { EHLO, FROM, TO, DATA, { "Subject: x\r\n" FORGED "From: a\r\n\r\n", "" },
		{ "!x 5000", "" }, { ".\r\n", "250 2.0.0" }, QUIT };
	static const struct line fails[] = { EHLO, FROM, TO, DATA, { "Subject: x\r\n" FORGED "From: a\r\n\r\n", "" },
		{ "!x 5000", "" }, { ".\r\n", "45" }, QUIT };
	size_t head = strlen("Subject: x\r\nFrom: a\r\n\r\n");

	(void)state;
	TALK(SERVICE_SMTP, lines);
	assert_int_equal(world.queued, 1);
	assert_int_equal(world.cut, strlen(FORGED));
	assert_int_equal(world.content.n, head + 500000);
	row_text(0, str_head(buf_str(&world.content), head + 3), STR("Subject: x\r\nFrom: a\r\n\r\nxxx"));
	world.cut_error = 5;
	TALK(SERVICE_SMTP, fails);
	assert_int_equal(world.queued, 1);
}

#define CHECKING_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHECKING_TEST(not_delayed), CHECKING_TEST(our_users), CHECKING_TEST(refused_at_rcpt),
		CHECKING_TEST(refused_after_the_dot), CHECKING_TEST(forged_fields), CHECKING_TEST(forged_and_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
