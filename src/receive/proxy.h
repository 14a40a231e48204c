/* The PROXY protocol's header, versions 1 and 2: whom a proxy in front of us speaks for. Pure. */
#ifndef RECEIVE_PROXY_H
#define RECEIVE_PROXY_H

#include "base/inet.h"

enum proxy_result {
	PROXY_MORE,      /* so far it is one; more has to come */
	PROXY_DONE,
	PROXY_BAD        /* trouble says why */
};

struct proxy_header {
	size_t length;             /* octets to skip; the client's own begin behind them */
	bool known;                /* false: it speaks for itself (LOCAL), or does not know */
	struct endpoint client;    /* if known */
	const char *trouble;
};

/* in: all that came so far. PROXY_MORE is only answered while less than LIMIT_PROXY_HEADER came. */
enum proxy_result proxy_parse(struct str in, struct proxy_header *out);

#endif
