/*
 * access.permit and access.deny: networks, sender addresses, domains. Permit goes first. Pure.
 *
 *   192.0.2.0/24, 2001:db8::/32, 192.0.2.1    clients
 *   alice@example.com                         a sender, case ignored
 *   example.com                               senders at that domain
 *   .example.com                              senders at all domains below it, not at itself
 */
#ifndef RECEIVE_ACCESS_H
#define RECEIVE_ACCESS_H

#include "base/inet.h"
#include "mail/address.h"

struct access_list {
	struct network *networks;
	size_t network_count;
	/* in lower case, domains as A-labels, sorted */
	const char **senders;
	size_t sender_count;
};

enum access { ACCESS_UNSAID, ACCESS_PERMIT, ACCESS_DENY };

struct screen_options;

/* In postscreen.permit: not screened at all. */
bool access_spares(const struct screen_options *options, const struct inet_addr *client);
enum access access_client(const struct screen_options *options, const struct inet_addr *client);
/* The sender is what the client claims: a permit spares it the lists, and never lets it relay. The
 * null sender is always UNSAID. */
enum access access_sender(const struct screen_options *options, const struct address *sender);

#endif
