/*
 * log.c - one event a line
 *
 * From     everybody on the loop's thread.
 * To       standard output, or a file that is rotated by size; written by a thread of its own, so that a
 *          reader that stands still costs log lines, not mail.
 * Owns     the lines that wait (LIMIT_LOG_BACKLOG) and the file.
 * Never    lets a value end the line or forge a key: see add_text and add_json.
 */
#include "base/log.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/why.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
	/* owned */
	struct log_options options;
	char *file;
	int fd;
	int64_t size;           /* of the file */
	/* shared with the writing thread */
	pthread_mutex_t lock;
	pthread_cond_t more, idle;
	pthread_t thread;
	struct buf waiting;
	uint64_t dropped;
	bool running, closing, writing;
} the = { .fd = STDERR_FILENO, .options.level = LOG_INFO, .lock = PTHREAD_MUTEX_INITIALIZER };

static const char *const level_names[] = { "debug", "info", "warn", "error" };

/* Bytes that do something to a terminal: control bytes, and those beyond ASCII (U+0080 to U+009F,
 * in UTF-8), which many terminals obey too. */
static bool is_control(struct str s, size_t i)
{
	unsigned char c = (unsigned char)s.p[i];
	unsigned char before = i > 0 ? (unsigned char)s.p[i - 1] : 0;
	unsigned char after = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 255;

	return c < ' ' || c == 127 || (before == 0xc2 && c < 0xa0) || (c == 0xc2 && after < 0xa0);
}

/* logfmt: a value without blanks stands as it is, others in quotes with escapes. */
static void add_text(struct buf *b, struct str s)
{
	bool utf8 = str_is_utf8(s), quote = s.n == 0 || !utf8;

	for (size_t i = 0; i < s.n && !quote; i++) {
		unsigned char c = (unsigned char)s.p[i];

		quote = c == ' ' || c == '"' || c == '=' || c == '\\' || is_control(s, i);
	}
	if (quote)
		buf_add_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (is_control(s, i) || (c > 127 && !utf8))
			buf_addf(b, "\\x%02x", c);
		else
			buf_add_char(b, (char)c);
	}
	if (quote)
		buf_add_char(b, '"');
}

/* JSON must be UTF-8: bytes that are not become U+00XX. */
static void add_json(struct buf *b, struct str s)
{
	bool utf8 = str_is_utf8(s);

	buf_add_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (is_control(s, i) || (c > 127 && !utf8))
			buf_addf(b, "\\u%04x", c);
		else
			buf_add_char(b, (char)c);
	}
	buf_add_char(b, '"');
}

static void add_time(struct buf *b)
{
	int64_t now = clock_wall();
	time_t seconds = (time_t)(now / 1000);
	struct tm tm;
	char text[32];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	buf_addf(b, "%s.%03dZ", text, (int)(now % 1000));
}

static void add_pair(struct buf *b, const struct log_pair *p, bool json)
{
	if (p->kind == LOG_PAIR_STR && p->text.n == 0)
		return;
	buf_addf(b, json ? ",\"%s\":" : " %s=", p->key);
	if (p->kind == LOG_PAIR_NUMBER)
		buf_addf(b, "%lld", (long long)p->number);
	else if (p->kind == LOG_PAIR_SECONDS)
		buf_addf(b, "%lld.%03d", (long long)(p->number / 1000), (int)(p->number % 1000 < 0 ? 0 : p->number % 1000));
	else if (json)
		add_json(b, str_head(p->text, LIMIT_LOG_LINE / 8));
	else
		add_text(b, str_head(p->text, LIMIT_LOG_LINE / 8));
}

static void write_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;         /* a log that can't be written must not stop the mail */
		s = str_skip(s, (size_t)n);
	}
}

/* waypost.log becomes waypost.log.1, and so on; the oldest goes. */
static void rotate(void)
{
	char from[4096], to[4096];

	for (int64_t i = the.options.keep; i >= 1; i--) {
		snprintf(to, sizeof to, "%s.%lld", the.file, (long long)i);
		if (i == 1)
			snprintf(from, sizeof from, "%s", the.file);
		else
			snprintf(from, sizeof from, "%s.%lld", the.file, (long long)i - 1);
		rename(from, to);
	}
	int fd = open(the.file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (the.options.keep ? 0 : O_TRUNC), 0640);
	if (fd < 0)
		return;                 /* better a file that is too long than none */
	close(the.fd);
	the.fd = fd;
	the.size = 0;
}

