#include "lib/stats/moments.h"

#include <math.h>

void moments_add(struct moments *m, double x)
{
	if (isnan(x))
		return;
	if (m->n == 0 || x < m->min)
		m->min = x;
	if (m->n == 0 || x > m->max)
		m->max = x;
	m->n++;

	double delta = x - m->mean;

	m->mean += delta / (double)m->n;
	m->m2 += delta * (x - m->mean);
}

void moments_merge(struct moments *m, const struct moments *from)
{
	if (from->n == 0)
		return;
	if (m->n == 0) {
		*m = *from;
		return;
	}
	double n = (double)(m->n + from->n);
	double delta = from->mean - m->mean;

	m->mean += delta * ((double)from->n / n);
	m->m2 += from->m2 + delta * delta * ((double)m->n * (double)from->n / n);
	m->n += from->n;
	m->min = fmin(m->min, from->min);
	m->max = fmax(m->max, from->max);
}

double moments_variance(const struct moments *m)
{
	return m->n < 2 ? NAN : m->m2 / (double)(m->n - 1);
}

double moments_sd(const struct moments *m)
{
	return sqrt(moments_variance(m));
}
