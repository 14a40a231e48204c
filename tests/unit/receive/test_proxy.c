/* PROXY headers in rows: whole, cut at every octet, and wrong. */
#include "../unit.h"

#include "proxy.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

struct row { struct str in; enum proxy_result result; const char *client; size_t left; };

#define ROW(text, result, client, left) { { text, sizeof text - 1 }, result, client, left }

static const struct row rows[] = {
	ROW("PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n", PROXY_DONE, "192.0.2.7:40000", 0),
	ROW("PROXY TCP4 192.0.2.7 198.51.100.1 0 25\r\nEHLO x\r\n", PROXY_DONE, "192.0.2.7:0", 8),
	ROW("PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n", PROXY_DONE, "[2001:db8::7]:40000", 0),
	ROW("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		PROXY_DONE, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", 0),
	ROW("PROXY UNKNOWN\r\n", PROXY_DONE, NULL, 0),
	ROW("PROXY UNKNOWN ffff::1 what ever 99999999\r\nx", PROXY_DONE, NULL, 1),
	ROW("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.1 40000 25\r\n", PROXY_DONE, "192.0.2.7:40000", 0),
	ROW("PROXY TCP4 2001:db8::7 192.0.2.1 40000 25\r\n", PROXY_BAD, NULL, 0),
	ROW("PROXY TCP6 192.0.2.7 192.0.2.1 40000 25\r\n", PROXY_BAD, NULL, 0),
	ROW("PROXY TCP4 192.0.2.256 192.0.2.1 40000 25\r\n", PROXY_BAD, NULL, 0),
	ROW("PROXY TCP4 192.0.2.7 192.0.2.1 65536 25\r\n", PROXY_BAD, NULL, 0),
	ROW("PROXY TCP4 192.0.2.7 192.0.2.1 040 25\r\n", PROXY_BAD, NULL, 0),
	ROW("PROXY TCP4 192.0.2.7 192.0.2.1 -1 25\r\n", PROXY_BAD, NULL, 0),
	ROW("PROXY TCP4 192.0.2.7 192.0.2.1 40000\r\n", PROXY_BAD, NULL, 0),
	ROW("PROXY TCP4 192.0.2.7 192.0.2.1 40000 25 \r\n", PROXY_BAD, NULL, 0),
	ROW("PROXY TCP4  192.0.2.7 192.0.2.1 40000 25\r\n", PROXY_BAD, NULL, 0),
	ROW("PROXY tcp4 192.0.2.7 192.0.2.1 40000 25\r\n", PROXY_BAD, NULL, 0),
	ROW("PROXY UDP4 192.0.2.7 192.0.2.1 40000 25\r\n", PROXY_BAD, NULL, 0),
	ROW("PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\nEHLO x\r\n", PROXY_BAD, NULL, 0),
	ROW("PROXY TCP4 192.0.2.7 192.0.2.1 40000 2\0\r\n", PROXY_BAD, NULL, 0),
	ROW("PROXY\r\n", PROXY_BAD, NULL, 0),
	ROW("PROXY \r\n", PROXY_BAD, NULL, 0),
	ROW("proxy UNKNOWN\r\n", PROXY_BAD, NULL, 0),
	ROW("EHLO client.example\r\n", PROXY_BAD, NULL, 0),
	ROW("\x16\x03\x01", PROXY_BAD, NULL, 0),
	ROW("", PROXY_MORE, NULL, 0),
	/* version 2 */
	ROW(SIGNATURE "\x21\x11\0\x0c" "\xc0\0\x02\x07" "\xc6\x33\x64\x01" "\x9c\x40" "\0\x19" "EHLO", PROXY_DONE,
		"192.0.2.7:40000", 4),
	ROW(SIGNATURE "\x21\x21\0\x24" "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07" "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
		"\x9c\x40\0\x19", PROXY_DONE, "[2001:db8::7]:40000", 0),
	ROW(SIGNATURE "\x21\x21\0\x24" "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x07" "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x01"
		"\x9c\x40\0\x19", PROXY_DONE, "192.0.2.7:40000", 0),
	ROW(SIGNATURE "\x20\0\0\0", PROXY_DONE, NULL, 0),
	ROW(SIGNATURE "\x20\x11\0\x0c" "\xc0\0\x02\x07" "\xc6\x33\x64\x01" "\x9c\x40" "\0\x19", PROXY_DONE, NULL, 0),
	ROW(SIGNATURE "\x21\0\0\x03" "abc" "E", PROXY_DONE, NULL, 1),
	/* with TLVs: NOOP of 2, ALPN of 0 */
	ROW(SIGNATURE "\x21\x11\0\x14" "\xc0\0\x02\x07" "\xc6\x33\x64\x01" "\x9c\x40" "\0\x19" "\x04\0\x02xx" "\x01\0\0",
		PROXY_DONE, "192.0.2.7:40000", 0),
	/* with a checksum, right and wrong */
	ROW(SIGNATURE "\x21\x11\0\x13" "\xc0\0\x02\x07" "\xc6\x33\x64\x01" "\x9c\x40" "\0\x19" "\x03\0\x04" "CRC!",
		PROXY_BAD, NULL, 0),
	ROW(SIGNATURE "\x21\x11\0\x0f" "\xc0\0\x02\x07" "\xc6\x33\x64\x01" "\x9c\x40" "\0\x19" "\x04\0\x02", PROXY_BAD, NULL, 0),
	ROW(SIGNATURE "\x21\x11\0\x0e" "\xc0\0\x02\x07" "\xc6\x33\x64\x01" "\x9c\x40" "\0\x19" "\x04\0", PROXY_BAD, NULL, 0),
	ROW(SIGNATURE "\x21\x11\0\x0b" "\xc0\0\x02\x07" "\xc6\x33\x64\x01" "\x9c\x40" "\0", PROXY_BAD, NULL, 0),
	ROW(SIGNATURE "\x21\x21\0\x0c" "\xc0\0\x02\x07" "\xc6\x33\x64\x01" "\x9c\x40" "\0\x19", PROXY_BAD, NULL, 0),
	ROW(SIGNATURE "\x21\x12\0\x0c" "\xc0\0\x02\x07" "\xc6\x33\x64\x01" "\x9c\x40" "\0\x19", PROXY_BAD, NULL, 0),
	ROW(SIGNATURE "\x21\x31\0\0", PROXY_BAD, NULL, 0),
	ROW(SIGNATURE "\x11\x11\0\x0c", PROXY_BAD, NULL, 0),
	ROW(SIGNATURE "\x22\x11\0\x0c", PROXY_BAD, NULL, 0),
	ROW(SIGNATURE "\x21\x11\xff\xff", PROXY_BAD, NULL, 0),
	ROW("\r\n\r\n\0\r\nQUIX\n\x21\x11\0\0", PROXY_BAD, NULL, 0),
	ROW("\r\nEHLO x\r\n", PROXY_BAD, NULL, 0),
};

