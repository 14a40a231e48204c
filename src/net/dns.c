/*
 * dns.c - the door to the DNS: who asks, what is known already, what is being asked
 *
 * From     route, deliver, check: everybody who needs a look-up.
 * To       dns_question.c, once for all who want the same.
 * Owns     the cache, the look-ups under way and those that wait, the servers in use.
 * Never    calls back from inside dns_ask; never adds a search domain; never lets more than
 *          LIMIT_DNS_OUTSTANDING questions onto the wire, whose sockets would lose what is more.
 * Fails    with DNS_TEMPORARY once dns.timeout is over, waiting included, and when too many wait.
 * See      RFC 6761 (localhost, invalid), RFC 7686 (onion); design.md "DNS".
 */
#include "net/dns.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/must.h"
#include "dns_cache.h"
#include "dns_private.h"
#include "dns_question.h"

#include <ares.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	LOOK_EVERY = SECONDS(2), /* at resolv.conf, for a change */
	LOCAL_TTL = 3600,        /* seconds, of what we answer ourselves */
	STEPS = 4                /* of dns.timeout: after one the next server is asked as well */
};

enum { KEY_MAX = DNS_NAME_TEXT + 2 };

/* One who waits. In a look-up's list, or, once the answer is there, until the loop comes round. */
struct asker {
	struct job job;
	struct asker *next, **at;        /* in the look-up's list; at NULL: in none */
	struct dns *dns;
	struct job *later;
	struct dns_stored *stored;       /* owned */
	dns_heard *heard;
	void *waiter;
};

struct lookup {
	struct lookup *older, *newer;    /* all of them, by age */
	struct lookup *next_waiting;
	struct dns *dns;
	struct dns_question *question;   /* owned; NULL: waits for its turn */
	struct asker *askers;
	int64_t deadline;
	size_t key_n;
	char key[];
};

struct dns {
	struct loop *loop;
	struct dns_servers *servers;
	struct dns_cache *cache;
	struct map *by_key;              /* the look-ups */
	struct timer *deadline;          /* of the oldest */
	const char *resolv_conf;         /* NULL: the servers are the config's */
	bool trust_ad;
	int64_t timeout;
	/* state */
	struct lookup *oldest, *newest;
	struct lookup *waiting, **waiting_last;
	size_t running, askers;
	int64_t looked;                  /* at resolv.conf, clock_mono */
	struct stat seen;
};

/* ---- the servers ---- */

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
		a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void log_servers(const struct dns_server_list *list, bool trusted)
{
	char text[INET_TEXT_MAX];

	for (size_t i = 0; i < list->n; i++)
		log_info("dns-server", L_Z("server", endpoint_text(&list->v[i], text)),
			L_Z("state", "in use"), L_Z("dnssec", trusted ? "trusted" : "not trusted"));
}

static void use_servers(struct dns *d, const struct dns_server_list *list)
{
	dns_servers_drop(&d->servers);
	d->servers = dns_servers_create(d->loop, list, d->trust_ad, d->timeout);
	log_servers(list, dns_servers_trusted(d->servers));
}

/* resolv.conf changes when a machine comes into another network. What the old servers said may not
 * be true there. */
static void look_at_resolv_conf(struct dns *d)
{
	struct dns_server_list list;
	struct stat st = { 0 };

	if (d->resolv_conf == NULL || (d->servers && clock_mono() < d->looked + LOOK_EVERY))
		return;
	d->looked = clock_mono();
	if (d->servers && (stat(d->resolv_conf, &st) != 0 || is_same_file(&st, &d->seen)))
		return;
	if (d->servers == NULL && stat(d->resolv_conf, &st) != 0)
		log_warn("dns-server", L_Z("file", d->resolv_conf),
			L_Z("state", "missing: asking the server on this machine"));
	d->seen = st;
	dns_servers_read(&list, d->resolv_conf);
	if (d->servers && dns_servers_are(d->servers, &list))
		return;
	dns_cache_destroy(&d->cache);
	d->cache = dns_cache_create(LIMIT_DNS_CACHE, LIMIT_DNS_CACHE_BYTES);
	use_servers(d, &list);
}

/* ---- those who wait ---- */

static void unlink_asker(struct asker *a)
{
	if (a->at == NULL)
		return;
	*a->at = a->next;
	if (a->next)
		a->next->at = a->at;
	a->next = NULL;
	a->at = NULL;
}

static void asker_free(struct asker *a)
{
	a->dns->askers--;
	dns_stored_drop(&a->stored);
	free(a);
}

static void asker_cancel(struct job *job)
{
	struct asker *a = (struct asker *)job;

	unlink_asker(a);
	job_cancel(&a->later);
	asker_free(a);
}

static void asker_tell(struct asker *a, const struct dns_stored *s)
{
	int64_t left = (s->expires - clock_mono()) / 1000;
	struct dns_answer answer = s->answer;
	dns_heard *heard = a->heard;
	void *waiter = a->waiter;

	answer.ttl = left < 0 ? 0 : (uint32_t)left;
	asker_free(a);
	heard(waiter, &answer);
}

