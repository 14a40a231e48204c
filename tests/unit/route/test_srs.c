/* Senders rewritten, and read again when they return: src/route/srs.c. */
#include "../unit.h"
#include "folder.h"

#include "route/srs.h"

#include "base/clock.h"
#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* 2020-01-01 00:01 UTC, the day 2W */
#define NOW ((int64_t)1577836860 * 1000)

struct bench {
	struct srs *srs;
	struct arena *arena;
};

static struct bench bench(void **state, const char *first, const char *second)
{
	const char *secrets[] = { first, second };
	struct srs_options options = { true, "example.com", { secrets, second ? 2 : first ? 1 : 0 } };
	struct why why;
	struct bench b = { srs_create(&options, *state, NULL, &why), arena_create() };

	if (!b.srs)
		fail_msg("%s", why.text);
	return b;
}

static void clear(struct bench *b)
{
	srs_destroy(&b->srs);
	assert_null(b->srs);
	arena_destroy(&b->arena);
}

static struct address parsed(struct bench *b, const char *text)
{
	struct address a = { STR(""), STR("") };

	if (*text && !address_parse(&a, str_of(text), b->arena))
		fail_msg("no address: %s", text);
	return a;
}

static struct str forward(struct bench *b, const char *sender, int64_t now)
{
	struct address in = parsed(b, sender), out = srs_forward(b->srs, &in, now, b->arena);

	return str_of(address_text(&out, b->arena));
}

/* What comes of it: an address, or the name of what is wrong. */
static struct str reverse(struct bench *b, const char *rcpt, int64_t now)
{
	static const char *const results[] = { [SRS_NOT_SRS] = "not", [SRS_FORGED] = "forged",
		[SRS_STALE] = "stale" };
	struct address in = parsed(b, rcpt), out;
	enum srs_result result = srs_reverse(b->srs, &in, now, b->arena, &out);

	return str_of(result == SRS_OK ? address_text(&out, b->arena) : results[result]);
}

static void forward_vectors(void **state)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "test@otherdomain.com", "SRS0=vmyz=2W=otherdomain.com=test@example.com" },
		{ "sender@otherdomain.com", "SRS0=9KJ+=2W=otherdomain.com=sender@example.com" },
		{ "SRS0=opaque+string@otherdomain.com", "SRS1=chaI=otherdomain.com==opaque+string@example.com" },
		{ "SRS1=X=thirddomain.com==opaque+string@otherdomain.com",
		  "SRS1=JIBX=thirddomain.com==opaque+string@example.com" },
		{ "srs1+X=thirddomain.com==opaque+string@otherdomain.com",
		  "SRS1=JIBX=thirddomain.com==opaque+string@example.com" },
		{ "", "" },
	};
	struct bench b = bench(state, "tops3cr3t", NULL);

	for (size_t i = 0; i < ROWS(rows); i++)
		row_text(i, forward(&b, rows[i].in, NOW), str_of(rows[i].out));
	clear(&b);
}

