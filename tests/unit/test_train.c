#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/number.h"
#include "lib/base/rng.h"
#include "lib/model/model.h"
#include "lib/model/scorer.h"
#include "tests/unit/alloc_fail.h"

#define FIELDS_MAX 64

static char name_texts[FIELDS_MAX][8];
static const char *names[FIELDS_MAX];

static int make_names(void **state)
{
	(void)state;
	for (size_t j = 0; j < FIELDS_MAX; j++) {
		snprintf(name_texts[j], sizeof(name_texts[j]), "x%zu", j);
		names[j] = name_texts[j];
	}
	return 0;
}

static const struct train_options usual = {
	.impute = IMPUTE_MEDIAN,
	.scaling = SCALING_ROBUST,
	.n_trees = 10,
	.contamination = 0.07,
	.max_missing = 0.5,
	.seed = 3,
	.n_threads = 1,
};

/* Uniform values, one in ten missing. */
static double *make_rows(uint64_t n, size_t n_fields)
{
	double *x = malloc(n * n_fields * sizeof(*x));
	struct rng rng;
	assert_non_null(x);
	rng_init(&rng, 11, n);
	for (uint64_t i = 0; i < n * n_fields; i++)
		x[i] = rng_below(&rng, 10) ? rng_uniform(&rng) : NAN;
	return x;
}

static struct model *train(const struct train_options *options, const double *x, uint64_t n,
			   size_t n_fields, struct train_result *result)
{
	struct error err = ERROR_INIT;
	struct model *m = model_train(options, x, n, names, n_fields, result, &err);
	if (!m)
		fail_msg("%s", err.what);
	return m;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* The model's threshold and severities against those found by scoring the training rows. Takes m.
 */
static void check_calibration(struct model *m, const double *x, uint64_t n,
			      const struct train_result *result)
{
	struct error err = ERROR_INIT;
	struct scorer *s = scorer_forest_new(m, NULL, &err);
	assert_non_null(s);
	void *scratch = aligned_alloc(64, (scorer_scratch(s) + 63) / 64 * 64);
	struct verdict *v = malloc(n * sizeof(*v));
	double *lows = malloc(n * sizeof(*lows)); /* scikit-learn's: -s, alarms first */
	const struct scorer_rows rows = {.n = n, .stride = m->n_features, .x = x};
	scorer_score(s, &rows, 1, scratch, v);
	uint64_t alarms = 0, medium = 0, high = 0;
	for (uint64_t i = 0; i < n; i++) {
		assert_int_equal(v[i].status, ROW_OK);
		lows[i] = -v[i].score;
		alarms += v[i].is_anomaly;
		medium += v[i].severity >= SEVERITY_MEDIUM;
		high += v[i].severity == SEVERITY_HIGH;
		assert_true(fabs(v[i].quantile - sketch_rank(&m->scores, v[i].score)) == 0);
	}
	qsort(lows, n, sizeof(*lows), compare);
	assert_true(m->offset == sorted_quantile(lows, n, 100 * m->contamination / 100));
	assert_true(m->high == -lows[0]);
	assert_int_equal(alarms, result->n_alarms);
	/* Ties at a threshold are below it. */
	assert_in_range(alarms, 0.9 * m->contamination * (double)n,
			m->contamination * (double)n + 1);
	assert_int_equal(high, 0);
	assert_in_range(medium, 0.09 * (double)alarms, 0.1 * (double)alarms + 1);
	assert_int_equal(m->scores.n, n);
	assert_true(m->scores.at[0] == -lows[n - 1]);
	free(lows);
	free(v);
	free(scratch);
	scorer_free(s);
}

static void test_calibration(void **state)
{
	(void)state;
	/* One block; some blocks; rows and columns too many to be held prepared or taken in tiles.
	 */
	static const struct {
		uint64_t n;
		size_t n_fields;
		double contamination;
	} sizes[] = {{200, 6, 0.07}, {1567, 30, 0.093}, {70001, 61, 0.101}, {140000, 3, 0.014}};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct train_result result;
		struct train_options options = usual;
		options.n_threads = i % 2 ? 1 : 2;
		options.max_missing = 0.99;
		options.contamination = sizes[i].contamination;
		double *x = make_rows(sizes[i].n, sizes[i].n_fields);
		for (uint64_t k = 0; k < sizes[i].n; k++) /* no row without any value */
			x[k * sizes[i].n_fields] = (double)k;
		struct model *m = train(&options, x, sizes[i].n, sizes[i].n_fields, &result);
		assert_int_equal(m->n_features, sizes[i].n_fields);
		assert_int_equal(result.n_rows, sizes[i].n);
		assert_int_equal(result.n_rows_skipped, 0);
		check_calibration(m, x, sizes[i].n, &result);
		free(x);
	}
}

