/* The parameters behind the path of MAIL and RCPT (RFC 5321 section 4.1.1.11), and the values
 * they have. */
#ifndef RECEIVE_PARAMS_H
#define RECEIVE_PARAMS_H

#include "mail/envelope.h"
#include "mail/reply.h"

struct mail_params {
	/* state */
	bool has_size, has_body, has_auth, smtputf8, has_ret, has_envid;
	uint64_t size;                 /* UINT64_MAX: larger than can be counted */
	bool eightbit;
	enum envelope_ret ret;
	struct str envid;              /* borrowed from the line */
};

struct rcpt_params {
	bool has_notify, has_orcpt;
	unsigned notify;               /* NOTIFY_* */
	struct str orcpt;              /* borrowed from the line */
};

/* Reads what stands behind the path. dsn: are RFC 3461's offered here? False: the reply says
 * what is wrong. */
bool params_read_mail(struct mail_params *p, struct str rest, bool dsn, struct reply *reply);
bool params_read_rcpt(struct rcpt_params *p, struct str rest, bool dsn, struct reply *reply);

#endif
