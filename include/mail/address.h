/*
 * A mail address, RFC 5321 section 4.1.2 with RFC 6531. Plain value: the bytes belong to the arena
 * that was handed to address_parse, or to whoever built it.
 */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "base/arena.h"
#include "base/buf.h"

struct address {
	struct str local;      /* without quotes and escapes; case kept; NUL-terminated where the arena made it */
	struct str domain;     /* lower case, A-labels; "[192.0.2.1]" for a literal; NUL-terminated too */
};

/* The null sender <> has neither part; "postmaster" alone has no domain. */
bool address_is_null(const struct address *a);
bool address_is_utf8(const struct address *a);             /* needs SMTPUTF8 (its local part is not ASCII) */
bool address_is_literal(const struct address *a);          /* the domain is an address literal */
bool address_same(const struct address *a, const struct address *b);  /* local part as it is, domain without case */
bool address_isame(const struct address *a, const struct address *b); /* both without (ASCII) case */

/* "local@domain", no angle brackets, nothing around it. Dot-string or quoted-string; domain, IDN or
 * literal. False: not an address (limits of base/limits.h included); *out is then unchanged. */
bool address_parse(struct address *out, struct str text, struct arena *arena);
/* A path as MAIL and RCPT have it, taken off the front of *rest: "<" [source-route ":"] mailbox ">".
 * Also "<>", and "<postmaster>" without a domain. A source route is read over (RFC 5321 appendix C). */
bool address_parse_path(struct address *out, struct str *rest, struct arena *arena);
/* A domain name alone: checked (LDH, lengths; no single-label rule), lower-cased, to A-labels. */
bool address_parse_domain(struct str *out, struct str text, struct arena *arena);

bool address_print(struct buf *out, const struct address *a);          /* quoted where it must be; no brackets */
const char *address_text(const struct address *a, struct arena *arena); /* the same in an arena; "" for null */
struct address address_copy(const struct address *a, struct arena *arena);
/* local@domain in lower case: the key for tables. */
struct str address_key(const struct address *a, struct arena *arena);

#endif
