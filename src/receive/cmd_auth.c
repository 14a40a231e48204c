/*
 * cmd_auth.c - AUTH PLAIN and LOGIN: who are you, and what is the word
 *
 * From     the client, in one line or several.
 * To       password.c for the check, auth.c for what a wrong one costs.
 * Owns     the exchange (struct login) until its answer.
 * Never    offered in clear or on 25 (promise 3); never lets anybody act as another (authorization
 *          identity).
 * See      RFC 4954; RFC 4616; draft-murchison-sasl-login.
 */
#include "session.h"

#include "auth.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct login {
	/* owned */
	struct timer *delay;
	/* borrowed */
	const struct account *account;             /* NULL: no such account */
	/* state */
	enum { EXPECT_PLAIN, EXPECT_USER, EXPECT_PASSWORD } expects;
	char user[LIMIT_LOGIN + 1];                /* in lower case, as accounts are found */
	int64_t began;
	bool right;
};

void cmd_auth_abort(struct session *s)
{
	struct login *l = s->login;

	if (s->input == INPUT_AUTH)
		s->input = INPUT_COMMAND;
	s->login = NULL;
	if (l == NULL)
		return;
	timer_destroy(&l->delay);
	free(l);
}

static void log_auth(struct session *s, const char *result, const char *user)
{
	log_info("auth", L_Z("client", s->client_text), L_Z("login", user), L_Z("result", result));
}

/* Whose guesses are counted together; NULL: a proxy hides them all behind one address. */
static const struct inet_addr *network_of(const struct session *s)
{
	return s->standing.hidden ? NULL : &s->client.addr;
}

/* ---- the answer ---- */

static enum turn welcome(struct session *s)
{
	s->account = s->login->account;
	memcpy(s->login_name, s->login->user, sizeof s->login_name);
	s->server->counts.auth_ok++;
	log_auth(s, "ok", s->login_name);
	cmd_auth_abort(s);
	return say(s, 235, "2.7.0", "Authentication successful");
}

static enum turn reject(struct session *s)
{
	s->server->counts.auth_failed++;
	log_auth(s, "failed", s->login->user);
	cmd_auth_abort(s);
	return say(s, 535, "5.7.8", "Authentication failed: unknown login or wrong password");
}

static void answer(void *arg)
{
	struct session *s = arg;

	session_resume(s, s->login->right ? welcome(s) : reject(s));
}

/* The answer comes a while after the try began: longer after failures, and then whatever the
 * hash took, so that its time does not tell whether the account exists. */
static void checked(void *waiter, bool right)
{
	struct session *s = waiter;
	struct login *l = s->login;
	int64_t left;

	s->job = NULL;
	l->right = right && l->account
		&& auth_may_try(s->server->auth, network_of(s), str_of(l->user));
	left = l->began + auth_note(s->server->auth, network_of(s), str_of(l->user), l->right)
		- clock_mono();
	if (left <= 0) {
		answer(s);
		return;
	}
	s->doing = "holding back an AUTH answer";
	l->delay = timer_new(s->server->parts.loop, answer, s);
	timer_set(l->delay, left);
}

static bool copy_user(struct login *l, struct str user)
{
	if (user.n == 0 || user.n > LIMIT_LOGIN || memchr(user.p, '\0', user.n))
		return false;
	for (size_t i = 0; i < user.n; i++)
		l->user[i] = str_lower(user.p[i]);
	l->user[user.n] = '\0';
	return true;
}

static enum turn verify(struct session *s, struct str password)
{
	struct login *l = s->login;

	s->input = INPUT_COMMAND;
	l->began = clock_mono();
	if (!auth_may_try(s->server->auth, network_of(s), str_of(l->user))) {
		log_auth(s, "banned", l->user);
		cmd_auth_abort(s);
		return say(s, 454, "4.7.0",
			"Too many failed logins from your network, try again later");
	}
	l->account = password.n <= LIMIT_PASSWORD
		? route_account(s->server->parts.routes, str_of(l->user))
		: NULL;
	s->doing = "checking a password";
	s->job = auth_check(
		s->server->auth, l->account, str_head(password, LIMIT_PASSWORD), checked, s);
	return TURN_WAIT;
}

