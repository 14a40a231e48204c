/*
 * The Sender Rewriting Scheme: give the sender an address at our domain, so that bounces come back and SPF
 * passes; and read such addresses when they return. Bit-compatible with PostSRSd's defaults.
 * Loop's thread; never blocks (opaque keys are written by a worker).
 */
#ifndef ROUTE_SRS_H
#define ROUTE_SRS_H

#include "config/config.h"
#include "mail/address.h"
#include "net/loop.h"

struct srs;

struct srs_options {                       /* the section srs:, but for srs.dkim, which is sign's */
	bool enable;
	const char *domain;                /* srs_domain, lower case */
	struct config_strings secrets;     /* newest first; empty: one is made in state/ */
};

extern const struct config_row srs_rows[];

enum srs_result {
	SRS_OK,
	SRS_NOT_SRS,         /* not at srs_domain, or no SRS0/SRS1 address: look it up like any other */
	SRS_FORGED,          /* the hash is wrong, or it can't be read */
	SRS_STALE            /* older than 21 days, from the future, or an opaque key not kept any more */
};

/* state_dir: where srs-secret (mode 0600) and srs-opaque are kept. loop NULL (command line): opaque keys are
 * read but not written. */
struct srs *srs_create(const struct srs_options *options, const char *state_dir, struct loop *l, struct why *why);
void srs_destroy(struct srs **s);

/* The address to send from for a sender that came in unauthenticated: SRS0, or SRS1 for one that is
 * SRS already, or an opaque key where it would pass 64 octets. In the arena. The null sender stays
 * null; disabled: unchanged, but what is under way is still reversed. now: ms since 1970. */
struct address srs_forward(struct srs *s, const struct address *sender, int64_t now, struct arena *arena);
enum srs_result srs_reverse(const struct srs *s, const struct address *rcpt, int64_t now, struct arena *arena,
	struct address *out);

#endif
