/*
 * spf_answers.c - what was heard from DNS, copied, for one check
 *
 * From     the evaluator, which asks here and nowhere else; spf.c, with what came.
 * Never    asks anyone: what is not here becomes an entry that spf.c asks for.
 * Fails    with `over` when a check wants more than LIMIT_SPF_QUERIES answers.
 * See      RFC 7208 sections 3.3, 4.5, 4.6.4.
 */
#include "spf_answers.h"

enum { SPF_RECORDS_KEPT = 2 };       /* the second says that there is more than one */

bool spf_answers_is_record(struct str txt)
{
	return str_istarts(txt, STR("v=spf1")) && (txt.n == 6 || txt.p[6] == ' ');
}

const struct spf_found *spf_answers_look(void *answers, struct str name, enum dns_type type)
{
	struct spf_answers *a = answers;

	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].type == type && str_ieq(a->v[i].name, name))
			return a->v[i].found;
	if (a->n == LIMIT_SPF_QUERIES)
		a->over = true;
	else
		a->v[a->n++] = (struct spf_want){ .name = arena_str(a->arena, name), .type = type };
	return NULL;
}

static void put_addresses(struct spf_found *f, struct arena *arena, const struct dns_answer *answer)
{
	struct inet_addr *v = arena_alloc(arena, answer->n * sizeof *v);

	for (size_t i = 0; i < answer->n; i++)
		v[f->n++] = answer->v[i].addr;
	f->addrs = v;
}

/* The first `most` names; MX hosts in the order of preference. */
static void put_names(
	struct spf_found *f, struct arena *arena, const struct dns_answer *answer, size_t most)
{
	const struct dns_record *best[LIMIT_SPF_NAMES + 1];
	struct str *v = arena_alloc(arena, sizeof *v * most);

	for (size_t i = 0; i < answer->n; i++) {
		size_t at = f->n < most ? f->n++ : most;

		while (at > 0 && best[at - 1]->preference > answer->v[i].preference) {
			if (at < most)
				best[at] = best[at - 1];
			at--;
		}
		if (at < most)
			best[at] = &answer->v[i];
	}
	for (size_t i = 0; i < f->n; i++)
		v[i] = arena_str(arena, best[i]->name);
	f->texts = v;
}

static void put_texts(struct spf_found *f, struct arena *arena, const struct dns_answer *answer)
{
	struct str *v = arena_alloc(arena, sizeof *v * SPF_RECORDS_KEPT);

	for (size_t i = 0; i < answer->n && f->n < SPF_RECORDS_KEPT; i++)
		if (answer->n == 1 || spf_answers_is_record(answer->v[i].data))
			v[f->n++] =
				arena_str(arena, str_head(answer->v[i].data, LIMIT_SPF_RECORD + 1));
	f->texts = v;
}

void spf_answers_put(struct spf_answers *a, struct spf_want *want, const struct dns_answer *answer)
{
	struct spf_found *f = arena_alloc(a->arena, sizeof *f);

	f->status = answer->status;
	f->only = answer->n == 1;
	if (answer->status == DNS_OK && want->type == DNS_TXT)
		put_texts(f, a->arena, answer);
	else if (answer->status == DNS_OK && want->type == DNS_PTR)
		put_names(f, a->arena, answer, LIMIT_SPF_NAMES);
	else if (answer->status == DNS_OK && want->type == DNS_MX)
		put_names(f, a->arena, answer, LIMIT_SPF_NAMES + 1);
	else if (answer->status == DNS_OK)
		put_addresses(f, a->arena, answer);
	want->found = f;
}
