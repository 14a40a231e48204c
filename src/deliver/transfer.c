/*
 * transfer.c - one transaction: MAIL, RCPT each, and the content by BDAT or DATA
 *
 * From     the client's owner, step by step; client.c, when a reply came or the output has room.
 * To       the owner's mail, rcpt and over.
 * Owns     a reference to the message while its content is wanted, and the piece that a worker
 *          reads.
 * Never    holds more of the content than two pieces; never sends content that nobody accepted.
 * See      RFC 5321 sections 3.3, 4.1.1.4; RFC 3030; RFC 2920 section 3.1 on a DATA that comes too
 *          late to be stopped.
 */
#include "client_state.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/workers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* sender, ENVID and the rest: far longer than any may be */
enum { MAIL_LINE = 4096 };

/* ---- asking ---- */

static void begin(struct client *c)
{
	must(!c->open && c->phase == CLIENT_TALKING);
	c->open = true;
	c->answered = c->refused = c->content_wanted = c->sent_all = c->empty = false;
	c->accepted = 0;
	c->at = 0;
	c->used++;
}

bool client_mail(struct client *c, const struct wire_mail *mail)
{
	struct buf line;

	buf_init(&line, MAIL_LINE);
	if (!wire_mail(&line, mail, c->offer.offers)) {
		buf_finish(&line);
		return false;
	}
	begin(c);
	client_say_text(c, VERB_MAIL, 0, mem_copy(line.p, line.n));
	buf_finish(&line);
	client_turn(c);
	return true;
}

bool client_rcpt(struct client *c, size_t which, const struct recipient *rcpt)
{
	struct buf line;
	bool good;

	must(c->open && !c->content_wanted);
	buf_init(&line, MAIL_LINE);
	good = wire_rcpt(&line, rcpt, c->offer.offers);
	if (good) {
		client_say_text(c, VERB_RCPT, which, mem_copy(line.p, line.n));
		client_turn(c);
	}
	buf_finish(&line);
	return good;
}

static void settle_later(void *waiter)
{
	struct client *c = waiter;

	client_enter(c);
	c->later = NULL;
	client_turn(c);
	client_leave(c);
}

void client_content(struct client *c, struct message *m)
{
	must(c->open && !c->content_wanted);
	c->content_wanted = true;
	c->m = message_keep(m);
	if (c->offer.offers & OFFERS_CHUNKING)
		client_say_text(c, VERB_CONTENT, 0, NULL);
	else
		client_say(c, VERB_DATA, "DATA\r\n");
	/* all may have been refused already, and the owner is not called from inside its own
	 * call */
	if (client_is_quiet(c) && !transfer_may_send(c))
		c->later = loop_later(c->loop, settle_later, c);
	else
		client_turn(c);
}

/* ---- the end of a transaction ---- */

static void finish(struct client *c, const struct reply *reply)
{
	job_cancel(&c->later);
	job_cancel(&c->reading);
	client_drop_unsent(c);
	if (c->m)
		message_release(&c->m);
	c->open = c->sent_all = false;
	if (c->dirty && !c->unusable)
		client_say(c, VERB_RSET, "RSET\r\n");
	c->dirty = false;
	c->calls->over(c->owner, reply);
}

bool transfer_may_send(const struct client *c)
{
	return c->accepted > 0 && !c->refused;
}

/* All that is left to say is DATA or BDAT, and nobody wants it. */
static bool only_content_is_left(const struct client *c)
{
	return c->content_wanted && c->sent + 1 == c->queued && !transfer_may_send(c);
}

bool transfer_settle(struct client *c)
{
	if (!c->open || !client_is_quiet(c) || c->later || !(c->refused || only_content_is_left(c)))
		return false;
	finish(c, NULL);
	/* what finish or the owner put into the queue is said by whoever came here */
	if (!client_is_gone(c))
		client_turn(c);
	return true;
}

static void no_sense(struct client *c)
{
	client_give_up(c, "4.5.0", "unexpected reply %d", c->reply.code);
}

static bool is_refusal(const struct reply *r)
{
	return reply_is_temporary(r) || reply_is_permanent(r);
}

/* ---- hearing, up to DATA ---- */

void hear_mail(struct client *c, const struct command *cmd)
{
	(void)cmd;
	c->answered = true;
	if (reply_is_ok(&c->reply)) {
		c->dirty = true;
	} else if (is_refusal(&c->reply)) {
		c->refused = true;
		client_drop_unsent(c);
	} else {
		no_sense(c);
		return;
	}
	c->calls->mail(c->owner, &c->reply);
}

void hear_rcpt(struct client *c, const struct command *cmd)
{
	/* whatever it says to recipients without a sender is no answer about them */
	if (c->refused)
		return;
	if (reply_is_ok(&c->reply))
		c->accepted++;
	else if (!is_refusal(&c->reply)) {
		no_sense(c);
		return;
	}
	c->calls->rcpt(c->owner, cmd->which, &c->reply);
}

static void push(struct client *c);

