/*
 * password.c - tell a crypt(3) string from a plain password, and a good one from a bad one
 *
 * From     options.c, for each account.
 * To       options.c, which tells the person who wrote it.
 * Never    computes a hash: a setting that takes four minutes is legal in crypt(3), and is found
 *          here.
 * Fails    with what is wrong and what to do. No part of the password is in it.
 * See      crypt(5).
 */
#include "password.h"

#include "base/limits.h"

#include <crypt.h>
#include <string.h>

/* One hash takes at most about a second, on a machine of 2020; the default costs are far below. */
enum {
	SHA512_ROUNDS_MAX = 1000000,
	BCRYPT_COST_MAX = 14,
	/* bytes of yescrypt and scrypt, times their parallelism */
	SCRYPT_MEMORY_MAX = 128 << 20
};

#define MAKE_ONE "run `waypost password` to make a new one"

struct scheme {
	const char *prefix;
	size_t hash;                           /* characters behind the last '$' */
	bool (*check)(struct str settings, struct why *why);    /* what stands behind the prefix */
};

static const char itoa64[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static int digit(char c)
{
	const char *at = c ? strchr(itoa64, c) : NULL;

	return at ? (int)(at - itoa64) : -1;
}

static bool check_memory(uint64_t log2_n, uint64_t r, uint64_t p, struct why *why)
{
	if (log2_n >= 32 || r == 0 || p == 0 || r > 1024 || p > 1024 ||
		(128 * r * p) << log2_n > SCRYPT_MEMORY_MAX)
		return why_set(why, "a login with this hash would take too much memory and time; "
			MAKE_ONE);
	return true;
}

/* "$y$" flavour, log2(N) - 1, r - 1, a digit each; what crypt_gensalt(3) never makes is refused. */
static bool check_yescrypt(struct str s, struct why *why)
{
	struct str params = str_cut(&s, '$');

	if (params.n != 3 || params.p[0] != 'j' || digit(params.p[1]) < 0 ||
		digit(params.p[1]) > 47 ||
		digit(params.p[2]) < 0 || digit(params.p[2]) > 47)
		return why_set(why, "its settings are none that waypost takes; " MAKE_ONE);
	return check_memory((uint64_t)digit(params.p[1]) + 1, (uint64_t)digit(params.p[2]) + 1, 1,
		why);
}

/* Five digits, the lowest first. */
static uint64_t number30(const char *p)
{
	uint64_t n = 0;

	for (int i = 4; i >= 0; i--)
		n = n << 6 | (uint64_t)digit(p[i]);
	return n;
}

/* "$7$" log2(N), r in five digits, p in five */
static bool check_scrypt(struct str s, struct why *why)
{
	for (size_t i = 0; i < 11; i++)
		if (i >= s.n || digit(s.p[i]) < 0)
			return why_set(why, "its settings can't be read; " MAKE_ONE);
	return check_memory((uint64_t)digit(s.p[0]), number30(s.p + 1), number30(s.p + 6), why);
}

static bool check_sha512(struct str s, struct why *why)
{
	struct str first = str_cut(&s, '$');
	uint64_t rounds;

	if (!str_starts(first, STR("rounds=")))
		return true;
	if (!str_number(str_skip(first, 7), &rounds))
		return why_set(why, "its rounds= can't be read; " MAKE_ONE);
	if (rounds > SHA512_ROUNDS_MAX)
		return why_set(why, "with rounds=%llu a login would take too long, at most %d; "
			MAKE_ONE,
			(unsigned long long)rounds, SHA512_ROUNDS_MAX);
	return true;
}

static bool check_bcrypt(struct str s, struct why *why)
{
	struct str cost = str_cut(&s, '$');
	uint64_t n;

	if (cost.n != 2 || !str_number(cost, &n) || n < 4)
		return why_set(why, "its cost can't be read; " MAKE_ONE);
	if (n > BCRYPT_COST_MAX)
		return why_set(why, "with cost %llu a login would take too long, at most %d; "
			MAKE_ONE,
			(unsigned long long)n, BCRYPT_COST_MAX);
	return true;
}

static const struct scheme schemes[] = {
	{ "$y$", 43, check_yescrypt },
	{ "$6$", 86, check_sha512 },
	{ "$2b$", 53, check_bcrypt },
	{ "$2a$", 53, check_bcrypt },
	{ "$2y$", 53, check_bcrypt },
	{ "$7$", 43, check_scrypt },
};

/* "$id$", with an id of up to 8 letters, digits and hyphens, as all of crypt(5) have it, and
 * others' too. */
static bool has_prefix(struct str s)
{
	size_t i = 1;

	if (!s.n || s.p[0] != '$')
		return false;
	while (i < s.n && i <= 8 && ((s.p[i] >= 'a' && s.p[i] <= 'z') ||
		(s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-'))
		i++;
	return i > 1 && i < s.n && s.p[i] == '$';
}

static bool check_scheme(const struct scheme *scheme, struct str text, struct why *why)
{
	struct str hash = str_skip(text, (size_t)str_rfind(text, '$') + 1);
	bool whole = hash.n == scheme->hash;

	if (!scheme->check(str_skip(text, strlen(scheme->prefix)), why))
		return false;
	for (size_t i = 0; i < hash.n; i++)
		whole = whole && digit(hash.p[i]) >= 0;
	if (!whole)
		return why_set(why, "its last part has %zu characters where %s has %zu: a part is "
			"missing, or it has "
			"none; " MAKE_ONE, hash.n, scheme->prefix, scheme->hash);
	if (crypt_checksalt(text.p) == CRYPT_SALT_INVALID ||
		crypt_checksalt(text.p) == CRYPT_SALT_METHOD_DISABLED)
		return why_set(why, "crypt(3) can't read it; " MAKE_ONE);
	return true;
}

bool password_check(struct str text, bool *is_crypt, struct why *why)
{
	ptrdiff_t brace = str_starts(text, STR("{")) ? str_find(text, '}') : -1;

	*is_crypt = has_prefix(text);
	if (!text.n)
		return why_set(why,
			"it is empty; leave `password` away for an account that never logs in");
	if (text.n > LIMIT_PASSWORD)
		return why_set(why, "it is longer than %d bytes, which is as much as crypt(3) "
			"takes", LIMIT_PASSWORD);
	if (brace > 0 && has_prefix(str_skip(text, (size_t)brace + 1)))
		return why_set(why, "take %.*s away, and leave what begins with '$'",
			(int)brace + 1, text.p);
	if (!*is_crypt)
		return true;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (str_starts(text, str_of(schemes[i].prefix)))
			return check_scheme(&schemes[i], text, why);
	return why_set(why, "of the hashes of crypt(5) waypost takes $y$, $6$, $2b$ and $7$; "
		MAKE_ONE);
}
