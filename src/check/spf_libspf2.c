/*
 * spf_libspf2.c - one run of libspf2 over answers that were fetched ahead, with guards
 *
 * From     spf.c, where it was built with -Dspf=libspf2; the differential test.
 * To       libspf2, whose only resolver is our lookup: what is missing fails for now (TRY_AGAIN).
 * Never    lets it see a TXT over LIMIT_SPF_LIBSPF2_TXT (its buffers of 4 kB overflow), a byte that
 *          is not printable in the envelope, or a request twice (it keeps a name that was looked
 *          up too early). Its explanations are broken, and so are not used.
 * Fails    with permerror past the limits that it lacks: terms of all records together, and void
 *          look-ups.
 * See      RFC 7208 section 4.6.4.
 *
 * It gives loopback clients a pass before it looks at anything, in SPF_request_query_mailfrom():
 * hence ask(), which takes the two steps below that function.
 */
#include "spf_libspf2.h"
#include "base/must.h"
#include "spf_name.h"

#include <spf2/spf.h>
#include <spf2/spf_dns.h>
#include <spf2/spf_log.h>
#include <stdio.h>
#include <string.h>

/* Look-ups are seen here, not terms: the first record is none, and a %{p} looks like one. */
enum { TYPE_SPF = 99, TERMS_MOST = LIMIT_SPF_TERMS + 2 };

struct layer {
	SPF_dns_server_t dns;              /* first: what libspf2 hands back to us */
	/* owned */
	struct arena *scratch;
	/* borrowed */
	spf_lookup *lookup;
	void *arg;
	const struct spf_found *hosts;     /* of the last MX or PTR: their addresses are no terms */
	/* state */
	int terms, voids;
	bool missing;
	const char *over;                  /* a limit that was passed */
};

/* ---- answers ---- */

static int status_of(enum dns_status status)
{
	switch (status) {
	case DNS_OK:
		return NETDB_SUCCESS;
	case DNS_NODATA:
		return NO_DATA;
	case DNS_NXDOMAIN:
		return HOST_NOT_FOUND;
	case DNS_TEMPORARY:
		break;
	}
	return TRY_AGAIN;
}

static void put(SPF_dns_rr_t *rr, const void *p, size_t n)
{
	must(SPF_dns_rr_buf_realloc(rr, rr->num_rr, n + 1) == SPF_E_SUCCESS);
	char *to = (char *)rr->rr[rr->num_rr];
	memcpy(to, p, n);
	to[n] = '\0';
	rr->num_rr++;
}

/* As a C string: a NUL becomes a byte that no record may hold either. */
static void put_text(struct layer *l, SPF_dns_rr_t *rr, struct str text)
{
	char *copy = arena_text(l->scratch, text);

	for (size_t i = 0; i < text.n; i++)
		if (copy[i] == '\0')
			copy[i] = '\1';
	put(rr, copy, text.n);
}

static void put_txt(struct layer *l, SPF_dns_rr_t *rr, struct str text)
{
	if (text.n <= LIMIT_SPF_LIBSPF2_TXT)
		put_text(l, rr, text);
	else if (spf_answers_is_record(text))
		l->over = "a record that is too long for libspf2";
}

static void put_records(struct layer *l, SPF_dns_rr_t *rr, const struct spf_found *f, ns_type type)
{
	for (size_t i = 0; i < f->n; i++) {
		if (type == ns_t_a || type == ns_t_aaaa)
			put(rr, f->addrs[i].ip, type == ns_t_a ? 4 : 16);
		else if (type == ns_t_txt)
			put_txt(l, rr, f->texts[i]);
		else if (str_find(f->texts[i], '\\') < 0)
			put_text(l, rr, f->texts[i]);
	}
	rr->herrno = rr->num_rr ? NETDB_SUCCESS : NO_DATA;
}

/* ---- limits ---- */

static bool is_host(const struct layer *l, struct str name)
{
	for (size_t i = 0; l->hosts && i < l->hosts->n; i++)
		if (str_ieq(l->hosts->texts[i], name))
			return true;
	return false;
}

static void count(struct layer *l, struct str name, ns_type type, const struct spf_found *f)
{
	bool is_address = type == ns_t_a || type == ns_t_aaaa;

	if (is_address && is_host(l, name))
		return;
	if (++l->terms > TERMS_MOST)
		l->over = "more terms that need DNS than are allowed";
	if (type != ns_t_txt && (f->status == DNS_NXDOMAIN || f->status == DNS_NODATA)
		&& ++l->voids > LIMIT_SPF_VOIDS)
		l->over = "more look-ups that found nothing than are allowed";
	if (type == ns_t_mx || type == ns_t_ptr)
		l->hosts = f->status == DNS_OK ? f : NULL;
}

/* ---- the resolver ---- */

static enum dns_type type_of(ns_type type)
{
	switch ((int)type) {
	case ns_t_a:
		return DNS_A;
	case ns_t_aaaa:
		return DNS_AAAA;
	case ns_t_mx:
		return DNS_MX;
	case ns_t_ptr:
		return DNS_PTR;
	default:
		return DNS_TXT;
	}
}

static const struct spf_found *find(struct layer *l, struct str name, ns_type type)
{
	static const struct spf_found no_such_name = { .status = DNS_NXDOMAIN };
	struct str host;

	if (!spf_name_to_dns(name, l->scratch, &host))
		return &no_such_name;
	return l->lookup(l->arg, host, type_of(type));
}

