/* How long a harvester waits. */
#include "../unit.h"

#include "tarpit.h"

#include "base/clock.h"

static void delays(void **state)
{
	static const struct { int64_t unknown, after, ms; } rows[] = {
		{ 0, 5, 0 }, { 5, 5, 0 }, { 6, 5, 1000 }, { 7, 5, 2000 }, { 8, 5, 4000 }, { 10, 5, 16000 }, { 11, 5, 20000 },
		{ 1000000, 5, 20000 }, { 1, 0, 1000 }, { 2, 0, 2000 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		row_true(i, tarpit_delay(rows[i].unknown, rows[i].after) == rows[i].ms);
}

static void over(void *loop)
{
	loop_stop(loop);
}

static void waits(void **state)
{
	struct why why;
	struct loop *l = loop_create(1, &why);
	int64_t began = clock_mono();
	struct job *never = tarpit_wait(l, 50, over, l);

	(void)state;
	tarpit_wait(l, 100, over, l);
	job_cancel(&never);
	loop_run(l);
	assert_in_range(clock_mono() - began, 99, 5000);
	loop_destroy(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(delays), cmocka_unit_test(waits) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
