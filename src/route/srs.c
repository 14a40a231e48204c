/*
 * srs.c - give the sender an address at our domain, so that bounces come back
 *
 * From     receive/, for a message that came in unauthenticated and leaves again.
 * To       the envelope, with the new sender; and back: route.c, with the original one.
 * Owns     the secrets, newest first, and the senders kept under opaque keys, until the next
 *          reload.
 * Never    blocks, logs, or keeps a pointer into the envelope.
 * Fails    with SRS_FORGED, SRS_STALE or SRS_NOT_SRS; the caller picks the reply.
 * See      RFC 5321 section 4.5.3.1.1 (64 octets); the SRS paper; PostSRSd, whose addresses these
 *          are.
 *
 * A sender is hashed as SRS0=hash=day=domain=local; one that is SRS0 elsewhere becomes
 * SRS1=hash=domain==rest, so that the bounce goes straight to that forwarder; one that is SRS1
 * keeps its domain and rest and gets our hash. A sender at our own srs_domain is no exception: what
 * comes in from outside is not proven, and srs_reverse takes both layers off at once. What would be
 * longer than 64 octets becomes SRS0=hash=day=key, and srs_opaque.c remembers the sender.
 */
#include "route/srs.h"
#include "srs_hash.h"
#include "srs_opaque.h"
#include "srs_secret.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"

#include <stdlib.h>
#include <string.h>

struct srs {
	struct srs_hash *hash;         /* owned; NULL: no secret, because it is not enabled */
	struct srs_opaque *opaque;     /* owned */
	char *domain;                  /* owned; NULL: not enabled */
	bool enable;
};

/* What the hash is over, for an opaque key: the space keeps it apart from that of any domain and
 * local part. */
#define OPAQUE_MARK STR(" ")

static bool is_separator(char c)
{
	return c == '=' || c == '+' || c == '-';
}

static bool is_srs(struct str local, char version)
{
	return local.n > 4 && str_istarts(local, STR("SRS")) && local.p[3] == version &&
		is_separator(local.p[4]);
}

/* create and destroy */

static bool take_secrets(struct srs *s, const struct srs_options *options, const char *state_dir,
	bool may_make, struct why *why)
{
	size_t n = options->secrets.n;
	struct str *secrets = mem_alloc((n + 1) * sizeof(*secrets));
	struct buf made;
	bool ok = true;

	buf_init(&made, LIMIT_CONFIG_FILE);
	for (size_t i = 0; i < n; i++)
		secrets[i] = str_of(options->secrets.v[i]);
	if (n == 0) {
		ok = srs_secret_read(&made, state_dir, may_make, why);
		if (ok && made.n)
			secrets[n++] = buf_str(&made);
	}
	if (n)
		s->hash = srs_hash_create(secrets, n);
	if (made.p)
		explicit_bzero(made.p, made.n);
	buf_finish(&made);
	free(secrets);
	return ok;
}

struct srs *srs_create(const struct srs_options *options, const char *state_dir, struct loop *l,
	struct why *why)
{
	struct srs *s = mem_alloc(sizeof(*s));

	s->enable = options->enable;
	s->domain = mem_string(options->domain);
	if (!s->domain && !s->enable)
		return s;
	if (!s->domain) {
		why_set(why,
			"srs.srs_domain: not set; name a domain of yours whose MX is this server");
		srs_destroy(&s);
		return NULL;
	}
	/* Switched off, the addresses that are under way still come home. */
	if (take_secrets(s, options, state_dir, s->enable && l, why)) {
		if (!s->hash && s->enable)
			why_set(why, "%s/srs-secret: not there yet; the server makes it when it "
				"starts first",
				state_dir);
		else if (!s->hash || (s->opaque = srs_opaque_open(state_dir, l, clock_wall(), why)))
			return s;
	}
	why_prefix(why, "srs");
	srs_destroy(&s);
	return NULL;
}

void srs_destroy(struct srs **s)
{
	if (!*s)
		return;
	srs_hash_destroy(&(*s)->hash);
	srs_opaque_close(&(*s)->opaque);
	free((*s)->domain);
	free(*s);
	*s = NULL;
}

/* forward */

static void add_pair(struct buf *out, struct str host, struct str rest)
{
	buf_add_str(out, host);
	buf_add_char(out, '=');
	buf_add_str(out, rest);
}

static void make_srs0(const struct srs *s, struct buf *out, const struct address *sender,
	int64_t now)
{
	char hash[SRS_HASH_LENGTH + 1], stamp[SRS_STAMP_LENGTH + 1];

	srs_stamp_make(now, stamp);
	srs_hash_make(s->hash, (struct str[]){ str_of(stamp), sender->domain, sender->local }, 3,
		hash);
	buf_addf(out, "SRS0=%s=%s=", hash, stamp);
	add_pair(out, sender->domain, sender->local);
}

static void make_srs1(const struct srs *s, struct buf *out, struct str host, struct str rest)
{
	char hash[SRS_HASH_LENGTH + 1];

	srs_hash_make(s->hash, (struct str[]){ host, rest }, 2, hash);
	buf_addf(out, "SRS1=%s=", hash);
	add_pair(out, host, rest);
}

/* SRS1=hash=host=rest, where rest begins with the separator of the SRS0 address at host. */
static bool split_srs1(struct str local, struct str *hash, struct str *host, struct str *rest)
{
	struct str left;

	if (!is_srs(local, '1'))
		return false;
	left = str_skip(local, 5);
	*hash = str_cut(&left, '=');
	*host = str_cut(&left, '=');
	*rest = left;
	return hash->n && host->n && rest->n && is_separator(rest->p[0]);
}

