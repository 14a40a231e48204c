/*
 * operator_screen.c - the questions and orders of `waypost screen`
 *
 * From     operator.c, with the words of a control request.
 * To       the allow cache and the lists, behind receive/.
 *
 *   screen list AT MOST        "next AT", then lines of allow_print; AT 0: begin, or no more
 *   screen show ADDRESS        "network ...", "config permit|deny|spared", a line of allow_print
 *   screen lists ADDRESS       "outcome SCORE NAMES", then the reason
 *   screen allow ADDRESS [DAYS]
 *   screen forget ADDRESS
 */
#include "operator_screen.h"

#include "base/clock.h"
#include "base/log.h"
#include "receive/screen.h"

enum { ANSWER_MOST = 1 << 20, PAGE_MOST = 1000, DAYS_MOST = 36500, LISTS_WAIT = SECONDS(6) };

static void answer_text(struct control_request *r, bool ok, const char *text)
{
	control_answer(r, ok, str_of(text));
}

static void list(struct server *s, struct control_request *r, struct str from, struct str most)
{
	struct allow_entry e;
	struct buf lines, text;
	uint64_t start, left;
	size_t at;
	bool more = true;

	if (!str_number(from, &start) || !str_number(most, &left) || left > PAGE_MOST) {
		answer_text(r, false, "screen list: not understood\n");
		return;
	}
	at = (size_t)start;
	buf_init(&lines, ANSWER_MOST);
	for (; left > 0 && (more = allow_next(receive_allow(s->receive), &at, &e)); left--) {
		allow_print(&lines, &e);
		buf_add_char(&lines, '\n');
	}
	buf_init(&text, ANSWER_MOST + 100);
	buf_addf(&text, "next %zu\n", more ? at : 0);
	buf_add_str(&text, buf_str(&lines));
	control_answer(r, true, buf_str(&text));
	buf_finish(&text);
	buf_finish(&lines);
}

static const char *config_says(const struct server *s, const struct inet_addr *client)
{
	const struct screen_options *o = &s->settings->screen;
	enum access access = access_client(o, client);

	return access == ACCESS_PERMIT ? "permit" : access == ACCESS_DENY ? "deny"
		: access_spares(o, client) ? "spared" : "nothing";
}

static void show(struct server *s, struct control_request *r, const struct inet_addr *client)
{
	struct inet_addr network = inet_client_network(client);
	char name[INET_TEXT_MAX];
	struct allow_entry e;
	struct buf text;

	buf_init(&text, ANSWER_MOST);
	buf_addf(&text, "network %s%s\nconfig %s\n", inet_text(&network, name),
		network.v6 ? "/64" : "", config_says(s, client));
	if (allow_find(receive_allow(s->receive), client, &e)) {
		allow_print(&text, &e);
		buf_add_char(&text, '\n');
	}
	control_answer(r, true, buf_str(&text));
	buf_finish(&text);
}

static void lists_spoke(void *waiter, const struct lists_answer *a)
{
	static const char *const outcomes[] = { [LISTS_CLEAN] = "clean", [LISTS_WHITE] = "white",
		[LISTS_LISTED] = "listed", [LISTS_UNSURE] = "unsure" };
	struct buf text;

	buf_init(&text, ANSWER_MOST);
	buf_addf(&text, "%s %d %s\n%s\n", outcomes[a->outcome], a->score, a->names, a->reason);
	control_answer(waiter, true, buf_str(&text));
	buf_finish(&text);
}

static void allow_client(struct server *s, struct control_request *r,
	const struct inet_addr *client, struct str days_text)
{
	uint64_t days = 0;
	int64_t ms;
	char name[INET_TEXT_MAX];

	if (days_text.n && (!str_number(days_text, &days) || days == 0 || days > DAYS_MOST)) {
		answer_text(r, false, "screen allow: expected a number of days from 1 to 36500\n");
		return;
	}
	ms = days ? DAYS((int64_t)days) : INT64_MAX;
	if (!allow_grant(receive_allow(s->receive), client, ms)) {
		answer_text(r, false, "screen allow: there are too many of these already; "
			"access.permit takes whole networks\n");
		return;
	}
	log_info("screen-allow", L_Z("client", inet_text(client, name)),
		L_STR("days", days ? days_text : STR("all")));
	answer_text(r, true, "");
}

static void forget(struct server *s, struct control_request *r, const struct inet_addr *client)
{
	char name[INET_TEXT_MAX];

	if (!allow_forget(receive_allow(s->receive), client)) {
		answer_text(r, false, "screen forget: it was not remembered\n");
		return;
	}
	log_info("screen-forget", L_Z("client", inet_text(client, name)));
	answer_text(r, true, "");
}

void operator_screen(
	struct server *s, struct control_request *r, const struct str *words, size_t n)
{
	struct str verb = words[1];
	struct inet_addr client;

	if (receive_allow(s->receive) == NULL)
		answer_text(r, false, "clients are not screened: see postscreen.enable\n");
	else if (str_eq(verb, STR("list")) && n == 4)
		list(s, r, words[2], words[3]);
	else if (!inet_parse(&client, words[2]))
		answer_text(r, false, "screen: that is not an IP address\n");
	else if (str_eq(verb, STR("show")) && n == 3)
		show(s, r, &client);
	else if (str_eq(verb, STR("lists")) && n == 3)
		control_waits_for(r, lists_ask(receive_lists(s->receive), &client, LISTS_WAIT,
			lists_spoke, r));
	else if (str_eq(verb, STR("allow")))
		allow_client(s, r, &client, n == 4 ? words[3] : STR_NONE);
	else if (str_eq(verb, STR("forget")) && n == 3)
		forget(s, r, &client);
	else
		answer_text(r, false, "screen: not understood\n");
}
