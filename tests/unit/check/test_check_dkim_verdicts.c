/*
 * test_check_dkim_verdicts.c - our verdicts, for test_check_dkim_oracles.py
 *
 * Usage: test_check_dkim_verdicts DIRECTORY, with the key records in rsa.txt and ed.txt. Reads "verify BYTES" and that many
 * bytes, prints the results of the message's signatures in a line; until the end of its input.
 */
#include "base/buf.h"
#include "base/must.h"
#include "test_check_dkim_world.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 16 << 20 };

static void read_record(const char *directory, const char *selector)
{
	char path[500], name[100], text[2000];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s.txt", directory, selector);
	snprintf(name, sizeof name, "%s._domainkey." WORLD_DOMAIN, selector);
	f = fopen(path, "r");
	must(f != NULL);
	world_record(name, str_make(text, fread(text, 1, sizeof text, f)));
	fclose(f);
}

int main(int argc, char **argv)
{
	char *text = malloc(ROOM);
	bool in_file = false;
	size_t n;

	must(argc == 2 && text != NULL);
	read_record(argv[1], "rsa");
	read_record(argv[1], "ed");
	while (scanf("verify %zu", &n) == 1) {
		must(n <= ROOM && getchar() == '\n' && fread(text, 1, n, stdin) == n);
		struct message *m = world_message(str_make(text, n), in_file = !in_file);
		struct check_dkim_verdict verdict = world_check(m);

		for (size_t i = 0; i < verdict.n; i++)
			printf("%s%s", i ? " " : "", check_dkim_result_text(verdict.v[i].result));
		printf("\n");
		fflush(stdout);
		message_release(&m);
	}
	free(text);
	world_finish();
	return 0;
}
