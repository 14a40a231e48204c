/*
 * guard.c - know a peer that hides the client
 *
 * From     gate.c, with the address of a fresh connection.
 * Owns     the list of our default gateways, read again when it is LIMIT_GUARD_FRESH old.
 * Never    decides what follows from it, and never guards loopback: tests and local programs speak
 *          from there.
 * Fails    by knowing no gateway: a table that can't be read is told once, and private addresses
 *          are still known.
 * See      design.md "Screening": often only IPv6 is affected, where Docker has its proxy in
 *          between.
 */
#include "guard.h"

#include "recent.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAG_UP = 1, FLAG_GATEWAY = 2, FLAG_REJECT = 0x200 };

struct guard {
	/* owned */
	struct recent *told;               /* by address: since when it was told last */
	/* borrowed */
	struct guard_tables tables;
	/* state */
	struct inet_addr gateways[LIMIT_GUARD_GATEWAYS];
	size_t count;
	int64_t read_at;                   /* mono ms; 0: never */
	bool complained;
};

/* ---- the kernel's tables ---- */

static bool read_hex(struct str s, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = str_lower(s.p[i]);

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		*out = *out << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return s.n > 0 && s.n <= 16;
}

/* Interface Destination Gateway Flags RefCnt Use Metric Mask ...: addresses are the bytes of memory
 * as one hexadecimal number. */
bool guard_read_route(struct inet_addr *gateway, struct str line)
{
	struct str word[8];
	uint64_t destination, via, flags, mask;
	uint32_t bytes;

	for (size_t i = 0; i < sizeof word / sizeof *word; i++)
		word[i] = str_word(&line);
	if (!read_hex(word[1], &destination) || !read_hex(word[2], &via)
			|| !read_hex(word[3], &flags) || !read_hex(word[7], &mask))
		return false;
	if (destination != 0 || mask != 0 || via == 0 || word[2].n != 8 || (flags & FLAG_REJECT)
			|| (flags & (FLAG_UP | FLAG_GATEWAY)) != (FLAG_UP | FLAG_GATEWAY))
		return false;
	bytes = (uint32_t)via;
	*gateway = (struct inet_addr){ 0 };
	memcpy(gateway->ip, &bytes, 4);
	return true;
}

static bool read_address(struct str s, unsigned char ip[16])
{
	for (size_t i = 0; i < 16; i++) {
		uint64_t byte;

		if (s.n != 32 || !read_hex(str_head(str_skip(s, 2 * i), 2), &byte))
			return false;
		ip[i] = (unsigned char)byte;
	}
	return true;
}

/* Destination Bits Source Bits NextHop Metric RefCnt Use Flags Interface */
bool guard_read_route6(struct inet_addr *gateway, struct str line)
{
	static const unsigned char zero[16];
	struct inet_addr via = { .v6 = true };
	unsigned char destination[16];
	struct str word[9];
	uint64_t bits, flags;

	for (size_t i = 0; i < sizeof word / sizeof *word; i++)
		word[i] = str_word(&line);
	if (!read_address(word[0], destination) || !read_hex(word[1], &bits)
			|| !read_address(word[4], via.ip) || !read_hex(word[8], &flags))
		return false;
	if (bits != 0 || memcmp(destination, zero, 16) != 0 || memcmp(via.ip, zero, 16) == 0
			|| (flags & FLAG_REJECT)
			|| (flags & (FLAG_UP | FLAG_GATEWAY)) != (FLAG_UP | FLAG_GATEWAY))
		return false;
	*gateway = via;
	return true;
}

static void add_gateway(struct guard *g, const struct inet_addr *gateway)
{
	for (size_t i = 0; i < g->count; i++)
		if (inet_same(&g->gateways[i], gateway))
			return;
	if (g->count < LIMIT_GUARD_GATEWAYS)
		g->gateways[g->count++] = *gateway;
}

/* False: it can't be read. A machine without IPv6 has no such table. */
static bool read_table(
	struct guard *g, const char *path, bool (*read_line)(struct inet_addr *, struct str))
{
	FILE *f = fopen(path, "re");
	struct inet_addr gateway;
	char line[512];

	if (f == NULL)
		return errno == ENOENT;
	for (int n = 0; n < LIMIT_GUARD_ROUTES && fgets(line, sizeof line, f); n++)
		if (read_line(&gateway, str_trim(str_of(line))))
			add_gateway(g, &gateway);
	fclose(f);
	return true;
}

static void refresh(struct guard *g)
{
	int64_t now = clock_mono();
	bool right;

	if (g->read_at && now - g->read_at < LIMIT_GUARD_FRESH)
		return;
	g->read_at = now;
	g->count = 0;
	right = read_table(g, g->tables.route, guard_read_route);
	right = read_table(g, g->tables.ipv6_route, guard_read_route6) && right;
	if (!right && !g->complained)
		log_warn("guard", L_Z("why", "the kernel's routes can't be read: a proxy at the "
			"gateway is only known by a private address"));
	g->complained = !right;
}

/* ---- the guard ---- */

struct guard *guard_create(const struct guard_tables *tables)
{
	static const struct guard_tables usual = { "/proc/net/route", "/proc/net/ipv6_route" };
	struct guard *g = mem_alloc(sizeof *g);

	g->tables = tables ? *tables : usual;
	g->told = recent_create(LIMIT_GUARD_TOLD);
	return g;
}

void guard_destroy(struct guard **g)
{
	struct guard *gone = *g;

	*g = NULL;
	if (gone == NULL)
		return;
	recent_destroy(&gone->told);
	free(gone);
}

bool guard_hides(struct guard *g, const struct inet_addr *peer)
{
	if (inet_is_loopback(peer))
		return false;
	if (inet_is_private(peer))
		return true;
	refresh(g);
	for (size_t i = 0; i < g->count; i++)
		if (inet_same(&g->gateways[i], peer))
			return true;
	return false;
}

bool guard_tells(struct guard *g, const struct inet_addr *peer)
{
	char text[INET_TEXT_MAX];
	struct recent_entry *e = recent_touch(g->told, str_of(inet_text(peer, text)));
	int64_t now = clock_mono();

	if (e->count && now - e->since < LIMIT_GUARD_SILENCE)
		return false;
	e->count = 1;
	e->since = now;
	return true;
}
