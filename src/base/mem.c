/*
 * mem.c - allocation that succeeds or ends the program
 *
 * Never    returns NULL; sizes were bounded by whoever let the input in.
 */
#include "base/mem.h"
#include "base/must.h"

#include <stdlib.h>
#include <string.h>

void *mem_alloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	must(p != NULL);
	return p;
}

void *mem_resize(void *p, size_t n)
{
	void *q = realloc(p, n ? n : 1);

	must(q != NULL);
	return q;
}

void *mem_copy(const void *p, size_t n)
{
	char *q = mem_alloc(n + 1);

	if (n)
		memcpy(q, p, n);
	return q;
}

char *mem_string(const char *z)
{
	return z ? mem_copy(z, strlen(z)) : NULL;
}
