/*
 * accept.c - listen, and turn each connection into a session or a 421
 *
 * From     the options' addresses.
 * To       session_create; for a proxy of ours first proxied.c, which reads whom it speaks for.
 * Owns     the listening sockets, and connections until their PROXY header is there.
 * Never    spins when descriptors run out: it rests LIMIT_ACCEPT_PAUSE and the kernel's queue
 *          waits.
 * Fails    to start when an address can't be bound; a machine without IPv6 does without.
 */
#include "accept.h"

#include "proxied.h"
#include "session.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <event2/event.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct listener {
	struct accept *owner;
	int fd;
	struct event *event;
	struct endpoint at;
	enum service service;
};

/* A connection of a proxy whose header is awaited. */
struct arrival {
	/* owned */
	struct job *job;
	int fd;
	/* borrowed */
	struct accept *owner;
	struct arrival *next, *before;
	/* state */
	enum service service;
	struct endpoint proxy;
};

struct accept {
	/* owned */
	struct listener *v;
	size_t n;
	struct arrival *arrivals;
	struct timer *rest;
	struct inet_addr *own;         /* the machine's addresses, as of own_at */
	size_t own_count;
	/* borrowed */
	struct receive *server;
	/* state */
	int64_t own_at;
};

enum { OWN_FRESH = 60 * 1000 };        /* ms that a list of the machine's addresses is believed */

/* ---- connections ---- */

static void turn_away(const struct listener *l, int fd, const struct endpoint *peer)
{
	char client[INET_TEXT_MAX], line[512];
	int n = snprintf(line, sizeof line,
		"421 4.3.2 %s Too many connections, try again later\r\n",
		l->owner->server->options->hostname);

	/* under implicit TLS there is nothing that could be said in time */
	if (l->service != SERVICE_SUBMISSIONS && n > 0 && (size_t)n < sizeof line)
		(void)!send(fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
	log_info("refuse", L_Z("client", inet_text(&peer->addr, client)),
		L_STR("reply", str_trim(str_of(line))));
}

static void arrival_end(struct arrival *a)
{
	if (a->next)
		a->next->before = a->before;
	*(a->before ? &a->before->next : &a->owner->arrivals) = a->next;
	job_cancel(&a->job);
	free(a);
}

/* Malformed, too late, or hung up: nothing is said to who does not speak the protocol. */
static void refuse_arrival(struct arrival *a, const char *trouble)
{
	struct receive *r = a->owner->server;
	char proxy[INET_TEXT_MAX];

	if (trouble[0]) {
		r->counts.bad_proxy++;
		log_warn("proxy", L_Z("client", inet_text(&a->proxy.addr, proxy)),
			L_Z("why", trouble));
	}
	close(a->fd);
	server_leave(r);
	arrival_end(a);
}

static void header_came(void *waiter, const struct proxy_header *header)
{
	struct arrival *a = waiter, of;

	a->job = NULL;
	if (header->trouble[0] || header->length == 0) {
		refuse_arrival(a, header->trouble);
		return;
	}
	of = *a;
	arrival_end(a);
	session_create(of.owner->server, of.fd, of.service,
		header->known ? &header->client : &of.proxy, header->known);
}

static void await_header(const struct listener *l, int fd, const struct endpoint *proxy)
{
	struct arrival *a = mem_alloc(sizeof *a);

	*a = (struct arrival){ .fd = fd, .owner = l->owner, .service = l->service,
		.proxy = *proxy, .next = l->owner->arrivals };
	if (a->next)
		a->next->before = a;
	l->owner->arrivals = a;
	a->job = proxied_read(l->owner->server->parts.loop, fd, header_came, a);
}

static void take(const struct listener *l, int fd, const struct sockaddr_storage *sa)
{
	struct receive *r = l->owner->server;
	struct endpoint peer;

	if (!endpoint_of(&peer, (const struct sockaddr *)sa)) {
		close(fd);
		return;
	}
	r->counts.accepted++;
	if (!server_enter(r))
		turn_away(l, fd, &peer);
	else if (server_is_proxy(r, &peer.addr))
		await_header(l, fd, &peer);
	else
		session_create(r, fd, l->service, &peer, true);
}

static void rest(struct accept *a, int error)
{
	log_warn("accept", L_Z("why", strerror(error)), L_SECS("rest", LIMIT_ACCEPT_PAUSE));
	for (size_t i = 0; i < a->n; i++)
		event_del(a->v[i].event);
	timer_set(a->rest, LIMIT_ACCEPT_PAUSE);
}

static void rested(void *arg)
{
	struct accept *a = arg;

	for (size_t i = 0; i < a->n; i++)
		event_add(a->v[i].event, NULL);
}

static void on_connection(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)what;
	for (int i = 0; i < LIMIT_ACCEPTS; i++) {
		struct sockaddr_storage sa;
		socklen_t n = sizeof sa;
		int client = accept4(fd, (struct sockaddr *)&sa, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
		int error = errno;

		if (client >= 0) {
			take(l, client, &sa);
			continue;
		}
		if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)
			rest(l->owner, error);
		/* else it is the client's trouble, or there is no more for now */
		if (error != EINTR && error != ECONNABORTED)
			return;
	}
}

