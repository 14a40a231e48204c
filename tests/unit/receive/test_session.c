/* The dialogue: states, replies, pipelining, content, limits, over real sockets with everything around played. */
#include "../unit.h"

#include "parts.h"
#include "talk.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"

#include <errno.h>
#include <stdio.h>

#define HELLO { NULL, "220 mx.example.com ESMTP" }, { "EHLO client.example\r\n", "250-mx.example.com\r\n" }
#define QUIT  { "QUIT\r\n", "221 2.0.0" }, { NULL, "!closed" }
#define SECURE { NULL, "220 " }, { "EHLO client.example\r\n", "250-" }, { "STARTTLS\r\n", "220 2.0.0" }, { "!tls", "" }, \
	{ "EHLO client.example\r\n", "250-mx.example.com\r\n" }
#define ALICE SECURE, { "AUTH PLAIN AGFsaWNlQGV4YW1wbGUuY29tAHNlY3JldA==\r\n", "235 2.7.0" }
#define FROM  { "MAIL FROM:<joe@other.example>\r\n", "250 2.1.0" }
#define TO    { "RCPT TO:<alice@example.com>\r\n", "250 2.1.5" }
#define DATA  { "DATA\r\n", "354 " }

static int begin(void **state)
{
	(void)state;
	world_begin();
	return 0;
}

static int end(void **state)
{
	(void)state;
	world_end();
	return 0;
}

static const char *text(const struct address *a)
{
	static char out[300];
	struct buf b;

	buf_init(&b, sizeof out - 1);
	address_print(&b, a);
	must(b.n < sizeof out);
	memcpy(out, b.n ? b.p : "", b.n);
	out[b.n] = '\0';
	buf_finish(&b);
	return out;
}

static void hello(void **state)
{
	static const struct line lines[] = {
		{ NULL, "220 mx.example.com ESMTP" },
		{ "EHLO client.example\r\n", "250-mx.example.com\r\n250-PIPELINING\r\n250-SIZE 2097152\r\n250-STARTTLS\r\n"
			"250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250 LIMITS RCPTMAX=3\r\n" },
		{ "ehlo [192.0.2.1]\r\n", "250-" },
		{ "HELO client.example\r\n", "250 mx.example.com\r\n" },
		{ "HELO\r\n", "501 5.5.4" }, { "EHLO a b\r\n", "501 5.5.4" }, { "EHLO a(b\r\n", "501 5.5.4" },
		{ "EHLO \xff\r\n", "501 5.5.4" },
		{ "NOOP\r\n", "250 2.0.0" }, { "NOOP what ever\r\n", "250 2.0.0" }, { "RSET\r\n", "250 2.0.0" },
		{ "VRFY alice\r\n", "252 " }, { "VRFY\r\n", "501 5.5.4" }, { "EXPN all\r\n", "502 5.5.1" },
		{ "HELP\r\n", "214-2.0.0" }, { "RSET now\r\n", "501 5.5.4" }, { "QUIT now\r\n", "501 5.5.4" },
		{ "WHAT\r\n", "500 5.5.1" }, { "\r\n", "500 5." }, { " NOOP\r\n", "500 5." }, { "NOOP\t\r\n", "250" },
		{ "AUTH PLAIN x\r\n", "502 5.5.1 AUTH is not offered here" },
		QUIT,
	};

	(void)state;
	TALK(SERVICE_SMTP, lines);
}

static void submission_hello(void **state)
{
	static const struct line lines[] = {
		{ NULL, "220 " }, { "EHLO c\r\n", "~250-DSN\r\n" }, { "EHLO c\r\n", "~250-STARTTLS\r\n" },
		{ "MAIL FROM:<alice@example.com>\r\n", "530 5.7.0 Must issue a STARTTLS command first" },
		{ "AUTH PLAIN AGFsaWNlQGV4YW1wbGUuY29tAHNlY3JldA==\r\n", "530 5.7.0 Must issue a STARTTLS" },
		{ "BDAT 3\r\nabc", "530 5.7.0" },
		{ "STARTTLS now\r\n", "501 5.5.4" }, { "STARTTLS\r\n", "220 2.0.0" }, { "!tls", "" },
		{ "MAIL FROM:<alice@example.com>\r\n", "530 5.7.0 Authentication required" },
		{ "RCPT TO:<alice@example.com>\r\n", "530 5.7.0 Authentication required" },
		{ "AUTH PLAIN x\r\n", "503 5.5.1 Send EHLO first" },
		{ "EHLO c\r\n", "~250-AUTH PLAIN LOGIN\r\n250-AUTH=PLAIN LOGIN\r\n250-DSN\r\n" },
		{ "STARTTLS\r\n", "503 5.5.1" },
		QUIT,
	};
	static const struct line implicit[] = {
		{ "!tls", "" }, { NULL, "220 mx.example.com" }, { "EHLO c\r\n", "~250-AUTH PLAIN LOGIN\r\n" }, QUIT,
	};

	(void)state;
	TALK(SERVICE_SUBMISSION, lines);
	TALK(SERVICE_SUBMISSIONS, implicit);
}

