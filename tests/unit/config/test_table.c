/* Rows and a mapping, made into a struct: src/config/table.c, and the keys that nobody knows: config.c. */
#include "files.h"

#include "base/clock.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

struct options {
	bool yes, no;
	int64_t number, least, size, any_size, time;
	const char *string, *none, *path, *default_path;
	int word;
	struct config_strings strings, no_strings;
	struct config_networks networks;
	struct config_endpoints listen, servers;
	const char *custom;
	int customs;
};

static const char *const colours[] = { "red", "green", "blue", NULL };

static void read_custom(struct config *c, const struct config_node *node, void *field)
{
	struct options *o = field;

	o->customs++;
	o->custom = NULL;
	if (config_kind(node) == CONFIG_SCALAR)
		o->custom = arena_text(config_arena(c), config_text(node));
	else if (config_kind(node) == CONFIG_MAP)
		config_error(c, config_key(node, 0), "custom trouble");
	else if (node)
		config_warn(c, node, "custom doubt");
}

#define AT(field) offsetof(struct options, field)
static const struct config_row rows[] = {
	{ .key = "yes", .type = CONFIG_BOOL, .fallback = "true", .offset = AT(yes) },
	{ .key = "a.no", .type = CONFIG_BOOL, .fallback = "no", .offset = AT(no) },
	{ .key = "a.number", .type = CONFIG_NUMBER, .fallback = "25", .min = 1, .max = 65535, .offset = AT(number) },
	{ .key = "a.least", .type = CONFIG_NUMBER, .fallback = "7", .min = 2, .offset = AT(least) },
	{ .key = "a.b.size", .type = CONFIG_SIZE, .fallback = "50M", .min = 1024, .max = 1 << 30,
	  .offset = AT(size) },
	{ .key = "a.b.any_size", .type = CONFIG_SIZE, .offset = AT(any_size) },
	{ .key = "a.b.time", .type = CONFIG_DURATION, .fallback = "5d", .min = SECONDS(1), .max = DAYS(30),
	  .offset = AT(time) },
	{ .key = "string", .type = CONFIG_STRING, .fallback = "text", .offset = AT(string) },
	{ .key = "none", .type = CONFIG_STRING, .offset = AT(none) },
	{ .key = "path", .type = CONFIG_PATH, .offset = AT(path) },
	{ .key = "default_path", .type = CONFIG_PATH, .fallback = "/var/x", .offset = AT(default_path) },
	{ .key = "word", .type = CONFIG_WORD, .fallback = "green", .words = colours, .offset = AT(word) },
	{ .key = "strings", .type = CONFIG_STRINGS, .fallback = "one, two", .offset = AT(strings) },
	{ .key = "no_strings", .type = CONFIG_STRINGS, .offset = AT(no_strings) },
	{ .key = "networks", .type = CONFIG_NETWORKS, .offset = AT(networks) },
	{ .key = "listen", .type = CONFIG_ENDPOINTS, .fallback = "0.0.0.0:25, [::]:25", .offset = AT(listen) },
	{ .key = "servers", .type = CONFIG_ENDPOINTS, .min = 53, .offset = AT(servers) },
	{ .key = "custom", .type = CONFIG_CUSTOM, .fallback = "its own", .read = read_custom },
	{ .key = NULL }
};

static struct config *load(struct str content, struct options *o)
{
	struct config *c;

	files_write("c.yaml", content);
	memset(o, 0x5a, sizeof(*o));       /* every field must be filled */
	o->customs = 0;
	c = config_load("c.yaml");
	config_read_table(c, config_root(c), rows, o);
	config_finish(c);
	return c;
}

