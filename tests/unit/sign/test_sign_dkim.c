/* test_sign_dkim.c - our signatures before libopendkim, what they cover, and hostile headers */
#include "sign_dkim.h"
#include "base/limits.h"
#include "mail/header.h"
#include "samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include <dkim.h>

#include <cmocka.h>

enum { ROOM = 4 << 20 };

static struct sign_key_loaded keys[2];
static char records[2][1024];
static DKIM_LIB *oracle;

static DKIM_CBSTAT give_key(DKIM *d, DKIM_SIGINFO *sig, unsigned char *out, size_t n)
{
	const char *selector = (const char *)dkim_sig_getselector(sig);

	(void)d;
	for (int i = 0; i < 2; i++) {
		if (strcmp(selector, keys[i].selector) != 0)
			continue;
		snprintf((char *)out, n, "%s", records[i]);
		return DKIM_CBSTAT_CONTINUE;
	}
	return DKIM_CBSTAT_NOTFOUND;
}

static int set_up(void **state)
{
	struct buf record;

	(void)state;
	oracle = dkim_init(NULL, NULL);
	dkim_set_key_lookup(oracle, give_key);
	for (int i = 0; i < 2; i++) {
		sample_key(&keys[i], i == 0 ? SIGN_KEY_RSA : SIGN_KEY_ED25519);
		buf_init(&record, sizeof records[i] - 1);
		sample_record(&keys[i], &record);
		snprintf(records[i], sizeof records[i], "%s", buf_text(&record));
		buf_finish(&record);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sign_key_finish(&keys[0]);
	sign_key_finish(&keys[1]);
	dkim_close(oracle);
	return 0;
}

/* How many of our signatures libopendkim finds good. */
static int good_signatures(struct str message)
{
	DKIM_STAT st;
	DKIM *d = dkim_verify(oracle, (const unsigned char *)"id", NULL, &st);
	ptrdiff_t end = content_find_header_end(message);
	struct str rest = end < 0 ? message : str_head(message, (size_t)end);
	struct str body = end < 0 ? STR_NONE : str_skip(message, (size_t)end + 2);
	struct header_field field;
	DKIM_SIGINFO **sigs;
	int n = 0, good = 0;

	while (header_next(&rest, &field))
		dkim_header(d, (unsigned char *)field.raw.p, field.raw.n - 2);
	assert_int_equal(dkim_eoh(d), DKIM_STAT_OK);
	if (body.n > 0)
		assert_int_equal(dkim_body(d, (unsigned char *)body.p, body.n), DKIM_STAT_OK);
	/* it expects a body as SMTP carries it */
	if (body.n > 0 && !str_iends(body, STR("\r\n")))
		assert_int_equal(dkim_body(d, (unsigned char *)"\r\n", 2), DKIM_STAT_OK);
	dkim_eom(d, NULL);
	assert_int_equal(dkim_getsiglist(d, &sigs, &n), DKIM_STAT_OK);
	for (int i = 0; i < n; i++)
		good += (dkim_sig_getflags(sigs[i]) & DKIM_SIGFLAG_PASSED) && dkim_sig_getbh(sigs[i]) == DKIM_SIGBH_MATCH;
	dkim_free(d);
	return good;
}

static void libopendkim_finds_them_good(void **state)
{
	struct buf message;

	(void)state;
	buf_init(&message, ROOM);
	for (size_t i = 0; i < sample_count; i++) {
		if (samples[i].odd)
			continue;
		for (int in_file = 0; in_file < 2; in_file++) {
			buf_clear(&message);
			sample_sign(&samples[i], keys, in_file, &message);
			if (good_signatures(buf_str(&message)) != 2)
				fail_msg("%s:\n%.*s", samples[i].name, (int)message.n, message.p);
		}
	}
	buf_finish(&message);
}

static const struct sample *sample(const char *name)
{
	for (size_t i = 0; i < sample_count; i++)
		if (strcmp(samples[i].name, name) == 0)
			return &samples[i];
	fail_msg("no sample %s", name);
	return NULL;
}

/* What may and may not be put above or below without the signatures noticing. */
static const struct change_row {
	const char *sample, *above, *below;
	int good;
} changes[] = {
	{ "plain", "Received: from x by y; today\r\n", "", 2 },
	{ "plain", "Return-Path: <x@y.example>\r\nDelivered-To: x@y.example\r\nX-Spam: no\r\n", "", 2 },
	{ "plain", "From: m@example.org\r\n", "", 0 },
	{ "plain", "To: m@example.org\r\n", "", 0 },
	{ "plain", "Cc: m@example.org\r\n", "", 0 },
	{ "plain", "Subject: m\r\n", "", 0 },
	{ "plain", "Date: m\r\n", "", 0 },
	{ "plain", "Message-ID: <m>\r\n", "", 0 },
	{ "plain", "Reply-To: m@example.org\r\n", "", 0 },
	{ "plain", "Sender: m@example.org\r\n", "", 0 },
	{ "plain", "MIME-Version: 1.0\r\n", "", 0 },
	{ "plain", "Content-Type: text/html\r\n", "", 0 },
	{ "plain", "Content-Transfer-Encoding: base64\r\n", "", 0 },
	{ "plain", "In-Reply-To: <m>\r\n", "", 0 },
	{ "plain", "References: <m>\r\n", "", 0 },
	{ "plain", "", "m\r\n", 0 },
	{ "plain", "", "\r\n\r\n", 2 },
	{ "plain", "", " \t\r\n", 2 },
	{ "forwarded", "Reply-To: list@example.org\r\nSender: list@example.org\r\nList-Id: <x.example.org>\r\n", "", 2 },
	{ "forwarded", "From: m@example.org\r\n", "", 0 },
	{ "forwarded", "To: m@example.org\r\n", "", 0 },
	{ "forwarded", "Subject: m\r\n", "", 0 },
	{ "forwarded", "Date: m\r\n", "", 0 },
	{ "forwarded", "Message-ID: <m>\r\n", "", 0 },
	{ "forwarded", "Content-Type: text/html\r\n", "", 0 },
	{ "same fields again", "Subject: m\r\n", "", 0 },
	{ "same fields again", "Comments: m\r\n", "", 2 },
	{ "resent", "Resent-From: m@example.org\r\nResent-To: m@example.org\r\n", "", 2 },
};

static void changes_show(void **state)
{
	struct buf message, signed_text;

	(void)state;
	buf_init(&message, ROOM);
	buf_init(&signed_text, ROOM);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		const struct change_row *row = &changes[i];

		buf_clear(&message);
		buf_clear(&signed_text);
		sample_sign(sample(row->sample), keys, false, &signed_text);
		buf_addf(&message, "%s", row->above);
		buf_add_str(&message, buf_str(&signed_text));
		buf_addf(&message, "%s", row->below);
		int good = good_signatures(buf_str(&message));

		if (good != row->good)
			fail_msg("%s, \"%s\" above, \"%s\" below: %d", row->sample, row->above, row->below, good);
	}
	buf_finish(&message);
	buf_finish(&signed_text);
}

