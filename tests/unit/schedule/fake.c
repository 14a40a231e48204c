/* What stands below the schedule in its tests. */
#include "fake.h"

#include "base/map.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fake fake;
_Atomic int64_t fake_leap;
atomic_int fake_pwrite_fails, fake_unlink_fails, fake_fsync_fails;

static struct map *tries, *lane_running;

int64_t __real_clock_wall(void);
int64_t __wrap_clock_wall(void);
ssize_t __real_pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at);
int __real_unlinkat(int dir, const char *path, int flags);
int __wrap_unlinkat(int dir, const char *path, int flags);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

int64_t __wrap_clock_wall(void)
{
	return __real_clock_wall() + atomic_load(&fake_leap);
}

ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at)
{
	errno = EIO;
	return atomic_load(&fake_pwrite_fails) ? -1 : __real_pwrite64(fd, p, n, at);
}

int __wrap_unlinkat(int dir, const char *path, int flags)
{
	errno = EROFS;
	return atomic_load(&fake_unlink_fails) ? -1 : __real_unlinkat(dir, path, flags);
}

int __wrap_fsync(int fd)
{
	errno = EIO;
	return atomic_load(&fake_fsync_fails) ? -1 : __real_fsync(fd);
}

/* ---- deliver ---- */

struct going {
	struct job job;
	struct message *m;
	struct going *next;
	char *lane;
	size_t *rcpts, n;
	deliver_each *each;
	deliver_done *done;
	void *waiter;
	struct job *later;
};
static struct going *slow;

void fake_reset(void)
{
	map_destroy(&tries, NULL);
	map_destroy(&lane_running, NULL);
	tries = map_create();
	lane_running = map_create();
	fake = (struct fake){ 0 };
	atomic_store(&fake_leap, 0);
	atomic_store(&fake_pwrite_fails, 0);
	atomic_store(&fake_unlink_fails, 0);
	atomic_store(&fake_fsync_fails, 0);
}

static size_t count(struct map *m, struct str key, int add)
{
	size_t n = (size_t)(uintptr_t)map_get(m, key);

	n = (size_t)((ptrdiff_t)n + add);
	if (add)
		map_put(m, key, (void *)(uintptr_t)n);
	return n;
}

size_t fake_tries(const char *local)
{
	return count(tries, str_of(local), 0);
}

const char *deliver_lane(const struct deliver *d, struct str domain, struct arena *arena)
{
	(void)d;
	return arena_text(arena, domain);
}

static void going_free(struct going *g)
{
	struct going **at = &slow;

	while (*at && *at != g)
		at = &(*at)->next;
	if (*at)
		*at = g->next;
	count(lane_running, str_of(g->lane), -1);
	fake.running--;
	job_cancel(&g->later);
	message_release(&g->m);
	free(g->lane);
	free(g->rcpts);
	free(g);
}

static void going_cancel(struct job *job)
{
	going_free((struct going *)job);
}

static void answer(struct going *g, size_t i)
{
	struct str local = g->m->env.rcpts[g->rcpts[i]].to.local;
	size_t n = count(tries, local, 1);
	struct reply r;
	struct deliver_outcome o = { .rcpt = g->rcpts[i],
		.reply = &r,
		.relay = "mx.example.net[192.0.2.9]:25",
		.tls = "encrypted" };

	fake.rcpts++;
	reply_set(&r, 250, "2.0.0", "Ok, queued as 77");
	if (str_starts(local, STR("fail")))
		reply_set(&r, 550, "5.1.1", "No such user");
	else if (str_starts(local, STR("defer"))
		&& (local.n == 5 || n <= (size_t)(local.p[5] - '0')))
		reply_set(&r, 451, "4.7.1", "Try again later, try %zu", n);
	else if (str_starts(local, STR("dead")))
		reply_set(&r, 451, "4.4.1", "Connection timed out");
	if (!str_starts(local, STR("dead")))
		snprintf(r.by, sizeof r.by, "mx.example.net[192.0.2.9]");
	o.dsn_passed_on = str_starts(local, STR("pass"));
	o.duplicate_possible = str_starts(local, STR("twice"));
	g->each(g->waiter, &o);
}

static void finish(void *waiter)
{
	struct going *g = waiter;

	g->later = NULL;
	for (size_t i = 0; i < g->n; i++)
		answer(g, i);
	deliver_done *done = g->done;
	void *whose = g->waiter;

	going_free(g);
	done(whose);
}

static void look_at_dsn(struct message *m, const size_t *rcpts, size_t n)
{
	size_t at = strlen(fake.dsn_to);

	fake.dsns++;
	memcpy(fake.dsn, m->content.memory.p, m->content.memory.n);
	fake.dsn[m->content.memory.n] = '\0';
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(fake.dsn_to + at, sizeof fake.dsn_to - at, "%s ",
			address_text(&m->env.rcpts[rcpts[i]].to, m->arena));
}

