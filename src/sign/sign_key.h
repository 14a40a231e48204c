/* A private key for DKIM: kept as an EVP_PKEY, parsed once. */
#ifndef SIGN_SIGN_KEY_H
#define SIGN_SIGN_KEY_H

#include "base/buf.h"
#include "base/why.h"

struct evp_pkey_st;

enum sign_key_kind { SIGN_KEY_RSA, SIGN_KEY_ED25519 };

/* A key as it signs: counted by OpenSSL, so that a job may keep its own reference. Any thread. */
struct sign_key_loaded {
	struct evp_pkey_st *pkey;          /* owned: one reference */
	enum sign_key_kind kind;
	int bits;
	char *domain, *selector;           /* owned; A-labels, lower case */
};

/* Reads the file at path, or pem where path is NULL. False: missing, no private key, or of no use for DKIM; only pkey,
 * kind and bits are set. */
bool sign_key_load(struct sign_key_loaded *key, const char *path, struct str pem, struct why *why);
struct sign_key_loaded sign_key_keep(const struct sign_key_loaded *key);   /* one more reference, names copied */
void sign_key_finish(struct sign_key_loaded *key);
/* The name as the a= tag has it. */
const char *sign_key_algorithm(enum sign_key_kind kind);
/* The signature of a SHA-256 digest, at most n bytes; returns its length, 0 with why if OpenSSL could not. */
size_t sign_key_sign(const struct sign_key_loaded *key, const unsigned char digest[32], unsigned char *out, size_t n,
	struct why *why);

#endif
