/* Allocation that never returns NULL: limits stand at the door, so running out is our own fault. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n);                    /* n zeroed bytes, yours; release with free() */
void *mem_resize(void *p, size_t n);          /* like realloc(); new bytes are not zeroed */
void *mem_copy(const void *p, size_t n);      /* a copy of n bytes with a NUL behind it, yours */
char *mem_string(const char *z);              /* a copy of a C string, yours; NULL stays NULL */

#endif
