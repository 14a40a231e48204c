/* One connection driven step by step from outside, as it will be while the sender waits; and kept
 * ones. */
#include "../unit.h"
#include "client.h"
#include "pool.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

/* What the owner was told, in order: "ready mail:250 rcpt0:550 over:250 lost:451". */
struct ear {
	char text[2000];
	struct client_loss loss;
	struct client *close_at_rcpt;      /* closed when the first recipient is answered */
};

static void note(struct ear *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(struct ear *e, const char *fmt, ...)
{
	size_t n = strlen(e->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->text + n, sizeof e->text - n, fmt, ap);
	va_end(ap);
}

static void ready(void *owner)
{
	note(owner, "ready ");
}

static void mail(void *owner, const struct reply *r)
{
	note(owner, "mail:%d ", r->code);
}

static void rcpt(void *owner, size_t which, const struct reply *r)
{
	struct ear *e = owner;

	note(e, "rcpt%zu:%d ", which, r->code);
	client_close(&e->close_at_rcpt);
}

static void over(void *owner, const struct reply *r)
{
	note(owner, "over:%d ", r ? r->code : 0);
}

static void lost(void *owner, const struct client_loss *loss)
{
	struct ear *e = owner;

	note(e, "lost:%d ", loss->reply.code);
	e->loss = *loss;
}

static const struct client_calls calls = { ready, mail, rcpt, over, lost };

static struct deliver_options options;
static struct tls_client *tls;
static struct peer *peer;
static struct message *m;

static struct client *open_with(const struct script *script, struct ear *e)
{
	uint16_t port = 0;
	struct client_setup setup = { .loop = world_loop(),
		.tls = tls,
		.options = &options,
		.host = "mx.test",
		.policy = script->tls_first ? TLS_POLICY_REQUIRED : TLS_POLICY_NONE,
		.implicit_tls = script->tls_first };

	memset(e, 0, sizeof *e);
	options = world_options();
	options.command_timeout = 1000;
	peer = peer_create(world_loop(), "127.0.0.21", &port, script);
	assert_true(inet_parse(&setup.to.addr, STR("127.0.0.21")));
	setup.to.port = port;
	struct client *c = client_connect(&setup, &calls, e);

	assert_string_equal(e->text, "");
	world_run(script->tls_first ? 300 : 50);
	return c;
}

static void end(struct client **c)
{
	client_close(c);
	world_run(5);
	peer_destroy(&peer);
}

static void say_mail(struct client *c)
{
	struct wire_mail w = { .sender = &m->env.sender, .ret = RET_UNSAID };

	assert_true(client_mail(c, &w));
}

static void say_rcpt(struct client *c, size_t which)
{
	assert_true(client_rcpt(c, which, &m->env.rcpts[which]));
}

static int set_up(void **state)
{
	struct why why;

	(void)state;
	tls = tls_client_create(&why);
	m = world_message("s@from.test", "a@one.test,550-b@one.test,450-c@one.test,d@one.test",
		"Subject: x\r\n\r\ny\r\n");
	return tls ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	tls_client_destroy(&tls);
	message_release(&m);
	world_finish();
	return 0;
}

static const struct script all_ehlos[] = {
	{ .ehlo = "250 peer" },
	{ .ehlo = "250-peer\r\n250 PIPELINING" },
	{ .ehlo = "250-peer\r\n250-PIPELINING\r\n250 CHUNKING" },
	{ .ehlo = "250-peer\r\n250 CHUNKING" },
};

/* Each recipient is answered before the next is known; the content comes much later. */
static void step_by_step(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(all_ehlos); i++) {
		struct ear e;
		struct client *c = open_with(&all_ehlos[i], &e);

		assert_string_equal(e.text, "ready ");
		say_mail(c);
		world_run(20);
		assert_string_equal(e.text, "ready mail:250 ");
		say_rcpt(c, 0);
		world_run(20);
		say_rcpt(c, 1);
		say_rcpt(c, 2);
		world_run(20);
		assert_string_equal(e.text, "ready mail:250 rcpt0:250 rcpt1:550 rcpt2:450 ");
		assert_false(client_is_reusable(c));
		world_run(1100);        /* longer than a command may take: nothing was asked */
		client_content(c, m);
		assert_string_equal(e.text, "ready mail:250 rcpt0:250 rcpt1:550 rcpt2:450 ");
		world_run(50);
		assert_string_equal(
			e.text, "ready mail:250 rcpt0:250 rcpt1:550 rcpt2:450 over:250 ");
		row_text(i, peer_content(peer), STR("X-Top: 1\r\nSubject: x\r\n\r\ny\r\n"));
		assert_true(client_is_reusable(c));
		/* and once more on the same connection, all in one go */
		say_mail(c);
		say_rcpt(c, 3);
		client_content(c, m);
		world_run(50);
		assert_non_null(strstr(e.text, "over:250 mail:250 rcpt3:250 over:250 "));
		assert_int_equal(client_used(c), 2);
		assert_int_equal(peer_connections(peer), 1);
		end(&c);
	}
}

