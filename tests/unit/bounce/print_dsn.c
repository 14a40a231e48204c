/* print_dsn NAME: that sample's report on standard output, for verify_dsn.py. */
#include "samples.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < SAMPLES; i++) {
		struct sample s;

		sample_make(&s, i);
		bool wanted = strcmp(s.name, argv[1]) == 0;
		if (wanted) {
			struct message *dsn = sample_report(&s);

			fwrite(dsn->content.memory.p, 1, dsn->content.memory.n, stdout);
			message_release(&dsn);
		}
		sample_finish(&s);
		if (wanted)
			return 0;
	}
	return 2;
}