static void assert_defaults(const struct options *o)
{
	char text[INET_TEXT_MAX];

	assert_true(o->yes);
	assert_false(o->no);
	assert_int_equal(o->number, 25);
	assert_int_equal(o->least, 7);
	assert_int_equal(o->size, 50 << 20);
	assert_int_equal(o->any_size, 0);
	assert_int_equal(o->time, DAYS(5));
	assert_string_equal(o->string, "text");
	assert_null(o->none);
	assert_null(o->path);
	assert_string_equal(o->default_path, "/var/x");
	assert_int_equal(o->word, 1);
	assert_int_equal(o->strings.n, 2);
	assert_string_equal(o->strings.v[0], "one");
	assert_string_equal(o->strings.v[1], "two");
	assert_int_equal(o->no_strings.n, 0);
	assert_int_equal(o->networks.n, 0);
	assert_int_equal(o->listen.n, 2);
	assert_string_equal(endpoint_text(&o->listen.v[1], text), "[::]:25");
	assert_int_equal(o->servers.n, 0);
	assert_string_equal(o->custom, "its own");
	assert_int_equal(o->customs, 1);
}

static void defaults(void **state)
{
	static const struct str contents[] = {
		STR("{}\n"), STR("yes: null\na: ~\nstring:\nword:\ncustom: null\npath: ~\nservers: ~\n"),
		STR("a: {b: null, number: ~}\n"), STR("a: {}\n"),
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < sizeof(contents) / sizeof(*contents); i++) {
		struct config *c = load(contents[i], &o);

		assert_true(config_is_right(c));
		assert_defaults(&o);
		config_destroy(&c);
	}
}

static void given(void **state)
{
	struct options o;
	struct config *c;
	char text[INET_TEXT_MAX];

	(void)state;
	files_write("sub/inc.yaml", STR("k/file.pem"));
	files_write("number", STR("2525\n"));
	setenv("TEST_LISTEN", "127.0.0.1:2525", 1);
	c = load(STR("yes: Off\na: {no: \"yes\", number: !file number, least: 9000000000,\n"
		"  b: {size: 1k, any_size: 7G, time: 90}}\nstring: 'null'\nnone: \"\"\npath: !include sub/inc.yaml\n"
		"default_path: rel\nword: blue\nstrings: one, of them\nno_strings: [x, 'y']\n"
		"networks: [10.0.0.0/8, \"2001:db8::/32\", 192.0.2.1]\nlisten: !env TEST_LISTEN\n"
		"servers: [\"192.0.2.53\", \"[::1]:5353\"]\ncustom: mine\n"), &o);
	assert_true(config_is_right(c));
	assert_int_equal(config_errors(c) + config_warnings(c), 0);
	assert_false(o.yes);
	assert_true(o.no);
	assert_int_equal(o.number, 2525);
	assert_int_equal(o.least, 9000000000);
	assert_int_equal(o.size, 1024);
	assert_int_equal(o.any_size, (int64_t)7 << 30);
	assert_int_equal(o.time, SECONDS(90));
	assert_string_equal(o.string, "null");
	assert_string_equal(o.none, "");
	assert_string_equal(o.path, "sub/k/file.pem");
	assert_string_equal(o.default_path, "rel");
	assert_int_equal(o.word, 2);
	assert_int_equal(o.strings.n, 1);
	assert_string_equal(o.strings.v[0], "one, of them");
	assert_int_equal(o.no_strings.n, 2);
	assert_string_equal(o.no_strings.v[1], "y");
	assert_int_equal(o.networks.n, 3);
	assert_int_equal(o.networks.v[1].bits, 32);
	assert_int_equal(o.listen.n, 1);
	assert_string_equal(endpoint_text(&o.listen.v[0], text), "127.0.0.1:2525");
	assert_int_equal(o.servers.n, 2);
	assert_int_equal(o.servers.v[0].port, 53);
	assert_string_equal(endpoint_text(&o.servers.v[1], text), "[::1]:5353");
	assert_string_equal(o.custom, "mine");
	config_destroy(&c);
}

static void off(void **state)
{
	struct options o;
	struct config *c = load(STR("listen: []\nstrings: []\n"), &o);

	(void)state;
	assert_true(config_is_right(c));
	assert_int_equal(o.listen.n, 0);
	assert_int_equal(o.strings.n, 0);
	config_destroy(&c);
}