static void reverse_vectors(void **state)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "SRS0=XjO9=2V=otherdomain.com=test@example.com", "test@otherdomain.com" },
		{ "srs0=xjo9=2v=otherdomain.com=test@example.com", "test@otherdomain.com" },
		{ "SRS0=XJO9=2V=OTHERDOMAIN.COM=TEST@EXAMPLE.COM", "TEST@otherdomain.com" },
		{ "SRS0+XjO9=2V=otherdomain.com=test@example.com", "test@otherdomain.com" },
		{ "SRS0-XjO9=2V=otherdomain.com=test@example.com", "test@otherdomain.com" },
		{ "SRS0=9KJ+=2W=otherdomain.com=sender@example.com", "sender@otherdomain.com" },
		{ "SRS0=9KJ-=2W=otherdomain.com=sender@example.com", "sender@otherdomain.com" },
		{ "SRS0=9kj-=2w=otherdomain.com=sender@example.com", "sender@otherdomain.com" },
		{ "SRS1=JIBX=thirddomain.com==opaque+string@example.com", "SRS0=opaque+string@thirddomain.com" },
		{ "srs1=jibx=thirddomain.com==opaque+string@example.com", "SRS0=opaque+string@thirddomain.com" },
		{ "SRS1+JIBX=thirddomain.com==opaque+string@example.com", "SRS0=opaque+string@thirddomain.com" },
		{ "SRS0=te87=T7=otherdomain.com=test@example.com", "stale" },
		{ "SRS0=VcIb=7N=otherdomain.com=test@example.com", "stale" },
		{ "SRS0=FAKE=2V=otherdomain.com=test@example.com", "forged" },
		{ "SRS0=@example.com", "forged" },
		{ "SRS0==@example.com", "forged" },
		{ "SRS0====@example.com", "forged" },
		{ "SRS0=XjO9=otherdomain.com=test@example.com", "forged" },
		{ "SRS0=XjO9=2V=test@example.com", "forged" },
		{ "SRS0=XjO9=2V=otherdomain.com@example.com", "forged" },
		{ "SRS0=XjO9=2V=otherdomain.com=@example.com", "forged" },
		{ "SRS0=XjO9=2V==test@example.com", "forged" },
		{ "SRS0=XjO=2V=otherdomain.com=test@example.com", "forged" },
		{ "SRS1=JIBX@example.com", "forged" },
		{ "SRS1=JIBX=thirddomain.com@example.com", "forged" },
		{ "SRS1=JIBX=thirddomain.com=@example.com", "forged" },
		{ "SRS1=JIBX=thirddomain.com=opaque+string@example.com", "forged" },
		{ "SRS1=JIBX===opaque+string@example.com", "forged" },
		{ "SRS1=JIBY=thirddomain.com==opaque+string@example.com", "forged" },
		{ "test@example.com", "not" },
		{ "SRS0@example.com", "not" },
		{ "SRS0.x@example.com", "not" },
		{ "SRS2=JIBX=thirddomain.com==opaque+string@example.com", "not" },
		{ "SRS0=XjO9=2V=otherdomain.com=test@example.org", "not" },
		{ "SRS0=XjO9=2V=otherdomain.com=test@sub.example.com", "not" },
	};
	struct bench b = bench(state, "tops3cr3t", NULL);

	for (size_t i = 0; i < ROWS(rows); i++)
		row_text(i, reverse(&b, rows[i].in, NOW), str_of(rows[i].out));
	clear(&b);
}

static char *changed_case(const char *text, bool upper)
{
	char *copy = strdup(text);

	for (char *p = copy; *p; p++)
		*p = upper && *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : upper ? *p : str_lower(*p);
	return copy;
}

/* home: what comes back, where that is not what went out. */
static const struct { const char *sender, *home; } senders[] = {
	{ "a@b.example", NULL },
	{ "alice@example.net", NULL },
	{ "Alice.B-c_d+tag@sub.example.net", NULL },
	{ "with=equals=signs@example.net", NULL },
	{ "=@example.net", NULL },
	{ "SRS0=HHHH=TT=example.org=local@example.net", NULL },
	{ "SRS0+HHHH=TT=example.org=local@example.net", NULL },
	{ "srs0-hhhh=TT=example.org=local@example.net", "SRS0-hhhh=TT=example.org=local@example.net" },
	{ "SRS1=HHHH=b.example==TT=x@example.net", "SRS0=TT=x@b.example" },
	{ "SRS0=@example.net", NULL },
	{ "SRS1=@example.net", NULL },
	{ "SRS1=x@example.net", NULL },
	{ "SRS1=HHHH=host=notsrs@example.net", NULL },
	{ "SRS0@example.net", NULL },
	{ "prvs=1234567890=bounce@example.net", NULL },
	{ "\"john doe\"@example.net", NULL },
	{ "\"a\\\"b\\\\c\"@example.net", NULL },
	{ "\"a@b\"@example.net", NULL },
	{ "\"..\"@example.net", NULL },
	{ "\xe7\x8c\xab@example.net", NULL },
	{ "\"\xe7\x8c\xab \xc3\xa4\"@example.net", NULL },
	{ "user@[192.0.2.1]", NULL },
	{ "user@[IPv6:2001:db8::1]", NULL },
	{ "user@xn--bcher-kva.example", NULL },
	{ "same@example.com", NULL },
	{ "bounces-12345678901234567890123456789012345678901234567890-long@lists.example.net", NULL },
	{ "\"a long one, with spaces, that needs quotes and is far too long for it\"@example.net", NULL },
	{ "\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab"
	"\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab@example.net", NULL },
	{ "SRS0=HHHH=TT=a-long-domain-name.example.org=and.a.long.local.part.as.well@example.net", NULL },
};

