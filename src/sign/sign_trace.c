/*
 * sign_trace.c - the fields that tell where a message came through, and loops that they show
 *
 * From     sign.c, on the loop.
 * Never    lets a client's text out of its place: what can't stand in a word or a comment becomes '?'.
 * Never    names a recipient when the client named several: nobody learns of a Bcc.
 * See      RFC 5321 section 4.4; RFC 9228 (Delivered-To); RFC 6376 section 5.4.2 for what "oversigned" means.
 */
#include "sign_trace.h"
#include "base/limits.h"
#include "mail/date.h"
#include "mail/header.h"

enum {
	WORD_MAX = LIMIT_DOMAIN,           /* of a name that a client gave */
	LINE = 76
};

static bool is_host_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-'
		|| c == '_' || c == '[' || c == ']' || c == ':';
}

/* A name that a client gave, as one word. */
static void add_host(struct buf *out, struct str name)
{
	name = str_head(name, WORD_MAX);
	if (name.n == 0)
		buf_add_str(out, STR("unknown"));
	for (size_t i = 0; i < name.n; i++)
		buf_add_char(out, is_host_byte(name.p[i]) ? name.p[i] : '?');
}

/* Text inside a comment. */
static void add_comment(struct buf *out, struct str text)
{
	text = str_head(text, WORD_MAX);
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool plain = c >= ' ' && c < 127 && c != '(' && c != ')' && c != '\\';

		buf_add_char(out, plain ? c : '?');
	}
}

/* An address, with nothing in it that could end the field. */
static void add_address(struct buf *out, const struct address *a)
{
	struct buf text;

	buf_init(&text, SIGN_TRACE_MAX);
	address_print(&text, a);
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		buf_add_char(out, c < ' ' || c == 127 ? '?' : text.p[i]);
	}
	buf_finish(&text);
}

/* The one whom the client named; NULL if it named several, or if the name could not stand in an ASCII header. */
static const struct address *only_original(const struct envelope *env)
{
	const struct address *first;

	if (env->rcpt_count == 0 || address_is_null(&env->rcpts[0].original))
		return NULL;
	first = &env->rcpts[0].original;
	for (size_t i = 1; i < env->rcpt_count; i++)
		if (!address_same(first, &env->rcpts[i].original))
			return NULL;
	return address_is_utf8(first) && !env->smtputf8 ? NULL : first;
}

static void add_from(struct buf *out, const struct envelope *env, struct str client_name)
{
	char ip[INET_TEXT_MAX];
	size_t begin = out->n;
	struct buf who;

	buf_init(&who, SIGN_TRACE_MAX);
	add_host(&who, client_name);
	buf_addf(&who, env->client.addr.v6 ? " [IPv6:%s]" : " [%s]", inet_text(&env->client.addr, ip));
	buf_add_str(out, STR("from "));
	add_host(out, env->helo);
	buf_add_str(out, out->n - begin + who.n > LINE - sizeof "Received: ()" ? STR("\r\n\t(") : STR(" ("));
	buf_add_str(out, buf_str(&who));
	buf_add_str(out, STR(")\r\n\t"));
	buf_finish(&who);
}

static void add_received(struct buf *out, const struct message *m, const struct sign_request *request, int64_t now)
{
	char id[MESSAGE_ID_TEXT], date[DATE_TEXT_MAX];
	const struct address *original = only_original(&m->env);

	buf_add_str(out, STR("Received: "));
	if (m->env.client.port != 0)       /* else made here */
		add_from(out, &m->env, request->client_name);
	if (request->tls != NULL) {
		buf_add_str(out, STR("(using "));
		add_comment(out, str_of(request->tls));
		buf_add_str(out, STR(")\r\n\t"));
	}
	buf_addf(out, "by %s (waypost)", request->hostname);
	if (request->protocol != NULL)
		buf_addf(out, " with %s", request->protocol);
	buf_addf(out, " id %s", message_id_text(m->id, id));
	if (original != NULL) {
		buf_add_str(out, STR("\r\n\tfor <"));
		add_address(out, original);
		buf_add_char(out, '>');
	}
	buf_addf(out, ";\r\n\t%s\r\n", date_rfc5322(now, date));
}

/* How often name stands in the h= tag of a signature's value. */
static size_t count_in_h(struct str value, struct str name)
{
	size_t count = 0;

	while (value.n > 0) {
		struct str tag = str_cut(&value, ';'), key = str_cut(&tag, '=');

		if (!str_eq(str_trim(key), STR("h")))
			continue;
		while (tag.n > 0)
			count += str_ieq(str_trim(str_cut(&tag, ':')), name);
	}
	return count;
}

