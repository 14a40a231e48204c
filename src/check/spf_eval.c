/*
 * spf_eval.c - check_host()
 *
 * From     spf.c, again and again until nothing is missing.
 * To       spf_record.c for the terms, spf_macro.c for names, the lookup for DNS.
 * Never    does I/O, reads a clock, or keeps anything between two runs.
 * Fails    with temperror and permerror, as the RFC has them, and a phrase that says why.
 * See      RFC 7208 sections 4 to 6.
 *
 * A missing answer reads as a failing one, and a failing one ends the evaluation everywhere but in
 * a search for the client's name, the only place where run->missing has to be looked at. (A macro
 * that needs that name looks at it too.)
 */
#include "spf_eval.h"
#include "base/buf.h"
#include "base/must.h"
#include "spf_macro.h"
#include "spf_name.h"
#include "spf_record.h"
#include "spf_run.h"

enum match { MATCH_NO, MATCH_YES, MATCH_TEMPERROR, MATCH_PERMERROR };

static enum spf_result check_host(struct spf_run *run, struct str domain);

static enum match trouble(enum spf_result result)
{
	return result == SPF_TEMPERROR ? MATCH_TEMPERROR : MATCH_PERMERROR;
}

static enum spf_result no_answer(struct spf_run *run, const char *what, struct str name)
{
	return spf_run_problem(run, SPF_TEMPERROR, "DNS failed on the %s of %.*s", what,
		STR_FMT(str_head(name, 80)));
}

/* ---- names in a record ---- */

/* What a domain-spec says, cut to what DNS can take; empty: nothing that could be looked up. */
static bool expand_domain(struct spf_run *run, struct str spec, struct str domain, struct str *out)
{
	struct buf text;

	buf_init(&text, LIMIT_SPF_EXPANSION);
	bool ok = spf_macro_expand(run, spec, domain, &text);
	if (ok)
		*out = arena_str(run->scratch, spf_name_fit(buf_str(&text)));
	else
		spf_run_problem(run, SPF_PERMERROR, "a domain that expands to more than %d bytes",
			LIMIT_SPF_EXPANSION);
	buf_finish(&text);
	return ok;
}

/* Section 4.6.4: terms that cause look-ups, and those whose look-up finds nothing. */

static bool count_term(struct spf_run *run)
{
	if (++run->terms > LIMIT_SPF_TERMS)
		spf_run_problem(
			run, SPF_PERMERROR, "more than %d terms that need DNS", LIMIT_SPF_TERMS);
	return run->terms <= LIMIT_SPF_TERMS;
}

static bool count_void(struct spf_run *run, const struct spf_found *f)
{
	if (f->status == DNS_NXDOMAIN || f->status == DNS_NODATA)
		run->voids++;
	if (run->voids > LIMIT_SPF_VOIDS)
		spf_run_problem(run, SPF_PERMERROR, "more than %d look-ups that found nothing",
			LIMIT_SPF_VOIDS);
	return run->voids <= LIMIT_SPF_VOIDS;
}

/* ---- mechanisms, section 5 ---- */

static enum match match_all(struct spf_run *run, const struct spf_term *t, struct str target)
{
	(void)run;
	(void)t;
	(void)target;
	return MATCH_YES;
}

static enum match match_address(struct spf_run *run, const struct spf_term *t, struct str target)
{
	(void)target;
	return network_has(&t->network, &run->who->client) ? MATCH_YES : MATCH_NO;
}

static bool has_client(
	const struct spf_run *run, const struct spf_term *t, const struct spf_found *f)
{
	for (size_t i = 0; f->status == DNS_OK && i < f->n; i++) {
		struct network n = { f->addrs[i], f->addrs[i].v6 ? t->bits6 : t->bits4 };

		if (network_has(&n, &run->who->client))
			return true;
	}
	return false;
}

static enum match match_a(struct spf_run *run, const struct spf_term *t, struct str target)
{
	const struct spf_found *f = spf_run_ask(run, target, spf_run_address_type(run));

	if (f->status == DNS_TEMPORARY)
		return trouble(no_answer(run, "address", target));
	if (!count_void(run, f))
		return MATCH_PERMERROR;
	return has_client(run, t, f) ? MATCH_YES : MATCH_NO;
}

static enum match match_exists(struct spf_run *run, const struct spf_term *t, struct str target)
{
	const struct spf_found *f = spf_run_ask(run, target, DNS_A);

