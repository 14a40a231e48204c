/* The head of a queue file: what is written reads back, and nothing else does. */
#include "../unit.h"

#include "base/limits.h"
#include "base/mem.h"
#include "format.h"

#include <stdio.h>
#include <stdlib.h>

static struct address raw(const char *local, const char *domain)
{
	return (struct address){ str_of(local), str_of(domain) };
}

static struct message *sample(void)
{
	struct message *m = message_create();
	struct recipient *r = arena_alloc(m->arena, 3 * sizeof *r);
	struct envelope *e = &m->env;

	m->id = UINT64_C(0x19a0b1c2d3e4f567);
	e->arrived = INT64_C(1795348800123);
	e->sender = raw("SRS0=vq3n=XY=example.org=bob", "srs.example.com");
	e->original_sender = raw("bob", "example.org");
	endpoint_parse(&e->client, STR("[2001:db8::7]:40112"), 0);
	e->helo = STR("mail.example.org");
	e->login = STR("alice@example.com");
	e->proven = e->eightbit = e->smtputf8 = e->tls = true;
	e->ret = RET_HDRS;
	e->envid = STR("QQ+2B314159");
	r[0] = (struct recipient){ .to = raw("alice", "gmail.com"),
		.original = raw("alice", "example.com"),
		.notify = NOTIFY_FAILURE | NOTIFY_DELAY,
		.orcpt = STR("rfc822;alice@example.com"),
		.mark = '-' };
	r[1] = (struct recipient){
		.to = raw("b", "gmail.com"), .original = raw("postmaster", ""), .mark = '+'
	};
	r[2] = (struct recipient){ .to = raw("c", "[192.0.2.1]"),
		.original = raw("c", "example.com"),
		.notify = NOTIFY_NEVER,
		.mark = '!' };
	e->rcpts = r;
	e->rcpt_count = 3;
	buf_add_str(&m->top, STR("Received: x\r\n"));
	m->content.size = 10233;
	m->content.header = 1630;
	return m;
}

/* Yours: buf_finish. */
static bool print(struct buf *out, const struct message *m, size_t room, struct why *why)
{
	uint32_t mark_at[100];

	buf_init(out, LIMIT_SPOOL_HEAD);
	return format_head(out, m, room, mark_at, why);
}

static struct message *parse(struct str head, struct format_sizes *sizes, struct why *why)
{
	struct message *m = message_create();

	if (!format_parse(m, head, sizes, why))
		message_release(&m);
	return m;
}

static void looks_like_this(void **state)
{
	static const char want[] = "waypost 1\n"
				   "id 1K85HRB9Y9XB7\n"
				   "arrived 2026-11-22T12:00:00.123Z\n"
				   "sender SRS0=vq3n=XY=example.org=bob@srs.example.com\n"
				   "original-sender bob@example.org\n"
				   "client [2001:db8::7]:40112\n"
				   "helo mail.example.org\n"
				   "login alice@example.com\n"
				   "proven yes\n"
				   "body 8bitmime\n"
				   "smtputf8 yes\n"
				   "tls yes\n"
				   "ret hdrs\n"
				   "envid QQ+2B314159\n"
				   "top 13\n"
				   "size 10233\n"
				   "header 1630\n"
				   "-to alice@gmail.com original alice@example.com notify "
				   "failure,delay orcpt rfc822;alice@example.com\n"
				   "+to b@gmail.com original postmaster\n"
				   "!to c@[192.0.2.1] original c@example.com notify never\n"
				   "\n";
	struct message *m = sample(), *again;
	struct format_sizes sizes;
	struct why why = { 0 };
	struct buf out, twice;

	(void)state;
	assert_true(print(&out, m, 0, &why));
	row_text(0, buf_str(&out), str_of(want));
	again = parse(buf_str(&out), &sizes, &why);
	assert_non_null(again);
	assert_int_equal(again->env.arrived, m->env.arrived);
	assert_int_equal(sizes.top, 13);
	assert_int_equal(sizes.size, 10233);
	assert_int_equal(sizes.header, 1630);
	for (size_t i = 0; i < 3; i++)
		row_true(i, out.p[again->env.rcpts[i].mark_at] == again->env.rcpts[i].mark
			&& again->env.rcpts[i].mark == m->env.rcpts[i].mark);
	buf_add_str(&again->top, STR("Received: x\r\n"));
	again->content.size = sizes.size;
	again->content.header = (size_t)sizes.header;
	assert_true(print(&twice, again, 0, NULL));
	row_text(1, buf_str(&twice), buf_str(&out));
	buf_finish(&out);
	buf_finish(&twice);
	message_release(&m);
	message_release(&again);
}

