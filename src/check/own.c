/*
 * own.c - does this mail claim to be from us?
 *
 * From     check.c, after the final dot.
 * Never    misses one for being badly written: several From fields, one of many authors, and a
 *          field that can't be read count like a plain one, as what we forward may pass for ours.
 * See      design.md, promise 8.
 *
 * Two kinds are ours. The domains that are served here, with all below them. And the organisations
 * of the names that stand behind what we forward (srs_domain, d= of the keys that sign it, our
 * HELO): by relaxed alignment these vouch for the whole organisation.
 */
#include "own.h"

#include "from.h"

bool own_covers(struct str domain, struct str name)
{
	return domain.n > 0 && str_iends(name, domain) &&
		(name.n == domain.n || name.p[name.n - domain.n - 1] == '.');
}

/* Would a pass of ours for sender be one for this author as well? The list says so, or the DNS,
 * which those behind us will ask. */
static bool vouches(struct str sender, struct str author, struct str by_dns)
{
	struct str organisation = dmarc_organisation(sender);

	if (str_ieq(dmarc_organisation(author), organisation))
		return true;
	return str_find(by_dns, '.') > 0 && own_covers(by_dns, sender) &&
		own_covers(by_dns, author);
}

static const char *claim_of(const struct check_own *own, struct str author, struct str by_dns)
{
	for (size_t i = 0; i < own->domain_count; i++)
		if (own_covers(str_of(own->domains[i]), author))
			return own->domains[i];
	for (size_t i = 0; i < own->sender_count; i++)
		if (vouches(str_of(own->senders[i]), author, by_dns))
			return own->senders[i];
	return NULL;
}

static const char *mentioned(const struct check_own *own, const struct from *from)
{
	for (size_t i = 0; i < own->domain_count; i++)
		if (from_mentions(from, str_of(own->domains[i])))
			return own->domains[i];
	for (size_t i = 0; i < own->sender_count; i++)
		if (from_mentions(from, dmarc_organisation(str_of(own->senders[i]))))
			return own->senders[i];
	return NULL;
}

static const char *claimed(const struct check_own *own, const struct from *from, struct str by_dns)
{
	const char *claim = NULL;

	for (size_t i = 0; i < from->n && !claim; i++)
		claim = claim_of(own, from->domains[i], by_dns);
	return claim || (!from->unreadable && !from->nobody) ? claim : mentioned(own, from);
}

const char *own_claimed(const struct check_own *own, struct str header, const char *by_dns)
{
	struct arena *arena = arena_create();
	struct from from;
	const char *claim;

	from_read(&from, header, arena);
	claim = claimed(own, &from, str_of(by_dns));
	arena_destroy(&arena);
	return claim;
}
