/* Hashes and days of SRS addresses, as PostSRSd makes them: src/route/srs_hash.c. */
#include "../unit.h"

#include "srs_hash.h"

#include "base/clock.h"

#include <stdlib.h>

/* 2020-01-01 00:01 UTC */
#define NOW ((int64_t)1577836860 * 1000)

static struct srs_hash *make(const char *first, const char *second)
{
	struct str secrets[] = { str_of(first), str_of(second) };

	return srs_hash_create(secrets, second ? 2 : 1);
}

static void vectors(void **state)
{
	static const struct { const char *parts[3], *hash; } rows[] = {
		{ { "2W", "otherdomain.com", "test" }, "vmyz" },
		{ { "2W", "otherdomain.com", "sender" }, "9KJ+" },
		{ { "2V", "otherdomain.com", "test" }, "XjO9" },
		{ { "T7", "otherdomain.com", "test" }, "te87" },
		{ { "7N", "otherdomain.com", "test" }, "VcIb" },
		{ { "otherdomain.com", "=opaque+string", "" }, "chaI" },
		{ { "thirddomain.com", "=opaque+string", "" }, "JIBX" },
		{ { "2w", "OTHERdomain.com", "TEST" }, "vmyz" },
	};
	struct srs_hash *h = make("tops3cr3t", NULL);

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str parts[] = { str_of(rows[i].parts[0]), str_of(rows[i].parts[1]),
			str_of(rows[i].parts[2]) };
		char hash[SRS_HASH_LENGTH + 1];

		srs_hash_make(h, parts, 3, hash);
		row_text(i, str_of(hash), str_of(rows[i].hash));
	}
	srs_hash_destroy(&h);
	assert_null(h);
	srs_hash_destroy(&h);
}

static void checks(void **state)
{
	static const struct { const char *given; bool good; } rows[] = {
		{ "9KJ+", true }, { "9KJ-", true }, { "9kj+", true }, { "9kj-", true },
		{ "9KJ", false }, { "", false }, { "9KJ/", false }, { "9KJ_", false }, { "9K1+", false },
		{ "0KJ+", false }, { "9JJ+", false }, { "9KJ+!", false },
	};
	struct srs_hash *h = make("tops3cr3t", NULL);
	struct str parts[] = { STR("2W"), STR("otherdomain.com"), STR("sender") };

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		row_true(i, srs_hash_check(h, str_of(rows[i].given), parts, 3) == rows[i].good);
	srs_hash_destroy(&h);
}

static void longer_hashes(void **state)
{
	/* of an installation with a longer hash length; computed with Python's hmac and base64 */
	static const char full[] = "9KJ+2Q9nCHgHzjYgg/a3TYPEck8";
	struct srs_hash *h = make("tops3cr3t", NULL);
	struct str parts[] = { STR("2W"), STR("otherdomain.com"), STR("sender") };
	char wrong[sizeof(full) + 1];

	(void)state;
	for (size_t n = 0; n < sizeof(full); n++)
		row_true(n, srs_hash_check(h, str_make(full, n), parts, 3) == (n >= SRS_HASH_LENGTH));
	for (size_t n = 0; n < sizeof(full) - 1; n++) {
		memcpy(wrong, full, sizeof(full));
		wrong[n] = wrong[n] == '7' ? '8' : '7';
		row_true(n, !srs_hash_check(h, str_of(wrong), parts, 3));
	}
	memcpy(wrong, full, sizeof(full));
	wrong[sizeof(full) - 1] = 'A';
	assert_false(srs_hash_check(h, str_make(wrong, sizeof(full)), parts, 3));
	srs_hash_destroy(&h);
}

static void rotation(void **state)
{
	struct srs_hash *old = make("tops3cr3t", NULL), *both = make("a newer one", "tops3cr3t");
	struct str parts[] = { STR("2W"), STR("otherdomain.com"), STR("test") };
	char hash[SRS_HASH_LENGTH + 1];

	(void)state;
	assert_true(srs_hash_check(both, STR("vmyz"), parts, 3));
	srs_hash_make(both, parts, 3, hash);
	assert_true(srs_hash_check(both, str_of(hash), parts, 3));
	assert_false(srs_hash_check(old, str_of(hash), parts, 3));
	srs_hash_destroy(&old);
	srs_hash_destroy(&both);
}

static void keys(void **state)
{
	struct srs_hash *one = make("tops3cr3t", NULL), *other = make("another", NULL);
	char a[SRS_KEY_LENGTH + 1], b[SRS_KEY_LENGTH + 1];

	(void)state;
	srs_hash_key(one, STR("someone@example.com"), a);
	srs_hash_key(one, STR("someone@example.com"), b);
	assert_string_equal(a, b);
	assert_int_equal(strspn(a, "abcdefghijklmnopqrstuvwxyz234567"), SRS_KEY_LENGTH);
	srs_hash_key(one, STR("Someone@example.com"), b);
	assert_string_not_equal(a, b);
	srs_hash_key(other, STR("someone@example.com"), b);
	assert_string_not_equal(a, b);
	srs_hash_destroy(&one);
	srs_hash_destroy(&other);
}

static void stamps(void **state)
{
	static const struct { const char *stamp; bool fresh; } rows[] = {
		{ "2W", true }, { "2w", true }, { "2V", true },
		{ "2B", true },                 /* 21 days */
		{ "2A", false },                /* 22 days */
		{ "2X", true },                 /* tomorrow, by another's clock */
		{ "2Y", false },
		{ "T7", false }, { "7N", false },
		{ "", false }, { "2", false }, { "2WW", false }, { "20", false }, { "21", false }, { "=W", false },
		{ "2[", false }, { "2{", false }, { "2@", false },
	};
	char stamp[SRS_STAMP_LENGTH + 1];

	(void)state;
	srs_stamp_make(NOW, stamp);
	assert_string_equal(stamp, "2W");
	for (size_t i = 0; i < ROWS(rows); i++)
		row_true(i, srs_stamp_is_fresh(str_of(rows[i].stamp), NOW) == rows[i].fresh);
}

/* The count of days starts again after 1024. */
static void stamps_wrap(void **state)
{
	int64_t zero = DAYS(1024) * 18;
	char stamp[SRS_STAMP_LENGTH + 1];

	(void)state;
	srs_stamp_make(zero - 1, stamp);
	assert_string_equal(stamp, "77");
	srs_stamp_make(zero, stamp);
	assert_string_equal(stamp, "AA");
	assert_true(srs_stamp_is_fresh(STR("77"), zero));
	assert_true(srs_stamp_is_fresh(STR("AA"), zero - 1));
	assert_true(srs_stamp_is_fresh(STR("77"), zero + DAYS(20)));
	assert_false(srs_stamp_is_fresh(STR("77"), zero + DAYS(21)));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors), cmocka_unit_test(checks), cmocka_unit_test(longer_hashes),
		cmocka_unit_test(rotation), cmocka_unit_test(keys), cmocka_unit_test(stamps),
		cmocka_unit_test(stamps_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
