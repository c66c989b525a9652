#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/rng.h"
#include "lib/model/prepare.h"
#include "lib/stats/sketch.h"
#include "tests/unit/alloc_fail.h"

#define N_MAX 1567

static double values[N_MAX], tmp[N_MAX];

enum column {
	EVEN,
	ODD_MISSING,
	MANY,
	ONE,
	CONSTANT_MISSING,
	TIES,
	MOSTLY_EQUAL,
	NEARLY_CONSTANT,
	TINY,
	ALL_MISSING,
};

static double wave(size_t i)
{
	return (double)(i * 7919 % 1009) / 7.0 - 50;
}

static double value_at(enum column column, size_t i)
{
	double x = (double)i;
	switch (column) {
	case EVEN:
		return wave(i);
	case ODD_MISSING:
		return i % 4 == 1 ? NAN : wave(i);
	case MANY:
		return i % 50 == 3 ? NAN : wave(i) * 1e-3 + 200;
	case ONE:
		return i == 2 ? 4.25 : NAN;
	case CONSTANT_MISSING:
		return i == 1 ? NAN : 0.1;
	case TIES:
		return i % 5 ? (double)(i % 3) : NAN;
	case MOSTLY_EQUAL:
		return i < 19 ? 100 : 3;
	case NEARLY_CONSTANT:
		return 1e8 + (double)(i % 2) * 1e-8;
	case TINY:
		return 1e-20 * x;
	default:
		return NAN;
	}
}

static uint64_t make_column(enum column column)
{
	static const uint64_t sizes[] = {10, 101, N_MAX, 4, 4, 50, 20, 64, 20, 5};
	for (size_t i = 0; i < sizes[column]; i++)
		values[i] = value_at(column, i);
	return sizes[column];
}

/* What scikit-learn 1.9.1 learns from these columns: SimpleImputer's statistics_, then
 * StandardScaler's mean_ and scale_ or RobustScaler's center_ and scale_. */
