/*
 * All tables together: src/admin/settings.c. It stands here because its rows are files, and to see that the example
 * that we give people is right, with all that is turned off in it too.
 */
#include "files.h"

#include "admin/settings.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char *problems_of(const struct settings *s)
{
	struct buf b;
	char *text;

	buf_init(&b, 1 << 20);
	config_print_problems(s->config, &b);
	text = mem_string(buf_text(&b));
	buf_finish(&b);
	return text;
}

static struct settings *load(const char *content)
{
	files_write("c.yaml", str_of(content));
	return settings_load("c.yaml");
}

#define HOST "ptr_hostname: mail.example.com\n"
#define SRS "srs: {srs_domain: srs.example.com}\n"
#define DOMAIN "virtual_domains: {example.com: {accounts: [{name: alice, forward: a@example.net}]}}\n"
#define BASE HOST SRS DOMAIN

static void whole(void **state)
{
	static const struct {
		const char *content;
		const char *problems;
	} rows[] = {
		{ BASE, "" },
		{ SRS DOMAIN, "c.yaml:1:1: ptr_hostname is missing; it is the name that this server's address resolves to "
			"(`dig -x ADDRESS`), such as ptr_hostname: mail.example.com\n" },
		{ "ptr_hostname: 192.0.2.1\n" SRS DOMAIN,
			"c.yaml:1:15: ptr_hostname: an address needs brackets; write \"[192.0.2.1]\"\n" },
		{ "ptr_hostname: a..b\n" SRS DOMAIN, "c.yaml:1:15: ptr_hostname: expected a name such as "
			"mail.example.com, or an address such as \"[192.0.2.1]\"\n" },
		{ "ptr_hostname: [a, b]\n" SRS DOMAIN, "c.yaml:1:15: ptr_hostname: expected a name such as "
			"mail.example.com, or an address such as \"[192.0.2.1]\"\n" },
		{ "ptr_hostname: \"[192.0.2]\"\n" SRS DOMAIN, "c.yaml:1:15: ptr_hostname: expected a name such as "
			"mail.example.com, or an address such as \"[192.0.2.1]\"\n" },
		{ "ptr_hostname: mailhost\n" SRS DOMAIN,
			"c.yaml:1:15: warning: ptr_hostname: \"mailhost\" has no dot; other servers refuse mail from one "
			"that does not give its full name, such as mail.example.com\n" },
		{ "ptr_hostname: !env TEST_NONE\n" SRS DOMAIN,
			"c.yaml:1:15: !env: the environment variable TEST_NONE is not set\n" },
		{ HOST DOMAIN, "" },
		{ HOST DOMAIN "srs: {enable: yes}\n", "c.yaml:3:15: srs.enable: true needs srs.srs_domain, the domain that "
			"rewritten senders get, such as srs_domain: srs.example.com\n" },
		{ HOST DOMAIN "srs: {enable: no}\n", "" },
		{ BASE "tls: {key: k.pem}\n",
			"c.yaml:4:12: tls.key: a key alone is no use; name its tls.certificate too\n" },
		{ BASE "listen: {smtp: [\"127.0.0.1:25\", \"127.0.0.1:25\"], submission: [], submissions: \"127.0.0.1:25\"}\n",
			"c.yaml:4:16: listen.smtp: 127.0.0.1:25 is taken by listen.smtp already; take another port\n"
			"c.yaml:4:79: listen.submissions: 127.0.0.1:25 is taken by listen.smtp already; take another port\n" },
		{ BASE "listen: {smtp: [\"127.0.0.1:25\", \"127.0.0.2:25\"]}\n", "" },
		{ BASE "listen: {smtp: [], submission: [], submissions: []}\n",
			"c.yaml:4:9: listen: all three ports are turned off; keep at least listen.smtp: "
			"[\"0.0.0.0:25\", \"[::]:25\"]\n" },
		{ BASE "relay: {host: \"127.0.0.1:25\"}\n", "c.yaml:4:8: relay: 127.0.0.1:25 is this server itself, and mail "
			"would run in a loop; name the next server's address\n" },
		{ BASE "listen: {smtp: \"192.0.2.1:25\"}\nnext_hops: {a.example: \"192.0.2.2:25\", b.example: \"192.0.2.1:25\"}\n",
			"c.yaml:5:51: next_hops: 192.0.2.1:25 is this server itself, and mail would run in a loop; "
			"name the next server's address\n" },
		{ BASE "listen: {smtp: \"127.0.0.1:25\"}\nnext_hops: {\"*\": \"127.0.0.2:25\"}\n", "" },
		{ BASE "deliver: {min_backoff: 2h, max_backoff: 1h}\n",
			"c.yaml:4:24: deliver: min_backoff is longer than max_backoff; make it the shorter one\n" },
		{ BASE "dkim: {enable: true}\n", "c.yaml:4:16: warning: dkim.enable: no domain has a key, so nothing is "
			"signed; `waypost keygen -d DOMAIN -s mail` makes one, and dkim: {selector: mail, key: FILE} below "
			"the domain names it\n" },
		{ BASE "dkim: {enable: false}\n", "" },
		{ BASE "postscreen: {dnsbl: {threshold: 3, sites: \"a.example*2 b.example*-4\"}}\n",
			"c.yaml:4:21: warning: postscreen.dnsbl: the weights of all lists add up to 2, below the "
			"threshold, so that they refuse nobody; raise weights or lower dnsbl.threshold\n" },
		{ BASE "postscreen: {dnsbl: {threshold: 3, sites: \"a.example*2 b.example\"}}\n", "" },
		{ BASE "postscreen: {dnsbl: {sites: []}}\n", "" },
		{ BASE "admin: {http: [\"127.0.0.1:1\", \"127.0.0.1:2\"]}\n",
			"c.yaml:4:15: admin.http: one address is enough; remove the others\n" },
		{ BASE "admin: {http: \"0.0.0.0:8025\"}\n", "c.yaml:4:15: warning: admin.http: the status page asks for no "
			"password; let it listen on 127.0.0.1 only\n" },
		{ BASE "admin: {socket: [x]}\n",
			"c.yaml:4:17: admin.socket: expected a path, such as /run/waypost/control.sock\n" },
		{ BASE "admin: {socket: /1234567890123456789012345678901234567890123456789012345678901234567890"
			"12345678901234567890123456789012345678}\n",
			"c.yaml:4:17: admin.socket: a socket's path has at most 107 bytes; take a shorter one\n" },
		{ BASE "user: \"a:b\"\n",
			"c.yaml:4:7: user: expected the name of a user of this machine, such as waypost\n" },
		{ BASE "user: root\n", "c.yaml:4:7: warning: user: as root, a fault in this server is one of the whole "
			"machine; make a user for it (`useradd --system waypost`)\n" },
		{ BASE "log: {format: xml, level: warning, max_size: 1, keep: 0}\n",
			"c.yaml:4:15: log.format: expected text or json, not \"xml\"\n"
			"c.yaml:4:27: log.level: expected debug, info, warn or error, not \"warning\"; did you mean \"warn\"?\n"
			"c.yaml:4:46: log.max_size: \"1\" is too little; expected from 64K to 1024G\n"
			"c.yaml:4:55: log.keep: \"0\" is too little; expected from 1 to 1000\n" },
		{ BASE "spol: /tmp\npostscreen: {enabel: true}\n", "c.yaml:4:1: unknown key \"spol\"; did you mean \"spool\"?\n"
			"c.yaml:5:14: unknown key \"enabel\"; did you mean \"enable\"?\n" },
	};

	(void)state;
	unsetenv("TEST_NONE");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct settings *s = load(rows[i].content);
		char *got = problems_of(s);

		print_message("%s", rows[i].content);
		assert_string_equal(got, rows[i].problems);
		free(got);
		settings_destroy(&s);
		assert_null(s);
	}
}

