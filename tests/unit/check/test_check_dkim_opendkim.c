/*
 * test_check_dkim_opendkim.c - libopendkim as a signer and a judge, for test_check_dkim_oracles.py
 *
 * Usage: test_check_dkim_opendkim DIRECTORY, with keys in rsa.pem and ed.pem, their records in rsa.txt and ed.txt. Reads
 * "sign KEY HEADER-CANON BODY-CANON LENGTH BYTES" or "verify BYTES", and that many bytes; prints "BYTES" and the signature's
 * field, or the results of all signatures in a line.
 */
#include "base/must.h"
#include "mail/content.h"
#include "mail/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <dkim.h>

enum { ROOM = 16 << 20, KEY = 4000 };

static char pem[2][KEY], record[2][KEY];
static DKIM_LIB *lib;
static char *text;

static void read_file(char out[KEY], const char *directory, const char *name)
{
	char path[500];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	f = fopen(path, "r");
	must(f != NULL);
	out[fread(out, 1, KEY - 1, f)] = '\0';
	fclose(f);
}

static DKIM_CBSTAT give_key(DKIM *d, DKIM_SIGINFO *sig, unsigned char *out, size_t n)
{
	(void)d;
	snprintf((char *)out, n, "%s", record[strcmp((const char *)dkim_sig_getselector(sig), "ed") == 0]);
	return DKIM_CBSTAT_CONTINUE;
}

static void feed(DKIM *d, struct str message)
{
	ptrdiff_t end = content_find_header_end(message);
	struct str rest = end < 0 ? message : str_head(message, (size_t)end);
	struct str body = end < 0 ? STR_NONE : str_skip(message, (size_t)end + 2);
	struct header_field field;

	while (header_next(&rest, &field))
		dkim_header(d, (unsigned char *)field.raw.p, field.raw.n - 2);
	dkim_eoh(d);
	if (body.n > 0)
		dkim_body(d, (unsigned char *)body.p, body.n);
	if (body.n > 0 && !str_iends(body, STR("\r\n")))
		dkim_body(d, (unsigned char *)"\r\n", 2);
	dkim_eom(d, NULL);
}

static struct str read_message(size_t n)
{
	must(n <= ROOM && getchar() == '\n' && fread(text, 1, n, stdin) == n);
	return str_make(text, n);
}

static dkim_canon_t canon(const char *name)
{
	return strcmp(name, "relaxed") == 0 ? DKIM_CANON_RELAXED : DKIM_CANON_SIMPLE;
}

static void sign(void)
{
	char key[8], header[8], body[8];
	unsigned char *field;
	size_t n, field_n;
	DKIM_STAT st;
	long length;

	must(scanf("%7s %7s %7s %ld %zu", key, header, body, &length, &n) == 5);
	struct str message = read_message(n);
	bool ed = strcmp(key, "ed") == 0;
	DKIM *d = dkim_sign(lib, (const unsigned char *)"id", NULL, (dkim_sigkey_t)pem[ed], (unsigned char *)key,
		(const unsigned char *)"example.com", canon(header), canon(body),
		ed ? DKIM_SIGN_ED25519SHA256 : DKIM_SIGN_RSASHA256, length, &st);

	must(d != NULL);
	feed(d, message);
	must(dkim_getsighdr_d(d, strlen("DKIM-Signature: "), &field, &field_n) == DKIM_STAT_OK);
	printf("%zu\nDKIM-Signature: %s\r\n", strlen("DKIM-Signature: ") + strlen((char *)field) + 2, (char *)field);
	dkim_free(d);
}

static void verify(void)
{
	DKIM_SIGINFO **sigs;
	DKIM_STAT st;
	size_t size;
	int n = 0;

	must(scanf("%zu", &size) == 1);
	DKIM *d = dkim_verify(lib, (const unsigned char *)"id", NULL, &st);

	feed(d, read_message(size));
	if (dkim_getsiglist(d, &sigs, &n) != DKIM_STAT_OK)
		n = 0;
	for (int i = 0; i < n; i++)
		printf("%s%s", i ? " " : "", (dkim_sig_getflags(sigs[i]) & DKIM_SIGFLAG_PASSED)
			&& dkim_sig_getbh(sigs[i]) == DKIM_SIGBH_MATCH ? "pass" : "fail");
	printf("\n");
	dkim_free(d);
}

int main(int argc, char **argv)
{
	char what[8];

	must(argc == 2);
	text = malloc(ROOM);
	read_file(pem[0], argv[1], "rsa.pem");
	read_file(pem[1], argv[1], "ed.pem");
	read_file(record[0], argv[1], "rsa.txt");
	read_file(record[1], argv[1], "ed.txt");
	lib = dkim_init(NULL, NULL);
	must(lib != NULL && dkim_set_key_lookup(lib, give_key) == DKIM_STAT_OK);
	while (scanf("%7s", what) == 1) {
		if (strcmp(what, "sign") == 0)
			sign();
		else
			verify();
		fflush(stdout);
	}
	dkim_close(lib);
	free(text);
	return 0;
}