/* Content for nobody is never sent, and the connection is good for the next. */
static void all_were_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(all_ehlos); i++) {
		struct ear e;
		struct client *c = open_with(&all_ehlos[i], &e);

		say_mail(c);
		say_rcpt(c, 1);
		world_run(20);
		client_content(c, m);
		/* not from inside the call */
		assert_string_equal(e.text, "ready mail:250 rcpt1:550 ");
		world_run(20);
		assert_string_equal(e.text, "ready mail:250 rcpt1:550 over:0 ");
		assert_null(strstr(peer_talk(peer), "DATA"));
		assert_null(strstr(peer_talk(peer), "BDAT"));
		assert_non_null(strstr(peer_talk(peer), "|RSET"));
		assert_true(client_is_reusable(c));
		end(&c);
	}
}

static void sender_refused(void **state)
{
	static const struct script refuses = { .mail = "550 5.7.1 no" };
	struct ear e;
	struct client *c = open_with(&refuses, &e);

	(void)state;
	say_mail(c);
	world_run(20);
	/* a refused sender ends the transaction by itself */
	assert_string_equal(e.text, "ready mail:550 over:0 ");
	assert_true(client_is_reusable(c));
	end(&c);
}

/* More recipients than may be sent ahead of their answers. */
static void long_pipeline(void **state)
{
	struct ear e;
	struct client *c = open_with(&all_ehlos[1], &e);
	size_t n = 0;

	(void)state;
	say_mail(c);
	for (int i = 0; i < LIMIT_PIPELINED + 50; i++)
		say_rcpt(c, 0);
	client_content(c, m);
	world_run(300);
	for (const char *p = e.text; (p = strstr(p, "rcpt0:250 ")); p++)
		n++;
	assert_int_equal(n, LIMIT_PIPELINED + 50);
	assert_non_null(strstr(e.text, "over:250 "));
	end(&c);
}

static void closed_from_its_callback(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(all_ehlos); i++) {
		struct ear e;
		struct client *c = open_with(&all_ehlos[i], &e);

		e.close_at_rcpt = c;
		say_mail(c);
		say_rcpt(c, 0);
		say_rcpt(c, 1);
		client_content(c, m);
		world_run(50);
		assert_string_equal(e.text, "ready mail:250 rcpt0:250 ");
		assert_int_equal(m->refs, 1);
		c = NULL;
		end(&c);
	}
}

/* The next hop goes away while nothing is asked of it. */
static void lost_while_waiting(void **state)
{
	static const struct { const char *last_words; int code;
	} rows[] = {
		{ NULL, 451 },
		{ "421 4.3.2 restarting\r\n", 421 },
		{ "550 5.0.0 surprise\r\n", 451 },
	};
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear e;
		struct client *c = open_with(&all_ehlos[1], &e);

		say_mail(c);
		say_rcpt(c, 0);
		world_run(20);
		if (rows[i].last_words)
			peer_say(peer, rows[i].last_words);
		else
			peer_hang_up(peer);
		world_run(20);
		row_true(i, strncmp(e.text, "ready mail:250 rcpt0:250 lost:4", 31) == 0);
		row_true(i, e.loss.reply.code == rows[i].code);
		row_true(i, !e.loss.unknown && !e.loss.stale && !e.loss.unreachable);
		end(&c);
	}
}

static void tls_from_the_first_byte(void **state)
{
	static const struct script implicit = { .tls_first = true,
		.ehlo = "250-peer\r\n250 PIPELINING" };
	struct ear e;
	struct client *c = open_with(&implicit, &e);

	(void)state;
	assert_string_equal(e.text, "ready ");
	assert_string_equal(client_tls(c), "encrypted");
	assert_true(strncmp(peer_talk(peer), "+(tls)|EHLO me.test", 19) == 0);
	end(&c);
}