	(void)t;
	if (f->status == DNS_TEMPORARY)
		return trouble(no_answer(run, "address", target));
	if (!count_void(run, f))
		return MATCH_PERMERROR;
	return f->status == DNS_OK ? MATCH_YES : MATCH_NO;
}

/* All hosts are asked for before one is believed, so that one round trip serves them all; what they
 * say counts in the order of preference. */
static enum match match_hosts(
	struct spf_run *run, const struct spf_term *t, const struct spf_found *mx)
{
	const struct spf_found *host[LIMIT_SPF_NAMES];

	for (size_t i = 0; i < mx->n; i++)
		host[i] = spf_run_ask_host(run, mx->texts[i], spf_run_address_type(run));
	for (size_t i = 0; i < mx->n; i++) {
		if (host[i]->status == DNS_TEMPORARY)
			return trouble(no_answer(run, "address", mx->texts[i]));
		if (has_client(run, t, host[i]))
			return MATCH_YES;
	}
	return MATCH_NO;
}

static enum match match_mx(struct spf_run *run, const struct spf_term *t, struct str target)
{
	const struct spf_found *mx = spf_run_ask(run, target, DNS_MX);

	if (mx->status == DNS_TEMPORARY)
		return trouble(no_answer(run, "MX", target));
	if (!count_void(run, mx))
		return MATCH_PERMERROR;
	if (mx->status != DNS_OK)
		return MATCH_NO;
	if (mx->n > LIMIT_SPF_NAMES)
		return trouble(spf_run_problem(run, SPF_PERMERROR, "more than %d MX hosts of %.*s",
			LIMIT_SPF_NAMES, STR_FMT(str_head(target, 80))));
	return match_hosts(run, t, mx);
}

/* A failing look-up is no match here, and no error (section 5.5): the client's owner made it, not
 * the domain's. */
static enum match match_ptr(struct spf_run *run, const struct spf_term *t, struct str target)
{
	struct str name = spf_run_client_name(run, target);

	(void)t;
	if (run->missing)
		return MATCH_TEMPERROR;
	if (!count_void(run, spf_run_reverse(run)))
		return MATCH_PERMERROR;
	return name.n && spf_name_is_within(name, target) ? MATCH_YES : MATCH_NO;
}

static enum match match_include(struct spf_run *run, const struct spf_term *t, struct str target)
{
	(void)t;
	must(run->inside < LIMIT_SPF_TERMS);
	run->inside++;
	enum spf_result result = check_host(run, target);
	run->inside--;
	switch (result) {
	case SPF_PASS:
		return MATCH_YES;
	case SPF_FAIL:
	case SPF_SOFTFAIL:
	case SPF_NEUTRAL:
		return MATCH_NO;
	case SPF_TEMPERROR:
		return MATCH_TEMPERROR;
	case SPF_NONE:
		spf_run_problem(run, SPF_PERMERROR, "include of %.*s, which has no SPF record",
			STR_FMT(str_head(target, 80)));
		return MATCH_PERMERROR;
	case SPF_PERMERROR:
		break;
	}
	return MATCH_PERMERROR;
}

static const struct handler {
	bool asks;               /* DNS: it counts, and has a target */
	enum match (*match)(struct spf_run *run, const struct spf_term *t, struct str target);
} handlers[] = {
	[SPF_ALL] = { false, match_all },
	[SPF_INCLUDE] = { true, match_include },
	[SPF_A] = { true, match_a },
	[SPF_MX] = { true, match_mx },
	[SPF_PTR] = { true, match_ptr },
	[SPF_IP4] = { false, match_address },
	[SPF_IP6] = { false, match_address },
	[SPF_EXISTS] = { true, match_exists },
};

static enum match match(struct spf_run *run, const struct spf_term *t, struct str domain)
{
	const struct handler *h = &handlers[t->mechanism];
	struct str target = domain;

	if (h->asks && !count_term(run))
		return MATCH_PERMERROR;
	if (t->domain.n && !expand_domain(run, t->domain, domain, &target))
		return MATCH_PERMERROR;
	return h->match(run, t, target);
}

/* ---- records ---- */