/* The signatures of a message, as one header. */
static struct buf signatures_of(struct str message, bool submitted, struct str extra)
{
	struct content content;
	struct sign_dkim_job job = { .keys = keys, .key_count = 2, .submitted = submitted, .now = 1700000000000,
		.extra = extra, .content = &content };
	struct why why = { 0 };
	struct buf out;

	buf_init(&out, LIMIT_TOP_FIELDS);
	sample_content(&content, message, false);
	assert_true(sign_dkim(&out, &job, &why));
	assert_string_equal(why.text, "");
	content_finish(&content);
	return out;
}

static void lines_are_short(void **state)
{
	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		struct buf text, out;
		struct str rest;

		buf_init(&text, ROOM);
		out = signatures_of(sample_text(&samples[i], &text), !samples[i].forwarded, str_of(samples[i].extra));
		rest = buf_str(&out);
		assert_true(rest.n > 0);
		while (rest.n > 0) {
			struct str line = str_trim(str_cut(&rest, '\n'));

			assert_in_range(line.n, 1, 78 - 8);
		}
		buf_finish(&out);
		buf_finish(&text);
	}
}

static struct str h_of(struct str signature, char *out, size_t n)
{
	const char *from = memmem(signature.p, signature.n, "h=", 2), *to;
	size_t at = 0;

