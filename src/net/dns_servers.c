/*
 * dns_servers.c - the resolvers, from the config or from resolv.conf
 *
 * From     dns.c at start and when resolv.conf changed; dns_question.c picks.
 * Owns     a wire to each.
 * Fails    never: with no server named, the one on this machine is asked, as the C library does.
 * See      resolv.conf(5); design.md "DNS" for whose AD bit counts.
 */
#include "dns_servers.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { PORT = 53 };

struct server {
	struct dns_wire *wire;           /* owned */
	struct endpoint at;
};

struct dns_servers {
	int refs;
	bool trusted;
	size_t n;
	struct server v[LIMIT_DNS_SERVERS];
};

static void read_line(struct dns_server_list *out, struct str line)
{
	struct str key = str_word(&line), value = str_word(&line);

	if (!str_eq(key, STR("nameserver")) || out->n == LIMIT_DNS_SERVERS)
		return;
	if (endpoint_parse(&out->v[out->n], value, PORT))
		out->n++;
}

void dns_servers_read(struct dns_server_list *out, const char *path)
{
	char line[1024];
	FILE *f = fopen(path, "re");

	out->n = 0;
	while (f && fgets(line, sizeof line, f))
		read_line(out, str_trim(str_of(line)));
	if (f)
		fclose(f);
	if (out->n == 0 && endpoint_parse(&out->v[0], STR("127.0.0.1"), PORT))
		out->n = 1;
}

/* Docker's resolver listens on loopback, but only hands on what some other one says. */
static bool is_own_resolver(const struct endpoint *e)
{
	struct inet_addr docker;

	return inet_is_loopback(&e->addr) && inet_parse(&docker, STR("127.0.0.11")) &&
		!inet_same(&docker, &e->addr);
}

struct dns_servers *dns_servers_create(struct loop *l, const struct dns_server_list *list,
	bool trust_ad, int64_t budget)
{
	struct dns_servers *s = mem_alloc(sizeof *s);
	bool own = true;

	s->refs = 1;
	s->n = list->n;
	for (size_t i = 0; i < s->n; i++)
		own &= is_own_resolver(&list->v[i]);
	s->trusted = trust_ad || own;
	for (size_t i = 0; i < s->n; i++) {
		s->v[i].at = list->v[i];
		s->v[i].wire = dns_wire_create(l, &list->v[i], budget, s->trusted);
	}
	return s;
}

struct dns_servers *dns_servers_take(struct dns_servers *s)
{
	s->refs++;
	return s;
}

void dns_servers_drop(struct dns_servers **s)
{
	struct dns_servers *old = *s;

	*s = NULL;
	if (old == NULL || --old->refs > 0)
		return;
	for (size_t i = 0; i < old->n; i++)
		dns_wire_destroy(&old->v[i].wire);
	free(old);
}

bool dns_servers_are(const struct dns_servers *s, const struct dns_server_list *list)
{
	if (s->n != list->n)
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (!inet_same(&s->v[i].at.addr, &list->v[i].addr) ||
			s->v[i].at.port != list->v[i].port)
			return false;
	return true;
}

bool dns_servers_trusted(const struct dns_servers *s)
{
	return s->trusted;
}

size_t dns_servers_count(const struct dns_servers *s)
{
	return s->n;
}

struct dns_wire *dns_servers_wire(struct dns_servers *s, size_t i)
{
	return s->v[i].wire;
}

int dns_servers_pick(const struct dns_servers *s, unsigned asked)
{
	int resting = -1;

	for (size_t i = 0; i < s->n; i++) {
		if (asked & 1U << i)
			continue;
		if (!dns_wire_rests(s->v[i].wire))
			return (int)i;
		if (resting < 0)
			resting = (int)i;
	}
	return resting;
}