static void test_threads_do_not_matter(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct buf one = BUF_INIT;
	double *x = make_rows(2000, 5);
	for (unsigned n_threads = 1; n_threads <= 5; n_threads++) {
		struct train_options options = usual;
		struct train_result result;
		struct buf b = BUF_INIT;
		options.n_threads = n_threads;
		struct model *m = train(&options, x, 2000, 5, &result);
		assert_int_equal(model_encode(m, n_threads == 1 ? &one : &b, &err), 0);
		if (n_threads > 1) {
			assert_int_equal(b.len, one.len);
			assert_memory_equal(b.data, one.data, b.len);
		}
		buf_release(&b);
		model_free(m);
	}
	buf_release(&one);
	free(x);
}

static void test_seed_matters(void **state)
{
	(void)state;
	double *x = make_rows(300, 4);
	struct train_options options = usual;
	struct train_result result;
	struct model *a = train(&options, x, 300, 4, &result);
	options.seed++;
	struct model *b = train(&options, x, 300, 4, &result);
	assert_true(a->offset != b->offset);
	model_free(a);
	model_free(b);
	free(x);
}

/*
 * Row 4 lacks two of the three columns that vary and goes; without it column 1 is constant and goes
 * too; then row 5 lacks one of two, which is not more than half, and stays.
 */
static void test_selection_settles(void **state)
{
	(void)state;
	static const double x[6][5] = {
		{1, 5, 1, 7, NAN}, {2, 5, 2, 7, NAN},     {3, 5, 3, NAN, NAN},
		{4, 5, 5, 7, NAN}, {NAN, 6, NAN, 7, NAN}, {5, 5, NAN, 7, NAN},
	};
	struct train_result result;
	struct model *m = train(&usual, x[0], 6, 5, &result);
	assert_int_equal(result.n_rows, 5);
	assert_int_equal(result.n_rows_skipped, 1);
	assert_true(result.missing_share == 0.1);
	assert_int_equal(m->n_features, 2);
	assert_string_equal(m->features[0].name, "x0");
	assert_string_equal(m->features[1].name, "x2");
	assert_true(m->features[1].missing_share == 0.2);
	assert_int_equal(m->features[1].sketch.n, 4);
	assert_true(m->features[1].sketch.at[3] == 5);
	assert_true(m->prepare.fill[0] == 3 && m->prepare.fill[1] == 2.5);
	assert_int_equal(m->n_left_out, 3);
	assert_string_equal(m->left_out[0], "x1: constant");
	assert_string_equal(m->left_out[1], "x3: constant");
	assert_string_equal(m->left_out[2], "x4: all missing");
	assert_int_equal(m->n_rows, 5);
	assert_int_equal(m->n_rows_seen, 6);
	assert_int_equal(m->forest->max_samples, 5);
	model_free(m);
}

/* A row that lacks all is not learned from, however much a row may lack. */
static void test_empty_row(void **state)
{
	(void)state;
	static const double x[4][2] = {{1, 5}, {NAN, 4}, {NAN, NAN}, {2, NAN}};
	struct train_options options = usual;
	struct train_result result;
	options.max_missing = 1;
	struct model *m = train(&options, x[0], 4, 2, &result);
	assert_int_equal(result.n_rows, 3);
	assert_int_equal(result.n_rows_skipped, 1);
	model_free(m);
}

