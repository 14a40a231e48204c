/*
 * check_dkim.c - the signatures of a message: found, their keys fetched, their verdict told
 *
 * From     check.c, after the final dot, and `waypost verify`.
 * To       net/dns for all keys at once, a worker for the arithmetic, then the caller.
 * Owns     a reference to the message, copies of the key records.
 * Never    computes on the loop, or lets one bad signature stop another.
 * Fails    by a result in each signature; a key that could not be fetched now is a temporary error.
 * See      RFC 6376 section 6.
 */
#include "check/check_dkim.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "check_dkim_verify.h"
#include "net/workers.h"

#include <stdio.h>
#include <stdlib.h>

struct checking;

struct signature {
	struct checking *owner;
	struct job *asking;                /* for the key */
};

struct checking {
	struct job job;
	/* owned */
	struct job *later, *work;          /* nothing to ask for; the arithmetic */
	struct message *message;
	struct arena *arena;               /* key records, until the end */
	struct check_dkim_one v[LIMIT_DKIM_SIGNATURES];
	struct signature keys[LIMIT_DKIM_SIGNATURES];
	/* borrowed */
	struct loop *loop;
	check_dkim_done *done;
	void *waiter;
	/* state */
	size_t n, ignored, asked;
};

static void checking_free(struct checking *c)
{
	job_cancel(&c->later);
	for (size_t i = 0; i < c->n; i++)
		job_cancel(&c->keys[i].asking);
	arena_destroy(&c->arena);
	message_release(&c->message);
	free(c);
}

static void checking_cancel(struct job *job)
{
	struct checking *c = (struct checking *)job;       /* its first member */

	if (c->work)
		job_cancel(&c->work);          /* a worker may be at it: work_drop frees */
	else
		checking_free(c);
}

static void tell(void *arg)
{
	struct checking *c = arg;
	struct check_dkim_verdict verdict = { .n = c->n, .ignored = c->ignored };
	struct message *m = message_keep(c->message);
	check_dkim_done *done = c->done;
	void *waiter = c->waiter;

	c->later = NULL;
	verdict.v = arena_alloc(m->arena, (c->n + 1) * sizeof *verdict.v);
	for (size_t i = 0; i < c->n; i++)
		verdict.v[i] = c->v[i].out;
	checking_free(c);
	done(waiter, &verdict);
	message_release(&m);
}

/* ---- the arithmetic ---- */

static void work_run(void *arg)
{
	struct checking *c = arg;

	check_dkim_verify(c->v, c->n, &c->message->content);
}

static void work_done(void *unused, void *arg)
{
	struct checking *c = arg;

	(void)unused;
	c->work = NULL;
	tell(c);
}

static void work_drop(void *arg)
{
	checking_free(arg);
}

static const struct work verify_work = { work_run, work_done, work_drop };

/* On the loop, and not from inside check_dkim: telling at once is fine. */
static void all_keys_heard(struct checking *c)
{
	size_t i = 0;

	while (i < c->n && !c->v[i].open)
		i++;
	if (i < c->n)
		c->work = work_start(c->loop, &verify_work, c, NULL);
	else
		tell(c);
}

/* ---- the keys ---- */

static void say(struct check_dkim_one *one, enum check_dkim_result result, const char *reason)
{
	one->open = false;
	one->out.result = result;
	snprintf(one->out.reason, sizeof one->out.reason, "%s", reason);
}

static void keep_records(struct check_dkim_one *one, const struct dns_answer *answer,
	struct arena *arena)
{
	for (size_t i = 0; i < answer->n && one->record_n < LIMIT_DKIM_KEY_RECORDS; i++)
		one->records[one->record_n++] =
			arena_str(arena, str_head(answer->v[i].data, LIMIT_DKIM_KEY_RECORD + 1));
}

static void key_heard(void *waiter, const struct dns_answer *answer)
{
	struct signature *s = waiter;
	struct checking *c = s->owner;
	struct check_dkim_one *one = &c->v[s - c->keys];

	s->asking = NULL;
	switch (answer->status) {
	case DNS_OK:
		keep_records(one, answer, c->arena);
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		say(one, CHECK_DKIM_PERMERROR, "no key for signature");
		break;
	case DNS_TEMPORARY:
		say(one, CHECK_DKIM_TEMPERROR, "the key could not be fetched");
		break;
	}
	if (--c->asked == 0)
		all_keys_heard(c);
}

static void ask_for_keys(struct checking *c, struct dns *dns)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct check_dkim_signature *out = &c->v[i].out;

		if (!c->v[i].open)
			continue;
		const char *name = arena_printf(c->arena, "%.*s._domainkey.%.*s",
			STR_FMT(out->selector), STR_FMT(out->domain));

		c->keys[i].owner = c;
		c->keys[i].asking = dns_ask(dns, str_of(name), DNS_TXT, key_heard, &c->keys[i]);
		c->asked++;
	}
}

/* ---- the signatures ---- */

/* A header without From has nobody to sign for it; RFC 8601 section 2.7.1 calls this a permerror. */
static void read_signature(struct checking *c, const struct header_field *field, int64_t now,
	bool from)
{
	struct check_dkim_one *one = &c->v[c->n++];

	one->open = check_dkim_field_read(&one->field, &one->out, field, now, c->message->arena);
	if (one->open && !from)
		say(one, CHECK_DKIM_PERMERROR, "the message has no From field");
}

static void find_signatures(struct checking *c)
{
	struct str header = content_header(&c->message->content);
	bool from = header_count(header, STR("From")) > 0;
	struct header_field field;
	int64_t now = clock_wall();

	while (header_next(&header, &field)) {
		if (!str_ieq(field.name, STR("DKIM-Signature")))
			continue;
		if (c->n == LIMIT_DKIM_SIGNATURES)
			c->ignored++;
		else
			read_signature(c, &field, now, from);
	}
}

struct job *check_dkim(struct loop *l, struct dns *dns, struct message *m, check_dkim_done *done,
	void *waiter)
{
	struct checking *c = mem_alloc(sizeof *c);

	c->job.cancel = checking_cancel;
	c->message = message_keep(m);
	c->arena = arena_create();
	c->loop = l;
	c->done = done;
	c->waiter = waiter;
	find_signatures(c);
	ask_for_keys(c, dns);
	if (c->asked == 0)
		c->later = loop_later(l, tell, c);
	return &c->job;
}

const char *check_dkim_result_text(enum check_dkim_result result)
{
	static const char *const texts[] = {
		[CHECK_DKIM_PASS] = "pass", [CHECK_DKIM_FAIL] = "fail",
		[CHECK_DKIM_NEUTRAL] = "neutral", [CHECK_DKIM_POLICY] = "policy",
		[CHECK_DKIM_TEMPERROR] = "temperror", [CHECK_DKIM_PERMERROR] = "permerror",
	};

	return texts[result];
}
