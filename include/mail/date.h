/* RFC 5322 section 3.3 and RFC 3339 dates. Any thread. */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include <stdint.h>

enum { DATE_TEXT_MAX = 48 };

const char *date_rfc5322(int64_t wall_ms, char out[DATE_TEXT_MAX]);   /* "Sun, 22 Nov 2026 12:00:00 +0000", local zone */
const char *date_rfc3339(int64_t wall_ms, char out[DATE_TEXT_MAX]);   /* "2026-11-22T12:00:00.123Z", UTC */

#endif
