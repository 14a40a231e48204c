/* Messages to be signed, plain and odd, and keys to sign them with. */
#ifndef TEST_SIGN_SAMPLES_H
#define TEST_SIGN_SAMPLES_H

#include "mail/content.h"
#include "sign_key.h"

struct sample {
	const char *name;
	const char *extra;                 /* fields of ours, covered */
	const char *header;                /* with the empty line, if there is one */
	const char *body;
	size_t times;                      /* how often the body is repeated; 0: once */
	bool forwarded;
	bool odd;                          /* not every verifier reads such a header */
};

extern const struct sample samples[];
extern const size_t sample_count;

#define SAMPLE_DOMAIN "xn--mller-kva.example"

struct str sample_text(const struct sample *s, struct buf *out);     /* the whole message */
/* As received; in_file: all but the first piece is in a file only. */
void sample_content(struct content *c, struct str message, bool in_file);
/* A new key of ours with the selector "rsa" or "ed". */
void sample_key(struct sign_key_loaded *key, enum sign_key_kind kind);
/* Its record, as DNS has it. */
void sample_record(const struct sign_key_loaded *key, struct buf *out);
/* The message with signatures of both keys above it. */
void sample_sign(const struct sample *s, const struct sign_key_loaded keys[2], bool in_file, struct buf *out);

#endif
