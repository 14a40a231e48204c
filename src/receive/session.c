/*
 * session.c - the driver: reads what the client sends, asks the table, calls the handler, acts on
 * its turn
 *
 * From     accept.c, with a fresh connection; jobs that answer call session_resume.
 * To       the handlers in cmd_*.c and the intake after the final dot.
 * Owns     the io, the transaction and whatever the session waits for.
 * Never    frees a session under a handler: it ends in one place, session_gone, called by the loop.
 * Fails    with a 421 to the client and the end of the session.
 * See      RFC 5321 section 4; RFC 2920 for what may be sent ahead.
 */
#include "session.h"

#include "auth.h"
#include "client_name.h"
#include "guard.h"
#include "networks.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY_STATE (ST_NEW | ST_READY | ST_MAIL | ST_RCPT | ST_CHUNKS)

static const struct command {
	const char *verb;
	unsigned allowed;
	unsigned needs;
	enum turn (*handler)(struct session *s, struct str args);
} commands[] = {
	/* verb      allowed in          needs                  handler */
	{ "EHLO",     ANY_STATE,          0,                     cmd_ehlo },
	{ "HELO",     ANY_STATE,          0,                     cmd_helo },
	{ "STARTTLS", ST_NEW | ST_READY,  0,                     cmd_starttls },
	{ "AUTH",     ST_READY,           NEED_TLS,              cmd_auth },
	{ "MAIL",     ST_READY,           NEED_TLS | NEED_USER,  cmd_mail },
	{ "RCPT",     ST_MAIL | ST_RCPT,  NEED_TLS | NEED_USER,  cmd_rcpt },
	{ "DATA",     ST_RCPT,            NEED_TLS | NEED_USER,  cmd_data },
	/* asks itself: its octets follow anyway */
	{ "BDAT",     ANY_STATE,          0,                     cmd_bdat },
	{ "RSET",     ANY_STATE,          0,                     cmd_rset },
	{ "NOOP",     ANY_STATE,          0,                     cmd_noop },
	{ "VRFY",     ANY_STATE,          0,                     cmd_vrfy },
	{ "EXPN",     ANY_STATE,          0,                     cmd_expn },
	{ "HELP",     ANY_STATE,          0,                     cmd_help },
	{ "QUIT",     ANY_STATE,          0,                     cmd_quit },
};

/* ---- replies ---- */

static void __attribute__((format(printf, 4, 0)))
set_reply(struct session *s, int code, const char *status, const char *fmt, va_list ap)
{
	char text[LIMIT_REPLY_TEXT];

	vsnprintf(text, sizeof text, fmt, ap);
	reply_set(&s->reply, code, status, "%s", text);
}

enum turn say(struct session *s, int code, const char *status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_reply(s, code, status, fmt, ap);
	va_end(ap);
	return TURN_SAY;
}

enum turn say_bye(struct session *s, int code, const char *status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_reply(s, code, status, fmt, ap);
	va_end(ap);
	return TURN_BYE;
}

enum turn say_reply(struct session *s, const struct reply *reply)
{
	s->reply = *reply;
	return TURN_SAY;
}

/* RFC 5321 section 4.5.3.1.5: a reply's line has 512 octets with code, status and CRLF. */
static struct str take_reply_line(struct str *rest)
{
	struct str line = *rest;
	ptrdiff_t end = str_find(line, '\n');

	if (end >= 0)
		line = str_head(line, (size_t)end);
	if (line.n > LIMIT_REPLY_COLUMNS) {
		end = str_rfind(str_head(line, LIMIT_REPLY_COLUMNS), ' ');
		line = str_head(line, end > 0 ? (size_t)end : LIMIT_REPLY_COLUMNS);
	}
	*rest = str_skip(*rest, line.n);
	if (rest->n > 0 && (rest->p[0] == '\n' || rest->p[0] == ' '))
		*rest = str_skip(*rest, 1);
	return line;
}

static void write_reply(struct session *s)
{
	const struct reply *r = &s->reply;
	struct str rest = str_of(r->text);
	const char *gap = r->status[0] ? " " : "";

	if (s->io == NULL)
		return;
	do {
		struct str line = take_reply_line(&rest);

		io_writef(s->io, "%d%c%s%s%.*s\r\n", r->code, rest.n ? '-' : ' ', r->status, gap,
			STR_FMT(line));
	} while (rest.n > 0);
}

