/* What goes over the wire to a next hop: command lines, and content with its dots doubled. */
#ifndef WIRE_H
#define WIRE_H

#include "mail/envelope.h"

/* What the next hop's EHLO offered. */
enum {
	OFFERS_PIPELINING = 1 << 0,
	OFFERS_SIZE = 1 << 1,
	OFFERS_8BITMIME = 1 << 2,
	OFFERS_SMTPUTF8 = 1 << 3,
	OFFERS_STARTTLS = 1 << 4,
	OFFERS_CHUNKING = 1 << 5,
	OFFERS_DSN = 1 << 6,
	OFFERS_AUTH = 1 << 7,
	OFFERS_AUTH_PLAIN = 1 << 8,
	OFFERS_AUTH_LOGIN = 1 << 9
};

struct wire_offer {
	unsigned offers;                   /* OFFERS_* */
	uint64_t size;                     /* bytes it takes at most; 0: no limit told */
	uint64_t rcpt_max;                 /* RFC 9422 RCPTMAX; 0: not told */
};

/* Reads one line of an EHLO reply, without the code; lines of extensions that we don't use are read
 * over. */
void wire_read_offer(struct wire_offer *o, struct str line);

/* What MAIL says of a message. */
struct wire_mail {
	const struct address *sender;
	uint64_t size;                     /* bytes; 0: not known yet */
	bool eightbit, smtputf8;           /* to declare, where offered */
	enum envelope_ret ret;
	struct str envid;
};

/* Add one command with its CRLF. False, and nothing is added: the address can't be written in one
 * line. A parameter that can't is left out. */
bool wire_mail(struct buf *out, const struct wire_mail *mail, unsigned offers);
bool wire_rcpt(struct buf *out, const struct recipient *rcpt, unsigned offers);

/* Doubles the dots that begin a line (RFC 5321 section 4.5.2), however the content is split. */
struct wire_dots {
	char last[2];                      /* the two bytes put out last */
};

typedef void wire_sink(void *arg, const void *p, size_t n);

void wire_dots_init(struct wire_dots *d);
void wire_dots_add(struct wire_dots *d, struct str content, wire_sink *sink, void *arg);
/* CRLF if it lacks one, and the final dot */
void wire_dots_end(struct wire_dots *d, wire_sink *sink, void *arg);

#endif
