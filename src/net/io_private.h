/* A connection's inside, shared by io.c (socket, buffers, callbacks) and io_tls.c (OpenSSL on the same socket). */
#ifndef NET_IO_PRIVATE_H
#define NET_IO_PRIVATE_H

#include "base/buf.h"
#include "loop_private.h"
#include "net/io.h"

#include <openssl/ssl.h>
#include <sys/types.h>

struct event;

enum io_phase {
	IO_CONNECTING,          /* TCP is on its way up */
	IO_CLEAR,
	IO_ANSWERING,           /* the reply to STARTTLS is on its way out; nothing is read */
	IO_HANDSHAKE,
	IO_SECURE,
	IO_DEAD                 /* ended was called, or is about to be */
};

struct io {
	struct round_end hook;
	struct farewell farewell;       /* while lingering */
	/* owned */
	struct event *read_event, *write_event, *deadline;
	int fd;
	SSL *ssl;
	struct job *handshake;          /* while a worker has ssl */
	struct buf in, out;
	size_t in_at, out_at;           /* what is consumed, what is sent */
	/* borrowed */
	struct loop *loop;
	const struct io_owner *calls;
	void *owner;
	/* state */
	enum io_phase phase;
	enum io_end end;
	struct why why;
	struct tls_facts facts;
	struct endpoint peer, local;
	size_t limit, scanned, low;
	size_t clear_left;              /* of the output: still to go in clear before TLS begins */
	bool server, must_verify;       /* which side of TLS we are */
	bool eof, paused, again, unread, skipping, wants_more, destroyed, lingering, calling;
	bool tell_connected, tell_secured;
};

/* What reading or writing came to. */
enum io_step { IO_STEP_DONE, IO_STEP_WAIT_READ, IO_STEP_WAIT_WRITE, IO_STEP_EOF, IO_STEP_FAILED };

enum io_step io_tls_read(struct io *io, void *p, size_t n, size_t *got);
enum io_step io_tls_write(struct io *io, const void *p, size_t n, size_t *sent);
void io_tls_shutdown(struct io *io);
void io_tls_handshake(struct io *io);           /* begins, or goes on when the socket is ready */
void io_tls_finish(struct io *io);              /* frees ssl, or leaves it to the worker that has it */

void io_failed(struct io *io, enum io_end end);  /* why was set: ended is called at the end of the round */
void io_update(struct io *io);                   /* the events that fit the state; soon, from the end of the round */

#endif
