/* Plain passwords and crypt(3) strings: src/route/password.c. The hashes are of "secret", by libxcrypt. */
#include "../unit.h"

#include "password.h"

#define BCRYPT_HASH "abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"
#define SHA512_HASH "TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1"
#define HASH_43 "IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlEu9"

static void good(void **state)
{
	static const struct { const char *text; bool is_crypt; } rows[] = {
		{ "alice_pw", false }, { "$ecret", false }, { "$", false }, { "$$", false }, { "$a b$", false },
		{ "$Uppercase$x", false }, { "p$6$x", false }, { "$averylongone$x", false }, { "{curly}", false },
		{ "p\xc3\xa4ss w\xc3\xb6rd", false },
		{ "$y$j9T$abcdefgh$" HASH_43, true },
		{ "$y$j75$abcd$4kXmLgaKDvIX6kdRHPMTHEFMzZbz3KU11lQ0dx6AKZ3", true },
		{ "$y$jCT$abcdefgh$" HASH_43, true },
		{ "$6$saltsalt$" SHA512_HASH, true },
		{ "$6$rounds=5000$saltsalt$" SHA512_HASH, true },
		{ "$6$rounds=1000000$saltsalt$" SHA512_HASH, true },
		{ "$2b$05$" BCRYPT_HASH, true }, { "$2a$12$" BCRYPT_HASH, true }, { "$2y$14$" BCRYPT_HASH, true },
		{ "$7$CU..../....saltsalt$" HASH_43, true }, { "$7$DU..../....saltsalt$" HASH_43, true },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct why why = { 0 };
		bool is_crypt;

		if (!password_check(str_of(rows[i].text), &is_crypt, &why))
			fail_msg("%s: %s", rows[i].text, why.text);
		row_true(i, is_crypt == rows[i].is_crypt);
	}
}

static void bad(void **state)
{
	static const struct { const char *text, *why; } rows[] = {
		{ "", "empty" },
		{ "$1$salt$ez2vlPGdaLYkJam5pWs/Y1", "waypost takes $y$, $6$" },
		{ "$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA", "waypost takes $y$, $6$" },
		{ "$gy$j9T$abcdefgh$" HASH_43, "waypost takes" },
		{ "$2x$05$" BCRYPT_HASH, "waypost takes" }, { "$2$05$" BCRYPT_HASH, "waypost takes" },
		{ "$3$$8846f7eaee8fb117ad06bdd830b7586c", "waypost takes" },
		{ "$sha1$40000$jtNX3nZ2$hBNaIXkt4wBI2o5rsi8KejSjNqIq", "waypost takes" },
		{ "$argon2id$v=19$m=65536,t=3,p=4$x$y", "waypost takes" },
		{ "{SHA512-CRYPT}$6$saltsalt$" SHA512_HASH, "take {SHA512-CRYPT} away" },
		/* costs */
		{ "$6$rounds=1000001$saltsalt$" SHA512_HASH, "rounds=1000001" },
		{ "$6$rounds=999999999$saltsalt$" SHA512_HASH, "rounds=999999999" },
		{ "$6$rounds=99999999999999999999$saltsalt$" SHA512_HASH, "rounds= can't be read" },
		{ "$6$rounds=$saltsalt$" SHA512_HASH, "rounds= can't be read" },
		{ "$2b$15$" BCRYPT_HASH, "cost 15" }, { "$2b$31$" BCRYPT_HASH, "cost 31" },
		{ "$2b$03$" BCRYPT_HASH, "cost can't be read" }, { "$2b$5$" BCRYPT_HASH, "cost can't be read" },
		{ "$2b$xx$" BCRYPT_HASH, "cost can't be read" },
		{ "$y$jDT$abcdefgh$" HASH_43, "too much memory" }, { "$y$jFT$abcdefgh$" HASH_43, "too much memory" },
		{ "$y$jjT$abcdefgh$" HASH_43, "too much memory" },
		{ "$y$jzz$abcdefgh$" HASH_43, "none that waypost takes" },
		{ "$y$$abcdefgh$" HASH_43, "none that waypost takes" },
		{ "$y$j9T2$abcdefgh$" HASH_43, "none that waypost takes" },
		{ "$y$k9T$abcdefgh$" HASH_43, "none that waypost takes" },
		{ "$7$EU..../....saltsalt$" HASH_43, "too much memory" },
		{ "$7$zU..../....saltsalt$" HASH_43, "too much memory" },
		{ "$7$CU....zzzzzsaltsalt$" HASH_43, "too much memory" },
		{ "$7$Czzzzz/....saltsalt$" HASH_43, "too much memory" },
		{ "$7$C...../....saltsalt$" HASH_43, "too much memory" },
		{ "$7$CU.", "can't be read" }, { "$7$", "can't be read" }, { "$7$C!..../....x$" HASH_43, "can't be read" },
		/* cut, or with something behind it */
		{ "$6$saltsalt", "last part has 8 characters" }, { "$6$saltsalt$", "last part has 0 characters" },
		{ "$6$saltsalt$" SHA512_HASH "x", "last part has 87" },
		{ "$2b$05$abcdefghijklmnopqrstuu", "last part has 22" },
		{ "$y$j9T$abcdefgh$IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlE!9", "last part has 43" },
		{ "$y$j9T$abc!efgh$" HASH_43, "crypt(3) can't read it" },
	};
	static char huge[600];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct why why = { 0 };
		bool is_crypt;

		if (password_check(str_of(rows[i].text), &is_crypt, &why))
			fail_msg("%s is taken", rows[i].text);
		if (!strstr(why.text, rows[i].why))
			fail_msg("%s: %s", rows[i].text, why.text);
	}
	memset(huge, 'x', sizeof(huge) - 1);
	bool is_crypt;

	assert_true(password_check(str_make(huge + 88, 511), &is_crypt, NULL));
	assert_false(password_check(str_make(huge + 87, 512), &is_crypt, NULL));
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(good), cmocka_unit_test(bad) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
