/* The walk's average against the sum over its window. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "lib/base/rng.h"
#include "lib/sim/walk.h"

static double summed(const double *history, size_t n, size_t window, double newest)
{
	long double sum = 0, weights = 0;

	for (size_t i = 0; i < window; i++) {
		long double w = 1 + (newest - 1) * (long double)i / (long double)(window - 1);

		sum += w * (long double)history[n - window + i];
		weights += w;
	}
	return (double)(sum / weights);
}

static void follow(size_t window, double newest, size_t steps)
{
	double *ring = calloc(window, sizeof(*ring));
	double *history = calloc(window + steps, sizeof(*history));
	struct walk w;
	struct rng rng;

	assert_non_null(ring);
	assert_non_null(history);
	rng_init(&rng, 9, window);
	walk_init(&w, ring, window, 60);
	for (size_t i = 0; i < window; i++)
		history[i] = 60;
	for (size_t i = 0; i < steps; i++) {
		double average = walk_average(&w, newest);

		/* Checked now and then: the sum takes its time. */
		if (i < 3 * window || i % 97 == 0)
			assert_true(fabs(average - summed(history, window + i, window, newest)) <
				    1e-12 * 1e6);
		history[window + i] = 1e6 * rng_uniform(&rng);
		walk_push(&w, history[window + i]);
	}
	free(ring);
	free(history);
}

static void test_average(void **state)
{
	(void)state;
	follow(300, 1.5, 200000);
	follow(2, 3, 1000);
	follow(7, 1, 5000);
	follow(50, 0.5, 5000);
}

/* A value so large that what is summed beside it is lost does no harm once it has left. */
static void test_nothing_adds_up(void **state)
{
	double ring[10];
	struct walk w;

	(void)state;
	walk_init(&w, ring, 10, 1);
	for (int round = 0; round < 5; round++) {
		walk_push(&w, 1e15 / 3);
		for (int i = 0; i < 30; i++)
			walk_push(&w, 1);
		assert_true(fabs(walk_average(&w, 1.5) - 1) < 1e-14);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_average),
		cmocka_unit_test(test_nothing_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
