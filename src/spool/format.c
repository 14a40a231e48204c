/*
 * format.c - the head of a queue file: one `key value` a line, a recipient a line
 *
 *   waypost 1
 *   id 01KAN0R4Y8Q5T
 *   arrived 2026-11-22T12:00:00.123Z
 *   sender SRS0=vq3n=XY=example.org=bob@srs.example.com
 *   original-sender bob@example.org
 *   client 192.0.2.7:40112
 *   helo mail.example.org
 *   body 8bitmime
 *   top 412
 *   size 10233
 *   header 1630
 *   -to alice@gmail.com original alice@example.com notify failure,delay
 *
 * Values are percent-encoded, so that no byte of them can end a word or a line. `pad` and blanks
 * fill the room in front of a content that went to disk before the envelope was known.
 *
 * From     commit.c on the way to disk, recover.c on the way back.
 * Never    guesses: a line that it would not have written makes the whole file unreadable.
 */
#include "format.h"
#include "base/encode.h"
#include "base/limits.h"
#include "base/mem.h"
#include "mail/date.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VERSION_LINE "waypost 1\n"

static const struct {
	unsigned bit;
	const char *word;
} notify_words[] = {
	{ NOTIFY_NEVER, "never" },
	{ NOTIFY_SUCCESS, "success" },
	{ NOTIFY_FAILURE, "failure" },
	{ NOTIFY_DELAY, "delay" },
};
static const char *const ret_words[] = { [RET_FULL] = "full", [RET_HDRS] = "hdrs" };
enum { NOTIFY_WORDS = sizeof notify_words / sizeof *notify_words };

/* What would break an SMTP command must neither come in nor go out through the spool. */
static bool is_clean(struct str s, size_t max)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
			return false;
	return s.n <= max;
}

static bool address_is_clean(const struct address *a)
{
	return is_clean(a->local, LIMIT_LOCAL_PART_IN) && is_clean(a->domain, LIMIT_DOMAIN)
		&& str_find(a->domain, '@') < 0;
}

/* ---- to text ---- */

static void put(struct buf *out, const char *key, struct str value)
{
	if (value.n == 0)
		return;
	buf_addf(out, "%s ", key);
	percent_encode(out, value);
	buf_add_char(out, '\n');
}

/* The last '@' parts local from domain; "postmaster" alone has none. */
static void put_address(struct buf *out, const struct address *a)
{
	if (address_is_null(a)) {
		buf_add_str(out, STR("<>"));
		return;
	}
	percent_encode(out, a->local);
	if (a->domain.n || str_find(a->local, '@') >= 0)
		buf_add_char(out, '@');
	percent_encode(out, a->domain);
}

static void put_sender(struct buf *out, const char *key, const struct address *a)
{
	buf_addf(out, "%s ", key);
	put_address(out, a);
	buf_add_char(out, '\n');
}

static void put_recipient(struct buf *out, const struct recipient *r)
{
	bool first = true;

	buf_add_char(out, r->mark ? r->mark : RCPT_TODO);
	buf_add_str(out, STR("to "));
	put_address(out, &r->to);
	buf_add_str(out, STR(" original "));
	put_address(out, &r->original);
	for (size_t i = 0; i < NOTIFY_WORDS; i++)
		if (r->notify & notify_words[i].bit) {
			buf_addf(out, "%s%s", first ? " notify " : ",", notify_words[i].word);
			first = false;
		}
	if (r->orcpt.n) {
		buf_add_str(out, STR(" orcpt "));
		percent_encode(out, r->orcpt);
	}
	buf_add_char(out, '\n');
}

static void put_envelope(struct buf *out, const struct message *m)
{
	const struct envelope *e = &m->env;
	char id[MESSAGE_ID_TEXT], date[DATE_TEXT_MAX], client[INET_TEXT_MAX];

	buf_addf(out, VERSION_LINE "id %s\narrived %s\n", message_id_text(m->id, id),
		date_rfc3339(e->arrived, date));
	put_sender(out, "sender", &e->sender);
	put_sender(out, "original-sender", &e->original_sender);
	if (e->client.port)
		put(out, "client", str_of(endpoint_text(&e->client, client)));
	put(out, "helo", e->helo);
	put(out, "login", e->login);
	put(out, "proven", e->proven ? STR("yes") : STR_NONE);
	put(out, "body", e->eightbit ? STR("8bitmime") : STR_NONE);
	put(out, "smtputf8", e->smtputf8 ? STR("yes") : STR_NONE);
	put(out, "tls", e->tls ? STR("yes") : STR_NONE);
	put(out, "ret", str_of(ret_words[e->ret]));
	put(out, "envid", e->envid);
	buf_addf(out, "top %zu\nsize %llu\nheader %zu\n", m->top.n,
		(unsigned long long)m->content.size, m->content.header);
}

