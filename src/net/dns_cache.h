/* Answers kept while they hold, by name and type: bounded in number and in bytes, the longest
 * unused goes. */
#ifndef NET_DNS_CACHE_H
#define NET_DNS_CACHE_H

#include "net/dns.h"

/* An answer in one piece, with counted references, so that one may be read while the cache lets go
 * of it. */
struct dns_stored {
	struct dns_answer answer;
	int64_t expires;                 /* clock_mono */
	size_t bytes;
	int refs;
};

/* a deep copy; one reference */
struct dns_stored *dns_stored_create(const struct dns_answer *answer, int64_t now);
struct dns_stored *dns_stored_take(struct dns_stored *s);
void dns_stored_drop(struct dns_stored **s);

struct dns_cache;
struct dns_cache *dns_cache_create(size_t entries, size_t bytes);
void dns_cache_destroy(struct dns_cache **c);
/* NULL: not there, or no longer valid. Borrowed until the next call. */
struct dns_stored *dns_cache_get(struct dns_cache *c, struct str key, int64_t now);
/* takes its own reference */
void dns_cache_put(struct dns_cache *c, struct str key, struct dns_stored *s);
size_t dns_cache_count(const struct dns_cache *c);

#endif
