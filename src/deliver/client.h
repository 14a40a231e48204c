/*
 * One connection to a next hop, one transaction at a time, driven step by step:
 *
 *   client_connect -> ready -> client_mail, client_rcpt..., client_content
 *                           -> mail, rcpt..., over -> the next one
 *
 * Recipients may be offered one by one, each as it becomes known; content may come much later. What
 * is asked for in one go is sent in one go, where the next hop offers PIPELINING. Callbacks come
 * from the loop, never from inside a call; client_close may be called from any of them.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "deliver/deliver.h"
#include "wire.h"

struct client;

struct client_setup {
	struct loop *loop;
	struct tls_client *tls;
	const struct deliver_options *options;     /* hostname and times; must outlive the client */
	struct endpoint to;
	const struct inet_addr *from;              /* NULL: the kernel chooses */
	const char *host; /* the name: for TLS, and for those who read replies */
	enum tls_policy policy;
	bool implicit_tls;
	const char *username, *password;           /* NULL: no AUTH; must outlive the client */
};

/* The connection is no more; nothing was said about the message that would be its own fault. */
struct client_loss {
	struct reply reply;                        /* always 4xx */
	bool unreachable;                          /* no connection came about */
	bool no_route; /* this machine can't reach that family of addresses */
	bool try_clear;                            /* TLS was optional and its handshake failed */
	bool stale; /* a connection used before, which answered nothing this time */
	bool unknown;                              /* the content was sent, its answer never came */
	bool local; /* the message could not be read: no other host would do better */
	bool alarm; /* our login or the like was refused: a person should know */
};

struct client_calls {
	void (*ready)(void *owner);                /* greeted, in TLS where it must be, logged in */
	void (*mail)(void *owner, const struct reply *reply);
	void (*rcpt)(void *owner, size_t which, const struct reply *reply);
	/* The transaction's end, once. reply: the answer to the content (or to DATA), for all
	 * accepted recipients; NULL: no content was sent, because the sender or all recipients were
	 * refused. */
	void (*over)(void *owner, const struct reply *reply);
	/* the last call; only client_close is left */
	void (*lost)(void *owner, const struct client_loss *loss);
};

struct client *client_connect(
	const struct client_setup *setup, const struct client_calls *calls, void *owner);
/* with QUIT where there is still someone to hear it */
void client_close(struct client **c);
void client_own(struct client *c, const struct client_calls *calls, void *owner);

const struct wire_offer *client_offer(const struct client *c);
const char *client_relay(const struct client *c);  /* "mx1.example.net[192.0.2.1]:25" */
const char *client_tls(const struct client *c);    /* "none", "encrypted", "verified" */
const struct endpoint *client_local(const struct client *c);
bool client_is_reusable(const struct client *c);   /* no transaction, nothing wrong */
int64_t client_used(const struct client *c);       /* transactions begun */

/* Arguments are borrowed for the call; m is kept. False: the address can't be put in a command,
 * nothing was sent. */
bool client_mail(struct client *c, const struct wire_mail *mail);
bool client_rcpt(struct client *c, size_t which, const struct recipient *rcpt);
void client_content(struct client *c, struct message *m);

/* 5xx to 4xx, the words kept: of what is the connection's fault, not the message's. */
void client_soften(struct reply *r);

#endif
