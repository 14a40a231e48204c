/* Texts to values and back: src/config/value.c and nearest.c. */
#include "tree.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const int64_t K = 1 << 10, M = 1 << 20, G = 1 << 30;

static void numbers(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} rows[] = {
		{ "0", true, 0 }, { "25", true, 25 }, { "-7", true, -7 },
		{ "9223372036854775807", true, INT64_MAX }, { "9223372036854775808", false, 0 },
		{ "", false, 0 }, { "-", false, 0 }, { "+5", false, 0 }, { "0755", false, 0 },
		{ "0x10", false, 0 }, { "1_000", false, 0 }, { "1e3", false, 0 }, { "1.0", false, 0 },
		{ " 1", false, 0 }, { "--1", false, 0 }, { "99999999999999999999999", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t value = 0;

		print_message("%s\n", rows[i].text);
		assert_int_equal(value_number(str_of(rows[i].text), &value), rows[i].ok);
		if (rows[i].ok)
			assert_int_equal(value, rows[i].value);
	}
}

static void sizes_and_durations(void **state)
{
	const struct {
		const char *text;
		bool (*parse)(struct str s, int64_t *out);
		bool ok;
		int64_t value;
	} rows[] = {
		{ "512", value_size, true, 512 }, { "50M", value_size, true, 50 * M },
		{ "64k", value_size, true, 64 * K }, { "1G", value_size, true, G },
		{ "0", value_size, true, 0 }, { "M", value_size, false, 0 }, { "5MB", value_size, false, 0 },
		{ "5 M", value_size, false, 0 }, { "-5M", value_size, false, 0 }, { "05M", value_size, false, 0 },
		{ "1.5M", value_size, false, 0 }, { "9223372036854775807G", value_size, false, 0 },
		{ "", value_size, false, 0 }, { "5s", value_size, false, 0 },
		{ "5s", value_duration, true, SECONDS(5) }, { "5", value_duration, true, SECONDS(5) },
		{ "10m", value_duration, true, MINUTES(10) }, { "4h", value_duration, true, HOURS(4) },
		{ "5d", value_duration, true, DAYS(5) }, { "250ms", value_duration, true, 250 },
		{ "4H", value_duration, true, HOURS(4) }, { "5w", value_duration, false, 0 },
		{ "1h30m", value_duration, false, 0 }, { "s", value_duration, false, 0 },
		{ "-1s", value_duration, false, 0 }, { "106751991168d", value_duration, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t value = 0;

		print_message("%s\n", rows[i].text);
		assert_int_equal(rows[i].parse(str_of(rows[i].text), &value), rows[i].ok);
		if (rows[i].ok)
			assert_int_equal(value, rows[i].value);
	}
}

static void bools(void **state)
{
	static const struct {
		const char *text;
		int value;          /* -1: none */
	} rows[] = {
		{ "true", 1 }, { "True", 1 }, { "YES", 1 }, { "on", 1 }, { "false", 0 }, { "False", 0 },
		{ "no", 0 }, { "Off", 0 }, { "1", -1 }, { "0", -1 }, { "y", -1 }, { "", -1 }, { "truee", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool value = rows[i].value == 0;

		assert_int_equal(value_bool(str_of(rows[i].text), &value), rows[i].value >= 0);
		if (rows[i].value >= 0)
			assert_int_equal(value, rows[i].value);
	}
}

static void back_to_text(void **state)
{
	const struct {
		enum config_type type;
		int64_t value;
		const char *text;
	} rows[] = {
		{ CONFIG_NUMBER, -5, "-5" }, { CONFIG_SIZE, 0, "0" }, { CONFIG_SIZE, 50 * M, "50M" },
		{ CONFIG_SIZE, 1500, "1500" }, { CONFIG_SIZE, 2 * G, "2G" }, { CONFIG_DURATION, 0, "0s" },
		{ CONFIG_DURATION, 90000, "90s" }, { CONFIG_DURATION, DAYS(5), "5d" },
		{ CONFIG_DURATION, 1, "1ms" }, { CONFIG_DURATION, HOURS(36), "36h" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(value_text(rows[i].type, rows[i].value, text), rows[i].text);
}

static void nearest(void **state)
{
	static const char *const words[] = {
		"accounts", "blackholes", "dkim", "name", "password", "forward", "dot_plus_rewrite", "aliases", "tls",
	};
	static const struct {
		const char *typed;
		const char *meant;
	} rows[] = {
		{ "acounts", "accounts" }, { "acconuts", "accounts" }, { "Accounts", "accounts" },
		{ "alias", "aliases" }, { "passwd", "password" }, { "pasword", "password" },
		{ "dot-plus-rewrite", "dot_plus_rewrite" }, { "blackhole", "blackholes" }, { "dkmi", "dkim" },
		{ "tsl", "tls" }, { "ssl", NULL }, { "xyz", NULL }, { "colour", NULL }, { "", NULL }, { "t", NULL },
		{ "forwardforwardforwardforwardforwardforwardforwardforwardforwardforward", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *found = nearest_word(str_of(rows[i].typed), words, sizeof(words) / sizeof(*words));

		print_message("%s: %s\n", rows[i].typed, found ? found : "-");
		if (rows[i].meant)
			assert_true(found && strcmp(found, rows[i].meant) == 0);
		else
			assert_null(found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(sizes_and_durations),
		cmocka_unit_test(bools),
		cmocka_unit_test(back_to_text),
		cmocka_unit_test(nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
