/*
 * io.c - a connected socket: lines in, bytes out
 *
 * From     receive/ and deliver/, on the loop's thread.
 * To       their struct io_owner callbacks, always from the loop.
 * Owns     the socket, its events, both buffers.
 * Never    calls back from inside a call; writes before the round's end, so that all that was said in one
 *          round is one packet.
 * See      built on libevent's events, not its bufferevents: TLS then switches on in place, with nothing
 *          between the socket and us that could keep bytes from before STARTTLS (RFC 3207 section 4.2).
 */
#include "io_private.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	READ_PIECE = LIMIT_CONTENT_CHUNK,
	OUT_MOST = 16 << 20,            /* callers watch io_unsent long before; replies in flight are small */
	LINGER = 5000                   /* ms to get the last words out */
};

static void at_round_end(struct round_end *hook);

void io_update(struct io *io)
{
	loop_at_round_end(io->loop, &io->hook);
}

void io_failed(struct io *io, enum io_end end)
{
	if (io->phase == IO_DEAD)
		return;
	io->phase = IO_DEAD;
	io->end = end;
	io_update(io);
}

static size_t unread(const struct io *io)
{
	return io->in.n - io->in_at;
}

/* ---- callbacks ---- */

/* Calls back, and says whether the connection is still there. */
static bool call(struct io *io, void (*fn)(void *owner))
{
	if (fn == NULL || io->calls == NULL)
		return io->calls != NULL;
	io->calling = true;
	fn(io->owner);
	io->calling = false;
	return !io->destroyed;
}

static bool reading_is_wanted(const struct io *io)
{
	if (io->phase == IO_HANDSHAKE)
		return false;           /* io_tls.c arms what it needs */
	return (io->phase == IO_CLEAR || io->phase == IO_SECURE) && !io->paused && !io->eof && !io->lingering
		&& unread(io) < io->limit;
}

/* ---- reading ---- */

static enum io_step read_clear(struct io *io, void *p, size_t n, size_t *got)
{
	ssize_t r = recv(io->fd, p, n, 0);

	if (r > 0) {
		*got = (size_t)r;
		return IO_STEP_DONE;
	}
	if (r == 0)
		return IO_STEP_EOF;
	if (errno == EAGAIN || errno == EINTR)
		return IO_STEP_WAIT_READ;
	why_errno(&io->why, "read");
	return IO_STEP_FAILED;
}

/* One piece, so that no client keeps the loop; true: there may be more. */
static bool read_piece(struct io *io)
{
	static char piece[READ_PIECE];
	size_t room = io->limit - unread(io), got = 0;

	if (room > sizeof piece)
		room = sizeof piece;
	enum io_step step = io->phase == IO_SECURE ? io_tls_read(io, piece, room, &got) : read_clear(io, piece, room, &got);

	if (io->in_at) {
		buf_drop(&io->in, io->in_at);
		io->in_at = 0;
	}
	must(buf_add(&io->in, piece, got));
	if (step == IO_STEP_EOF)
		io->eof = true;
	else if (step == IO_STEP_FAILED)
		io_failed(io, IO_ERROR);
	else if (step == IO_STEP_WAIT_WRITE)
		event_add(io->write_event, NULL);
	return step == IO_STEP_DONE && got == room;
}

static void readable(struct io *io)
{
	if (reading_is_wanted(io))
		io->unread = read_piece(io) && io->ssl;
	io->again = true;
	io_update(io);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct io *io = arg;

	(void)fd;
	(void)what;
	loop_enter(io->loop);
	if (io->phase == IO_HANDSHAKE)
		io_tls_handshake(io);
	else
		readable(io);
}

/* ---- writing ---- */

static enum io_step write_clear(struct io *io, const void *p, size_t n, size_t *sent)
{
	ssize_t r = send(io->fd, p, n, MSG_NOSIGNAL);

	if (r >= 0) {
		*sent = (size_t)r;
		return (size_t)r < n ? IO_STEP_WAIT_WRITE : IO_STEP_DONE;
	}
	if (errno == EAGAIN || errno == EINTR)
		return IO_STEP_WAIT_WRITE;
	why_errno(&io->why, "write");
	return IO_STEP_FAILED;
}

/* A peer that hangs up on us has often said why: its last words are read before the end is told. */
static void write_failed(struct io *io)
{
	struct why why = io->why;

	if (reading_is_wanted(io))
		readable(io);
	io->why = why;
	io_failed(io, IO_ERROR);
}

