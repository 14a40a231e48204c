/* Command lines, the offer in EHLO, and dots, however the content is split. */
#include "../unit.h"
#include "wire.h"

#include "base/arena.h"

static void sink(void *arg, const void *p, size_t n)
{
	assert_true(n > 0);
	buf_add(arg, p, n);
}

static void dots(void **state)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "", ".\r\n" },
		{ "a", "a\r\n.\r\n" },
		{ "a\r\n", "a\r\n.\r\n" },
		{ "a\r", "a\r\r\n.\r\n" },
		{ ".", "..\r\n.\r\n" },
		{ "..", "...\r\n.\r\n" },
		{ ".\r\n.\r\n", "..\r\n..\r\n.\r\n" },
		{ "a.b\r\n.c\r\n", "a.b\r\n..c\r\n.\r\n" },
		{ "\r\n.\r\nQUIT\r\n", "\r\n..\r\nQUIT\r\n.\r\n" },
		{ "a\n.b\r\n", "a\n.b\r\n.\r\n" },           /* only CRLF begins a line */
		{ "a\r.b\r\n", "a\r.b\r\n.\r\n" },
		{ "a\r\r\n.b\r\n\r\n", "a\r\r\n..b\r\n\r\n.\r\n" },
		{ "a\r\n..\r\n...\r\n", "a\r\n...\r\n....\r\n.\r\n" },
	};
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str in = str_of(rows[i].in);

		/* split at every two places */
		for (size_t a = 0; a <= in.n; a++) {
			for (size_t b = a; b <= in.n; b++) {
				struct wire_dots d;
				struct buf out;

				buf_init(&out, 1000);
				wire_dots_init(&d);
				wire_dots_add(&d, str_head(in, a), sink, &out);
				wire_dots_add(&d, str_skip(str_head(in, b), a), sink, &out);
				wire_dots_add(&d, str_skip(in, b), sink, &out);
				wire_dots_end(&d, sink, &out);
				row_text(i, buf_str(&out), str_of(rows[i].out));
				buf_finish(&out);
			}
		}
	}
}

static void offers(void **state)
{
	static const struct {
		const char *line;
		unsigned offers;
		uint64_t size, rcpt_max;
	} rows[] = {
		{ "PIPELINING", OFFERS_PIPELINING, 0, 0 },
		{ "pipelining", OFFERS_PIPELINING, 0, 0 },
		{ "PIPELININGS", 0, 0, 0 },
		{ "SIZE", OFFERS_SIZE, 0, 0 },
		{ "SIZE 0", OFFERS_SIZE, 0, 0 },
		{ "SIZE 10240000", OFFERS_SIZE, 10240000, 0 },
		{ "SIZE 99999999999999999999999", OFFERS_SIZE, 0, 0 },
		{ "SIZE -1", OFFERS_SIZE, 0, 0 },
		{ "AUTH PLAIN LOGIN", OFFERS_AUTH | OFFERS_AUTH_PLAIN | OFFERS_AUTH_LOGIN, 0, 0 },
		{ "AUTH CRAM-MD5 login", OFFERS_AUTH | OFFERS_AUTH_LOGIN, 0, 0 },
		{ "AUTH XOAUTH2", OFFERS_AUTH, 0, 0 },
		{ "AUTH=PLAIN LOGIN", OFFERS_AUTH | OFFERS_AUTH_PLAIN | OFFERS_AUTH_LOGIN, 0, 0 },
		{ "8BITMIME", OFFERS_8BITMIME, 0, 0 },
		{ "SMTPUTF8", OFFERS_SMTPUTF8, 0, 0 },
		{ "STARTTLS", OFFERS_STARTTLS, 0, 0 },
		{ "CHUNKING", OFFERS_CHUNKING, 0, 0 },
		{ "DSN", OFFERS_DSN, 0, 0 },
		{ "LIMITS RCPTMAX=20 MAILMAX=5", 0, 0, 20 },
		{ "LIMITS RCPTMAX=0", 0, 0, 0 },
		{ "LIMITS RCPTMAX=x", 0, 0, 0 },
		{ "", 0, 0, 0 },
		{ "   ", 0, 0, 0 },
		{ "\xff\xfe", 0, 0, 0 },
	};
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct wire_offer o = { 0 };

		wire_read_offer(&o, str_of(rows[i].line));
		row_true(i, o.offers == rows[i].offers);
		row_true(i, o.size == rows[i].size);
		row_true(i, o.rcpt_max == rows[i].rcpt_max);
	}
}

static const unsigned all = OFFERS_SIZE | OFFERS_8BITMIME | OFFERS_SMTPUTF8 | OFFERS_DSN;

