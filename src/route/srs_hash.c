/*
 * srs_hash.c - prove that an SRS address is ours, and young
 *
 * From     srs.c, with the parts of an address.
 * To       srs.c: four characters to write, or yes and no.
 * Owns     one keyed HMAC-SHA1 a secret, set up once.
 * Never    tells by its timing how much of a hash was right.
 * Fails    only by our own fault; OpenSSL's HMAC has no other way.
 * See      PostSRSd's addresses, which must come home: the parts are joined without anything
 *          between them, in lower case, because servers on the way change the case of a local part.
 */
#include "srs_hash.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"

#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

enum { SHA1_SIZE = 20, STAMP_DAYS = 1 << (5 * SRS_STAMP_LENGTH) };

struct srs_hash {
	EVP_MAC *mac;
	EVP_MAC_CTX **keyed;       /* one a secret */
	size_t n;
};

static const char base64_chars[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base32_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

struct srs_hash *srs_hash_create(const struct str *secrets, size_t n)
{
	struct srs_hash *h = mem_alloc(sizeof(*h));
	char digest[] = "SHA1";
	OSSL_PARAM params[] = { OSSL_PARAM_utf8_string("digest", digest, sizeof(digest) - 1),
		OSSL_PARAM_END };

	h->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	must(h->mac);
	h->n = n;
	h->keyed = mem_alloc((n ? n : 1) * sizeof(*h->keyed));
	for (size_t i = 0; i < n; i++) {
		h->keyed[i] = EVP_MAC_CTX_new(h->mac);
		must(h->keyed[i]);
		must(EVP_MAC_init(h->keyed[i], (const unsigned char *)secrets[i].p, secrets[i].n,
			     params) == 1);
	}
	return h;
}

void srs_hash_destroy(struct srs_hash **h)
{
	if (!*h)
		return;
	for (size_t i = 0; i < (*h)->n; i++)
		EVP_MAC_CTX_free((*h)->keyed[i]);
	EVP_MAC_free((*h)->mac);
	free((*h)->keyed);
	free(*h);
	*h = NULL;
}

static void add_lower(EVP_MAC_CTX *mac, struct str part)
{
	unsigned char chunk[64];

	while (part.n) {
		size_t n = part.n < sizeof(chunk) ? part.n : sizeof(chunk);

		for (size_t i = 0; i < n; i++)
			chunk[i] = (unsigned char)str_lower(part.p[i]);
		must(EVP_MAC_update(mac, chunk, n) == 1);
		part = str_skip(part, n);
	}
}

static void finish(EVP_MAC_CTX *mac, unsigned char out[SHA1_SIZE])
{
	size_t n = 0;

	must(EVP_MAC_final(mac, out, &n, SHA1_SIZE) == 1 && n == SHA1_SIZE);
}

/* n digits of `bits` bits each, the most significant first. */
static void digits(const unsigned char *bytes, int bits, const char *alphabet, char *out, size_t n)
{
	unsigned held = 0, have = 0;

	for (size_t i = 0; i < n; i++) {
		while (have < (unsigned)bits) {
			held = held << 8 | *bytes++;
			have += 8;
		}
		have -= (unsigned)bits;
		out[i] = alphabet[held >> have & ((1U << bits) - 1)];
		held &= (1U << have) - 1;
	}
	out[n] = '\0';
}

static void hash(EVP_MAC_CTX *mac, const struct str *parts, size_t n, char out[SRS_HASH_FULL + 1])
{
	/* the last digit takes two bits beyond the sum */
	unsigned char sum[SHA1_SIZE + 1] = { 0 };

	must(EVP_MAC_init(mac, NULL, 0, NULL) == 1);    /* the key stays */
	for (size_t i = 0; i < n; i++)
		add_lower(mac, parts[i]);
	finish(mac, sum);
	digits(sum, 6, base64_chars, out, SRS_HASH_FULL);
}

void srs_hash_make(const struct srs_hash *h, const struct str *parts, size_t n,
	char out[SRS_HASH_LENGTH + 1])
{
	char full[SRS_HASH_FULL + 1];

	must(h->n > 0);
	hash(h->keyed[0], parts, n, full);
	memcpy(out, full, SRS_HASH_LENGTH);
	out[SRS_HASH_LENGTH] = '\0';
}

static void fold(char *out, const char *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = in[i] == '-' ? '+' : in[i] == '_' ? '/' : str_lower(in[i]);
}

bool srs_hash_check(const struct srs_hash *h, struct str given, const struct str *parts, size_t n)
{
	char want[SRS_HASH_FULL + 1], got[SRS_HASH_FULL];
	bool same = false;

	if (given.n < SRS_HASH_LENGTH || given.n > SRS_HASH_FULL)
		return false;
	fold(got, given.p, given.n);
	for (size_t i = 0; i < h->n; i++) {
		hash(h->keyed[i], parts, n, want);
		fold(want, want, given.n);
		same |= str_same_secret(str_make(want, given.n), str_make(got, given.n));
	}
	return same;
}

void srs_hash_key(const struct srs_hash *h, struct str text, char out[SRS_KEY_LENGTH + 1])
{
	/* its NUL ends it: no text can continue it */
	static const char purpose[] = "waypost opaque key";
	unsigned char sum[SHA1_SIZE];

	must(h->n > 0);
	must(EVP_MAC_init(h->keyed[0], NULL, 0, NULL) == 1);
	must(EVP_MAC_update(h->keyed[0], (const unsigned char *)purpose, sizeof(purpose)) == 1);
	must(EVP_MAC_update(h->keyed[0], (const unsigned char *)text.p, text.n) == 1);
	finish(h->keyed[0], sum);
	digits(sum, 5, base32_chars, out, SRS_KEY_LENGTH);
	for (size_t i = 0; i < SRS_KEY_LENGTH; i++)
		out[i] = str_lower(out[i]);
}

static int64_t stamp_day(int64_t now)
{
	return now / DAYS(1) % STAMP_DAYS;
}

void srs_stamp_make(int64_t now, char out[SRS_STAMP_LENGTH + 1])
{
	int64_t day = stamp_day(now);

	out[0] = base32_chars[day >> 5];
	out[1] = base32_chars[day & 31];
	out[2] = '\0';
}

bool srs_stamp_is_fresh(struct str stamp, int64_t now)
{
	int64_t then = 0, age;

	if (stamp.n != SRS_STAMP_LENGTH)
		return false;
	for (size_t i = 0; i < stamp.n; i++) {
		char c = stamp.p[i] >= 'a' && stamp.p[i] <= 'z' ? (char)(stamp.p[i] - 'a' + 'A')
			: stamp.p[i];
		const char *at = c ? strchr(base32_chars, c) : NULL;

		if (!at)
			return false;
		then = then << 5 | (at - base32_chars);
	}
	age = (stamp_day(now) - then + STAMP_DAYS) % STAMP_DAYS;
	return age <= SRS_MAX_AGE || age >= STAMP_DAYS - SRS_MAX_AHEAD;
}