static void flush(struct io *io)
{
	enum io_step step = IO_STEP_DONE;

	while (io->out_at < io->out.n && step == IO_STEP_DONE) {
		size_t sent = 0;
		const char *p = io->out.p + io->out_at;
		size_t n = io->out.n - io->out_at;

		/* what was said after the change to TLS was asked for waits for it */
		if (io->phase == IO_ANSWERING && n > io->clear_left)
			n = io->clear_left;
		if (n == 0)
			break;
		step = io->phase == IO_SECURE ? io_tls_write(io, p, n, &sent) : write_clear(io, p, n, &sent);
		io->out_at += sent;
		io->clear_left -= io->phase == IO_ANSWERING ? sent : 0;
	}
	if (io->out_at == io->out.n) {
		/* an idle connection holds no memory for what it once said */
		if (io->out.cap > 4096)
			buf_finish(&io->out);
		else
			buf_clear(&io->out);
		io->out_at = 0;
	} else if (io->out_at > LIMIT_CONTENT_CHUNK) {
		buf_drop(&io->out, io->out_at);
		io->out_at = 0;
	}
	if (step == IO_STEP_FAILED)
		write_failed(io);
	else if (step == IO_STEP_WAIT_WRITE)
		event_add(io->write_event, NULL);
	else if (step == IO_STEP_WAIT_READ)
		event_add(io->read_event, NULL);
}

static void finish_connect(struct io *io)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa;
	int error = 0;
	socklen_t size = sizeof error;

	getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		errno = error;
		why_errno(&io->why, "connect");
		io_failed(io, IO_ERROR);
		return;
	}
	if (getsockname(io->fd, (struct sockaddr *)&sa, &n) == 0)
		endpoint_of(&io->local, (struct sockaddr *)&sa);
	io->phase = IO_CLEAR;
	io->tell_connected = true;
	io_update(io);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct io *io = arg;

	(void)fd;
	(void)what;
	loop_enter(io->loop);
	if (io->phase == IO_CONNECTING)
		finish_connect(io);
	else if (io->phase == IO_HANDSHAKE)
		io_tls_handshake(io);
	else
		io_update(io);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct io *io = arg;

	(void)fd;
	(void)what;
	loop_enter(io->loop);
	why_set(&io->why, "timed out");
	io_failed(io, IO_TIMEOUT);
}

/* ---- the end of a round: say what there is to say, then send, then wait for the right things ---- */

static void free_io(struct io *io)
{
	if (io->hook.queued)
		return;                 /* the hook comes back here */
	loop_drop_farewell(&io->farewell);
	event_free(io->read_event);
	event_free(io->write_event);
	event_free(io->deadline);
	buf_finish(&io->in);
	buf_finish(&io->out);
	free(io);
}

/* The socket goes at once; the struct when no hook waits for it. */
static void close_socket(struct io *io)
{
	event_del(io->read_event);
	event_del(io->write_event);
	event_del(io->deadline);
	if (io->ssl && io->phase != IO_DEAD && io->out.n == 0)
		io_tls_shutdown(io);
	io_tls_finish(io);
	if (io->fd >= 0)
		close(io->fd);
	io->fd = -1;
	io->phase = IO_DEAD;
}

/* The loop ends before all was said. */
static void end_farewell(struct farewell *f)
{
	struct io *io = (struct io *)((char *)f - offsetof(struct io, farewell));

	loop_drop_farewell(f);
	close_socket(io);
	free_io(io);
}

static void linger(struct io *io)
{
	if (io->phase == IO_DEAD || io->out.n == 0) {
		close_socket(io);
		free_io(io);
	}
}

static bool tell_news(struct io *io)
{
	if (io->tell_connected) {
		io->tell_connected = false;
		if (!call(io, io->calls->connected))
			return false;
	}
	if (io->tell_secured) {
		io->tell_secured = false;
		if (!call(io, io->calls->secured))
			return false;
	}
	bool again = io->again && !io->paused && (io->phase == IO_CLEAR || io->phase == IO_SECURE || io->phase == IO_DEAD);

	if (again) {
		io->again = false;
		if (unread(io) > 0 && !call(io, io->calls->readable))
			return false;
	}
	return true;
}

static bool tell_writable(struct io *io)
{
	if (!io->wants_more || io->phase == IO_DEAD || io_unsent(io) > io->low)
		return true;
	io->wants_more = false;
	return call(io, io->calls->writable);
}

