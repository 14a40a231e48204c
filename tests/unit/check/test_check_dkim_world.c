/*
 * test_check_dkim_world.c - a DNS, messages and a signer for the tests of check_dkim
 *
 * The signer is written for its own sake, from RFC 6376 section 3.7; it shares with the verifier only mail/canon.h.
 */
#include "test_check_dkim_world.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/must.h"
#include "mail/canon.h"
#include "mail/header.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RECORDS = 64, ROOM = 64 << 20 };

/* ---- DNS ---- */

static struct record {
	char *name;
	struct str text;
	enum dns_status status;
} records[RECORDS];
static size_t record_count, asked, answered, at_once;

void world_clear(void)
{
	for (size_t i = 0; i < record_count; i++) {
		free(records[i].name);
		free((char *)records[i].text.p);
	}
	record_count = asked = answered = at_once = 0;
}

static void add_record(const char *name, struct str text, enum dns_status status)
{
	must(record_count < RECORDS);
	records[record_count++] = (struct record){ mem_string(name), str_make(mem_copy(text.p, text.n), text.n), status };
}

void world_record(const char *name, struct str text)
{
	add_record(name, text, DNS_OK);
}

void world_status(const char *name, enum dns_status status)
{
	add_record(name, STR(""), status);
}

size_t world_asked(void)
{
	return asked;
}

size_t world_asked_at_once(void)
{
	return at_once;
}

struct question {
	struct job job;
	struct job *later;
	char *name;
	dns_heard *heard;
	void *waiter;
};

static void question_cancel(struct job *job)
{
	struct question *q = (struct question *)job;

	job_cancel(&q->later);
	free(q->name);
	free(q);
}

static void answer(void *arg)
{
	struct question *q = arg;
	struct dns_record found[RECORDS];
	struct dns_answer a = { .status = DNS_NXDOMAIN, .v = found };
	dns_heard *heard = q->heard;
	void *waiter = q->waiter;

	if (answered++ == 0)
		at_once = asked;
	for (size_t i = 0; i < record_count; i++) {
		if (strcmp(records[i].name, q->name) != 0)
			continue;
		a.status = records[i].status;
		if (a.status == DNS_OK)
			found[a.n++] = (struct dns_record){ .data = records[i].text };
	}
	q->later = NULL;
	question_cancel(&q->job);
	heard(waiter, &a);
}

/* In place of net/dns.c */
struct job *dns_ask(struct dns *d, struct str name, enum dns_type type, dns_heard *heard, void *waiter)
{
	struct question *q = mem_alloc(sizeof *q);

	(void)d;
	must(type == DNS_TXT);
	q->job.cancel = question_cancel;
	q->name = mem_copy(name.p, name.n);
	q->heard = heard;
	q->waiter = waiter;
	q->later = loop_later(world_loop(), answer, q);
	asked++;
	return &q->job;
}

/* ---- messages ---- */

static struct loop *loop;

struct loop *world_loop(void)
{
	struct why why = { 0 };

	if (loop == NULL)
		loop = loop_create(2, &why);
	must(loop != NULL);
	return loop;
}

struct message *world_message(struct str text, bool in_file)
{
	struct message *m = message_create();
	struct content *c = &m->content;
	ptrdiff_t end = content_find_header_end(text);

	c->size = text.n;
	c->header = end < 0 ? text.n : (size_t)end;
	if (!in_file) {
		c->memory.max = text.n;
		buf_add_str(&c->memory, text);
		return m;
	}
	c->memory.max = c->header + 3;
	buf_add_str(&c->memory, str_head(text, c->header + 3));
	c->fd = memfd_create("content", MFD_CLOEXEC);
	c->at = 100;                       /* behind an envelope */
	must(c->fd >= 0 && pwrite(c->fd, text.p, text.n, c->at) == (ssize_t)text.n);
	return m;
}

static struct check_dkim_verdict last;

