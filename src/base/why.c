/*
 * why.c - the reason why the world failed us, growing at its front on the way up
 */
#include "base/why.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void set(struct why *why, int error, const char *fmt,
	va_list ap)
{
	why->error = error;
	vsnprintf(why->text, sizeof why->text, fmt, ap);
}

bool why_set(struct why *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (why)
		set(why, 0, fmt, ap);
	va_end(ap);
	return false;
}

bool why_errno(struct why *why, const char *fmt, ...)
{
	int error = errno;
	va_list ap;

	va_start(ap, fmt);
	if (why) {
		set(why, error, fmt, ap);
		size_t n = strlen(why->text);
		snprintf(why->text + n, sizeof why->text - n, ": %s", strerror(error));
	}
	va_end(ap);
	return false;
}

bool why_prefix(struct why *why, const char *fmt, ...)
{
	char before[sizeof why->text], after[sizeof why->text];
	va_list ap;

	if (why == NULL)
		return false;
	va_start(ap, fmt);
	vsnprintf(before, sizeof before, fmt, ap);
	va_end(ap);
	memcpy(after, why->text, sizeof after);
	size_t n = strlen(before);
	if (n > sizeof why->text - 3)
		n = sizeof why->text - 3;
	memcpy(why->text, before, n);
	snprintf(why->text + n, sizeof why->text - n, ": %.*s", (int)(sizeof why->text - n - 3), after);
	return false;
}
