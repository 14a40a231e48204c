/* The reader of content: where it ends and what is wrong with it, the same at every split. */
#include "../unit.h"
#include "dot.h"

#include "base/limits.h"
#include "base/mem.h"

#include <stdlib.h>

struct row {
	const char *wire, *content;
	unsigned faults;               /* then the content is not compared */
	const char *rest;              /* what stands behind the end */
	uint64_t header;
	bool unended;                  /* the final dot must not be found */
};

enum { BIG = 1 << 20 };

static const struct row data_rows[] = {
	{ ".\r\n", "", 0, "", 0, false },
	{ "a\r\n.\r\n", "a\r\n", 0, "", 3, false },
	{ "A: b\r\n\r\nc\r\n.\r\nQUIT\r\n", "A: b\r\n\r\nc\r\n", 0, "QUIT\r\n", 6, false },
	{ "\r\nbody\r\n.\r\n", "\r\nbody\r\n", 0, "", 0, false },
	{ "A: b\r\n\r\n\r\nc\r\n.\r\n", "A: b\r\n\r\n\r\nc\r\n", 0, "", 6, false },
	/* unstuffing */
	{ "..\r\n.\r\n", ".\r\n", 0, "", 3, false },
	{ "...\r\n..a\r\n.b\r\n.\r\n", "..\r\n.a\r\nb\r\n", 0, "", 11, false },
	{ "a.\r\n.\r\n", "a.\r\n", 0, "", 4, false },
	{ "a..b\r\n.\r\n", "a..b\r\n", 0, "", 6, false },
	/* only CRLF.CRLF ends it */
	{ "a\n.\n", NULL, DOT_BARE_LF, NULL, 0, true },
	{ "a\n.\r\nMAIL FROM:<x@y>\r\n.\r\n", NULL, DOT_BARE_LF, "", 0, false },
	{ "a\r\n.\nb\r\n.\r\n", NULL, DOT_BARE_LF, "", 0, false },
	{ "a\r.\r\nb\r\n.\r\n", NULL, DOT_BARE_CR, "", 0, false },
	{ "a\r\n.\rb\r\n.\r\n", NULL, DOT_BARE_CR, "", 0, false },
	{ "a\r\n.\r\r\nb\r\n.\r\n", NULL, DOT_BARE_CR, "", 0, false },
	{ "a\r\r\n.\r\n", NULL, DOT_BARE_CR, "", 0, false },
	{ "a\n\r\n.\r\n", NULL, DOT_BARE_LF, "", 0, false },
	{ "a\r\n\r.\r\nb\r\n.\r\nX", NULL, DOT_BARE_CR, "X", 0, false },
	{ "a\r\n.", NULL, 0, NULL, 0, true },
	{ "a\r\n.\r", NULL, 0, NULL, 0, true },
	{ "a\r\n..\r\n", NULL, 0, NULL, 0, true },
	{ "a.\r\n", NULL, 0, NULL, 0, true },
	{ "\xc3\xa9 \x80\xff\r\n.\r\n", "\xc3\xa9 \x80\xff\r\n", 0, "", 7, false },
};

static const struct row normalize_rows[] = {
	{ "a\nb\r\n.\r\n", "a\r\nb\r\n", 0, "", 6, false },
	{ "a\rb\r\n.\r\n", "a\r\nb\r\n", 0, "", 6, false },
	{ "A: b\n\nc\n.\r\n\r\n.\r\n", "A: b\r\n\r\nc\r\n.\r\n\r\n", 0, "", 6, false },
	{ "a\n..b\n.\n\r\n.\r\n", "a\r\n.b\r\n.\r\n\r\n", 0, "", 10, false },
	{ "a\n.\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n", 0, "", 9, false },
	{ "a\r.\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n", 0, "", 9, false },
	{ "a\r\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n", 0, "", 9, false },
	{ "a\r\n.\rb\r\n.\r\n", "a\r\n.\r\nb\r\n", 0, "", 9, false },
	{ "a\n.\n", NULL, 0, NULL, 0, true },
};

static const struct row chunk_rows[] = {
	{ "", "", 0, NULL, 0, true },
	{ "a\r\n.\r\nb\r\n", "a\r\n.\r\nb\r\n", 0, NULL, 9, true },
	{ "..a", "..a\r\n", 0, NULL, 5, true },
	{ "A: b\r\n\r\nc", "A: b\r\n\r\nc\r\n", 0, NULL, 6, true },
	{ "A: b\r\n\r\n", "A: b\r\n\r\n", 0, NULL, 6, true },
	{ "a\nb", NULL, DOT_BARE_LF, NULL, 0, true },
	{ "a\r", NULL, DOT_BARE_CR, NULL, 0, true },
	{ "a\rb", NULL, DOT_BARE_CR, NULL, 0, true },
};

