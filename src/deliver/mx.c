/*
 * mx.c - from a domain to an ordered list of addresses
 *
 * From     the attempt, with a domain or a fixed next hop.
 * To       the attempt, with addresses: best preference first, equal ones shuffled, IPv4 and IPv6
 *          of a host in turns.
 * Owns     the look-ups under way, all addresses at once: whether one of them is ours decides about
 *          the rest.
 * Fails    with a reply: for good when the domain takes no mail or mail for it would come back to
 *          us, else temporary.
 * See      RFC 5321 section 5.1, RFC 7505, RFC 2181 section 10.3.
 *
 * IPv6 comes after IPv4 of the same host. That we send from an address whose reverse DNS matches is
 * not known here yet; a machine without a route finds out at once (ENETUNREACH) and goes on.
 */
#include "mx.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/random.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct lookup;

struct query {                             /* one family of one host */
	struct lookup *lookup;
	struct job *job;
	struct inet_addr v[LIMIT_MX_ADDRESSES];
	size_t n;
};

struct host {
	const char *name;
	int preference;
	bool ours;
	struct query v4, v6;
};

struct lookup {
	struct job job;                    /* first: job_cancel frees the whole */
	/* owned */
	struct arena *arena;
	struct job *wait; /* the MX look-up, or the turn of the loop where none is needed */
	struct host *hosts;
	/* borrowed */
	struct mx_ask ask;
	mx_heard *heard;
	void *waiter;
	/* state */
	size_t host_count, waiting;
	bool temporary;                    /* a look-up failed in a way that may pass */
	bool loops;                        /* hosts were left out because we are one of them */
	bool implicit;                     /* the domain has no MX and stands for itself */
	struct mx_list list;
};

static void heard_v4(void *waiter, const struct dns_answer *answer);
static void heard_v6(void *waiter, const struct dns_answer *answer);

static void lookup_free(struct lookup *x)
{
	job_cancel(&x->wait);
	for (size_t i = 0; i < x->host_count; i++) {
		job_cancel(&x->hosts[i].v4.job);
		job_cancel(&x->hosts[i].v6.job);
	}
	arena_destroy(&x->arena);
	free(x);
}

static void lookup_cancel(struct job *job)
{
	lookup_free((struct lookup *)job);
}

static void give(struct lookup *x)
{
	x->heard(x->waiter, &x->list);
	lookup_free(x);
}

static void fail(struct lookup *x, int code, const char *status, const char *what)
{
	const char *name = x->ask.fixed ? x->ask.fixed->host : x->ask.domain.p;

	reply_set(&x->list.trouble, code, status, "%s: %s", name, what);
	x->list.n = 0;
	give(x);
}

/* ---- what came back ---- */

/* An address at which no mail server can be: unspecified (Linux takes it for ourselves), multicast,
 * broadcast. */
static bool is_unusable(const struct inet_addr *a)
{
	static const unsigned char zero[16];

	if (a->v6)
		return memcmp(a->ip, zero, 16) == 0 || a->ip[0] == 0xff;
	return a->ip[0] == 0 || a->ip[0] >= 224;
}

static bool is_listed(const struct mx_list *list, const struct endpoint *e)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].to.port == e->port && inet_same(&list->v[i].to.addr, &e->addr))
			return true;
	return false;
}

static uint16_t port_of(const struct lookup *x)
{
	return x->ask.fixed ? x->ask.fixed->port : x->ask.port;
}

static void list_add(struct lookup *x, const struct host *h, const struct inet_addr *a)
{
	struct mx_address *to = &x->list.v[x->list.n];

	to->to = (struct endpoint){ .addr = *a, .port = port_of(x) };
	to->host = h->name;
	to->preference = h->preference;
	if (x->list.n < LIMIT_MX_ADDRESSES && !is_listed(&x->list, &to->to))
		x->list.n++;
}

/* The two families in turns, IPv4 first. */
static void list_host(struct lookup *x, const struct host *h)
{
	for (size_t i = 0; i < h->v4.n || i < h->v6.n; i++) {
		if (i < h->v4.n)
			list_add(x, h, &h->v4.v[i]);
		if (i < h->v6.n)
			list_add(x, h, &h->v6.v[i]);
	}
}

/* Mail goes only to hosts that are better than ourselves: those of our own preference or worse
 * would send it back (RFC 5321 section 5.1). The operator's own word, a fixed hop, is not doubted.
 * No look-up is under way here. */
