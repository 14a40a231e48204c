/*
 * One client's way through the tests of port 25: before the greeting and, in the same session,
 * after it. What the config says of them: receive/screen.h.
 */
#ifndef RECEIVE_SCREENING_H
#define RECEIVE_SCREENING_H

#include "mail/address.h"
#include "receive/receive.h"

struct session;

struct screening {
	/* owned */
	struct job *lists;                 /* they are being asked */
	char *refusal;                     /* said with 550 at RCPT; NULL: none */
	/* borrowed */
	const char *status;                /* enhanced, of the refusal */
	const char *bad_helo;              /* what is wrong with the last HELO; NULL: nothing */
	/* state */
	bool waits;                        /* to be greeted */
	bool teased, spoke;                /* it was told to wait; it did not */
	bool white, clean;                 /* what the lists said */
	bool spares_postmaster;            /* the refusal does */
	bool noted;                        /* it passed the tests after the greeting */
	bool helo;                         /* the name in HELO is looked at */
	unsigned todo;                     /* 1 << SCREEN_x: tests that it is to take */
	int64_t until;                     /* mono ms: end of the wait */
};

/* A connection on port 25: greets it, now or later, with session_greet. */
void screening_begin(struct session *s);
/* It spoke, or time passed, while screening.waits. */
void screening_heard(struct session *s);
void screening_time(struct session *s);
/* It failed a test after the greeting. True: s->reply is 521, to be said with TURN_BYE. */
bool screening_drops(struct session *s, enum screen_test test);
void screening_hello(struct session *s, struct str name);
/* At RCPT. True: s->reply says why the client's mail is not taken. */
bool screening_refuses(struct session *s, bool postmaster);
/* The same at the final dot, for what came to light since. */
bool screening_refuses_late(struct session *s);
/* A message of it was accepted. */
void screening_good(struct session *s);
/* Ends its wait and forgets it; may be called again. */
void screening_end(struct session *s);

#endif
