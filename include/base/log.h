/*
 * One event a line: time, level, event, key=value. Values are escaped here, once, for both formats, so
 * that no client can forge a line; passwords and content must not be handed in at all.
 * Thread: the loop's, and start-up. Workers return a struct why instead of logging.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_pair {
	const char *key;
	enum { LOG_PAIR_STR, LOG_PAIR_NUMBER, LOG_PAIR_SECONDS } kind;
	struct str text;
	int64_t number;         /* SECONDS: in milliseconds, printed as 1.234 */
};

/* Pairs for the list below. A pair with an empty text is left out. */
#define L_STR(k, s)  { .key = (k), .kind = LOG_PAIR_STR, .text = (s) }
#define L_Z(k, z)    { .key = (k), .kind = LOG_PAIR_STR, .text = str_of(z) }
#define L_NUM(k, v)  { .key = (k), .kind = LOG_PAIR_NUMBER, .number = (int64_t)(v) }
#define L_SECS(k, v) { .key = (k), .kind = LOG_PAIR_SECONDS, .number = (int64_t)(v) }

#define log_write(level, event, ...) \
	log_pairs(level, event, (const struct log_pair[]){ __VA_ARGS__ }, \
		sizeof((const struct log_pair[]){ __VA_ARGS__ }) / sizeof(struct log_pair))
#define log_debug(event, ...) log_write(LOG_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...)  log_write(LOG_INFO, event, __VA_ARGS__)
#define log_warn(event, ...)  log_write(LOG_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_write(LOG_ERROR, event, __VA_ARGS__)

struct log_options {
	int format;            /* enum log_format */
	int level;             /* enum log_level: the lowest that is written */
	const char *file;      /* NULL: standard output */
	int64_t max_size;      /* bytes, then the file is rotated */
	int64_t keep;          /* rotated files kept */
};

struct why;
/* Before the first call lines go to standard error as text. Starts the thread that writes, so that a
 * full pipe never stops the loop; lines that pass LIMIT_LOG_BACKLOG are counted and dropped. */
bool log_open(const struct log_options *options, struct why *why);
void log_close(void);                   /* writes out what is left, at most 5 s */
void log_pairs(enum log_level level, const char *event, const struct log_pair *pairs, size_t n);

#endif