	assert_non_null(from);
	to = memchr(from, ';', (size_t)(signature.p + signature.n - from));
	for (from += 2; from < to && at < n - 1; from++)
		if (*from != ' ' && *from != '\t' && *from != '\r' && *from != '\n')
			out[at++] = *from;
	out[at] = '\0';
	return str_make(out, at);
}

static const struct cover_row {
	const char *name, *header;
	bool submitted;
	const char *h;
} covers[] = {
	{ "submitted", "From: a@b.example\r\nTo: c\r\nReceived: x\r\nX-Mailer: y\r\n\r\n", true,
	  "From:From:To:To:Cc:Subject:Date:Message-ID:Reply-To:Sender:MIME-Version:Content-Type:"
	  "Content-Transfer-Encoding:In-Reply-To:References" },
	{ "forwarded", "From: a@b.example\r\nTo: c\r\nReply-To: d\r\n\r\n", false,
	  "From:From:To:To:Cc:Subject:Date:Message-ID:Reply-To:MIME-Version:Content-Type:Content-Transfer-Encoding" },
	{ "never covered",
	  "Return-Path: <>\r\nReceived: x\r\nDelivered-To: x\r\nX-Forwarded-To: x\r\nDKIM-Signature: x\r\n"
	  "Authentication-Results: x\r\nARC-Seal: x\r\nReceived-SPF: x\r\nBcc: x\r\nFrom: a@b.example\r\n\r\n", false,
	  "From:From:To:Cc:Subject:Date:Message-ID:MIME-Version:Content-Type:Content-Transfer-Encoding" },
	{ "each as often as it is there", "From: a@b.example\r\nTo: c\r\nto: d\r\nTO : e\r\n\r\n", false,
	  "From:From:To:To:To:To:Cc:Subject:Date:Message-ID:MIME-Version:Content-Type:Content-Transfer-Encoding" },
	{ "lists", "List-Id: x\r\nFrom: a@b.example\r\nList-Unsubscribe: x\r\nAutocrypt: y\r\n\r\n", false,
	  "From:From:To:Cc:Subject:Date:Message-ID:MIME-Version:Content-Type:Content-Transfer-Encoding:"
	  "List-Id:List-Unsubscribe:Autocrypt" },
};

static void what_is_covered(void **state)
{
	char h[4096];

	(void)state;
	for (size_t i = 0; i < sizeof covers / sizeof covers[0]; i++) {
		struct buf out = signatures_of(str_of(covers[i].header), covers[i].submitted, STR_NONE);

		h_of(buf_str(&out), h, sizeof h);
		if (strcmp(h, covers[i].h) != 0)
			fail_msg("%s: h=%s", covers[i].name, h);
		buf_finish(&out);
	}
}

/* Without exactly one From there is nothing to vouch for. */
static void no_from_no_signature(void **state)
{
	static const char *const headers[] = {
		"", "\r\n", "\r\nFrom: a@b.example\r\n", "To: a@b.example\r\n\r\n",
		"From: a@b.example\r\nFrom: c@d.example\r\n\r\n", "From: a@b.example\r\nfrom : c@d.example\r\n\r\n",
		"Subject: x\r\n From: a@b.example\r\n\r\n", "no header at all\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		struct buf out = signatures_of(str_of(headers[i]), true, STR_NONE);

		if (out.n != 0)
			fail_msg("\"%s\" was signed", headers[i]);
		buf_finish(&out);
	}
}

