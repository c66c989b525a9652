/*
 * Powers of ten to 128 bits, for the reader and the writer of numbers:
 * 10^q = c * 2^e with 2^127 <= c < 2^128, e = pow10_log2(q) - 127, and the table holds the ceiling
 * of c. It is c itself for 0 <= q <= POW10_EXACT_MAX; elsewhere c lies strictly between the
 * entry less one and the entry.
 */
#ifndef BASE_POW10_H
#define BASE_POW10_H

#include <stdint.h>

#define POW10_MIN (-342)
#define POW10_MAX 324
#define POW10_EXACT_MAX 55

struct pow10 {
	uint64_t high, low;
};

extern const struct pow10 pow10_table[POW10_MAX - POW10_MIN + 1];

static inline const struct pow10 *pow10_at(int q)
{
	return &pow10_table[q - POW10_MIN];
}

/* floor(log2(10^q)), right for all q of the table: 217706 / 2^16 is log2(10) less 2e-6. */
static inline int pow10_log2(int q)
{
	return (q * 217706) >> 16;
}

#endif
