/*
 * receive.c - the SMTP server as a whole: what its sessions share, how many there may be, how it
 * stops
 *
 * From     admin/, which puts the parts together.
 * Owns     listeners, sessions, the counters of networks, accounts and failures, lists and the
 *          allow cache.
 * Never    accepts past `limits.clients`; believes the address of a peer that hides its clients.
 */
#include "accept.h"
#include "auth.h"
#include "guard.h"
#include "networks.h"
#include "quota.h"
#include "session.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>

/* ---- who is here ---- */

static bool is_in(const struct config_networks *networks, const struct inet_addr *a)
{
	for (size_t i = 0; i < networks->n; i++)
		if (network_has(&networks->v[i], a))
			return true;
	return false;
}

bool server_is_proxy(const struct receive *r, const struct inet_addr *peer)
{
	return is_in(&r->options->proxies, peer);
}

/* Whoever the config names is whom it says; a proxy that hides its clients is nobody. */
struct standing server_judge(struct receive *r, const struct inet_addr *client, bool known)
{
	const struct screen_options *screen = r->parts.screen;
	struct standing st = { .hidden = !known };

	if (!known)
		return st;
	st.spared = access_spares(screen, client) || access_client(screen, client) == ACCESS_PERMIT
		|| check_trusts_network(r->parts.check, client);
	st.denied = !st.spared && access_client(screen, client) == ACCESS_DENY;
	st.hidden = !st.spared && !server_is_proxy(r, client) && guard_hides(r->guard, client);
	return st;
}

bool server_enter(struct receive *r)
{
	if ((int64_t)r->counts.sessions >= r->options->clients)
		return false;
	r->counts.sessions++;
	return true;
}

void server_leave(struct receive *r)
{
	r->counts.sessions--;
}

void server_add(struct receive *r, struct session *s)
{
	s->next = r->sessions;
	s->before = NULL;
	if (s->next)
		s->next->before = s;
	r->sessions = s;
}

/* ---- stopping ---- */

static void is_stopped(void *arg)
{
	struct receive *r = arg;

	r->stop_job = NULL;
	timer_clear(r->stop_timer);
	if (r->stopped)
		r->stopped(r->stopped_arg);
}

static void stop_if_empty(struct receive *r)
{
	if (r->stopping && r->sessions == NULL && r->stop_job == NULL)
		r->stop_job = loop_later(r->parts.loop, is_stopped, r);
}

void server_remove(struct receive *r, struct session *s)
{
	if (s->next)
		s->next->before = s->before;
	*(s->before ? &s->before->next : &r->sessions) = s->next;
	stop_if_empty(r);
}

/* Time is up; they end within this round, and the last one tells. */
static void cut_all(void *arg)
{
	struct receive *r = arg;

	for (struct session *s = r->sessions; s; s = s->next)
		session_cut(s);
}

void receive_stop(struct receive *r, int64_t max_wait, void (*stopped)(void *arg), void *arg)
{
	if (r->stopping)
		return;
	accept_close(&r->accept);
	r->stopping = true;
	r->stopped = stopped;
	r->stopped_arg = arg;
	for (struct session *s = r->sessions; s; s = s->next)
		session_stop(s);
	timer_set(r->stop_timer, max_wait > 0 ? max_wait : 1);
	stop_if_empty(r);
}

/* ---- birth and death ---- */

struct receive *receive_create(
	const struct receive_options *options, const struct receive_parts *parts, struct why *why)
{
	struct receive *r = mem_alloc(sizeof *r);

	r->options = options;
	r->parts = *parts;
	r->networks = networks_create(options);
	r->guard = guard_create(NULL);
	r->allow = allow_create(parts->loop, parts->screen, spool_state_dir(parts->spool));
	r->lists = lists_create(parts->loop, parts->dns, parts->screen);
	r->quota = quota_create();
	r->auth = auth_create(options, parts->loop, spool_state_dir(parts->spool));
	r->stop_timer = timer_new(parts->loop, cut_all, r);
	r->accept = accept_open(r, why);
	if (r->accept == NULL)
		receive_destroy(&r);
	return r;
}

void receive_destroy(struct receive **r)
{
	struct receive *gone = *r;

	*r = NULL;
	if (gone == NULL)
		return;
	gone->stopping = false;                   /* nobody is told any more */
	accept_close(&gone->accept);
	while (gone->sessions)
		session_destroy(gone->sessions);
	job_cancel(&gone->stop_job);
	timer_destroy(&gone->stop_timer);
	auth_destroy(&gone->auth);
	quota_destroy(&gone->quota);
	lists_destroy(&gone->lists);
	allow_destroy(&gone->allow);
	guard_destroy(&gone->guard);
	networks_destroy(&gone->networks);
	free(gone);
}

bool receive_is_own_endpoint(const struct receive *r, const struct endpoint *e)
{
	return r->accept && accept_is_own(r->accept, e);
}

struct receive_counts receive_counts(const struct receive *r)
{
	return r->counts;
}

struct allow *receive_allow(const struct receive *r)
{
	return r->allow;
}

struct lists *receive_lists(const struct receive *r)
{
	return r->lists;
}
