/*
 * Authentication-Results and Received-SPF, as they are written and as a strict reader gets them back: whatever a client
 * put into its HELO, its sender or its signatures.
 */
#include "../unit.h"
#include "check/check.h"

#include "mail/header.h"

#include <stdio.h>

static const struct check_options options;
static const struct check_own own;

struct sample {
	struct verdict v;
	struct check_client client;
	struct address sender;
	struct check_dkim_signature signatures[LIMIT_DKIM_SIGNATURES];
};

static void sample_init(struct sample *s)
{
	*s = (struct sample){ .client = { .helo = STR("mx.example.net") },
		.sender = { STR("alice"), STR("example.net") } };
	assert_true(inet_parse(&s->client.address, STR("192.0.2.1")));
	s->v.spf_done = s->v.message_done = true;
	s->v.spf.result = SPF_PASS;
	snprintf(s->v.spf.domain, sizeof(s->v.spf.domain), "example.net");
	snprintf(s->v.spf.mechanism, sizeof(s->v.spf.mechanism), "ip4:192.0.2.0/24");
	s->v.helo.result = SPF_NONE;
	s->signatures[0] = (struct check_dkim_signature){ .result = CHECK_DKIM_PASS, .domain = STR("example.net"),
		.selector = STR("mail"), .algorithm = "rsa-sha256", .tag = STR("aB+/12=="), .bits = 2048 };
	s->v.dkim = (struct check_dkim_verdict){ .v = s->signatures, .n = 1 };
	s->v.dmarc = (struct dmarc_answer){ .result = DMARC_PASS, .policy = DMARC_POLICY_REJECT };
	snprintf(s->v.dmarc.from, sizeof(s->v.dmarc.from), "example.net");
}

static void print(const char *hostname, const struct sample *s, struct buf *out)
{
	struct check *c = check_create(NULL, NULL, &options, &own, hostname);

	buf_init(out, LIMIT_TOP_FIELDS);
	assert_true(check_print_fields(c, &s->v, &s->client, &s->sender, out));
	check_destroy(&c);
}

/* ---- a strict reader ---- */

/* No byte but printable ASCII, CRLF only before a blank, no line longer than RFC 5322 lets it be. */
static void check_lines(struct str fields)
{
	size_t line = 0;

	for (size_t i = 0; i < fields.n; i++) {
		char c = fields.p[i];

		if (c == '\r') {
			assert_true(i + 1 < fields.n && fields.p[i + 1] == '\n');
			assert_true(line > 1);
			line = 0;
			i++;
			continue;
		}
		assert_true((c >= ' ' && c <= '~') || c == '\t');
		assert_true(++line <= 998);
	}
	assert_int_equal(line, 0);
}

static void skip_blanks(struct str *s)
{
	int depth = 0;

	for (; s->n > 0; *s = str_skip(*s, 1)) {
		char c = s->p[0];

		depth += c == '(' ? 1 : c == ')' ? -1 : 0;
		assert_true(depth >= 0);
		if (c == '\\')
			*s = str_skip(*s, 1);
		else if (depth == 0 && c != ')' && !strchr(" \t\r\n", c))
			break;
	}
	assert_int_equal(depth, 0);
}

static void take(struct str *s, const char *stop, struct buf *out)
{
	buf_clear(out);
	if (s->n > 0 && s->p[0] == '"') {
		for (*s = str_skip(*s, 1); s->p[0] != '"'; *s = str_skip(*s, 1)) {
			if (s->p[0] == '\\')
				*s = str_skip(*s, 1);
			assert_true(s->n > 1);
			buf_add_char(out, s->p[0]);
		}
		*s = str_skip(*s, 1);
		return;
	}
	while (s->n > 0 && !strchr(stop, s->p[0])) {
		buf_add_char(out, s->p[0]);
		*s = str_skip(*s, 1);
	}
	assert_true(out->n > 0);
}

