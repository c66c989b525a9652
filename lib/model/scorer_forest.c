#include "lib/model/scorer.h"

#include <math.h>
#include <stdlib.h>
#include "lib/base/mem.h"
#include "lib/model/forest.h"

struct scorer_forest {
	struct scorer base;
	struct model *model;
	struct forest_plan *plan;
	size_t batch; /* rows prepared and scored at a time */
};

/* Enough rows to keep a kernel busy, few enough that they stay in the second-level cache. */
#define BATCH_MIN 64
#define BATCH_MAX 512
#define BATCH_BYTES (256 << 10)

static size_t batch_rows(size_t n_features)
{
	size_t rows = BATCH_BYTES / (n_features * sizeof(float)) / BATCH_MIN * BATCH_MIN;
	return rows < BATCH_MIN ? BATCH_MIN : rows > BATCH_MAX ? BATCH_MAX : rows;
}

/* A thread's scratch: the plan's part, prepared rows, their scores, and which row each is. */
struct layout {
	size_t rows, scores, index, end;
};

static size_t align(size_t n)
{
	return (n + 63) / 64 * 64;
}

static struct layout layout_of(const struct scorer_forest *s)
{
	struct layout l;
	l.rows = align(forest_plan_scratch(s->plan));
	l.scores = l.rows + align(s->batch * s->model->n_features * sizeof(float));
	l.index = l.scores + align(s->batch * sizeof(double));
	l.end = l.index + align(s->batch * sizeof(size_t));
	return l;
}

static size_t forest_scratch(const struct scorer *base)
{
	return layout_of((const struct scorer_forest *)base).end;
}

static enum severity severity_of(const struct model *m, double score)
{
	if (score > m->high)
		return SEVERITY_HIGH;
	return score > m->medium ? SEVERITY_MEDIUM : SEVERITY_LOW;
}

static void judge(const struct model *m, double score, struct verdict *v)
{
	v->score = score;
	v->decision = -score - m->offset;
	v->is_anomaly = v->decision < 0;
	v->severity = v->is_anomaly ? severity_of(m, score) : SEVERITY_NONE;
	v->quantile = m->scores.points ? sketch_rank(&m->scores, score) : NAN;
}

/* Prepares up to a batch of rows from `first` on, leaving out those that cannot be judged. Returns
 * the row behind the last one looked at and sets *n to how many are ready. */
static size_t prepare_batch(const struct scorer_forest *s, const struct scorer_rows *rows,
			    double max_missing, size_t first, float *x, size_t *index, size_t *n,
			    struct verdict *verdicts)
{
	size_t i = first;
	for (*n = 0; i < rows->n && *n < s->batch; i++) {
		struct verdict *v = &verdicts[i];
		size_t column = 0;
		*v = (struct verdict){.score = NAN, .decision = NAN, .quantile = NAN};
		v->status =
			prepare_row_f32(&s->model->prepare, rows->x + i * rows->stride, max_missing,
					x + *n * s->model->n_features, &v->imputed, &column);
		v->column = (uint32_t)column;
		if (v->status == ROW_OK)
			index[(*n)++] = i;
	}
	return i;
}

static void forest_score(const struct scorer *base, const struct scorer_rows *rows,
			 double max_missing, void *scratch, struct verdict *verdicts)
{
	const struct scorer_forest *s = (const struct scorer_forest *)base;
	struct layout l = layout_of(s);
	float *x = (float *)((char *)scratch + l.rows);
	double *scores = (double *)((char *)scratch + l.scores);
	size_t *index = (size_t *)((char *)scratch + l.index);
	size_t n;

	for (size_t i = 0; i < rows->n;) {
		i = prepare_batch(s, rows, max_missing, i, x, index, &n, verdicts);
		forest_plan_score(s->plan, x, n, s->model->n_features, scores, scratch);
		for (size_t k = 0; k < n; k++)
			judge(s->model, scores[k], &verdicts[index[k]]);
	}
}

static void forest_scorer_free(struct scorer *base)
{
	struct scorer_forest *s = (struct scorer_forest *)base;
	forest_plan_free(s->plan);
	model_free(s->model);
	free(s);
}

static const struct scorer_ops forest_ops = {
	.scratch = forest_scratch,
	.score = forest_score,
	.free = forest_scorer_free,
};

struct scorer *scorer_forest_new(struct model *model, const char *kernel, struct error *err)
{
	struct scorer_forest *s = mem_alloc(1, sizeof(*s), err);
	if (!s)
		return NULL;
	s->plan = forest_plan_new(model->forest, kernel, err);
	if (!s->plan) {
		free(s);
		return NULL;
	}
	s->base.ops = &forest_ops;
	s->base.model = model;
	s->model = model;
	s->batch = batch_rows(model->n_features);
	return &s->base;
}
