/*
 * spf_run.c - what the parts of the evaluator share: asking, the client's name, problems
 *
 * From     spf_eval.c and spf_macro.c.
 * Never    counts terms: that is spf_eval.c's.
 * See      RFC 7208 sections 5.5, 7.2 (%{p}).
 */
#include "spf_run.h"
#include "spf_name.h"

#include <stdarg.h>
#include <stdio.h>

const struct spf_found *spf_run_ask_host(struct spf_run *run, struct str host, enum dns_type type)
{
	static const struct spf_found no_such_name = { .status = DNS_NXDOMAIN };
	static const struct spf_found not_here = { .status = DNS_TEMPORARY };

	if (host.n == 0)
		return &no_such_name;
	const struct spf_found *f = run->lookup(run->arg, host, type);
	if (f == NULL)
		run->missing = true;
	return f ? f : &not_here;
}

const struct spf_found *spf_run_ask(struct spf_run *run, struct str name, enum dns_type type)
{
	struct str host = STR_NONE;

	if (!spf_name_to_dns(name, run->scratch, &host))
		host = STR_NONE;
	return spf_run_ask_host(run, host, type);
}

enum dns_type spf_run_address_type(const struct spf_run *run)
{
	return run->who->client.v6 ? DNS_AAAA : DNS_A;
}

const struct spf_found *spf_run_reverse(struct spf_run *run)
{
	char name[80];

	dns_reverse_name(&run->who->client, name);
	return spf_run_ask_host(run, str_of(name), DNS_PTR);
}

static bool has_client(const struct spf_run *run, const struct spf_found *f)
{
	for (size_t i = 0; f->status == DNS_OK && i < f->n; i++)
		if (inet_same(&f->addrs[i], &run->who->client))
			return true;
	return false;
}

static int closeness(struct str name, struct str domain)
{
	if (!spf_name_is_within(name, domain))
		return 1;
	return spf_name_is_within(domain, name) ? 3 : 2;
}

struct str spf_run_client_name(struct spf_run *run, struct str domain)
{
	const struct spf_found *names = spf_run_reverse(run);
	struct str best = STR_NONE;
	int best_is = 0;

	for (size_t i = 0; names->status == DNS_OK && i < names->n; i++) {
		struct str name = names->texts[i];

		/* bytes that only DNS can write are no host's name */
		if (str_find(name, '\\') >= 0
			|| !has_client(run, spf_run_ask_host(run, name, spf_run_address_type(run))))
			continue;
		if (closeness(name, domain) > best_is) {
			best_is = closeness(name, domain);
			best = name;
		}
	}
	return best;
}

void spf_run_copy(char *out, size_t size, struct str text)
{
	size_t n = 0;

	for (; n < text.n && n + 1 < size; n++)
		out[n] = text.p[n] >= ' ' && text.p[n] <= '~' ? text.p[n] : '?';
	out[n] = '\0';
}

enum spf_result spf_run_problem(struct spf_run *run, enum spf_result result, const char *fmt, ...)
{
	char text[sizeof run->answer->problem];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	spf_run_copy(run->answer->problem, sizeof run->answer->problem, str_of(text));
	return result;
}
