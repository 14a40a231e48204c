/* Header fields and address lists as they really come. */
#include "../unit.h"
#include "mail/header.h"

static void fields(void **state)
{
	struct str header = STR("Received: by a\r\n\tfor b\r\nSubject : hi\r\nno colon here\r\nX:\r\n y\r\nLast: end");
	static const struct { const char *name, *value; } want[] = {
		{ "Received", " by a\r\n\tfor b\r\n" }, { "Subject", " hi\r\n" }, { "", "no colon here\r\n" }, { "X", "\r\n y\r\n" },
		{ "Last", " end" },
	};
	struct header_field f;
	size_t i = 0;

	(void)state;
	for (struct str rest = header; header_next(&rest, &f); i++) {
		row_text(i, f.name, str_of(want[i].name));
		row_text(i, f.value, str_of(want[i].value));
	}
	assert_int_equal(i, ROWS(want));
	assert_true(header_find(header, STR("SUBJECT"), &f));
	assert_int_equal(header_count(header, STR("received")), 1);
	assert_false(header_find(header, STR("From"), &f));
}

static void addresses(void **state)
{
	static const struct { const char *in; int n; const char *out[3]; } rows[] = {
		{ " alice@example.com", 1, { "alice@example.com" } },
		{ " Alice Liddell <alice@example.com>", 1, { "alice@example.com" } },
		{ " \"Liddell, Alice\" <alice@example.com>\r\n", 1, { "alice@example.com" } },
		{ " a@b.c, <d@e.f>,\r\n\tG <g@h.i>", 3, { "a@b.c", "d@e.f", "g@h.i" } },
		{ " alice@example.com (Alice (the) one)", 1, { "alice@example.com" } },
		{ " (c) a (c) @ (c) b.c", 1, { "a@b.c" } },
		{ " friends: a@b.c, d@e.f;, g@h.i", 3, { "a@b.c", "d@e.f", "g@h.i" } },
		{ " undisclosed:;", 0, { NULL } }, { " ", 0, { NULL } }, { " ,,", 0, { NULL } },
		{ " \"a@evil.example\" <alice@example.com>", 1, { "alice@example.com" } },
		{ " a@evil.example <alice@example.com>", 1, { "alice@example.com" } },
		{ " \"quoted local\"@example.com", 1, { "\"quoted local\"@example.com" } },
		{ " <@route.example:a@b.c>", 1, { "a@b.c" } },
		{ " J. Random <j@b.c>", 1, { "j@b.c" } },
		{ " j\xc3\xb6rg <j@b.c>", 1, { "j@b.c" } },
		{ " x@[192.0.2.1]", 1, { "x@[192.0.2.1]" } },
		{ " just words", -1, { NULL } }, { " <a@b.c", -1, { NULL } }, { " a@b.c>", -1, { NULL } }, { " <a@b.c> x", -1, { NULL } },
		{ " \"open", -1, { NULL } }, { " (open", -1, { NULL } }, { " <>", -1, { NULL } }, { " <a@b.c><d@e.f>", -1, { NULL } },
		{ " a@b@c.d", -1, { NULL } }, { " a@b.c d@e.f", -1, { NULL } },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct arena *arena = arena_create();
		struct address a[3];
		int n = header_addresses(str_of(rows[i].in), a, 3, arena);

		if (n != rows[i].n)
			fail_msg("row %zu: %d addresses in%s", i, n, rows[i].in);
		for (int k = 0; k < n; k++)
			row_text(i, str_of(address_text(&a[k], arena)), str_of(rows[i].out[k]));
		arena_destroy(&arena);
	}
}

static void unfolding(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_true(header_unfold(&b, STR(" <a@b>\r\n\t<c@d>\r\n")));
	assert_string_equal(buf_text(&b), "<a@b>\t<c@d>");
	buf_finish(&b);
}

/* Any bytes at all: no crash, no read past the end (the sanitizers watch). */
static void noise(void **state)
{
	static const char parts[] = "a@b.c<>(),:;\"\\[] \r\n\t.\x80";
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[24];
		struct arena *arena = arena_create();
		struct address a[4];

		for (size_t i = 0; i < sizeof text; i++) {
			seed = seed * 1103515245 + 12345;
			text[i] = parts[(seed >> 16) % sizeof parts];
		}
		char *copy = test_malloc(sizeof text);
		memcpy(copy, text, sizeof text);
		header_addresses(str_make(copy, sizeof text), a, 4, arena);
		test_free(copy);
		arena_destroy(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(fields), cmocka_unit_test(addresses),
		cmocka_unit_test(unfolding), cmocka_unit_test(noise) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
