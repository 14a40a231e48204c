/*
 * reply.c - one SMTP reply, ours or a peer's
 *
 * Never    lets a control byte of a peer through: it would end up in logs, DSNs and our own replies.
 * See      RFC 5321 section 4.2, RFC 3463.
 */
#include "mail/reply.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

void reply_set(struct reply *r, int code, const char *status, const char *fmt, ...)
{
	va_list ap;

	memset(r, 0, offsetof(struct reply, text) + 1);
	r->by[0] = '\0';
	r->code = code;
	snprintf(r->status, sizeof r->status, "%s", status);
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof r->text, fmt, ap);
	va_end(ap);
}

bool reply_is_ok(const struct reply *r)
{
	return r->code >= 200 && r->code < 300;
}

bool reply_is_temporary(const struct reply *r)
{
	return r->code >= 400 && r->code < 500;
}

bool reply_is_permanent(const struct reply *r)
{
	return r->code >= 500 && r->code < 600;
}

const char *reply_status(const struct reply *r)
{
	if (r->status[0])
		return r->status;
	return reply_is_ok(r) ? "2.0.0" : reply_is_temporary(r) ? "4.0.0" : "5.0.0";
}

const char *reply_line(const struct reply *r, char *out, size_t n)
{
	size_t at;

	snprintf(out, n, "%d%s%s%s", r->code, r->status[0] ? " " : "", r->status, r->text[0] ? " " : "");
	at = strlen(out);
	for (const char *p = r->text; *p && at + 1 < n; p++) {
		if (*p == '\n') {
			out[at++] = ';';
			if (at + 1 < n)
				out[at++] = ' ';
		} else {
			out[at++] = *p;
		}
	}
	if (n)
		out[at < n ? at : n - 1] = '\0';
	return out;
}

/* "5.1.1 " at the front of the text (RFC 2034 section 4); its class must be the code's. */
static size_t status_length(int code, struct str text)
{
	size_t i = 0, dots = 0, digits = 0;

	if (text.n < 5 || text.p[0] != '0' + code / 100 || text.p[1] != '.')
		return 0;
	for (; i < text.n && i < 11; i++) {
		char c = text.p[i];

		if (c == '.' && digits > 0) {
			dots++;
			digits = 0;
		} else if (c >= '0' && c <= '9' && digits < 3) {
			digits++;
		} else {
			break;
		}
	}
	return dots == 2 && digits > 0 && (i == text.n || text.p[i] == ' ') ? i : 0;
}

static void add_text(struct reply *r, struct str text)
{
	size_t n = strlen(r->text);

	if (n && n + 1 < sizeof r->text)
		r->text[n++] = '\n';
	for (size_t i = 0; i < text.n && n + 1 < sizeof r->text; i++) {
		unsigned char c = (unsigned char)text.p[i];

		/* also the lead byte of U+0080 to U+009F, which terminals obey */
		bool c1 = c == 0xc2 && i + 1 < text.n && (unsigned char)text.p[i + 1] < 0xa0;

		r->text[n++] = c < ' ' || c == 127 || c1 ? '?' : (char)c;
	}
	r->text[n] = '\0';
}

bool reply_read_line(struct reply *r, struct str line, bool *more)
{
	uint64_t code;

	if (!str_number(str_head(line, 3), &code) || line.n < 3 || code < 200 || code > 599)
		return false;
	if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return false;
	if (r->code && r->code != (int)code)
		return false;
	bool first = r->code == 0;
	struct str text = str_skip(line, 4);
	size_t status = status_length((int)code, text);

	if (first && status)
		snprintf(r->status, sizeof r->status, "%.*s", (int)status, text.p);
	/* a repeated status on later lines is no text */
	if (status)
		text = str_trim(str_skip(text, status));
	r->code = (int)code;
	*more = line.n > 3 && line.p[3] == '-';
	if (text.n || !first)
		add_text(r, text);
	return true;
}
