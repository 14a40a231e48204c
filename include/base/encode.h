/* Base64 (RFC 4648 section 4), hex and percent coding. Any thread. */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/buf.h"

bool base64_encode(struct buf *out, const void *p, size_t n);
/* Strict: no white space, right padding. False leaves out as it was. */
bool base64_decode(struct buf *out, struct str in);
bool hex_encode(struct buf *out, const void *p, size_t n);              /* lower case */
/* %XX for control bytes, SP, '%', '"' and 127; all other bytes as they are. For one word of a file. */
bool percent_encode(struct buf *out, struct str in);
bool percent_decode(struct buf *out, struct str in);                    /* false: a bad %XX */

#endif
