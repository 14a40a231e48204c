/*
 * sign.c - write the fields that go on top of a message, signed
 *
 * From     receive/, when the envelope is complete and the content is in; bounce/ for what is made here.
 * To       the message's top, then the spool.
 * Owns     a job's copies: key references, the fields, a reference to the message.
 * Never    signs on the loop, and never changes a byte of the content.
 * Fails    if the content's file can't be read; the caller answers 451.
 */
#include "sign/sign.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/workers.h"
#include "sign_dkim.h"
#include "sign_trace.h"
#include "signer.h"

#include <stdlib.h>

struct sealing {
	/* owned */
	struct job job;                    /* what the caller holds when there is nothing to compute */
	struct job *later;
	struct message *message;
	struct buf results, trace, extra;  /* fields of ours: not covered, not covered, covered */
	struct buf signatures;
	struct sign_key_loaded keys[LIMIT_SIGN_KEYS];
	size_t key_count;
	/* borrowed */
	sign_done *done;
	void *waiter;
	/* state */
	bool submitted;
	int64_t now;
	bool ok;
	struct why why;
};

static void sealing_free(struct sealing *s)
{
	for (size_t i = 0; i < s->key_count; i++)
		sign_key_finish(&s->keys[i]);
	buf_finish(&s->results);
	buf_finish(&s->trace);
	buf_finish(&s->extra);
	buf_finish(&s->signatures);
	message_release(&s->message);
	free(s);
}

static void seal_run(void *arg)
{
	struct sealing *s = arg;
	struct sign_dkim_job job = {
		.keys = s->keys, .key_count = s->key_count, .submitted = s->submitted, .now = s->now,
		.extra = buf_str(&s->extra), .content = &s->message->content,
	};

	s->ok = sign_dkim(&s->signatures, &job, &s->why);
}

/* Signatures go above all, so that they stand out of the way of what they do not cover. */
static void fill_top(struct sealing *s)
{
	struct buf *top = &s->message->top;

	buf_clear(top);
	buf_add_str(top, buf_str(&s->signatures));
	buf_add_str(top, buf_str(&s->results));
	buf_add_str(top, buf_str(&s->trace));
	buf_add_str(top, buf_str(&s->extra));
	must(!top->over);
}

static void seal_done(void *unused, void *arg)
{
	struct sealing *s = arg;
	struct why why = s->why;
	sign_done *done = s->done;
	void *waiter = s->waiter;
	bool ok = s->ok;
	char id[MESSAGE_ID_TEXT];

	(void)unused;
	if (ok)
		fill_top(s);
	if (ok && why.text[0] != '\0')
		log_error("sign", L_Z("id", message_id_text(s->message->id, id)), L_Z("why", why.text));
	sealing_free(s);
	done(waiter, ok, ok ? NULL : &why);
}

static void seal_drop(void *arg)
{
	sealing_free(arg);
}

static const struct work seal_work = { seal_run, seal_done, seal_drop };

static void unsigned_done(void *arg)
{
	struct sealing *s = arg;

	s->later = NULL;
	s->ok = true;
	seal_done(NULL, s);
}

static void unsigned_cancel(struct job *job)
{
	struct sealing *s = (struct sealing *)job;         /* its first member */

	job_cancel(&s->later);
	sealing_free(s);
}

struct job *sign_message(struct signer *signer, struct loop *l, struct message *m, const struct sign_request *request,
	sign_done *done, void *waiter)
{
	struct sealing *s = mem_alloc(sizeof *s);

	if (m->id == 0)
		m->id = message_new_id();
	s->job.cancel = unsigned_cancel;
	s->message = message_keep(m);
	s->done = done;
	s->waiter = waiter;
	s->now = clock_wall();
	s->submitted = request->from_domain.n > 0;
	buf_init(&s->trace, SIGN_TRACE_MAX);
	buf_init(&s->extra, LIMIT_TOP_FIELDS - SIGN_TRACE_MAX - LIMIT_RESULTS);
	buf_init(&s->results, LIMIT_RESULTS);
	sign_trace_extra(&s->results, request->unsigned_content ? STR_NONE : content_header(&m->content),
		request->results);
	sign_trace_fields(&s->trace, m, request, s->now);
	sign_trace_extra(&s->extra, content_header(&m->content), request->extra);
	buf_init(&s->signatures, LIMIT_TOP_FIELDS - s->results.n - s->trace.n - s->extra.n);
	s->key_count = signer_keys(signer, request->from_domain, s->keys);
	if (s->key_count > 0)
		return work_start(l, &seal_work, s, NULL);
	s->later = loop_later(l, unsigned_done, s);
	return &s->job;
}
