/*
 * dns_wire.c - c-ares on the loop, one channel to one resolver
 *
 * From     dns_question.c, with a name and a type.
 * Owns     the channel, an event for each of its sockets, one timer; the queries that nobody waits
 *          for any more.
 * Never    lets c-ares choose a name, a server or what counts as an answer: no search list, no
 *          files, no environment.
 * Fails    with silence or unreachable, from the loop like an answer.
 *
 * c-ares has no cancel for one query: it runs on and its answer is dropped. It turns EDNS off for a
 * whole channel after one FORMERR, and then asks again over TCP for what is longer than 512 bytes:
 * such a channel is retired, lives until its last query is over, and a new one takes its place. A
 * channel can't be destroyed from a callback of its own, hence `busy` and channel_settle.
 */
#include "dns_wire.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/random.h"
#include "loop_private.h"

#include <ares.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum {
	TRIES = 3,                       /* with time-outs of 1, 2 and 4 parts */
	TRY_PARTS = 7,
	TRY_LEAST = 50,                  /* ms of the first time-out */
	PLAIN_FOR = MINUTES(10),         /* how long a server that took no OPT is asked without */
	SILENCES = 3,                    /* in a row, and the server rests */
	RESTS_FOR = SECONDS(10)
};

struct socket_event {
	struct socket_event *next;
	struct channel *channel;
	int fd;
	struct event *event;
};

struct channel {
	struct channel *next;
	struct dns_wire *wire;           /* borrowed; NULL: it is gone */
	struct loop *loop;
	ares_channel ares;
	struct timer *timer;
	struct socket_event *sockets;
	int running;                     /* queries in c-ares */
	int busy;                        /* calls into c-ares that we are inside of */
	bool edns, retired;
};

struct dns_wire {
	struct channel *channels;        /* owned: the one in use, if any, and retired ones */
	struct channel *current;
	struct loop *loop;
	struct endpoint server;
	int64_t budget;
	bool dnssec;
	int64_t plain_until;             /* clock_mono */
	int64_t rests_until;             /* clock_mono */
	int silences;
	bool troubled;                   /* logged as not answering */
};

struct query {
	struct job job;
	struct channel *channel;         /* borrowed; not after c-ares answered */
	dns_wire_heard *heard;
	void *asker;
	struct job *later;               /* an answer from inside ares_send waits here */
	enum dns_wire_end end;
	unsigned char *packet;           /* owned, of an answer that waits */
	size_t n;
	bool starting, answered, cancelled;
};

/* ---- the channel ---- */

static void drop_socket(struct socket_event **at)
{
	struct socket_event *s = *at;

	*at = s->next;
	event_free(s->event);
	free(s);
}

static void channel_free(struct channel *c)
{
	if (c->wire) {
		struct channel **at = &c->wire->channels;
		while (*at != c)
			at = &(*at)->next;
		*at = c->next;
		if (c->wire->current == c)
			c->wire->current = NULL;
	}
	c->busy++;                       /* the callbacks that come now must not settle it again */
	ares_destroy(c->ares);
	while (c->sockets)
		drop_socket(&c->sockets);
	timer_destroy(&c->timer);
	free(c);
}

/* After each call into c-ares: frees the channel that is no longer wanted, or sets the timer
 * anew. */
static void channel_settle(struct channel *c)
{
	struct timeval tv;

	if (c->busy)
		return;
	if (c->wire == NULL || (c->retired && c->running == 0)) {
		channel_free(c);
		return;
	}
	if (ares_timeout(c->ares, NULL, &tv))
		timer_set(c->timer, SECONDS(tv.tv_sec) + tv.tv_usec / 1000 + 1);
	else
		timer_clear(c->timer);
}

static void channel_process(struct channel *c, int readable, int writable)
{
	c->busy++;
	ares_process_fd(c->ares, readable, writable);
	c->busy--;
	channel_settle(c);
}