static struct str home(size_t i)
{
	return str_of(senders[i].home ? senders[i].home : senders[i].sender);
}

/* Each comes home as it went, leaves as an address of 64 octets at most, and of ours. */
static void round_trips(void **state)
{
	struct bench b = bench(state, "tops3cr3t", NULL);

	for (size_t i = 0; i < ROWS(senders); i++) {
		struct str out = forward(&b, senders[i].sender, NOW);

		row_true(i, out.n <= LIMIT_LOCAL_PART + sizeof("@example.com") - 1);
		row_true(i, str_iends(out, STR("@example.com")) && str_istarts(str_skip(out, out.p[0] == '"'),
			STR("SRS")));
		row_text(i, reverse(&b, out.p, NOW), home(i));
		row_text(i, reverse(&b, out.p, NOW + DAYS(21)), home(i));
	}
	clear(&b);
}

/* Servers on the way fold the case of the whole address; it comes home, folded where it says what it is. */
static void case_folded(void **state)
{
	struct bench b = bench(state, "tops3cr3t", NULL);

	for (size_t i = 0; i < ROWS(senders); i++) {
		struct str out = forward(&b, senders[i].sender, NOW);

		for (int upper = 0; upper < 2; upper++) {
			char *folded = changed_case(out.p, upper);
			struct str back = reverse(&b, folded, NOW);

			if (!str_ieq(back, home(i)))
				fail_msg("row %zu: %s gave %.*s", i, folded, STR_FMT(back));
			free(folded);
		}
	}
	clear(&b);
}

/* Each character is proven, in all three forms. */
static void tampered(void **state)
{
	static const char *const rows[] = {
		"test@otherdomain.com",
		"SRS0=opaque@otherdomain.com",
		"bounces-12345678901234567890123456789012345678901234567890-long@lists.example.net",
	};
	struct bench b = bench(state, "tops3cr3t", NULL);

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str out = forward(&b, rows[i], NOW);

		for (size_t at = 5; out.p[at] != '@'; at++) {
			char *copy = strdup(out.p);
			struct str back;

			copy[at] = copy[at] == 'q' ? 'r' : 'q';
			back = reverse(&b, copy, NOW);
			if (!str_eq(back, STR("forged")))
				fail_msg("%s gave %.*s", copy, STR_FMT(back));
			free(copy);
		}
	}
	clear(&b);
}

static void ages(void **state)
{
	static const struct { int days; const char *out; } rows[] = {
		{ 0, "a@b.example" }, { 21, "a@b.example" }, { 22, "stale" }, { 500, "stale" },
		{ 1024, "a@b.example" },       /* the count of days starts again */
		{ -1, "a@b.example" }, { -2, "stale" },
	};
	struct bench b = bench(state, "tops3cr3t", NULL);
	struct str out = forward(&b, "a@b.example", NOW);

	for (size_t i = 0; i < ROWS(rows); i++)
		row_text(i, reverse(&b, out.p, NOW + DAYS(rows[i].days)), str_of(rows[i].out));
	clear(&b);
}

