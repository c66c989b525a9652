/* Normal numbers: their distribution, and that they never change. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "lib/sim/normal.h"

enum { N = 200000 };

/* Simulated data depend on these, on every machine. */
static void test_sequence_is_fixed(void **state)
{
	static const double expected[] = {-0x1.de3ab2c12e4a4p-1, 0x1.3c59169138d9ap-1,
					  0x1.63e23be5d56b2p-1,  -0x1.2be74f36950dcp-1,
					  -0x1.a012b7fa0514bp-2, 0x1.c8ee8078e83p+0};
	struct normal g;

	(void)state;
	normal_init(&g, 42, 7);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		assert_true(normal_next(&g) == expected[i]);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov against the distribution function, at the 0.1 % level. */
static void test_distribution(void **state)
{
	static double x[N];
	double largest = 0, sum = 0, squares = 0, fourths = 0;
	struct normal g;

	(void)state;
	normal_init(&g, 1, 0);
	for (int i = 0; i < N; i++) {
		x[i] = normal_next(&g);
		sum += x[i];
		squares += x[i] * x[i];
		fourths += x[i] * x[i] * x[i] * x[i];
	}
	assert_true(fabs(sum / N) < 4 / sqrt(N));
	assert_true(fabs(squares / N - 1) < 4 * sqrt(2.0 / N));
	assert_true(fabs(fourths / N - 3) < 4 * sqrt(96.0 / N));
	qsort(x, N, sizeof(*x), by_value);
	for (int i = 0; i < N; i++) {
		double p = 0.5 * erfc(-x[i] / sqrt(2));

		largest = fmax(largest, fmax(fabs(p - (double)i / N), fabs(p - (i + 1.0) / N)));
	}
	assert_true(largest < 1.95 / sqrt(N));
	assert_true(x[0] < -4 && x[N - 1] > 4);
}

/* The two of a pair, and those of neighbouring streams, have nothing to do with each other. */
static void test_independence(void **state)
{
	double pairs = 0, streams = 0;
	struct normal g, h;

	(void)state;
	normal_init(&g, 5, 0);
	normal_init(&h, 5, 1);
	for (int i = 0; i < N / 2; i++) {
		double a = normal_next(&g), b = normal_next(&g);

		pairs += a * b;
		streams += a * normal_next(&h);
	}
	assert_true(fabs(pairs) < 4 * sqrt(N / 2));
	assert_true(fabs(streams) < 4 * sqrt(N / 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequence_is_fixed),
		cmocka_unit_test(test_distribution),
		cmocka_unit_test(test_independence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
