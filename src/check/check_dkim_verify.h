/* The arithmetic for all signatures of a message. On a worker: reads the content's file. */
#ifndef CHECK_CHECK_DKIM_VERIFY_H
#define CHECK_CHECK_DKIM_VERIFY_H

#include "check_dkim_field.h"

struct check_dkim_one {
	struct check_dkim_field field;
	struct check_dkim_signature out;
	struct str records[LIMIT_DKIM_KEY_RECORDS];        /* of the key */
	size_t record_n;
	bool open;                         /* field and records are good enough to be verified */
};

/* Decides what is open. The fields point into the content's header. */
void check_dkim_verify(struct check_dkim_one *v, size_t n, const struct content *content);

#endif