static void unreachable(void **state)
{
	static const struct script absent = { .absent = true };
	struct ear e;
	struct client *c = open_with(&absent, &e);

	(void)state;
	assert_string_equal(e.text, "lost:451 ");
	assert_true(e.loss.unreachable && !e.loss.no_route);
	assert_non_null(strstr(e.loss.reply.text, "mx.test[127.0.0.21]"));
	assert_string_equal(e.loss.reply.by, "");
	end(&c);
}

/* What can't be said is not half said. */
static void unsayable(void **state)
{
	struct ear e;
	struct client *c = open_with(&all_ehlos[0], &e);
	struct address bad = { STR("a\r\nRSET"), STR("b.test") };
	struct recipient r = { .to = bad };
	struct wire_mail w = { .sender = &bad };

	(void)state;
	assert_false(client_mail(c, &w));
	assert_true(client_is_reusable(c));
	say_mail(c);
	assert_false(client_rcpt(c, 0, &r));
	say_rcpt(c, 0);
	client_content(c, m);
	world_run(50);
	assert_string_equal(e.text, "ready mail:250 rcpt0:250 over:250 ");
	assert_null(strstr(peer_talk(peer), "RSET"));
	end(&c);
}

/* A long name leaves room for the address. */
static void a_long_name(void **state)
{
	static const struct script usual = { .ehlo = "250 peer", .mail = "450 no" };
	uint16_t port = 0;
	char name[250];
	struct ear e = { 0 };
	struct client_setup setup = {
		.loop = world_loop(), .tls = tls, .options = &options, .host = name
	};

	(void)state;
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = 0;
	options = world_options();
	peer = peer_create(world_loop(), "127.0.0.21", &port, &usual);
	assert_true(inet_parse(&setup.to.addr, STR("127.0.0.21")));
	setup.to.port = port;
	struct client *c = client_connect(&setup, &calls, &e);

	world_run(50);
	assert_non_null(strstr(client_relay(c), "x[127.0.0.21]:"));
	peer_say(peer, "421 bye\r\n");
	world_run(20);
	assert_non_null(strstr(e.loss.reply.by, "x[127.0.0.21]"));
	end(&c);
}

static void pool_bounds(void **state)
{
	struct ear e[4];
	struct pool *p = pool_create(world_loop(), 3, 2, 5000);
	uint16_t port = 0;
	struct client_setup setup = {
		.loop = world_loop(), .tls = tls, .options = &options, .host = "mx.test"
	};
	static const char *const keys[] = { "a", "a", "a", "b" };
	static const size_t counts[] = { 1, 2, 2, 3 };

	(void)state;
	options = world_options();
	peer = peer_create(world_loop(), "127.0.0.21", &port, &all_ehlos[1]);
	assert_true(inet_parse(&setup.to.addr, STR("127.0.0.21")));
	setup.to.port = port;
	for (int i = 0; i < 4; i++) {
		memset(&e[i], 0, sizeof e[i]);
		struct client *c = client_connect(&setup, &calls, &e[i]);

		world_run(50);
		pool_give(p, keys[i], &c);
		assert_null(c);
		/* two of one key at most */
		assert_int_equal(pool_count(p), counts[i]);
	}
	for (int i = 0; i < 2; i++) {
		struct client *c = client_connect(&setup, &calls, &e[0]);

		world_run(50);
		pool_give(p, i ? "d" : "c", &c);
		/* three in all: the oldest goes */
		assert_int_equal(pool_count(p), 3);
	}
	assert_false(pool_has(p, "a"));
	assert_true(pool_has(p, "b") && pool_has(p, "c") && pool_has(p, "d"));
	/* one that isn't ready is not kept */
	struct client *c = client_connect(&setup, &calls, &e[1]);

	pool_give(p, "e", &c);
	assert_null(c);
	assert_false(pool_has(p, "e"));
	assert_null(pool_take(p, "e"));
	peer_hang_up(peer);
	world_run(20);
	assert_int_equal(pool_count(p), 0);
	pool_destroy(&p);
	peer_destroy(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(step_by_step),
		cmocka_unit_test(all_were_refused),
		cmocka_unit_test(sender_refused),
		cmocka_unit_test(long_pipeline),
		cmocka_unit_test(closed_from_its_callback),
		cmocka_unit_test(lost_while_waiting),
		cmocka_unit_test(tls_from_the_first_byte),
		cmocka_unit_test(unreachable),
		cmocka_unit_test(unsayable),
		cmocka_unit_test(a_long_name),
		cmocka_unit_test(pool_bounds),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
