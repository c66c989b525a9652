/*
 * Running mean and variance in constant memory, without the cancellation of sums of squares:
 * Welford 1962, merged as Chan, Golub and LeVeque 1983, equation 2.1.
 */
#ifndef STATS_MOMENTS_H
#define STATS_MOMENTS_H

#include <stdint.h>

/* Zeroed is empty. */
struct moments {
	uint64_t n;      /* values added */
	double mean, m2; /* m2: sum of squared differences from the mean */
	double min, max; /* of the values added; meaningless while n is 0 */
};

/* NaN is a missing value and is not added. */
void moments_add(struct moments *m, double x);

/* As if all that was added to `from` had been added to m, up to rounding. */
void moments_merge(struct moments *m, const struct moments *from);

/* Of the sample (n - 1 in the denominator); NaN for fewer than 2 values. */
double moments_variance(const struct moments *m);
double moments_sd(const struct moments *m);

#endif
