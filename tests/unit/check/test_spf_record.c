/* Records: which are well-formed, and what their terms say. */
#include "../unit.h"
#include "spf_record.h"

#include <stdio.h>

static const struct {
	const char *record, *problem;      /* NULL: well-formed */
} rows[] = {
	{ "v=spf1", NULL },
	{ "v=spf1    -all   ", NULL },
	{ "v=spf1 +a ?mx ~ptr -all", NULL },
	{ "v=spf1 a/24 a//64 a/24//64 mx:x.test/0 mx:%{d}//0", NULL },
	{ "v=spf1 ip4:1.2.3.4 ip4:1.2.3.4/0 ip6:::1 ip6:::1/128 ip6:::ffff:1.2.3.4/96", NULL },
	{ "v=spf1 a:foo/bar.test a:%{d/} a:%{l1r+-}.x.test. exists:%{ir}.%{v}.arpa.x-1", NULL },
	{ "v=spf1 redirect=x.test exp=y.test", NULL },
	{ "v=spf1 x.y-z_1= moo=%%%_%-%{d} a=:/?", NULL },
	{ "v=spf1 all:", "an argument where none belongs in \"all:\"" },
	{ "v=spf1 all/8", "an argument where none belongs in \"all/8\"" },
	{ "v=spf1 allx", "an unknown mechanism in \"allx\"" },
	{ "v=spf1 a.b.test", "an unknown mechanism in \"a.b.test\"" },
	{ "v=spf1 include", "no domain in \"include\"" },
	{ "v=spf1 exists", "no domain in \"exists\"" },
	{ "v=spf1 include:", "a bad domain in \"include:\"" },
	{ "v=spf1 include:com", "a bad domain in \"include:com\"" },
	{ "v=spf1 include:x.test/24", "a bad domain in \"include:x.test/24\"" },
	{ "v=spf1 a:x.test/", "a bad domain in \"a:x.test/\"" },
	{ "v=spf1 a:x.test///64", "a bad domain in \"a:x.test///64\"" },
	{ "v=spf1 a/", "rubbish behind the mechanism in \"a/\"" },
	{ "v=spf1 a//", "rubbish behind the mechanism in \"a//\"" },
	{ "v=spf1 a//64/24", "rubbish behind the mechanism in \"a//64/24\"" },
	{ "v=spf1 a/24/24", "rubbish behind the mechanism in \"a/24/24\"" },
	{ "v=spf1 a/33", "a bad prefix length in \"a/33\"" },
	{ "v=spf1 a//129", "a bad prefix length in \"a//129\"" },
	{ "v=spf1 mx/024", "a bad prefix length in \"mx/024\"" },
	{ "v=spf1 mx/99999999999999999999",
		"rubbish behind the mechanism in \"mx/99999999999999999999\"" },
	{ "v=spf1 ptr/24", "rubbish behind the mechanism in \"ptr/24\"" },
	{ "v=spf1 ip4", "a bad address in \"ip4\"" },
	{ "v=spf1 ip4:", "a bad address in \"ip4:\"" },
	{ "v=spf1 ip4:1.2.3", "a bad address in \"ip4:1.2.3\"" },
	{ "v=spf1 ip4:1.2.3.4/33", "a bad address in \"ip4:1.2.3.4/33\"" },
	{ "v=spf1 ip4:1.2.3.4//8", "a bad address in \"ip4:1.2.3.4//8\"" },
	{ "v=spf1 ip4:::1", "a bad address in \"ip4:::1\"" },
	{ "v=spf1 ip6:1.2.3.4", "a bad address in \"ip6:1.2.3.4\"" },
	{ "v=spf1 ip6:::1%lo", "a bad address in \"ip6:::1%lo\"" },
	{ "v=spf1 ip6:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111",
		"a bad address in \"ip6:1111" },
	{ "v=spf1 -", "neither mechanism nor modifier in \"-\"" },
	{ "v=spf1 --all", "neither mechanism nor modifier in \"--all\"" },
	{ "v=spf1 4x=y", "neither mechanism nor modifier in \"4x=y\"" },
	{ "v=spf1 =x", "neither mechanism nor modifier in \"=x\"" },
	{ "v=spf1 -redirect=x.test", "a modifier with a qualifier" },
	{ "v=spf1 redirect=x.test redirect=x.test", "a modifier that is there twice" },
	{ "v=spf1 exp=x.test a exp=y.test", "a modifier that is there twice" },
	{ "v=spf1 exp=", "a bad domain in \"exp=\"" },
	{ "v=spf1 redirect=com", "a bad domain in \"redirect=com\"" },
	{ "v=spf1 x=%", "a bad macro in \"x=%\"" },
	{ "v=spf1 +all\tx", "not printable" },
	/* wrong behind what would have matched is wrong */
	{ "v=spf1 +all bogus", "an unknown mechanism in \"bogus\"" },
};

static void test_problems(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct spf_record r;
		char problem[128] = "";

		row_true(i, spf_record_parse(&r, str_of(rows[i].record), problem)
				    == (rows[i].problem == NULL));
		row_true(i, rows[i].problem ? strstr(problem, rows[i].problem) != NULL
					    : problem[0] == '\0');
	}
}

static void test_terms(void **state)
{
	static const struct {
		enum spf_mechanism mechanism;
		enum spf_result qualifier;
		const char *text, *domain;
		int bits4, bits6, bits;
	} want[] = {
		{ SPF_A, SPF_PASS, "a", "", 32, 128, 0 },
		{ SPF_MX, SPF_FAIL, "-MX:x.test/8//16", "x.test", 8, 16, 0 },
		{ SPF_IP4, SPF_SOFTFAIL, "~ip4:192.0.2.0/24", "", 32, 128, 24 },
		{ SPF_IP6, SPF_NEUTRAL, "?ip6:2001:db8::", "", 32, 128, 128 },
		{ SPF_INCLUDE, SPF_PASS, "+include:%{d}", "%{d}", 32, 128, 0 },
		{ SPF_ALL, SPF_FAIL, "-all", "", 32, 128, 0 },
	};
	struct str text =
		STR("v=spf1 a exp=e.test -MX:x.test/8//16  ~ip4:192.0.2.0/24 ?ip6:2001:db8:: "
		    "+include:%{d} redirect=r.test -all ");
	struct spf_record r;
	struct spf_term t;
	char problem[128];

	(void)state;
	assert_true(spf_record_parse(&r, text, problem));
	row_text(0, r.redirect, STR("r.test"));
	row_text(0, r.exp, STR("e.test"));
	for (size_t i = 0; i < ROWS(want); i++) {
		row_true(i, spf_record_next(&r.terms, &t));
		row_true(i, t.mechanism == want[i].mechanism && t.qualifier == want[i].qualifier);
		row_true(i, t.bits4 == want[i].bits4 && t.bits6 == want[i].bits6);
		row_true(i, t.network.bits == want[i].bits);
		row_text(i, t.text, str_of(want[i].text));
		row_text(i, t.domain, str_of(want[i].domain));
	}
	assert_false(spf_record_next(&r.terms, &t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_problems),
		cmocka_unit_test(test_terms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
