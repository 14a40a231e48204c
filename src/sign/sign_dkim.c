/*
 * sign_dkim.c - DKIM-Signature: what is covered, the two hashes, the field
 *
 * From     sign.c, on a worker.
 * To       the top of the message.
 * Never    covers Received or any other trace field, or a field that a later hop may rightly change.
 * Fails    if the content can't be read; a key that can't sign costs its signature only.
 * See      RFC 6376 sections 3.5, 3.7 and 5; RFC 8301; RFC 8463.
 *
 * Fields are taken bottom-up, each as often as it occurs (5.4.2). An oversigned name stands in h= once more than
 * in the header, so that nobody can add a field of that name without breaking the signature (8.15).
 */
#include "sign_dkim.h"
#include "base/encode.h"
#include "base/limits.h"
#include "base/mem.h"
#include "mail/canon.h"
#include "mail/header.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum {
	DIGEST = 32,                       /* SHA-256 */
	SIGNATURE_MAX = LIMIT_SIGN_KEY_BITS / 8,
	COLUMNS = 76,                      /* a line's length before its CRLF, a tab counted as eight */
	TAB = 8
};

enum { OVER_SUBMITTED = 1, OVER_FORWARDED = 2, OVER_BOTH = 3 };

/*
 * What is covered, the most important first. Oversigned on forwards is only what no list, gateway or later
 * hop adds to a message in good faith; our own users' mail begins here, so more of it can be nailed down.
 */
static const struct covered {
	struct str name;
	unsigned over;
} covered[] = {
	{ STR("From"), OVER_BOTH },
	{ STR("To"), OVER_BOTH },
	{ STR("Cc"), OVER_BOTH },
	{ STR("Subject"), OVER_BOTH },
	{ STR("Date"), OVER_BOTH },
	{ STR("Message-ID"), OVER_BOTH },
	{ STR("Reply-To"), OVER_SUBMITTED },
	{ STR("Sender"), OVER_SUBMITTED },
	{ STR("MIME-Version"), OVER_BOTH },
	{ STR("Content-Type"), OVER_BOTH },
	{ STR("Content-Transfer-Encoding"), OVER_BOTH },
	{ STR("In-Reply-To"), OVER_SUBMITTED },
	{ STR("References"), OVER_SUBMITTED },
	{ STR("Content-Disposition"), 0 },
	{ STR("Content-ID"), 0 },
	{ STR("Content-Description"), 0 },
	{ STR("Content-Language"), 0 },
	{ STR("Content-Location"), 0 },
	{ STR("Content-Base"), 0 },
	{ STR("Resent-From"), 0 },
	{ STR("Resent-Sender"), 0 },
	{ STR("Resent-Date"), 0 },
	{ STR("Resent-To"), 0 },
	{ STR("Resent-Cc"), 0 },
	{ STR("Resent-Message-ID"), 0 },
	{ STR("List-Id"), 0 },
	{ STR("List-Unsubscribe"), 0 },
	{ STR("List-Unsubscribe-Post"), 0 },       /* RFC 8058 section 3 wants both covered */
	{ STR("List-Subscribe"), 0 },
	{ STR("List-Post"), 0 },
	{ STR("List-Owner"), 0 },
	{ STR("List-Help"), 0 },
	{ STR("List-Archive"), 0 },
	{ STR("Auto-Submitted"), 0 },
	{ STR("Disposition-Notification-To"), 0 },
	{ STR("Autocrypt"), 0 },
	{ STR("Openpgp"), 0 },
	{ STR("Feedback-ID"), 0 },
	{ STR("CFBL-Address"), 0 },                /* RFC 9477 section 3.1 */
	{ STR("CFBL-Feedback-ID"), 0 },
};

enum { COVERED = sizeof covered / sizeof covered[0] };

/* The fields of one covered name: how many there are, and the lowest LIMIT_SIGN_SAME_FIELD of them. */
struct found {
	size_t count;
	struct str raw[LIMIT_SIGN_SAME_FIELD];     /* a ring: the i-th from the top is at i % LIMIT */
};

static void find_fields(struct str header, struct found *found)
{
	struct header_field field;

	while (header_next(&header, &field)) {
		for (size_t i = 0; i < COVERED; i++) {
			if (!str_ieq(field.name, covered[i].name))
				continue;
			found[i].raw[found[i].count % LIMIT_SIGN_SAME_FIELD] = field.raw;
			found[i].count++;
			break;
		}
	}
}

