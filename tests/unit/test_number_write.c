#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/number.h"
#include "lib/base/rng.h"
#include "lib/base/sha256.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t bits_of(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static double from_bits(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static void test_known_texts(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{0, "0.0"},
		{-0.0, "-0.0"},
		{1, "1.0"},
		{22, "22.0"},
		{-1.5, "-1.5"},
		{0.1, "0.1"},
		{0.3, "0.3"},
		{0.1 + 0.2, "0.30000000000000004"},
		{100, "100.0"},
		{2187.7333, "2187.7333"},
		{1e-4, "0.0001"},
		{0.00012345, "0.00012345"},
		{9.9999e-5, "9.9999e-05"},
		{1e-5, "1e-05"},
		{1e-7, "1e-07"},
		{-1.25e-10, "-1.25e-10"},
		{123456789012345680, "1.2345678901234568e+17"},
		{1e15, "1000000000000000.0"},
		{9999999999999998, "9999999999999998.0"},
		{1e16, "1e+16"},
		{12345678901234568, "1.2345678901234568e+16"},
		{1e22, "1e+22"},
		{1e23, "1e+23"},
		{1.5e300, "1.5e+300"},
		{1e100, "1e+100"},
		{1e-100, "1e-100"},
		{9007199254740992, "9007199254740992.0"},
		{9007199254740994, "9007199254740994.0"},
		{DBL_MAX, "1.7976931348623157e+308"},
		{DBL_MIN, "2.2250738585072014e-308"},
		{0x1p-1074, "5e-324"},
		{0x1p-1073, "1e-323"},
		{3 * 0x1p-1074, "1.5e-323"},
		{0x0.fffffffffffffp-1022, "2.225073858507201e-308"},
		{DBL_EPSILON, "2.220446049250313e-16"},
		{1 + DBL_EPSILON, "1.0000000000000002"},
		{5e-324, "5e-324"},
		{2.0 / 3, "0.6666666666666666"},
		{-DBL_MAX, "-1.7976931348623157e+308"},
		{-2.2250738585072014e-308, "-2.2250738585072014e-308"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[NUMBER_MAX + 1];
		size_t n = number_write_real(out, cases[i].value);

		out[n] = '\0';
		assert_string_equal(out, cases[i].text);
	}
}

/* The sequence that these and the makers of the digests below draw from. */
static uint64_t step(uint64_t *x)
{
	*x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *x;
}

static void add_line(struct sha256 *s, double x)
{
	char out[NUMBER_MAX];

	sha256_update(s, out, number_write_real(out, x));
	sha256_update(s, "\n", 1);
}

static void assert_digest(struct sha256 *s, const char *expected)
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];

	sha256_final(s, digest);
	sha256_hex(digest, hex);
	assert_string_equal(hex, expected);
	sha256_init(s);
}

/* SHA-256 of the lines that CPython 3.11's repr writes for the same numbers. */
static void test_equals_python(void **state)
{
	struct sha256 s;
	uint64_t x = 1;

	(void)state;
	sha256_init(&s);
	for (int k = -1074; k < 1024; k++)
		add_line(&s, ldexp(1, k));
	assert_digest(&s, "8aba9d55b380187da683ba0518d653e2e387aac2acf8b9f563a8e2d01a9ccecd");

	for (int k = -323; k < 309; k++) {
		char text[8];

		snprintf(text, sizeof(text), "1e%d", k);
		add_line(&s, strtod(text, NULL));
	}
	assert_digest(&s, "e3bf53bc2a17c28f02f8b90ca3096be97df4e88364f588b955b40fd90d9f3dd0");

	for (int n = 0; n < 200000;) {
		double value = from_bits(step(&x));

		if (!isfinite(value))
			continue;
		add_line(&s, value);
		n++;
	}
	assert_digest(&s, "0fce4c87cfdbd4a1b77b7b4970f621fa6f2aef29ad9d91114dfe248247579924");

	x = 2;
	for (int n = 0; n < 200000; n++) {
		static const double powers[12] = {1e0, 1e1, 1e2, 1e3, 1e4,  1e5,
						  1e6, 1e7, 1e8, 1e9, 1e10, 1e11};

		add_line(&s, (double)(step(&x) >> 40) / powers[n % 12]);
	}
	assert_digest(&s, "f56ccce1c79933ce8d61b12012cf06b820cdafb213c8b65922cbd99c4ab82f2a");

	x = 3;
	for (int n = 0; n < 50000; n++)
		add_line(&s, from_bits(step(&x) >> 12 >> n % 52));
	assert_digest(&s, "e18100e7401fac20101af39fafbc51f86849ed447adde09014d53d11b389de65");
}

