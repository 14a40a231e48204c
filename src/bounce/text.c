/*
 * text.c - a report's text: a part for the person, one for programs, and the original's header
 *
 * What other servers and the original's sender wrote is quoted, but harmless: control bytes become
 * question marks, long lines are wrapped, and the boundary is random, so that nothing quoted can
 * end a part or begin a field.
 *
 * From     bounce.c.
 * Never    shows the fields that were put on top here: they may name a target.
 * See      RFC 3464, RFC 6522, RFC 6533.
 */
#include "text.h"
#include "base/limits.h"
#include "mail/date.h"
#include "mail/header.h"

#include <string.h>

enum {
	LINE_WRAP = 76,            /* for people */
	LINE_MAX_OUT = 990,        /* RFC 5322 section 2.1.1 allows 998 */
	PERSON_LIST = 100          /* recipients told about in the first part; the second has all */
};

static const struct {
	const char *action, *subject, *what, *then;
} kinds[] = {
	[BOUNCE_FAILED] = { "failed", "Your message could not be delivered",
		"Your message could not be delivered to the recipients below. It was given\r\n"
		"up for them and will not be tried again.\r\n",
		"What you can do: read what the other server said. If the address is wrong,\r\n"
		"correct it and send the message again. Otherwise reach the recipient by\r\n"
		"other means." },
	[BOUNCE_DELAYED] = { "delayed", "Your message is delayed",
		"Your message has not been delivered yet to the recipients below. You need\r\n"
		"not do anything: it will be tried again.\r\n",
		"You will hear again only if it has to be given up. Please do not send it\r\n"
		"a second time." },
	[BOUNCE_DELIVERED] = { "delivered", "Your message was delivered",
		"You asked to be told: your message was delivered to the recipients below.\r\n",
		"There is nothing you need to do." },
	[BOUNCE_RELAYED] = { "relayed", "Your message was handed on",
		"You asked to be told: your message was accepted by the next mail server for\r\n"
		"the recipients below. That server sends no reports, so this is the last\r\n"
		"that you hear, unless it could not be delivered there.\r\n",
		"There is nothing you need to do." },
};

/* ---- text that others chose ---- */

struct str text_without_target(const struct recipient *r, const char *text, struct arena *arena)
{
	const char *target = address_text(&r->to, arena);
	const char *shown = address_text(&r->original, arena);
	struct str all = str_of(text);
	struct buf out;

	if (address_isame(&r->to, &r->original) || strcasestr(text, target) == NULL)
		return all;
	buf_init(&out, 4 * LIMIT_REPLY_TEXT);
	for (const char *at; (at = strcasestr(text, target)) != NULL; text = at + strlen(target)) {
		buf_add(&out, text, (size_t)(at - text));
		buf_add_str(&out, str_of(shown));
	}
	buf_add_str(&out, str_of(text));
	all = arena_str(arena, buf_str(&out));
	buf_finish(&out);
	return all;
}

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || (unsigned char)s.p[i] > 126)
			return false;
	return true;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct str text_of_xtext(struct str xtext, struct arena *arena)
{
	struct buf out;

	buf_init(&out, xtext.n + 1);
	for (size_t i = 0; i < xtext.n; i++) {
		int high = xtext.n - i > 2 ? hex_value(xtext.p[i + 1]) : -1;
		int low = high >= 0 ? hex_value(xtext.p[i + 2]) : -1;

		if (xtext.p[i] == '+' && low >= 0) {
			buf_add_char(&out, (char)(high * 16 + low));
			i += 2;
		} else {
			buf_add_char(&out, xtext.p[i]);
		}
	}
	struct str plain = is_printable(buf_str(&out)) ? arena_str(arena, buf_str(&out)) : xtext;

	buf_finish(&out);
	return plain;
}

/* One word, cut where it is too long for any line, every byte harmless. */
static void add_word(struct buf *out, struct str word, bool ascii)
{
	bool plain = ascii || !str_is_utf8(word);

	for (size_t i = 0; i < word.n; i++) {
		unsigned char c = (unsigned char)word.p[i];

		buf_add_char(out, c < ' ' || c == 127 || (plain && c > 126) ? '?' : (char)c);
	}
}

/* The next word: between blanks and newlines, and never more than a line holds. */
static struct str next_word(struct str *rest, bool *line_end)
{
	size_t i = 0;

