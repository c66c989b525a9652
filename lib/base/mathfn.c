#include "lib/base/mathfn.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "lib/base/mathfn_table.h"

#if defined(__FAST_MATH__) || FLT_EVAL_METHOD != 0
#error "results would depend on the machine: each operation must round once, to its type"
#endif

static inline uint64_t to_bits(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static inline double from_bits(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* log(2) = LN2_HIGH + LN2_LOW; LN2_HIGH is a multiple of 2^-42, so k times it is exact. */
#define LN2_HIGH 0x1.62e42fefa38p-1
#define LN2_LOW 0x1.ef35793c7673p-45
#define SMALLEST_NORMAL 0x1p-1022

/* log(1 + r) - r to 2^-62 of r for |r| <= 1/128: its Taylor series, the sum of halves. */
static double log1p_rest(double r)
{
	double r2 = r * r;
	double low = (-1.0 / 2 + r * (1.0 / 3)) + r2 * (-1.0 / 4 + r * (1.0 / 5));
	double high = (-1.0 / 6 + r * (1.0 / 7)) + r2 * (-1.0 / 8 + r * (1.0 / 9));

	return r2 * (low + r2 * r2 * high);
}

/*
 * x = 2^k * m with m in [LOG_FIRST, 2 * LOG_FIRST), and m = (1 + r) / inverse:
 * log(x) = k * log(2) - log(inverse) + log(1 + r). All but the series is carried in two doubles;
 * the sums of high parts are exact.
 */
double math_log(double x)
{
	int64_t bits = (int64_t)to_bits(x), k = 0;

	if (!(x >= SMALLEST_NORMAL && x < HUGE_VAL)) {
		if (x == 0)
			return -HUGE_VAL;
		if (x < 0)
			return NAN;
		if (!(x < HUGE_VAL))
			return x + x;
		bits = (int64_t)to_bits(x * 0x1p52);
		k = -52;
	}

	int64_t above = bits - (int64_t)to_bits(LOG_FIRST);
	const struct log_entry *entry = &log_table[above >> 45 & (LOG_ENTRIES - 1)];
	k += above >> 52;
	uint64_t m_bits = (uint64_t)bits - ((uint64_t)(above >> 52) << 52);
	double m = from_bits(m_bits);

	/* 32 bits and 21 bits of m times 10 bits, so both products are exact. */
	double m_high = from_bits(m_bits & ~((UINT64_C(1) << 21) - 1));
	double a = m_high * entry->inverse - 1, b = (m - m_high) * entry->inverse;
	double r = a + b, b_part = r - a;
	double r_low = (a - (r - b_part)) + (b - b_part);

	/* |base| > |r|, or base is 0: what `high` loses of r is base - high + r. */
	double base = (double)k * LN2_HIGH + entry->log_high;
	double high = base + r;
	double low = base - high + r + r_low + ((double)k * LN2_LOW + entry->log_low);
	return high + (low + log1p_rest(r));
}

/* log(2)^n / n! */
#define EXP2_C1 0x1.62e42fefa39efp-1
#define EXP2_C2 0x1.ebfbdff82c58fp-3
#define EXP2_C3 0x1.c6b08d704a0cp-5
#define EXP2_C4 0x1.3b2ab6fba4e77p-7
#define EXP2_C5 0x1.5d87fe78a6731p-10

#define MAX_EXPONENT 1024.0
#define MIN_EXPONENT (-1075.0) /* half the smallest subnormal, which rounds to 0 */
#define TO_128THS 0x1.8p45     /* added to x, it leaves multiples of 1/128 */

/* value * (1 + rest) * 2^k where that may be subnormal: counted in the smallest subnormal and
 * rounded to an integer, which is its representation. */
static double exp2_small(double value, double rest, int64_t k)
{
	double unit = from_bits((uint64_t)(k + 1074 + 1023) << 52);
	double high = value + value * rest, low = value - high + value * rest;
	uint64_t n = (uint64_t)(high * unit);
	double fraction = (high * unit - (double)n) + low * unit;

	return from_bits(n + (fraction > 0.5 || (fraction == 0.5 && n % 2 == 1)));
}

/* x = k + i/128 + r, |r| <= 1/256: 2^x = 2^k * 2^(i/128) * 2^r, the last by its series. */
double math_exp2(double x)
{
	if (!(x < MAX_EXPONENT && x > MIN_EXPONENT)) {
		if (x <= MIN_EXPONENT)
			return 0;
		return x >= MAX_EXPONENT ? HUGE_VAL : x + x;
	}

	double shifted = x + TO_128THS;
	int64_t n = (int64_t)(to_bits(shifted) - to_bits(TO_128THS));
	double r = x - (shifted - TO_128THS), r2 = r * r;
	const struct exp2_entry *entry = &exp2_table[n & (EXP2_ENTRIES - 1)];
	int64_t k = n >> 7;
	double rest = entry->tail + r * EXP2_C1 + r2 * (EXP2_C2 + r * EXP2_C3) +
		      r2 * r2 * (EXP2_C4 + r * EXP2_C5);

	if (k < -1021)
		return exp2_small(entry->value, rest, k);
	double y = entry->value + entry->value * rest;
	if (k > 1023)
		return y * 2 * 0x1p1023;
	return y * from_bits((uint64_t)(k + 1023) << 52);
}
