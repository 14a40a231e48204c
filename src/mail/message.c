/*
 * message.c - the message as it goes from station to station, and its id
 *
 * Owns     arena, top fields and content, until the last reference goes.
 */
#include "mail/message.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

struct message *message_create(void)
{
	struct message *m = mem_alloc(sizeof *m);

	m->arena = arena_create();
	buf_init(&m->top, LIMIT_TOP_FIELDS);
	content_init(&m->content);
	m->refs = 1;
	return m;
}

struct message *message_keep(struct message *m)
{
	m->refs++;
	return m;
}

void message_release(struct message **m)
{
	struct message *gone = *m;

	*m = NULL;
	if (gone == NULL || --gone->refs > 0)
		return;
	must(gone->refs == 0);
	buf_finish(&gone->top);
	content_finish(&gone->content);
	arena_destroy(&gone->arena);
	free(gone);
}

uint64_t message_size(const struct message *m)
{
	return m->top.n + m->content.size;
}

uint64_t message_new_id(void)
{
	static uint64_t last;
	uint64_t id = (uint64_t)clock_wall() << 20 | random_below(1 << 19);

	if (id <= last)
		id = last + 1;
	last = id;
	return id;
}

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const char *message_id_text(uint64_t id, char out[MESSAGE_ID_TEXT])
{
	out[MESSAGE_ID_TEXT - 1] = '\0';
	for (int i = MESSAGE_ID_TEXT - 2; i >= 0; i--) {
		out[i] = digits[id & 31];
		id >>= 5;
	}
	return out;
}

bool message_id_parse(uint64_t *id, struct str text)
{
	uint64_t v = 0;

	if (text.n != MESSAGE_ID_TEXT - 1)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		const char *at = strchr(digits, c >= 'a' && c <= 'z' ? c - 32 : c);

		if (c == '\0' || at == NULL || (i == 0 && at - digits > 15))
			return false;
		v = v << 5 | (uint64_t)(at - digits);
	}
	*id = v;
	return true;
}
