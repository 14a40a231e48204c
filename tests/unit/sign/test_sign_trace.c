/* test_sign_trace.c - Received and its like before clients that try to break them, and loops */
#include "sign_trace.h"
#include "mail/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

enum { RCPTS = 3 };

static const struct trace_row {
	const char *name;
	const char *helo, *client_name, *ip, *tls;
	bool smtputf8;
	const char *rcpts[RCPTS][2];       /* original, next */
	const char *header;                /* of the content */
	const char *want;                  /* without the date */
} rows[] = {
	{ "forwarded", "mx.sender.example", "mx.sender.example", "192.0.2.1", NULL, false,
	  { { "alice@ours.example", "alice@gmail.example" } }, "",
	  "Received: from mx.sender.example (mx.sender.example [192.0.2.1])\r\n"
	  "\tby mail.ours.example (waypost) with ESMTPS id 0000000000001\r\n\tfor <alice@ours.example>;\r\n\tDATE\r\n"
	  "Delivered-To: alice@ours.example\r\nX-Forwarded-To: alice@gmail.example\r\n"
	  "X-Forwarded-For: alice@ours.example alice@gmail.example\r\n" },
	{ "relayed for our user", "laptop", "", "2001:db8::1", "TLSv1.3 with cipher X", false,
	  { { "bob@example.net", "bob@example.net" } }, "",
	  "Received: from laptop (unknown [IPv6:2001:db8::1])\r\n\t(using TLSv1.3 with cipher X)\r\n"
	  "\tby mail.ours.example (waypost) with ESMTPS id 0000000000001\r\n\tfor <bob@example.net>;\r\n\tDATE\r\n" },
	{ "several originals: no names", "h", "", "192.0.2.1", NULL, false,
	  { { "alice@ours.example", "alice@gmail.example" }, { "bob@ours.example", "bob@gmail.example" } }, "",
	  "Received: from h (unknown [192.0.2.1])\r\n"
	  "\tby mail.ours.example (waypost) with ESMTPS id 0000000000001;\r\n\tDATE\r\n" },
	{ "one original, several targets", "h", "", "192.0.2.1", NULL, false,
	  { { "team@ours.example", "alice@gmail.example" }, { "team@ours.example", "bob@gmail.example" } }, "",
	  "Received: from h (unknown [192.0.2.1])\r\n"
	  "\tby mail.ours.example (waypost) with ESMTPS id 0000000000001\r\n\tfor <team@ours.example>;\r\n\tDATE\r\n"
	  "Delivered-To: team@ours.example\r\n" },
	{ "HELO that breaks out", "x)\r\nX-Evil: (1; \"y", "a b\r\nc", "192.0.2.1", "T)\r\n(x\\", false,
	  { { "a@b.example", "a@b.example" } }, "",
	  "Received: from x???X-Evil:??1???y (a?b??c [192.0.2.1])\r\n\t(using T????x?)\r\n"
	  "\tby mail.ours.example (waypost) with ESMTPS id 0000000000001\r\n\tfor <a@b.example>;\r\n\tDATE\r\n" },
	{ "no HELO, literal", "", "[192.0.2.9]", "192.0.2.1", NULL, false, { { NULL } }, "",
	  "Received: from unknown ([192.0.2.9] [192.0.2.1])\r\n"
	  "\tby mail.ours.example (waypost) with ESMTPS id 0000000000001;\r\n\tDATE\r\n" },
	{ "UTF-8 in HELO", "m\xc3\xbcller", "", "192.0.2.1", NULL, false, { { NULL } }, "",
	  "Received: from m??ller (unknown [192.0.2.1])\r\n"
	  "\tby mail.ours.example (waypost) with ESMTPS id 0000000000001;\r\n\tDATE\r\n" },
	{ "a quoted local part", "h", "", "192.0.2.1", NULL, false,
	  { { "\"a b\\\"c>\"@ours.example", "x@gmail.example" } }, "",
	  "Received: from h (unknown [192.0.2.1])\r\n"
	  "\tby mail.ours.example (waypost) with ESMTPS id 0000000000001\r\n\tfor <\"a b\\\"c>\"@ours.example>;\r\n\tDATE\r\n"
	  "Delivered-To: \"a b\\\"c>\"@ours.example\r\nX-Forwarded-To: x@gmail.example\r\n"
	  "X-Forwarded-For: \"a b\\\"c>\"@ours.example x@gmail.example\r\n" },
	{ "a UTF-8 address in an ASCII message", "h", "", "192.0.2.1", NULL, false,
	  { { "m\xc3\xbcller@ours.example", "x@gmail.example" } }, "",
	  "Received: from h (unknown [192.0.2.1])\r\n"
	  "\tby mail.ours.example (waypost) with ESMTPS id 0000000000001;\r\n\tDATE\r\n" },
	{ "a UTF-8 address under SMTPUTF8", "h", "", "192.0.2.1", NULL, true,
	  { { "m\xc3\xbcller@ours.example", "x@gmail.example" } }, "",
	  "Received: from h (unknown [192.0.2.1])\r\n\tby mail.ours.example (waypost) with ESMTPS id 0000000000001\r\n"
	  "\tfor <m\xc3\xbcller@ours.example>;\r\n\tDATE\r\nDelivered-To: m\xc3\xbcller@ours.example\r\n"
	  "X-Forwarded-To: x@gmail.example\r\nX-Forwarded-For: m\xc3\xbcller@ours.example x@gmail.example\r\n" },
	{ "a signature oversigns two of ours", "h", "", "192.0.2.1", NULL, false,
	  { { "a@ours.example", "x@gmail.example" } },
	  "DKIM-Signature: v=1; a=rsa-sha256; d=s.example; s=s;\r\n\th=from:\r\n\tdelivered-TO : X-Forwarded-For; bh=x; b=y\r\n",
	  "Received: from h (unknown [192.0.2.1])\r\n"
	  "\tby mail.ours.example (waypost) with ESMTPS id 0000000000001\r\n\tfor <a@ours.example>;\r\n\tDATE\r\n"
	  "X-Forwarded-To: x@gmail.example\r\n" },
	{ "made here", NULL, "", NULL, NULL, false, { { "a@b.example", "a@b.example" } }, "",
	  "Received: by mail.ours.example (waypost) with ESMTPS id 0000000000001\r\n\tfor <a@b.example>;\r\n\tDATE\r\n" },
};

