#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/mem.h"
#include "lib/base/rng.h"
#include "lib/model/forest.h"
#include "tests/unit/alloc_fail.h"

struct table {
	float *x;
	uint64_t n_rows;
	uint32_t n_features;
	atomic_uint *reads; /* [n_rows] or NULL */
};

static void get_row(const void *context, uint64_t i, float *out)
{
	const struct table *t = context;

	assert_true(i < t->n_rows);
	if (t->reads)
		atomic_fetch_add(&t->reads[i], 1);
	memcpy(out, t->x + i * t->n_features, t->n_features * sizeof(*out));
}

static struct table table_new(uint64_t n_rows, uint32_t n_features)
{
	struct error err = ERROR_INIT;
	struct table t = {mem_alloc(n_rows * n_features, sizeof(float), &err), n_rows, n_features,
			  NULL};

	assert_non_null(t.x);
	return t;
}

/* The sum of four uniforms: near enough to a Gaussian. */
static float bell(struct rng *rng)
{
	double sum = -2;

	for (int i = 0; i < 4; i++)
		sum += rng_uniform(rng);
	return (float)sum;
}

static struct table bells(uint64_t n_rows, uint32_t n_features, uint64_t seed)
{
	struct table t = table_new(n_rows, n_features);
	struct rng rng;

	rng_init(&rng, seed, 0);
	for (uint64_t i = 0; i < n_rows * n_features; i++)
		t.x[i] = bell(&rng);
	return t;
}

static struct forest *fit(const struct table *t, uint32_t n_trees, uint32_t max_samples,
			  uint32_t max_features, unsigned n_threads)
{
	struct error err = ERROR_INIT;
	struct forest_options o = {n_trees, max_samples, max_features, 42, n_threads};
	struct forest *f = forest_fit(&o, t->n_rows, t->n_features, get_row, t, &err);

	assert_non_null(f);
	assert_int_equal(forest_check(f, &err), 0);
	assert_int_equal(f->n_trees, n_trees);
	assert_int_equal(f->max_samples, max_samples);
	for (uint32_t i = 0; i < n_trees; i++)
		assert_int_equal(f->n_samples[f->tree_start[i]], max_samples);
	return f;
}

static void assert_same_forest(const struct forest *a, const struct forest *b)
{
	assert_int_equal(a->n_nodes, b->n_nodes);
	assert_int_equal(a->n_trees, b->n_trees);
	assert_int_equal(a->max_depth, b->max_depth);
	assert_memory_equal(a->tree_start, b->tree_start, (a->n_trees + 1) * sizeof(uint64_t));
	assert_memory_equal(a->feature, b->feature, a->n_nodes * sizeof(int32_t));
	assert_memory_equal(a->left, b->left, a->n_nodes * sizeof(int32_t));
	assert_memory_equal(a->right, b->right, a->n_nodes * sizeof(int32_t));
	assert_memory_equal(a->threshold, b->threshold, a->n_nodes * sizeof(float));
	assert_memory_equal(a->n_samples, b->n_samples, a->n_nodes * sizeof(uint32_t));
	assert_memory_equal(a->missing_left, b->missing_left, a->n_nodes);
}

static void threads_do_not_change_the_forest(void **state)
{
	struct table t = bells(3000, 7, 1);
	struct forest *one = fit(&t, 50, 256, 4, 1);

	(void)state;
	for (unsigned n_threads = 2; n_threads <= 4; n_threads++) {
		struct forest *many = fit(&t, 50, 256, 4, n_threads);

		assert_same_forest(one, many);
		forest_free(many);
	}
	forest_free(one);
	free(t.x);
}

