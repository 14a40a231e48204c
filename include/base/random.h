/* From getrandom(2). Any thread. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *p, size_t n);
uint32_t random_below(uint32_t n);       /* 0 .. n-1, without bias; n > 0 */

#endif
