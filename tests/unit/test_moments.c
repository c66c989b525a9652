/* Running moments against two passes over the values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/base/rng.h"
#include "lib/stats/moments.h"

enum { N = 5000 };

static void draw(double values[N], double offset)
{
	struct rng rng;

	rng_init(&rng, 5, 0);
	for (unsigned i = 0; i < N; i++)
		values[i] = offset + 10 * rng_uniform(&rng) - 5;
}

static double two_pass_variance(const double values[N])
{
	long double mean = 0, sum = 0;

	for (unsigned i = 0; i < N; i++)
		mean += (long double)values[i] / N;
	for (unsigned i = 0; i < N; i++)
		sum += ((long double)values[i] - mean) * ((long double)values[i] - mean);
	return (double)(sum / (N - 1));
}

static void test_small(void **state)
{
	/* 2 4 4 4 5 5 7 9: mean 5, squared differences sum to 32. */
	static const double values[] = {2, 4, 4, 4, 5, 5, 7, 9};
	struct moments m = {0};

	(void)state;
	assert_true(isnan(moments_variance(&m)) && isnan(moments_sd(&m)));
	moments_add(&m, NAN);
	assert_int_equal(m.n, 0);
	moments_add(&m, values[0]);
	assert_true(m.mean == 2 && m.min == 2 && m.max == 2 && isnan(moments_sd(&m)));
	for (unsigned i = 1; i < 8; i++) {
		moments_add(&m, values[i]);
		moments_add(&m, NAN);
	}
	assert_int_equal(m.n, 8);
	assert_true(fabs(m.mean - 5) < 1e-15 && m.min == 2 && m.max == 9);
	assert_true(fabs(moments_variance(&m) - 32.0 / 7) < 1e-14);
	assert_true(moments_sd(&m) == sqrt(moments_variance(&m)));
}

static void test_far_from_zero(void **state)
{
	static const double offsets[] = {0, 1e3, -1e8, 1e9};
	double values[N];

	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		struct moments m = {0};

		draw(values, offsets[k]);
		for (unsigned i = 0; i < N; i++)
			moments_add(&m, values[i]);
		assert_true(fabs(moments_variance(&m) / two_pass_variance(values) - 1) < 1e-6);
	}
}

static void test_merge_is_adding_all(void **state)
{
	static const unsigned cuts[] = {0, 1, 2, 17, N / 2, N - 1, N};
	double values[N];

	(void)state;
	draw(values, 100);
	for (unsigned k = 0; k < sizeof(cuts) / sizeof(*cuts); k++) {
		struct moments whole = {0}, left = {0}, right = {0};

		for (unsigned i = 0; i < N; i++) {
			moments_add(&whole, values[i]);
			moments_add(i < cuts[k] ? &left : &right, values[i]);
		}
		moments_merge(&left, &right);
		assert_int_equal(left.n, N);
		assert_true(left.min == whole.min && left.max == whole.max);
		assert_true(fabs(left.mean - whole.mean) < 1e-12);
		assert_true(fabs(left.m2 / whole.m2 - 1) < 1e-12);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_far_from_zero),
		cmocka_unit_test(test_merge_is_adding_all),
	};

	return cmocka_run_group_tests_name("moments", tests, NULL, NULL);
}
