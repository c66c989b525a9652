/*
 * A summary of a sample's distribution, made from all of it at once: up to SKETCH_POINTS order
 * statistics at equal steps of rank, the first and last of them the exact minimum and maximum. With
 * n values at most SKETCH_POINTS it is exact; above, a rank read from it is off by at most 0.001 n.
 */
#ifndef STATS_SKETCH_H
#define STATS_SKETCH_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

#define SKETCH_POINTS 501

struct sketch {
	uint64_t n;      /* values summarised, missing ones not counted */
	uint32_t points; /* min(n, SKETCH_POINTS); 0 when there were none */
	double *at;      /* [points] ascending; owned by whoever made the sketch */
};

/* How many points n values give. */
uint32_t sketch_points(uint64_t n);

/* Fills at[0 .. sketch_points(n)) from n ascending values without NaN. */
void sketch_from_sorted(const double *sorted, uint64_t n, double *at);

/* Sorts doubles without NaN ascending, -0.0 before 0.0, in linear time; tmp has room for n. */
void sort_doubles(double *values, size_t n, double *tmp);

/* Share in [0, 1] of the values below x (strictly). 0 for an empty sketch. */
double sketch_rank(const struct sketch *s, double x);

/* The value at share q in [0, 1], linear between points as numpy's percentile; NaN for an empty
 * sketch. */
double sketch_quantile(const struct sketch *s, double q);

/* The exact linear quantile of n > 0 ascending values (numpy's default, Hyndman and Fan's type 7).
 */
double sorted_quantile(const double *sorted, uint64_t n, double q);

#endif
