/*
 * cmd_rcpt.c - RCPT: for whom, and whether we take it
 *
 * From     the client, one recipient a command.
 * To       route/, which says where it goes next; then the transaction.
 * Never    relays: what route does not know as ours, or as our user's, is refused here.
 * See      RFC 5321 sections 3.3 and 4.1.1.3.
 */
#include "session.h"

#include "params.h"
#include "quota.h"

static enum turn refuse(struct session *s, const struct address *rcpt)
{
	s->server->counts.refused_rcpt++;
	session_log_refusal(s, &s->tx->m->env.original_sender, rcpt);
	return TURN_SAY;
}

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
	if (answer.kind != ROUTE_REFUSE)
		return accept_rcpt(s, rcpt, &answer, dsn);
	say_reply(s, &answer.reply);
	return refuse(s, rcpt);
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
	return route(s, &rcpt, &(struct transaction_dsn){ p.notify, arena_str(arena, p.orcpt) });
}