/* A seed's first trees do not depend on how many follow; another seed gives others. */
static void a_tree_has_its_own_stream(void **state)
{
	struct error err = ERROR_INIT;
	struct table t = bells(1000, 3, 1);
	struct forest *few = fit(&t, 2, 64, 3, 1), *many = fit(&t, 5, 64, 3, 2);
	struct forest_options o = {2, 64, 3, 43, 1};
	struct forest *other = forest_fit(&o, t.n_rows, t.n_features, get_row, &t, &err);

	(void)state;
	assert_memory_equal(few->threshold, many->threshold, few->n_nodes * sizeof(float));
	assert_non_null(other);
	assert_memory_not_equal(few->threshold, other->threshold, 16 * sizeof(float));
	/* A seed's second tree is not the next seed's first. */
	assert_memory_not_equal(few->threshold + few->tree_start[1], other->threshold,
				16 * sizeof(float));
	forest_free(few);
	forest_free(many);
	forest_free(other);
	free(t.x);
}

static void score(const struct forest *f, const struct table *t, double *s)
{
	struct error err = ERROR_INIT;
	struct forest_plan *plan = forest_plan_new(f, "scalar", &err);

	assert_non_null(plan);
	forest_plan_score(plan, t->x, t->n_rows, t->n_features, s, NULL);
	forest_plan_free(plan);
}

static double auc(const double *s, size_t n, size_t n_outliers)
{
	double wins = 0;

	for (size_t i = 0; i < n_outliers; i++)
		for (size_t j = n_outliers; j < n; j++)
			wins += s[i] > s[j] ? 1 : s[i] == s[j] ? 0.5 : 0;
	return wins / (double)(n_outliers * (n - n_outliers));
}

static void outliers_stand_out(void **state)
{
	struct table t = bells(2000, 4, 7);
	struct rng rng;
	double s[2000], mean = 0;

	(void)state;
	rng_init(&rng, 8, 0);
	for (size_t i = 0; i < 40; i++)
		t.x[i * 4 + rng_below(&rng, 4)] += rng_next(&rng) & 1 ? 3 : -3;

	struct forest *f = fit(&t, 100, 256, 4, 1);

	score(f, &t, s);
	for (size_t i = 40; i < 2000; i++)
		mean += s[i] / 1960;
	assert_true(auc(s, 2000, 40) > 0.98);
	assert_true(mean > 0.40 && mean < 0.50);
	assert_int_equal(f->max_depth, 8);
	forest_free(f);
	free(t.x);
}

/*
 * On uniform data of one column and no depth limit in reach, a node of n rows splits as a random
 * binary search tree does, nearly: the mean depth is c(n). With a limit of ceil(log2 psi) the
 * scores of normal rows lie near 1/2.
 */
static void scores_are_centred(void **state)
{
	struct table t = table_new(4096, 1);
	double s[4096], mean = 0;

	(void)state;
	for (size_t i = 0; i < 4096; i++)
		t.x[i] = (float)i;

	struct forest *f = fit(&t, 100, 256, 1, 1);

	score(f, &t, s);
	for (size_t i = 0; i < 4096; i++)
		mean += s[i] / 4096;
	assert_true(fabs(mean - 0.5) < 0.02);
	forest_free(f);
	free(t.x);
}

/* What training rows meet on their way: in every node's range, and counted as n_samples says. */
static void every_split_separates_its_rows(void **state)
{
	struct table t = bells(200, 3, 5);
	struct forest *f;
	uint32_t *count;

	(void)state;
	for (size_t i = 0; i < 600; i += 3)
		t.x[i] = roundf(t.x[i] * 4); /* ties */
	for (size_t i = 1; i < 600; i += 7)
		t.x[i] = NAN;
	f = fit(&t, 20, 200, 3, 1); /* all rows: counts can be told from the data */
	count = calloc(f->n_nodes, sizeof(*count));
	assert_non_null(count);
	for (size_t row = 0; row < 200; row++) {
		for (uint32_t tree = 0; tree < f->n_trees; tree++) {
			uint64_t start = f->tree_start[tree], k = start;

			count[k]++;
			while (f->feature[k] >= 0) {
				float v = t.x[row * 3 + (size_t)f->feature[k]];
				bool left = isnan(v) ? f->missing_left[k] : v <= f->threshold[k];

				k = start + (uint64_t)(left ? f->left[k] : f->right[k]);
				count[k]++;
			}
		}
	}
	assert_memory_equal(count, f->n_samples, f->n_nodes * sizeof(*count));
	free(count);
	forest_free(f);
	free(t.x);
}

