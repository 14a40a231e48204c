/*
 * Listeners and the SMTP server behind them: sessions, commands, intake after the final dot.
 * All on the loop's thread.
 */
#ifndef RECEIVE_RECEIVE_H
#define RECEIVE_RECEIVE_H

#include "check/check.h"
#include "config/config.h"
#include "net/dns.h"
#include "net/tls.h"
#include "receive/screen.h"
#include "receive/screen.h"
#include "route/route.h"
#include "schedule/schedule.h"
#include "sign/sign.h"
#include "spool/spool.h"

struct receive;

struct receive_options {
	/* ptr_hostname: no row here, the caller sets it */
	const char *hostname;
	/* no row either: the caller's; NULL: clients are not screened */
	const struct screen_options *screen;
	struct config_endpoints smtp, submission, submissions;       /* listen.* */
	struct config_networks proxies;        /* listen.proxy_protocol */
	bool postscreen_enable, postscreen_slow_checks;
	/* submission.normalize: 587 and 465 only */
	bool normalize;
	/* limits.* */
	int64_t message_size;                  /* bytes */
	int64_t recipients;                    /* of one transaction */
	int64_t clients, clients_per_network;  /* connections at once */
	/* 5xx answers in a row without a message, then 421 */
	int64_t errors;
	/* ms: for one command, for a whole message, for all */
	int64_t command_time, data_time, session_time;
	int64_t messages_per_session;
	/* per network: so many within so long: refused for so long */
	int64_t auth_failures, auth_failures_window, auth_ban;
	/* ms: a network is spared for an account that logged in there within */
	int64_t auth_known;
	int64_t account_recipients_per_day;
	/* of one client network */
	int64_t network_connections_per_minute, network_messages_per_hour;
	int64_t network_recipients_per_hour, network_unknown_per_hour, network_errors_per_hour;
	/* unknown recipients after which answers are held back, for so many sessions at once */
	int64_t tarpit_after, tarpitted;
};

extern const struct config_row receive_rows[];

/* All borrowed; they outlive it. */
struct receive_parts {
	struct loop *loop;
	struct dns *dns;
	struct tls_server *tls;
	struct routes *routes;
	struct srs *srs;
	struct signer *signer;
	struct spool *spool;
	struct schedule *schedule;
	struct check *check;
	const struct check_options *check_options;
	const struct screen_options *screen;
};

/* Binds all listeners before it returns. NULL with why: an address is taken, or not ours. */
struct receive *receive_create(
	const struct receive_options *options, const struct receive_parts *parts, struct why *why);
/* Cuts the sessions that are left; what they had not got a 250 for is theirs to send again. */
void receive_destroy(struct receive **r);
/* Closes the listeners; sessions get 421 once their transaction is over. stopped is called when
 * none is left, or after max_wait ms (then the rest is cut: nothing that was acknowledged is
 * lost). */
void receive_stop(struct receive *r, int64_t max_wait, void (*stopped)(void *arg), void *arg);
/* do we listen there? */
bool receive_is_own_endpoint(const struct receive *r, const struct endpoint *e);

struct receive_counts {
	size_t sessions;                       /* now */
	uint64_t accepted;                     /* connections */
	uint64_t messages, refused_rcpt, refused_messages, auth_ok, auth_failed;
	/* screening of port 25 */
	size_t waiting;                        /* now, to be greeted */
	size_t tarpitted;                      /* now */
	uint64_t passed_new, passed_known;     /* greeted after all tests; from the allow cache */
	uint64_t white;                        /* greeted on the word of a white list */
	uint64_t pregreet, listed, listed_unsure;
	uint64_t pipelining, non_smtp, bare_newline, bad_helo;
	uint64_t hung_up;                      /* before they were greeted */
	uint64_t denied, limited;              /* by access.deny; over a limit of their network */
	uint64_t hidden, bad_proxy;            /* behind a proxy that hides them; bad headers */
	char hidden_last[INET_TEXT_MAX];       /* the address that hid the last of them */
};
struct receive_counts receive_counts(const struct receive *r);

/* For the operator. Borrowed. */
struct allow *receive_allow(const struct receive *r);
struct lists *receive_lists(const struct receive *r);
/* For status and the operator; NULL where nothing is screened. */
struct allow *receive_allow(const struct receive *r);
struct lists *receive_lists(const struct receive *r);

#endif