static bool pad(struct buf *out, size_t top, size_t room)
{
	size_t rest = room - top - out->n - 1;

	if (out->n + 1 + top > room || (rest > 0 && rest < sizeof "pad\n" - 1))
		return false;
	if (rest > 0) {
		buf_addf(out, "pad%*s", (int)(rest - 4), "");
		buf_add_char(out, '\n');
	}
	return true;
}

static bool envelope_is_clean(const struct envelope *e)
{
	if (!address_is_clean(&e->sender) || !address_is_clean(&e->original_sender))
		return false;
	for (size_t i = 0; i < e->rcpt_count; i++)
		if (!address_is_clean(&e->rcpts[i].to) || !address_is_clean(&e->rcpts[i].original))
			return false;
	return true;
}

bool format_head(
	struct buf *out, const struct message *m, size_t room, uint32_t *mark_at, struct why *why)
{
	if (!envelope_is_clean(&m->env))
		return why_set(why, "the envelope has an address that can't be one");
	if (m->env.rcpt_count == 0)
		return why_set(why, "the envelope has no recipient");
	put_envelope(out, m);
	for (size_t i = 0; i < m->env.rcpt_count; i++) {
		mark_at[i] = (uint32_t)out->n;
		put_recipient(out, &m->env.rcpts[i]);
	}
	if (room > 0 && !pad(out, m->top.n, room))
		return why_set(why, "%zu bytes are not enough for the envelope", room);
	buf_add_char(out, '\n');
	return !out->over || why_set(why, "the envelope is longer than %d bytes", LIMIT_SPOOL_HEAD);
}

/* ---- and back ---- */

struct reader {
	struct message *m;
	struct format_sizes *sizes;
	struct buf word;                   /* scratch: one decoded word */
	struct recipient *rcpts;           /* owned until they move to the arena */
	size_t count, room;
	unsigned seen;                     /* bits of keys[] */
};

/* A word as put() wrote it: no blank, no control byte. */
static bool decode(struct reader *r, struct str raw, struct str *out)
{
	for (size_t i = 0; i < raw.n; i++)
		if ((unsigned char)raw.p[i] <= ' ' || raw.p[i] == 127 || raw.p[i] == '"')
			return false;
	buf_clear(&r->word);
	if (raw.n == 0 || !percent_decode(&r->word, raw)
		|| (r->word.n && memchr(r->word.p, 0, r->word.n)))
		return false;
	*out = arena_str(r->m->arena, buf_str(&r->word));
	return true;
}

static bool read_address(struct reader *r, struct str raw, struct address *out)
{
	struct str all;

	*out = (struct address){ STR(""), STR("") };
	if (str_eq(raw, STR("<>")))
		return true;
	if (!decode(r, raw, &all))
		return false;
	ptrdiff_t at = str_rfind(all, '@');

	if (at < 0) {
		out->local = all;
	} else {
		out->local = arena_str(r->m->arena, str_head(all, (size_t)at));
		out->domain = str_skip(all, (size_t)at + 1);
	}
	return address_is_clean(out) && !address_is_null(out);
}

static bool read_digits(struct str *rest, size_t n, char end, int *out)
{
	uint64_t v;

	if (rest->n < n + 1 || !str_number(str_head(*rest, n), &v) || rest->p[n] != end)
		return false;
	*out = (int)v;
	*rest = str_skip(*rest, n + 1);
	return true;
}