static void verdict_done(void *waiter, const struct check_dkim_verdict *verdict)
{
	last = *verdict;
	loop_stop(waiter);
}

struct check_dkim_verdict world_check(struct message *m)
{
	check_dkim(world_loop(), NULL, m, verdict_done, world_loop());
	loop_run(world_loop());
	return last;
}

enum check_dkim_result world_result(struct str text, const char **reason)
{
	static struct check_dkim_signature first;
	struct message *m = world_message(text, false);
	struct check_dkim_verdict verdict = world_check(m);

	must(verdict.n > 0);
	first = verdict.v[0];
	*reason = first.reason;
	message_release(&m);
	return first.result;
}

/* ---- keys ---- */

static EVP_PKEY *keys[WORLD_KEYS];
static char *publics[WORLD_KEYS];

/* 8192 bits in no time: of eight primes, as nothing forbids. */
static EVP_PKEY *long_key(void)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *n = BN_new(), *e = BN_new(), *order = BN_new(), *d = BN_new(), *p = BN_new(), *one = BN_new();
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *from = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *pkey = NULL;

	must(BN_set_word(e, 65537) && BN_one(n) && BN_one(order) && BN_one(one));
	for (int i = 0; i < 8; i++) {
		must(BN_generate_prime_ex(p, 1024, 0, NULL, NULL, NULL));
		must(BN_mul(n, n, p, ctx) && BN_sub(p, p, one) && BN_mul(order, order, p, ctx));
	}
	must(BN_mod_inverse(d, e, order, ctx) != NULL);
	must(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n)
		&& OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e)
		&& OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, d));
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	must(EVP_PKEY_fromdata_init(from) > 0 && EVP_PKEY_fromdata(from, &pkey, EVP_PKEY_KEYPAIR, params) > 0);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(from);
	BN_free(n);
	BN_free(e);
	BN_free(order);
	BN_free(d);
	BN_free(p);
	BN_free(one);
	BN_CTX_free(ctx);
	return pkey;
}

EVP_PKEY *world_key(enum world_key which)
{
	if (keys[which] == NULL)
		keys[which] = which == WORLD_LONG ? long_key() : which == WORLD_SHORT ? EVP_RSA_gen(768)
			: which == WORLD_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_RSA_gen(2048);
	must(keys[which] != NULL);
	return keys[which];
}

const char *world_public(enum world_key which)
{
	unsigned char raw[32], *der = NULL;
	size_t n = sizeof raw;
	struct buf text;

	if (publics[which])
		return publics[which];
	buf_init(&text, 8192);
	if (which == WORLD_ED25519) {
		must(EVP_PKEY_get_raw_public_key(world_key(which), raw, &n));
		base64_encode(&text, raw, n);
	} else {
		int len = i2d_PUBKEY(world_key(which), &der);

		base64_encode(&text, der, (size_t)len);
		OPENSSL_free(der);
	}
	publics[which] = mem_string(buf_text(&text));
	buf_finish(&text);
	return publics[which];
}

void world_finish(void)
{
	world_clear();
	loop_destroy(&loop);
	for (int i = 0; i < WORLD_KEYS; i++) {
		EVP_PKEY_free(keys[i]);
		free(publics[i]);
	}
}

/* ---- signatures ---- */

static void collect(void *arg, const void *p, size_t n)
{
	must(buf_add(arg, p, n));
}

static void add_body_hash(struct buf *out, const struct world_signature *s, enum canon how, struct str body)
{
	const EVP_MD *md = s->sha1 ? EVP_sha1() : EVP_sha256();
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct canon_body canon;
	struct buf text;
	unsigned n;

	buf_init(&text, ROOM);
	canon_body_init(&canon, how, collect, &text);
	canon_body_add(&canon, body);
	canon_body_end(&canon);
	EVP_Digest(text.n ? text.p : "", s->length ? s->length : text.n, digest, &n, md, NULL);
	base64_encode(out, digest, n);
	buf_finish(&text);
}