static void check_reads_back(double x)
{
	char out[NUMBER_MAX];
	size_t n = number_write_real(out, x);
	double back;
	unsigned flags;

	assert_in_range(n, 3, NUMBER_MAX);
	assert_ptr_equal(number_read(out, out + n, &back, &flags), out + n);
	assert_int_equal(flags, 0);
	if (bits_of(back) != bits_of(x))
		fail_msg("%a is written '%.*s', which is %a", x, (int)n, out, back);
}

static void test_reads_back(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 7, 0);
	for (int i = 0; i < 2000000; i++) {
		uint64_t bits = rng_next(&rng);

		if (isfinite(from_bits(bits)))
			check_reads_back(from_bits(bits));
	}
	for (uint64_t bits = 0; bits < 2000; bits++)
		check_reads_back(from_bits(bits));
	for (int k = -1074; k < 1024; k++) {
		uint64_t bits = bits_of(ldexp(1, k));

		check_reads_back(from_bits(bits - 1));
		check_reads_back(from_bits(bits));
		check_reads_back(from_bits(bits + 1));
	}
}

/* The significant digits of a text, without zeros at either end; returns how many. */
static int significant_digits(const char *text, char out[40])
{
	int n = 0;

	for (; *text && *text != 'e'; text++) {
		if (*text >= '0' && *text <= '9' && (n > 0 || *text != '0'))
			out[n++] = *text;
	}
	while (n > 0 && out[n - 1] == '0')
		n--;
	out[n] = '\0';
	return n;
}

/* One digit less never reads back, and of the texts of as many digits ours is the nearest:
 * the one that the C library's rounding gives. */
static void test_shortest_and_nearest(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 8, 0);
	for (int i = 0; i < 200000; i++) {
		char out[NUMBER_MAX + 1], text[40];
		double x = from_bits(rng_next(&rng));

		if (i % 2)
			x = (double)(rng_next(&rng) >> rng_below(&rng, 64)) / 1e7;
		if (!isfinite(x) || x == 0)
			continue;
		size_t n = number_write_real(out, x);
		char ours[40], nearest[40];

		out[n] = '\0';
		int digits = significant_digits(out, ours);
		if (digits > 1) {
			snprintf(text, sizeof(text), "%.*e", digits - 2, x);
			assert_true(strtod(text, NULL) != x);
		}
		snprintf(text, sizeof(text), "%.*e", digits - 1, x);
		if (strtod(text, NULL) != x)
			continue; /* the nearest may lie outside below a power of two */
		significant_digits(text, nearest);
		assert_string_equal(ours, nearest);
	}
}

static void test_integers(void **state)
{
	static const int64_t values[] = {0,         1,         9,          10,        99,   100,
					 101,       12345,     99999,      100000,    -1,   -10,
					 INT64_MAX, INT64_MIN, 1000000007, INT32_MIN, -100, 999};
	struct rng rng;

	(void)state;
	rng_init(&rng, 9, 0);
	for (size_t i = 0; i < COUNT(values) + 100000; i++) {
		int64_t x = i < COUNT(values) ? values[i]
					      : (int64_t)(rng_next(&rng) >> rng_below(&rng, 64));
		char out[NUMBER_MAX + 1], expected[NUMBER_MAX];

		size_t n = number_write_int(out, x);
		out[n] = '\0';
		snprintf(expected, sizeof(expected), "%lld", (long long)x);
		assert_string_equal(out, expected);
		n = number_write_uint(out, (uint64_t)x);
		out[n] = '\0';
		snprintf(expected, sizeof(expected), "%llu", (unsigned long long)x);
		assert_string_equal(out, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_texts), cmocka_unit_test(test_equals_python),
		cmocka_unit_test(test_reads_back),  cmocka_unit_test(test_shortest_and_nearest),
		cmocka_unit_test(test_integers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