/* A header of 250 kB made of one field repeated, after the fields of a good one. */
static const struct hostile_row {
	const char *name, *begin, *fill, *end;
	size_t bytes;
	int good;          /* signatures that libopendkim finds good; -1: it can't read such a thing */
} hostile[] = {
	{ "a long name", "", "N", ": v\r\n", 20000, -1 },
	{ "the longest name", "", "N", ": v\r\n", 250000, -1 },
	{ "a name and no colon", "", "N", "\r\n", 20000, -1 },
	{ "lines without colon", "", "what is this\r\n", "", 250000, -1 },
	{ "colons", "", ":\r\n", "", 250000, -1 },
	{ "many To", "", "To: a@b.example\r\n", "", 250000, 2 },
	{ "many of all", "", "To:a\r\nCc:b\r\nReply-To:c\r\nSender:d\r\nSubject:e\r\nList-Id:f\r\nResent-To:g\r\n"
	  "References:h\r\nIn-Reply-To:i\r\nDate:j\r\nMessage-ID:k\r\nContent-Type:l\r\nMIME-Version:m\r\n", "",
	  250000, 2 },
	{ "one long value", "Subject: ", "x", "\r\n", 250000, 2 },
	{ "one value of blanks", "Subject: ", " ", "\r\n", 250000, 2 },
	{ "one value of folds", "Subject: ", "\r\n\t", "x\r\n", 250000, 2 },
	{ "foreign signatures", "", "DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=x; h=from; bh=AAAA; b=AAAA\r\n", "",
	  20000, 2 },
};

static void hostile_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		const struct hostile_row *row = &hostile[i];
		struct buf text, message, out;

		buf_init(&text, ROOM);
		buf_init(&message, ROOM);
		buf_addf(&text, "From: a@b.example\r\n%s", row->begin);
		while (text.n + strlen(row->fill) < row->bytes)
			buf_addf(&text, "%s", row->fill);
		buf_addf(&text, "%s\r\nbody\r\n", row->end);
		out = signatures_of(buf_str(&text), true, STR_NONE);
		assert_in_range(out.n, 1, 8192);
		buf_add_str(&message, buf_str(&out));
		buf_add_str(&message, buf_str(&text));
		if (row->good >= 0 && good_signatures(buf_str(&message)) != row->good)
			fail_msg("%s: %.*s", row->name, (int)out.n, out.p);
		buf_finish(&text);
		buf_finish(&message);
		buf_finish(&out);
	}
}

static void what_does_not_fit_is_left_out(void **state)
{
	struct content content;
	struct sign_dkim_job job = { .keys = keys, .key_count = 2, .content = &content };
	struct buf out;

	(void)state;
	sample_content(&content, STR("From: a@b.example\r\n\r\n"), false);
	buf_init(&out, 700);
	assert_true(sign_dkim(&out, &job, NULL));
	assert_true(out.n > 300);
	assert_null(memmem(out.p, out.n, "s=ed", 4));
	assert_true(str_iends(buf_str(&out), STR("\r\n")));
	buf_finish(&out);
	content_finish(&content);
}

static void a_short_file_is_told(void **state)
{
	struct content content;
	struct sign_dkim_job job = { .keys = keys, .key_count = 2, .content = &content };
	struct why why = { 0 };
	struct buf out;

	(void)state;
	sample_content(&content, STR("From: a@b.example\r\n\r\nbody\r\n"), true);
	content.size += 100000;
	buf_init(&out, LIMIT_TOP_FIELDS);
	assert_false(sign_dkim(&out, &job, &why));
	assert_string_not_equal(why.text, "");
	assert_int_equal(out.n, 0);
	buf_finish(&out);
	content_finish(&content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libopendkim_finds_them_good),
		cmocka_unit_test(changes_show),
		cmocka_unit_test(lines_are_short),
		cmocka_unit_test(what_is_covered),
		cmocka_unit_test(no_from_no_signature),
		cmocka_unit_test(hostile_headers),
		cmocka_unit_test(what_does_not_fit_is_left_out),
		cmocka_unit_test(a_short_file_is_told),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
