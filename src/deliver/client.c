/*
 * client.c - one connection to a next hop: what is said, what is heard, and what answers what
 *
 * From     deliver.c, which decides whom to call and what to do about the answers.
 * To       hello.c for the opening, transfer.c for the transaction; both speak through here.
 * Owns     the socket, the commands that are queued or wait for their answer.
 * Never    sends a command while something unasked-for lies in the input: the answers would be
 *          matched to the wrong questions. Never waits without a deadline, which no byte that drips
 *          in can move.
 * Fails    with one call of lost; what was settled before stays settled.
 * See      RFC 5321 sections 4.2, 4.5.3; RFC 2920.
 */
#include "client_state.h"
#include "base/mem.h"
#include "base/must.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *doing;
	void (*hear)(struct client *c, const struct command *cmd);
} verbs[] = {
	[VERB_GREETING] = { "waiting for the greeting", hear_greeting },
	[VERB_EHLO] = { "waiting for the reply to EHLO", hear_ehlo },
	[VERB_HELO] = { "waiting for the reply to HELO", hear_helo },
	[VERB_STARTTLS] = { "waiting for the reply to STARTTLS", hear_starttls },
	[VERB_AUTH] = { "logging in", hear_auth },
	[VERB_MAIL] = { "waiting for the reply to MAIL", hear_mail },
	[VERB_RCPT] = { "waiting for the reply to RCPT", hear_rcpt },
	[VERB_DATA] = { "waiting for the reply to DATA", hear_data },
	[VERB_CONTENT] = { "waiting for the reply to the message", hear_content },
	[VERB_RSET] = { "waiting for the reply to RSET", hear_rset },
};

/* ---- the life of the struct: it may be closed from inside its own callbacks ---- */

void client_enter(struct client *c)
{
	c->depth++;
}

static void client_free(struct client *c)
{
	for (size_t i = 0; i < c->queued; i++)
		free(c->queue[i].text);
	free(c->queue);
	free(c->host);
	free(c);
}

void client_leave(struct client *c)
{
	if (--c->depth == 0 && c->closed)
		client_free(c);
}

bool client_is_gone(const struct client *c)
{
	return c->closed || c->phase == CLIENT_ENDED;
}

/* Whoever hears QUIT must not take it for content: not while content or a DATA is on its way, nor
 * in a handshake. */
static void hang_up(struct client *c, bool say_quit)
{
	job_cancel(&c->reading);
	job_cancel(&c->later);
	if (c->m)
		message_release(&c->m);
	if (!c->io)
		return;
	say_quit = say_quit && c->phase == CLIENT_TALKING && !c->sending && client_is_quiet(c);
	if (say_quit)
		io_write(c->io, "QUIT\r\n", 6);
	io_destroy(&c->io, say_quit);
}

void client_close(struct client **p)
{
	struct client *c = *p;

	if (!c)
		return;
	*p = NULL;
	hang_up(c, true);
	c->closed = true;
	if (c->depth == 0)
		client_free(c);
}

/* ---- failing ---- */

void client_soften(struct reply *r)
{
	if (!reply_is_permanent(r))
		return;
	r->code -= 100;
	if (r->status[0] == '5')
		r->status[0] = '4';
}

void client_lose(struct client *c, const struct client_loss *loss, bool say_quit)
{
	struct client_loss l = *loss;

	if (client_is_gone(c))
		return;
	client_soften(&l.reply);
	l.stale = l.stale || (c->used > 1 && c->open && !c->answered && !c->sent_all);
	hang_up(c, say_quit);
	c->phase = CLIENT_ENDED;
	c->calls->lost(c->owner, &l);
}

