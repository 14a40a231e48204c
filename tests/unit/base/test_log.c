/* The log: escapes, both formats, rotation without a lost or torn line. */
#include "../unit.h"
#include "base/log.h"
#include "base/why.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/test-log-XXXXXX";

static char *slurp(const char *name)
{
	char path[300];
	static char text[1 << 20];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
	if (f)
		fclose(f);
	text[n] = '\0';
	return text;
}

static void escapes(void **state)
{
	char path[300];
	struct why why;

	(void)state;
	for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
		snprintf(path, sizeof path, "%s/escapes", folder);
		unlink(path);
		struct log_options o = { .format = format, .level = LOG_INFO, .file = path, .max_size = 1 << 20, .keep = 1 };
		assert_true(log_open(&o, &why));
		log_info("refuse", L_STR("helo", STR("evil\r\n2026 info forged id=1")), L_Z("say", "he said \"no\"\\"),
			L_NUM("n", -3), L_SECS("delay", 1234), L_Z("left", ""), L_STR("raw", STR("\xff\x01")),
			L_STR("csi", STR("\xc3\xbc\xc2\x9b" "1m")));
		log_debug("hidden", L_NUM("n", 1));
		log_close();
		char *got = slurp("escapes");
		assert_non_null(strchr(got, '\n'));
		assert_int_equal(strchr(got, '\n')[1], '\0');
		assert_non_null(strstr(got, format == LOG_JSON
			? "\"event\":\"refuse\",\"helo\":\"evil\\u000d\\u000a2026 info forged id=1\",\"say\":\"he said \\\"no\\\"\\\\\","
			  "\"n\":-3,\"delay\":1.234,\"raw\":\"\\u00ff\\u0001\",\"csi\":\"\xc3\xbc\\u00c2\\u009b1m\"}"
			: " info refuse helo=\"evil\\x0d\\x0a2026 info forged id=1\" say=\"he said \\\"no\\\"\\\\\" n=-3 delay=1.234 raw=\"\\xff\\x01\""
			  " csi=\"\xc3\xbc\\xc2\\x9b1m\""));
	}
}

static int count_lines(const char *name, bool seen[], int max)
{
	int lines = 0;

	for (char *line = slurp(name), *end; (end = strchr(line, '\n')); line = end + 1, lines++) {
		char *n = strstr(line, " n=");

		assert_non_null(n);
		int i = (int)strtol(n + 3, NULL, 10);
		assert_true(i >= 0 && i < max && !seen[i]);
		seen[i] = true;
	}
	return lines;
}

static void rotation(void **state)
{
	char path[300];
	static bool seen[5000];
	struct why why;
	int lines = 0;

	(void)state;
	snprintf(path, sizeof path, "%s/turn", folder);
	struct log_options o = { .format = LOG_TEXT, .file = path, .max_size = 20000, .keep = 30 };
	assert_true(log_open(&o, &why));
	for (int i = 0; i < 5000; i++)
		log_info("line", L_NUM("n", i));
	log_close();
	DIR *dir = opendir(folder);
	for (struct dirent *e; (e = readdir(dir));)
		if (strncmp(e->d_name, "turn", 4) == 0) {
			lines += count_lines(e->d_name, seen, 5000);
			assert_true(strlen(slurp(e->d_name)) <= 20000);
		}
	closedir(dir);
	assert_int_equal(lines, 5000);
}

static void cannot_open(void **state)
{
	struct why why = { 0 };
	struct log_options o = { .file = "/nonexistent/log" };

	(void)state;
	assert_false(log_open(&o, &why));
	assert_non_null(strstr(why.text, "/nonexistent/log: No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(escapes), cmocka_unit_test(rotation),
		cmocka_unit_test(cannot_open) };
	char command[100];

	if (mkdtemp(folder) == NULL)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command) || failed;
}
