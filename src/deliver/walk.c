/*
 * walk.c - from a message and its recipients to an outcome for each: the walk over the hosts
 *
 * From     deliver.c, with recipients that share one next hop.
 * To       each, as soon as a recipient is settled; done when all are.
 * Owns     a reference to the message; the connection that it has at the moment.
 * Never    blames the message for what was the connection's fault; never tries a recipient again
 *          whose content was sent and not answered: that would be a second copy.
 * Fails    recipients, not itself: who is left when the hosts are through is deferred with the last
 *          reply.
 * See      RFC 5321 sections 4.2.5, 4.5.3.1.10, 5.1; design.md "not every 5xx is about the
 *          message".
 */
#include "deliver_state.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"

#include <stdlib.h>
#include <string.h>

enum fate {
	FATE_WAITING,              /* for a host that takes it */
	FATE_OFFERED,              /* RCPT is on its way */
	FATE_ACCEPTED,             /* by RCPT; the content decides */
	FATE_SETTLED               /* each was called */
};

struct target {
	size_t rcpt;               /* index into env.rcpts */
	enum fate fate;
	bool put_off;              /* this host answered it with 4xx: it waits for the next */
	struct reply *reply;       /* that 4xx; NULL: none yet */
	const char *relay, *tls;   /* who said it */
};

struct attempt {
	struct job job;            /* first: job_cancel frees the whole */
	/* owned */
	struct arena *arena;
	struct message *m;
	struct target *targets;
	size_t target_count;
	struct job *looking_up;
	struct client *client;
	/* borrowed */
	struct deliver *d;
	const struct hop *fixed;   /* NULL: by MX */
	deliver_each *each;
	deliver_done *done;
	void *waiter;
	/* state */
	struct mx_address *addresses;
	size_t address_count, at;
	int sessions;              /* hosts that were ready for us */
	bool fresh;                /* no kept connection for this address: the last was dead */
	bool host_is_bad;          /* it refused the sender: on to the next */
	size_t accepted;           /* in this transaction */
	const char *key;           /* of the connection, for the pool */
	const char *relay, *tls;   /* whom we talk to */
	struct reply last; /* what went wrong last, for those who have no answer of their own */
	const char *last_relay;
	int depth;                 /* callbacks under way */
	bool cancelled, over;
};

static void next_address(struct attempt *a);

/* ---- the life of the struct ---- */

static void enter(struct attempt *a)
{
	a->depth++;
}

static void leave(struct attempt *a)
{
	if (--a->depth > 0 || !(a->cancelled || a->over))
		return;
	deliver_done *done = a->cancelled ? NULL : a->done;
	void *waiter = a->waiter;

	must(!a->client && !a->looking_up);
	a->d->active--;
	message_release(&a->m);
	arena_destroy(&a->arena);
	free(a);
	if (done)
		done(waiter);
}

static void attempt_cancel(struct job *job)
{
	struct attempt *a = (struct attempt *)job;

	enter(a);
	a->cancelled = true;
	job_cancel(&a->looking_up);
	client_close(&a->client);
	leave(a);
}

/* ---- settling recipients ---- */

static const struct recipient *recipient_of(const struct attempt *a, const struct target *t)
{
	return &a->m->env.rcpts[t->rcpt];
}

static bool dsn_was_passed_on(const struct attempt *a, const struct target *t)
{
	return a->client && (client_offer(a->client)->offers & OFFERS_DSN) &&
	       recipient_of(a, t)->notify;
}

static void settle(struct attempt *a, struct target *t, const struct reply *reply, bool unknown)
{
	struct reply r = *reply;
	struct deliver_outcome outcome = { .rcpt = t->rcpt,
		.reply = &r,
		.relay = t->relay,
		.tls = t->tls,
		.duplicate_possible = unknown };

	if (a->cancelled || t->fate == FATE_SETTLED)
		return;
	t->fate = FATE_SETTLED;
	outcome.dsn_passed_on = reply_is_ok(reply) && dsn_was_passed_on(a, t);
	if (a->d->options->soft_bounce)
		client_soften(&r);
	a->each(a->waiter, &outcome);
}

