/*
 * check.c - SPF, DKIM and DMARC, added up to one verdict
 *
 * From     receive/, at MAIL and after the final dot; cli/verify.c with the same questions.
 * To       spf.c for both identities at once; check_dkim.c, then dmarc.c.
 * Owns     nothing but the waits; the verdict is the transaction's.
 * Never    refuses for an answer that could not be had; a From of ours is put off then.
 * See      design.md, promises 4 and 8; RFC 7372 for the codes.
 */
#include "check_private.h"

#include "base/mem.h"
#include "base/must.h"
#include "own.h"

#include <stdio.h>
#include <stdlib.h>

struct check *check_create(struct loop *l, struct dns *dns, const struct check_options *options,
	const struct check_own *own, const char *hostname)
{
	struct check *c = mem_alloc(sizeof(*c));

	*c = (struct check){ .loop = l, .dns = dns, .options = options, .own = own,
		.hostname = hostname };
	return c;
}

void check_destroy(struct check **c)
{
	free(*c);
	*c = NULL;
}

/* ---- trusted forwarders ---- */

bool check_trusts_network(const struct check *c, const struct inet_addr *client)
{
	for (size_t i = 0; i < c->options->trusted_networks.n; i++)
		if (network_has(&c->options->trusted_networks.v[i], client))
			return true;
	return false;
}

static bool trusts_domain(const struct check *c, struct str domain)
{
	for (size_t i = 0; i < c->options->trusted_domains.n; i++)
		if (own_covers(str_of(c->options->trusted_domains.v[i]), domain))
			return true;
	return false;
}

static bool trusts_spf(const struct check *c, const struct spf_answer *spf)
{
	return spf->result == SPF_PASS && trusts_domain(c, str_of(spf->domain));
}

/* A signature that says something of the whole message. */
static bool counts(const struct check_dkim_signature *s)
{
	return s->result == CHECK_DKIM_PASS && !s->partial;
}

static bool trusts_signature(const struct check *c, const struct check_dkim_verdict *dkim)
{
	for (size_t i = 0; i < dkim->n; i++)
		if (counts(&dkim->v[i]) && trusts_domain(c, dkim->v[i].domain))
			return true;
	return false;
}

/* ---- at MAIL ---- */

struct sending {
	struct job job;
	struct job *helo, *sender, *later;
	struct check *c;
	struct verdict *v;
	check_done *done;
	void *waiter;
};

static void cancel_sending(struct job *job)
{
	struct sending *s = (struct sending *)job;

	job_cancel(&s->helo);
	job_cancel(&s->sender);
	job_cancel(&s->later);
	free(s);
}

static void refuse_spf(const struct check *c, struct verdict *v)
{
	const struct spf_answer *spf = &v->spf;

	if (c->options->spf_fail != CHECK_REFUSE || spf->result != SPF_FAIL || v->trusted)
		return;
	reply_set(&v->refusal, 550, "5.7.26",
		"The SPF record of %s says that your server may not send mail for it%s%s", spf->domain,
		spf->explanation[0] ? "; it explains: " : "", spf->explanation);
}

static void sending_done(void *waiter)
{
	struct sending *s = waiter;
	struct verdict *v = s->v;
	check_done *done = s->done;
	void *asker = s->waiter;

	if (v->null_sender)
		v->spf = v->helo;
	v->spf_done = true;
	v->proven = v->spf.result == SPF_PASS && !v->null_sender;
	v->trusted = v->trusted || trusts_spf(s->c, &v->spf) || trusts_spf(s->c, &v->helo);
	/* a signature may still prove a trusted forwarder */
	if (s->c->options->trusted_domains.n == 0)
		refuse_spf(s->c, v);
	free(s);
	done(asker);
}

static void heard_helo(void *waiter, const struct spf_answer *answer)
{
	struct sending *s = waiter;

	s->helo = NULL;
	s->v->helo = *answer;
	if (!s->sender)
		sending_done(s);
}

static void heard_sender(void *waiter, const struct spf_answer *answer)
{
	struct sending *s = waiter;

	s->sender = NULL;
	s->v->spf = *answer;
	if (!s->helo)
		sending_done(s);
}

struct job *check_sender(struct check *c, const struct check_client *client,
	const struct address *sender, struct verdict *v, check_done *done, void *waiter)
{
	struct sending *s = mem_alloc(sizeof(*s));
	struct spf_question question = { .client = client->address, .helo = client->helo,
		.receiver = c->hostname };

	*v = (struct verdict){ .hidden = client->hidden, .null_sender = sender->domain.n == 0 };
	s->job.cancel = cancel_sending;
	s->c = c;
	s->v = v;
	s->done = done;
	s->waiter = waiter;
	if (client->hidden) {
		s->later = loop_later(c->loop, sending_done, s);
		return &s->job;
	}
	v->trusted = check_trusts_network(c, &client->address);
	s->helo = spf_check(c->loop, c->dns, &question, heard_helo, s);
	if (!v->null_sender) {
		question.sender = *sender;
		s->sender = spf_check(c->loop, c->dns, &question, heard_sender, s);
	}
	return &s->job;
}

