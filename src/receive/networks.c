/*
 * networks.c - count what each client network does
 *
 * From     session.c when a connection comes and goes; the commands, for what they are to count.
 * Owns     the counters, forgotten at a restart.
 * Never    counts who is spared (postscreen.permit, access.permit, trusted forwarders) or hidden
 *          behind a proxy: the callers don't ask for these.
 */
#include "networks.h"

#include "recent.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/must.h"

#include <stdlib.h>

struct presence {
	int64_t sessions;
};

struct networks {
	/* owned */
	struct map *present;               /* struct presence, for those that have a session now */
	struct recent *rates[RATES];
	/* borrowed */
	const struct receive_options *options;
};

static struct str key_of(const struct inet_addr *client, char out[INET_TEXT_MAX])
{
	struct inet_addr network = inet_client_network(client);

	return str_of(inet_text(&network, out));
}

struct networks *networks_create(const struct receive_options *options)
{
	struct networks *n = mem_alloc(sizeof *n);

	n->options = options;
	n->present = map_create();
	for (int i = 0; i < RATES; i++)
		n->rates[i] = recent_create(LIMIT_NETWORKS);
	return n;
}

void networks_destroy(struct networks **n)
{
	struct networks *gone = *n;

	*n = NULL;
	if (gone == NULL)
		return;
	for (int i = 0; i < RATES; i++)
		recent_destroy(&gone->rates[i]);
	map_destroy(&gone->present, free);
	free(gone);
}

/* ---- rates ---- */

int64_t networks_limit(const struct networks *n, enum network_rate rate)
{
	switch (rate) {
	case RATE_CONNECTIONS:
		return n->options->network_connections_per_minute;
	case RATE_MESSAGES:
		return n->options->network_messages_per_hour;
	case RATE_RECIPIENTS:
		return n->options->network_recipients_per_hour;
	case RATE_UNKNOWN:
		return n->options->network_unknown_per_hour;
	case RATE_ERRORS:
		return n->options->network_errors_per_hour;
	case RATES:
		break;
	}
	must(rate < RATES);
	return 0;
}

static int64_t window(enum network_rate rate)
{
	return rate == RATE_CONNECTIONS ? MINUTES(1) : HOURS(1);
}

int64_t networks_count(
	const struct networks *n, enum network_rate rate, const struct inet_addr *client)
{
	char text[INET_TEXT_MAX];
	const struct recent_entry *e = recent_find(n->rates[rate], key_of(client, text));

	return e && clock_mono() - e->since < window(rate) ? e->count : 0;
}

bool networks_take(struct networks *n, enum network_rate rate, const struct inet_addr *client)
{
	char text[INET_TEXT_MAX];
	struct recent_entry *e = recent_touch(n->rates[rate], key_of(client, text));
	int64_t now = clock_mono();

	if (e->count == 0 || now - e->since >= window(rate)) {
		e->count = 0;
		e->since = now;
	}
	if (e->count >= networks_limit(n, rate))
		return false;
	e->count++;
	return true;
}

/* ---- connections ---- */

bool networks_enter(struct networks *n, const struct inet_addr *client, const char **text)
{
	char name[INET_TEXT_MAX];
	struct str key = key_of(client, name);
	struct presence *p = map_get(n->present, key);

	if (p && p->sessions >= n->options->clients_per_network) {
		*text = "Too many connections from your network";
		return false;
	}
	if (networks_count(n, RATE_ERRORS, client) >= networks_limit(n, RATE_ERRORS)) {
		*text = "Too many errors from your network, try again later";
		return false;
	}
	if (!networks_take(n, RATE_CONNECTIONS, client)) {
		*text = "Too many new connections from your network, try again later";
		return false;
	}
	if (p == NULL) {
		p = mem_alloc(sizeof *p);
		map_put(n->present, key, p);
	}
	p->sessions++;
	return true;
}

void networks_leave(struct networks *n, const struct inet_addr *client)
{
	char name[INET_TEXT_MAX];
	struct str key = key_of(client, name);
	struct presence *p = map_get(n->present, key);

	if (p && --p->sessions == 0)
		free(map_remove(n->present, key));
}
