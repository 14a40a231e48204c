/*
 * check_dkim_key.c - a domain's key record and the arithmetic with its key
 *
 * From     check_dkim_verify.c, on a worker.
 * Never    takes a key for what its record does not allow (hash, service, algorithm).
 * Fails    with a phrase for the report.
 * See      RFC 6376 section 3.6.1; RFC 8463 section 4; an RSA key is SubjectPublicKeyInfo as all
 *          publish it, or RSAPublicKey as the RFC says.
 */
#include "check_dkim_key.h"
#include "base/limits.h"
#include "mail/taglist.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

static const char *const kinds[] = { [CHECK_DKIM_RSA] = "rsa", [CHECK_DKIM_ED25519] = "ed25519" };

const EVP_MD *check_dkim_key_hash(const struct check_dkim_algorithm *algorithm)
{
	return strcmp(algorithm->hash, "sha1") == 0 ? EVP_sha1() : EVP_sha256();
}

static struct str value_of(const struct taglist *tags, struct str name, struct str otherwise)
{
	const struct taglist_tag *tag = taglist_find(tags, name);

	return tag ? tag->value : otherwise;
}

/* What the record is for. v= should be the first tag, but all verifiers read it anywhere. */
static const char *read_terms(struct check_dkim_key *key, const struct taglist *tags,
	const struct check_dkim_algorithm *algorithm)
{
	const struct taglist_tag *hashes = taglist_find(tags, STR("h"));
	struct str flags = value_of(tags, STR("t"), STR_NONE);
	struct str services = value_of(tags, STR("s"), STR("*"));

	if (!str_eq(value_of(tags, STR("v"), STR("DKIM1")), STR("DKIM1")))
		return "the record is not a key: v= is not DKIM1";
	key->testing = taglist_has_item(flags, STR("y"));
	key->exact = taglist_has_item(flags, STR("s"));
	if (!str_ieq(value_of(tags, STR("k"), STR("rsa")), str_of(kinds[algorithm->kind])))
		return "the key is for another algorithm";
	if (hashes && !taglist_has_item(hashes->value, str_of(algorithm->hash)))
		return "the key is not for this hash";
	if (!taglist_has_item(services, STR("*")) && !taglist_has_item(services, STR("email")))
		return "the key is not for mail";
	return NULL;
}

static EVP_PKEY *read_rsa(struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)der.n);

	p = (const unsigned char *)der.p;
	if (pkey == NULL)
		pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)der.n);
	if (pkey && !EVP_PKEY_is_a(pkey, "RSA")) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	return pkey;
}

static const char *read_public(struct check_dkim_key *key, enum check_dkim_kind kind,
	struct str value)
{
	struct buf der;

	if (value.n == 0)
		return "the key was revoked";
	buf_init(&der, LIMIT_DKIM_KEY_RECORD);
	if (taglist_base64(&der, value) && der.n > 0)
		key->pkey = kind == CHECK_DKIM_RSA ? read_rsa(buf_str(&der))
			: EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
				(unsigned char *)der.p, der.n);
	buf_finish(&der);
	ERR_clear_error();
	if (key->pkey == NULL)
		return "the key can't be read";
	key->bits = kind == CHECK_DKIM_RSA ? EVP_PKEY_get_bits(key->pkey) : 256;
	return NULL;
}

const char *check_dkim_key_read(struct check_dkim_key *key, struct str record,
	const struct check_dkim_algorithm *algorithm)
{
	const struct taglist_tag *p;
	struct taglist tags;
	const char *wrong;

	*key = (struct check_dkim_key){ .pkey = NULL };
	if (record.n > LIMIT_DKIM_KEY_RECORD)
		return "the key record is too long";
	if (!taglist_parse(&tags, record))
		return "the key record is not a valid tag list";
	wrong = read_terms(key, &tags, algorithm);
	if (wrong)
		return wrong;
	p = taglist_find(&tags, STR("p"));
	return p ? read_public(key, algorithm->kind, p->value) : "the key record has no p=";
}

void check_dkim_key_finish(struct check_dkim_key *key)
{
	EVP_PKEY_free(key->pkey);
	key->pkey = NULL;
}

static bool verify_rsa(EVP_PKEY *pkey, const EVP_MD *hash, struct str digest, struct str signature)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	bool good = ctx && EVP_PKEY_verify_init(ctx) > 0
		&& EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0
		&& EVP_PKEY_CTX_set_signature_md(ctx, hash) > 0
		&& EVP_PKEY_verify(ctx, (const unsigned char *)signature.p, signature.n,
			(const unsigned char *)digest.p, digest.n) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good;
}

/* The digest itself is what was signed (RFC 8463 section 3). */
static bool verify_ed25519(EVP_PKEY *pkey, struct str digest, struct str signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) > 0
		&& EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n,
			(const unsigned char *)digest.p, digest.n) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

bool check_dkim_key_verify(const struct check_dkim_key *key,
	const struct check_dkim_algorithm *algorithm, struct str digest, struct str signature)
{
	bool good = algorithm->kind == CHECK_DKIM_RSA
		? verify_rsa(key->pkey, check_dkim_key_hash(algorithm), digest, signature)
		: verify_ed25519(key->pkey, digest, signature);

	ERR_clear_error();
	return good;
}
