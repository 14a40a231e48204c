/*
 * client_name.c - what the client is called by the DNS, for the Received field
 *
 * From     session.c, at the start of a session on 25.
 * To       intake.c, which takes what is known by then.
 * Never    makes anybody wait, and believes no PTR that the forward look-up does not confirm.
 * Fails    silently: the name is then not known.
 */
#include "client_name.h"

#include "base/limits.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

struct client_name {
	/* owned */
	struct job *job;
	/* borrowed */
	struct dns *dns;
	/* state */
	struct inet_addr addr;
	char name[LIMIT_DOMAIN + 1];
	bool confirmed;
};

static void heard_addresses(void *waiter, const struct dns_answer *answer)
{
	struct client_name *c = waiter;

	c->job = NULL;
	for (size_t i = 0; i < answer->n && answer->status == DNS_OK; i++)
		if (inet_same(&answer->v[i].addr, &c->addr))
			c->confirmed = true;
}

static void heard_name(void *waiter, const struct dns_answer *answer)
{
	struct client_name *c = waiter;
	struct str name;

	c->job = NULL;
	if (answer->status != DNS_OK || answer->n == 0)
		return;
	name = answer->v[0].name;
	if (name.n == 0 || name.n >= sizeof c->name)
		return;
	snprintf(c->name, sizeof c->name, "%.*s", STR_FMT(name));
	c->job = dns_ask(
		c->dns, str_of(c->name), c->addr.v6 ? DNS_AAAA : DNS_A, heard_addresses, c);
}

struct client_name *client_name_ask(struct dns *d, const struct inet_addr *addr)
{
	struct client_name *c = mem_alloc(sizeof *c);
	char reverse[80];

	c->dns = d;
	c->addr = *addr;
	dns_reverse_name(addr, reverse);
	c->job = dns_ask(d, str_of(reverse), DNS_PTR, heard_name, c);
	return c;
}

void client_name_destroy(struct client_name **c)
{
	struct client_name *gone = *c;

	*c = NULL;
	if (gone == NULL)
		return;
	job_cancel(&gone->job);
	free(gone);
}

struct str client_name_text(const struct client_name *c)
{
	return c && c->confirmed ? str_of(c->name) : STR_NONE;
}
