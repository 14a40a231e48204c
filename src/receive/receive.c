/*
 * receive.c - the SMTP server as a whole: what its sessions share, how many there may be, how it
 * stops
 *
 * From     admin/, which puts the parts together.
 * Owns     listeners, sessions, the counters of networks, accounts and failures.
 * Never    accepts past `limits.clients`, in all or of one network.
 */
#include "accept.h"
#include "auth.h"
#include "quota.h"
#include "session.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>

struct network_use {
	int64_t sessions;
};

/* ---- who is here ---- */

static struct str network_key(const struct inet_addr *client, char out[INET_TEXT_MAX])
{
	struct inet_addr network = inet_client_network(client);

	return str_of(inet_text(&network, out));
}

bool server_enter(
	struct receive *r, const struct inet_addr *client, const char **status, const char **text)
{
	char name[INET_TEXT_MAX];
	struct str key = network_key(client, name);
	struct network_use *use = map_get(r->networks, key);

	if ((int64_t)r->counts.sessions >= r->options->clients) {
		*status = "4.3.2";
		*text = "Too many connections, try again later";
		return false;
	}
	if (use && use->sessions >= r->options->clients_per_network) {
		*status = "4.7.0";
		*text = "Too many connections from your network";
		return false;
	}
	if (use == NULL) {
		use = mem_alloc(sizeof *use);
		map_put(r->networks, key, use);
	}
	use->sessions++;
	r->counts.sessions++;
	return true;
}

void server_leave(struct receive *r, const struct inet_addr *client)
{
	char text[INET_TEXT_MAX];
	struct str key = network_key(client, text);
	struct network_use *use = map_get(r->networks, key);

	r->counts.sessions--;
	if (use && --use->sessions == 0)
		free(map_remove(r->networks, key));
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
	r->networks = map_create();
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
	map_destroy(&gone->networks, free);
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
