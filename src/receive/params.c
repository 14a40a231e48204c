/*
 * params.c - read the parameters of MAIL and RCPT
 *
 * From     cmd_mail.c and cmd_rcpt.c, with the rest of the line.
 * Owns     nothing; what comes back borrows from the line.
 * Never    decides anything: sizes and policies are the handlers'.
 * Fails    with the reply: 555 for what is not known or not offered, 501 for what makes no sense or
 *          comes twice.
 * See      RFC 1870, 3461 sections 4.1 to 4.4 and 5, 4954 section 5, 6152, 6531 section 3.4.
 */
#include "params.h"

#include <ctype.h>

struct parameter {
	struct str name, value;
	bool has_value;
};

static bool bad(struct reply *reply, const char *text)
{
	reply_set(reply, 501, "5.5.4", "%s", text);
	return false;
}

static bool unknown(struct reply *reply, const struct parameter *p)
{
	char name[40];
	size_t n = 0;

	for (; n < p->name.n && n < sizeof name - 1; n++)
		name[n] = isprint((unsigned char)p->name.p[n]) ? p->name.p[n] : '?';
	name[n] = '\0';
	reply_set(reply, 555, "5.5.4", "Parameter %s is not known here", name);
	return false;
}

static bool is_keyword(struct str s)
{
	if (s.n == 0 || !isalnum((unsigned char)s.p[0]))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '-')
			return false;
	return true;
}

/* esmtp-value: no "=", SP or control; UTF-8 by RFC 6531. */
static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 127)
			return false;
	return s.n > 0;
}

/* The next parameter off *rest. False: none is left (reply untouched), or it is malformed
 * (reply->code set). */
static bool next_parameter(struct str *rest, struct parameter *p, struct reply *reply)
{
	struct str word = str_word(rest);
	ptrdiff_t at = str_find(word, '=');

	if (word.n == 0)
		return false;
	p->has_value = at >= 0;
	p->name = at >= 0 ? str_head(word, (size_t)at) : word;
	p->value = at >= 0 ? str_skip(word, (size_t)at + 1) : STR_NONE;
	if (is_keyword(p->name) && (!p->has_value || is_value(p->value)))
		return true;
	return bad(reply, "Parameters are KEYWORD or KEYWORD=VALUE");
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

/* RFC 3461 section 4; utf8: RFC 6533 lets it through as it is. */
static bool is_xtext(struct str s, bool utf8)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '+' && !(i + 2 < s.n && is_hex(s.p[i + 1]) && is_hex(s.p[i + 2])))
			return false;
		if (c < '!' || c == '=' || c == 127 || (c > 127 && !utf8))
			return false;
	}
	return true;
}

static bool read_size(struct mail_params *m, const struct parameter *p, struct reply *reply)
{
	if (m->has_size || p->value.n == 0 || p->value.n > 20)
		return bad(reply, "SIZE=octets, once");
	for (size_t i = 0; i < p->value.n; i++)
		if (!isdigit((unsigned char)p->value.p[i]))
			return bad(reply, "SIZE=octets, once");
	m->has_size = true;
	if (!str_number(p->value, &m->size))
		m->size = UINT64_MAX;
	return true;
}

static bool read_body(struct mail_params *m, const struct parameter *p, struct reply *reply)
{
	if (m->has_body)
		return bad(reply, "BODY twice");
	m->has_body = true;
	m->eightbit = str_ieq(p->value, STR("8BITMIME"));
	if (m->eightbit || str_ieq(p->value, STR("7BIT")))
		return true;
	if (!str_ieq(p->value, STR("BINARYMIME")))
		return bad(reply, "BODY=7BIT or BODY=8BITMIME");
	reply_set(reply, 555, "5.5.4", "BINARYMIME is not offered here");
	return false;
}

static bool read_ret(struct mail_params *m, const struct parameter *p, struct reply *reply)
{
	if (m->has_ret || (!str_ieq(p->value, STR("FULL")) && !str_ieq(p->value, STR("HDRS"))))
		return bad(reply, "RET=FULL or RET=HDRS, once");
	m->has_ret = true;
	m->ret = str_ieq(p->value, STR("FULL")) ? RET_FULL : RET_HDRS;
	return true;
}