void client_give_up(struct client *c, const char *status, const char *fmt, ...)
{
	struct client_loss loss = { .unknown = c->sent_all };
	char text[LIMIT_REPLY_TEXT / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	reply_set(&loss.reply, 451, status, "%s: %s", c->by, text);
	client_lose(c, &loss, false);
}

void client_lose_reply(struct client *c, const struct reply *r)
{
	struct client_loss loss = { .reply = *r };

	client_lose(c, &loss, true);
}

static const char *doing(const struct client *c)
{
	if (c->phase == CLIENT_CONNECTING)
		return "connecting";
	if (c->phase == CLIENT_SECURING)
		return "starting TLS";
	if (c->sending)
		return "sending the message";
	return c->heard < c->sent ? verbs[c->queue[c->heard].verb].doing : "nothing was asked";
}

static bool is_no_route(int error)
{
	return error == ENETUNREACH || error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
}

/* A server that offers STARTTLS and hangs up on it can't do TLS; where that is optional, it gets its mail in
 * clear. One that only falls silent may be in trouble of another kind. */
static bool breaks_at_starttls(const struct client *c, enum io_end end)
{
	return end != IO_TIMEOUT && c->policy == TLS_POLICY_OPPORTUNISTIC && c->heard < c->sent
		&& c->queue[c->heard].verb == VERB_STARTTLS;
}

static void ended(void *owner, enum io_end end, const struct why *why)
{
	struct client *c = owner;
	struct client_loss loss = { .unknown = c->sent_all };

	client_enter(c);
	if (c->phase == CLIENT_CONNECTING) {
		loss.unreachable = true;
		loss.no_route = is_no_route(why->error);
		reply_set(&loss.reply, 451, "4.4.1", "%s: %s", c->relay, why->text);
	} else if (c->phase == CLIENT_SECURING) {
		loss.try_clear = c->policy == TLS_POLICY_OPPORTUNISTIC && !c->implicit_tls;
		reply_set(&loss.reply, 451, "4.7.5", "%s: %s", c->by, why->text);
	} else {
		loss.try_clear = breaks_at_starttls(c, end);
		reply_set(&loss.reply, 451, "4.4.2", "%s: %s while %s", c->by,
			end == IO_TIMEOUT ? "timed out" : why->text, doing(c));
	}
	client_lose(c, &loss, false);
	client_leave(c);
}

/* ---- saying ---- */

bool client_is_quiet(const struct client *c)
{
	return c->heard == c->sent;
}

static struct command *append(struct client *c)
{
	if (c->heard == c->queued)
		c->heard = c->sent = c->queued = 0;
	if (c->queued == c->room) {
		c->room = c->room ? 2 * c->room : 8;
		c->queue = mem_resize(c->queue, c->room * sizeof(*c->queue));
	}
	c->queue[c->queued] = (struct command){ VERB_RSET, 0, NULL };
	return &c->queue[c->queued++];
}

void client_say_text(struct client *c, enum verb verb, size_t which, char *text)
{
	*append(c) = (struct command){ verb, which, text };
}

void client_say(struct client *c, enum verb verb, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, LIMIT_AUTH_LINE);
	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	client_say_text(c, verb, 0, mem_copy(b.p, b.n));
	if (b.n)
		explicit_bzero(b.p, b.n);
	buf_finish(&b);
}

void client_expect(struct client *c, enum verb verb)
{
	must(c->sent == c->queued);
	append(c)->verb = verb;
	c->sent = c->queued;
}

void client_drop_unsent(struct client *c)
{
	while (c->queued > c->sent)
		free(c->queue[--c->queued].text);
}

static bool is_content(enum verb verb)
{
	return verb == VERB_DATA || verb == VERB_CONTENT;
}

/* May the next command go out before what is outstanding was answered? (RFC 2920 section 3.1) Only
 * RSET, MAIL, RCPT and a DATA that closes the group are ever queued behind one another: all else is
 * said when an answer asks for it. */
static bool may_pipeline(const struct client *c, const struct command *next)
{
	return (c->offer.offers & OFFERS_PIPELINING) && c->sent - c->heard < LIMIT_PIPELINED &&
		next->verb != VERB_CONTENT;
}

static bool may_say(const struct client *c, const struct command *next)
{
	if (!client_is_quiet(c))
		return may_pipeline(c, next);
	/* what lies there is no answer to what was not asked yet: it is read first */
	if (io_pending(c->io) > 0)
		return false;
	return !is_content(next->verb) || transfer_may_send(c);
}

static void forget_text(struct command *cmd)
{
	if (cmd->verb == VERB_AUTH && cmd->text)
		explicit_bzero(cmd->text, strlen(cmd->text));
	free(cmd->text);
	cmd->text = NULL;
}

static void say_what_may_be_said(struct client *c)
{
	while (c->sent < c->queued && may_say(c, &c->queue[c->sent])) {
		struct command *next = &c->queue[c->sent++];

		io_deadline(c->io, c->options->command_timeout);
		if (next->text)
			io_write(c->io, next->text, strlen(next->text));
		forget_text(next);
		if (next->verb == VERB_CONTENT)
			transfer_begin(c);
	}
	/* held up by half a line that nobody asked for: its other half must not take for ever */
	if (c->sent < c->queued && client_is_quiet(c) && io_pending(c->io) > 0)
		io_deadline(c->io, c->options->command_timeout);
}

void client_turn(struct client *c)
{
	if (client_is_gone(c) || c->phase != CLIENT_TALKING)
		return;
	if (!transfer_settle(c) && !client_is_gone(c))
		say_what_may_be_said(c);
}

/* ---- hearing ---- */

