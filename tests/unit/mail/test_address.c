/* Addresses: what is one, how it is written back, and what must never be taken apart. */
#include "../unit.h"
#include "mail/address.h"

static void reading(void **state)
{
	static const struct { const char *in, *local, *domain, *out; } rows[] = {
		{ "alice@example.com", "alice", "example.com", "alice@example.com" },
		{ "Alice@EXAMPLE.com", "Alice", "example.com", "Alice@example.com" },
		{ "\"a b\"@example.com", "a b", "example.com", "\"a b\"@example.com" },
		{ "\"a@b\"@example.com", "a@b", "example.com", "\"a@b\"@example.com" },
		{ "\"a\\\"b\"@example.com", "a\"b", "example.com", "\"a\\\"b\"@example.com" },
		{ "\"plain\"@example.com", "plain", "example.com", "plain@example.com" },
		{ "a%b.c@example.com", "a%b.c", "example.com", "a%b.c@example.com" },
		{ "a!b@example.com", "a!b", "example.com", "a!b@example.com" },
		{ "x@[192.0.2.1]", "x", "[192.0.2.1]", "x@[192.0.2.1]" },
		{ "x@[IPv6:2001:DB8::1]", "x", "[IPv6:2001:db8::1]", "x@[IPv6:2001:db8::1]" },
		{ "x@b\xc3\xbc" "cher.example", "x", "xn--bcher-kva.example", "x@xn--bcher-kva.example" },
		{ "j\xc3\xb6rg@example.com", "j\xc3\xb6rg", "example.com", "j\xc3\xb6rg@example.com" },
		{ "x@single", "x", "single", "x@single" },
		{ "x@_dmarc.example.com", "x", "_dmarc.example.com", "x@_dmarc.example.com" },
		{ "SRS0=abcd=2W=other.example=test@srs.example.com", "SRS0=abcd=2W=other.example=test", "srs.example.com",
			"SRS0=abcd=2W=other.example=test@srs.example.com" },
	};
	static const char *const bad[] = { "", "alice", "@example.com", "alice@", "a..b@example.com", ".a@example.com",
		"a.@example.com", "a b@example.com", "a@b@example.com", "a@exa mple.com", "a@.example.com", "a@example..com",
		"a@-x.example.com", "a@x-.example.com", "\"a@example.com", "\"\"@example.com", "a@[192.0.2.300]", "a@[]",
		"a@[2001:db8::1]", "<a@example.com>", "a@example.com ", "a\t@example.com", "\"a\rb\"@example.com",
		"a\302\233b@example.com", "\"\xc2\x80\"@example.com", "\xff@example.com", "a@b\xff.com", "a@example.com.", "a(c)@example.com", "a,b@example.com",
		"a@xn--a.example", "a@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com" };
	struct arena *arena = arena_create();
	struct address a;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		row_true(i, address_parse(&a, str_of(rows[i].in), arena));
		row_text(i, a.local, str_of(rows[i].local));
		row_text(i, a.domain, str_of(rows[i].domain));
		row_text(i, str_of(address_text(&a, arena)), str_of(rows[i].out));
	}
	for (size_t i = 0; i < ROWS(bad) - 2; i++)
		row_true(i + 100, !address_parse(&a, str_of(bad[i]), arena));
	row_true(200, !address_parse(&a, str_of(bad[ROWS(bad) - 1]), arena));
	row_true(201, !address_parse(&a, STR("a\0b@example.com"), arena));
	arena_destroy(&arena);
}

static void paths(void **state)
{
	static const struct { const char *in, *address, *rest; } rows[] = {
		{ "<a@b.c> SIZE=1", "a@b.c", " SIZE=1" }, { "<>", "", "" }, { "<Postmaster>", "Postmaster", "" },
		{ "<@x.y,@z.w:a@b.c>", "a@b.c", "" }, { "<\"a>b\"@c.d> X", "\"a>b\"@c.d", " X" },
		{ "<@x.y:postmaster@b.c>", "postmaster@b.c", "" },
		{ "a@b.c", NULL, NULL }, { "<a@b.c", NULL, NULL }, { "<a>", NULL, NULL }, { "<a@b.c@d.e>", NULL, NULL },
		{ "<@x.y>", NULL, NULL }, { "< a@b.c>", NULL, NULL }, { "", NULL, NULL }, { "<\"a@b.c>", NULL, NULL },
	};
	struct arena *arena = arena_create();

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str rest = str_of(rows[i].in);
		struct address a;

		row_true(i, address_parse_path(&a, &rest, arena) == (rows[i].address != NULL));
		if (rows[i].address) {
			row_text(i, str_of(address_text(&a, arena)), str_of(rows[i].address));
			row_text(i, rest, str_of(rows[i].rest));
		}
	}
	arena_destroy(&arena);
}

static void comparing(void **state)
{
	struct arena *arena = arena_create();
	struct address a, b;

	(void)state;
	assert_true(address_parse(&a, STR("Alice@example.com"), arena));
	assert_true(address_parse(&b, STR("alice@EXAMPLE.com"), arena));
	assert_true(address_isame(&a, &b));
	assert_false(address_same(&a, &b));
	row_text(0, address_key(&a, arena), STR("alice@example.com"));
	arena_destroy(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reading), cmocka_unit_test(paths),
		cmocka_unit_test(comparing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
