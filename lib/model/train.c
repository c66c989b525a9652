#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/model/model.h"
#include "lib/model/train_select.h"

/* Values of columns taken together, so that a cache line of the matrix serves all it holds. */
#define TILE_COLUMNS 8
#define TILE_BYTES (UINT64_C(1) << 20)
/* A matrix whose prepared rows fit in here is prepared once: trees and calibration ask for rows
 * often. */
#define PREPARED_BYTES (UINT64_C(16) << 20)
/* Rows that a thread scores at a time. */
#define BLOCK_ROWS 256

/* What training works on: options, the rows and columns chosen, the model that grows. */
struct training {
	const struct train_options *options;
	struct selection rows;
	struct model *model;
	float *prepared; /* [n_kept, n_columns] or NULL */
	double *scores;  /* [n_kept], of the training rows */
};

static void report(const struct train_options *o, const char *stage, double share)
{
	if (o->progress)
		o->progress(o->progress_context, stage, share);
}

/* Names the model's features and allocates what preparation will learn. */
static int start_features(struct training *t, const char *const *names, struct error *err)
{
	const struct selection *s = &t->rows;
	struct model *m = t->model;
	if (!(m->features = mem_alloc(s->n_columns, sizeof(*m->features), err)) ||
	    !(m->points = mem_alloc(s->n_columns * sketch_points(s->n_kept), sizeof(double), err)))
		return -1;
	for (; m->n_features < s->n_columns; m->n_features++) {
		const char *name = names[s->column[m->n_features]];
		if (!(m->features[m->n_features].name = mem_strndup(name, strlen(name), err)))
			return -1;
	}
	return prepare_init(&m->prepare, t->options->impute, t->options->scaling, m->n_features,
			    err);
}

/* A prepared value is monotone in the value read: all are finite as float32 if these are. An
 * infinite scale would make them 0. */
static int check_range(const struct model *m, size_t column, const struct column_summary *c,
		       struct error *err)
{
	const struct prepare *p = &m->prepare;
	double fill = p->impute == IMPUTE_NONE ? c->min : p->fill[column];
	const double ends[] = {c->min, c->max, fill};
	for (size_t i = 0; i < 3; i++)
		if (!(fabs(prepare_value(p, column, ends[i])) < PREPARE_BEYOND_F32 &&
		      isfinite(p->scale[column])))
			return error_set(err, ERROR_DATA,
					 "feature '%s' has values beyond the range of float32, "
					 "from %g to %g",
					 m->features[column].name, c->min, c->max);
	return 0;
}

/* Learns one column, from its values of the rows kept. */
static int learn_column(struct training *t, size_t column, double *values, double *tmp,
			double **points, struct error *err)
{
	struct model *m = t->model;
	struct model_feature *f = &m->features[column];
	struct column_summary c;
	prepare_column(&m->prepare, column, values, t->rows.n_kept, tmp, &c);
	f->missing_share = (double)c.missing / (double)t->rows.n_kept;
	f->sketch = (struct sketch){.n = c.n, .points = sketch_points(c.n), .at = *points};
	sketch_from_sorted(values, c.n, f->sketch.at);
	*points += f->sketch.points;
	return check_range(m, column, &c, err);
}

static int learn_columns(struct training *t, struct error *err)
{
	const struct selection *s = &t->rows;
	uint64_t n = s->n_kept, fit = TILE_BYTES / sizeof(double) / n;
	size_t tile = fit < 1 ? 1 : fit > TILE_COLUMNS ? TILE_COLUMNS : (size_t)fit;
	double *points = t->model->points, *tmp = NULL;
	double *values = mem_alloc(tile * n, sizeof(*values), err);
	int rc = -1;

	if (!values || !(tmp = mem_alloc(n, sizeof(*tmp), err)))
		goto out;
	for (size_t first = 0; first < s->n_columns; first += tile) {
		size_t width = s->n_columns - first < tile ? s->n_columns - first : tile;
		for (uint64_t i = 0; i < n; i++) {
			const double *row = selection_row(s, i);
			for (size_t k = 0; k < width; k++)
				values[k * n + i] = row[s->column[first + k]];
		}
		for (size_t k = 0; k < width; k++)
			if (learn_column(t, first + k, values + k * n, tmp, &points, err) < 0)
				goto out;
		report(t->options, "prepare", (double)(first + width) / (double)s->n_columns);
	}
	rc = 0;
out:
	free(values);
	free(tmp);
	return rc;
}

