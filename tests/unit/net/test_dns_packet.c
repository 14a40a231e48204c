/* Questions out, answers in: what resolvers send, and what attackers would. */
#include "../unit.h"
#include "base/limits.h"
#include "dns_build.h"
#include "dns_packet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct packet k;          /* too big for a stack */

/* What dns_packet_read makes of k, told in one line: "ok ttl=300 192.0.2.1". From memory that ends
 * where k ends. */
static const char *told(const char *name, int type)
{
	static const char *const readings[] = { "answer", "alias", "failed", "rubbish" };
	static const char *const statuses[] = { "ok", "nodata", "nxdomain", "temporary" };
	static char out[4096];
	unsigned char *exact = malloc(k.n ? k.n : 1);
	struct arena *a = arena_create();
	struct dns_read read;
	size_t n = 0;

	memcpy(exact, k.p, k.n);
	enum dns_reading what = dns_packet_read(a, exact, k.n, str_of(name), (enum dns_type)type,
		&read);
	free(exact);
	if (what == DNS_READ_ALIAS)
		n = (size_t)snprintf(out, sizeof out, "alias ttl=%u %.*s", read.answer.ttl,
			STR_FMT(read.alias));
	else if (what == DNS_READ_ANSWER)
		n = (size_t)snprintf(out, sizeof out, "%s%s ttl=%u", statuses[read.answer.status],
			read.answer.secure ? " secure" : "", read.answer.ttl);
	else
		n = (size_t)snprintf(out, sizeof out, "%s", readings[what]);
	for (size_t i = 0; what == DNS_READ_ANSWER && i < read.answer.n &&
		n < sizeof out - 400; i++) {
		const struct dns_record *r = &read.answer.v[i];
		char ip[INET_TEXT_MAX];
		if (type == DNS_A || type == DNS_AAAA)
			n += (size_t)snprintf(out + n, sizeof out - n, " %s",
				inet_text(&r->addr, ip));
		else if (type == DNS_MX)
			n += (size_t)snprintf(out + n, sizeof out - n, " %d:%.*s", r->preference,
				STR_FMT(r->name));
		else if (r->name.n)
			n += (size_t)snprintf(out + n, sizeof out - n, " %.*s",
				STR_FMT(str_head(r->name, 99)));
		else
			n += (size_t)snprintf(out + n, sizeof out - n, " [%zu]%.*s", r->data.n,
				STR_FMT(str_head(r->data, 99)));
	}
	arena_destroy(&a);
	return out;
}

#define TELLS(name, type, expected) assert_string_equal(told(name, type), expected)

