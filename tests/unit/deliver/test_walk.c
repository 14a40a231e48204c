/* Attempts against next hops that say all that they should not, at each point. */
#include "../unit.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { HOSTS = 4 };

static const char *const addresses[HOSTS] = { "127.0.0.11", "127.0.0.12", "127.0.0.13",
	"127.0.0.14" };

/* Domains with so many mail servers, of different preference. */
static const struct dns_row zone[] = {
	{ "one.test", DNS_MX, "10 mx1.test" },
	{ "two.test", DNS_MX, "10 mx1.test" },
	{ "two.test", DNS_MX, "20 mx2.test" },
	{ "four.test", DNS_MX, "10 mx1.test" },
	{ "four.test", DNS_MX, "20 mx2.test" },
	{ "four.test", DNS_MX, "30 mx3.test" },
	{ "four.test", DNS_MX, "40 mx4.test" },
	{ "mx4.test", DNS_A, "127.0.0.14" },
	{ "equal.test", DNS_MX, "10 mx1.test" },
	{ "equal.test", DNS_MX, "10 mx2.test" },
	{ "mx1.test", DNS_A, "127.0.0.11" },
	{ "mx2.test", DNS_A, "127.0.0.12" },
	{ "mx3.test", DNS_A, "127.0.0.13" },
	{ "six.test", DNS_A, "127.0.0.12" },
	{ "six.test", DNS_AAAA, "2001:db8::1" },
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
	const char *to; /* recipients at one.test, or two.test where the second host counts */
	const char *codes;         /* what becomes of each */
	const char *status, *by;   /* of the first; by: part of it */
	const char *talk;          /* with the first host, if it matters */
	const char *never;         /* what is not said to it */
	int copies;                /* messages that arrived in all */
	bool duplicate;
};

#define PIPE "250-peer\r\n250-PIPELINING\r\n250 8BITMIME"
#define CHUNK "250-peer\r\n250-PIPELINING\r\n250 CHUNKING"

