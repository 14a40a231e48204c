/*
 * cmd_data.c - DATA and BDAT: the content
 *
 * From     the client, in pieces of any size.
 * To       dot.c, which finds its end and its faults; then intake.c.
 * Never    answers a BDAT before all its octets were read, whatever is wrong: they must not become
 *          commands.
 * See      RFC 5321 section 4.1.1.4; RFC 3030.
 */
#include "session.h"

#include "intake.h"

#include "base/clock.h"

#include <inttypes.h>

/* The envelope is complete: what came in unauthenticated leaves with a sender of ours (promise
 * 8). */
static void begin_content(struct session *s, bool dots)
{
	const struct receive_options *o = s->server->options;
	struct transaction *t = s->tx;
	struct envelope *env = &t->m->env;

	env->sender = env->original_sender;
	if (s->account == NULL && env->rcpt_count > 0)
		env->sender = srs_forward(
			s->server->parts.srs, &env->original_sender, clock_wall(), t->m->arena);
	dot_init(
		&t->dot, dots, o->normalize && session_is_submission(s), (uint64_t)o->message_size);
	s->content_since = clock_mono();
}

static void spilled(void *waiter, bool ok, const struct why *why)
{
	struct session *s = waiter;

	s->job = NULL;
	if (!ok)
		transaction_disk_failed(s->tx, why);
	session_resume(s, TURN_READ);
}

static enum turn spill(struct session *s)
{
	s->job = transaction_spill(s->tx, s->server->parts.spool, spilled, s);
	return TURN_WAIT;
}

/* ---- DATA ---- */

enum turn cmd_data(struct session *s, struct str args)
{
	if (args.n > 0)
		return say(s, 501, "5.5.4", "Syntax: DATA");
	begin_content(s, true);
	s->input = INPUT_DATA;
	return say(s, 354, "", "End data with <CR><LF>.<CR><LF>");
}

enum turn cmd_data_input(struct session *s)
{
	struct transaction *t = s->tx;
	struct str in;

	if (transaction_must_spill(t))
		return spill(s);
	in = str_head(io_peek(s->io), transaction_room(t));
	io_skip(s->io, dot_feed(&t->dot, in, transaction_out(t)));
	if (!t->dot.ended)
		return TURN_READ;
	s->input = INPUT_COMMAND;
	transaction_end_content(t);
	return intake_begin(s);
}

/* ---- BDAT ---- */

static enum turn chunk_done(struct session *s)
{
	s->input = INPUT_COMMAND;
	if (s->chunk_refused) {
		s->chunk_refused = false;
		if (s->state != ST_CHUNKS)
			s->content_since = 0;
		return TURN_SAY;                /* the reply was put down when the command came */
	}
	if (s->chunk_last) {
		transaction_end_content(s->tx);
		return intake_begin(s);
	}
	if (intake_finds_fault(s))
		return TURN_SAY;
	return say(s, 250, "2.0.0", "%" PRIu64 " octets received", s->chunk_size);
}

static bool is_count(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

/* Without a count nobody knows where the next command begins: the session ends. */
static enum turn read_count(struct session *s, struct str args, bool *right)
{
	struct str rest = args;
	struct str count = str_word(&rest), last = str_word(&rest);

	*right = false;
	if (!is_count(count) || str_trim(rest).n > 0 || (last.n > 0 && !str_ieq(last, STR("LAST"))))
		return say_bye(s, 501, "5.5.4",
			"Syntax: BDAT octets [LAST]; closing, as the chunk's end is not known");
	if (!str_number(count, &s->chunk_size))
		return say_bye(s, 552, "5.3.4", "No message can be that large; closing");
	s->chunk_last = last.n > 0;
	*right = true;
	return TURN_READ;
}

enum turn cmd_bdat(struct session *s, struct str args)
{
	bool right;
	enum turn turn = read_count(s, args, &right);

	if (!right)
		return turn;
	s->chunk_left = s->chunk_size;
	s->input = INPUT_CHUNK;
	s->chunk_refused = session_forbids(s, NEED_TLS | NEED_USER, ST_RCPT | ST_CHUNKS);
	if (s->chunk_refused && s->content_since == 0)
		s->content_since = clock_mono();
	if (!s->chunk_refused && s->state == ST_RCPT) {
		begin_content(s, false);
		s->state = ST_CHUNKS;
	}
	return s->chunk_left > 0 ? TURN_READ : chunk_done(s);
}

enum turn cmd_bdat_input(struct session *s)
{
	struct transaction *t = s->tx;
	struct str in = io_peek(s->io);

	if (s->chunk_left < in.n)
		in = str_head(in, (size_t)s->chunk_left);
	if (!s->chunk_refused) {
		if (transaction_must_spill(t))
			return spill(s);
		in = str_head(in, transaction_room(t));
		dot_feed(&t->dot, in, transaction_out(t));
	}
	s->chunk_left -= in.n;
	io_skip(s->io, in.n);
	return s->chunk_left > 0 ? TURN_READ : chunk_done(s);
}