static void read_pieces(size_t row, const struct row *r, bool dots, bool normalize, size_t first, size_t step)
{
	struct str in = str_of(r->wire);
	struct dot d;
	struct buf out;
	size_t at = 0, n = first;

	dot_init(&d, dots, normalize, BIG);
	buf_init(&out, BIG);
	while (at < in.n && !d.ended) {
		struct str piece = str_head(str_skip(in, at), n);
		size_t before = out.n;
		size_t used = dot_feed(&d, piece, &out);

		row_true(row, used == piece.n || d.ended);
		row_true(row, out.n - before <= DOT_GROWS_TO(piece.n));
		at += used;
		n = step;
	}
	row_true(row, d.ended == !r->unended);
	if (d.ended || !dots)
		dot_finish(&d, &out);
	row_true(row, d.faults == r->faults);
	if (r->content) {
		row_text(row, buf_str(&out), str_of(r->content));
		row_true(row, d.size == out.n);
		row_true(row, d.header == r->header);
	}
	if (r->rest)
		row_text(row, str_skip(in, at), str_of(r->rest));
	buf_finish(&out);
}

static void at_every_split(const struct row *rows, size_t count, bool dots, bool normalize)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(rows[i].wire);

		for (size_t split = 1; split <= n + 1; split++)
			read_pieces(i, &rows[i], dots, normalize, split, n + 1);
		read_pieces(i, &rows[i], dots, normalize, 1, 1);
		read_pieces(i, &rows[i], dots, normalize, 1, 2);
		read_pieces(i, &rows[i], dots, normalize, 3, 3);
	}
}

static void data(void **state)
{
	(void)state;
	at_every_split(data_rows, ROWS(data_rows), true, false);
}

static void normalized(void **state)
{
	(void)state;
	at_every_split(normalize_rows, ROWS(normalize_rows), true, true);
	at_every_split(data_rows, 9, true, true);
}

static void chunks(void **state)
{
	(void)state;
	at_every_split(chunk_rows, ROWS(chunk_rows), false, false);
}

/* What would run on from the field above it, however it comes; further down and in a body it is nothing. */
static void folded_first(void **state)
{
	static const struct { const char *wire; unsigned faults; } rows[] = {
		{ " x: y\r\n\r\n", DOT_FOLDED_FIRST }, { "\tx\r\n", DOT_FOLDED_FIRST }, { " \r\n", DOT_FOLDED_FIRST },
		{ "x: y\r\n z\r\n\r\n", 0 }, { "\r\n x\r\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ROWS(rows); i++) {
		struct str wire = str_of(rows[i / 2].wire);
		struct buf out;
		struct dot d;

		buf_init(&out, BIG);
		dot_init(&d, i % 2, true, BIG);
		dot_feed(&d, wire, &out);
		row_true(i, d.faults == rows[i / 2].faults);
		buf_finish(&out);
	}
}

static void nul(void **state)
{
	static const char wire[] = "a\0b\r\n.\r\n";
	struct buf out;
	struct dot d;

	(void)state;
	buf_init(&out, BIG);
	for (int normalize = 0; normalize < 2; normalize++) {
		dot_init(&d, true, normalize, BIG);
		assert_int_equal(dot_feed(&d, str_make(wire, sizeof wire - 1), &out), sizeof wire - 1);
		assert_true(d.ended);
		assert_int_equal(d.faults, DOT_NUL);
	}
	buf_finish(&out);
}

/* Sizes at the edge: the last that is taken, the first that is not. */
static void limits(void **state)
{
	static const struct { size_t line, lines; bool empty_first; uint64_t max; unsigned faults; } rows[] = {
		{ LIMIT_TEXT_LINE, 1, true, BIG, 0 },
		{ LIMIT_TEXT_LINE + 1, 1, true, BIG, DOT_LONG_LINE },
		{ 98, 10, true, 1002, 0 },
		{ 98, 10, true, 1001, DOT_TOO_BIG },
		{ 1022, LIMIT_HEADER / 1024, false, BIG, 0 },
		{ 1022, LIMIT_HEADER / 1024 + 1, false, BIG, DOT_LONG_HEADER },
		{ 1022, LIMIT_HEADER / 1024 + 1, true, BIG, 0 },
		{ 8, LIMIT_HEADER_LINES, false, BIG, 0 },
		{ 8, LIMIT_HEADER_LINES + 1, false, BIG, DOT_LONG_HEADER },
		{ 8, LIMIT_HEADER_LINES + 1, true, BIG, 0 },
	};
	char *line = mem_alloc(LIMIT_TEXT_LINE + 2);

	(void)state;
	memset(line, 'x', LIMIT_TEXT_LINE + 2);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct buf out;
		struct dot d;

		buf_init(&out, 4 * BIG);
		dot_init(&d, true, false, rows[i].max);
		if (rows[i].empty_first)
			dot_feed(&d, STR("\r\n"), &out);
		for (size_t n = 0; n < rows[i].lines; n++) {
			dot_feed(&d, str_make(line, rows[i].line), &out);
			dot_feed(&d, STR("\r\n"), &out);
		}
		dot_feed(&d, STR(".\r\n"), &out);
		row_true(i, d.ended);
		row_true(i, d.faults == rows[i].faults);
		row_true(i, d.faults || out.n == d.size);
		buf_finish(&out);
	}
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data), cmocka_unit_test(normalized), cmocka_unit_test(chunks),
		cmocka_unit_test(nul), cmocka_unit_test(folded_first), cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