/* What is wrong is told, and the default stands in for it. */
static void wrong(void **state)
{
	static const struct {
		struct str content;
		const char *problems;
	} cases[] = {
		{ STR("yes: 1\n"), "c.yaml:1:6: yes: expected true or false, not \"1\"\n" },
		{ STR("yes: [true]\n"), "c.yaml:1:6: yes: expected true or false, not a list\n" },
		{ STR("yes: ''\n"), "c.yaml:1:6: yes: expected true or false, not \"\"\n" },
		{ STR("a:\n  number: 25x\n"),
			"c.yaml:2:11: a.number: expected a whole number such as 25, not \"25x\"\n" },
		{ STR("a: {number: 0}\n"), "c.yaml:1:13: a.number: \"0\" is too little; expected from 1 to 65535\n" },
		{ STR("a: {number: 65536}\n"),
			"c.yaml:1:13: a.number: \"65536\" is too much; expected from 1 to 65535\n" },
		{ STR("a: {least: -1}\n"), "c.yaml:1:12: a.least: \"-1\" is too little; expected at least 2\n" },
		{ STR("a: {b: {size: 50MB}}\n"),
			"c.yaml:1:15: a.b.size: expected a size such as 512K, 50M or 1G, not \"50MB\"\n" },
		{ STR("a: {b: {size: 2G}}\n"), "c.yaml:1:15: a.b.size: \"2G\" is too much; expected from 1K to 1G\n" },
		{ STR("a: {b: {time: soon}}\n"),
			"c.yaml:1:15: a.b.time: expected a duration such as 5s, 10m, 4h or 5d, not \"soon\"\n" },
		{ STR("a: {b: {time: 31d}}\n"), "c.yaml:1:15: a.b.time: \"31d\" is too much; expected from 1s to 30d\n" },
		{ STR("a: {b: {time: {s: 5}}}\n"),
			"c.yaml:1:15: a.b.time: expected a duration such as 5s, 10m, 4h or 5d, not a mapping\n" },
		{ STR("string: {x: y}\n"), "c.yaml:1:9: string: expected a text, not a mapping\n" },
		{ STR("path: [x]\n"), "c.yaml:1:7: path: expected the path of a file or folder, not a list\n" },
		{ STR("path: ''\n"), "c.yaml:1:7: path: expected the path of a file or folder, not \"\"\n" },
		{ STR("word: grean\n"),
			"c.yaml:1:7: word: expected red, green or blue, not \"grean\"; did you mean \"green\"?\n" },
		{ STR("word: yellow\n"), "c.yaml:1:7: word: expected red, green or blue, not \"yellow\"\n" },
		{ STR("word: []\n"), "c.yaml:1:7: word: expected red, green or blue, not a list\n" },
		{ STR("strings: [x, [y]]\n"), "c.yaml:1:14: strings: expected a text, or a list of texts, not a list\n" },
		{ STR("strings: [x, ~]\n"), "c.yaml:1:14: strings: expected a text, or a list of texts, not nothing\n" },
		{ STR("strings: {x: y}\n"), "c.yaml:1:10: strings: expected a text, or a list of texts, not a mapping\n" },
		{ STR("networks: [10.0.0.0/33, x]\n"),
			"c.yaml:1:12: networks: expected a network such as 192.0.2.0/24 or 2001:db8::/32, "
			"or a list of them, not \"10.0.0.0/33\"\n"
			"c.yaml:1:25: networks: expected a network such as 192.0.2.0/24 or 2001:db8::/32, "
			"or a list of them, not \"x\"\n" },
		{ STR("listen: 25\n"),
			"c.yaml:1:9: listen: expected an address with its port such as \"192.0.2.1:25\" or "
			"\"[2001:db8::1]:25\", or a list of them, not \"25\"\n" },
		{ STR("listen: [\"0.0.0.0\"]\n"),
			"c.yaml:1:10: listen: expected an address with its port such as \"192.0.2.1:25\" or "
			"\"[2001:db8::1]:25\", or a list of them, not \"0.0.0.0\"\n" },
		{ STR("listen: null\n"), "c.yaml:1:9: listen: write [] for none, or remove the key for the default, "
			"which is 0.0.0.0:25, [::]:25\n" },
		{ STR("servers: dns.example\n"),
			"c.yaml:1:10: servers: expected an address such as \"192.0.2.1:53\" or \"[2001:db8::1]:53\", "
			"or a list of them, not \"dns.example\"\n" },
		{ STR("a: 5\n"), "c.yaml:1:4: a: expected a mapping with keys below it, not \"5\"\n" },
		{ STR("a: {b: [x]}\n"), "c.yaml:1:8: a.b: expected a mapping with keys below it, not a list\n" },
		{ STR("custom: [x]\n"), "c.yaml:1:9: warning: custom doubt\n" },
		{ STR("custom: {x: y, z: w}\n"), "c.yaml:1:10: custom trouble\n"
			"c.yaml:1:16: unknown key \"z\"; remove it\n" },
		{ STR("string: !env TEST_NONE\nlisten: !file none\n"),
			"c.yaml:1:9: !env: the environment variable TEST_NONE is not set\n"
			"c.yaml:2:9: !file: none can't be read: No such file or directory\n" },
		/* what a secret holds is not shown */
		{ STR("yes: !file secret\nword: !env TEST_SECRET\n"),
			"c.yaml:1:6: yes: expected true or false, not what the file secret holds\n"
			"c.yaml:2:7: word: expected red, green or blue, not what the variable TEST_SECRET holds\n" },
		/* a long value is cut between characters */
		{ STR("yes: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xbc\xc3\xbc\n"),
			"c.yaml:1:6: yes: expected true or false, "
			"not \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\"\n" },
		/* keys that nobody knows, at their own place; nothing is said of what is below them */
		{ STR("yess: true\na: {numbre: 5, q: {no: 1}}\nzzzzzzzz: 1\n"),
			"c.yaml:1:1: unknown key \"yess\"; did you mean \"yes\"?\n"
			"c.yaml:2:5: unknown key \"numbre\"; did you mean \"number\"?\n"
			"c.yaml:2:16: unknown key \"q\"; known here: no, number, least, b\n"
			"c.yaml:3:1: unknown key \"zzzzzzzz\"; known here: yes, a, string, none, path, default_path, word, "
			"strings, no_strings, networks, listen, servers, custom\n" },
		/* a key given twice is told once, and the first one counts */
		{ STR("yes: true\nyes: 1\n"),
			"c.yaml:2:1: the key \"yes\" was already given in line 1, column 1; keep one of the two\n" },
		/* where the type is wrong, its keys are no second problem */
		{ STR("yes: {enable: true}\n"), "c.yaml:1:6: yes: expected true or false, not a mapping\n" },
		{ STR("a: !include inc.yaml\nyes: 1\n"),
			"c.yaml:2:6: yes: expected true or false, not \"1\"\n"
			"inc.yaml:1:1: unknown key \"numberr\"; did you mean \"number\"?\n"
			"inc.yaml:2:4: a.b: expected a mapping with keys below it, not \"x\"\n" },
	};

	(void)state;
	files_write("secret", STR("hunter2\n"));
	files_write("inc.yaml", STR("numberr: 5\nb: x\n"));
	setenv("TEST_SECRET", "hunter2", 1);
	unsetenv("TEST_NONE");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct options o;
		struct config *c = load(cases[i].content, &o);
		struct buf b;

		print_message("%s", cases[i].content.p);
		buf_init(&b, 10000);
		config_print_problems(c, &b);
		assert_string_equal(buf_text(&b), cases[i].problems);
		assert_int_equal(config_is_right(c), strstr(cases[i].problems, "doubt") != NULL);
		if (config_warnings(c) == 0 && !strstr(cases[i].problems, "custom t"))
			assert_defaults(&o);
		buf_finish(&b);
		config_destroy(&c);
	}
}

