#include "lib/base/rng.h"

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static inline uint64_t rotl(uint64_t x, unsigned k)
{
	return (x << k) | (x >> (64 - k));
}

/* mix is a bijection and an odd factor too, so streams of a seed differ in every word, and
 * at most one word can be zero: the state of all zeros cannot come up. */
void rng_init(struct rng *rng, uint64_t seed, uint64_t stream)
{
	for (unsigned i = 0; i < 4; i++) {
		seed += UINT64_C(0x9E3779B97F4A7C15);
		rng->s[i] = mix(mix(seed) + stream * UINT64_C(0xD1342543DE82EF95));
	}
}

uint64_t rng_next(struct rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

double rng_uniform(struct rng *rng)
{
	return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

uint64_t rng_below(struct rng *rng, uint64_t n)
{
	unsigned __int128 m = (unsigned __int128)rng_next(rng) * n;

	if ((uint64_t)m < n) {
		uint64_t threshold = -n % n;

		while ((uint64_t)m < threshold)
			m = (unsigned __int128)rng_next(rng) * n;
	}
	return (uint64_t)(m >> 64);
}
