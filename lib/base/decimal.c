#include "lib/base/decimal.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/pow10.h"

#define MAX_DIGITS_64 19       /* decimal digits that always fit 64 bits */
#define MAX_EXACT (1ULL << 53) /* integers up to here are doubles */
#define MAX_EXACT_POW10 22     /* so are powers of ten up to here */
#define INFINITY_BITS (0x7FFULL << 52)

/* What lies halfway between two doubles has at most 767 digits; those beyond matter only in being
 * nonzero. */
#define MAX_SLOW_DIGITS 770

static bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

static double from_bits(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/*
 * The double nearest to w * 10^q, where 128 bits of 10^q decide it (Lemire 2021, sections 5 to 8,
 * with a bound of our own). The product of w with the table's entry, 192 bits in `product` and
 * `low`, is the true one or above it by less than w. Kept are the bits from `below` on, the
 * double's and one that rounds; if those under it are neither all zeros nor all ones, 128 bits show
 * enough.
 */
static bool round_product(uint64_t w, int64_t q, double *value)
{
	if (w == 0 || q < POW10_MIN) {
		*value = 0;
		return true;
	}
	if (q > DBL_MAX_10_EXP) {
		*value = HUGE_VAL;
		return true;
	}

	const struct pow10 *g = pow10_at((int)q);
	int zeros = __builtin_clzll(w);
	w <<= zeros;
	unsigned __int128 product = (unsigned __int128)w * g->high;
	int below = 9 + (int)(product >> 127);
	int exponent = pow10_log2((int)q) - zeros + below + 1077;
	if (exponent < 1) { /* subnormal: fewer bits stay */
		below += 1 - exponent;
		exponent = 1;
		if (below > 63)
			return false;
	}

	uint64_t mask = (UINT64_C(1) << below) - 1;
	uint64_t rest = (uint64_t)(product >> 64) & mask;
	bool between = true; /* below the rounding bit is something */
	if (rest == 0 || rest == mask) {
		unsigned __int128 second = (unsigned __int128)w * g->low;
		uint64_t low = (uint64_t)second;

		product += second >> 64;
		rest = (uint64_t)(product >> 64) & mask;
		if (rest == 0 && (uint64_t)product == 0 && low < w) {
			if (q < 0 || q > POW10_EXACT_MAX)
				return false;
			between = low != 0;
		}
	}
	uint64_t kept = (uint64_t)(product >> 64) >> below;
	uint64_t odd = kept >> 1 & 1;
	uint64_t bits = ((uint64_t)(exponent - 1) << 52) + (kept >> 1) + (kept & (between | odd));
	*value = from_bits(bits < INFINITY_BITS ? bits : INFINITY_BITS);
	return true;
}

static bool is_exact(uint64_t w, int64_t q)
{
	return w <= MAX_EXACT && q >= -MAX_EXACT_POW10 && q <= MAX_EXACT_POW10;
}

/* Both operands are doubles, so the one operation is the one rounding (Clinger 1990). */
static inline double from_exact(uint64_t w, int64_t q)
{
	static const double exact_pow10[MAX_EXACT_POW10 + 1] = {
		1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
	};
	double x = (double)(int64_t)w;

	return q > 0 ? x * exact_pow10[q] : x / exact_pow10[-q];
}

/* Digits and point from `digits` on, and a power of ten behind: by strtod, which is exact and, as
 * it sees no point, the same in every locale. */
static double read_slow(const char *digits, const char *end, int64_t q)
{
	char text[MAX_SLOW_DIGITS + 32];
	size_t n = 0;
	bool more = false;

	for (const char *p = digits; p < end && (is_digit(*p) || *p == '.'); p++) {
		if (*p == '.' || (n == 0 && *p == '0'))
			continue;
		if (n < MAX_SLOW_DIGITS) {
			text[n++] = *p;
		} else {
			more |= *p != '0';
			q++;
		}
	}
	if (more) {
		text[n++] = '1';
		q--;
	}
	snprintf(text + n, sizeof(text) - n, "e%lld", (long long)q);
	return strtod(text, NULL);
}

double decimal_to_double(const char *digits, const char *end, ptrdiff_t n, uint64_t w, int64_t q)
{
	const char *p = digits;
	int64_t last_q = q;
	bool more = false;
	double x, next;

	if (n > MAX_DIGITS_64) {
		for (; n > 0 && (*p == '0' || *p == '.'); p++)
			n -= *p == '0';
	}
	if (n > MAX_DIGITS_64) {
		w = 0;
		for (ptrdiff_t i = 0; i < n; p++) {
			if (*p == '.')
				continue;
			if (i++ < MAX_DIGITS_64) {
				w = w * 10 + (uint64_t)(*p - '0');
			} else {
				more |= *p != '0';
				q++;
			}
		}
	}
	if (!more && is_exact(w, q))
		return from_exact(w, q);
	if (round_product(w, q, &x)) {
		if (!more || (round_product(w + 1, q, &next) && next == x))
			return x;
	} else if (!more) {
		/* Many a number that 128 bits leave undecided is a short one with zeros behind. */
		for (; w % 10 == 0; q++)
			w /= 10;
		if (is_exact(w, q))
			return from_exact(w, q);
	}
	return read_slow(digits, end, last_q);
}