static void order(void **state)
{
	static const struct line lines[] = {
		{ NULL, "220 " },
		{ "MAIL FROM:<joe@other.example>\r\n", "503 5.5.1 Send EHLO" }, { "RCPT TO:<a@b>\r\n", "503 5.5.1 Send EHLO" },
		{ "DATA\r\n", "503 5.5.1" },
		{ "EHLO c\r\n", "250-" }, { "RCPT TO:<a@b>\r\n", "503 5.5.1 Send MAIL" }, { "DATA\r\n", "503 5.5.1 Send MAIL" },
		FROM, { "MAIL FROM:<joe@other.example>\r\n", "503 5.5.1" }, { "DATA\r\n", "503 5.5.1 Send RCPT" },
		{ "RCPT TO:<nobody@example.com>\r\n", "550 5.1.1" }, { "DATA\r\n", "554 5.5.1 No valid" },
		{ "BDAT 5 LAST\r\nabcde", "554 5.5.1 No valid" },
		TO, { "MAIL FROM:<a@b>\r\n", "503 5.5.1" }, { "STARTTLS\r\n", "503 5.5.1" }, { "DATA now\r\n", "501 5.5.4" },
		{ "RSET\r\n", "250" }, { "DATA\r\n", "503 5.5.1 Send MAIL" },
		FROM, TO, { "EHLO c\r\n", "250-" }, { "RCPT TO:<alice@example.com>\r\n", "503 5.5.1 Send MAIL" },
		QUIT,
	};

	(void)state;
	TALK(SERVICE_SMTP, lines);
	assert_int_equal(receive_counts(world.receive).refused_rcpt, 1);
}

