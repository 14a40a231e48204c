/* Whether a sender may be told, and the message that tells. */
#include "../unit.h"

#include "base/limits.h"
#include "base/mem.h"
#include "samples.h"

#include <stdlib.h>

static void who_may_be_told(void **state)
{
	enum { F = BOUNCE_FAILED, D = BOUNCE_DELAYED, R = BOUNCE_RELAYED };
	static const struct {
		const char *sender, *login;
		bool proven;
		unsigned notify;
		int kind;
		bool due;
	} rows[] = {
		{ "bob@example.org", "bob@example.org", true, 0, F, true },
		{ "bob@example.org", "bob@example.org", true, 0, D, true },
		{ "bob@example.org", "bob@example.org", true, 0, R, false },
		/* not our user: bounces if proven, never notices of delay */
		{ "bob@example.org", "", true, 0, F, true },
		{ "bob@example.org", "", true, NOTIFY_DELAY, D, false },
		{ "bob@example.org", "", true, NOTIFY_SUCCESS, R, true },
		/* not proven: nothing, whatever it asks for */
		{ "bob@example.org", "", false, 0, F, false },
		{ "bob@example.org", "", false, NOTIFY_FAILURE | NOTIFY_SUCCESS | NOTIFY_DELAY, F,
			false },
		{ "bob@example.org", "", false, NOTIFY_SUCCESS, R, false },
		{ "bob@example.org", "bob@example.org", false, NOTIFY_DELAY, D, false },
		/* nobody to tell */
		{ "", "bob@example.org", true, NOTIFY_FAILURE, F, false },
		{ "", "", true, 0, F, false },
		/* what NOTIFY says */
		{ "bob@example.org", "x", true, NOTIFY_NEVER, F, false },
		{ "bob@example.org", "x", true, NOTIFY_SUCCESS, F, false },
		{ "bob@example.org", "x", true, NOTIFY_SUCCESS, R, true },
		{ "bob@example.org", "x", true, NOTIFY_FAILURE, F, true },
		{ "bob@example.org", "x", true, NOTIFY_FAILURE, D, false },
		{ "bob@example.org", "x", true, NOTIFY_DELAY, D, true },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct message *m = sample_message("Subject: x\r\n", "");

		m->env.original_sender = (struct address){ STR(""), STR("") };
		if (rows[i].sender[0])
			assert_true(address_parse(
				&m->env.original_sender, str_of(rows[i].sender), m->arena));
		m->env.login = str_of(rows[i].login);
		m->env.proven = rows[i].proven;
		m->env.rcpts[0].notify = rows[i].notify;
		row_true(i, bounce_is_due(m, 0, (enum bounce_kind)rows[i].kind) == rows[i].due);
		message_release(&m);
	}
}

/* Every report: its envelope, and a form that no mail server can object to. */
static void envelope_and_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct sample s;
		size_t line = 0;
		bool ascii = true;

		sample_make(&s, i);
		struct message *dsn = sample_report(&s);
		const struct envelope *env = &dsn->env;

		row_true(
			i, address_is_null(&env->sender) && address_is_null(&env->original_sender));
		row_true(i,
			env->rcpt_count == 1
				&& address_same(&env->rcpts[0].to, &s.m->env.original_sender));
		row_true(i, address_same(&env->rcpts[0].original, &s.m->env.original_sender));
		row_true(i,
			env->rcpts[0].notify == NOTIFY_NEVER && !env->proven
				&& env->client.port == 0);
		row_true(i, !bounce_is_due(dsn, 0, BOUNCE_FAILED));
		row_true(i,
			dsn->content.fd < 0 && dsn->content.size == dsn->content.memory.n
				&& dsn->top.n == 0);
		row_true(i, !dsn->content.memory.over);
		row_true(i,
			(ptrdiff_t)dsn->content.header
				== content_find_header_end(buf_str(&dsn->content.memory)));
		for (size_t at = 0; at < dsn->content.memory.n; at++) {
			const char *p = dsn->content.memory.p + at;

			ascii = ascii && (unsigned char)*p < 127;
			row_true(i,
				(*p == '\r') == (at + 1 < dsn->content.memory.n && p[1] == '\n'));
			row_true(i, *p != '\0');
			line = *p == '\n' ? 0 : line + 1;
			row_true(i, line < 998);
		}
		row_true(i, line == 0);
		row_true(i, env->eightbit == !ascii);
		row_true(i, env->smtputf8 == address_is_utf8(&s.m->env.original_sender));
		row_true(i,
			memmem(dsn->content.memory.p, dsn->content.memory.n, "secret", 6) == NULL);
		message_release(&dsn);
		sample_finish(&s);
	}
}

static bool has(const struct message *m, const char *text)
{
	return memmem(m->content.memory.p, m->content.memory.n, text, strlen(text)) != NULL;
}