static const struct {
	enum column column;
	enum impute impute;
	enum scaling scaling;
	double fill, center, scale;
} cases[] = {
	{EVEN, IMPUTE_NONE, SCALING_STANDARD, NAN, 0x1.89d41d41d41d3p+4, 0x1.6306d66626052p+5},
	{EVEN, IMPUTE_NONE, SCALING_ROBUST, NAN, 0x1.1892492492492p+5, 0x1.176db6db6db6ep+6},
	{EVEN, IMPUTE_MEDIAN, SCALING_STANDARD, 0x1.1892492492492p+5, 0x1.89d41d41d41d3p+4,
	 0x1.6306d66626052p+5},
	{EVEN, IMPUTE_MEDIAN, SCALING_ROBUST, 0x1.1892492492492p+5, 0x1.1892492492492p+5,
	 0x1.176db6db6db6ep+6},
	{EVEN, IMPUTE_MEAN, SCALING_STANDARD, 0x1.89d41d41d41d3p+4, 0x1.89d41d41d41d3p+4,
	 0x1.6306d66626052p+5},
	{EVEN, IMPUTE_MEAN, SCALING_ROBUST, 0x1.89d41d41d41d3p+4, 0x1.1892492492492p+5,
	 0x1.176db6db6db6ep+6},
	{ODD_MISSING, IMPUTE_NONE, SCALING_STANDARD, NAN, 0x1.60fe133f84cfdp+4,
	 0x1.51257d40f2c2ep+5},
	{ODD_MISSING, IMPUTE_NONE, SCALING_ROBUST, NAN, 0x1.5800000000000p+4, 0x1.1b92492492492p+6},
	{ODD_MISSING, IMPUTE_MEDIAN, SCALING_STANDARD, 0x1.5800000000000p+4, 0x1.5ec4412d42fccp+4,
	 0x1.247719aa1eca5p+5},
	{ODD_MISSING, IMPUTE_MEDIAN, SCALING_ROBUST, 0x1.5800000000000p+4, 0x1.5800000000000p+4,
	 0x1.7edb6db6db6dbp+5},
	{ODD_MISSING, IMPUTE_MEAN, SCALING_STANDARD, 0x1.60fe133f84cfdp+4, 0x1.60fe133f84cfdp+4,
	 0x1.247573c879bc1p+5},
	{ODD_MISSING, IMPUTE_MEAN, SCALING_ROBUST, 0x1.60fe133f84cfdp+4, 0x1.60fe133f84cfdp+4,
	 0x1.7edb6db6db6dbp+5},
	{MANY, IMPUTE_NONE, SCALING_STANDARD, NAN, 0x1.900b4d5dfc4e3p+7, 0x1.550c4fc7f9a00p-5},
	{MANY, IMPUTE_NONE, SCALING_ROBUST, NAN, 0x1.900b564efe898p+7, 0x1.277f44c119000p-4},
	{MANY, IMPUTE_MEDIAN, SCALING_STANDARD, 0x1.900b564efe898p+7, 0x1.900b4d8cbad73p+7,
	 0x1.518c3efcde887p-5},
	{MANY, IMPUTE_MEDIAN, SCALING_ROBUST, 0x1.900b564efe898p+7, 0x1.900b564efe898p+7,
	 0x1.210f819bf1000p-4},
	{MANY, IMPUTE_MEAN, SCALING_STANDARD, 0x1.900b4d5dfc4e3p+7, 0x1.900b4d5dfc4e4p+7,
	 0x1.518c3e619cdb0p-5},
	{MANY, IMPUTE_MEAN, SCALING_ROBUST, 0x1.900b4d5dfc4e3p+7, 0x1.900b4d5dfc4e3p+7,
	 0x1.210f819bf1000p-4},
	{ONE, IMPUTE_NONE, SCALING_STANDARD, NAN, 0x1.1000000000000p+2, 0x1.0000000000000p+0},
	{ONE, IMPUTE_NONE, SCALING_ROBUST, NAN, 0x1.1000000000000p+2, 0x1.0000000000000p+0},
	{ONE, IMPUTE_MEDIAN, SCALING_STANDARD, 0x1.1000000000000p+2, 0x1.1000000000000p+2,
	 0x1.0000000000000p+0},
	{ONE, IMPUTE_MEDIAN, SCALING_ROBUST, 0x1.1000000000000p+2, 0x1.1000000000000p+2,
	 0x1.0000000000000p+0},
	{ONE, IMPUTE_MEAN, SCALING_STANDARD, 0x1.1000000000000p+2, 0x1.1000000000000p+2,
	 0x1.0000000000000p+0},
	{ONE, IMPUTE_MEAN, SCALING_ROBUST, 0x1.1000000000000p+2, 0x1.1000000000000p+2,
	 0x1.0000000000000p+0},
	{CONSTANT_MISSING, IMPUTE_NONE, SCALING_STANDARD, NAN, 0x1.999999999999bp-4,
	 0x1.0000000000000p+0},
	{CONSTANT_MISSING, IMPUTE_NONE, SCALING_ROBUST, NAN, 0x1.999999999999ap-4,
	 0x1.0000000000000p+0},
	{CONSTANT_MISSING, IMPUTE_MEDIAN, SCALING_STANDARD, 0x1.999999999999ap-4,
	 0x1.999999999999ap-4, 0x1.0000000000000p+0},
	{CONSTANT_MISSING, IMPUTE_MEDIAN, SCALING_ROBUST, 0x1.999999999999ap-4,
	 0x1.999999999999ap-4, 0x1.0000000000000p+0},
	{CONSTANT_MISSING, IMPUTE_MEAN, SCALING_STANDARD, 0x1.999999999999bp-4,
	 0x1.999999999999ap-4, 0x1.0000000000000p+0},
	{CONSTANT_MISSING, IMPUTE_MEAN, SCALING_ROBUST, 0x1.999999999999bp-4, 0x1.999999999999ap-4,
	 0x1.0000000000000p+0},
	{TIES, IMPUTE_NONE, SCALING_STANDARD, NAN, 0x1.0000000000000p+0, 0x1.9cc99ff02c481p-1},
	{TIES, IMPUTE_NONE, SCALING_ROBUST, NAN, 0x1.0000000000000p+0, 0x1.0000000000000p+1},
	{TIES, IMPUTE_MEDIAN, SCALING_STANDARD, 0x1.0000000000000p+0, 0x1.0000000000000p+0,
	 0x1.71355d04de190p-1},
	{TIES, IMPUTE_MEDIAN, SCALING_ROBUST, 0x1.0000000000000p+0, 0x1.0000000000000p+0,
	 0x1.8000000000000p+0},
	{TIES, IMPUTE_MEAN, SCALING_STANDARD, 0x1.0000000000000p+0, 0x1.0000000000000p+0,
	 0x1.71355d04de190p-1},
	{TIES, IMPUTE_MEAN, SCALING_ROBUST, 0x1.0000000000000p+0, 0x1.0000000000000p+0,
	 0x1.8000000000000p+0},
	{MOSTLY_EQUAL, IMPUTE_NONE, SCALING_STANDARD, NAN, 0x1.7c9999999999ap+6,
	 0x1.52402492004f0p+4},
	{MOSTLY_EQUAL, IMPUTE_NONE, SCALING_ROBUST, NAN, 0x1.9000000000000p+6,
	 0x1.0000000000000p+0},
	{MOSTLY_EQUAL, IMPUTE_MEDIAN, SCALING_STANDARD, 0x1.9000000000000p+6, 0x1.7c9999999999ap+6,
	 0x1.52402492004f0p+4},
	{MOSTLY_EQUAL, IMPUTE_MEDIAN, SCALING_ROBUST, 0x1.9000000000000p+6, 0x1.9000000000000p+6,
	 0x1.0000000000000p+0},
	{MOSTLY_EQUAL, IMPUTE_MEAN, SCALING_STANDARD, 0x1.7c9999999999ap+6, 0x1.7c9999999999ap+6,
	 0x1.52402492004f0p+4},
	{MOSTLY_EQUAL, IMPUTE_MEAN, SCALING_ROBUST, 0x1.7c9999999999ap+6, 0x1.9000000000000p+6,
	 0x1.0000000000000p+0},
	{NEARLY_CONSTANT, IMPUTE_NONE, SCALING_STANDARD, NAN, 0x1.7d78400000000p+26,
	 0x1.0000000000000p+0},
	{NEARLY_CONSTANT, IMPUTE_NONE, SCALING_ROBUST, NAN, 0x1.7d78400000000p+26,
	 0x1.0000000000000p-26},
	{NEARLY_CONSTANT, IMPUTE_MEDIAN, SCALING_STANDARD, 0x1.7d78400000000p+26,
	 0x1.7d78400000000p+26, 0x1.0000000000000p+0},
	{NEARLY_CONSTANT, IMPUTE_MEDIAN, SCALING_ROBUST, 0x1.7d78400000000p+26,
	 0x1.7d78400000000p+26, 0x1.0000000000000p-26},
	{NEARLY_CONSTANT, IMPUTE_MEAN, SCALING_STANDARD, 0x1.7d78400000000p+26,
	 0x1.7d78400000000p+26, 0x1.0000000000000p+0},
	{NEARLY_CONSTANT, IMPUTE_MEAN, SCALING_ROBUST, 0x1.7d78400000000p+26, 0x1.7d78400000000p+26,
	 0x1.0000000000000p-26},
	{TINY, IMPUTE_NONE, SCALING_STANDARD, NAN, 0x1.c09ff3eedae8ap-64, 0x1.104e103d48532p-64},
	{TINY, IMPUTE_NONE, SCALING_ROBUST, NAN, 0x1.c09ff3eedae8ap-64, 0x1.0000000000000p+0},
	{TINY, IMPUTE_MEDIAN, SCALING_STANDARD, 0x1.c09ff3eedae8ap-64, 0x1.c09ff3eedae8ap-64,
	 0x1.104e103d48532p-64},
	{TINY, IMPUTE_MEDIAN, SCALING_ROBUST, 0x1.c09ff3eedae8ap-64, 0x1.c09ff3eedae8ap-64,
	 0x1.0000000000000p+0},
	{TINY, IMPUTE_MEAN, SCALING_STANDARD, 0x1.c09ff3eedae8ap-64, 0x1.c09ff3eedae8ap-64,
	 0x1.104e103d48532p-64},
	{TINY, IMPUTE_MEAN, SCALING_ROBUST, 0x1.c09ff3eedae8ap-64, 0x1.c09ff3eedae8ap-64,
	 0x1.0000000000000p+0},
};

