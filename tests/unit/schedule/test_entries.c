/* The row by id and the heap by time, against a plain list. */
#include "../unit.h"

#include "base/random.h"
#include "entries.h"

enum { IDS = 500 };

static void check(struct entries *all, struct entry *const *plain)
{
	struct entry *earliest = NULL, *e = entries_after(all, 0);
	size_t living = 0;

	for (uint64_t id = 1; id <= IDS; id++) {
		assert_ptr_equal(entries_find(all, id), plain[id]);
		if (plain[id] == NULL)
			continue;
		living++;
		assert_ptr_equal(e, plain[id]);
		e = entries_after(all, id);
		if (plain[id]->heap_at && (earliest == NULL || plain[id]->next < earliest->next))
			earliest = plain[id];
	}
	assert_null(e);
	assert_int_equal(all->living, living);
	assert_true((entries_top(all) == NULL) == (earliest == NULL));
	assert_true(earliest == NULL || entries_top(all)->next == earliest->next);
}

static void like_a_plain_list(void **state)
{
	struct entries all = { 0 };
	struct entry *plain[IDS + 1] = { 0 };

	(void)state;
	for (int step = 0; step < 6000; step++) {
		uint64_t id = 1 + random_below(IDS);
		struct entry *e = plain[id];

		switch (random_below(4)) {
		case 0:
		case 1:
			e = entries_add(&all, id);
			assert_true((e == NULL) == (plain[id] != NULL));
			if (e == NULL)
				break;
			plain[id] = e;
			e->next = random_below(1000);
			entries_push(&all, e);
			break;
		case 2:
			if (e)
				entries_drop(&all, e);
			plain[id] = NULL;
			break;
		default:
			if (e && e->heap_at) {
				entries_pull(&all, e);
			} else if (e) {
				e->next = random_below(1000);
				entries_push(&all, e);
			}
		}
		if (step % 20 == 0)
			check(&all, plain);
	}
	for (uint64_t id = 1; id <= IDS; id++)
		if (plain[id])
			entries_drop(&all, plain[id]);
	assert_null(entries_after(&all, 0));
	assert_null(entries_after(&all, UINT64_MAX));
	entries_finish(&all);
}

static void in_order_of_time(void **state)
{
	struct entries all = { 0 };
	int64_t last = 0;

	(void)state;
	for (uint64_t id = 1; id <= 1000; id++) {
		struct entry *e = entries_add(&all, id);

		e->next = random_below(300);
		entries_push(&all, e);
	}
	for (struct entry *e; (e = entries_top(&all)) != NULL; entries_drop(&all, e)) {
		assert_true(e->next >= last);
		last = e->next;
		entries_pull(&all, e);
		entries_pull(&all, e);          /* out is out */
	}
	assert_true(all.count < 1000);          /* what is gone takes no place for ever */
	entries_finish(&all);
}

static void small_enough(void **state)
{
	(void)state;
	/* a million entries with their places in row and heap: under 100 MB */
	assert_true(sizeof(struct entry) + sizeof(struct slot) + sizeof(struct entry *) < 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(like_a_plain_list),
		cmocka_unit_test(in_order_of_time), cmocka_unit_test(small_enough) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
