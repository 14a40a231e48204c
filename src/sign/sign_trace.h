/* Received and the fields that say for whom a message came. Pure functions. */
#ifndef SIGN_SIGN_TRACE_H
#define SIGN_SIGN_TRACE_H

#include "mail/message.h"
#include "sign/sign.h"

/* Received; then, for one original recipient that is forwarded, Delivered-To, X-Forwarded-To and X-Forwarded-For.
 * What the content's header oversigns is left out. At most SIGN_TRACE_MAX bytes. */
void sign_trace_fields(struct buf *out, const struct message *m, const struct sign_request *request, int64_t now);
/* Those of the fields that no signature in the header oversigns. */
void sign_trace_extra(struct buf *out, struct str header, struct str fields);
/* May a field of that name be added above the header without breaking a signature in it? */
bool sign_trace_may_add(struct str header, struct str name);

enum { SIGN_TRACE_MAX = 8192 };

#endif
