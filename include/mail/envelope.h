/* The envelope: who sends, to whom, and what was promised (RFC 5321, 3461, 6531, 8689). */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

#include "base/inet.h"
#include "mail/address.h"

/* marks of a recipient in the queue file, design.md "Spool" */
enum recipient_mark { RCPT_TODO = '-', RCPT_DELIVERED = '+', RCPT_FAILED = '!' };

/* RFC 3461 section 4.1; 0: not said, which means FAILURE */
enum { NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8 };

struct recipient {
	struct address to;           /* where it goes next */
	struct address original;     /* whom the client named: the one that replies, logs to people and DSNs show */
	struct str orcpt;            /* RFC 3461, as it came ("rfc822;..."), xtext decoded not; empty: none */
	unsigned notify;             /* NOTIFY_* */
	char mark;                   /* enum recipient_mark */
	uint32_t mark_at;            /* offset of the mark in the queue file; 0: not on disk yet */
};

enum envelope_ret { RET_UNSAID, RET_FULL, RET_HDRS };

struct envelope {
	struct address sender;           /* as we send it on: after SRS */
	struct address original_sender;  /* as the client gave it: bounces go there */
	struct recipient *rcpts;         /* in the message's arena */
	size_t rcpt_count;
	int64_t arrived;                 /* ms since 1970 */
	struct endpoint client;          /* who brought it; port 0: made here (a DSN) */
	struct str helo;
	struct str login;                /* the account that authenticated; empty: none */
	bool proven;                     /* promise 4: may be bounced to */
	bool eightbit;                   /* BODY=8BITMIME */
	bool smtputf8;
	bool tls;
	enum envelope_ret ret;
	struct str envid;                /* RFC 3461, xtext as it came */
};

#endif
