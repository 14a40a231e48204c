/* The section check: of the configuration. */
#include "../unit.h"
#include "check/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/waypost-check-XXXXXX";

/* The problems of a file with this text; the options go to *o. */
static struct config *load(const char *text, struct check_options *o)
{
	FILE *f = fopen(path, "w");
	struct config *c;

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	c = config_load(path);
	config_read_table(c, config_root(c), check_rows, o);
	config_finish(c);
	return c;
}

static void defaults(void **state)
{
	struct check_options o;
	struct config *c = load("check: {}\n", &o);

	(void)state;
	assert_true(config_is_right(c));
	assert_int_equal(o.spf_fail, CHECK_MARK);
	assert_int_equal(o.dmarc_reject, CHECK_MARK);
	assert_int_equal(o.own_from, CHECK_REFUSE);
	assert_int_equal(o.trusted_networks.n + o.trusted_domains.n, 0);
	config_destroy(&c);
}

static void actions(void **state)
{
	struct check_options o;
	struct config *c = load("check: {spf_fail: refuse, dmarc_reject: refuse, own_from: mark}\n", &o);

	(void)state;
	assert_true(config_is_right(c));
	assert_int_equal(o.spf_fail, CHECK_REFUSE);
	assert_int_equal(o.dmarc_reject, CHECK_REFUSE);
	assert_int_equal(o.own_from, CHECK_MARK);
	config_destroy(&c);
}

static void trusted(void **state)
{
	static const struct {
		const char *value;
		size_t networks, domains;
		bool right;
	} rows[] = {
		{ "[]", 0, 0, true }, { "null", 0, 0, true }, { "192.0.2.1", 1, 0, true },
		{ "lists.example.org", 0, 1, true }, { "[192.0.2.0/24, Lists.Example.ORG, \"2001:db8::/32\"]", 2, 1, true },
		{ "m\xc3\xbcnchen.example", 0, 1, true },
		{ "[192.0.2.0/33]", 0, 0, false }, { "[192.0.2]", 0, 0, false }, { "[example.org/24]", 0, 0, false },
		{ "[org]", 0, 0, false }, { "[\"*.example.org\"]", 0, 0, false }, { "[a@example.org]", 0, 0, false },
		{ "[\"\"]", 0, 0, false }, { "{a: b}", 0, 0, false }, { "[[192.0.2.1]]", 0, 0, false },
		{ "[192.0.2.1, nonsense, example.org]", 1, 1, false },
	};
	struct check_options o;
	struct config *c;
	char text[200];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		snprintf(text, sizeof(text), "check: {trusted_forwarders: %s}\n", rows[i].value);
		c = load(text, &o);
		row_true(i, config_is_right(c) == rows[i].right);
		row_true(i, o.trusted_networks.n == rows[i].networks);
		row_true(i, o.trusted_domains.n == rows[i].domains);
		for (size_t k = 0; k < o.trusted_domains.n; k++)
			for (const char *p = o.trusted_domains.v[k]; *p; p++)
				row_true(i, *p == str_lower(*p) && (unsigned char)*p < 128);
		config_destroy(&c);
	}
}

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 || close(fd) != 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(defaults), cmocka_unit_test(actions),
		cmocka_unit_test(trusted) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
