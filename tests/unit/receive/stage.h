/* Clock, loop, workers and DNS, played for tests in which hours go by in no time. */
#ifndef TESTS_RECEIVE_STAGE_H
#define TESTS_RECEIVE_STAGE_H

#include "../unit.h"

#include "base/clock.h"
#include "config/config.h"
#include "net/dns.h"

void stage_begin(void);
void stage_end(void);                  /* fails if a timer or a job is left */
void stage_run(int64_t ms);            /* so much time goes by; all that is due happens, in order */
void stage_jump(int64_t ms);           /* so much time goes by while nobody is at home */

/* What the DNS says from now on of a name: addresses ("127.0.0.2 127.0.0.4"), "no" (NXDOMAIN),
 * "fail" (SERVFAIL) or "never"; of its TXT, a text. What it was not told of is NXDOMAIN. */
void stage_say(const char *name, const char *what);
void stage_say_text(const char *name, const char *text, size_t n);
extern int stage_delay;                /* ms that each answer takes */
extern size_t stage_questions;
bool stage_was_asked(const char *name);

/* What was logged since stage_begin, a line an event: "list-benched list=bl.example why=..." */
const char *stage_log(void);
size_t stage_logged(const char *part);   /* how often this stands there */

/* Reads "key: value" lines as struct screen_options; the config is freed by stage_end. The
 * problems, as `waypost check` prints them, without the file's name. */
extern int stage_mode;                 /* of its file */
struct screen_options;
const char *stage_options(struct screen_options *out, const char *yaml);
const char *stage_folder(void);        /* an empty one, removed by stage_end */

#endif
