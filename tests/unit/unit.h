/* What every unit test includes: cmocka with its prerequisites, and rows. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

/* Compares with the row's number in the message, so that a failing row can be found. */
#define row_true(row, condition) \
	do { \
		if (!(condition)) \
			fail_msg("row %zu: %s is not so", (size_t)(row), #condition); \
	} while (0)

#define row_text(row, got, want) \
	do { \
		struct str got_ = (got), want_ = (want); \
		if (!str_eq(got_, want_)) \
			fail_msg("row %zu: got \"%.*s\", want \"%.*s\"", (size_t)(row), STR_FMT(got_), STR_FMT(want_)); \
	} while (0)

#endif