static void expect(struct str *s, char c)
{
	skip_blanks(s);
	assert_true(s->n > 0 && s->p[0] == c);
	*s = str_skip(*s, 1);
	skip_blanks(s);
}

/* "id|method=result|name:value|...", values unquoted. */
static void read_results(struct str value, struct buf *out)
{
	struct buf word;

	buf_init(&word, 8192);
	buf_init(out, 32768);
	skip_blanks(&value);
	take(&value, " \t\r\n;()=", &word);
	buf_add_str(out, buf_str(&word));
	skip_blanks(&value);
	while (value.n > 0) {
		if (value.p[0] == ';') {
			expect(&value, ';');
			take(&value, " \t\r\n;()=", &word);
			buf_addf(out, "|%s", buf_text(&word));
			expect(&value, '=');
			take(&value, " \t\r\n;()=", &word);
			buf_addf(out, "=%s", buf_text(&word));
		} else {
			take(&value, " \t\r\n;()=", &word);
			buf_addf(out, "|%s", buf_text(&word));
			expect(&value, '=');
			take(&value, " \t\r\n;()\"", &word);
			buf_addf(out, ":%s", buf_text(&word));
		}
		skip_blanks(&value);
	}
	buf_finish(&word);
}

/* "result|key:value|..." */
static void read_received(struct str value, struct buf *out)
{
	struct buf word;

	buf_init(&word, 8192);
	buf_init(out, 32768);
	skip_blanks(&value);
	take(&value, " \t\r\n;()=", &word);
	buf_add_str(out, buf_str(&word));
	skip_blanks(&value);
	while (value.n > 0) {
		take(&value, " \t\r\n;()=", &word);
		buf_addf(out, "|%s", buf_text(&word));
		expect(&value, '=');
		take(&value, " \t\r\n;()=\"@:", &word);
		buf_addf(out, ":%s", buf_text(&word));
		skip_blanks(&value);
		if (value.n > 0)
			expect(&value, ';');
	}
	buf_finish(&word);
}

static void check_read(const char *hostname, const struct sample *s, const char *received, const char *results)
{
	struct buf out, got;
	struct header_field field;
	struct str rest;

	print(hostname, s, &out);
	rest = buf_str(&out);
	check_lines(rest);
	if (s->v.spf_done) {
		assert_true(header_next(&rest, &field));
		assert_true(str_eq(field.name, STR("Received-SPF")));
		read_received(field.value, &got);
		assert_string_equal(buf_text(&got), received);
		buf_finish(&got);
	}
	assert_true(header_next(&rest, &field));
	assert_true(str_eq(field.name, STR("Authentication-Results")));
	read_results(field.value, &got);
	assert_string_equal(buf_text(&got), results);
	buf_finish(&got);
	assert_false(header_next(&rest, &field));
	buf_finish(&out);
}

/* ---- as it looks ---- */

static void plain(void **state)
{
	struct sample s;
	struct buf out;

	(void)state;
	sample_init(&s);
	print("mail.example.com", &s, &out);
	assert_string_equal(buf_text(&out),
		"Received-SPF: pass (mail.example.com: example.net permits 192.0.2.1)\r\n"
		"\treceiver=mail.example.com; client-ip=192.0.2.1;\r\n"
		"\tenvelope-from=\"alice@example.net\"; helo=mx.example.net;\r\n"
		"\tidentity=mailfrom; mechanism=\"ip4:192.0.2.0/24\"\r\n"
		"Authentication-Results: mail.example.com;\r\n"
		"\tspf=pass smtp.mailfrom=alice@example.net;\r\n"
		"\tspf=none smtp.helo=mx.example.net;\r\n"
		"\tdkim=pass (2048-bit key) header.d=example.net header.s=mail\r\n"
		"\theader.a=rsa-sha256 header.b=\"aB+/12==\";\r\n"
		"\tdmarc=pass header.from=example.net policy.dmarc=reject\r\n");
	buf_finish(&out);
}

