/* Attempts against next hops that say all that they should not, at each point. */
#include "../unit.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { HOSTS = 3 };

static const char *const addresses[HOSTS] = { "127.0.0.11", "127.0.0.12", "127.0.0.13" };

/* One domain with three mail servers of different preference; .test has only those that a row scripts. */
static const struct dns_row zone[] = {
	{ "one.test", DNS_MX, "10 mx1.test" },
	{ "two.test", DNS_MX, "10 mx1.test" }, { "two.test", DNS_MX, "20 mx2.test" },
	{ "three.test", DNS_MX, "10 mx1.test" }, { "three.test", DNS_MX, "20 mx2.test" },
	{ "three.test", DNS_MX, "30 mx3.test" },
	{ "equal.test", DNS_MX, "10 mx1.test" }, { "equal.test", DNS_MX, "10 mx2.test" },
	{ "mx1.test", DNS_A, "127.0.0.11" }, { "mx2.test", DNS_A, "127.0.0.12" }, { "mx3.test", DNS_A, "127.0.0.13" },
	{ "six.test", DNS_A, "127.0.0.12" }, { "six.test", DNS_AAAA, "2001:db8::1" },
	{ "null.test", DNS_MX, "0 " },
};

static struct deliver_options options;
static struct peer *peers[HOSTS];
static struct deliver *d;
static struct tls_client *tls;

static bool is_ours(void *arg, struct str host, const struct endpoint *e)
{
	(void)arg;
	(void)e;
	return str_eq(host, STR("me.test"));
}

static void begin(const struct script *const scripts[HOSTS])
{
	uint16_t port = 0;
	struct why why;

	world_dns(zone, ROWS(zone));
	for (int i = 0; i < HOSTS; i++)
		if (scripts[i])
			peers[i] = peer_create(world_loop(), addresses[i], &port, scripts[i]);
	options.port = port;
	if (options.relay)
		options.relay->port = port;
	d = deliver_create(world_loop(), NULL, tls, &options, is_ours, NULL, &why);
	assert_non_null(d);
}

static void end(void)
{
	deliver_destroy(&d);
	world_run(5);
	for (int i = 0; i < HOSTS; i++)
		peer_destroy(&peers[i]);
	options = world_options();
}

static int set_up(void **state)
{
	struct why why;

	(void)state;
	options = world_options();
	tls = tls_client_create(&why);
	return tls ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	tls_client_destroy(&tls);
	world_finish();
	return 0;
}

#define TEXT "Subject: x\r\n\r\nHello\r\n.dot\r\n"
#define WANT "X-Top: 1\r\n" TEXT
#define MAIL "MAIL FROM:<s@from.test>"

/* Rows with one or two hosts, one message. */
struct row {
	const char *name;
	struct script one, two;
	const char *to;            /* recipients at one.test, or two.test where the second host counts */
	const char *codes;         /* what becomes of each */
	const char *status, *by;   /* of the first; by: part of it */
	const char *talk;          /* with the first host, if it matters */
	int copies;                /* messages that arrived in all */
	bool duplicate;
};

#define PIPE "250-peer\r\n250-PIPELINING\r\n250 8BITMIME"
#define CHUNK "250-peer\r\n250-PIPELINING\r\n250 CHUNKING"

