/*
 * proxied.c - take the PROXY header off a fresh connection, before anything else reads it
 *
 * From     accept.c, for a peer in listen.proxy_protocol.
 * To       proxy.c, which understands it.
 * Owns     the octets of the header that came so far.
 * Never    reads an octet that stands behind the header: on 465 TLS begins there.
 * Fails    after LIMIT_PROXY_TIME, however the header drips.
 */
#include "proxied.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct proxied {
	struct job job;
	/* owned */
	struct event *event;
	struct timer *timer;
	struct buf seen;
	/* borrowed */
	proxied_heard *heard;
	void *waiter;
	int fd;
};

static void cancel(struct job *job)
{
	struct proxied *p = (struct proxied *)job;         /* its first member */

	event_free(p->event);
	timer_destroy(&p->timer);
	buf_finish(&p->seen);
	free(p);
}

static void finish(struct proxied *p, const struct proxy_header *header)
{
	proxied_heard *heard = p->heard;
	void *waiter = p->waiter;

	cancel(&p->job);
	heard(waiter, header);
}

static void give_up(struct proxied *p, const char *trouble)
{
	finish(p, &(struct proxy_header){ .trouble = trouble });
}

/* Looks at what is there, and takes only what belongs to the header. False: it is over. */
static bool take(struct proxied *p)
{
	char piece[LIMIT_PROXY_HEADER];
	size_t had = p->seen.n, mine;
	ssize_t n = recv(p->fd, piece, sizeof piece - had, MSG_PEEK | MSG_DONTWAIT);
	struct proxy_header header;
	enum proxy_result result;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		give_up(p, had ? "it ended within its header" : "");
		return false;
	}
	buf_add(&p->seen, piece, (size_t)n);
	result = proxy_parse(buf_str(&p->seen), &header);
	if (result == PROXY_BAD) {
		give_up(p, header.trouble);
		return false;
	}
	mine = result == PROXY_DONE ? header.length - had : (size_t)n;
	if (recv(p->fd, piece, mine, MSG_DONTWAIT) != (ssize_t)mine) {
		give_up(p, "it was reset within its header");
		return false;
	}
	if (result == PROXY_MORE)
		return true;
	finish(p, &header);
	return false;
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	while (take(arg))
		;
}

static void too_late(void *arg)
{
	give_up(arg, "no header came in time");
}

struct job *proxied_read(struct loop *l, int fd, proxied_heard *heard, void *waiter)
{
	struct proxied *p = mem_alloc(sizeof *p);

	*p = (struct proxied){ .job = { cancel }, .heard = heard, .waiter = waiter, .fd = fd };
	buf_init(&p->seen, LIMIT_PROXY_HEADER);
	p->event = event_new(loop_base(l), fd, EV_READ | EV_PERSIST, readable, p);
	must(p->event && event_add(p->event, NULL) == 0);
	p->timer = timer_new(l, too_late, p);
	timer_set(p->timer, LIMIT_PROXY_TIME);
	return &p->job;
}