static void every_address_comes_back(void **state)
{
	static const struct { const char *local, *domain;
	} rows[] = {
		{ "", "" },
		{ "postmaster", "" },
		{ "a b", "example.com" },
		{ "a@b", "example.com" },
		{ "a@b", "" },
		{ "%41", "example.com" },
		{ "<>", "example.com" },
		{ "\"quoted\\\"", "example.com" },
		{ "gr\xc3\xbc\xc3\x9f"
		  "e",
			"xn--bcher-kva.example" },
		{ "original x", "example.com" },
		{ "x", "[IPv6:2001:db8::1]" },
		{ "", "example.com" },
		{ "\xff\xfe", "example.com" },
		{ " notify never", "example.com" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct message *m = sample(), *again;
		struct format_sizes sizes;
		struct why why = { 0 };
		struct buf out;

		m->env.sender = m->env.original_sender = raw(rows[i].local, rows[i].domain);
		if (!address_is_null(&m->env.sender))
			m->env.rcpts[0].to = m->env.rcpts[0].original = m->env.sender;
		row_true(i, print(&out, m, 0, &why));
		again = parse(buf_str(&out), &sizes, &why);
		if (again == NULL)
			fail_msg("row %zu: %s: %s", i, why.text, buf_text(&out));
		row_text(i, again->env.sender.local, str_of(rows[i].local));
		row_text(i, again->env.sender.domain, str_of(rows[i].domain));
		row_text(i, again->env.rcpts[0].to.local, m->env.rcpts[0].to.local);
		row_text(i, again->env.rcpts[0].original.domain, m->env.rcpts[0].original.domain);
		buf_finish(&out);
		message_release(&m);
		message_release(&again);
	}
}

/* Bytes that would break a line are kept in words, and refused in addresses. */
static void hostile_words(void **state)
{
	static const char evil[] = "x\n-to evil@example.com original evil@example.com\n\n";
	struct message *m = sample(), *again;
	struct format_sizes sizes;
	struct why why = { 0 };
	struct buf out;

	(void)state;
	m->env.helo = m->env.envid = m->env.rcpts[0].orcpt = m->env.login = str_of(evil);
	assert_true(print(&out, m, 0, &why));
	again = parse(buf_str(&out), &sizes, &why);
	assert_non_null(again);
	assert_int_equal(again->env.rcpt_count, 3);
	row_text(0, again->env.helo, str_of(evil));
	row_text(1, again->env.rcpts[0].orcpt, str_of(evil));
	buf_finish(&out);
	message_release(&again);

	m->env.rcpts[1].to = raw(evil, "example.com");
	assert_false(print(&out, m, 0, &why));
	buf_finish(&out);
	m->env.rcpts[1].to = raw("a", "example.com");
	m->env.sender = raw("a", "example\r\n.com");
	assert_false(print(&out, m, 0, &why));
	buf_finish(&out);
	m->env.sender = raw("a", "example.com");
	m->env.rcpt_count = 0;
	assert_false(print(&out, m, 0, &why));
	buf_finish(&out);
	message_release(&m);
}

static void padding_fills_exactly(void **state)
{
	struct message *m = sample();
	struct buf bare, out;
	size_t need;

	(void)state;
	assert_true(print(&bare, m, 0, NULL));
	need = bare.n + m->top.n;
	for (size_t more = 0; more < 5000; more += more < 10 ? 1 : 1663) {
		struct format_sizes sizes;
		struct why why = { 0 };
		bool fits = print(&out, m, need + more, &why);

		/* "pad" and its newline are the least that can be added */
		row_true(more, fits == (more == 0 || more >= 4));
		if (fits) {
			struct message *again = parse(buf_str(&out), &sizes, &why);

			row_true(more, out.n + m->top.n == need + more);
			row_true(more, again != NULL);
			message_release(&again);
		}
		buf_finish(&out);
	}
	assert_false(print(&out, m, need - 1, NULL));
	buf_finish(&out);
	assert_false(print(&out, m, 10, NULL));
	buf_finish(&out);
	buf_finish(&bare);
	message_release(&m);
}

#define HEAD                                                                                       \
	"waypost 1\nid 1K85HRB9Y9XB7\narrived 2026-11-22T12:00:00.123Z\nsender "                   \
	"<>\noriginal-sender <>\n"
#define SIZES "top 0\nsize 2\nheader 0\n"
#define RCPT "-to a@b.example original a@b.example\n"

static void wrong_lines(void **state)
{
	static const struct { const char *head; bool good;
	} rows[] = {
		{ HEAD SIZES RCPT "\n", true },
		{ HEAD RCPT SIZES "\n", true },
		{ HEAD SIZES "\n", false },
		{ HEAD RCPT "\n", false },
		{ SIZES RCPT "\n", false },
		{ "", false },
		{ "waypost 2\n" SIZES RCPT "\n", false },
		{ " " HEAD SIZES RCPT "\n", false },
		{ HEAD SIZES SIZES RCPT "\n", false },
		{ HEAD SIZES "sender <>\n" RCPT "\n", false },
		{ HEAD SIZES "color blue\n" RCPT "\n", false },
		{ HEAD SIZES "helo\n" RCPT "\n", false },
		{ HEAD SIZES "helo \n" RCPT "\n", false },
		{ HEAD SIZES "helo a b\n" RCPT "\n", false },
		{ HEAD SIZES "helo a%0\n" RCPT "\n", false },
		{ HEAD SIZES "helo a%zz\n" RCPT "\n", false },
		{ HEAD SIZES "helo a%00b\n" RCPT "\n", false },
		{ HEAD SIZES "helo a\r\n" RCPT "\n", false },
		{ HEAD SIZES "proven no\n" RCPT "\n", false },
		{ HEAD SIZES "proven yes\n" RCPT "\n", true },
		{ HEAD SIZES "ret some\n" RCPT "\n", false },
		{ HEAD SIZES "client 192.0.2.1\n" RCPT "\n", false },
		{ HEAD SIZES "client 192.0.2.1:0\n" RCPT "\n", false },
		{ HEAD SIZES "client 192.0.2.1:25\n" RCPT "\n", true },
		{ HEAD SIZES "pad\n" RCPT "\n", true },
		{ HEAD SIZES "pad     \n" RCPT "\n", true },
		{ HEAD SIZES "pad  x  \n" RCPT "\n", false },
		{ HEAD "top 0\nsize 2\nheader 3\n" RCPT "\n", false },
		{ HEAD "top -1\nsize 2\nheader 0\n" RCPT "\n", false },
		{ HEAD "top 99999999\nsize 2\nheader 0\n" RCPT "\n", false },
		{ HEAD "top 0\nsize 18446744073709551615\nheader 0\n" RCPT "\n", false },
		{ HEAD "top 0\nsize 9999999999\nheader 9999999999\n" RCPT "\n", false },
		{ HEAD SIZES "*to a@b.example original a@b.example\n\n", false },
		{ HEAD SIZES "-to <> original a@b.example\n\n", false },
		{ HEAD SIZES "-to a@b.example original <>\n\n", true },
		{ HEAD SIZES "-to a@b.example\n\n", false },
		{ HEAD SIZES "- to a@b.example original a@b.example\n\n", false },
		{ HEAD SIZES "-to a%0d%0a@b.example original a@b.example\n\n", false },
		{ HEAD SIZES "-to a@b%40c original a@b.example\n\n", true },
		{ HEAD SIZES "-to a@b.example original a@b.example notify\n\n", false },
		{ HEAD SIZES "-to a@b.example original a@b.example notify never,never\n\n", false },
		{ HEAD SIZES "-to a@b.example original a@b.example notify never,\n\n", false },
		{ HEAD SIZES "-to a@b.example original a@b.example notify sometimes\n\n", false },
		{ HEAD SIZES
			"-to a@b.example original a@b.example notify success orcpt rfc822;x\n\n",
			true },
		{ HEAD SIZES
			"-to a@b.example original a@b.example orcpt rfc822;x notify success\n\n",
			false },
		{ HEAD SIZES "-to a@b.example original a@b.example orcpt \n\n", false },
		{ "waypost 1\nid 0000000000000\narrived 2026-11-22T12:00:00.123Z\nsender "
		  "<>\noriginal-sender <>\n" SIZES RCPT "\n",
			false },
		{ "waypost 1\nid 1K85HRB9Y9XB7\narrived 2026-02-30T12:00:00.123Z\nsender "
		  "<>\noriginal-sender <>\n" SIZES RCPT "\n",
			false },
		{ "waypost 1\nid 1K85HRB9Y9XB7\narrived 2026-02-28T24:00:00.123Z\nsender "
		  "<>\noriginal-sender <>\n" SIZES RCPT "\n",
			false },
		{ "waypost 1\nid 1K85HRB9Y9XB7\narrived 2026-02-28 12:00:00\nsender "
		  "<>\noriginal-sender <>\n" SIZES RCPT "\n",
			false },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct format_sizes sizes = { 0 };
		struct why why = { 0 };
		struct message *m = parse(str_of(rows[i].head), &sizes, &why);

		if ((m != NULL) != rows[i].good)
			fail_msg("row %zu: %s: %s", i, why.text, rows[i].head);
		row_true(i, rows[i].good || why.text[0]);
		message_release(&m);
	}
}

/* One byte changed, put in or left out anywhere: refused, or read as something that can be written
 * again. */
static void mutate(const struct buf *good, size_t at, int byte, int how)
{
	struct format_sizes sizes = { 0 };
	struct buf bad;

	buf_init(&bad, good->n + 1);
	buf_add(&bad, good->p, at);
	if (how < 2)
		buf_add_char(&bad, (char)byte);
	buf_add(&bad, good->p + at + (how != 1), good->n - at - (how != 1));
	/* an exact copy, so that a read past the end is seen */
	char *exact = mem_copy(bad.p, bad.n);
	struct message *m = parse(str_make(exact, bad.n), &sizes, NULL);

	if (m) {
		struct buf again;

		if (!print(&again, m, 0, NULL))
			fail_msg("byte %zu as %d read, but not written", at, byte);
		struct message *twice = parse(buf_str(&again), &sizes, NULL);

		if (twice == NULL)
			fail_msg("byte %zu as %d read, written, but not read again", at, byte);
		assert_int_equal(twice->env.rcpt_count, m->env.rcpt_count);
		message_release(&twice);
		buf_finish(&again);
	}
	message_release(&m);
	free(exact);
	buf_finish(&bad);
}

static void mutations(void **state)
{
	static const char bytes[] = "\0\n\r -+!%@,0\x7f\xff";
	struct message *m = sample();
	struct buf good;

	(void)state;
	assert_true(print(&good, m, 0, NULL));
	for (size_t at = 0; at < good.n; at++)
		for (size_t b = 0; b < sizeof bytes - 1; b++)
			for (int how = 0; how < 3; how++)
				mutate(&good, at, bytes[b], how);
	for (size_t n = 0; n < good.n; n++) {
		char *cut = mem_copy(good.p, n);
		struct format_sizes sizes;
		struct message *part = parse(str_make(cut, n), &sizes, NULL);

		assert_true(format_head_length(str_make(cut, n)) == 0);
		message_release(&part);
		free(cut);
	}
	assert_int_equal(format_head_length(buf_str(&good)), good.n);
	buf_finish(&good);
	message_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(looks_like_this),
		cmocka_unit_test(every_address_comes_back), cmocka_unit_test(hostile_words),
		cmocka_unit_test(padding_fills_exactly), cmocka_unit_test(wrong_lines),
		cmocka_unit_test(mutations) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
