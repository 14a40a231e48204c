/* Text that others chose, made harmless. */
#include "../unit.h"

#include "samples.h"
#include "text.h"

static void wrapping(void **state)
{
	static const struct { const char *in, *out; bool ascii;
	} rows[] = {
		{ "", "", true },
		{ "  \n ", "", true },
		{ "a b", "> a b\r\n", true },
		{ "a\nb", "> a\r\n> b\r\n", true },
		{ "a\r\nX: y", "> a?\r\n> X: y\r\n", true },
		{ "\x01\x7f", "> ??\r\n", true },
		{ "gr\xc3\xbcn", "> gr??n\r\n", true },
		{ "gr\xc3\xbcn", "> gr\xc3\xbcn\r\n", false },
		{ "gr\xfcn", "> gr?n\r\n", false },
		{ "1234567890 1234567890 1234567890 1234567890 1234567890 1234567890 1234567890",
			"> 1234567890 1234567890 1234567890 1234567890 1234567890 1234567890\r\n> "
			"1234567890\r\n",
			true },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct buf out;

		buf_init(&out, 1000);
		text_wrapped(&out, str_of(rows[i].in), "> ", rows[i].ascii);
		row_text(i, buf_str(&out), str_of(rows[i].out));
		buf_finish(&out);
	}
}

/* A word longer than any line is cut, but not inside a character. */
static void endless_words(void **state)
{
	char word[3001];
	struct buf out;

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		for (size_t i = 0; i < 3000; i++)
			word[i] = "\xe2\x82\xac"[(i + shift) % 3];
		word[3000] = '\0';
		buf_init(&out, 10000);
		text_wrapped(&out, str_of(word + (3 - shift) % 3), " ", false);
		for (struct str rest = buf_str(&out); rest.n > 0;) {
			struct str line = str_cut(&rest, '\n');

			assert_true(line.n < 998);
			assert_true(shift > 0 || rest.n == 0 || str_is_utf8(line));
		}
		buf_finish(&out);
	}
}

static void targets_are_hidden(void **state)
{
	static const struct { const char *in, *out;
	} rows[] = {
		{ "no such user", "no such user" },
		{ "<alice.secret@gmail.example> no", "<alice@example.com> no" },
		{ "ALICE.Secret@GMAIL.example", "alice@example.com" },
		{ "alice.secret@gmail.example alice.secret@gmail.example",
			"alice@example.com alice@example.com" },
		{ "", "" },
	};
	struct message *m = sample_message("", "");

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		row_text(i, text_without_target(&m->env.rcpts[0], rows[i].in, m->arena),
			str_of(rows[i].out));
	message_release(&m);
}

static void xtext(void **state)
{
	static const struct { const char *in, *out;
	} rows[] = {
		{ "plain", "plain" },
		{ "a+2Bb", "a+b" },
		{ "a+3Db", "a=b" },
		{ "a+", "a+" },
		{ "a+2", "a+2" },
		{ "a+2b", "a+2b" },
		{ "+0D+0A", "+0D+0A" },
		{ "a+00", "a+00" },
		{ "+C3+BC", "+C3+BC" },
		{ "", "" },
	};
	struct message *m = sample_message("", "");

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		row_text(i, text_of_xtext(str_of(rows[i].in), m->arena), str_of(rows[i].out));
	message_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(wrapping),
		cmocka_unit_test(endless_words), cmocka_unit_test(targets_are_hidden),
		cmocka_unit_test(xtext) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