/* A table can describe a mapping deeper down, or none: then its defaults. */
static void part(void **state)
{
	struct options o;
	struct config *c;
	struct buf b;

	(void)state;
	files_write("c.yaml", STR("list:\n  - {yes: false, a: {number: 5}}\n  - text\n"));
	c = config_load("c.yaml");
	memset(&o, 0x5a, sizeof(o));
	o.customs = 0;
	config_read_table(c, NULL, rows, &o);
	assert_defaults(&o);
	config_read_table(c, config_item(config_get(config_root(c), "list"), 0), rows, &o);
	assert_false(o.yes);
	assert_int_equal(o.number, 5);
	config_read_table(c, config_item(config_get(config_root(c), "list"), 1), rows, &o);
	assert_true(o.yes);
	buf_init(&b, 1000);
	config_print_problems(c, &b);
	assert_string_equal(buf_text(&b), "c.yaml:3:5: expected a mapping with keys below it, not \"text\"\n");
	buf_finish(&b);
	config_destroy(&c);
}

/* A bad file yields defaults and not one word more than its own trouble. */
static void unreadable(void **state)
{
	struct options o;
	struct config *c = load(STR("yes: [\n"), &o);

	(void)state;
	assert_null(config_root(c));
	assert_defaults(&o);
	assert_int_equal(config_errors(c), 1);
	assert_false(config_is_right(c));
	config_destroy(&c);
}