	*line_end = false;
	while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\n' || rest->p[0] == '\t')) {
		*line_end = *line_end || rest->p[0] == '\n';
		*rest = str_skip(*rest, 1);
	}
	while (i < rest->n && i < LINE_MAX_OUT / 2 && rest->p[i] != ' ' && rest->p[i] != '\n'
		&& rest->p[i] != '\t')
		i++;
	/* not inside a UTF-8 sequence */
	while (i == LINE_MAX_OUT / 2 && i > LINE_MAX_OUT / 2 - 4 && i < rest->n
		&& (rest->p[i] & 0xc0) == 0x80)
		i--;
	struct str word = str_head(*rest, i);

	*rest = str_skip(*rest, i);
	return word;
}

void text_wrapped(struct buf *out, struct str text, const char *indent, bool ascii)
{
	size_t at = 0;
	bool line_end;

	for (struct str word; (word = next_word(&text, &line_end)).n > 0;) {
		if (at > 0 && (line_end || at + 1 + word.n > LINE_WRAP)) {
			buf_add_str(out, STR("\r\n"));
			at = 0;
		}
		buf_add_str(out, at ? STR(" ") : str_of(indent));
		at += at ? 1 : strlen(indent);
		add_word(out, word, ascii);
		at += word.n;
	}
	if (at > 0)
		buf_add_str(out, STR("\r\n"));
}

/* "Name: value", folded; the value is others' text. */
static void add_field(
	struct buf *out, const char *name, const char *type, struct str value, bool ascii)
{
	if (value.n == 0)
		return;
	buf_addf(out, "%s:%s%s%s\r\n", name, type ? " " : "", type ? type : "", type ? ";" : "");
	text_wrapped(out, value, " ", ascii);
}

/* The same on one line: for what must not be folded by accident (an address is never long). */
static void add_line(
	struct buf *out, const char *name, const char *type, struct str value, bool ascii)
{
	buf_addf(out, "%s: %s%s", name, type ? type : "", type ? "; " : "");
	add_word(out, str_head(value, LINE_MAX_OUT - 100), ascii);
	buf_add_str(out, STR("\r\n"));
}

/* ---- header of the report ---- */

static void add_references(struct buf *out, const struct message *m)
{
	struct header_field id;
	struct buf line;

	buf_init(&line, LINE_MAX_OUT - 20);
	if (header_find(content_header(&m->content), STR("Message-ID"), &id)
		&& header_unfold(&line, id.value) && line.n > 2 && !line.over
		&& is_printable(buf_str(&line)) && str_find(buf_str(&line), ' ') < 0
		&& line.p[0] == '<' && line.p[line.n - 1] == '>')
		buf_addf(out, "References: %.*s\r\n", STR_FMT(buf_str(&line)));
	buf_finish(&line);
}

static void add_head(struct buf *out, const struct report *r, uint64_t id, bool eightbit)
{
	char date[DATE_TEXT_MAX], text[MESSAGE_ID_TEXT];

	buf_addf(out, "From: Mail Delivery System <postmaster@%s>\r\n", r->hostname);
	buf_addf(out, "To: <%s>\r\n", address_text(&r->m->env.original_sender, r->arena));
	buf_addf(out, "Subject: %s\r\n", kinds[r->kind].subject);
	buf_addf(out, "Date: %s\r\n", date_rfc5322(r->now, date));
	buf_addf(out, "Message-ID: <%s.%.8s@%s>\r\n", message_id_text(id, text), r->boundary,
		r->hostname);
	add_references(out, r->m);
	buf_addf(out, "Auto-Submitted: auto-replied\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: multipart/report; report-type=delivery-status;\r\n"
		" boundary=\"%s\"\r\n"
		"Content-Transfer-Encoding: %s\r\n\r\n"
		"This is a report in several parts; a mail program shows the first.\r\n",
		r->boundary, eightbit ? "8bit" : "7bit");
}

static void begin_part(struct buf *out, const struct report *r, const char *type,
	const char *description, bool eightbit)
{
	buf_addf(out, "\r\n--%s\r\nContent-Type: %s\r\nContent-Description: %s\r\n", r->boundary,
		type, description);
	buf_addf(out, "Content-Transfer-Encoding: %s\r\n\r\n", eightbit ? "8bit" : "7bit");
}

/* ---- for the person ---- */

