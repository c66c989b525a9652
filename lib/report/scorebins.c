#include "lib/report/scorebins.h"

#include <math.h>
#include <string.h>

/* Bins that the first score is told apart from zero by, as a power of two; and the finest width. */
#define FIRST_BITS 40
#define FINEST (-60)

double scorebins_width(const struct scorebins *s)
{
	return ldexp(1, s->exponent);
}

double scorebins_edge(const struct scorebins *s, size_t i)
{
	return ldexp(s->first + (double)i, s->exponent);
}

static void double_width(struct scorebins *s)
{
	double first = floor(s->first / 2);
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct scorebin bin = s->bins[i];
		size_t to = (size_t)(floor((s->first + (double)i) / 2) - first);

		for (; n <= to; n++)
			s->bins[n] = (struct scorebin){0, 0};
		s->bins[to].normal += bin.normal;
		s->bins[to].anomalous += bin.anomalous;
	}
	s->first = first;
	s->n = n;
	s->exponent++;
}

void scorebins_coarsen(struct scorebins *s, size_t max)
{
	while (s->n > max)
		double_width(s);
}

void scorebins_widen(struct scorebins *s)
{
	while (scorebins_width(s) < fabs(scorebins_edge(s, 0)) / 32)
		double_width(s);
}

/* How many bins it takes to hold one more score. */
static double bins_with(const struct scorebins *s, double bin)
{
	return fmax(s->first + (double)s->n - 1, bin) - fmin(s->first, bin) + 1;
}

void scorebins_add(struct scorebins *s, double score, bool anomaly)
{
	if (!s->n) {
		int exponent = 0;

		frexp(score, &exponent);
		s->exponent = exponent - FIRST_BITS > FINEST ? exponent - FIRST_BITS : FINEST;
		s->first = floor(ldexp(score, -s->exponent));
		s->n = 1;
	}
	double bin = floor(ldexp(score, -s->exponent));
	while (!(bins_with(s, bin) <= SCOREBINS_MAX)) {
		double_width(s);
		bin = floor(ldexp(score, -s->exponent));
	}
	if (bin < s->first) {
		size_t before = (size_t)(s->first - bin);

		memmove(s->bins + before, s->bins, s->n * sizeof(*s->bins));
		memset(s->bins, 0, before * sizeof(*s->bins));
		s->first = bin;
		s->n += before;
	}
	for (; s->first + (double)s->n <= bin; s->n++)
		s->bins[s->n] = (struct scorebin){0, 0};
	struct scorebin *at = &s->bins[(size_t)(bin - s->first)];
	*(anomaly ? &at->anomalous : &at->normal) += 1;
}
