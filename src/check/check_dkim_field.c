/*
 * check_dkim_field.c - what a DKIM-Signature field says, and whether it may say so
 *
 * From     check_dkim.c, for each such field of a header.
 * To       check_dkim_verify.c, with hashes and signature decoded.
 * Never    stops at the first mistake: what can be read of a bad field is reported with it.
 * Fails    with CHECK_DKIM_NEUTRAL for a field that can't be understood, CHECK_DKIM_FAIL for one out
 *          of its time.
 * See      RFC 6376 sections 3.5 and 6.1.1; RFC 8301; RFC 8463; RFC 8616 section 5 (U-labels).
 */
#include "check_dkim_field.h"
#include "base/encode.h"
#include "mail/taglist.h"

#include <stdio.h>
#include <string.h>

static const struct check_dkim_algorithm algorithms[] = {
	{ "rsa-sha256", "sha256", CHECK_DKIM_RSA, false },
	{ "ed25519-sha256", "sha256", CHECK_DKIM_ED25519, false },
	{ "rsa-sha1", "sha1", CHECK_DKIM_RSA, true },
};

/* A field on its way through the rules. */
struct reading {
	struct check_dkim_field *f;
	struct check_dkim_signature *out;
	struct arena *arena;
	uint64_t t, x;                     /* seconds; 0: not given */
};

/* Each reads one tag; NULL, or what is wrong with it. */
typedef const char *read_tag(struct reading *r, const struct taglist_tag *tag);

static const char *read_version(struct reading *r, const struct taglist_tag *tag)
{
	(void)r;
	return str_eq(tag->value, STR("1")) ? NULL : "v= is not 1";
}

static const char *read_domain(struct reading *r, const struct taglist_tag *tag)
{
	return address_parse_domain(&r->out->domain, tag->value, r->arena) ? NULL
		: "d= is not a domain";
}

static const char *read_selector(struct reading *r, const struct taglist_tag *tag)
{
	return address_parse_domain(&r->out->selector, tag->value, r->arena) ? NULL
		: "s= is not a selector";
}

static const char *read_algorithm(struct reading *r, const struct taglist_tag *tag)
{
	for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
		if (!str_ieq(tag->value, str_of(algorithms[i].name)))
			continue;
		r->f->algorithm = &algorithms[i];
		r->out->algorithm = algorithms[i].name;
		return NULL;
	}
	return "a= is unknown";
}

/* The first characters of b=, without blanks: enough to tell signatures apart (RFC 6008). */
static void keep_start(struct reading *r, struct str value)
{
	struct buf start;

	buf_init(&start, 8);
	for (size_t i = 0; i < value.n && start.n < 8; i++)
		if (!strchr(" \t\r\n", value.p[i]))
			buf_add_char(&start, value.p[i]);
	r->out->tag = arena_str(r->arena, buf_str(&start));
	buf_finish(&start);
}

/* What is more than room can't be right, however it would be decoded. */
static bool read_base64(unsigned char *out, size_t room, size_t *n, struct str value)
{
	struct buf bytes;
	bool ok;

	buf_init(&bytes, room);
	ok = taglist_base64(&bytes, value) && bytes.n > 0;
	if (ok)
		memcpy(out, bytes.p, *n = bytes.n);
	buf_finish(&bytes);
	return ok;
}

static const char *read_signature(struct reading *r, const struct taglist_tag *tag)
{
	struct check_dkim_field *f = r->f;

	f->value = tag->raw;
	keep_start(r, tag->value);
	return read_base64(f->signature, sizeof f->signature, &f->signature_n, tag->value) ? NULL
		: "b= is not a signature in base64";
}

static const char *read_hash(struct reading *r, const struct taglist_tag *tag)
{
	struct check_dkim_field *f = r->f;

	return read_base64(f->hash, sizeof f->hash, &f->hash_n, tag->value) ? NULL
		: "bh= is not a hash in base64";
}

static const char *read_names(struct reading *r, const struct taglist_tag *tag)
{
	r->f->names = tag->value;
	return taglist_has_item(tag->value, STR("from")) ? NULL : "h= does not cover From";
}

static bool canon_named(enum canon *how, struct str name)
{
	*how = str_ieq(name, STR("relaxed")) ? CANON_RELAXED : CANON_SIMPLE;
	return *how == CANON_RELAXED || str_ieq(name, STR("simple"));
}

static const char *read_canon(struct reading *r, const struct taglist_tag *tag)
{
	struct str body = tag->value, header = str_cut(&body, '/');

	if (header.n == tag->value.n)
		body = STR("simple");
	return canon_named(&r->f->header, header) && canon_named(&r->f->body, body) ? NULL
		: "c= is unknown";
}

/* dkim-quoted-printable without its folding; as it is, and decoded. */
static bool read_quoted(struct buf *text, struct buf *decoded, struct str value)
{
	struct buf percent;
	bool ok;

	buf_init(&percent, 4 * value.n);
	for (size_t i = 0; i < value.n; i++) {
		if (strchr(" \t\r\n", value.p[i]))
			continue;
		buf_add_char(text, value.p[i]);
		if (value.p[i] == '%')
			buf_add_str(&percent, STR("%25"));
		else
			buf_add_char(&percent, value.p[i] == '=' ? '%' : value.p[i]);
	}
	ok = !text->over && percent_decode(decoded, buf_str(&percent));
	buf_finish(&percent);
	return ok;
}

static bool is_under(struct str name, struct str domain)
{
	return name.n > domain.n && name.p[name.n - domain.n - 1] == '.' && str_iends(name, domain);
}

