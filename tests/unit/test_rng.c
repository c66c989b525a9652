#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/base/rng.h"

/* From the state (1, 2, 3, 4), as other implementations of the generator test it. */
static void test_reference_sequence(void **state)
{
	static const uint64_t expected[] = {UINT64_C(11520),
					    UINT64_C(0),
					    UINT64_C(1509978240),
					    UINT64_C(1215971899390074240),
					    UINT64_C(1216172134540287360),
					    UINT64_C(607988272756665600),
					    UINT64_C(16172922978634559625),
					    UINT64_C(8476171486693032832)};
	struct rng rng = {{1, 2, 3, 4}};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(rng_next(&rng), expected[i]);
}

/* Models depend on these: they must never change. */
static void test_seeding_is_fixed(void **state)
{
	static const struct {
		uint64_t seed, stream, first;
	} cases[] = {
		{UINT64_C(0), UINT64_C(0), UINT64_C(12815117005294229257)},
		{UINT64_C(1), UINT64_C(0), UINT64_C(15867944001645916701)},
		{UINT64_C(0), UINT64_C(1), UINT64_C(12016409108295371833)},
		{UINT64_C(42), UINT64_C(7), UINT64_C(3601236328964060930)},
		{UINT64_C(18446744073709551615), UINT64_C(18446744073709551615),
		 UINT64_C(5495579819414398805)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rng rng;

		rng_init(&rng, cases[i].seed, cases[i].stream);
		assert_int_equal(rng_next(&rng), cases[i].first);
	}
}

static void test_streams_differ(void **state)
{
	struct rng a, b;

	(void)state;
	for (uint64_t i = 0; i < 200; i++) {
		for (uint64_t k = 0; k < 200; k++) {
			rng_init(&a, i, k);
			assert_true((a.s[0] | a.s[1] | a.s[2] | a.s[3]) != 0);
			rng_init(&b, k, i);
			for (int w = 0; w < 4; w++)
				assert_true(i == k || a.s[w] != b.s[w]);
			rng_init(&b, i, k + 1);
			for (int w = 0; w < 4; w++)
				assert_true(a.s[w] != b.s[w]);
		}
	}
}

/* The first draws of neighbouring streams must look independent: the share of equal bits. */
static void test_streams_are_independent(void **state)
{
	struct rng a, b;
	int equal = 0;

	(void)state;
	for (uint64_t i = 0; i < 10000; i++) {
		rng_init(&a, 42, i);
		rng_init(&b, 42, i + 1);
		equal += 64 - __builtin_popcountll(rng_next(&a) ^ rng_next(&b));
	}
	/* 640,000 bits: the standard deviation is 400. */
	assert_in_range(equal, 320000 - 2000, 320000 + 2000);
}

static void test_uniform(void **state)
{
	struct rng rng;
	double sum = 0, squares = 0;
	int n = 200000;

	(void)state;
	rng_init(&rng, 1, 0);
	for (int i = 0; i < n; i++) {
		double x = rng_uniform(&rng);

		assert_true(x >= 0 && x < 1);
		assert_true(x * 0x1p53 == floor(x * 0x1p53));
		sum += x;
		squares += x * x;
	}
	assert_true(fabs(sum / n - 0.5) < 5 * sqrt(1.0 / 12 / n));
	assert_true(fabs(squares / n - 1.0 / 3) < 5 * sqrt(4.0 / 45 / n));
}

static void test_below(void **state)
{
	struct rng rng;
	int counts[7] = {0}, n = 70000;
	double chi2 = 0;

	(void)state;
	rng_init(&rng, 2, 0);
	for (int i = 0; i < n; i++) {
		uint64_t x = rng_below(&rng, 7);

		assert_true(x < 7);
		counts[x]++;
	}
	for (int i = 0; i < 7; i++)
		chi2 += (counts[i] - n / 7.0) * (counts[i] - n / 7.0) / (n / 7.0);
	assert_true(chi2 < 22.5); /* 6 degrees of freedom, p = 0.001 */
	for (int i = 0; i < 100; i++)
		assert_int_equal(rng_below(&rng, 1), 0);
}

/* Of three quarters of 2^64 a remainder would give the lower third twice as often, a product the
 * multiples of three. */
static void test_below_has_no_bias(void **state)
{
	struct rng rng;
	uint64_t n = UINT64_C(3) << 62;
	int low = 0, multiples = 0, draws = 90000;

	(void)state;
	rng_init(&rng, 3, 0);
	for (int i = 0; i < draws; i++) {
		uint64_t x = rng_below(&rng, n);

		assert_true(x < n);
		low += x < n / 3;
		multiples += x % 3 == 0;
	}
	/* The standard deviation is 141. */
	assert_in_range(low, draws / 3 - 700, draws / 3 + 700);
	assert_in_range(multiples, draws / 3 - 700, draws / 3 + 700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference_sequence),
		cmocka_unit_test(test_seeding_is_fixed),
		cmocka_unit_test(test_streams_differ),
		cmocka_unit_test(test_streams_are_independent),
		cmocka_unit_test(test_uniform),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_below_has_no_bias),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
