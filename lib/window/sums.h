/*
 * Sums of doubles that lose next to nothing, whatever comes: for means and standard deviations over
 * panes that are merged later. Plain IEEE arithmetic without contraction, so equal on any machine.
 */
#ifndef WINDOW_SUMS_H
#define WINDOW_SUMS_H

#include <stdint.h>

/* What `a + b` loses by rounding (Knuth, TAOCP 2, 4.2.2, theorem B). */
static inline double sum_error(double a, double b, double sum)
{
	double part = sum - a;

	return (a - (sum - part)) + (b - part);
}

/* A sum and what rounding has left of it: off by an ulp, and n * 2^-105 of the sum of magnitudes
 * (Ogita, Rump, Oishi 2005, algorithm 4.4). Zeroed: nothing. */
struct compensated {
	double sum, rest;
};

static inline void compensated_add(struct compensated *c, double x)
{
	double sum = c->sum + x;

	c->rest += sum_error(c->sum, x, sum);
	c->sum = sum;
}

static inline void compensated_merge(struct compensated *c, const struct compensated *from)
{
	compensated_add(c, from->sum);
	c->rest += from->rest;
}

static inline double compensated_value(const struct compensated *c)
{
	return c->sum + c->rest;
}

/*
 * Squared deviations from the mean. As Welford's, but by blocks of SPREAD_BLOCK values that are
 * summed about the mean before them, which is known to twice a double's digits: neither a large
 * mean nor many values cost digits, and there is one division a block.
 *
 * The number of values is the caller's, who has it anyway. Zeroed: nothing.
 */
#define SPREAD_BLOCK 64

struct spread {
	double mean, rest; /* of the values before the open block: mean + rest */
	double squares;    /* of their deviations from it */
	double d1, d2;     /* the open block's deviations from `mean`, and their squares */
	uint64_t n;        /* values in the open block */
};

/* Adds x as the n-th value, counted from 1. */
void spread_add(struct spread *s, double x, uint64_t n);

/* As if the from_n values of `from` had been added to the n of s. */
void spread_merge(struct spread *s, uint64_t n, const struct spread *from, uint64_t from_n);

/* Standard deviation of the sample (n - 1 in the denominator), n of at least 2. */
double spread_deviation(const struct spread *s, uint64_t n);

#endif