static void asker_tell_later(void *arg)
{
	struct asker *a = arg;
	struct dns_stored *s = a->stored;

	a->later = NULL;
	a->stored = NULL;
	asker_tell(a, s);
	dns_stored_drop(&s);
}

static struct asker *asker_create(struct dns *d, dns_heard *heard, void *waiter)
{
	struct asker *a = mem_alloc(sizeof *a);

	a->job.cancel = asker_cancel;
	a->dns = d;
	a->heard = heard;
	a->waiter = waiter;
	d->askers++;
	return a;
}

/* Answers with what is known already. Takes the reference. */
static struct job *asker_answer(struct asker *a, struct dns_stored *s)
{
	a->stored = s;
	a->later = loop_later(a->dns->loop, asker_tell_later, a);
	return &a->job;
}

static struct job *asker_answer_status(struct asker *a, enum dns_status status)
{
	struct dns_answer answer = { .status = status,
		.ttl = status == DNS_TEMPORARY ? LIMIT_DNS_TTL_TEMPORARY / 1000 : LOCAL_TTL };

	return asker_answer(a, dns_stored_create(&answer, clock_mono()));
}

/* ---- look-ups ---- */

static struct str lookup_name(const struct lookup *k)
{
	return str_make(k->key + 2, k->key_n - 2);
}

static enum dns_type lookup_type(const struct lookup *k)
{
	return (enum dns_type)((unsigned)(unsigned char)k->key[0] << 8 | (unsigned char)k->key[1]);
}

static void unlink_lookup(struct lookup *k)
{
	struct dns *d = k->dns;

	map_remove(d->by_key, str_make(k->key, k->key_n));
	*(k->older ? &k->older->newer : &d->oldest) = k->newer;
	*(k->newer ? &k->newer->older : &d->newest) = k->older;
	if (k->question) {
		dns_question_destroy(&k->question);
		d->running--;
	}
}

static void set_deadline(struct dns *d)
{
	int64_t now = clock_mono();

	if (d->oldest == NULL)
		timer_clear(d->deadline);
	else
		timer_set(d->deadline, d->oldest->deadline > now ? d->oldest->deadline - now : 0);
}

/* Tells all askers, one after the other: each may cancel others, and ask anew. The look-up is gone
 * before. */
static void tell_all(struct lookup *k, struct dns_stored *s)
{
	while (k->askers) {
		struct asker *a = k->askers;
		unlink_asker(a);
		asker_tell(a, s);
	}
	free(k);
}

static void start_waiting(struct dns *d);

static void lookup_finish(struct lookup *k, const struct dns_answer *answer)
{
	struct dns *d = k->dns;
	struct dns_stored *s = dns_stored_create(answer, clock_mono());

	unlink_lookup(k);
	dns_cache_put(d->cache, str_make(k->key, k->key_n), s);
	start_waiting(d);
	set_deadline(d);
	tell_all(k, s);
	dns_stored_drop(&s);
}

static void lookup_heard(void *asker, const struct dns_answer *answer)
{
	struct lookup *k = asker;

	k->question = NULL;
	k->dns->running--;
	lookup_finish(k, answer);
}

/* Puts those who wait onto the wire, as far as there is room. Who is no longer wanted is dropped
 * here. */
static void start_waiting(struct dns *d)
{
	while (d->waiting && d->running < LIMIT_DNS_OUTSTANDING) {
		struct lookup *k = d->waiting;
		d->waiting = k->next_waiting;
		if (d->waiting == NULL)
			d->waiting_last = &d->waiting;
		if (k->askers == NULL) {
			unlink_lookup(k);
			free(k);
			continue;
		}
		d->running++;
		k->question = dns_question_create(d->loop, d->servers, lookup_name(k),
			lookup_type(k), d->timeout / STEPS, lookup_heard, k);
	}
}

/* The oldest are over. One that still waits is the first of those who wait: both lists are in order
 * of age. */
static void deadline_came(void *arg)
{
	struct dns *d = arg;
	int64_t now = clock_mono();

	while (d->oldest && d->oldest->deadline <= now) {
		struct lookup *k = d->oldest;
		if (d->waiting == k) {
			d->waiting = k->next_waiting;
			if (d->waiting == NULL)
				d->waiting_last = &d->waiting;
		}
		lookup_finish(k, &(struct dns_answer){
			.status = DNS_TEMPORARY, .ttl = LIMIT_DNS_TTL_TEMPORARY / 1000 });
	}
	set_deadline(d);
}

static struct lookup *lookup_create(struct dns *d, struct str key)
{
	struct lookup *k = mem_alloc(sizeof *k + key.n);

	k->dns = d;
	k->deadline = clock_mono() + d->timeout;
	k->key_n = key.n;
	memcpy(k->key, key.p, key.n);
	map_put(d->by_key, key, k);
	k->older = d->newest;
	*(d->newest ? &d->newest->newer : &d->oldest) = k;
	d->newest = k;
	*d->waiting_last = k;
	d->waiting_last = &k->next_waiting;
	return k;
}

