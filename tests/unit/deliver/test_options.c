/* relay, next_hops and deliver, as a person writes them. */
#include "../unit.h"
#include "hop.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static struct config *load(const char *text, struct deliver_options *o)
{
	char path[] = "/tmp/waypost-options-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	struct config *c = config_load(path);

	memset(o, 0, sizeof(*o));
	config_read_table(c, config_root(c), deliver_rows, o);
	config_finish(c);
	unlink(path);
	return c;
}

static void accepts(void **state)
{
	static const struct { const char *text, *relay; int tls; const char *username;
	} rows[] = {
		{ "deliver: {port: 2525}\n", NULL, 0, NULL },
		{ "relay: null\n", NULL, 0, NULL },
		{ "relay: \"smtp.example.net:2525\"\n", "smtp.example.net:2525",
			TLS_POLICY_OPPORTUNISTIC, NULL },
		{ "relay: {host: smtp.example.net}\n", "smtp.example.net:25",
			TLS_POLICY_OPPORTUNISTIC, NULL },
		{ "relay: {host: \"[::1]:26\", tls: none}\n", "[::1]:26", TLS_POLICY_NONE, NULL },
		{ "relay: {host: \"a.test:465\", tls: verify}\n", "a.test:465", TLS_POLICY_VERIFY,
			NULL },
		{ "relay: {host: \"a.test:587\", username: u, password: p}\n", "a.test:587",
			TLS_POLICY_REQUIRED, "u" },
		{ "relay: {host: \"a.test:587\", tls: verify, username: u, password: p}\n",
			"a.test:587", TLS_POLICY_VERIFY, "u" },
		{ "relay: {host: \"127.0.0.1:25\", tls: none, username: u, password: p}\n",
			"127.0.0.1:25", TLS_POLICY_NONE, "u" },
		{ "relay: {host: \"localhost:25\", tls: none, username: u, password: p}\n",
			"localhost:25", TLS_POLICY_NONE, "u" },
	};
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct deliver_options o;
		struct config *c = load(rows[i].text, &o);

		row_true(i, config_is_right(c));
		row_true(i, (o.relay != NULL) == (rows[i].relay != NULL));
		if (o.relay) {
			row_text(i, str_of(hop_text(o.relay, config_arena(c))),
				str_of(rows[i].relay));
			row_true(i, o.relay->tls == rows[i].tls);
			row_text(i, str_of(o.relay->username), str_of(rows[i].username));
		}
		config_destroy(&c);
	}
}

static void refuses(void **state)
{
	static const struct { const char *text, *says; } rows[] = {
		{ "relay: {host: \"a b\"}\n", "is no next hop" },
		{ "relay: {host: \"a.test:99999\"}\n", "is no next hop" },
		{ "relay: {tls: none}\n", "has no host" },
		{ "relay: {host: a.test, tls: maybe}\n", "tls" },
		{ "relay: {host: a.test, tsl: none}\n", "did you mean" },
		{ "relay: [a.test]\n", "a next hop is" },
		{ "relay: {host: a.test, username: u}\n", "go together" },
		{ "relay: {host: a.test, password: p}\n", "go together" },
		{ "relay: {host: a.test, tls: none, username: u, password: p}\n", "in clear" },
		{ "relay: {host: \"a.test:465\", tls: none}\n", "465" },
		{ "next_hops: [a]\n", "mapping" },
		{ "next_hops: {\"a b\": \"c:25\"}\n", "is no domain" },
		{ "next_hops: {a.test: \"c:x\"}\n", "is no next hop" },
		{ "next_hops: {a.test: \"c:25\", A.test: \"d:25\"}\n", "already" },
		{ "deliver: {bind: [mail.example.net]}\n", "deliver.bind" },
		{ "deliver: {port: 0}\n", "port" },
		{ "deliver: {messages_per_connection: 0}\n", "messages_per_connection" },
	};
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct deliver_options o;
		struct config *c = load(rows[i].text, &o);
		struct buf out;

		buf_init(&out, 100000);
		config_print_problems(c, &out);
		row_true(i, !config_is_right(c));
		if (!strstr(buf_text(&out), rows[i].says))
			fail_msg("row %zu: \"%s\" says nothing of \"%s\"", i, buf_text(&out),
				rows[i].says);
		buf_finish(&out);
		config_destroy(&c);
	}
}

static void next_hops_and_bind(void **state)
{
	struct deliver_options o;
	struct config *c = load("next_hops:\n"
		"  Gmail.com: \"127.0.0.9:2525\"\n"
		"  b\xc3\xbc""cher.example: {host: mx.test, tls: required}\n"
		"  \"*\": smart.test\n"
		"deliver: {bind: [\"192.0.2.1\", \"2001:db8::1\"], soft_bounce: true}\n", &o);

	(void)state;
	assert_true(config_is_right(c));
	assert_int_equal(o.next_hop_count, 3);
	assert_string_equal(o.next_hops[0].domain, "gmail.com");
	assert_string_equal(o.next_hops[1].domain, "xn--bcher-kva.example");
	assert_int_equal(o.next_hops[1].hop.tls, TLS_POLICY_REQUIRED);
	assert_ptr_equal(hop_find(&o, STR("elsewhere.test")), &o.next_hops[2].hop);
	assert_int_equal(o.bind.n, 2);
	assert_string_equal(o.bind.v[1], "2001:db8::1");
	assert_true(o.soft_bounce);
	config_destroy(&c);
}

static void defaults(void **state)
{
	struct deliver_options o;
	struct config *c = load("{}\n", &o);

	(void)state;
	assert_true(config_is_right(c));
	assert_int_equal(o.port, 25);
	assert_int_equal(o.connect_timeout, SECONDS(30));
	assert_int_equal(o.command_timeout, MINUTES(5));
	assert_int_equal(o.data_timeout, MINUTES(3));
	assert_int_equal(o.final_timeout, MINUTES(10));
	assert_int_equal(o.bind.n, 0);
	assert_null(o.relay);
	assert_int_equal(o.next_hop_count, 0);
	for (const struct config_row *r = deliver_rows; r->key; r++)
		assert_true(strlen(r->text) > 20 && r->text[strlen(r->text) - 1] == '.');
	config_destroy(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts),
		cmocka_unit_test(refuses),
		cmocka_unit_test(next_hops_and_bind),
		cmocka_unit_test(defaults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
