/* What the files of the verdict share: check.c, results.c, forged.c. */
#ifndef CHECK_CHECK_PRIVATE_H
#define CHECK_CHECK_PRIVATE_H

#include "check/check.h"

struct check {
	/* borrowed */
	struct loop *loop;
	struct dns *dns;
	const struct check_options *options;
	const struct check_own *own;
	const char *hostname;
};

#endif