static void timer_came(void *arg)
{
	channel_process(arg, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void socket_ready(evutil_socket_t fd, short what, void *arg)
{
	struct socket_event *s = arg;

	loop_enter(s->channel->loop);
	channel_process(s->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
		what & EV_WRITE ? fd : ARES_SOCKET_BAD);
}

/* c-ares says what it wants of a socket; nothing: it is about to close it. */
static void socket_wanted(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct channel *c = arg;
	struct socket_event **at = &c->sockets;
	short what = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0) | EV_PERSIST);

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	if (*at)
		drop_socket(at);
	if (!readable && !writable)
		return;
	struct socket_event *s = mem_alloc(sizeof *s);
	s->channel = c;
	s->fd = fd;
	s->event = event_new(loop_base(c->loop), fd, what, socket_ready, s);
	must(s->event);
	event_add(s->event, NULL);
	s->next = c->sockets;
	c->sockets = s;
}

static bool set_server(ares_channel ares, const struct endpoint *server)
{
	struct ares_addr_port_node node = { .family = server->addr.v6 ? AF_INET6 : AF_INET,
		.udp_port = server->port, .tcp_port = server->port };

	if (server->addr.v6)
		memcpy(&node.addr.addr6, server->addr.ip, 16);
	else
		memcpy(&node.addr.addr4, server->addr.ip, 4);
	return ares_set_servers_ports(ares, &node) == ARES_SUCCESS;
}

/* Every option is given, so that c-ares looks at no file and no environment. */
static bool open_ares(struct channel *c, const struct dns_wire *w)
{
	struct in_addr nowhere = { .s_addr = htonl(INADDR_LOOPBACK) }; /* set_server replaces it */
	char lookups[] = "b", no_file[] = "/dev/null";
	int64_t first = w->budget / TRY_PARTS;
	struct ares_options o = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP |
			(c->edns ? ARES_FLAG_EDNS : 0),
		.ednspsz = DNS_PACKET_EDNS_SIZE,
		.timeout = (int)(first < TRY_LEAST ? TRY_LEAST : first),
		.tries = TRIES,
		.ndots = 1,
		.servers = &nowhere,
		.nservers = 1,
		.lookups = lookups,
		.resolvconf_path = no_file,
		.sock_state_cb = socket_wanted,
		.sock_state_cb_data = c,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		ARES_OPT_NDOTS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST |
		ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB | ARES_OPT_NOROTATE;

	if (ares_init_options(&c->ares, &o, mask) != ARES_SUCCESS)
		return false;
	if (set_server(c->ares, &w->server))
		return true;
	ares_destroy(c->ares);
	return false;
}

/* NULL: c-ares could not. */
static struct channel *current_channel(struct dns_wire *w)
{
	if (w->current)
		return w->current;
	struct channel *c = mem_alloc(sizeof *c);
	c->wire = w;
	c->loop = w->loop;
	c->edns = w->plain_until <= clock_mono();
	if (!open_ares(c, w)) {
		free(c);
		return NULL;
	}
	c->timer = timer_new(w->loop, timer_came, c);
	c->next = w->channels;
	w->channels = c;
	return w->current = c;
}

/* ---- EDNS that fell ---- */

static bool edns_fell(ares_channel ares)
{
	struct ares_options o;
	int mask;

	if (ares_save_options(ares, &o, &mask) != ARES_SUCCESS)
		return false;
	bool fell = !(o.flags & ARES_FLAG_EDNS);
	ares_destroy_options(&o);
	return fell;
}

/* A packet without additional records has no OPT, which is what FORMERR and the answer after it
 * look like. Where signed answers matter the new channel asks with EDNS again: a forged FORMERR
 * must not turn DNSSEC off. */
static void watch_edns(struct channel *c, const unsigned char *p, size_t n)
{
	struct dns_wire *w = c->wire;

	if (w == NULL || c->retired || n < 12)
		return;
	if (!c->edns) {
		c->retired = w->plain_until <= clock_mono();
	} else if (p[10] == 0 && p[11] == 0 && edns_fell(c->ares)) {
		c->retired = true;
		if (!w->dnssec)
			w->plain_until = clock_mono() + PLAIN_FOR;
	}
	if (c->retired && w->current == c)
		w->current = NULL;
}

/* ---- how the server does ---- */

static void log_server(const struct dns_wire *w, const char *state)
{
	char text[INET_TEXT_MAX];

	log_warn("dns-server", L_Z("server", endpoint_text(&w->server, text)), L_Z("state", state));
}