static void paths(void **state)
{
	static const struct { const char *mail, *rcpt, *expect; } rows[] = {
		{ "FROM:<>", NULL, "250 2.1.0" },
		{ "from:<joe@other.example>", NULL, "250" },
		{ "FROM: <joe@other.example>", NULL, "250" },
		{ "FROM:<@a.example,@b.example:joe@other.example>", NULL, "250" },
		{ "FROM:joe@other.example", NULL, "501 5.1.7" },
		{ "FROM:<joe@other.example", NULL, "501 5.1.7" },
		{ "FROM:<joe@other.example>SIZE=1", NULL, "501 5.1.7" },
		{ "FROM:<joe@-bad.example>", NULL, "501 5.1.7" },
		{ "FROM:<joe>", NULL, "501 5.1.7" },
		{ "FROM:<postmaster>", NULL, "501 5.1.7" },
		{ "<joe@other.example>", NULL, "501 5.5.4" },
		{ "", NULL, "501 5.5.4" },
		{ "FROM:<j\xc3\xb6rg@other.example>", NULL, "553 5.6.7" },
		{ "FROM:<joe@b\xc3\xbc" "cher.example>", NULL, "553 5.6.7" },
		{ "FROM:<j\xc3\xb6rg@other.example> SMTPUTF8", NULL, "250" },
		{ "FROM:<j\xff@other.example> SMTPUTF8", NULL, "501 5.1.7" },
		{ "FROM:<joe@other.example> SIZE=2097152", NULL, "250" },
		{ "FROM:<joe@other.example> SIZE=2097153", NULL, "552 5.3.4" },
		{ "FROM:<joe@other.example> SIZE=99999999999999999999", NULL, "552 5.3.4" },
		{ "FROM:<joe@other.example> RET=FULL", NULL, "555 5.5.4" },
		{ "FROM:<>", "TO:<alice@example.com>", "250 2.1.5" },
		{ "FROM:<>", "to: <alice@example.com>", "250 2.1.5" },
		{ "FROM:<>", "TO:<postmaster>", "250 2.1.5" },
		{ "FROM:<>", "TO:<>", "501 5.1.3" },
		{ "FROM:<>", "TO:alice@example.com", "501 5.1.3" },
		{ "FROM:<>", "FROM:<alice@example.com>", "501 5.5.4" },
		{ "FROM:<>", "TO:<joe@other.example>", "550 5.7.1" },
		{ "FROM:<>", "TO:<j\xc3\xb6rg@example.com>", "553 5.6.7" },
		{ "FROM:<> SMTPUTF8", "TO:<j\xc3\xb6rg@example.com>", "550 5.1.1" },
		{ "FROM:<>", "TO:<alice@example.com> NOTIFY=NEVER", "555 5.5.4" },
		{ "FROM:<>", "TO:<alice@example.com> X=Y", "555 5.5.4" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		char mail[200], rcpt[200];
		struct line lines[] = { HELLO, { mail, rows[i].rcpt ? "250" : rows[i].expect }, { rcpt, rows[i].expect } };
		const char *trouble;

		snprintf(mail, sizeof mail, "MAIL %s\r\n", rows[i].mail);
		snprintf(rcpt, sizeof rcpt, "RCPT %s\r\n", rows[i].rcpt ? rows[i].rcpt : "");
		trouble = talk(SERVICE_SMTP, lines, rows[i].rcpt ? 4 : 3);
		if (trouble)
			fail_msg("row %zu: %s", i, trouble);
	}
}

static void stray_ends(void **state)
{
	static char longest[LIMIT_COMMAND + 1], too_long[LIMIT_COMMAND + 2], mail[LIMIT_COMMAND_LINE + 1];
	static char huge[3 * LIMIT_AUTH_LINE];
	struct line lines[] = {
		HELLO,
		{ "NOOP\nMAIL FROM:<a@b>\r\n", "500 5.5.2" }, { "NOOP\rNOOP\r\n", "500 5.5.2" },
		{ "NOOP\n", "" }, { "\r\n", "500 5.5.2" },
		{ longest, "250" }, { too_long, "500 5.5.2" }, { mail, "250" }, { "RSET\r\n", "250" }, { huge, "500 5.5.2" }, { "NOOP\r\n", "250 2.0.0" },
		FROM, TO, { "RCPT TO:<alice@example.com>\nDATA\r\n", "500 5.5.2" }, { "RSET\r\n", "250" },
		QUIT,
	};

	(void)state;
	snprintf(longest, sizeof longest, "NOOP %*s\r\n", LIMIT_COMMAND - 7, "x");
	snprintf(too_long, sizeof too_long, "NOOP %*s\r\n", LIMIT_COMMAND - 6, "x");
	snprintf(mail, sizeof mail, "MAIL FROM:<a@b.example> %*s\r\n", LIMIT_COMMAND_LINE - 26, "SIZE=1");
	snprintf(huge, sizeof huge, "NOOP %*s\r\n", (int)sizeof huge - 8, "x");
	TALK(SERVICE_SMTP, lines);
}

static void one_message(void **state)
{
	static const struct line lines[] = {
		HELLO, FROM, TO, { "RCPT TO:<al@example.com>\r\n", "250" }, { "RCPT TO:<alice@example.com>\r\n", "250" },
		{ "RCPT TO:<pair@example.com>\r\n", "250" }, DATA,
		{ "Subject: x\r\n\r\n..dot\r\nend\r\n.\r\n", "250 2.0.0 Ok: queued as " }, QUIT,
	};
	const struct envelope *env;

	(void)state;
	TALK(SERVICE_SMTP, lines);
	assert_int_equal(world.queued, 1);
	env = &world.message->env;
	assert_string_equal(text(&env->original_sender), "joe@other.example");
	assert_string_equal(text(&env->sender), "SRS0=joe@srs.example");
	assert_int_equal(env->rcpt_count, 2);
	assert_string_equal(text(&env->rcpts[0].to), "alice@elsewhere.example");
	assert_string_equal(text(&env->rcpts[0].original), "alice@example.com");
	assert_string_equal(text(&env->rcpts[1].to), "bob@elsewhere.example");
	assert_string_equal(text(&env->rcpts[1].original), "pair@example.com");
	assert_int_equal(env->rcpts[0].mark, RCPT_TODO);
	assert_false(env->proven || env->tls || env->smtputf8 || env->eightbit);
	assert_true(str_eq(env->helo, STR("client.example")));
	assert_string_equal(world.protocol, "ESMTP");
	assert_string_equal(world.from_domain, "");
	assert_true(str_eq(buf_str(&world.content), STR("Subject: x\r\n\r\n.dot\r\nend\r\n")));
	assert_int_equal(world.message->content.header, 12);
	assert_int_equal(world.extra.n, 0);
	assert_int_equal(receive_counts(world.receive).messages, 1);
}

static void null_sender_in_tls(void **state)
{
	static const struct line lines[] = {
		SECURE, { "MAIL FROM:<> BODY=8BITMIME SMTPUTF8\r\n", "250" }, TO, DATA, { "\r\n.\r\n", "250" }, QUIT,
	};

	(void)state;
	TALK(SERVICE_SMTP, lines);
	assert_true(address_is_null(&world.message->env.sender));
	assert_true(world.message->env.tls && world.message->env.smtputf8 && world.message->env.eightbit);
	assert_true(world.signed_in_tls);
	assert_string_equal(world.protocol, "UTF8SMTPS");
}

static void pipelined(void **state)
{
	static const struct line lines[] = {
		{ NULL, "220" },
		{ "EHLO c\r\nMAIL FROM:<joe@other.example>\r\nRCPT TO:<alice@example.com>\r\nRCPT TO:<no@example.com>\r\nDATA\r\n",
			"250-" },
		{ NULL, "250 2.1.0" }, { NULL, "250 2.1.5" }, { NULL, "550 5.1.1" }, { NULL, "354" },
		{ "a\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.com>\r\nBDAT 3\r\nb\r\nBDAT 2 LAST\r\ncdNOOP\r\nQUIT\r\n",
			"250 2.0.0 Ok: queued" },
		{ NULL, "250 2.1.0" }, { NULL, "250 2.1.5" }, { NULL, "250 2.0.0 3 octets" }, { NULL, "250 2.0.0 Ok: queued" },
		{ NULL, "250 2.0.0" }, { NULL, "221" }, { NULL, "!closed" },
	};
	static const struct line half_closed[] = {
		{ "HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n", "" }, { "!half", "220" },
		{ NULL, "250" }, { NULL, "250" }, { NULL, "250" }, { NULL, "354" }, { NULL, "250 2.0.0 Ok: queued" }, { NULL, "221" },
	};

	(void)state;
	TALK(SERVICE_SMTP, lines);
	assert_int_equal(world.queued, 2);
	assert_true(str_eq(buf_str(&world.content), STR("b\r\ncd\r\n")));
	world.commit_ms = 50;
	TALK(SERVICE_SMTP, half_closed);
	assert_int_equal(world.queued, 3);
	assert_string_equal(world.protocol, "SMTP");
}

static void many_commands(void **state)
{
	static char noops[6 * 3000 + 1];
	static struct line lines[3002] = { { NULL, "220" }, { noops, "250" } };

	(void)state;
	for (size_t i = 0; i < 3000; i++)
		memcpy(noops + 6 * i, "NOOP\r\n", 6);
	for (size_t i = 2; i < 3001; i++)
		lines[i] = (struct line){ NULL, "250 2.0.0" };
	lines[3001] = (struct line){ "QUIT\r\n", "221" };
	TALK(SERVICE_SMTP, lines);
}

/* What is sent in clear behind STARTTLS closes the door, and is never run. */
static void injection(void **state)
{
	static const struct line lines[] = {
		HELLO, { "STARTTLS\r\nMAIL FROM:<evil@other.example>\r\n", "554 5.5.1" }, { NULL, "!closed" },
	};
	static const struct line forgotten[] = {
		HELLO, FROM, TO, { "RSET\r\n", "250" }, { "STARTTLS\r\n", "220" }, { "!tls", "" },
		{ "MAIL FROM:<a@other.example>\r\n", "503 5.5.1 Send EHLO" }, QUIT,
	};

	(void)state;
	TALK(SERVICE_SMTP, lines);
	TALK(SERVICE_SMTP, forgotten);
	assert_int_equal(world.queued, 0);
}

static void bad_content(void **state)
{
	static const struct { const char *content, *expect; } rows[] = {
		{ "a\nb\r\n.\r\n", "550 5.6.0" }, { "a\rb\r\n.\r\n", "550 5.6.0" },
		{ "a\n.\r\nNOOP\r\n.\r\n", "550 5.6.0" }, { "X-Loop: 1\r\n\r\n.\r\n", "554 5.4.6" },
		{ "\r\nX-Loop: in the body\r\n.\r\n", "250" },
	};
	static const struct line big[] = {
		HELLO, FROM, TO, DATA, { "\r\n", "" }, { "!x 30000", "" }, { ".\r\n", "552 5.3.4" }, { "NOOP\r\n", "250" },
		FROM, TO, DATA, { "!x 3000", "" }, { ".\r\n", "552 5.3.4 The header" }, FROM, QUIT,
	};
	static const struct line nul[] = { HELLO, FROM, TO, DATA, { "a\r\n.\r\n", "250" }, QUIT };

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct line lines[] = { HELLO, FROM, TO, DATA, { rows[i].content, rows[i].expect },
			{ "RCPT TO:<alice@example.com>\r\n", "503" }, QUIT };
		const char *trouble = talk(SERVICE_SMTP, lines, ROWS(lines));

		if (trouble)
			fail_msg("row %zu: %s", i, trouble);
	}
	assert_int_equal(world.queued, 1);
	TALK(SERVICE_SMTP, big);
	assert_int_equal(world.queued, 1);
	TALK(SERVICE_SMTP, nul);
	assert_int_equal(world.queued, 2);
	assert_int_equal(receive_counts(world.receive).refused_messages, 6);
}

