/*
 * print_signed.c - all samples, signed with new keys, for verifiers that are not in C
 *
 * To       verify_with_*: "key NAME RECORD" lines, then "message BYTES NAME" and that many bytes each, then "end".
 */
#include "base/must.h"
#include "samples.h"

#include <stdio.h>

static void print_key(const struct sign_key_loaded *key)
{
	struct buf record;

	buf_init(&record, 4096);
	sample_record(key, &record);
	printf("key %s._domainkey.%s %s\n", key->selector, key->domain, buf_text(&record));
	buf_finish(&record);
}

int main(void)
{
	struct sign_key_loaded keys[2];
	struct buf message;

	sample_key(&keys[0], SIGN_KEY_RSA);
	sample_key(&keys[1], SIGN_KEY_ED25519);
	print_key(&keys[0]);
	print_key(&keys[1]);
	buf_init(&message, 4 << 20);
	for (size_t i = 0; i < sample_count; i++) {
		if (samples[i].odd)
			continue;
		buf_clear(&message);
		sample_sign(&samples[i], keys, i % 2, &message);
		printf("message %zu %s\n", message.n, samples[i].name);
		must(fwrite(message.p, 1, message.n, stdout) == message.n);
	}
	printf("end\n");
	buf_finish(&message);
	sign_key_finish(&keys[0]);
	sign_key_finish(&keys[1]);
	return fflush(stdout) == 0 ? 0 : 1;
}
