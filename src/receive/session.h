/*
 * One SMTP session: what a handler may see and do, and how the driver is told to go on.
 *
 *   connection -> (handshake on 465, screening on 25) -> 220 -> commands: a line, a handler, a turn
 */
#ifndef RECEIVE_SESSION_H
#define RECEIVE_SESSION_H

#include "mail/reply.h"
#include "net/io.h"
#include "screening.h"
#include "server.h"
#include "transaction.h"

enum service { SERVICE_SMTP, SERVICE_SUBMISSION, SERVICE_SUBMISSIONS };

/* What the driver does next. */
enum turn {
	TURN_READ,       /* read on, nothing to say */
	TURN_SAY,        /* say s->reply, read on */
	TURN_WAIT,       /* somebody will call session_resume */
	TURN_BYE         /* say s->reply and close */
};

/* Where the dialogue stands; a command names those that it is allowed in. */
enum session_state {
	ST_NEW = 1,      /* no EHLO yet, or none since STARTTLS */
	ST_READY = 2,
	ST_MAIL = 4,     /* MAIL accepted, no recipient yet */
	ST_RCPT = 8,     /* at least one recipient accepted */
	ST_CHUNKS = 16   /* between two BDATs */
};

/* What the next octets of the client are. */
enum session_input { INPUT_COMMAND, INPUT_AUTH, INPUT_DATA, INPUT_CHUNK };

enum session_needs {
	NEED_TLS = 1,    /* on 587 and 465 only: nothing is asked of a server on 25 */
	NEED_USER = 2
};

struct session {
	/* owned */
	/* NULL: the client is gone, its message is still being committed */
	struct io *io;
	struct transaction *tx;            /* NULL: no MAIL */
	struct job *job;                   /* what TURN_WAIT waits for */
	struct timer *timer;               /* the nearest deadline */
	struct job *ending;                /* the session ends in this round of the loop */
	struct client_name *name;          /* the reverse look-up; NULL: none */
	struct login *login;               /* an AUTH exchange; NULL: none */
	struct screening screening;        /* on port 25 */
	/* borrowed */
	struct receive *server;
	const struct account *account;     /* NULL: not authenticated */
	struct session *next, *before;
	/* state */
	enum service service;
	enum session_state state;
	enum session_input input;
	struct endpoint client;            /* hidden: who hides it */
	struct standing standing;
	bool counted;                      /* among the connections of its network */
	bool tarpitted;                    /* its answer is held back */
	char client_text[INET_TEXT_MAX];   /* without the port: for the log */
	char helo[LIMIT_HELO + 1];         /* empty: not yet */
	char login_name[LIMIT_LOGIN + 1];  /* of account; empty: none */
	bool esmtp;
	bool waiting, handshake;
	/* spool_commit runs: it must be heard, even if the client goes */
	bool committing;
	bool over, flush;
	/* mono ms: session, last progress, DATA or first BDAT (0: none) */
	int64_t born, since, content_since;
	uint64_t chunk_size, chunk_left;   /* INPUT_CHUNK */
	bool chunk_last, chunk_refused;    /* refused: read over, then s->reply is said */
	size_t step;                       /* of the intake */
	int64_t errors, messages;
	const char *doing;                 /* time-outs and the log print this */
	struct reply reply;
};

/* Takes the fd, of one who entered. client is who connected, or for whom a proxy speaks; known:
 * false if the proxy did not say for whom. The session frees itself. */
void session_create(struct receive *r, int fd, enum service service, const struct endpoint *client,
	bool known);
void session_destroy(struct session *s);          /* at once, without a word */
void session_stop(struct session *s);             /* 421 as soon as no transaction is open */
void session_cut(struct session *s);              /* 421 now */

/* For handlers: put the reply down, and return it as a turn. */
enum turn say(struct session *s, int code, const char *status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
enum turn say_bye(struct session *s, int code, const char *status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
enum turn say_reply(struct session *s, const struct reply *reply);

/* Ends a TURN_WAIT; from the loop only. */
void session_resume(struct session *s, enum turn turn);
/* For screening.c, before the greeting: 220, the dialogue begins; a turn without a command. */
void session_greet(struct session *s);
void session_tell(struct session *s, enum turn turn);
/* Switches to TLS after `220`; all that was said before is forgotten. The turn to return. */
enum turn session_secure(struct session *s);
/* Ends the transaction, whatever it had got. */
void session_reset(struct session *s);
/* True: s->reply says why the command is not allowed here. */
bool session_forbids(struct session *s, unsigned needs, unsigned allowed);
bool session_is_submission(const struct session *s);
bool session_is_tls(const struct session *s);
/* Are its network's limits for it? Not for our users, nor for who is spared or hidden. */
bool session_is_limited(const struct session *s);
/* The refusal in s->reply, for the log: sender and recipient may be NULL. */
void session_log_refusal(struct session *s, const struct address *from, const struct address *to);

/* The commands. args: what stands behind the verb, blanks trimmed. */
enum turn cmd_helo(struct session *s, struct str args);
enum turn cmd_ehlo(struct session *s, struct str args);
enum turn cmd_mail(struct session *s, struct str args);
enum turn cmd_rcpt(struct session *s, struct str args);
enum turn cmd_data(struct session *s, struct str args);
enum turn cmd_bdat(struct session *s, struct str args);
enum turn cmd_auth(struct session *s, struct str args);
enum turn cmd_starttls(struct session *s, struct str args);
enum turn cmd_rset(struct session *s, struct str args);
enum turn cmd_noop(struct session *s, struct str args);
enum turn cmd_vrfy(struct session *s, struct str args);
enum turn cmd_expn(struct session *s, struct str args);
enum turn cmd_help(struct session *s, struct str args);
enum turn cmd_quit(struct session *s, struct str args);
/* The other kinds of input: a line of an AUTH exchange; octets of a message, of which io_pending
 * has some. */
enum turn cmd_auth_line(struct session *s, struct str line);
void cmd_auth_abort(struct session *s);
enum turn cmd_data_input(struct session *s);
enum turn cmd_bdat_input(struct session *s);

#endif
