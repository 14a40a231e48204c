#include "../unit.h"
#include "world.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- DNS ---- */

static const struct dns_row *rows;
static size_t row_count;

void world_dns(const struct dns_row *r, size_t n)
{
	rows = r;
	row_count = n;
}

struct question {
	struct job job;
	struct job *later;
	char name[300];
	enum dns_type type;
	dns_heard *heard;
	void *waiter;
};

static void question_cancel(struct job *job)
{
	struct question *q = (struct question *)job;

	job_cancel(&q->later);
	free(q);
}

static void add_record(struct dns_answer *a, struct dns_record *v, const struct dns_row *row)
{
	struct dns_record *r = &v[a->n];
	struct str value = str_of(row->value);
	uint64_t preference;

	memset(r, 0, sizeof *r);
	if (str_eq(value, STR("temp"))) {
		a->status = DNS_TEMPORARY;
	} else if (str_eq(value, STR("none"))) {
		a->status = DNS_NODATA;
	} else if (row->type == DNS_MX) {
		assert_true(str_number(str_cut(&value, ' '), &preference));
		r->preference = (int)preference;
		r->name = value;
		a->n++;
	} else {
		assert_true(inet_parse(&r->addr, value));
		a->n++;
	}
	if (a->n)
		a->status = DNS_OK;
}

static void answer(void *waiter)
{
	struct question q = *(struct question *)waiter;
	struct dns_record v[300];
	struct dns_answer a = { .status = DNS_NXDOMAIN, .v = v };

	free(waiter);
	for (size_t i = 0; i < row_count && a.n < ROWS(v); i++) {
		if (strcmp(rows[i].name, q.name) != 0)
			continue;
		if (rows[i].type == q.type)
			add_record(&a, v, &rows[i]);
		else if (a.status == DNS_NXDOMAIN)
			a.status = DNS_NODATA;
	}
	q.heard(q.waiter, &a);
}

/* In place of net/dns.c. */
struct job *dns_ask(
	struct dns *d, struct str name, enum dns_type type, dns_heard *heard, void *waiter)
{
	struct question *q = mem_alloc(sizeof *q);

	(void)d;
	q->job.cancel = question_cancel;
	snprintf(q->name, sizeof q->name, "%.*s", STR_FMT(name));
	q->type = type;
	q->heard = heard;
	q->waiter = waiter;
	q->later = loop_later(world_loop(), answer, q);
	return &q->job;
}

/* ---- the loop ---- */

static struct loop *loop;

struct loop *world_loop(void)
{
	struct why why;

	if (!loop)
		loop = loop_create(2, &why);
	assert_non_null(loop);
	return loop;
}

void world_finish(void)
{
	loop_destroy(&loop);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

void world_run(int64_t ms)
{
	struct timer *t = timer_new(world_loop(), stop, world_loop());

	timer_set(t, ms);
	loop_run(world_loop());
	timer_destroy(&t);
}

struct deliver_options world_options(void)
{
	return (struct deliver_options){ .hostname = "me.test",
		.port = 25,
		.connect_timeout = 1000,
		.command_timeout = 250,
		.data_timeout = 250,
		.final_timeout = 250,
		.host_backoff = 1000,
		.idle = 2000,
		.messages_per_connection = 100,
		.connections_per_lane = 20 };
}

/* ---- messages ---- */

struct message *world_message(const char *sender, const char *recipients, const char *content)
{
	struct message *m = message_create();
	struct str list = str_of(recipients);
	size_t n = strlen(content);
	const char *end = strstr(content, "\r\n\r\n");

	m->id = message_new_id();
	if (sender[0])
		assert_true(address_parse(&m->env.sender, str_of(sender), m->arena));
	m->env.rcpts = arena_alloc(m->arena, WORLD_RCPTS * sizeof(*m->env.rcpts));
	while (list.n > 0) {
		struct recipient *r = &m->env.rcpts[m->env.rcpt_count++];

		assert_true(address_parse(&r->to, str_cut(&list, ','), m->arena));
		r->original = r->to;
		r->mark = RCPT_TODO;
	}
	buf_finish(&m->top);
	buf_init(&m->top, LIMIT_TOP_FIELDS);
	buf_add_str(&m->top, STR("X-Top: 1\r\n"));
	buf_finish(&m->content.memory);
	buf_init(&m->content.memory, n + 1);
	buf_add(&m->content.memory, content, n);
	m->content.size = n;
	m->content.header = end ? (size_t)(end - content) + 2 : n;
	return m;
}

void world_each(void *waiter, const struct deliver_outcome *o)
{
	struct outcomes *out = waiter;

	assert_int_equal(out->done, 0);
	assert_true(o->rcpt < WORLD_RCPTS);
	/* once for each */
	assert_int_equal(out->reply[o->rcpt].code, 0);
	assert_true(o->reply->code >= 200);
	out->reply[o->rcpt] = *o->reply;
	snprintf(out->relay[o->rcpt], sizeof out->relay[0], "%s", o->relay);
	snprintf(out->tls[o->rcpt], sizeof out->tls[0], "%s", o->tls);
	out->duplicate[o->rcpt] = o->duplicate_possible;
	out->dsn[o->rcpt] = o->dsn_passed_on;
	out->n++;
}

void world_done(void *waiter)
{
	struct outcomes *out = waiter;

	out->done++;
	loop_stop(world_loop());
}

void world_deliver(struct deliver *d, struct message *m, struct outcomes *out)
{
	size_t rcpts[WORLD_RCPTS];
	struct timer *t = timer_new(world_loop(), stop, world_loop());

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < m->env.rcpt_count; i++)
		rcpts[i] = i;
	assert_non_null(
		deliver_attempt(d, m, rcpts, m->env.rcpt_count, world_each, world_done, out));
	timer_set(t, 20000);
	loop_run(world_loop());
	timer_destroy(&t);
	assert_int_equal(out->done, 1);
	assert_int_equal(out->n, m->env.rcpt_count);
	for (size_t i = 0; i < out->n; i++)
		snprintf(out->codes + strlen(out->codes), 8, "%s%d", i ? "," : "",
			out->reply[i].code);
}