static struct message *make_message(const struct trace_row *row)
{
	struct message *m = message_create();

	m->id = 1;
	m->env.helo = str_of(row->helo);
	m->env.smtputf8 = row->smtputf8;
	if (row->ip != NULL) {
		assert_true(inet_parse(&m->env.client.addr, str_of(row->ip)));
		m->env.client.port = 12345;
	}
	m->env.rcpts = arena_alloc(m->arena, RCPTS * sizeof *m->env.rcpts);
	for (; m->env.rcpt_count < RCPTS && row->rcpts[m->env.rcpt_count][0] != NULL; m->env.rcpt_count++) {
		struct recipient *r = &m->env.rcpts[m->env.rcpt_count];

		assert_true(address_parse(&r->original, str_of(row->rcpts[m->env.rcpt_count][0]), m->arena));
		assert_true(address_parse(&r->to, str_of(row->rcpts[m->env.rcpt_count][1]), m->arena));
	}
	buf_addf(&m->content.memory, "%s\r\n", row->header);
	m->content.header = m->content.memory.n - 2;
	m->content.size = m->content.memory.n;
	return m;
}

/* The date, in whatever zone, as DATE. */
static void hide_date(struct buf *text)
{
	char *date = memmem(text->p, text->n, "Tue, 14 Nov 2023 ", 17);
	char *more;

	if (date == NULL)
		date = memmem(text->p, text->n, "Wed, 15 Nov 2023 ", 17);
	assert_non_null(date);
	more = memchr(date, '\r', (size_t)(text->p + text->n - date));
	assert_int_equal(more - date, 31);
	memcpy(date, "DATE", 4);
	memmove(date + 4, more, (size_t)(text->p + text->n - more));
	text->n -= 27;
}

