/*
 * dns_name.c - domain names between text and wire
 *
 * From     dns.c with what somebody wants to know, dns_packet.c with what came.
 * Never    reads outside the packet, nor follows a pointer that does not lead backwards.
 * See      RFC 1035 sections 2.3.4, 4.1.4 and 5.1; RFC 3596 section 2.5.
 */
#include "dns_name.h"
#include "net/dns.h"

#include <stdio.h>
#include <string.h>

enum { LABEL = 63 };

/* One byte of a label off the front of *s: itself, or \DDD. */
static bool take_byte(struct str *s, unsigned char *byte)
{
	unsigned char c = (unsigned char)s->p[0];
	unsigned value = 0;

	if (c <= ' ' || c > '~')
		return false;
	*byte = (unsigned char)str_lower((char)c);
	if (c != '\\') {
		*s = str_skip(*s, 1);
		return true;
	}
	if (s->n < 4)
		return false;
	for (int i = 1; i < 4; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		value = value * 10 + (unsigned)(s->p[i] - '0');
	}
	*byte = (unsigned char)str_lower((char)value);
	*s = str_skip(*s, 4);
	return value <= 255;
}

bool dns_name_write(struct str text, unsigned char wire[DNS_NAME_WIRE], size_t *n)
{
	size_t out = 0;

	if (text.n && text.p[text.n - 1] == '.')
		text.n--;
	do {
		size_t start = out++;
		while (text.n && text.p[0] != '.') {
			if (out - start > LABEL || out >= DNS_NAME_WIRE - 1 ||
				!take_byte(&text, &wire[out]))
				return false;
			out++;
		}
		if (out - start == 1 || out > DNS_NAME_WIRE - 1)
			return false;
		wire[start] = (unsigned char)(out - start - 1);
		if (text.n == 1)
			return false;    /* a second dot at the end */
		text = str_skip(text, 1);
	} while (text.n);
	wire[out++] = 0;
	*n = out;
	return true;
}

static size_t put_escape(char *text, size_t len, unsigned char c)
{
	text[len++] = '\\';
	text[len++] = (char)('0' + c / 100);
	text[len++] = (char)('0' + c / 10 % 10);
	text[len++] = (char)('0' + c % 10);
	return len;
}

static size_t put_label(char *text, size_t len, const unsigned char *label, size_t n)
{
	if (len)
		text[len++] = '.';
	for (size_t i = 0; i < n; i++) {
		unsigned char c = label[i];
		if (c > ' ' && c <= '~' && c != '.' && c != '\\')
			text[len++] = str_lower((char)c);
		else
			len = put_escape(text, len, c);
	}
	return len;
}

bool dns_name_read(const unsigned char *packet, size_t n, size_t *at, char text[DNS_NAME_TEXT],
	size_t *len)
{
	size_t p = *at, piece = *at, end = 0, wire = 1, out = 0;

	for (;; ) {
		if (p >= n)
			return false;
		size_t c = packet[p];
		if (c == 0)
			break;
		if ((c & 0xc0) == 0xc0) {
			if (p + 1 >= n)
				return false;
			size_t to = (c & 0x3f) << 8 | packet[p + 1];
			if (end == 0)
				end = p + 2;
			if (to >= piece)
				return false;    /* only backwards: so it ends */
			p = piece = to;
			continue;
		}
		if (c > LABEL || n - p <= c || (wire += c + 1) > DNS_NAME_WIRE)
			return false;
		out = put_label(text, out, packet + p + 1, c);
		p += c + 1;
	}
	text[out] = '\0';
	*len = out;
	*at = end ? end : p + 1;
	return true;
}

bool dns_name_normal(struct str text, char out[DNS_NAME_TEXT], size_t *len)
{
	unsigned char wire[DNS_NAME_WIRE];
	size_t n, at = 0;

	return dns_name_write(text, wire, &n) && dns_name_read(wire, n, &at, out, len);
}

bool dns_name_within(struct str name, struct str domain)
{
	if (domain.n == 0 || str_eq(name, domain))
		return true;
	return name.n > domain.n && name.p[name.n - domain.n - 1] == '.' && str_iends(name, domain);
}

void dns_reverse_name(const struct inet_addr *a, char out[80])
{
	size_t at = 0;

	if (!a->v6) {
		snprintf(out, 80, "%u.%u.%u.%u.in-addr.arpa", a->ip[3], a->ip[2], a->ip[1],
			a->ip[0]);
		return;
	}
	for (int i = 15; i >= 0; i--)
		at += (size_t)snprintf(out + at, 80 - at, "%x.%x.", a->ip[i] & 15U, a->ip[i] >> 4);
	snprintf(out + at, 80 - at, "ip6.arpa");
}