static const struct row rows[] = {
	/* the happy ones */
	{ .name = "plain",
		.to = "a@one.test",
		.codes = "250",
		.status = "2.0.0",
		.by = "mx1.test[127.0.0.11]",
		.talk = "+|EHLO me.test|" MAIL "|RCPT TO:<a@one.test>|DATA|QUIT",
		.copies = 1 },
	{ .name = "pipelining",
		.one.ehlo = PIPE,
		.to = "a@one.test,b@one.test",
		.codes = "250,250",
		.copies = 1,
		.talk = "+|EHLO me.test|" MAIL "|RCPT TO:<a@one.test>|RCPT TO:<b@one.test>|DATA" },
	{ .name = "chunking",
		.one.ehlo = CHUNK,
		.to = "a@one.test",
		.codes = "250",
		.copies = 1,
		.talk = "+|EHLO me.test|" MAIL "|RCPT TO:<a@one.test>|BDAT 37 LAST" },
	{ .name = "multi-line replies",
		.to = "a@one.test",
		.codes = "250",
		.copies = 1,
		.one = { .greeting = "220-a\r\n220-b\r\n220 c",
			.mail = "250-2.1.0 x\r\n250 2.1.0 y",
			.end = "250-2.0.0 one\r\n250-2.0.0 two\r\n250 2.0.0 three" } },
	{ .name = "codes without text",
		.to = "a@one.test",
		.codes = "250",
		.copies = 1,
		.one = { .greeting = "220",
			.ehlo = "250",
			.mail = "250",
			.rcpt = "250",
			.data = "354",
			.end = "250" } },
	{ .name = "HELO",
		.to = "a@one.test",
		.codes = "250",
		.copies = 1,
		.one.ehlo = "502 what?",
		.talk = "+|EHLO me.test|HELO me.test|" MAIL "|RCPT TO:<a@one.test>|DATA" },

	/* the greeting */
	{ .name = "greeting 4xx",
		.to = "a@one.test",
		.codes = "450",
		.status = "4.7.1",
		.by = "mx1.test",
		.one.greeting = "450 4.7.1 later",
		.talk = "+|QUIT" },
	{ .name = "greeting 5xx is not about the message",
		.to = "a@one.test",
		.codes = "454",
		.status = "4.7.1",
		.by = "mx1.test",
		.one.greeting = "554 5.7.1 go away" },
	{ .name = "greeting drop",
		.to = "a@one.test",
		.codes = "451",
		.status = "4.4.2",
		.one.greeting = "@drop" },
	{ .name = "greeting hang",
		.to = "a@one.test",
		.codes = "451",
		.status = "4.4.2",
		.one.greeting = "@hang" },
	{ .name = "greeting drip",
		.to = "a@one.test",
		.codes = "451",
		.status = "4.4.2",
		.one.greeting = "@drip" },
	{ .name = "greeting garbage",
		.to = "a@one.test",
		.codes = "451",
		.status = "4.5.0",
		.one.greeting = "SSH-2.0-OpenSSH_9.2" },
	{ .name = "greeting endless",
		.to = "a@one.test",
		.codes = "451",
		.status = "4.5.0",
		.one.greeting = "@endless" },
	{ .name = "greeting wrong code",
		.to = "a@one.test",
		.codes = "451",
		.status = "4.5.0",
		.one.greeting = "354 go on" },
	{ .name = "greeting changes its mind",
		.to = "a@one.test",
		.codes = "451",
		.status = "4.5.0",
		.one.greeting = "220-a\r\n250 b" },
	{ .name = "nobody there",
		.to = "a@one.test",
		.codes = "451",
		.status = "4.4.1",
		.one.absent = true },

	/* EHLO */
	{ .name = "EHLO 4xx", .to = "a@one.test", .codes = "421", .one.ehlo = "421 4.3.2 closing" },
	{ .name = "EHLO 450", .to = "a@one.test", .codes = "450", .one.ehlo = "450 not now" },
	{ .name = "HELO 5xx",
		.to = "a@one.test",
		.codes = "450",
		.one = { .ehlo = "500 x", .helo = "550 y" } },
	{ .name = "EHLO drop", .to = "a@one.test", .codes = "451", .one.ehlo = "@drop" },
	{ .name = "EHLO hang", .to = "a@one.test", .codes = "451", .one.ehlo = "@hang" },
	{ .name = "EHLO drip", .to = "a@one.test", .codes = "451", .one.ehlo = "@drip" },
	{ .name = "EHLO endless", .to = "a@one.test", .codes = "451", .one.ehlo = "@endless" },
	{ .name = "EHLO says too much",
		.to = "a@one.test",
		.codes = "451",
		.status = "4.5.0",
		.one.ehlo = "250 peer\r\n250 2.1.0 sender ok",
		.never = "MAIL" },
	{ .name = "EHLO garbage", .to = "a@one.test", .codes = "451", .one.ehlo = "\xff\xfe\x01" },

	/* MAIL */
	{ .name = "MAIL 4xx",
		.to = "a@one.test",
		.codes = "451",
		.status = "4.7.1",
		.one.mail = "451 4.7.1 later" },
	{ .name = "MAIL 5xx is the lane's",
		.to = "a@one.test",
		.codes = "450",
		.status = "4.7.1",
		.one.mail = "550 5.7.1 not you" },
	{ .name = "MAIL SIZE",
		.to = "a@one.test,b@one.test",
		.codes = "552,552",
		.status = "5.3.4",
		.one.mail = "552 5.3.4 too big" },
	{ .name = "MAIL 552", .to = "a@one.test", .codes = "552", .one.mail = "552 too big" },
	{ .name = "MAIL SMTPUTF8",
		.to = "a@one.test",
		.codes = "553",
		.one.mail = "553 5.6.7 no UTF-8" },
	{ .name = "MAIL 421", .to = "a@one.test", .codes = "421", .one.mail = "421 4.3.2 bye" },
	{ .name = "MAIL drop", .to = "a@one.test", .codes = "451", .one.mail = "@drop" },
	{ .name = "MAIL hang", .to = "a@one.test", .codes = "451", .one.mail = "@hang" },
	{ .name = "MAIL garbage", .to = "a@one.test", .codes = "451", .one.mail = "ok" },
	{ .name = "MAIL 354", .to = "a@one.test", .codes = "451", .one.mail = "354 go on" },
	{ .name = "MAIL refused, all was pipelined, DATA too",
		.to = "a@one.test",
		.codes = "450",
		.one = { .ehlo = PIPE,
			.mail = "550 5.7.1 no",
			.rcpt = "503 no sender",
			.data = "503 no recipients" } },
	{ .name = "MAIL refused, all was pipelined, DATA welcomed",
		.to = "a@one.test",
		.codes = "450",
		.one = { .ehlo = PIPE,
			.mail = "550 5.7.1 no",
			.rcpt = "250 whatever",
			.end = "250 empty" } },

	/* RCPT */
	{ .name = "each its own",
		.to = "a@one.test,550-b@one.test,450-c@one.test,d@one.test",
		.codes = "250,550,450,250",
		.copies = 1 },
	{ .name = "each its own, pipelined",
		.to = "a@one.test,550-b@one.test,450-c@one.test,d@one.test",
		.codes = "250,550,450,250",
		.copies = 1,
		.one.ehlo = PIPE },
	{ .name = "each its own, chunked",
		.to = "a@one.test,550-b@one.test,450-c@one.test,d@one.test",
		.codes = "250,550,450,250",
		.copies = 1,
		.one.ehlo = CHUNK },
	{ .name = "all refused: no DATA",
		.to = "550-a@one.test,551-b@one.test",
		.codes = "550,551",
		.talk = "+|EHLO me.test|" MAIL
			"|RCPT TO:<550-a@one.test>|RCPT TO:<551-b@one.test>|RSET" },
	{ .name = "all refused: no BDAT",
		.to = "550-a@one.test",
		.codes = "550",
		.one.ehlo = CHUNK,
		.talk = "+|EHLO me.test|" MAIL "|RCPT TO:<550-a@one.test>|RSET" },
	{ .name = "all refused, DATA was pipelined and refused",
		.to = "550-a@one.test",
		.codes = "550",
		.one = { .ehlo = PIPE, .data = "554 no valid recipients" },
		.talk = "+|EHLO me.test|" MAIL "|RCPT TO:<550-a@one.test>|DATA|RSET" },
	{ .name = "all refused, DATA was pipelined and welcomed: a lone dot",
		.to = "550-a@one.test",
		.codes = "550",
		.one = { .ehlo = PIPE, .end = "554 no valid recipients" },
		.talk = "+|EHLO me.test|" MAIL "|RCPT TO:<550-a@one.test>|DATA" },
	{ .name = "251 is a yes", .to = "251-a@one.test", .codes = "250", .copies = 1 },
	{ .name = "421 for one",
		.to = "a@one.test,421-b@one.test,c@one.test",
		.codes = "421,421,421" },
	{ .name = "RCPT drop", .to = "a@one.test,drop@one.test", .codes = "451,451" },
	{ .name = "RCPT hang", .to = "550-a@one.test,hang@one.test", .codes = "550,451" },
	{ .name = "RCPT drop, pipelined",
		.to = "550-a@one.test,drop@one.test",
		.codes = "550,451",
		.one.ehlo = PIPE },
	{ .name = "about our reverse DNS",
		.to = "a@one.test",
		.codes = "450",
		.status = "4.7.25",
		.one.rcpt = "550 5.7.25 no PTR" },
	{ .name = "about our address",
		.to = "a@one.test",
		.codes = "454",
		.status = "4.7.1",
		.one.rcpt = "554 5.7.1 Client host [127.0.0.1] blocked" },
	{ .name = "about another's address",
		.to = "a@one.test",
		.codes = "554",
		.one.rcpt = "554 5.7.1 Client host [127.0.0.10] blocked" },

	/* DATA and BDAT */
	{ .name = "DATA 4xx",
		.to = "a@one.test,550-b@one.test",
		.codes = "451,550",
		.one.data = "451 4.3.0 later" },
	{ .name = "DATA 5xx",
		.to = "a@one.test,450-b@one.test",
		.codes = "554,450",
		.one.data = "554 5.6.0 no" },
	{ .name = "DATA 250", .to = "a@one.test", .codes = "451", .one.data = "250 ok" },
	{ .name = "DATA drop", .to = "a@one.test", .codes = "451", .one.data = "@drop" },
	{ .name = "DATA hang", .to = "a@one.test", .codes = "451", .one.data = "@hang" },
	{ .name = "DATA 421", .to = "a@one.test", .codes = "421", .one.data = "421 bye" },

	/* the end */
	{ .name = "dot 4xx",
		.to = "a@one.test,550-b@one.test",
		.codes = "452,550",
		.one.end = "452 4.3.1 full",
		.copies = 1 },
	{ .name = "dot 5xx",
		.to = "a@one.test,b@one.test",
		.codes = "550,550",
		.status = "5.7.1",
		.one.end = "550 5.7.1 spam",
		.copies = 1 },
	{ .name = "BDAT 5xx",
		.to = "a@one.test",
		.codes = "550",
		.one = { .ehlo = CHUNK, .end = "550 5.7.1 spam" },
		.copies = 1 },
	{ .name = "dot 5xx about us",
		.to = "a@one.test",
		.codes = "450",
		.one.end = "550 5.7.23 SPF",
		.copies = 1 },
	{ .name = "dot 421: an answer",
		.to = "a@one.test",
		.codes = "421",
		.one.end = "421 4.3.2 bye",
		.copies = 1 },
	{ .name = "dot drop",
		.to = "a@one.test,550-b@one.test",
		.codes = "451,550",
		.one.end = "@drop",
		.copies = 1,
		.duplicate = true },
	{ .name = "dot hang",
		.to = "a@one.test",
		.codes = "451",
		.one.end = "@hang",
		.copies = 1,
		.duplicate = true },
	{ .name = "dot drip",
		.to = "a@one.test",
		.codes = "451",
		.one.end = "@drip",
		.copies = 1,
		.duplicate = true },
	{ .name = "dot garbage",
		.to = "a@one.test",
		.codes = "451",
		.one.end = "yes",
		.copies = 1,
		.duplicate = true },
	{ .name = "dot 354",
		.to = "a@one.test",
		.codes = "451",
		.one.end = "354 more",
		.copies = 1,
		.duplicate = true },
	{ .name = "BDAT drop",
		.to = "a@one.test",
		.codes = "451",
		.one = { .ehlo = CHUNK, .end = "@drop" },
		.copies = 1,
		.duplicate = true },

	/* the second host */
	{ .name = "the first is dead",
		.to = "a@two.test",
		.codes = "250",
		.by = "mx2.test",
		.one.absent = true,
		.copies = 1 },
	{ .name = "the first hangs",
		.to = "a@two.test",
		.codes = "250",
		.by = "mx2.test",
		.one.greeting = "@hang",
		.copies = 1 },
	{ .name = "the first won't talk",
		.to = "a@two.test",
		.codes = "250",
		.by = "mx2.test",
		.one.greeting = "554 no",
		.copies = 1 },
	{ .name = "the first refuses the sender",
		.to = "a@two.test",
		.codes = "250",
		.by = "mx2.test",
		.one.mail = "550 5.7.1 no",
		.copies = 1 },
	{ .name = "the first refuses the sender, pipelined",
		.to = "a@two.test",
		.codes = "250",
		.by = "mx2.test",
		.one = { .ehlo = PIPE, .mail = "450 no", .rcpt = "250 what?" },
		.copies = 1 },
	{ .name = "too big for the first is too big",
		.to = "a@two.test",
		.codes = "552",
		.by = "mx1.test",
		.one.mail = "552 5.3.4 too big" },
	{ .name = "only those that were put off go on",
		.to = "450-a@two.test,550-b@two.test,c@two.test",
		.codes = "450,550,250",
		.copies = 1 },
	{ .name = "all were put off",
		.to = "a@two.test",
		.codes = "250",
		.by = "mx2.test",
		.one.rcpt = "450 grey",
		.copies = 1 },
	{ .name = "the answer to the content is final",
		.to = "a@two.test",
		.codes = "451",
		.by = "mx1.test",
		.one.end = "451 4.3.0 later",
		.copies = 1 },
	{ .name = "lost before DATA",
		.to = "a@two.test,b@two.test",
		.codes = "250,250",
		.by = "mx2.test",
		.one.data = "@drop",
		.copies = 1 },
	{ .name = "lost after the dot: not sent twice",
		.to = "a@two.test",
		.codes = "451",
		.one.end = "@drop",
		.copies = 1,
		.duplicate = true },
	{ .name = "both put off: the last word counts",
		.to = "a@two.test",
		.codes = "452",
		.by = "mx2.test",
		.one.rcpt = "450 grey",
		.two.rcpt = "452 4.2.2 full" },
	{ .name = "put off here, dead there",
		.to = "a@two.test",
		.codes = "450",
		.by = "mx1.test",
		.one.rcpt = "450 grey",
		.two.absent = true },
};