static void assert_close(size_t c, const char *what, double got, double want, double tolerance)
{
	if (isnan(want) ? isnan(got) : fabs(got - want) <= tolerance * fabs(want))
		return;
	fail_msg("case %zu, %s: %a, not %a", c, what, got, want);
}

static void test_learns_what_sklearn_learns(void **state)
{
	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		struct error err = ERROR_INIT;
		struct prepare p;
		struct column_summary summary;
		uint64_t n = make_column(cases[c].column);
		assert_int_equal(prepare_init(&p, cases[c].impute, cases[c].scaling, 2, &err), 0);
		prepare_column(&p, 1, values, n, tmp, &summary);
		/* Medians and quantiles are exact; sums round differently. */
		double sums = 4 * DBL_EPSILON, squares = 1e-11;
		bool robust = cases[c].scaling == SCALING_ROBUST;
		bool mean = cases[c].impute == IMPUTE_MEAN;
		assert_close(c, "fill", p.fill[1], cases[c].fill, mean ? sums : 0);
		assert_close(c, "center", p.center[1], cases[c].center, robust && !mean ? 0 : sums);
		assert_close(c, "scale", p.scale[1], cases[c].scale,
			     !robust ? squares
			     : mean  ? sums
				     : 0);
		assert_true(isnan(p.fill[0]) && p.center[0] == 0 && p.scale[0] == 1);
		prepare_release(&p);
	}
}

