/* stage.c - what stands below screening, played: see stage.h */
#include "stage.h"

#include "base/log.h"
#include "base/mem.h"
#include "net/workers.h"
#include "receive/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WALL_START = 1700000000 };      /* seconds */

struct timer {
	void (*fn)(void *arg);
	void *arg;
	int64_t due;                   /* 0: not set */
	uint64_t order;
	struct timer *next;
};

struct said {
	char *name, *what;
	size_t n;
	bool text;
	struct said *next;
};

int stage_delay, stage_mode;
size_t stage_questions;

static int64_t now;
static uint64_t set_count;
static struct timer *timers;
static size_t waiting;
static struct said *said;
static char *asked[10000];
static size_t asked_count;
static struct config *configs[16];
static size_t config_count_;
static char *problems[16];
static char folder[64];
static struct buf log_text;

/* ---- the log ---- */

void log_pairs(enum log_level level, const char *event, const struct log_pair *pairs, size_t n)
{
	(void)level;
	buf_addf(&log_text, "%s", event);
	for (size_t i = 0; i < n; i++) {
		if (pairs[i].kind != LOG_PAIR_STR)
			buf_addf(&log_text, " %s=%lld", pairs[i].key, (long long)pairs[i].number);
		else if (pairs[i].text.n)
			buf_addf(&log_text, " %s=%.*s", pairs[i].key, STR_FMT(pairs[i].text));
	}
	buf_add_char(&log_text, '\n');
}

const char *stage_log(void)
{
	return buf_text(&log_text);
}

size_t stage_logged(const char *part)
{
	size_t n = 0;

	for (const char *at = strstr(stage_log(), part); at; at = strstr(at + 1, part))
		n++;
	return n;
}

/* ---- clock and loop ---- */

int64_t clock_mono(void)
{
	return now;
}

int64_t clock_mono_us(void)
{
	return now * 1000;
}

int64_t clock_wall(void)
{
	return SECONDS(WALL_START) + now;
}

int64_t clock_wall_us(void)
{
	return clock_wall() * 1000;
}

struct timer *timer_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct timer *t = mem_alloc(sizeof *t);

	(void)l;
	*t = (struct timer){ .fn = fn, .arg = arg, .next = timers };
	timers = t;
	return t;
}

void timer_set(struct timer *t, int64_t ms)
{
	t->due = now + ms;
	t->order = ++set_count;
}

void timer_clear(struct timer *t)
{
	t->due = 0;
}

bool timer_is_set(const struct timer *t)
{
	return t->due != 0;
}

void timer_destroy(struct timer **t)
{
	struct timer **at = &timers;

	if (*t == NULL)
		return;
	while (*at != *t)
		at = &(*at)->next;
	*at = (*t)->next;
	free(*t);
	*t = NULL;
}

static struct timer *next_due(int64_t until)
{
	struct timer *first = NULL;

	for (struct timer *t = timers; t; t = t->next)
		if (t->due && t->due <= until && (first == NULL || t->due < first->due ||
			(t->due == first->due && t->order < first->order)))
			first = t;
	return first;
}

void stage_run(int64_t ms)
{
	int64_t until = now + ms;
	struct timer *t;

	while ((t = next_due(until)) != NULL) {
		now = t->due > now ? t->due : now;
		t->due = 0;
		t->fn(t->arg);
	}
	now = until;
}

void stage_jump(int64_t ms)
{
	now += ms;
}

/* ---- waits: a look-up, a piece of work, a later call ---- */

struct wait {
	struct job job;
	struct timer *timer;
	void *waiter;
	void (*later)(void *waiter);
	dns_heard *heard;
	const struct work *work;
	void *arg;
	char name[300];
	enum dns_type type;
};

static void wait_free(struct wait *w)
{
	timer_destroy(&w->timer);
	free(w);
	waiting--;
}

static void wait_cancel(struct job *job)
{
	struct wait *w = (struct wait *)job;

	if (w->work)
		w->work->drop(w->arg);
	wait_free(w);
}

static void answer(struct wait *w, const struct said *s)
{
	struct dns_record v[16] = { { .preference = 0 } };
	struct dns_answer a = { .status = DNS_NXDOMAIN, .v = v, .ttl = 60 };
	struct str rest = s ? str_make(s->what, s->n) : STR_NONE, word;
	dns_heard *heard = w->heard;
	void *waiter = w->waiter;

	if (s && str_eq(rest, STR("fail"))) {
		a.status = DNS_TEMPORARY;
	} else if (s && s->text) {
		a.status = w->type == DNS_TXT ? DNS_OK : DNS_NODATA;
		a.n = w->type == DNS_TXT;
		v[0].data = rest;
	} else {
		while ((word = str_word(&rest)).n > 0 && w->type == DNS_A)
			a.n += inet_parse(&v[a.n].addr, word);
		if (a.n)
			a.status = DNS_OK;
	}
	wait_free(w);
	heard(waiter, &a);
}