static bool read_mail_parameter(
	struct mail_params *m, const struct parameter *p, bool dsn, struct reply *reply)
{
	if (str_ieq(p->name, STR("SIZE")))
		return read_size(m, p, reply);
	if (str_ieq(p->name, STR("BODY")))
		return read_body(m, p, reply);
	if (str_ieq(p->name, STR("SMTPUTF8"))) {
		if (m->smtputf8 || p->has_value)
			return bad(reply, "SMTPUTF8 stands alone, once");
		m->smtputf8 = true;
		return true;
	}
	/* who vouches for the sender is never believed (RFC 4954 section 5), but it may be said */
	if (str_ieq(p->name, STR("AUTH"))) {
		if (m->has_auth || p->value.n == 0 || !is_xtext(p->value, true))
			return bad(reply, "AUTH=address or AUTH=<>, once");
		m->has_auth = true;
		return true;
	}
	if (dsn && str_ieq(p->name, STR("RET")))
		return read_ret(m, p, reply);
	if (dsn && str_ieq(p->name, STR("ENVID"))) {
		if (m->has_envid || p->value.n == 0 || p->value.n > LIMIT_ENVID
			|| !is_xtext(p->value, false))
			return bad(reply, "ENVID=xtext of at most 100 characters, once");
		m->has_envid = true;
		m->envid = p->value;
		return true;
	}
	return unknown(reply, p);
}

bool params_read_mail(struct mail_params *m, struct str rest, bool dsn, struct reply *reply)
{
	struct parameter p;

	*m = (struct mail_params){ 0 };
	reply->code = 0;
	while (next_parameter(&rest, &p, reply))
		if (!read_mail_parameter(m, &p, dsn, reply))
			return false;
	return reply->code == 0;
}

static bool read_notify(struct rcpt_params *r, struct str list, struct reply *reply)
{
	static const struct { const char *word; unsigned bit; } words[] = {
		{ "NEVER", NOTIFY_NEVER }, { "SUCCESS", NOTIFY_SUCCESS },
		{ "FAILURE", NOTIFY_FAILURE }, { "DELAY", NOTIFY_DELAY },
	};
	static const char how[] = "NOTIFY=NEVER or a list of SUCCESS, FAILURE and DELAY, once";
	bool more = true;

	if (r->has_notify)
		return bad(reply, how);
	r->has_notify = true;
	while (more) {
		struct str word;
		unsigned bit = 0;

		more = str_find(list, ',') >= 0;
		word = str_cut(&list, ',');
		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			if (str_ieq(word, str_of(words[i].word)))
				bit = words[i].bit;
		if (bit == 0)
			return bad(reply, how);
		r->notify |= bit;
	}
	if ((r->notify & NOTIFY_NEVER) && r->notify != NOTIFY_NEVER)
		return bad(reply, how);
	return true;
}

static bool read_orcpt(struct rcpt_params *r, struct str value, struct reply *reply)
{
	ptrdiff_t at = str_find(value, ';');

	if (r->has_orcpt || value.n > LIMIT_ORCPT || at <= 0 || (size_t)at + 1 == value.n
			|| !is_keyword(str_head(value, (size_t)at))
			|| !is_xtext(str_skip(value, (size_t)at + 1),
				str_ieq(str_head(value, (size_t)at), STR("utf-8"))))
		return bad(reply, "ORCPT=type;xtext of at most 500 characters, once");
	r->has_orcpt = true;
	r->orcpt = value;
	return true;
}

bool params_read_rcpt(struct rcpt_params *r, struct str rest, bool dsn, struct reply *reply)
{
	struct parameter p;

	*r = (struct rcpt_params){ 0 };
	reply->code = 0;
	while (next_parameter(&rest, &p, reply)) {
		if (dsn && str_ieq(p.name, STR("NOTIFY"))) {
			if (!read_notify(r, p.value, reply))
				return false;
		} else if (dsn && str_ieq(p.name, STR("ORCPT"))) {
			if (!read_orcpt(r, p.value, reply))
				return false;
		} else {
			return unknown(reply, &p);
		}
	}
	return reply->code == 0;
}