static void note_end(struct dns_wire *w, enum dns_wire_end end)
{
	if (end == DNS_WIRE_PACKET) {
		if (w->troubled)
			log_server(w, "answers again");
		w->troubled = false;
		w->silences = 0;
		w->rests_until = 0;
		return;
	}
	/* One silence may be one domain's fault: the resolver itself waits for that domain's
	 * servers. */
	if (end == DNS_WIRE_SILENCE && ++w->silences < SILENCES)
		return;
	if (!w->troubled)
		log_server(w, end == DNS_WIRE_SILENCE ? "silent" : "unreachable");
	w->troubled = true;
	w->rests_until = clock_mono() + RESTS_FOR;
}

bool dns_wire_rests(const struct dns_wire *w)
{
	return w->rests_until > clock_mono();
}

/* ---- one query ---- */

static void query_free(struct query *q)
{
	free(q->packet);
	free(q);
}

static void query_tell_later(void *arg)
{
	struct query *q = arg;

	q->later = NULL;
	q->heard(q->asker, q->end, q->packet, q->n);
	query_free(q);
}

static enum dns_wire_end end_of(int status, const unsigned char *packet, int n)
{
	if (packet && n > 0)
		return DNS_WIRE_PACKET;
	return status == ARES_ETIMEOUT ? DNS_WIRE_SILENCE : DNS_WIRE_UNREACHABLE;
}

static void query_answered(void *arg, int status, int timeouts, unsigned char *packet, int n)
{
	struct query *q = arg;
	struct channel *c = q->channel;

	(void)timeouts;
	c->running--;
	q->answered = true;
	q->end = end_of(status, packet, n);
	q->n = q->end == DNS_WIRE_PACKET ? (size_t)n : 0;
	if (c->wire)
		note_end(c->wire, q->end);
	if (q->n)
		watch_edns(c, packet, q->n);
	if (q->cancelled) {
		query_free(q);
	} else if (q->starting) {
		q->packet = q->n ? mem_copy(packet, q->n) : NULL;
		q->later = loop_later(c->loop, query_tell_later, q);
	} else {
		q->heard(q->asker, q->end, packet, q->n);
		query_free(q);
	}
}

static void query_cancel(struct job *job)
{
	struct query *q = (struct query *)job;

	q->cancelled = true;
	if (q->later) {
		job_cancel(&q->later);
		query_free(q);
	}
}

static void query_send(struct query *q, struct channel *c, const struct dns_question_text *text)
{
	unsigned char packet[DNS_PACKET_QUERY];
	uint16_t id;

	random_bytes(&id, sizeof id);
	size_t n = dns_packet_write(packet, text, id);
	must(n);
	c->running++;
	c->busy++;
	q->starting = true;
	ares_send(c->ares, packet, (int)n, query_answered, q);
	q->starting = false;
	c->busy--;
	channel_settle(c);
}

struct job *dns_wire_ask(struct dns_wire *w, struct str name, enum dns_type type,
	dns_wire_heard *heard, void *asker)
{
	struct channel *c = current_channel(w);
	struct query *q = mem_alloc(sizeof *q);

	q->job.cancel = query_cancel;
	q->channel = c;
	q->heard = heard;
	q->asker = asker;
	if (w->troubled)
		/* one question is enough to see how it does */
		w->rests_until = clock_mono() + RESTS_FOR;
	if (c == NULL) {
		q->end = DNS_WIRE_UNREACHABLE;
		q->later = loop_later(w->loop, query_tell_later, q);
		return &q->job;
	}
	query_send(q, c, &(struct dns_question_text){
		.name = name, .type = type, .edns = c->edns, .dnssec = w->dnssec });
	return &q->job;
}

/* ---- the resolver ---- */

struct dns_wire *dns_wire_create(struct loop *l, const struct endpoint *server, int64_t budget,
	bool dnssec)
{
	struct dns_wire *w = mem_alloc(sizeof *w);

	w->loop = l;
	w->server = *server;
	w->budget = budget;
	w->dnssec = dnssec;
	return w;
}

void dns_wire_destroy(struct dns_wire **w)
{
	if (*w == NULL)
		return;
	for (struct channel *c = (*w)->channels, *next; c; c = next) {
		next = c->next;
		c->wire = NULL;
		channel_settle(c);       /* now, or when the call that we are inside of is over */
	}
	free(*w);
	*w = NULL;
}
