/*
 * hello.c - from the connection to the point where a transaction may begin
 *
 * From     client.c, when TCP or TLS is up and when a reply came.
 * To       the owner's ready; or lost, with words that were softened: a host that doesn't want to
 *          talk to us has said nothing about the message.
 * Never    sends a password in clear, but to our own machine where the operator said so; never
 *          trusts what was said before TLS.
 * See      RFC 5321 section 4.1.1.1, RFC 3207, RFC 4954, RFC 8314.
 */
#include "client_state.h"
#include "base/encode.h"

#include <string.h>

static void say_ehlo(struct client *c)
{
	memset(&c->offer, 0, sizeof(c->offer));
	client_say(c, VERB_EHLO, "EHLO %s\r\n", c->options->hostname);
}

static void secure(struct client *c)
{
	struct tls_wish wish = { .name = c->host, .must_verify = c->policy == TLS_POLICY_VERIFY };

	c->phase = CLIENT_SECURING;
	io_deadline(c->io, c->options->command_timeout);
	io_secure_client(c->io, c->tls, &wish);
}

static void expect_greeting(struct client *c)
{
	c->phase = CLIENT_TALKING;
	client_expect(c, VERB_GREETING);
	io_deadline(c->io, c->options->command_timeout);
}

void hello_connected(struct client *c)
{
	if (c->implicit_tls)
		secure(c);
	else
		expect_greeting(c);
}

void hello_secured(struct client *c)
{
	if (c->implicit_tls) {
		expect_greeting(c);
		return;
	}
	c->phase = CLIENT_TALKING;
	say_ehlo(c);
	client_turn(c);
}

static void no_sense(struct client *c)
{
	client_give_up(c, "4.5.0", "unexpected reply %d", c->reply.code);
}

void hear_greeting(struct client *c, const struct command *cmd)
{
	(void)cmd;
	if (reply_is_temporary(&c->reply) || reply_is_permanent(&c->reply))
		client_lose_reply(c, &c->reply);
	else if (reply_is_ok(&c->reply))
		say_ehlo(c);
	else
		no_sense(c);
}

static void ready(struct client *c)
{
	io_deadline(c->io, 0);
	c->calls->ready(c->owner);
}

/* ---- AUTH ---- */

/* The password as base64 goes to the wire, and its copies here are wiped. */
static void say_secret(struct client *c, const char *before, const void *p, size_t n)
{
	struct buf b;

	buf_init(&b, LIMIT_AUTH_LINE);
	base64_encode(&b, p, n);
	client_say(c, VERB_AUTH, "%s%s\r\n", before, buf_text(&b));
	if (b.n)
		explicit_bzero(b.p, b.n);
	buf_finish(&b);
}

/* RFC 4616: authorization identity (none), NUL, login, NUL, password. */
static void say_plain(struct client *c, const char *before)
{
	struct buf b;

	buf_init(&b, LIMIT_AUTH_LINE);
	buf_add_char(&b, '\0');
	buf_add_str(&b, str_of(c->username));
	buf_add_char(&b, '\0');
	buf_add_str(&b, str_of(c->password));
	say_secret(c, before, b.p, b.n);
	explicit_bzero(b.p, b.n);
	buf_finish(&b);
}

/* A wrong password is nothing that passes by itself: a person must look at it. */
static void login_refused(struct client *c, const struct reply *reply)
{
	struct client_loss loss = { .reply = *reply, .alarm = reply_is_permanent(reply) };

	client_lose(c, &loss, true);
}

static void no_login(struct client *c, const char *status, const char *text)
{
	struct client_loss loss = { .alarm = true };

	reply_set(&loss.reply, 451, status, "%s: %s", c->by, text);
	client_lose(c, &loss, true);
}

static bool may_say_password(const struct client *c)
{
	return io_tls(c->io) ||
	       (c->policy == TLS_POLICY_NONE && inet_is_loopback(&io_peer(c->io)->addr));
}

