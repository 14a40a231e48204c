/* Zone-file text (RFC 1035 section 5), for the subcommands that print records. */
#ifndef CLI_DNS_H
#define CLI_DNS_H

#include "base/buf.h"

/* "NAME. IN TXT ...", the value split into strings of at most 255 bytes; name without its final dot. */
void cli_dns_add_txt(struct buf *out, const char *name, struct str value);
/* "SELECTOR._domainkey.DOMAIN. IN TXT ..." */
void cli_dns_add_dkim(struct buf *out, const char *domain, const char *selector, struct str value);

enum { CLI_DNS_MAX = 4 << 20 };            /* all that one command prints, bytes */

#endif