static void rotation(void **state)
{
	struct bench old = bench(state, "tops3cr3t", NULL), both = bench(state, "a newer secret", "tops3cr3t"),
		fresh = bench(state, "a newer secret", NULL);

	for (size_t i = 0; i < ROWS(senders); i++) {
		struct str was = forward(&old, senders[i].sender, NOW), is = forward(&both, senders[i].sender, NOW);

		row_text(i, reverse(&both, was.p, NOW), home(i));
		row_text(i, reverse(&both, is.p, NOW), home(i));
		row_text(i, reverse(&fresh, is.p, NOW), home(i));
		row_text(i, reverse(&old, is.p, NOW), STR("forged"));
		row_text(i, reverse(&fresh, was.p, NOW), STR("forged"));
	}
	clear(&old);
	clear(&both);
	clear(&fresh);
}

/* A sender at our own srs_domain that comes in from outside is rewritten like any other, and both layers
 * come off at once. */
static void own_addresses(void **state)
{
	struct bench b = bench(state, "tops3cr3t", NULL);
	struct str once = forward(&b, "test@otherdomain.com", NOW), twice, again;

	twice = forward(&b, once.p, NOW);
	assert_true(str_starts(twice, STR("SRS1=")));
	row_text(0, reverse(&b, twice.p, NOW), STR("test@otherdomain.com"));
	again = forward(&b, twice.p, NOW);
	row_text(1, again, twice);
	row_text(2, reverse(&b, twice.p, NOW + DAYS(22)), STR("stale"));
	/* a forged one gains nothing by it */
	twice = forward(&b, "SRS0=FAKE=2W=otherdomain.com=test@example.com", NOW);
	row_text(3, reverse(&b, twice.p, NOW), STR("forged"));
	twice = forward(&b, "SRS1=FAKE=example.com==FAKE=2W=otherdomain.com=a@example.com", NOW);
	row_text(4, reverse(&b, twice.p, NOW), STR("forged"));
	/* also where it must be kept under a key */
	once = forward(&b, "somebody.with.a.name@otherdomain.example.org", NOW);
	twice = forward(&b, once.p, NOW);
	assert_true(str_starts(twice, STR("SRS0=")));
	row_text(5, reverse(&b, twice.p, NOW), once);
	row_text(6, reverse(&b, reverse(&b, twice.p, NOW).p, NOW),
		STR("somebody.with.a.name@otherdomain.example.org"));
	clear(&b);
}

