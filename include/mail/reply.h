/*
 * One SMTP reply: what we say, what a peer said, and what we make up when a peer can't be reached.
 * Plain value, copied freely. Texts from a peer were stripped of control bytes when they entered.
 */
#ifndef MAIL_REPLY_H
#define MAIL_REPLY_H

#include "base/limits.h"
#include "base/str.h"

struct reply {
	int code;                          /* 200..599; 0: none yet */
	char status[12];                   /* enhanced status, "5.1.1" (RFC 3463); "" where none was given */
	char text[LIMIT_REPLY_TEXT];       /* without code and status; lines joined by '\n' */
	char by[128];                      /* who said it: "mx1.example.net[192.0.2.1]"; "": ourselves */
};

void reply_set(struct reply *r, int code, const char *status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool reply_is_ok(const struct reply *r);            /* 2xx */
bool reply_is_temporary(const struct reply *r);     /* 4xx */
bool reply_is_permanent(const struct reply *r);     /* 5xx */
/* The status; one is made from the code's first digit where none was given ("5.0.0"). */
const char *reply_status(const struct reply *r);
/* "550 5.1.1 User unknown", lines joined by "; ": for the log, the queue list and DSNs. Cut to fit. */
const char *reply_line(const struct reply *r, char *out, size_t n);

/* Reads one line of a reply, without its CRLF, into *r (call with a zeroed r for the first).
 * *more: further lines follow. False: not SMTP, or another code than the line before. */
bool reply_read_line(struct reply *r, struct str line, bool *more);

#endif