void session_log_refusal(struct session *s, const struct address *from, const struct address *to)
{
	struct buf sender, rcpt;
	char line[LIMIT_REPLY_TEXT];

	buf_init(&sender, LIMIT_LOG_LINE);
	buf_init(&rcpt, LIMIT_LOG_LINE);
	if (from && address_is_null(from))
		buf_add_str(&sender, STR("<>"));
	else if (from)
		address_print(&sender, from);
	if (to)
		address_print(&rcpt, to);
	log_info("refuse", L_Z("client", s->client_text), L_Z("helo", s->helo),
		L_STR("from", buf_str(&sender)), L_STR("to", buf_str(&rcpt)),
		L_Z("login", s->login_name),
		L_Z("reply", reply_line(&s->reply, line, sizeof line)));
	buf_finish(&sender);
	buf_finish(&rcpt);
}

/* ---- the end ---- */

static void log_end(const struct session *s)
{
	log_debug("session", L_Z("client", s->client_text), L_Z("helo", s->helo),
		L_NUM("messages", s->messages), L_NUM("errors", s->errors),
		L_SECS("lasted", clock_mono() - s->born), L_Z("last", s->doing));
}

/* Here, and only here, a session is freed. */
static void session_gone(struct session *s)
{
	struct receive *r = s->server;

	log_end(s);
	job_cancel(&s->job);
	job_cancel(&s->ending);
	screening_end(s);
	timer_destroy(&s->timer);
	cmd_auth_abort(s);
	client_name_destroy(&s->name);
	transaction_destroy(&s->tx);
	io_destroy(&s->io, s->flush);
	if (s->tarpitted)
		r->counts.tarpitted--;
	if (s->counted)
		networks_leave(r->networks, &s->client.addr);
	server_leave(r);
	server_remove(r, s);
	free(s);
}

static void end_now(void *waiter)
{
	struct session *s = waiter;

	s->ending = NULL;
	session_gone(s);
}

/* From now on nothing is read and no callback is heeded; the loop frees the session in a moment. */
static void session_end(struct session *s, bool flush)
{
	if (s->over)
		return;
	s->over = true;
	s->flush = flush;
	job_cancel(&s->job);
	screening_end(s);
	cmd_auth_abort(s);
	if (s->io)
		io_pause(s->io, true);
	timer_clear(s->timer);
	s->ending = loop_later(s->server->parts.loop, end_now, s);
}

void session_destroy(struct session *s)
{
	s->flush = false;
	session_gone(s);
}

/* ---- the driver ---- */

static void count_error(struct session *s)
{
	char line[LIMIT_REPLY_TEXT];

	if (s->reply.code < 500)
		return;
	log_debug("error", L_Z("client", s->client_text), L_Z("doing", s->doing),
		L_Z("reply", reply_line(&s->reply, line, sizeof line)));
	if (++s->errors < s->server->options->errors
			&& (!session_is_limited(s)
				|| networks_take(
					s->server->networks, RATE_ERRORS, &s->client.addr)))
		return;
	say_bye(s, 421, "4.7.0", "%s Too many errors, closing", s->server->options->hostname);
	write_reply(s);
	session_end(s, true);
}

static void session_act(struct session *s, enum turn turn)
{
	s->waiting = turn == TURN_WAIT;
	switch (turn) {
	case TURN_READ:
		break;
	case TURN_SAY:
		write_reply(s);
		count_error(s);
		break;
	case TURN_WAIT:
		timer_clear(s->timer);
		if (s->io)
			io_pause(s->io, true);
		break;
	case TURN_BYE:
		write_reply(s);
		session_end(s, true);
		break;
	}
	if (s->io == NULL && turn != TURN_WAIT)
		session_end(s, false);
}

/*
 * Deadlines are points in time that no octet moves: only a finished command, or a piece of a
 * message, counts. A timer of ours and not io_deadline, as the 421 has still to be said.
 */
static void arm(struct session *s)
{
	const struct receive_options *o = s->server->options;
	int64_t at = s->since + o->command_time;

	if (s->handshake && at > s->since + LIMIT_TLS_HANDSHAKE)
		at = s->since + LIMIT_TLS_HANDSHAKE;
	if (at > s->born + o->session_time)
		at = s->born + o->session_time;
	if (s->content_since && at > s->content_since + o->data_time)
		at = s->content_since + o->data_time;
	at -= clock_mono();
	timer_set(s->timer, at > 1 ? at : 1);
}