static const struct said *find_said(const char *name, bool text)
{
	for (const struct said *s = said; s; s = s->next)
		if (strcmp(s->name, name) == 0 && s->text == text)
			return s;
	return NULL;
}

static void wait_over(void *arg)
{
	struct wait *w = arg;

	if (w->later) {
		void (*later)(void *waiter) = w->later;
		void *waiter = w->waiter;

		wait_free(w);
		later(waiter);
	} else if (w->work) {
		const struct work *work = w->work;
		void *waiter = w->waiter, *of_work = w->arg;

		wait_free(w);
		work->run(of_work);
		work->done(waiter, of_work);
	} else {
		answer(w, find_said(w->name, w->type == DNS_TXT));
	}
}

static struct wait *wait_new(void *waiter, int64_t ms)
{
	struct wait *w = mem_alloc(sizeof *w);

	w->job.cancel = wait_cancel;
	w->waiter = waiter;
	w->timer = timer_new(NULL, wait_over, w);
	timer_set(w->timer, ms);
	waiting++;
	return w;
}

struct job *loop_later(struct loop *l, void (*fn)(void *waiter), void *waiter)
{
	struct wait *w = wait_new(waiter, 0);

	(void)l;
	w->later = fn;
	return &w->job;
}

struct job *work_start(struct loop *l, const struct work *kind, void *arg, void *waiter)
{
	struct wait *w = wait_new(waiter, 1);

	(void)l;
	w->work = kind;
	w->arg = arg;
	return &w->job;
}

struct job *dns_ask(
	struct dns *d, struct str name, enum dns_type type, dns_heard *heard, void *waiter)
{
	struct wait *w = wait_new(waiter, stage_delay);
	const struct said *s;

	(void)d;
	assert_true(name.n < 254 && asked_count < ROWS(asked));
	snprintf(w->name, sizeof w->name, "%.*s", STR_FMT(name));
	w->type = type;
	w->heard = heard;
	s = find_said(w->name, type == DNS_TXT);
	if (s && str_eq(str_make(s->what, s->n), STR("never")))
		timer_clear(w->timer);
	asked[asked_count++] = mem_string(w->name);
	stage_questions++;
	return &w->job;
}

bool stage_was_asked(const char *name)
{
	for (size_t i = 0; i < asked_count; i++)
		if (strcmp(asked[i], name) == 0)
			return true;
	return false;
}

/* ---- what the DNS says ---- */

static void say(const char *name, bool text, const char *what, size_t n)
{
	struct said *s = (struct said *)find_said(name, text);

	if (s == NULL) {
		s = mem_alloc(sizeof *s);
		s->name = mem_string(name);
		s->text = text;
		s->next = said;
		said = s;
	}
	free(s->what);
	s->what = mem_copy(what, n);
	s->n = n;
}

void stage_say(const char *name, const char *what)
{
	say(name, false, what, strlen(what));
}

void stage_say_text(const char *name, const char *text, size_t n)
{
	say(name, true, text, n);
}

/* ---- options ---- */

const char *stage_folder(void)
{
	if (folder[0] == '\0') {
		snprintf(folder, sizeof folder, "/tmp/test-screen-XXXXXX");
		assert_non_null(mkdtemp(folder));
	}
	return folder;
}

const char *stage_options(struct screen_options *out, const char *yaml)
{
	char path[128];
	struct config *c;
	struct buf text;
	FILE *f;

	assert_true(config_count_ < ROWS(configs));
	snprintf(path, sizeof path, "%s/c.yaml", stage_folder());
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(yaml, f) >= 0 && fclose(f) == 0);
	assert_int_equal(chmod(path, (mode_t)stage_mode), 0);
	c = config_load(path);
	config_read_table(c, config_root(c), screen_rows, out);
	config_finish(c);
	buf_init(&text, 1 << 16);
	config_print_problems(c, &text);
	/* "FOLDER/c.yaml:1:2: text": from the line on */
	problems[config_count_] = mem_string(text.n ? buf_text(&text) + strlen(path) + 1 : "");
	configs[config_count_] = c;
	buf_finish(&text);
	unlink(path);
	return problems[config_count_++];
}

void stage_begin(void)
{
	now = 1000000;
	stage_delay = 20;
	stage_mode = 0600;
	stage_questions = 0;
	buf_init(&log_text, 1 << 20);
}

void stage_end(void)
{
	char command[128];

	while (said) {
		struct said *s = said;

		said = s->next;
		free(s->name);
		free(s->what);
		free(s);
	}
	while (asked_count)
		free(asked[--asked_count]);
	while (config_count_) {
		free(problems[--config_count_]);
		config_destroy(&configs[config_count_]);
	}
	if (folder[0]) {
		snprintf(command, sizeof command, "rm -r %s", folder);
		assert_int_equal(system(command), 0);
		folder[0] = '\0';
	}
	buf_finish(&log_text);
	assert_int_equal(waiting, 0);
	assert_null(timers);
}
