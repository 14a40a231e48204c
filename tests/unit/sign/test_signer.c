/* test_signer.c - the keys that a config names: options.c and signer.c, and how problems are told */
#include "signer.h"
#include "base/limits.h"
#include "base/must.h"

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

static char folder[] = "/tmp/test_signer.XXXXXX";
static const char *const files[] = { "rsa", "weak", "short", "ed", "open", "empty", "c.yaml" };

static const char *path_of(const char *name)
{
	static char path[100];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void write_key(const char *name, EVP_PKEY *pkey, mode_t mode)
{
	FILE *f = fopen(path_of(name), "w");

	must(f != NULL && PEM_write_PKCS8PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	must(chmod(path_of(name), mode) == 0);
	EVP_PKEY_free(pkey);
}

static int set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	write_key("rsa", EVP_RSA_gen(2048), 0640);
	write_key("weak", EVP_RSA_gen(1024), 0600);
	write_key("short", EVP_RSA_gen(768), 0600);
	write_key("ed", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), 0600);
	write_key("open", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), 0644);
	fclose(fopen(path_of("empty"), "w"));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		unlink(path_of(files[i]));
	return rmdir(folder);
}

#define DOMAIN "virtual_domains: {a.example: {dkim: "
#define END "}}\n"

static const struct config_case {
	const char *name, *yaml;
	const char *problem;       /* a part of the one line told; NULL: nothing is wrong */
	bool right;                /* may be used in spite of it */
	const char *from_domain;   /* whose keys are then asked for */
	const char *found;         /* selector@domain/kind of each */
} cases[] = {
	{ "nothing", "{}", NULL, true, "a.example", "" },
	{ "one", DOMAIN "{selector: mail, key: ed}" END, NULL, true, "a.example", "mail@a.example/ed25519-sha256 " },
	{ "not for another", DOMAIN "{selector: mail, key: ed}" END, NULL, true, "b.example", "" },
	{ "nor a subdomain", DOMAIN "{selector: mail, key: ed}" END, NULL, true, "x.a.example", "" },
	{ "nor forwarded mail", DOMAIN "{selector: mail, key: ed}" END, NULL, true, "", "" },
	{ "two", DOMAIN "[{selector: r, key: rsa}, {selector: e.x, key: ed}]" END, NULL, true, "A.example",
	  "r@a.example/rsa-sha256 e.x@a.example/ed25519-sha256 " },
	{ "switched off", "dkim: {enable: false}\n" DOMAIN "{selector: mail, key: missing}" END, NULL, true,
	  "a.example", "" },
	{ "switched on", "dkim: {enable: true}\n" DOMAIN "{selector: mail, key: ed}" END, NULL, true, "a.example",
	  "mail@a.example/ed25519-sha256 " },
	{ "no key", "virtual_domains: {a.example: {dkim: }}", NULL, true, "a.example", "" },
	{ "forwarded", "srs: {srs_domain: SRS.example, dkim: {selector: f, key: ed}}", NULL, true, "",
	  "f@srs.example/ed25519-sha256 " },
	{ "IDN", "virtual_domains: {\"m\xc3\xbcller.example\": {dkim: {selector: \"\xc3\xbc\", key: ed}}}", NULL, true,
	  "xn--mller-kva.example", "xn--tda@xn--mller-kva.example/ed25519-sha256 " },
	{ "text for true", "dkim: {enable: perhaps}", "1:16: dkim.enable: expected true or false", false, "", "" },
	{ "no selector", DOMAIN "{key: ed}" END, "1:37: a DKIM key needs `selector`", false, "", "" },
	{ "no file", DOMAIN "{selector: mail}" END, "1:37: a DKIM key needs `key`", false, "", "" },
	{ "a list as file", DOMAIN "{selector: mail, key: [ed]}" END, "a DKIM key needs `key`", false, "", "" },
	{ "a text", DOMAIN "ed" END, "1:37: expected a DKIM key", false, "", "" },
	{ "a list of texts", DOMAIN "[ed]" END, "1:38: expected a DKIM key", false, "", "" },
	{ "a bad selector", DOMAIN "{selector: \"a b\", key: ed}" END, "1:48: a selector is", false, "", "" },
	{ "one selector twice", DOMAIN "[{selector: r, key: rsa}, {selector: R, key: ed}]" END,
	  "two keys with the selector r", false, "", "" },
	{ "five", DOMAIN "[{selector: a, key: ed}, {selector: b, key: ed}, {selector: c, key: ed}, "
	  "{selector: d, key: ed}, {selector: e, key: ed}]" END, "more than 4 DKIM keys", false, "", "" },
	{ "forwarded, no domain", "srs: {dkim: {selector: f, key: ed}}", "srs.srs_domain", false, "", "" },
	{ "missing", DOMAIN "{selector: mail, key: missing}" END, "1:59: can't open ", false, "", "" },
	{ "empty", DOMAIN "{selector: mail, key: empty}" END, "no private key", false, "", "" },
	{ "no PEM inline", DOMAIN "{selector: mail, key: \"-----BEGIN x\"}" END, "the config holds no private key", false, "",
	  "" },
	{ "too short", DOMAIN "{selector: mail, key: short}" END, "768 bits", false, "", "" },
	{ "short", DOMAIN "{selector: mail, key: weak}" END, "warning: this RSA key has 1024 bits", true, "a.example",
	  "mail@a.example/rsa-sha256 " },
	{ "readable by all", DOMAIN "{selector: mail, key: open}" END, "warning: ", true, "a.example",
	  "mail@a.example/ed25519-sha256 " },
	{ "from a file", DOMAIN "{selector: mail, key: !file ed}" END, NULL, true, "a.example",
	  "mail@a.example/ed25519-sha256 " },
};

