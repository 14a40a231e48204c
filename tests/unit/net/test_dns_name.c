/* Names between text and wire. */
#include "../unit.h"
#include "dns_name.h"
#include "net/dns.h"

#include <stdlib.h>
#include <string.h>

#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define N253 L63 "." L63 "." L63 "." "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi"

static void names_have_one_text(void **state)
{
	static const struct {
		const char *in, *out;    /* out NULL: can't be a name */
	} rows[] = {
		{ "example.com", "example.com" },
		{ "Example.COM.", "example.com" },
		{ "_25._tcp.mx.example", "_25._tcp.mx.example" },
		{ "a+b=c/d.example", "a+b=c/d.example" },
		{ "com", "com" },
		{ L63, L63 },
		{ L63 ".x", L63 ".x" },
		{ N253, N253 },
		{ N253 ".", N253 },
		{ "\\097b.example", "ab.example" },
		{ "\\065b.example", "ab.example" },
		{ "a\\046b.example", "a\\046b.example" },
		{ "\\000.example", "\\000.example" },
		{ "\\255.example", "\\255.example" },
		{ "", NULL }, { ".", NULL }, { "..", NULL }, { ".a", NULL }, { "a..b", NULL },
		{ "a..", NULL },
		{ L63 "x", NULL }, { L63 "x.example", NULL }, { N253 "x", NULL }, { N253 ".x", NULL },
		{ "ex ample.com", NULL }, { "a\tb", NULL }, { "b\xc3\xbc" "cher.example", NULL },
		{ "a\x7f", NULL },
		{ "a\\", NULL }, { "a\\1", NULL }, { "a\\12", NULL }, { "a\\256", NULL },
		{ "a\\.b", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		char text[DNS_NAME_TEXT] = "unset";
		size_t len = 0;
		bool can = dns_name_normal(str_of(rows[i].in), text, &len);
		if (can != (rows[i].out != NULL))
			fail_msg("%s: %s", rows[i].in, can ? "taken" : "refused");
		if (can) {
			assert_string_equal(text, rows[i].out);
			assert_int_equal(len, strlen(text));
		}
	}
	assert_false(dns_name_normal(str_make("a\0b", 3), (char[DNS_NAME_TEXT]){ 0 },
		&(size_t){ 0 }));
}

static void wire_is_read(void **state)
{
#define W(s) s, sizeof(s) - 1
	static const struct {
		const char *wire;
		size_t n, at, end;
		const char *out;         /* NULL: malformed */
	} rows[] = {
		{ W("\3WWW\4Test\0"), 0, 10, "www.test" },
		{ W("\0"), 0, 1, "" },
		{ W("\4test\0\3www\300\0"), 6, 12, "www.test" },
		{ W("\4test\0\300\0"), 6, 8, "test" },
		{ W("\4test\0\1b\300\0\1a\300\6"), 10, 14, "a.b.test" },
		{ W("\3a.b\1\\\2\0\xff\0"), 0, 10, "a\\046b.\\092.\\000\\255" },
		{ W(""), 0, 0, NULL },
		{ W("\3www"), 0, 0, NULL },             /* no end */
		{ W("\3ww"), 0, 0, NULL },
		{ W("\300"), 0, 0, NULL },              /* half a pointer */
		{ W("\300\0"), 0, 0, NULL },            /* to itself */
		{ W("\1a\300\0"), 0, 0, NULL },         /* a circle */
		{ W("\1a\300\4\1b\300\0"), 0, 0, NULL },  /* forwards */
		{ W("\300\377"), 0, 0, NULL },          /* out of the packet */
		{ W("\100a\0"), 0, 0, NULL },           /* reserved label types */
		{ W("\200a\0"), 0, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		/* in memory of its own size, so that a byte too far is seen */
		unsigned char *wire = malloc(rows[i].n ? rows[i].n : 1);
		char text[DNS_NAME_TEXT];
		size_t at = rows[i].at, len = 0;
		memcpy(wire, rows[i].wire, rows[i].n);
		bool can = dns_name_read(wire, rows[i].n, &at, text, &len);
		free(wire);
		if (can != (rows[i].out != NULL))
			fail_msg("row %zu: %s", i, can ? "taken" : "refused");
		if (!can)
			continue;
		assert_string_equal(text, rows[i].out);
		assert_int_equal(len, strlen(text));
		assert_int_equal(at, rows[i].end);
	}
}

/* Pointers could make a name longer than any packet: 255 bytes are the end. */
static void compression_makes_no_giants(void **state)
{
	unsigned char wire[600];
	char text[DNS_NAME_TEXT];
	size_t n = 0, len, at = 0, starts[80];
	int count = 0;

	(void)state;
	wire[n++] = 0;
	for (count = 0; count < 80; count++) {
		starts[count] = n;
		wire[n++] = 3;
		memset(wire + n, 0xfe, 3);
		n += 3;
		size_t to = count ? starts[count - 1] : 0;
		wire[n++] = (unsigned char)(0xc0 | to >> 8);
		wire[n++] = (unsigned char)to;
	}
	at = starts[62];                 /* 63 labels of 4 bytes and the root: 253 */
	assert_true(dns_name_read(wire, n, &at, text, &len));
	assert_int_equal(len, 63 * 13 - 1);
	at = starts[63];                 /* 257 */
	assert_false(dns_name_read(wire, n, &at, text, &len));
}

static void within_respects_labels(void **state)
{
	(void)state;
	assert_true(dns_name_within(STR("a.test"), STR("test")));
	assert_true(dns_name_within(STR("test"), STR("test")));
	assert_true(dns_name_within(STR("test"), STR("")));
	assert_false(dns_name_within(STR("atest"), STR("test")));
	assert_false(dns_name_within(STR("test"), STR("a.test")));
	assert_false(dns_name_within(STR("a.test.x"), STR("test")));
}

static void addresses_turn_around(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "192.0.2.1", "1.2.0.192.in-addr.arpa" },
		{ "255.255.255.255", "255.255.255.255.in-addr.arpa" },
		{ "2001:db8::567:89ab",
			"b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0."
			"0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa" },
		{ "::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
			"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct inet_addr a;
		char out[80];
		assert_true(inet_parse(&a, str_of(rows[i].in)));
		dns_reverse_name(&a, out);
		assert_string_equal(out, rows[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_one_text),
		cmocka_unit_test(wire_is_read),
		cmocka_unit_test(compression_makes_no_giants),
		cmocka_unit_test(within_respects_labels),
		cmocka_unit_test(addresses_turn_around),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