/* So that one run shows all rows that are not as they should be. */
#define wrong(...) (print_error(__VA_ARGS__), print_error("\n"), wrong_rows++)

static int wrong_rows;

static void no_row_was_wrong(void)
{
	int n = wrong_rows;

	wrong_rows = 0;
	assert_int_equal(n, 0);
}

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
		wrong("%s: got %s (%s), want %s", r->name, out->codes, out->reply[0].text,
			r->codes);
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
		const struct script *scripts[HOSTS] = { &r->one,
			strstr(r->to, "two.test") ? &r->two : NULL };
		struct message *m = world_message("s@from.test", r->to, TEXT);
		struct outcomes out;

		begin(scripts);
		world_deliver(d, m, &out);
		check_row(r, &out);
		deliver_destroy(&d);            /* what is idle says QUIT */
		world_run(20);
		if (r->talk && strncmp(peer_talk(peers[0]), r->talk, strlen(r->talk)) != 0)
			wrong("%s: talk \"%s\", want \"%s\"", r->name, peer_talk(peers[0]),
				r->talk);
		if (r->never && strstr(peer_talk(peers[0]), r->never))
			wrong("%s: talk \"%s\"", r->name, peer_talk(peers[0]));
		assert_int_equal(m->refs, 1);
		message_release(&m);
		end();
	}
	no_row_was_wrong();
}


/* ---- one message with its own circumstances ---- */

/* Delivers to addresses at one.test, from hosts with these scripts; what remains is checked before
 * end(). */
static struct outcomes send_one(struct message *m)
{
	struct outcomes out;

	world_deliver(d, m, &out);
	return out;
}

static struct outcomes send_text(const char *to)
{
	struct message *m = world_message("s@from.test", to, TEXT);
	struct outcomes out = send_one(m);

	message_release(&m);
	return out;
}

/* ---- TLS ---- */

static const char tls_ehlo[] = "250-peer\r\n250-PIPELINING\r\n250 STARTTLS";

static struct hop relay;