static void questions_are_written(void **state)
{
	static const unsigned char plain[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0\1";
	static const unsigned char full[] = "\x12\x34\1\x20\0\1\0\0\0\0\0\1\1a\4test\0\0\x34\0\1"
		"\0\0\x29\4\xd0\0\0\x80\0\0\0";
	unsigned char out[DNS_PACKET_QUERY];

	(void)state;
	size_t n = dns_packet_write(out,
		&(struct dns_question_text){ STR("a.test"), DNS_A, false, false }, 0x1234);
	assert_int_equal(n, sizeof plain - 1);
	assert_memory_equal(out, plain, n);
	n = dns_packet_write(out,
		&(struct dns_question_text){ STR("a.test"), DNS_TLSA, true, true }, 0x1234);
	assert_int_equal(n, sizeof full - 1);
	assert_memory_equal(out, full, n);
	assert_int_equal(dns_packet_write(out,
		&(struct dns_question_text){ STR(""), DNS_A, true, true }, 1), 0);
}

static void answers_are_read(void **state)
{
	static const char one[] = "\3one\0\4 two\1!";

	(void)state;
	packet_begin(&k, 1, "a.test", DNS_A, 0x20, 0);
	packet_a(&k, "A.Test", 300, "192.0.2.1");
	packet_a(&k, "a.test", 200, "192.0.2.2");
	TELLS("a.test", DNS_A, "ok secure ttl=200 192.0.2.1 192.0.2.2");

	packet_begin(&k, 1, "a.test", DNS_AAAA, 0, 0);
	packet_a(&k, "a.test", 300, "2001:db8::1");
	packet_record(&k, "a.test", DNS_AAAA, 300, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
	TELLS("a.test", DNS_AAAA, "ok ttl=300 2001:db8::1");

	packet_begin(&k, 1, "a.test", DNS_MX, 0, 0);
	packet_mx(&k, "a.test", 300, 10, "Mail.Test");
	packet_mx(&k, "a.test", 300, 65535, "b.test");
	TELLS("a.test", DNS_MX, "ok ttl=300 10:mail.test 65535:b.test");

	packet_begin(&k, 1, "a.test", DNS_MX, 0, 0);
	packet_mx(&k, "a.test", 300, 0, "");
	TELLS("a.test", DNS_MX, "ok ttl=300 0:");

	packet_begin(&k, 1, "a.test", DNS_TXT, 0, 0);
	packet_record(&k, "a.test", DNS_TXT, 300, one, sizeof one - 1);
	packet_record(&k, "a.test", DNS_TXT, 300, "\0", 1);
	TELLS("a.test", DNS_TXT, "ok ttl=300 [8]one two! [0]");

	packet_begin(&k, 1, "1.2.0.192.in-addr.arpa", DNS_PTR, 0, 0);
	packet_target(&k, "1.2.0.192.in-addr.arpa", DNS_PTR, 300, "Host.Test");
	packet_target(&k, "1.2.0.192.in-addr.arpa", DNS_PTR, 300, "a b.test");
	TELLS("1.2.0.192.in-addr.arpa", DNS_PTR, "ok ttl=300 host.test a\\032b.test");

	packet_begin(&k, 1, "_25._tcp.a.test", DNS_TLSA, 0x20, 0);
	packet_record(&k, "_25._tcp.a.test", DNS_TLSA, 300, "\3\1\1abc", 6);
	TELLS("_25._tcp.a.test", DNS_TLSA, "ok secure ttl=300 [6]\3\1\1abc");

	packet_begin(&k, 1, "a.test", DNS_CNAME, 0, 0);
	packet_target(&k, "a.test", DNS_CNAME, 300, "b.test");
	packet_target(&k, "b.test", DNS_CNAME, 300, "c.test");
	TELLS("a.test", DNS_CNAME, "ok ttl=300 b.test");
}

static void only_what_was_asked_for_counts(void **state)
{
	(void)state;
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_a(&k, "evil.test", 300, "192.0.2.66");
	packet_record(&k, "a.test", 46, 1, "signature", 9);
	packet_a(&k, "a.test", 300, "192.0.2.1");
	packet_record(&k, "a.test", DNS_A, 300, "\300\0\2\2", 4);
	k.p[k.n - 4 - 2 - 4 - 1] = 3;                         /* the last one is of class CHAOS */
	packet_open(&k, PART_ADDITIONAL, "a.test", DNS_A, 1);
	packet_bytes(&k, "\300\0\2\3", 4);
	packet_close(&k);
	TELLS("a.test", DNS_A, "ok ttl=300 192.0.2.1");
}

static void ttls_are_bounded(void **state)
{
	(void)state;
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_a(&k, "a.test", 0x7fffffff, "192.0.2.1");
	TELLS("a.test", DNS_A, "ok ttl=86400 192.0.2.1");
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_a(&k, "a.test", 0x80000001, "192.0.2.1");
	TELLS("a.test", DNS_A, "ok ttl=0 192.0.2.1");
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_target(&k, "a.test", DNS_CNAME, 60, "b.test");
	packet_a(&k, "b.test", 300, "192.0.2.1");
	TELLS("a.test", DNS_A, "ok ttl=60 192.0.2.1");
}

static void no_is_an_answer(void **state)
{
	(void)state;
	packet_begin(&k, 1, "a.test", DNS_A, 0x20, 3);
	packet_soa(&k, "test", 600, 120);
	TELLS("a.test", DNS_A, "nxdomain secure ttl=120");
	packet_begin(&k, 1, "a.test", DNS_A, 0, 3);
	packet_soa(&k, "test", 60, 120);
	TELLS("a.test", DNS_A, "nxdomain ttl=60");
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_soa(&k, "a.test", 0x7fffffff, 0x7fffffff);
	TELLS("a.test", DNS_A, "nodata ttl=900");
	packet_begin(&k, 1, "a.test", DNS_A, 0, 3);
	TELLS("a.test", DNS_A, "nxdomain ttl=3");
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	TELLS("a.test", DNS_A, "nodata ttl=3");
	/* an alias whose target does not exist */
	packet_begin(&k, 1, "a.test", DNS_A, 0, 3);
	packet_target(&k, "a.test", DNS_CNAME, 30, "b.test");
	packet_soa(&k, "test", 600, 120);
	TELLS("a.test", DNS_A, "nxdomain ttl=30");
	/* and one whose target has other records only */
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_target(&k, "a.test", DNS_CNAME, 300, "b.other");
	packet_soa(&k, "other", 600, 120);
	TELLS("a.test", DNS_A, "nodata ttl=120");
	/* nothing left but addresses that are none */
	packet_begin(&k, 1, "a.test", DNS_AAAA, 0, 0);
	packet_record(&k, "a.test", DNS_AAAA, 300, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
	packet_soa(&k, "test", 600, 120);
	TELLS("a.test", DNS_AAAA, "nodata ttl=120");
}

static void aliases_are_followed(void **state)
{
	char from[32], to[32];

	(void)state;
	/* in any order */
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_a(&k, "c.test", 300, "192.0.2.1");
	packet_target(&k, "b.test", DNS_CNAME, 300, "C.test");
	packet_target(&k, "a.test", DNS_CNAME, 300, "B.test");
	TELLS("a.test", DNS_A, "ok ttl=300 192.0.2.1");
	/* the name's own records win */
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_target(&k, "a.test", DNS_CNAME, 300, "b.test");
	packet_a(&k, "a.test", 300, "192.0.2.1");
	packet_a(&k, "b.test", 300, "192.0.2.2");
	TELLS("a.test", DNS_A, "ok ttl=300 192.0.2.1");
	/* what leads out of the answer is to be asked for */
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_target(&k, "a.test", DNS_CNAME, 77, "b.test");
	packet_a(&k, "a.test.evil", 300, "192.0.2.66");
	TELLS("a.test", DNS_A, "alias ttl=77 b.test");
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_target(&k, "a.test", DNS_CNAME, 77, "b.other");
	packet_soa(&k, "test", 600, 120); /* of another zone: says nothing about b.other */
	TELLS("a.test", DNS_A, "alias ttl=77 b.other");
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_target(&k, "a.test", DNS_CNAME, 77, "");
	TELLS("a.test", DNS_A, "alias ttl=77 ");
	/* circles and endless ways */
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_target(&k, "a.test", DNS_CNAME, 300, "a.test");
	TELLS("a.test", DNS_A, "rubbish");
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_target(&k, "a.test", DNS_CNAME, 300, "b.test");
	packet_target(&k, "b.test", DNS_CNAME, 300, "a.test");
	TELLS("a.test", DNS_A, "rubbish");
	for (int hops = LIMIT_DNS_ALIASES; hops <= LIMIT_DNS_ALIASES + 1; hops++) {
		packet_begin(&k, 1, "n0.test", DNS_A, 0, 0);
		for (int i = 0; i < hops; i++) {
			snprintf(from, sizeof from, "n%d.test", i);
			snprintf(to, sizeof to, "n%d.test", i + 1);
			packet_target(&k, from, DNS_CNAME, 300, to);
		}
		packet_a(&k, to, 300, "192.0.2.1");
		TELLS("n0.test", DNS_A,
			hops == LIMIT_DNS_ALIASES ? "ok ttl=300 192.0.2.1" : "rubbish");
	}
}

static void servers_fail(void **state)
{
	(void)state;
	for (int rcode = 0; rcode < 16; rcode++) {
		packet_begin(&k, 1, "a.test", DNS_A, 0, rcode);
		packet_a(&k, "a.test", 300, "192.0.2.1");
		TELLS("a.test", DNS_A,
			rcode == 0 ? "ok ttl=300 192.0.2.1" :
			rcode == 3 ? "nxdomain ttl=3" : "failed");
	}
	/* a referral is not a no */
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_ns(&k, "test");
	TELLS("a.test", DNS_A, "failed");
	k.p[2] |= 0x04;                                       /* unless with authority */
	TELLS("a.test", DNS_A, "nodata ttl=3");
}

static void what_is_no_answer_is_rubbish(void **state)
{
	static const struct {
		int type;
		const char *data;
		size_t n;
	} rows[] = {
		{ DNS_A, "abc", 3 }, { DNS_A, "abcde", 5 }, { DNS_A, "", 0 },
		{ DNS_AAAA, "abcd", 4 },
		{ DNS_AAAA, "0123456789abcdef0", 17 }, { DNS_MX, "", 0 }, { DNS_MX, "\0\1", 2 },
		{ DNS_MX, "\0\1\3abc", 6 }, { DNS_MX, "\0\1\1a\0x", 6 },
		{ DNS_MX, "\0\1\300\377", 4 },
		{ DNS_PTR, "", 0 }, { DNS_PTR, "\1a", 2 }, { DNS_CNAME, "\1a\0\0", 4 },
		{ DNS_TXT, "", 0 },
		{ DNS_TXT, "\5abc", 4 }, { DNS_TXT, "\1a\2b", 4 }, { DNS_TLSA, "\3\1", 2 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		packet_begin(&k, 1, "a.test", rows[i].type, 0, 0);
		packet_record(&k, "a.test", rows[i].type, 300, rows[i].data, rows[i].n);
		if (strcmp(told("a.test", rows[i].type), "rubbish") != 0)
			fail_msg("row %zu: %s", i, told("a.test", rows[i].type));
	}
	/* of another question, or of no question at all */
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_a(&k, "a.test", 300, "192.0.2.1");
	TELLS("b.test", DNS_A, "rubbish");
	TELLS("a.test", DNS_MX, "rubbish");
	k.p[2] &= 0x7f;                                       /* a question */
	TELLS("a.test", DNS_A, "rubbish");
	k.p[2] = 0x83;                                        /* cut */
	TELLS("a.test", DNS_A, "rubbish");
	k.p[2] = 0xa1;                                        /* NOTIFY */
	TELLS("a.test", DNS_A, "rubbish");
	k.p[2] = 0x81;
	k.p[5] = 2;                                           /* two questions */
	TELLS("a.test", DNS_A, "rubbish");
	k.p[5] = 0;
	TELLS("a.test", DNS_A, "rubbish");
	/* more records announced than there are */
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	packet_a(&k, "a.test", 300, "192.0.2.1");
	k.p[PART_ANSWER + 1] = 2;
	TELLS("a.test", DNS_A, "rubbish");
	/* a broken SOA */
	packet_begin(&k, 1, "a.test", DNS_A, 0, 3);
	packet_open(&k, PART_AUTHORITY, "test", 6, 1);
	packet_name(&k, "a");
	packet_name(&k, "b");
	packet_number(&k, 1, 4);
	packet_close(&k);
	TELLS("a.test", DNS_A, "rubbish");
}

static void records_are_bounded(void **state)
{
	struct arena *a = arena_create();
	struct dns_read read;

	(void)state;
	packet_begin(&k, 1, "a.test", DNS_A, 0, 0);
	for (int i = 0; i < 2000; i++)
		packet_a(&k, "a.test", 300, "192.0.2.1");
	assert_int_equal(dns_packet_read(a, k.p, k.n, STR("a.test"), DNS_A, &read),
		DNS_READ_ANSWER);
	assert_int_equal(read.answer.n, LIMIT_DNS_RECORDS);
	arena_destroy(&a);
}

/* ---- packets that somebody broke ---- */

static uint32_t dice = 12345;

static uint32_t roll(void)
{
	dice ^= dice << 13;
	dice ^= dice >> 17;
	dice ^= dice << 5;
	return dice;
}

static void build_sample(int type)
{
	packet_begin(&k, 1, "a.test", type, 0, 0);
	packet_target(&k, "a.test", DNS_CNAME, 300, "b.test");
	packet_open(&k, PART_ANSWER, "b.test", type, 300);
	if (type == DNS_MX)
		packet_number(&k, 10, 2);
	if (type == DNS_TXT)
		packet_bytes(&k, "\3abc\2de", 7);
	else if (type == DNS_TLSA)
		packet_bytes(&k, "\3\1\1digest", 9);
	else if (type == DNS_A)
		packet_bytes(&k, "\300\0\2\1", 4);
	else if (type == DNS_AAAA)
		packet_bytes(&k, "0123456789abcdef", 16);
	else
		packet_bytes(&k, "\4host\300\14", 7);
	packet_close(&k);
	packet_soa(&k, "test", 1, 2);
	packet_open(&k, PART_ADDITIONAL, "", 41, 0);
	packet_close(&k);
}

static void names_are_sane(const struct dns_record *r)
{
	assert_true(r->name.n < DNS_NAME_TEXT);
	for (size_t i = 0; i < r->name.n; i++)
		assert_true(r->name.p[i] > ' ' && r->name.p[i] <= '~');
	for (size_t i = 0; i < r->data.n; i++)
		dice ^= (unsigned char)r->data.p[i];          /* read each byte */
}

static void survives(int type)
{
	unsigned char *exact = malloc(k.n ? k.n : 1);
	struct arena *a = arena_create();
	struct dns_read read;

	memcpy(exact, k.p, k.n);
	enum dns_reading what = dns_packet_read(a, exact, k.n, STR("a.test"), (enum dns_type)type,
		&read);
	free(exact);
	if (what == DNS_READ_ANSWER) {
		assert_true(read.answer.n <= LIMIT_DNS_RECORDS);
		assert_true((read.answer.status == DNS_OK) == (read.answer.n > 0));
		assert_true(read.answer.ttl <= LIMIT_DNS_TTL_MOST / 1000);
		for (size_t i = 0; i < read.answer.n; i++)
			names_are_sane(&read.answer.v[i]);
	} else if (what == DNS_READ_ALIAS) {
		names_are_sane(&(struct dns_record){ .name = read.alias });
	}
	arena_destroy(&a);
}

static void broken_packets_break_nothing(void **state)
{
	static const int types[] = { DNS_A, DNS_AAAA, DNS_MX, DNS_TXT, DNS_PTR, DNS_TLSA };
	static const unsigned char values[] = { 0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff };

	(void)state;
	for (size_t t = 0; t < ROWS(types); t++) {
		build_sample(types[t]);
		struct packet whole = k;
		TELLS("nobody.test", types[t], "rubbish");
		for (size_t n = 0; n < whole.n; n++) {
			k.n = n;
			if (strcmp(told("a.test", types[t]), "rubbish") != 0)
				fail_msg("type %d cut to %zu bytes: %s", types[t], n,
					told("a.test", types[t]));
		}
		for (size_t at = 0; at < whole.n; at++) {
			k.n = whole.n;
			for (size_t v = 0; v < sizeof values; v++) {
				memcpy(k.p, whole.p, whole.n);
				k.p[at] = values[v];
				survives(types[t]);
			}
		}
		for (int round = 0; round < 3000; round++) {
			k.n = whole.n;
			memcpy(k.p, whole.p, whole.n);
			for (uint32_t hits = roll() % 6 + 1; hits; hits--)
				k.p[roll() % k.n] = (unsigned char)roll();
			k.n -= roll() % 4 ? 0 : roll() % 20;
			survives(types[t]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_are_written),
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(only_what_was_asked_for_counts),
		cmocka_unit_test(ttls_are_bounded),
		cmocka_unit_test(no_is_an_answer),
		cmocka_unit_test(aliases_are_followed),
		cmocka_unit_test(servers_fail),
		cmocka_unit_test(what_is_no_answer_is_rubbish),
		cmocka_unit_test(records_are_bounded),
		cmocka_unit_test(broken_packets_break_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
