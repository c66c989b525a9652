#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/mathfn.h"
#include "lib/model/scorer.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/model_bytes.h"

/*
 * One tree of 4 rows over two features: x0 <= 0.5 is a leaf of one row at depth 1, else x1 <= 3.5
 * one at depth 2, else one of two rows. With c(4) the scores are 2^(-1/c), 2^(-2/c) and 2^(-3/c).
 */
static struct model *tree_model(enum impute impute)
{
	struct error err = ERROR_INIT;
	struct model *m = calloc(1, sizeof(*m));
	m->n_features = 2;
	m->features = calloc(2, sizeof(*m->features));
	m->features[0].name = strdup("x0");
	m->features[1].name = strdup("x1");
	m->source = strdup("test");
	assert_int_equal(prepare_init(&m->prepare, impute, SCALING_NONE, 2, &err), 0);
	if (impute != IMPUTE_NONE)
		m->prepare.fill[0] = m->prepare.fill[1] = 0;
	struct forest *f = m->forest = forest_new(1, 5, &err);
	static const int32_t feature[] = {0, -1, 1, -1, -1}, left[] = {1, 0, 3, 0, 0},
			     right[] = {2, 0, 4, 0, 0};
	static const float threshold[] = {0.5F, 0, 3.5F, 0, 0};
	static const uint32_t n_samples[] = {4, 1, 3, 1, 2};
	memcpy(f->feature, feature, sizeof(feature));
	memcpy(f->left, left, sizeof(left));
	memcpy(f->right, right, sizeof(right));
	memcpy(f->threshold, threshold, sizeof(threshold));
	memcpy(f->n_samples, n_samples, sizeof(n_samples));
	f->tree_start[1] = 5;
	f->n_features = 2;
	f->max_samples = 4;
	assert_int_equal(forest_check(f, &err), 0);
	m->offset = -0.5;
	m->contamination_auto = true;
	m->medium = m->high = 1;
	return m;
}

static double score_at(unsigned depth)
{
	return math_exp2(-(double)depth / forest_c(4));
}

static void score(const struct scorer *s, const double *x, size_t n, size_t stride,
		  double max_missing, struct verdict *v)
{
	void *scratch = aligned_alloc(64, (scorer_scratch(s) + 63) / 64 * 64);
	const struct scorer_rows rows = {.n = n, .stride = stride, .x = x};
	assert_non_null(scratch);
	scorer_score(s, &rows, max_missing, scratch, v);
	free(scratch);
}

static struct scorer *scorer_of(struct model *m)
{
	struct error err = ERROR_INIT;
	struct scorer *s = scorer_forest_new(m, NULL, &err);
	assert_non_null(s);
	assert_ptr_equal(s->model, m);
	assert_false(s->keyed);
	return s;
}

static void test_verdicts(void **state)
{
	(void)state;
	struct model *m = tree_model(IMPUTE_MEDIAN);
	static double at[] = {0.2, 0.4, 0.4, 0.6};
	m->offset = -score_at(2); /* a score that is equal is no alarm */
	m->medium = m->high = score_at(2);
	m->scores = (struct sketch){.n = 4, .points = 4, .at = memcpy(malloc(32), at, 32)};
	struct scorer *s = scorer_of(m);
	const double x[] = {0, 0, 99, 1, 3, 99, 1, 4, 99, 1, NAN, 99, NAN, 4, 99};
	struct verdict v[5];
	score(s, x, 5, 3, 0.5, v);
	static const unsigned depth[] = {1, 2, 3, 2, 1};
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(v[i].status, ROW_OK);
		assert_true(v[i].score == score_at(depth[i]));
		assert_true(v[i].decision == -v[i].score - m->offset);
		assert_int_equal(v[i].is_anomaly, depth[i] == 1);
		assert_int_equal(v[i].severity, depth[i] == 1 ? SEVERITY_HIGH : SEVERITY_NONE);
		assert_int_equal(v[i].imputed, i >= 3);
		assert_true(v[i].quantile == sketch_rank(&m->scores, v[i].score));
	}
	scorer_free(s);
}

static void test_severities(void **state)
{
	(void)state;
	static const struct {
		double threshold, medium, high;
		enum severity want;
	} cases[] = {
		{0.9, 0.9, 0.9, SEVERITY_NONE},
		{0, 1, 1, SEVERITY_LOW},
		{0, 0, 1, SEVERITY_MEDIUM},
		{0, 0, 0, SEVERITY_HIGH},
	};
	const double x[] = {0, 0};
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		struct model *m = tree_model(IMPUTE_MEDIAN);
		struct verdict v;
		m->offset = -cases[c].threshold;
		m->medium = cases[c].medium;
		m->high = cases[c].high;
		struct scorer *s = scorer_of(m);
		score(s, x, 1, 2, 0.5, &v);
		assert_int_equal(v.severity, cases[c].want);
		assert_true(isnan(v.quantile)); /* no training scores known */
		scorer_free(s);
	}
	assert_string_equal(severity_names[SEVERITY_NONE], "none");
	assert_string_equal(severity_names[SEVERITY_HIGH], "high");
}