static void tls_policies(void **state)
{
	static const struct script offers = { .ehlo = tls_ehlo }, clear = { .ehlo = PIPE },
				   broken = { .ehlo = tls_ehlo, .starttls = "@broken" },
				   refuses = { .ehlo = tls_ehlo, .starttls = "454 no" },
				   refuses5 = { .ehlo = tls_ehlo, .starttls = "501 no" },
				   drops = { .ehlo = tls_ehlo, .starttls = "@drop" },
				   injects = { .ehlo = tls_ehlo,
					   .starttls = "220 go\r\n250-peer\r\n250 AUTH PLAIN" },
				   helo = { .ehlo = "500 what" },
				   tls_first = { .tls_first = true, .ehlo = PIPE };
	static const struct {
		const char *name;
		const struct script *script;
		int policy;
		const char *codes, *tls;
		int connections;
		const char *talk;
	} all[] = {
		{ "optional, offered", &offers, TLS_POLICY_OPPORTUNISTIC, "250", "encrypted", 1,
			"+|EHLO me.test|STARTTLS(tls)|EHLO me.test|" MAIL },
		{ "optional, not offered", &clear, TLS_POLICY_OPPORTUNISTIC, "250", "none", 1,
			"+|EHLO me.test|" MAIL },
		{ "optional, broken: in clear", &broken, TLS_POLICY_OPPORTUNISTIC, "250", "none", 2,
			"+|EHLO me.test|STARTTLS+|EHLO me.test|" MAIL },
		{ "optional, refused: in clear", &refuses, TLS_POLICY_OPPORTUNISTIC, "250", "none",
			1, "+|EHLO me.test|STARTTLS|" MAIL },
		{ "optional, refused for good: in clear", &refuses5, TLS_POLICY_OPPORTUNISTIC,
			"250", "none", 1, NULL },
		{ "none", &offers, TLS_POLICY_NONE, "250", "none", 1, "+|EHLO me.test|" MAIL },
		{ "required, offered", &offers, TLS_POLICY_REQUIRED, "250", "encrypted", 1, NULL },
		{ "required, not offered", &clear, TLS_POLICY_REQUIRED, "451", "none", 1, NULL },
		{ "required, HELO only", &helo, TLS_POLICY_REQUIRED, "451", "none", 1, NULL },
		{ "required, broken", &broken, TLS_POLICY_REQUIRED, "451", "none", 1, NULL },
		{ "required, refused", &refuses, TLS_POLICY_REQUIRED, "454", "none", 1, NULL },
		{ "required, refused for good is temporary", &refuses5, TLS_POLICY_REQUIRED, "401",
			"none", 1, NULL },
		{ "required, dropped", &drops, TLS_POLICY_REQUIRED, "451", "none", 1, NULL },
		{ "optional, spoken in between", &injects, TLS_POLICY_OPPORTUNISTIC, "451", "none",
			1, NULL },
		{ "required, spoken in between", &injects, TLS_POLICY_REQUIRED, "451", "none", 1,
			NULL },
		{ "verify, self-signed", &offers, TLS_POLICY_VERIFY, "451", "none", 1,
			"+|EHLO me.test|STARTTLS" },
		{ "verify, not offered", &clear, TLS_POLICY_VERIFY, "451", "none", 1, NULL },
		{ "TLS where SMTP was meant", &tls_first, TLS_POLICY_OPPORTUNISTIC, "451", "none",
			1, NULL },
	};
	(void)state;
	for (size_t i = 0; i < ROWS(all); i++) {
		const struct script *scripts[HOSTS] = { all[i].script };

		relay = (struct hop){ .host = "mx1.test", .tls = all[i].policy };
		options.relay = &relay;
		options.command_timeout = 2000; /* handshakes under a sanitizer take their time */
		if (all[i].script == &tls_first)
			options.command_timeout = 250;
		begin(scripts);
		struct outcomes out = send_text("a@one.test");

		if (strcmp(out.codes, all[i].codes) != 0 || strcmp(out.tls[0], all[i].tls) != 0)
			wrong("%s: %s %s (%s)", all[i].name, out.codes, out.tls[0],
				out.reply[0].text);
		if (peer_connections(peers[0]) != all[i].connections)
			wrong("%s: %d connections", all[i].name, peer_connections(peers[0]));
		if (all[i].talk &&
			strncmp(peer_talk(peers[0]), all[i].talk, strlen(all[i].talk)) != 0)
			wrong("%s: talk %s", all[i].name, peer_talk(peers[0]));
		end();
	}
	no_row_was_wrong();
}

/* Broken TLS is remembered, so that the next message does not try it again. */
static void broken_tls_is_remembered(void **state)
{
	static const struct script broken = { .ehlo = tls_ehlo, .starttls = "@broken" };
	const struct script *scripts[HOSTS] = { &broken };

	(void)state;
	options.idle = 0;
	options.command_timeout = 2000;
	begin(scripts);
	assert_string_equal(send_text("a@one.test").codes, "250");
	assert_int_equal(peer_connections(peers[0]), 2);
	assert_string_equal(send_text("a@one.test").codes, "250");
	assert_int_equal(peer_connections(peers[0]), 3);
	end();
}

/* ---- AUTH ---- */

