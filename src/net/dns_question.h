/* One name and type, asked until somebody knows: from server to server, from alias to alias. */
#ifndef NET_DNS_QUESTION_H
#define NET_DNS_QUESTION_H

#include "dns_servers.h"

struct dns_question;

/* The question is gone when it is called; the answer is borrowed for the call, its TTL in the
 * bounds of limits.h. */
typedef void dns_question_heard(void *asker, const struct dns_answer *answer);

/* name: normal form, copied. step: ms without an answer after which the next server is asked as
 * well. */
struct dns_question *dns_question_create(struct loop *l, struct dns_servers *servers,
	struct str name, enum dns_type type, int64_t step, dns_question_heard *heard, void *asker);
void dns_question_destroy(struct dns_question **q);      /* it is never heard of */

#endif
