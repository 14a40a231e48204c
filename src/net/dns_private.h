/* For tests: the resolver with another resolv.conf. */
#ifndef NET_DNS_PRIVATE_H
#define NET_DNS_PRIVATE_H

#include "net/dns.h"

struct dns *dns_create_from(struct loop *l, const struct dns_options *options,
	const char *resolv_conf, struct why *why);

#endif
