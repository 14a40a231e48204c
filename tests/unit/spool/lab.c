/* A spool in a directory of its own, a loop, and waiting for answers. */
#include "lab.h"

#include "base/clock.h"
#include "base/mem.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE = 20000 };              /* ms */

void lab_open(struct lab *lab)
{
	struct why why = { 0 };

	snprintf(lab->dir, sizeof lab->dir, "/tmp/waypost-spool-XXXXXX");
	assert_non_null(mkdtemp(lab->dir));
	snprintf(lab->path, sizeof lab->path, "%s/spool", lab->dir);
	lab->l = loop_create(4, &why);
	assert_non_null(lab->l);
	lab->sp = spool_open(lab->l, lab->path, &why);
	if (lab->sp == NULL)
		fail_msg("%s", why.text);
}

void lab_reopen(struct lab *lab)
{
	struct why why = { 0 };

	spool_close(&lab->sp);
	loop_destroy(&lab->l);
	lab->l = loop_create(4, &why);
	lab->sp = spool_open(lab->l, lab->path, &why);
	if (lab->sp == NULL)
		fail_msg("%s", why.text);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

void lab_close(struct lab *lab)
{
	spool_close(&lab->sp);
	loop_destroy(&lab->l);
	nftw(lab->dir, remove_one, 20, FTW_DEPTH | FTW_PHYS);
}

static void too_late(void *arg)
{
	(void)arg;
	fail_msg("no answer came");
}

void lab_wait(struct answer *a)
{
	struct timer *t = timer_new(a->lab->l, too_late, NULL);

	timer_set(t, PATIENCE);
	while (!a->came)
		loop_run(a->lab->l);
	timer_destroy(&t);
}

void lab_done(void *answer, bool ok, const struct why *why)
{
	struct answer *a = answer;

	assert_false(a->came);
	a->came = true;
	a->ok = ok;
	a->why = *why;
	loop_stop(a->lab->l);
}

void lab_loaded(void *answer, struct message *m, const struct why *why)
{
	struct answer *a = answer;

	a->m = m;
	lab_done(answer, m != NULL, why);
}

static size_t counted;
static char found[512];

static int count_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)at;
	if (kind == FTW_F && S_ISREG(st->st_mode)) {
		if (counted++ == 0)
			snprintf(found, sizeof found, "%s", path);
	}
	return 0;
}

size_t lab_count(const struct lab *lab, const char *under)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", lab->path, under);
	counted = 0;
	assert_int_equal(nftw(path, count_one, 20, FTW_PHYS), 0);
	return counted;
}

bool lab_find(const struct lab *lab, const char *under, char out[512])
{
	if (lab_count(lab, under) == 0)
		return false;
	memcpy(out, found, sizeof found);
	return true;
}

char *lab_read(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	struct stat st;

	if (f == NULL || fstat(fileno(f), &st) < 0) {
		fail_msg("can't read %s", path);
		abort();
	}
	char *all = mem_alloc((size_t)st.st_size + 1);

	*n = fread(all, 1, (size_t)st.st_size, f);
	fclose(f);
	return all;
}

void lab_write(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL || fwrite(p, 1, n, f) != n || fclose(f) != 0)
		fail_msg("can't write %s", path);
}

static struct address parse(struct message *m, const char *text)
{
	struct address a = { STR(""), STR("") };

	if (*text && !address_parse(&a, str_of(text), m->arena))
		fail_msg("\"%s\" is no address", text);
	return a;
}

struct recipient *lab_add_rcpt(struct message *m, const char *to, const char *original)
{
	struct recipient *all = arena_alloc(m->arena, (m->env.rcpt_count + 1) * sizeof *all);

	if (m->env.rcpt_count)
		memcpy(all, m->env.rcpts, m->env.rcpt_count * sizeof *all);
	m->env.rcpts = all;
	all += m->env.rcpt_count++;
	all->to = parse(m, to);
	all->original = parse(m, original);
	all->mark = RCPT_TODO;
	return all;
}

struct message *lab_message(const char *content)
{
	struct message *m = message_create();
	struct str text = str_of(content);

	m->env.sender = parse(m, "SRS0=abcd=XY=example.org=bob@srs.example.com");
	m->env.original_sender = parse(m, "bob@example.org");
	m->env.arrived = clock_wall();
	m->env.helo = STR("mail.example.org");
	endpoint_parse(&m->env.client, STR("192.0.2.7:40112"), 0);
	buf_add_str(
		&m->top, STR("Received: from mail.example.org\r\n\tby mx.example.com; now\r\n"));
	buf_add_str(&m->content.memory, text);
	m->content.size = text.n;
	ptrdiff_t end = content_find_header_end(text);
	m->content.header = end < 0 ? text.n : (size_t)end;
	lab_add_rcpt(m, "alice@example.net", "alice@example.com");
	return m;
}

bool lab_commit(struct lab *lab, struct message *m, int64_t next, struct why *why)
{
	struct spool_file *f = spool_begin(lab->sp, m, 0);
	struct answer a = { .lab = lab };

	assert_non_null(spool_commit(&f, next, lab_done, &a));
	assert_null(f);
	assert_false(a.came);
	lab_wait(&a);
	if (why)
		*why = a.why;
	return a.ok;
}

struct message *lab_load(struct lab *lab, uint64_t id, struct why *why)
{
	struct answer a = { .lab = lab };

	spool_load(lab->sp, id, lab_loaded, &a);
	lab_wait(&a);
	if (why)
		*why = a.why;
	return a.m;
}
