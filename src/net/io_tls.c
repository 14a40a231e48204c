/*
 * io_tls.c - OpenSSL on the socket of an io
 *
 * From     io.c, when the session wants TLS.
 * Owns     the SSL; a worker has it alone while it does the handshake's arithmetic (promise 5: an RSA
 *          signature takes longer than the loop may stand still).
 * Never    leaves errors in OpenSSL's queue: they would be found by the next call of another connection.
 * See      RFC 3207, RFC 8446 section 6.1 (close_notify).
 */
#include "io_private.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/workers.h"

#include <errno.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void explain(struct io *io, const char *doing)
{
	unsigned long e = ERR_peek_last_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;
	long verify = SSL_get_verify_result(io->ssl);

	if (io->must_verify && verify != X509_V_OK)
		why_set(&io->why, "%s: certificate: %s", doing, X509_verify_cert_error_string(verify));
	else if (reason)
		why_set(&io->why, "%s: %s", doing, reason);
	else
		why_set(&io->why, "%s: connection closed by the peer", doing);
}

static enum io_step step_of(struct io *io, int r, const char *doing)
{
	int error = SSL_get_error(io->ssl, r);
	enum io_step step = IO_STEP_FAILED;

	if (r > 0)
		step = IO_STEP_DONE;
	else if (error == SSL_ERROR_WANT_READ)
		step = IO_STEP_WAIT_READ;
	else if (error == SSL_ERROR_WANT_WRITE)
		step = IO_STEP_WAIT_WRITE;
	else if (error == SSL_ERROR_ZERO_RETURN)
		step = IO_STEP_EOF;
	else
		explain(io, doing);
	ERR_clear_error();
	return step;
}

enum io_step io_tls_read(struct io *io, void *p, size_t n, size_t *got)
{
	size_t total = 0;
	enum io_step step = IO_STEP_DONE;

	/* records hold at most 16 kB: several make a piece */
	while (total < n && step == IO_STEP_DONE) {
		size_t some = 0;

		ERR_clear_error();
		step = step_of(io, SSL_read_ex(io->ssl, (char *)p + total, n - total, &some), "TLS read");
		total += some;
	}
	*got = total;
	return step;
}

enum io_step io_tls_write(struct io *io, const void *p, size_t n, size_t *sent)
{
	ERR_clear_error();
	return step_of(io, SSL_write_ex(io->ssl, p, n < 16384 ? n : 16384, sent), "TLS write");
}

void io_tls_shutdown(struct io *io)
{
	if (io->phase != IO_SECURE)
		return;
	ERR_clear_error();
	SSL_set_shutdown(io->ssl, SSL_RECEIVED_SHUTDOWN);
	SSL_shutdown(io->ssl);
	ERR_clear_error();
}

/* One step of the handshake, on a worker, which has the SSL and the socket alone meanwhile. */
struct handshake {
	SSL *ssl;
	int fd;                 /* ours to close if the connection was given up meanwhile */
	int result, error;
	char trouble[256];
};

static void handshake_run(void *arg)
{
	struct handshake *h = arg;

	ERR_clear_error();
	h->result = SSL_do_handshake(h->ssl);
	h->error = SSL_get_error(h->ssl, h->result);
	unsigned long e = ERR_peek_last_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;

	if (h->error == SSL_ERROR_SYSCALL && e == 0)
		reason = "connection closed by the peer";
	if (reason)
		strncpy(h->trouble, reason, sizeof h->trouble - 1);
	ERR_clear_error();
}

static void handshake_done(void *waiter, void *arg)
{
	struct io *io = waiter;
	struct handshake h = *(struct handshake *)arg;

	free(arg);
	io->handshake = NULL;
	if (h.result == 1) {
		event_del(io->read_event);
		io->phase = IO_SECURE;
		tls_read_facts(io->ssl, &io->facts);
		io->tell_secured = true;
		io->unread = true;      /* the client's first command may have come along */
		io_update(io);
	} else if (h.error == SSL_ERROR_WANT_READ) {
		event_add(io->read_event, NULL);
	} else if (h.error == SSL_ERROR_WANT_WRITE) {
		event_add(io->write_event, NULL);
	} else {
		long verify = SSL_get_verify_result(io->ssl);

		if (io->must_verify && verify != X509_V_OK)
			why_set(&io->why, "TLS: certificate: %s", X509_verify_cert_error_string(verify));
		else
			why_set(&io->why, "TLS: %s", h.trouble[0] ? h.trouble : "handshake failed");
		io_failed(io, IO_ERROR);
	}
}

static void handshake_drop(void *arg)
{
	struct handshake *h = arg;

	SSL_free(h->ssl);
	close(h->fd);
	free(h);
}

static const struct work handshake_work = { handshake_run, handshake_done, handshake_drop };

void io_tls_handshake(struct io *io)
{
	struct handshake *h;

	if (io->handshake)
		return;
	event_del(io->read_event);
	event_del(io->write_event);
	h = mem_alloc(sizeof *h);
	*h = (struct handshake){ .ssl = io->ssl, .fd = io->fd };
	io->handshake = work_start(io->loop, &handshake_work, h, io);
}

void io_tls_finish(struct io *io)
{
	if (io->handshake) {            /* the worker's drop frees both */
		job_cancel(&io->handshake);
		io->ssl = NULL;
		io->fd = -1;
		return;
	}
	SSL_free(io->ssl);
	io->ssl = NULL;
	ERR_clear_error();
}

static void begin(struct io *io, SSL *ssl)
{
	io->ssl = ssl;
	SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	if (SSL_set_fd(ssl, io->fd) != 1) {
		why_set(&io->why, "TLS: can't use the socket");
		io_failed(io, IO_ERROR);
		return;
	}
	event_del(io->read_event);
	io->clear_left = io_unsent(io);
	io->scanned = 0;
	io_update(io);
}

void io_secure_server(struct io *io, struct tls_server *tls, struct str say)
{
	if (io->phase != IO_CLEAR)
		return;
	must(io_pending(io) == 0);
	io_write(io, say.p, say.n);
	/* SSL is not used before the words in clear are out: see IO_ANSWERING */
	io->server = true;
	io->phase = IO_ANSWERING;
	begin(io, tls_server_session(tls));
}

void io_secure_client(struct io *io, struct tls_client *tls, const struct tls_wish *wish)
{
	if (io->phase != IO_CLEAR)
		return;
	if (io_pending(io) > 0) {
		why_set(&io->why, "the server spoke between STARTTLS and TLS");
		io_failed(io, IO_ERROR);
		return;
	}
	io->must_verify = wish->must_verify;
	io->phase = IO_ANSWERING;
	begin(io, tls_client_session(tls, wish));
}

const struct tls_facts *io_tls(const struct io *io)
{
	return io->phase == IO_SECURE || (io->ssl && io->facts.version[0]) ? &io->facts : NULL;
}
