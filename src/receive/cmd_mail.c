/*
 * cmd_mail.c - MAIL: who sends, and what will come
 *
 * To       the transaction, which begins here; checking.c, which looks up the sender's SPF record
 *          from now on.
 * Never    lets an account send as somebody else (RFC 6409 section 6.1).
 * See      RFC 5321 section 4.1.1.2; params.c for the parameters.
 */
#include "session.h"

#include "checking.h"
#include "networks.h"
#include "params.h"

#include "base/clock.h"

/* Without SMTPUTF8 nothing in the path may pass ASCII, not even a domain that has an A-label
 * form. */
static bool needs_smtputf8(struct str path, const struct address *a)
{
	return !str_is_ascii(path) || address_is_utf8(a);
}

static enum turn refuse_sender(struct session *s, const struct address *sender)
{
	session_log_refusal(s, sender, NULL);
	session_reset(s);
	return TURN_SAY;
}

static enum turn begin(struct session *s, struct str path, const struct mail_params *p)
{
	const struct address *sender = &s->tx->m->env.original_sender;
	const struct receive_options *o = s->server->options;

	if (needs_smtputf8(path, sender) && !p->smtputf8) {
		say(s, 553, "5.6.7", "An address beyond ASCII needs SMTPUTF8");
		return refuse_sender(s, sender);
	}
	if (!address_is_null(sender) && sender->domain.n == 0) {
		say(s, 501, "5.1.7", "The sender's address needs a domain");
		return refuse_sender(s, sender);
	}
	if (p->has_size && p->size > (uint64_t)o->message_size) {
		say(s, 552, "5.3.4", "Message is larger than the %lld bytes taken here",
			(long long)o->message_size);
		return refuse_sender(s, sender);
	}
	if (s->account && !address_is_null(sender) && !route_may_send_as(s->account, sender)) {
		say(s, 553, "5.7.1", "%s may not send as this address", s->login_name);
		return refuse_sender(s, sender);
	}
	if (session_is_limited(s)
		&& !networks_take(s->server->networks, RATE_MESSAGES, &s->client.addr)) {
		say(s, 450, "4.7.1", "Your network has reached the limit of %lld messages an hour",
			(long long)networks_limit(s->server->networks, RATE_MESSAGES));
		return refuse_sender(s, sender);
	}
	s->state = ST_MAIL;
	checking_begin(s);
	return say(s, 250, "2.1.0", "Ok");
}

enum turn cmd_mail(struct session *s, struct str args)
{
	const struct receive_options *o = s->server->options;
	struct mail_params p;
	struct envelope *env;
	struct str rest, path;
	struct arena *arena;

	if (s->messages >= o->messages_per_session)
		return say_bye(s, 421, "4.7.0", "%s Enough messages for one session, connect again",
			o->hostname);
	if (!str_istarts(args, STR("FROM:")))
		return say(s, 501, "5.5.4", "Syntax: MAIL FROM:<address>");
	s->tx = transaction_create();
	env = &s->tx->m->env;
	arena = s->tx->m->arena;
	path = rest = str_trim(str_skip(args, 5));
	if (!address_parse_path(&env->original_sender, &rest, arena)
			|| (rest.n > 0 && rest.p[0] != ' ' && rest.p[0] != '\t')) {
		say(s, 501, "5.1.7", "Sender address not understood; syntax: MAIL FROM:<address>");
		return refuse_sender(s, NULL);
	}
	path = str_head(path, path.n - rest.n);
	if (!params_read_mail(&p, rest, session_is_submission(s), &s->reply))
		return refuse_sender(s, &env->original_sender);
	env->arrived = clock_wall();
	env->client = s->client;
	env->helo = arena_str(arena, str_of(s->helo));
	env->login = arena_str(arena, str_of(s->login_name));
	env->proven = s->account != NULL;
	env->eightbit = p.eightbit;
	env->smtputf8 = p.smtputf8;
	env->tls = session_is_tls(s);
	env->ret = p.ret;
	env->envid = arena_str(arena, p.envid);
	return begin(s, path, &p);
}