static void lookup_join(struct lookup *k, struct asker *a)
{
	a->next = k->askers;
	if (k->askers)
		k->askers->at = &a->next;
	k->askers = a;
	a->at = &k->askers;
}

/* ---- names that are never asked for ---- */

/* An address is no name, whatever a helpful resolver makes of it: 192.0.2.1 as a mail exchanger is
 * a mistake. */
static bool is_number(struct str name)
{
	struct str last = str_skip(name, (size_t)(str_rfind(name, '.') + 1));
	uint64_t n;

	return str_number(last, &n);
}

static struct job *answer_localhost(struct asker *a, enum dns_type type)
{
	struct dns_record rec = { .addr = { .v6 = type == DNS_AAAA } };
	struct dns_answer answer = { .status = DNS_NODATA, .ttl = LOCAL_TTL };

	if (type == DNS_A || type == DNS_AAAA) {
		inet_parse(&rec.addr, type == DNS_A ? STR("127.0.0.1") : STR("::1"));
		answer.status = DNS_OK;
		answer.n = 1;
		answer.v = &rec;
	}
	return asker_answer(a, dns_stored_create(&answer, clock_mono()));
}

/* NULL: an ordinary name. */
static struct job *answer_special(struct asker *a, struct str name, enum dns_type type)
{
	if (dns_name_within(name, STR("localhost")))
		return answer_localhost(a, type);
	if (dns_name_within(name, STR("invalid")) || dns_name_within(name, STR("onion")) ||
		is_number(name))
		return asker_answer_status(a, DNS_NXDOMAIN);
	return NULL;
}

/* ---- the door ---- */

static size_t make_key(char key[KEY_MAX], struct str name, enum dns_type type)
{
	size_t len;

	key[0] = (char)((unsigned)type >> 8);
	key[1] = (char)type;
	return dns_name_normal(name, key + 2, &len) ? len + 2 : 0;
}

/* Nobody knows yet: waits with those who ask the same, or asks. */
static struct job *ask_servers(struct dns *d, struct asker *a, struct str key)
{
	struct lookup *k = map_get(d->by_key, key);

	if (k == NULL && map_count(d->by_key) >= LIMIT_DNS_WAITING)
		return asker_answer_status(a, DNS_TEMPORARY);
	if (k) {
		lookup_join(k, a);
		return &a->job;
	}
	lookup_join(lookup_create(d, key), a);
	start_waiting(d);
	if (!timer_is_set(d->deadline))
		set_deadline(d);
	return &a->job;
}

struct job *dns_ask(struct dns *d, struct str name, enum dns_type type, dns_heard *heard,
	void *waiter)
{
	struct asker *a = asker_create(d, heard, waiter);
	struct dns_stored *known;
	struct job *job;
	char key[KEY_MAX];
	size_t n = make_key(key, name, type);

	if (n == 0)
		return asker_answer_status(a, DNS_NXDOMAIN);
	if ((job = answer_special(a, str_make(key + 2, n - 2), type)) != NULL)
		return job;
	look_at_resolv_conf(d);
	known = dns_cache_get(d->cache, str_make(key, n), clock_mono());
	if (known)
		return asker_answer(a, dns_stored_take(known));
	if (d->askers > LIMIT_DNS_WAITING)
		return asker_answer_status(a, DNS_TEMPORARY);
	return ask_servers(d, a, str_make(key, n));
}

struct dns *dns_create_from(struct loop *l, const struct dns_options *options,
	const char *resolv_conf, struct why *why)
{
	struct dns_server_list list = { .n = 0 };

	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		why_set(why, "c-ares can't start");
		return NULL;
	}
	struct dns *d = mem_alloc(sizeof *d);
	d->loop = l;
	d->cache = dns_cache_create(LIMIT_DNS_CACHE, LIMIT_DNS_CACHE_BYTES);
	d->by_key = map_create();
	d->deadline = timer_new(l, deadline_came, d);
	d->waiting_last = &d->waiting;
	d->trust_ad = options->trust_ad;
	d->timeout = options->timeout;
	for (size_t i = 0; i < options->servers.n && list.n < LIMIT_DNS_SERVERS; i++)
		list.v[list.n++] = options->servers.v[i];
	if (list.n) {
		use_servers(d, &list);
	} else {
		d->resolv_conf = resolv_conf;
		look_at_resolv_conf(d);
	}
	return d;
}

struct dns *dns_create(struct loop *l, const struct dns_options *options, struct why *why)
{
	return dns_create_from(l, options, "/etc/resolv.conf", why);
}

void dns_destroy(struct dns **d)
{
	struct dns *old = *d;

	*d = NULL;
	if (old == NULL)
		return;
	must(old->askers == 0);
	while (old->oldest) {
		struct lookup *k = old->oldest;
		unlink_lookup(k);
		free(k);
	}
	dns_servers_drop(&old->servers);
	dns_cache_destroy(&old->cache);
	map_destroy(&old->by_key, NULL);
	timer_destroy(&old->deadline);
	free(old);
	ares_library_cleanup();
}
