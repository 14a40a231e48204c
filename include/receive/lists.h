/*
 * DNS block lists and white lists (RFC 5782): asked in parallel while the client waits to be
 * greeted. Those that are dead, or lie, or refuse our resolver are benched: they cost a log line,
 * never mail.
 * All on the loop's thread.
 */
#ifndef RECEIVE_LISTS_H
#define RECEIVE_LISTS_H

#include "base/buf.h"
#include "base/inet.h"
#include "net/dns.h"
#include "net/loop.h"

/* One entry of postscreen.dnsbl.sites: zone=filter*weight */
struct lists_range { unsigned char low, high; };
enum { LISTS_RANGES = 16 };                /* of one octet: [1;3;10..11] has three */

struct lists_filter {
	struct lists_range v[4][LISTS_RANGES];
	unsigned char n[4];                /* ranges of each octet */
};

struct lists_site {
	const char *zone;                  /* what is asked; may hold a secret key: never shown */
	const char *shown;                 /* its public name: for clients, log and status */
	struct lists_filter filter;
	int weight;                        /* not 0; below 0: a white list */
};

struct lists_sites { struct lists_site *v; size_t n; };

struct lists;
struct screen_options;

/* Starts the probes: until a list has shown that it works it is not asked. */
struct lists *lists_create(struct loop *l, struct dns *d, const struct screen_options *options);
void lists_destroy(struct lists **lists);  /* after all waits were cancelled */

enum lists_outcome {
	LISTS_CLEAN,           /* below the threshold */
	LISTS_WHITE,           /* at or below dnsbl.allowlist_threshold: trusted, skips the wait */
	LISTS_LISTED,          /* at or above the threshold: postscreen.dnsbl.action */
	LISTS_UNSURE           /* the same, but a white list that might have spoken for the client
	                        * is silent or benched: log it, let it in, do not remember it */
};

struct lists_answer {
	enum lists_outcome outcome;
	int score;
	/* LISTED, UNSURE: the list with the most weight, by its public name; else "" */
	const char *name;
	/* its TXT record for this client, printable ASCII without line ends, cut; "": none */
	const char *reason;
	/* all that know the client, with their weights: "zen.spamhaus.org*3 list.example*-2" */
	const char *names;
	/* lists that gave no answer in time */
	size_t silent;
};

/* the answer is borrowed for the call */
typedef void lists_heard(void *waiter, const struct lists_answer *answer);

/* Answers as soon as the outcome can't change any more, at the latest after wait ms; what is LISTED
 * may take LIMIT_LISTS_REASON ms more for its reason. No list to ask: CLEAN, soon. */
struct job *lists_ask(struct lists *lists, const struct inet_addr *client, int64_t wait,
	lists_heard *heard, void *waiter);

/* For 550 5.7.1: "Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org; why" */
void lists_refusal(
	struct buf *out, const struct inet_addr *client, const struct lists_answer *answer);

/* For status: a line a list (JSON: an array of objects): name, good|unproven|benched, for how long,
 * why. */
void lists_describe(const struct lists *lists, struct buf *out, bool json);
size_t lists_benched(const struct lists *lists);

#endif