/* Where training saw no missing value, they go with the larger part; where it did, by a coin. */
static void missing_values_have_a_direction(void **state)
{
	struct table t = bells(500, 2, 3);
	struct forest *f = fit(&t, 10, 256, 2, 1);
	uint32_t n_left = 0;

	(void)state;
	for (uint32_t tree = 0; tree < 10; tree++) {
		uint64_t start = f->tree_start[tree];

		for (uint64_t k = start; k < f->tree_start[tree + 1]; k++) {
			if (f->feature[k] < 0)
				assert_int_equal(f->missing_left[k], 0);
			else
				assert_int_equal(
					f->missing_left[k],
					f->n_samples[start + (uint64_t)f->left[k]] >
						f->n_samples[start + (uint64_t)f->right[k]]);
		}
	}
	forest_free(f);

	for (size_t i = 0; i < 1000;
	     i += 2) /* a tenth missing: always the smaller part at a root */
		t.x[i] = i % 20 == 0 ? NAN : (float)(i % 4);
	f = fit(&t, 400, 500, 2, 1);
	for (uint32_t tree = 0; tree < 400; tree++)
		n_left += f->missing_left[f->tree_start[tree]] &&
			  f->feature[f->tree_start[tree]] == 0;
	assert_in_range(n_left, 60, 140); /* half of the half that chose column 0 */
	forest_free(f);
	free(t.x);
}

/* Constant columns are never chosen, nor those without values; 1e-7 apart is constant. */
static void constant_columns_are_never_chosen(void **state)
{
	struct table t = bells(300, 5, 9);
	struct forest *f;

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		t.x[i * 5] = 3;
		t.x[i * 5 + 1] = NAN;
		t.x[i * 5 + 3] = i % 2 ? 0 : 1e-7F;
		t.x[i * 5 + 4] = i % 2 ? NAN : 1; /* constant where it has values */
	}
	f = fit(&t, 20, 256, 5, 1);
	assert_true(f->n_nodes > 20);
	for (uint64_t k = 0; k < f->n_nodes; k++)
		assert_true(f->feature[k] == -1 || f->feature[k] == 2);
	forest_free(f);
	free(t.x);
}

static void rows_that_cannot_be_split_make_leaves(void **state)
{
	struct table t = table_new(100, 3);
	struct forest *f = fit(&t, 5, 64, 3, 1); /* all rows equal */

	(void)state;
	assert_int_equal(f->n_nodes, 5);
	assert_int_equal(f->max_depth, 0);
	forest_free(f);

	t.n_rows = 1;
	f = fit(&t, 5, 1, 3, 2);
	assert_int_equal(f->n_nodes, 5);
	forest_free(f);

	t.n_rows = 2;
	t.x[3] = 1;
	f = fit(&t, 5, 2, 3, 1);
	assert_int_equal(f->n_nodes, 15);
	assert_int_equal(f->max_depth, 1);
	for (uint32_t tree = 0; tree < 5; tree++) {
		assert_int_equal(f->feature[f->tree_start[tree]], 0);
		assert_true(f->threshold[f->tree_start[tree]] >= 0);
		assert_true(f->threshold[f->tree_start[tree]] < 1);
	}
	forest_free(f);
	free(t.x);
}

/* Neighbouring float32 leave no room between them: the threshold is the lower one. */
static void thresholds_round_down(void **state)
{
	struct table t = table_new(2, 1);

	(void)state;
	t.x[0] = 1e6F;
	t.x[1] = nextafterf(1e6F, INFINITY);

	struct forest *f = fit(&t, 50, 2, 1, 1);

	for (uint32_t tree = 0; tree < 50; tree++)
		assert_true(f->threshold[f->tree_start[tree]] == 1e6F);
	forest_free(f);

	t.x[0] = -3.4028234e38F; /* the widest range there is */
	t.x[1] = 3.4028234e38F;
	f = fit(&t, 50, 2, 1, 1);
	assert_int_equal(f->n_nodes, 150);
	forest_free(f);
	free(t.x);
}

