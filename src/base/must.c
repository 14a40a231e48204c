/*
 * must.c - stop on what was thought impossible
 *
 * See      must.h. Standard error is written directly: the log's own state may be what is wrong.
 */
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void must_failed(const char *what, const char *file, int line, const char *function)
{
	fprintf(stderr, "waypost: internal error: %s is not so (%s:%d, %s)\n", what, file, line, function);
	abort();
}