/* ---- after the final dot ---- */

struct checking {
	struct job job;
	struct job *wait;
	struct check *c;
	struct message *m;
	struct verdict *v;
	bool exempt;
	check_done *done;
	void *waiter;
};

static void cancel_checking(struct job *job)
{
	struct checking *k = (struct checking *)job;

	job_cancel(&k->wait);
	free(k);
}

/* By the public suffix list: no DNS record of the moment makes a stranger the sender. */
static bool is_signed_by_sender(const struct checking *k)
{
	struct str organisation = dmarc_organisation(k->m->env.original_sender.domain);

	for (size_t i = 0; i < k->v->dkim.n; i++)
		if (counts(&k->v->dkim.v[i]) &&
			str_ieq(dmarc_organisation(k->v->dkim.v[i].domain), organisation))
			return true;
	return false;
}

static void refuse_own(const struct checking *k)
{
	const struct dmarc_answer *dmarc = &k->v->dmarc;
	const char *claim;

	if (k->c->options->own_from != CHECK_REFUSE || k->v->trusted ||
		dmarc->spf_aligned || dmarc->dkim_aligned)
		return;
	claim = own_claimed(k->c->own, content_header(&k->m->content), dmarc->organisation);
	if (!claim)
		return;
	if (dmarc->undecided || dmarc->result == DMARC_TEMPERROR)
		reply_set(&k->v->refusal, 451, "4.4.3", "The From field is at %s, a domain that "
			"this server speaks for, and whether it comes from there can't be looked up "
			"now; try again later", dmarc->from);
	else
		reply_set(&k->v->refusal, 550, "5.7.26", "The From field is at %s, a domain that "
			"this server speaks for, and neither SPF nor DKIM shows that %s sent it. Its "
			"users send through this server with their password (port 465 or 587); "
			"other servers of the domain belong in its SPF record, or sign with its DKIM "
			"key; mailing lists must put their own address in From",
			dmarc->from[0] ? dmarc->from : claim, dmarc->from[0] ? dmarc->from : claim);
}

static void refuse_dmarc(const struct checking *k)
{
	const struct dmarc_answer *dmarc = &k->v->dmarc;

	if (k->c->options->dmarc_reject != CHECK_REFUSE || k->v->trusted || k->exempt ||
		dmarc->result != DMARC_FAIL)
		return;
	if (dmarc->several)
		reply_set(&k->v->refusal, 550, "5.7.26", "Nobody can tell who sent this: %s; a "
			"message has one From field (RFC 5322 section 3.6.2)", dmarc->problem);
	else if (dmarc->policy == DMARC_POLICY_REJECT)
		reply_set(&k->v->refusal, 550, "5.7.26", "Mail with %s in From must pass DMARC, as "
			"that domain's policy is reject, and neither SPF nor DKIM passed for it",
			dmarc->from);
}

static void judge(struct checking *k)
{
	struct verdict *v = k->v;
	check_done *done = k->done;
	void *asker = k->waiter;

	v->message_done = true;
	v->trusted = v->trusted || trusts_signature(k->c, &v->dkim);
	v->proven = !v->null_sender && (v->proven || is_signed_by_sender(k));
	v->refusal = (struct reply){ .code = 0 };
	refuse_own(k);
	if (v->refusal.code == 0 && !k->exempt)
		refuse_spf(k->c, v);
	if (v->refusal.code == 0)
		refuse_dmarc(k);
	free(k);
	done(asker);
}

static void heard_dmarc(void *waiter, const struct dmarc_answer *answer)
{
	struct checking *k = waiter;

	k->wait = NULL;
	k->v->dmarc = *answer;
	judge(k);
}

static void heard_dkim(void *waiter, const struct check_dkim_verdict *verdict)
{
	struct checking *k = waiter;
	struct dmarc_question question;

	k->v->dkim = *verdict;
	question = (struct dmarc_question){ .header = content_header(&k->m->content),
		.spf = &k->v->spf, .dkim = &k->v->dkim };
	k->wait = dmarc_check(k->c->loop, k->c->dns, &question, heard_dmarc, k);
}

struct job *check_message(struct check *c, struct message *m, struct verdict *v, bool exempt,
	check_done *done, void *waiter)
{
	struct checking *k = mem_alloc(sizeof(*k));

	must(v->spf_done);
	*k = (struct checking){ .job.cancel = cancel_checking, .c = c, .m = m, .v = v,
		.exempt = exempt, .done = done, .waiter = waiter };
	k->wait = check_dkim(c->loop, c->dns, m, heard_dkim, k);
	return &k->job;
}
