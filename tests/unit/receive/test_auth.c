/* Who may log in, how, and what guessing costs. */
#include "../unit.h"

#include "auth.h"
#include "parts.h"
#include "talk.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

#define SECURE { "!tls", "" }, { NULL, "220 " }, { "EHLO c\r\n", "250-" }
#define QUIT  { "QUIT\r\n", "221 2.0.0" }, { NULL, "!closed" }

#define ALICE_RIGHT "AGFsaWNlQGV4YW1wbGUuY29tAHNlY3JldA=="
#define ALICE_WRONG "AGFsaWNlQGV4YW1wbGUuY29tAHdyb25n"
#define BOB_RIGHT   "AGJvYkBleGFtcGxlLmNvbQBzZWNyZXQ="
#define BOB_WRONG   "AGJvYkBleGFtcGxlLmNvbQB3cm9uZw=="
#define NOBODY      "AG5vYm9keUBleGFtcGxlLmNvbQBzZWNyZXQ="

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

static void exchanges(void **state)
{
	static const struct { struct line lines[6]; } rows[] = {
		{ { { "AUTH PLAIN " ALICE_RIGHT "\r\n", "235 2.7.0" }, { "AUTH PLAIN x\r\n", "503 5.5.1" }, { "MAIL FROM:<>\r\n", "250" } } },
		{ { { "auth plain\r\n", "334 \r\n" }, { BOB_RIGHT "\r\n", "235" } } },
		{ { { "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n" }, { "YWxpY2VAZXhhbXBsZS5jb20=\r\n", "334 UGFzc3dvcmQ6\r\n" },
			{ "c2VjcmV0\r\n", "235" } } },
		{ { { "AUTH LOGIN YWxpY2VAZXhhbXBsZS5jb20=\r\n", "334 UGFzc3dvcmQ6\r\n" }, { "c2VjcmV0\r\n", "235" } } },
		/* an identity: only one's own, case is nothing */
		{ { { "AUTH PLAIN YWxpY2VAZXhhbXBsZS5jb20AQUxJQ0VAZXhhbXBsZS5jb20Ac2VjcmV0\r\n", "235" } } },
		{ { { "AUTH PLAIN Ym9iQGV4YW1wbGUuY29tAGFsaWNlQGV4YW1wbGUuY29tAHNlY3JldA==\r\n", "535 5.7.8" } } },
		/* given up, or not understood */
		{ { { "AUTH PLAIN\r\n", "334" }, { "*\r\n", "501 5.7.0" }, { "NOOP\r\n", "250" } } },
		{ { { "AUTH LOGIN\r\n", "334" }, { "*\r\n", "501" }, { "AUTH PLAIN " BOB_RIGHT "\r\n", "235" } } },
		{ { { "AUTH PLAIN !\r\n", "501 5.5.2" }, { "AUTH PLAIN =\r\n", "501 5.5.2" }, { "AUTH PLAIN eA==\r\n", "501" } } },
		{ { { "AUTH PLAIN AGFsaWNlQGV4YW1wbGUuY29tAA==\r\n", "501" },
			{ "AUTH PLAIN AGFsaWNlQGV4YW1wbGUuY29tAHNlYwByZXQ=\r\n", "501" } } },
		{ { { "AUTH PLAIN\r\n", "334" }, { "a\nb\r\n", "500 5.5.2" }, { "NOOP\r\n", "250" } } },
		{ { { "AUTH LOGIN =\r\n", "501" }, { "AUTH\r\n", "501 5.5.4" }, { "AUTH PLAIN a b\r\n", "501 5.5.4" },
			{ "AUTH CRAM-MD5\r\n", "504 5.5.4" } } },
		{ { { "MAIL FROM:<>\r\n", "530 5.7.0" }, { "AUTH PLAIN " ALICE_RIGHT "\r\n", "235" }, { "EHLO c\r\n", "250-" },
			{ "MAIL FROM:<>\r\n", "250" }, { "AUTH PLAIN x\r\n", "503 5.5.1" } } },
	};
	static const struct line secure[] = { SECURE };

	(void)state;
	world.options.auth_failures = 100;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct line lines[16];
		size_t n = 0;
		const char *trouble;

		for (; n < ROWS(secure); n++)
			lines[n] = secure[n];
		for (size_t k = 0; k < 6 && rows[i].lines[k].expect; k++)
			lines[n++] = rows[i].lines[k];
		trouble = talk(SERVICE_SUBMISSIONS, lines, n);
		if (trouble)
			fail_msg("row %zu: %s", i, trouble);
	}
}

