/* Who wants to send, with all that a macro may ask for (RFC 7208 section 7.2). */
#ifndef SPF_IDENTITY_H
#define SPF_IDENTITY_H

#include "check/spf.h"

struct spf_identity {
	struct inet_addr client;
	struct str local, domain;          /* %{l}, %{o}: the identity that is checked */
	struct str sender;                 /* %{s}: local@domain */
	struct str helo, receiver;
	char name[256];                    /* the domain in lower case; "": can't be asked about */
	char plain[INET_TEXT_MAX];         /* %{c} */
	char dotted[64];                   /* %{i}: an IPv6 address as 32 nibbles */
	char time[24];                     /* %{t} */
};

/* Copies what it keeps into the arena. now: seconds since 1970. */
struct spf_identity spf_identity_of(
	const struct spf_question *question, int64_t now, struct arena *a);

#endif
