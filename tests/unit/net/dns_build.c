/* dns_build.c - DNS packets for tests */
#include "dns_build.h"
#include "base/must.h"

#include <arpa/inet.h>
#include <string.h>

static size_t open_at;          /* of the length of the record that is being written */

void packet_bytes(struct packet *k, const void *p, size_t n)
{
	must(sizeof k->p - k->n >= n);
	if (n)
		memcpy(k->p + k->n, p, n);
	k->n += n;
}

void packet_number(struct packet *k, unsigned v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		packet_bytes(k, &(unsigned char){ (unsigned char)(v >> (8 * i)) }, 1);
}

void packet_name(struct packet *k, const char *name)
{
	struct str rest = str_of(name);

	while (rest.n) {
		struct str label = str_cut(&rest, '.');
		packet_number(k, (unsigned)label.n, 1);
		packet_bytes(k, label.p, label.n);
	}
	packet_number(k, 0, 1);
}

void packet_begin(struct packet *k, unsigned id, const char *name, int type, int flags, int rcode)
{
	k->n = 0;
	packet_number(k, id, 2);
	packet_number(k, 0x81, 1);
	packet_number(k, (unsigned)(0x80 | flags | rcode), 1);
	packet_number(k, 1, 2);
	packet_number(k, 0, 4);
	packet_number(k, 0, 2);
	packet_name(k, name);
	packet_number(k, (unsigned)type, 2);
	packet_number(k, 1, 2);
}

void packet_open(struct packet *k, enum part part, const char *owner, int type, unsigned ttl)
{
	if (++k->p[part + 1] == 0)
		k->p[part]++;
	packet_name(k, owner);
	packet_number(k, (unsigned)type, 2);
	packet_number(k, 1, 2);
	packet_number(k, ttl, 4);
	open_at = k->n;
	packet_number(k, 0, 2);
}

void packet_close(struct packet *k)
{
	size_t n = k->n - open_at - 2;

	k->p[open_at] = (unsigned char)(n >> 8);
	k->p[open_at + 1] = (unsigned char)n;
}

void packet_record(struct packet *k, const char *owner, int type, unsigned ttl, const void *data,
	size_t n)
{
	packet_open(k, PART_ANSWER, owner, type, ttl);
	packet_bytes(k, data, n);
	packet_close(k);
}

void packet_a(struct packet *k, const char *owner, unsigned ttl, const char *address)
{
	unsigned char ip[16];
	bool v6 = strchr(address, ':') != NULL;

	must(inet_pton(v6 ? AF_INET6 : AF_INET, address, ip) == 1);
	packet_record(k, owner, v6 ? DNS_AAAA : DNS_A, ttl, ip, v6 ? 16 : 4);
}

void packet_mx(struct packet *k, const char *owner, unsigned ttl, int preference, const char *host)
{
	packet_open(k, PART_ANSWER, owner, DNS_MX, ttl);
	packet_number(k, (unsigned)preference, 2);
	packet_name(k, host);
	packet_close(k);
}

void packet_target(struct packet *k, const char *owner, int type, unsigned ttl, const char *target)
{
	packet_open(k, PART_ANSWER, owner, type, ttl);
	packet_name(k, target);
	packet_close(k);
}

void packet_soa(struct packet *k, const char *owner, unsigned ttl, unsigned minimum)
{
	packet_open(k, PART_AUTHORITY, owner, 6, ttl);
	packet_name(k, "ns.test");
	packet_name(k, "hostmaster.test");
	packet_number(k, 1, 4);
	packet_number(k, 2, 4);
	packet_number(k, 3, 4);
	packet_number(k, 4, 4);
	packet_number(k, minimum, 4);
	packet_close(k);
}

void packet_ns(struct packet *k, const char *owner)
{
	packet_open(k, PART_AUTHORITY, owner, 2, 300);
	packet_name(k, "ns.test");
	packet_close(k);
}
