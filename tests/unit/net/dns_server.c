/* dns_server.c - a scripted resolver for tests */
#include "dns_server.h"
#include "base/must.h"
#include "dns_name.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STOP, UDP, LISTENER, CONNECTIONS, FDS = 12 };

static unsigned get16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static bool understand(const struct packet *k, bool tcp, struct asked *q)
{
	char name[DNS_NAME_TEXT];
	size_t at = 12, len;

	memset(q, 0, sizeof *q);
	if (k->n < 12 || !dns_name_read(k->p, k->n, &at, name, &len) || len >= sizeof q->name ||
		k->n - at < 4)
		return false;
	memcpy(q->name, name, len);
	q->id = get16(k->p);
	q->type = (int)get16(k->p + at);
	q->tcp = tcp;
	q->ad = k->p[3] & 0x20;
	at += 4;
	if (get16(k->p + 10) == 1 && k->n - at == 11) {
		q->edns = get16(k->p + at + 1) == 41;
		q->size = get16(k->p + at + 3);
		q->dnssec_ok = k->p[at + 7] & 0x80;
	}
	return true;
}

static void think(struct dns_server *s, bool tcp)
{
	struct asked q;

	s->out.n = 0;
	if (!understand(&s->in, tcp, &q))
		return;
	s->ad = q.ad;
	s->edns = q.edns;
	s->dnssec_ok = q.dnssec_ok;
	s->size = (int)q.size;
	(*(tcp ? &s->tcp : &s->udp))++;
	s->answer(&q, &s->out);
}

static void serve_udp(struct dns_server *s)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof from;
	ssize_t n = recvfrom(s->fds[UDP], s->in.p, sizeof s->in.p, MSG_DONTWAIT,
		(struct sockaddr *)&from, &len);

	if (n < 0)
		return;
	s->in.n = (size_t)n;
	think(s, false);
	if (s->out.n && sendto(s->fds[UDP], s->out.p, s->out.n, 0, (struct sockaddr *)&from,
		len) < 0)
		return;          /* the asker is gone */
}

static void serve_tcp(struct dns_server *s, int *fd)
{
	unsigned char head[2];

	if (recv(*fd, head, 2, MSG_WAITALL) == 2) {
		s->in.n = get16(head);
		if (recv(*fd, s->in.p, s->in.n, MSG_WAITALL) == (ssize_t)s->in.n) {
			think(s, true);
			head[0] = (unsigned char)(s->out.n >> 8);
			head[1] = (unsigned char)s->out.n;
			if (s->out.n && send(*fd, head, 2, MSG_NOSIGNAL) == 2 &&
				send(*fd, s->out.p, s->out.n, MSG_NOSIGNAL) == (ssize_t)s->out.n)
				return;
		}
	}
	close(*fd);
	*fd = -1;
}

static void take_connection(struct dns_server *s)
{
	int fd = accept(s->fds[LISTENER], NULL, NULL);

	for (int i = CONNECTIONS; i < FDS && fd >= 0; i++) {
		if (s->fds[i] < 0) {
			s->fds[i] = fd;
			fd = -1;
		}
	}
	if (fd >= 0)
		close(fd);
}

static void *serve(void *arg)
{
	struct dns_server *s = arg;
	struct pollfd p[FDS];

	for (;;) {
		for (int i = 0; i < FDS; i++)
			p[i] = (struct pollfd){ .fd = s->fds[i], .events = POLLIN };
		must(poll(p, FDS, -1) > 0);
		if (p[STOP].revents)
			return NULL;
		if (p[UDP].revents)
			serve_udp(s);
		if (p[LISTENER].revents)
			take_connection(s);
		for (int i = CONNECTIONS; i < FDS; i++)
			if (p[i].revents)
				serve_tcp(s, &s->fds[i]);
	}
}

/* Two sockets of the same port: chance may have given the UDP port to somebody else's TCP. */
static bool bind_both(struct dns_server *s, const char *address)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	int one = 1;

	s->fds[UDP] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	s->fds[LISTENER] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(s->fds[UDP] >= 0 && s->fds[LISTENER] >= 0);
	setsockopt(s->fds[LISTENER], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	must(endpoint_parse(&s->at, str_of(address), 9));
	s->at.port = 0;
	must(bind(s->fds[UDP], (struct sockaddr *)&sa, endpoint_sockaddr(&s->at, &sa)) == 0);
	must(getsockname(s->fds[UDP], (struct sockaddr *)&sa, &len) == 0);
	must(endpoint_of(&s->at, (struct sockaddr *)&sa));
	if (bind(s->fds[LISTENER], (struct sockaddr *)&sa, len) == 0 &&
		listen(s->fds[LISTENER], 16) == 0)
		return true;
	close(s->fds[UDP]);
	close(s->fds[LISTENER]);
	return false;
}

struct dns_server *server_start(const char *address, server_answer *answer)
{
	struct dns_server *s = calloc(1, sizeof *s);
	pthread_t thread;
	int ends[2], tries = 0;

	must(s != NULL && pipe(ends) == 0);
	for (int i = 0; i < FDS; i++)
		s->fds[i] = -1;
	while (!bind_both(s, address))
		must(++tries < 20);
	s->fds[STOP] = ends[0];
	s->stop = ends[1];
	s->answer = answer;
	must(pthread_create(&thread, NULL, serve, s) == 0);
	s->thread = (unsigned long)thread;
	return s;
}

void server_stop(struct dns_server **s)
{
	struct dns_server *old = *s;

	*s = NULL;
	if (old == NULL)
		return;
	close(old->stop);
	pthread_join((pthread_t)old->thread, NULL);
	for (int i = 0; i < FDS; i++)
		if (old->fds[i] >= 0)
			close(old->fds[i]);
	free(old);
}

int server_questions(struct dns_server *s)
{
	return s->udp + s->tcp;
}