static struct column_summary summarize(uint64_t n)
{
	struct error err = ERROR_INIT;
	struct prepare p;
	struct column_summary summary;
	assert_int_equal(prepare_init(&p, IMPUTE_NONE, SCALING_NONE, 1, &err), 0);
	prepare_column(&p, 0, values, n, tmp, &summary);
	prepare_release(&p);
	return summary;
}

static void test_summary(void **state)
{
	(void)state;
	values[0] = 3;
	values[1] = NAN;
	values[2] = -1;
	values[3] = 10;
	values[4] = NAN;
	values[5] = 4;
	struct column_summary s = summarize(6);
	assert_int_equal(s.n, 4);
	assert_int_equal(s.missing, 2);
	assert_true(s.min == -1 && s.max == 10 && s.mean == 4 && s.median == 3.5);
	const double sorted[] = {-1, 3, 4, 10};
	assert_memory_equal(values, sorted, sizeof(sorted));
	assert_true(isnan(values[4]) && isnan(values[5]));

	values[0] = 1.5e308;
	values[1] = 1.7e308;
	assert_true(summarize(2).median == 1.6e308);
}

static void test_all_missing(void **state)
{
	(void)state;
	for (int impute = IMPUTE_NONE; impute <= IMPUTE_MEAN; impute++)
		for (int scaling = SCALING_NONE; scaling <= SCALING_ROBUST; scaling++) {
			struct error err = ERROR_INIT;
			struct prepare p;
			struct column_summary s;
			assert_int_equal(prepare_init(&p, (enum impute)impute,
						      (enum scaling)scaling, 1, &err),
					 0);
			prepare_column(&p, 0, values, make_column(ALL_MISSING), tmp, &s);
			assert_true(isnan(p.fill[0]) && p.center[0] == 0 && p.scale[0] == 1);
			assert_int_equal(s.n, 0);
			assert_int_equal(s.missing, 5);
			assert_true(isnan(s.min) && isnan(s.max) && isnan(s.mean) &&
				    isnan(s.median));
			prepare_release(&p);
		}
}

static void test_mean_survives_cancellation(void **state)
{
	(void)state;
	struct rng rng;
	rng_init(&rng, 1, 0);
	for (size_t i = 0; i < 999; i += 3) {
		double x = ldexp(rng_uniform(&rng) + 1, (int)rng_below(&rng, 20));
		values[i] = x;
		values[i + 1] = -x;
		values[i + 2] = 1.0 / 3;
	}
	assert_true(fabs(summarize(999).mean - 1.0 / 9) <= DBL_EPSILON / 9);
}

/* The mean of 1 and 1 + 9 ulp rounds down; the deviation is 4.5 ulp all the same. */
static void test_deviation_from_a_rounded_mean(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct prepare p;
	struct column_summary summary;
	values[0] = 1;
	values[1] = 1 + 9 * DBL_EPSILON;
	assert_int_equal(prepare_init(&p, IMPUTE_NONE, SCALING_STANDARD, 1, &err), 0);
	prepare_column(&p, 0, values, 2, tmp, &summary);
	assert_true(p.scale[0] == 4.5 * DBL_EPSILON);
	prepare_release(&p);
}

static void make_prepare(struct prepare *p, enum impute impute)
{
	struct error err = ERROR_INIT;
	assert_int_equal(prepare_init(p, impute, SCALING_STANDARD, 3, &err), 0);
	for (size_t j = 0; j < 3; j++) {
		p->fill[j] = impute == IMPUTE_NONE ? NAN : 5;
		p->center[j] = 1;
		p->scale[j] = 2;
	}
}

