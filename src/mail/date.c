/*
 * date.c - dates as mail and logs write them
 *
 * Never    depends on the locale: names are ours.
 */
#include "mail/date.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const char *date_rfc5322(int64_t wall_ms, char out[DATE_TEXT_MAX])
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
		"Nov", "Dec" };
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	long minutes = tm.tm_gmtoff / 60;
	snprintf(out, DATE_TEXT_MAX, "%s, %d %s %d %02d:%02d:%02d %c%02ld%02ld", days[tm.tm_wday], tm.tm_mday,
		months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec, minutes < 0 ? '-' : '+',
		labs(minutes) / 60, labs(minutes) % 60);
	return out;
}

const char *date_rfc3339(int64_t wall_ms, char out[DATE_TEXT_MAX])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	snprintf(out, DATE_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(wall_ms % 1000));
	return out;
}
