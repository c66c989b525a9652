#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "lib/base/mathfn.h"
#include "lib/base/mem.h"
#include "lib/base/rng.h"
#include "lib/model/forest.h"
#include "tests/unit/alloc_fail.h"

#define ROWS_MAX 300

static void *allocate(size_t n, size_t size)
{
	struct error err = ERROR_INIT;
	void *p = mem_alloc_aligned(n, size, &err);

	assert_non_null(p);
	return p;
}

/* Memory that ends where reading on is a fault, which no sanitizer sees in a gather. */
struct fence {
	char *map;
	size_t size;
};

static float *fence_alloc(struct fence *f, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	f->size = (n * sizeof(float) + page - 1) / page * page + page;
	f->map = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(f->map != MAP_FAILED);
	assert_int_equal(mprotect(f->map + f->size - page, page, PROT_NONE), 0);
	return (float *)(f->map + f->size - page - n * sizeof(float));
}

/* Scores by the kernel named; false if it refuses the forest. What lies behind score[n) must stay.
 */
static bool score(const struct forest *f, const char *kernel, const float *x, size_t n,
		  size_t stride, double *s)
{
	struct error err = ERROR_INIT;
	struct forest_plan *plan = forest_plan_new(f, kernel, &err);
	void *scratch;

	if (!plan) {
		assert_int_equal(err.kind, ERROR_CONFIG);
		return false;
	}

	size_t n_floats = n ? (n - 1) * stride + f->n_features : 0;
	struct fence fence;
	float *fenced = fence_alloc(&fence, n_floats);

	memcpy(fenced, x, n_floats * sizeof(*x));
	scratch = allocate(1, forest_plan_scratch(plan));
	s[n] = 42;
	forest_plan_score(plan, fenced, n, stride, s, scratch);
	assert_true(s[n] == 42);
	free(scratch);
	munmap(fence.map, fence.size);
	forest_plan_free(plan);
	return true;
}

/* Rows that meet the forest's own thresholds, their neighbours, the ends of the range and both
 * zeros. */
static float awkward_value(const struct forest *f, struct rng *rng)
{
	float threshold = f->threshold[rng_below(rng, f->n_nodes)];

	switch (rng_below(rng, 12)) {
	case 0:
		return FLT_MAX;
	case 1:
		return -FLT_MAX;
	case 2:
		return -0.0F;
	case 3:
		return nextafterf(threshold, FLT_MAX);
	case 4:
	case 5:
	case 6:
	case 7:
		return threshold;
	default:
		return (float)(4 * rng_uniform(rng) - 2);
	}
}

/*
 * All kernels against the scalar one, for many numbers of rows, with a stride beyond the features
 * and NaN in the gap. Returns how many kernels beside the scalar one ran.
 */
static int assert_kernels_agree(const struct forest *f, double missing_share)
{
	static const size_t counts[] = {1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, ROWS_MAX};
	size_t n_features = f->n_features, stride = n_features + 3;
	float *x = allocate(ROWS_MAX * stride, sizeof(*x));
	double expected[ROWS_MAX + 1], got[ROWS_MAX + 1];
	struct rng rng;
	int n_run = 0;

	rng_init(&rng, f->n_nodes, n_features);
	for (size_t i = 0; i < ROWS_MAX * stride; i++) {
		bool missing = i % stride >= n_features || rng_uniform(&rng) < missing_share;

		x[i] = missing ? NAN : awkward_value(f, &rng);
	}
	assert_true(score(f, "scalar", x, ROWS_MAX, stride, expected));
	for (size_t i = 0; i < ROWS_MAX; i++)
		assert_true(expected[i] > 0 && expected[i] <= 1);
	for (const char *const *kernel = forest_kernels(); *kernel; kernel++) {
		bool ran = true;

		for (size_t c = 0; c < sizeof(counts) / sizeof(*counts) && ran; c++) {
			ran = score(f, *kernel, x, counts[c], stride, got);
			if (ran)
				assert_memory_equal(got, expected, counts[c] * sizeof(*got));
		}
		n_run += ran && strcmp(*kernel, "scalar") != 0;
	}
	assert_true(score(f, "auto", x, ROWS_MAX, stride, got));
	assert_memory_equal(got, expected, ROWS_MAX * sizeof(*got));
	free(x);
	return n_run;
}