static void test_nothing_to_learn_from(void **state)
{
	(void)state;
	static const double constant[] = {1, 2, 1, 2, NAN, 2}, sparse[] = {1, NAN, NAN, 2};
	static const double huge[] = {1, 2, 1e39, 4}, widest[] = {-1.7e308, 1.7e308, 1.7e308, 0};
	/* Their interquartile range is infinite, so that scaled all would be 0. */
	static const double apart[] = {-1e308, 1e308, 1e308, -1e308};
	/* Their mean is infinite, their median and quartiles are not. */
	static const double heavy[] = {1e308, 1.2e308, 1.4e308, 1.6e308};
	static const struct {
		const double *x;
		uint64_t n;
		size_t n_fields;
		enum impute impute;
		enum scaling scaling;
		const char *message;
	} cases[] = {
		{constant, 0, 2, IMPUTE_MEDIAN, SCALING_NONE, "there are no rows to learn from"},
		{constant, 3, 2, IMPUTE_MEDIAN, SCALING_NONE,
		 "no field is left to learn from: each of 2 is"},
		{constant, 3, 0, IMPUTE_MEDIAN, SCALING_NONE,
		 "no field is left to learn from: each of 0 is"},
		{sparse, 2, 2, IMPUTE_MEDIAN, SCALING_NONE, "no field is left"},
		{huge, 4, 1, IMPUTE_MEDIAN, SCALING_NONE,
		 "feature 'x0' has values beyond the range of float32"},
		{widest, 4, 1, IMPUTE_MEDIAN, SCALING_STANDARD, "feature 'x0' has values beyond"},
		{widest, 4, 1, IMPUTE_MEDIAN, SCALING_ROBUST, "feature 'x0' has values beyond"},
		{apart, 4, 1, IMPUTE_MEDIAN, SCALING_ROBUST, "feature 'x0' has values beyond"},
		{heavy, 4, 1, IMPUTE_MEAN, SCALING_ROBUST, "feature 'x0' has values beyond"},
	};
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		struct error err = ERROR_INIT;
		struct train_result result;
		struct train_options options = usual;
		options.scaling = cases[c].scaling;
		options.impute = cases[c].impute;
		assert_null(model_train(&options, cases[c].x, cases[c].n, names, cases[c].n_fields,
					&result, &err));
		assert_int_equal(err.kind, ERROR_DATA);
		if (!strstr(err.what, cases[c].message))
			fail_msg("'%s' has no '%s'", err.what, cases[c].message);
	}
	/* Each column varies, each row lacks one of three. */
	static const double holes[3][3] = {{1, NAN, 1}, {2, 2, NAN}, {NAN, 1, 2}};
	struct error err = ERROR_INIT;
	struct train_result result;
	struct train_options options = usual;
	options.max_missing = 0.2;
	assert_null(model_train(&options, holes[0], 3, names, 3, &result, &err));
	assert_non_null(strstr(err.what, "no row is left to learn from: each of 3 lacks more"));
}

static void test_sizes(void **state)
{
	(void)state;
	static const struct {
		double value;
		bool share;
		uint32_t want;
	} samples[] = {{0, false, 256},  {100, false, 100}, {1, false, 1},     {1e9, false, 400},
		       {0.5, true, 200}, {1, true, 400},    {0.0001, true, 1}, {0.19975, true, 79}},
	  features[] = {{0, false, 4},  {3, false, 3},  {9, false, 4},
			{0.5, true, 2}, {0.1, true, 1}, {0.9, true, 3}};
	double *x = make_rows(400, 4);
	for (uint64_t k = 0; k < 400; k++)
		x[4 * k] = x[4 * k + 1] = (double)k;
	struct train_options options = usual;
	struct train_result result;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		options.max_samples = samples[i].value;
		options.max_samples_share = samples[i].share;
		struct model *m = train(&options, x, 400, 4, &result);
		assert_int_equal(m->forest->max_samples, samples[i].want);
		model_free(m);
	}
	options = usual;
	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++) {
		options.max_features = features[i].value;
		options.max_features_share = features[i].share;
		struct model *m = train(&options, x, 400, 4, &result);
		assert_int_equal(m->max_features, features[i].want);
		model_free(m);
	}
	free(x);
}

/* Two rows alike in all but sign: no score is above 0.5, so any alarm is past all of training. */
static void test_auto_without_alarms(void **state)
{
	(void)state;
	double x[20];
	struct train_options options = usual;
	struct train_result result;
	options.contamination_auto = true;
	options.max_samples = 2;
	for (size_t i = 0; i < 20; i++)
		x[i] = i % 2 ? 1 : -1;
	struct model *m = train(&options, x, 20, 1, &result);
	assert_true(m->offset == -0.5 && m->contamination_auto && isnan(m->contamination));
	if (result.n_alarms == 0)
		assert_true(m->medium == 0.5 && m->high == 0.5);
	else
		assert_true(m->high > 0.5);
	assert_int_equal(result.n_alarms, 0);
	model_free(m);
}

