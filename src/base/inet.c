/*
 * inet.c - Internet addresses, endpoints, networks
 *
 * Never    looks a name up.
 */
#include "base/inet.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* ::ffff:192.0.2.1 is 192.0.2.1 everywhere in this program. */
static void unmap(struct inet_addr *a)
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (!a->v6 || memcmp(a->ip, mapped, sizeof mapped) != 0)
		return;
	a->v6 = false;
	memmove(a->ip, a->ip + 12, 4);
	memset(a->ip + 4, 0, 12);
}

bool inet_parse(struct inet_addr *a, struct str s)
{
	char text[INET6_ADDRSTRLEN];
	struct inet_addr out = { 0 };

	if (s.n == 0 || s.n >= sizeof text || memchr(s.p, 0, s.n))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	out.v6 = strchr(text, ':') != NULL;
	if (inet_pton(out.v6 ? AF_INET6 : AF_INET, text, out.ip) != 1)
		return false;
	unmap(&out);
	*a = out;
	return true;
}

const char *inet_text(const struct inet_addr *a, char out[INET_TEXT_MAX])
{
	if (inet_ntop(a->v6 ? AF_INET6 : AF_INET, a->ip, out, INET_TEXT_MAX) == NULL)
		out[0] = '\0';
	return out;
}

bool inet_same(const struct inet_addr *a, const struct inet_addr *b)
{
	return a->v6 == b->v6 && memcmp(a->ip, b->ip, a->v6 ? 16 : 4) == 0;
}

bool inet_is_loopback(const struct inet_addr *a)
{
	static const unsigned char one[16] = { [15] = 1 };

	return a->v6 ? memcmp(a->ip, one, 16) == 0 : a->ip[0] == 127;
}

bool inet_is_private(const struct inet_addr *a)
{
	const unsigned char *p = a->ip;

	if (a->v6)
		return (p[0] & 0xfe) == 0xfc || (p[0] == 0xfe && (p[1] & 0xc0) == 0x80);
	return p[0] == 10 || (p[0] == 172 && (p[1] & 0xf0) == 16) || (p[0] == 192 && p[1] == 168)
		|| (p[0] == 100 && (p[1] & 0xc0) == 64) || (p[0] == 169 && p[1] == 254);
}

bool endpoint_parse(struct endpoint *e, struct str s, uint16_t default_port)
{
	struct str host = s, port = STR_NONE;
	ptrdiff_t colon = str_rfind(s, ':');
	uint64_t number = default_port;
	struct endpoint out = { 0 };

	if (s.n && s.p[0] == '[') {
		ptrdiff_t close = str_find(s, ']');

		if (close < 0)
			return false;
		host = str_head(str_skip(s, 1), (size_t)close - 1);
		port = str_skip(s, (size_t)close + 1);
		if (port.n && port.p[0] != ':')
			return false;
		port = str_skip(port, 1);
		if (str_skip(s, (size_t)close + 1).n == 1)
			return false;
	} else if (colon >= 0 && str_find(s, ':') == colon) {
		host = str_head(s, (size_t)colon);
		port = str_skip(s, (size_t)colon + 1);
		if (port.n == 0)
			return false;
	}
	if (port.n == 0 && default_port == 0)
		return false;
	if ((port.n && !str_number(port, &number)) || number == 0 || number > 65535)
		return false;
	if (!inet_parse(&out.addr, host))
		return false;
	out.port = (uint16_t)number;
	*e = out;
	return true;
}

const char *endpoint_text(const struct endpoint *e, char out[INET_TEXT_MAX])
{
	char addr[INET_TEXT_MAX];

	snprintf(out, INET_TEXT_MAX, e->addr.v6 ? "[%.45s]:%u" : "%.45s:%u", inet_text(&e->addr, addr), e->port);
	return out;
}

socklen_t endpoint_sockaddr(const struct endpoint *e, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof *out);
	if (e->addr.v6) {
		struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;

		six->sin6_family = AF_INET6;
		six->sin6_port = htons(e->port);
		memcpy(&six->sin6_addr, e->addr.ip, 16);
		return sizeof *six;
	}
	struct sockaddr_in *four = (struct sockaddr_in *)out;

	four->sin_family = AF_INET;
	four->sin_port = htons(e->port);
	memcpy(&four->sin_addr, e->addr.ip, 4);
	return sizeof *four;
}

bool endpoint_of(struct endpoint *e, const struct sockaddr *sa)
{
	struct endpoint out = { 0 };

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *four = (const struct sockaddr_in *)sa;

		memcpy(out.addr.ip, &four->sin_addr, 4);
		out.port = ntohs(four->sin_port);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)sa;

		out.addr.v6 = true;
		memcpy(out.addr.ip, &six->sin6_addr, 16);
		out.port = ntohs(six->sin6_port);
		unmap(&out.addr);
	} else {
		return false;
	}
	*e = out;
	return true;
}

bool network_parse(struct network *n, struct str s)
{
	struct network out;
	struct str rest = s, addr = str_cut(&rest, '/');
	uint64_t bits;

	if (!inet_parse(&out.addr, addr))
		return false;
	uint64_t most = out.addr.v6 ? 128 : 32;
	if (addr.n == s.n)
		bits = most;
	else if (!str_number(rest, &bits) || bits > most)
		return false;
	out.bits = (int)bits;
	*n = out;
	return true;
}

bool network_has(const struct network *n, const struct inet_addr *a)
{
	int whole = n->bits / 8, rest = n->bits % 8;

	if (n->addr.v6 != a->v6 || memcmp(n->addr.ip, a->ip, (size_t)whole) != 0)
		return false;
	return rest == 0 || ((n->addr.ip[whole] ^ a->ip[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

struct inet_addr inet_client_network(const struct inet_addr *a)
{
	struct inet_addr out = *a;

	if (a->v6)
		memset(out.ip + 8, 0, 8);
	return out;
}
