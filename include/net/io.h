/*
 * A connected socket, plain or TLS, with lines in and bytes out: what the SMTP server and the SMTP client
 * share. What was written in one round of the loop leaves as one piece; TLS starts in place on the same socket.
 * Callbacks come from the loop, never from inside a call. After io_destroy none comes.
 */
#ifndef NET_IO_H
#define NET_IO_H

#include "base/inet.h"
#include "base/str.h"
#include "base/why.h"
#include "net/loop.h"
#include "net/tls.h"

struct io;

enum io_end {
	IO_CLOSED,              /* the peer ended it */
	IO_ERROR,               /* reset, unreachable, TLS failure; why says which */
	IO_TIMEOUT              /* a deadline of ours passed */
};

struct io_owner {
	void (*readable)(void *owner);                     /* something new may be read, or io_again was called */
	void (*writable)(void *owner);                     /* the output fell under the low mark (io_wants_more) */
	void (*secured)(void *owner);                      /* the TLS handshake is done */
	void (*connected)(void *owner);                    /* io_connect: TCP is up */
	void (*ended)(void *owner, enum io_end end, const struct why *why); /* only io_destroy is left to do */
};

/* Takes the fd. limit: bytes of input held at most, before the kernel holds the peer back. */
struct io *io_create(struct loop *l, int fd, size_t limit, const struct io_owner *calls, void *owner);
/* Begins to connect; from: NULL or the local address to use. */
struct io *io_connect(struct loop *l, const struct endpoint *to, const struct inet_addr *from, size_t limit,
	const struct io_owner *calls, void *owner);
/* Closes at once; with flush, what was written is sent first (at most 5 s) and TLS says goodbye. */
void io_destroy(struct io **io, bool flush);

/* The next line without its CRLF, borrowed until the next call on this io. Only CRLF ends a line.
 * IO_LINE_LONG: max bytes without CRLF; they are read over up to the CRLF over the next calls. */
enum io_line { IO_LINE, IO_LINE_NONE, IO_LINE_LONG };
enum io_line io_read_line(struct io *io, size_t max, struct str *line);
size_t io_pending(const struct io *io);                 /* bytes of input that wait here */
struct str io_peek(struct io *io);                      /* the first contiguous piece of them, borrowed; may be shorter */
size_t io_read(struct io *io, void *out, size_t n);
void io_skip(struct io *io, size_t n);                  /* throws away input */
void io_again(struct io *io);                           /* call readable soon, also without new input: to yield */
void io_pause(struct io *io, bool on);                  /* on: no readable calls, and the socket is not read */

void io_write(struct io *io, const void *p, size_t n);  /* copied */
void io_writef(struct io *io, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t io_unsent(const struct io *io);                  /* bytes of output not yet in the kernel */
void io_want_more(struct io *io, size_t low);           /* call writable once when io_unsent <= low, also if it is so now */

/* One deadline at a time, ms from now; 0: none. It does not move when bytes come or go. */
void io_deadline(struct io *io, int64_t ms);

/* TLS on this connection, as server or as client. As server: what the client sent in clear after the command
 * must have been refused before (io_pending is 0). io_secure_server sends `say` (borrowed, may be empty) in
 * clear first and switches when it is out; nothing is read in between. */
void io_secure_server(struct io *io, struct tls_server *tls, struct str say);
void io_secure_client(struct io *io, struct tls_client *tls, const struct tls_wish *wish);
const struct tls_facts *io_tls(const struct io *io);    /* NULL: in clear */

const struct endpoint *io_peer(const struct io *io);
const struct endpoint *io_local(const struct io *io);

#endif