/* RFC 3339 as date_rfc3339 writes it: UTC, milliseconds. */
static bool read_date(struct str s, int64_t *out)
{
	struct tm tm = { 0 }, again;
	int ms;

	if (!read_digits(&s, 4, '-', &tm.tm_year) || !read_digits(&s, 2, '-', &tm.tm_mon)
		|| !read_digits(&s, 2, 'T', &tm.tm_mday) || !read_digits(&s, 2, ':', &tm.tm_hour)
		|| !read_digits(&s, 2, ':', &tm.tm_min) || !read_digits(&s, 2, '.', &tm.tm_sec)
		|| !read_digits(&s, 3, 'Z', &ms) || s.n)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	again = tm;
	time_t seconds = timegm(&again);

	/* timegm makes the 31st of February a day in March */
	if (again.tm_mday != tm.tm_mday || again.tm_mon != tm.tm_mon || again.tm_hour != tm.tm_hour
		|| again.tm_min != tm.tm_min || again.tm_sec != tm.tm_sec || seconds < 0)
		return false;
	*out = (int64_t)seconds * 1000 + ms;
	return true;
}

static bool read_id(struct reader *r, struct str v)
{
	return message_id_parse(&r->m->id, v) && r->m->id != 0;
}

static bool read_arrived(struct reader *r, struct str v)
{
	return read_date(v, &r->m->env.arrived);
}

static bool read_sender(struct reader *r, struct str v)
{
	return read_address(r, v, &r->m->env.sender);
}

static bool read_original_sender(struct reader *r, struct str v)
{
	return read_address(r, v, &r->m->env.original_sender);
}

static bool read_client(struct reader *r, struct str v)
{
	return endpoint_parse(&r->m->env.client, v, 0) && r->m->env.client.port != 0;
}

static bool read_helo(struct reader *r, struct str v)
{
	return decode(r, v, &r->m->env.helo);
}

static bool read_login(struct reader *r, struct str v)
{
	return decode(r, v, &r->m->env.login);
}

static bool read_proven(struct reader *r, struct str v)
{
	return r->m->env.proven = str_eq(v, STR("yes"));
}

static bool read_body(struct reader *r, struct str v)
{
	return r->m->env.eightbit = str_eq(v, STR("8bitmime"));
}

static bool read_smtputf8(struct reader *r, struct str v)
{
	return r->m->env.smtputf8 = str_eq(v, STR("yes"));
}

static bool read_tls(struct reader *r, struct str v)
{
	return r->m->env.tls = str_eq(v, STR("yes"));
}

static bool read_ret(struct reader *r, struct str v)
{
	for (enum envelope_ret ret = RET_FULL; ret <= RET_HDRS; ret++)
		if (str_eq(v, str_of(ret_words[ret])))
			r->m->env.ret = ret;
	return r->m->env.ret != RET_UNSAID;
}

static bool read_envid(struct reader *r, struct str v)
{
	return decode(r, v, &r->m->env.envid);
}

static bool read_top(struct reader *r, struct str v)
{
	return str_number(v, &r->sizes->top) && r->sizes->top <= LIMIT_TOP_FIELDS;
}

static bool read_size(struct reader *r, struct str v)
{
	return str_number(v, &r->sizes->size) && r->sizes->size <= INT64_MAX / 2;
}

static bool read_header(struct reader *r, struct str v)
{
	return str_number(v, &r->sizes->header) && r->sizes->header <= LIMIT_CONTENT_MEMORY;
}

static bool read_pad(struct reader *r, struct str v)
{
	(void)r;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] != ' ')
			return false;
	return true;
}

static const struct {
	const char *key;
	bool needed;
	bool (*read)(struct reader *r, struct str value);
} keys[] = {
	{ "id", true, read_id },
	{ "arrived", true, read_arrived },
	{ "sender", true, read_sender },
	{ "original-sender", true, read_original_sender },
	{ "client", false, read_client },
	{ "helo", false, read_helo },
	{ "login", false, read_login },
	{ "proven", false, read_proven },
	{ "body", false, read_body },
	{ "smtputf8", false, read_smtputf8 },
	{ "tls", false, read_tls },
	{ "ret", false, read_ret },
	{ "envid", false, read_envid },
	{ "top", true, read_top },
	{ "size", true, read_size },
	{ "header", true, read_header },
	{ "pad", false, read_pad },
};
enum { KEYS = sizeof keys / sizeof *keys };

