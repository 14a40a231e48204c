/*
 * parts.c - route, srs, sign, spool, schedule and dns for the tests of receive/
 *
 * The real ones are not linked, so that a test of the session stands or falls with the session alone.
 */
#include "parts.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"
#include "mail/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct world world;

struct account account_alice = { .password = "secret" };
struct account account_bob = {
	.password = "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1",
	.password_is_crypt = true,
};

/* ---- answers from the loop ---- */

struct answer {
	struct job job;
	struct timer *timer;
	spool_done *done;
	void *waiter;
	int error;
};

static void answer_cancel(struct job *job)
{
	struct answer *a = (struct answer *)job;

	timer_destroy(&a->timer);
	free(a);
}

static void answer_now(void *arg)
{
	struct answer a = *(struct answer *)arg;
	struct why why = { .error = a.error };

	answer_cancel(arg);
	snprintf(why.text, sizeof why.text, "played error %d", a.error);
	a.done(a.waiter, a.error == 0, a.error ? &why : NULL);
}

static struct job *answer(spool_done *done, void *waiter, int error, int ms)
{
	struct answer *a = mem_alloc(sizeof *a);

	*a = (struct answer){ .job = { answer_cancel }, .done = done, .waiter = waiter, .error = error };
	a->timer = timer_new(world.loop, answer_now, a);
	timer_set(a->timer, ms);
	return &a->job;
}

/* ---- route and srs ---- */

static void one_target(struct route_answer *answer_, struct arena *arena, const char *target)
{
	answer_->kind = ROUTE_FORWARD;
	answer_->targets = arena_alloc(arena, 2 * sizeof *answer_->targets);
	answer_->target_count = 1;
	must(address_parse(&answer_->targets[0], str_of(target), arena));
}

void route_recipient(const struct routes *r, const struct address *rcpt, bool authenticated, struct arena *arena,
	struct route_answer *out)
{
	(void)r;
	*out = (struct route_answer){ .kind = ROUTE_REFUSE };
	if (rcpt->domain.n == 0 || (str_eq(rcpt->domain, STR("example.com")) && (str_eq(rcpt->local, STR("alice"))
			|| str_eq(rcpt->local, STR("al"))))) {
		one_target(out, arena, "alice@elsewhere.example");
	} else if (str_eq(rcpt->domain, STR("example.com")) && str_eq(rcpt->local, STR("pair"))) {
		one_target(out, arena, "alice@elsewhere.example");
		must(address_parse(&out->targets[out->target_count++], STR("bob@elsewhere.example"), arena));
	} else if (str_eq(rcpt->domain, STR("example.com")) && str_eq(rcpt->local, STR("hole"))) {
		out->kind = ROUTE_DISCARD;
	} else if (str_eq(rcpt->domain, STR("example.com"))) {
		reply_set(&out->reply, 550, "5.1.1", "No such user here");
	} else if (authenticated) {
		one_target(out, arena, address_text(rcpt, arena));
		out->kind = ROUTE_RELAY;
	} else {
		reply_set(&out->reply, 550, "5.7.1", "Not our domain");
	}
}

const struct account *route_account(const struct routes *r, struct str login)
{
	(void)r;
	if (str_eq(login, STR("alice@example.com")))
		return &account_alice;
	return str_eq(login, STR("bob@example.com")) ? &account_bob : NULL;
}

bool route_may_send_as(const struct account *account, const struct address *sender)
{
	return str_ieq(account->address.local, sender->local) && str_eq(sender->domain, STR("example.com"));
}

struct address srs_forward(struct srs *s, const struct address *sender, int64_t now, struct arena *arena)
{
	struct address out;

	(void)s;
	(void)now;
	if (address_is_null(sender))
		return *sender;
	must(address_parse(&out, str_of(arena_printf(arena, "SRS0=%.*s@srs.example", STR_FMT(sender->local))), arena));
	return out;
}

/* ---- sign ---- */

bool sign_finds_loop(struct str header, const char *hostname, const struct recipient *rcpts, size_t n)
{
	struct header_field field;

	(void)hostname;
	(void)rcpts;
	(void)n;
	return header_find(header, STR("X-Loop"), &field);
}

struct job *sign_message(struct signer *s, struct loop *l, struct message *m, const struct sign_request *request,
	sign_done *done, void *waiter)
{
	(void)s;
	(void)l;
	must(m->top.n == 0);
	world.signed_++;
	world.signed_in_tls = request->tls != NULL;
	snprintf(world.protocol, sizeof world.protocol, "%s", request->protocol);
	snprintf(world.from_domain, sizeof world.from_domain, "%.*s", STR_FMT(request->from_domain));
	buf_clear(&world.extra);
	buf_add_str(&world.extra, request->extra);
	buf_add_str(&m->top, STR("Received: here\r\n"));
	return answer(done, waiter, 0, 0);
}

