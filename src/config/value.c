/*
 * value.c - what a person writes, as a number: 25, 50M, 4h, yes
 *
 * From     table.c, with the text of a scalar.
 * To       table.c, with the value; or false, and table.c says what was expected.
 * Never    guesses: no octal, no hex, no signs but a minus, no overflow.
 */
#include "base/clock.h"
#include "tree.h"

#include <inttypes.h>
#include <stdio.h>

struct unit {
	const char *name;
	int64_t factor;
};

/* the largest last, so that value_text finds the one that says it shortest */
static const struct unit sizes[] = {
	{ "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { NULL, 0 }
};
static const struct unit durations[] = {
	{ "ms", 1 }, { "s", SECONDS(1) }, { "m", MINUTES(1) }, { "h", HOURS(1) }, { "d", DAYS(1) },
	{ NULL, 0 }
};

bool value_bool(struct str s, bool *out)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "true", true }, { "yes", true }, { "on", true },
		{ "false", false }, { "no", false }, { "off", false },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (str_ieq(s, str_of(words[i].word))) {
			*out = words[i].value;
			return true;
		}
	}
	return false;
}

/* Digits without a leading zero: 0755 means two things to two readers. */
static bool digits(struct str s, int64_t *out)
{
	uint64_t u;

	if (!str_number(s, &u) || u > INT64_MAX || (s.n > 1 && s.p[0] == '0'))
		return false;
	*out = (int64_t)u;
	return true;
}

bool value_number(struct str s, int64_t *out)
{
	if (s.n == 0 || s.p[0] != '-')
		return digits(s, out);
	if (!digits(str_skip(s, 1), out))
		return false;
	*out = -*out;
	return true;
}

static bool with_unit(struct str s, const struct unit *units, int64_t bare, int64_t *out)
{
	size_t n = 0;
	int64_t factor = 0;

	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	if (n == s.n)
		factor = bare;
	for (const struct unit *u = units; u->name && factor == 0; u++)
		if (str_ieq(str_skip(s, n), str_of(u->name)))
			factor = u->factor;
	return factor != 0 && digits(str_head(s, n), out) &&
		!__builtin_mul_overflow(*out, factor, out);
}

bool value_size(struct str s, int64_t *out)
{
	return with_unit(s, sizes, 1, out);
}

bool value_duration(struct str s, int64_t *out)
{
	return with_unit(s, durations, SECONDS(1), out);
}

const char *value_text(enum config_type type, int64_t value, char out[32])
{
	const struct unit *units = type == CONFIG_SIZE ? sizes : durations;
	const struct unit *best = units;

	if (type != CONFIG_SIZE && type != CONFIG_DURATION) {
		snprintf(out, 32, "%" PRId64, value);
		return out;
	}
	for (const struct unit *u = units; u->name && value != 0; u++)
		if (value % u->factor == 0)
			best = u;
	if (type == CONFIG_DURATION && value == 0)
		best = &durations[1];
	snprintf(out, 32, "%" PRId64 "%s", value / best->factor, best->name);
	return out;
}
