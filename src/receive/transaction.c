/*
 * transaction.c - the message being taken in: recipients, then content, first in memory, then on
 * disk
 *
 * From     cmd_mail.c, which begins it; cmd_rcpt.c and cmd_data.c, which fill it.
 * To       intake.c, when the content is complete.
 * Owns     the message and its file until intake gives them away.
 * Never    holds more than LIMIT_CONTENT_MEMORY and one chunk of the content.
 * Fails    by keeping the reply in `fault`; the content is then read and thrown away.
 */
#include "transaction.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "route/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_ROOM = 64 };         /* below that a piece is not worth a round: spill */

struct transaction *transaction_create(void)
{
	struct transaction *t = mem_alloc(sizeof *t);

	t->m = message_create();
	buf_init(&t->chunk, LIMIT_CONTENT_CHUNK);
	return t;
}

void transaction_destroy(struct transaction **t)
{
	struct transaction *gone = *t;

	*t = NULL;
	if (gone == NULL)
		return;
	job_cancel(&gone->spf);
	spool_abandon(&gone->file);
	buf_finish(&gone->chunk);
	message_release(&gone->m);
	free(gone);
}

static struct recipient *find_target(struct transaction *t, const struct address *to)
{
	for (size_t i = 0; i < t->m->env.rcpt_count; i++)
		if (address_same(&t->m->env.rcpts[i].to, to))
			return &t->m->env.rcpts[i];
	return NULL;
}

static struct recipient *new_recipient(struct transaction *t)
{
	struct envelope *env = &t->m->env;

	if (env->rcpt_count == t->rcpt_cap) {
		size_t cap = t->rcpt_cap ? 2 * t->rcpt_cap : 4;
		struct recipient *more = arena_alloc(t->m->arena, cap * sizeof *more);

		if (env->rcpt_count > 0)
			memcpy(more, env->rcpts, env->rcpt_count * sizeof *more);
		env->rcpts = more;
		t->rcpt_cap = cap;
	}
	return &env->rcpts[env->rcpt_count++];
}

/* A target that two recipients share gets one copy, and reports what either of them wanted. */
static void merge_notify(struct recipient *r, unsigned notify)
{
	unsigned both = (r->notify ? r->notify : NOTIFY_FAILURE)
		| (notify ? notify : NOTIFY_FAILURE);

	if (r->notify == notify)
		return;
	r->notify = both & ~(unsigned)NOTIFY_NEVER;
}

bool transaction_add(struct transaction *t, const struct address *original,
	const struct route_answer *answer, const struct transaction_dsn *dsn)
{
	if (answer->kind == ROUTE_DISCARD) {
		t->accepted++;
		t->discarded++;
		return true;
	}
	if (t->m->env.rcpt_count + answer->target_count > LIMIT_TRANSACTION_TARGETS)
		return false;
	for (size_t i = 0; i < answer->target_count; i++) {
		struct recipient *r = find_target(t, &answer->targets[i]);

		if (r) {
			merge_notify(r, dsn->notify);
			continue;
		}
		r = new_recipient(t);
		*r = (struct recipient){
			.to = answer->targets[i], .original = *original,
			.orcpt = dsn->orcpt, .notify = dsn->notify, .mark = RCPT_TODO,
		};
	}
	t->accepted++;
	t->postmasters += answer->is_postmaster;
	return true;
}

static bool is_thrown_away(const struct transaction *t)
{
	return t->fault || t->dot.faults || t->m->env.rcpt_count == 0;
}

size_t transaction_room(const struct transaction *t)
{
	const struct buf *out = t->spilled ? &t->chunk : &t->m->content.memory;
	size_t free_bytes = out->max - out->n;

	if (is_thrown_away(t))
		return LIMIT_CONTENT_CHUNK / 4;
	return free_bytes > DOT_GROWS_TO(0) ? (free_bytes - DOT_GROWS_TO(0)) / 2 : 0;
}

struct buf *transaction_out(struct transaction *t)
{
	/* what is thrown away goes through the chunk, so that memory stays what it was */
	if (is_thrown_away(t)) {
		buf_clear(&t->chunk);
		return &t->chunk;
	}
	return t->spilled ? &t->chunk : &t->m->content.memory;
}

bool transaction_must_spill(struct transaction *t)
{
	if (is_thrown_away(t) || transaction_room(t) >= LEAST_ROOM)
		return false;
	if (t->spilled)
		return true;
	t->spilled = true;              /* memory is full: from here on the chunk fills */
	if (t->dot.in_header)
		t->dot.faults |= DOT_LONG_HEADER;
	return false;
}

struct job *transaction_spill(
	struct transaction *t, struct spool *sp, spool_done *done, void *waiter)
{
	if (t->file == NULL)
		t->file = spool_begin(sp, t->m, spool_head_size(t->m) + LIMIT_TOP_FIELDS);
	t->m->content.size = t->dot.size;
	return spool_append(t->file, &t->chunk, done, waiter);
}

void transaction_disk_failed(struct transaction *t, const struct why *why)
{
	bool full = why->error == ENOSPC || why->error == EDQUOT;
	char id[MESSAGE_ID_TEXT];

	log_error("spool", L_Z("id", message_id_text(t->m->id, id)), L_Z("why", why->text));
	spool_abandon(&t->file);
	t->fault = arena_alloc(t->m->arena, sizeof *t->fault);
	if (full)
		reply_set(t->fault, 452, "4.3.1",
			"No space left to store the message; try again later");
	else
		reply_set(
			t->fault, 451, "4.3.0", "The message could not be stored; try again later");
}

void transaction_end_content(struct transaction *t)
{
	struct content *c = &t->m->content;

	dot_finish(&t->dot, transaction_out(t));
	c->size = t->dot.size;
	c->header = t->dot.header;
	must(is_thrown_away(t) || (!t->chunk.over && !c->memory.over));
}