/* NULL would abort the process; what comes back is libspf2's to free. */
static SPF_dns_rr_t *layer_lookup(
	SPF_dns_server_t *server, const char *domain, ns_type type, int cache)
{
	struct layer *l = (struct layer *)server;
	SPF_dns_rr_t *rr = SPF_dns_rr_new_init(server, domain, type, 0, NO_DATA);

	(void)cache;
	must(rr != NULL);
	/* type 99 is dead (section 3.1), and past a limit nothing is asked any more */
	if ((int)type == TYPE_SPF || l->over)
		return rr;
	const struct spf_found *f = find(l, str_of(domain), type);
	if (f == NULL) {
		l->missing = true;
		rr->herrno = TRY_AGAIN;
		return rr;
	}
	count(l, str_of(domain), type, f);
	rr->herrno = status_of(f->status);
	if (f->status == DNS_OK && !l->over)
		put_records(l, rr, f, type);
	return rr;
}

/* No look-up, and none of its expansion, for an explanation that is not used. */
static SPF_errcode_t layer_explain(SPF_server_t *server, const char *domain, char **text, size_t *n)
{
	(void)server;
	(void)domain;
	(void)text;
	(void)n;
	return SPF_E_NOT_CONFIG;
}

/* ---- the request ---- */

/* A C string of printable ASCII: libspf2 prints bytes of the envelope as signed chars. */
static const char *printable(struct layer *l, struct str s)
{
	char *text = arena_text(l->scratch, s);

	for (size_t i = 0; i < s.n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			text[i] = '?';
	return text;
}

static SPF_request_t *make_request(
	struct layer *l, SPF_server_t *server, const struct spf_identity *who)
{
	SPF_request_t *rq = SPF_request_new(server);
	struct in6_addr six;
	struct in_addr four;

	must(rq != NULL);
	memcpy(&six, who->client.ip, sizeof six);
	memcpy(&four, who->client.ip, sizeof four);
	if (who->client.v6)
		SPF_request_set_ipv6(rq, six);
	else
		SPF_request_set_ipv4(rq, four);
	SPF_request_set_helo_dom(rq, printable(l, who->helo));
	SPF_request_set_env_from(rq, printable(l, who->sender));
	rq->cur_dom = rq->env_from_dp;
	return rq;
}

static enum spf_result result_of(SPF_result_t result, SPF_errcode_t error)
{
	switch (result) {
	case SPF_RESULT_NEUTRAL:
		return SPF_NEUTRAL;
	case SPF_RESULT_PASS:
		return SPF_PASS;
	case SPF_RESULT_FAIL:
		return SPF_FAIL;
	case SPF_RESULT_SOFTFAIL:
		return SPF_SOFTFAIL;
	case SPF_RESULT_NONE:
		return SPF_NONE;
	case SPF_RESULT_TEMPERROR:
		return SPF_TEMPERROR;
	case SPF_RESULT_PERMERROR:
		return SPF_PERMERROR;
	case SPF_RESULT_INVALID:
		break;
	}
	/* a record that it can't compile leaves no result, only the error */
	return error == SPF_E_DNS_ERROR || error == SPF_E_NO_MEMORY ? SPF_TEMPERROR : SPF_PERMERROR;
}

static void ask(struct layer *l, SPF_server_t *server, SPF_request_t *rq, struct spf_answer *answer)
{
	SPF_response_t *rp = SPF_response_new(rq);
	SPF_record_t *record = NULL;

	must(rp != NULL);
	SPF_errcode_t error = SPF_server_get_record(server, rq, rp, &record);
	if (error == SPF_E_SUCCESS) {
		/* whose explanation it would be: without one it aborts at the first fail */
		rp->spf_record_exp = record;
		error = SPF_record_interpret(record, rq, rp, 0);
	}
	answer->result = l->over ? SPF_PERMERROR : result_of(SPF_response_result(rp), error);
	if (answer->result == SPF_PERMERROR || answer->result == SPF_TEMPERROR)
		snprintf(answer->problem, sizeof answer->problem, "%s",
			l->over ? l->over : SPF_strerror(error));
	else if (SPF_response_reason(rp) == SPF_REASON_DEFAULT)
		snprintf(answer->mechanism, sizeof answer->mechanism, "default");
	if (record)
		SPF_record_free(record);
	SPF_response_free(rp);
}

/* Its words about strange records belong to nobody's log. */
static void ignore(const char *file, int line, const char *text)
{
	(void)file;
	(void)line;
	(void)text;
}

bool spf_libspf2_eval(
	const struct spf_identity *who, spf_lookup *lookup, void *arg, struct spf_answer *answer)
{
	struct layer l = {
		.dns = { .lookup = layer_lookup, .get_exp = layer_explain, .name = "waypost" },
		.lookup = lookup,
		.arg = arg,
	};

	*answer = (struct spf_answer){ .result = SPF_NONE };
	snprintf(answer->domain, sizeof answer->domain, "%s", who->name);
	if (answer->domain[0] == '\0')
		return true;
	SPF_warning_handler = SPF_info_handler = SPF_debug_handler = ignore;
	l.scratch = arena_create();
	SPF_server_t *server = SPF_server_new_dns(&l.dns, 0);
	must(server != NULL
		&& SPF_server_set_rec_dom(server, printable(&l, who->receiver)) == SPF_E_SUCCESS);
	SPF_request_t *rq = make_request(&l, server, who);
	ask(&l, server, rq, answer);
	SPF_request_free(rq);
	SPF_server_free(server);
	arena_destroy(&l.scratch);
	return l.over || !l.missing;
}
