/*
 * One resolver and the way to it: a question goes out, a packet comes back, or the reason why none
 * came. Tries, growing time-outs, TCP after a cut answer are c-ares's; what follows from the packet
 * is the caller's.
 */
#ifndef NET_DNS_WIRE_H
#define NET_DNS_WIRE_H

#include "dns_packet.h"
#include "net/loop.h"

struct dns_wire;

enum dns_wire_end {
	DNS_WIRE_PACKET,
	DNS_WIRE_SILENCE,      /* all tries timed out */
	DNS_WIRE_UNREACHABLE   /* refused, no route, no memory */
};

/* packet is borrowed for the call; n 0 unless DNS_WIRE_PACKET. */
typedef void dns_wire_heard(void *asker, enum dns_wire_end end, const unsigned char *packet,
	size_t n);

/* budget: ms in which all tries of one question are over. */
struct dns_wire *dns_wire_create(struct loop *l, const struct endpoint *server, int64_t budget,
	bool dnssec);
/* After its jobs were cancelled; may be called from a dns_wire_heard. */
void dns_wire_destroy(struct dns_wire **w);
struct job *dns_wire_ask(struct dns_wire *w, struct str name, enum dns_type type,
	dns_wire_heard *heard, void *asker);

/* It stayed silent several times in a row, or can't be reached: others should be asked first for a
 * while. */
bool dns_wire_rests(const struct dns_wire *w);

#endif
