/* A key record, and what its key says to a signature. Any thread. */
#ifndef CHECK_CHECK_DKIM_KEY_H
#define CHECK_CHECK_DKIM_KEY_H

#include "check_dkim_field.h"

#include <openssl/evp.h>

struct check_dkim_key {
	EVP_PKEY *pkey;                    /* owned */
	int bits;
	bool testing;                      /* t=y */
	bool exact;                        /* t=s: i= must be of d= itself */
};

/* Reads the record as the key for a signature of that algorithm. NULL, or why it is none;
 * check_dkim_key_finish either way. Leaves nothing in OpenSSL's error queue. */
const char *check_dkim_key_read(struct check_dkim_key *key, struct str record,
	const struct check_dkim_algorithm *algorithm);
void check_dkim_key_finish(struct check_dkim_key *key);
bool check_dkim_key_verify(const struct check_dkim_key *key,
	const struct check_dkim_algorithm *algorithm, struct str digest, struct str signature);
const EVP_MD *check_dkim_key_hash(const struct check_dkim_algorithm *algorithm);

#endif