static int n_fast_kernels(void)
{
	int n = 0;

	while (strcmp(forest_kernels()[n], "scalar") != 0)
		n++;
	return n;
}

/* Rows of a grid, so that values meet thresholds, drawn from the context's stream of its own. */
static void grid_row(const void *context, uint64_t i, float *out)
{
	uint32_t n_features = *(const uint32_t *)context;
	struct rng rng;

	rng_init(&rng, 5, i);
	for (uint32_t j = 0; j < n_features; j++) {
		double u = rng_uniform(&rng);

		out[j] = u < 0.02 ? NAN : (float)(round(u * 1e4) / 2500 - 2);
	}
}

static struct forest *fit(uint32_t n_trees, uint32_t n_features, uint32_t max_samples)
{
	struct error err = ERROR_INIT;
	struct forest_options o = {n_trees, max_samples, n_features, 1, 1};
	struct forest *f =
		forest_fit(&o, (uint64_t)max_samples * 2, n_features, grid_row, &n_features, &err);

	assert_non_null(f);
	return f;
}

static void kernels_agree_on_fitted_forests(void **state)
{
	static const uint32_t n_features[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 40, 600};

	(void)state;
	for (size_t i = 0; i < sizeof(n_features) / sizeof(*n_features); i++) {
		struct forest *f = fit(i == 4 ? 100 : 7, n_features[i], 256);

		assert_int_equal(assert_kernels_agree(f, 0), n_fast_kernels());
		assert_int_equal(assert_kernels_agree(f, 0.003), n_fast_kernels());
		assert_int_equal(assert_kernels_agree(f, 0.5), n_fast_kernels());
		assert_int_equal(assert_kernels_agree(f, 1), n_fast_kernels());
		forest_free(f);
	}
}

/* Depths 0 to 17: every level of every kernel ends a walk. */
static void kernels_agree_at_every_depth(void **state)
{
	(void)state;
	for (uint32_t depth = 0; depth <= 17; depth++) {
		struct forest *f = fit(depth < 13 ? 5 : 2, depth % 2 ? 3 : 11,
				       depth == 17 ? 100000 : UINT32_C(1) << depth);

		assert_in_range(f->max_depth, depth ? depth - 1 : 0, depth);
		assert_true(assert_kernels_agree(f, 0) >= 1);
		assert_true(assert_kernels_agree(f, 0.1) >= 1);
		forest_free(f);
	}
}

/* Splits a random leaf until there are `n` nodes, so that shapes vary as fitted ones do not. */
static void grow(struct forest *f, uint64_t start, uint32_t n, struct rng *rng)
{
	for (uint32_t i = 0; i < n; i++) {
		f->feature[start + i] = -1;
		f->n_samples[start + i] = 1;
	}
	for (uint32_t size = 1; size < n; size += 2) {
		uint32_t i = (uint32_t)rng_below(rng, size);

		while (f->feature[start + i] >= 0)
			i = (uint32_t)(rng_next(rng) & 1 ? f->left[start + i]
							 : f->right[start + i]);
		f->feature[start + i] = (int32_t)rng_below(rng, f->n_features);
		f->threshold[start + i] = (float)(rng_below(rng, 9)) / 2 - 2;
		f->missing_left[start + i] = rng_next(rng) & 1;
		f->left[start + i] = (int32_t)(size + (rng_next(rng) & 1));
		f->right[start + i] = 2 * (int32_t)size + 1 - f->left[start + i];
	}
	for (uint32_t i = n; i-- > 0;) {
		if (f->feature[start + i] >= 0)
			f->n_samples[start + i] =
				f->n_samples[start + (uint32_t)f->left[start + i]] +
				f->n_samples[start + (uint32_t)f->right[start + i]];
		else
			f->n_samples[start + i] += (uint32_t)rng_below(rng, 700);
	}
}