static void long_line(void **state)
{
	static char line[LIMIT_AUTH_LINE + 100];
	static const struct line lines[] = {
		SECURE, { "AUTH PLAIN\r\n", "334" }, { line, "500 5.5.6" }, { "NOOP\r\n", "250" },
		{ "AUTH LOGIN\r\n", "334" }, { "YWxpY2VAZXhhbXBsZS5jb20=\r\n", "334" }, { line + 100, "535 5.7.8" }, QUIT,
	};

	(void)state;
	memset(line, 'A', sizeof line);
	memcpy(line + sizeof line - 3, "\r\n", 3);
	memcpy(line + sizeof line - 5, "==", 2);
	/* the second use is decoded: a multiple of four, a password that no account can have */
	while ((strlen(line + 100) - 2) % 4 != 0)
		memmove(line + sizeof line - 6, line + sizeof line - 5, 5);
	TALK(SERVICE_SUBMISSIONS, lines);
}

/* The same answer for all that is wrong; each one later; then AUTH, and only AUTH, is closed to the network. */
static void guessing(void **state)
{
	static const struct line lines[] = {
		SECURE, { "AUTH PLAIN " ALICE_WRONG "\r\n", "535 5.7.8 Authentication failed: unknown login or wrong password\r\n" },
		{ "AUTH PLAIN " NOBODY "\r\n", "535 5.7.8 Authentication failed: unknown login or wrong password\r\n" },
		{ "AUTH PLAIN " BOB_WRONG "\r\n", "535 5.7.8 Authentication failed: unknown login or wrong password\r\n" },
		{ "AUTH PLAIN " BOB_RIGHT "\r\n", "454 4.7.0" }, QUIT,
	};
	static const struct line still[] = { SECURE, { "AUTH PLAIN " BOB_RIGHT "\r\n", "454 4.7.0" }, QUIT };
	static const struct line mail[] = { { NULL, "220" }, { "EHLO c\r\n", "250-" }, { "MAIL FROM:<>\r\n", "250" },
		{ "RCPT TO:<alice@example.com>\r\n", "250" }, QUIT };
	static const struct line elsewhere[] = { SECURE, { "AUTH PLAIN " BOB_RIGHT "\r\n", "235" }, QUIT };
	int64_t began = clock_mono();

	(void)state;
	TALK(SERVICE_SUBMISSIONS, lines);
	assert_true(clock_mono() - began >= LIMIT_AUTH_DELAY * (1 + 2 + 4));
	TALK(SERVICE_SUBMISSIONS, still);
	TALK(SERVICE_SMTP, mail);
	talk_from("192.0.2.2");
	TALK(SERVICE_SUBMISSIONS, elsewhere);
	assert_int_equal(receive_counts(world.receive).auth_failed, 3);
	assert_int_equal(receive_counts(world.receive).auth_ok, 1);
}

/* Where an account has logged in lately it may go on trying; others from there may not. A restart keeps that. */
static void spared(void **state)
{
	static const struct line login[] = { SECURE, { "AUTH PLAIN " ALICE_RIGHT "\r\n", "235" }, QUIT };
	static const struct line wrong[] = { SECURE, { "AUTH PLAIN " ALICE_WRONG "\r\n", "535" }, QUIT };
	static const struct line bob[] = { SECURE, { "AUTH PLAIN " BOB_WRONG "\r\n", "535" }, QUIT };
	static const struct line bob_banned[] = { SECURE, { "AUTH PLAIN " BOB_RIGHT "\r\n", "454" }, QUIT };

	(void)state;
	world.options.auth_failures = 2;
	TALK(SERVICE_SUBMISSIONS, login);
	receive_destroy(&world.receive);
	TALK(SERVICE_SUBMISSIONS, wrong);
	TALK(SERVICE_SUBMISSIONS, wrong);
	TALK(SERVICE_SUBMISSIONS, login);
	TALK(SERVICE_SUBMISSIONS, bob);
	TALK(SERVICE_SUBMISSIONS, bob_banned);
	TALK(SERVICE_SUBMISSIONS, login);
}