/* Of the local part as it is sent, with its quotes. */
static bool fits(struct str local, struct str domain)
{
	struct address a = { local, domain };
	struct buf text;
	bool ok;

	buf_init(&text, LIMIT_LOCAL_PART + 1 + domain.n);
	ok = address_print(&text, &a) && !text.over;
	buf_finish(&text);
	return ok;
}

static void make_opaque(struct srs *s, struct buf *out, const struct address *sender, int64_t now)
{
	char hash[SRS_HASH_LENGTH + 1], stamp[SRS_STAMP_LENGTH + 1], key[SRS_KEY_LENGTH + 1];
	struct buf text;

	buf_init(&text, LIMIT_COMMAND_LINE * 2);
	address_print(&text, sender);
	srs_hash_key(s->hash, buf_str(&text), key);
	srs_opaque_put(s->opaque, str_of(key), buf_str(&text), now);
	buf_finish(&text);
	srs_stamp_make(now, stamp);
	srs_hash_make(s->hash, (struct str[]){ str_of(stamp), OPAQUE_MARK, str_of(key) }, 3, hash);
	buf_addf(out, "SRS0=%s=%s=%s", hash, stamp, key);
}

struct address srs_forward(struct srs *s, const struct address *sender, int64_t now,
	struct arena *arena)
{
	struct address out = address_copy(sender, arena);
	struct str hash, host, rest;
	struct buf local;

	if (!s->enable || address_is_null(sender) || !sender->domain.n)
		return out;
	buf_init(&local, LIMIT_COMMAND_LINE * 2);
	if (is_srs(sender->local, '0'))
		make_srs1(s, &local, sender->domain, str_skip(sender->local, 4));
	else if (split_srs1(sender->local, &hash, &host, &rest))
		make_srs1(s, &local, host, rest);
	else
		make_srs0(s, &local, sender, now);
	out.domain = arena_str(arena, str_of(s->domain));
	if (!fits(buf_str(&local), out.domain)) {
		buf_clear(&local);
		make_opaque(s, &local, sender, now);
	}
	out.local = arena_str(arena, buf_str(&local));
	buf_finish(&local);
	return out;
}

/* reverse */

/* The host was hashed as its server wrote it; that it is a domain is asked again, of the parser
 * itself. */
static bool give(struct address *out, struct str local, struct str host, struct arena *arena)
{
	struct address parsed;
	struct buf text;
	bool ok;

	buf_init(&text, LIMIT_DOMAIN + 8);
	buf_add_str(&text, STR("x@"));
	ok = buf_add_str(&text, host) && address_parse(&parsed, buf_str(&text), arena);
	buf_finish(&text);
	if (!ok || !local.n)
		return false;
	out->local = arena_str(arena, local);
	out->domain = parsed.domain;
	return true;
}

static enum srs_result reverse_opaque(const struct srs *s, struct str hash, struct str stamp,
	struct str key, int64_t now, struct arena *arena, struct address *out)
{
	struct buf lower;
	struct str text;

	if (!srs_hash_check(s->hash, hash, (struct str[]){ stamp, OPAQUE_MARK, key }, 3))
		return SRS_FORGED;
	if (!srs_stamp_is_fresh(stamp, now))
		return SRS_STALE;
	buf_init(&lower, LIMIT_LOCAL_PART_IN);
	for (size_t i = 0; i < key.n; i++)
		buf_add_char(&lower, str_lower(key.p[i]));
	text = srs_opaque_get(s->opaque, buf_str(&lower));
	buf_finish(&lower);
	/* A key of ours that is not kept any more: the oldest had to go. */
	return text.n && address_parse(out, text, arena) ? SRS_OK : SRS_STALE;
}

static enum srs_result reverse_srs0(const struct srs *s, struct str local, int64_t now,
	struct arena *arena, struct address *out)
{
	struct str left = str_skip(local, 5), hash = str_cut(&left, '=');
	struct str stamp = str_cut(&left, '='), host;

	if (left.n && str_find(left, '=') < 0)
		return reverse_opaque(s, hash, stamp, left, now, arena, out);
	host = str_cut(&left, '=');
	if (!srs_hash_check(s->hash, hash, (struct str[]){ stamp, host, left }, 3))
		return SRS_FORGED;
	if (!srs_stamp_is_fresh(stamp, now))
		return SRS_STALE;
	return give(out, left, host, arena) ? SRS_OK : SRS_FORGED;
}

static enum srs_result reverse_srs1(const struct srs *s, struct str local, int64_t now,
	struct arena *arena, struct address *out)
{
	struct str hash, host, rest;
	char *inner;

	if (!split_srs1(local, &hash, &host, &rest) ||
		!srs_hash_check(s->hash, hash, (struct str[]){ host, rest }, 2))
		return SRS_FORGED;
	inner = arena_printf(arena, "SRS0%.*s", STR_FMT(rest));
	if (str_ieq(host, str_of(s->domain)))
		return reverse_srs0(s, str_of(inner), now, arena, out);
	return give(out, str_of(inner), host, arena) ? SRS_OK : SRS_FORGED;
}

enum srs_result srs_reverse(const struct srs *s, const struct address *rcpt, int64_t now,
	struct arena *arena, struct address *out)
{
	if (!s->hash || !str_ieq(rcpt->domain, str_of(s->domain)))
		return SRS_NOT_SRS;
	if (is_srs(rcpt->local, '0'))
		return reverse_srs0(s, rcpt->local, now, arena, out);
	if (is_srs(rcpt->local, '1'))
		return reverse_srs1(s, rcpt->local, now, arena, out);
	return SRS_NOT_SRS;
}