/* One whole reply. False: there is none yet, or the connection was given up. */
static bool read_reply(struct client *c)
{
	struct str line;
	bool more;

	for (;;) {
		switch (io_read_line(c->io, LIMIT_REPLY_LINE, &line)) {
		case IO_LINE_NONE:
			return false;
		case IO_LINE_LONG:
			client_give_up(
				c, "4.5.0", "a line of its reply is too long, while %s", doing(c));
			return false;
		case IO_LINE:
			break;
		}
		if (c->lines++ == 0)
			memset(&c->reply, 0, sizeof(c->reply));
		if (!reply_read_line(&c->reply, line, &more) || c->lines > LIMIT_REPLY_LINES) {
			client_give_up(c, "4.5.0", "its reply is no SMTP, while %s", doing(c));
			return false;
		}
		if (!client_is_quiet(c) && c->queue[c->heard].verb == VERB_EHLO && c->lines > 1)
			hello_offer_line(c, str_skip(line, 4));
		if (!more) {
			c->lines = 0;
			return true;
		}
	}
}

static void hear(struct client *c)
{
	struct command cmd;

	snprintf(c->reply.by, sizeof(c->reply.by), "%s", c->by);
	/* 421 is the last word of a server, whatever it was asked */
	if (c->reply.code == 421 && !(c->sent_all && !client_is_quiet(c))) {
		client_lose_reply(c, &c->reply);
		return;
	}
	if (client_is_quiet(c)) {
		client_give_up(c, "4.5.0", "it spoke out of turn");
		return;
	}
	cmd = c->queue[c->heard++];
	if (!c->sending)
		io_deadline(c->io, client_is_quiet(c) ? 0 : c->options->command_timeout);
	if (c->reply.code == 421)
		c->unusable = true;
	verbs[cmd.verb].hear(c, &cmd);
	client_turn(c);
}

static void readable(void *owner)
{
	struct client *c = owner;

	client_enter(c);
	while (!client_is_gone(c) && c->phase == CLIENT_TALKING && read_reply(c))
		hear(c);
	client_leave(c);
}

static void connected(void *owner)
{
	client_enter(owner);
	hello_connected(owner);
	client_leave(owner);
}

static void secured(void *owner)
{
	client_enter(owner);
	hello_secured(owner);
	client_leave(owner);
}

static void writable(void *owner)
{
	client_enter(owner);
	transfer_go_on(owner);
	client_leave(owner);
}

static const struct io_owner calls_of_io = { readable, writable, secured, connected, ended };

/* ---- the door ---- */

static void name_it(struct client *c, const struct endpoint *to)
{
	char ip[INET_TEXT_MAX];
	/* the address always fits, a long name is cut */
	int room = (int)sizeof(c->by) - INET_TEXT_MAX - 3;

	inet_text(&to->addr, ip);
	snprintf(c->by, sizeof(c->by), "%.*s[%s]", room, c->host, ip);
	snprintf(c->relay, sizeof(c->relay), "%.*s[%s]:%u", LIMIT_DOMAIN, c->host, ip,
		(unsigned)to->port);
}

struct client *client_connect(
	const struct client_setup *s, const struct client_calls *calls, void *owner)
{
	struct client *c = mem_alloc(sizeof(*c));

	c->loop = s->loop;
	c->tls = s->tls;
	c->options = s->options;
	c->host = mem_string(s->host);
	c->policy = s->policy;
	c->implicit_tls = s->implicit_tls;
	c->username = s->username;
	c->password = s->password;
	c->calls = calls;
	c->owner = owner;
	name_it(c, &s->to);
	c->io = io_connect(s->loop, &s->to, s->from, LIMIT_PEER_INPUT, &calls_of_io, c);
	io_deadline(c->io, s->options->connect_timeout);
	return c;
}

void client_own(struct client *c, const struct client_calls *calls, void *owner)
{
	c->calls = calls;
	c->owner = owner;
}

const struct wire_offer *client_offer(const struct client *c)
{
	return &c->offer;
}

const char *client_relay(const struct client *c)
{
	return c->relay;
}

const char *client_tls(const struct client *c)
{
	const struct tls_facts *facts = c->io ? io_tls(c->io) : NULL;

	return !facts ? "none" : facts->verified ? "verified" : "encrypted";
}

const struct endpoint *client_local(const struct client *c)
{
	return c->io ? io_local(c->io) : NULL;
}

bool client_is_reusable(const struct client *c)
{
	return !client_is_gone(c) && c->phase == CLIENT_TALKING && !c->open && !c->unusable;
}

int64_t client_used(const struct client *c)
{
	return c->used;
}