static void logins(void **state)
{
	static const char plain_login[] = "250-peer\r\n250 AUTH PLAIN LOGIN",
			  login[] = "250-peer\r\n250 AUTH LOGIN",
			  cram[] = "250-peer\r\n250 AUTH CRAM-MD5",
			  tls_login[] = "250-peer\r\n250-STARTTLS\r\n250 AUTH PLAIN";
	static const struct script plain_ok = { .ehlo = plain_login }, login_ok = { .ehlo = login },
		cram_only = { .ehlo = cram }, no_auth = { .ehlo = PIPE },
		refused = { .ehlo = plain_login, .auth = { "535 5.7.8 wrong" } },
		later = { .ehlo = plain_login, .auth = { "454 4.7.0 later" } },
		asks_more = { .ehlo = plain_login, .auth = { "334 ", "334 " } },
		login_refused = { .ehlo = login, .auth = { NULL, NULL, "535 5.7.8 wrong" } },
		in_tls = { .ehlo = tls_login }, hang = { .ehlo = plain_login, .auth = { "@hang" } };
	static const struct {
		const char *name, *host;
		const struct script *script;
		int policy;
		const char *codes, *talk;
	} all[] = {
		/* base64 of NUL u NUL secret; of u; of secret */
		{ "PLAIN", "127.0.0.11", &plain_ok, TLS_POLICY_NONE, "250",
			"+|EHLO me.test|AUTH PLAIN AHUAc2VjcmV0|" MAIL },
		{ "LOGIN", "127.0.0.11", &login_ok, TLS_POLICY_NONE, "250",
			"+|EHLO me.test|AUTH LOGIN|dQ==|c2VjcmV0|" MAIL },
		{ "in TLS", "127.0.0.11", &in_tls, TLS_POLICY_REQUIRED, "250",
			"+|EHLO me.test|STARTTLS(tls)|EHLO me.test|AUTH PLAIN AHUAc2VjcmV0|" MAIL },
		{ "never in clear because TLS is missing", "127.0.0.11", &plain_ok,
			TLS_POLICY_OPPORTUNISTIC, "451", "+|EHLO me.test|QUIT" },
		{ "no method of ours", "127.0.0.11", &cram_only, TLS_POLICY_NONE, "451", NULL },
		{ "no AUTH", "127.0.0.11", &no_auth, TLS_POLICY_NONE, "451", NULL },
		{ "refused is temporary", "127.0.0.11", &refused, TLS_POLICY_NONE, "435", NULL },
		{ "refused, LOGIN", "127.0.0.11", &login_refused, TLS_POLICY_NONE, "435", NULL },
		{ "later", "127.0.0.11", &later, TLS_POLICY_NONE, "454", NULL },
		{ "asks for more", "127.0.0.11", &asks_more, TLS_POLICY_NONE, "451", NULL },
		{ "says nothing", "127.0.0.11", &hang, TLS_POLICY_NONE, "451", NULL },
	};
	(void)state;
	for (size_t i = 0; i < ROWS(all); i++) {
		const struct script *scripts[HOSTS] = { all[i].script };

		relay = (struct hop){ .host = all[i].host,
			.tls = all[i].policy,
			.username = "u",
			.password = "secret" };
		options.relay = &relay;
		options.command_timeout = 1000;
		begin(scripts);
		struct outcomes out = send_text("a@one.test");

		if (strcmp(out.codes, all[i].codes) != 0)
			wrong("%s: %s (%s)", all[i].name, out.codes, out.reply[0].text);
		world_run(5);
		if (all[i].talk &&
			strncmp(peer_talk(peers[0]), all[i].talk, strlen(all[i].talk)) != 0)
			wrong("%s: talk %s", all[i].name, peer_talk(peers[0]));
		end();
	}
	no_row_was_wrong();
}

/* A password that makes the line too long goes in a line of its own (RFC 4954 section 4). */
static void long_password(void **state)
{
	static const struct script plain = { .ehlo = "250-peer\r\n250 AUTH PLAIN",
		.auth = { "334 ", "235 in" } };
	const struct script *scripts[HOSTS] = { &plain };
	char password[600];

	(void)state;
	memset(password, 'p', sizeof password - 1);
	password[sizeof password - 1] = 0;
	relay = (struct hop){ .host = "127.0.0.11", .username = "u", .password = password };
	options.relay = &relay;
	begin(scripts);
	assert_string_equal(send_text("a@one.test").codes, "250");
	assert_non_null(strstr(peer_talk(peers[0]), "|AUTH PLAIN|AHUAcHBw"));
	end();
}

/* ---- what the next hop offers ---- */

static void extensions(void **state)
{
	static const struct script
		full = { .ehlo = "250-peer\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n"
				 "250-SMTPUTF8\r\n250 DSN" },
		bare = { .ehlo = "250 peer" }, tiny = { .ehlo = "250-peer\r\n250 SIZE 10" };
	static const struct {
		const char *name;
		const struct script *script;
		const char *sender, *to, *text;
		bool smtputf8, eightbit;
		const char *codes, *talk;
	} all[] = {
		{ "all of them", &full, "s@from.test", "a@one.test", TEXT, false, true, "250",
			"|MAIL FROM:<s@from.test> SIZE=37 BODY=8BITMIME RET=HDRS ENVID=E1|"
			"RCPT TO:<a@one.test> NOTIFY=SUCCESS ORCPT=rfc822;o@one.test|" },
		{ "none of them", &bare, "s@from.test", "a@one.test", TEXT, false, true, "250",
			"|MAIL FROM:<s@from.test>|RCPT TO:<a@one.test>|" },
		{ "too big is not even asked", &tiny, "s@from.test", "a@one.test,b@one.test", TEXT,
			false, false, "552,552", "+|EHLO me.test" },
		{ "UTF-8 address, taken", &full, "s@from.test", "\xc3\xa4@one.test", TEXT, true,
			false, "250",
			" BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=E1|RCPT TO:<\xc3\xa4@one.test>" },
		{ "UTF-8 address, not taken; the others go", &bare, "s@from.test",
			"\xc3\xa4@one.test,a@one.test", TEXT, true, false, "553,250",
			"|MAIL FROM:<s@from.test>|RCPT TO:<a@one.test>|" },
		{ "UTF-8 sender, not taken", &bare, "\xc3\xa4@from.test", "a@one.test", TEXT, true,
			false, "553", "+|EHLO me.test" },
		{ "UTF-8 header, declared, not taken", &bare, "s@from.test", "a@one.test",
			"Subject: \xc3\xa4\r\n\r\nx\r\n", true, false, "550", "+|EHLO me.test" },
		{ "declared, but not needed", &bare, "s@from.test", "a@one.test", TEXT, true, false,
			"250", "|MAIL FROM:<s@from.test>|" },
		{ "8-bit header, not declared, goes as it is", &bare, "s@from.test", "a@one.test",
			"Subject: \xe4\r\n\r\nx\r\n", false, false, "250",
			"|MAIL FROM:<s@from.test>|" },
		{ "8-bit content, not taken, goes as it is", &bare, "s@from.test", "a@one.test",
			"Subject: a\r\n\r\n\xe4\r\n", false, true, "250",
			"|MAIL FROM:<s@from.test>|" },
	};
	(void)state;
	for (size_t i = 0; i < ROWS(all); i++) {
		const struct script *scripts[HOSTS] = { all[i].script };
		struct message *m = world_message(all[i].sender, all[i].to, all[i].text);

		m->env.smtputf8 = all[i].smtputf8;
		m->env.eightbit = all[i].eightbit;
		m->env.ret = RET_HDRS;
		m->env.envid = STR("E1");
		m->env.rcpts[0].notify = NOTIFY_SUCCESS;
		m->env.rcpts[0].orcpt = STR("rfc822;o@one.test");
		begin(scripts);
		struct outcomes out = send_one(m);

		if (strcmp(out.codes, all[i].codes) != 0)
			wrong("%s: %s (%s)", all[i].name, out.codes, out.reply[0].text);
		if (!strstr(peer_talk(peers[0]), all[i].talk))
			wrong("%s: talk %s", all[i].name, peer_talk(peers[0]));
		if (out.dsn[0] != (all[i].script == &full))
			wrong("%s: dsn_passed_on is wrong", all[i].name);
		if (out.reply[0].code == 250 && !strstr(all[i].to, ",")) {
			struct str got = peer_content(peers[0]);

			assert_true(
				str_eq(str_skip(got, strlen("X-Top: 1\r\n")), str_of(all[i].text)));
		}
		message_release(&m);
		end();
	}
	no_row_was_wrong();
}

