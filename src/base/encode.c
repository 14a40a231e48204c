/*
 * encode.c - base64, hex, percent coding
 *
 * Fails    with false and out as it was.
 */
#include "base/encode.h"

#include <string.h>

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool base64_encode(struct buf *out, const void *p, size_t n)
{
	const unsigned char *in = p;
	size_t start = out->n;

	for (size_t i = 0; i < n; i += 3) {
		unsigned b = (unsigned)in[i] << 16 | (i + 1 < n ? (unsigned)in[i + 1] << 8 : 0)
			| (i + 2 < n ? in[i + 2] : 0);
		char four[4] = { base64_digits[b >> 18], base64_digits[b >> 12 & 63],
			i + 1 < n ? base64_digits[b >> 6 & 63] : '=', i + 2 < n ? base64_digits[b & 63] : '=' };

		if (!buf_add(out, four, 4)) {
			out->n = start;
			return false;
		}
	}
	return true;
}

static int base64_value(char c)
{
	const char *at = c ? strchr(base64_digits, c) : NULL;

	return at ? (int)(at - base64_digits) : -1;
}

/* Four characters to up to three bytes; how many, or 0 if they are wrong. Padding only where last. */
static size_t decode_four(const char *four, bool last, unsigned char three[3])
{
	size_t n = !last || four[3] != '=' ? 3 : four[2] != '=' ? 2 : 1;
	unsigned b = 0;

	for (size_t i = 0; i < 4; i++) {
		int v = i <= n ? base64_value(four[i]) : 0;

		if (v < 0)
			return 0;
		b = b << 6 | (unsigned)v;
	}
	three[0] = (unsigned char)(b >> 16);
	three[1] = (unsigned char)(b >> 8);
	three[2] = (unsigned char)b;
	if ((n == 1 && (b & 0xffff)) || (n == 2 && (b & 0xff)))
		return 0;
	return n;
}

bool base64_decode(struct buf *out, struct str in)
{
	size_t start = out->n;

	if (in.n % 4)
		return false;
	for (size_t i = 0; i < in.n; i += 4) {
		unsigned char three[3];
		size_t n = decode_four(in.p + i, i + 4 == in.n, three);

		if (n == 0 || !buf_add(out, three, n)) {
			out->n = start;
			return false;
		}
	}
	return true;
}

static const char hex_digits[] = "0123456789abcdef";

bool hex_encode(struct buf *out, const void *p, size_t n)
{
	const unsigned char *in = p;
	size_t start = out->n;

	for (size_t i = 0; i < n; i++) {
		char two[2] = { hex_digits[in[i] >> 4], hex_digits[in[i] & 15] };

		if (!buf_add(out, two, 2)) {
			out->n = start;
			return false;
		}
	}
	return true;
}

bool percent_encode(struct buf *out, struct str in)
{
	size_t start = out->n;

	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];
		char three[3] = { '%', hex_digits[c >> 4], hex_digits[c & 15] };
		bool plain = c > ' ' && c != '%' && c != '"' && c != 127;

		if (!(plain ? buf_add_char(out, (char)c) : buf_add(out, three, 3))) {
			out->n = start;
			return false;
		}
	}
	return true;
}

static int hex_value(char c)
{
	const char *at = c ? strchr(hex_digits, str_lower(c)) : NULL;

	return at ? (int)(at - hex_digits) : -1;
}

bool percent_decode(struct buf *out, struct str in)
{
	size_t start = out->n;

	for (size_t i = 0; i < in.n; i++) {
		int c = (unsigned char)in.p[i];

		if (c == '%') {
			bool whole = in.n - i > 2;
			int high = whole ? hex_value(in.p[i + 1]) : -1;
			int low = whole ? hex_value(in.p[i + 2]) : -1;

			c = high < 0 || low < 0 ? -1 : high * 16 + low;
			i += 2;
		}
		if (c < 0 || !buf_add_char(out, (char)c)) {
			out->n = start;
			return false;
		}
	}
	return true;
}
