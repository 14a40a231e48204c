/* A next hop for tests: an SMTP server on a loopback address that says what its script says. */
#ifndef PEER_H
#define PEER_H

#include "base/buf.h"
#include "net/loop.h"

/*
 * NULL: the usual reply. Otherwise lines to be sent as they are, or one of
 *   "@drop" the connection ends    "@hang" nothing is said    "@drip" one byte at a time, for ever
 *   "@endless" a reply that never ends    "@broken" (STARTTLS) 220, and then no TLS
 *   "@stall" (DATA) 354, and nothing is read
 * A recipient whose local part begins with three digits gets that code, "drop" and "hang" as above.
 */
struct script {
	const char *greeting, *ehlo, *helo, *starttls, *auth[3], *mail, *rcpt, *data, *end, *rset;
	const char *early;               /* the reply to the content, when its first line came */
	/* the reply to MAIL from the second transaction of a connection on */
	const char *mail_again;
	bool tls_first;                  /* implicit TLS */
	bool absent;                     /* nobody listens */
	const struct script *then;       /* of the second connection and later ones */
};

struct peer;

struct peer *peer_create(
	struct loop *l, const char *address, uint16_t *port, const struct script *script);
void peer_destroy(struct peer **p);
/* What it heard: commands without their CRLF joined by '|'; "+" for each connection, "(tls)",
 * "(bye)". */
const char *peer_talk(struct peer *p);
struct str peer_content(const struct peer *p);     /* of all messages, dots undone */
int peer_connections(const struct peer *p);
/* ends all connections, as a server that is restarted */
void peer_hang_up(struct peer *p);
void peer_say(struct peer *p, const char *text);   /* on all connections, unasked */

extern const char peer_usual_ehlo[], peer_pipelining_ehlo[], peer_full_ehlo[], peer_tls_ehlo[];

#endif
