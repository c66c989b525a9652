#include "lib/stats/roc.h"

#include <math.h>
#include <stdlib.h>
#include "lib/base/mem.h"
#include "lib/stats/sketch.h"

void roc_release(struct roc *r)
{
	free(r->pos.scores);
	free(r->neg.scores);
	*r = (struct roc){0};
}

int roc_add(struct roc *r, double score, bool positive, struct error *err)
{
	struct roc_class *c = positive ? &r->pos : &r->neg;

	if (c->n == INT32_MAX)
		return error_set(err, ERROR_DATA, "more than %d scores of one class", INT32_MAX);
	if (c->n == c->cap && MEM_GROW(&c->scores, &c->cap, c->n + 1, err) < 0)
		return -1;
	c->scores[c->n++] = score;
	return 0;
}

int roc_sort(struct roc *r, struct error *err)
{
	size_t most = r->pos.n > r->neg.n ? r->pos.n : r->neg.n;
	double *tmp = mem_alloc(most, sizeof(*tmp), err);

	if (!tmp)
		return -1;
	if (r->pos.n)
		sort_doubles(r->pos.scores, r->pos.n, tmp);
	if (r->neg.n)
		sort_doubles(r->neg.scores, r->neg.n, tmp);
	free(tmp);
	return 0;
}

/* How many of the class, highest first from `from` on, have a score of at least threshold. */
static size_t pass(const struct roc_class *c, size_t from, double threshold)
{
	while (from < c->n && c->scores[c->n - 1 - from] >= threshold)
		from++;
	return from;
}

bool roc_next(const struct roc *r, struct roc_point *p)
{
	size_t pos = r->pos.n - p->tp, neg = r->neg.n - p->fp; /* still below */

	if (pos == 0 && neg == 0)
		return false;
	if (neg == 0 || (pos > 0 && r->pos.scores[pos - 1] > r->neg.scores[neg - 1]))
		p->threshold = r->pos.scores[pos - 1];
	else
		p->threshold = r->neg.scores[neg - 1];
	p->tp = pass(&r->pos, p->tp, p->threshold);
	p->fp = pass(&r->neg, p->fp, p->threshold);
	return true;
}

double roc_auc(const struct roc *r)
{
	struct roc_point p = ROC_POINT_START;
	uint64_t twice_u = 0; /* exact: at most 2 * INT32_MAX^2 */
	size_t tp = 0, fp = 0;

	if (!r->pos.n || !r->neg.n)
		return NAN;
	for (; roc_next(r, &p); tp = p.tp, fp = p.fp)
		twice_u += (uint64_t)(p.tp - tp) * (2 * r->neg.n - fp - p.fp);
	return (double)twice_u / (2.0 * (double)r->pos.n * (double)r->neg.n);
}

static double precision(const struct roc_point *p)
{
	return (double)p->tp / (double)(p->tp + p->fp);
}

double roc_average_precision(const struct roc *r)
{
	struct roc_point p = ROC_POINT_START;
	double sum = 0;
	size_t tp = 0;

	if (!r->pos.n)
		return NAN;
	for (; roc_next(r, &p); tp = p.tp)
		if (p.tp > tp)
			sum += (double)(p.tp - tp) * precision(&p);
	return sum / (double)r->pos.n;
}

double roc_precision_at(const struct roc *r, size_t k)
{
	struct roc_point p = ROC_POINT_START;
	size_t tp = 0, above = 0;

	if (k == 0 || k > r->pos.n + r->neg.n)
		return NAN;
	while (roc_next(r, &p) && p.tp + p.fp < k) {
		tp = p.tp;
		above = p.tp + p.fp;
	}
	double tied = (double)(p.tp + p.fp - above);
	double tied_in = (double)(k - above);

	return ((double)tp + (double)(p.tp - tp) * tied_in / tied) / (double)k;
}

double roc_best_f1(const struct roc *r, struct roc_point *best)
{
	struct roc_point p = ROC_POINT_START;
	double highest = -1;

	if (!r->pos.n)
		return NAN;
	while (roc_next(r, &p)) {
		double f1 = 2.0 * (double)p.tp / (double)(r->pos.n + p.tp + p.fp);

		if (f1 > highest) {
			highest = f1;
			*best = p;
		}
	}
	return highest;
}