static void just_fits(void **state)
{
	/* "SRS0=HHHH=2W=example.net=" are 25 octets */
	struct bench b = bench(state, "tops3cr3t", NULL);
	char sender[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx@example.net";

	row_true(0, str_find(str_skip(forward(&b, sender + 1, NOW), 13), '=') == 11);
	row_true(1, forward(&b, sender + 1, NOW).n == LIMIT_LOCAL_PART + sizeof("@example.com") - 1);
	row_true(2, str_find(str_skip(forward(&b, sender, NOW), 13), '=') < 0);
	clear(&b);
}

static const char long_one[] =
	"bounces-12345678901234567890123456789012345678901234567890-long@lists.example.net";

static void opaque_keys(void **state)
{
	struct bench b = bench(state, "tops3cr3t", NULL), other = bench(state, "another", NULL);
	struct str today = forward(&b, long_one, NOW), later;

	row_text(0, forward(&b, long_one, NOW + HOURS(5)), today);
	later = forward(&b, long_one, NOW + DAYS(3));
	assert_false(str_eq(today, later));
	row_text(1, str_skip(later, 13), str_skip(today, 13));          /* the key is the sender's */
	row_text(2, reverse(&b, later.p, NOW + DAYS(24)), str_of(long_one));
	row_text(3, reverse(&b, today.p, NOW + DAYS(24)), STR("stale"));
	row_text(4, reverse(&other, today.p, NOW), STR("forged"));
	clear(&b);
	clear(&other);
	/* without the record: one that was ours, and is not known any more */
	b = bench(state, "tops3cr3t", NULL);
	row_text(5, reverse(&b, "SRS0=EMPTY=2W=x@example.com", NOW), STR("forged"));
	clear(&b);
}

static void opaque_on_disk(void **state)
{
	const char *secret = "tops3cr3t";
	struct srs_options options = { true, "example.com", { &secret, 1 } };
	struct why why;
	struct loop *l = loop_create(1, &why);
	struct bench b = { srs_create(&options, *state, l, &why), arena_create() };
	int64_t now = clock_wall();
	struct arena *arena = arena_create();
	char *out = arena_text(arena, forward(&b, long_one, now));

	row_text(0, reverse(&b, out, now), str_of(long_one));
	clear(&b);
	b = bench(state, secret, NULL);
	row_text(1, reverse(&b, out, now), str_of(long_one));
	clear(&b);
	assert_int_equal(unlink(folder_file(state, "srs-opaque")), 0);
	b = bench(state, secret, NULL);
	row_text(2, reverse(&b, out, now), STR("stale"));
	clear(&b);
	arena_destroy(&arena);
	loop_destroy(&l);
}

static void own_secret(void **state)
{
	struct srs_options options = { true, "example.com", { NULL, 0 } };
	struct why why = { 0 };
	struct loop *l = loop_create(1, &why);
	struct bench b = { NULL, arena_create() };
	char *out;

	/* the command line makes none: it might belong to the wrong user then */
	assert_null(srs_create(&options, *state, NULL, &why));
	assert_non_null(strstr(why.text, "srs-secret"));
	b.srs = srs_create(&options, *state, l, &why);
	assert_non_null(b.srs);
	out = strdup(forward(&b, "a@b.example", NOW).p);
	clear(&b);
	b = bench(state, NULL, NULL);
	row_text(0, reverse(&b, out, NOW), STR("a@b.example"));
	clear(&b);
	folder_write(state, "srs-secret", STR("tops3cr3t\n"));
	b = bench(state, NULL, NULL);
	row_text(1, forward(&b, "test@otherdomain.com", NOW), STR("SRS0=vmyz=2W=otherdomain.com=test@example.com"));
	clear(&b);
	free(out);
	loop_destroy(&l);
}

static void switched_off(void **state)
{
	const char *secret = "tops3cr3t";
	struct srs_options options = { false, "example.com", { &secret, 1 } };
	struct why why = { 0 };
	struct bench b = { srs_create(&options, *state, NULL, &why), arena_create() };

	assert_non_null(b.srs);
	row_text(0, forward(&b, "test@otherdomain.com", NOW), STR("test@otherdomain.com"));
	row_text(1, reverse(&b, "SRS0=XjO9=2V=otherdomain.com=test@example.com", NOW), STR("test@otherdomain.com"));
	clear(&b);
	options.secrets.n = 0;
	b = (struct bench){ srs_create(&options, *state, NULL, &why), arena_create() };
	assert_non_null(b.srs);
	row_text(2, reverse(&b, "SRS0=XjO9=2V=otherdomain.com=test@example.com", NOW), STR("not"));
	clear(&b);
	options.domain = NULL;
	b = (struct bench){ srs_create(&options, *state, NULL, &why), arena_create() };
	assert_non_null(b.srs);
	row_text(3, forward(&b, "test@otherdomain.com", NOW), STR("test@otherdomain.com"));
	row_text(4, reverse(&b, "SRS0=XjO9=2V=otherdomain.com=test@example.com", NOW), STR("not"));
	clear(&b);
	options.enable = true;
	assert_null(srs_create(&options, *state, NULL, &why));
	assert_non_null(strstr(why.text, "srs_domain"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)
int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(forward_vectors), TEST(reverse_vectors), TEST(round_trips), TEST(case_folded), TEST(tampered),
		TEST(ages), TEST(rotation), TEST(own_addresses), TEST(just_fits), TEST(opaque_keys),
		TEST(opaque_on_disk), TEST(own_secret), TEST(switched_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
