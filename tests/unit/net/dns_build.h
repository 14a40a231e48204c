/* For tests: DNS packets put together piece by piece, right ones and wrong ones. */
#ifndef TEST_DNS_BUILD_H
#define TEST_DNS_BUILD_H

#include "net/dns.h"

struct packet {
	size_t n;
	unsigned char p[65535];
};

/* where the header counts them */
enum part { PART_ANSWER = 6, PART_AUTHORITY = 8, PART_ADDITIONAL = 10 };

/* A response's header and question. flags: the second flags byte but for the rcode (0x20: AD). */
void packet_begin(struct packet *k, unsigned id, const char *name, int type, int flags, int rcode);
void packet_bytes(struct packet *k, const void *p, size_t n);
void packet_number(struct packet *k, unsigned v, int bytes);
void packet_name(struct packet *k, const char *name); /* dots part labels; "" is the root */
/* One record; its data is whatever follows until packet_close. */
void packet_open(struct packet *k, enum part part, const char *owner, int type, unsigned ttl);
void packet_close(struct packet *k);
void packet_record(struct packet *k, const char *owner, int type, unsigned ttl, const void *data,
	size_t n);

void packet_a(struct packet *k, const char *owner, unsigned ttl, const char *address);
void packet_mx(struct packet *k, const char *owner, unsigned ttl, int preference, const char *host);
void packet_target(struct packet *k, const char *owner, int type, unsigned ttl, const char *target);
void packet_soa(struct packet *k, const char *owner, unsigned ttl, unsigned minimum);
void packet_ns(struct packet *k, const char *owner);

#endif
