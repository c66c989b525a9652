/*
 * Standard normal numbers, the same on every machine: the polar method (Marsaglia and Bray, 1964)
 * over lib/base's random numbers and logarithm; the square root is IEEE 754's.
 */
#ifndef SIM_NORMAL_H
#define SIM_NORMAL_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/base/rng.h"

struct normal {
	struct rng rng; /* may be drawn from between normal numbers, too */
	double spare;   /* they come in pairs */
	bool has_spare;
};

/* As rng_init: streams of a seed are independent. */
void normal_init(struct normal *g, uint64_t seed, uint64_t stream);

double normal_next(struct normal *g);

#endif
