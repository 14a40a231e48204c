/*
 * operator.c - the questions and orders of `waypost status` and `waypost queue`
 *
 * From     control.c.
 * To       schedule/, for orders; the counts of every station, for status.
 */
#include "operator.h"
#include "operator_screen.h"
#include "server_private.h"

#include <stdio.h>
#include <unistd.h>

enum { ANSWER_MOST = 1 << 20, PAGE_MOST = 1000 };

static void answer_text(struct control_request *r, bool ok, const char *text)
{
	control_answer(r, ok, str_of(text));
}

/* ---- status ---- */

static int64_t resident_bytes(void)
{
	long total, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%ld %ld", &total, &resident) != 2)
		resident = 0;
	fclose(f);
	return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

static void print_hidden(struct buf *text, const char *by)
{
	buf_addf(text, "%-28s %s\n", "hidden_by", by[0] ? by : "-");
	if (by[0])
		buf_addf(text, "  %s stands between the clients and this server, which can neither screen them\n"
			"  nor check SPF. Run waypost in the host's network; or let the proxy speak the PROXY\n"
			"  protocol and name it in listen.proxy_protocol; or, if it is a mail server of yours,\n"
			"  name it in postscreen.permit.\n", by);
}

static void status(struct server *s, struct control_request *r, bool json)
{
	struct schedule_counts queue = schedule_counts(s->schedule);
	struct receive_counts in = receive_counts(s->receive);
	struct deliver_counts out = deliver_counts(s->deliver);
	int64_t now = clock_wall();
	const struct { const char *name; int64_t value; } rows[] = {
		{ "uptime_seconds", (now - s->started) / 1000 },
		{ "sessions", (int64_t)in.sessions },
		{ "connections_accepted", (int64_t)in.accepted },
		{ "messages_accepted", (int64_t)in.messages },
		{ "messages_refused", (int64_t)in.refused_messages },
		{ "recipients_refused", (int64_t)in.refused_rcpt },
		{ "auth_ok", (int64_t)in.auth_ok },
		{ "auth_failed", (int64_t)in.auth_failed },
		{ "screen_waiting", (int64_t)in.waiting },
		{ "screen_tarpitted", (int64_t)in.tarpitted },
		{ "screen_passed_new", (int64_t)in.passed_new },
		{ "screen_passed_known", (int64_t)in.passed_known },
		{ "screen_passed_white", (int64_t)in.white },
		{ "screen_hung_up", (int64_t)in.hung_up },
		{ "screen_pregreet", (int64_t)in.pregreet },
		{ "screen_listed", (int64_t)in.listed },
		{ "screen_listed_unsure", (int64_t)in.listed_unsure },
		{ "screen_pipelining", (int64_t)in.pipelining },
		{ "screen_non_smtp_command", (int64_t)in.non_smtp },
		{ "screen_bare_newline", (int64_t)in.bare_newline },
		{ "screen_bad_helo", (int64_t)in.bad_helo },
		{ "screen_denied", (int64_t)in.denied },
		{ "screen_over_limit", (int64_t)in.limited },
		{ "screen_cache", (int64_t)allow_count(receive_allow(s->receive)) },
		{ "lists_benched", (int64_t)lists_benched(receive_lists(s->receive)) },
		{ "hidden_clients", (int64_t)in.hidden },
		{ "bad_proxy_headers", (int64_t)in.bad_proxy },
		{ "queue_waiting", (int64_t)queue.waiting },
		{ "queue_active", (int64_t)queue.active },
		{ "queue_held", (int64_t)queue.held },
		{ "queue_oldest_seconds", queue.oldest ? (now - queue.oldest) / 1000 : 0 },
		{ "deliveries_sent", (int64_t)queue.delivered },
		{ "deliveries_deferred", (int64_t)queue.deferred },
		{ "deliveries_bounced", (int64_t)queue.bounced },
		{ "deliveries_refused", (int64_t)queue.refused },
		{ "next_hop_connections_active", (int64_t)out.active },
		{ "next_hop_connections_idle", (int64_t)out.idle },
		{ "longest_loop_stall_us", loop_longest_stall_us(s->loop) },
		{ "memory_resident_bytes", resident_bytes() },
	};
	struct buf text;

	buf_init(&text, ANSWER_MOST);
	if (json)
		buf_addf(&text, "{\"version\":\"%s\",\"hostname\":\"%s\"", WAYPOST_VERSION, s->settings->hostname);
	else
		buf_addf(&text, "%-28s %s\n%-28s %s\n", "version", WAYPOST_VERSION, "hostname", s->settings->hostname);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		buf_addf(&text, json ? ",\"%s\":%lld" : "%-28s %lld\n", rows[i].name, (long long)rows[i].value);
	if (json)
		buf_addf(&text, ",\"hidden_by\":\"%s\",\"lists\":", in.hidden_last);
	else
		print_hidden(&text, in.hidden_last);
	lists_describe(receive_lists(s->receive), &text, json);
	buf_add_str(&text, json ? STR("}\n") : STR(""));
	control_answer(r, true, buf_str(&text));
	buf_finish(&text);
}

/* ---- queue ---- */

static void list(struct server *s, struct control_request *r, struct str after, struct str most)
{
	struct schedule_entry entry;
	struct buf text;
	uint64_t id, lines;
	char id_text[MESSAGE_ID_TEXT];

	if (!message_id_parse(&id, after) || !str_number(most, &lines) || lines > PAGE_MOST) {
		answer_text(r, false, "queue list: not understood\n");
		return;
	}
	buf_init(&text, ANSWER_MOST);
	for (; lines > 0 && schedule_next(s->schedule, id, &entry); lines--) {
		id = entry.id;
		buf_addf(&text, "%s %lld %s %s\n", message_id_text(id, id_text), (long long)entry.next,
			entry.held ? "held" : entry.active ? "active" : "waiting", entry.last_reply);
	}
	control_answer(r, true, buf_str(&text));
	buf_finish(&text);
}

static void told(void *waiter, bool ok, const char *text)
{
	answer_text(waiter, ok, text);
}

static void order(struct server *s, struct control_request *r, struct str word, struct str id_text)
{
	static const struct { const char *word; enum schedule_order order; } orders[] = {
		{ "retry", SCHEDULE_RETRY }, { "hold", SCHEDULE_HOLD }, { "release", SCHEDULE_RELEASE },
		{ "remove", SCHEDULE_REMOVE },
	};
	uint64_t id = 0;

	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
		if (!str_eq(word, str_of(orders[i].word)))
			continue;
		if (id_text.n ? !message_id_parse(&id, id_text) : orders[i].order != SCHEDULE_RETRY)
			break;
		control_waits_for(r, schedule_tell(s->schedule, orders[i].order, id, told, r));
		return;
	}
	answer_text(r, false, "queue: not understood\n");
}

void operator_asked(void *arg, struct control_request *r, const struct str *words, size_t n)
{
	struct server *s = arg;
	struct str none = STR_NONE, verb = n > 0 ? words[0] : none;

	if (str_eq(verb, STR("ping")))
		answer_text(r, true, "");
	else if (str_eq(verb, STR("status")))
		status(s, r, n > 1 && str_eq(words[1], STR("json")));
	else if (str_eq(verb, STR("queue")) && n == 4 && str_eq(words[1], STR("list")))
		list(s, r, words[2], words[3]);
	else if (str_eq(verb, STR("queue")) && (n == 2 || n == 3))
		order(s, r, words[1], n == 3 ? words[2] : none);
	else if (str_eq(verb, STR("screen")) && n >= 3)
		operator_screen(s, r, words, n);
	else
		answer_text(r, false, "not understood\n");
}
