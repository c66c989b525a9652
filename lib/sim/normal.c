#include "lib/sim/normal.h"

#include <math.h>
#include "lib/base/mathfn.h"

void normal_init(struct normal *g, uint64_t seed, uint64_t stream)
{
	*g = (struct normal){.has_spare = false};
	rng_init(&g->rng, seed, stream);
}

double normal_next(struct normal *g)
{
	double u, v, s;

	if (g->has_spare) {
		g->has_spare = false;
		return g->spare;
	}
	do {
		u = 2 * rng_uniform(&g->rng) - 1;
		v = 2 * rng_uniform(&g->rng) - 1;
		s = u * u + v * v;
	} while (s >= 1 || s == 0);
	s = sqrt(-2 * math_log(s) / s);
	g->spare = v * s;
	g->has_spare = true;
	return u * s;
}
