/*
 * dmarc.c - does the domain that the reader sees in From stand behind the message?
 *
 * From     check.c, with the header and what SPF and DKIM found.
 * To       dmarc_walk.c, first for From's domain, then for each domain below the same organisation
 *          that passed; most messages need no second walk: names are equal, or strangers.
 * Owns     copies of the names; nothing of the question is kept.
 * Never    passes for less than a whole equal name or an equal organisation, and never fails a
 *          message for an answer that could not be had.
 * Fails    with DMARC_TEMPERROR, when what is missing could have changed the result.
 * See      RFC 9989 sections 4.10 and 5.3.
 *
 *   start -> author walk -> (does the author's name exist?) -> the others' walks -> judge
 */
#include "check/dmarc.h"

#include "base/mem.h"
#include "dmarc_walk.h"
#include "from.h"

#include <stdio.h>
#include <stdlib.h>

/* A domain that SPF or DKIM vouched for, or might have. */
struct voucher {
	struct str domain;
	bool spf;
	bool temporary;                  /* the result itself is still out */
	struct voucher_walk *walking;   /* its own walk is needed */
};

/* A walk for one voucher. */
struct voucher_walk {
	struct asking *asking;
	struct job *job;
	struct dmarc_walk walk;
};

struct asking {
	struct job job;
	/* owned */
	struct arena *arena;
	struct dmarc_walk author;
	struct voucher *vouchers;
	size_t voucher_count;
	struct job *wait;                /* the author's walk, the question for its name, or the end */
	size_t open;                     /* vouchers' walks under way */
	/* borrowed */
	struct loop *loop;
	struct dns *dns;
	dmarc_done *done;
	void *waiter;
	/* state */
	const struct dmarc_step *policy;
	bool policy_temporary, by_record, exists;
	struct str organisation;         /* of the author; empty: can't be told */
	struct dmarc_answer answer;
};

static void destroy(struct asking *a)
{
	job_cancel(&a->wait);
	for (size_t i = 0; i < a->voucher_count; i++)
		if (a->vouchers[i].walking)
			job_cancel(&a->vouchers[i].walking->job);
	arena_destroy(&a->arena);
	free(a);
}

static void cancel(struct job *job)
{
	destroy((struct asking *)job);
}

static void finish(void *waiter)
{
	struct asking *a = waiter;
	struct dmarc_answer answer = a->answer;
	dmarc_done *done = a->done;
	void *asker = a->waiter;

	a->wait = NULL;
	destroy(a);
	done(asker, &answer);
}

/* ---- who vouches ---- */

static bool is_or_is_below(struct str name, struct str domain)
{
	return domain.n > 0 && str_iends(name, domain) &&
		(name.n == domain.n || name.p[name.n - domain.n - 1] == '.');
}

/* One of them, in the form that names are compared in. */
static void add_voucher(struct asking *a, struct str domain, bool spf, bool temporary)
{
	char *name = arena_text(a->arena, domain);
	size_t n = domain.n;

	for (size_t i = 0; i < n; i++) {
		if (name[i] <= ' ' || name[i] > '~')
			return;
		name[i] = str_lower(name[i]);
	}
	if (n > 0 && name[n - 1] == '.')
		n--;
	if (n > 0 && n < sizeof(a->answer.from) && name[0] != '[')
		a->vouchers[a->voucher_count++] = (struct voucher){ .domain = { name, n },
			.spf = spf, .temporary = temporary };
}

static void add_vouchers(struct asking *a, const struct dmarc_question *q)
{
	size_t n = q->dkim ? q->dkim->n : 0;

	a->vouchers = arena_alloc(a->arena, (n + 1) * sizeof(*a->vouchers));
	if (q->spf && (q->spf->result == SPF_PASS || q->spf->result == SPF_TEMPERROR))
		add_voucher(a, str_of(q->spf->domain), true, q->spf->result == SPF_TEMPERROR);
	for (size_t i = 0; i < n; i++) {
		const struct check_dkim_signature *s = &q->dkim->v[i];

		if (!s->partial && (s->result == CHECK_DKIM_PASS ||
			s->result == CHECK_DKIM_TEMPERROR))
			add_voucher(a, s->domain, false, s->result == CHECK_DKIM_TEMPERROR);
	}
}