static void place(const struct attempt *a, struct target *t)
{
	t->relay = a->relay;
	t->tls = a->tls;
}

/* All that are at that point; who said it is whom we talk to. */
static void settle_all(struct attempt *a, enum fate fate, const struct reply *reply, bool unknown)
{
	for (size_t i = 0; i < a->target_count; i++) {
		if (a->targets[i].fate != fate)
			continue;
		place(a, &a->targets[i]);
		settle(a, &a->targets[i], reply, unknown);
	}
}

static void settle_made_up(
	struct attempt *a, struct target *t, int code, const char *status, const char *text)
{
	struct reply r;

	memset(&r, 0, sizeof(r));
	reply_set(&r, code, status, "%s: %s", a->relay, text);
	place(a, t);
	settle(a, t, &r, false);
}

static void set_back(struct attempt *a, enum fate from)
{
	for (size_t i = 0; i < a->target_count; i++)
		if (a->targets[i].fate == from)
			a->targets[i].fate = FATE_WAITING;
}

static size_t count_waiting(const struct attempt *a, bool also_put_off)
{
	size_t n = 0;

	for (size_t i = 0; i < a->target_count; i++)
		n += a->targets[i].fate == FATE_WAITING && (also_put_off || !a->targets[i].put_off);
	return n;
}

/* No host is left. */
static void give_up(struct attempt *a)
{
	for (size_t i = 0; i < a->target_count; i++) {
		struct target *t = &a->targets[i];

		if (t->fate != FATE_WAITING)
			continue;
		if (!t->reply) {
			t->relay = a->last_relay;
			t->tls = "none";
		}
		settle(a, t, t->reply ? t->reply : &a->last, false);
	}
	a->over = true;
}

/* ---- whose fault is it? ---- */

static const char *id_text(const struct attempt *a, char out[MESSAGE_ID_TEXT])
{
	return message_id_text(a->m->id, out);
}

static void raise_alarm(const struct attempt *a, const struct reply *r)
{
	char id[MESSAGE_ID_TEXT], line[LIMIT_REPLY_TEXT];

	log_warn("lane_trouble", L_Z("id", id_text(a, id)), L_Z("relay", a->relay),
		L_Z("reply", reply_line(r, line, sizeof(line))));
}

static bool is_part_of_address(char c)
{
	return c == '.' || c == ':' || (c >= '0' && c <= '9') ||
	       (str_lower(c) >= 'a' && str_lower(c) <= 'f');
}

/* Does the reply name the address that we sent from? Then it is about us ("Client host [192.0.2.1]
 * blocked"). */
static bool names_our_address(const struct attempt *a, const struct reply *r)
{
	const struct endpoint *local = a->client ? client_local(a->client) : NULL;
	char ip[INET_TEXT_MAX];

	if (!local)
		return false;
	size_t n = strlen(inet_text(&local->addr, ip));

	for (const char *p = strstr(r->text, ip); p; p = strstr(p + 1, ip)) {
		bool begins = p == r->text || !is_part_of_address(p[-1]);
		/* a full stop may end the sentence */
		bool ends = !p[n] || !is_part_of_address(p[n]) ||
			    (p[n] == '.' && !is_part_of_address(p[n + 1]));

		if (begins && ends)
			return true;
	}
	return false;
}

static bool has_detail(const struct reply *r, const char *detail)
{
	return r->status[0] && strcmp(r->status + 1, detail) == 0;
}

/* RFC 7372: reverse DNS or SPF of our address; like a block list, no fault of this message. */
static bool is_about_us(const struct attempt *a, const struct reply *r)
{
	return has_detail(r, ".7.23") || has_detail(r, ".7.25") || names_our_address(a, r);
}

