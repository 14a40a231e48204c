/*
 * talk.c - the client's side of a session in a test
 *
 * Blocking reads and writes on a thread; the loop runs on the test's own thread until the client is done and
 * the server has let go of the session.
 */
#include "../unit.h"

#include "guard.h"
#include "parts.h"
#include "talk.h"

#include "base/clock.h"
#include "base/must.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct client {
	const struct line *lines;
	size_t n;
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	char reply[8192];
	char trouble[16384];           /* what went otherwise */
	atomic_bool done;
};

static struct client client;
static struct endpoint peer = { .addr = { .ip = { 192, 0, 2, 1 } }, .port = 40000 };

void talk_from(const char *address)
{
	must(inet_parse(&peer.addr, str_of(address)));
}

static bool send_all(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = client.ssl ? SSL_write(client.ssl, p, (int)n) : send(client.fd, p, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

static int read_one(char *c)
{
	return client.ssl ? SSL_read(client.ssl, c, 1) : (int)recv(client.fd, c, 1, 0);
}

/* A whole reply, lines and all. False: hung up, or nothing came in time. */
static bool hear(void)
{
	size_t n = 0, line = 0;

	client.reply[0] = '\0';
	while (n < sizeof client.reply - 1 && read_one(&client.reply[n]) == 1) {
		client.reply[++n] = '\0';
		if (client.reply[n - 1] != '\n')
			continue;
		if (n - line >= 4 && client.reply[line + 3] == ' ')
			return true;
		line = n;
	}
	return false;
}

static bool say_line(const char *what)
{
	char x[101];

	if (strcmp(what, "!tls") == 0) {
		client.ssl = SSL_new(client.ctx);
		SSL_set_fd(client.ssl, client.fd);
		return SSL_connect(client.ssl) == 1;
	}
	if (strncmp(what, "!sleep ", 7) == 0)
		return usleep((useconds_t)strtoul(what + 7, NULL, 10) * 1000) == 0;
	if (strcmp(what, "!half") == 0)
		return shutdown(client.fd, SHUT_WR) == 0;
	if (strcmp(what, "!close") == 0)
		return shutdown(client.fd, SHUT_RDWR) == 0;
	if (strncmp(what, "!x ", 3) != 0)
		return send_all(what, strlen(what));
	memset(x, 'x', sizeof x);
	memcpy(x + 98, "\r\n", 2);
	for (unsigned long i = strtoul(what + 3, NULL, 10); i > 0; i--)
		if (!send_all(x, 100))
			return false;
	return true;
}

static bool is_expected(const char *expect)
{
	if (strcmp(expect, "!closed") == 0)
		return !hear() && client.reply[0] == '\0' && errno != EAGAIN;
	if (!hear())
		return false;
	if (expect[0] == '~')
		return strstr(client.reply, expect + 1) != NULL;
	return strncmp(client.reply, expect, strlen(expect)) == 0;
}

static void *run_client(void *unused)
{
	(void)unused;
	for (size_t i = 0; i < client.n && client.trouble[0] == '\0'; i++) {
		const struct line *l = &client.lines[i];

		errno = 0;
		if (l->send && !say_line(l->send) && l->expect[0] != '!')
			snprintf(client.trouble, sizeof client.trouble, "line %zu: can't send \"%s\"", i, l->send);
		else if (l->expect[0] && !is_expected(l->expect))
			snprintf(client.trouble, sizeof client.trouble, "line %zu: sent \"%s\", want \"%s\", got \"%s\"", i,
				l->send ? l->send : "", l->expect, client.reply);
	}
	SSL_free(client.ssl);
	client.ssl = NULL;
	shutdown(client.fd, SHUT_RDWR);
	atomic_store(&client.done, true);
	return NULL;
}

static struct timer *watch;

static void look(void *arg)
{
	(void)arg;
	if (atomic_load(&client.done) && receive_counts(world.receive).sessions == 0)
		loop_stop(world.loop);
	else
		timer_set(watch, 2);
}

static void make_server(void)
{
	struct receive_parts parts = { .loop = world.loop, .tls = world.tls, .screen = &world.screen,
		.check_options = &world.check };
	struct why why;

	world.receive = receive_create(&world.options, &parts, &why);
	must(world.receive != NULL);
	/* the routes of the machine that the tests run on don't matter */
	guard_destroy(&world.receive->guard);
	world.receive->guard = guard_create(&(struct guard_tables){ "/nonexistent", "/nonexistent" });
}

const char *talk(enum service service, const struct line *lines, size_t n)
{
	struct timeval patience = { .tv_sec = 15 };
	pthread_t thread;
	int fds[2];

	if (world.receive == NULL)
		make_server();
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	client.lines = lines;
	client.n = n;
	client.fd = fds[0];
	client.trouble[0] = '\0';
	client.ctx = SSL_CTX_new(TLS_client_method());
	atomic_store(&client.done, false);
	setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	must(server_enter(world.receive));
	session_create(world.receive, fds[1], service, &peer, true);
	must(pthread_create(&thread, NULL, run_client, NULL) == 0);
	watch = timer_new(world.loop, look, NULL);
	timer_set(watch, 2);
	loop_run(world.loop);
	timer_destroy(&watch);
	pthread_join(thread, NULL);
	SSL_CTX_free(client.ctx);
	close(fds[0]);
	return client.trouble[0] ? client.trouble : NULL;
}

void talk_check(int line, enum service service, const struct line *lines, size_t n)
{
	const char *trouble = talk(service, lines, n);

	if (trouble)
		fail_msg("talk of source line %d: %s", line, trouble);
}
