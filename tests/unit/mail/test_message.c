/* Ids, references, content in memory and in a file. */
#include "../unit.h"
#include "mail/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void ids(void **state)
{
	uint64_t last = 0, back;
	char text[MESSAGE_ID_TEXT], before[MESSAGE_ID_TEXT] = "";

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t id = message_new_id();

		assert_true(id > last);
		last = id;
		if (i % 1000 == 0) {
			message_id_text(id, text);
			assert_true(strcmp(text, before) > 0);
			assert_true(message_id_parse(&back, str_of(text)) && back == id);
			memcpy(before, text, sizeof text);
		}
	}
	assert_string_equal(message_id_text(UINT64_MAX, text), "FZZZZZZZZZZZZ");
	assert_true(message_id_parse(&back, STR("fzzzzzzzzzzzz")) && back == UINT64_MAX);
	assert_false(message_id_parse(&back, STR("GZZZZZZZZZZZZ")));
	assert_false(message_id_parse(&back, STR("../../../etc/")));
	assert_false(message_id_parse(&back, STR("0000000000000A")));
	assert_false(message_id_parse(&back, STR("000000000000\0")));
}

static void references(void **state)
{
	struct message *m = message_create(), *other = message_keep(m);

	(void)state;
	buf_add_str(&m->top, STR("Received: x\r\n"));
	message_release(&m);
	assert_null(m);
	assert_int_equal(message_size(other), 13);
	message_release(&other);
	message_release(&other);
}

static void content_in_a_file(void **state)
{
	struct message *m = message_create();
	FILE *f = tmpfile();
	char got[20];
	struct why why;

	(void)state;
	fputs("envelope..Subject: x\r\n\r\nbody", f);
	fflush(f);
	m->content.fd = dup(fileno(f));
	m->content.at = 10;
	m->content.size = 18;
	buf_add_str(&m->content.memory, STR("Subject: x\r\n\r\n"));
	m->content.header = 12;
	row_text(0, content_header(&m->content), STR("Subject: x\r\n"));
	assert_true(content_read(&m->content, 0, got, 7, &why));
	row_text(1, str_make(got, 7), STR("Subject"));
	assert_true(content_read(&m->content, 10, got, 8, &why));
	row_text(2, str_make(got, 8), STR("\r\n\r\nbody"));
	assert_false(content_read(&m->content, 10, got, 9, &why));
	assert_int_equal(ftruncate(m->content.fd, 20), 0);
	assert_false(content_read(&m->content, 10, got, 8, &why));
	assert_non_null(strstr(why.text, "shorter"));
	fclose(f);
	message_release(&m);
}

static void header_end(void **state)
{
	(void)state;
	assert_int_equal(content_find_header_end(STR("A: b\r\n\r\nx")), 6);
	assert_int_equal(content_find_header_end(STR("\r\nx")), 0);
	assert_int_equal(content_find_header_end(STR("A: b\r\n")), -1);
	assert_int_equal(content_find_header_end(STR_NONE), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ids), cmocka_unit_test(references),
		cmocka_unit_test(content_in_a_file), cmocka_unit_test(header_end) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