/* A forest_row_fn over the rows kept. */
static void prepared_row(const void *context, uint64_t i, float *out)
{
	const struct training *t = context;
	const double *row = selection_row(&t->rows, i);
	if (t->prepared) {
		memcpy(out, t->prepared + i * t->rows.n_columns, t->rows.n_columns * sizeof(*out));
		return;
	}
	for (size_t j = 0; j < t->rows.n_columns; j++)
		out[j] = (float)prepare_value(&t->model->prepare, j, row[t->rows.column[j]]);
}

static int prepare_once(struct training *t, struct error *err)
{
	uint64_t n = t->rows.n_kept, width = t->rows.n_columns;
	if (n > PREPARED_BYTES / sizeof(float) / width)
		return 0;
	float *prepared = mem_alloc(n * width, sizeof(*prepared), err);
	if (!prepared)
		return -1;
	for (uint64_t i = 0; i < n; i++)
		prepared_row(t, i, prepared + i * width);
	t->prepared = prepared;
	return 0;
}

/* A number, or a share of `of`; 1 to `of`. */
static uint32_t share_or_number(double value, bool share, uint64_t of)
{
	double number = floor(share ? value * (double)of : value);
	if (number >= (double)of)
		number = (double)of;
	return number < 1 ? 1 : (uint32_t)fmin(number, UINT32_MAX);
}

static int fit_forest(struct training *t, struct error *err)
{
	const struct train_options *o = t->options;
	struct model *m = t->model;
	uint64_t n = t->rows.n_kept;
	struct forest_options f = {.n_trees = o->n_trees,
				   .max_samples = n < 256 ? (uint32_t)n : 256,
				   .max_features = (uint32_t)m->n_features,
				   .seed = o->seed,
				   .n_threads = o->n_threads};
	if (o->max_samples > 0)
		f.max_samples = share_or_number(o->max_samples, o->max_samples_share, n);
	if (o->max_features > 0)
		f.max_features =
			share_or_number(o->max_features, o->max_features_share, m->n_features);
	m->max_features = f.max_features;
	report(o, "fit", 0);
	m->forest = forest_fit(&f, n, (uint32_t)m->n_features, prepared_row, t, err);
	if (m->forest)
		report(o, "fit", 1);
	return m->forest ? 0 : -1;
}

/* What threads share while they score the training rows, block by block. */
struct calibration {
	const struct training *training;
	const struct forest_plan *plan;
	atomic_uint_fast64_t next_block;
};

struct calibrator {
	struct calibration *job;
	float *x;      /* [BLOCK_ROWS, n_features] */
	void *scratch; /* the plan's */
	bool reports;
	pthread_t thread;
	bool started;
};

static void *calibrate_blocks(void *arg)
{
	struct calibrator *c = arg;
	const struct training *t = c->job->training;
	size_t n_features = t->model->n_features;
	uint64_t n = t->rows.n_kept;

	for (;;) {
		uint64_t first = atomic_fetch_add(&c->job->next_block, 1) * BLOCK_ROWS;
		if (first >= n)
			return NULL;
		size_t rows = n - first < BLOCK_ROWS ? (size_t)(n - first) : BLOCK_ROWS;
		for (size_t i = 0; i < rows; i++)
			prepared_row(t, first + i, c->x + i * n_features);
		forest_plan_score(c->job->plan, c->x, rows, n_features, t->scores + first,
				  c->scratch);
		if (c->reports)
			report(t->options, "calibrate", (double)(first + rows) / (double)n);
	}
}

