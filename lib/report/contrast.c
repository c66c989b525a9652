#include "lib/report/contrast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"

int contrast_init(struct contrast *c, const char *const *names, size_t n, struct error *err)
{
	*c = (struct contrast){.n = 0};
	c->features = mem_alloc(n, sizeof(*c->features), err);
	if (!c->features)
		return -1;
	for (c->n = 0; c->n < n; c->n++) {
		char *name = mem_strndup(names[c->n], strlen(names[c->n]), err);

		if (!name) {
			contrast_release(c);
			return -1;
		}
		c->features[c->n].name = name;
	}
	return 0;
}

void contrast_release(struct contrast *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->features[i].name);
	free(c->features);
	*c = (struct contrast){.n = 0};
}

void contrast_add(struct contrast *c, const double *values, bool anomaly)
{
	for (size_t i = 0; i < c->n; i++) {
		struct contrast_feature *f = &c->features[i];

		if (isinf(values[i]))
			f->not_number = true;
		else
			moments_add(anomaly ? &f->anomalous : &f->normal, values[i]);
	}
}

/* Largest |d| first; equal ones in the order of the features. */
static int by_difference(const void *a, const void *b)
{
	const struct contrast_rank *x = a, *y = b;
	double dx = fabs(x->d), dy = fabs(y->d);

	if (dx != dy)
		return dx < dy ? 1 : -1;
	return x->feature < y->feature ? -1 : 1;
}

int contrast_rank(const struct contrast *c, size_t top, struct contrast_result *result,
		  struct error *err)
{
	*result = (struct contrast_result){.n_ranked = 0};
	struct contrast_rank *ranks = mem_alloc(c->n, sizeof(*ranks), err);
	if (!ranks)
		return -1;
	for (size_t i = 0; i < c->n; i++) {
		const struct contrast_feature *f = &c->features[i];
		const struct moments *a = &f->anomalous, *b = &f->normal;

		if (f->not_number) {
			result->not_number++;
			continue;
		}
		if (!a->n || !b->n || a->n + b->n < 3) {
			result->no_values++;
			continue;
		}
		double sd = sqrt((a->m2 + b->m2) / (double)(a->n + b->n - 2));
		double d = (a->mean - b->mean) / sd;
		if (sd == 0)
			*(a->mean == b->mean ? &result->constant : &result->no_spread) += 1;
		else if (!isfinite(d))
			result->not_number++;
		else
			ranks[result->compared++] = (struct contrast_rank){i, d, sd};
	}
	qsort(ranks, result->compared, sizeof(*ranks), by_difference);
	result->n_ranked = result->compared < top ? result->compared : top;
	result->ranks = ranks;
	return 0;
}