/* What was said about a recipient or the content, as it counts. */
static struct reply judge(const struct attempt *a, const struct reply *said)
{
	struct reply r = *said;

	if (reply_is_permanent(&r) && is_about_us(a, &r)) {
		raise_alarm(a, &r);
		client_soften(&r);
	}
	return r;
}

/* A 5xx to MAIL is about the message only where it can't be about anything else. */
static bool mail_is_at_fault(const struct attempt *a, const struct reply *r)
{
	return reply_is_permanent(r) && !is_about_us(a, r) &&
		(r->code == 552 || has_detail(r, ".3.4") || has_detail(r, ".6.7"));
}

/* ---- one transaction ---- */

static bool header_is_utf8(const struct message *m)
{
	return m->env.smtputf8 &&
		!(str_is_ascii(buf_str(&m->top)) && str_is_ascii(content_header(&m->content)));
}

static bool needs_smtputf8(const struct attempt *a)
{
	bool needed = a->m->env.smtputf8 || address_is_utf8(&a->m->env.sender);

	for (size_t i = 0; i < a->target_count; i++)
		needed |= a->targets[i].fate == FATE_WAITING &&
			  address_is_utf8(&recipient_of(a, &a->targets[i])->to);
	return needed;
}

static struct wire_mail mail_of(const struct attempt *a)
{
	const struct envelope *env = &a->m->env;

	return (struct wire_mail){ .sender = &env->sender,
		.size = message_size(a->m),
		.eightbit = env->eightbit,
		.smtputf8 = needs_smtputf8(a),
		.ret = env->ret,
		.envid = env->envid };
}

/* A queue file is outside input: an address with a line end in it must not become a command. */
static bool can_be_said(const struct attempt *a, const struct target *t)
{
	struct wire_mail mail = mail_of(a);
	struct buf scratch;
	bool good;

	buf_init(&scratch, LIMIT_AUTH_LINE);
	good = wire_mail(&scratch, &mail, 0) && wire_rcpt(&scratch, recipient_of(a, t), 0);
	buf_finish(&scratch);
	return good;
}

/* What this host can't take, without asking it: it told us in its EHLO. */
static void refuse_ourselves(struct attempt *a)
{
	const struct wire_offer *offer = client_offer(a->client);
	bool too_big =
		(offer->offers & OFFERS_SIZE) && offer->size && message_size(a->m) > offer->size;
	bool ascii_only = !(offer->offers & OFFERS_SMTPUTF8);

	for (size_t i = 0; i < a->target_count && !a->cancelled; i++) {
		struct target *t = &a->targets[i];

		if (t->fate != FATE_WAITING)
			continue;
		if (!can_be_said(a, t))
			settle_made_up(a, t, 553, "5.1.3", "the address can't be put in a command");
		else if (too_big)
			settle_made_up(
				a, t, 552, "5.3.4", "the message is larger than this server takes");
		else if (ascii_only && (address_is_utf8(&a->m->env.sender) ||
				address_is_utf8(&recipient_of(a, t)->to)))
			settle_made_up(a, t, 553, "5.6.7", "this server takes no address in UTF-8");
		else if (ascii_only && header_is_utf8(a->m))
			settle_made_up(a, t, 550, "5.6.9", "this server takes no header in UTF-8");
	}
}

static void offer_all(struct attempt *a)
{
	struct wire_mail mail = mail_of(a);
	uint64_t max = client_offer(a->client)->rcpt_max, offered = 0;

	a->accepted = 0;
	must(client_mail(a->client, &mail));
	for (size_t i = 0; i < a->target_count && (!max || offered < max); i++) {
		struct target *t = &a->targets[i];

		if (t->fate != FATE_WAITING || t->put_off)
			continue;
		must(client_rcpt(a->client, i, recipient_of(a, t)));
		t->fate = FATE_OFFERED;
		offered++;
	}
	client_content(a->client, a->m);
}