static void mail(void **state)
{
	static const struct {
		const char *local, *domain, *envid;
		bool eightbit, smtputf8;
		enum envelope_ret ret;
		unsigned offers;
		const char *want;          /* NULL: can't be said */
	} rows[] = {
		{ "a", "b.test", "", false, false, RET_UNSAID, 0, "MAIL FROM:<a@b.test>\r\n" },
		{ "", "", "", false, false, RET_UNSAID, 0, "MAIL FROM:<>\r\n" },
		{ "a", "b.test", "", false, false, RET_UNSAID, OFFERS_SIZE,
			"MAIL FROM:<a@b.test> SIZE=77\r\n" },
		{ "a", "b.test", "", true, false, RET_UNSAID, OFFERS_8BITMIME,
			"MAIL FROM:<a@b.test> BODY=8BITMIME\r\n" },
		{ "a", "b.test", "", true, true, RET_FULL, 0, "MAIL FROM:<a@b.test>\r\n" },
		{ "a", "b.test", "QQ1", true, true, RET_HDRS, all,
			"MAIL FROM:<a@b.test> SIZE=77 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ1\r\n" },
		{ "a", "b.test", "", false, false, RET_FULL, OFFERS_DSN,
			"MAIL FROM:<a@b.test> RET=FULL\r\n" },
		{ "a", "b.test", "x y", false, false, RET_UNSAID, OFFERS_DSN,
			"MAIL FROM:<a@b.test>\r\n" },
		{ "a", "b.test", "x\r\nRSET", false, false, RET_UNSAID, OFFERS_DSN,
			"MAIL FROM:<a@b.test>\r\n" },
		{ "a b", "b.test", "", false, false, RET_UNSAID, 0,
			"MAIL FROM:<\"a b\"@b.test>\r\n" },
		{ "a> SIZE=1", "b.test", "", false, false, RET_UNSAID, 0,
			"MAIL FROM:<\"a> SIZE=1\"@b.test>\r\n" },
		{ "a\r\nRSET", "b.test", "", false, false, RET_UNSAID, 0, NULL },
		{ "a", "b.test>\r\nRSET", "", false, false, RET_UNSAID, 0, NULL },
		{ "a", "b.test> SIZE=1", "", false, false, RET_UNSAID, 0, NULL },
	};
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct address sender = { str_of(rows[i].local), str_of(rows[i].domain) };
		struct wire_mail m = { &sender, 77, rows[i].eightbit, rows[i].smtputf8, rows[i].ret,
			str_of(rows[i].envid) };
		struct buf out;

		buf_init(&out, 1000);
		row_true(i, wire_mail(&out, &m, rows[i].offers) == (rows[i].want != NULL));
		row_text(i, buf_str(&out), str_of(rows[i].want));
		buf_finish(&out);
	}
}

static void rcpt(void **state)
{
	static const struct {
		const char *local, *orcpt;
		unsigned notify, offers;
		const char *want;
	} rows[] = {
		{ "a", "", 0, 0, "RCPT TO:<a@b.test>\r\n" },
		{ "a", "rfc822;x@y", NOTIFY_SUCCESS, 0, "RCPT TO:<a@b.test>\r\n" },
		{ "a", "rfc822;x@y", 0, OFFERS_DSN, "RCPT TO:<a@b.test> ORCPT=rfc822;x@y\r\n" },
		{ "a", "", NOTIFY_NEVER, OFFERS_DSN, "RCPT TO:<a@b.test> NOTIFY=NEVER\r\n" },
		{ "a", "", NOTIFY_SUCCESS | NOTIFY_DELAY, OFFERS_DSN,
			"RCPT TO:<a@b.test> NOTIFY=SUCCESS,DELAY\r\n" },
		{ "a", "", NOTIFY_FAILURE, OFFERS_DSN, "RCPT TO:<a@b.test> NOTIFY=FAILURE\r\n" },
		{ "a", "rfc822;x\r\nDATA", 0, OFFERS_DSN, "RCPT TO:<a@b.test>\r\n" },
		{ "a", "utf-8;\xc3\xa4@y", 0, OFFERS_DSN, "RCPT TO:<a@b.test>\r\n" },
		{ "a", "utf-8;\xc3\xa4@y", 0, OFFERS_DSN | OFFERS_SMTPUTF8,
			"RCPT TO:<a@b.test> ORCPT=utf-8;\xc3\xa4@y\r\n" },
		{ "a\nb", "", 0, 0, NULL },
		{ "a\x7f", "", 0, 0, NULL },
	};
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct recipient r = { .to = { str_of(rows[i].local), STR("b.test") },
			.orcpt = str_of(rows[i].orcpt),
			.notify = rows[i].notify };
		struct buf out;

		buf_init(&out, 1000);
		row_true(i, wire_rcpt(&out, &r, rows[i].offers) == (rows[i].want != NULL));
		row_text(i, buf_str(&out), str_of(rows[i].want));
		buf_finish(&out);
	}
}

/* Nobody is written to as <>, and half a line is never left behind. */
static void nothing_half(void **state)
{
	struct recipient nobody = { .to = { STR(""), STR("") } };
	struct recipient r = { .to = { STR("somebody"), STR("example.test") } };
	struct buf out;

	(void)state;
	buf_init(&out, 12);
	assert_false(wire_rcpt(&out, &nobody, 0));
	assert_false(wire_rcpt(&out, &r, 0));
	assert_int_equal(out.n, 0);
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dots),
		cmocka_unit_test(offers),
		cmocka_unit_test(mail),
		cmocka_unit_test(rcpt),
		cmocka_unit_test(nothing_half),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
