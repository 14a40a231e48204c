/* A client's inside, shared by client.c (the driver), hello.c (up to ready) and transfer.c (the
 * transaction). */
#ifndef CLIENT_STATE_H
#define CLIENT_STATE_H

#include "client.h"
#include "net/io.h"

/* What is said to the next hop, in the order in which it will be answered. */
enum verb {
	VERB_GREETING,          /* not said: the greeting is waited for */
	VERB_EHLO, VERB_HELO, VERB_STARTTLS, VERB_AUTH,
	VERB_MAIL, VERB_RCPT, VERB_DATA,
	VERB_CONTENT,           /* BDAT with the content, or the content after DATA up to its dot */
	VERB_RSET
};

struct command {
	enum verb verb;
	size_t which;           /* RCPT: the owner's number for it */
	char *text;             /* owned; NULL: nothing to write */
};

enum client_phase {
	CLIENT_CONNECTING,
	CLIENT_SECURING,        /* the TLS handshake runs */
	CLIENT_TALKING,
	CLIENT_ENDED            /* lost was called */
};

struct client {
	/* owned */
	struct io *io;
	/* [0, heard) answered, [heard, sent) outstanding, [sent, queued) to be said */
	struct command *queue;
	size_t heard, sent, queued, room;
	char *host;
	struct message *m;                 /* while its content is wanted */
	struct job *reading;               /* a worker reads a piece of it */
	struct job *later;
	/* borrowed */
	struct loop *loop;
	struct tls_client *tls;
	const struct deliver_options *options;
	const char *username, *password;
	const struct client_calls *calls;
	void *owner;
	/* state */
	enum client_phase phase;
	enum tls_policy policy;
	bool implicit_tls;
	int depth;                         /* callbacks under way */
	bool closed;                       /* freed when they are through */
	bool unusable;                     /* no further transaction on this connection */
	struct wire_offer offer;
	struct reply reply;                /* being read */
	int lines;                         /* of it, so far */
	bool auth_login;                   /* LOGIN, else PLAIN */
	int auth_step;
	char by[sizeof(((struct reply *)0)->by)];
	char relay[LIMIT_DOMAIN + INET_TEXT_MAX + 8];
	/* the transaction */
	int64_t used;
	bool open;                         /* from client_mail to over */
	bool answered;                     /* something was said about it */
	bool refused;                      /* the sender was */
	bool content_wanted;
	bool dirty;                        /* the next hop holds an unfinished transaction */
	bool sending;                      /* content is on its way, its end not yet written */
	bool sent_all;                     /* its end was written */
	bool empty;                        /* a lone dot answers a 354 that nobody wants any more */
	size_t accepted;
	struct wire_dots dots;
	uint64_t at;                       /* of top and content, bytes handed to io */
};

/* client.c */
void client_say(struct client *c, enum verb verb, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* text is taken */
void client_say_text(struct client *c, enum verb verb, size_t which, char *text);
/* an answer, to what was written otherwise */
void client_expect(struct client *c, enum verb verb);
void client_drop_unsent(struct client *c);
bool client_is_quiet(const struct client *c);               /* nothing outstanding */
void client_lose(struct client *c, const struct client_loss *loss, bool say_quit);
/* Ends the connection with a made-up reply, "host[address]: ...". */
void client_give_up(struct client *c, const char *status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* ends it with what the peer said, softened */
void client_lose_reply(struct client *c, const struct reply *r);
bool client_is_gone(const struct client *c);                /* lost or closed: return at once */
void client_enter(struct client *c);
void client_leave(struct client *c);                        /* c may be gone afterwards */
void client_turn(struct client *c);                         /* says what may be said now */

/* hello.c */
void hello_connected(struct client *c);
void hello_secured(struct client *c);
void hello_offer_line(struct client *c, struct str line);
void hear_greeting(struct client *c, const struct command *cmd);
void hear_ehlo(struct client *c, const struct command *cmd);
void hear_helo(struct client *c, const struct command *cmd);
void hear_starttls(struct client *c, const struct command *cmd);
void hear_auth(struct client *c, const struct command *cmd);

/* transfer.c */
void hear_mail(struct client *c, const struct command *cmd);
void hear_rcpt(struct client *c, const struct command *cmd);
void hear_data(struct client *c, const struct command *cmd);
void hear_content(struct client *c, const struct command *cmd);
void hear_rset(struct client *c, const struct command *cmd);
/* is there anyone to send the content to? */
bool transfer_may_send(const struct client *c);
void transfer_begin(struct client *c);                      /* BDAT */
void transfer_go_on(struct client *c);                      /* the output has room again */
/* true: the transaction ended without content */
bool transfer_settle(struct client *c);

#endif