void hear_data(struct client *c, const struct command *cmd)
{
	(void)cmd;
	if (reply_is_ok(&c->reply) || (!is_refusal(&c->reply) && c->reply.code != 354)) {
		no_sense(c);
	} else if (is_refusal(&c->reply)) {
		finish(c, transfer_may_send(c) ? &c->reply : NULL);
	} else if (!transfer_may_send(c)) {
		/* DATA was sent ahead of the refusals; an empty message is the way out */
		c->empty = true;
		io_write(c->io, ".\r\n", 3);
		client_expect(c, VERB_CONTENT);
		io_deadline(c->io, c->options->command_timeout);
	} else {
		wire_dots_init(&c->dots);
		client_expect(c, VERB_CONTENT);
		c->sending = true;
		push(c);
	}
}

void hear_rset(struct client *c, const struct command *cmd)
{
	(void)cmd;
	if (!reply_is_ok(&c->reply))
		c->unusable = true;
}

/* ---- the content ---- */

struct piece {                             /* what a worker reads */
	struct message *m;
	uint64_t at;
	size_t n;
	bool good;
	struct why why;
	char bytes[];
};

static void piece_run(void *arg)
{
	struct piece *p = arg;

	p->good = content_read(&p->m->content, p->at, p->bytes, p->n, &p->why);
}

static void piece_drop(void *arg)
{
	struct piece *p = arg;

	message_release(&p->m);
	free(p);
}

static void piece_read(void *waiter, void *arg);

static const struct work reading = { piece_run, piece_read, piece_drop };

static void write_out(void *arg, const void *p, size_t n)
{
	struct client *c = arg;

	io_write(c->io, p, n);
}

static void put(struct client *c, struct str bytes)
{
	c->at += bytes.n;
	if (c->offer.offers & OFFERS_CHUNKING)
		write_out(c, bytes.p, bytes.n);
	else
		wire_dots_add(&c->dots, bytes, write_out, c);
}

static void put_end(struct client *c)
{
	if (!(c->offer.offers & OFFERS_CHUNKING))
		wire_dots_end(&c->dots, write_out, c);
	c->sending = false;
	c->sent_all = true;
	message_release(&c->m);
	io_deadline(c->io, c->options->final_timeout);
}

static void piece_read(void *waiter, void *arg)
{
	struct client *c = waiter;
	struct piece *p = arg;

	client_enter(c);
	c->reading = NULL;
	if (p->good) {
		put(c, str_make(p->bytes, p->n));
		push(c);
	} else {
		/* half a message must not look like a whole one: no dot, no QUIT */
		struct client_loss loss = { .local = true };

		reply_set(&loss.reply, 451, "4.3.0", "the message can't be read: %s", p->why.text);
		client_lose(c, &loss, false);
	}
	piece_drop(p);
	client_leave(c);
}

static void start_reading(struct client *c, uint64_t at)
{
	uint64_t left = c->m->content.size - at;
	size_t n = left < LIMIT_CONTENT_CHUNK ? (size_t)left : LIMIT_CONTENT_CHUNK;
	struct piece *p = mem_resize(NULL, sizeof(*p) + n);

	*p = (struct piece){ .m = message_keep(c->m), .at = at, .n = n };
	c->reading = work_start(c->loop, &reading, p, c);
}

/* The next piece that is in memory; empty: the rest is in the file, or there is no more. */
static struct str next_in_memory(const struct client *c)
{
	struct str top = buf_str(&c->m->top), memory = buf_str(&c->m->content.memory);

	if (c->at < top.n)
		return str_skip(top, (size_t)c->at);
	if (c->at - top.n >= memory.n)
		return STR_NONE;
	return str_head(str_skip(memory, (size_t)(c->at - top.n)), LIMIT_CONTENT_CHUNK);
}

/* Writes pieces until the output is full, a worker has to read, or all is said. */
static void push(struct client *c)
{
	while (c->sending && c->m && !c->reading) {
		struct str piece = next_in_memory(c);

		io_deadline(c->io, c->options->data_timeout);
		if (io_unsent(c->io) > LIMIT_CONTENT_CHUNK) {
			io_want_more(c->io, LIMIT_CONTENT_CHUNK);
			return;
		}
		if (piece.n)
			put(c, piece);
		else if (c->at < message_size(c->m))
			start_reading(c, c->at - c->m->top.n);
		else
			put_end(c);
	}
}

void transfer_go_on(struct client *c)
{
	push(c);
}

void transfer_begin(struct client *c)
{
	c->sending = true;
	io_writef(c->io, "BDAT %" PRIu64 " LAST\r\n", message_size(c->m));
	push(c);
}

/* It answered although the content is not complete: a refusal is taken, but the connection is of no
 * more use. */
static void hear_early(struct client *c)
{
	if (!is_refusal(&c->reply)) {
		client_give_up(c, "4.5.0", "it answered the message before its end");
		return;
	}
	/* sending stays set: so that QUIT is not taken for content */
	c->unusable = true;
	finish(c, &c->reply);
}

void hear_content(struct client *c, const struct command *cmd)
{
	(void)cmd;
	if (c->sending) {
		hear_early(c);
		return;
	}
	if (!reply_is_ok(&c->reply) && !is_refusal(&c->reply)) {
		no_sense(c);
		return;
	}
	c->dirty = false;
	finish(c, c->empty ? NULL : &c->reply);
}
