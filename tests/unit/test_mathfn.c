#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/mathfn.h"
#include "lib/base/rng.h"
#include "lib/base/sha256.h"
#include "tests/unit/mathfn_reference.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The bound that is promised, and the one that is kept. */
#define MAX_ERROR_ULP 0.515L

static uint64_t bits_of(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

/* Doubles between a and b, of one sign. */
static uint64_t doubles_apart(double a, double b)
{
	uint64_t i = bits_of(a), k = bits_of(b);

	return i > k ? i - k : k - i;
}

static void check_references(double (*function)(double), const struct reference *r, size_t n)
{
	size_t exact = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t apart = doubles_apart(function(r[i].x), r[i].y);

		if (apart > 1)
			fail_msg("of %a: %a, not %a", r[i].x, function(r[i].x), r[i].y);
		exact += apart == 0;
	}
	assert_true(exact >= n * 97 / 100);
}

static void test_references(void **state)
{
	(void)state;
	check_references(math_log, log_reference, COUNT(log_reference));
	check_references(math_exp2, exp2_reference, COUNT(exp2_reference));
}

static long double error_ulp(double y, long double exact)
{
	int e;

	frexp(y, &e);
	return fabsl(y - exact) / ldexpl(1, e - 53 < -1074 ? -1074 : e - 53);
}

/* Where long double has more bits than double, it is good enough a reference. */
static void test_errors_against_long_double(void **state)
{
	struct rng rng;

	(void)state;
	if (LDBL_MANT_DIG < 64)
		skip();
	rng_init(&rng, 11, 0);
	for (int i = 1; i <= 1000; i++)
		assert_true(error_ulp(math_log(i), logl(i)) < MAX_ERROR_ULP || i == 1);
	for (int i = 0; i < 300000; i++) {
		uint64_t bits = rng_next(&rng) % bits_of(DBL_MAX);
		double near = ldexp(rng_uniform(&rng) - 0.5, -(int)rng_below(&rng, 50)), x;

		memcpy(&x, &bits, sizeof(x));
		if (i % 2)
			x = 1 + near;
		if (x > 0 && x != 1)
			assert_true(error_ulp(math_log(x), logl(x)) < MAX_ERROR_ULP);
		x = i % 2 ? near : (rng_uniform(&rng) - 0.5) * 2048;
		assert_true(error_ulp(math_exp2(x), exp2l(x)) < MAX_ERROR_ULP);
		x = -1021 - rng_uniform(&rng) * 54;
		assert_true(error_ulp(math_exp2(x), exp2l(x)) < MAX_ERROR_ULP);
	}
}

static void test_log_special(void **state)
{
	(void)state;
	assert_int_equal(bits_of(math_log(1)), bits_of(0.0));
	assert_true(math_log(0) == -HUGE_VAL);
	assert_true(math_log(-0.0) == -HUGE_VAL);
	assert_true(isnan(math_log(-1)));
	assert_true(isnan(math_log(-HUGE_VAL)));
	assert_true(isnan(math_log(-0x1p-1074)));
	assert_true(isnan(math_log(NAN)));
	assert_true(math_log(HUGE_VAL) == HUGE_VAL);
}

static void test_log_is_monotone_around_1(void **state)
{
	double x = 1 - 20000 * DBL_EPSILON / 2;

	(void)state;
	for (int i = 0; i < 40000; i++) {
		double next = nextafter(x, 2);

		assert_true(math_log(x) < math_log(next));
		x = next;
	}
}

/* Over the seams of the table's intervals and of the binades. */
static void test_monotone_at_the_seams(void **state)
{
	(void)state;
	for (int i = 0; i <= 512; i++) {
		double seam = 0.5 + i / 256.0, x = seam;

		for (int k = 0; k < 4; k++)
			x = nextafter(x, 0);
		for (int k = 0; k < 8; k++, x = nextafter(x, 4))
			assert_true(math_log(x) <= math_log(nextafter(x, 4)));
	}
	for (int i = -600; i <= 600; i++) {
		double x = (2 * i + 1) / 256.0;

		for (int k = 0; k < 4; k++)
			x = nextafter(x, -100);
		for (int k = 0; k < 8; k++, x = nextafter(x, 100))
			assert_true(math_exp2(x) <= math_exp2(nextafter(x, 100)));
	}
}

static void test_exp2_special(void **state)
{
	(void)state;
	for (int k = -1074; k < 1024; k++)
		assert_int_equal(bits_of(math_exp2(k)), bits_of(ldexp(1, k)));
	assert_true(math_exp2(-0.0) == 1);
	assert_true(math_exp2(1024) == HUGE_VAL);
	assert_true(math_exp2(HUGE_VAL) == HUGE_VAL);
	assert_true(math_exp2(1e300) == HUGE_VAL);
	assert_true(isfinite(math_exp2(nextafter(1024, 0))));
	assert_int_equal(bits_of(math_exp2(-1075)), 0);
	assert_int_equal(bits_of(math_exp2(-1e300)), 0);
	assert_int_equal(bits_of(math_exp2(-HUGE_VAL)), 0);
	assert_int_equal(bits_of(math_exp2(nextafter(-1075, 0))), 1);
	assert_true(isnan(math_exp2(NAN)));
	assert_true(math_exp2(0x1p-1074) == 1);
}

/* The same bits under every compiler and on every machine: a model's may depend on them. */
static void test_bits_are_fixed(void **state)
{
	struct rng rng;
	struct sha256 s;
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];

	(void)state;
	rng_init(&rng, 13, 0);
	sha256_init(&s);
	for (int i = 0; i < 100000; i++) {
		uint64_t bits[2] = {
			bits_of(math_log(rng_uniform(&rng) * 4)),
			bits_of(math_exp2(-20 * rng_uniform(&rng))),
		};
		uint8_t bytes[16];

		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (uint8_t)(bits[k / 8] >> (k % 8 * 8));
		sha256_update(&s, bytes, sizeof(bytes));
	}
	sha256_final(&s, digest);
	sha256_hex(digest, hex);
	assert_string_equal(hex,
			    "ff86dd0b7c270d193e805f1d0554f04d7f325293e7429261d867cda5b68b2c4b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_errors_against_long_double),
		cmocka_unit_test(test_log_special),
		cmocka_unit_test(test_log_is_monotone_around_1),
		cmocka_unit_test(test_monotone_at_the_seams),
		cmocka_unit_test(test_exp2_special),
		cmocka_unit_test(test_bits_are_fixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
