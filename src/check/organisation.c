/*
 * organisation.c - whose domain is this? As the public suffix list says, without asking anybody
 *
 * From     check.c and own.c, for what must be known about ourselves and about the sender; dmarc.c,
 *          for domains that publish no DMARC record at all.
 * Owns     the list, read once: the system's (package publicsuffix), else the one in libpsl.
 * Never    does a look-up. Loop's thread only.
 */
#include "check/dmarc.h"

#include "base/limits.h"

#include <libpsl.h>
#include <stdio.h>

static const psl_ctx_t *list(void)
{
	static psl_ctx_t *latest;

	if (!latest)
		latest = psl_latest(NULL);
	return latest ? latest : psl_builtin();
}

struct str dmarc_organisation(struct str domain)
{
	char name[LIMIT_DOMAIN + 1];
	const psl_ctx_t *psl = list();
	const char *found;

	if (domain.n == 0 || domain.n >= sizeof(name) || domain.p[0] == '[' || !psl)
		return domain;
	snprintf(name, sizeof(name), "%.*s", STR_FMT(domain));
	found = psl_registrable_domain(psl, name);
	/* a public suffix itself stands for itself */
	return found ? str_skip(domain, (size_t)(found - name)) : domain;
}
