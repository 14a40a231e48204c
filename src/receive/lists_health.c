/*
 * lists_health.c - is a list alive, does it tell the truth, will it answer us?
 *
 * From     lists.c, which tells what its questions met; own probes, at start and hourly.
 * Owns     the state of each list: unproven, good, benched.
 * Never    lets a list count that lists everything, or nothing, or refuses our resolver: it is
 *          logged once, shown in status, and tried again.
 * See      RFC 5782 section 5; Spamhaus' 127.255.255.0/24 and dnswl.org's 127.0.0.255.
 */
#include "lists_private.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

/* ---- the state ---- */

static int64_t retry_after(const struct zone *z)
{
	int64_t ms = LIMIT_LISTS_RETRY;

	for (int i = 1; i < z->failures && ms < LIMIT_LISTS_PROBE; i++)
		ms *= 2;
	return ms < LIMIT_LISTS_PROBE ? ms : LIMIT_LISTS_PROBE;
}

static void enter(struct zone *z, enum zone_state state)
{
	if (z->state != state)
		z->since = clock_wall();
	z->state = state;
	z->strikes = 0;
}

void zone_bench(struct zone *z, const char *why)
{
	bool already = z->state == ZONE_BENCHED;

	z->failures++;
	snprintf(z->why, sizeof z->why, "%s", why);
	enter(z, ZONE_BENCHED);
	timer_set(z->timer, retry_after(z));
	if (!already)
		log_warn("list-benched", L_Z("list", zone_site(z)->shown), L_Z("why", z->why),
			L_SECS("retry", retry_after(z)));
}

static void trust(struct zone *z)
{
	bool back = z->state == ZONE_BENCHED;

	/* one that comes and goes is asked again less and less often */
	if (z->state == ZONE_GOOD)
		z->failures = 0;
	z->why[0] = '\0';
	enter(z, ZONE_GOOD);
	timer_set(z->timer, LIMIT_LISTS_PROBE);
	if (back)
		log_info("list-back", L_Z("list", zone_site(z)->shown));
}

void zone_answered(struct zone *z)
{
	z->strikes = 0;
}

void zone_missed(struct zone *z)
{
	if (z->state == ZONE_GOOD && ++z->strikes >= LIMIT_LISTS_STRIKES)
		zone_bench(z, "it does not answer");
}

bool zone_is_ready(const struct zone *z, const struct inet_addr *client)
{
	return z->state == ZONE_GOOD && (client->v6 ? z->v6 : z->v4);
}

/* ---- what an answer says about the list ---- */

static const char *refusal_text(const unsigned char ip[4])
{
	if (ip[1] == 255 && ip[2] == 255)
		return ip[3] == 252 ? "its name is misspelt"
			: ip[3] == 255 ? "it was asked too often"
			: "it does not answer this resolver; use one of your own, or register "
			  "there";
	return "it does not answer this resolver (too many questions, or a public one)";
}

static bool is_refusal(const struct zone *z, const unsigned char ip[4])
{
	static const unsigned char white[4] = { 127, 0, 0, 255 };

	return (ip[1] == 255 && ip[2] == 255) || (z->good < 0 && memcmp(ip, white, 4) == 0);
}

bool zone_understands(const struct zone *z, const struct dns_answer *a, char why[200])
{
	char text[INET_TEXT_MAX];

	for (size_t i = 0; a->status == DNS_OK && i < a->n; i++) {
		const struct inet_addr *addr = &a->v[i].addr;

		inet_text(addr, text);
		if (addr->v6 || addr->ip[0] != 127) {
			snprintf(why, 200, "it answers %s, as no list does; the domain may have "
				"changed hands, or the resolver makes answers up", text);
			return false;
		}
		if (is_refusal(z, addr->ip)) {
			snprintf(why, 200, "%s: %s", text, refusal_text(addr->ip));
			return false;
		}
	}
	return true;
}

/* ---- probes ---- */

static const struct inet_addr probe_addresses[PROBES] = {
	[PROBE_V4_LISTED] = { .ip = { 127, 0, 0, 2 } },
	[PROBE_V4_CLEAN] = { .ip = { 127, 0, 0, 1 } },
	/* ::FFFF:7F00:2 and ::FFFF:7F00:1, never unmapped here */
	[PROBE_V6_LISTED] = { .v6 = true, .ip = { [10] = 255, [11] = 255, [12] = 127, [15] = 2 } },
	[PROBE_V6_CLEAN] = { .v6 = true, .ip = { [10] = 255, [11] = 255, [12] = 127, [15] = 1 } },
};

