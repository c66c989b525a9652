#include "lib/window/sums.h"

#include <math.h>

/*
 * Takes the open block into the n values in all. About `mean` the values before it, N of them, sum
 * to N * rest and their squares to squares + N * rest^2; all n of them sum to q.
 */
static void fold(struct spread *s, uint64_t n)
{
	if (!s->n)
		return;
	double before = (double)(n - s->n);
	double q = before * s->rest + s->d1, step = q / (double)n, mean = s->mean + step;

	s->squares += before * s->rest * s->rest + s->d2 - q * step;
	s->rest = sum_error(s->mean, step, mean);
	s->mean = mean;
	s->d1 = s->d2 = 0;
	s->n = 0;
}

void spread_add(struct spread *s, double x, uint64_t n)
{
	if (n == 1)
		s->mean = x;
	double d = x - s->mean;

	s->d1 += d;
	s->d2 += d * d;
	if (++s->n == SPREAD_BLOCK)
		fold(s, n);
}

void spread_merge(struct spread *s, uint64_t n, const struct spread *from, uint64_t from_n)
{
	struct spread other = *from;

	if (!from_n)
		return;
	fold(&other, from_n);
	if (!n) {
		*s = other;
		return;
	}
	fold(s, n);
	/* Chan, Golub, LeVeque 1979. */
	double share = (double)from_n / (double)(n + from_n);
	double delta = (other.mean - s->mean) + (other.rest - s->rest);
	double step = s->rest + delta * share, mean = s->mean + step;

	s->squares += other.squares + delta * delta * share * (double)n;
	s->rest = sum_error(s->mean, step, mean);
	s->mean = mean;
}

double spread_deviation(const struct spread *s, uint64_t n)
{
	struct spread folded = *s;

	fold(&folded, n);
	return folded.squares > 0 ? sqrt(folded.squares / (double)(n - 1)) : 0;
}
