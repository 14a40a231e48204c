/* Messages that failed, some of them hostile: for the tests in C and in Python. */
#ifndef TESTS_BOUNCE_SAMPLES_H
#define TESTS_BOUNCE_SAMPLES_H

#include "bounce/bounce.h"

enum { SAMPLES = 8, SAMPLE_ENTRIES = 4, SAMPLE_UNTIL_MS = 1795780800 };

struct sample {
	const char *name;
	enum bounce_kind kind;
	struct message *m;
	struct bounce_entry entries[SAMPLE_ENTRIES];
	size_t n;
};

void sample_make(struct sample *s, size_t nth);
struct message *sample_report(const struct sample *s);
void sample_finish(struct sample *s);
/* alice@example.com, forwarded to alice.secret@gmail.example, written to by bob@example.org, our
 * user. */
struct message *sample_message(const char *header, const char *body);
struct recipient *sample_add(struct message *m, const char *to, const char *original);

#endif
