/*
 * results.c - the verdict as header fields: Received-SPF and Authentication-Results
 *
 * From     receive/, for the top of each message that came in on 25.
 * Never    lets a byte of the client's out of its place: what is not plain is quoted, what can't be
 *          quoted is a question mark, and the longest value is far below a line's 998 bytes.
 * Fails    with false when the fields would pass out's maximum; out is then as it was.
 * See      RFC 8601 section 2.2, RFC 7208 section 9.1, RFC 5322 section 2.1.1.
 */
#include "check_private.h"

#include <string.h>

/* Columns before folding; bytes of a value, which may double in quotes and must then fit in a line
 * of 998; of a word being put together. */
enum { LINE = 78, VALUE_MOST = 480, WORD_MAX_TEXT = 2048 };

/* A field being written: words with blanks between, folded. */
struct field {
	struct buf *out;
	size_t column;
};

static void begin(struct field *f, struct buf *out, const char *name)
{
	f->out = out;
	buf_addf(out, "%s:", name);
	f->column = str_of(name).n + 1;
}

/* A word is never split. */
static void put(struct field *f, struct str word)
{
	if (f->column + 1 + word.n > LINE && f->column > 1) {
		buf_add_str(f->out, STR("\r\n\t"));
		f->column = 8;
	} else {
		buf_add_char(f->out, ' ');
		f->column++;
	}
	buf_add_str(f->out, word);
	f->column += word.n;
}

/* The next word begins a line. */
static void new_line(struct field *f)
{
	f->column = LINE;
}

/* Right behind the last word. */
static void put_mark(struct field *f, char mark)
{
	buf_add_char(f->out, mark);
	f->column++;
}

/* ---- values ---- */

static bool is_all(struct str s, const char *also)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = str_lower(s.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr(also, c))))
			return false;
	}
	return s.n > 0;
}

static char printable(char c)
{
	return c >= ' ' && c <= '~' ? c : '?';
}

static void quote(struct buf *out, struct str s)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, printable(s.p[i]));
	}
	buf_add_char(out, '"');
}

/* As it is where it is both a token (RFC 2045) and a dot-atom (RFC 5322). */
static void add_value(struct buf *out, struct str s)
{
	s = str_head(s, VALUE_MOST);
	if (is_all(s, "._-+") && s.p[0] != '.' && s.p[s.n - 1] != '.' && !memmem(s.p, s.n, "..", 2))
		buf_add_str(out, s);
	else
		quote(out, s);
}

/* "name=value", quoted as needed. */
static void put_pair(struct field *f, const char *name, struct str value)
{
	struct buf word;

	buf_init(&word, WORD_MAX_TEXT);
	buf_addf(&word, "%s=", name);
	add_value(&word, value);
	put(f, buf_str(&word));
	buf_finish(&word);
}

/* plain: without quotes where that is clear. Of a local part that is not ASCII, or endless, only
 * the domain is told. */
static void put_address(struct field *f, const char *name, const struct address *a, bool plain)
{
	struct buf text, word;

	buf_init(&text, WORD_MAX_TEXT);
	buf_init(&word, WORD_MAX_TEXT);
	address_print(&text, a);
	buf_addf(&word, "%s=", name);
	if (a->domain.n == 0 || !str_is_ascii(a->local) || text.n > VALUE_MOST)
		add_value(&word, a->domain);
	else if (plain && is_all(a->local, "._-+=") && is_all(a->domain, ".-_"))
		buf_add_str(&word, buf_str(&text));
	else
		quote(&word, buf_str(&text));
	put(f, buf_str(&word));
	buf_finish(&word);
	buf_finish(&text);
}

static void put_text(struct field *f, const char *name, const char *text)
{
	struct buf word;

	buf_init(&word, WORD_MAX_TEXT);
	buf_addf(&word, "%s=", name);
	quote(&word, str_of(text));
	put(f, buf_str(&word));
	buf_finish(&word);
}

/* ---- Authentication-Results ---- */

/* "; method=result" on a line of its own. */
static void put_method(struct field *f, const char *method, const char *result)
{
	struct buf word;

	buf_init(&word, WORD_MAX_TEXT);
	buf_addf(&word, "%s=%s", method, result);
	put_mark(f, ';');
	new_line(f);
	put(f, buf_str(&word));
	buf_finish(&word);
}

static const char hidden_text[] = "the address of the client is hidden behind a proxy";

static void put_spf(struct field *f, const struct verdict *v, const struct spf_answer *spf)
{
	put_method(f, "spf", spf_result_text(spf->result));
	if (v->hidden)
		put_text(f, "reason", hidden_text);
	else if (spf->problem[0])
		put_text(f, "reason", spf->problem);
}

static void put_signature(struct field *f, const struct check_dkim_signature *s)
{
	struct buf comment;

	put_method(f, "dkim", check_dkim_result_text(s->result));
	buf_init(&comment, WORD_MAX_TEXT);
	buf_addf(&comment, "(%d-bit key%s)", s->bits, s->testing ? ", testing" : "");
	if (s->bits > 0)
		put(f, buf_str(&comment));
	buf_finish(&comment);
	if (s->reason[0])
		put_text(f, "reason", s->reason);
	else if (s->partial)
		put_text(f, "reason", "a part of the body is not signed (l=)");
	if (s->domain.n)
		put_pair(f, "header.d", s->domain);
	if (s->selector.n)
		put_pair(f, "header.s", s->selector);
	if (s->algorithm && s->algorithm[0])
		put_pair(f, "header.a", str_of(s->algorithm));
	if (s->tag.n)
		put_pair(f, "header.b", s->tag);
}