/* RET=FULL is honoured while it can be, and gives way to the header where it can't. */
static void how_much_of_the_original(void **state)
{
	static const struct {
		enum envelope_ret ret;
		const char *body;
		size_t fill;
		bool whole;
	} rows[] = {
		{ RET_FULL, "BODY\r\n", 0, true },
		{ RET_HDRS, "BODY\r\n", 0, false },
		{ RET_UNSAID, "BODY\r\n", 0, false },
		{ RET_FULL, "BODY without an end", 0, true },
		{ RET_FULL, "BODY\nbare\r\n", 0, false },
		{ RET_FULL, "BODY\rbare\r\n", 0, false },
		{ RET_FULL, "BODY", 990, false },
		{ RET_FULL, "BODY\r\n", 900, true },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct sample s = { .kind = BOUNCE_FAILED, .n = 1 };
		char *body = mem_alloc(3000);

		memcpy(body, rows[i].body, strlen(rows[i].body));
		memset(body + strlen(body), 'x', rows[i].fill);
		s.m = sample_message("Subject: x\r\n", body);
		s.m->env.ret = rows[i].ret;
		reply_set(&s.entries[0].reply, 550, "5.1.1", "No");
		struct message *dsn = sample_report(&s);
		row_true(i, has(dsn, "BODY") == rows[i].whole);
		row_true(i, has(dsn, "Subject: x"));
		message_release(&dsn);
		sample_finish(&s);
		free(body);
	}
}

/* A large message, in memory to its limit and in a file beyond. */
static void large_originals(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct sample s = { .kind = BOUNCE_FAILED, .n = 1 };

		s.m = sample_message("Subject: x\r\n", "BODY\r\n");
		s.m->env.ret = RET_FULL;
		while (s.m->content.memory.n + 64 <= LIMIT_CONTENT_MEMORY)
			buf_add_str(&s.m->content.memory,
				STR("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
				    "\r\n"));
		s.m->content.size = s.m->content.memory.n + (i ? 100000 : 0);
		reply_set(&s.entries[0].reply, 550, "5.1.1", "No");
		struct message *dsn = sample_report(&s);
		row_true(i, has(dsn, "BODY") == (i == 0));
		row_true(i, !dsn->content.memory.over);
		message_release(&dsn);
		sample_finish(&s);
	}
}

/* Thousands of recipients with the longest replies: bounded, and still a report. */
static void very_many_recipients(void **state)
{
	enum { MANY = 3000 };
	struct message *m = sample_message("Subject: x\r\n", "");
	struct recipient *all = arena_alloc(m->arena, MANY * sizeof *all);
	struct bounce_entry *entries = mem_alloc(MANY * sizeof *entries);
	char text[LIMIT_REPLY_TEXT];

	(void)state;
	memset(text, 'z', sizeof text);
	text[sizeof text - 1] = '\0';
	for (size_t i = 0; i < MANY; i++) {
		all[i] = m->env.rcpts[0];
		all[i].original.local = str_of(arena_printf(m->arena, "rcpt%zu", i));
		entries[i].rcpt = i;
		reply_set(&entries[i].reply, 550, "5.1.1", "%s", text);
	}
	m->env.rcpts = all;
	m->env.rcpt_count = MANY;
	struct message *dsn = bounce_make(m, BOUNCE_FAILED, entries, MANY, "mx.example.com", 0);

	assert_false(dsn->content.memory.over);
	assert_true(dsn->content.size < (size_t)LIMIT_BOUNCE + LIMIT_CONTENT_MEMORY);
	assert_true(has(dsn, "and 2900 more"));
	assert_true(has(dsn, "Final-Recipient: rfc822; rcpt1000@example.com"));
	assert_true(has(dsn, "Subject: x"));
	assert_memory_equal(dsn->content.memory.p + dsn->content.memory.n - 4, "--\r\n", 4);
	message_release(&dsn);
	message_release(&m);
	free(entries);
}

static void no_two_alike(void **state)
{
	struct sample s;

	(void)state;
	sample_make(&s, 0);
	struct message *one = sample_report(&s), *two = sample_report(&s);
	const char *a = memmem(one->content.memory.p, one->content.memory.n, "boundary=", 9);
	const char *b = memmem(two->content.memory.p, two->content.memory.n, "boundary=", 9);

	assert_non_null(a);
	assert_non_null(b);
	assert_memory_not_equal(a, b, 40);
	assert_true(one->id != two->id);
	message_release(&one);
	message_release(&two);
	sample_finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(who_may_be_told),
		cmocka_unit_test(envelope_and_form), cmocka_unit_test(how_much_of_the_original),
		cmocka_unit_test(large_originals), cmocka_unit_test(very_many_recipients),
		cmocka_unit_test(no_two_alike) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
