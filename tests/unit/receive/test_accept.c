/* Listeners: bound, recognised as ours, full, closed. */
#include "../unit.h"

#include "parts.h"

#include "base/must.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static struct endpoint at = { .addr = { .ip = { 127, 0, 0, 1 } } };

/* A port of 127.0.0.1 that is free now. */
static uint16_t free_port(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(bind(fd, (struct sockaddr *)&sa, n) == 0 && getsockname(fd, (struct sockaddr *)&sa, &n) == 0);
	close(fd);
	return ntohs(sa.sin_port);
}

static int begin(void **state)
{
	(void)state;
	world_begin();
	at.port = free_port();
	world.options.smtp = (struct config_endpoints){ &at, 1 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	world_end();
	return 0;
}

static struct receive *create(struct why *why)
{
	struct receive_parts parts = { .loop = world.loop, .tls = world.tls, .screen = &world.screen,
		.check_options = &world.check };

	return receive_create(&world.options, &parts, why);
}

static int connect_to(void)
{
	struct sockaddr_storage sa;
	socklen_t n = endpoint_sockaddr(&at, &sa);
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(connect(fd, (struct sockaddr *)&sa, n) == 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return fd;
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static void run_for(int64_t ms)
{
	struct timer *t = timer_new(world.loop, stop_loop, world.loop);

	timer_set(t, ms);
	loop_run(world.loop);
	timer_destroy(&t);
}

static void expect(int fd, const char *begins)
{
	char line[200] = "";
	ssize_t n = recv(fd, line, sizeof line - 1, 0);

	assert_true(n > 0);
	if (strncmp(line, begins, strlen(begins)) != 0)
		fail_msg("got \"%s\", want \"%s\"", line, begins);
}

static void crowded(void **state)
{
	struct why why;
	int fds[4];

	(void)state;
	world.options.clients_per_network = 2;
	world.receive = create(&why);
	assert_non_null(world.receive);
	for (int i = 0; i < 3; i++)
		fds[i] = connect_to();
	run_for(50);
	assert_int_equal(receive_counts(world.receive).accepted, 3);
	assert_int_equal(receive_counts(world.receive).sessions, 2);
	expect(fds[0], "220 mx.example.com ESMTP");
	expect(fds[1], "220 ");
	expect(fds[2], "421 4.7.0 mx.example.com Too many");
	close(fds[0]);
	run_for(50);
	assert_int_equal(receive_counts(world.receive).sessions, 1);
	fds[3] = connect_to();
	run_for(50);
	expect(fds[3], "220 ");
	for (int i = 1; i < 4; i++)
		close(fds[i]);
}

static void ourselves(void **state)
{
	static const struct { const char *text; bool specific, any; } rows[] = {
		{ "127.0.0.1", true, true }, { "127.0.0.9", false, true }, { "192.0.2.1", false, false },
		{ "::1", false, false },
	};
	struct why why;
	struct endpoint e;

	(void)state;
	for (int any = 0; any < 2; any++) {
		at.addr.ip[0] = any ? 0 : 127;
		at.addr.ip[3] = any ? 0 : 1;
		world.receive = create(&why);
		assert_non_null(world.receive);
		for (size_t i = 0; i < ROWS(rows); i++) {
			e.port = at.port;
			row_true(i, inet_parse(&e.addr, str_of(rows[i].text)));
			row_true(i, receive_is_own_endpoint(world.receive, &e) == (any ? rows[i].any : rows[i].specific));
			e.port++;
			row_true(i, !receive_is_own_endpoint(world.receive, &e));
		}
		receive_destroy(&world.receive);
	}
	at.addr = (struct inet_addr){ .ip = { 127, 0, 0, 1 } };
}

static void taken(void **state)
{
	struct why why = { 0 };
	struct receive *second;

	(void)state;
	world.receive = create(&why);
	assert_non_null(world.receive);
	second = create(&why);
	assert_null(second);
	assert_int_equal(why.error, EADDRINUSE);
	assert_non_null(strstr(why.text, "127.0.0.1"));
}

/* ---- proxies ---- */

static struct network proxies;

static void be_proxied(void)
{
	struct why why;

	assert_true(network_parse(&proxies, STR("127.0.0.1")));
	world.options.proxies = (struct config_networks){ &proxies, 1 };
	world.receive = create(&why);
	assert_non_null(world.receive);
}

static void send_text(int fd, const char *p, size_t n)
{
	assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Closed without a word; what was not read makes it a reset. */
static void expect_end(int fd)
{
	char c;

	assert_true(recv(fd, &c, 1, 0) == 0 || errno == ECONNRESET);
	close(fd);
}

static void proxied(void **state)
{
	static const char v2[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" "\xcb\0\x71\x07" "\xcb\0\x71\x01" "\x9c\x40" "\0\x19"
		"MAIL\r\n";
	static const char local[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
	int fd;

	(void)state;
	/* the limits are the client's, not the proxy's */
	world.options.clients_per_network = 1;
	be_proxied();
	fd = connect_to();
	send_text(fd, "PROXY TCP4 203.0.113.9 203.0.113.1 40000 25\r\n", 46);
	run_for(50);
	expect(fd, "220 mx.example.com ESMTP");
	for (int i = 0; i < 2; i++) {
		int second = connect_to();

		send_text(second, i ? v2 : "PROXY TCP4 203.0.113.9 203.0.113.1 40001 25\r\n", i ? sizeof v2 - 1 : 46);
		run_for(50);
		expect(second, i ? "220 mx.example.com ESMTP waypost\r\n503" : "421 4.7.0 mx.example.com Too many connections from");
		close(second);
	}
	close(fd);
	/* a proxy that says that it speaks for itself, or does not know */
	fd = connect_to();
	send_text(fd, local, sizeof local - 1);
	run_for(50);
	expect(fd, "220 ");
	close(fd);
	fd = connect_to();
	send_text(fd, "PROXY UNKNOWN\r\nNOOP\r\n", 21);
	run_for(50);
	expect(fd, "220 mx.example.com ESMTP waypost\r\n250");
	close(fd);
	run_for(50);
	assert_int_equal(receive_counts(world.receive).hidden, 2);
	assert_int_equal(receive_counts(world.receive).sessions, 0);
	assert_int_equal(receive_counts(world.receive).bad_proxy, 0);
}

/* Octet by octet, malformed, cut off, and a proxy that only looks whether we are there. */
static void headers(void **state)
{
	static const char header[] = "PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n";
	int fd;

	(void)state;
	be_proxied();
	fd = connect_to();
	for (const char *p = header; *p; p++) {
		send_text(fd, p, 1);
		run_for(2);
	}
	run_for(20);
	expect(fd, "220 ");
	close(fd);
	fd = connect_to();
	send_text(fd, "EHLO client.example\r\n", 21);
	run_for(20);
	expect_end(fd);
	fd = connect_to();
	send_text(fd, "PROXY TCP4 203.0.113.9", 22);
	shutdown(fd, SHUT_WR);
	run_for(20);
	expect_end(fd);
	assert_int_equal(receive_counts(world.receive).bad_proxy, 2);
	fd = connect_to();
	close(fd);
	run_for(20);
	assert_int_equal(receive_counts(world.receive).bad_proxy, 2);
	assert_int_equal(receive_counts(world.receive).sessions, 0);
	/* one that says nothing is there while the server goes away */
	fd = connect_to();
	run_for(20);
	assert_int_equal(receive_counts(world.receive).sessions, 1);
	receive_destroy(&world.receive);
	expect_end(fd);
}

/* On 465 TLS begins right behind the header, even in the same piece. */
static void proxied_tls(void **state)
{
	static const char header[] = "PROXY TCP4 203.0.113.9 203.0.113.1 40000 465\r\n";
	/* a record that is no handshake: TLS must see it, and say so with an alert */
	static const char rubbish[] = "\x17\x03\x03\0\x01x";
	char all[sizeof header + sizeof rubbish], answer[16];
	int fd;

	(void)state;
	world.options.submissions = world.options.smtp;
	world.options.smtp.n = 0;
	be_proxied();
	memcpy(all, header, sizeof header - 1);
	memcpy(all + sizeof header - 1, rubbish, sizeof rubbish - 1);
	fd = connect_to();
	send_text(fd, all, sizeof header + sizeof rubbish - 2);
	run_for(100);
	assert_true(recv(fd, answer, sizeof answer, 0) > 0);
	assert_int_equal(answer[0], 0x15);
	close(fd);
}

#define ACCEPT_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = { ACCEPT_TEST(crowded), ACCEPT_TEST(ourselves), ACCEPT_TEST(taken),
		ACCEPT_TEST(proxied), ACCEPT_TEST(headers), ACCEPT_TEST(proxied_tls) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