static void trace_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct message *m = make_message(&rows[i]);
		struct sign_request request = { .hostname = "mail.ours.example", .protocol = "ESMTPS",
			.client_name = str_of(rows[i].client_name), .tls = rows[i].tls };
		struct buf out;

		buf_init(&out, SIGN_TRACE_MAX);
		sign_trace_fields(&out, m, &request, 1700000000000);
		hide_date(&out);
		if (!str_eq(buf_str(&out), str_of(rows[i].want)))
			fail_msg("%s: got\n%.*swant\n%s", rows[i].name, (int)out.n, out.p, rows[i].want);
		buf_finish(&out);
		message_release(&m);
	}
}

/* The longest of all that a client can choose still fits. */
static void the_longest_fields(void **state)
{
	struct message *m = message_create();
	struct sign_request request = { .protocol = "UTF8SMTPSA" };
	char quotes[256], name[256];
	struct recipient rcpt = { 0 };
	struct buf out;

	(void)state;
	memset(quotes, '"', 255);
	memset(name, 'x', 255);
	quotes[255] = name[255] = '\0';
	rcpt.to = (struct address){ str_of(quotes), str_of(name) };
	name[0] = 'y';
	rcpt.original = (struct address){ str_of(quotes), str_of("x") };
	rcpt.original.domain = str_of(name);
	rcpt.to.local.n--;
	m->env.rcpts = &rcpt;
	m->env.rcpt_count = 1;
	m->env.client.port = 1;
	m->env.client.addr.v6 = true;
	memset(m->env.client.addr.ip, 0xee, 16);
	m->env.helo = str_of(name);
	request.hostname = name;
	request.client_name = str_of(name);
	request.tls = name;
	buf_init(&out, SIGN_TRACE_MAX);
	sign_trace_fields(&out, m, &request, 1700000000000);
	assert_false(out.over);
	assert_int_equal(header_count(buf_str(&out), STR("X-Forwarded-For")), 1);
	buf_finish(&out);
	message_release(&m);
}

static const struct add_row {
	const char *header, *name;
	bool may;
} adds[] = {
	{ "", "Date", true },
	{ "DKIM-Signature: h=from:date; b=\r\n", "Date", false },
	{ "DKIM-Signature: h=from:date; b=\r\nDate: x\r\n", "Date", true },        /* covered, not oversigned */
	{ "DKIM-Signature: h=from:date:date; b=\r\nDate: x\r\n", "Date", false },
	{ "DKIM-Signature: h=date; b=\r\nDKIM-Signature: h=date; b=\r\nDate: x\r\n", "Date", true },
	{ "DKIM-Signature: h=from; b=date:date\r\n", "Date", true },
	{ "DKIM-Signature: xh=date; b=\r\n", "Date", true },
	{ "DKIM-Signature: v=1;\r\n\th =\r\n\t DATE\r\n\t; b=\r\n", "Date", false },
	{ "DKIM-Signature: h=dat:e:dates; b=\r\n", "Date", true },
	{ "dkim-signature : h=date\r\n", "Date", false },
	{ "ARC-Message-Signature: i=1; h=date; b=\r\n", "Date", false },
	{ "ARC-Seal: i=1; h=date; b=\r\n", "Date", true },
	{ "X-DKIM-Signature: h=date; b=\r\n", "Date", true },
	{ "DKIM-Signature:\r\nDKIM-Signature: ;;;=;h\r\n", "Date", true },
};

static void oversigned_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof adds / sizeof adds[0]; i++)
		if (sign_trace_may_add(str_of(adds[i].header), str_of(adds[i].name)) != adds[i].may)
			fail_msg("%s under %s", adds[i].name, adds[i].header);
}

static void extra_fields(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, SIGN_TRACE_MAX);
	sign_trace_extra(&out, STR("DKIM-Signature: h=from:message-id; b=\r\n"),
		STR("Date: x\r\nMessage-ID: <y>\r\nA: b\r\n\tc\r\n"));
	assert_string_equal(buf_text(&out), "Date: x\r\nA: b\r\n\tc\r\n");
	buf_finish(&out);
}

#define OURS "Received: from a by mail.ours.example (waypost) with ESMTP id 1; today\r\n"
#define THEIRS "Received: from mail.ours.example by mx.example.net with ESMTP id 1; today\r\n"
#define TO_BOB "Delivered-To: bob@ours.example\r\n"
#define TO_ALICE "Delivered-To: alice@ours.example\r\n"

