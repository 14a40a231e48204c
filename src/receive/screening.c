/*
 * screening.c - hold a stranger at the door, and watch its manners inside
 *
 * From     session.c, for a connection on port 25 and for what it does later.
 * To       session_greet, when nothing is left to wait for.
 * Owns     the client's tests that are not done, and what is held against it.
 * Never    costs an honest client a retry: there is no "come back later" here. Never waits for what
 *          the allow cache remembers.
 * Fails    open: a list that is silent, dead or benched says nothing.
 * See      design.md "Screening"; Postfix's POSTSCREEN_README for the tests and their names.
 */
#include "session.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	GREET = 1 << SCREEN_GREET,
	LISTS = 1 << SCREEN_LISTS,
	SLOW = 1 << SCREEN_PIPELINING | 1 << SCREEN_NON_SMTP | 1 << SCREEN_BARE_NEWLINE
};

/* ---- what is held against it ---- */

static void hold_against(
	struct session *s, const char *status, struct str text, bool spares_postmaster)
{
	struct screening *sc = &s->screening;

	if (sc->refusal)
		return;                         /* one reason is enough: the first */
	sc->refusal = mem_copy(text.p, text.n);
	sc->status = status;
	sc->spares_postmaster = spares_postmaster;
}

static void log_failure(struct session *s, const char *test, int action, struct str said)
{
	static const char *const words[] = { "ignore", "enforce", "drop" };

	log_info("screen", L_Z("client", s->client_text), L_Z("helo", s->helo), L_Z("test", test),
		L_Z("action", words[action]), L_STR("said", said));
}

/* True: the connection is to be dropped, s->reply is set. */
static bool fails(struct session *s, int action, const char *status, struct str text)
{
	if (action == SCREEN_IGNORE)
		return false;
	if (!s->standing.hidden)
		allow_fail(s->server->allow, &s->client.addr);
	if (action == SCREEN_ENFORCE) {
		hold_against(s, status, text, false);
		return false;
	}
	say_bye(s, 521, status, "%.*s", STR_FMT(text));
	session_log_refusal(s, NULL, NULL);
	return true;
}

/* ---- before the greeting ---- */

static void stop_waiting(struct session *s)
{
	struct screening *sc = &s->screening;

	job_cancel(&sc->lists);
	if (sc->waits)
		s->server->counts.waiting--;
	sc->waits = false;
}

static void drop(struct session *s)
{
	stop_waiting(s);
	session_tell(s, TURN_BYE);
}

static void let_in(struct session *s)
{
	struct screening *sc = &s->screening;
	unsigned passed = 0;

	stop_waiting(s);
	if (sc->white)
		s->server->counts.white++;
	else if (!sc->refusal)
		s->server->counts.passed_new++;
	if (sc->teased && !sc->spoke && !sc->white)
		passed |= GREET;
	if (sc->clean)
		passed |= LISTS;
	if (passed && !sc->refusal && !s->standing.hidden)
		allow_pass(s->server->allow, &s->client.addr, passed);
	sc->todo &= SLOW;
	session_greet(s);
}

static void go_on(struct session *s)
{
	struct screening *sc = &s->screening;

	if (sc->lists)
		return;
	if (sc->teased && !sc->spoke && !sc->white && clock_mono() < sc->until)
		return;
	let_in(s);
}

void screening_time(struct session *s)
{
	int64_t left = s->screening.until - clock_mono();

	if (left > 0)
		timer_set(s->timer, left);      /* it was early by a hair */
	else
		go_on(s);
}

void screening_heard(struct session *s)
{
	static const struct str text = { "Protocol error: you spoke before you were greeted", 49 };
	struct screening *sc = &s->screening;
	int action = s->server->parts.screen->greet_action;

	io_pause(s->io, true);                  /* what it says is not wanted before the greeting */
	if (sc->spoke || !(sc->todo & GREET))
		return;
	sc->spoke = true;
	s->server->counts.pregreet++;
	log_failure(s, "pregreet", action, str_head(io_peek(s->io), LIMIT_EARLY_TEXT));
	if (fails(s, action, "5.5.1", text))
		drop(s);
	else
		go_on(s);
}