static struct config *load(const char *yaml, struct sign_options *options)
{
	FILE *f = fopen(path_of("c.yaml"), "w");
	struct config *c;

	must(f != NULL && fputs(yaml, f) >= 0);
	fclose(f);
	must(chmod(path_of("c.yaml"), 0600) == 0);
	c = config_load(path_of("c.yaml"));
	*options = (struct sign_options){ 0 };
	config_read_table(c, config_root(c), sign_rows, options);
	return c;
}

static void check_problems(const struct config_case *row, struct config *c, struct signer *s)
{
	struct buf told;

	buf_init(&told, 1 << 16);
	config_print_problems(c, &told);
	if (row->problem == NULL && told.n > 0)
		fail_msg("%s: %s", row->name, buf_text(&told));
	if (row->problem != NULL && strstr(buf_text(&told), row->problem) == NULL)
		fail_msg("%s: %s", row->name, buf_text(&told));
	if (row->problem != NULL)
		assert_ptr_equal(strchr(buf_text(&told), '\n'), buf_text(&told) + told.n - 1);
	if (config_is_right(c) != row->right || (row->right && s == NULL))
		fail_msg("%s: right is %d", row->name, config_is_right(c));
	buf_finish(&told);
}

static void check_keys(const struct config_case *row, const struct signer *s)
{
	struct sign_key_loaded keys[LIMIT_SIGN_KEYS];
	size_t n = signer_keys(s, str_of(row->from_domain), keys);
	struct buf found;

	buf_init(&found, 4096);
	for (size_t i = 0; i < n; i++) {
		buf_addf(&found, "%s@%s/%s ", keys[i].selector, keys[i].domain, sign_key_algorithm(keys[i].kind));
		sign_key_finish(&keys[i]);
	}
	if (strcmp(buf_text(&found), row->found) != 0)
		fail_msg("%s: found %s", row->name, buf_text(&found));
	buf_finish(&found);
}

static void configs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sign_options options;
		struct config *c = load(cases[i].yaml, &options);
		struct signer *s = signer_create(c, &options);

		check_problems(&cases[i], c, s);
		if (cases[i].right)
			check_keys(&cases[i], s);
		signer_destroy(&s);
		config_destroy(&c);
	}
}

static void all_problems_at_once(void **state)
{
	struct sign_options options;
	struct config *c = load(DOMAIN "[{selector: a, key: missing}, {selector: b, key: short}, {selector: c, key: empty}]" END,
		&options);
	struct buf told;

	(void)state;
	assert_null(signer_create(c, &options));
	buf_init(&told, 1 << 16);
	config_print_problems(c, &told);
	assert_non_null(strstr(buf_text(&told), "missing"));
	assert_non_null(strstr(buf_text(&told), "768"));
	assert_non_null(strstr(buf_text(&told), "empty"));
	assert_non_null(strstr(buf_text(&told), "waypost keygen -d a.example -s a"));
	buf_finish(&told);
	config_destroy(&c);
}

/* The record of a key wherever the config holds it. */
static void records(void **state)
{
	static const char *const yaml[] = {
		DOMAIN "{selector: mail, key: ed}" END, DOMAIN "{selector: mail, key: !file ed}" END,
	};
	struct buf values[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct sign_options options;
		struct config *c = load(yaml[i], &options);

		assert_int_equal(options.key_count, 1);
		buf_init(&values[i], 4096);
		assert_true(sign_key_record_of(&options.keys[0], &values[i], NULL));
		config_destroy(&c);
	}
	assert_true(str_starts(buf_str(&values[0]), STR("v=DKIM1; k=ed25519; p=")));
	assert_true(str_eq(buf_str(&values[0]), buf_str(&values[1])));
	buf_finish(&values[0]);
	buf_finish(&values[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configs),
		cmocka_unit_test(all_problems_at_once),
		cmocka_unit_test(records),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
