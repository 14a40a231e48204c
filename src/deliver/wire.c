/*
 * wire.c - commands and content as bytes for the next hop
 *
 * From     client.c and transfer.c, which know when to say what.
 * Never    writes a byte of an address or parameter that could end the line: a queue file is
 *          outside input too.
 * See      RFC 5321 sections 4.1.1 and 4.5.2; RFC 1870, 3461, 6152, 6531, 9422.
 */
#include "wire.h"
#include "base/limits.h"

#include <inttypes.h>
#include <string.h>

static void read_auth(struct wire_offer *o, struct str methods)
{
	o->offers |= OFFERS_AUTH;
	for (struct str word; (word = str_word(&methods)).n > 0;) {
		if (str_ieq(word, STR("PLAIN")))
			o->offers |= OFFERS_AUTH_PLAIN;
		else if (str_ieq(word, STR("LOGIN")))
			o->offers |= OFFERS_AUTH_LOGIN;
	}
}

static void read_limits(struct wire_offer *o, struct str limits)
{
	for (struct str word; (word = str_word(&limits)).n > 0;) {
		struct str name = str_cut(&word, '=');
		uint64_t n;

		if (str_ieq(name, STR("RCPTMAX")) && str_number(word, &n) && n > 0)
			o->rcpt_max = n;
	}
}

void wire_read_offer(struct wire_offer *o, struct str line)
{
	static const struct { const char *name; unsigned bit; } flags[] = {
		{ "PIPELINING", OFFERS_PIPELINING }, { "8BITMIME", OFFERS_8BITMIME },
		{ "SMTPUTF8", OFFERS_SMTPUTF8 }, { "STARTTLS", OFFERS_STARTTLS },
		{ "CHUNKING", OFFERS_CHUNKING }, { "DSN", OFFERS_DSN }, { "SIZE", OFFERS_SIZE },
	};
	struct str args = line, word = str_word(&args);

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (str_ieq(word, str_of(flags[i].name)))
			o->offers |= flags[i].bit;
	if (str_ieq(word, STR("SIZE"))) {
		if (!str_number(str_trim(args), &o->size))
			o->size = 0;
	} else if (str_ieq(word, STR("AUTH"))) {
		read_auth(o, args);
	} else if (str_istarts(word, STR("AUTH="))) {
		/* the form before RFC 2554; the first method is glued on */
		read_auth(o, str_skip(str_trim(line), 5));
	} else if (str_ieq(word, STR("LIMITS"))) {
		read_limits(o, args);
	}
}

static bool is_one_line(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
			return false;
	return true;
}

/* A parameter's value: printable, without blanks. */
static bool is_value(struct str s)
{
	return s.n > 0 && str_find(s, ' ') < 0 && is_one_line(s);
}

static bool add_path(struct buf *out, const char *verb, const struct address *a)
{
	/* angle brackets are harmless: address_print quotes them */
	if (!is_one_line(a->local) || !is_one_line(a->domain) || str_find(a->domain, '>') >= 0)
		return false;
	buf_addf(out, "%s:<", verb);
	address_print(out, a);
	return buf_add_char(out, '>');
}

/* The line is added as a whole or not at all. */
static bool end_line(struct buf *out, size_t before, bool good)
{
	if (good && buf_add_str(out, STR("\r\n")) && !out->over)
		return true;
	out->n = before;
	return false;
}

bool wire_mail(struct buf *out, const struct wire_mail *m, unsigned offers)
{
	size_t before = out->n;
	bool good = add_path(out, "MAIL FROM", m->sender);
	bool utf8 = m->smtputf8 && (offers & OFFERS_SMTPUTF8);

	if ((offers & OFFERS_SIZE) && m->size)
		buf_addf(out, " SIZE=%" PRIu64, m->size);
	if ((m->eightbit || utf8) && (offers & OFFERS_8BITMIME))
		buf_add_str(out, STR(" BODY=8BITMIME"));
	if (utf8)
		buf_add_str(out, STR(" SMTPUTF8"));
	if ((offers & OFFERS_DSN) && m->ret != RET_UNSAID)
		buf_addf(out, " RET=%s", m->ret == RET_FULL ? "FULL" : "HDRS");
	if ((offers & OFFERS_DSN) && is_value(m->envid) && str_is_ascii(m->envid))
		buf_addf(out, " ENVID=%.*s", STR_FMT(m->envid));
	return end_line(out, before, good);
}

static void add_notify(struct buf *out, unsigned notify)
{
	static const struct { unsigned bit; const char *word;
	} words[] = {
		{ NOTIFY_SUCCESS, "SUCCESS" },
		{ NOTIFY_FAILURE, "FAILURE" },
		{ NOTIFY_DELAY, "DELAY" },
	};
	const char *before = " NOTIFY=";

	if (notify & NOTIFY_NEVER) {
		buf_add_str(out, STR(" NOTIFY=NEVER"));
		return;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (notify & words[i].bit) {
			buf_addf(out, "%s%s", before, words[i].word);
			before = ",";
		}
	}
}

bool wire_rcpt(struct buf *out, const struct recipient *r, unsigned offers)
{
	size_t before = out->n;
	bool good = !address_is_null(&r->to) && add_path(out, "RCPT TO", &r->to);

	if (offers & OFFERS_DSN) {
		add_notify(out, r->notify);
		if (is_value(r->orcpt) && (str_is_ascii(r->orcpt) || (offers & OFFERS_SMTPUTF8)))
			buf_addf(out, " ORCPT=%.*s", STR_FMT(r->orcpt));
	}
	return end_line(out, before, good);
}

void wire_dots_init(struct wire_dots *d)
{
	/* the content begins a line */
	memcpy(d->last, "\r\n", 2);
}

static void remember(struct wire_dots *d, struct str s)
{
	if (s.n >= 2)
		memcpy(d->last, s.p + s.n - 2, 2);
	else if (s.n == 1)
		memcpy(d->last, (char[]){ d->last[1], s.p[0] }, 2);
}

/* The byte that stands n places before the one at i, which may lie in an earlier piece. */
static char byte_before(const struct wire_dots *d, struct str s, size_t i, size_t n)
{
	return i >= n ? s.p[i - n] : d->last[2 - (n - i)];
}

void wire_dots_add(struct wire_dots *d, struct str s, wire_sink *sink, void *arg)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *dot = memchr(s.p + i, '.', s.n - i);

		if (!dot)
			break;
		i = (size_t)(dot - s.p);
		if (byte_before(d, s, i, 1) == '\n' && byte_before(d, s, i, 2) == '\r') {
			/* the dot once with what stands before it, and once more with what
			 * follows */
			sink(arg, s.p + from, i + 1 - from);
			from = i;
		}
	}
	if (from < s.n)
		sink(arg, s.p + from, s.n - from);
	remember(d, s);
}

void wire_dots_end(struct wire_dots *d, wire_sink *sink, void *arg)
{
	if (memcmp(d->last, "\r\n", 2) != 0)
		sink(arg, "\r\n", 2);
	sink(arg, ".\r\n", 3);
}