static void a_tree_uses_max_features_columns(void **state)
{
	struct table t = bells(1000, 6, 11);
	struct forest *f = fit(&t, 120, 256, 1, 1);
	uint32_t trees_of[6] = {0};

	(void)state;
	for (uint32_t tree = 0; tree < 120; tree++) {
		uint64_t start = f->tree_start[tree];

		trees_of[f->feature[start]]++;
		for (uint64_t k = start; k < f->tree_start[tree + 1]; k++)
			assert_true(f->feature[k] == -1 || f->feature[k] == f->feature[start]);
	}
	for (int i = 0; i < 6; i++)
		assert_in_range(trees_of[i], 6, 40);
	forest_free(f);
	free(t.x);
}

/*
 * Every row is in a tree's sub-sample with probability psi / n, whatever its place: the counts over
 * T trees are binomial. Chi-square over 20 cells, of variance (1 - p) each: 19 +- 6.2.
 */
static void sub_samples_are_uniform(void **state)
{
	enum { N = 20, PSI = 2, T = 20000 };
	struct table t = bells(N, 2, 13);
	double expected = (double)T * PSI / N, chi2 = 0;

	(void)state;
	t.reads = calloc(N, sizeof(*t.reads));
	assert_non_null(t.reads);
	forest_free(fit(&t, T, PSI, 2, 2));
	for (size_t i = 0; i < N; i++) {
		double d = t.reads[i] - expected;

		chi2 += d * d / (expected * (1 - (double)PSI / N));
	}
	assert_true(chi2 > 3 && chi2 < 19 + 4 * 6.2);

	memset(t.reads, 0, N * sizeof(*t.reads));
	forest_free(fit(&t, 3, N, 2, 1)); /* all rows: each once a tree */
	for (size_t i = 0; i < N; i++)
		assert_int_equal(t.reads[i], 3);
	free(t.reads);
	free(t.x);
}

static void options_out_of_range_are_refused(void **state)
{
	static const struct forest_options cases[] = {
		{0, 4, 2, 0, 1}, {1000001, 4, 2, 0, 1}, {1, 0, 2, 0, 1}, {1, 11, 2, 0, 1},
		{1, 4, 0, 0, 1}, {1, 4, 3, 0, 1},       {1, 4, 2, 0, 0},
	};
	struct table t = table_new(10, 2);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = ERROR_INIT;

		assert_null(forest_fit(&cases[i], 10, 2, get_row, &t, &err));
		assert_int_equal(err.kind, ERROR_USAGE);
	}
	struct error err = ERROR_INIT;
	struct forest_options many = {1, FOREST_SAMPLES_MAX + 1, 2, 0, 1};

	assert_null(forest_fit(&many, UINT32_MAX, 2, get_row, &t, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	free(t.x);
}

static int fit_small(void *arg, struct error *err)
{
	struct forest_options o = {3, 16, 2, 1, 2};
	struct forest *f = forest_fit(&o, 50, 2, get_row, arg, err);

	forest_free(f);
	return f ? 0 : -1;
}

static void no_memory(void **state)
{
	struct table t = bells(50, 2, 1);

	(void)state;
	assert_true(alloc_fail_each(fit_small, &t) > 20);
	free(t.x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_do_not_change_the_forest),
		cmocka_unit_test(a_tree_has_its_own_stream),
		cmocka_unit_test(outliers_stand_out),
		cmocka_unit_test(scores_are_centred),
		cmocka_unit_test(every_split_separates_its_rows),
		cmocka_unit_test(missing_values_have_a_direction),
		cmocka_unit_test(constant_columns_are_never_chosen),
		cmocka_unit_test(rows_that_cannot_be_split_make_leaves),
		cmocka_unit_test(thresholds_round_down),
		cmocka_unit_test(a_tree_uses_max_features_columns),
		cmocka_unit_test(sub_samples_are_uniform),
		cmocka_unit_test(options_out_of_range_are_refused),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