/* A list for IPv4, for both, or for IPv6 alone. What is odd with IPv6 costs its part for IPv6
 * clients only. */
static void judge(struct zone *z)
{
	const struct probe *p = z->probes;
	bool six = p[PROBE_V6_CLEAN].said == PROBE_NO;

	z->v4 = p[PROBE_V4_LISTED].said == PROBE_YES && p[PROBE_V4_CLEAN].said == PROBE_NO;
	z->v6 = six && (z->v4 || p[PROBE_V6_LISTED].said == PROBE_YES);
	if (p[PROBE_V4_CLEAN].said == PROBE_YES)
		zone_bench(z, "it lists 127.0.0.1, and so perhaps everybody");
	else if (z->v4 || z->v6)
		trust(z);
	else if (p[PROBE_V6_CLEAN].said == PROBE_YES)
		zone_bench(z, "it lists ::ffff:127.0.0.1, and so perhaps everybody");
	else if (p[PROBE_V4_LISTED].said == PROBE_NO_ANSWER ||
		p[PROBE_V4_CLEAN].said == PROBE_NO_ANSWER)
		zone_bench(z, "it does not answer");
	else
		zone_bench(z, "it does not list 127.0.0.2, as every list must; it may be gone");
}

static void stop_probes(struct zone *z)
{
	for (size_t i = 0; i < PROBES; i++)
		job_cancel(&z->probes[i].job);
	z->open = 0;
}

static void probe_heard(void *waiter, const struct dns_answer *a)
{
	struct probe *p = waiter;
	struct zone *z = p->zone;
	char why[200];

	p->job = NULL;
	if (!zone_understands(z, a, why)) {
		stop_probes(z);
		zone_bench(z, why);
		return;
	}
	p->said = a->status == DNS_OK ? PROBE_YES : a->status == DNS_TEMPORARY ? PROBE_NO_ANSWER
		: PROBE_NO;
	if (--z->open == 0)
		judge(z);
}

static void probe(void *arg)
{
	struct zone *z = arg;
	char name[LISTS_QUERY];

	stop_probes(z);
	for (size_t i = 0; i < PROBES; i++) {
		lists_query(name, &probe_addresses[i], zone_site(z)->zone);
		z->probes[i].zone = z;
		z->probes[i].said = PROBE_OPEN;
		z->probes[i].job = dns_ask(z->lists->dns, str_of(name), DNS_A, probe_heard,
			&z->probes[i]);
		z->open++;
	}
}

void zone_watch(struct zone *z)
{
	z->timer = timer_new(z->lists->loop, probe, z);
	z->since = clock_wall();
	probe(z);
}

void zone_finish(struct zone *z)
{
	stop_probes(z);
	timer_destroy(&z->timer);
}

/* ---- status ---- */

static const char *state_text(const struct zone *z)
{
	return z->state == ZONE_GOOD ? "good" : z->state == ZONE_BENCHED ? "benched" : "unproven";
}

static void describe(const struct zone *z, struct buf *out, bool json)
{
	int64_t seconds = (clock_wall() - z->since) / 1000;

	if (json)
		buf_addf(out, "{\"list\":\"%s\",\"state\":\"%s\",\"seconds\":%lld,\"why\":\"%s\"}",
			zone_site(z)->shown, state_text(z), (long long)seconds, z->why);
	else
		buf_addf(out, "%-28s %s for %lld s%s%s\n", zone_site(z)->shown, state_text(z),
			(long long)seconds, z->why[0] ? ": " : "", z->why);
}

void lists_describe(const struct lists *lists, struct buf *out, bool json)
{
	if (json)
		buf_add_char(out, '[');
	for (size_t i = 0; i < lists->zone_count; i++) {
		if (json && i > 0)
			buf_add_char(out, ',');
		describe(&lists->zones[i], out, json);
	}
	if (json)
		buf_add_char(out, ']');
}

size_t lists_benched(const struct lists *lists)
{
	size_t n = 0;

	for (size_t i = 0; i < lists->zone_count; i++)
		n += lists->zones[i].state == ZONE_BENCHED;
	return n;
}
