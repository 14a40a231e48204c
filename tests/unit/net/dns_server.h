/* For tests: a resolver on loopback, UDP and TCP on one port, in a thread of its own, that does as
 * it is told. */
#ifndef TEST_DNS_SERVER_H
#define TEST_DNS_SERVER_H

#include "dns_build.h"

#include <stdatomic.h>

struct asked {
	unsigned id;
	char name[256];          /* as it came */
	int type;
	bool tcp, ad, edns, dnssec_ok;
	unsigned size;           /* of the OPT */
};

/* Fills out, whose n is 0; left so: silence. On the server's thread. */
typedef void server_answer(const struct asked *q, struct packet *out);

struct dns_server {
	struct endpoint at;
	atomic_int udp, tcp;                     /* questions that came */
	atomic_bool ad, edns, dnssec_ok;         /* of the last one */
	atomic_int size;
	server_answer *answer;
	/* the thread's */
	unsigned long thread;
	int fds[12];                             /* stop, udp, listener, connections */
	int stop;
	struct packet in, out;
};

struct dns_server *server_start(const char *address, server_answer *answer);
void server_stop(struct dns_server **s);
int server_questions(struct dns_server *s);

#endif