/* RFC 9422, and RFC 5321 section 4.5.3.1.10: so many at a time, all on one connection. */
static void recipients_in_parts(void **state)
{
	static const struct script limited = {
		.ehlo = "250-peer\r\n250-PIPELINING\r\n250 LIMITS RCPTMAX=2"
	};
	const struct script *scripts[HOSTS] = { &limited };

	(void)state;
	begin(scripts);
	struct outcomes out =
		send_text("a@one.test,b@one.test,550-c@one.test,d@one.test,e@one.test");

	assert_string_equal(out.codes, "250,250,550,250,250");
	assert_int_equal(count_copies(), 3);
	assert_int_equal(peer_connections(peers[0]), 1);
	end();
}

static void one_too_many(void **state)
{
	static const struct script usual = { .ehlo = PIPE };
	const struct script *scripts[HOSTS] = { &usual };
	struct outcomes out;

	(void)state;
	begin(scripts);
	/* the peer says 452 always: once accepted ones went, it is taken at its word and
	 * deferred */
	out = send_text("a@one.test,452-b@one.test");
	assert_string_equal(out.codes, "250,452");
	assert_int_equal(count_copies(), 1);
	end();
}

/* ---- content ---- */

static struct message *big_message(size_t n, bool in_file)
{
	struct message *m = world_message("s@from.test", "a@one.test", "Subject: big\r\n\r\n");
	struct buf *b = &m->content.memory;
	struct buf all;

	buf_init(&all, n + 1000);
	buf_add_str(&all, buf_str(b));
	for (size_t i = 0; all.n < n; i++)
		buf_addf(&all, "%sline %zu of many, so that pieces end anywhere\r\n",
			i % 3 ? "" : ".", i);
	m->content.size = all.n;
	buf_finish(b);
	if (in_file) {
		char path[] = "/tmp/waypost-content-XXXXXX";

		m->content.fd = mkstemp(path);
		assert_true(m->content.fd >= 0);
		unlink(path);
		m->content.at = 7;
		assert_int_equal(pwrite(m->content.fd, all.p, all.n, 7), all.n);
		buf_init(b, 100000);
		buf_add_str(b, str_head(buf_str(&all), 100000));
		buf_finish(&all);
	} else {
		buf_move(b, &all);
	}
	return m;
}

/* Memory or file, BDAT or DATA, in clear or TLS: the same bytes arrive. */
static void big_content(void **state)
{
	static const struct script scripts_[] = {
		{ .ehlo = PIPE }, { .ehlo = CHUNK }, { .ehlo = tls_ehlo },
		{ .ehlo = "250-peer\r\n250-STARTTLS\r\n250 CHUNKING" },
	};
	struct message *whole = big_message(3000000, false);

	(void)state;
	for (size_t i = 0; i < ROWS(scripts_); i++) {
		for (int in_file = 0; in_file < 2; in_file++) {
			const struct script *scripts[HOSTS] = { &scripts_[i] };
			struct message *m = big_message(3000000, in_file);

			options.command_timeout = options.data_timeout = options.final_timeout =
				5000;
			begin(scripts);
			row_true(i, strcmp(send_one(m).codes, "250") == 0);
			row_true(i, str_eq(str_skip(peer_content(peers[0]), m->top.n),
				buf_str(&whole->content.memory)));
			message_release(&m);
			end();
		}
	}
	message_release(&whole);
}

/* The file is shorter than it should be: half a message must not look like a whole one. */
static void content_is_lost(void **state)
{
	static const struct script scripts_[] = { { .ehlo = PIPE }, { .ehlo = CHUNK } };

	(void)state;
	for (size_t i = 0; i < ROWS(scripts_); i++) {
		const struct script *scripts[HOSTS] = { &scripts_[i], &scripts_[i] };
		struct message *m = big_message(1000000, true);

		assert_true(address_parse(&m->env.rcpts[0].to, STR("a@two.test"), m->arena));
		assert_int_equal(ftruncate(m->content.fd, 500000), 0);
		begin(scripts);
		struct outcomes out = send_one(m);

		row_true(i, strcmp(out.codes, "451") == 0 && !out.duplicate[0]);
		row_text(i, str_of(out.reply[0].status), STR("4.3.0"));
		row_true(i, peer_connections(peers[1]) == 0);
		world_run(20);
		row_true(i, !strstr(peer_talk(peers[0]), "QUIT"));
		message_release(&m);
		end();
	}
}

/* A refusal that comes before the end is taken; a yes is not. */
static void early_answers(void **state)
{
	static const struct { const char *ehlo, *early, *codes;
	} all[] = {
		{ PIPE, "552 5.3.4 too big after all", "552" },
		{ CHUNK, "552 5.3.4 too big after all", "552" },
		{ PIPE, "451 4.3.0 later", "451" },
		{ PIPE, "421 4.3.0 bye", "421" },
		{ PIPE, "250 2.0.0 I know how it ends", "451" },
		{ CHUNK, "250 2.0.0 I know how it ends", "451" },
		{ PIPE, "rubbish", "451" },
		{ PIPE, "@drop", "451" },
	};
	(void)state;
	for (size_t i = 0; i < ROWS(all); i++) {
		struct script early = { .ehlo = all[i].ehlo, .early = all[i].early };
		const struct script *scripts[HOSTS] = { &early };
		struct message *m = big_message(40 << 20, false);

		options.data_timeout = 3000;
		begin(scripts);
		struct outcomes out = send_one(m);

		row_text(i, str_of(out.codes), str_of(all[i].codes));
		row_true(i, !out.duplicate[0]);
		row_true(i, deliver_counts(d).idle == 0);
		message_release(&m);
		end();
	}
}

static void a_peer_that_does_not_read(void **state)
{
	static const struct script stall = { .ehlo = PIPE, .data = "@stall" };
	const struct script *scripts[HOSTS] = { &stall };
	struct message *m = big_message(40 << 20, false);

	(void)state;
	begin(scripts);
	struct outcomes out = send_one(m);

	assert_string_equal(out.codes, "451");
	assert_non_null(strstr(out.reply[0].text, "while sending the message"));
	assert_false(out.duplicate[0]);
	message_release(&m);
	end();
}