#define RECEIVED "pass|receiver:mail.example.com|client-ip:192.0.2.1|envelope-from:alice@example.net|" \
	"helo:mx.example.net|identity:mailfrom|mechanism:ip4:192.0.2.0/24"
#define ID "mail.example.com"
#define SPF "|spf=pass|smtp.mailfrom:alice@example.net|spf=none|smtp.helo:mx.example.net"
#define DKIM "|dkim=pass|header.d:example.net|header.s:mail|header.a:rsa-sha256|header.b:aB+/12=="
#define DMARC "|dmarc=pass|header.from:example.net|policy.dmarc:reject"

static void forms(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s);
	check_read(ID, &s, RECEIVED, ID SPF DKIM DMARC);
	/* nothing signed, no policy */
	s.v.dkim.n = 0;
	s.v.dmarc.result = DMARC_NONE;
	snprintf(s.v.dmarc.problem, sizeof(s.v.dmarc.problem), "the domain publishes no policy");
	check_read(ID, &s, RECEIVED, ID SPF "|dkim=none|dmarc=none|header.from:example.net");
	/* before the content, and before everything */
	s.v.message_done = false;
	check_read(ID, &s, RECEIVED, ID SPF);
	s.v.spf_done = false;
	{
		struct buf out;

		print(ID, &s, &out);
		assert_string_equal(buf_text(&out), "Authentication-Results: mail.example.com; none\r\n");
		buf_finish(&out);
	}
	/* several signatures, and too many */
	sample_init(&s);
	s.signatures[1] = (struct check_dkim_signature){ .result = CHECK_DKIM_TEMPERROR, .domain = STR("example.org"),
		.selector = STR("s2"), .algorithm = "", .reason = "no answer" };
	s.signatures[2] = (struct check_dkim_signature){ .result = CHECK_DKIM_PASS, .domain = STR("example.net"),
		.algorithm = "ed25519-sha256", .bits = 256, .partial = true, .testing = true };
	s.v.dkim.n = 3;
	s.v.dkim.ignored = 7;
	check_read(ID, &s, RECEIVED, ID SPF DKIM
		"|dkim=temperror|reason:no answer|header.d:example.org|header.s:s2"
		"|dkim=pass|reason:a part of the body is not signed (l=)|header.d:example.net|header.a:ed25519-sha256"
		"|dkim=policy|reason:there are more signatures than are looked at" DMARC);
	/* DMARC's other ends */
	s.v.dkim = (struct check_dkim_verdict){ .n = 0 };
	s.v.dmarc.result = DMARC_TEMPERROR;
	snprintf(s.v.dmarc.problem, sizeof(s.v.dmarc.problem), "no answer");
	check_read(ID, &s, RECEIVED, ID SPF "|dkim=none|dmarc=temperror|reason:no answer|header.from:example.net");
	s.v.dmarc.result = DMARC_FAIL;
	s.v.dmarc.from[0] = 0;
	snprintf(s.v.dmarc.problem, sizeof(s.v.dmarc.problem), "several From fields");
	check_read(ID, &s, RECEIVED, ID SPF "|dkim=none|dmarc=fail|reason:several From fields");
}

