#include "../unit.h"
#include "dmarc_record.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>

/* "p sp np" by their first letters, then what else is said; "-": no record. */
static const char *told(const char *text, char out[80])
{
	struct dmarc_record r;

	if (!dmarc_record_parse(&r, str_of(text)))
		return "-";
	snprintf(out, 80, "%c%c%c%s%s%s%s%s", *dmarc_policy_text(r.p), *dmarc_policy_text(r.sp),
		*dmarc_policy_text(r.np), r.applies ? "" : " no", r.dkim_strict ? " dkim" : "",
		r.spf_strict ? " spf" : "", r.testing ? " t" : "",
		r.psd == DMARC_PSD_YES ? " y" : r.psd == DMARC_PSD_NO ? " n" : "");
	return out;
}

static void records(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "v=DMARC1; p=reject", "rrr" },
		{ "v=DMARC1;p=reject;", "rrr" },
		{ "v = DMARC1 ; p = quarantine ; ", "qqq" },
		{ "V=DMARC1; P=Reject; SP=NONE", "rnn" },
		{ "v=DMARC1; p=reject; sp=quarantine; np=none", "rqn" },
		{ "v=DMARC1; p=none; np=reject", "nnr" },
		{ "v=DMARC1; p=reject; adkim=s; aspf=s", "rrr dkim spf" },
		{ "v=DMARC1; p=reject; adkim=S; aspf=R", "rrr dkim" },
		/* nonsense in other tags is their default */
		{ "v=DMARC1; p=reject; adkim=strict; aspf=; fo=nonsense; ri=x", "rrr" },
		{ "v=DMARC1; p=reject; psd=y", "rrr y" },
		{ "v=DMARC1; p=reject; psd=n", "rrr n" },
		{ "v=DMARC1; p=reject; psd=u", "rrr" },
		{ "v=DMARC1; p=reject; psd=yes", "rrr" },
		{ "v=DMARC1; p=reject; t=y", "rrr t" },
		{ "v=DMARC1; p=reject; t=n; pct=0", "rrr" },
		{ "v=DMARC1; p=reject; pct=0", "rrr t" },
		{ "v=DMARC1; p=reject; pct=50", "rrr" },
		{ "v=DMARC1; p=reject; pct=50x", "rrr" },
		{ "v=DMARC1; p=reject; pct=0x", "rrr" },
		{ "v=DMARC1; p=reject; unknown=x; x-y=z; nothing; =; ;;", "rrr" },
		/* no p at all is none; a wrong one depends on rua */
		{ "v=DMARC1", "nnn" },
		{ "v=DMARC1; rua=mailto:a@example.com", "nnn" },
		{ "v=DMARC1; p=r", "nnn no" },
		{ "v=DMARC1; p=", "nnn no" },
		{ "v=DMARC1; p=bogus; rua=mailto:a@example.com", "nnn" },
		{ "v=DMARC1; p=bogus; rua=mailto:a@example.com!10m", "nnn" },
		{ "v=DMARC1; p=bogus; rua=nothing, https://example.com/r", "nnn" },
		{ "v=DMARC1; p=bogus; rua=mailto:a", "nnn no" },
		{ "v=DMARC1; p=bogus; rua=mailto:@a", "nnn no" },
		{ "v=DMARC1; p=bogus; rua=a@example.com", "nnn no" },
		{ "v=DMARC1; p=bogus; rua=1x:a", "nnn no" },
		{ "v=DMARC1; p=reject; sp=bogus", "nnn no" },
		{ "v=DMARC1; p=reject; np=bogus; rua=mailto:a@example.com", "nnn" },
		{ "v=DMARC1; p=rej\001ect", "nnn no" },
		{ "v=DMARC1; p=rej\xc3\xa9", "nnn no" },
		{ "v=DMARC1 ; p=reject none", "nnn no" },
		/* the version first, and exactly */
		{ "", "-" },
		{ ";", "-" },
		{ "v", "-" },
		{ "v=", "-" },
		{ "v=dmarc1; p=reject", "-" },
		{ "v=DMARC2; p=reject", "-" },
		{ "v=DMARC10; p=reject", "-" },
		{ "v=DMARC1 p=reject", "-" },
		{ "p=reject; v=DMARC1", "-" },
		{ "p=reject", "-" },
		{ " v=DMARC1; p=reject", "-" },
		{ "vv=DMARC1; p=reject", "-" },
		{ "v=spf1 -all", "-" },
		/* a tag given twice: nobody knows which is meant */
		{ "v=DMARC1; p=none; p=reject", "-" },
		{ "v=DMARC1; p=reject; P=none", "-" },
		{ "v=DMARC1; psd=n; p=reject; psd=y", "-" },
		{ "v=DMARC1; sp=; p=reject; sp=none", "-" },
	};
	char text[80];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		row_text(i, str_of(told(rows[i].text, text)), str_of(rows[i].want));
}

static void too_long(void **state)
{
	char *text = malloc(LIMIT_DMARC_RECORD + 2);
	struct dmarc_record r;

	(void)state;
	memset(text, ' ', LIMIT_DMARC_RECORD + 2);
	memcpy(text, "v=DMARC1;p=reject;", 18);
	assert_true(dmarc_record_parse(&r, str_make(text, LIMIT_DMARC_RECORD)));
	assert_false(dmarc_record_parse(&r, str_make(text, LIMIT_DMARC_RECORD + 1)));
	assert_false(dmarc_record_is(str_make(text, LIMIT_DMARC_RECORD + 1)));
	free(text);
}

/* No end but the record's own is read: each head of it, in memory of just that size. */
static void every_head(void **state)
{
	static const char whole[] = "v=DMARC1; p=reject; sp=none; rua=mailto:a@b,x:y; t=y; psd=n";
	struct dmarc_record r;

	(void)state;
	for (size_t n = 0; n < sizeof(whole); n++) {
		char *text = malloc(n + 1);

		memcpy(text, whole, n);
		assert_int_equal(dmarc_record_parse(&r, str_make(text, n)), n >= 8);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(records), cmocka_unit_test(too_long),
		cmocka_unit_test(every_head) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