static const struct row rows[] = {
	/* the happy ones */
	{ .name = "plain", .to = "a@one.test", .codes = "250", .status = "2.0.0", .by = "mx1.test[127.0.0.11]",
		.talk = "+|EHLO me.test|" MAIL "|RCPT TO:<a@one.test>|DATA|QUIT", .copies = 1 },
	{ .name = "pipelining", .one.ehlo = PIPE, .to = "a@one.test,b@one.test", .codes = "250,250", .copies = 1,
		.talk = "+|EHLO me.test|" MAIL "|RCPT TO:<a@one.test>|RCPT TO:<b@one.test>|DATA" },
	{ .name = "chunking", .one.ehlo = CHUNK, .to = "a@one.test", .codes = "250", .copies = 1,
		.talk = "+|EHLO me.test|" MAIL "|RCPT TO:<a@one.test>|BDAT 37 LAST" },
	{ .name = "multi-line replies", .to = "a@one.test", .codes = "250", .copies = 1,
		.one = { .greeting = "220-a\r\n220-b\r\n220 c", .mail = "250-2.1.0 x\r\n250 2.1.0 y",
			.end = "250-2.0.0 one\r\n250-2.0.0 two\r\n250 2.0.0 three" } },
	{ .name = "codes without text", .to = "a@one.test", .codes = "250", .copies = 1,
		.one = { .greeting = "220", .ehlo = "250", .mail = "250", .rcpt = "250", .data = "354", .end = "250" } },
	{ .name = "HELO", .to = "a@one.test", .codes = "250", .copies = 1, .one.ehlo = "502 what?",
		.talk = "+|EHLO me.test|HELO me.test|" MAIL "|RCPT TO:<a@one.test>|DATA" },

	/* the greeting */
	{ .name = "greeting 4xx", .to = "a@one.test", .codes = "450", .status = "4.7.1", .by = "mx1.test",
		.one.greeting = "450 4.7.1 later", .talk = "+|QUIT" },
	{ .name = "greeting 5xx is not about the message", .to = "a@one.test", .codes = "454", .status = "4.7.1",
		.by = "mx1.test", .one.greeting = "554 5.7.1 go away" },
	{ .name = "greeting drop", .to = "a@one.test", .codes = "451", .status = "4.4.2", .one.greeting = "@drop" },
	{ .name = "greeting hang", .to = "a@one.test", .codes = "451", .status = "4.4.2", .one.greeting = "@hang" },
	{ .name = "greeting drip", .to = "a@one.test", .codes = "451", .status = "4.4.2", .one.greeting = "@drip" },
	{ .name = "greeting garbage", .to = "a@one.test", .codes = "451", .status = "4.5.0",
		.one.greeting = "SSH-2.0-OpenSSH_9.2" },
	{ .name = "greeting endless", .to = "a@one.test", .codes = "451", .status = "4.5.0",
		.one.greeting = "@endless" },
	{ .name = "greeting wrong code", .to = "a@one.test", .codes = "451", .status = "4.5.0",
		.one.greeting = "354 go on" },
	{ .name = "greeting changes its mind", .to = "a@one.test", .codes = "451", .status = "4.5.0",
		.one.greeting = "220-a\r\n250 b" },
	{ .name = "nobody there", .to = "a@one.test", .codes = "451", .status = "4.4.1", .one.absent = true },

	/* EHLO */
	{ .name = "EHLO 4xx", .to = "a@one.test", .codes = "421", .one.ehlo = "421 4.3.2 closing" },
	{ .name = "EHLO 450", .to = "a@one.test", .codes = "450", .one.ehlo = "450 not now" },
	{ .name = "HELO 5xx", .to = "a@one.test", .codes = "450", .one = { .ehlo = "500 x", .helo = "550 y" } },
	{ .name = "EHLO drop", .to = "a@one.test", .codes = "451", .one.ehlo = "@drop" },
	{ .name = "EHLO hang", .to = "a@one.test", .codes = "451", .one.ehlo = "@hang" },
	{ .name = "EHLO drip", .to = "a@one.test", .codes = "451", .one.ehlo = "@drip" },
	{ .name = "EHLO endless", .to = "a@one.test", .codes = "451", .one.ehlo = "@endless" },
	{ .name = "EHLO says too much", .to = "a@one.test", .codes = "451", .status = "4.5.0",
		.one.ehlo = "250 peer\r\n250 2.1.0 sender ok" },
	{ .name = "EHLO garbage", .to = "a@one.test", .codes = "451", .one.ehlo = "\xff\xfe\x01" },

	/* MAIL */
	{ .name = "MAIL 4xx", .to = "a@one.test", .codes = "451", .status = "4.7.1", .one.mail = "451 4.7.1 later" },
	{ .name = "MAIL 5xx is the lane's", .to = "a@one.test", .codes = "450", .status = "4.7.1",
		.one.mail = "550 5.7.1 not you" },
	{ .name = "MAIL SIZE", .to = "a@one.test,b@one.test", .codes = "552,552", .status = "5.3.4",
		.one.mail = "552 5.3.4 too big" },
	{ .name = "MAIL 552", .to = "a@one.test", .codes = "552", .one.mail = "552 too big" },
	{ .name = "MAIL SMTPUTF8", .to = "a@one.test", .codes = "553", .one.mail = "553 5.6.7 no UTF-8" },
	{ .name = "MAIL 421", .to = "a@one.test", .codes = "421", .one.mail = "421 4.3.2 bye" },
	{ .name = "MAIL drop", .to = "a@one.test", .codes = "451", .one.mail = "@drop" },
	{ .name = "MAIL hang", .to = "a@one.test", .codes = "451", .one.mail = "@hang" },
	{ .name = "MAIL garbage", .to = "a@one.test", .codes = "451", .one.mail = "ok" },
	{ .name = "MAIL 354", .to = "a@one.test", .codes = "451", .one.mail = "354 go on" },
	{ .name = "MAIL refused, all was pipelined, DATA too", .to = "a@one.test", .codes = "450",
		.one = { .ehlo = PIPE, .mail = "550 5.7.1 no", .rcpt = "503 no sender", .data = "503 no recipients" } },
	{ .name = "MAIL refused, all was pipelined, DATA welcomed", .to = "a@one.test", .codes = "450",
		.one = { .ehlo = PIPE, .mail = "550 5.7.1 no", .rcpt = "250 whatever", .end = "250 empty" } },

	/* RCPT */
	{ .name = "each its own", .to = "a@one.test,550-b@one.test,450-c@one.test,d@one.test",
		.codes = "250,550,450,250", .copies = 1 },
	{ .name = "each its own, pipelined", .to = "a@one.test,550-b@one.test,450-c@one.test,d@one.test",
		.codes = "250,550,450,250", .copies = 1, .one.ehlo = PIPE },
	{ .name = "each its own, chunked", .to = "a@one.test,550-b@one.test,450-c@one.test,d@one.test",
		.codes = "250,550,450,250", .copies = 1, .one.ehlo = CHUNK },
	{ .name = "all refused: no DATA", .to = "550-a@one.test,551-b@one.test", .codes = "550,551",
		.talk = "+|EHLO me.test|" MAIL "|RCPT TO:<550-a@one.test>|RCPT TO:<551-b@one.test>|RSET" },
	{ .name = "all refused: no BDAT", .to = "550-a@one.test", .codes = "550", .one.ehlo = CHUNK,
		.talk = "+|EHLO me.test|" MAIL "|RCPT TO:<550-a@one.test>|RSET" },
	{ .name = "all refused, DATA was pipelined and refused", .to = "550-a@one.test", .codes = "550",
		.one = { .ehlo = PIPE, .data = "554 no valid recipients" },
		.talk = "+|EHLO me.test|" MAIL "|RCPT TO:<550-a@one.test>|DATA|RSET" },
	{ .name = "all refused, DATA was pipelined and welcomed: a lone dot", .to = "550-a@one.test", .codes = "550",
		.one = { .ehlo = PIPE, .end = "554 no valid recipients" },
		.talk = "+|EHLO me.test|" MAIL "|RCPT TO:<550-a@one.test>|DATA" },
	{ .name = "251 is a yes", .to = "251-a@one.test", .codes = "250", .copies = 1 },
	{ .name = "421 for one", .to = "a@one.test,421-b@one.test,c@one.test", .codes = "421,421,421" },
	{ .name = "RCPT drop", .to = "a@one.test,drop@one.test", .codes = "451,451" },
	{ .name = "RCPT hang", .to = "550-a@one.test,hang@one.test", .codes = "550,451" },
	{ .name = "RCPT drop, pipelined", .to = "550-a@one.test,drop@one.test", .codes = "550,451", .one.ehlo = PIPE },
	{ .name = "about our reverse DNS", .to = "a@one.test", .codes = "450", .status = "4.7.25",
		.one.rcpt = "550 5.7.25 no PTR" },
	{ .name = "about our address", .to = "a@one.test", .codes = "454", .status = "4.7.1",
		.one.rcpt = "554 5.7.1 Client host [127.0.0.1] blocked" },
	{ .name = "about another's address", .to = "a@one.test", .codes = "554",
		.one.rcpt = "554 5.7.1 Client host [127.0.0.10] blocked" },

	/* DATA and BDAT */
	{ .name = "DATA 4xx", .to = "a@one.test,550-b@one.test", .codes = "451,550", .one.data = "451 4.3.0 later" },
	{ .name = "DATA 5xx", .to = "a@one.test,450-b@one.test", .codes = "554,450", .one.data = "554 5.6.0 no" },
	{ .name = "DATA 250", .to = "a@one.test", .codes = "451", .one.data = "250 ok" },
	{ .name = "DATA drop", .to = "a@one.test", .codes = "451", .one.data = "@drop" },
	{ .name = "DATA hang", .to = "a@one.test", .codes = "451", .one.data = "@hang" },
	{ .name = "DATA 421", .to = "a@one.test", .codes = "421", .one.data = "421 bye" },

	/* the end */
	{ .name = "dot 4xx", .to = "a@one.test,550-b@one.test", .codes = "452,550", .one.end = "452 4.3.1 full",
		.copies = 1 },
	{ .name = "dot 5xx", .to = "a@one.test,b@one.test", .codes = "550,550", .status = "5.7.1",
		.one.end = "550 5.7.1 spam", .copies = 1 },
	{ .name = "BDAT 5xx", .to = "a@one.test", .codes = "550", .one = { .ehlo = CHUNK, .end = "550 5.7.1 spam" },
		.copies = 1 },
	{ .name = "dot 5xx about us", .to = "a@one.test", .codes = "450", .one.end = "550 5.7.23 SPF", .copies = 1 },
	{ .name = "dot 421: an answer", .to = "a@one.test", .codes = "421", .one.end = "421 4.3.2 bye", .copies = 1 },
	{ .name = "dot drop", .to = "a@one.test,550-b@one.test", .codes = "451,550", .one.end = "@drop", .copies = 1,
		.duplicate = true },
	{ .name = "dot hang", .to = "a@one.test", .codes = "451", .one.end = "@hang", .copies = 1, .duplicate = true },
	{ .name = "dot drip", .to = "a@one.test", .codes = "451", .one.end = "@drip", .copies = 1, .duplicate = true },
	{ .name = "dot garbage", .to = "a@one.test", .codes = "451", .one.end = "yes", .copies = 1,
		.duplicate = true },
	{ .name = "dot 354", .to = "a@one.test", .codes = "451", .one.end = "354 more", .copies = 1,
		.duplicate = true },
	{ .name = "BDAT drop", .to = "a@one.test", .codes = "451", .one = { .ehlo = CHUNK, .end = "@drop" },
		.copies = 1, .duplicate = true },

	/* the second host */
	{ .name = "the first is dead", .to = "a@two.test", .codes = "250", .by = "mx2.test", .one.absent = true,
		.copies = 1 },
	{ .name = "the first hangs", .to = "a@two.test", .codes = "250", .by = "mx2.test", .one.greeting = "@hang",
		.copies = 1 },
	{ .name = "the first won't talk", .to = "a@two.test", .codes = "250", .by = "mx2.test",
		.one.greeting = "554 no", .copies = 1 },
	{ .name = "the first refuses the sender", .to = "a@two.test", .codes = "250", .by = "mx2.test",
		.one.mail = "550 5.7.1 no", .copies = 1 },
	{ .name = "the first refuses the sender, pipelined", .to = "a@two.test", .codes = "250", .by = "mx2.test",
		.one = { .ehlo = PIPE, .mail = "450 no", .rcpt = "250 what?" }, .copies = 1 },
	{ .name = "too big for the first is too big", .to = "a@two.test", .codes = "552", .by = "mx1.test",
		.one.mail = "552 5.3.4 too big" },
	{ .name = "only those that were put off go on", .to = "450-a@two.test,550-b@two.test,c@two.test",
		.codes = "450,550,250", .copies = 1 },
	{ .name = "all were put off", .to = "a@two.test", .codes = "250", .by = "mx2.test", .one.rcpt = "450 grey",
		.copies = 1 },
	{ .name = "the answer to the content is final", .to = "a@two.test", .codes = "451", .by = "mx1.test",
		.one.end = "451 4.3.0 later", .copies = 1 },
	{ .name = "lost before DATA", .to = "a@two.test,b@two.test", .codes = "250,250", .by = "mx2.test",
		.one.data = "@drop", .copies = 1 },
	{ .name = "lost after the dot: not sent twice", .to = "a@two.test", .codes = "451", .one.end = "@drop",
		.copies = 1, .duplicate = true },
	{ .name = "both put off: the last word counts", .to = "a@two.test", .codes = "452", .by = "mx2.test",
		.one.rcpt = "450 grey", .two.rcpt = "452 4.2.2 full" },
	{ .name = "put off here, dead there", .to = "a@two.test", .codes = "450", .by = "mx1.test",
		.one.rcpt = "450 grey", .two.absent = true },
};

