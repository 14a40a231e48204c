/* The lists and how they are: for lists.c, which asks them, and lists_health.c, which judges
 * them. */
#ifndef RECEIVE_LISTS_PRIVATE_H
#define RECEIVE_LISTS_PRIVATE_H

#include "lists_site.h"

#include "receive/screen.h"

enum zone_state {
	ZONE_UNPROVEN,         /* the first probe runs: not asked yet */
	ZONE_GOOD,
	ZONE_BENCHED           /* not asked until a probe goes well */
};

/* RFC 5782 section 5: what must be listed and what must not */
enum probe_name { PROBE_V4_LISTED, PROBE_V4_CLEAN, PROBE_V6_LISTED, PROBE_V6_CLEAN, PROBES };

struct probe {
	struct zone *zone;
	struct job *job;
	enum { PROBE_OPEN, PROBE_NO_ANSWER, PROBE_NO, PROBE_YES } said;
};

/* A list: all entries of one zone, asked once. */
struct zone {
	/* owned */
	struct timer *timer;               /* the next probe */
	struct probe probes[PROBES];
	/* borrowed */
	struct lists *lists;
	const struct lists_site *sites[LIMIT_LISTS_SITES];
	size_t site_count;
	/* state */
	int bad, good;                     /* the most that it can add, the least (below 0) */
	enum zone_state state;
	bool v4, v6;                       /* can be asked for such clients */
	int strikes;                       /* questions left open in a row */
	int failures;                      /* benched, probed in vain, since it was good for long */
	size_t open;                       /* probes not answered yet */
	int64_t since;                     /* wall ms, of the state */
	char why[200];                     /* of a benched one */
};

struct lists {
	/* owned */
	struct zone *zones;
	size_t zone_count;
	/* borrowed */
	struct loop *loop;
	struct dns *dns;
	const struct screen_options *options;
};

static inline const struct lists_site *zone_site(const struct zone *z)
{
	return z->sites[0];
}

/* ---- lists_health.c ---- */

/* Begins the probes of a zone, which then go on for ever. */
void zone_watch(struct zone *z);
void zone_finish(struct zone *z);
/* Can it be asked for this client? */
bool zone_is_ready(const struct zone *z, const struct inet_addr *client);
/* What an address in an answer means, whoever asked. False: the answer is none, and why says so. */
bool zone_understands(const struct zone *z, const struct dns_answer *a, char why[200]);
void zone_bench(struct zone *z, const char *why);
/* A question was answered, or not. */
void zone_answered(struct zone *z);
void zone_missed(struct zone *z);

#endif
