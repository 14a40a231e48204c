/* Questions into packets, and packets into answers: no state, no sockets. */
#ifndef NET_DNS_PACKET_H
#define NET_DNS_PACKET_H

#include "base/arena.h"
#include "dns_name.h"
#include "net/dns.h"

enum {
	DNS_PACKET_EDNS_SIZE = 1232,    /* no fragments on any path, DNS flag day 2020 */
	DNS_PACKET_OPT = 11,            /* bytes of our OPT record */
	DNS_PACKET_QUERY = 12 + DNS_NAME_WIRE + 4 + DNS_PACKET_OPT
};

struct dns_question_text {
	struct str name;                /* normal form */
	enum dns_type type;
	bool edns;                      /* with OPT */
	bool dnssec;                    /* with AD, and DO in the OPT */
};

/* Bytes written; the id is the caller's, and must be random. OPT is the last record, as c-ares
 * wants it. */
size_t dns_packet_write(unsigned char out[DNS_PACKET_QUERY], const struct dns_question_text *q,
	uint16_t id);

enum dns_reading {
	DNS_READ_ANSWER,                /* answer is complete */
	DNS_READ_ALIAS, /* ask for alias next; answer.ttl and .secure hold for the way there */
	DNS_READ_FAILED,                /* the server can't say: SERVFAIL, REFUSED, a referral */
	DNS_READ_RUBBISH                /* malformed, or not an answer to this question */
};

struct dns_read {
	struct dns_answer answer;       /* secure: the AD bit as it came */
	struct str alias;
	int aliases;                    /* CNAMEs followed */
};

/* What it finds lives in the arena. Of an answer's records LIMIT_DNS_RECORDS are read, the rest is
 * dropped. */
enum dns_reading dns_packet_read(struct arena *a, const unsigned char *p, size_t n, struct str name,
	enum dns_type type, struct dns_read *out);

#endif