bool session_is_submission(const struct session *s)
{
	return s->service != SERVICE_SMTP;
}

bool session_is_tls(const struct session *s)
{
	return s->io && io_tls(s->io) != NULL;
}

bool session_is_limited(const struct session *s)
{
	return s->account == NULL && !s->standing.spared && !s->standing.hidden;
}

/* What has to come first, in the state that we are in. */
static void say_out_of_order(struct session *s, unsigned allowed)
{
	bool wants_content = (allowed & (ST_RCPT | ST_CHUNKS)) != 0;

	if (s->state == ST_NEW)
		say(s, 503, "5.5.1", "Send EHLO first");
	else if (s->state == ST_READY)
		say(s, 503, "5.5.1", "Send MAIL first");
	else if (s->state == ST_MAIL && wants_content && s->tx->tried > 0)
		say(s, 554, "5.5.1", "No valid recipients");
	else if (s->state == ST_MAIL && wants_content)
		say(s, 503, "5.5.1", "Send RCPT first");
	else if (s->state == ST_CHUNKS)
		say(s, 503, "5.5.1", "A message is being sent with BDAT: finish it, or send RSET");
	else
		say(s, 503, "5.5.1", "A transaction is open: finish it, or send RSET");
}

bool session_forbids(struct session *s, unsigned needs, unsigned allowed)
{
	bool submission = session_is_submission(s);

	if (submission && (needs & NEED_TLS) && !session_is_tls(s)) {
		say(s, 530, "5.7.0", "Must issue a STARTTLS command first");
		return true;
	}
	if (submission && (needs & NEED_USER) && s->account == NULL) {
		say(s, 530, "5.7.0", "Authentication required");
		return true;
	}
	if (allowed & s->state)
		return false;
	say_out_of_order(s, allowed);
	return true;
}

static const struct command *find_command(struct str verb)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (str_ieq(verb, str_of(commands[i].verb)))
			return &commands[i];
	return NULL;
}

/* Those that a browser, a proxy or a script for one sends, and a header without a message. */
static bool is_foreign(struct str verb)
{
	static const char *const words[] = {
		"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "PROXY"
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_ieq(verb, str_of(words[i])))
			return true;
	return str_find(verb, ':') > 0;
}

/* RFC 2920 section 3.1: who was not offered PIPELINING waits for each reply, and everybody does
 * after what changes how the next octets are read. */
static bool is_out_of_turn(const struct session *s, const struct command *c)
{
	bool waits = !s->esmtp || c->handler == cmd_ehlo || c->handler == cmd_helo
		|| c->handler == cmd_data || c->handler == cmd_auth || c->handler == cmd_starttls;

	return waits && c->handler != cmd_quit && c->handler != cmd_bdat && io_pending(s->io) > 0;
}

/* RFC 5321 section 4.5.3.1.4, and what SIZE, DSN, SMTPUTF8 and AUTH add to it. */
static size_t longest_line(const struct command *c)
{
	if (c && c->handler == cmd_auth)
		return LIMIT_AUTH_LINE;
	if (c && (c->handler == cmd_mail || c->handler == cmd_rcpt))
		return LIMIT_COMMAND_LINE;
	return LIMIT_COMMAND;
}

static enum turn run_command(struct session *s, struct str line)
{
	struct str args = line;
	struct str verb = str_word(&args);
	const struct command *c = find_command(verb);

	if (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t'))
		c = NULL;                       /* no command begins with a blank */
	if (line.n + 2 > longest_line(c))
		return say(s, 500, "5.5.2", "Line too long");
	if (c == NULL && is_foreign(verb) && screening_drops(s, SCREEN_NON_SMTP))
		return TURN_BYE;
	if (c == NULL)
		return say(s, 500, "5.5.1", "Command not known; HELP lists those that are");
	if (is_out_of_turn(s, c) && screening_drops(s, SCREEN_PIPELINING))
		return TURN_BYE;
	if (session_forbids(s, c->needs, c->allowed))
		return TURN_SAY;
	s->doing = c->verb;
	return c->handler(s, str_trim(args));
}

static bool has_stray_end(struct str line)
{
	return str_find(line, '\n') >= 0 || str_find(line, '\r') >= 0 || str_find(line, '\0') >= 0;
}

static enum turn take_line(struct session *s, struct str line)
{
	bool in_auth = s->input == INPUT_AUTH;