/* The next one has not put off anybody yet. */
static void go_on(struct attempt *a)
{
	for (size_t i = 0; i < a->target_count; i++)
		a->targets[i].put_off = false;
	a->at++;
	a->fresh = a->host_is_bad = false;
	next_address(a);
}

static void leave_host(struct attempt *a)
{
	if (a->host_is_bad || client_used(a->client) >= a->d->options->messages_per_connection)
		client_close(&a->client);
	else
		pool_give(a->d->pool, a->key, &a->client);
	go_on(a);
}

static bool may_go_on(const struct attempt *a)
{
	return !a->host_is_bad && client_is_reusable(a->client) && count_waiting(a, false) > 0;
}

/* More than one on a connection where the host takes fewer recipients than there are. */
static void transact(struct attempt *a)
{
	if (!a->host_is_bad)
		refuse_ourselves(a);
	if (a->cancelled)
		return;
	if (may_go_on(a))
		offer_all(a);
	else
		leave_host(a);
}

static void on_ready(void *owner)
{
	struct attempt *a = owner;

	enter(a);
	a->sessions++;
	a->tls = client_tls(a->client);
	hosts_set_up(a->d->hosts, &a->addresses[a->at].to);
	transact(a);
	leave(a);
}

static void keep_last(struct attempt *a, const struct reply *r, const char *relay)
{
	a->last = *r;
	client_soften(&a->last);
	a->last_relay = relay;
}

static void tell_failure(const struct attempt *a, const struct reply *r)
{
	char id[MESSAGE_ID_TEXT], line[LIMIT_REPLY_TEXT];

	log_info("hop_failed", L_Z("id", id_text(a, id)), L_Z("relay", a->relay),
		L_Z("reply", reply_line(r, line, sizeof(line))));
}

static void on_mail(void *owner, const struct reply *reply)
{
	struct attempt *a = owner;

	if (reply_is_ok(reply))
		return;
	enter(a);
	if (mail_is_at_fault(a, reply)) {
		settle_all(a, FATE_OFFERED, reply, false);
	} else {
		set_back(a, FATE_OFFERED);
		a->host_is_bad = true;
		keep_last(a, reply, a->relay);
		if (reply_is_permanent(reply))
			raise_alarm(a, reply);
		else
			tell_failure(a, reply);
	}
	leave(a);
}

/* 452 behind accepted ones means "so many at a time": the rest goes in a transaction of its own, at
 * once (RFC 5321 section 4.5.3.1.10). */
static bool is_one_too_many(const struct attempt *a, const struct reply *r)
{
	return r->code == 452 && a->accepted > 0 && (!r->status[0] || has_detail(r, ".5.3"));
}

static void put_off(struct attempt *a, struct target *t, const struct reply *r)
{
	t->fate = FATE_WAITING;
	if (is_one_too_many(a, r))
		return;
	t->put_off = true;
	if (!t->reply)
		t->reply = arena_alloc(a->arena, sizeof(*t->reply));
	*t->reply = *r;
	place(a, t);
}

static void on_rcpt(void *owner, size_t which, const struct reply *reply)
{
	struct attempt *a = owner;
	struct target *t = &a->targets[which];
	struct reply r = judge(a, reply);

	enter(a);
	if (reply_is_ok(&r)) {
		t->fate = FATE_ACCEPTED;
		a->accepted++;
	} else if (reply_is_permanent(&r)) {
		place(a, t);
		settle(a, t, &r, false);
	} else {
		put_off(a, t, &r);
	}
	leave(a);
}

static void on_over(void *owner, const struct reply *reply)
{
	struct attempt *a = owner;

	enter(a);
	if (reply) {
		struct reply r = judge(a, reply);

		settle_all(a, FATE_ACCEPTED, &r, false);
	}
	if (!a->cancelled)
		transact(a);
	leave(a);
}

/* ---- the walk ---- */