/* ---- the exchange ---- */

static enum turn malformed(struct session *s, const char *text)
{
	cmd_auth_abort(s);
	return say(s, 501, "5.5.2", "%s", text);
}

/* [authorization identity] NUL login NUL password (RFC 4616 section 2) */
static enum turn take_plain(struct session *s, struct str message)
{
	struct str rest = message, as, user;

	if (str_find(rest, '\0') < 0)
		return malformed(s, "PLAIN is: identity NUL login NUL password, in base64");
	as = str_cut(&rest, '\0');
	if (str_find(rest, '\0') < 0)
		return malformed(s, "PLAIN is: identity NUL login NUL password, in base64");
	user = str_cut(&rest, '\0');
	if (!copy_user(s->login, user) || rest.n == 0 || str_find(rest, '\0') >= 0)
		return malformed(s, "PLAIN is: identity NUL login NUL password, in base64");
	if (as.n > 0 && !str_ieq(as, user)) {
		cmd_auth_abort(s);
		return say(s, 535, "5.7.8", "An account can only act as itself");
	}
	return verify(s, rest);
}

static enum turn take_decoded(struct session *s, struct str text)
{
	switch (s->login->expects) {
	case EXPECT_PLAIN:
		return take_plain(s, text);
	case EXPECT_USER:
		if (!copy_user(s->login, text))
			return malformed(s, "The login name can't be one");
		s->login->expects = EXPECT_PASSWORD;
		return say(s, 334, "", "UGFzc3dvcmQ6");
	case EXPECT_PASSWORD:
		break;
	}
	return verify(s, text);
}

static enum turn take_base64(struct session *s, struct str text)
{
	struct buf decoded;
	enum turn turn;

	buf_init(&decoded, LIMIT_AUTH_LINE);
	if (base64_decode(&decoded, text))
		turn = take_decoded(s, buf_str(&decoded));
	else
		turn = malformed(s, "That is no base64");
	if (decoded.p)
		explicit_bzero(decoded.p, decoded.n);
	buf_finish(&decoded);
	return turn;
}

enum turn cmd_auth_line(struct session *s, struct str line)
{
	if (line.n + 2 > LIMIT_AUTH_LINE) {
		cmd_auth_abort(s);
		return say(s, 500, "5.5.6", "Authentication exchange line is too long");
	}
	if (!str_eq(line, STR("*")))
		return take_base64(s, line);
	cmd_auth_abort(s);
	return say(s, 501, "5.7.0", "Authentication cancelled");
}

enum turn cmd_auth(struct session *s, struct str args)
{
	struct str rest = args;
	struct str mechanism = str_word(&rest), initial = str_word(&rest);
	bool plain = str_ieq(mechanism, STR("PLAIN"));

	if (!session_is_submission(s))
		return say(s, 502, "5.5.1", "AUTH is not offered here; use port 587");
	if (s->account)
		return say(s, 503, "5.5.1", "Already authenticated as %s", s->login_name);
	if (mechanism.n == 0 || str_trim(rest).n > 0)
		return say(s, 501, "5.5.4", "Syntax: AUTH mechanism [initial-response]");
	if (!plain && !str_ieq(mechanism, STR("LOGIN")))
		return say(s, 504, "5.5.4", "AUTH mechanism is not known; PLAIN and LOGIN are");
	s->login = mem_alloc(sizeof *s->login);
	s->login->expects = plain ? EXPECT_PLAIN : EXPECT_USER;
	s->input = INPUT_AUTH;
	if (initial.n > 0)                        /* "=" is how an empty one is written */
		return take_base64(s, str_eq(initial, STR("=")) ? STR_NONE : initial);
	return say(s, 334, "", "%s", plain ? "" : "VXNlcm5hbWU6");
}