static void test_summary(void **state)
{
	(void)state;
	static const char *const odd_names[] = {"a", "b\x1b[31m", "c", "d"};
	struct error err = ERROR_INIT;
	struct train_options options = usual;
	struct train_result result;
	struct buf b = BUF_INIT, text = BUF_INIT;
	double x[50][4];
	for (size_t i = 0; i < 50; i++) {
		x[i][0] = (double)i;
		x[i][1] = i % 10 ? (double)(i * i) : NAN;
		x[i][2] = 7;
		x[i][3] = NAN;
	}
	x[49][0] = x[49][1] = NAN;
	options.contamination = 0.1;
	struct model *m = model_train(&options, x[0], 50, odd_names, 4, &result, &err);
	assert_non_null(m);
	assert_int_equal(model_encode(m, &b, &err), 0);
	assert_int_equal(model_summary(m, &result, &text, &err), 0);
	assert_int_equal(buf_terminate(&text, &err), 0);
	char expected[1024], threshold[NUMBER_MAX + 1] = "";
	number_write_real(threshold, -m->offset);
	snprintf(expected, sizeof(expected),
		 "rows               49 learned from, 50 read, 1 lacked too much\n"
		 "features           2, 2 left out\n"
		 "missing            5.102 %% of their values\n"
		 "trees              10 of 49 rows, seed 3\n"
		 "threshold          s > %s (contamination 0.1)\n"
		 "expected alarms    10.2 %% of records like these (5 of 49)\n"
		 "version            %s\n"
		 "feature names      a\n"
		 "                   b?[31m\n"
		 "left out           c: constant\n"
		 "                   d: all missing\n",
		 threshold, m->version);
	assert_string_equal(text.data, expected);

	text.len = 0;
	m->contamination_auto = true;
	m->offset = -0.5;
	assert_int_equal(model_summary(m, &result, &text, &err), 0);
	assert_int_equal(buf_terminate(&text, &err), 0);
	assert_non_null(strstr(text.data, "threshold          s > 0.5 (auto)\n"));
	model_free(m);
	buf_release(&b);
	buf_release(&text);
}

struct progress {
	unsigned prepare, fit, calibrate;
	double last;
	pthread_t thread;
};

static void on_progress(void *context, const char *stage, double share)
{
	struct progress *p = context;
	assert_true(share >= 0 && share <= 1);
	assert_true(pthread_equal(pthread_self(), p->thread));
	p->prepare += strcmp(stage, "prepare") == 0;
	p->fit += strcmp(stage, "fit") == 0;
	p->calibrate += strcmp(stage, "calibrate") == 0;
	p->last = share;
}

static void test_progress(void **state)
{
	(void)state;
	struct progress p = {.thread = pthread_self()};
	struct train_options options = usual;
	struct train_result result;
	options.progress = on_progress;
	options.progress_context = &p;
	double *x = make_rows(1000, 20);
	model_free(train(&options, x, 1000, 20, &result));
	assert_int_equal(p.prepare, 3);
	assert_int_equal(p.fit, 2);
	assert_int_equal(p.calibrate, 5); /* blocks, and the end */
	assert_true(p.last == 1);
	free(x);

	options.n_threads = 4;
	x = make_rows(20000, 4);
	model_free(train(&options, x, 20000, 4, &result));
	assert_true(p.last == 1);
	free(x);
}

struct attempt {
	const double *x;
	unsigned n_threads;
};

static int try_train(void *arg, struct error *err)
{
	const struct attempt *a = arg;
	struct train_options options = usual;
	struct train_result result;
	options.n_trees = 3;
	options.max_samples = 16;
	options.n_threads = a->n_threads;
	struct model *m = model_train(&options, a->x, 60, names, 4, &result, err);
	model_free(m);
	return m ? 0 : -1;
}

static void test_out_of_memory(void **state)
{
	(void)state;
	double *x = make_rows(60, 4);
	for (size_t i = 0; i < 4; i++)
		x[4 + i] = NAN; /* a row left out */
	for (size_t i = 0; i < 60; i++)
		x[4 * i + 3] = 1; /* and a column */
	for (unsigned n_threads = 1; n_threads <= 2; n_threads++) {
		struct attempt a = {x, n_threads};
		assert_true(alloc_fail_each(try_train, &a) > 20);
	}
	free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calibration),   cmocka_unit_test(test_threads_do_not_matter),
		cmocka_unit_test(test_seed_matters),  cmocka_unit_test(test_selection_settles),
		cmocka_unit_test(test_empty_row),     cmocka_unit_test(test_nothing_to_learn_from),
		cmocka_unit_test(test_sizes),         cmocka_unit_test(test_auto_without_alarms),
		cmocka_unit_test(test_summary),       cmocka_unit_test(test_progress),
		cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, make_names, NULL);
}