/* ---- spool and schedule ---- */

struct spool_file {
	struct message *m;
	struct buf stored;
	bool appended;
};

const char *spool_state_dir(const struct spool *sp)
{
	(void)sp;
	return world.state_dir;
}

size_t spool_head_size(const struct message *m)
{
	return 1000 + m->env.rcpt_count * 100;
}

struct spool_file *spool_begin(struct spool *sp, struct message *m, size_t head_room)
{
	struct spool_file *f = mem_alloc(sizeof *f);

	(void)sp;
	must(head_room > LIMIT_TOP_FIELDS);
	if (m->id == 0)
		m->id = message_new_id();
	f->m = message_keep(m);
	buf_init(&f->stored, 64 << 20);
	return f;
}

struct job *spool_append(struct spool_file *f, struct buf *chunk, spool_done *done, void *waiter)
{
	struct buf taken;

	if (!f->appended)
		buf_add_str(&f->stored, buf_str(&f->m->content.memory));
	f->appended = true;
	buf_move(&taken, chunk);
	buf_add_str(&f->stored, buf_str(&taken));
	buf_finish(&taken);
	must(f->m->content.size == f->stored.n || world.append_error);
	world.appends++;
	return answer(done, waiter, world.append_error, 0);
}

static void drop_file(struct spool_file **f)
{
	buf_finish(&(*f)->stored);
	message_release(&(*f)->m);
	free(*f);
	*f = NULL;
}

struct job *spool_commit(struct spool_file **f, int64_t next, spool_done *done, void *waiter)
{
	struct message *m = (*f)->m;

	must(next > 0 && m->top.n > 0 && m->env.rcpt_count > 0);
	buf_clear(&world.content);
	buf_add_str(&world.content, (*f)->appended ? buf_str(&(*f)->stored) : buf_str(&m->content.memory));
	must(m->content.size == world.content.n);
	drop_file(f);
	return answer(done, waiter, world.commit_error, world.commit_ms);
}

void spool_abandon(struct spool_file **f)
{
	if (*f == NULL)
		return;
	world.abandoned++;
	drop_file(f);
}

void schedule_add(struct schedule *s, struct message *m)
{
	(void)s;
	world.queued++;
	message_release(&world.message);
	world.message = m;
}

/* ---- dns: never answers, and nobody may wait for it ---- */

struct job *dns_ask(struct dns *d, struct str name, enum dns_type type, dns_heard *heard, void *waiter)
{
	(void)d;
	(void)name;
	(void)type;
	(void)heard;
	(void)waiter;
	return NULL;
}

void dns_reverse_name(const struct inet_addr *a, char out[80])
{
	(void)a;
	snprintf(out, 80, "x.in-addr.arpa");
}

/* ---- the world ---- */

static const struct receive_options usual = {
	.hostname = "mx.example.com", .message_size = 2 << 20, .recipients = 3, .clients = 10, .clients_per_network = 5,
	.errors = 20, .command_time = 5000, .data_time = 5000, .session_time = 10000, .messages_per_session = 100,
	.auth_failures = 3, .auth_failures_window = 60000, .auth_ban = 60000, .auth_known = DAYS(30),
	.account_recipients_per_day = 100,
};

void world_begin(void)
{
	struct tls_options tls = { 0 };
	struct why why = { 0 };

	world = (struct world){ .options = usual };
	snprintf(world.state_dir, sizeof world.state_dir, "/tmp/receive-test-XXXXXX");
	must(mkdtemp(world.state_dir) != NULL);
	buf_init(&world.content, 64 << 20);
	buf_init(&world.extra, LIMIT_TOP_FIELDS);
	world.loop = loop_create(2, &why);
	must(world.loop != NULL);
	world.tls = tls_server_create(world.loop, &tls, world.state_dir, world.options.hostname, &why);
	must(world.tls != NULL);
	account_alice.address = (struct address){ STR("alice"), STR("example.com") };
	account_bob.address = (struct address){ STR("bob"), STR("example.com") };
}

void world_end(void)
{
	char command[128];

	receive_destroy(&world.receive);
	message_release(&world.message);
	buf_finish(&world.content);
	buf_finish(&world.extra);
	tls_server_destroy(&world.tls);
	loop_destroy(&world.loop);
	snprintf(command, sizeof command, "rm -r %s", world.state_dir);
	must(system(command) == 0);
}
