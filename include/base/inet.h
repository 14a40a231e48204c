/* Internet addresses, endpoints and networks as plain values. No names are looked up here. Any thread. */
#ifndef BASE_INET_H
#define BASE_INET_H

#include "base/str.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct inet_addr {
	bool v6;
	unsigned char ip[16];              /* IPv4: the first four */
};

struct endpoint {
	struct inet_addr addr;
	uint16_t port;
};

struct network {
	struct inet_addr addr;
	int bits;
};

enum { INET_TEXT_MAX = 64 };               /* holds "[addr]:port" and the NUL */

bool inet_parse(struct inet_addr *a, struct str s);           /* 192.0.2.1, 2001:db8::1; ::ffff:a.b.c.d is unmapped */
const char *inet_text(const struct inet_addr *a, char out[INET_TEXT_MAX]);
bool inet_same(const struct inet_addr *a, const struct inet_addr *b);
bool inet_is_loopback(const struct inet_addr *a);
bool inet_is_private(const struct inet_addr *a);              /* RFC 1918, RFC 6598, RFC 4193, link-local */
/* "192.0.2.1:25", "[::1]:25"; default_port > 0: the port may be left out, brackets too. */
bool endpoint_parse(struct endpoint *e, struct str s, uint16_t default_port);
const char *endpoint_text(const struct endpoint *e, char out[INET_TEXT_MAX]);
socklen_t endpoint_sockaddr(const struct endpoint *e, struct sockaddr_storage *out);
bool endpoint_of(struct endpoint *e, const struct sockaddr *sa);     /* false: not IPv4 or IPv6; mapped is unmapped */
bool network_parse(struct network *n, struct str s);          /* "10.0.0.0/8", "2001:db8::/32", a single address */
bool network_has(const struct network *n, const struct inet_addr *a);
/* The network that limits are counted for: IPv4 /32, IPv6 /64. */
struct inet_addr inet_client_network(const struct inet_addr *a);

#endif
