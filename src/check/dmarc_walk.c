/*
 * dmarc_walk.c - up the DNS from a name, for policy records and the organisation's name
 *
 * From     dmarc.c, for the author's domain and for those that vouch for it.
 * To       net/dns, up to eight names at once: one round trip, and the names near the root are
 *          in the cache anyway.
 * Owns     its questions.
 * Fails    by saying of a name that it could not be asked; what follows from that depends on
 *          where on the way it stands.
 * See      RFC 9989 section 4.10.
 */
#include "dmarc_walk.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_TEXT = 300, LABELS_KEPT = LIMIT_DMARC_NAMES - 1 };

static size_t count_labels(struct str name)
{
	size_t n = name.n > 0;

	for (size_t i = 0; i < name.n; i++)
		n += name.p[i] == '.';
	return n;
}

/* The name without its first label; empty behind the last. */
static struct str parent(struct str name)
{
	str_cut(&name, '.');
	return name;
}

void dmarc_walk_plan(struct dmarc_walk *w, struct str domain)
{
	struct str name = domain;

	w->domain = domain;
	for (w->n = 0; name.n > 0 && w->n < LIMIT_DMARC_NAMES; w->n++) {
		w->steps[w->n] = (struct dmarc_step){ .name = name };
		name = parent(name);
		while (count_labels(name) > LABELS_KEPT)
			name = parent(name);
	}
}

/* ---- asking ---- */

struct ask {
	struct walking *walking;
	struct dmarc_step *step;
	struct job *job;
};

struct walking {
	struct job job;
	struct ask asks[LIMIT_DMARC_NAMES];
	struct job *later;               /* there was nothing to ask */
	size_t open;
	dmarc_walk_done *done;
	void *waiter;
};

static void cancel(struct job *job)
{
	struct walking *k = (struct walking *)job;

	for (size_t i = 0; i < LIMIT_DMARC_NAMES; i++)
		job_cancel(&k->asks[i].job);
	job_cancel(&k->later);
	free(k);
}

static void finish(void *waiter)
{
	struct walking *k = waiter;
	dmarc_walk_done *done = k->done;
	void *asker = k->waiter;

	free(k);
	done(asker);
}

/* Several records are as good as none: nobody knows which one is meant. */
static void read_answer(struct dmarc_step *s, const struct dns_answer *answer)
{
	const struct dns_record *record = NULL;
	size_t records = 0;

	if (answer->status == DNS_TEMPORARY) {
		s->found = DMARC_WALK_TEMPORARY;
		return;
	}
	for (size_t i = 0; i < answer->n; i++) {
		if (dmarc_record_is(answer->v[i].data)) {
			record = &answer->v[i];
			records++;
		}
	}
	if (records == 1 && dmarc_record_parse(&s->record, record->data))
		s->found = DMARC_WALK_RECORD;
}

static void heard(void *waiter, const struct dns_answer *answer)
{
	struct ask *a = waiter;
	struct walking *k = a->walking;

	a->job = NULL;
	read_answer(a->step, answer);
	if (--k->open == 0)
		finish(k);
}

struct job *dmarc_walk_ask(struct loop *l, struct dns *dns, struct dmarc_walk *w,
	dmarc_walk_done *done, void *waiter)
{
	struct walking *k = mem_alloc(sizeof(*k));
	char name[NAME_MAX_TEXT];

	k->job.cancel = cancel;
	k->done = done;
	k->waiter = waiter;
	k->open = w->n;
	for (size_t i = 0; i < w->n; i++) {
		k->asks[i] = (struct ask){ .walking = k, .step = &w->steps[i] };
		snprintf(name, sizeof(name), "_dmarc.%.*s", STR_FMT(w->steps[i].name));
		k->asks[i].job = dns_ask(dns, str_of(name), DNS_TXT, heard, &k->asks[i]);
	}
	if (w->n == 0)
		k->later = loop_later(l, finish, k);
	return &k->job;
}

/* ---- reading the answers ---- */

/* A top-level domain is nobody's organisation unless it says so: a registry whose record lacks
 * psd=y must not make all its customers vouch for each other. */
static bool is_public_suffix(const struct dmarc_step *s)
{
	return s->record.psd == DMARC_PSD_YES ||
		(s->record.psd == DMARC_PSD_UNKNOWN && str_find(s->name, '.') < 0);
}

/* The part of domain that is one label longer than suffix. */
static struct str one_below(struct str domain, struct str suffix)
{
	size_t labels = count_labels(suffix) + 1;

	while (count_labels(domain) > labels)
		domain = parent(domain);
	return domain;
}

struct str dmarc_walk_organisation(const struct dmarc_walk *w, bool *by_record)
{
	struct str shortest = STR_NONE;

	*by_record = true;
	for (size_t i = 0; i < w->n; i++) {
		const struct dmarc_step *s = &w->steps[i];

		if (s->found == DMARC_WALK_TEMPORARY)
			return STR_NONE;
		if (s->found != DMARC_WALK_RECORD)
			continue;
		if (s->record.psd == DMARC_PSD_NO)
			return s->name;
		if (i > 0 && is_public_suffix(s))
			return one_below(w->domain, s->name);
		shortest = s->name;
		if (s->record.psd == DMARC_PSD_YES)
			break;
	}
	*by_record = shortest.n > 0;
	return shortest.n > 0 ? shortest : w->domain;
}

static const struct dmarc_step *step_of(const struct dmarc_walk *w, struct str name)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->steps[i].name.n == name.n)
			return w->steps[i].found == DMARC_WALK_RECORD ? &w->steps[i] : NULL;
	return NULL;
}

const struct dmarc_step *dmarc_walk_policy(const struct dmarc_walk *w, bool *temporary)
{
	struct str organisation;
	const struct dmarc_step *own;
	bool by_record;

	*temporary = false;
	if (w->n > 0 && w->steps[0].found == DMARC_WALK_RECORD)
		return &w->steps[0];
	organisation = dmarc_walk_organisation(w, &by_record);
	*temporary = organisation.n == 0;
	if (*temporary || !by_record)
		return NULL;
	own = step_of(w, organisation);
	if (own)
		return own;
	/* found by a public suffix below which it stands: that one's record is for those without */
	for (size_t i = 1; i < w->n; i++)
		if (w->steps[i].found == DMARC_WALK_RECORD && is_public_suffix(&w->steps[i]))
			return &w->steps[i];
	return NULL;
}