static void drop_ours(struct lookup *x)
{
	int limit = INT_MAX;
	size_t kept = 0;

	for (size_t i = 0; i < x->host_count && !x->ask.fixed; i++)
		if (x->hosts[i].ours && x->hosts[i].preference < limit)
			limit = x->hosts[i].preference;
	if (limit == INT_MAX)
		return;
	x->loops = true;
	for (size_t i = 0; i < x->host_count; i++)
		if (x->hosts[i].preference < limit)
			x->hosts[kept++] = x->hosts[i];
	x->host_count = kept;
}

static void resolved(struct lookup *x)
{
	drop_ours(x);
	x->list.v = arena_alloc(x->arena, (LIMIT_MX_ADDRESSES + 1) * sizeof(*x->list.v));
	for (size_t i = 0; i < x->host_count; i++)
		list_host(x, &x->hosts[i]);
	if (x->list.n > 0)
		give(x);
	else if (x->temporary)
		fail(x, 451, "4.4.3", "the address of its mail server can't be looked up now");
	else if (x->loops)
		fail(x, 554, "5.4.6", "mail for this domain would come back to this server");
	else if (x->ask.fixed)
		fail(x, 451, "4.4.4", "the configured next hop has no address");
	else if (x->implicit)
		fail(x, 550, "5.1.2", "the domain has neither a mail server nor an address");
	else
		fail(x, 550, "5.4.4", "none of the domain's mail servers has an address");
}

/* ---- addresses ---- */

static void keep_addresses(
	struct lookup *x, struct host *h, struct query *q, const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->n && q->n < LIMIT_MX_ADDRESSES; i++) {
		struct endpoint e = { .addr = answer->v[i].addr, .port = port_of(x) };

		if (is_unusable(&e.addr))
			continue;
		if (!x->ask.fixed && x->ask.is_ours(x->ask.is_ours_arg, str_of(h->name), &e))
			h->ours = true;
		q->v[q->n++] = e.addr;
	}
	for (size_t i = q->n; i > 1; i--) {
		size_t j = random_below((uint32_t)i);
		struct inet_addr a = q->v[i - 1];

		q->v[i - 1] = q->v[j];
		q->v[j] = a;
	}
}

static void heard_addresses(struct host *h, struct query *q, const struct dns_answer *answer)
{
	struct lookup *x = q->lookup;

	q->job = NULL;
	if (answer->status == DNS_OK)
		keep_addresses(x, h, q, answer);
	else if (answer->status == DNS_TEMPORARY)
		x->temporary = true;
	if (--x->waiting == 0)
		resolved(x);
}

static void heard_v4(void *waiter, const struct dns_answer *answer)
{
	struct host *h = waiter;

	heard_addresses(h, &h->v4, answer);
}

static void heard_v6(void *waiter, const struct dns_answer *answer)
{
	struct host *h = waiter;

	heard_addresses(h, &h->v6, answer);
}

static void ask_addresses(struct lookup *x)
{
	for (size_t i = 0; i < x->host_count; i++) {
		struct host *h = &x->hosts[i];

		h->v4.lookup = h->v6.lookup = x;
		if (x->ask.v4) {
			h->v4.job = dns_ask(x->ask.dns, str_of(h->name), DNS_A, heard_v4, h);
			x->waiting++;
		}
		if (x->ask.v6) {
			h->v6.job = dns_ask(x->ask.dns, str_of(h->name), DNS_AAAA, heard_v6, h);
			x->waiting++;
		}
	}
}

static void hosts_alloc(struct lookup *x, size_t n)
{
	x->hosts = arena_alloc(x->arena, n * sizeof(*x->hosts));
	x->host_count = n;
}

static void ask_one(struct lookup *x, const char *name)
{
	hosts_alloc(x, 1);
	x->hosts[0].name = name;
	/* the domain itself is at its own best preference: if it is ours nothing is left */
	if (!x->ask.fixed && x->ask.is_ours(x->ask.is_ours_arg, str_of(name), NULL)) {
		x->hosts[0].ours = true;
		resolved(x);
		return;
	}
	ask_addresses(x);
}

/* ---- MX ---- */

static bool is_usable_name(struct str name)
{
	struct inet_addr a;

	return name.n > 0 && name.n <= LIMIT_DOMAIN && !inet_parse(&a, name);
}

/* Equal preferences in random order (shuffle, then a stable sort). Returns how many of v are
 * usable. */
static size_t order(const struct dns_answer *answer, const struct dns_record **v)
{
	size_t n = 0;

	for (size_t i = 0; i < answer->n && n < LIMIT_DNS_RECORDS; i++)
		if (is_usable_name(answer->v[i].name))
			v[n++] = &answer->v[i];
	for (size_t i = n; i > 1; i--) {
		size_t j = random_below((uint32_t)i);
		const struct dns_record *r = v[i - 1];

		v[i - 1] = v[j];
		v[j] = r;
	}
	for (size_t i = 1; i < n; i++) {
		const struct dns_record *r = v[i];
		size_t j = i;

		for (; j > 0 && v[j - 1]->preference > r->preference; j--)
			v[j] = v[j - 1];
		v[j] = r;
	}
	return n;
}