/* ---- connections that are kept ---- */

static void connections_are_kept(void **state)
{
	static const struct script usual = { .ehlo = PIPE };
	const struct script *scripts[HOSTS] = { &usual };

	(void)state;
	options.messages_per_connection = 3;
	begin(scripts);
	for (int i = 0; i < 4; i++)
		assert_string_equal(send_text("a@one.test").codes, "250");
	assert_int_equal(peer_connections(peers[0]), 2);
	assert_int_equal(deliver_counts(d).idle, 1);
	assert_non_null(strstr(peer_talk(peers[0]), "DATA|QUIT+"));
	/* one that refused all is reset, and kept too */
	assert_string_equal(send_text("550-a@one.test").codes, "550");
	assert_string_equal(send_text("a@one.test").codes, "250");
	assert_int_equal(peer_connections(peers[0]), 2);
	end();
}

static void idle_connections_end(void **state)
{
	static const struct script usual = { .ehlo = PIPE };
	const struct script *scripts[HOSTS] = { &usual };

	(void)state;
	options.idle = 50;
	begin(scripts);
	assert_string_equal(send_text("a@one.test").codes, "250");
	assert_int_equal(deliver_counts(d).idle, 1);
	world_run(100);
	assert_int_equal(deliver_counts(d).idle, 0);
	assert_non_null(strstr(peer_talk(peers[0]), "|QUIT"));
	end();
}

/* The host restarted meanwhile, or says 421: nothing is deferred for that. */
static void dead_connections_are_replaced(void **state)
{
	static const struct script usual = { .ehlo = PIPE }, twice = { .ehlo = PIPE };
	static const char *const last_words[] = { NULL, "421 4.4.2 idle too long\r\n",
		"rubbish\r\n" };

	(void)state;
	for (size_t i = 0; i < ROWS(last_words); i++) {
		for (int noticed = 0; noticed < 2; noticed++) {
			const struct script *scripts[HOSTS] = { &usual, &twice };

			begin(scripts);
			row_true(i, strcmp(send_text("a@two.test").codes, "250") == 0);
			if (last_words[i])
				peer_say(peers[0], last_words[i]);
			if (!last_words[i] || i == 1)
				world_run(5);
			if (!last_words[i])
				peer_hang_up(peers[0]);
			if (noticed)
				world_run(20);
			struct outcomes out = send_text("a@two.test");

			row_true(i, strcmp(out.codes, "250") == 0);
			row_true(i, strstr(out.reply[0].by, "mx1.test") != NULL);
			row_true(i,
				peer_connections(peers[0]) == 2 && peer_connections(peers[1]) == 0);
			end();
		}
	}
}

/* It dies only when it is used: the same host again, and it counts as no failure. */
static void stale_connections_are_replaced(void **state)
{
	static const struct { const char *ehlo, *again; bool stale;
	} all[] = {
		{ PIPE, "@drop", true },
		{ PIPE, "421 4.4.2 idle too long", true },
		{ PIPE, "@hang", true },
		{ "250 peer", "@drop", true },
		{ CHUNK, "@drop", true },
		/* an answer is an answer */
		{ PIPE, "450 4.7.1 not so fast", false },
	};
	(void)state;
	for (size_t i = 0; i < ROWS(all); i++) {
		struct script once = { .ehlo = all[i].ehlo, .mail_again = all[i].again },
			      usual = { .ehlo = PIPE };
		const struct script *scripts[HOSTS] = { &once, &usual };

		begin(scripts);
		row_true(i, strcmp(send_text("a@two.test").codes, "250") == 0);
		row_true(i, deliver_counts(d).idle == 1);
		struct outcomes out = send_text("a@two.test");

		row_true(i, strcmp(out.codes, "250") == 0);
		row_true(
			i, strstr(out.reply[0].by, all[i].stale ? "mx1.test" : "mx2.test") != NULL);
		row_true(i, peer_connections(peers[0]) == (all[i].stale ? 2 : 1));
		row_true(i, count_copies() == 2);
		end();
	}
}

/* Among equals the one that we have a connection to. */
static void kept_ones_are_preferred(void **state)
{
	static const struct script usual = { .ehlo = PIPE };
	const struct script *scripts[HOSTS] = { &usual, &usual };

	(void)state;
	begin(scripts);
	for (int i = 0; i < 10; i++)
		assert_string_equal(send_text("a@equal.test").codes, "250");
	assert_int_equal(peer_connections(peers[0]) + peer_connections(peers[1]), 1);
	end();
}

/* ---- hosts ---- */

/* Who was put off by three hosts asks no fourth: it would be the same greylisting. Dead ones don't
 * count. */
static void enough_sessions(void **state)
{
	static const struct script grey = { .ehlo = PIPE, .rcpt = "450 4.7.1 grey" },
				   absent = { .absent = true }, usual = { .ehlo = PIPE };
	const struct script *scripts[HOSTS] = { &grey, &grey, &grey, &usual };

	(void)state;
	begin(scripts);
	assert_string_equal(send_text("a@four.test").codes, "450");
	assert_int_equal(peer_connections(peers[2]), 1);
	assert_int_equal(peer_connections(peers[3]), 0);
	end();
	scripts[0] = &absent;
	begin(scripts);
	assert_string_equal(send_text("a@four.test").codes, "250");
	end();
}

static void dead_hosts_are_remembered(void **state)
{
	static const struct script absent = { .absent = true }, usual = { .ehlo = PIPE };
	const struct script *scripts[HOSTS] = { &absent };
	uint16_t port;

	(void)state;
	options.host_backoff = 300;
	begin(scripts);
	assert_string_equal(send_text("a@one.test").codes, "451");
	peer_destroy(&peers[0]);
	port = (uint16_t)options.port;
	peers[0] = peer_create(world_loop(), addresses[0], &port, &usual);
	/* it is up again, but that is found out later */
	assert_string_equal(send_text("a@one.test").codes, "451");
	assert_int_equal(peer_connections(peers[0]), 0);
	world_run(350);
	assert_string_equal(send_text("a@one.test").codes, "250");
	end();
}

/* An IPv6 address that can't be reached from here costs no time and leaves no trace in the
 * reply. */
