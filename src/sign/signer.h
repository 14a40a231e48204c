/* The keys that sign, by domain. */
#ifndef SIGN_SIGNER_H
#define SIGN_SIGNER_H

#include "sign/sign.h"
#include "sign_key.h"

/* References to the keys that sign such a message, at most LIMIT_SIGN_KEYS; returns how many. They are yours. */
size_t signer_keys(const struct signer *s, struct str from_domain, struct sign_key_loaded *out);

#endif
