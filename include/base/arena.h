/* Memory that goes together: a transaction, a delivery, a config. Not for two threads at once. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena;

struct arena *arena_create(void);                       /* yours */
void arena_destroy(struct arena **a);                   /* frees all that came from it; leaves NULL */
void *arena_alloc(struct arena *a, size_t n);           /* zeroed, aligned for any type */
struct str arena_str(struct arena *a, struct str s);    /* a copy, with a NUL behind it */
char *arena_text(struct arena *a, struct str s);        /* the same as a C string */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t arena_size(const struct arena *a);               /* bytes held */

#endif
