/*
 * fuzz_check_verdict.c - whatever a client, a message or a domain may write into what the verdict is made of
 *
 * The input is all of these in turn: a DMARC record, a header whose From is looked at, an Authentication-Results field, and
 * the names that our own fields are printed with. These must come out as two whole fields, and the second as ours.
 */
#include "check/check.h"
#include "dmarc_record.h"
#include "from.h"
#include "mail/header.h"
#include "own.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const domains[] = { "example.com", "xn--mnchen-3ya.example" };
static const char *const senders[] = { "srs.example.net" };
static const struct check_own own = { domains, 2, senders, 1 };
static const struct check_options options;

static void insist(bool condition)
{
	if (!condition)
		abort();
}

static void try_record(struct str text)
{
	struct dmarc_record r;
	bool good = dmarc_record_parse(&r, text);

	insist(!good || dmarc_record_is(text));
	insist(!good || r.applies || r.p == DMARC_POLICY_NONE);
}

static void try_from(struct str header)
{
	struct arena *arena = arena_create();
	const char *problem, *claim = own_claimed(&own, header, "");
	struct from from;
	struct str domain;

	from_read(&from, header, arena);
	domain = from_domain(&from, &problem);
	insist((problem == NULL) == (domain.n > 0));
	insist(from.fields == header_count(header, STR("From")));
	insist(problem || !own_covers(str_of(domains[0]), domain) || claim);
	insist(from.fields > 0 || !claim);
	arena_destroy(&arena);
}

/* Printable, and folded where it may be. */
static void insist_lines(struct str s)
{
	size_t line = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r') {
			insist(line > 0 && s.p[++i] == '\n');
			line = 0;
			continue;
		}
		insist((s.p[i] >= ' ' && s.p[i] <= '~') || s.p[i] == '\t');
		insist(++line <= 998);
	}
	insist(line == 0);
}

static void try_print(struct check *c, struct str text)
{
	struct check_dkim_signature signature = { .result = CHECK_DKIM_PASS, .algorithm = "" };
	struct verdict v = { .spf_done = true, .message_done = true, .dkim = { &signature, 1, 0 } };
	struct str sender = str_cut(&text, '\n'), helo = str_cut(&text, '\n'), d = str_cut(&text, '\n');
	struct check_client client = { .helo = str_head(helo, LIMIT_HELO) };
	struct address from = { .local = str_head(str_cut(&sender, '\t'), LIMIT_LOCAL_PART_IN),
		.domain = str_head(sender, LIMIT_DOMAIN) };
	struct header_field field;
	struct str rest;
	struct buf out;

	signature.domain = str_head(d, LIMIT_DOMAIN);
	signature.selector = signature.tag = str_head(text, LIMIT_DOMAIN);
	for (size_t i = 0; i < text.n && i + 1 < sizeof(v.spf.mechanism); i++)
		v.spf.mechanism[i] = v.spf.problem[i] = v.spf.domain[i] = v.helo.problem[i] = text.p[i];
	v.null_sender = from.domain.n == 0;
	buf_init(&out, LIMIT_TOP_FIELDS);
	insist(check_print_fields(c, &v, &client, &from, &out));
	insist_lines(buf_str(&out));
	rest = buf_str(&out);
	insist(header_next(&rest, &field) && str_eq(field.name, STR("Received-SPF")));
	insist(header_next(&rest, &field) && str_eq(field.name, STR("Authentication-Results")));
	insist(check_is_forged(c, field.value));
	insist(rest.n == 0);
	buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct check *c = check_create(NULL, NULL, &options, &own, "mail.example.com");
	struct str text = str_make(data, size);

	try_record(text);
	try_from(text);
	check_is_forged(c, text);
	try_print(c, text);
	check_destroy(&c);
	return 0;
}