static void remember(struct attempt *a, const struct client_loss *loss)
{
	const struct endpoint *to = &a->addresses[a->at].to;

	if (loss->alarm)
		raise_alarm(a, &loss->reply);
	else if (!loss->stale)
		tell_failure(a, &loss->reply);
	/* that we have no IPv6 says less than what happened over IPv4 */
	if (!loss->no_route || !a->last.code)
		keep_last(a, &loss->reply, loss->unreachable ? "none" : a->relay);
	if (loss->unreachable && !loss->no_route)
		hosts_set_down(a->d->hosts, to, &loss->reply, a->d->options->host_backoff);
	if (loss->try_clear)
		hosts_set_no_tls(a->d->hosts, to, LIMIT_NO_TLS);
}

/* A dead kept connection, or TLS that nobody demanded: the same address again, with a new
 * connection. */
static void once_more(struct attempt *a, const struct client_loss *loss)
{
	if (loss->stale)
		a->sessions--;
	a->fresh = true;
	next_address(a);
}

static void on_lost(void *owner, const struct client_loss *loss)
{
	struct attempt *a = owner;

	enter(a);
	if (loss->unknown)
		settle_all(a, FATE_ACCEPTED, &loss->reply, true);
	set_back(a, FATE_ACCEPTED);
	set_back(a, FATE_OFFERED);
	if (loss->local)
		settle_all(a, FATE_WAITING, &loss->reply, false);
	client_close(&a->client);
	if (!a->cancelled) {
		remember(a, loss);
		if (loss->stale || loss->try_clear)
			once_more(a, loss);
		else
			go_on(a);
	}
	leave(a);
}

static const struct client_calls calls = { on_ready, on_mail, on_rcpt, on_over, on_lost };

static enum tls_policy policy_for(const struct attempt *a, const struct endpoint *to)
{
	enum tls_policy policy =
		a->fixed ? (enum tls_policy)a->fixed->tls : TLS_POLICY_OPPORTUNISTIC;

	if (policy == TLS_POLICY_OPPORTUNISTIC && hosts_no_tls(a->d->hosts, to))
		return TLS_POLICY_NONE;
	return policy;
}

/* Connections are alike when address, terms of TLS and login are. */
static const char *key_of(const struct attempt *a, const struct mx_address *x)
{
	enum tls_policy policy = policy_for(a, &x->to);
	char to[INET_TEXT_MAX];

	return arena_printf(a->arena, "%s %d %s %s", endpoint_text(&x->to, to), (int)policy,
		policy == TLS_POLICY_VERIFY ? x->host : "-",
		a->fixed && a->fixed->username ? a->fixed->username : "");
}

static const struct inet_addr *from_for(const struct deliver *d, const struct endpoint *to)
{
	if (to->addr.v6)
		return d->has_from_v6 ? &d->from_v6 : NULL;
	return d->has_from_v4 ? &d->from_v4 : NULL;
}

static void connect_to(struct attempt *a, const struct mx_address *x)
{
	struct client_setup setup = {
		.loop = a->d->loop,
		.tls = a->d->tls,
		.options = a->d->options,
		.to = x->to,
		.from = from_for(a->d, &x->to),
		.host = x->host,
		.policy = policy_for(a, &x->to),
		.implicit_tls = a->fixed && hop_is_implicit_tls(a->fixed),
		.username = a->fixed ? a->fixed->username : NULL,
		.password = a->fixed ? a->fixed->password : NULL,
	};

	a->tls = "none";
	a->client = client_connect(&setup, &calls, a);
	a->relay = arena_text(a->arena, str_of(client_relay(a->client)));
}

/* A kept connection is ready at once. */
static bool take_kept(struct attempt *a)
{
	a->client = a->fresh ? NULL : pool_take(a->d->pool, a->key);
	if (!a->client)
		return false;
	client_own(a->client, &calls, a);
	a->relay = arena_text(a->arena, str_of(client_relay(a->client)));
	a->tls = client_tls(a->client);
	a->sessions++;
	return true;
}

