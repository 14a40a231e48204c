/*
 * check_dkim_hash.c - what a signature covers, hashed
 *
 * From     check_dkim_verify.c, on a worker.
 * Owns     an index of the header's fields, so that a long h= and many fields cost no more than their
 *          bytes.
 * Never    holds more of a body than a piece of it.
 * See      RFC 6376 sections 3.4.5 (l=), 3.7 (the hashes), 5.4.2 (fields of one name: bottom-up).
 */
#include "check_dkim_hash.h"
#include "base/mem.h"
#include "base/must.h"
#include "mail/header.h"
#include "mail/taglist.h"

#include <stdlib.h>

/* ---- the body ---- */

size_t check_dkim_hash_want(struct check_dkim_bodies *b, enum canon how, const EVP_MD *hash,
	uint64_t length)
{
	size_t i = 0;

	while (i < b->n && (b->v[i].how != how || b->v[i].hash != hash || b->v[i].length != length))
		i++;
	if (i == b->n) {
		must(b->n < LIMIT_DKIM_SIGNATURES);
		b->v[b->n++] = (struct check_dkim_body_hash){
			.hash = hash, .how = how, .length = length,
		};
	}
	return i;
}

/* The sink of one canonical form, for all hashes over it. */
struct form {
	struct check_dkim_bodies *b;
	struct canon_body canon;
	bool wanted;
};

static void add_canonical(void *arg, const void *p, size_t n)
{
	struct form *form = arg;

	for (size_t i = 0; i < form->b->n; i++) {
		struct check_dkim_body_hash *h = &form->b->v[i];

		if (h->how != form->canon.how)
			continue;
		uint64_t left = h->seen < h->length ? h->length - h->seen : 0;

		if (left > 0)
			EVP_DigestUpdate(h->ctx, p, left < n ? (size_t)left : n);
		h->seen += n;
	}
}

static void add_piece(void *arg, struct str piece)
{
	struct form *forms = arg;

	for (int how = CANON_SIMPLE; how <= CANON_RELAXED; how++)
		if (forms[how].wanted)
			canon_body_add(&forms[how].canon, piece);
}

bool check_dkim_hash_bodies(struct check_dkim_bodies *b, const struct content *content,
	struct why *why)
{
	struct form forms[2] = { { .b = b }, { .b = b } };
	bool ok;

	for (size_t i = 0; i < b->n; i++) {
		b->v[i].ctx = EVP_MD_CTX_new();
		if (b->v[i].ctx == NULL || EVP_DigestInit_ex(b->v[i].ctx, b->v[i].hash, NULL) <= 0)
			return why_set(why, "OpenSSL lacks a hash");
		forms[b->v[i].how].wanted = true;
	}
	for (int how = CANON_SIMPLE; how <= CANON_RELAXED; how++)
		canon_body_init(&forms[how].canon, (enum canon)how, add_canonical, &forms[how]);
	ok = content_walk(content, content_body(content), add_piece, forms, why);
	for (int how = CANON_SIMPLE; how <= CANON_RELAXED; how++)
		canon_body_end(&forms[how].canon);
	for (size_t i = 0; i < b->n; i++)
		EVP_DigestFinal_ex(b->v[i].ctx, b->v[i].digest, &b->v[i].digest_n);
	return ok;
}

void check_dkim_hash_finish(struct check_dkim_bodies *b)
{
	for (size_t i = 0; i < b->n; i++)
		EVP_MD_CTX_free(b->v[i].ctx);
	b->n = 0;
}

/* ---- the header ---- */

struct field {
	struct str raw;
	const struct field *above;         /* the next of the same name; NULL: none */
};

struct name {
	const struct field *lowest, *next;
	unsigned turn;                     /* of the signature that next belongs to */
};

struct check_dkim_fields {
	/* owned */
	struct field *v;
	struct map *names;
	struct buf key, canonical;         /* room to work in */
	/* state */
	unsigned turn;
};

