/* What the sender's domain says of client and message: check/ at work for one session. */
#ifndef RECEIVE_CHECKING_H
#define RECEIVE_CHECKING_H

#include "session.h"

/* After 250 to MAIL: SPF is looked up while the client goes on. Not for our own users. */
void checking_begin(struct session *s);
/* True: SPF is not known yet. The caller returns TURN_WAIT, and `then` is run when it is. */
bool checking_waits(struct session *s, enum turn (*then)(struct session *s));
/* At RCPT: is SPF's answer needed before the reply? */
bool checking_is_needed(const struct session *s);
/* At RCPT, with the answer there. True: s->reply refuses the sender. */
bool checking_refuses(struct session *s, bool postmaster);

/* DKIM, DMARC and the rest, in s->job; done once. False: there is nothing to do. */
bool checking_message(struct session *s, enum turn (*then)(struct session *s));
/* After it. True: s->reply refuses the message. env.proven is set either way. */
bool checking_refuses_message(struct session *s);
/* Drops the fields that forge ours from the content. The octets that went; what is in a file is
 * then still to be cut by spool_cut. */
size_t checking_cut_forged(struct session *s);
/* Has the content a DKIM signature that is valid, or may be? */
bool checking_is_signed(const struct session *s);
/* Authentication-Results and Received-SPF; in the message's arena. */
struct str checking_fields(struct session *s);

#endif
