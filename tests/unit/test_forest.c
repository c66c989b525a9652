#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/rng.h"
#include "lib/model/forest.h"
#include "tests/unit/alloc_fail.h"

static void c_is_the_papers(void **state)
{
	(void)state;
	assert_true(forest_c(0) == 0);
	assert_true(forest_c(1) == 0);
	assert_true(forest_c(2) == 1);
	/* scikit-learn 1.9.1, _average_path_length */
	assert_true(fabs(forest_c(3) - 1.207392357589623) < 1e-15);
	assert_true(fabs(forest_c(256) - 10.244770920119917) < 4e-15);
	assert_true(fabs(forest_c(4294967295) - 43.515850885173904) < 2e-14);
}

/*
 * Two trees over 3 features, 7 rows each:
 *
 *          0                 0 (a leaf)
 *       1     4
 *      2 3
 */
static struct forest *example(void)
{
	struct error err = ERROR_INIT;
	struct forest *f = forest_new(2, 6, &err);

	assert_non_null(f);
	f->n_features = 3;
	f->max_samples = 7;
	memcpy(f->tree_start, (uint64_t[]){0, 5, 6}, 3 * sizeof(uint64_t));
	memcpy(f->feature, (int32_t[]){2, 0, -1, -1, -1, -1}, 6 * sizeof(int32_t));
	memcpy(f->left, (int32_t[]){1, 2, 0, 0, 0, 0}, 6 * sizeof(int32_t));
	memcpy(f->right, (int32_t[]){4, 3, 0, 0, 0, 0}, 6 * sizeof(int32_t));
	memcpy(f->threshold, (float[]){1.5F, -2, 0, 0, 0, 0}, 6 * sizeof(float));
	memcpy(f->n_samples, (uint32_t[]){7, 5, 1, 4, 2, 7}, 6 * sizeof(uint32_t));
	f->missing_left[0] = 1;
	return f;
}

static void a_forest_passes_and_gets_its_depth(void **state)
{
	struct error err = ERROR_INIT;
	struct forest *f = example();

	(void)state;
	f->max_depth = 99;
	assert_int_equal(forest_check(f, &err), 0);
	assert_int_equal(f->max_depth, 2);
	forest_free(f);
	forest_free(NULL);
}

enum field {
	N_TREES,
	N_FEATURES,
	MAX_SAMPLES,
	N_NODES,
	TREE_START,
	FEATURE,
	LEFT,
	RIGHT,
	THRESHOLD,
	N_SAMPLES,
	MISSING_LEFT,
};

static void set(struct forest *f, enum field field, size_t i, double value)
{
	switch (field) {
	case N_TREES:
		f->n_trees = (uint32_t)value;
		break;
	case N_FEATURES:
		f->n_features = (uint32_t)value;
		break;
	case MAX_SAMPLES:
		f->max_samples = (uint32_t)value;
		break;
	case N_NODES:
		f->n_nodes = (uint64_t)value;
		break;
	case TREE_START:
		f->tree_start[i] = (uint64_t)value;
		break;
	case FEATURE:
		f->feature[i] = (int32_t)value;
		break;
	case LEFT:
		f->left[i] = (int32_t)value;
		break;
	case RIGHT:
		f->right[i] = (int32_t)value;
		break;
	case THRESHOLD:
		f->threshold[i] = (float)value;
		break;
	case N_SAMPLES:
		f->n_samples[i] = (uint32_t)value;
		break;
	case MISSING_LEFT:
		f->missing_left[i] = (uint8_t)value;
		break;
	}
}