static void tell_recipient(struct buf *out, const struct report *r, const struct bounce_entry *e)
{
	const struct recipient *rcpt = &r->m->env.rcpts[e->rcpt];
	char line[LIMIT_REPLY_TEXT + 40];
	const char *text = arena_text(r->arena, text_without_target(rcpt,
		reply_line(&e->reply, line, sizeof line), r->arena));

	buf_add_str(out, STR("\r\n"));
	text_wrapped(out,
		str_of(arena_printf(r->arena, "<%s>", address_text(&rcpt->original, r->arena))),
		"  ", false);
	if (r->kind == BOUNCE_FAILED && reply_is_temporary(&e->reply))
		buf_add_str(out,
			STR("    It was tried again and again, but the time for that is up.\r\n"));
	if (e->reply.code == 0)
		return;
	if (e->reply.by[0])
		text_wrapped(out,
			str_of(arena_printf(r->arena, "The server %s said:", e->reply.by)), "    ",
			false);
	else
		buf_add_str(out, STR("    The reason:\r\n"));
	text_wrapped(out, str_of(text), "      ", false);
}

static void tell_person(struct buf *out, const struct report *r)
{
	char date[DATE_TEXT_MAX];

	buf_addf(out, "This is the mail server %s.\r\n\r\n%s", r->hostname, kinds[r->kind].what);
	for (size_t i = 0; i < r->shown_count && i < PERSON_LIST; i++)
		tell_recipient(out, r, &r->entries[r->shown[i]]);
	if (r->shown_count > PERSON_LIST)
		buf_addf(out, "\r\n  and %zu more, named in the second part of this report\r\n",
			r->shown_count - PERSON_LIST);
	buf_add_str(out, STR("\r\n"));
	if (r->kind == BOUNCE_DELAYED)
		buf_addf(out, "It will be tried until %s.\r\n", date_rfc5322(r->until, date));
	buf_addf(out, "%s\r\nQuestions go to postmaster@%s.\r\n", kinds[r->kind].then, r->hostname);
}

/* ---- for programs ---- */

/* The name in "mx1.example.net[192.0.2.1]", or the address if there is no name. */
static struct str server_name(const char *by)
{
	struct str s = str_of(by);
	ptrdiff_t bracket = str_find(s, '[');

	return bracket > 0 ? str_head(s, (size_t)bracket) : s;
}

/* The class of the status must be the action's (RFC 3464 section 2.3.4). */
static const char *status_of(const struct report *r, const struct reply *reply)
{
	const char *status = reply_status(reply);

	switch (r->kind) {
	case BOUNCE_FAILED:
		return reply_is_temporary(reply) ? "4.4.7" : status[0] == '5' ? status : "5.0.0";
	case BOUNCE_DELAYED:
		return status[0] == '4' ? status : "4.0.0";
	case BOUNCE_DELIVERED:
	case BOUNCE_RELAYED:
		break;
	}
	return status[0] == '2' ? status : "2.0.0";
}

static void add_recipient(struct buf *out, const struct report *r, const struct bounce_entry *e)
{
	const struct recipient *rcpt = &r->m->env.rcpts[e->rcpt];
	struct str original = str_of(address_text(&rcpt->original, r->arena)), orcpt = rcpt->orcpt;
	char line[LIMIT_REPLY_TEXT + 40], date[DATE_TEXT_MAX];
	bool ascii = str_is_ascii(original);

	buf_add_str(out, STR("\r\n"));
	if (str_find(orcpt, ';') > 0) {
		const char *type = arena_text(r->arena, str_cut(&orcpt, ';'));

		if (is_printable(str_of(type)))
			add_line(out, "Original-Recipient", type, text_of_xtext(orcpt, r->arena),
				ascii);
	}
	add_line(out, "Final-Recipient", ascii ? "rfc822" : "utf-8", original, ascii);
	buf_addf(out, "Action: %s\r\nStatus: %s\r\n", kinds[r->kind].action,
		status_of(r, &e->reply));
	if (e->reply.by[0])
		add_line(out, "Remote-MTA", "dns", server_name(e->reply.by), true);
	if (e->reply.code)
		add_field(out, "Diagnostic-Code", "smtp", text_without_target(rcpt,
			reply_line(&e->reply, line, sizeof line), r->arena), true);
	buf_addf(out, "Last-Attempt-Date: %s\r\n", date_rfc5322(r->now, date));
	if (r->kind == BOUNCE_DELAYED)
		buf_addf(out, "Will-Retry-Until: %s\r\n", date_rfc5322(r->until, date));
}