/* What all signatures of a message share. */
struct hashes {
	struct buf names;                  /* the value of h=, not folded: "From:From:To" */
	EVP_MD_CTX *header;                /* over the covered fields */
	unsigned char body[DIGEST];
};

static void add_name(struct hashes *h, struct str name)
{
	if (h->names.n > 0)
		buf_add_char(&h->names, ':');
	buf_add_str(&h->names, name);
}

/* Lowest first. False: a field was too long, which a header within LIMIT_HEADER can't be. */
static bool cover(struct hashes *h, const struct found *found, struct str name, size_t times)
{
	struct buf canonical;
	bool ok = true;

	buf_init(&canonical, LIMIT_HEADER + LIMIT_TOP_FIELDS);
	for (size_t i = 0; i < times && ok; i++) {
		buf_clear(&canonical);
		ok = canon_header(&canonical, CANON_RELAXED,
			found->raw[(found->count - 1 - i) % LIMIT_SIGN_SAME_FIELD], false);
		EVP_DigestUpdate(h->header, canonical.p, canonical.n);
		add_name(h, name);
	}
	buf_finish(&canonical);
	return ok;
}

static bool hash_header(struct hashes *h, const struct sign_dkim_job *job, const struct found *found)
{
	unsigned over = job->submitted ? OVER_SUBMITTED : OVER_FORWARDED;
	size_t left = LIMIT_SIGN_FIELDS;

	for (size_t i = 0; i < COVERED; i++) {
		size_t times = found[i].count;
		bool again = (covered[i].over & over) && times < LIMIT_SIGN_SAME_FIELD;

		if (times > LIMIT_SIGN_SAME_FIELD)
			times = LIMIT_SIGN_SAME_FIELD;
		if (times + again > left)
			continue;
		if (!cover(h, &found[i], covered[i].name, times))
			return false;
		if (again)
			add_name(h, covered[i].name);
		left -= times + again;
	}
	return true;
}

static void sha256_sink(void *arg, const void *p, size_t n)
{
	EVP_DigestUpdate(arg, p, n);
}

static void canon_piece(void *arg, struct str piece)
{
	canon_body_add(arg, piece);
}

static bool hash_body(struct hashes *h, const struct content *content, struct why *why)
{
	EVP_MD_CTX *sha256 = EVP_MD_CTX_new();
	struct canon_body canon;
	bool ok = sha256 != NULL && EVP_DigestInit_ex(sha256, EVP_sha256(), NULL) > 0;

	if (!ok) {
		EVP_MD_CTX_free(sha256);
		return why_set(why, "OpenSSL has no SHA-256");
	}
	canon_body_init(&canon, CANON_RELAXED, sha256_sink, sha256);
	ok = content_walk(content, content_body(content), canon_piece, &canon, why);
	canon_body_end(&canon);
	EVP_DigestFinal_ex(sha256, h->body, NULL);
	EVP_MD_CTX_free(sha256);
	return ok;
}

/* A field being written in lines of COLUMNS. */
struct fold {
	struct buf *out;
	size_t column;
};

/* A word that may not be broken, behind a blank or a new line. */
static void fold_word(struct fold *f, struct str word)
{
	if (f->column + 1 + word.n > COLUMNS) {
		buf_add_str(f->out, STR("\r\n\t"));
		f->column = TAB;
	} else {
		buf_add_char(f->out, ' ');
		f->column++;
	}
	buf_add_str(f->out, word);
	f->column += word.n;
}

static void fold_tag(struct fold *f, const char *tag, const char *value)
{
	struct buf word;

	buf_init(&word, LIMIT_TOP_FIELDS);
	buf_addf(&word, "%s=%s;", tag, value);
	fold_word(f, buf_str(&word));
	buf_finish(&word);
}

/* h= may be folded behind any colon (RFC 6376 section 3.5). */
static void fold_names(struct fold *f, struct str names)
{
	bool first = true;

	while (names.n > 0) {
		struct str name = str_cut(&names, ':');
		size_t n = name.n + 1;

		if (first) {
			fold_word(f, STR("h="));
		} else if (f->column + n > COLUMNS) {
			buf_add_str(f->out, STR("\r\n\t "));
			f->column = TAB + 1;
		}
		buf_add_str(f->out, name);
		buf_add_char(f->out, names.n > 0 ? ':' : ';');
		f->column += n;
		first = false;
	}
}