static const struct loop_row {
	const char *name, *fields;
	int times;
	const char *more;
	bool loop;
} loops[] = {
	{ "nothing", "", 0, "", false },
	{ "49 hops", THEIRS, 49, "", false },
	{ "50 hops", THEIRS, 50, "", true },
	{ "1000 hops", THEIRS, 1000, TO_ALICE, true },
	{ "50 of other fields", "X-Received: x\r\n", 50, "", false },
	{ "once ours", OURS, 1, TO_ALICE, false },
	{ "a person who redirects it back", OURS THEIRS, 1, TO_ALICE, false },
	{ "twice ours, for alice", OURS THEIRS, 2, TO_ALICE, true },
	{ "twice ours, for somebody else", OURS, 2, "Delivered-To: bob@ours.example\r\n", false },
	{ "twice ours, for several", OURS, 2, "Delivered-To: bob@ours.example\r\n" TO_ALICE, true },
	{ "twice ours, for nobody", OURS, 2, "", false },
	{ "the fiftieth to somebody", TO_BOB, 49, OURS OURS TO_ALICE, true },
	{ "too far down", TO_BOB, 50, OURS OURS TO_ALICE, false },
	{ "case", OURS, 2, "delivered-to :\r\n\tALICE@Ours.Example \r\n", true },
	{ "by in a comment", "Received: from a (helo by mail.ours.example) by b; today\r\n", 2, TO_ALICE, false },
	{ "by in nested comments", "Received: from a (x (\\) by mail.ours.example) y) by b; today\r\n", 2, TO_ALICE, false },
	{ "by in quotes", "Received: from \"by mail.ours.example\" by b; today\r\n", 2, TO_ALICE, false },
	{ "a client called by", "Received: from by by mail.ours.example; today\r\n", 2, TO_ALICE, true },
	{ "folded", "Received: from a (b\r\n\t[1.2.3.4])\r\n\tBy\r\n\tMAIL.ours.example\r\n\t(x); today\r\n", 2, TO_ALICE, true },
	{ "host, then semicolon", "Received: by mail.ours.example; today\r\n", 2, TO_ALICE, true },
	{ "a longer name", "Received: by mail.ours.example.net; today\r\n", 2, TO_ALICE, false },
	{ "rubbish", "Received: ((((\"\\\r\nReceived:\r\nReceived: by\r\nReceived: \\", 2, TO_ALICE, false },
};

static void found_loops(void **state)
{
	struct arena *arena = arena_create();
	struct recipient rcpts[2] = { 0 };

	(void)state;
	assert_true(address_parse(&rcpts[0].original, STR("carol@ours.example"), arena));
	assert_true(address_parse(&rcpts[1].original, STR("alice@ours.example"), arena));
	for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++) {
		struct buf header;

		buf_init(&header, 1 << 20);
		for (int n = 0; n < loops[i].times; n++)
			buf_addf(&header, "%s", loops[i].fields);
		buf_addf(&header, "%s", loops[i].more);
		if (sign_finds_loop(buf_str(&header), "mail.ours.example", rcpts, 2) != loops[i].loop)
			fail_msg("%s", loops[i].name);
		buf_finish(&header);
	}
	arena_destroy(&arena);
}

/* What we write is what we find. */
static void our_own_received_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct message *m = make_message(&rows[i]);
		struct sign_request request = { .hostname = "[192.0.2.7]", .protocol = "ESMTP",
			.client_name = str_of(rows[i].client_name), .tls = rows[i].tls };
		struct buf out;

		buf_init(&out, 2 * SIGN_TRACE_MAX);
		sign_trace_fields(&out, m, &request, 1700000000000);
		sign_trace_fields(&out, m, &request, 1700000000000);
		bool shown = header_count(buf_str(&out), STR("Delivered-To")) > 0;

		assert_int_equal(sign_finds_loop(buf_str(&out), "[192.0.2.7]", m->env.rcpts, m->env.rcpt_count), shown);
		buf_finish(&out);
		message_release(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trace_fields),
		cmocka_unit_test(the_longest_fields),
		cmocka_unit_test(oversigned_names),
		cmocka_unit_test(extra_fields),
		cmocka_unit_test(found_loops),
		cmocka_unit_test(our_own_received_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
