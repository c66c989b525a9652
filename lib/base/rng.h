/*
 * Seeded random numbers, the same on every machine: xoshiro256** (Blackman and
 * Vigna, 2018), its state filled by splitmix64 from a seed and a stream number,
 * so that each tree, thread or replicate draws from its own stream and results do
 * not depend on how work is divided. Not for secrets.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
	uint64_t s[4];
};

/* Any seed and stream are good, 0 too. */
void rng_init(struct rng *rng, uint64_t seed, uint64_t stream);

uint64_t rng_next(struct rng *rng);

/* Uniform on the multiples of 2^-53 in [0, 1). */
double rng_uniform(struct rng *rng);

/* Uniform on [0, n), n > 0, without bias (Lemire 2019). */
uint64_t rng_below(struct rng *rng, uint64_t n);

#endif