	if (has_stray_end(line)) {
		cmd_auth_abort(s);
		if (str_find(line, '\n') >= 0 && screening_drops(s, SCREEN_BARE_NEWLINE))
			return TURN_BYE;
		return say(s, 500, "5.5.2",
			"Only CR LF ends a line, and no bare CR, LF or NUL may be in it");
	}
	return in_auth ? cmd_auth_line(s, line) : run_command(s, line);
}

static enum turn take_long_line(struct session *s)
{
	bool in_auth = s->input == INPUT_AUTH;

	cmd_auth_abort(s);
	return in_auth ? say(s, 500, "5.5.6", "Authentication exchange line is too long")
		: say(s, 500, "5.5.2", "Line too long");
}

/* False: nothing is there to take. */
static bool session_take(struct session *s, enum turn *turn)
{
	struct str line;

	if (s->input == INPUT_DATA || s->input == INPUT_CHUNK) {
		if (io_pending(s->io) == 0)
			return false;
		*turn = s->input == INPUT_DATA ? cmd_data_input(s) : cmd_bdat_input(s);
		return true;
	}
	switch (io_read_line(s->io, LIMIT_AUTH_LINE, &line)) {
	case IO_LINE_NONE:
		return false;
	case IO_LINE_LONG:
		*turn = take_long_line(s);
		return true;
	case IO_LINE:
		break;
	}
	*turn = take_line(s, line);
	return true;
}

static bool is_idle(const struct session *s)
{
	return s->tx == NULL && s->input == INPUT_COMMAND && !s->waiting && !s->handshake;
}

static void session_run(struct session *s)
{
	int left = LIMIT_SESSION_STEPS;
	enum turn turn;

	while (!s->waiting && !s->over && !s->handshake && !s->screening.waits) {
		if (io_unsent(s->io) > LIMIT_SESSION_UNSENT) {
			io_pause(s->io, true);
			io_want_more(s->io, 0);
			break;
		}
		if (s->server->stopping && is_idle(s)) {
			session_cut(s);
			return;
		}
		if (left-- == 0) {
			io_again(s->io);
			break;
		}
		if (!session_take(s, &turn))
			break;
		s->since = clock_mono();
		session_act(s, turn);
	}
	if (!s->waiting && !s->over)
		arm(s);
}

void session_resume(struct session *s, enum turn turn)
{
	must(s->waiting && !s->over);
	s->since = clock_mono();
	if (s->io && turn != TURN_WAIT)
		io_pause(s->io, false);
	session_act(s, turn);
	session_run(s);
}

void session_reset(struct session *s)
{
	transaction_destroy(&s->tx);
	s->content_since = 0;
	s->step = 0;
	s->input = INPUT_COMMAND;
	if (s->state != ST_NEW)
		s->state = ST_READY;
}

void session_cut(struct session *s)
{
	if (s->over)
		return;
	say_bye(s, 421, "4.3.2", "%s Shutting down, try again later", s->server->options->hostname);
	if (!s->handshake && s->input != INPUT_CHUNK)
		write_reply(s);
	session_end(s, true);
}

void session_stop(struct session *s)
{
	/* a harvester in the tarpit waits for nothing that is worth waiting for */
	if (!s->over && (is_idle(s) || s->tarpitted))
		session_cut(s);
}

/* ---- what the connection tells ---- */

static void readable(void *owner)
{
	struct session *s = owner;

	if (s->screening.waits)
		screening_heard(s);
	else if (!s->over && !s->waiting && !s->handshake)
		session_run(s);
}

/* Our replies were read at last. */
static void writable(void *owner)
{
	struct session *s = owner;

	if (s->over || s->waiting)
		return;
	io_pause(s->io, false);
	session_run(s);
}

void session_greet(struct session *s)
{
	s->doing = "greeting";
	s->since = clock_mono();
	io_pause(s->io, false);                 /* it may have spoken, and was not read */
	say(s, 220, "", "%s ESMTP waypost", s->server->options->hostname);
	session_tell(s, TURN_SAY);
}

void session_tell(struct session *s, enum turn turn)
{
	session_act(s, turn);
	session_run(s);
}

/* RFC 3207 section 4.2: what was known before the handshake is forgotten. */
static void secured(void *owner)
{
	struct session *s = owner;

	if (s->over)
		return;
	s->handshake = false;
	s->waiting = false;
	s->since = clock_mono();
	if (s->service == SERVICE_SUBMISSIONS) {
		session_greet(s);
		return;
	}
	s->helo[0] = '\0';
	s->esmtp = false;
	s->state = ST_NEW;
	session_run(s);
}

enum turn session_secure(struct session *s)
{
	session_reset(s);
	s->handshake = true;
	s->doing = "TLS handshake";
	io_secure_server(s->io, s->server->parts.tls, 
		STR("220 2.0.0 Ready to start TLS\r\n"));
	return TURN_READ;
}

static void timed_out(void *arg)
{
	struct session *s = arg;

	if (s->screening.waits) {
		screening_time(s);
		return;
	}
	if (s->over || s->waiting)
		return;
	say(s, 421, "4.4.2", "%s Time-out, closing", s->server->options->hostname);
	if (!s->handshake)
		write_reply(s);
	log_info("timeout", L_Z("client", s->client_text), L_Z("helo", s->helo),
		L_Z("doing", s->doing), L_SECS("lasted", clock_mono() - s->born));
	session_end(s, true);
}

static void ended(void *owner, enum io_end end, const struct why *why)
{
	struct session *s = owner;

	if (s->over)
		return;
	if (s->screening.waits) {
		s->server->counts.hung_up++;
		log_debug("screen", L_Z("client", s->client_text), L_Z("test", "hangup"));
	}
	if (end != IO_CLOSED)
		log_debug("connection", L_Z("client", s->client_text), L_Z("doing", s->doing),
			L_Z("why", why ? why->text : ""));
	if (s->committing) {            /* a message that is all but ours: hear how it ends */
		io_destroy(&s->io, false);
		return;
	}
	session_end(s, false);
}

static const struct io_owner calls = {
	.readable = readable, .writable = writable, .secured = secured, .ended = ended,
};

static bool is_within_limits(struct session *s)
{
	struct receive *r = s->server;
	const char *text;

	if (!session_is_limited(s))
		return true;
	s->counted = networks_enter(r->networks, &s->client.addr, &text);
	if (s->counted)
		return true;
	r->counts.limited++;
	say_bye(s, 421, "4.7.0", "%s %s", r->options->hostname, text);
	session_log_refusal(s, NULL, NULL);
	return false;
}

/* From the first connection on: nothing is to be learned from its address. */
static void note_hidden(struct session *s)
{
	struct receive *r = s->server;

	r->counts.hidden++;
	memcpy(r->counts.hidden_last, s->client_text, sizeof r->counts.hidden_last);
	if (guard_tells(r->guard, &s->client.addr))
		log_warn("hidden-client", L_Z("address", s->client_text),
			L_Z("why", "a gateway, a private address or a proxy: it stands between the "
				"clients and this server, which can neither screen them nor check "
				"SPF; run waypost in the host's network, let the proxy speak the "
				"PROXY protocol and name it in listen.proxy_protocol, or, if it is "
				"a mail server of yours, name it in postscreen.permit"));
}

static struct session *make(struct receive *r, int fd, enum service service)
{
	struct session *s = mem_alloc(sizeof *s);