static bool read_notify(struct str list, unsigned *out)
{
	if (list.n == 0 || list.p[list.n - 1] == ',')
		return false;
	do {
		struct str word = str_cut(&list, ',');
		size_t i = 0;

		while (i < NOTIFY_WORDS && !str_eq(word, str_of(notify_words[i].word)))
			i++;
		if (i == NOTIFY_WORDS || (*out & notify_words[i].bit))
			return false;
		*out |= notify_words[i].bit;
	} while (list.n > 0);
	return true;
}

/* "-to TARGET original ADDRESS [notify LIST] [orcpt WORD]", the mark already seen */
static bool read_recipient(struct reader *r, struct str line, size_t at)
{
	struct recipient rcpt = { .mark = line.p[0], .mark_at = (uint32_t)at };
	struct str rest = str_skip(line, 1);

	if (!str_eq(str_cut(&rest, ' '), STR("to"))
		|| !read_address(r, str_cut(&rest, ' '), &rcpt.to)
		|| !str_eq(str_cut(&rest, ' '), STR("original"))
		|| !read_address(r, str_cut(&rest, ' '), &rcpt.original)
		|| address_is_null(&rcpt.to))
		return false;
	if (str_starts(rest, STR("notify "))) {
		str_cut(&rest, ' ');
		if (!read_notify(str_cut(&rest, ' '), &rcpt.notify))
			return false;
	}
	if (str_starts(rest, STR("orcpt "))) {
		str_cut(&rest, ' ');
		if (!decode(r, rest, &rcpt.orcpt))
			return false;
		rest = STR_NONE;
	}
	if (rest.n)
		return false;
	if (r->count == r->room) {
		r->room = r->room ? r->room * 2 : 8;
		r->rcpts = mem_resize(r->rcpts, r->room * sizeof rcpt);
	}
	r->rcpts[r->count++] = rcpt;
	return true;
}

static bool read_line(struct reader *r, struct str line, size_t at)
{
	struct str value = line;

	char mark = line.n ? line.p[0] : '\0';

	if (mark == RCPT_TODO || mark == RCPT_DELIVERED || mark == RCPT_FAILED)
		return read_recipient(r, line, at);
	/* a "pad" of nothing has no blank behind it */
	struct str key = str_cut(&value, ' ');

	for (size_t i = 0; i < KEYS; i++)
		if (str_eq(key, str_of(keys[i].key))) {
			if (r->seen & 1u << i)
				return false;
			r->seen |= 1u << i;
			return keys[i].read(r, value);
		}
	return false;
}

static bool read_lines(struct reader *r, struct str head, struct why *why)
{
	size_t at = sizeof VERSION_LINE - 1, number = 2;

	if (!str_starts(head, STR(VERSION_LINE)))
		return why_set(why, "it does not begin with \"waypost 1\"");
	while (at < head.n && head.p[at] != '\n') {
		struct str rest = str_skip(head, at), line = str_cut(&rest, '\n');

		if (!read_line(r, line, at))
			return why_set(why, "line %zu can't be understood", number);
		at += line.n + 1;
		number++;
	}
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].needed && !(r->seen & 1u << i))
			return why_set(why, "it has no line \"%s\"", keys[i].key);
	if (r->count == 0)
		return why_set(why, "it has no recipient");
	if (r->sizes->header > r->sizes->size)
		return why_set(why, "its header is longer than its content");
	return true;
}

bool format_parse(struct message *m, struct str head, struct format_sizes *sizes, struct why *why)
{
	struct reader r = { .m = m, .sizes = sizes };

	buf_init(&r.word, LIMIT_SPOOL_HEAD);
	bool done = read_lines(&r, head, why);
	if (done) {
		m->env.rcpt_count = r.count;
		m->env.rcpts = arena_alloc(m->arena, r.count * sizeof *r.rcpts);
		memcpy(m->env.rcpts, r.rcpts, r.count * sizeof *r.rcpts);
	}
	free(r.rcpts);
	buf_finish(&r.word);
	return done;
}

size_t format_head_length(struct str bytes)
{
	const char *at = bytes.n ? memmem(bytes.p, bytes.n, "\n\n", 2) : NULL;

	return at ? (size_t)(at - bytes.p) + 2 : 0;
}