static void private(void **state)
{
	struct buf b;
	struct config *c;

	(void)state;
	files_write("key", STR("x"));
	files_write("open", STR("x"));
	files_write("group", STR("x"));
	files_write("inc.yaml", STR("p: x\n"));
	files_write("c.yaml", STR("a: x\nb: y\nc: !file open\nd: !file key\ne: !env TEST_SECRET\nf: !include inc.yaml\n"));
	assert_int_equal(chmod("c.yaml", 0644) | chmod("open", 0606) | chmod("group", 0660) | chmod("inc.yaml", 0602), 0);
	setenv("TEST_SECRET", "x", 1);
	c = config_load("c.yaml");
	for (const char *key = "abcde"; *key; key++)
		config_secret(c, config_get(config_root(c), (char[]){ *key, 0 }));
	config_secret(c, config_get(config_get(config_root(c), "f"), "p"));
	config_secret(c, NULL);
	config_check_private(c, config_get(config_root(c), "b"), "key");
	config_check_private(c, config_get(config_root(c), "b"), "group");
	config_check_private(c, config_get(config_root(c), "b"), "none");
	config_check_private(c, config_get(config_root(c), "b"), "open");
	buf_init(&b, 10000);
	config_print_problems(c, &b);
	assert_string_equal(buf_text(&b),
		"c.yaml:1:4: warning: c.yaml holds a secret, but every user of this machine may read it; chmod 640 c.yaml\n"
		"c.yaml:2:4: warning: open holds a secret, but every user of this machine may read it; chmod 640 open\n"
		"c.yaml:3:4: warning: open holds a secret, but every user of this machine may read it; chmod 640 open\n"
		"inc.yaml:1:4: warning: inc.yaml holds a secret, but every user of this machine may change it; "
		"chmod 640 inc.yaml\n");
	assert_true(config_is_right(c));
	assert_int_equal(config_warnings(c), 4);
	buf_finish(&b);
	config_destroy(&c);
}

/* Errors stand before warnings of the same place; the same is told once; places are in order. */
static void order(void **state)
{
	struct config *c;
	struct buf b;

	(void)state;
	files_write("c.yaml", STR("a: 1\nb: 2\n"));
	c = config_load("c.yaml");
	config_warn(c, config_get(config_root(c), "b"), "one");
	config_error(c, config_get(config_root(c), "b"), "two");
	config_error(c, config_get(config_root(c), "b"), "two");
	config_error(c, config_get(config_root(c), "b"), "a second");
	config_error(c, config_get(config_root(c), "a"), "%s", "a\nb\x7f");
	config_error(c, NULL, "top");
	buf_init(&b, 10000);
	config_print_problems(c, &b);
	assert_string_equal(buf_text(&b), "c.yaml:1:1: top\nc.yaml:1:4: a\\x0ab\\x7f\nc.yaml:2:4: two\n"
		"c.yaml:2:4: a second\nc.yaml:2:4: warning: one\n");
	assert_int_equal(config_errors(c), 4);
	buf_finish(&b);
	config_destroy(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(defaults, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(given, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(off, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(wrong, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(part, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(unreadable, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(private, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(order, files_setup, files_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