static void log_lists(struct session *s, const struct lists_answer *answer, const char *outcome)
{
	log_info("screen", L_Z("client", s->client_text), L_Z("test", "lists"),
		L_Z("result", outcome), L_NUM("score", answer->score), L_Z("lists", answer->names));
}

/* True: it is dropped. */
static bool is_listed(struct session *s, const struct lists_answer *answer)
{
	int action = s->server->parts.screen->dnsbl_action;
	bool dropped = false;
	struct buf text;

	s->server->counts.listed++;
	log_lists(s, answer, "listed");
	if (action == SCREEN_IGNORE)
		return false;
	buf_init(&text, LIMIT_REPLY_TEXT - 1);
	lists_refusal(&text, &s->client.addr, answer);
	if (action == SCREEN_DROP)
		dropped = fails(s, action, "5.7.1", buf_str(&text));
	else
		hold_against(s, "5.7.1", buf_str(&text), true);
	allow_fail(s->server->allow, &s->client.addr);
	buf_finish(&text);
	return dropped;
}

static void lists_spoke(void *waiter, const struct lists_answer *answer)
{
	struct session *s = waiter;
	struct screening *sc = &s->screening;

	sc->lists = NULL;
	switch (answer->outcome) {
	case LISTS_CLEAN:
		sc->clean = answer->silent == 0;
		break;
	case LISTS_WHITE:
		sc->white = true;
		sc->todo = 0;
		break;
	case LISTS_LISTED:
		if (is_listed(s, answer)) {
			drop(s);
			return;
		}
		break;
	case LISTS_UNSURE:
		s->server->counts.listed_unsure++;
		log_lists(s, answer, "unsure");
		break;
	}
	go_on(s);
}

/* An operator's word is more than a set of tests that were passed. */
static bool is_granted(struct session *s)
{
	struct allow_entry e;

	return allow_find(s->server->allow, &s->client.addr, &e) && e.allowed > clock_wall();
}

static unsigned tests_for(struct session *s)
{
	const struct receive_options *o = s->server->options;
	unsigned tests = s->server->parts.screen->greet_wait > 0 ? GREET : 0;

	if (o->postscreen_slow_checks)
		tests |= SLOW;
	if (s->standing.hidden)
		return tests;
	return (tests | LISTS) & ~allow_passed(s->server->allow, &s->client.addr);
}

static void wait_to_greet(struct session *s)
{
	const struct screen_options *c = s->server->parts.screen;
	struct screening *sc = &s->screening;
	bool teases = sc->todo & GREET;

	sc->waits = true;
	s->server->counts.waiting++;
	s->doing = "waiting to be greeted";
	if (teases) {
		sc->teased = true;
		sc->until = clock_mono() + c->greet_wait;
		io_writef(s->io, "220-%s ESMTP waypost\r\n", s->server->options->hostname);
		timer_set(s->timer, c->greet_wait);
	}
	if (sc->todo & LISTS)
		sc->lists = lists_ask(s->server->lists, &s->client.addr,
			c->greet_wait > 0 ? c->greet_wait : LIMIT_GREET_LISTS, lists_spoke, s);
}

void screening_begin(struct session *s)
{
	const struct receive_options *o = s->server->options;
	struct screening *sc = &s->screening;

	if (s->standing.denied) {
		s->server->counts.denied++;
		hold_against(s, "5.7.1", STR("Client address rejected: access denied"), false);
	} else if (o->postscreen_enable && !s->standing.spared
			&& (s->standing.hidden || !is_granted(s))) {
		sc->helo = o->postscreen_slow_checks;
		sc->todo = tests_for(s);
		if (sc->todo & (GREET | LISTS)) {
			wait_to_greet(s);
			return;
		}
		s->server->counts.passed_known++;
	}
	session_greet(s);
}

