#include "../unit.h"
#include "spf_zone.h"

#include "base/mem.h"
#include "spf_name.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS_MOST = 20000, CNAMES_MOST = 10 };

static struct row {
	struct str name, value;            /* name as net/dns writes it */
	char type[8];
} rows[ROWS_MOST];
static size_t row_count;
static struct arena *zone, *last;          /* of the rows, of the last answer */

void spf_zone_clear(void)
{
	row_count = 0;
	arena_destroy(&zone);
	arena_destroy(&last);
}

void spf_zone_add(struct str name, const char *type, struct str value)
{
	struct row *r = &rows[row_count++];

	assert_true(row_count < ROWS_MOST);
	if (zone == NULL)
		zone = arena_create();
	assert_true(spf_name_to_dns(name, zone, &r->name));
	snprintf(r->type, sizeof r->type, "%s", type);
	r->value = arena_str(zone, value);
}

void spf_zone_addz(const char *name, const char *type, const char *value)
{
	spf_zone_add(str_of(name), type, str_of(value));
}

static const char *type_text(enum dns_type type)
{
	switch (type) {
	case DNS_A:
		return "A";
	case DNS_AAAA:
		return "AAAA";
	case DNS_MX:
		return "MX";
	case DNS_PTR:
		return "PTR";
	case DNS_TXT:
		return "TXT";
	case DNS_CNAME:
	case DNS_TLSA:
		break;
	}
	return "?";
}

static void read_record(struct dns_record *r, enum dns_type type, struct str value)
{
	uint64_t preference;

	if (type == DNS_A || type == DNS_AAAA) {
		assert_true(inet_parse(&r->addr, value));
	} else if (type == DNS_TXT) {
		r->data = value;
	} else {
		if (type == DNS_MX) {
			assert_true(str_number(str_cut(&value, ' '), &preference));
			r->preference = (int)preference;
		}
		/* what is no name is the root: there only null MX has it */
		if (!spf_name_to_dns(value, last, &r->name))
			r->name = STR_NONE;
	}
}

static void look(struct str name, enum dns_type type, struct dns_answer *out, int depth)
{
	struct str alias = STR_NONE;

	for (size_t i = 0; i < row_count; i++) {
		const struct row *r = &rows[i];

		if (!str_ieq(r->name, name))
			continue;
		if (out->status == DNS_NXDOMAIN)
			out->status = DNS_NODATA;
		if (strcmp(r->type, "ANY") == 0 && out->n == 0) {
			out->status = DNS_TEMPORARY;
			return;
		}
		if (strcmp(r->type, "CNAME") == 0)
			assert_true(spf_name_to_dns(r->value, last, &alias));
		if (strcmp(r->type, type_text(type)) == 0)
			read_record(&out->v[out->n++], type, r->value);
	}
	if (out->n)
		out->status = DNS_OK;
	else if (alias.n && depth < CNAMES_MOST)
		look(alias, type, out, depth + 1);
}

const struct dns_answer *spf_zone_answer(struct str name, enum dns_type type)
{
	static struct dns_answer answer;

	arena_destroy(&last);
	last = arena_create();
	answer = (struct dns_answer){ .status = DNS_NXDOMAIN };
	answer.v = arena_alloc(last, (row_count + 1) * sizeof *answer.v);
	look(name, type, &answer, 0);
	return &answer;
}

static struct spf_question question_of(const char *client, struct str helo, struct str sender)
{
	struct spf_question q = { .helo = helo, .receiver = "receiver.example" };
	ptrdiff_t at = str_rfind(sender, '@');

	assert_true(inet_parse(&q.client, str_of(client)));
	q.sender.local = at < 0 ? STR_NONE : str_head(sender, (size_t)at);
	q.sender.domain = at < 0 ? sender : str_skip(sender, (size_t)at + 1);
	return q;
}

void spf_zone_try(spf_evaluator *evaluate, const char *client, struct str helo, struct str sender,
	struct spf_trial *out)
{
	struct spf_question q = question_of(client, helo, sender);
	struct spf_answers *answers = mem_alloc(sizeof *answers);

	*out = (struct spf_trial){ 0 };
	answers->arena = arena_create();
	struct spf_identity who = spf_identity_of(&q, 1700000000, answers->arena);
	while (++out->runs <= LIMIT_SPF_RUNS && !out->over) {
		size_t before = answers->n;

		if (evaluate(&who, spf_answers_look, answers, &out->answer))
			break;
		out->over = answers->over;
		/* a run that ends for want of an answer has asked for one */
		assert_true(answers->n > before || out->over);
		for (size_t i = before; i < answers->n; i++)
			spf_answers_put(answers, &answers->v[i],
				spf_zone_answer(answers->v[i].name, answers->v[i].type));
	}
	out->queries = answers->n;
	arena_destroy(&answers->arena);
	free(answers);
}

/* ---- the suite ---- */

static struct str unpack(char *hex)
{
	size_t n = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
	char *out = hex;

	for (size_t i = 0; i < n; i++) {
		unsigned byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		out[i] = (char)byte;
	}
	return str_make(out, n);
}

static void read_line(char *line, size_t *cases, void (*fn)(const struct spf_case *c))
{
	char *field[8] = { line };

	line[strcspn(line, "\n")] = '\0';
	for (size_t n = 0; n + 1 < ROWS(field) && field[n] && strchr(field[n], '\t'); n++) {
		field[n + 1] = strchr(field[n], '\t') + 1;
		field[n + 1][-1] = '\0';
	}
	if (strcmp(field[0], "scenario") == 0) {
		spf_zone_clear();
	} else if (strcmp(field[0], "record") == 0) {
		bool silent = strcmp(field[3], "timeout") == 0;

		spf_zone_add(unpack(field[1]), field[2], silent ? STR_NONE : unpack(field[3]));
	} else {
		assert_string_equal(field[0], "case");
		struct spf_case c = { .id = field[1],
			.client = field[2],
			.helo = unpack(field[3]),
			.sender = unpack(field[4]),
			.results = field[5],
			.explanation = unpack(field[6]) };

		++*cases;
		fn(&c);
	}
}

size_t spf_zone_read(const char *path, void (*fn)(const struct spf_case *c))
{
	FILE *f = fopen(path, "r");
	size_t room = 0, cases = 0;
	char *line = NULL;

	assert_non_null(f);
	while (getline(&line, &room, f) > 0)
		read_line(line, &cases, fn);
	free(line);
	fclose(f);
	spf_zone_clear();
	return cases;
}

bool spf_zone_allows(const struct spf_case *c, enum spf_result result)
{
	struct str rest = str_of(c->results);

	while (rest.n)
		if (str_eq(str_cut(&rest, ','), str_of(spf_result_text(result))))
			return true;
	return false;
}