static void chunks(void **state)
{
	static const struct line lines[] = {
		HELLO, { "BDAT 4\r\nMAIL", "503 5.5.1" }, { "BDAT 0\r\n", "503" },
		FROM, { "BDAT 8 LAST\r\nNOOP\r\n\r\n", "503 5.5.1 Send RCPT" },
		TO, { "BDAT 0\r\n", "250 2.0.0 0 octets" }, { "BDAT 2\r\na\r", "250 2.0.0 2 octets" }, { "DATA\r\n", "503 5.5.1" },
		{ "RCPT TO:<alice@example.com>\r\n", "503 5.5.1" }, { "MAIL FROM:<>\r\n", "503 5.5.1" },
		{ "BDAT 1\r\n\n", "250" }, { "bdat 5 last\r\n.\r\nb.", "250 2.0.0 Ok: queued" },
		{ "BDAT 0 LAST\r\n", "503 5.5.1" },
		FROM, TO, { "BDAT 3\r\nx\r\n", "250" }, { "BDAT 0 LAST\r\n", "250 2.0.0 Ok: queued" },
		FROM, TO, { "BDAT 3\r\nx\r\n", "250" }, { "RSET\r\n", "250" }, { "BDAT 3 LAST\r\nx\r\n", "503" },
		FROM, TO, { "BDAT 3\r\na\nb", "550 5.6.0" }, { "BDAT 3 LAST\r\na\r\n", "550 5.6.0" },
		FROM, TO, { "BDAT 3000000\r\n", "" }, { "!x 30000", "552 5.3.4" }, { "BDAT 2\r\n\r\n", "552" },
		{ "BDAT 2 LAST\r\n\r\n", "552 5.3.4" }, { "NOOP\r\n", "250" },
		QUIT,
	};
	static const struct { const char *line, *expect; } broken[] = {
		{ "BDAT\r\n", "501 5.5.4" }, { "BDAT x\r\n", "501 5.5.4" }, { "BDAT -1\r\n", "501" }, { "BDAT +1\r\n", "501" },
		{ "BDAT 1 FIRST\r\n", "501" }, { "BDAT 1 LAST 1\r\n", "501" }, { "BDAT 18446744073709551616 LAST\r\n", "552 5.3.4" },
	};

	(void)state;
	TALK(SERVICE_SMTP, lines);
	assert_int_equal(world.queued, 2);
	assert_true(str_eq(buf_str(&world.content), STR("x\r\n")));
	for (size_t i = 0; i < ROWS(broken); i++) {
		struct line one[] = { HELLO, FROM, TO, { broken[i].line, broken[i].expect }, { NULL, "!closed" } };
		const char *trouble = talk(SERVICE_SMTP, one, ROWS(one));

		if (trouble)
			fail_msg("row %zu: %s", i, trouble);
	}
	assert_int_equal(world.queued, 2);
}