static void kernels_agree_on_odd_shapes(void **state)
{
	struct rng rng;
	int n_run = 0;

	(void)state;
	rng_init(&rng, 3, 0);
	for (int round = 0; round < 60; round++) {
		struct error err = ERROR_INIT;
		uint32_t n_trees = 1 + (uint32_t)rng_below(&rng, 12);
		uint64_t start[13] = {0};

		for (uint32_t t = 0; t < n_trees; t++)
			start[t + 1] = start[t] + 2 * rng_below(&rng, round % 3 ? 20 : 200) + 1;

		struct forest *f = forest_new(n_trees, start[n_trees], &err);

		assert_non_null(f);
		f->n_features = 1 + (uint32_t)rng_below(&rng, 12);
		f->max_samples = 1 + (uint32_t)rng_below(&rng, 500);
		memcpy(f->tree_start, start, (n_trees + 1) * sizeof(*start));
		for (uint32_t t = 0; t < n_trees; t++)
			grow(f, start[t], (uint32_t)(start[t + 1] - start[t]), &rng);
		assert_int_equal(forest_check(f, &err), 0);
		n_run += assert_kernels_agree(f, 0);
		assert_kernels_agree(f, 0.2);
		forest_free(f);
	}
	assert_true(n_run > 60 * n_fast_kernels() / 2);
}

/* tree i: a chain of depth[i], rows leave at each node by x <= its number. */
static struct forest *chains(const uint32_t *depth, uint32_t n_trees)
{
	struct error err = ERROR_INIT;
	uint64_t n_nodes = 0, k = 0;

	for (uint32_t t = 0; t < n_trees; t++)
		n_nodes += 2 * depth[t] + 1;

	struct forest *f = forest_new(n_trees, n_nodes, &err);

	assert_non_null(f);
	f->n_features = 2;
	f->max_samples = 256;
	for (uint32_t t = 0; t < n_trees; t++) {
		f->tree_start[t] = k;
		for (uint32_t i = 0; i <= 2 * depth[t]; i++, k++) {
			bool leaf = i % 2 == 1 || i == 2 * depth[t];

			f->feature[k] = leaf ? -1 : (int32_t)t % 2;
			f->threshold[k] = leaf ? 0 : (float)(i / 2);
			f->left[k] = leaf ? 0 : (int32_t)i + 1;
			f->right[k] = leaf ? 0 : (int32_t)i + 2;
			f->n_samples[k] = leaf ? 1 : depth[t] + 1 - i / 2;
		}
	}
	f->tree_start[n_trees] = k;
	assert_int_equal(forest_check(f, &err), 0);
	return f;
}

static void chains_do_not_blow_up(void **state)
{
	static const uint32_t deep[] = {100000, 3};
	uint32_t many[2000];
	struct error err = ERROR_INIT;
	struct forest *f = chains(deep, 2);
	float x[] = {-1, 0, 2, 0, 99998.5F, 0, 99999.5F, 0, 31.5F, 7};
	static const double edges[] = {1 + 1, 3 + 1, 100000 + 1, 100000 + 1, 33 + 3};
	double s[6];

	(void)state;
	for (const char *const *kernel = forest_kernels(); *kernel; kernel++) {
		if (!score(f, *kernel, x, 5, 2, s)) {
			assert_string_equal(*kernel, "avx512");
			continue;
		}
		for (size_t i = 0; i < 5; i++)
			assert_true(s[i] == math_exp2(-(edges[i] / (2 * forest_c(256)))));
	}

	struct forest_plan *plan = forest_plan_new(f, "auto", &err);

	assert_non_null(plan);
	assert_string_equal(forest_plan_kernel(plan), "interleaved");
	forest_plan_free(plan);
	forest_free(f);

	for (size_t i = 0; i < 2000; i++) /* as perfect trees 4096 places each for 25 nodes */
		many[i] = 12;
	f = chains(many, 2000);
	assert_null(forest_plan_new(f, "avx512", &err));
	plan = forest_plan_new(f, "auto", &err);
	assert_non_null(plan);
	assert_string_equal(forest_plan_kernel(plan), "interleaved");
	forest_plan_free(plan);
	forest_free(f);
}

