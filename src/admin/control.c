/*
 * control.c - the socket that the operator's commands talk to
 *
 * From     src/cli/, over a Unix socket.
 * To       server.c, which knows what the words mean.
 * Owns     the listening socket and LIMIT_CONTROL_CLIENTS connections at most.
 * Never    answers to anyone but root and the service's own user (mode 0600).
 */
#include "admin/control.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/io.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { WORDS = 8, DEADLINE = 30000 };

struct control_request {
	/* owned */
	struct io *io;
	struct job *job;
	/* borrowed */
	struct control *control;
	struct control_request **before, *next;
	/* state */
	bool asked;
};

struct control {
	/* owned */
	int fd;
	struct event *event;
	char *path;
	struct control_request *requests;
	size_t count;
	/* borrowed */
	struct loop *loop;
	control_handler *handle;
	void *arg;
};

static bool address_of(struct sockaddr_un *sa, const char *path, struct why *why)
{
	memset(sa, 0, sizeof *sa);
	sa->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof sa->sun_path)
		return why_set(why, "%s: the path is too long for a socket", path);
	memcpy(sa->sun_path, path, strlen(path));
	return true;
}

static void drop(struct control_request *r)
{
	job_cancel(&r->job);
	*r->before = r->next;
	if (r->next)
		r->next->before = r->before;
	r->control->count--;
	io_destroy(&r->io, true);
	free(r);
}

void control_answer(struct control_request *r, bool ok, struct str text)
{
	r->job = NULL;
	io_write(r->io, ok ? "ok\r\n" : "no\r\n", 4);
	io_write(r->io, text.p, text.n);
	drop(r);
}

void control_waits_for(struct control_request *r, struct job *job)
{
	r->job = job;
}

static void readable(void *owner)
{
	struct control_request *r = owner;
	struct str line, words[WORDS];
	size_t n = 0;

	if (r->asked || io_read_line(r->io, LIMIT_CONTROL_LINE, &line) != IO_LINE)
		return;
	r->asked = true;
	while (n < WORDS && line.n)
		words[n++] = str_cut(&line, ' ');
	r->control->handle(r->control->arg, r, words, n);
}

static void ended(void *owner, enum io_end end, const struct why *why)
{
	(void)end;
	(void)why;
	drop(owner);
}

static const struct io_owner calls = { .readable = readable, .ended = ended };

static void accepted(evutil_socket_t fd, short what, void *arg)
{
	struct control *c = arg;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (client < 0)
		return;
	if (c->count == LIMIT_CONTROL_CLIENTS) {
		close(client);
		return;
	}
	struct control_request *r = mem_alloc(sizeof *r);
	r->control = c;
	r->next = c->requests;
	r->before = &c->requests;
	if (r->next)
		r->next->before = &r->next;
	c->requests = r;
	c->count++;
	r->io = io_create(c->loop, client, LIMIT_CONTROL_LINE + 2, &calls, r);
	io_deadline(r->io, DEADLINE);
}

/* A socket file that nobody listens on is left from a crash. */
static bool in_use(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool used = fd >= 0 && connect(fd, (const struct sockaddr *)sa, sizeof *sa) == 0;

	if (fd >= 0)
		close(fd);
	return used;
}

static int listen_at(const char *path, struct why *why)
{
	struct sockaddr_un sa;
	int fd;

	if (!address_of(&sa, path, why))
		return -1;
	if (in_use(&sa)) {
		why_set(why, "%s: another waypost answers there", path);
		return -1;
	}
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0177);
	bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0 && listen(fd, 16) == 0;
	umask(mask);
	if (!bound) {
		why_errno(why, "can't listen on the control socket %s", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

struct control *control_create(struct loop *l, const char *path, control_handler *handle, void *arg, struct why *why)
{
	int fd = listen_at(path, why);
	struct control *c;

	if (fd < 0)
		return NULL;
	c = mem_alloc(sizeof *c);
	*c = (struct control){ .fd = fd, .path = mem_string(path), .loop = l, .handle = handle, .arg = arg };
	c->event = event_new(loop_base(l), fd, EV_READ | EV_PERSIST, accepted, c);
	must(c->event && event_add(c->event, NULL) == 0);
	return c;
}

void control_destroy(struct control **p)
{
	struct control *c = *p;

	if (c == NULL)
		return;
	*p = NULL;
	while (c->requests)
		drop(c->requests);
	event_free(c->event);
	close(c->fd);
	unlink(c->path);
	free(c->path);
	free(c);
}

/* ---- the other end ---- */

static bool read_all(int fd, struct buf *out, struct why *why)
{
	char piece[4096];

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, DEADLINE) <= 0)
			return why_set(why, "the server does not answer");
		ssize_t n = read(fd, piece, sizeof piece);
		if (n == 0)
			return true;
		if (n < 0 || !buf_add(out, piece, (size_t)n))
			return why_errno(why, "the server's answer can't be read");
	}
}

bool control_ask(const char *path, const char *request, bool *ok, struct buf *out, struct why *why)
{
	struct sockaddr_un sa;

	if (!address_of(&sa, path, why))
		return false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
		why_errno(why, "no server answers at %s", path);
		if (fd >= 0)
			close(fd);
		return false;
	}
	dprintf(fd, "%s\r\n", request);
	bool done = read_all(fd, out, why);
	close(fd);
	if (!done)
		return false;
	if (out->n < 4)
		return why_set(why, "the server's answer is cut short");
	*ok = str_starts(buf_str(out), STR("ok"));
	buf_drop(out, 4);
	return true;
}