static void senders(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s);
	s.v.message_done = false;
	/* <>: HELO speaks for it */
	s.sender = (struct address){ STR(""), STR("") };
	s.v.null_sender = true;
	s.v.helo = s.v.spf;
	check_read(ID, &s, "pass|receiver:mail.example.com|client-ip:192.0.2.1|envelope-from:|helo:mx.example.net|"
		"identity:helo|mechanism:ip4:192.0.2.0/24", ID "|spf=pass|smtp.helo:mx.example.net");
	/* the client is hidden */
	s.v.hidden = true;
	s.v.spf = s.v.helo = (struct spf_answer){ .result = SPF_NONE };
	check_read(ID, &s, "none|receiver:mail.example.com|envelope-from:|helo:mx.example.net|identity:helo",
		ID "|spf=none|reason:the address of the client is hidden behind a proxy|smtp.helo:mx.example.net");
	/* IPv6, an error, a name that is an address */
	sample_init(&s);
	s.v.message_done = false;
	assert_true(inet_parse(&s.client.address, STR("2001:db8::1")));
	s.client.helo = STR("[IPv6:2001:db8::1]");
	s.v.spf = (struct spf_answer){ .result = SPF_TEMPERROR, .domain = "example.net", .problem = "no answer" };
	check_read("[192.0.2.9]", &s, "temperror|receiver:[192.0.2.9]|client-ip:2001:db8::1|"
		"envelope-from:alice@example.net|helo:[IPv6:2001:db8::1]|identity:mailfrom|problem:no answer",
		"[192.0.2.9]|spf=temperror|reason:no answer|smtp.mailfrom:alice@example.net|spf=none|"
		"smtp.helo:[IPv6:2001:db8::1]");
}

/* ---- hostile values ---- */

#define HOSTILE_HELO "x; spf=pass (\r\n\"\\); dkim=pass\001\377"
#define HELO_READ "x; spf=pass (??\"\\); dkim=pass??"

static void hostile(void **state)
{
	static const struct {
		struct str local, domain;
		const char *received, *results;        /* the sender, as it is read back */
	} rows[] = {
		{ STR("a; spf=pass"), STR("example.net"), "\"a; spf=pass\"@example.net", "\"a; spf=pass\"@example.net" },
		{ STR("a\"b\\c"), STR("example.net"), "\"a\\\"b\\\\c\"@example.net", "\"a\\\"b\\\\c\"@example.net" },
		{ STR("a(b"), STR("example.net"), "\"a(b\"@example.net", "\"a(b\"@example.net" },
		{ STR("a\r\nX: y"), STR("example.net"), "\"a??X: y\"@example.net", "\"a??X: y\"@example.net" },
		{ STR("SRS0=ab=cd=x.example=a"), STR("example.net"), "SRS0=ab=cd=x.example=a@example.net",
			"SRS0=ab=cd=x.example=a@example.net" },
		{ STR("a{b}"), STR("example.net"), "a{b}@example.net", "a{b}@example.net" },
		{ STR("j\xc3\xbcrgen"), STR("example.net"), "example.net", "example.net" },
		{ STR("a"), STR("[192.0.2.1]"), "a@[192.0.2.1]", "a@[192.0.2.1]" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct sample s;
		char received[1000], results[1000];

		sample_init(&s);
		s.sender = (struct address){ rows[i].local, rows[i].domain };
		s.client.helo = STR(HOSTILE_HELO);
		s.v.spf.result = SPF_PERMERROR;
		snprintf(s.v.spf.domain, sizeof(s.v.spf.domain), "ex) (\\am ple.net(");
		snprintf(s.v.spf.mechanism, sizeof(s.v.spf.mechanism), "exists:\"\\;\r\n(x");
		snprintf(s.v.spf.problem, sizeof(s.v.spf.problem), "bad \"%%{\\\r\n\"; x=y");
		s.signatures[0] = (struct check_dkim_signature){ .result = CHECK_DKIM_NEUTRAL,
			.domain = STR("a; dmarc=pass"), .selector = STR("\"\r\n"), .algorithm = "x;y", .tag = STR("(;\\"),
			.reason = "bad\" header.d=evil" };
		snprintf(s.v.dmarc.from, sizeof(s.v.dmarc.from), "a;b\"");
		snprintf(received, sizeof(received), "permerror|receiver:" ID "|client-ip:192.0.2.1|envelope-from:%s|"
			"helo:" HELO_READ "|identity:mailfrom|mechanism:exists:\"\\;?\?(x|problem:bad \"%%{\\??\"; x=y",
			rows[i].received);
		snprintf(results, sizeof(results), ID "|spf=permerror|reason:bad \"%%{\\??\"; x=y|smtp.mailfrom:%s|"
			"spf=none|smtp.helo:" HELO_READ "|dkim=neutral|reason:bad\" header.d=evil|header.d:a; dmarc=pass|"
			"header.s:\"??|header.a:x;y|header.b:(;\\|dmarc=pass|header.from:a;b\"|policy.dmarc:reject",
			rows[i].results);
		check_read(ID, &s, received, results);
	}
}

/* Every byte at every place. */
static void every_byte(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char text[] = { 'a', (char)c, 'b', (char)c };
		struct sample s;
		struct buf out;

		sample_init(&s);
		s.sender.local = s.client.helo = str_make(text, 4);
		s.signatures[0].domain = s.signatures[0].selector = s.signatures[0].tag = str_make(text, 4);
		print(ID, &s, &out);
		check_lines(buf_str(&out));
		assert_int_equal(header_count(buf_str(&out), STR("Received-SPF")), 1);
		assert_int_equal(header_count(buf_str(&out), STR("Authentication-Results")), 1);
		buf_finish(&out);
	}
}