/* Past LIMIT_CONTENT_MEMORY the content goes to the file, and comes out as it went in. */
static void large(void **state)
{
	static const struct line lines[] = {
		HELLO, FROM, TO, DATA, { "A: b\r\n\r\n", "" }, { "!x 20000", "" }, { ".\r\n", "250 2.0.0 Ok: queued" },
		FROM, TO, { "BDAT 1000008\r\nA: b\r\n\r\n", "" }, { "!x 10000", "250 2.0.0 1000008" },
		{ "BDAT 1 LAST\r\nz", "250 2.0.0 Ok: queued" }, QUIT,
	};
	struct str at;

	(void)state;
	TALK(SERVICE_SMTP, lines);
	assert_int_equal(world.queued, 2);
	assert_true(world.appends > 20);
	assert_int_equal(world.content.n, 1000008 + 3);
	assert_int_equal(world.message->content.header, 6);
	at = str_skip(buf_str(&world.content), 8);
	for (size_t i = 0; i < 1000000; i += 100)
		assert_true(at.p[i] == 'x' && at.p[i + 97] == 'x' && at.p[i + 98] == '\r' && at.p[i + 99] == '\n');
	assert_true(str_iends(at, STR("\r\nz\r\n")));
	assert_true(world.message->content.memory.n <= LIMIT_CONTENT_MEMORY);
}

