/*
 * server.c - every station with what it needs, from start to SIGTERM
 *
 * From     cli/run.c, with settings that were found right.
 * Owns     the loop and all stations; they are made in the order in which they need each other and ended
 *          in the reverse.
 * Never    keeps root's rights once it has bound its ports and read the certificate.
 */
#include "admin/server.h"
#include "admin/control.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "operator.h"
#include "privileges.h"
#include "server_private.h"

#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
	STOP_WAIT = SECONDS(60),        /* for attempts under way; what service managers allow, or more */
	LAST_WORDS = SECONDS(10),       /* for clients to finish the message that they are sending */
	ARENAS = 4
};

static bool is_ours(void *arg, struct str host, const struct endpoint *address)
{
	const struct server *s = arg;

	if (host.n && str_ieq(host, str_of(s->settings->hostname)))
		return true;
	return address && s->receive && receive_is_own_endpoint(s->receive, address);
}

/* As many descriptors as we may have: one a connection, one a message being written. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static bool make_folders(const struct settings *set, struct why *why)
{
	char folder[4096];
	const char *slash = strrchr(set->control_socket, '/');

	if (!privileges_folder(set->spool, set->user, 0700, why))
		return false;
	if (slash == NULL || slash == set->control_socket)
		return true;
	snprintf(folder, sizeof folder, "%.*s", (int)(slash - set->control_socket), set->control_socket);
	return privileges_folder(folder, set->user, 0755, why);
}

/* A certificate's key is often root's alone, so it is read before root's rights go. Our own self-signed one is made
 * by the user that will read it again. */
static bool make_tls(struct server *s, bool as_root, struct why *why)
{
	const struct settings *set = s->settings;
	char state[4096];

	if (as_root != (set->tls.certificate != NULL))
		return true;
	snprintf(state, sizeof state, "%s/state", set->spool);
	s->tls = tls_server_create(s->loop, &set->tls, as_root ? state : spool_state_dir(s->spool), set->hostname, why);
	return s->tls != NULL;
}

static bool make_queue(struct server *s, struct why *why)
{
	const struct settings *set = s->settings;

	s->tls_client = tls_client_create(why);
	if (s->tls_client == NULL)
		return false;
	s->dns = dns_create(s->loop, &set->dns, why);
	if (s->dns == NULL)
		return false;
	s->deliver = deliver_create(s->loop, s->dns, s->tls_client, &set->deliver, is_ours, s, why);
	if (s->deliver == NULL)
		return false;
	s->schedule = schedule_create(s->loop, s->spool, s->deliver, s->routes, &set->schedule, set->hostname);
	return true;
}

static bool make_front(struct server *s, struct why *why)
{
	struct receive_parts parts = { .loop = s->loop, .dns = s->dns, .tls = s->tls, .routes = s->routes,
		.srs = s->srs, .signer = s->signer, .spool = s->spool, .schedule = s->schedule,
		.check_options = &s->settings->check, .screen = &s->settings->screen };

	s->check = check_create(s->loop, s->dns, &s->settings->check, &s->settings->own, s->settings->hostname);
	parts.check = s->check;
	s->receive = receive_create(&s->settings->receive, &parts, why);
	return s->receive != NULL;
}

static bool build(struct server *s, struct why *why)
{
	struct settings *set = s->settings;

	s->loop = loop_create(0, why);
	if (s->loop == NULL || !make_folders(set, why) || !make_tls(s, true, why) || !privileges_drop(set->user, why)
		|| !log_open(&set->log, why))
		return false;
	s->spool = spool_open(s->loop, set->spool, why);
	if (s->spool == NULL || !make_tls(s, false, why))
		return false;
	s->srs = srs_create(&set->srs, spool_state_dir(s->spool), s->loop, why);
	if (s->srs == NULL || !settings_route(set, s->srs, &s->routes, &s->signer, why))
		return false;
	if (!make_queue(s, why) || !make_front(s, why))
		return false;
	s->control = control_create(s->loop, set->control_socket, operator_asked, s, why);
	return s->control != NULL && schedule_recover(s->schedule, set->spool, why);
}

/* ---- the end ---- */

static void one_stopped(void *arg)
{
	struct server *s = arg;

	if (--s->stopping == 0)
		loop_stop(s->loop);
}

static void stop(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	if (s->stopping) {
		log_warn("stop", L_Z("how", "at once: a second signal came"));
		loop_stop(s->loop);
		return;
	}
	log_info("stop", L_NUM("sessions", receive_counts(s->receive).sessions));
	/* at the same time: what a slow client still brings is spooled, and no new attempt begins */
	s->stopping = 2;
	receive_stop(s->receive, LAST_WORDS, one_stopped, s);
	schedule_stop(s->schedule, STOP_WAIT, one_stopped, s);
}

static void hang_up(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	log_warn("reload", L_Z("reason", "the configuration is read at start; restart waypost to change it"));
}

static struct event *on_signal(struct server *s, int number, event_callback_fn fn)
{
	struct event *e = evsignal_new(loop_base(s->loop), number, fn, s);

	must(e && event_add(e, NULL) == 0);
	return e;
}

struct server *server_create(struct settings *settings, struct why *why)
{
	struct server *s = mem_alloc(sizeof *s);

	/* many threads would otherwise each keep freed memory of their own */
	mallopt(M_ARENA_MAX, ARENAS);
	raise_descriptors();
	s->settings = settings;
	s->started = clock_wall();
	if (!build(s, why)) {
		server_destroy(&s);
		return NULL;
	}
	s->signals[0] = on_signal(s, SIGTERM, stop);
	s->signals[1] = on_signal(s, SIGINT, stop);
	s->signals[2] = on_signal(s, SIGHUP, hang_up);
	return s;
}

void server_run(struct server *s)
{
	log_info("start", L_Z("version", WAYPOST_VERSION), L_Z("hostname", s->settings->hostname),
		L_NUM("queued", schedule_counts(s->schedule).waiting));
	loop_run(s->loop);
	log_info("end", L_NUM("queued", schedule_counts(s->schedule).waiting));
}

void server_destroy(struct server **p)
{
	struct server *s = *p;

	if (s == NULL)
		return;
	*p = NULL;
	for (size_t i = 0; i < sizeof s->signals / sizeof s->signals[0]; i++)
		if (s->signals[i])
			event_free(s->signals[i]);
	control_destroy(&s->control);
	receive_destroy(&s->receive);
	check_destroy(&s->check);
	schedule_destroy(&s->schedule);
	deliver_destroy(&s->deliver);
	dns_destroy(&s->dns);
	tls_client_destroy(&s->tls_client);
	signer_destroy(&s->signer);
	routes_destroy(&s->routes);
	srs_destroy(&s->srs);
	tls_server_destroy(&s->tls);
	spool_close(&s->spool);
	loop_destroy(&s->loop);
	settings_destroy(&s->settings);
	log_close();
	free(s);
}
