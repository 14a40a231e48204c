/*
 * screen_options.c - the keys of postscreen: and access:, but for those that turn it on
 *
 * See      design.md "Screening"; every row's text becomes a line of the manual. The names are
 *          those of Postfix's postscreen_ parameters where it has one.
 */
#include "access_list.h"
#include "lists_site.h"

#include "base/clock.h"
#include "receive/screen.h"

#define AT(field) offsetof(struct screen_options, field)

static const char *const actions[] = { "ignore", "enforce", "drop", NULL };

/*
 * Lists that anybody with a small server may ask, without registration, through a resolver of his
 * own. Each has a filter, so that a list that changes its ways is not obeyed. Two of the smaller
 * ones together, or the first alone, refuse a client. dnswl.org's 127.0.10.x is not among those
 * that count: it is for special cases.
 */
static const char default_sites[] =
	"zen.spamhaus.org=127.0.0.[2..11]*3, "
	"bl.spamcop.net=127.0.0.2*2, "
	"psbl.surriel.com=127.0.0.2*2, "
	"bl.mailspike.net=127.0.0.[2;10..12]*2, "
	"list.dnswl.org=127.0.[2..9;11..20].1*-2, "
	"list.dnswl.org=127.0.[2..9;11..20].2*-3, "
	"list.dnswl.org=127.0.[2..9;11..20].3*-5";

const struct config_row screen_rows[] = {
	{ .key = "postscreen.greet_wait", .type = CONFIG_DURATION,
		.fallback = "6s", .min = 0, .max = SECONDS(60), .offset = AT(greet_wait),
		.text = "How long a client that is not known yet must wait in silence for the "
			"greeting, while the lists are asked." },
	{ .key = "postscreen.greet_action", .type = CONFIG_WORD,
		.fallback = "enforce", .words = actions, .offset = AT(greet_action),
		.text = "What a client gets that speaks before it was greeted: ignore (a line in "
			"the log), enforce (its mail is refused) or drop (521)." },
	{ .key = "postscreen.permit", .type = CONFIG_NETWORKS, .offset = AT(permit),
		.text = "Networks whose clients are not screened at all, such as your own backup "
			"MX." },
	{ .key = "postscreen.pipelining_action", .type = CONFIG_WORD,
		.fallback = "enforce", .words = actions, .offset = AT(pipelining_action),
		.text = "What a client gets that sends commands before it may: ignore, enforce or "
			"drop." },
	{ .key = "postscreen.non_smtp_command_action", .type = CONFIG_WORD,
		.fallback = "drop", .words = actions, .offset = AT(non_smtp_command_action),
		.text = "What a client gets that speaks HTTP or sends a header for a command: "
			"ignore, enforce or drop." },
	{ .key = "postscreen.bare_newline_action", .type = CONFIG_WORD,
		.fallback = "enforce", .words = actions, .offset = AT(bare_newline_action),
		.text = "What a client gets that ends a command with LF alone: ignore, enforce or "
			"drop." },
	{ .key = "postscreen.greet_ttl", .type = CONFIG_DURATION,
		.fallback = "1d", .min = SECONDS(1), .max = DAYS(365),
		.offset = AT(ttl[SCREEN_GREET]),
		.text = "How long a client that waited for the greeting need not wait again." },
	{ .key = "postscreen.dnsbl_ttl", .type = CONFIG_DURATION,
		.fallback = "1h", .min = SECONDS(1), .max = DAYS(365),
		.offset = AT(ttl[SCREEN_LISTS]),
		.text = "How long a client that no list refused is not looked up again." },
	{ .key = "postscreen.pipelining_ttl", .type = CONFIG_DURATION,
		.fallback = "30d", .min = SECONDS(1), .max = DAYS(365),
		.offset = AT(ttl[SCREEN_PIPELINING]),
		.text = "How long a client counts as one that waits for its turn." },
	{ .key = "postscreen.non_smtp_command_ttl", .type = CONFIG_DURATION,
		.fallback = "30d", .min = SECONDS(1), .max = DAYS(365),
		.offset = AT(ttl[SCREEN_NON_SMTP]),
		.text = "How long a client counts as one that speaks SMTP." },
	{ .key = "postscreen.bare_newline_ttl", .type = CONFIG_DURATION,
		.fallback = "30d", .min = SECONDS(1), .max = DAYS(365),
		.offset = AT(ttl[SCREEN_BARE_NEWLINE]),
		.text = "How long a client counts as one that ends its lines with CR LF." },
	{ .key = "postscreen.cache_size", .type = CONFIG_NUMBER,
		.fallback = "100000", .min = 100, .max = 5000000, .offset = AT(cache_size),
		.text = "Client networks remembered as good ones; of more, the one not seen for "
			"longest is forgotten." },
	{ .key = "postscreen.dnsbl.sites", .type = CONFIG_CUSTOM,
		.fallback = default_sites, .read = lists_read_sites, .offset = AT(sites),
		.text = "Block lists and white lists, each zone=filter*weight; [] asks none." },
	{ .key = "postscreen.dnsbl.threshold", .type = CONFIG_NUMBER,
		.fallback = "3", .min = 1, .max = 100000, .offset = AT(dnsbl_threshold),
		.text = "The sum of weights from which on dnsbl.action is taken." },
	{ .key = "postscreen.dnsbl.action", .type = CONFIG_WORD,
		.fallback = "enforce", .words = actions, .offset = AT(dnsbl_action),
		.text = "What a client gets that the lists refuse: ignore (a line in the log), "
			"enforce (its mail gets 550 with the list's name) or drop (521)." },
	{ .key = "postscreen.dnsbl.allowlist_threshold", .type = CONFIG_NUMBER,
		.fallback = "-2", .min = -100000, .max = 0, .offset = AT(allowlist_threshold),
		.text = "A sum at or below this spares a client the wait and the tests; 0: none "
			"does." },
	{ .key = "access.permit", .type = CONFIG_CUSTOM,
		.read = access_read, .offset = AT(access_permit),
		.text = "Client networks, sender addresses and domains that no list and no test "
			"keeps out; goes before access.deny." },
	{ .key = "access.deny", .type = CONFIG_CUSTOM,
		.read = access_read, .offset = AT(access_deny),
		.text = "Client networks, sender addresses and domains whose mail is refused; "
			".example.com is all below example.com." },
	{ .key = NULL },
};