static bool is_strict(const struct asking *a, const struct voucher *v)
{
	if (!a->policy)
		return false;
	return v->spf ? a->policy->record.spf_strict : a->policy->record.dkim_strict;
}

/* What can be said without asking further. */
enum alignment { ALIGNED, STRANGER, UNKNOWN };

static enum alignment compare_names(const struct asking *a, const struct voucher *v)
{
	struct str author = a->author.domain;

	if (str_eq(v->domain, author))
		return ALIGNED;
	if (is_strict(a, v))
		return STRANGER;
	if (a->organisation.n > 0 && a->by_record)
		return is_or_is_below(v->domain, a->organisation) ? UNKNOWN : STRANGER;
	/* no record anywhere, or an answer is missing */
	if (!str_eq(dmarc_organisation(v->domain), dmarc_organisation(author)))
		return STRANGER;
	return a->organisation.n > 0 ? ALIGNED : UNKNOWN;
}

static enum alignment align(const struct asking *a, const struct voucher *v)
{
	enum alignment how = compare_names(a, v);
	struct str organisation;
	bool by_record;

	if (how != UNKNOWN || !v->walking)
		return how;
	organisation = dmarc_walk_organisation(&v->walking->walk, &by_record);
	if (organisation.n == 0)
		return UNKNOWN;
	return str_eq(organisation, a->organisation) ? ALIGNED : STRANGER;
}

/* ---- the result ---- */

static void set_problem(struct asking *a, const char *text)
{
	snprintf(a->answer.problem, sizeof(a->answer.problem), "%s", text);
}

static enum dmarc_policy policy_of(const struct asking *a)
{
	const struct dmarc_record *r = &a->policy->record;
	enum dmarc_policy policy = a->policy == a->author.steps ? r->p : a->exists ? r->sp : r->np;

	if (r->testing && policy == DMARC_POLICY_REJECT)
		return DMARC_POLICY_QUARANTINE;
	return r->testing ? DMARC_POLICY_NONE : policy;
}

static void judge_vouchers(struct asking *a)
{
	for (size_t i = 0; i < a->voucher_count; i++) {
		const struct voucher *v = &a->vouchers[i];
		enum alignment how = align(a, v);

		if (how == STRANGER)
			continue;
		if (how == UNKNOWN || v->temporary)
			a->answer.undecided = true;
		else if (v->spf)
			a->answer.spf_aligned = true;
		else
			a->answer.dkim_aligned = true;
	}
	if (a->answer.spf_aligned || a->answer.dkim_aligned)
		a->answer.undecided = false;
}

static void judge(struct asking *a)
{
	struct dmarc_answer *answer = &a->answer;
	struct str organisation = a->organisation.n > 0 && a->by_record ? a->organisation
		: dmarc_organisation(a->author.domain);

	snprintf(answer->organisation, sizeof(answer->organisation), "%.*s", STR_FMT(organisation));
	judge_vouchers(a);
	if (a->policy_temporary) {
		answer->result = DMARC_TEMPERROR;
		set_problem(a, "the domain's policy could not be looked up");
	} else if (!a->policy) {
		answer->result = DMARC_NONE;
		set_problem(a, "the domain publishes no policy");
	} else if (!a->policy->record.applies) {
		answer->result = DMARC_PERMERROR;
		set_problem(a, "the domain's record has a policy that does not exist");
	} else if (answer->spf_aligned || answer->dkim_aligned) {
		answer->result = DMARC_PASS;
		answer->policy = policy_of(a);
	} else if (answer->undecided) {
		answer->result = DMARC_TEMPERROR;
		answer->policy = policy_of(a);
		set_problem(a, "what could have passed could not be looked up");
	} else {
		answer->result = DMARC_FAIL;
		answer->policy = policy_of(a);
	}
	finish(a);
}