/* Two trees by hand: {x0 <= 1: a leaf of 3 rows; else a leaf of 1} and a leaf of 4 rows. */
static void scores_are_the_papers(void **state)
{
	struct error err = ERROR_INIT;
	struct forest *f = forest_new(2, 4, &err);
	float x[] = {1, nextafterf(1, 2), NAN};
	double s[4], c3 = forest_c(3), c4 = forest_c(4);

	(void)state;
	assert_non_null(f);
	f->n_features = 1;
	f->max_samples = 4;
	f->tree_start[1] = 3;
	f->tree_start[2] = 4;
	memcpy(f->feature, (int32_t[]){0, -1, -1, -1}, 4 * sizeof(int32_t));
	f->left[0] = 1;
	f->right[0] = 2;
	f->threshold[0] = 1;
	memcpy(f->n_samples, (uint32_t[]){4, 3, 1, 4}, 4 * sizeof(uint32_t));
	assert_int_equal(forest_check(f, &err), 0);
	for (const char *const *kernel = forest_kernels(); *kernel; kernel++) {
		f->missing_left[0] = 0;
		assert_true(score(f, *kernel, x, 3, 1, s));
		assert_true(s[0] == math_exp2(-((1 + c3 + c4) / (2 * c4))));
		assert_true(s[1] == math_exp2(-((1 + c4) / (2 * c4))));
		assert_true(s[2] == s[1]);
		f->missing_left[0] = 1;
		assert_true(score(f, *kernel, x, 3, 1, s));
		assert_true(s[2] == s[0]);
	}
	f->max_samples = 1; /* c(1) = 0: the quotient is 1 */
	assert_true(score(f, "auto", x, 3, 1, s));
	assert_true(s[0] == 0.5 && s[1] == 0.5 && s[2] == 0.5);
	assert_true(score(f, "auto", x, 0, 1, s));
	forest_free(f);
}

static void kernels_are_chosen_by_name(void **state)
{
	struct error err = ERROR_INIT;
	struct forest *f = fit(3, 5, 64);
	struct forest_plan *plan = forest_plan_new(f, "auto", &err);

	(void)state;
	assert_non_null(plan);
	assert_string_equal(forest_plan_kernel(plan), forest_kernels()[0]);
	forest_plan_free(plan);
	for (int empty = 0; empty <= 1; empty++) { /* no variable, or an empty one */
		plan = forest_plan_new(f, empty ? "" : NULL, &err);
		assert_non_null(plan);
		forest_plan_free(plan);
	}
	for (const char *const *kernel = forest_kernels(); *kernel; kernel++) {
		plan = forest_plan_new(f, *kernel, &err);
		assert_non_null(plan);
		assert_string_equal(forest_plan_kernel(plan), *kernel);
		forest_plan_free(plan);
	}
	assert_null(forest_plan_new(f, "neon", &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_string_equal(err.what, "kernel 'neon': unknown");
	forest_plan_free(NULL);
	forest_free(f);
}

static int plan_auto(void *forest, struct error *err)
{
	struct forest_plan *plan = forest_plan_new(forest, "auto", err);

	forest_plan_free(plan);
	return plan ? 0 : -1;
}

static int plan_interleaved(void *forest, struct error *err)
{
	struct forest_plan *plan = forest_plan_new(forest, "interleaved", err);

	forest_plan_free(plan);
	return plan ? 0 : -1;
}

static void no_memory(void **state)
{
	struct forest *f = fit(3, 5, 64);

	(void)state;
	assert_int_equal(alloc_fail_each(plan_auto, f), 6);
	assert_int_equal(alloc_fail_each(plan_interleaved, f), 6);
	forest_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_agree_on_fitted_forests),
		cmocka_unit_test(kernels_agree_at_every_depth),
		cmocka_unit_test(kernels_agree_on_odd_shapes),
		cmocka_unit_test(chains_do_not_blow_up),
		cmocka_unit_test(scores_are_the_papers),
		cmocka_unit_test(kernels_are_chosen_by_name),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
