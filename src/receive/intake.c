/*
 * intake.c - from the final dot to the 250: check, seal, write to disk, queue
 *
 * From     cmd_data.c, when the content is complete.
 * To       check/, sign/, spool/, schedule/, in this order; then the client gets its answer.
 * Owns     nothing; the message is the transaction's until schedule/ takes it.
 * Never    says 250 before spool_commit said true (promise 1).
 * Fails    with a reply; nothing of the message is then left anywhere.
 */
#include "intake.h"

#include "checking.h"
#include "client_name.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "mail/date.h"
#include "mail/header.h"

#include <inttypes.h>
#include <stdio.h>

/* What a step says: the next one, the same again when the answer is there, or it is over and
 * s->reply says how. */
enum step { GO_ON, WAIT, STOP };

static enum turn intake_run(struct session *s);

/* ---- the content itself ---- */

bool intake_finds_fault(struct session *s)
{
	const struct transaction *t = s->tx;
	unsigned faults = t->dot.faults;

	if (t->fault)
		say_reply(s, t->fault);
	else if (faults & DOT_TOO_BIG)
		say(s, 552, "5.3.4", "Message is larger than the %" PRId64 " bytes taken here",
			s->server->options->message_size);
	else if (faults & DOT_LONG_HEADER)
		say(s, 552, "5.3.4", "The header is larger than the %d bytes taken here",
			(int)LIMIT_HEADER);
	else if (faults & DOT_NUL)
		say(s, 550, "5.6.0",
			"The message contains a NUL byte, which is not allowed in mail");
	else if (faults & (DOT_BARE_LF | DOT_BARE_CR))
		say(s, 550, "5.6.0",
			"The message contains a bare %s: lines must end in CR LF (RFC 5321, 2.3.8)",
			faults & DOT_BARE_LF ? "LF" : "CR");
	else if (faults & DOT_FOLDED_FIRST)
		say(s, 550, "5.6.0",
			"The header begins with a blank, as if a line came before it");
	else if (faults & DOT_LONG_LINE)
		say(s, 550, "5.6.0", "The message contains a line longer than %d bytes",
			(int)LIMIT_TEXT_LINE);
	else
		return false;
	return true;
}

static enum step check_content(struct session *s)
{
	return intake_finds_fault(s) || screening_refuses_late(s) ? STOP : GO_ON;
}

/* All its recipients were blackholes: accepted and gone, as was promised to each of them. */
static enum step discard(struct session *s)
{
	const struct envelope *env = &s->tx->m->env;

	if (env->rcpt_count > 0)
		return GO_ON;
	log_info("discard", L_Z("client", s->client_text), L_Z("helo", s->helo),
		L_Z("from", address_text(&env->original_sender, s->tx->m->arena)),
		L_NUM("rcpts", s->tx->discarded), L_NUM("size", s->tx->dot.size));
	say(s, 250, "2.0.0", "Ok");
	return STOP;
}

static enum step find_loop(struct session *s)
{
	const struct message *m = s->tx->m;

	if (!sign_finds_loop(content_header(&m->content), s->server->options->hostname,
			m->env.rcpts, m->env.rcpt_count))
		return GO_ON;
	say(s, 554, "5.4.6",
		"The message is in a loop: it has been here before, or through too many servers");
	return STOP;
}

/* ---- From of a submitted message ---- */

static enum step refuse_from(struct session *s, const char *text)
{
	say(s, 553, "5.7.1", "%s", text);
	return STOP;
}

/* Every author must be one that the account may send as (RFC 6409 section 8.1). */
static enum step check_from(struct session *s)
{
	struct transaction *t = s->tx;
	struct str header = content_header(&t->m->content);
	struct address authors[LIMIT_FROM_ADDRESSES];
	struct header_field from;
	int n;

	if (s->account == NULL)
		return GO_ON;
	if (header_count(header, STR("From")) != 1 || !header_find(header, STR("From"), &from))
		return refuse_from(s, "The message must have exactly one From field");
	n = header_addresses(from.value, authors, LIMIT_FROM_ADDRESSES, t->m->arena);
	if (n <= 0 || n >= LIMIT_FROM_ADDRESSES)
		return refuse_from(
			s, "The From field can't be understood, or names nobody, or too many");
	for (int i = 0; i < n; i++) {
		if (route_may_send_as(s->account, &authors[i]))
			continue;
		say(s, 553, "5.7.1", "%s may not send as <%s>, which is in the From field",
			s->login_name, address_text(&authors[i], t->m->arena));
		return STOP;
	}
	t->from_domain = authors[0].domain;
	return GO_ON;
}

