/* Senders too long for an SRS address, under a short key each. Private to route/. */
#ifndef ROUTE_SRS_OPAQUE_H
#define ROUTE_SRS_OPAQUE_H

#include "base/str.h"
#include "base/why.h"
#include "net/loop.h"

struct srs_opaque;

/* Reads state_dir/srs-opaque. Whoever opens a folder that is open already (a reload) gets the same
 * store, so that nothing is in two hands. l NULL: nothing is ever written. now: ms since 1970. */
struct srs_opaque *srs_opaque_open(const char *state_dir, struct loop *l, int64_t now,
	struct why *why);
/* The last one to close waits until all is on disk. */
void srs_opaque_close(struct srs_opaque **o);
/* Keeps the text (an address) under the key for SRS_MAX_AGE days from now; written by a worker. */
void srs_opaque_put(struct srs_opaque *o, struct str key, struct str text, int64_t now);
/* Borrowed until the next put; empty: not there. */
struct str srs_opaque_get(const struct srs_opaque *o, struct str key);
size_t srs_opaque_count(const struct srs_opaque *o);

#endif
