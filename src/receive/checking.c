/*
 * checking.c - ask check/ about the sender, wait for it only where an answer depends on it
 *
 * From     cmd_mail.c, which begins it; cmd_rcpt.c and intake.c, which need what came of it.
 * Owns     nothing: verdict and job are the transaction's.
 * Never    delays the 250 to MAIL, nor the one to RCPT unless check.spf_fail says that it may be a
 *          refusal.
 */
#include "checking.h"

#include "base/log.h"
#include "mail/header.h"

#include <string.h>

static struct check_client client_of(const struct session *s)
{
	return (struct check_client){ .address = s->client.addr, .helo = str_of(s->helo),
		.hidden = s->standing.hidden };
}

/* ---- the sender ---- */

static void sender_checked(void *waiter)
{
	struct session *s = waiter;
	struct transaction *t = s->tx;
	enum turn (*then)(struct session *s) = t->after_spf;

	t->spf = NULL;
	t->after_spf = NULL;
	if (then && !s->over)
		session_resume(s, then(s));
}

void checking_begin(struct session *s)
{
	struct transaction *t = s->tx;
	struct check_client client = client_of(s);

	if (s->account)
		return;
	t->verdict = arena_alloc(t->m->arena, sizeof *t->verdict);
	t->spf = check_sender(s->server->parts.check, &client, &t->m->env.original_sender,
		t->verdict, sender_checked, s);
}

bool checking_waits(struct session *s, enum turn (*then)(struct session *s))
{
	if (s->tx->spf == NULL)
		return false;
	s->tx->after_spf = then;
	s->doing = "looking up the sender's SPF record";
	return true;
}

bool checking_is_needed(const struct session *s)
{
	return s->tx->spf && s->server->parts.check_options->spf_fail == CHECK_REFUSE;
}

bool checking_refuses(struct session *s, bool postmaster)
{
	const struct verdict *v = s->tx->verdict;

	if (v == NULL || s->tx->spf || v->refusal.code == 0 || postmaster)
		return false;
	say_reply(s, &v->refusal);
	return true;
}

/* ---- the message ---- */

static void message_checked(void *waiter)
{
	struct session *s = waiter;

	s->job = NULL;
	s->tx->checked = true;
	session_resume(s, s->tx->after_check(s));
}

bool checking_message(struct session *s, enum turn (*then)(struct session *s))
{
	struct transaction *t = s->tx;

	if (t->verdict == NULL || t->checked)
		return false;
	t->after_check = then;
	s->job = check_message(s->server->parts.check, t->m, t->verdict,
		t->postmasters == t->accepted, message_checked, s);
	return true;
}

bool checking_refuses_message(struct session *s)
{
	const struct transaction *t = s->tx;

	if (t->verdict == NULL)
		return false;
	t->m->env.proven = t->verdict->proven;
	if (t->verdict->refusal.code == 0)
		return false;
	say_reply(s, &t->verdict->refusal);
	return true;
}

bool checking_is_signed(const struct session *s)
{
	const struct verdict *v = s->tx->verdict;

	for (size_t i = 0; v && i < v->dkim.n; i++)
		if (v->dkim.v[i].result == CHECK_DKIM_PASS
				|| v->dkim.v[i].result == CHECK_DKIM_TEMPERROR)
			return true;
	return false;
}

/* ---- the fields ---- */

size_t checking_cut_forged(struct session *s)
{
	struct content *c = &s->tx->m->content;
	struct str rest = content_header(c);
	char *to = c->memory.p;
	struct header_field field;
	char id[MESSAGE_ID_TEXT];
	size_t cut = 0;

	while (header_next(&rest, &field)) {
		if (str_ieq(field.name, STR("Authentication-Results"))
				&& check_is_forged(s->server->parts.check, field.value)) {
			cut += field.raw.n;
			continue;
		}
		if (cut > 0)
			memmove(to, field.raw.p, field.raw.n);
		to += field.raw.n;
	}
	if (cut == 0)
		return 0;
	memmove(c->memory.p + c->header - cut, c->memory.p + c->header, c->memory.n - c->header);
	c->memory.n -= cut;
	c->header -= cut;
	c->size -= cut;
	if (s->tx->m->id == 0)
		s->tx->m->id = message_new_id();
	log_info("forged-results", L_Z("id", message_id_text(s->tx->m->id, id)),
		L_Z("client", s->client_text), L_NUM("bytes", cut));
	return cut;
}

struct str checking_fields(struct session *s)
{
	struct transaction *t = s->tx;
	struct check_client client = client_of(s);
	struct str fields = STR_NONE;
	struct buf out;

	if (t->verdict == NULL)
		return STR_NONE;
	buf_init(&out, LIMIT_RESULTS);
	if (check_print_fields(s->server->parts.check, t->verdict, &client,
			&t->m->env.original_sender, &out) && !out.over)
		fields = arena_str(t->m->arena, buf_str(&out));
	else
		log_warn("results", L_Z("client", s->client_text),
			L_Z("why", "the results of the checks don't fit their field"));
	buf_finish(&out);
	return fields;
}