	s->server = r;
	s->service = service;
	s->state = ST_NEW;
	s->born = s->since = clock_mono();
	server_add(r, s);
	s->timer = timer_new(r->parts.loop, timed_out, s);
	s->io = io_create(r->parts.loop, fd, LIMIT_SESSION_INPUT, &calls, s);
	return s;
}

void session_create(struct receive *r, int fd, enum service service, const struct endpoint *client,
	bool known)
{
	struct session *s = make(r, fd, service);

	s->client = *client;
	inet_text(&client->addr, s->client_text);
	s->standing = server_judge(r, &client->addr, known);
	if (s->standing.hidden)
		note_hidden(s);
	if (!is_within_limits(s)) {
		/* under implicit TLS there is nothing that could be said in time */
		if (service == SERVICE_SUBMISSIONS)
			session_end(s, false);
		else
			session_tell(s, TURN_BYE);
		return;
	}
	tls_server_refresh(r->parts.tls);
	if (service == SERVICE_SUBMISSION) {
		session_greet(s);
	} else if (service == SERVICE_SMTP) {
		if (!s->standing.hidden)
			s->name = client_name_ask(r->parts.dns, &client->addr);
		screening_begin(s);
	} else {
		s->handshake = true;
		s->doing = "TLS handshake";
		io_secure_server(s->io, r->parts.tls, STR_NONE);
		arm(s);
	}
}
