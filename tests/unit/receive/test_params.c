/* The parameters of MAIL and RCPT: what is understood, what is refused and how. */
#include "../unit.h"
#include "params.h"

static void mail(void **state)
{
	static const struct { const char *in; bool dsn; int code; uint64_t size; bool eightbit, utf8; enum envelope_ret ret;
		const char *envid; } rows[] = {
		{ "", false, 0, 0, false, false, RET_UNSAID, "" },
		{ " SIZE=100", false, 0, 100, false, false, RET_UNSAID, "" },
		{ " size=100  body=8bitmime smtputf8", false, 0, 100, true, true, RET_UNSAID, "" },
		{ " SIZE=18446744073709551616", false, 0, UINT64_MAX, false, false, RET_UNSAID, "" },
		{ " SIZE=99999999999999999999", false, 0, UINT64_MAX, false, false, RET_UNSAID, "" },
		{ " SIZE=100000000000000000000", false, 501, 0, false, false, RET_UNSAID, "" },
		{ " SIZE=-1", false, 501, 0, false, false, RET_UNSAID, "" },
		{ " SIZE=", false, 501, 0, false, false, RET_UNSAID, "" },
		{ " SIZE", false, 501, 0, false, false, RET_UNSAID, "" },
		{ " SIZE=1 SIZE=1", false, 501, 0, false, false, RET_UNSAID, "" },
		{ " BODY=7BIT", false, 0, 0, false, false, RET_UNSAID, "" },
		{ " BODY=7BIT BODY=7BIT", false, 501, 0, false, false, RET_UNSAID, "" },
		{ " BODY=BINARYMIME", false, 555, 0, false, false, RET_UNSAID, "" },
		{ " BODY=9BIT", false, 501, 0, false, false, RET_UNSAID, "" },
		{ " SMTPUTF8=1", false, 501, 0, false, false, RET_UNSAID, "" },
		{ " SMTPUTF8 SMTPUTF8", false, 501, 0, false, false, RET_UNSAID, "" },
		{ " AUTH=<>", false, 0, 0, false, false, RET_UNSAID, "" },
		{ " AUTH=e+3Dmc2@example.com", false, 0, 0, false, false, RET_UNSAID, "" },
		{ " AUTH=+zz", false, 501, 0, false, false, RET_UNSAID, "" },
		{ " AUTH", false, 501, 0, false, false, RET_UNSAID, "" },
		{ " AUTH=<> AUTH=<>", false, 501, 0, false, false, RET_UNSAID, "" },
		{ " RET=FULL", false, 555, 0, false, false, RET_UNSAID, "" },
		{ " ENVID=a", false, 555, 0, false, false, RET_UNSAID, "" },
		{ " RET=HDRS ENVID=QQ314159", true, 0, 0, false, false, RET_HDRS, "QQ314159" },
		{ " RET=full", true, 0, 0, false, false, RET_FULL, "" },
		{ " RET=SOME", true, 501, 0, false, false, RET_UNSAID, "" },
		{ " RET=FULL RET=FULL", true, 501, 0, false, false, RET_UNSAID, "" },
		{ " ENVID=a+2Bb", true, 0, 0, false, false, RET_UNSAID, "a+2Bb" },
		{ " ENVID=a+2bb", true, 501, 0, false, false, RET_UNSAID, "" },
		{ " ENVID=a+2", true, 501, 0, false, false, RET_UNSAID, "" },
		{ " ENVID=a=b", true, 501, 0, false, false, RET_UNSAID, "" },
		{ " ENVID=", true, 501, 0, false, false, RET_UNSAID, "" },
		{ " MT-PRIORITY=3", true, 555, 0, false, false, RET_UNSAID, "" },
		{ " =x", false, 501, 0, false, false, RET_UNSAID, "" },
		{ " -X=x", false, 501, 0, false, false, RET_UNSAID, "" },
		{ " X\x01=x", false, 501, 0, false, false, RET_UNSAID, "" },
	};
	struct mail_params p;
	struct reply reply;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		bool ok = params_read_mail(&p, str_of(rows[i].in), rows[i].dsn, &reply);

		row_true(i, ok == (rows[i].code == 0));
		row_true(i, reply.code == rows[i].code);
		if (!ok)
			continue;
		row_true(i, p.size == rows[i].size && p.eightbit == rows[i].eightbit);
		row_true(i, p.smtputf8 == rows[i].utf8 && p.ret == rows[i].ret);
		row_text(i, p.envid, str_of(rows[i].envid));
	}
}

static void rcpt(void **state)
{
	static const struct { const char *in; bool dsn; int code; unsigned notify; const char *orcpt; } rows[] = {
		{ "", false, 0, 0, "" },
		{ " NOTIFY=NEVER", false, 555, 0, "" },
		{ " ORCPT=rfc822;a@b", false, 555, 0, "" },
		{ " NOTIFY=NEVER", true, 0, NOTIFY_NEVER, "" },
		{ " notify=success,FAILURE,Delay", true, 0, NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, "" },
		{ " NOTIFY=NEVER,SUCCESS", true, 501, 0, "" },
		{ " NOTIFY=", true, 501, 0, "" },
		{ " NOTIFY=SUCCESS,", true, 501, 0, "" },
		{ " NOTIFY=,SUCCESS", true, 501, 0, "" },
		{ " NOTIFY=SOMETIMES", true, 501, 0, "" },
		{ " NOTIFY=NEVER NOTIFY=NEVER", true, 501, 0, "" },
		{ " ORCPT=rfc822;bob@example.com", true, 0, 0, "rfc822;bob@example.com" },
		{ " ORCPT=rfc822;a+2Bb@x NOTIFY=DELAY", true, 0, NOTIFY_DELAY, "rfc822;a+2Bb@x" },
		{ " ORCPT=utf-8;j\xc3\xb6rg@x", true, 0, 0, "utf-8;j\xc3\xb6rg@x" },
		{ " ORCPT=rfc822;j\xc3\xb6rg@x", true, 501, 0, "" },
		{ " ORCPT=rfc822;", true, 501, 0, "" },
		{ " ORCPT=;a@b", true, 501, 0, "" },
		{ " ORCPT=a@b", true, 501, 0, "" },
		{ " ORCPT=rfc822;a+b@x", true, 501, 0, "" },
		{ " ORCPT=rfc822;a@b ORCPT=rfc822;a@b", true, 501, 0, "" },
		{ " SIZE=1", true, 555, 0, "" },
	};
	struct rcpt_params p;
	struct reply reply;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		bool ok = params_read_rcpt(&p, str_of(rows[i].in), rows[i].dsn, &reply);

		row_true(i, ok == (rows[i].code == 0));
		row_true(i, reply.code == rows[i].code);
		if (!ok)
			continue;
		row_true(i, p.notify == rows[i].notify);
		row_text(i, p.orcpt, str_of(rows[i].orcpt));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(mail), cmocka_unit_test(rcpt) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
