/*
 * Quantiles of numbers that cannot be kept: DDSketch (Masson, Rim, Lee, "DDSketch: a fast and
 * fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019).
 *
 * A value x > 0 is counted in bin ceil(log x / log gamma), gamma = (1 + e) / (1 - e), e =
 * DDSKETCH_ERROR; negative ones by their magnitude in bins of their own, and what is nearer to 0
 * than DDSKETCH_ZERO as 0. A quantile is off by at most e of itself, while it is within a factor of
 * 1e17 of the largest magnitude of its sign: there are at most DDSKETCH_BINS bins for each, and
 * what is below them is counted in the lowest. What the sketch holds depends on the values alone,
 * neither on their order nor on what was merged from where.
 */
#ifndef WINDOW_DDSKETCH_H
#define WINDOW_DDSKETCH_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

#define DDSKETCH_ERROR 0.01
#define DDSKETCH_ZERO 0x1p-1022
#define DDSKETCH_BINS 2048

/* Bins lowest, lowest + 1, … lowest + n - 1. */
struct ddsketch_bins {
	uint64_t *counts;
	size_t cap;
	int32_t lowest;
	uint32_t n;
};

/* Zeroed: empty. */
struct ddsketch {
	struct ddsketch_bins positive, negative;
	uint64_t n, zeros;
};

void ddsketch_release(struct ddsketch *s);

/* Makes it empty; the memory stays. */
void ddsketch_clear(struct ddsketch *s);

/* x is finite. -1: memory, and nothing was added. */
int ddsketch_add(struct ddsketch *s, double x, struct error *err);

/* As if all that was added to `from` had been added to s. */
int ddsketch_merge(struct ddsketch *s, const struct ddsketch *from, struct error *err);

/* Counts n more values in a bin of those: for reading sketches back. */
int ddsketch_count(struct ddsketch *s, struct ddsketch_bins *bins, int32_t bin, uint64_t n,
		   struct error *err);

/* Within DDSKETCH_ERROR of the value of this rank, counted from 0 in ascending order; below n. */
double ddsketch_quantile(const struct ddsketch *s, uint64_t rank);

#endif