/* ---- listeners ---- */

static bool bind_to(int fd, const struct endpoint *at)
{
	struct sockaddr_storage sa;
	socklen_t n = endpoint_sockaddr(at, &sa);
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (at->addr.v6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	return bind(fd, (struct sockaddr *)&sa, n) == 0 && listen(fd, LIMIT_LISTEN_BACKLOG) == 0;
}

static bool is_unspecified(const struct inet_addr *a)
{
	static const unsigned char zero[16];

	return memcmp(a->ip, zero, a->v6 ? 16 : 4) == 0;
}

static bool listen_at(
	struct accept *a, const struct endpoint *at, enum service service, struct why *why)
{
	struct listener *l = &a->v[a->n];
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa;
	char text[INET_TEXT_MAX];
	int fd = socket(
		at->addr.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || !bind_to(fd, at)) {
		int error = errno;
		bool no_v6 = at->addr.v6
			&& (error == EAFNOSUPPORT
				|| (error == EADDRNOTAVAIL && is_unspecified(&at->addr)));

		if (fd >= 0)
			close(fd);
		errno = error;
		if (!no_v6)
			return why_errno(why, "can't listen on %s", endpoint_text(at, text));
		log_warn("listen", L_Z("address", endpoint_text(at, text)),
			L_Z("why", "no IPv6 on this machine"));
		return true;
	}
	*l = (struct listener){ .owner = a, .fd = fd, .at = *at, .service = service };
	if (getsockname(fd, (struct sockaddr *)&sa, &n) == 0)
		/* port 0: the one that it became */
		endpoint_of(&l->at, (struct sockaddr *)&sa);
	l->event = event_new(
		loop_base(a->server->parts.loop), fd, EV_READ | EV_PERSIST, on_connection, l);
	event_add(l->event, NULL);
	a->n++;
	log_debug("listen", L_Z("address", endpoint_text(&l->at, text)));
	return true;
}

static bool listen_all(struct accept *a, const struct config_endpoints *list, enum service service,
	struct why *why)
{
	for (size_t i = 0; i < list->n; i++)
		if (!listen_at(a, &list->v[i], service, why))
			return false;
	return true;
}

struct accept *accept_open(struct receive *r, struct why *why)
{
	const struct receive_options *o = r->options;
	struct accept *a = mem_alloc(sizeof *a);
	size_t n = o->smtp.n + o->submission.n + o->submissions.n;

	a->server = r;
	a->v = mem_alloc((n + 1) * sizeof *a->v);
	a->rest = timer_new(r->parts.loop, rested, a);
	if (listen_all(a, &o->smtp, SERVICE_SMTP, why)
		&& listen_all(a, &o->submission, SERVICE_SUBMISSION, why)
		&& listen_all(a, &o->submissions, SERVICE_SUBMISSIONS, why))
		return a;
	accept_close(&a);
	return NULL;
}

void accept_close(struct accept **a)
{
	struct accept *gone = *a;

	*a = NULL;
	if (gone == NULL)
		return;
	for (size_t i = 0; i < gone->n; i++) {
		event_free(gone->v[i].event);
		close(gone->v[i].fd);
	}
	while (gone->arrivals)
		refuse_arrival(gone->arrivals, "");
	timer_destroy(&gone->rest);
	free(gone->own);
	free(gone->v);
	free(gone);
}

/* ---- ourselves ---- */

static void read_own(struct accept *a)
{
	struct ifaddrs *all, *i;
	struct endpoint e;
	size_t n = 0;

	if (a->own && clock_mono() - a->own_at < OWN_FRESH)
		return;
	if (getifaddrs(&all) != 0)
		return;
	for (i = all; i; i = i->ifa_next)
		n++;
	free(a->own);
	a->own = mem_alloc((n + 1) * sizeof *a->own);
	a->own_count = 0;
	a->own_at = clock_mono();
	for (i = all; i; i = i->ifa_next)
		if (i->ifa_addr && endpoint_of(&e, i->ifa_addr))
			a->own[a->own_count++] = e.addr;
	freeifaddrs(all);
}

static bool is_here(struct accept *a, const struct inet_addr *addr)
{
	if (inet_is_loopback(addr) || is_unspecified(addr))
		return true;
	read_own(a);
	for (size_t i = 0; i < a->own_count; i++)
		if (inet_same(&a->own[i], addr))
			return true;
	return false;
}

bool accept_is_own(const struct accept *a, const struct endpoint *e)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct endpoint *at = &a->v[i].at;

		if (at->port != e->port)
			continue;
		if (inet_same(&at->addr, &e->addr))
			return true;
		if (at->addr.v6 == e->addr.v6 && is_unspecified(&at->addr)
				&& is_here((struct accept *)a, &e->addr))
			return true;
	}
	return false;
}