static void open_address(struct attempt *a)
{
	const struct mx_address *x = &a->addresses[a->at];
	const struct reply *down = hosts_down(a->d->hosts, &x->to);

	a->key = key_of(a, x);
	if (take_kept(a)) {
		transact(a);
	} else if (down) {
		keep_last(a, down, "none");
		a->at++;
		next_address(a);
	} else {
		connect_to(a, x);
	}
}

static void next_address(struct attempt *a)
{
	if (count_waiting(a, true) == 0)
		a->over = true;
	else if (a->at == a->address_count || a->sessions >= LIMIT_MX_SESSIONS)
		give_up(a);
	else
		open_address(a);
}

/* Among equals, one that we have a connection to. */
static void prefer_kept(struct attempt *a)
{
	struct mx_address *v = a->addresses;

	for (size_t i = 0; i < a->address_count && v[i].preference == v[0].preference; i++) {
		if (pool_has(a->d->pool, key_of(a, &v[i]))) {
			struct mx_address kept = v[i];

			memmove(&v[1], &v[0], i * sizeof(*v));
			v[0] = kept;
			return;
		}
	}
}

static void take_addresses(struct attempt *a, const struct mx_list *list)
{
	a->address_count = list->n;
	a->addresses = arena_alloc(a->arena, list->n * sizeof(*a->addresses));
	for (size_t i = 0; i < list->n; i++) {
		a->addresses[i] = list->v[i];
		a->addresses[i].host = arena_text(a->arena, str_of(list->v[i].host));
	}
}

static void heard_addresses(void *waiter, const struct mx_list *list)
{
	struct attempt *a = waiter;

	enter(a);
	a->looking_up = NULL;
	if (list->n == 0) {
		settle_all(a, FATE_WAITING, &list->trouble, false);
		a->over = true;
	} else {
		take_addresses(a, list);
		prefer_kept(a);
		next_address(a);
	}
	leave(a);
}

static void look_up(struct attempt *a, struct str domain)
{
	struct deliver *d = a->d;
	bool any = !d->has_from_v4 && !d->has_from_v6;
	struct mx_ask ask = { .loop = d->loop,
		.dns = d->dns,
		.fixed = a->fixed,
		.domain = domain,
		.port = (uint16_t)d->options->port,
		.v4 = any || d->has_from_v4,
		.v6 = any || d->has_from_v6,
		.is_ours = d->is_ours,
		.is_ours_arg = d->is_ours_arg };

	a->looking_up = mx_find(&ask, heard_addresses, a);
}

static void take_targets(struct attempt *a, const size_t *rcpts, size_t n)
{
	a->targets = arena_alloc(a->arena, n * sizeof(*a->targets));
	a->target_count = n;
	for (size_t i = 0; i < n; i++) {
		must(rcpts[i] < a->m->env.rcpt_count);
		a->targets[i] = (struct target){ .rcpt = rcpts[i], .relay = "none", .tls = "none" };
	}
}

struct job *walk_start(struct deliver *d, struct message *m, const size_t *rcpts, size_t n,
	deliver_each *each, deliver_done *done, void *waiter)
{
	struct attempt *a = mem_alloc(sizeof(*a));

	must(n > 0);
	a->job.cancel = attempt_cancel;
	a->arena = arena_create();
	a->m = message_keep(m);
	a->d = d;
	a->each = each;
	a->done = done;
	a->waiter = waiter;
	a->relay = a->last_relay = a->tls = "none";
	take_targets(a, rcpts, n);
	struct str domain = recipient_of(a, &a->targets[0])->to.domain;

	a->fixed = hop_find(d->options, domain);
	for (size_t i = 1; i < n; i++) {
		struct str other = recipient_of(a, &a->targets[i])->to.domain;

		/* mail for one domain must never go to another's server */
		must(a->fixed ? hop_is_same(hop_find(d->options, other), a->fixed)
			      : str_ieq(other, domain));
	}
	d->active++;
	look_up(a, domain);
	return &a->job;
}