static void put_dkim(struct field *f, const struct check_dkim_verdict *dkim)
{
	if (dkim->n == 0 && dkim->ignored == 0)
		put_method(f, "dkim", "none");
	for (size_t i = 0; i < dkim->n; i++)
		put_signature(f, &dkim->v[i]);
	if (dkim->ignored > 0) {
		put_method(f, "dkim", "policy");
		put_text(f, "reason", "there are more signatures than are looked at");
	}
}

static void put_dmarc(struct field *f, const struct dmarc_answer *dmarc)
{
	put_method(f, "dmarc", dmarc_result_text(dmarc->result));
	if (dmarc->problem[0] && dmarc->result != DMARC_NONE)
		put_text(f, "reason", dmarc->problem);
	if (dmarc->from[0])
		put_pair(f, "header.from", str_of(dmarc->from));
	if (dmarc->from[0] && (dmarc->result == DMARC_PASS || dmarc->result == DMARC_FAIL))
		put_pair(f, "policy.dmarc", str_of(dmarc_policy_text(dmarc->policy)));
}

static void print_results(const struct check *c, const struct verdict *v,
	const struct check_client *client, const struct address *sender, struct buf *out)
{
	struct field f;
	struct buf id;

	begin(&f, out, "Authentication-Results");
	buf_init(&id, WORD_MAX_TEXT);
	add_value(&id, str_of(c->hostname));
	put(&f, buf_str(&id));
	buf_finish(&id);
	if (v->spf_done && !v->null_sender) {
		put_spf(&f, v, &v->spf);
		put_address(&f, "smtp.mailfrom", sender, true);
	}
	if (v->spf_done) {
		put_spf(&f, v, &v->helo);
		put_pair(&f, "smtp.helo", client->helo);
	}
	if (v->message_done) {
		put_dkim(&f, &v->dkim);
		put_dmarc(&f, &v->dmarc);
	}
	if (!v->spf_done && !v->message_done) {
		put_mark(&f, ';');
		put(&f, STR("none"));
	}
	buf_add_str(out, STR("\r\n"));
}

/* ---- Received-SPF ---- */

/* What a person reads, between the domain and the client. */
static const char *sentence(enum spf_result result)
{
	static const char *const texts[] = {
		[SPF_NONE] = "publishes no SPF record that could be asked about",
		[SPF_NEUTRAL] = "does not say whether it permits",
		[SPF_PASS] = "permits",
		[SPF_FAIL] = "does not permit",
		[SPF_SOFTFAIL] = "does not like, but does not forbid",
		[SPF_TEMPERROR] = "has an SPF record that could not be looked up for",
		[SPF_PERMERROR] = "has an SPF record that can't be followed for" };

	return texts[result];
}

/* "(mail.example.com: example.net permits 192.0.2.1)", each word by itself for folding. */
static void put_comment(struct field *f, const struct check *c, const struct verdict *v,
	const char *ip)
{
	const struct spf_answer *spf = &v->spf;
	struct buf text, word;
	struct str rest, part;

	buf_init(&text, WORD_MAX_TEXT);
	buf_init(&word, WORD_MAX_TEXT);
	buf_addf(&text, "%s: ", c->hostname);
	if (v->hidden)
		buf_addf(&text, "%s", hidden_text);
	else
		buf_addf(&text, "%s %s %s", spf->domain[0] ? spf->domain : "the sender",
			sentence(spf->result), spf->result == SPF_NONE ? "" : ip);
	rest = buf_str(&text);
	buf_add_char(&word, '(');
	while ((part = str_word(&rest)).n > 0) {
		for (size_t i = 0; i < part.n; i++) {
			if (part.p[i] == '(' || part.p[i] == ')' || part.p[i] == '\\')
				buf_add_char(&word, '\\');
			buf_add_char(&word, printable(part.p[i]));
		}
		if (str_trim(rest).n == 0)
			buf_add_char(&word, ')');
		put(f, buf_str(&word));
		buf_clear(&word);
	}
	buf_finish(&word);
	buf_finish(&text);
}

static void print_received(const struct check *c, const struct verdict *v,
	const struct check_client *client, const struct address *sender, struct buf *out)
{
	const struct spf_answer *spf = &v->spf;
	char ip[INET_TEXT_MAX];
	struct field f;

	begin(&f, out, "Received-SPF");
	put(&f, str_of(spf_result_text(spf->result)));
	inet_text(&client->address, ip);
	put_comment(&f, c, v, ip);
	put_pair(&f, "receiver", str_of(c->hostname));
	if (!v->hidden) {
		put_mark(&f, ';');
		put_pair(&f, "client-ip", str_of(ip));
	}
	put_mark(&f, ';');
	put_address(&f, "envelope-from", sender, false);
	put_mark(&f, ';');
	put_pair(&f, "helo", client->helo);
	put_mark(&f, ';');
	put_pair(&f, "identity", v->null_sender ? STR("helo") : STR("mailfrom"));
	if (spf->mechanism[0]) {
		put_mark(&f, ';');
		put_text(&f, "mechanism", spf->mechanism);
	}
	if (spf->problem[0]) {
		put_mark(&f, ';');
		put_text(&f, "problem", spf->problem);
	}
	buf_add_str(out, STR("\r\n"));
}

bool check_print_fields(const struct check *c, const struct verdict *v,
	const struct check_client *client, const struct address *sender, struct buf *out)
{
	struct buf fields;
	bool fit;

	buf_init(&fields, LIMIT_TOP_FIELDS);
	if (v->spf_done)
		print_received(c, v, client, sender, &fields);
	print_results(c, v, client, sender, &fields);
	fit = !fields.over && out->n + fields.n <= out->max && buf_add_str(out, buf_str(&fields));
	buf_finish(&fields);
	return fit;
}