/* ---- what is left of the content goes to the file ---- */

static void written(void *waiter, bool ok, const struct why *why)
{
	struct session *s = waiter;

	s->job = NULL;
	if (!ok)
		transaction_disk_failed(s->tx, why);
	session_resume(s, intake_run(s));
}

static enum step write_rest(struct session *s)
{
	struct transaction *t = s->tx;

	if (t->fault) {
		say_reply(s, t->fault);
		return STOP;
	}
	if (!t->spilled || t->chunk.n == 0)
		return GO_ON;
	s->job = transaction_spill(t, s->server->parts.spool, written, s);
	return WAIT;
}

/* ---- what the sender's domain says ---- */

static enum step await_sender(struct session *s)
{
	return checking_waits(s, intake_run) ? WAIT : GO_ON;
}

static enum step check_sender_of(struct session *s)
{
	if (checking_message(s, intake_run))
		return WAIT;
	return checking_refuses_message(s) ? STOP : GO_ON;
}

/* Signatures were verified by now: what is cut here is not missing there (RFC 8601 section 5). */
static enum step cut_forged(struct session *s)
{
	struct transaction *t = s->tx;
	size_t cut;

	if (t->fault) {
		say_reply(s, t->fault);
		return STOP;
	}
	if (t->cleaned)
		return GO_ON;
	t->cleaned = true;
	cut = checking_cut_forged(s);
	if (cut == 0 || t->file == NULL)
		return GO_ON;
	s->job = spool_cut(t->file, cut, written, s);
	return WAIT;
}

/* ---- the fields on top ---- */

/* RFC 3848, RFC 6531 section 4.3 */
static const char *protocol(const struct session *s)
{
	static const char *const names[2][2][2] = {     /* UTF8, TLS, AUTH */
		{ { "ESMTP", "ESMTPA" }, { "ESMTPS", "ESMTPSA" } },
		{ { "UTF8SMTP", "UTF8SMTPA" }, { "UTF8SMTPS", "UTF8SMTPSA" } },
	};
	const struct envelope *env = &s->tx->m->env;

	if (!s->esmtp && !env->tls)
		return "SMTP";
	return names[env->smtputf8][env->tls][s->account != NULL];
}

/* RFC 6409 sections 8.2 and 8.3: the Date and Message-ID that a submitted message lacks. */
static struct str missing_fields(struct session *s)
{
	struct message *m = s->tx->m;
	struct str header = content_header(&m->content);
	const char *date = "", *id = "";
	char when[DATE_TEXT_MAX];
	uint64_t unique;

	if (s->account == NULL)
		return STR_NONE;
	random_bytes(&unique, sizeof unique);
	if (header_count(header, STR("Date")) == 0)
		date = arena_printf(m->arena, "Date: %s\r\n", date_rfc5322(m->env.arrived, when));
	if (header_count(header, STR("Message-ID")) == 0)
		id = arena_printf(m->arena, "Message-ID: <%" PRIx64 ".%016" PRIx64 "@%.*s>\r\n",
			(uint64_t)m->env.arrived, unique, STR_FMT(s->account->address.domain));
	return str_of(arena_printf(m->arena, "%s%s", date, id));
}

static void sealed(void *waiter, bool ok, const struct why *why)
{
	struct session *s = waiter;

	s->job = NULL;
	if (ok)
		s->tx->sealed = true;
	else
		transaction_disk_failed(s->tx, why);
	session_resume(s, intake_run(s));
}

static enum step seal(struct session *s)
{
	struct transaction *t = s->tx;
	const struct tls_facts *facts = s->io ? io_tls(s->io) : NULL;
	char tls[128];
	struct sign_request request = {
		.hostname = s->server->options->hostname, .protocol = protocol(s),
		.client_name = client_name_text(s->name), .from_domain = t->from_domain,
	};

	if (t->sealed)
		return GO_ON;
	if (t->fault) {
		say_reply(s, t->fault);
		return STOP;
	}
	if (facts) {
		snprintf(tls, sizeof tls, "%s cipher %s", facts->version, facts->cipher);
		request.tls = tls;
	}
	request.extra = missing_fields(s);
	request.results = checking_fields(s);
	request.unsigned_content = s->account == NULL && !checking_is_signed(s);
	s->job = sign_message(
		s->server->parts.signer, s->server->parts.loop, t->m, &request, sealed, s);
	return WAIT;
}