static struct str lower(struct buf *key, struct str name)
{
	buf_clear(key);
	for (size_t i = 0; i < name.n; i++)
		buf_add_char(key, str_lower(name.p[i]));
	return buf_str(key);
}

static struct name *name_for(struct check_dkim_fields *h, struct str text)
{
	struct str key = lower(&h->key, text);
	struct name *name = map_get(h->names, key);

	if (name == NULL) {
		name = mem_alloc(sizeof *name);
		map_put(h->names, key, name);
	}
	return name;
}

struct check_dkim_fields *check_dkim_hash_fields(struct str header)
{
	struct check_dkim_fields *h = mem_alloc(sizeof *h);
	struct str rest = header;
	struct header_field field;
	size_t n = 0;

	while (header_next(&rest, &field))
		n++;
	h->v = mem_alloc((n + 1) * sizeof *h->v);
	h->names = map_create();
	buf_init(&h->key, header.n);
	buf_init(&h->canonical, header.n + 2);
	rest = header;
	for (size_t i = 0; header_next(&rest, &field); i++) {
		struct name *name = field.name.n > 0 ? name_for(h, field.name) : NULL;

		if (name == NULL)
			continue;
		h->v[i] = (struct field){ field.raw, name->lowest };
		name->lowest = &h->v[i];
	}
	return h;
}

void check_dkim_hash_fields_drop(struct check_dkim_fields **h)
{
	struct check_dkim_fields *gone = *h;

	*h = NULL;
	if (gone == NULL)
		return;
	map_destroy(&gone->names, free);
	buf_finish(&gone->key);
	buf_finish(&gone->canonical);
	free(gone->v);
	free(gone);
}

/* The lowest field of that name that this signature has not taken yet; NULL: none. It never covers
 * itself. */
static const struct field *take(struct check_dkim_fields *h, struct str text, struct str own)
{
	struct name *name = text.n > 0 ? map_get(h->names, lower(&h->key, text)) : NULL;
	const struct field *field;

	if (name == NULL)
		return NULL;
	if (name->turn != h->turn) {
		name->turn = h->turn;
		name->next = name->lowest;
	}
	if (name->next && name->next->raw.p == own.p)
		name->next = name->next->above;
	field = name->next;
	if (field)
		name->next = field->above;
	return field;
}

static void hash_field(struct check_dkim_fields *h, EVP_MD_CTX *ctx, enum canon how, struct str raw,
	bool last)
{
	buf_clear(&h->canonical);
	must(canon_header(&h->canonical, how, raw, last));
	EVP_DigestUpdate(ctx, h->canonical.p, h->canonical.n);
}

static void hash_own(struct check_dkim_fields *h, EVP_MD_CTX *ctx,
	const struct check_dkim_covered *covered)
{
	size_t before = (size_t)(covered->cut.p - covered->own.p);
	struct buf own;

	buf_init(&own, covered->own.n);
	buf_add_str(&own, str_head(covered->own, before));
	buf_add_str(&own, str_skip(covered->own, before + covered->cut.n));
	hash_field(h, ctx, covered->how, buf_str(&own), true);
	buf_finish(&own);
}

size_t check_dkim_hash_header(struct check_dkim_fields *h, const struct check_dkim_covered *covered,
	unsigned char digest[EVP_MAX_MD_SIZE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct str names = covered->names, name;
	unsigned n = 0;

	h->turn++;
	if (ctx && EVP_DigestInit_ex(ctx, covered->hash, NULL) > 0) {
		while (taglist_item(&names, &name)) {
			const struct field *field = take(h, name, covered->own);

			if (field)
				hash_field(h, ctx, covered->how, field->raw, false);
		}
		hash_own(h, ctx, covered);
		if (EVP_DigestFinal_ex(ctx, digest, &n) <= 0)
			n = 0;
	}
	EVP_MD_CTX_free(ctx);
	return n;
}