bool sign_trace_may_add(struct str header, struct str name)
{
	size_t present = header_count(header, name);
	struct header_field field;

	while (header_next(&header, &field)) {
		if (!str_ieq(field.name, STR("DKIM-Signature")) && !str_ieq(field.name, STR("ARC-Message-Signature")))
			continue;
		if (count_in_h(field.value, name) > present)
			return false;
	}
	return true;
}

static void add_forwarded(struct buf *out, const struct message *m)
{
	const struct address *original = only_original(&m->env), *target;
	struct str header = content_header(&m->content);

	if (original == NULL)
		return;
	target = &m->env.rcpts[0].to;
	if (address_isame(original, target))       /* relayed, not forwarded */
		return;
	if (sign_trace_may_add(header, STR("Delivered-To"))) {
		buf_add_str(out, STR("Delivered-To: "));
		add_address(out, original);
		buf_add_str(out, STR("\r\n"));
	}
	/* one that fans out does not tell each target of the others */
	if (m->env.rcpt_count > 1 || (address_is_utf8(target) && !m->env.smtputf8))
		return;
	if (sign_trace_may_add(header, STR("X-Forwarded-To"))) {
		buf_add_str(out, STR("X-Forwarded-To: "));
		add_address(out, target);
		buf_add_str(out, STR("\r\n"));
	}
	if (sign_trace_may_add(header, STR("X-Forwarded-For"))) {
		buf_add_str(out, STR("X-Forwarded-For: "));
		add_address(out, original);
		buf_add_char(out, ' ');
		add_address(out, target);
		buf_add_str(out, STR("\r\n"));
	}
}

void sign_trace_fields(struct buf *out, const struct message *m, const struct sign_request *request, int64_t now)
{
	add_received(out, m, request, now);
	add_forwarded(out, m);
}

void sign_trace_extra(struct buf *out, struct str header, struct str fields)
{
	struct header_field field;

	while (header_next(&fields, &field))
		if (sign_trace_may_add(header, field.name))
			buf_add_str(out, field.raw);
}

/* The next word of a field's value outside comments and quoted strings. */
static struct str next_word(struct str *rest)
{
	size_t i = 0, from, depth = 0;
	bool quoted = false;

	for (; i < rest->n; i++) {
		char c = rest->p[i];

		if (c == '\\' && (depth > 0 || quoted) && i + 1 < rest->n)
			i++;
		else if (c == '"' && depth == 0)
			quoted = !quoted;
		else if (c == '(' && !quoted)
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth == 0 && !quoted && c != ' ' && c != '\t' && c != '\r' && c != '\n')
			break;
	}
	*rest = str_skip(*rest, i);
	for (from = 0; from < rest->n; from++) {
		char c = rest->p[from];

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '(' || c == '"' || c == ';')
			break;
	}
	from += from < rest->n && from == 0;       /* a ';' is a word by itself */
	struct str word = str_head(*rest, from);

	*rest = str_skip(*rest, from);
	return word;
}

/* Received's "by", the host that wrote it; empty if it has none. What follows "from" may be called "by". */
static struct str received_by(struct str value)
{
	struct str word;

	while ((word = next_word(&value)).n > 0) {
		if (str_ieq(word, STR("from")))
			next_word(&value);
		else if (str_ieq(word, STR("by")))
			return next_word(&value);
	}
	return word;
}

static bool is_original(struct str value, const struct recipient *rcpts, size_t n)
{
	struct arena *arena = arena_create();
	struct address a;
	bool found = false;

	if (address_parse(&a, str_trim(value), arena))
		for (size_t i = 0; i < n && !found; i++)
			found = address_isame(&a, &rcpts[i].original);
	arena_destroy(&arena);
	return found;
}

/* Ours is near the top: a header that is made of Delivered-To must not keep the loop busy. */
static bool has_delivered_to(struct str header, const struct recipient *rcpts, size_t n)
{
	struct header_field field;
	size_t left = LIMIT_RECEIVED_FIELDS;

	while (left > 0 && header_next(&header, &field)) {
		if (!str_ieq(field.name, STR("Delivered-To")))
			continue;
		if (is_original(field.value, rcpts, n))
			return true;
		left--;
	}
	return false;
}

bool sign_finds_loop(struct str header, const char *hostname, const struct recipient *rcpts, size_t n)
{
	struct str rest = header, host = str_of(hostname);
	size_t received = 0, ours = 0;
	struct header_field field;

	while (header_next(&rest, &field)) {
		if (!str_ieq(field.name, STR("Received")))
			continue;
		received++;
		ours += str_ieq(received_by(field.value), host);
	}
	return received >= LIMIT_RECEIVED_FIELDS || (ours >= 2 && has_delivered_to(header, rcpts, n));
}
