/*
 * nearest.c - "did you mean": the known word that is the fewest slips away from a typed one
 *
 * From     table.c, with a key or word that nobody knows.
 * To       the message.
 * Never    offers a word that is further away than a third of its length.
 */
#include "tree.h"

enum { NEAREST_MAX = 64 };      /* longer words are not compared */

/*
 * Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). Only
 * three rows of the matrix are kept; a swap looks back two.
 */
static size_t distance(struct str a, struct str b)
{
	size_t rows[3][NEAREST_MAX + 1];

	for (size_t j = 0; j <= b.n; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *now = rows[i % 3];
		const size_t *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			char x = str_lower(a.p[i - 1]), y = str_lower(b.p[j - 1]);
			size_t best = last[j - 1] + (x != y);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && x == str_lower(b.p[j - 2]) &&
				y == str_lower(a.p[i - 2]) &&
				before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return rows[a.n % 3][b.n];
}

const char *nearest_word(struct str typed, const char *const *words, size_t n)
{
	const char *found = NULL;
	size_t least = NEAREST_MAX;

	for (size_t i = 0; i < n; i++) {
		struct str word = str_of(words[i]);
		size_t longer = word.n > typed.n ? word.n : typed.n, d;

		if (longer > NEAREST_MAX)
			continue;
		d = distance(typed, word);
		if (d < least && d <= (longer + 2) / 3 && d < longer) {
			least = d;
			found = words[i];
		}
	}
	return found;
}
