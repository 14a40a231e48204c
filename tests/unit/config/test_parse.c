/* YAML into nodes, and each thing that is refused: src/config/parse.c and tags.c. */
#include "files.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct row {
	const char *what;
	struct str content;
	const char *problems;
};

static void refused(void **state)
{
	static const struct row rows[] = {
		{ "nothing wrong", STR("a: 1\nb: {c: [1, 2]}\n"), "" },
		{ "empty", STR(""),
			"c.yaml:1:1: the file is empty; conf/config.example.yaml shows what belongs there\n" },
		{ "comments only", STR("# hello\n\n"),
			"c.yaml:1:1: the file is empty; conf/config.example.yaml shows what belongs there\n" },
		{ "no mapping", STR("hello\n"),
			"c.yaml:1:1: expected keys such as ptr_hostname: mail.example.com, not \"hello\"\n" },
		{ "a list", STR("- a\n"),
			"c.yaml:1:1: expected keys such as ptr_hostname: mail.example.com, not a list\n" },
		{ "duplicate key", STR("port: 25\nhost: a\nport: 26\n"),
			"c.yaml:3:1: the key \"port\" was already given in line 1, column 1; keep one of the two\n" },
		{ "three times, and deeper", STR("x: {b: 1, b: 2, 'b': 3}\n"),
			"c.yaml:1:11: the key \"b\" was already given in line 1, column 5; keep one of the two\n"
			"c.yaml:1:17: the key \"b\" was already given in line 1, column 5; keep one of the two\n" },
		{ "anchor and alias", STR("a: &x 1\nb: *x\n"),
			"c.yaml:1:4: anchors (&x) are not used here; write the value out, or use !include FILE\n"
			"c.yaml:2:4: aliases (*x) are not used here; a text that begins with * needs quotes: \"*x\"\n" },
		{ "anchors before lists and mappings", STR("a: &x [1]\nb: &y {c: d}\n"),
			"c.yaml:1:4: anchors (&x) are not used here; write the value out, or use !include FILE\n"
			"c.yaml:2:4: anchors (&y) are not used here; write the value out, or use !include FILE\n" },
		{ "a cycle", STR("a: &a [*a]\n"),
			"c.yaml:1:4: anchors (&a) are not used here; write the value out, or use !include FILE\n"
			"c.yaml:1:8: aliases (*a) are not used here; a text that begins with * needs quotes: \"*a\"\n" },
		{ "an unknown alias as key", STR("*a : 1\nb: 2\n"),
			"c.yaml:1:1: aliases (*a) are not used here; a text that begins with * needs quotes: \"*a\"\n" },
		{ "a bare star", STR("accounts:\n  - name: *\n"),
			"c.yaml:2:12: not YAML: did not find expected alphabetic or numeric character; "
			"a text that begins with * or & needs quotes: \"*\"\n" },
		{ "merge key", STR("a: {<<: {b: 1}}\n"),
			"c.yaml:1:5: merging (<<) is not used here; write the keys out, or use !include FILE\n" },
		{ "two documents", STR("a: 1\n---\nb: 2\n"),
			"c.yaml:2:1: a second document begins here; a configuration is one: remove this line\n" },
		{ "one document, marked", STR("%YAML 1.1\n---\na: 1\n...\n"), "" },
		{ "tags", STR("a: !!str 1\nb: !foo x\nc: ! x\nd: !!map {e: f}\n!x g: h\n"),
			"c.yaml:1:4: the tag tag:yaml.org,2002:str is not known here; "
			"known are !include FILE, !file PATH and !env NAME\n"
			"c.yaml:2:4: the tag !foo is not known here; "
			"known are !include FILE, !file PATH and !env NAME\n"
			"c.yaml:3:4: the tag ! is not known here; "
			"known are !include FILE, !file PATH and !env NAME\n"
			"c.yaml:4:4: the tag tag:yaml.org,2002:map can't stand before a list or a mapping; remove it\n"
			"c.yaml:5:1: a key can't have a tag; write it as a plain word\n" },
		{ "tags without their argument", STR("a: !file\nb: !env ''\nc: !include\n"),
			"c.yaml:1:4: !file needs the name of a file behind it\n"
			"c.yaml:2:4: !env needs the name of a variable behind it\n"
			"c.yaml:3:4: !include needs the name of a YAML file behind it\n" },
		{ "keys that are none", STR("? [a]\n: b\n? {c: d}\n: e\n?\n: g\n~: h\n"),
			"c.yaml:1:3: a key must be a word, not a list\n"
			"c.yaml:3:3: a key must be a word, not a mapping\n"
			"c.yaml:5:2: a key is missing\n"
			"c.yaml:7:1: a key must be a word, not nothing\n" },
		{ "NUL by an escape", STR("a: \"x\\0y\"\n"), "c.yaml:1:4: there is a NUL byte in this text; remove it\n" },
		{ "NUL as a byte", STR("a: 1\nb: x\0y\n"),
			"c.yaml:2:5: there is a NUL byte; save the file as plain text in UTF-8\n" },
		{ "UTF-16", STR("\xff\xfe" "a\0:\0"), "c.yaml:1:1: the file is UTF-16; save it as UTF-8\n" },
		{ "Latin-1", STR("a: 1\nname: J\xfcrgen\n"),
			"c.yaml:2:8: the byte 0xfc is not UTF-8; save the file as UTF-8\n" },
		{ "columns are characters", STR("\xc3\xbc\xc3\xbc: {b: 1, b: 2}\n"),
			"c.yaml:1:12: the key \"b\" was already given in line 1, column 6; keep one of the two\n" },
		{ "a byte order mark is fine", STR("\xef\xbb\xbf" "a: {b: 1, b: 2}\n"),
			"c.yaml:1:11: the key \"b\" was already given in line 1, column 5; keep one of the two\n" },
		{ "a control byte", STR("a: 1\n\xc3\xbc: x\x01y\n"),
			"c.yaml:2:5: not YAML: control characters are not allowed; "
			"remove the byte, or write it as \"\\xNN\" in double quotes\n" },
		{ "control bytes are not shown", STR("a: {\"\\e[2J\": 1, \"\\e[2J\": 2}\n"),
			"c.yaml:1:17: the key \"\\x1b[2J\" was already given in line 1, column 5; keep one of the two\n" },
		{ "a tab", STR("a:\n\tb: 1\n"),
			"c.yaml:2:1: not YAML: found character that cannot start any token; "
			"there is a tab; YAML is indented with spaces only\n" },
		{ "indentation", STR("a: 1\n  b: 2\n"),
			"c.yaml:2:4: not YAML: mapping values are not allowed in this context; "
			"a value with \": \" in it needs quotes; else look at the indentation\n" },
		{ "quotes not closed", STR("a: \"x\nb: 1\n"),
			"c.yaml:3:1: not YAML: found unexpected end of stream, while scanning a quoted scalar "
			"that begins in line 1; the quotes are not closed\n" },
		{ "bracket not closed", STR("a: [1, 2\nb: 3\n"),
			"c.yaml:2:2: not YAML: did not find expected ',' or ']', while parsing a flow sequence "
			"that begins in line 1; the bracket is not closed, or a comma is missing\n" },
		{ "no colon", STR("a: 1\nb\nc: 2\n"),
			"c.yaml:3:1: not YAML: could not find expected ':', while scanning a simple key "
			"that begins in line 2; a key needs \": \" behind it, on the same line\n" },
		{ "an at sign", STR("a: @x\n"),
			"c.yaml:1:4: not YAML: found character that cannot start any token; "
			"a text that begins so needs quotes\n" },
		{ "after bad syntax nothing else is said", STR("a: &x 1\nb: [\n"),
			"c.yaml:1:4: anchors (&x) are not used here; write the value out, or use !include FILE\n"
			"c.yaml:3:1: not YAML: did not find expected node content; "
			"a value is missing, or needs quotes\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *got = files_problems(rows[i].content, NULL, NULL);

		print_message("%s\n", rows[i].what);
		assert_string_equal(got, rows[i].problems);
		free(got);
	}
}

static void absent(void **state)
{
	struct config *c = config_load("sub/none.yaml");
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_null(config_root(c));
	assert_false(config_is_right(c));
	config_error(c, NULL, "what is missing in a file that can't be read was never seen");
	config_print_problems(c, &b);
	assert_string_equal(buf_text(&b),
		"sub/none.yaml:1:1: sub/none.yaml can't be read: No such file or directory; -c FILE names another\n");
	buf_finish(&b);
	config_destroy(&c);
	assert_null(c);
	config_destroy(&c);
}

static void no_file_but_a_folder(void **state)
{
	struct config *c = config_load("sub");
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	config_print_problems(c, &b);
	assert_string_equal(buf_text(&b), "sub:1:1: sub is not a regular file; -c FILE names another\n");
	buf_finish(&b);
	config_destroy(&c);
}

static struct str repeat(struct buf *b, const char *z, size_t n)
{
	buf_init(b, 64 << 20);
	for (size_t i = 0; i < n; i++)
		buf_add_str(b, str_of(z));
	return buf_str(b);
}

/* Shapes that cost a naive reader much: each must end soon, with one problem. */
static void hostile(void **state)
{
	static const struct {
		const char *piece;
		size_t n;
		const char *problems;
	} rows[] = {
		{ "[", 100000, "c.yaml:1:33: nested more than 32 deep; a configuration has no need of that\n" },
		{ "- ", 100000, "c.yaml:1:65: nested more than 32 deep; a configuration has no need of that\n" },
		{ "{a: ", 100000, "c.yaml:1:126: nested more than 32 deep; a configuration has no need of that\n" },
		{ "? ", 100000, "c.yaml:1:65: nested more than 32 deep; a configuration has no need of that\n" },
		{ "- a\n", 600000, "c.yaml:500000:3: more than 500000 values in this configuration; "
			"split it over several servers\n" },
		{ "a: b # ......\n", 400000, "c.yaml:1:1: c.yaml is larger than 4194304 bytes; "
			"-c FILE names another\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b;
		char *got = files_problems(repeat(&b, rows[i].piece, rows[i].n), NULL, NULL);

		print_message("%s\n", rows[i].piece);
		assert_string_equal(got, rows[i].problems);
		buf_finish(&b);
		free(got);
	}
}

/* Depth 32 itself is fine. */
static void deep_enough(void **state)
{
	struct buf b;
	char *got;

	(void)state;
	repeat(&b, "[", 31);
	buf_add_str(&b, STR("x"));
	for (int i = 0; i < 31; i++)
		buf_add_char(&b, ']');
	got = files_problems(buf_str(&b), NULL, NULL);
	assert_string_equal(got,
		"c.yaml:1:1: expected keys such as ptr_hostname: mail.example.com, not a list\n");
	free(got);
	buf_finish(&b);
}

/* Each alias is one event, and all are refused: nothing is expanded. */
static void alias_bomb(void **state)
{
	struct buf b;
	char *got, *line;
	size_t lines = 0;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_add_str(&b, STR("a0: &a0 [x,x,x,x,x,x,x,x,x]\n"));
	for (int i = 1; i < 40; i++) {
		buf_addf(&b, "a%d: &a%d [", i, i);
		for (int k = 0; k < 9; k++)
			buf_addf(&b, "%s*a%d ", k > 0 ? "," : "", i - 1);
		buf_add_str(&b, STR("]\n"));
	}
	got = files_problems(buf_str(&b), NULL, NULL);
	for (line = got; (line = strchr(line, '\n')) != NULL; line++)
		lines++;
	assert_int_equal(lines, LIMIT_CONFIG_PROBLEMS + 1);
	/* 40 anchors and 39 * 9 aliases */
	assert_non_null(strstr(got, "\nc.yaml: and 191 more problems\n"));
	free(got);
	buf_finish(&b);
}

static const struct config_node *at(const struct config *c, const char *section, const char *key)
{
	const struct config_node *n = config_get(config_root(c), section);

	return key ? config_get(n, key) : n;
}

#define assert_text(node, z) assert_true(str_eq(config_text(node), STR(z)))

static void kinds(void **state)
{
	struct config *c;
	const struct config_node *n;

	(void)state;
	files_write("c.yaml", STR("s: {plain: no, oct: 0755, quoted: \"null\", single: '~', empty: '', fold: a\n b}\n"
		"block: |\n  one\n  two\nn: {a: , b: ~, c: null, d: NULL, e: nul}\nl: [a, [], {}]\n"));
	c = config_load("c.yaml");
	assert_true(config_is_right(c));
	assert_text(at(c, "s", "plain"), "no");
	assert_text(at(c, "s", "oct"), "0755");
	assert_text(at(c, "s", "quoted"), "null");
	assert_text(at(c, "s", "single"), "~");
	assert_int_equal(config_kind(at(c, "s", "empty")), CONFIG_SCALAR);
	assert_text(at(c, "s", "fold"), "a b");
	assert_text(at(c, "block", NULL), "one\ntwo\n");
	for (const char *key = "abcd"; *key; key++)
		assert_int_equal(config_kind(at(c, "n", (char[]){ *key, 0 })), CONFIG_NULL);
	assert_int_equal(config_kind(at(c, "n", "e")), CONFIG_SCALAR);
	n = at(c, "l", NULL);
	assert_int_equal(config_kind(n), CONFIG_LIST);
	assert_int_equal(config_count(n), 3);
	assert_text(config_item(n, 0), "a");
	assert_int_equal(config_kind(config_item(n, 1)), CONFIG_LIST);
	assert_int_equal(config_kind(config_item(n, 2)), CONFIG_MAP);
	n = at(c, "s", NULL);
	assert_int_equal(config_kind(n), CONFIG_MAP);
	assert_int_equal(config_count(n), 6);
	assert_text(config_key(n, 1), "oct");
	assert_text(config_item(n, 1), "0755");
	/* what is not there, or no mapping, has no keys */
	assert_null(at(c, "s", "none"));
	assert_null(at(c, "l", "a"));
	assert_null(config_get(NULL, "a"));
	assert_int_equal(config_kind(NULL), CONFIG_NULL);
	assert_int_equal(config_count(NULL), 0);
	assert_int_equal(config_text(NULL).n, 0);
	config_destroy(&c);
}

static void included(void **state)
{
	struct config *c;

	(void)state;
	files_write("sub/domains.yaml", STR("example.com:\n  secret: !file secret\n  more: !include more.yaml\n"));
	files_write("sub/more.yaml", STR("- !env TEST_CONFIG\n- x\n"));
	files_write("sub/secret", STR("s3cret \n\n"));
	files_write("crlf", STR("value\r\n"));
	files_write("c.yaml", STR("d: !include sub/domains.yaml\nv: !file crlf\nw: !env 'TEST_CONFIG'\n"));
	setenv("TEST_CONFIG", "null", 1);
	c = config_load("c.yaml");
	assert_true(config_is_right(c));
	/* one newline goes, and only one */
	assert_text(config_get(at(c, "d", "example.com"), "secret"), "s3cret \n");
	assert_text(config_item(config_get(at(c, "d", "example.com"), "more"), 1), "x");
	/* a text, whatever it looks like */
	assert_int_equal(config_kind(at(c, "w", NULL)), CONFIG_SCALAR);
	assert_text(config_item(config_get(at(c, "d", "example.com"), "more"), 0), "null");
	assert_text(at(c, "v", NULL), "value");
	/* a path is relative to the file that names it */
	assert_string_equal(config_path(c, at(c, "d", "example.com"), STR("k.pem")), "sub/k.pem");
	assert_string_equal(config_path(c, at(c, "d", NULL), STR("/k.pem")), "/k.pem");
	assert_string_equal(config_path(c, at(c, "v", NULL), STR("k.pem")), "k.pem");
	assert_string_equal(config_path(c, NULL, STR("k.pem")), "k.pem");
	config_destroy(&c);
}

static void include_trouble(void **state)
{
	static const struct row rows[] = {
		{ "not there", STR("a: !include none.yaml\nb: !file none\n"),
			"c.yaml:1:4: !include: none.yaml can't be read: No such file or directory\n"
			"c.yaml:2:4: !file: none can't be read: No such file or directory\n" },
		{ "no files", STR("a: !include sub\nb: !file sub\nc: !file /dev/zero\nd: !file fifo\n"),
			"c.yaml:1:4: !include: sub is not a regular file\n"
			"c.yaml:2:4: !file: sub is not a regular file\n"
			"c.yaml:3:4: !file: /dev/zero is not a regular file\n"
			"c.yaml:4:4: !file: fifo is not a regular file\n" },
		{ "empty", STR("a: !include empty\nb: !file empty\nc: !file newline\n"),
			"c.yaml:2:4: !file: empty is empty; the value should stand in it\n"
			"c.yaml:3:4: !file: newline is empty; the value should stand in it\n"
			"empty:1:1: the file is empty; remove the !include, or write what belongs there\n" },
		{ "NUL", STR("a: !file nul\n"),
			"c.yaml:1:4: !file: nul has a NUL byte in it; a text is expected\n" },
		{ "large", STR("a: !file large\n"), "c.yaml:1:4: !file: large is larger than 65536 bytes\n" },
		{ "the environment", STR("a: !env TEST_NONE\nb: !env TEST_EMPTY\nc: !env TEST_LARGE\n"),
			"c.yaml:1:4: !env: the environment variable TEST_NONE is not set\n"
			"c.yaml:2:4: !env: the environment variable TEST_EMPTY is empty\n"
			"c.yaml:3:4: !env: the environment variable TEST_LARGE is longer than 65536 bytes\n" },
		{ "itself", STR("a: !include c.yaml\n"),
			"c.yaml:1:4: !include: c.yaml includes itself, here or by way of others; remove one !include\n" },
		{ "itself, the long way", STR("a: !include sub/back.yaml\n"),
			"sub/back.yaml:1:4: !include: sub/../c.yaml includes itself, here or by way of others; "
			"remove one !include\n" },
		{ "problems of two files, in order", STR("z: !include sub/wrong.yaml\na: &x 1\n"),
			"c.yaml:2:4: anchors (&x) are not used here; write the value out, or use !include FILE\n"
			"sub/wrong.yaml:2:1: the key \"a\" was already given in line 1, column 1; "
			"keep one of the two\n" },
		{ "bad syntax in one does not hide the other", STR("z: !include sub/bad.yaml\na: &x 1\n"),
			"c.yaml:2:4: anchors (&x) are not used here; write the value out, or use !include FILE\n"
			"sub/bad.yaml:2:1: not YAML: did not find expected node content; "
			"a value is missing, or needs quotes\n" },
		{ "twice the same is fine", STR("a: !include fine.yaml\nb: !include fine.yaml\n"), "" },
	};
	struct buf large;

	(void)state;
	repeat(&large, "x", LIMIT_CONFIG_VALUE + 1);
	files_write("large", buf_str(&large));
	setenv("TEST_LARGE", buf_text(&large), 1);
	setenv("TEST_EMPTY", "", 1);
	unsetenv("TEST_NONE");
	files_write("empty", STR(""));
	files_write("newline", STR("\n"));
	files_write("nul", STR("a\0b"));
	files_write("fine.yaml", STR("x: 1\n"));
	files_write("sub/back.yaml", STR("b: !include ../c.yaml\n"));
	files_write("sub/wrong.yaml", STR("a: 1\na: 2\n"));
	files_write("sub/bad.yaml", STR("a: [\n"));
	assert_int_equal(mkfifo("fifo", 0600), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *got = files_problems(rows[i].content, NULL, NULL);

		print_message("%s\n", rows[i].what);
		assert_string_equal(got, rows[i].problems);
		free(got);
	}
	unsetenv("TEST_LARGE");
	buf_finish(&large);
}

/* Ten files, each including the next ten times: 10^9 if nobody counted. */
static void include_bomb(void **state)
{
	struct buf b;
	char name[16], *got;

	(void)state;
	for (int i = 0; i < 10; i++) {
		buf_init(&b, 1000);
		for (int k = 0; k < 10; k++)
			buf_addf(&b, "k%d: %s%d\n", k, i < 9 ? "!include b" : "", i + 1);
		snprintf(name, sizeof(name), "b%d", i);
		files_write(name, buf_str(&b));
		buf_finish(&b);
	}
	got = files_problems(STR("a: !include b0\n"), NULL, NULL);
	assert_non_null(strstr(got, "more than 1000 files are included; are they including each other?\n"));
	free(got);
}

/* A chain of files is as bounded as a chain of brackets. */
static void include_chain(void **state)
{
	struct buf b;
	char name[16], *got;

	(void)state;
	for (int i = 0; i < 40; i++) {
		buf_init(&b, 1000);
		buf_addf(&b, "!include d%d\n", i + 1);
		snprintf(name, sizeof(name), "d%d", i);
		files_write(name, buf_str(&b));
		buf_finish(&b);
	}
	got = files_problems(STR("a: !include d0\n"), NULL, NULL);
	assert_string_equal(got, "d30:1:1: nested more than 32 deep; a configuration has no need of that\n");
	free(got);
}

static void total_size(void **state)
{
	struct buf b, main;
	char *got;

	(void)state;
	repeat(&b, "# 3456789012345\n", (4 << 20) / 16);
	files_write("big", buf_str(&b));
	repeat(&main, "", 0);
	for (int i = 0; i < 5; i++)
		buf_addf(&main, "k%d: !include big\n", i);
	got = files_problems(buf_str(&main), NULL, NULL);
	assert_non_null(strstr(got, "c.yaml:4:5: !include: with big all files are together larger than 16777216 bytes\n"));
	assert_null(strstr(got, "c.yaml:3:5"));
	free(got);
	buf_finish(&b);
	buf_finish(&main);
}

/* Bytes changed, dropped and doubled all over a file that uses everything: it must end, and with sane places. */
static void mutations(void **state)
{
	static const struct str seed = STR("ptr_hostname: mail.example.com\n"
		"srs: {enable: true, srs_domain: \"srs.example.com\"}\n"
		"virtual_domains:\n  example.com: !include fine.yaml\n  a.example:\n    accounts:\n"
		"      - name: '*'\n        forward: [a@b.example, c@d.example]\n        password: !file secret\n"
		"    text: |\n      one\n      two\n    folded: >-\n      a\n      b\n    n: ~\n? k\n: &x v\n--- \n");
	static const char bytes[] = "\0\t\n\r :-[]{}&*!%@`'\"|>?#,~a0\x1b\x7f\x80\xc3\xff";
	uint32_t random = 12345;

	(void)state;
	files_write("fine.yaml", STR("x: 1\n"));
	files_write("secret", STR("s\n"));
	for (int i = 0; i < 4000; i++) {
		char *text = malloc(2 * seed.n), *got;
		size_t n = seed.n;

		memcpy(text, seed.p, n);
		for (int k = 0; k < 1 + i % 4; k++) {
			size_t pos, from;

			random = random * 1664525 + 1013904223;
			pos = (random >> 8) % n;
			from = (random >> 16) % (sizeof(bytes) - 1);
			if (random >> 30 == 0 && n > 1) {
				memmove(text + pos, text + pos + 1, n - pos - 1);
				n--;
			} else if (random >> 30 == 1) {
				memmove(text + pos + 1, text + pos, n - pos);
				n++;
			} else {
				text[pos] = bytes[from];
			}
		}
		got = files_problems(str_make(text, n), NULL, NULL);
		for (char *line = got; *line; line = strchr(line, '\n') + 1) {
			int row = 0, column = 0;
			char *colon = strchr(line, ':');

			assert_non_null(colon);
			assert_int_equal(sscanf(colon, ":%d:%d: ", &row, &column), 2);
			assert_in_range(row, 1, 30);
			assert_in_range(column, 1, 2 * seed.n);
		}
		free(got);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(refused, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(absent, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(no_file_but_a_folder, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(hostile, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(deep_enough, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(alias_bomb, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(kinds, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(included, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(include_trouble, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(include_bomb, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(include_chain, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(total_size, files_setup, files_teardown),
		cmocka_unit_test_setup_teardown(mutations, files_setup, files_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
