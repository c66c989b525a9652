/* lib/model/training_rows: all rows, a uniform sample, the bound of memory. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "lib/model/training_rows.h"
#include "tests/unit/alloc_fail.h"

static void test_keeps_all(void **state)
{
	struct training_rows r;
	struct error err = ERROR_INIT;

	(void)state;
	training_rows_init(&r, 2, 0, UINT64_MAX, 1);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(training_rows_add(&r, (double[]){i, i == 500 ? 1 : NAN}, 0, &err),
				 0);
	assert_int_equal(r.n, 1000);
	assert_int_equal(r.seen, 1000);
	for (int i = 0; i < 1000; i++)
		assert_true(r.x[2 * i] == i);
	training_rows_release(&r);
}

/* A value counts, whether its row is in the sample or not. */
static void test_any(void **state)
{
	struct training_rows r;
	struct error err = ERROR_INIT;

	(void)state;
	training_rows_init(&r, 3, 1, UINT64_MAX, 1);
	assert_false(training_rows_any(&r, 0));
	assert_int_equal(training_rows_add(&r, (double[]){1, NAN, NAN}, 0, &err), 0);
	assert_true(training_rows_any(&r, 0));
	assert_false(training_rows_any(&r, 1));
	for (int i = 0; i < 100; i++)
		assert_int_equal(training_rows_add(&r, (double[]){NAN, 0, NAN}, 0, &err), 0);
	assert_true(isnan(r.x[0]));
	assert_true(training_rows_any(&r, 0));
	assert_true(training_rows_any(&r, 1));
	assert_false(training_rows_any(&r, 2));
	training_rows_release(&r);
}

/* Every row is as likely to be in the sample as any other: 10 of 100 rows, 2000 samples. */
static void test_sample_is_uniform(void **state)
{
	int count[100] = {0};
	struct error err = ERROR_INIT;
	double chi2 = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 2000; seed++) {
		struct training_rows r;
		training_rows_init(&r, 1, 10, UINT64_MAX, seed);
		for (int i = 0; i < 100; i++)
			assert_int_equal(training_rows_add(&r, (double[]){i}, 0, &err), 0);
		assert_int_equal(r.n, 10);
		assert_int_equal(r.seen, 100);
		for (int i = 0; i < 10; i++)
			count[(int)r.x[i]]++;
		training_rows_release(&r);
	}
	for (int i = 0; i < 100; i++)
		chi2 += (count[i] - 200.0) * (count[i] - 200.0) / (200.0 * 0.9);
	/* Chi-square with 99 degrees of freedom: 0.999 quantile 148.2, 0.001 quantile 60.3. */
	assert_true(chi2 < 148.2);
	assert_true(chi2 > 60.3);
}

/* One of two: the first is kept as often as not. Five standard deviations of 1000. */
static void test_sample_of_one(void **state)
{
	int first = 0;
	struct error err = ERROR_INIT;

	(void)state;
	for (uint64_t seed = 0; seed < 2000; seed++) {
		struct training_rows r;
		training_rows_init(&r, 1, 1, UINT64_MAX, seed);
		for (int i = 0; i < 2; i++)
			assert_int_equal(training_rows_add(&r, (double[]){i}, 0, &err), 0);
		first += r.x[0] == 0;
		training_rows_release(&r);
	}
	assert_in_range(first, 888, 1112);
}

static void test_same_seed_same_sample(void **state)
{
	struct training_rows a, b, c;
	struct error err = ERROR_INIT;

	(void)state;
	training_rows_init(&a, 1, 20, UINT64_MAX, 7);
	training_rows_init(&b, 1, 20, UINT64_MAX, 7);
	training_rows_init(&c, 1, 20, UINT64_MAX, 8);
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(training_rows_add(&a, (double[]){i}, 0, &err), 0);
		assert_int_equal(training_rows_add(&b, (double[]){i}, 0, &err), 0);
		assert_int_equal(training_rows_add(&c, (double[]){i}, 0, &err), 0);
	}
	assert_memory_equal(a.x, b.x, 20 * sizeof(double));
	assert_memory_not_equal(a.x, c.x, 20 * sizeof(double));
	training_rows_release(&a);
	training_rows_release(&b);
	training_rows_release(&c);
}

/* 3 values and the overhead are 48 bytes a row: 527 hold ten. A full reservoir needs no more. */
static void test_limit(void **state)
{
	struct training_rows r;
	struct error err = ERROR_INIT;
	double row[3] = {1, 2, 3};

	(void)state;
	training_rows_init(&r, 3, 0, 527, 1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(training_rows_add(&r, row, 0, &err), 0);
	assert_int_equal(training_rows_add(&r, row, 0, &err), -1);
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.what, "10 rows of 3 values"));
	assert_non_null(strstr(err.what, "--reservoir"));
	assert_int_equal(r.n, 10);
	training_rows_release(&r);
	training_rows_init(&r, 3, 10, 480, 1);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(training_rows_add(&r, row, 0, &err), 0);
	training_rows_release(&r);
}

static void test_no_memory(void **state)
{
	struct training_rows r;
	struct error err = ERROR_INIT;

	(void)state;
	training_rows_init(&r, 1, 0, UINT64_MAX, 1);
	for (size_t after = 0; after < 2; after++) {
		alloc_fail_after(after);
		int ret = training_rows_add(&r, (double[]){1}, 0, &err);
		assert_true(alloc_fail_off());
		assert_int_equal(ret, -1);
		assert_int_equal(err.kind, ERROR_UNAVAILABLE);
		assert_int_equal(r.n, 0);
	}
	assert_int_equal(training_rows_add(&r, (double[]){1}, 0, &err), 0);
	training_rows_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keeps_all),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_sample_is_uniform),
		cmocka_unit_test(test_sample_of_one),
		cmocka_unit_test(test_same_seed_same_sample),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
