/* The addresses to try for one destination, in order. */
#ifndef MX_H
#define MX_H

#include "hop.h"

struct mx_address {
	struct endpoint to;
	const char *host;                  /* its name; the address itself where it has none */
	int preference;                    /* 0 for hosts that were not named by an MX record */
};

struct mx_list {
	struct mx_address *v;
	size_t n;
	struct reply trouble; /* n 0: why there is nowhere to go; temporary or for good */
};

struct mx_ask {
	struct loop *loop;
	struct dns *dns;
	const struct hop *fixed;           /* NULL: the MX of domain */
	struct str domain;                 /* A-labels, or a literal in brackets */
	uint16_t port;                     /* of MX hosts */
	bool v4, v6;                       /* families to use */
	bool (*is_ours)(void *arg, struct str host, const struct endpoint *address);
	void *is_ours_arg;
};

/* The list is borrowed for the call. */
typedef void mx_heard(void *waiter, const struct mx_list *list);
/* ask: borrowed for the call, what it points to (but for domain) for as long as the job runs. */
struct job *mx_find(const struct mx_ask *ask, mx_heard *heard, void *waiter);

#endif