static void say_auth(struct client *c)
{
	/* RFC 4954 section 4: an initial response must fit a usual command */
	enum { COMMAND_LINE = 512 };
	size_t size = 4 * (strlen(c->username) + strlen(c->password) + 4) / 3 + 20;

	c->auth_step = 0;
	c->auth_login = !(c->offer.offers & OFFERS_AUTH_PLAIN);
	if (!may_say_password(c)) {
		no_login(c, "4.7.10", "no TLS, so the password is not sent");
	} else if (!(c->offer.offers & (OFFERS_AUTH_PLAIN | OFFERS_AUTH_LOGIN))) {
		no_login(c, "4.7.4", c->offer.offers & OFFERS_AUTH ?
			"offers neither AUTH PLAIN nor AUTH LOGIN" : "offers no AUTH");
	} else if (!c->auth_login && size <= COMMAND_LINE) {
		c->auth_step = 1;
		say_plain(c, "AUTH PLAIN ");
	} else {
		client_say(c, VERB_AUTH, "AUTH %s\r\n", c->auth_login ? "LOGIN" : "PLAIN");
	}
}

void hear_auth(struct client *c, const struct command *cmd)
{
	(void)cmd;
	int step = c->auth_step++;

	if (reply_is_ok(&c->reply))
		ready(c);
	else if (c->reply.code != 334)
		login_refused(c, &c->reply);
	else if (!c->auth_login && step == 0)
		say_plain(c, "");
	else if (c->auth_login && step == 0)
		say_secret(c, "", c->username, strlen(c->username));
	else if (c->auth_login && step == 1)
		say_secret(c, "", c->password, strlen(c->password));
	else
		no_login(c, "4.7.0", "asks for more than login and password");
}

/* ---- EHLO and STARTTLS ---- */

static void log_in(struct client *c)
{
	if (c->username)
		say_auth(c);
	else
		ready(c);
}

static bool tls_is_a_must(const struct client *c)
{
	return c->policy == TLS_POLICY_REQUIRED || c->policy == TLS_POLICY_VERIFY;
}

/* The offer is known. */
static void introduced(struct client *c)
{
	if (io_tls(c->io) || c->policy == TLS_POLICY_NONE)
		log_in(c);
	else if (c->offer.offers & OFFERS_STARTTLS)
		client_say(c, VERB_STARTTLS, "STARTTLS\r\n");
	else if (tls_is_a_must(c))
		client_give_up(c, "4.7.4", "TLS is required, but it does not offer STARTTLS");
	else
		log_in(c);
}

void hello_offer_line(struct client *c, struct str line)
{
	wire_read_offer(&c->offer, line);
}

void hear_ehlo(struct client *c, const struct command *cmd)
{
	(void)cmd;
	if (reply_is_ok(&c->reply))
		introduced(c);
	else if (reply_is_permanent(&c->reply))
		client_say(c, VERB_HELO, "HELO %s\r\n", c->options->hostname);
	else if (reply_is_temporary(&c->reply))
		client_lose_reply(c, &c->reply);
	else
		no_sense(c);
}

void hear_helo(struct client *c, const struct command *cmd)
{
	(void)cmd;
	memset(&c->offer, 0, sizeof(c->offer));
	if (reply_is_ok(&c->reply))
		introduced(c);
	else if (reply_is_permanent(&c->reply) || reply_is_temporary(&c->reply))
		client_lose_reply(c, &c->reply);
	else
		no_sense(c);
}

void hear_starttls(struct client *c, const struct command *cmd)
{
	(void)cmd;
	if (reply_is_ok(&c->reply)) {
		/* RFC 3207 section 6: what came in clear must not be taken for what was said in
		 * TLS */
		if (io_pending(c->io) > 0)
			client_give_up(c, "4.7.0", "it spoke between STARTTLS and TLS");
		else
			secure(c);
	} else if (!reply_is_temporary(&c->reply) && !reply_is_permanent(&c->reply)) {
		no_sense(c);
	} else if (tls_is_a_must(c)) {
		client_lose_reply(c, &c->reply);
	} else {
		log_in(c);
	}
}