/* Problems of several folders come together, in the order of the file. */
static void several_folders(void **state)
{
	static const char *const places[] = { "c.yaml:1:", "c.yaml:2:", "c.yaml:3:", "c.yaml:4:", "c.yaml:5:" };
	struct settings *s = load("ptr_hostname: a b\nsrs: {enable: maybe}\nvirtual_domains: {example.com: {accounts: "
		"[{name: alice, forward: nobody}], dkim: {selector: mail, key: none.pem}}}\ntls: {certificate: none.pem}\n"
		"limits: {recipients: 0}\n");
	char *got = problems_of(s), *at = got;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		at = strstr(at, places[i]);
		assert_non_null(at);
	}
	assert_false(config_is_right(s->config));
	free(got);
	settings_destroy(&s);
}

static void hostnames(void **state)
{
	static const struct {
		const char *content;
		const char *name;
	} rows[] = {
		{ "ptr_hostname: Mail.Example.COM\n" SRS DOMAIN, "mail.example.com" },
		{ "ptr_hostname: m\xc3\xbcnchen.example\n" SRS DOMAIN, "xn--mnchen-3ya.example" },
		{ "ptr_hostname: \"[192.0.2.1]\"\n" SRS DOMAIN, "[192.0.2.1]" },
		{ "ptr_hostname: [192.0.2.1]\n" SRS DOMAIN, "[192.0.2.1]" },
		{ "ptr_hostname: \"[IPv6:2001:DB8::1]\"\n" SRS DOMAIN, "[IPv6:2001:db8::1]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct settings *s = load(rows[i].content);

		assert_true(config_is_right(s->config));
		assert_string_equal(s->hostname, rows[i].name);
		assert_string_equal(s->route.hostname, rows[i].name);
		assert_string_equal(s->deliver.hostname, rows[i].name);
		assert_string_equal(s->receive.hostname, rows[i].name);
		settings_destroy(&s);
	}
}

/* The keys of the old forwarder, as its own example writes them. */
static void old_forwarder(void **state)
{
	struct settings *s = load("ptr_hostname: somerandom.domain.example\nsrs:\n  enable: True\n"
		"  srs_domain: srs.example.com\n  srs_secret: cmFuZG9tIGJhc2U2NCBzZWNyZXQ=\npostscreen:\n"
		"  enable: True\n  enable_slow_checks: False\ndkim:\n  enable: False\nvirtual_domains:\n  example.com:\n"
		"    accounts:\n    - name: alice\n      password: alice_pw\n      forward: alice@example.net\n"
		"      dot_plus_rewrite: true\n      aliases:\n        - al\n    - name: bob\n      password: bob_pw\n"
		"      forward:\n        - bob1@example.net\n        - bob2@example.net\n    blackholes: [alice.spammy]\n");
	char text[INET_TEXT_MAX];

	(void)state;
	assert_true(config_is_right(s->config));
	assert_true(s->srs.enable);
	assert_string_equal(s->srs.domain, "srs.example.com");
	assert_int_equal(s->srs.secrets.n, 1);
	assert_string_equal(s->srs.secrets.v[0], "cmFuZG9tIGJhc2U2NCBzZWNyZXQ=");
	assert_true(s->receive.postscreen_enable);
	assert_false(s->receive.postscreen_slow_checks);
	assert_false(s->sign.enable);
	assert_int_equal(s->route.domain_count, 1);
	/* and all the rest has its default */
	assert_string_equal(s->spool, "/var/spool/waypost");
	assert_string_equal(s->user, "waypost");
	assert_string_equal(s->control_socket, "/run/waypost/control.sock");
	assert_int_equal(s->http.n, 0);
	assert_int_equal(s->log.format, LOG_TEXT);
	assert_int_equal(s->log.level, LOG_INFO);
	assert_null(s->log.file);
	assert_int_equal(s->log.max_size, 10 << 20);
	assert_int_equal(s->log.keep, 5);
	assert_int_equal(s->receive.smtp.n, 2);
	assert_string_equal(endpoint_text(&s->receive.smtp.v[0], text), "0.0.0.0:25");
	settings_destroy(&s);
}

static void handed_over(void **state)
{
	struct settings *s = load(BASE);
	struct signer *signer;
	struct routes *routes;
	struct why why;

	(void)state;
	assert_true(config_is_right(s->config));
	assert_true(settings_route(s, NULL, &routes, &signer, &why));
	assert_non_null(routes);
	assert_non_null(signer);
	assert_null(s->signer);
	assert_true(route_is_our_domain(routes, STR("example.com")));
	routes_destroy(&routes);
	signer_destroy(&signer);
	settings_destroy(&s);
}

static void places(void **state)
{
	struct settings *s;
	const char *spool, *socket;

	(void)state;
	/* the rest may be wrong: the queue must be reachable all the same */
	files_write("c.yaml", STR("spool: sp\nadmin: {socket: sub/sock}\nvirtual_domains: 5\nunknown: 1\n"));
	assert_true(settings_places("c.yaml", &s, &spool, &socket));
	assert_string_equal(spool, "sp");
	assert_string_equal(socket, "sub/sock");
	settings_destroy(&s);
	files_write("c.yaml", STR("spool: [x]\n"));
	assert_false(settings_places("c.yaml", &s, &spool, &socket));
	assert_null(s);
	assert_false(settings_places("none.yaml", &s, NULL, NULL));
	assert_null(s);
	assert_null(settings_load_or_explain("c.yaml"));
}

/* ---- conf/config.example.yaml ---- */

static char *read_example(void)
{
	FILE *f = fopen(EXAMPLE, "r");
	char *text = mem_alloc(1 << 20);

	assert_non_null(f);
	assert_in_range(fread(text, 1, (1 << 20) - 1, f), 1000, 1 << 19);
	fclose(f);
	return text;
}

/* Behind the first headline each "#" that one space does not follow turns a setting off. */
static void turn_all_on(char *text)
{
	char *line = strstr(text, "\n# ----");

	assert_non_null(line);
	for (line++; *line; line = strchr(line, '\n') + 1) {
		char *hash = line + strspn(line, " ");
		size_t spaces = *hash == '#' ? strspn(hash + 1, " ") : 1;

		if (spaces != 1 && hash[1] != '\n')
			memmove(hash, hash + 1, strlen(hash));
	}
}

static void assert_same_field(const struct config_row *row, const void *a, const void *b)
{
	const struct config_endpoints *x = a, *y = b;
	const char *const *p = a, *const *q = b;

	switch (row->type) {
	case CONFIG_BOOL:
		assert_int_equal(*(const bool *)a, *(const bool *)b);
		break;
	case CONFIG_NUMBER:
	case CONFIG_SIZE:
	case CONFIG_DURATION:
		assert_int_equal(*(const int64_t *)a, *(const int64_t *)b);
		break;
	case CONFIG_WORD:
		assert_int_equal(*(const int *)a, *(const int *)b);
		break;
	case CONFIG_STRING:
	case CONFIG_PATH:
		assert_int_equal(*p != NULL, *q != NULL);
		if (*p)
			assert_string_equal(*p, *q);
		break;
	case CONFIG_ENDPOINTS:
		assert_int_equal(x->n, y->n);
		for (size_t i = 0; i < x->n; i++)
			assert_true(inet_same(&x->v[i].addr, &y->v[i].addr) && x->v[i].port == y->v[i].port);
		break;
	case CONFIG_STRINGS:
	case CONFIG_NETWORKS:
		assert_int_equal(((const struct config_strings *)a)->n, ((const struct config_strings *)b)->n);
		break;
	case CONFIG_CUSTOM:
		break;
	}
}

static bool is_given(const struct config *c, const char *key)
{
	const struct config_node *n = config_root(c);
	struct str rest = str_of(key);
	char name[64];

	while (n && rest.n > 0) {
		struct str part = str_cut(&rest, '.');

		snprintf(name, sizeof(name), "%.*s", STR_FMT(part));
		n = config_get(n, name);
	}
	return n != NULL;
}

static void example(void **state)
{
	char *text = read_example(), *got;
	struct settings *plain, *full;

	(void)state;
	plain = load(text);
	got = problems_of(plain);
	assert_string_equal(got, "");
	free(got);
	turn_all_on(text);
	full = load(text);
	got = problems_of(full);
	print_message("%s", got);
	assert_true(config_is_right(full->config));
	/* it names no key, of course */
	assert_int_equal(config_warnings(full->config), 1);
	assert_non_null(strstr(got, "warning: dkim.enable: no domain has a key"));
	free(got);
	for (size_t i = 0; i < settings_table_count; i++) {
		for (const struct config_row *row = settings_tables[i].rows; row->key; row++) {
			size_t at = settings_tables[i].offset + row->offset;

			print_message("%s\n", row->key);
			assert_true(is_given(full->config, row->key));
			assert_same_field(row, (char *)plain + at, (char *)full + at);
		}
	}
	settings_destroy(&plain);
	settings_destroy(&full);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(several_folders, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(hostnames, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(old_forwarder, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(handed_over, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(places, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(example, files_setup, files_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
