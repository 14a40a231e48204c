/*
 * check_dkim_verify.c - keys, body hashes and signatures, in this order
 *
 * From     check_dkim.c, on a worker, once all keys have come.
 * Never    lets one signature spoil another, or leaves anything in OpenSSL's error queue.
 * Fails    with CHECK_DKIM_TEMPERROR if the content can't be read.
 * See      RFC 6376 section 6.1; several records of one key are tried one after the other (3.6.2.2
 *          leaves it open).
 */
#include "check_dkim_verify.h"
#include "check_dkim_hash.h"
#include "check_dkim_key.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

enum { RSA_LEAST_BITS = 1024 };            /* RFC 8301 section 3.2 */

/* What is known of one signature before its key is tried. */
struct digests {
	const struct check_dkim_body_hash *body;
	unsigned char header[EVP_MAX_MD_SIZE];
	size_t header_n;
};

static void say(struct check_dkim_signature *out, enum check_dkim_result result, const char *reason)
{
	out->result = result;
	snprintf(out->reason, sizeof out->reason, "%s", reason);
}

static bool body_is_signed(const struct check_dkim_field *f,
	const struct check_dkim_body_hash *body)
{
	return f->hash_n == body->digest_n && memcmp(f->hash, body->digest, f->hash_n) == 0;
}

/* It verifies; do we take it? */
static void accept_or_not(struct check_dkim_signature *out, const struct check_dkim_field *f,
	const struct check_dkim_key *key)
{
	if (f->algorithm->old)
		say(out, CHECK_DKIM_POLICY, "signed with rsa-sha1, which proves nothing");
	else if (f->algorithm->kind == CHECK_DKIM_RSA && key->bits < RSA_LEAST_BITS)
		say(out, CHECK_DKIM_POLICY, "the key is too short");
	else
		say(out, CHECK_DKIM_PASS, out->partial ? "only a part of the body is signed" : "");
}

static void try_key(struct check_dkim_signature *out, const struct check_dkim_field *f,
	const struct check_dkim_key *key, const struct digests *d)
{
	if (key->exact && f->subdomain)
		say(out, CHECK_DKIM_PERMERROR, "the key is not for subdomains of d=");
	else if (key->bits > LIMIT_DKIM_KEY_BITS)
		say(out, CHECK_DKIM_POLICY, "the key is too long");
	else if (f->length != UINT64_MAX && f->length > d->body->seen)
		say(out, CHECK_DKIM_FAIL, "the body is shorter than l=");
	else if (!body_is_signed(f, d->body))
		say(out, CHECK_DKIM_FAIL, "body hash did not verify");
	else if (!check_dkim_key_verify(key, f->algorithm, str_make(d->header, d->header_n),
		str_make(f->signature, f->signature_n)))
		say(out, CHECK_DKIM_FAIL, "signature did not verify");
	else
		accept_or_not(out, f, key);
}

static void try_record(struct check_dkim_signature *out, const struct check_dkim_field *f,
	struct str record, const struct digests *d)
{
	struct check_dkim_key key;
	const char *wrong = check_dkim_key_read(&key, record, f->algorithm);

	out->bits = key.bits;
	out->testing = key.testing;
	if (wrong)
		say(out, CHECK_DKIM_PERMERROR, wrong);
	else
		try_key(out, f, &key, d);
	check_dkim_key_finish(&key);
}

/* How much a result tells, of those of several records. */
static int rank(enum check_dkim_result result)
{
	static const int ranks[] = {
		[CHECK_DKIM_PASS] = 4, [CHECK_DKIM_POLICY] = 3, [CHECK_DKIM_FAIL] = 2,
		[CHECK_DKIM_TEMPERROR] = 1, [CHECK_DKIM_PERMERROR] = 0, [CHECK_DKIM_NEUTRAL] = 0,
	};

	return ranks[result];
}

static void decide(struct check_dkim_one *one, const struct digests *d)
{
	struct check_dkim_signature best = one->out, now;

	say(&best, CHECK_DKIM_PERMERROR, "no key for signature");
	best.partial = one->field.length < d->body->seen;
	for (size_t i = 0; i < one->record_n; i++) {
		now = one->out;
		now.partial = best.partial;
		try_record(&now, &one->field, one->records[i], d);
		if (i == 0 || rank(now.result) > rank(best.result))
			best = now;
		if (best.result == CHECK_DKIM_PASS)
			break;
	}
	one->out = best;
	one->open = false;
}

static void decide_all(struct check_dkim_one *v, size_t n, const struct check_dkim_bodies *bodies,
	const size_t *which, struct str header)
{
	struct check_dkim_fields *fields = check_dkim_hash_fields(header);

	for (size_t i = 0; i < n; i++) {
		const struct check_dkim_field *f = &v[i].field;
		struct check_dkim_covered covered = {
			.how = f->header, .names = f->names, .own = f->raw, .cut = f->value,
		};
		struct digests d;

		if (!v[i].open)
			continue;
		covered.hash = check_dkim_key_hash(f->algorithm);
		d.body = &bodies->v[which[i]];
		d.header_n = check_dkim_hash_header(fields, &covered, d.header);
		decide(&v[i], &d);
	}
	check_dkim_hash_fields_drop(&fields);
}

static void give_up(struct check_dkim_one *v, size_t n, const char *reason)
{
	for (size_t i = 0; i < n; i++) {
		if (!v[i].open)
			continue;
		say(&v[i].out, CHECK_DKIM_TEMPERROR, reason);
		v[i].open = false;
	}
}

void check_dkim_verify(struct check_dkim_one *v, size_t n, const struct content *content)
{
	struct check_dkim_bodies bodies = { .n = 0 };
	size_t which[LIMIT_DKIM_SIGNATURES] = { 0 };
	struct why why;

	for (size_t i = 0; i < n; i++)
		if (v[i].open)
			which[i] = check_dkim_hash_want(&bodies, v[i].field.body,
				check_dkim_key_hash(v[i].field.algorithm), v[i].field.length);
	if (check_dkim_hash_bodies(&bodies, content, &why))
		decide_all(v, n, &bodies, which, content_header(content));
	else
		give_up(v, n, "the message could not be read");
	check_dkim_hash_finish(&bodies);
	ERR_clear_error();
}
