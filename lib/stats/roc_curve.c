#include "lib/stats/roc.h"

size_t roc_curve(const struct roc *r, size_t max_points, struct curve_point *points)
{
	struct roc_point p = ROC_POINT_START;
	size_t n = 0, distinct = 0;

	if (!r->pos.n || !r->neg.n)
		return 0;
	while (roc_next(r, &p))
		distinct++;
	double step = distinct < max_points ? 0 : 2.0 / (double)(max_points - 2);

	p = (struct roc_point)ROC_POINT_START;
	points[n++] = (struct curve_point){.threshold = p.threshold};
	while (roc_next(r, &p)) {
		struct curve_point c = {
			.x = (double)p.fp / (double)r->neg.n,
			.y = (double)p.tp / (double)r->pos.n,
			.threshold = p.threshold,
		};
		const struct curve_point *kept = &points[n - 1];
		bool last = p.tp == r->pos.n && p.fp == r->neg.n;

		if (last || (n < max_points - 1 && c.x - kept->x + (c.y - kept->y) >= step))
			points[n++] = c;
	}
	return n;
}

size_t roc_pr_curve(const struct roc *r, size_t max_points, struct curve_point *points)
{
	struct roc_point p = ROC_POINT_START;
	size_t n = 0, gains = 0, tp = 0;

	if (!r->pos.n)
		return 0;
	for (; roc_next(r, &p); tp = p.tp)
		gains += p.tp > tp;
	double step = gains <= max_points ? 0 : 1.0 / (double)(max_points - 2);

	p = (struct roc_point)ROC_POINT_START;
	for (tp = 0; tp < r->pos.n && roc_next(r, &p); tp = p.tp) {
		if (p.tp == tp)
			continue;
		struct curve_point c = {
			.x = (double)p.tp / (double)r->pos.n,
			.y = (double)p.tp / (double)(p.tp + p.fp),
			.threshold = p.threshold,
		};
		bool last = p.tp == r->pos.n;

		if (n == 0 || last || (n < max_points - 1 && c.x - points[n - 1].x >= step))
			points[n++] = c;
	}
	return n;
}