static void take_hosts(struct lookup *x, const struct dns_answer *answer)
{
	const struct dns_record *v[LIMIT_DNS_RECORDS];
	size_t n = order(answer, v);

	if (n > LIMIT_MX_HOSTS)
		n = LIMIT_MX_HOSTS;
	hosts_alloc(x, n);
	for (size_t i = 0; i < n; i++) {
		struct host *h = &x->hosts[i];

		h->name = arena_text(x->arena, v[i]->name);
		h->preference = v[i]->preference;
		h->ours = x->ask.is_ours(x->ask.is_ours_arg, v[i]->name, NULL);
	}
	drop_ours(x);
	if (x->host_count == 0)
		resolved(x);
	else
		ask_addresses(x);
}

static void heard_mx(void *waiter, const struct dns_answer *answer)
{
	struct lookup *x = waiter;

	x->wait = NULL;
	switch (answer->status) {
	case DNS_OK:
		if (answer->n == 1 && answer->v[0].name.n == 0)
			fail(x, 556, "5.1.10", "the domain accepts no mail (null MX)");
		else
			take_hosts(x, answer);
		return;
	case DNS_NODATA:
		x->implicit = true;
		ask_one(x, x->ask.domain.p);
		return;
	case DNS_NXDOMAIN:
		fail(x, 550, "5.1.2", "there is no such domain");
		return;
	case DNS_TEMPORARY:
		break;
	}
	fail(x, 451, "4.4.3", "the domain's mail servers can't be looked up now");
}

/* ---- no look-up needed ---- */

/* "localhost" means this machine without asking anyone (RFC 6761 section 6.3). */
static size_t known_addresses(const char *host, struct inet_addr v[2])
{
	if (str_ieq(str_of(host), STR("localhost"))) {
		must(inet_parse(&v[0], STR("127.0.0.1")) && inet_parse(&v[1], STR("::1")));
		return 2;
	}
	return inet_parse(&v[0], str_of(host)) ? 1 : 0;
}

static void give_known(void *waiter)
{
	struct lookup *x = waiter;
	struct host *h = &x->hosts[0];

	x->wait = NULL;
	for (size_t i = 0; i < 2; i++) {
		struct query *q = i ? &h->v6 : &h->v4;
		struct endpoint e = { .port = port_of(x) };

		if (q->n == 0)
			continue;
		e.addr = q->v[0];
		h->ours |= !x->ask.fixed && x->ask.is_ours(x->ask.is_ours_arg, str_of(h->name), &e);
	}
	resolved(x);
}

static bool know(struct lookup *x, const char *host)
{
	struct inet_addr v[2];
	size_t n = known_addresses(host, v);

	if (n == 0)
		return false;
	hosts_alloc(x, 1);
	x->hosts[0].name = host;
	for (size_t i = 0; i < n; i++) {
		struct query *q = v[i].v6 ? &x->hosts[0].v6 : &x->hosts[0].v4;

		if (!is_unusable(&v[i]))
			q->v[q->n++] = v[i];
	}
	x->wait = loop_later(x->ask.loop, give_known, x);
	return true;
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]": the address inside. */
static const char *literal_of(struct lookup *x)
{
	struct str s = x->ask.domain;
	struct inet_addr a;

	if (s.n < 3 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return NULL;
	s = str_skip(str_head(s, s.n - 1), 1);
	if (str_istarts(s, STR("IPv6:")))
		s = str_skip(s, 5);
	return inet_parse(&a, s) ? arena_text(x->arena, s) : NULL;
}

struct job *mx_find(const struct mx_ask *ask, mx_heard *heard, void *waiter)
{
	struct lookup *x = mem_alloc(sizeof(*x));
	const char *host;

	must(ask->v4 || ask->v6);
	x->job.cancel = lookup_cancel;
	x->arena = arena_create();
	x->ask = *ask;
	x->ask.domain = arena_str(x->arena, ask->domain);
	x->heard = heard;
	x->waiter = waiter;
	host = ask->fixed ? ask->fixed->host : literal_of(x);
	if (host && know(x, host))
		return &x->job;
	if (host)
		ask_one(x, host);
	else
		x->wait = dns_ask(ask->dns, x->ask.domain, DNS_MX, heard_mx, x);
	return &x->job;
}