/* Whole lines only go to one file, so that none is torn by the turn. */
static void put_out(struct str lines)
{
	while (the.file && lines.n) {
		int64_t room = the.options.max_size - the.size;
		ptrdiff_t end = room > 0 ? str_rfind(str_head(lines, (size_t)room), '\n') : -1;

		if (end < 0) {
			if (the.size > 0) {
				rotate();
				if (the.size > 0)
					break;
				continue;
			}
			end = str_find(lines, '\n');
		}
		struct str part = str_head(lines, end < 0 ? lines.n : (size_t)end + 1);
		write_all(the.fd, part);
		the.size += (int64_t)part.n;
		lines = str_skip(lines, part.n);
	}
	write_all(the.fd, lines);
}

static void *write_lines(void *unused)
{
	struct buf mine;

	(void)unused;
	buf_init(&mine, LIMIT_LOG_BACKLOG + LIMIT_LOG_LINE);
	pthread_mutex_lock(&the.lock);
	while (the.waiting.n || !the.closing) {
		if (the.waiting.n == 0) {
			pthread_cond_wait(&the.more, &the.lock);
			continue;
		}
		struct buf swap = the.waiting;
		the.waiting = mine;
		mine = swap;
		if (the.dropped) {
			buf_addf(&mine, the.options.format == LOG_JSON
				? "{\"level\":\"error\",\"event\":\"log-dropped\",\"lines\":%llu}\n"
				: "- error log-dropped lines=%llu\n", (unsigned long long)the.dropped);
			the.dropped = 0;
		}
		pthread_mutex_unlock(&the.lock);
		put_out(buf_str(&mine));
		buf_clear(&mine);
		pthread_mutex_lock(&the.lock);
	}
	pthread_cond_signal(&the.idle);
	the.running = false;
	pthread_mutex_unlock(&the.lock);
	buf_finish(&mine);
	return NULL;
}

bool log_open(const struct log_options *options, struct why *why)
{
	int fd = STDOUT_FILENO;
	struct stat st;

	if (options->file) {
		fd = open(options->file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
		if (fd < 0 || fstat(fd, &st) != 0)
			return why_errno(why, "can't write the log file %s", options->file);
		the.size = st.st_size;
	}
	must(!the.running);
	the.options = *options;
	the.file = mem_string(options->file);
	the.fd = fd;
	the.closing = false;
	buf_init(&the.waiting, LIMIT_LOG_BACKLOG);
	pthread_cond_init(&the.more, NULL);
	pthread_cond_init(&the.idle, NULL);
	if (pthread_create(&the.thread, NULL, write_lines, NULL) != 0)
		return why_set(why, "can't start the log's thread");
	the.running = true;
	return true;
}

void log_close(void)
{
	struct timespec until;

	pthread_mutex_lock(&the.lock);
	if (!the.running) {
		pthread_mutex_unlock(&the.lock);
		return;
	}
	the.closing = true;
	pthread_cond_signal(&the.more);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	int late = 0;
	while (the.running && !late)
		late = pthread_cond_timedwait(&the.idle, &the.lock, &until);
	pthread_mutex_unlock(&the.lock);
	if (late) {
		pthread_detach(the.thread);
		return;
	}
	pthread_join(the.thread, NULL);
	buf_finish(&the.waiting);
	if (the.file)
		close(the.fd);
	free(the.file);
	the.file = NULL;
	the.fd = STDERR_FILENO;
	the.options = (struct log_options){ .level = LOG_INFO };
}

void log_pairs(enum log_level level, const char *event, const struct log_pair *pairs, size_t n)
{
	struct buf line;
	bool json = the.options.format == LOG_JSON;

	if ((int)level < the.options.level)
		return;
	buf_init(&line, LIMIT_LOG_LINE * 2);
	buf_addf(&line, "%s", json ? "{\"time\":\"" : "");
	add_time(&line);
	buf_addf(&line, json ? "\",\"level\":\"%s\",\"event\":\"%s\"" : " %s %s", level_names[level], event);
	for (size_t i = 0; i < n; i++)
		add_pair(&line, &pairs[i], json);
	buf_addf(&line, json ? "}\n" : "\n");

	pthread_mutex_lock(&the.lock);
	if (!the.running)
		write_all(the.fd, buf_str(&line));
	else if (!buf_add_str(&the.waiting, buf_str(&line)))
		the.dropped++;
	else if (the.waiting.n == line.n)
		pthread_cond_signal(&the.more);
	pthread_mutex_unlock(&the.lock);
	buf_finish(&line);
}
