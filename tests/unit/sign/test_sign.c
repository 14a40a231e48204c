/* test_sign.c - the top of a message as the job leaves it: order, coverage, cancelling */
#include "sign/sign.h"
#include "mail/header.h"
#include "samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

static char folder[] = "/tmp/test_sign.XXXXXX";
static char file_path[100], key_path[100];
static struct config *config;
static struct loop *loop;

static const char text[] =
	"dkim: {enable: true}\n"
	"srs: {srs_domain: srs.ours.example, dkim: {selector: fwd, key: key}}\n"
	"virtual_domains:\n"
	"  ours.example:\n"
	"    dkim: {selector: mail, key: key}\n"
	"  plain.example: {}\n";

static void write_key(void)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	FILE *f = fopen(key_path, "w");

	assert_non_null(f);
	assert_true(PEM_write_PKCS8PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	chmod(key_path, 0600);
	EVP_PKEY_free(pkey);
}

static int set_up(void **state)
{
	FILE *f;

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file_path, sizeof file_path, "%s/config.yaml", folder);
	snprintf(key_path, sizeof key_path, "%s/key", folder);
	write_key();
	f = fopen(file_path, "w");
	fputs(text, f);
	fclose(f);
	loop = loop_create(2, NULL);
	return loop ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	loop_destroy(&loop);
	unlink(file_path);
	unlink(key_path);
	return rmdir(folder);
}

static struct signer *make_signer(void)
{
	struct sign_options options = { 0 };
	struct signer *s;

	config = config_load(file_path);
	config_read_table(config, config_root(config), sign_rows, &options);
	s = signer_create(config, &options);
	assert_non_null(s);
	assert_true(config_is_right(config));
	return s;
}

struct heard {
	bool called, ok;
	struct why why;
};

static void stop(void *waiter, bool ok, const struct why *why)
{
	struct heard *h = waiter;

	assert_false(h->called);
	h->called = true;
	h->ok = ok;
	if (why != NULL)
		h->why = *why;
	loop_stop(loop);
}

static struct message *make_message(const char *original, const char *target, const char *content)
{
	struct message *m = message_create();
	struct str rest = str_of(content);

	m->env.helo = STR("mx.sender.example");
	m->env.client.port = 25;
	m->env.rcpts = arena_alloc(m->arena, sizeof *m->env.rcpts);
	m->env.rcpt_count = 1;
	assert_true(address_parse(&m->env.rcpts[0].original, str_of(original), m->arena));
	assert_true(address_parse(&m->env.rcpts[0].to, str_of(target), m->arena));
	content_finish(&m->content);
	sample_content(&m->content, rest, false);
	return m;
}

#define CONTENT "From: alice@ours.example\r\nTo: bob@example.net\r\n\r\nHi.\r\n"

#define NOT_CHECKED NULL, NULL, false

static const struct sign_row {
	const char *name, *from_domain, *extra, *target;
	const char *names;                 /* of the fields on top, in their order */
	const char *d;                     /* of the signature; NULL: none */
	const char *results, *content;     /* NULL: none; the usual one */
	bool unsigned_content;
} rows[] = {
	{ "submitted", "ours.example", "Date: today\r\nMessage-ID: <1@ours.example>\r\n", "bob@example.net",
	  "DKIM-Signature Received Date Message-ID ", "d=ours.example;", NOT_CHECKED },
	{ "submitted, any case", "OURS.example", "", "bob@example.net", "DKIM-Signature Received ", "d=ours.example;", NOT_CHECKED },
	{ "submitted, no key", "plain.example", "Date: today\r\n", "bob@example.net", "Received Date ", NULL, NOT_CHECKED },
	{ "submitted, not ours", "else.example", "", "bob@example.net", "Received ", NULL, NOT_CHECKED },
	{ "forwarded", "", "", "x@gmail.example",
	  "DKIM-Signature Received Delivered-To X-Forwarded-To X-Forwarded-For ", "d=srs.ours.example;", NOT_CHECKED },
	{ "checked", "", "", "x@gmail.example", "DKIM-Signature Authentication-Results Received-SPF Received Delivered-To "
	  "X-Forwarded-To X-Forwarded-For ", "d=srs.ours.example;",
	  "Authentication-Results: mail.ours.example;\r\n\tspf=pass\r\nReceived-SPF: pass\r\n", NULL, false },
	{ "checked, and oversigned", "", "", "bob@example.net", "DKIM-Signature Received-SPF Received ", "d=srs.ours.example;",
	  "Authentication-Results: mail.ours.example; none\r\nReceived-SPF: pass\r\n",
	  "DKIM-Signature: v=1; h=From:Authentication-Results; b=x\r\n" CONTENT, false },
	{ "checked, and oversigned by what is not valid", "", "", "bob@example.net",
	  "DKIM-Signature Authentication-Results Received-SPF Received ", "d=srs.ours.example;",
	  "Authentication-Results: mail.ours.example; none\r\nReceived-SPF: pass\r\n",
	  "DKIM-Signature: v=1; h=From:Authentication-Results; b=x\r\n" CONTENT, true },
};

