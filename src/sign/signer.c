/*
 * signer.c - all keys of the config, loaded once
 *
 * From     start-up and reload, with the options.
 * To       sign.c, a reference for each job.
 * Owns     the keys, until the next reload; jobs that run keep references of their own.
 * Fails    by telling each key's problem at its place in the config.
 */
#include "signer.h"
#include "base/limits.h"
#include "base/mem.h"

#include <stdlib.h>

enum { RSA_GOOD_BITS = 2048 };             /* RFC 8301 section 3.2: signers SHOULD */

struct signer {
	struct sign_key_loaded *keys;
	size_t count;
	char *forward_domain;              /* NULL: forwarded mail is not signed */
};

static bool load_key(struct config *c, const struct sign_key *from, struct sign_key_loaded *to)
{
	struct why why = { 0 };

	if (!sign_key_load(to, from->path, str_of(from->pem), &why)) {
		config_error(c, from->node, "%s; `waypost keygen -d %s -s %s` makes one", why.text, from->domain,
			from->selector);
		return false;
	}
	to->domain = mem_string(from->domain);
	to->selector = mem_string(from->selector);
	if (to->kind == SIGN_KEY_RSA && to->bits < RSA_GOOD_BITS)
		config_warn(c, from->node, "this RSA key has %d bits, which some receivers take for weak; use %d",
			to->bits, RSA_GOOD_BITS);
	if (from->path != NULL)
		config_check_private(c, from->node, from->path);
	return true;
}

struct signer *signer_create(struct config *c, const struct sign_options *options)
{
	struct signer *s = mem_alloc(sizeof *s);
	size_t n = options->enable ? options->key_count : 0;
	bool ok = true;

	s->keys = mem_alloc((n + 1) * sizeof *s->keys);
	s->forward_domain = mem_string(options->forward_domain);
	for (size_t i = 0; i < n; i++) {
		if (load_key(c, &options->keys[i], &s->keys[s->count]))
			s->count++;
		else
			ok = false;
	}
	if (!ok)
		signer_destroy(&s);
	return s;
}

void signer_destroy(struct signer **s)
{
	struct signer *gone = *s;

	*s = NULL;
	if (gone == NULL)
		return;
	for (size_t i = 0; i < gone->count; i++)
		sign_key_finish(&gone->keys[i]);
	free(gone->keys);
	free(gone->forward_domain);
	free(gone);
}

size_t signer_keys(const struct signer *s, struct str from_domain, struct sign_key_loaded *out)
{
	struct str domain = from_domain.n > 0 ? from_domain : str_of(s->forward_domain);
	size_t n = 0;

	for (size_t i = 0; i < s->count && n < LIMIT_SIGN_KEYS && domain.n > 0; i++)
		if (str_ieq(str_of(s->keys[i].domain), domain))
			out[n++] = sign_key_keep(&s->keys[i]);
	return n;
}
