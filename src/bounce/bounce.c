/*
 * bounce.c - whether a sender may be told, and the message that tells
 *
 * From     schedule/, with recipients that failed, wait, or went where no report comes from.
 * To       back to schedule/, which has it spooled and delivered like any other message.
 * Never    names a target: all that it shows is whom the sender wrote to.
 *          Never tells anybody who is not proven.
 * See      RFC 3461, RFC 3464, RFC 6533, RFC 3834; text.c writes the parts.
 */
#include "bounce/bounce.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/random.h"
#include "text.h"

#include <stdlib.h>

bool bounce_is_due(const struct message *m, size_t rcpt, enum bounce_kind kind)
{
	unsigned notify = m->env.rcpts[rcpt].notify;

	if (address_is_null(&m->env.original_sender) || m->env.original_sender.domain.n == 0
		|| !m->env.proven || (notify & NOTIFY_NEVER))
		return false;
	switch (kind) {
	case BOUNCE_FAILED:
		return notify == 0 || (notify & NOTIFY_FAILURE);
	case BOUNCE_DELAYED:
		return m->env.login.n > 0 && (notify == 0 || (notify & NOTIFY_DELAY));
	case BOUNCE_DELIVERED:
	case BOUNCE_RELAYED:
		return notify & NOTIFY_SUCCESS;
	}
	return false;
}

/* Two targets of one alias are one recipient to the sender: the first reply speaks for both. */
static size_t once_each(
	const struct message *m, const struct bounce_entry *entries, size_t n, size_t *out)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		const struct address *original = &m->env.rcpts[entries[i].rcpt].original;
		size_t j = 0;

		while (j < count
			&& !address_same(original, &m->env.rcpts[entries[out[j]].rcpt].original))
			j++;
		if (j == count)
			out[count++] = i;
	}
	return count;
}

static void make_boundary(struct report *r)
{
	unsigned char random[16];
	struct buf hex;

	random_bytes(random, sizeof random);
	buf_init(&hex, sizeof r->boundary);
	hex_encode(&hex, random, sizeof random);
	for (size_t i = 0; i < hex.n; i++)
		r->boundary[i] = hex.p[i];
	buf_finish(&hex);
}

static void fill_envelope(struct message *dsn, const struct report *r, bool eightbit)
{
	struct recipient *to = arena_alloc(dsn->arena, sizeof *to);

	to->to = address_copy(&r->m->env.original_sender, dsn->arena);
	to->original = to->to;
	to->notify = NOTIFY_NEVER;              /* RFC 3461 section 6.2: no report about a report */
	to->mark = RCPT_TODO;
	dsn->env = (struct envelope){
		.sender = { STR(""), STR("") },
		.original_sender = { STR(""), STR("") },
		.rcpts = to,
		.rcpt_count = 1,
		.arrived = r->now,
		.eightbit = eightbit,
		.smtputf8 = address_is_utf8(&to->to),
	};
}

struct message *bounce_make(const struct message *m, enum bounce_kind kind,
	const struct bounce_entry *entries, size_t n, const char *hostname, int64_t until)
{
	struct message *dsn = message_create();
	struct report r = { .m = m, .kind = kind, .entries = entries, .hostname = hostname,
		.until = until, .now = clock_wall(), .arena = dsn->arena };
	struct content *c = &dsn->content;

	r.shown = mem_alloc((n + 1) * sizeof *r.shown);
	r.shown_count = once_each(m, entries, n, r.shown);
	make_boundary(&r);
	buf_finish(&c->memory);
	buf_init(&c->memory, (size_t)LIMIT_BOUNCE + 2 * LIMIT_CONTENT_MEMORY);
	dsn->id = message_new_id();
	text_report(&c->memory, &r, dsn->id);
	c->size = c->memory.n;
	c->header = (size_t)content_find_header_end(buf_str(&c->memory));
	fill_envelope(dsn, &r, !str_is_ascii(buf_str(&c->memory)));
	free(r.shown);
	return dsn;
}