/* The longest that each may be: still lines that may be sent, and no value is cut in silence. */
static void longest(void **state)
{
	char domain[254], local[256], helo[256];
	struct sample s;
	struct buf out, tight;
	struct check *c = check_create(NULL, NULL, &options, &own, ID);

	(void)state;
	memset(domain, 'd', sizeof(domain) - 1);
	domain[sizeof(domain) - 1] = 0;
	memset(local, '"', sizeof(local));
	memset(helo, '\\', sizeof(helo));
	sample_init(&s);
	s.sender = (struct address){ str_make(local, LIMIT_LOCAL_PART_IN), str_of(domain) };
	s.client.helo = str_make(helo, LIMIT_HELO);
	memset(s.v.spf.problem, '"', sizeof(s.v.spf.problem) - 1);
	memset(s.v.spf.mechanism, '"', sizeof(s.v.spf.mechanism) - 1);
	memset(s.v.spf.domain, '(', sizeof(s.v.spf.domain) - 1);
	s.signatures[0].domain = s.signatures[0].selector = str_of(domain);
	memset(s.signatures[0].reason, '"', sizeof(s.signatures[0].reason) - 1);
	s.signatures[0].algorithm = "ed25519-sha256";
	s.signatures[0].bits = 16384;
	s.signatures[0].testing = true;
	for (size_t i = 1; i < LIMIT_DKIM_SIGNATURES; i++)
		s.signatures[i] = s.signatures[0];
	s.v.dkim.n = LIMIT_DKIM_SIGNATURES;
	s.v.dkim.ignored = 1;
	s.v.helo = s.v.spf;
	s.v.dmarc.result = DMARC_FAIL;
	memset(s.v.dmarc.problem, '"', sizeof(s.v.dmarc.problem) - 1);
	memcpy(s.v.dmarc.from, domain, sizeof(domain));
	print(domain, &s, &out);
	check_lines(buf_str(&out));
	assert_in_range(out.n, 8192, LIMIT_RESULTS);
	buf_finish(&out);
	print(ID, &s, &out);
	check_lines(buf_str(&out));
	assert_true(out.n > 2 * LIMIT_HELO + 2 * sizeof(domain));
	buf_init(&tight, out.n - 1);
	assert_false(check_print_fields(c, &s.v, &s.client, &s.sender, &tight));
	assert_int_equal(tight.n, 0);
	buf_finish(&tight);
	buf_init(&tight, out.n);
	assert_true(check_print_fields(c, &s.v, &s.client, &s.sender, &tight));
	assert_true(str_eq(buf_str(&tight), buf_str(&out)));
	buf_finish(&tight);
	buf_finish(&out);
	check_destroy(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(plain), cmocka_unit_test(forms),
		cmocka_unit_test(senders), cmocka_unit_test(hostile), cmocka_unit_test(every_byte),
		cmocka_unit_test(longest) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
