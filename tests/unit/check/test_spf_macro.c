/* Macro strings: which are well-formed, and what they say. Most of the values are RFC 7208's own,
 * section 7.4. */
#include "../unit.h"
#include "spf_macro.h"

enum { TEXT = 1, DOMAIN_SPEC = 2, EXPLANATION = 4 };

static void test_syntax(void **state)
{
	static const struct {
		struct str s;
		int is;
	} rows[] = {
		{ STR(""), TEXT | EXPLANATION },
		{ STR("x.test"), TEXT | DOMAIN_SPEC | EXPLANATION },
		{ STR("x.test."), TEXT | DOMAIN_SPEC | EXPLANATION },
		{ STR("x.1test"), TEXT | DOMAIN_SPEC | EXPLANATION },
		{ STR("x.t-t"), TEXT | DOMAIN_SPEC | EXPLANATION },
		{ STR("x.test.."), TEXT | EXPLANATION },
		{ STR("x"), TEXT | EXPLANATION },
		{ STR(".x"), TEXT | DOMAIN_SPEC | EXPLANATION },
		{ STR("x.123"), TEXT | EXPLANATION },
		{ STR("x.-a"), TEXT | EXPLANATION },
		{ STR("x.a-"), TEXT | EXPLANATION },
		{ STR("x.a_b"), TEXT | EXPLANATION },
		{ STR("%{d}"), TEXT | DOMAIN_SPEC | EXPLANATION },
		{ STR("%{d}.x"), TEXT | DOMAIN_SPEC | EXPLANATION },
		{ STR("%{d}x"), TEXT | EXPLANATION },
		{ STR("x%%"), TEXT | DOMAIN_SPEC | EXPLANATION },
		{ STR("%{S5r.-+,/_=}"), TEXT | DOMAIN_SPEC | EXPLANATION },
		{ STR("%{d0}"), 0 },
		{ STR("%{d00}"), 0 },
		{ STR("%{d01}"), TEXT | DOMAIN_SPEC | EXPLANATION },
		{ STR("%{d99999999999999999999999}"), TEXT | DOMAIN_SPEC | EXPLANATION },
		{ STR("%{dr2}"), 0 },
		{ STR("%{d*}"), 0 },
		{ STR("%{s@}"), 0 },
		{ STR("%{}"), 0 },
		{ STR("%{1}"), 0 },
		{ STR("%{"), 0 },
		{ STR("%{d"), 0 },
		{ STR("%{dr"), 0 },
		{ STR("%{d1"), 0 },
		{ STR("%"), 0 },
		{ STR("%a"), 0 },
		{ STR("%(d)"), 0 },
		{ STR("%{a}"), 0 },
		{ STR("%{%}"), 0 },
		{ STR("%{\0}"), 0 },
		{ STR("%{c}"), EXPLANATION },
		{ STR("%{R}%{t}"), EXPLANATION },
		{ STR("two words"), EXPLANATION },
		{ STR("tab\t"), 0 },
		{ STR("nul\0"), 0 },
		{ STR("\377"), 0 },
		{ STR("\177"), 0 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		row_true(i, spf_macro_is_text(rows[i].s) == ((rows[i].is & TEXT) != 0));
		row_true(i, spf_macro_is_domain(rows[i].s) == ((rows[i].is & DOMAIN_SPEC) != 0));
		row_true(i,
			spf_macro_is_explanation(rows[i].s) == ((rows[i].is & EXPLANATION) != 0));
	}
}

static const struct spf_found *lookup(void *arg, struct str name, enum dns_type type)
{
	(void)arg;
	(void)name;
	(void)type;
	return NULL;
}

static struct spf_identity identity(const char *client, struct arena *a)
{
	struct spf_question q = { .helo = STR("Helo.test"), .receiver = "mx.test" };

	q.sender.local = STR("strong-bad");
	q.sender.domain = STR("email.example.com");
	assert_true(inet_parse(&q.client, str_of(client)));
	return spf_identity_of(&q, 1234567890, a);
}

#define V6 "2001:db8::cb01"
#define V4 "192.0.2.3"

static void test_expansion(void **state)
{
	static const struct {
		const char *client, *macro, *want;
	} rows[] = {
		{ V4, "%{s}", "strong-bad@email.example.com" },
		{ V4, "%{o}", "email.example.com" },
		{ V4, "%{d}", "email.example.com" },
		{ V4, "%{d4}", "email.example.com" },
		{ V4, "%{d3}", "email.example.com" },
		{ V4, "%{d2}", "example.com" },
		{ V4, "%{d1}", "com" },
		{ V4, "%{dr}", "com.example.email" },
		{ V4, "%{d2r}", "example.email" },
		{ V4, "%{d1r}", "email" },
		{ V4, "%{d9r}", "com.example.email" },
		{ V4, "%{l}", "strong-bad" },
		{ V4, "%{l-}", "strong.bad" },
		{ V4, "%{lr}", "strong-bad" },
		{ V4, "%{lr-}", "bad.strong" },
		{ V4, "%{l1r-}", "strong" },
		{ V4, "%{l1-}", "bad" },
		{ V4, "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com" },
		{ V4, "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com" },
		{ V4, "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
			"bad.strong.lp.3.2.0.192.in-addr._spf.example.com" },
		{ V4, "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
			"3.2.0.192.in-addr.strong.lp._spf.example.com" },
		{ V4, "%{d2}.trusted-domains.example.net",
			"example.com.trusted-domains.example.net" },
		{ V6, "%{ir}.%{v}._spf.%{d2}",
			"1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0."
			"1.0.0.2.ip6._spf.example.com" },
		{ V6, "%{c}", V6 },
		{ V6, "%{i1}", "1" },
		{ V4, "%{h}%{H}", "Helo.testHelo.test" },
		{ V4, "%{S}", "strong-bad%40email.example.com" },
		{ V4, "%{s1r=}|", "strong-bad@email.example.com|" },
		{ V4, "a%%b%_c%-d", "a%b c%20d" },
		{ V4, "%{r} %{t} %{c}", "mx.test 1234567890 " V4 },
		{ V4, "", "" },
	};
	struct arena *a = arena_create();

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct spf_identity who = identity(rows[i].client, a);
		struct spf_run run = { .scratch = a, .who = &who, .lookup = lookup };
		struct str macro = str_of(rows[i].macro);
		struct buf out;

		row_true(i, spf_macro_is_explanation(macro));
		buf_init(&out, 1000);
		row_true(i, spf_macro_expand(&run, macro, who.domain, &out));
		row_text(i, buf_str(&out), str_of(rows[i].want));
		buf_finish(&out);
	}
	arena_destroy(&a);
}

static void test_ends_early(void **state)
{
	struct arena *a = arena_create();
	struct spf_identity who = identity(V4, a);
	struct spf_run run = { .scratch = a, .who = &who, .lookup = lookup };
	struct buf out;

	(void)state;
	buf_init(&out, 10);
	assert_false(spf_macro_expand(&run, STR("%{d}"), who.domain, &out));
	assert_true(out.over && out.n <= 10 && !run.missing);
	buf_clear(&out);
	assert_false(spf_macro_expand(&run, STR("%{p}.x"), who.domain, &out));
	assert_true(run.missing);
	buf_finish(&out);
	arena_destroy(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_expansion),
		cmocka_unit_test(test_ends_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
