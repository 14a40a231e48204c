/*
 * options.c - the keys of listen:, limits:, submission: and postscreen: that the SMTP server reads
 *
 * See      design.md "Configuration"; every row's text becomes a line of the manual.
 */
#include "receive/receive.h"

#include "base/clock.h"

#define AT(field) offsetof(struct receive_options, field)

enum { MANY = 1 << 20 };

const struct config_row receive_rows[] = {
	{ .key = "listen.smtp", .type = CONFIG_ENDPOINTS,
		.fallback = "0.0.0.0:25, [::]:25", .min = 25, .offset = AT(smtp),
		.text = "Addresses and ports where mail from other servers is taken; [] turns it "
			"off." },
	{ .key = "listen.submission", .type = CONFIG_ENDPOINTS,
		.fallback = "0.0.0.0:587, [::]:587", .min = 587, .offset = AT(submission),
		.text = "Addresses and ports where the accounts' mail programs send, with "
			"STARTTLS; [] turns it off." },
	{ .key = "listen.submissions", .type = CONFIG_ENDPOINTS,
		.fallback = "0.0.0.0:465, [::]:465", .min = 465, .offset = AT(submissions),
		.text = "The same with TLS from the first byte; [] turns it off." },
	{ .key = "listen.proxy_protocol", .type = CONFIG_NETWORKS, .offset = AT(proxies),
		.text = "Networks of proxies in front of this server: each connection from there, "
			"on any port, must begin with a PROXY header (version 1 or 2) that tells "
			"the client's address." },
	{ .key = "postscreen.enable", .type = CONFIG_BOOL,
		.fallback = "true", .offset = AT(postscreen_enable),
		.text = "Screen clients on port 25 before they may speak." },
	{ .key = "postscreen.enable_slow_checks", .type = CONFIG_BOOL,
		.fallback = "true", .offset = AT(postscreen_slow_checks),
		.text = "Screen also with the tests that come after the greeting: pipelining "
			"before it was offered, commands of other protocols, bare newlines, and a "
			"HELO with this server's name or a bare address." },
	{ .key = "submission.normalize", .type = CONFIG_BOOL,
		.fallback = "false", .offset = AT(normalize),
		.text = "Turn a bare CR or LF in submitted mail into the CR LF that it should be, "
			"instead of refusing." },
	{ .key = "limits.message_size", .type = CONFIG_SIZE,
		.fallback = "50M", .min = 1 << 10, .max = (int64_t)2 << 30,
		.offset = AT(message_size),
		.text = "The largest message that is taken; larger ones get 552." },
	{ .key = "limits.recipients", .type = CONFIG_NUMBER,
		.fallback = "100", .min = 1, .max = 1000, .offset = AT(recipients),
		.text = "Recipients of one message; those beyond get 452 and are to be sent in "
			"another." },
	{ .key = "limits.clients", .type = CONFIG_NUMBER,
		.fallback = "1000", .min = 1, .max = MANY, .offset = AT(clients),
		.text = "Connections at once on all ports; those beyond get 421." },
	{ .key = "limits.clients_per_network", .type = CONFIG_NUMBER,
		.fallback = "50", .min = 1, .max = MANY, .offset = AT(clients_per_network),
		.text = "Connections at once from one IPv4 address or IPv6 /64; those beyond get "
			"421." },
	{ .key = "limits.errors", .type = CONFIG_NUMBER,
		.fallback = "20", .min = 1, .max = MANY, .offset = AT(errors),
		.text = "5xx answers that a client may get without sending a good message; then "
			"421." },
	{ .key = "limits.command_time", .type = CONFIG_DURATION,
		.fallback = "5m", .min = 50, .max = HOURS(1), .offset = AT(command_time),
		.text = "How long a client may take for one command, or be silent inside a "
			"message; then 421." },
	{ .key = "limits.data_time", .type = CONFIG_DURATION,
		.fallback = "1h", .min = 50, .max = HOURS(24), .offset = AT(data_time),
		.text = "How long a client may take for the content of one message, however it "
			"drips; then 421." },
	{ .key = "limits.session_time", .type = CONFIG_DURATION,
		.fallback = "4h", .min = 50, .max = HOURS(48), .offset = AT(session_time),
		.text = "How long a connection may last in all; then 421." },
	{ .key = "limits.messages_per_session", .type = CONFIG_NUMBER,
		.fallback = "10000", .min = 1, .max = MANY, .offset = AT(messages_per_session),
		.text = "Messages taken over one connection; then 421, and the client connects "
			"again." },
	{ .key = "limits.auth_failures", .type = CONFIG_NUMBER,
		.fallback = "10", .min = 1, .max = MANY, .offset = AT(auth_failures),
		.text = "Failed logins from one network within auth_failures_window after which "
			"it may not log in for a while." },
	{ .key = "limits.auth_failures_window", .type = CONFIG_DURATION,
		.fallback = "1h", .min = SECONDS(1), .max = DAYS(30),
		.offset = AT(auth_failures_window),
		.text = "How long a failed login counts." },
	{ .key = "limits.auth_ban", .type = CONFIG_DURATION,
		.fallback = "1h", .min = SECONDS(1), .max = DAYS(30), .offset = AT(auth_ban),
		.text = "How long such a network may not log in (it may still deliver mail); AUTH "
			"gets 454." },
	{ .key = "limits.auth_known", .type = CONFIG_DURATION,
		.fallback = "30d", .min = SECONDS(1), .max = DAYS(365), .offset = AT(auth_known),
		.text = "A network where an account has logged in within this time is not shut "
			"out for that account." },
	{ .key = "limits.account_recipients_per_day", .type = CONFIG_NUMBER,
		.fallback = "500", .min = 1, .max = MANY, .offset = AT(account_recipients_per_day),
		.text = "Recipients that one account may send to in 24 hours, against a stolen "
			"password; then 450." },
	{ .key = "limits.network_connections_per_minute", .type = CONFIG_NUMBER,
		.fallback = "120", .min = 1, .max = MANY,
		.offset = AT(network_connections_per_minute),
		.text = "New connections in a minute from one IPv4 address or IPv6 /64; those "
			"beyond get 421." },
	{ .key = "limits.network_messages_per_hour", .type = CONFIG_NUMBER,
		.fallback = "1000", .min = 1, .max = MANY, .offset = AT(network_messages_per_hour),
		.text = "Messages in an hour from one network that is not logged in; those beyond "
			"get 450." },
	{ .key = "limits.network_recipients_per_hour", .type = CONFIG_NUMBER,
		.fallback = "2000", .min = 1, .max = MANY,
		.offset = AT(network_recipients_per_hour),
		.text = "Recipients in an hour from one network that is not logged in; those "
			"beyond get 450." },
	{ .key = "limits.network_unknown_per_hour", .type = CONFIG_NUMBER,
		.fallback = "100", .min = 1, .max = MANY, .offset = AT(network_unknown_per_hour),
		.text = "Recipients that don't exist which one network may name in an hour; then "
			"421." },
	{ .key = "limits.network_errors_per_hour", .type = CONFIG_NUMBER,
		.fallback = "300", .min = 1, .max = MANY, .offset = AT(network_errors_per_hour),
		.text = "5xx answers to one network in an hour; then 421, also to its new "
			"connections." },
	{ .key = "limits.tarpit_after", .type = CONFIG_NUMBER,
		.fallback = "5", .min = 0, .max = MANY, .offset = AT(tarpit_after),
		.text = "Recipients that don't exist which one network may name in an hour before "
			"the answer to each more is held back, longer each time." },
	{ .key = "limits.tarpitted", .type = CONFIG_NUMBER,
		.fallback = "100", .min = 0, .max = MANY, .offset = AT(tarpitted),
		.text = "Sessions whose answers are held back at once; those beyond are answered "
			"at once. 0 turns it off." },
	{ .key = NULL },
};
