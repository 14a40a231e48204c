/*
 * proxy.c - read the header that a proxy sends before the client's first octet
 *
 * From     gate.c, for a peer in listen.proxy_protocol, before TLS and before the greeting.
 * Owns     nothing.
 * Never    guesses: what is not the protocol to the letter is refused, as a client could have
 *          sent it.
 * Fails    with PROXY_BAD and a phrase for the log; the connection is then closed without a word.
 * See      the PROXY protocol, haproxy.org/download/2.9/doc/proxy-protocol.txt, sections 2.1, 2.2.
 */
#include "proxy.h"

#include "base/limits.h"

#include <string.h>

enum {
	LINE_MOST = 107,           /* a version 1 line with its CRLF */
	FIXED = 16,                /* of version 2, before the addresses */
	TLV_CRC32C = 3
};

static const char signature[12] = {
	'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'
};

static enum proxy_result bad(struct proxy_header *out, const char *trouble)
{
	out->trouble = trouble;
	return PROXY_BAD;
}

/* ---- version 1: a line ---- */

/* No sign, no leading zero. */
static bool read_port(struct str s, uint16_t *port)
{
	uint64_t n;

	if (s.n > 5 || !str_number(s, &n) || n > 65535 || (s.n > 1 && s.p[0] == '0'))
		return false;
	*port = (uint16_t)n;
	return true;
}

/* An address of that family, as it is written: no mapped IPv4 where an IPv6 address has to be. */
static bool read_address(struct str s, bool v6, struct inet_addr *a)
{
	return (str_find(s, ':') >= 0) == v6 && inet_parse(a, s);
}

static enum proxy_result read_line(struct str line, struct proxy_header *out)
{
	struct str rest = str_skip(line, 6), family = str_cut(&rest, ' ');
	struct endpoint server;
	bool v6 = str_eq(family, STR("TCP6"));
	struct str from, to, from_port;

	if (str_eq(family, STR("UNKNOWN")))
		return PROXY_DONE;                 /* whatever else the line has is to be ignored */
	if (!v6 && !str_eq(family, STR("TCP4")))
		return bad(out, "neither TCP4, TCP6 nor UNKNOWN");
	from = str_cut(&rest, ' ');
	to = str_cut(&rest, ' ');
	from_port = str_cut(&rest, ' ');
	if (!read_address(from, v6, &out->client.addr) || !read_address(to, v6, &server.addr))
		return bad(out, "an address is not one of its family");
	if (!read_port(from_port, &out->client.port) || !read_port(rest, &server.port))
		return bad(out, "a port is not a number up to 65535");
	out->known = true;
	return PROXY_DONE;
}

static enum proxy_result parse_line(struct str in, struct proxy_header *out)
{
	static const struct str begin = { "PROXY ", 6 };
	struct str seen = str_head(in, LINE_MOST);
	const char *end = seen.n ? memmem(seen.p, seen.n, "\r\n", 2) : NULL;

	if (!str_starts(in, str_head(begin, in.n)))
		return bad(out, "it does not begin with PROXY");
	if (end == NULL)
		return in.n < LINE_MOST ? PROXY_MORE : bad(out, "the line has no end");
	out->length = (size_t)(end - in.p) + 2;
	seen = str_head(in, out->length - 2);
	if (seen.n < begin.n)
		return bad(out, "it does not begin with PROXY");
	if (str_find(seen, '\0') >= 0 || str_find(seen, '\n') >= 0 || str_find(seen, '\r') >= 0)
		return bad(out, "a stray line end or NUL in the line");
	return read_line(seen, out);
}

/* ---- version 2: binary ---- */

static unsigned number16(const char *p)
{
	return (unsigned)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

/* CRC-32C (Castagnoli), the checksum counted as zeros: it stands at `hole`. */
static uint32_t checksum(struct str all, size_t hole)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < all.n; i++) {
		crc ^= i >= hole && i < hole + 4 ? 0 : (unsigned char)all.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* The fields behind the addresses: they must fill the header, and a checksum must be right. */
static bool tlvs_are_right(struct str all, size_t at)
{
	while (at < all.n) {
		size_t n;

		if (all.n - at < 3)
			return false;
		n = number16(all.p + at + 1);
		if (all.n - at - 3 < n)
			return false;
		if (all.p[at] == TLV_CRC32C) {
			const char *p = all.p + at + 3;

			if (n != 4 || checksum(all, at + 3)
				!= ((uint32_t)number16(p) << 16 | number16(p + 2)))
				return false;
		}
		at += 3 + n;
	}
	return true;
}

static void read_endpoint(struct endpoint *e, bool v6, const char *ip, const char *port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };

	/* through a sockaddr, so that a mapped address is unmapped as it is elsewhere */
	if (v6) {
		memcpy(&six.sin6_addr, ip, 16);
		memcpy(&six.sin6_port, port, 2);
		endpoint_of(e, (const struct sockaddr *)&six);
	} else {
		memcpy(&four.sin_addr, ip, 4);
		memcpy(&four.sin_port, port, 2);
		endpoint_of(e, (const struct sockaddr *)&four);
	}
}

static enum proxy_result read_binary(struct str all, struct proxy_header *out)
{
	unsigned command = (unsigned char)all.p[12] & 0x0f, family = (unsigned char)all.p[13];
	bool v6 = family == 0x21;
	size_t ip = v6 ? 16 : 4, addresses = 2 * ip + 4;
	const char *p = all.p + FIXED;

	if (command == 0 || family == 0)           /* LOCAL or UNSPEC: the rest is to be ignored */
		return PROXY_DONE;
	if (!v6 && family != 0x11)
		return bad(out, "neither TCP over IPv4 nor over IPv6");
	if (all.n < FIXED + addresses)
		return bad(out, "too short for its addresses");
	if (!tlvs_are_right(all, FIXED + addresses))
		return bad(out, "its fields don't fill it, or its checksum is wrong");
	read_endpoint(&out->client, v6, p, p + 2 * ip);
	out->known = true;
	return PROXY_DONE;
}

static enum proxy_result parse_binary(struct str in, struct proxy_header *out)
{
	size_t common = in.n < sizeof signature ? in.n : sizeof signature;

	if (memcmp(in.p, signature, common) != 0)
		return bad(out, "it does not begin with the signature");
	if (in.n < FIXED)
		return PROXY_MORE;
	if ((unsigned char)in.p[12] >> 4 != 2 || (in.p[12] & 0x0f) > 1)
		return bad(out, "neither LOCAL nor PROXY of version 2");
	out->length = FIXED + number16(in.p + 14);
	if (out->length > LIMIT_PROXY_HEADER)
		return bad(out, "it is too long");
	return in.n < out->length ? PROXY_MORE : read_binary(str_head(in, out->length), out);
}

enum proxy_result proxy_parse(struct str in, struct proxy_header *out)
{
	*out = (struct proxy_header){ .trouble = "" };
	if (in.n == 0)
		return PROXY_MORE;
	return in.p[0] == signature[0] ? parse_binary(in, out) : parse_line(in, out);
}