static void disk_troubles(void **state)
{
	static const struct line full[] = {
		HELLO, FROM, TO, DATA, { "\r\n", "" }, { "!x 10000", "" }, { ".\r\n", "452 4.3.1" },
		FROM, TO, DATA, { "a\r\n.\r\n", "250" }, QUIT,
	};
	static const struct line no_space[] = { HELLO, FROM, TO, DATA, { "a\r\n.\r\n", "452 4.3.1" }, FROM, QUIT };
	static const struct line broken[] = { HELLO, FROM, TO, DATA, { "a\r\n.\r\n", "451 4.3.0" }, FROM, QUIT };

	(void)state;
	world.append_error = ENOSPC;
	TALK(SERVICE_SMTP, full);
	assert_int_equal(world.queued, 1);
	assert_int_equal(world.appends, 1);
	assert_int_equal(world.abandoned, 1);
	world.commit_error = EDQUOT;
	TALK(SERVICE_SMTP, no_space);
	world.commit_error = EIO;
	TALK(SERVICE_SMTP, broken);
	assert_int_equal(world.queued, 1);
}

static void recipients(void **state)
{
	static const struct line lines[] = {
		HELLO, FROM, TO, { "RCPT TO:<hole@example.com>\r\n", "250" }, { "RCPT TO:<pair@example.com>\r\n", "250" },
		{ "RCPT TO:<al@example.com>\r\n", "452 4.5.3" }, DATA, { "a\r\n.\r\n", "250 2.0.0 Ok: queued" },
		FROM, { "RCPT TO:<hole@example.com>\r\n", "250" }, DATA, { "\r\n", "" },
		{ "!x 20000", "" }, { ".\r\n", "250 2.0.0 Ok\r\n" }, QUIT,
	};

	(void)state;
	TALK(SERVICE_SMTP, lines);
	assert_int_equal(world.queued, 1);
	assert_int_equal(world.message->env.rcpt_count, 2);
	assert_int_equal(world.appends, 0);
}

static void submitted(void **state)
{
	static const struct line lines[] = {
		ALICE, { "MAIL FROM:<joe@other.example>\r\n", "553 5.7.1" }, { "MAIL FROM:<bob@example.com>\r\n", "553 5.7.1" },
		{ "MAIL FROM:<alice@example.com> RET=HDRS ENVID=e1 AUTH=<>\r\n", "250" },
		{ "RCPT TO:<joe@other.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;joe@other.example\r\n", "250" }, DATA,
		{ "From: Alice <alice@example.com>\r\n\r\nhi\r\n.\r\n", "250 2.0.0 Ok: queued" }, QUIT,
	};
	const struct envelope *env;

	(void)state;
	TALK(SERVICE_SUBMISSION, lines);
	env = &world.message->env;
	assert_string_equal(text(&env->sender), "alice@example.com");
	assert_true(env->proven && env->tls);
	assert_true(str_eq(env->login, STR("alice@example.com")));
	assert_int_equal(env->ret, RET_HDRS);
	assert_true(str_eq(env->envid, STR("e1")));
	assert_int_equal(env->rcpts[0].notify, NOTIFY_SUCCESS | NOTIFY_DELAY);
	assert_true(str_eq(env->rcpts[0].orcpt, STR("rfc822;joe@other.example")));
	assert_string_equal(world.protocol, "ESMTPSA");
	assert_string_equal(world.from_domain, "example.com");
	assert_true(str_starts(buf_str(&world.extra), STR("Date: ")));
	assert_non_null(strstr(buf_text(&world.extra), "\r\nMessage-ID: <"));
	assert_non_null(strstr(buf_text(&world.extra), "@example.com>\r\n"));
}