/* Section 6.2: whatever is wrong with an explanation, there is none then. */
static void explain(struct spf_run *run, struct str exp, struct str domain)
{
	struct str name = STR_NONE;
	struct buf text;

	if (!expand_domain(run, exp, domain, &name) || !spf_name_is_checkable(name))
		return;
	const struct spf_found *f = spf_run_ask(run, name, DNS_TXT);
	if (f->status != DNS_OK || !f->only || f->texts[0].n > LIMIT_SPF_RECORD
		|| !spf_macro_is_explanation(f->texts[0]))
		return;
	buf_init(&text, LIMIT_SPF_EXPANSION);
	if (spf_macro_expand(run, f->texts[0], domain, &text))
		spf_run_copy(
			run->answer->explanation, sizeof run->answer->explanation, buf_str(&text));
	buf_finish(&text);
}

static enum spf_result matched(struct spf_run *run, const struct spf_record *r,
	const struct spf_term *t, struct str domain)
{
	if (run->inside)
		return t->qualifier;
	spf_run_copy(run->answer->mechanism, sizeof run->answer->mechanism, t->text);
	if (t->qualifier == SPF_FAIL && r->exp.n)
		explain(run, r->exp, domain);
	return t->qualifier;
}

static enum spf_result redirect(struct spf_run *run, const struct spf_record *r, struct str domain)
{
	struct str target = STR_NONE;

	if (!count_term(run) || !expand_domain(run, r->redirect, domain, &target))
		return SPF_PERMERROR;
	enum spf_result result = check_host(run, target);
	if (result == SPF_NONE)
		return spf_run_problem(run, SPF_PERMERROR,
			"redirect to %.*s, which has no SPF record", STR_FMT(str_head(target, 80)));
	return result;
}

static enum spf_result evaluate(struct spf_run *run, const struct spf_record *r, struct str domain)
{
	struct str terms = r->terms;
	struct spf_term t;

	while (spf_record_next(&terms, &t)) {
		switch (match(run, &t, domain)) {
		case MATCH_YES:
			return matched(run, r, &t, domain);
		case MATCH_TEMPERROR:
			return SPF_TEMPERROR;
		case MATCH_PERMERROR:
			return SPF_PERMERROR;
		case MATCH_NO:
			break;
		}
	}
	if (r->redirect.n)
		return redirect(run, r, domain);
	if (run->inside == 0)
		spf_run_copy(run->answer->mechanism, sizeof run->answer->mechanism, STR("default"));
	return SPF_NEUTRAL;
}

/* Sections 4.5 and 4.6. */
static enum spf_result use_record(struct spf_run *run, struct str text, struct str domain)
{
	struct spf_record r;
	char problem[128];

	if (text.n > LIMIT_SPF_RECORD)
		return spf_run_problem(run, SPF_PERMERROR,
			"%.*s: an SPF record of more than %d bytes", STR_FMT(str_head(domain, 60)),
			LIMIT_SPF_RECORD);
	if (!spf_record_parse(&r, text, problem))
		return spf_run_problem(
			run, SPF_PERMERROR, "%.*s: %s", STR_FMT(str_head(domain, 60)), problem);
	return evaluate(run, &r, domain);
}

static enum spf_result check_host(struct spf_run *run, struct str domain)
{
	struct str record = STR_NONE;

	if (!spf_name_is_checkable(domain))
		return SPF_NONE;
	const struct spf_found *f = spf_run_ask(run, domain, DNS_TXT);
	if (f->status == DNS_TEMPORARY)
		return no_answer(run, "SPF record", domain);
	for (size_t i = 0; f->status == DNS_OK && i < f->n; i++) {
		if (!spf_answers_is_record(f->texts[i]))
			continue;
		if (record.n)
			return spf_run_problem(run, SPF_PERMERROR, "%.*s has several SPF records",
				STR_FMT(str_head(domain, 80)));
		record = f->texts[i];
	}
	return record.n ? use_record(run, record, domain) : SPF_NONE;
}

/* ---- one run ---- */

bool spf_eval(
	const struct spf_identity *who, spf_lookup *lookup, void *arg, struct spf_answer *answer)
{
	struct spf_run run = { .who = who, .lookup = lookup, .arg = arg, .answer = answer };

	*answer = (struct spf_answer){ .result = SPF_NONE };
	run.scratch = arena_create();
	spf_run_copy(answer->domain, sizeof answer->domain, str_of(who->name));
	answer->result = check_host(&run, who->domain);
	/* an explanation that was given up is no problem of the check */
	if (answer->result != SPF_TEMPERROR && answer->result != SPF_PERMERROR)
		answer->problem[0] = '\0';
	arena_destroy(&run.scratch);
	return !run.missing;
}