/* The nth field of that name from below, nth counted from 0. */
static bool from_below(struct str header, struct str name, size_t nth, struct str *raw)
{
	size_t count = header_count(header, name);
	struct header_field field;

	if (nth >= count)
		return false;
	nth = count - 1 - nth;
	while (header_next(&header, &field))
		if (str_ieq(field.name, name) && nth-- == 0) {
			*raw = field.raw;
			return true;
		}
	return false;
}

static void add_fields(struct buf *text, enum canon how, struct str header, const char *names)
{
	struct str rest = str_of(names), raw;

	while (rest.n > 0) {
		struct str name = str_cut(&rest, ':'), before = str_of(names);
		size_t nth = 0;

		before.n = (size_t)(name.p - names);
		while (before.n > 0)
			nth += str_ieq(str_cut(&before, ':'), name);
		if (from_below(header, name, nth, &raw))
			must(canon_header(text, how, raw, false));
	}
}

static void add_signature(struct buf *out, const struct world_signature *s, struct str text)
{
	bool ed = s->key == WORLD_ED25519;
	const EVP_MD *md = s->sha1 ? EVP_sha1() : EVP_sha256();
	unsigned char signature[1024], digest[32];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = sizeof signature;

	EVP_Digest(text.p, text.n, digest, NULL, EVP_sha256(), NULL);
	must(EVP_DigestSignInit(ctx, NULL, ed ? NULL : md, NULL, world_key(s->key)) > 0);
	must(EVP_DigestSign(ctx, signature, &n, ed ? digest : (const unsigned char *)text.p,
		ed ? sizeof digest : text.n) > 0);
	base64_encode(out, signature, n);
	EVP_MD_CTX_free(ctx);
}

/* The field with its body hash; signature: in place of $, and the brackets go. Empty: what they hold goes as well. */
static void add_field(struct buf *out, const char *tags, struct str hash, struct str signature)
{
	bool inside = false;

	buf_addf(out, "DKIM-Signature:");
	for (const char *p = tags; *p; p++) {
		if (*p == '[' || *p == ']') {
			inside = *p == '[';
		} else if (p[0] == 'B' && p[1] == 'H') {
			buf_add_str(out, hash);
			p++;
		} else if (!inside || signature.n > 0) {
			if (*p == '$')
				buf_add_str(out, signature);
			else
				buf_add_char(out, *p);
		}
	}
}

void world_sign(struct buf *out, const struct world_signature *s, struct str message)
{
	struct str canon = str_of(s->canon), header_canon = str_cut(&canon, '/');
	enum canon how = str_eq(header_canon, STR("relaxed")) ? CANON_RELAXED : CANON_SIMPLE;
	enum canon body_how = str_eq(canon, STR("relaxed")) ? CANON_RELAXED : CANON_SIMPLE;
	ptrdiff_t end = content_find_header_end(message);
	size_t header = end < 0 ? message.n : (size_t)end;
	struct buf hash, bare, text, signature;

	buf_init(&hash, 100);
	buf_init(&bare, ROOM);
	buf_init(&text, ROOM);
	buf_init(&signature, 4096);
	add_body_hash(&hash, s, body_how, str_skip(message, header + 2));
	add_fields(&text, how, str_head(message, header), s->names ? s->names : "from:to:subject");
	add_field(&bare, s->tags, buf_str(&hash), STR_NONE);
	must(canon_header(&text, how, buf_str(&bare), true));
	add_signature(&signature, s, buf_str(&text));
	add_field(out, s->tags, buf_str(&hash), buf_str(&signature));
	buf_add_str(out, STR("\r\n"));
	buf_add_str(out, message);
	must(!out->over);
	buf_finish(&hash);
	buf_finish(&bare);
	buf_finish(&text);
	buf_finish(&signature);
}
