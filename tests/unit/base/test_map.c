/* The hash map under growth and removal, compared with a plain array. */
#include "../unit.h"
#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEYS = 3000 };

static struct str key_of(char text[16], int i)
{
	snprintf(text, 16, "key-%d", i);
	return str_of(text);
}

static void against_an_array(void **state)
{
	struct map *m = map_create();
	static char there[KEYS];
	size_t live = 0;
	char text[16];

	(void)state;
	srand(7);
	for (int round = 0; round < 40000; round++) {
		int i = rand() % KEYS;
		struct str key = key_of(text, i);

		if (rand() % 3) {
			row_true(i, (map_put(m, key, &there[i]) != NULL) == there[i]);
			live += !there[i];
			there[i] = 1;
		} else {
			row_true(i, (map_remove(m, key) != NULL) == there[i]);
			live -= (size_t)there[i];
			there[i] = 0;
		}
	}
	assert_int_equal(map_count(m), live);
	for (int i = 0; i < KEYS; i++)
		row_true(i, map_get(m, key_of(text, i)) == (there[i] ? &there[i] : NULL));
	map_destroy(&m, NULL);
	assert_null(m);
}

static void walking(void **state)
{
	struct map *m = map_create();
	size_t at = 0, seen = 0;
	struct str key;
	void *value;
	char text[16];

	(void)state;
	for (int i = 0; i < 100; i++)
		map_put(m, key_of(text, i), strdup("value"));
	while (map_next(m, &at, &key, &value)) {
		seen++;
		if (seen % 2)
			free(map_remove(m, key));
	}
	assert_int_equal(seen, 100);
	assert_int_equal(map_count(m), 50);
	map_destroy(&m, free);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(against_an_array), cmocka_unit_test(walking) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
