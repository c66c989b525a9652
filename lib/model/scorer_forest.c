#include "lib/model/scorer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/model/forest.h"

/* A forest that judges: the common one, or a group's. */
struct part {
	const struct model *model;
	struct forest_plan *plan;
	size_t *column; /* [model->n_features] of the common features; NULL: all of them */
};

/* A thread's scratch: the plans' part, prepared rows, their scores, and which row each is; a row of
 * a group's features; lists of the rows of each part: its first, and behind each row the next. */
struct layout {
	size_t rows, scores, index, row, first, next, end;
};

struct scorer_forest {
	struct scorer base;
	struct model *model;
	struct part *parts; /* [n_parts] 0: the common one, i: of the group with this number */
	size_t n_parts;
	size_t batch; /* rows prepared and scored at a time */
	struct layout layout;
};

#define NONE UINT32_MAX

/* Enough rows to keep a kernel busy, few enough that they stay in the second-level cache. */
#define BATCH_MIN 64
#define BATCH_MAX 512
#define BATCH_BYTES (256 << 10)

static size_t batch_rows(size_t n_features)
{
	size_t rows = BATCH_BYTES / (n_features * sizeof(float)) / BATCH_MIN * BATCH_MIN;
	return rows < BATCH_MIN ? BATCH_MIN : rows > BATCH_MAX ? BATCH_MAX : rows;
}

static size_t align(size_t n)
{
	return (n + 63) / 64 * 64;
}

static struct layout layout_of(const struct scorer_forest *s)
{
	struct layout l = {.rows = 0};
	for (size_t i = 0; i < s->n_parts; i++) {
		size_t need = align(forest_plan_scratch(s->parts[i].plan));
		l.rows = need > l.rows ? need : l.rows;
	}
	l.scores = l.rows + align(s->batch * s->model->n_features * sizeof(float));
	l.index = l.scores + align(s->batch * sizeof(double));
	l.row = l.index + align(s->batch * sizeof(size_t));
	l.first = l.row + align(s->model->n_features * sizeof(double));
	l.next = l.first + align(s->n_parts * sizeof(uint32_t));
	l.end = l.next + align(s->batch * sizeof(uint32_t));
	return l;
}

static size_t forest_scratch(const struct scorer *base)
{
	return ((const struct scorer_forest *)base)->layout.end;
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

/* Prepares one row, with the columns that the part's model has. */
static void prepare_one(const struct part *p, const double *x, double max_missing, double *row,
			float *out, struct verdict *v)
{
	size_t column = 0;

	*v = (struct verdict){.score = NAN, .decision = NAN, .quantile = NAN};
	if (p->column) {
		for (size_t j = 0; j < p->model->n_features; j++)
			row[j] = x[p->column[j]];
		x = row;
	}
	v->status = prepare_row_f32(&p->model->prepare, x, max_missing, out, &v->imputed, &column);
	v->column = (uint32_t)(p->column ? p->column[column] : column);
}

/* The rows of a batch that one part judges: all of them (next NULL), or a list. */
static void score_part(const struct scorer_forest *s, const struct part *p,
		       const struct scorer_rows *rows, double max_missing, size_t first, size_t n,
		       const uint32_t *next, char *scratch, struct verdict *verdicts)
{
	float *x = (float *)(scratch + s->layout.rows);
	double *scores = (double *)(scratch + s->layout.scores);
	size_t *index = (size_t *)(scratch + s->layout.index), width = p->model->n_features,
	       ready = 0;

	for (size_t i = first; i < n; i = next ? next[i] : i + 1) {
		prepare_one(p, rows->x + i * rows->stride, max_missing,
			    (double *)(scratch + s->layout.row), x + ready * width, &verdicts[i]);
		if (verdicts[i].status == ROW_OK)
			index[ready++] = i;
	}
	forest_plan_score(p->plan, x, ready, width, scores, scratch);
	for (size_t k = 0; k < ready; k++)
		judge(p->model, scores[k], &verdicts[index[k]]);
}

/* A batch whose rows belong to several parts: a list for each. */
static void score_groups(const struct scorer_forest *s, const struct scorer_rows *rows,
			 double max_missing, char *scratch, struct verdict *verdicts)
{
	uint32_t *first = (uint32_t *)(scratch + s->layout.first),
		 *next = (uint32_t *)(scratch + s->layout.next);

	for (size_t i = 0; i < rows->n; i++)
		first[rows->key_id[i]] = NONE;
	for (size_t i = rows->n; i-- > 0;) {
		next[i] = first[rows->key_id[i]];
		first[rows->key_id[i]] = (uint32_t)i;
	}
	for (size_t i = 0; i < rows->n; i++) {
		uint32_t id = rows->key_id[i];
		if (first[id] == i)
			score_part(s, &s->parts[id], rows, max_missing, i, rows->n, next, scratch,
				   verdicts);
	}
}

static void forest_score(const struct scorer *base, const struct scorer_rows *rows,
			 double max_missing, void *scratch, struct verdict *verdicts)
{
	const struct scorer_forest *s = (const struct scorer_forest *)base;

	for (size_t i = 0; i < rows->n; i += s->batch) {
		struct scorer_rows batch = {.n = rows->n - i < s->batch ? rows->n - i : s->batch,
					    .stride = rows->stride,
					    .x = rows->x + i * rows->stride};
		if (s->n_parts > 1 && rows->key_id) {
			batch.key_id = rows->key_id + i;
			score_groups(s, &batch, max_missing, scratch, verdicts + i);
		} else {
			score_part(s, &s->parts[0], &batch, max_missing, 0, batch.n, NULL, scratch,
				   verdicts + i);
		}
	}
}

static void forest_scorer_free(struct scorer *base)
{
	struct scorer_forest *s = (struct scorer_forest *)base;

	for (size_t i = 0; s->parts && i < s->n_parts; i++) {
		forest_plan_free(s->parts[i].plan);
		free(s->parts[i].column);
	}
	free(s->parts);
	model_free(s->model);
	free(s);
}

static const struct scorer_ops forest_ops = {
	.scratch = forest_scratch,
	.score = forest_score,
	.free = forest_scorer_free,
};

/* Where a group's features stand among the common ones, which are in the same order. */
static int find_columns(struct part *p, const struct model *common, struct error *err)
{
	size_t j = 0;

	if (p->model->n_features == common->n_features)
		return 0;
	if (!(p->column = mem_alloc(p->model->n_features, sizeof(*p->column), err)))
		return -1;
	for (size_t i = 0; i < p->model->n_features; i++, j++) {
		while (strcmp(common->features[j].name, p->model->features[i].name) != 0)
			j++;
		p->column[i] = j;
	}
	return 0;
}

struct scorer *scorer_forest_new(struct model *model, const char *kernel, struct error *err)
{
	struct scorer_forest *s = mem_alloc(1, sizeof(*s), err);
	size_t n = model->group_ids.n + 1;

	if (!s)
		return NULL;
	s->base.ops = &forest_ops;
	if (!(s->parts = mem_alloc(n, sizeof(*s->parts), err)))
		goto fail;
	for (size_t i = 0; i < n; i++) {
		struct part *p = &s->parts[s->n_parts++];
		p->model = i ? model->groups[i - 1] : model;
		if (find_columns(p, model, err) ||
		    !(p->plan = forest_plan_new(p->model->forest, kernel, err)))
			goto fail;
	}
	s->base.model = model;
	s->model = model;
	s->batch = batch_rows(model->n_features);
	s->layout = layout_of(s);
	return &s->base;
fail:
	forest_scorer_free(&s->base); /* the model stays the caller's */
	return NULL;
}
