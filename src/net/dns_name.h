/*
 * Domain names between their two forms. Text is lower case, without a final dot; a byte that is not
 * a printable ASCII character, and a dot or a backslash inside a label, is \DDD, so that two names
 * are the same exactly when their texts are.
 */
#ifndef NET_DNS_NAME_H
#define NET_DNS_NAME_H

#include "base/str.h"

enum {
	DNS_NAME_WIRE = 255,    /* bytes of the longest name in a packet, RFC 1035 section 2.3.4 */
	DNS_NAME_TEXT = 1024    /* holds the text of any name, each byte escaped, and a NUL */
};

/* False: can't be a name (empty, an empty or too long label, too long, not ASCII, a bad escape). */
bool dns_name_write(struct str text, unsigned char wire[DNS_NAME_WIRE], size_t *n);
/* Reads the name at *at, compression followed, and moves *at behind it. False: malformed. "" is the
 * root. */
bool dns_name_read(const unsigned char *packet, size_t n, size_t *at, char text[DNS_NAME_TEXT],
	size_t *len);
/* The one text of a name however it was written; false as dns_name_write. */
bool dns_name_normal(struct str text, char out[DNS_NAME_TEXT], size_t *len);
/* Is name the domain itself or below it? Both as dns_name_read writes them. */
bool dns_name_within(struct str name, struct str domain);

#endif
