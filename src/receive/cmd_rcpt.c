/*
 * cmd_rcpt.c - RCPT: for whom, and whether we take it
 *
 * From     the client, one recipient a command.
 * To       route/, which says where it goes next; then the transaction. What screening.c and
 *          checking.c hold against the client or the sender is said here, where a log line shows
 *          for whom the mail was.
 * Never    relays: what route does not know as ours, or as our user's, is refused here.
 * See      RFC 5321 sections 3.3 and 4.1.1.3.
 */
#include "session.h"

#include "checking.h"
#include "networks.h"
#include "params.h"
#include "quota.h"
#include "tarpit.h"

static enum turn refuse(struct session *s, const struct address *rcpt)
{
	s->server->counts.refused_rcpt++;
	session_log_refusal(s, &s->tx->m->env.original_sender, rcpt);
	return TURN_SAY;
}

/* ---- names that do not exist ---- */

static void held_back(void *waiter)
{
	struct session *s = waiter;

	s->job = NULL;
	s->tarpitted = false;
	s->server->counts.tarpitted--;
	session_resume(s, TURN_SAY);
}

/* Who tries many is answered slower and slower, and in the end not at all. */
static enum turn refuse_unknown(struct session *s, const struct address *rcpt)
{
	struct receive *r = s->server;
	int64_t delay;

	if (!session_is_limited(s))
		return refuse(s, rcpt);
	if (!networks_take(r->networks, RATE_UNKNOWN, &s->client.addr)) {
		say_bye(s, 421, "4.7.0", "%s Too many unknown recipients", r->options->hostname);
		refuse(s, rcpt);
		return TURN_BYE;
	}
	refuse(s, rcpt);
	delay = tarpit_delay(networks_count(r->networks, RATE_UNKNOWN, &s->client.addr),
		r->options->tarpit_after);
	if (delay == 0 || (int64_t)r->counts.tarpitted >= r->options->tarpitted)
		return TURN_SAY;
	s->tarpitted = true;
	r->counts.tarpitted++;
	s->doing = "holding back an answer";
	s->job = tarpit_wait(r->parts.loop, delay, held_back, s);
	return TURN_WAIT;
}

/* ---- the recipient ---- */

/* A recipient named twice is not asked about again: 250, and one copy. */
static bool is_known(const struct transaction *t, const struct address *rcpt)
{
	for (size_t i = 0; i < t->m->env.rcpt_count; i++)
		if (address_same(&t->m->env.rcpts[i].original, rcpt))
			return true;
	return false;
}

static enum turn accept_rcpt(struct session *s, const struct address *rcpt,
	const struct route_answer *answer, const struct transaction_dsn *dsn)
{
	const struct receive_options *o = s->server->options;

	if (s->account
		&& !quota_take(
			s->server->quota, str_of(s->login_name), o->account_recipients_per_day)) {
		say(s, 450, "4.7.1", "%s has reached today's limit of %lld recipients",
			s->login_name, (long long)o->account_recipients_per_day);
		return refuse(s, rcpt);
	}
	if (session_is_limited(s)
		&& !networks_take(s->server->networks, RATE_RECIPIENTS, &s->client.addr)) {
		say(s, 450, "4.7.1",
			"Your network has reached the limit of %lld recipients an hour",
			(long long)networks_limit(s->server->networks, RATE_RECIPIENTS));
		return refuse(s, rcpt);
	}
	if (!transaction_add(s->tx, rcpt, answer, dsn)) {
		say(s, 452, "4.5.3", "Too many recipients; send the rest in another transaction");
		return refuse(s, rcpt);
	}
	s->state = ST_RCPT;
	return say(s, 250, "2.1.5", "Ok");
}

static enum turn route(
	struct session *s, const struct address *rcpt, const struct transaction_dsn *dsn)
{
	struct route_answer answer = { .kind = ROUTE_REFUSE };

	if (is_known(s->tx, rcpt))
		return say(s, 250, "2.1.5", "Ok, once");
	if (s->tx->accepted >= (size_t)s->server->options->recipients) {
		say(s, 452, "4.5.3", "Too many recipients; send the rest in another transaction");
		return refuse(s, rcpt);
	}
	route_recipient(
		s->server->parts.routes, rcpt, s->account != NULL, s->tx->m->arena, &answer);
	/* the client's own faults go first: who is refused for them learns of no names */
	if (screening_refuses(s, answer.is_postmaster) || checking_refuses(s, answer.is_postmaster))
		return refuse(s, rcpt);
	if (answer.kind != ROUTE_REFUSE)
		return accept_rcpt(s, rcpt, &answer, dsn);
	say_reply(s, &answer.reply);
	if (answer.reply.code == 550 && str_eq(str_of(answer.reply.status), STR("5.1.1")))
		return refuse_unknown(s, rcpt);
	return refuse(s, rcpt);
}

static enum turn route_asked(struct session *s)
{
	return route(s, &s->tx->asked, &s->tx->asked_dsn);
}

enum turn cmd_rcpt(struct session *s, struct str args)
{
	struct arena *arena = s->tx->m->arena;
	struct address rcpt = { 0 };
	struct rcpt_params p;
	struct str rest, path;

	s->tx->tried++;
	if (arena_size(arena) > LIMIT_TRANSACTION_MEMORY)
		return say(s, 452, "4.3.1", "Too many recipients were named in this transaction");
	if (!str_istarts(args, STR("TO:")))
		return say(s, 501, "5.5.4", "Syntax: RCPT TO:<address>");
	path = rest = str_trim(str_skip(args, 3));
	if (!address_parse_path(&rcpt, &rest, arena) || address_is_null(&rcpt)
			|| (rest.n > 0 && rest.p[0] != ' ' && rest.p[0] != '\t')) {
		say(s, 501, "5.1.3", "Recipient address not understood; syntax: RCPT TO:<address>");
		return refuse(s, NULL);
	}
	path = str_head(path, path.n - rest.n);
	if (!params_read_rcpt(&p, rest, session_is_submission(s), &s->reply))
		return refuse(s, &rcpt);
	if (!s->tx->m->env.smtputf8 && (!str_is_ascii(path) || address_is_utf8(&rcpt))) {
		say(s, 553, "5.6.7", "An address beyond ASCII needs SMTPUTF8 in MAIL");
		return refuse(s, &rcpt);
	}
	s->tx->asked = rcpt;
	s->tx->asked_dsn = (struct transaction_dsn){ p.notify, arena_str(arena, p.orcpt) };
	if (checking_is_needed(s) && checking_waits(s, route_asked))
		return TURN_WAIT;
	return route_asked(s);
}