static int score_rows(struct training *t, struct error *err)
{
	uint64_t n_blocks = (t->rows.n_kept + BLOCK_ROWS - 1) / BLOCK_ROWS;
	unsigned n_threads = t->options->n_threads;
	struct calibration job = {.training = t};
	struct calibrator *c = NULL;
	struct forest_plan *plan = forest_plan_new(t->model->forest, "auto", err);
	int rc = -1;

	if (n_threads > n_blocks)
		n_threads = (unsigned)n_blocks;
	if (!plan || !(c = mem_alloc(n_threads, sizeof(*c), err)))
		goto out;
	job.plan = plan;
	for (unsigned i = 0; i < n_threads; i++) {
		c[i].job = &job;
		c[i].reports = i == 0;
		if (!(c[i].x = mem_alloc_aligned(BLOCK_ROWS * t->model->n_features, sizeof(float),
						 err)) ||
		    !(c[i].scratch = mem_alloc_aligned(forest_plan_scratch(plan), 1, err)))
			goto out;
	}
	/* A thread that cannot be had leaves its share to the others. */
	for (unsigned i = 1; i < n_threads; i++)
		c[i].started = pthread_create(&c[i].thread, NULL, calibrate_blocks, &c[i]) == 0;
	calibrate_blocks(&c[0]);
	for (unsigned i = 1; i < n_threads; i++)
		if (c[i].started)
			pthread_join(c[i].thread, NULL);
	report(t->options, "calibrate", 1);
	rc = 0;
out:
	for (unsigned i = 0; c && i < n_threads; i++) {
		free(c[i].x);
		free(c[i].scratch);
	}
	free(c);
	forest_plan_free(plan);
	return rc;
}

/* Sets the threshold and the severities from all scores, ascending; tmp has room for as many.
 * Returns how many are past the threshold. */
static uint64_t set_thresholds(struct model *m, const struct train_options *o, const double *scores,
			       uint64_t n, double *tmp)
{
	m->contamination_auto = o->contamination_auto;
	m->contamination = o->contamination_auto ? NAN : o->contamination;
	m->offset = -0.5;
	if (!o->contamination_auto) {
		/* scikit-learn takes a percentile of -s, whose rounding is not that of s. */
		for (uint64_t i = 0; i < n; i++)
			tmp[i] = -scores[n - 1 - i];
		m->offset = sorted_quantile(tmp, n, 100 * o->contamination / 100);
	}
	uint64_t normal = n;
	while (normal > 0 && -scores[normal - 1] - m->offset < 0)
		normal--;
	m->medium = m->high = -m->offset;
	if (normal < n) {
		m->medium = sorted_quantile(scores + normal, n - normal, 0.9);
		m->high = scores[n - 1];
	}
	return n - normal;
}

static int calibrate(struct training *t, struct train_result *result, struct error *err)
{
	struct model *m = t->model;
	uint64_t n = t->rows.n_kept;
	double *tmp = NULL;
	int rc = -1;

	if (!(t->scores = mem_alloc(n, sizeof(*t->scores), err)) ||
	    !(tmp = mem_alloc(n, sizeof(*tmp), err)) ||
	    !(m->scores.at = mem_alloc(sketch_points(n), sizeof(double), err)) ||
	    score_rows(t, err) < 0)
		goto out;
	sort_doubles(t->scores, n, tmp);
	result->n_alarms = set_thresholds(m, t->options, t->scores, n, tmp);
	m->scores.n = n;
	m->scores.points = sketch_points(n);
	sketch_from_sorted(t->scores, n, m->scores.at);
	rc = 0;
out:
	free(tmp);
	free(t->scores);
	return rc;
}

struct model *model_train(const struct train_options *options, const double *x, uint64_t n_rows,
			  const char *const *names, size_t n_fields, struct train_result *result,
			  struct error *err)
{
	static const char source[] = "iforest-train";
	struct training t = {.options = options};
	struct model *m = mem_alloc(1, sizeof(*m), err);

	*result = (struct train_result){0};
	t.model = m;
	if (!m || selection_make(&t.rows, x, n_rows, n_fields, options->max_missing, err) < 0 ||
	    selection_left_out(&t.rows, names, &m->left_out, &m->n_left_out, err) < 0 ||
	    !(m->source = mem_strndup(source, strlen(source), err)) ||
	    start_features(&t, names, err) < 0 || learn_columns(&t, err) < 0 ||
	    prepare_once(&t, err) < 0 || fit_forest(&t, err) < 0 ||
	    calibrate(&t, result, err) < 0) {
		model_free(m);
		m = NULL;
		goto out;
	}
	m->seed = options->seed;
	m->max_missing = options->max_missing;
	m->n_rows = t.rows.n_kept;
	m->n_rows_seen = n_rows;
	result->n_rows = t.rows.n_kept;
	result->n_rows_skipped = n_rows - t.rows.n_kept;
	for (size_t i = 0; i < m->n_features; i++)
		result->missing_share += m->features[i].missing_share / (double)m->n_features;
out:
	free(t.prepared);
	selection_release(&t.rows);
	return m;
}