/* ---- the questions, in their order ---- */

static void voucher_walked(void *waiter)
{
	struct voucher_walk *p = waiter;

	p->job = NULL;
	if (--p->asking->open == 0)
		judge(p->asking);
}

static void walk_vouchers(struct asking *a)
{
	for (size_t i = 0; i < a->voucher_count; i++) {
		struct voucher *v = &a->vouchers[i];

		if (v->temporary || a->organisation.n == 0 || compare_names(a, v) != UNKNOWN)
			continue;
		v->walking = arena_alloc(a->arena, sizeof(*v->walking));
		v->walking->asking = a;
		dmarc_walk_plan(&v->walking->walk, v->domain);
		v->walking->job = dmarc_walk_ask(a->loop, a->dns, &v->walking->walk,
			voucher_walked, v->walking);
		a->open++;
	}
	if (a->open == 0)
		judge(a);
}

/* RFC 9989 section 3.2.13: only NXDOMAIN says that a name does not exist. */
static void heard_existence(void *waiter, const struct dns_answer *answer)
{
	struct asking *a = waiter;

	a->wait = NULL;
	a->exists = answer->status != DNS_NXDOMAIN;
	if (answer->status == DNS_TEMPORARY && a->policy->record.np < a->policy->record.sp)
		a->exists = false;
	walk_vouchers(a);
}

static void author_walked(void *waiter)
{
	struct asking *a = waiter;

	a->wait = NULL;
	a->policy = dmarc_walk_policy(&a->author, &a->policy_temporary);
	a->organisation = dmarc_walk_organisation(&a->author, &a->by_record);
	a->exists = true;
	if (a->policy && a->policy != a->author.steps &&
		a->policy->record.np != a->policy->record.sp)
		a->wait = dns_ask(a->dns, a->author.domain, DNS_A, heard_existence, a);
	else
		walk_vouchers(a);
}

struct job *dmarc_check(struct loop *l, struct dns *dns, const struct dmarc_question *question,
	dmarc_done *done, void *waiter)
{
	struct asking *a = mem_alloc(sizeof(*a));
	struct from from;
	struct str domain;
	const char *problem;

	a->job.cancel = cancel;
	a->arena = arena_create();
	a->loop = l;
	a->dns = dns;
	a->done = done;
	a->waiter = waiter;
	from_read(&from, question->header, a->arena);
	domain = from_domain(&from, &problem);
	a->answer.several = from.fields > 1 || from.n > 1;
	if (problem) {
		a->answer.result = DMARC_FAIL;
		set_problem(a, problem);
		a->wait = loop_later(l, finish, a);
		return &a->job;
	}
	snprintf(a->answer.from, sizeof(a->answer.from), "%.*s", STR_FMT(domain));
	if (domain.p[0] == '[') {
		set_problem(a, "the From address is at an IP address, not a domain");
		a->wait = loop_later(l, finish, a);
		return &a->job;
	}
	add_vouchers(a, question);
	dmarc_walk_plan(&a->author, domain);
	a->wait = dmarc_walk_ask(l, dns, &a->author, author_walked, a);
	return &a->job;
}

const char *dmarc_result_text(enum dmarc_result result)
{
	static const char *const texts[] = { [DMARC_NONE] = "none", [DMARC_PASS] = "pass",
		[DMARC_FAIL] = "fail", [DMARC_TEMPERROR] = "temperror",
		[DMARC_PERMERROR] = "permerror" };

	return texts[result];
}

const char *dmarc_policy_text(enum dmarc_policy policy)
{
	static const char *const texts[] = { [DMARC_POLICY_NONE] = "none",
		[DMARC_POLICY_QUARANTINE] = "quarantine", [DMARC_POLICY_REJECT] = "reject" };

	return texts[policy];
}