/* ---- after the greeting ---- */

bool screening_drops(struct session *s, enum screen_test test)
{
	const struct screen_options *c = s->server->parts.screen;
	struct receive_counts *counts = &s->server->counts;
	const struct {
		const char *name, *text;
		int action;
		uint64_t *count;
	} tests[SCREEN_TESTS] = {
		[SCREEN_PIPELINING] = { "pipelining",
			"Protocol error: you spoke before it was your turn",
			c->pipelining_action, &counts->pipelining },
		[SCREEN_NON_SMTP] = { "non-smtp-command", "Protocol error: that is not SMTP",
			c->non_smtp_command_action, &counts->non_smtp },
		[SCREEN_BARE_NEWLINE] = { "bare-newline",
			"Protocol error: a line ended in a bare newline",
			c->bare_newline_action, &counts->bare_newline },
	};

	if (!(s->screening.todo & 1u << test))
		return false;
	s->screening.todo &= ~(1u << test);
	(*tests[test].count)++;
	log_failure(s, tests[test].name, tests[test].action, STR_NONE);
	return fails(s, tests[test].action, "5.5.1", str_of(tests[test].text));
}

void screening_hello(struct session *s, struct str name)
{
	struct str own = str_of(s->server->options->hostname);
	struct screening *sc = &s->screening;
	struct inet_addr a;

	sc->bad_helo = NULL;
	if (!sc->helo || sc->white)
		return;
	if (name.n > 1 && name.p[name.n - 1] == '.')
		name = str_head(name, name.n - 1);
	if (str_ieq(name, own))
		sc->bad_helo = "Your HELO is the name of this server, not of yours";
	else if (inet_parse(&a, name))
		sc->bad_helo = "Your HELO is a bare address: it needs to be a name, or brackets";
	if (sc->bad_helo)
		s->server->counts.bad_helo++;
}

static bool is_denied_sender(struct session *s)
{
	const struct address *sender = &s->tx->m->env.original_sender;

	return !s->standing.spared
		&& access_sender(s->server->parts.screen, sender) == ACCESS_DENY;
}

/* A sender that is permitted is spared the lists; it is only what the client claims, so no more. */
static bool is_spared(struct session *s, bool postmaster)
{
	const struct address *sender = &s->tx->m->env.original_sender;

	return postmaster || access_sender(s->server->parts.screen, sender) == ACCESS_PERMIT;
}

bool screening_refuses(struct session *s, bool postmaster)
{
	const struct screening *sc = &s->screening;

	if (s->service != SERVICE_SMTP)
		return false;
	if (sc->refusal && !(sc->spares_postmaster && is_spared(s, postmaster)))
		say(s, 550, sc->status, "%s", sc->refusal);
	else if (is_denied_sender(s))
		say(s, 550, "5.7.1", "Sender address rejected: access denied");
	else if (sc->bad_helo && !postmaster)
		say(s, 550, "5.7.1", "%s", sc->bad_helo);
	else
		return false;
	return true;
}

bool screening_refuses_late(struct session *s)
{
	const struct screening *sc = &s->screening;

	/* what spares the postmaster was known at RCPT: these recipients were taken all the same */
	if (sc->refusal == NULL || sc->spares_postmaster)
		return false;
	say(s, 550, sc->status, "%s", sc->refusal);
	return true;
}

void screening_good(struct session *s)
{
	struct screening *sc = &s->screening;

	if (sc->noted || sc->refusal || s->standing.hidden)
		return;
	sc->noted = true;
	if (sc->todo & SLOW)
		allow_pass(s->server->allow, &s->client.addr, sc->todo & SLOW);
}

void screening_end(struct session *s)
{
	stop_waiting(s);
	free(s->screening.refusal);
	s->screening.refusal = NULL;
}