/* The table alone: delays, the window, expiry of what is known. */
static void tally(void **state)
{
	struct inet_addr a = { .ip = { 198, 51, 100, 1 } }, b = { .ip = { 198, 51, 100, 2 } };
	struct str alice = STR("alice@example.com"), bob = STR("bob@example.com");
	struct auth *auth;

	(void)state;
	world.options.auth_failures = 100;
	world.options.auth_failures_window = 150;
	auth = auth_create(&world.options, world.loop, world.state_dir);
	assert_int_equal(auth_note(auth, &a, alice, true), 0);
	assert_int_equal(auth_note(auth, &a, alice, false), 500);
	assert_int_equal(auth_note(auth, &a, alice, false), 1000);
	assert_int_equal(auth_note(auth, &a, bob, false), 2000);
	for (int i = 0; i < 10; i++)
		assert_in_range(auth_note(auth, &a, bob, false), 4000, 8000);
	assert_int_equal(auth_note(auth, &a, alice, true), 0);
	/* bob was guessed at from a, so he waits at b too, where nobody knows him; alice does not */
	assert_int_equal(auth_note(auth, &b, bob, true), 8000);
	assert_int_equal(auth_note(auth, &b, alice, true), 0);
	usleep(200 * 1000);
	assert_int_equal(auth_note(auth, &a, bob, false), 500);
	auth_destroy(&auth);
	world.options.auth_failures = 1;
	auth = auth_create(&world.options, world.loop, world.state_dir);
	assert_int_equal(auth_note(auth, &a, STR("x"), false), 500);
	assert_false(auth_may_try(auth, &a, STR("x")));
	assert_false(auth_may_try(auth, &a, bob));
	assert_true(auth_may_try(auth, &a, alice));
	assert_true(auth_may_try(auth, &b, STR("x")));
	world.options.auth_known = 1;
	usleep(5000);
	assert_false(auth_may_try(auth, &a, alice));
	auth_destroy(&auth);
}

static void bad_file(void **state)
{
	struct inet_addr a = { .ip = { 198, 51, 100, 1 } };
	char path[128];
	struct auth *auth;
	FILE *f;

	(void)state;
	world.options.auth_failures = 1;
	snprintf(path, sizeof path, "%s/auth-known", world.state_dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "rubbish\n\n198.51.100.1\n198.51.100.1 a%%2\n198.51.100.1 alice 99999999999999999\n198.51.100.1 bob x\n"
		"198.51.100.1 carol %lld\n198.51.100.1 dave 1", (long long)(clock_wall() / 1000));
	fclose(f);
	auth = auth_create(&world.options, world.loop, world.state_dir);
	auth_note(auth, &a, STR("x"), false);
	assert_true(auth_may_try(auth, &a, STR("carol")));
	assert_false(auth_may_try(auth, &a, STR("alice")));
	assert_false(auth_may_try(auth, &a, STR("bob")));
	assert_false(auth_may_try(auth, &a, STR("dave")));
	auth_destroy(&auth);
}

static void right(void *waiter, bool is_right)
{
	*(bool *)waiter = is_right;
	loop_stop(world.loop);
}

static void too_late(void *arg)
{
	(void)arg;
	loop_stop(world.loop);
}

/* Clients that hang up keep their workers until the hash is done, and then those who waited get them. */
static void hung_up(void **state)
{
	struct job *gone[LIMIT_AUTH_CHECKS + 1], *job;
	struct timer *timer = timer_new(world.loop, too_late, NULL);
	struct auth *auth = auth_create(&world.options, world.loop, world.state_dir);
	bool never = false, answer = false;

	(void)state;
	for (size_t i = 0; i < ROWS(gone); i++)
		gone[i] = auth_check(auth, &account_bob, STR("secret"), right, &never);
	job = auth_check(auth, &account_bob, STR("secret"), right, &answer);
	for (size_t i = 0; i < ROWS(gone); i++)
		job_cancel(&gone[i]);
	timer_set(timer, SECONDS(20));
	loop_run(world.loop);
	assert_true(answer);
	assert_false(never);
	/* and auth may go before they are done */
	job = auth_check(auth, &account_bob, STR("secret"), right, &never);
	job_cancel(&job);
	auth_destroy(&auth);
	timer_destroy(&timer);
}

#define AUTH_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AUTH_TEST(exchanges), AUTH_TEST(long_line), AUTH_TEST(guessing), AUTH_TEST(spared), AUTH_TEST(tally),
		AUTH_TEST(bad_file), AUTH_TEST(hung_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