static void each_fault_is_named(void **state)
{
	static const struct {
		enum field field;
		size_t i;
		double value;
		const char *message;
	} cases[] = {
		{N_TREES, 0, 0, "forest has 0 trees, not 1 to 1000000"},
		{N_TREES, 0, 1000001, "forest has 1000001 trees, not 1 to 1000000"},
		{N_FEATURES, 0, 0, "forest has 0 features, not 1 to 2147483647"},
		{N_FEATURES, 0, 2147483648, "forest has 2147483648 features, not 1 to 2147483647"},
		{MAX_SAMPLES, 0, 0, "forest has a sub-sample size of 0"},
		{N_NODES, 0, 7, "trees do not cover the 7 nodes"},
		{TREE_START, 0, 1, "trees do not cover the 6 nodes"},
		{TREE_START, 1, 0, "tree 0 begins or ends out of range"},
		{TREE_START, 1, 6, "tree 1 begins or ends out of range"},
		{TREE_START, 1, 1e15, "tree 0 begins or ends out of range"},
		{FEATURE, 1, 3, "tree 0, node 1 has a feature out of range"},
		{FEATURE, 1, -2, "tree 0, node 1 has a feature out of range"},
		{FEATURE, 0, -1, "tree 0, node 0 has children, and no feature"},
		{FEATURE, 1, -1, "tree 0, node 1 has children, and no feature"},
		{FEATURE, 5, 0, "tree 1, node 0 has a child that does not follow it"},
		{LEFT, 4, 1, "tree 0, node 4 has children, and no feature"},
		{LEFT, 0, 5, "tree 0, node 0 has a child out of range"},
		{RIGHT, 0, 5, "tree 0, node 0 has a child out of range"},
		{RIGHT, 0, -1, "tree 0, node 0 has a child out of range"},
		{LEFT, 1, 1, "tree 0, node 1 has a child that does not follow it"},
		{RIGHT, 1, 0, "tree 0, node 1 has a child that does not follow it"},
		{THRESHOLD, 0, INFINITY, "tree 0, node 0 has a threshold that is not finite"},
		{THRESHOLD, 1, NAN, "tree 0, node 1 has a threshold that is not finite"},
		{THRESHOLD, 5, NAN, "tree 1, node 0 has a threshold that is not finite"},
		{N_SAMPLES, 5, 0, "tree 1, node 0 has no training rows"},
		{N_SAMPLES, 1, 4,
		 "tree 0, node 0 has training rows that are not the sum of its children's"},
		{N_SAMPLES, 3, 5,
		 "tree 0, node 1 has training rows that are not the sum of its children's"},
		{MISSING_LEFT, 1, 2,
		 "tree 0, node 1 has a direction of missing values that is neither 0 nor 1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = ERROR_INIT;
		struct forest *f = example();

		set(f, cases[i].field, cases[i].i, cases[i].value);
		assert_int_equal(forest_check(f, &err), -1);
		assert_string_equal(err.what, cases[i].message);
		assert_int_equal(err.kind, ERROR_CONFIG);
		forest_free(f);
	}
}

/* Faults of shape, with counts that add up all the same. */
static void two_parents_and_orphans(void **state)
{
	struct error err = ERROR_INIT;
	struct forest *f = example();

	(void)state;
	f->left[1] = 3; /* both children are node 3 */
	f->n_samples[0] = 10;
	f->n_samples[1] = 8;
	assert_int_equal(forest_check(f, &err), -1);
	assert_string_equal(err.what, "tree 0, node 1 has a child that has another parent");
	forest_free(f);

	f = example();
	f->left[1] = 4; /* node 4 is node 0's too */
	f->n_samples[1] = 6;
	f->n_samples[0] = 8;
	assert_int_equal(forest_check(f, &err), -1);
	assert_string_equal(err.what, "tree 0, node 1 has a child that has another parent");
	forest_free(f);

	f = example();
	f->feature[1] = -1; /* nodes 2 and 3 are nobody's */
	f->left[1] = f->right[1] = 0;
	assert_int_equal(forest_check(f, &err), -1);
	assert_string_equal(err.what, "tree 0, node 2 has no parent");
	forest_free(f);
}

/* Sums of 32 bits that wrap around must not pass. */
static void counts_do_not_wrap(void **state)
{
	struct error err = ERROR_INIT;
	struct forest *f = example();

	(void)state;
	f->n_samples[2] = UINT32_MAX;
	f->n_samples[3] = 6;
	assert_int_equal(forest_check(f, &err), -1);
	forest_free(f);
}

/* 100,000 deep: neither recursion nor quadratic work. */
static void a_chain_passes(void **state)
{
	const uint32_t depth = 100000;
	struct error err = ERROR_INIT;
	struct forest *f = forest_new(1, 2 * depth + 1, &err);

	(void)state;
	assert_non_null(f);
	f->n_features = 1;
	f->max_samples = depth + 1;
	f->tree_start[1] = f->n_nodes;
	for (uint32_t i = 0; i <= 2 * depth; i++) {
		bool leaf = i % 2 == 1 || i == 2 * depth;

		f->feature[i] = leaf ? -1 : 0;
		f->left[i] = leaf ? 0 : (int32_t)i + 1;
		f->right[i] = leaf ? 0 : (int32_t)i + 2;
		f->n_samples[i] = leaf ? 1 : depth + 1 - i / 2;
	}
	assert_int_equal(forest_check(f, &err), 0);
	assert_int_equal(f->max_depth, depth);
	forest_free(f);
}

static int new_and_check(void *arg, struct error *err)
{
	struct forest *f = forest_new(1, 1, err);
	int rc = -1;

	(void)arg;
	if (!f)
		return -1;
	f->n_features = f->max_samples = 1;
	f->tree_start[1] = 1;
	f->feature[0] = -1;
	f->n_samples[0] = 1;
	rc = forest_check(f, err);
	forest_free(f);
	return rc;
}

static void no_memory(void **state)
{
	(void)state;
	assert_int_equal(alloc_fail_each(new_and_check, NULL), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(c_is_the_papers),
		cmocka_unit_test(a_forest_passes_and_gets_its_depth),
		cmocka_unit_test(each_fault_is_named),
		cmocka_unit_test(two_parents_and_orphans),
		cmocka_unit_test(counts_do_not_wrap),
		cmocka_unit_test(a_chain_passes),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
