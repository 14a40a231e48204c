/*
 * All look-ups: c-ares on the loop, a bounded cache that honours TTLs, one query for many askers.
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "base/inet.h"
#include "base/why.h"
#include "config/config.h"
#include "net/loop.h"

struct dns;

struct dns_options {                       /* the section dns: */
	struct config_endpoints servers;   /* none: those of /etc/resolv.conf */
	bool trust_ad;
	int64_t timeout;                   /* ms for one look-up with all its tries */
};

extern const struct config_row dns_rows[];

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_TLSA = 52 };

enum dns_status {
	DNS_OK,                /* at least one record */
	DNS_NODATA,            /* the name exists, no record of that type */
	DNS_NXDOMAIN,
	DNS_TEMPORARY          /* SERVFAIL, REFUSED, time-out, rubbish: ask again later */
};

struct dns_record {
	struct inet_addr addr;     /* A, AAAA */
	int preference;            /* MX */
	struct str name;           /* MX, PTR, CNAME: lower case, no final dot; "" is the root (null MX) */
	struct str data;           /* TXT: strings joined; TLSA: usage, selector, type, data */
};

struct dns_answer {
	enum dns_status status;
	bool secure;               /* AD from a resolver whose AD counts (design.md "DNS") */
	uint32_t ttl;              /* seconds left when it came */
	size_t n;
	struct dns_record *v;      /* of the type asked for, CNAMEs followed */
};

typedef void dns_heard(void *waiter, const struct dns_answer *answer);  /* borrowed for the call: copy what you keep */

struct dns *dns_create(struct loop *l, const struct dns_options *options, struct why *why);
void dns_destroy(struct dns **d);            /* after all waits were cancelled */
/* name: ASCII, no search domains are ever added. A name that can't be one, an address, and what is under
 * invalid and onion answer DNS_NXDOMAIN; localhost is this machine (RFC 6761); none of these is asked for. A byte
 * of a label that is not printable, a dot or a backslash is \DDD, in names asked for and in answers alike. A
 * look-up that was given up runs on and fills the cache. */
struct job *dns_ask(struct dns *d, struct str name, enum dns_type type, dns_heard *heard, void *waiter);
/* "4.3.2.1.in-addr.arpa" */
void dns_reverse_name(const struct inet_addr *a, char out[80]);

#endif