static bool tell_end(struct io *io)
{
	if (io->eof && !io->paused && !io->again && io->phase != IO_DEAD) {
		why_set(&io->why, "connection closed by the peer");
		io->phase = IO_DEAD;
		io->end = IO_CLOSED;
	}
	if (io->phase != IO_DEAD || io->calls == NULL)
		return true;
	if (io->again && !io->paused && unread(io) > 0)
		return true;            /* first what came before the end: the hook is queued */
	const struct io_owner *calls = io->calls;
	struct why why = io->why;

	event_del(io->read_event);
	event_del(io->write_event);
	event_del(io->deadline);
	io->calls = NULL;               /* nothing more after this */
	io->calling = true;
	calls->ended(io->owner, io->end, &why);
	io->calling = false;
	return !io->destroyed;
}

static void arm_reading(struct io *io)
{
	bool armed = event_pending(io->read_event, EV_READ, NULL);
	bool wanted = reading_is_wanted(io);

	if (wanted && !armed)
		event_add(io->read_event, NULL);
	else if (!wanted && armed && io->phase != IO_HANDSHAKE)
		event_del(io->read_event);
	/* an idle connection holds no memory for what it once heard */
	if (unread(io) == 0 && io->in.cap > 4096) {
		buf_finish(&io->in);
		io->in_at = io->scanned = 0;
	}
	/* TLS may hold bytes for which the socket will not wake us */
	if (wanted && io->unread)
		readable(io);
}

static void at_round_end(struct round_end *hook)
{
	struct io *io = (struct io *)hook;

	if (io->destroyed && !io->lingering) {
		free_io(io);
		return;
	}
	if (io->calls && !tell_news(io))
		goto gone;
	if (io->out.n && (io->phase == IO_CLEAR || io->phase == IO_SECURE || io->phase == IO_ANSWERING))
		flush(io);
	if (io->lingering) {
		linger(io);
		return;
	}
	if (io->phase == IO_ANSWERING && io->clear_left == 0) {
		io->phase = IO_HANDSHAKE;
		io_tls_handshake(io);
	}
	if ((io->calls && !tell_writable(io)) || !tell_end(io))
		goto gone;
	if (io->phase != IO_DEAD)
		arm_reading(io);
	return;
gone:
	/* destroyed from inside a callback: with last words, or at once */
	if (io->lingering)
		io_update(io);
	else
		free_io(io);
}

/* ---- birth and death ---- */

static struct io *make(struct loop *l, int fd, size_t limit, const struct io_owner *calls, void *owner)
{
	struct io *io = mem_alloc(sizeof *io);
	int on = 1;

	*io = (struct io){ .hook = { .fn = at_round_end }, .fd = fd, .loop = l, .calls = calls, .owner = owner,
		.limit = limit };
	buf_init(&io->in, limit + READ_PIECE);
	buf_init(&io->out, OUT_MOST);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	io->read_event = event_new(loop_base(l), fd, EV_READ | EV_PERSIST, on_readable, io);
	io->write_event = event_new(loop_base(l), fd, EV_WRITE, on_writable, io);
	io->deadline = evtimer_new(loop_base(l), on_deadline, io);
	must(io->read_event && io->write_event && io->deadline);
	return io;
}

struct io *io_create(struct loop *l, int fd, size_t limit, const struct io_owner *calls, void *owner)
{
	struct io *io;
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa;

	evutil_make_socket_nonblocking(fd);
	io = make(l, fd, limit, calls, owner);
	io->phase = IO_CLEAR;
	if (getpeername(fd, (struct sockaddr *)&sa, &n) == 0)
		endpoint_of(&io->peer, (struct sockaddr *)&sa);
	n = sizeof sa;
	if (getsockname(fd, (struct sockaddr *)&sa, &n) == 0)
		endpoint_of(&io->local, (struct sockaddr *)&sa);
	io_update(io);
	return io;
}

static bool start_connect(struct io *io, const struct endpoint *to, const struct inet_addr *from)
{
	struct sockaddr_storage sa;
	socklen_t n;

	if (io->fd < 0)
		return why_errno(&io->why, "socket");
	if (from && from->v6 == to->addr.v6) {
		struct endpoint local = { *from, 0 };

		n = endpoint_sockaddr(&local, &sa);
		if (bind(io->fd, (struct sockaddr *)&sa, n) != 0)
			return why_errno(&io->why, "bind");
	}
	n = endpoint_sockaddr(to, &sa);
	if (connect(io->fd, (struct sockaddr *)&sa, n) != 0 && errno != EINPROGRESS)
		return why_errno(&io->why, "connect");
	return true;
}