static void test_row(void **state)
{
	(void)state;
	struct prepare p;
	make_prepare(&p, IMPUTE_MEDIAN);
	double x[] = {2, NAN, -3};
	float out[3];
	uint32_t imputed;
	size_t column;
	assert_int_equal(prepare_row_f32(&p, x, 0.5, out, &imputed, &column), ROW_OK);
	assert_int_equal(imputed, 1);
	assert_true(out[0] == 0.5F && out[1] == 2.0F && out[2] == -2.0F);
	prepare_row(&p, x);
	assert_true(x[0] == 0.5 && x[1] == 2 && x[2] == -2);
	prepare_release(&p);
}

static void test_row_lacks_too_much(void **state)
{
	(void)state;
	struct prepare p;
	make_prepare(&p, IMPUTE_MEDIAN);
	const double two[] = {2, NAN, NAN}, none[] = {NAN, NAN, NAN}, all[] = {0, 0, 0};
	float out[3];
	uint32_t imputed;
	size_t column;
	assert_int_equal(prepare_row_f32(&p, two, 0.5, out, &imputed, &column),
			 ROW_TOO_MANY_MISSING);
	assert_int_equal(imputed, 2);
	assert_int_equal(prepare_row_f32(&p, two, 2.0 / 3, out, &imputed, &column), ROW_OK);
	assert_int_equal(prepare_row_f32(&p, none, 1, out, &imputed, &column),
			 ROW_TOO_MANY_MISSING);
	assert_int_equal(prepare_row_f32(&p, all, 0, out, &imputed, &column), ROW_OK);
	prepare_release(&p);
}

static void test_row_without_imputing(void **state)
{
	(void)state;
	struct prepare p;
	make_prepare(&p, IMPUTE_NONE);
	const double x[] = {NAN, 3, 3};
	float out[3];
	uint32_t imputed;
	size_t column;
	assert_int_equal(prepare_row_f32(&p, x, 0.5, out, &imputed, &column), ROW_OK);
	assert_int_equal(imputed, 0);
	assert_true(isnan(out[0]) && out[1] == 1.0F && out[2] == 1.0F);
	assert_int_equal(prepare_row_f32(&p, x, 0.3, out, &imputed, &column), ROW_TOO_MANY_MISSING);
	assert_int_equal(imputed, 1);
	prepare_release(&p);
}

static void test_row_beyond_float32(void **state)
{
	(void)state;
	struct prepare p;
	make_prepare(&p, IMPUTE_MEDIAN);
	p.center[1] = 0;
	p.scale[1] = 1;
	float out[3];
	uint32_t imputed;
	size_t column = 99;
	/* The largest double that rounds to FLT_MAX, and the next. */
	double x[] = {0, nextafter(0x1.ffffffp+127, 0), 0};
	assert_int_equal(prepare_row_f32(&p, x, 0.5, out, &imputed, &column), ROW_OK);
	assert_true(out[1] == FLT_MAX);
	x[1] = 0x1.ffffffp+127;
	assert_int_equal(prepare_row_f32(&p, x, 0.5, out, &imputed, &column), ROW_BEYOND_FLOAT32);
	assert_int_equal(column, 1);
	x[1] = -INFINITY;
	assert_int_equal(prepare_row_f32(&p, x, 0.5, out, &imputed, &column), ROW_BEYOND_FLOAT32);
	x[0] = NAN;
	x[1] = 0;
	x[2] = DBL_MAX;
	assert_int_equal(prepare_row_f32(&p, x, 0.5, out, &imputed, &column), ROW_BEYOND_FLOAT32);
	assert_int_equal(column, 2);
	prepare_release(&p);
}

static int init(void *arg, struct error *err)
{
	struct prepare *p = arg;
	if (prepare_init(p, IMPUTE_NONE, SCALING_NONE, 7, err) < 0)
		return -1;
	prepare_release(p);
	return 0;
}

static void test_out_of_memory(void **state)
{
	(void)state;
	struct prepare p;
	assert_int_equal(alloc_fail_each(init, &p), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learns_what_sklearn_learns),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_all_missing),
		cmocka_unit_test(test_mean_survives_cancellation),
		cmocka_unit_test(test_deviation_from_a_rounded_mean),
		cmocka_unit_test(test_row),
		cmocka_unit_test(test_row_lacks_too_much),
		cmocka_unit_test(test_row_without_imputing),
		cmocka_unit_test(test_row_beyond_float32),
		cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
