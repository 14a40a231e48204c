/*
 * A hash map from bytes to pointers, keyed with a random seed so that outsiders cannot choose
 * collisions. Keys are copied; values are the caller's. Case is the caller's: lower the key before.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

struct map;

struct map *map_create(void);                            /* yours */
/* With each value handed to drop (which may be NULL). &NULL is fine; leaves NULL. */
void map_destroy(struct map **m, void (*drop)(void *value));
void *map_get(const struct map *m, struct str key);      /* NULL: not there */
void *map_put(struct map *m, struct str key, void *value); /* the old value, NULL if new */
void *map_remove(struct map *m, struct str key);         /* the value, NULL if not there */
size_t map_count(const struct map *m);
/* Walks all; *at starts at 0. False at the end. Only map_remove of the current key is allowed on the way. */
bool map_next(const struct map *m, size_t *at, struct str *key, void **value);

#endif