struct io *io_connect(struct loop *l, const struct endpoint *to, const struct inet_addr *from, size_t limit,
	const struct io_owner *calls, void *owner)
{
	int fd = socket(to->addr.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = errno;
	struct io *io = make(l, fd, limit, calls, owner);

	io->peer = *to;
	io->phase = IO_CONNECTING;
	errno = error;
	if (start_connect(io, to, from))
		event_add(io->write_event, NULL);
	else
		io_failed(io, IO_ERROR);
	return io;
}

void io_destroy(struct io **p, bool last_words)
{
	struct io *io = *p;

	*p = NULL;
	if (io == NULL)
		return;
	io->calls = NULL;
	io->destroyed = true;
	bool speaks = io->phase == IO_CLEAR || io->phase == IO_SECURE;

	if (last_words && speaks && io->out.n) {
		struct timeval tv = { .tv_sec = LINGER / 1000 };

		io->lingering = true;
		io->farewell.end = end_farewell;
		loop_keep_farewell(io->loop, &io->farewell);
		event_del(io->read_event);
		evtimer_add(io->deadline, &tv);
		io_update(io);
		return;
	}
	close_socket(io);
	if (!io->calling)
		free_io(io);
}

/* ---- reading, for the owner ---- */

static void consume(struct io *io, size_t n)
{
	bool full = unread(io) >= io->limit;

	io->in_at += n;
	io->scanned = 0;
	/* the memory stays until the next read: a line that was handed out lives in it */
	if (full || unread(io) == 0)
		io_update(io);
}

enum io_line io_read_line(struct io *io, size_t max, struct str *line)
{
	for (;;) {
		struct str in = str_skip(buf_str(&io->in), io->in_at);
		struct str rest = str_skip(in, io->scanned);
		const char *end = rest.n ? memmem(rest.p, rest.n, "\r\n", 2) : NULL;

		if (end) {
			size_t n = (size_t)(end - in.p);

			consume(io, n + 2);
			if (io->skipping) {
				io->skipping = false;
				continue;
			}
			*line = str_head(in, n);
			return n <= max ? IO_LINE : IO_LINE_LONG;
		}
		bool half = in.n && in.p[in.n - 1] == '\r';

		if (!io->skipping && in.n - half <= max) {
			io->scanned = in.n - half;
			return IO_LINE_NONE;
		}
		bool first = !io->skipping;

		io->skipping = true;
		consume(io, in.n - half);
		return first ? IO_LINE_LONG : IO_LINE_NONE;
	}
}

size_t io_pending(const struct io *io)
{
	return unread(io);
}

struct str io_peek(struct io *io)
{
	return str_skip(buf_str(&io->in), io->in_at);
}

size_t io_read(struct io *io, void *out, size_t n)
{
	struct str in = str_head(io_peek(io), n);

	if (in.n)
		memcpy(out, in.p, in.n);
	consume(io, in.n);
	return in.n;
}

void io_skip(struct io *io, size_t n)
{
	consume(io, n < unread(io) ? n : unread(io));
}

void io_again(struct io *io)
{
	io->again = true;
	io_update(io);
}

void io_pause(struct io *io, bool on)
{
	if (io->paused == on)
		return;
	io->paused = on;
	io->again |= !on;
	io_update(io);
}

/* ---- writing, for the owner ---- */

void io_write(struct io *io, const void *p, size_t n)
{
	if (io->phase == IO_DEAD)
		return;
	if (!buf_add(&io->out, p, n)) {
		why_set(&io->why, "the peer does not read");
		io_failed(io, IO_ERROR);
	}
	io_update(io);
}

void io_writef(struct io *io, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (io->phase != IO_DEAD && !buf_addv(&io->out, fmt, ap)) {
		why_set(&io->why, "the peer does not read");
		io_failed(io, IO_ERROR);
	}
	va_end(ap);
	io_update(io);
}

size_t io_unsent(const struct io *io)
{
	return io->out.n - io->out_at;
}

void io_want_more(struct io *io, size_t low)
{
	io->wants_more = true;
	io->low = low;
	io_update(io);
}

void io_deadline(struct io *io, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (io->phase == IO_DEAD)
		return;
	if (ms > 0)
		evtimer_add(io->deadline, &tv);
	else
		evtimer_del(io->deadline);
}

const struct endpoint *io_peer(const struct io *io)
{
	return &io->peer;
}

const struct endpoint *io_local(const struct io *io)
{
	return &io->local;
}
