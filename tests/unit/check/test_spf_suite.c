/* RFC 7208's test suite, 203 cases and their explanations: spf_suite.py hands the lines in. */
#include "../unit.h"
#include "spf_zone.h"

#include <stdio.h>

enum { CASES = 203, EXPLANATIONS = 22 };

static const char *path;
static size_t wrong, explained;

static void check(const struct spf_case *c)
{
	struct spf_trial t;

	spf_zone_try(spf_eval, c->client, c->helo, c->sender, &t);
	if (t.runs > LIMIT_SPF_RUNS || t.over || !spf_zone_allows(c, t.answer.result)) {
		print_error("%s: want %s, got %s (%s) after %d runs\n", c->id, c->results,
			spf_result_text(t.answer.result), t.answer.problem, t.runs);
		wrong++;
	}
	if ((t.answer.result == SPF_PERMERROR || t.answer.result == SPF_TEMPERROR)
		!= (t.answer.problem[0] != 0)) {
		print_error("%s: %s for \"%s\"\n", c->id, spf_result_text(t.answer.result),
			t.answer.problem);
		wrong++;
	}
	if (c->explanation.n == 0 || t.answer.result != SPF_FAIL)
		return;
	/* the suite's DEFAULT is the receiver's own text: we have none */
	bool none = str_eq(c->explanation, STR("DEFAULT"));
	explained++;
	if (!str_eq(str_of(t.answer.explanation), none ? STR("") : c->explanation)) {
		print_error("%s: want \"%.*s\", got \"%s\"\n", c->id, STR_FMT(c->explanation),
			t.answer.explanation);
		wrong++;
	}
}

static void test_suite(void **state)
{
	(void)state;
	assert_int_equal(spf_zone_read(path, check), CASES);
	assert_int_equal(wrong, 0);
	assert_int_equal(explained, EXPLANATIONS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_suite) };

	if (argc != 2) {
		fprintf(stderr, "usage: spf_suite.py %s SUITE.yml\n", argv[0]);
		return 2;
	}
	path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