static void fold_base64(struct fold *f, struct str text)
{
	while (text.n > 0) {
		struct str piece = str_head(text, COLUMNS - f->column);

		buf_add_str(f->out, piece);
		text = str_skip(text, piece.n);
		if (text.n > 0)
			buf_add_str(f->out, STR("\r\n\t "));
		f->column = TAB + 1;
	}
}

static void write_tags(struct fold *f, const struct sign_dkim_job *job, const struct sign_key_loaded *key,
	const struct hashes *h)
{
	struct buf text;

	buf_init(&text, LIMIT_TOP_FIELDS);
	fold_tag(f, "v", "1");
	fold_tag(f, "a", sign_key_algorithm(key->kind));
	fold_tag(f, "c", "relaxed/relaxed");
	fold_tag(f, "d", key->domain);
	fold_tag(f, "s", key->selector);
	buf_addf(&text, "%lld", (long long)(job->now / 1000));
	fold_tag(f, "t", buf_text(&text));
	fold_names(f, buf_str(&h->names));
	buf_clear(&text);
	base64_encode(&text, h->body, DIGEST);
	fold_tag(f, "bh", buf_text(&text));
	buf_add_str(f->out, STR("\r\n\tb="));
	f->column = TAB + 2;
	buf_finish(&text);
}

/* The covered fields, then the signature's own field with an empty b= and no CRLF (RFC 6376 section 3.7). */
static bool hash_signed(const struct hashes *h, struct str field, unsigned char digest[DIGEST])
{
	EVP_MD_CTX *sha256 = EVP_MD_CTX_new();
	struct buf canonical;
	bool ok = sha256 != NULL && EVP_MD_CTX_copy_ex(sha256, h->header) > 0;

	buf_init(&canonical, LIMIT_TOP_FIELDS);
	ok = ok && canon_header(&canonical, CANON_RELAXED, field, true)
		&& EVP_DigestUpdate(sha256, canonical.p, canonical.n) > 0
		&& EVP_DigestFinal_ex(sha256, digest, NULL) > 0;
	buf_finish(&canonical);
	EVP_MD_CTX_free(sha256);
	return ok;
}

static bool write_signature(struct buf *out, const struct sign_dkim_job *job, const struct sign_key_loaded *key,
	const struct hashes *h, struct why *why)
{
	unsigned char digest[DIGEST], signature[SIGNATURE_MAX];
	struct buf text;
	struct fold f = { .out = out };
	size_t n;

	buf_add_str(out, STR("DKIM-Signature:"));
	f.column = out->n;
	write_tags(&f, job, key, h);
	if (!hash_signed(h, buf_str(out), digest))
		return why_set(why, "the signature's field is too long");
	n = sign_key_sign(key, digest, signature, sizeof signature, why);
	if (n == 0)
		return false;
	buf_init(&text, LIMIT_TOP_FIELDS);
	base64_encode(&text, signature, n);
	fold_base64(&f, buf_str(&text));
	buf_finish(&text);
	buf_add_str(out, STR("\r\n"));
	return !out->over;
}

static void write_signatures(struct buf *out, const struct sign_dkim_job *job, const struct hashes *h,
	struct why *why)
{
	struct buf field;

	buf_init(&field, LIMIT_TOP_FIELDS);
	for (size_t i = 0; i < job->key_count; i++) {
		buf_clear(&field);
		if (write_signature(&field, job, &job->keys[i], h, why))
			buf_add_str(out, buf_str(&field));
	}
	buf_finish(&field);
}

static bool hash_and_sign(struct buf *out, const struct sign_dkim_job *job, const struct found *found, struct why *why)
{
	struct hashes h = { .header = EVP_MD_CTX_new() };
	bool ok;

	buf_init(&h.names, LIMIT_TOP_FIELDS);
	ok = h.header != NULL && EVP_DigestInit_ex(h.header, EVP_sha256(), NULL) > 0
		? hash_header(&h, job, found) || why_set(why, "a header field is too long")
		: why_set(why, "OpenSSL has no SHA-256");
	ok = ok && hash_body(&h, job->content, why);
	if (ok)
		write_signatures(out, job, &h, why);
	EVP_MD_CTX_free(h.header);
	buf_finish(&h.names);
	return ok;
}

bool sign_dkim(struct buf *out, const struct sign_dkim_job *job, struct why *why)
{
	struct found *found = mem_alloc(COVERED * sizeof *found);
	bool ok = true;

	find_fields(job->extra, found);
	find_fields(content_header(job->content), found);
	if (found[0].count == 1)           /* From */
		ok = hash_and_sign(out, job, found, why);
	free(found);
	return ok;
}
