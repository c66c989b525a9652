/*
 * Non-negative integers of a fixed size, for reference values: long-hand arithmetic, independent of
 * what it checks.
 */
#ifndef TESTS_BIGINT_H
#define TESTS_BIGINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIG_LIMBS 96 /* of 32 bits, the lowest first */

struct big {
	uint32_t limb[BIG_LIMBS];
};

static inline struct big big_from(uint64_t x)
{
	struct big b = {.limb = {(uint32_t)x, (uint32_t)(x >> 32)}};

	return b;
}

static inline void big_multiply(struct big *b, uint32_t factor)
{
	uint64_t carry = 0;

	for (size_t i = 0; i < BIG_LIMBS; i++) {
		carry += (uint64_t)b->limb[i] * factor;
		b->limb[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry)
		abort();
}

static inline void big_shift_left(struct big *b, unsigned bits)
{
	for (; bits >= 31; bits -= 31)
		big_multiply(b, UINT32_C(1) << 31);
	big_multiply(b, UINT32_C(1) << bits);
}

static inline void big_multiply_power(struct big *b, uint32_t base, int exponent)
{
	while (exponent-- > 0)
		big_multiply(b, base);
}

static inline void big_decrement(struct big *b)
{
	for (size_t i = 0; b->limb[i]-- == 0; i++) {
	}
}

static inline int big_compare(const struct big *a, const struct big *b)
{
	for (size_t i = BIG_LIMBS; i-- > 0;) {
		if (a->limb[i] != b->limb[i])
			return a->limb[i] < b->limb[i] ? -1 : 1;
	}
	return 0;
}

/* Divides b and returns the remainder. */
static inline uint32_t big_divide(struct big *b, uint32_t divisor)
{
	uint64_t rest = 0;

	for (size_t i = BIG_LIMBS; i-- > 0;) {
		rest = rest << 32 | b->limb[i];
		b->limb[i] = (uint32_t)(rest / divisor);
		rest %= divisor;
	}
	return (uint32_t)rest;
}

/* Decimal digits without leading zeros, a NUL behind them; out has room for 1000. Returns how many.
 */
static inline size_t big_to_decimal(struct big b, char out[1000])
{
	static const struct big zero;
	size_t n = 0;

	while (big_compare(&b, &zero) > 0)
		out[n++] = (char)('0' + big_divide(&b, 10));
	for (size_t i = 0; i < n / 2; i++) {
		char c = out[i];

		out[i] = out[n - 1 - i];
		out[n - 1 - i] = c;
	}
	out[n] = '\0';
	return n;
}

#endif
