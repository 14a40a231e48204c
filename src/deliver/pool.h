/* Connections to next hops that are kept for the next message. */
#ifndef POOL_H
#define POOL_H

#include "client.h"

struct pool;

/* max: in all, the oldest is closed; per_key: of one key; idle: ms each is kept. */
struct pool *pool_create(struct loop *l, size_t max, size_t per_key, int64_t idle);
void pool_destroy(struct pool **p);                            /* closes all, with QUIT */
bool pool_has(const struct pool *p, const char *key);
/* the one used last; NULL: none. Yours: client_own it */
struct client *pool_take(struct pool *p, const char *key);
/* takes it, or closes it if it is of no more use */
void pool_give(struct pool *p, const char *key, struct client **c);
size_t pool_count(const struct pool *p);

#endif