static void no_route(void **state)
{
	static const struct script usual = { .ehlo = PIPE };
	const struct script *scripts[HOSTS] = { NULL, &usual };

	(void)state;
	begin(scripts);
	struct outcomes out = send_text("a@six.test");

	assert_string_equal(out.codes, "250");
	assert_string_equal(out.relay[0] + strlen("six.test"), strchr(out.relay[0], '['));
	end();
}

static void soft_bounce(void **state)
{
	static const struct script usual = { .ehlo = PIPE };
	const struct script *scripts[HOSTS] = { &usual };

	(void)state;
	options.soft_bounce = true;
	begin(scripts);
	assert_string_equal(send_text("550-a@one.test,b@one.test").codes, "450,250");
	assert_string_equal(send_text("a@null.test").codes, "456");
	end();
	begin(scripts);
	struct outcomes out = send_text("a@null.test");

	assert_string_equal(out.codes, "556");
	assert_string_equal(out.relay[0], "none");
	assert_string_equal(out.reply[0].by, "");
	end();
}

static void bind_address(void **state)
{
	static const struct script usual = { .ehlo = PIPE };
	const struct script *scripts[HOSTS] = { &usual };
	static const char *from[] = { "127.0.0.77", "nonsense" };
	struct why why;

	(void)state;
	options.bind = (struct config_strings){ from, 1 };
	begin(scripts);
	assert_string_equal(send_text("a@one.test").codes, "250");
	end();
	options.bind = (struct config_strings){ from, 2 };
	assert_null(deliver_create(world_loop(), NULL, tls, &options, is_ours, NULL, &why));
	assert_non_null(strstr(why.text, "nonsense"));
	options = world_options();
}

/* ---- giving up in between ---- */

static void must_not_hear(void *waiter, const struct deliver_outcome *o)
{
	(void)waiter;
	(void)o;
	fail_msg("an outcome after the attempt was cancelled");
}

static void must_not_end(void *waiter)
{
	(void)waiter;
	fail_msg("done after the attempt was cancelled");
}

static void cancelled_at_any_time(void **state)
{
	static const struct script hangs[] = {
		{ .greeting = "@hang" },
		{ .ehlo = "@hang" },
		{ .ehlo = PIPE, .mail = "@hang" },
		{ .data = "@hang" },
		{ .end = "@hang" },
		{ .ehlo = CHUNK, .end = "@hang" },
		{ .ehlo = tls_ehlo, .end = "@hang" },
		{ .data = "@stall" },
	};
	static const size_t rcpts[] = { 0 };

	(void)state;
	for (size_t i = 0; i < ROWS(hangs); i++) {
		for (int ms = 0; ms <= 40; ms += 20) {
			const struct script *scripts[HOSTS] = { &hangs[i] };
			struct message *m = big_message(1000000, true);

			begin(scripts);
			struct job *job =
				deliver_attempt(d, m, rcpts, 1, must_not_hear, must_not_end, NULL);

			if (ms)
				world_run(ms);
			job_cancel(&job);
			assert_int_equal(deliver_counts(d).active, 0);
			world_run(20);
			assert_int_equal(m->refs, 1);
			message_release(&m);
			end();
		}
	}
}

/* Cancelled from inside its own callback. */
static struct job *own_job;
static int heard;

static void cancel_in_each(void *waiter, const struct deliver_outcome *o)
{
	(void)waiter;
	(void)o;
	heard++;
	job_cancel(&own_job);
}

static void cancelled_from_its_callback(void **state)
{
	static const struct script usual = { .ehlo = PIPE }, bad = { .mail = "552 too big" },
				   dead = { .absent = true };
	const struct script *each_of[] = { &usual, &bad, &dead };
	static const size_t rcpts[] = { 0, 1, 2 };

	(void)state;
	for (size_t i = 0; i < ROWS(each_of); i++) {
		const struct script *scripts[HOSTS] = { each_of[i] };
		struct message *m =
			world_message("s@from.test", "550-a@one.test,b@one.test,c@one.test", TEXT);

		heard = 0;
		begin(scripts);
		own_job = deliver_attempt(d, m, rcpts, 3, cancel_in_each, must_not_end, NULL);
		world_run(100);
		row_true(i, heard == 1 && own_job == NULL);
		row_true(i, m->refs == 1 && deliver_counts(d).active == 0);
		message_release(&m);
		end();
	}
}

/* Many at once to one host. */
static void many_at_once(void **state)
{
	enum { MANY = 50 };
	static const struct script usual = { .ehlo = PIPE };
	const struct script *scripts[HOSTS] = { &usual };
	static struct outcomes out[MANY];
	static const size_t rcpts[] = { 0 };
	struct message *m = world_message("s@from.test", "a@one.test", TEXT);

	(void)state;
	options.connections_per_lane = 5;
	options.command_timeout = options.final_timeout = 5000;
	begin(scripts);
	memset(out, 0, sizeof out);
	for (int i = 0; i < MANY; i++)
		deliver_attempt(d, m, rcpts, 1, world_each, world_done, &out[i]);
	assert_int_equal(deliver_counts(d).active, MANY);
	for (int i = 0; i < 100 && deliver_counts(d).active > 0; i++)
		world_run(50);
	for (int i = 0; i < MANY; i++)
		row_true(i, out[i].done == 1 && out[i].n == 1 && out[i].reply[0].code == 250);
	assert_int_equal(count_copies(), MANY);
	assert_in_range(deliver_counts(d).idle, 1, 5);
	message_release(&m);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
		cmocka_unit_test(tls_policies),
		cmocka_unit_test(broken_tls_is_remembered),
		cmocka_unit_test(logins),
		cmocka_unit_test(long_password),
		cmocka_unit_test(extensions),
		cmocka_unit_test(recipients_in_parts),
		cmocka_unit_test(one_too_many),
		cmocka_unit_test(big_content),
		cmocka_unit_test(content_is_lost),
		cmocka_unit_test(early_answers),
		cmocka_unit_test(a_peer_that_does_not_read),
		cmocka_unit_test(connections_are_kept),
		cmocka_unit_test(idle_connections_end),
		cmocka_unit_test(dead_connections_are_replaced),
		cmocka_unit_test(stale_connections_are_replaced),
		cmocka_unit_test(kept_ones_are_preferred),
		cmocka_unit_test(enough_sessions),
		cmocka_unit_test(dead_hosts_are_remembered),
		cmocka_unit_test(no_route),
		cmocka_unit_test(soft_bounce),
		cmocka_unit_test(bind_address),
		cmocka_unit_test(cancelled_at_any_time),
		cmocka_unit_test(cancelled_from_its_callback),
		cmocka_unit_test(many_at_once),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