struct job *deliver_attempt(struct deliver *d, struct message *m, const size_t *rcpts, size_t n,
	deliver_each *each, deliver_done *done, void *waiter)
{
	struct going *g = mem_alloc(sizeof *g);
	struct str domain = m->env.rcpts[rcpts[0]].to.domain;
	size_t here;

	assert_true(n > 0);
	*g = (struct going){ .job = { going_cancel },
		.m = message_keep(m),
		.lane = mem_copy(domain.p, domain.n),
		.rcpts = mem_copy(rcpts, n * sizeof *rcpts),
		.n = n,
		.each = each,
		.done = done,
		.waiter = waiter };
	for (size_t i = 0; i < n; i++) {
		assert_true(str_eq(m->env.rcpts[rcpts[i]].to.domain, domain));
		assert_int_equal(m->env.rcpts[rcpts[i]].mark, RCPT_TODO);
	}
	fake.attempts++;
	fake.last = m;
	fake.running++;
	fake.most_running = fake.running > fake.most_running ? fake.running : fake.most_running;
	here = count(lane_running, domain, 1);
	fake.lane_most = here > fake.lane_most ? here : fake.lane_most;
	if (address_is_null(&m->env.sender))
		look_at_dsn(m, rcpts, n);
	if (str_starts(domain, STR("slow"))) {
		g->next = slow;
		slow = g;
	} else {
		g->later = loop_later((struct loop *)d, finish, g);
	}
	return &g->job;
}

void fake_go(struct loop *l)
{
	for (struct going *g = slow; g; g = g->next)
		g->later = loop_later(l, finish, g);
	slow = NULL;
}

/* ---- routes ---- */

void route_recipient(const struct routes *r, const struct address *rcpt, bool authenticated,
	struct arena *arena, struct route_answer *out)
{
	(void)r;
	*out = (struct route_answer){ .kind = ROUTE_RELAY };
	assert_true(authenticated);
	if (str_eq(rcpt->domain, STR("refused.example"))) {
		out->kind = ROUTE_REFUSE;
		reply_set(&out->reply, 550, "5.1.1", "Nobody here");
		return;
	}
	out->targets = arena_alloc(arena, 2 * sizeof *out->targets);
	out->targets[0] = *rcpt;
	out->target_count = 1;
	if (str_eq(rcpt->domain, STR("ours.example"))) {
		out->kind = ROUTE_FORWARD;
		out->target_count = 2;
		address_parse(&out->targets[0], STR("ok-one@else.example"), arena);
		address_parse(&out->targets[1], STR("ok-two@else.example"), arena);
	}
}

/* ---- a schedule ---- */

static void start(struct world *w)
{
	/* the fake deliver needs a loop and nothing else */
	w->s = schedule_create(w->lab.l, w->lab.sp, (struct deliver *)w->lab.l, NULL, &w->options,
		"mx.example.com");
}

void world_open(struct world *w)
{
	fake_reset();
	lab_open(&w->lab);
	w->options = (struct schedule_options){ .max_age = HOURS(1),
		.delay_notice = MINUTES(30),
		.min_backoff = 100,
		.max_backoff = 400,
		.concurrency = 10,
		.lane_concurrency = 3 };
	start(w);
}

void world_close(struct world *w)
{
	schedule_destroy(&w->s);
	assert_int_equal(fake.running, 0);
	lab_close(&w->lab);
	map_destroy(&tries, NULL);
	map_destroy(&lane_running, NULL);
}

void world_restart(struct world *w)
{
	struct why why = { 0 };

	schedule_destroy(&w->s);
	lab_reopen(&w->lab);
	start(w);
	if (!schedule_recover(w->s, w->lab.path, &why))
		fail_msg("%s", why.text);
}

struct message *world_message(const char *to, bool ours)
{
	struct message *m =
		lab_message("Subject: x\r\nMessage-ID: <1@example.org>\r\n\r\nHello\r\n");
	struct str rest = str_of(to);

	m->env.rcpt_count = 0;
	for (struct str word; (word = str_word(&rest)).n > 0;)
		lab_add_rcpt(m, arena_text(m->arena, word), arena_text(m->arena, word));
	if (ours) {
		m->env.login = STR("bob@example.org");
		m->env.proven = true;
	}
	return m;
}

uint64_t world_send_message(struct world *w, struct message *m)
{
	uint64_t id;

	assert_true(lab_commit(&w->lab, m, clock_wall(), NULL));
	id = m->id;
	schedule_add(w->s, m);
	return id;
}

uint64_t world_send(struct world *w, const char *to, bool ours)
{
	return world_send_message(w, world_message(to, ours));
}

static void stop(void *arg)
{
	loop_stop(arg);
}

void world_run(struct world *w, int64_t ms)
{
	struct timer *t = timer_new(w->lab.l, stop, w->lab.l);

	timer_set(t, ms);
	loop_run(w->lab.l);
	timer_destroy(&t);
}

bool world_is_empty(struct world *w)
{
	struct schedule_entry e;

	return !schedule_next(w->s, 0, &e) && lab_count(&w->lab, "queue") == 0
		&& lab_count(&w->lab, "tmp") == 0;
}

struct told {
	bool came, ok;
	char *text;
};

static void told(void *waiter, bool ok, const char *text)
{
	struct told *t = waiter;

	assert_false(t->came);
	t->came = true;
	t->ok = ok;
	snprintf(t->text, 700, "%s", text);
}

bool world_tell(struct world *w, enum schedule_order order, uint64_t id, char text[700])
{
	struct told t = { .text = text };

	assert_non_null(schedule_tell(w->s, order, id, told, &t));
	assert_false(t.came);
	world_until(w, t.came);
	return t.ok;
}