/* ---- durable, and then ours ---- */

/* The recipients as the client named them; what does not fit a line is counted. */
static void print_recipients(const struct envelope *env, struct buf *out)
{
	const struct address *last = NULL;

	for (size_t i = 0; i < env->rcpt_count; i++) {
		const struct address *to = &env->rcpts[i].original;

		if (last && address_same(last, to))
			continue;
		if (out->n > LIMIT_LOG_LINE / 8) {
			buf_addf(out, " and %zu more", env->rcpt_count - i);
			return;
		}
		if (last)
			buf_add_char(out, ',');
		address_print(out, to);
		last = to;
	}
}

static void log_accepted(const struct session *s, const struct message *m)
{
	char id[MESSAGE_ID_TEXT];
	struct buf to, from;

	buf_init(&to, LIMIT_LOG_LINE);
	buf_init(&from, LIMIT_LOG_LINE);
	print_recipients(&m->env, &to);
	if (address_is_null(&m->env.original_sender))
		buf_add_str(&from, STR("<>"));
	else
		address_print(&from, &m->env.original_sender);
	log_info("accept", L_Z("id", message_id_text(m->id, id)), L_Z("client", s->client_text),
		L_STR("name", client_name_text(s->name)), L_Z("helo", s->helo),
		L_STR("from", buf_str(&from)), L_STR("to", buf_str(&to)),
		L_NUM("size", m->content.size), L_Z("proto", protocol(s)),
		L_Z("tls", s->io && io_tls(s->io) ? io_tls(s->io)->version : ""),
		L_Z("login", s->login_name));
	buf_finish(&to);
	buf_finish(&from);
}

static void committed(void *waiter, bool ok, const struct why *why)
{
	struct session *s = waiter;

	s->job = NULL;
	s->committing = false;
	if (ok)
		s->tx->committed = true;
	else
		transaction_disk_failed(s->tx, why);
	session_resume(s, intake_run(s));
}

static enum step commit(struct session *s)
{
	struct transaction *t = s->tx;
	struct spool *sp = s->server->parts.spool;

	if (t->committed)
		return GO_ON;
	if (t->fault) {
		say_reply(s, t->fault);
		return STOP;
	}
	if (t->file == NULL)
		t->file = spool_begin(sp, t->m, spool_head_size(t->m) + LIMIT_TOP_FIELDS);
	s->committing = true;
	s->job = spool_commit(&t->file, clock_wall(), committed, s);
	return WAIT;
}

static enum step queue(struct session *s)
{
	struct transaction *t = s->tx;
	struct message *m = t->m;
	char id[MESSAGE_ID_TEXT];

	log_accepted(s, m);
	say(s, 250, "2.0.0", "Ok: queued as %s", message_id_text(m->id, id));
	t->m = NULL;
	schedule_add(s->server->parts.schedule, m);
	s->server->counts.messages++;
	s->messages++;
	s->errors = 0;
	screening_good(s);
	return STOP;
}

/* ---- the list ---- */

static const struct {
	const char *name;
	enum step (*run)(struct session *s);
} steps[] = {
	{ "checking the content",      check_content },
	{ "discarding the message",    discard },
	{ "looking for a loop",        find_loop },
	{ "checking From",             check_from },
	{ "storing the content",       write_rest },
	{ "awaiting SPF",              await_sender },
	{ "checking the sender",       check_sender_of },
	{ "cutting forged results",    cut_forged },
	{ "sealing the message",       seal },
	{ "writing it to disk",        commit },
	{ "queueing it",               queue },
};

static enum turn intake_over(struct session *s)
{
	const struct transaction *t = s->tx;

	if (!reply_is_ok(&s->reply)) {
		s->server->counts.refused_messages++;
		session_log_refusal(s, &t->m->env.original_sender,
			t->m->env.rcpt_count ? &t->m->env.rcpts[0].original : NULL);
	}
	session_reset(s);
	return TURN_SAY;
}

static enum turn intake_run(struct session *s)
{
	while (s->step < sizeof steps / sizeof *steps) {
		s->doing = steps[s->step].name;
		switch (steps[s->step].run(s)) {
		case GO_ON:
			s->step++;
			break;
		case WAIT:
			return TURN_WAIT;
		case STOP:
			return intake_over(s);
		}
	}
	return intake_over(s);
}

enum turn intake_begin(struct session *s)
{
	s->step = 0;
	s->content_since = 0;
	return intake_run(s);
}
