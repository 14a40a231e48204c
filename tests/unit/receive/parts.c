/*
 * parts.c - lists, check, route, srs, sign, spool, schedule and dns for the tests of receive/
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
	} else if (str_eq(rcpt->domain, STR("example.com")) && str_eq(rcpt->local, STR("postmaster"))) {
		one_target(out, arena, "alice@elsewhere.example");
		out->is_postmaster = true;
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
	snprintf(world.results, sizeof world.results, "%.*s", STR_FMT(request->results));
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

struct job *spool_cut(struct spool_file *f, size_t n, spool_done *done, void *waiter)
{
	struct str header = content_header(&f->m->content);

	must(f->appended && f->stored.n == f->m->content.size + n);
	buf_drop(&f->stored, n);
	memcpy(f->stored.p, header.p, header.n);
	world.cut += n;
	return answer(done, waiter, world.cut_error, 0);
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

/* ---- lists and checks ---- */

struct lists *lists_create(struct loop *l, struct dns *d, const struct screen_options *options)
{
	(void)l;
	(void)d;
	(void)options;
	return NULL;
}

void lists_destroy(struct lists **lists)
{
	must(*lists == NULL);
}

struct asking {
	struct job job;
	struct timer *timer;
	void (*tell)(struct asking *a);
	union { lists_heard *lists; check_done *check; } heard;
	struct verdict *verdict;
	void *waiter;
};

static void asking_cancel(struct job *job)
{
	struct asking *a = (struct asking *)job;

	timer_destroy(&a->timer);
	free(a);
}

static void asking_over(void *arg)
{
	struct asking a = *(struct asking *)arg;

	asking_cancel(arg);
	a.tell(&a);
}

static struct job *ask(int ms, void (*tell)(struct asking *a), const struct asking *what)
{
	struct asking *a = mem_alloc(sizeof *a);

	*a = *what;
	a->job.cancel = asking_cancel;
	a->tell = tell;
	a->timer = timer_new(world.loop, asking_over, a);
	timer_set(a->timer, ms);
	return &a->job;
}

static void tell_lists(struct asking *a)
{
	struct lists_answer out = { .outcome = world.lists, .score = 3, .name = "list.example", .reason = "see there",
		.names = "list.example*3", .silent = world.lists_silent };

	a->heard.lists(a->waiter, &out);
}

struct job *lists_ask(struct lists *lists, const struct inet_addr *client, int64_t wait, lists_heard *heard,
	void *waiter)
{
	(void)lists;
	(void)client;
	must(wait > 0);
	world.asked_lists++;
	return ask(world.lists_ms, tell_lists, &(struct asking){ .heard.lists = heard, .waiter = waiter });
}

void lists_refusal(struct buf *out, const struct inet_addr *client, const struct lists_answer *answer_)
{
	char text[INET_TEXT_MAX];

	buf_addf(out, "Service unavailable; client [%s] blocked using %s; %s", inet_text(client, text), answer_->name,
		answer_->reason);
}

static void tell_sender(struct asking *a)
{
	a->verdict->spf_done = true;
	a->verdict->refusal = world.spf_refusal;
	a->heard.check(a->waiter);
}

struct job *check_sender(struct check *c, const struct check_client *client, const struct address *sender,
	struct verdict *v, check_done *done, void *waiter)
{
	(void)c;
	(void)sender;
	must(client->helo.n > 0);
	world.senders_checked++;
	world.hidden = client->hidden;
	return ask(world.check_ms, tell_sender,
		&(struct asking){ .heard.check = done, .verdict = v, .waiter = waiter });
}

static void tell_message(struct asking *a)
{
	must(a->verdict->spf_done);
	a->verdict->message_done = true;
	a->verdict->proven = world.proven;
	a->verdict->refusal = world.message_refusal;
	a->heard.check(a->waiter);
}

struct job *check_message(struct check *c, struct message *m, struct verdict *v, bool exempt, check_done *done,
	void *waiter)
{
	(void)c;
	must(m->top.n == 0);
	world.messages_checked++;
	world.exempt = exempt;
	return ask(0, tell_message, &(struct asking){ .heard.check = done, .verdict = v, .waiter = waiter });
}

bool check_trusts_network(const struct check *c, const struct inet_addr *client)
{
	char text[INET_TEXT_MAX];

	(void)c;
	return world.trusted && strcmp(inet_text(client, text), world.trusted) == 0;
}

bool check_print_fields(const struct check *c, const struct verdict *v, const struct check_client *client,
	const struct address *sender, struct buf *out)
{
	(void)c;
	(void)client;
	(void)sender;
	must(v->spf_done && v->message_done);
	return buf_add_str(out, STR("Authentication-Results: mx.example.com; none\r\n"));
}

bool check_is_forged(const struct check *c, struct str value)
{
	(void)c;
	return str_starts(str_trim(value), STR("mx.example.com"));
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
	.network_connections_per_minute = 1000, .network_messages_per_hour = 1000, .network_recipients_per_hour = 1000,
	.network_unknown_per_hour = 1000, .network_errors_per_hour = 1000, .tarpit_after = 1000, .tarpitted = 2,
};

/* Turned on by those who test it: postscreen_enable. */
static const struct screen_options usual_screen = {
	.greet_wait = 200, .greet_action = SCREEN_ENFORCE, .dnsbl_action = SCREEN_ENFORCE,
	.pipelining_action = SCREEN_ENFORCE, .non_smtp_command_action = SCREEN_DROP,
	.bare_newline_action = SCREEN_ENFORCE, .cache_size = 1000,
	.ttl = { DAYS(1), HOURS(1), DAYS(30), DAYS(30), DAYS(30) },
};

void world_begin(void)
{
	struct tls_options tls = { 0 };
	struct why why = { 0 };

	world = (struct world){ .options = usual, .screen = usual_screen };
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
