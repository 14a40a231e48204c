/*
 * The verdict: SPF, DKIM and DMARC added up to what the later stations ask: may this sender be bounced to
 * (proven), is the message refused, and what does Authentication-Results say?
 */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "check/check_dkim.h"
#include "check/dmarc.h"
#include "check/spf.h"
#include "config/config.h"
#include "mail/reply.h"

struct check;

enum check_action { CHECK_MARK, CHECK_REFUSE };

struct check_options {                     /* the section check: */
	int spf_fail, dmarc_reject, own_from;              /* enum check_action */
	struct config_networks trusted_networks;           /* of trusted_forwarders */
	struct config_strings trusted_domains;             /* of trusted_forwarders, lower case */
};

extern const struct config_row check_rows[];

/* What counts as ours for promise 8; borrowed, must outlive the check. */
struct check_own {
	const char *const *domains;                /* virtual domains, exactly and with their subdomains */
	size_t domain_count;
	const char *const *senders;                /* srs_domain, d= of keys that sign forwards: their organisational domains */
	size_t sender_count;
};

struct check *check_create(struct loop *l, struct dns *dns, const struct check_options *options,
	const struct check_own *own, const char *hostname);
void check_destroy(struct check **c);              /* after all jobs */

struct verdict {
	struct spf_answer helo, spf;               /* of HELO, and of MAIL FROM (for <> the same as HELO's) */
	struct check_dkim_verdict dkim;
	struct dmarc_answer dmarc;
	bool spf_done, message_done;
	bool hidden;                               /* the client's address is not its own (guard): SPF is none */
	bool trusted;                              /* a trusted forwarder */
	bool proven;                               /* promise 4; final once message_done, SPF's part before */
	struct reply refusal;                      /* code 0: none */
};

struct check_client {
	struct inet_addr address;
	struct str helo;
	bool hidden;
};

typedef void check_done(void *waiter);
/* At MAIL: SPF of both identities; fills v, which must live until done. refusal: spf_fail: refuse (550 5.7.23, never on an
 * error). */
struct job *check_sender(struct check *c, const struct check_client *client, const struct address *sender, struct verdict *v,
	check_done *done, void *waiter);
/* After the final dot: DKIM, DMARC, own_from, proven, refusal. v has been through check_sender. exempt: the transaction's
 * recipients are only postmasters, who are never refused for DMARC. */
struct job *check_message(struct check *c, struct message *m, struct verdict *v, bool exempt, check_done *done, void *waiter);
/* Is this network or proven domain a trusted forwarder? Before HELO only the network counts. */
bool check_trusts_network(const struct check *c, const struct inet_addr *client);

/* "Authentication-Results: ..." and "Received-SPF: ...", folded, each ending in CRLF (RFC 8601, RFC 7208 section 9.1). */
bool check_print_fields(const struct check *c, const struct verdict *v, const struct check_client *client,
	const struct address *sender, struct buf *out);
/* Does this Authentication-Results field claim to be ours (RFC 8601 section 5)? */
bool check_is_forged(const struct check *c, struct str field_value);

#endif
