/* The stations around receive/, played for its tests: they answer from the loop as the real ones do. */
#ifndef TESTS_RECEIVE_PARTS_H
#define TESTS_RECEIVE_PARTS_H

#include "base/buf.h"
#include "receive/receive.h"

/* What the stations saw, and how they are to answer. */
struct world {
	struct loop *loop;
	struct receive *receive;
	struct receive_options options;
	struct screen_options screen;
	struct check_options check;
	struct tls_server *tls;
	char state_dir[64];
	/* seen */
	size_t queued, appends, abandoned, signed_, cut;
	size_t asked_lists;                /* how often */
	size_t senders_checked, messages_checked;
	bool hidden, exempt;               /* of the last check */
	char results[256];                 /* what was to be written about them */
	struct message *message;           /* the last that was queued */
	struct buf content;                /* its content, from memory or from the file */
	struct buf extra;                  /* what was to be signed in beside it */
	char protocol[32], from_domain[64];
	bool signed_in_tls;
	/* to answer */
	int append_error, cut_error, commit_error, commit_ms;
	enum lists_outcome lists;
	size_t lists_silent;
	int lists_ms, check_ms;            /* until they answer */
	struct reply spf_refusal, message_refusal;
	bool proven;
	const char *trusted;               /* a network that is a trusted forwarder; NULL: none */
};

extern struct world world;

void world_begin(void);                /* fresh: options for tests, loop, TLS; no server yet */
void world_end(void);

/* alice@example.com and bob@example.com can log in; both have the password "secret" (bob's is hashed). */
extern struct account account_alice, account_bob;

#endif
