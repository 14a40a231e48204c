/*
 * fuzz_check_dkim.c - whatever a sender or a domain may write into a signature's field and a key record
 *
 * The input is all of these in turn: a tag list, a key record for each algorithm, a field's value, and, where that can be
 * read, the signature of a message whose key record is the input's part behind the first NUL.
 */
#include "check_dkim_key.h"
#include "check_dkim_verify.h"
#include "mail/taglist.h"

#include <openssl/err.h>
#include <stdlib.h>

#define MESSAGE "From: joe@example.com\r\nTo: a\r\nTO : b\r\n\r\nHi. \r\n\r\nJoe\r\n\r\n"

enum { ROOM = 1 << 20, NOW = 1700000000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool condition)
{
	if (!condition)
		abort();
}

static void try_list(struct str text)
{
	struct taglist list;
	struct buf bytes;
	struct str rest, item;

	if (!taglist_parse(&list, text))
		return;
	insist(list.n > 0 && list.n <= LIMIT_TAGS);
	buf_init(&bytes, 64);
	for (size_t i = 0; i < list.n; i++) {
		insist(taglist_find(&list, list.v[i].name) == &list.v[i]);
		buf_clear(&bytes);
		taglist_base64(&bytes, list.v[i].value);
		for (rest = list.v[i].value; taglist_item(&rest, &item);)
			insist(taglist_has_item(list.v[i].value, item));
	}
	buf_finish(&bytes);
}

static void try_key(struct str text, const struct check_dkim_algorithm *algorithm)
{
	struct check_dkim_key key;
	const char *wrong = check_dkim_key_read(&key, text, algorithm);

	insist((wrong == NULL) == (key.pkey != NULL));
	if (wrong == NULL)
		insist(!check_dkim_key_verify(&key, algorithm, STR("01234567890123456789012345678901"), STR("short")));
	check_dkim_key_finish(&key);
}

/* What was made up from nothing must not pass. */
static void try_message(struct str value, struct str record)
{
	struct content content;
	struct check_dkim_one one = { .record_n = 1, .records = { record } };
	struct arena *arena = arena_create();
	struct header_field field;
	struct str header;

	content_init(&content);
	content.memory.max = ROOM;
	buf_addf(&content.memory, "DKIM-Signature:");
	buf_add_str(&content.memory, value);
	buf_addf(&content.memory, "\r\n" MESSAGE);
	content.size = content.memory.n;
	ptrdiff_t end = content_find_header_end(buf_str(&content.memory));

	insist(end > 0);
	content.header = (size_t)end;
	header = content_header(&content);
	insist(header_next(&header, &field));
	one.open = check_dkim_field_read(&one.field, &one.out, &field, SECONDS(NOW), arena);
	insist(one.open || one.out.result != CHECK_DKIM_PASS);
	check_dkim_verify(&one, 1, &content);
	insist(!one.open && ERR_peek_error() == 0);
	content_finish(&content);
	arena_destroy(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct check_dkim_algorithm algorithms[] = {
		{ "rsa-sha256", "sha256", CHECK_DKIM_RSA, false },
		{ "ed25519-sha256", "sha256", CHECK_DKIM_ED25519, false },
		{ "rsa-sha1", "sha1", CHECK_DKIM_RSA, true },
	};
	struct str record = str_make(data, size), value = str_cut(&record, '\0');

	if (size > ROOM / 2)
		return 0;
	try_list(str_make(data, size));
	for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
		try_key(value, &algorithms[i]);
	try_message(value, record);
	return 0;
}
