/* What proves an SRS address: HMAC-SHA1 over its parts, and the day that it was made. Private to
 * route/. */
#ifndef ROUTE_SRS_HASH_H
#define ROUTE_SRS_HASH_H

#include "base/str.h"

enum {
	SRS_HASH_LENGTH = 4,       /* characters of the hash that we write */
	SRS_HASH_FULL = 27,        /* characters of the whole hash in base64, without padding */
	SRS_STAMP_LENGTH = 2,      /* base32 characters: days since 1970, modulo 1024 */
	SRS_MAX_AGE = 21,          /* days that an address stays valid */
	SRS_MAX_AHEAD = 1,         /* days: the clock of another server with our secret */
	SRS_KEY_LENGTH = 20        /* base32 characters of an opaque key: 100 bits */
};

struct srs_hash;

/* The secrets are copied; the first one signs, all verify. */
struct srs_hash *srs_hash_create(const struct str *secrets, size_t n);
void srs_hash_destroy(struct srs_hash **h);
/* With the first secret, over the parts in lower case. NUL-terminated. */
void srs_hash_make(const struct srs_hash *h, const struct str *parts, size_t n,
	char out[SRS_HASH_LENGTH + 1]);
/* Any secret, any case, + and / also as - and _; at least SRS_HASH_LENGTH characters. In constant
 * time. */
bool srs_hash_check(const struct srs_hash *h, struct str given, const struct str *parts, size_t n);
/* A key that only we can make, always the same one for the same text and first secret. */
void srs_hash_key(const struct srs_hash *h, struct str text, char out[SRS_KEY_LENGTH + 1]);

void srs_stamp_make(int64_t now, char out[SRS_STAMP_LENGTH + 1]);    /* now: ms since 1970 */
bool srs_stamp_is_fresh(struct str stamp, int64_t now);

#endif