static void tell_programs(struct buf *out, const struct report *r)
{
	char date[DATE_TEXT_MAX];

	buf_addf(out, "Reporting-MTA: dns; %s\r\n", r->hostname);
	if (r->m->env.envid.n)
		add_line(out, "Original-Envelope-Id", NULL,
			text_of_xtext(r->m->env.envid, r->arena), true);
	buf_addf(out, "Arrival-Date: %s\r\n", date_rfc5322(r->m->env.arrived, date));
	for (size_t i = 0; i < r->shown_count && out->n < LIMIT_BOUNCE; i++)
		add_recipient(out, r, &r->entries[r->shown[i]]);
}

/* ---- the original ---- */

/* Can it stand in our message byte for byte? */
static bool is_well_formed(struct str s)
{
	size_t line = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n') {
			i++;
			line = 0;
		} else if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0'
			|| ++line > LINE_MAX_OUT) {
			return false;
		}
	}
	return true;
}

/* The header, with long lines folded and bytes that no header has made harmless. */
static void add_header(struct buf *out, struct str header)
{
	size_t line = 0;

	for (size_t i = 0; i < header.n; i++) {
		char c = header.p[i];

		if (c == '\r' && i + 1 < header.n && header.p[i + 1] == '\n') {
			/* an empty line would end the header */
			if (line > 0)
				buf_add_str(out, STR("\r\n"));
			line = 0;
			i++;
			continue;
		}
		if (line >= LINE_MAX_OUT && ((unsigned char)c & 0xc0) != 0x80) {
			buf_add_str(out, STR("\r\n "));
			line = 1;
		} else if (line >= LINE_MAX_OUT + 4) {
			c = '?';
			buf_add_str(out, STR("\r\n "));
			line = 1;
		}
		buf_add_char(out, ((unsigned char)c < ' ' && c != '\t') || c == 127 ? '?' : c);
		line++;
	}
	if (line > 0)
		buf_add_str(out, STR("\r\n"));
}

static bool shows_all(const struct report *r)
{
	const struct content *c = &r->m->content;

	return r->kind == BOUNCE_FAILED && r->m->env.ret == RET_FULL && c->fd < 0
		&& c->size == c->memory.n && c->size <= LIMIT_CONTENT_MEMORY
		&& is_well_formed(buf_str(&c->memory));
}

static void add_original(struct buf *out, const struct report *r)
{
	struct str header = content_header(&r->m->content), all = buf_str(&r->m->content.memory);
	bool eightbit = !str_is_ascii(header), utf8 = eightbit && str_is_utf8(header);

	if (shows_all(r)) {
		begin_part(out, r, utf8 ? "message/global" : "message/rfc822", "Your message",
			!str_is_ascii(all));
		buf_add_str(out, all);
	} else {
		begin_part(out, r, utf8 ? "message/global-headers" : "text/rfc822-headers",
			"The header of your message", eightbit);
		add_header(out, header);
	}
}

/* Is anything in the part for programs UTF-8? Then RFC 6533's type says so. */
static bool names_utf8(const struct report *r)
{
	for (size_t i = 0; i < r->shown_count; i++)
		if (address_is_utf8(&r->m->env.rcpts[r->entries[r->shown[i]].rcpt].original))
			return true;
	return false;
}

void text_report(struct buf *out, const struct report *r, uint64_t id)
{
	struct buf person, original;
	bool utf8 = names_utf8(r);

	buf_init(&person, LIMIT_BOUNCE);
	buf_init(&original, 2 * (size_t)LIMIT_CONTENT_MEMORY);
	tell_person(&person, r);
	add_original(&original, r);
	bool plain = str_is_ascii(buf_str(&person));

	add_head(out, r, id, utf8 || !plain || !str_is_ascii(buf_str(&original)));
	begin_part(out, r, plain ? "text/plain; charset=us-ascii" : "text/plain; charset=utf-8",
		"What happened", !plain);
	buf_add_str(out, buf_str(&person));
	begin_part(out, r, utf8 ? "message/global-delivery-status" : "message/delivery-status",
		"The same for programs", utf8);
	tell_programs(out, r);
	buf_add_str(out, buf_str(&original));
	buf_addf(out, "\r\n--%s--\r\n", r->boundary);
	buf_finish(&person);
	buf_finish(&original);
}
