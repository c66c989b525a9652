/*
 * Isolation forest: F. T. Liu, K. M. Ting, Z.-H. Zhou, "Isolation Forest" (ICDM 2008), with
 * the choices of scikit-learn's IsolationForest where the paper leaves them open.
 *
 * A tree isolates a sub-sample of psi rows: at each node a feature that is not constant there (max
 * > min + 1e-7f) is drawn, and a threshold uniform in [min, max); x <= threshold goes left. A node
 * is a leaf at depth ceil(log2(max(psi, 2))), with fewer than two rows, or when all features are
 * constant.
 *
 *     h(x) = sum over trees of (edges to x's leaf + c(rows in that leaf)), float64, in tree order
 *     s(x) = 2 ^ -(h(x) / (T c(psi))), in (0, 1]; Liu's eq. 2
 *     c(n) = 0 for n <= 1, 1 for n = 2, else 2 (ln(n - 1) + gamma) - 2 (n - 1) / n; Liu's eq. 1
 *
 * A denominator of zero makes the quotient 1. Rows are finite float32; NaN is a missing value and
 * goes the way its node says: in fitting, all missing values of a node by one coin, and where it
 * saw none, to the larger part. A forest is read-only after it was made: any number of threads may
 * use it.
 */
#ifndef MODEL_FOREST_H
#define MODEL_FOREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

#define FOREST_TREES_MAX 1000000
#define FOREST_SAMPLES_MAX (UINT32_C(1) << 30) /* fitting; a loaded forest may name more */

/*
 * Trees stand one behind the other; tree t has nodes [tree_start[t], tree_start[t + 1]), root
 * first. A child's index is relative to its tree's start and greater than its parent's; every node
 * but the root has exactly one parent (forest_check holds this, so walks end).
 */
struct forest {
	uint32_t n_trees;     /* T, 1 to FOREST_TREES_MAX */
	uint32_t n_features;  /* columns of a row */
	uint32_t max_samples; /* psi, the sub-sample size */
	uint32_t max_depth;   /* edges from a root to its deepest leaf, as found in the trees */
	uint64_t n_nodes;
	uint64_t *tree_start;  /* [n_trees + 1] */
	int32_t *feature;      /* [n_nodes], -1 at a leaf */
	int32_t *left, *right; /* [n_nodes], 0 at a leaf */
	float *threshold;    /* [n_nodes], finite; a float64 one rounded down parts float32 alike */
	uint32_t *n_samples; /* [n_nodes], training rows that reached the node, >= 1 */
	uint8_t *missing_left; /* [n_nodes], 1: NaN goes left */
};

/* c(n) of the paper. */
double forest_c(uint64_t n);

struct forest_options {
	uint32_t n_trees;
	uint32_t max_samples;  /* at most n_rows; drawn without replacement */
	uint32_t max_features; /* columns a tree may use, drawn anew for each; 1 to n_features */
	uint64_t seed;         /* tree t draws from its stream t: bits do not depend on threads */
	unsigned n_threads;    /* >= 1 */
};

/* Where fitting gets its rows: writes n_features float32 of row i. Called from all threads. */
typedef void forest_row_fn(const void *context, uint64_t i, float *out);

/*
 * Fits. A thread needs max_samples x n_features float32 beside its trees. NULL with ERROR_USAGE for
 * options out of range, with ERROR_UNAVAILABLE when there is no memory.
 */
struct forest *forest_fit(const struct forest_options *options, uint64_t n_rows,
			  uint32_t n_features, forest_row_fn *row, const void *context,
			  struct error *err);

/* An empty forest with room for trees and nodes, for a loader to fill. */
struct forest *forest_new(uint32_t n_trees, uint64_t n_nodes, struct error *err);
void forest_free(struct forest *forest);

/*
 * Refuses (ERROR_CONFIG, naming tree and node) what is not a forest: indexes out of range, cycles,
 * orphans, two parents, thresholds that are not finite, counts of zero or children's counts that do
 * not add up to their parent's. Sets max_depth. Linear, with 4 bytes a node of the largest tree.
 */
int forest_check(struct forest *forest, struct error *err);

/*
 * A forest laid out for scoring by one kernel. All kernels give the same bits. "auto" takes the
 * best that this CPU and this forest allow; others by name, for tests and the SENSORUTILS_KERNEL
 * variable: "scalar" (any CPU, any forest), "interleaved" (any CPU), "avx512". A name that is
 * unknown or that this CPU or forest cannot run is ERROR_CONFIG; NULL and "" are "auto". n_rows a
 * call may be anything; multiples of 128 are best. The plan reads the forest, which must outlive
 * it.
 */
struct forest_plan;
struct forest_plan *forest_plan_new(const struct forest *forest, const char *kernel,
				    struct error *err);
void forest_plan_free(struct forest_plan *plan);
const char *forest_plan_kernel(const struct forest_plan *plan);

/* The names above that this CPU runs, NULL-terminated. */
const char *const *forest_kernels(void);

/*
 * Scores rows: x is row-major, n_rows x n_features with `stride` floats from row to row (>=
 * n_features). score[i] = s(x_i). scratch: forest_plan_scratch(plan) bytes, 64-byte aligned, one a
 * thread. Never fails.
 */
size_t forest_plan_scratch(const struct forest_plan *plan);
void forest_plan_score(const struct forest_plan *plan, const float *x, size_t n_rows, size_t stride,
		       double *score, void *scratch);

#endif