static struct heard sign(struct signer *s, struct message *m, const struct sign_row *row)
{
	struct sign_request request = { .hostname = "mail.ours.example", .protocol = "ESMTP",
		.from_domain = str_of(row->from_domain), .extra = str_of(row->extra),
		.results = str_of(row->results), .unsigned_content = row->unsigned_content };
	struct heard heard = { 0 };
	struct job *job = sign_message(s, loop, m, &request, stop, &heard);

	assert_non_null(job);
	assert_false(heard.called);        /* never from inside the call */
	loop_run(loop);
	assert_true(heard.called);
	return heard;
}

static void order_of_fields(void **state)
{
	struct signer *s = make_signer();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct message *m = make_message("bob@example.net", rows[i].target,
			rows[i].content ? rows[i].content : CONTENT);
		struct heard heard = sign(s, m, &rows[i]);
		struct str rest = buf_str(&m->top);
		struct header_field field;
		struct buf names;

		assert_true(heard.ok);
		assert_true(m->id != 0);
		assert_int_equal(m->refs, 1);
		buf_init(&names, 1000);
		while (header_next(&rest, &field)) {
			buf_add_str(&names, field.name);
			buf_add_char(&names, ' ');
			assert_true(str_iends(field.raw, STR("\r\n")));
		}
		if (strcmp(buf_text(&names), rows[i].names) != 0)
			fail_msg("%s: %s", rows[i].name, buf_text(&names));
		if (rows[i].d != NULL && memmem(m->top.p, m->top.n, rows[i].d, strlen(rows[i].d)) == NULL)
			fail_msg("%s: %s", rows[i].name, buf_text(&m->top));
		/* Date that we add is covered, and oversigned: it stands twice */
		if (strstr(rows[i].extra, "Date") != NULL && rows[i].d != NULL)
			assert_non_null(memmem(m->top.p, m->top.n, "Date:Date", 9));
		buf_finish(&names);
		message_release(&m);
	}
	signer_destroy(&s);
	config_destroy(&config);
}

static void signing_twice_replaces(void **state)
{
	struct signer *s = make_signer();
	struct message *m = make_message("bob@example.net", "bob@example.net", CONTENT);

	(void)state;
	sign(s, m, &rows[0]);
	sign(s, m, &rows[0]);
	assert_int_equal(header_count(buf_str(&m->top), STR("Received")), 1);
	assert_int_equal(header_count(buf_str(&m->top), STR("DKIM-Signature")), 1);
	message_release(&m);
	signer_destroy(&s);
	config_destroy(&config);
}

static void an_unreadable_content_is_told(void **state)
{
	struct signer *s = make_signer();
	struct message *m = make_message("bob@example.net", "bob@example.net", CONTENT);
	struct heard heard;

	(void)state;
	content_finish(&m->content);
	sample_content(&m->content, STR(CONTENT), true);
	m->content.size++;
	heard = sign(s, m, &rows[0]);
	assert_false(heard.ok);
	assert_string_not_equal(heard.why.text, "");
	assert_int_equal(m->top.n, 0);
	message_release(&m);
	signer_destroy(&s);
	config_destroy(&config);
}

static void never(void *waiter, bool ok, const struct why *why)
{
	(void)waiter, (void)ok, (void)why;
	fail_msg("called after job_cancel");
}

static void a_cancelled_job_is_not_heard_of(void **state)
{
	struct signer *s = make_signer();

	(void)state;
	for (size_t i = 0; i < 40; i++) {
		const struct sign_row *row = &rows[i % 2 ? 0 : 2];         /* on a worker, and not */
		struct message *m = make_message("bob@example.net", "bob@example.net", CONTENT);
		struct sign_request request = { .hostname = "h", .from_domain = str_of(row->from_domain) };
		struct job *job = sign_message(s, loop, m, &request, never, NULL);

		message_release(&m);
		if (i % 3 == 0)
			usleep(300);
		job_cancel(&job);
	}
	struct message *m = make_message("bob@example.net", "bob@example.net", CONTENT);

	sign(s, m, &rows[0]);              /* behind all of them */
	message_release(&m);
	signer_destroy(&s);
	config_destroy(&config);
}

/* A reload may take the signer away while a job runs. */
static void a_job_outlives_its_signer(void **state)
{
	struct signer *s = make_signer();
	struct message *m = make_message("bob@example.net", "bob@example.net", CONTENT);
	struct sign_request request = { .hostname = "h", .from_domain = STR("ours.example") };
	struct heard heard = { 0 };

	(void)state;
	sign_message(s, loop, m, &request, stop, &heard);
	signer_destroy(&s);
	config_destroy(&config);
	loop_run(loop);
	assert_true(heard.ok);
	assert_true(str_starts(buf_str(&m->top), STR("DKIM-Signature: ")));
	message_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_of_fields),
		cmocka_unit_test(signing_twice_replaces),
		cmocka_unit_test(an_unreadable_content_is_told),
		cmocka_unit_test(a_cancelled_job_is_not_heard_of),
		cmocka_unit_test(a_job_outlives_its_signer),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