static const char *read_identity_parts(struct reading *r, struct str text, struct str decoded)
{
	ptrdiff_t at = str_rfind(decoded, '@');
	struct str domain;

	if (at < 0 || at > LIMIT_LOCAL_PART_IN
		|| !address_parse_domain(&domain, str_skip(decoded, (size_t)at + 1), r->arena))
		return "i= is not an identity";
	r->f->subdomain = is_under(domain, r->out->domain);
	if (!r->f->subdomain && !str_eq(domain, r->out->domain))
		return "i= is not under d=";
	r->out->identity = arena_str(r->arena, text);
	return NULL;
}

static const char *read_identity(struct reading *r, const struct taglist_tag *tag)
{
	struct buf text, decoded;
	const char *wrong = "i= is not an identity";

	if (r->out->domain.n == 0)
		return NULL;                    /* that was told already */
	buf_init(&text, 3 * (LIMIT_LOCAL_PART_IN + 1 + LIMIT_DOMAIN));
	buf_init(&decoded, LIMIT_LOCAL_PART_IN + 1 + 4 * LIMIT_DOMAIN);
	if (read_quoted(&text, &decoded, tag->value))
		wrong = read_identity_parts(r, buf_str(&text), buf_str(&decoded));
	buf_finish(&text);
	buf_finish(&decoded);
	return wrong;
}

/* 1 to max digits; more than fits counts as endless. */
static bool read_digits(uint64_t *out, struct str value, size_t max)
{
	if (value.n == 0 || value.n > max)
		return false;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < '0' || value.p[i] > '9')
			return false;
	if (!str_number(value, out))
		*out = UINT64_MAX - 1;
	return true;
}

static const char *read_length(struct reading *r, const struct taglist_tag *tag)
{
	return read_digits(&r->f->length, tag->value, 76) ? NULL : "l= is not a number";
}

static const char *read_query(struct reading *r, const struct taglist_tag *tag)
{
	(void)r;
	return taglist_has_item(tag->value, STR("dns/txt")) ? NULL : "q= is unknown";
}

static const char *read_time(struct reading *r, const struct taglist_tag *tag)
{
	return read_digits(&r->t, tag->value, 12) ? NULL : "t= is not a time";
}

static const char *read_expiry(struct reading *r, const struct taglist_tag *tag)
{
	if (!read_digits(&r->x, tag->value, 12))
		return "x= is not a time";
	return r->x > r->t ? NULL : "x= is not after t=";
}

/* In the order of reading: i= is held to d=, x= to t=. */
static const struct rule {
	const char *tag;
	bool needed;
	read_tag *read;
} rules[] = {
	{ "d", true, read_domain },
	{ "s", true, read_selector },
	{ "b", true, read_signature },
	{ "v", true, read_version },
	{ "a", true, read_algorithm },
	{ "bh", true, read_hash },
	{ "h", true, read_names },
	{ "c", false, read_canon },
	{ "i", false, read_identity },
	{ "l", false, read_length },
	{ "q", false, read_query },
	{ "t", false, read_time },
	{ "x", false, read_expiry },
};

static bool say(struct check_dkim_signature *out, enum check_dkim_result result, const char *reason)
{
	out->result = result;
	snprintf(out->reason, sizeof out->reason, "%s", reason);
	return false;
}

static bool follow_rules(struct reading *r, const struct taglist *tags)
{
	bool good = true;

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		const struct taglist_tag *tag = taglist_find(tags, str_of(rules[i].tag));
		const char *wrong = tag ? rules[i].read(r, tag) : NULL;
		char missing[16];

		if (tag == NULL && rules[i].needed) {
			snprintf(missing, sizeof missing, "no %s=", rules[i].tag);
			wrong = missing;
		}
		if (wrong && good)
			good = say(r->out, CHECK_DKIM_NEUTRAL, wrong);
	}
	return good;
}

static bool is_in_time(const struct reading *r, int64_t now)
{
	uint64_t latest = (uint64_t)(now + LIMIT_DKIM_CLOCK) / 1000;
	uint64_t earliest = (uint64_t)(now > LIMIT_DKIM_CLOCK ? now - LIMIT_DKIM_CLOCK : 0) / 1000;

	if (r->t > latest)
		return say(r->out, CHECK_DKIM_FAIL, "signed in the future");
	if (r->x > 0 && r->x < earliest)
		return say(r->out, CHECK_DKIM_FAIL, "signature expired");
	return true;
}

bool check_dkim_field_read(struct check_dkim_field *f, struct check_dkim_signature *out,
	const struct header_field *field, int64_t now, struct arena *arena)
{
	struct reading r = { .f = f, .out = out, .arena = arena };
	struct str value = field->value;
	struct taglist tags;
	bool good;

	*f = (struct check_dkim_field){ .raw = field->raw, .length = UINT64_MAX };
	*out = (struct check_dkim_signature){ .result = CHECK_DKIM_NEUTRAL, .algorithm = "" };
	if (value.n >= 2 && memcmp(value.p + value.n - 2, "\r\n", 2) == 0)
		value.n -= 2;
	if (!taglist_parse(&tags, value))
		return say(out, CHECK_DKIM_NEUTRAL, "not a valid tag list");
	good = follow_rules(&r, &tags);
	if (out->domain.n > 0 && taglist_find(&tags, STR("i")) == NULL)
		out->identity = str_of(arena_printf(arena, "@%.*s", STR_FMT(out->domain)));
	return good && is_in_time(&r, now);
}
