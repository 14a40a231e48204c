/* The section srs: of the config: src/route/srs_options.c. */
#include "../unit.h"
#include "folder.h"

#include "route/srs.h"

#include <stdlib.h>

#define LONG "a-long-and-random-text"

static void rows_read(void **state)
{
	static const struct {
		const char *yaml;
		bool enable;
		const char *domain;
		const char *secrets;           /* with a comma between */
		const char *problem;           /* NULL: none */
	} rows[] = {
		{ "srs: {srs_domain: SRS.Example.com, srs_secret: " LONG "}\n", true, "srs.example.com", LONG, NULL },
		{ "srs: {srs_domain: s.b\xc3\xbc" "cher.example}\n", true, "s.xn--bcher-kva.example", "", NULL },
		{ "srs: {srs_domain: s.example.com, srs_secret: [" LONG ", other-" LONG "]}\n", true, "s.example.com",
		  LONG ",other-" LONG, NULL },
		{ "srs: {srs_domain: s.example.com, srs_secret: []}\n", true, "s.example.com", "", NULL },
		/* the bytes as they stand there: base64 is not decoded, nothing is trimmed */
		{ "srs: {srs_domain: s.example.com, srs_secret: \" c2VjcmV0IHNlY3JldA== \"}\n", true, "s.example.com",
		  " c2VjcmV0IHNlY3JldA== ", NULL },
		/* the domain that is taken when none is named */
		{ "ptr_hostname: Mail.Example.com\n", true, "mail.example.com", "", NULL },
		{ "ptr_hostname: mail.example.com\nsrs:\n", true, "mail.example.com", "", NULL },
		{ "ptr_hostname: \"[192.0.2.1]\"\nvirtual_domains: {Example.org: , example.net: }\n", true,
		  "example.org", "", NULL },
		{ "virtual_domains: {example.org: }\n", true, "example.org", "", NULL },
		{ "{}\n", true, NULL, "", "c.yaml:1:1: srs.srs_domain is missing" },
		{ "srs: {srs_secret: " LONG "}\n", true, NULL, LONG, "c.yaml:1:6: srs.srs_domain is missing" },
		{ "srs: {enable: false}\n", false, NULL, "", NULL },
		{ "ptr_hostname: mail.example.com\nsrs: {enable: no}\n", false, NULL, "", NULL },
		{ "srs: {enable: false, srs_domain: s.example.com}\n", false, "s.example.com", "", NULL },
		/* wrong */
		{ "srs: {srs_domain: a b}\n", true, NULL, "", "c.yaml:1:19: srs.srs_domain: expected a domain" },
		{ "srs: {srs_domain: [a]}\n", true, NULL, "", "c.yaml:1:19: srs.srs_domain: expected a domain" },
		{ "srs: {srs_domain: \"[192.0.2.1]\"}\n", true, NULL, "", "c.yaml:1:19: srs.srs_domain: expected" },
		{ "srs: {srs_domain: s.example.com, srs_secret: \"\"}\n", true, "s.example.com", "",
		  "c.yaml:1:46: srs.srs_secret: expected a long random text" },
		{ "srs: {srs_domain: s.example.com, srs_secret: [" LONG ", {a: b}]}\n", true, "s.example.com", LONG,
		  "c.yaml:1:71: srs.srs_secret: expected" },
		{ "srs: {srs_domain: s.example.com, srs_secret: {a: b}}\n", true, "s.example.com", "",
		  "c.yaml:1:46: srs.srs_secret: expected" },
		{ "srs: {srs_domain: s.example.com, srs_secret: tops3cr3t}\n", true, "s.example.com", "tops3cr3t",
		  "c.yaml:1:46: warning: srs.srs_secret: who guesses it" },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct srs_options o;
		struct config *c;
		struct buf problems, secrets;

		folder_write(state, "c.yaml", str_of(rows[i].yaml));
		c = config_load(folder_file(state, "c.yaml"));
		config_read_table(c, config_root(c), srs_rows, &o);
		buf_init(&problems, 1 << 16);
		buf_init(&secrets, 1 << 16);
		config_print_problems(c, &problems);
		for (size_t k = 0; k < o.secrets.n; k++)
			buf_addf(&secrets, "%s%s", k ? "," : "", o.secrets.v[k]);
		row_true(i, o.enable == rows[i].enable);
		row_text(i, str_of(o.domain), str_of(rows[i].domain));
		row_text(i, buf_str(&secrets), str_of(rows[i].secrets));
		if (rows[i].problem ? !strstr(buf_text(&problems), rows[i].problem) : problems.n > 0)
			fail_msg("row %zu: %s", i, buf_text(&problems));
		buf_finish(&problems);
		buf_finish(&secrets);
		config_destroy(&c);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_read, folder_setup, folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