/* So that one run shows all rows that are not as they should be. */
#define wrong(...) (print_error(__VA_ARGS__), print_error("\n"), wrong_rows++)

static int wrong_rows;

static size_t count_copies(void)
{
	size_t n = 0;

	for (int i = 0; i < HOSTS; i++) {
		struct str s = peers[i] ? peer_content(peers[i]) : STR_NONE;

		assert_true(s.n % strlen(WANT) == 0);
		for (; s.n > 0; s = str_skip(s, strlen(WANT))) {
			assert_true(str_starts(s, STR(WANT)));
			n++;
		}
	}
	return n;
}

static void check_row(const struct row *r, const struct outcomes *out)
{
	if (strcmp(out->codes, r->codes) != 0)
		wrong("%s: got %s (%s), want %s", r->name, out->codes, out->reply[0].text, r->codes);
	if (r->status && strcmp(out->reply[0].status, r->status) != 0)
		wrong("%s: status %s, want %s", r->name, out->reply[0].status, r->status);
	if (r->by && !strstr(out->reply[0].by, r->by))
		wrong("%s: by \"%s\", want %s", r->name, out->reply[0].by, r->by);
	if (count_copies() != (size_t)r->copies)
		wrong("%s: %zu copies, want %d", r->name, count_copies(), r->copies);
	if (out->duplicate[0] != r->duplicate)
		wrong("%s: duplicate_possible is wrong", r->name);
}

static void each_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct row *r = &rows[i];
		const struct script *scripts[HOSTS] = { &r->one, strstr(r->to, "two.test") ? &r->two : NULL };
		struct message *m = world_message("s@from.test", r->to, TEXT);
		struct outcomes out;

		begin(scripts);
		world_deliver(d, m, &out);
		check_row(r, &out);
		deliver_destroy(&d);            /* what is idle says QUIT */
		world_run(20);
		if (r->talk && strncmp(peer_talk(peers[0]), r->talk, strlen(r->talk)) != 0)
			wrong("%s: talk \"%s\", want \"%s\"", r->name, peer_talk(peers[0]), r->talk);
		assert_int_equal(m->refs, 1);
		message_release(&m);
		end();
	}
	assert_int_equal(wrong_rows, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
