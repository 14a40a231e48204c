/* A client that speaks by the book of the test, on a thread of its own, while the loop runs the server. */
#ifndef TESTS_RECEIVE_TALK_H
#define TESTS_RECEIVE_TALK_H

#include "session.h"

struct line {
	/* What is sent. "!tls": a handshake. "!sleep N": ms. "!x N": N lines of 100 octets. "!close": hangs up.
	 * "!half": sends no more. NULL: nothing. */
	const char *send;
	/* How the reply begins. "~TEXT": it has TEXT. "": none is waited for. "!closed": the server hangs up. */
	const char *expect;
};

/* Talks to a fresh session; returns NULL, or what went otherwise (borrowed until the next call). Makes the server
 * from world.options if there is none. The first line is what the greeting is to be. */
const char *talk(enum service service, const struct line *lines, size_t n);
void talk_from(const char *address);          /* whom the next sessions come from; at first 192.0.2.1 */

#define TALK(service, ...) \
	talk_check(__LINE__, service, __VA_ARGS__, sizeof(__VA_ARGS__) / sizeof *(__VA_ARGS__))
void talk_check(int line, enum service service, const struct line *lines, size_t n);   /* fails the test */

#endif
