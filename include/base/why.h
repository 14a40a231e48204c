/*
 * Why the world (file, config, library) failed us: false plus a why that each layer prefixes on its
 * way up. Whoever ends the story logs it, once. A NULL why is allowed everywhere.
 */
#ifndef BASE_WHY_H
#define BASE_WHY_H

#include "base/str.h"

struct why {
	int error;             /* errno where there was one, else 0 */
	char text[512];        /* one line, cut if longer */
};

/* All return false, so that one can write `return why_set(...)`. */
bool why_set(struct why *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool why_errno(struct why *why, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* adds ": strerror" */
bool why_prefix(struct why *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));  /* puts "fmt: " before */

#endif
