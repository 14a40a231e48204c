/*
 * The attempt: from recipients of one destination to an outcome for each. MX, fall-over, TLS, SMTP
 * client, connection reuse.
 */
#ifndef DELIVER_DELIVER_H
#define DELIVER_DELIVER_H

#include "config/config.h"
#include "mail/message.h"
#include "mail/reply.h"
#include "net/dns.h"
#include "net/loop.h"
#include "net/tls.h"

struct deliver;

enum tls_policy {
	TLS_POLICY_NONE,
	TLS_POLICY_OPPORTUNISTIC,
	TLS_POLICY_REQUIRED,
	TLS_POLICY_VERIFY
};

struct hop {                               /* a fixed next hop: relay, or an entry of next_hops */
	const char *host; /* name or address, lower case; port 465: TLS from the first byte */
	uint16_t port;
	int tls;                           /* enum tls_policy */
	const char *username, *password;   /* NULL: no AUTH */
};

struct deliver_options {
	const char *hostname;              /* EHLO; not a row: the caller sets it */
	int64_t port;                      /* of MX hosts */
	struct config_strings bind;        /* local addresses to send from, v4 and v6 */
	bool soft_bounce;                  /* 5xx counts as 4xx */
	struct hop *relay;                 /* NULL: none */
	struct next_hop { const char *domain; struct hop hop; } *next_hops;   /* domain "*": any */
	size_t next_hop_count;
	/* ms; RFC 5321 section 4.5.3.2. command: the greeting too; data: each LIMIT_CONTENT_CHUNK;
	 * final: after the dot */
	int64_t connect_timeout, command_timeout, data_timeout, final_timeout;
	int64_t host_backoff;              /* ms a host that can't be reached is not tried again */
	int64_t idle;                      /* ms an idle connection is kept */
	int64_t messages_per_connection;
	int64_t connections_per_lane;      /* idle ones kept to one host */
};

extern const struct config_row deliver_rows[];

/* options: must outlive it. is_ours: is this MX host ourselves? Then it is a loop. It is asked with
 * the name (address NULL) first, then with name and each address and port. */
struct deliver *deliver_create(struct loop *l, struct dns *dns, struct tls_client *tls,
	const struct deliver_options *options,
	bool (*is_ours)(void *arg, struct str host, const struct endpoint *address), void *arg,
	struct why *why);
void deliver_destroy(struct deliver **d);        /* after all jobs; idle connections QUIT */

/* The lane that mail for this domain shares (the fixed next hop, else the domain). In the arena,
 * lower case. */
const char *deliver_lane(const struct deliver *d, struct str domain, struct arena *arena);

struct deliver_outcome {
	size_t rcpt;                       /* index into env.rcpts */
	const struct reply *reply;         /* the next hop's, or made up (code 4xx/5xx, by "") */
	const char *relay;                 /* "mx1.example.net[192.0.2.1]:25"; "none" */
	const char *tls;                   /* "encrypted", "verified", "none" */
	bool duplicate_possible;           /* the connection died after the final dot */
	bool dsn_passed_on;                /* the next hop offers DSN and got our NOTIFY */
};

/* Called once for each recipient as soon as it is settled, then done once. Both from the loop. */
typedef void deliver_each(void *waiter, const struct deliver_outcome *outcome);
typedef void deliver_done(void *waiter);
/* Tries recipients rcpts[0..n) of m, n > 0, all of one domain or fixed next hop. The array is
 * borrowed for the call, m is kept. Cancelled: connections are closed, recipients stay as they
 * are. */
struct job *deliver_attempt(struct deliver *d, struct message *m, const size_t *rcpts, size_t n,
	deliver_each *each, deliver_done *done, void *waiter);

struct deliver_counts { size_t active, idle; };  /* attempts under way, idle connections */
struct deliver_counts deliver_counts(const struct deliver *d);

#endif
