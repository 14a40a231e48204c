/*
 * The second opinion: libspf2 over the same suite. Where the two differ we know why; a new
 * difference is a bug of ours or news of theirs, and fails. spf_suite.py hands the lines in.
 */
#include "../unit.h"
#include "spf_libspf2.h"
#include "spf_zone.h"

#include <stdio.h>

enum { CASES = 203 };

static const char *path;
static size_t news;

static const char *const known[] = {
	/* a prefix length of 0 is "not set" there */
	"a-nxdomain", "a-cidr4-0", "a-cidr4-0-ip6", "a-cidr6-0-ip4", "a-cidr6-0-ip4mapped",
	"a-cidr6-0-ip6", "a-cidr6-0-nxdomain", "mx-nxdomain", "mx-cidr4-0", "mx-cidr4-0-ip6",
	"mx-cidr6-0-ip4", "mx-cidr6-0-ip4mapped", "mx-cidr6-0-ip6", "mx-cidr6-0-nxdomain",
	"cidr4-0", "cidr6-0", "cidr6-0-ip4", "cidr6-ip4",
	/* redirect= is evaluated where it stands, like a mechanism */
	"redirect-after-mechanisms1", "redirect-after-mechanisms2", "redirect-is-modifier",
	"redirect-twice", "redirect-empty-domain",
	/* syntax that must be a permerror is let through */
	"non-ascii-policy", "control-char-policy", "invalid-domain", "ptr-empty-domain",
	"a-bad-domain", "a-null", "a-numeric", "a-numeric-toplabel", "a-bad-toplabel",
	"a-only-toplabel", "a-only-toplabel-trailing-dot", "a-empty-domain", "mx-bad-domain",
	"mx-null", "mx-numeric-top-label", "mx-bad-toplab", "mx-empty-domain",
	"exists-empty-domain", "exists-cidr", "cidr4-032", "exp-empty-domain",
	"exp-syntax-error", "exp-twice", "unknown-modifier-syntax", "exp-only-macro-char",
	"invalid-macro-char", "invalid-embedded-macro-char", "invalid-trailing-macro-char",
	/* and legal syntax is not */
	"modifier-charset-good",
	/* the limit of ten is counted anew in every include, and is off by one */
	"include-over-limit",
	/* of two validated names it takes the other; the suite allows both */
	"p-macro-multiple",
};
static bool seen[ROWS(known)];

static bool is_known(const char *id)
{
	for (size_t i = 0; i < ROWS(known); i++) {
		if (strcmp(known[i], id) == 0)
			return seen[i] = true;
	}
	return false;
}

static void compare(const struct spf_case *c)
{
	struct spf_trial ours, theirs;

	spf_zone_try(spf_eval, c->client, c->helo, c->sender, &ours);
	spf_zone_try(spf_libspf2_eval, c->client, c->helo, c->sender, &theirs);
	assert_string_equal(theirs.answer.explanation, "");
	if (ours.answer.result == theirs.answer.result || is_known(c->id))
		return;
	print_error("%s: %s here, %s (%s) by libspf2\n", c->id, spf_result_text(ours.answer.result),
		spf_result_text(theirs.answer.result), theirs.answer.problem);
	news++;
}

static void test_differences(void **state)
{
	(void)state;
	assert_int_equal(spf_zone_read(path, compare), CASES);
	for (size_t i = 0; i < ROWS(known); i++)
		if (!seen[i])
			print_message("%s: no difference any more\n", known[i]);
	assert_int_equal(news, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_differences) };

	if (argc != 2) {
		fprintf(stderr, "usage: spf_suite.py %s SUITE.yml\n", argv[0]);
		return 2;
	}
	path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