static void test_rows_without_verdict(void **state)
{
	(void)state;
	struct model *m = tree_model(IMPUTE_MEDIAN);
	struct scorer *s = scorer_of(m);
	const double x[] = {NAN, NAN, 1, 4, 1, -1e39, NAN, 4, 0, 0};
	struct verdict v[5];
	score(s, x, 5, 2, 0, v);
	assert_int_equal(v[0].status, ROW_TOO_MANY_MISSING);
	assert_int_equal(v[1].status, ROW_OK);
	assert_int_equal(v[2].status, ROW_BEYOND_FLOAT32);
	assert_int_equal(v[2].column, 1);
	assert_int_equal(v[3].status, ROW_TOO_MANY_MISSING);
	assert_int_equal(v[4].status, ROW_OK);
	assert_true(v[1].score == score_at(3) && v[4].score == score_at(1));
	assert_true(isnan(v[0].score) && isnan(v[2].decision) && !v[3].is_anomaly);
	score(s, x, 0, 2, 0, NULL);
	scorer_free(s);
}

static void test_missing_without_imputing(void **state)
{
	(void)state;
	for (uint8_t left = 0; left <= 1; left++) {
		struct model *m = tree_model(IMPUTE_NONE);
		m->forest->missing_left[0] = left;
		struct scorer *s = scorer_of(m);
		const double x[] = {NAN, 4};
		struct verdict v;
		score(s, x, 1, 2, 0.5, &v);
		assert_true(v.score == score_at(left ? 1 : 3));
		assert_int_equal(v.imputed, 0);
		scorer_free(s);
	}
}

/* More rows than a batch, every third without a verdict, each scored as if it were alone. */
static void test_batches(void **state)
{
	(void)state;
	enum { N = 5000 };
	struct model *m = tree_model(IMPUTE_MEDIAN);
	struct scorer *s = scorer_of(m);
	double *x = malloc(N * 2 * sizeof(*x));
	struct verdict *v = malloc(N * sizeof(*v)), alone;
	for (size_t i = 0; i < N; i++) {
		x[2 * i] = i % 3 ? (double)(i % 5) - 1 : NAN;
		x[2 * i + 1] = i % 3 ? (double)(i % 7) : NAN;
	}
	score(s, x, N, 2, 0.5, v);
	for (size_t i = 0; i < N; i++) {
		score(s, x + 2 * i, 1, 2, 0.5, &alone);
		assert_int_equal(v[i].status, i % 3 ? ROW_OK : ROW_TOO_MANY_MISSING);
		assert_int_equal(v[i].status, alone.status);
		assert_true(i % 3 ? v[i].score == alone.score : isnan(v[i].score));
	}
	free(x);
	free(v);
	scorer_free(s);
}

/* More features than a batch's cache has room for. */
static void test_wide_rows(void **state)
{
	(void)state;
	enum { N = 150, WIDTH = 5000 };
	struct error err = ERROR_INIT;
	struct model *m = tree_model(IMPUTE_MEDIAN);
	prepare_release(&m->prepare);
	assert_int_equal(prepare_init(&m->prepare, IMPUTE_NONE, SCALING_NONE, WIDTH, &err), 0);
	m->features = realloc(m->features, WIDTH * sizeof(*m->features));
	for (; m->n_features < WIDTH; m->n_features++)
		m->features[m->n_features] = (struct model_feature){.name = strdup("x")};
	m->forest->n_features = WIDTH;
	m->forest->feature[0] = WIDTH - 1;
	struct scorer *s = scorer_of(m);
	double *x = calloc((size_t)N * WIDTH, sizeof(*x));
	struct verdict v[N];
	assert_non_null(x);
	for (size_t i = 0; i < N; i++)
		x[i * WIDTH + WIDTH - 1] = i % 2 ? 1 : 0;
	score(s, x, N, WIDTH, 0, v);
	for (size_t i = 0; i < N; i++)
		assert_true(v[i].score == score_at(i % 2 ? 2 : 1));
	free(x);
	scorer_free(s);
}

static void test_kernel_by_name(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct model *m = tree_model(IMPUTE_MEDIAN);
	assert_null(scorer_forest_new(m, "abacus", &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	struct scorer *s = scorer_forest_new(m, "scalar", &err);
	assert_non_null(s);
	scorer_free(s);
	scorer_free(NULL);
}

static int make_scorer(void *arg, struct error *err)
{
	struct model **m = arg;
	struct scorer *s = scorer_forest_new(*m, NULL, err);
	if (!s)
		return -1;
	scorer_free(s);
	*m = NULL;
	return 0;
}

static void test_out_of_memory(void **state)
{
	(void)state;
	struct model *m = tree_model(IMPUTE_MEDIAN);
	assert_true(alloc_fail_each(make_scorer, &m) >= 2);
	assert_null(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_severities),
		cmocka_unit_test(test_rows_without_verdict),
		cmocka_unit_test(test_missing_without_imputing),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_wide_rows),
		cmocka_unit_test(test_kernel_by_name),
		cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
