/*
 * The verdict: SPF, DKIM and DMARC added up to what the later stations ask: may this sender be
 * bounced to (proven), is the message refused, and what does Authentication-Results say?
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
	/* of trusted_forwarders, whose row fills both */
	struct config_networks trusted_networks;
	struct config_strings trusted_domains;             /* lower case */
};

extern const struct config_row check_rows[];

/* What counts as ours for promise 8; borrowed, must outlive the check. */
struct check_own {
	const char *const *domains;                /* virtual domains, with their subdomains */
	size_t domain_count;
	/* srs_domain, d= of keys that sign forwards, the hostname: their organisational domains */
	const char *const *senders;
	size_t sender_count;
};

/* All borrowed; must outlive it. */
struct check *check_create(struct loop *l, struct dns *dns, const struct check_options *options,
	const struct check_own *own, const char *hostname);
void check_destroy(struct check **c);              /* after all jobs */

struct verdict {
	struct spf_answer helo, spf;               /* of HELO, and of MAIL FROM (<>: HELO's) */
	struct check_dkim_verdict dkim;
	struct dmarc_answer dmarc;
	bool null_sender;                          /* spf is HELO's */
	bool spf_done, message_done;
	bool hidden;                               /* the address is not the client's: SPF is none */
	bool trusted;                              /* a trusted forwarder */
	bool proven;                               /* promise 4; final once message_done */
	/* code 0: none; 5xx, or 451 for a From of ours that can't be judged now */
	struct reply refusal;
};

struct check_client {
	struct inet_addr address;
	struct str helo;
	bool hidden;
};

typedef void check_done(void *waiter);
/* At MAIL: SPF of both identities; fills v, which must live until done. refusal: spf_fail: refuse
 * (550 5.7.26, never on an error); kept back until check_message where trusted_forwarders names
 * domains, as DKIM may prove one of them. */
struct job *check_sender(struct check *c, const struct check_client *client,
	const struct address *sender, struct verdict *v, check_done *done, void *waiter);
/* After the final dot: DKIM, DMARC, own_from, proven, refusal. v has been through check_sender; the
 * sender is m->env.original_sender. exempt: the transaction's recipients are only postmasters, who
 * are never refused for SPF or DMARC. A refusal for SPF that check_sender gave, or kept back, is given
 * (again) here unless DKIM proves a trusted forwarder. */
struct job *check_message(struct check *c, struct message *m, struct verdict *v, bool exempt,
	check_done *done, void *waiter);
/* Is this network that of a trusted forwarder? Before MAIL nothing else can be known. */
bool check_trusts_network(const struct check *c, const struct inet_addr *client);

/* "Received-SPF: ..." and "Authentication-Results: ..." in this order, folded, each ending in CRLF
 * (RFC 7208 section 9.1, RFC 8601). False: they did not fit; then nothing was added. v may have
 * been through check_sender alone: then DKIM and DMARC are not mentioned. */
bool check_print_fields(const struct check *c, const struct verdict *v,
	const struct check_client *client, const struct address *sender, struct buf *out);
/* Does this Authentication-Results field claim to be ours (RFC 8601 section 5)? Also one so badly
 * written that a careless reader could take it for ours. The value as header_next gives it. */
bool check_is_forged(const struct check *c, struct str field_value);

#endif