static void from_fields(void **state)
{
	static const struct { const char *header, *expect; bool date, id; } rows[] = {
		{ "From: alice@example.com\r\nDate: x\r\nmessage-id: <y>\r\n", "250", true, true },
		{ "from : Alice\r\n <alice@example.com>\r\nDate: x\r\n", "250", true, false },
		{ "From: alice@example.com\r\nMessage-ID: <y>\r\n", "250", false, true },
		{ "Subject: none\r\n", "553 5.7.1", false, false },
		{ "From: bob@example.com\r\n", "553 5.7.1", false, false },
		{ "From: alice@example.com, joe@other.example\r\n", "553 5.7.1", false, false },
		{ "From: alice@example.com\r\nFrom: joe@other.example\r\n", "553 5.7.1", false, false },
		{ "From: alice@example.com\r\nFrom : joe@other.example\r\n", "553 5.7.1", false, false },
		{ "From: \"alice@example.com\" <joe@other.example>\r\n", "553 5.7.1", false, false },
		{ "From: nobody:;\r\n", "553 5.7.1", false, false },
		{ "From: <<>>\r\n", "553 5.7.1", false, false },
		{ "\r\nFrom: alice@example.com\r\n", "553 5.7.1", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		char content[300];
		struct line lines[] = { ALICE, { "MAIL FROM:<>\r\n", "250" }, { "RCPT TO:<joe@other.example>\r\n", "250" }, DATA,
			{ content, rows[i].expect }, QUIT };
		const char *trouble;

		snprintf(content, sizeof content, "%s\r\nbody\r\n.\r\n", rows[i].header);
		buf_clear(&world.extra);
		trouble = talk(SERVICE_SUBMISSION, lines, ROWS(lines));
		if (trouble)
			fail_msg("row %zu: %s", i, trouble);
		if (rows[i].expect[0] != '2')
			continue;
		row_true(i, (strstr(buf_text(&world.extra), "Date: ") == NULL) == rows[i].date);
		row_true(i, (strstr(buf_text(&world.extra), "Message-ID: ") == NULL) == rows[i].id);
	}
	assert_int_equal(world.queued, 3);
}

static void normalized(void **state)
{
	static const struct line lines[] = {
		ALICE, { "MAIL FROM:<alice@example.com>\r\n", "250" }, { "RCPT TO:<joe@other.example>\r\n", "250" }, DATA,
		{ "From: alice@example.com\n\nhi\n.\nthere\r\n.\r\n", "250" }, QUIT,
	};
	static const struct line other[] = { HELLO, FROM, TO, DATA, { "a\nb\r\n.\r\n", "550 5.6.0" }, QUIT };

	(void)state;
	world.options.normalize = true;
	TALK(SERVICE_SUBMISSION, lines);
	assert_true(str_eq(buf_str(&world.content), STR("From: alice@example.com\r\n\r\nhi\r\n.\r\nthere\r\n")));
	TALK(SERVICE_SMTP, other);
	assert_int_equal(world.queued, 1);
}

static void quota(void **state)
{
	static const struct line lines[] = {
		ALICE, { "MAIL FROM:<alice@example.com>\r\n", "250" }, { "RCPT TO:<a@other.example>\r\n", "250" },
		{ "RCPT TO:<b@other.example>\r\n", "250" }, { "RCPT TO:<c@other.example>\r\n", "450 4.7.1" }, QUIT,
	};
	static const struct line again[] = {
		ALICE, { "MAIL FROM:<alice@example.com>\r\n", "250" }, { "RCPT TO:<d@other.example>\r\n", "450 4.7.1" }, QUIT,
	};

	(void)state;
	world.options.account_recipients_per_day = 2;
	TALK(SERVICE_SUBMISSION, lines);
	TALK(SERVICE_SUBMISSION, again);
}

static void too_many(void **state)
{
	static const struct line errors[] = {
		HELLO, { "X\r\n", "500" }, { "X\r\n", "500" }, { "X\r\nNOOP\r\n", "500" }, { NULL, "421 4.7.0" }, { NULL, "!closed" },
	};
	static const struct line forgiven[] = {
		HELLO, { "X\r\n", "500" }, { "X\r\n", "500" }, FROM, TO, DATA, { ".\r\n", "250" },
		{ "X\r\n", "500" }, { "X\r\n", "500" }, { "NOOP\r\n", "250" },
		FROM, TO, DATA, { ".\r\n", "250" }, { "MAIL FROM:<>\r\n", "421 4.7.0" }, { NULL, "!closed" },
	};

	(void)state;
	world.options.errors = 3;
	world.options.messages_per_session = 2;
	TALK(SERVICE_SMTP, errors);
	TALK(SERVICE_SMTP, forgiven);
}

static void too_slow(void **state)
{
	static const struct line silent[] = { HELLO, { NULL, "421 4.4.2" }, { NULL, "!closed" } };
	static const struct line drip[] = {
		HELLO, { "N", "" }, { "!sleep 100", "" }, { "O", "" }, { "!sleep 100", "" }, { "O", "" }, { "!sleep 100", "" },
		{ NULL, "421 4.4.2" }, { NULL, "!closed" },
	};
	static const struct line slow_data[] = {
		HELLO, FROM, TO, DATA, { "a", "" }, { "!sleep 150", "" }, { "b", "" }, { "!sleep 150", "" }, { "c", "" },
		{ NULL, "421 4.4.2" }, { NULL, "!closed" },
	};
	static const struct line busy[] = {
		HELLO, { "!sleep 150", "" }, { "NOOP\r\n", "250" }, { "!sleep 150", "" }, { "NOOP\r\n", "250" },
		{ "!sleep 150", "" }, { "NOOP\r\n", "250" }, { "!sleep 150", "" }, { "NOOP\r\n", "250" }, { "!sleep 250", "" },
		{ NULL, "421 4.4.2" }, { NULL, "!closed" },
	};

	int64_t began;

	(void)state;
	world.options.command_time = 250;
	TALK(SERVICE_SMTP, silent);
	TALK(SERVICE_SMTP, drip);
	world.options.session_time = 700;
	TALK(SERVICE_SMTP, busy);
	world.options.session_time = world.options.command_time = 10000;
	world.options.data_time = 500;
	began = clock_mono();
	TALK(SERVICE_SMTP, slow_data);
	assert_in_range(clock_mono() - began, 500, 5000);
	assert_int_equal(world.queued, 0);
}

/* The client hangs up before its 250: what was committed stays ours. */
static void gone_after_the_dot(void **state)
{
	static const struct line lines[] = { HELLO, FROM, TO, DATA, { "a\r\n.\r\n", "" }, { "!sleep 50", "" }, { "!close", "" } };
	static const struct line before[] = { HELLO, FROM, TO, DATA, { "a\r\n.\r", "" }, { "!close", "" } };

	(void)state;
	world.commit_ms = 150;
	TALK(SERVICE_SMTP, lines);
	assert_int_equal(world.queued, 1);
	TALK(SERVICE_SMTP, before);
	assert_int_equal(world.queued, 1);
	assert_int_equal(receive_counts(world.receive).sessions, 0);
}

static bool is_stopped;

static void stopped(void *arg)
{
	(void)arg;
	is_stopped = true;
}

static void stop_now(void *max_wait)
{
	receive_stop(world.receive, *(int64_t *)max_wait, stopped, NULL);
}

static void stop_later(int64_t *max_wait, const struct line *lines, size_t n)
{
	struct timer *t = timer_new(world.loop, stop_now, max_wait);

	is_stopped = false;
	timer_set(t, 100);
	talk_check(__LINE__, SERVICE_SMTP, lines, n);
	for (int i = 0; i < 100 && !is_stopped; i++) {
		/* its callback comes in the round after the last session went */
		struct job *soon = loop_later(world.loop, (void (*)(void *))loop_stop, world.loop);

		(void)soon;
		loop_run(world.loop);
	}
	timer_destroy(&t);
	assert_true(is_stopped);
	receive_destroy(&world.receive);
}

static void stopping(void **state)
{
	static const struct line idle[] = { HELLO, { NULL, "421 4.3.2" }, { NULL, "!closed" } };
	static const struct line busy[] = {
		HELLO, FROM, TO, DATA, { "!sleep 200", "" }, { "a\r\n.\r\n", "250 2.0.0 Ok: queued" }, { NULL, "421 4.3.2" },
		{ NULL, "!closed" },
	};
	static const struct line stuck[] = { HELLO, FROM, { NULL, "421 4.3.2" }, { NULL, "!closed" } };
	int64_t long_wait = 10000, short_wait = 100;

	(void)state;
	stop_later(&long_wait, idle, ROWS(idle));
	stop_later(&long_wait, busy, ROWS(busy));
	assert_int_equal(world.queued, 1);
	stop_later(&short_wait, stuck, ROWS(stuck));
}

static void crowds(void **state)
{
	static const struct line lines[] = { HELLO, QUIT };
	static const struct line refused[] = { { NULL, "421 4.7.0 mx.example.com Too many new connections" },
		{ NULL, "!closed" } };

	(void)state;
	TALK(SERVICE_SMTP, lines);
	for (int i = 0; i < 10; i++)
		assert_true(server_enter(world.receive));
	assert_false(server_enter(world.receive));
	for (int i = 0; i < 10; i++)
		server_leave(world.receive);
	assert_int_equal(receive_counts(world.receive).sessions, 0);
	world.options.network_connections_per_minute = 2;
	TALK(SERVICE_SMTP, lines);
	TALK(SERVICE_SMTP, refused);
	TALK(SERVICE_SUBMISSION, refused);
	assert_int_equal(receive_counts(world.receive).limited, 2);
}

#define SESSION_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(hello), SESSION_TEST(submission_hello), SESSION_TEST(order), SESSION_TEST(paths),
		SESSION_TEST(stray_ends), SESSION_TEST(one_message), SESSION_TEST(null_sender_in_tls), SESSION_TEST(pipelined),
		SESSION_TEST(many_commands), SESSION_TEST(injection), SESSION_TEST(bad_content), SESSION_TEST(chunks),
		SESSION_TEST(large), SESSION_TEST(disk_troubles), SESSION_TEST(recipients), SESSION_TEST(submitted),
		SESSION_TEST(from_fields), SESSION_TEST(normalized), SESSION_TEST(quota), SESSION_TEST(too_many),
		SESSION_TEST(too_slow), SESSION_TEST(gone_after_the_dot), SESSION_TEST(stopping), SESSION_TEST(crowds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