static void whole(void **state)
{
	char text[INET_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct proxy_header h;
		enum proxy_result result = proxy_parse(rows[i].in, &h);

		if (result != rows[i].result)
			fail_msg("row %zu: %d, want %d (%s)", i, (int)result, (int)rows[i].result, h.trouble);
		row_true(i, (h.trouble[0] != '\0') == (result == PROXY_BAD));
		if (result != PROXY_DONE)
			continue;
		row_true(i, rows[i].in.n - h.length == rows[i].left);
		row_true(i, h.known == (rows[i].client != NULL));
		if (h.known)
			row_text(i, str_of(endpoint_text(&h.client, text)), str_of(rows[i].client));
	}
}

/* However it is cut, a good one is waited for and a bad one is never good; nothing is read past its end. */
static void in_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		size_t need = rows[i].in.n - rows[i].left;

		for (size_t n = 0; n < need; n++) {
			char *piece = malloc(n ? n : 1);
			struct proxy_header h;
			enum proxy_result result;

			memcpy(piece, rows[i].in.p, n);
			result = proxy_parse(str_make(piece, n), &h);
			free(piece);
			row_true(i, result == PROXY_MORE || (result == PROXY_BAD && rows[i].result == PROXY_BAD));
		}
	}
}

/* "123456789" has the CRC-32C e3069283: here over a header whose checksum is made by the rows' arithmetic. */
static void checksums(void **state)
{
	char header[] = SIGNATURE "\x21\x11\0\x13" "\xc0\0\x02\x07" "\xc6\x33\x64\x01" "\x9c\x40" "\0\x19" "\x03\0\x04" "\0\0\0\0";
	size_t n = sizeof header - 1;
	uint32_t table[256], crc = 0xffffffff;
	struct proxy_header h;

	(void)state;
	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] & 1 ? table[i] >> 1 ^ 0x82f63b78 : table[i] >> 1;
	}
	for (const char *p = "123456789"; *p; p++)
		crc = crc >> 8 ^ table[(crc ^ (unsigned char)*p) & 255];
	assert_int_equal(~crc, 0xe3069283);
	crc = 0xffffffff;
	for (size_t i = 0; i < n; i++)
		crc = crc >> 8 ^ table[(crc ^ (unsigned char)header[i]) & 255];
	crc = ~crc;
	for (int i = 0; i < 4; i++)
		header[n - 4 + (size_t)i] = (char)(crc >> (24 - 8 * i));
	assert_int_equal(proxy_parse(str_make(header, n), &h), PROXY_DONE);
	for (size_t bit = 12 * 8 + 16; bit < n * 8; bit++) {
		if (bit / 8 == 14 || bit / 8 == 15)        /* its length */
			continue;
		header[bit / 8] ^= (char)(1 << bit % 8);
		if (proxy_parse(str_make(header, n), &h) == PROXY_DONE && h.known)
			/* only another kind of field escapes: an unknown one is skipped */
			assert_int_equal(bit / 8, n - 7);
		header[bit / 8] ^= (char)(1 << bit % 8);
	}
}

/* A line that never ends is given up before it fills memory. */
static void endless(void **state)
{
	char line[200] = "PROXY UNKNOWN ";
	struct proxy_header h;

	(void)state;
	memset(line + 14, 'x', sizeof line - 14);
	assert_int_equal(proxy_parse(str_make(line, 106), &h), PROXY_MORE);
	assert_int_equal(proxy_parse(str_make(line, 107), &h), PROXY_BAD);
	memcpy(line + 105, "\r\n", 2);
	assert_int_equal(proxy_parse(str_make(line, 107), &h), PROXY_DONE);
	memcpy(line + 105, "xx\r\n", 4);
	assert_int_equal(proxy_parse(str_make(line, 109), &h), PROXY_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole), cmocka_unit_test(in_pieces), cmocka_unit_test(checksums), cmocka_unit_test(endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
