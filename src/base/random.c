/*
 * random.c - bytes that nobody can guess
 *
 * Never    blocks after the system's first seeding; no state of our own, so a fork can't repeat it.
 */
#include "base/random.h"
#include "base/must.h"

#include <errno.h>
#include <sys/random.h>

void random_bytes(void *p, size_t n)
{
	unsigned char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		must(got > 0 || errno == EINTR);
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
}

uint32_t random_below(uint32_t n)
{
	must(n > 0);
	uint32_t v, unfair = (0u - n) % n;      /* 2^32 mod n: values under it would be drawn too often */

	do
		random_bytes(&v, sizeof v);
	while (v < unfair);
	return v % n;
}
