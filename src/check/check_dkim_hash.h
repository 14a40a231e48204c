/* The two hashes of DKIM: over the body, for all signatures in one pass, and over the fields that one
 * covers. Any thread. */
#ifndef CHECK_CHECK_DKIM_HASH_H
#define CHECK_CHECK_DKIM_HASH_H

#include "base/limits.h"
#include "base/map.h"
#include "mail/canon.h"
#include "mail/content.h"

#include <openssl/evp.h>

struct check_dkim_body_hash {
	EVP_MD_CTX *ctx;                   /* owned */
	const EVP_MD *hash;
	enum canon how;
	uint64_t length;                   /* bytes of the canonical body that count; UINT64_MAX: all */
	uint64_t seen;                     /* of the canonical body in all, bytes */
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_n;
};

struct check_dkim_bodies {
	struct check_dkim_body_hash v[LIMIT_DKIM_SIGNATURES];
	size_t n;
};

/* Asks for one hash more; the same one is made only once. Its index. At most LIMIT_DKIM_SIGNATURES
 * times. */
size_t check_dkim_hash_want(struct check_dkim_bodies *b, enum canon how, const EVP_MD *hash,
	uint64_t length);
/* Reads the body once. False: it could not be read. */
bool check_dkim_hash_bodies(struct check_dkim_bodies *b, const struct content *content,
	struct why *why);
void check_dkim_hash_finish(struct check_dkim_bodies *b);

/* The fields of a header by name, to be taken from below. The header is borrowed as long as it lives. */
struct check_dkim_fields;
struct check_dkim_fields *check_dkim_hash_fields(struct str header);        /* yours */
void check_dkim_hash_fields_drop(struct check_dkim_fields **h);

struct check_dkim_covered {
	enum canon how;
	const EVP_MD *hash;
	struct str names;                  /* h= */
	struct str own;                    /* the signature's field, the last that is hashed */
	struct str cut;                    /* the part of own that is left out */
};

/* How many bytes of digest; 0: OpenSSL would not. */
size_t check_dkim_hash_header(struct check_dkim_fields *h, const struct check_dkim_covered *covered,
	unsigned char digest[EVP_MAX_MD_SIZE]);

#endif
