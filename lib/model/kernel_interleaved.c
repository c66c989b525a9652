/*
 * Portable: 16 rows walk a tree side by side without branches, so that the loads of one hide
 * behind those of the others. Children lie side by side: the next node is child + (x > threshold).
 * A leaf's child is itself and its threshold +inf, so that rows which have arrived stay until all
 * have.
 */
#include <math.h>
#include <stdlib.h>
#include "lib/model/forest_plan.h"

#define ROWS 16
#define UNROLL _Pragma("GCC unroll 16")
#define SETTLE 16 /* steps after which to look whether all have arrived: trees may be lopsided */

struct node {
	float threshold;
	uint32_t feature;
	uint32_t child;
	uint32_t mark; /* lowest bit: NaN goes right; at a leaf, 2 x its place in values, which has
			  none */
};

struct tree {
	uint64_t node, value; /* where its own begin */
	uint32_t depth;
};

static bool available(void)
{
	return true;
}

/* Breadth first. from[i] becomes the forest's index of our node i, edges[i] its depth. */
static void lay_out_tree(struct forest_plan *plan, uint32_t t, uint32_t *from, uint32_t *edges)
{
	const struct forest *f = plan->forest;
	struct tree *tree = (struct tree *)plan->trees + t;
	struct node *nodes = (struct node *)plan->nodes + tree->node;
	double *values = plan->values + tree->value;
	uint64_t start = f->tree_start[t];
	uint32_t n = (uint32_t)(f->tree_start[t + 1] - start);
	uint32_t n_values = 0, n_queued = 1;

	from[0] = edges[0] = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t k = start + from[i];

		if (f->feature[k] < 0) {
			nodes[i] = (struct node){INFINITY, 0, i, 2 * n_values};
			values[n_values++] = leaf_value(plan, edges[i], f->n_samples[k]);
			tree->depth = edges[i];
			continue;
		}
		nodes[i] = (struct node){f->threshold[k], (uint32_t)f->feature[k], n_queued,
					 !f->missing_left[k]};
		from[n_queued] = (uint32_t)f->left[k];
		from[n_queued + 1] = (uint32_t)f->right[k];
		edges[n_queued] = edges[n_queued + 1] = edges[i] + 1;
		n_queued += 2;
	}
}

static int lay_out(struct forest_plan *plan, struct error *err)
{
	const struct forest *f = plan->forest;
	uint64_t n_values = 0, largest = 0;
	uint32_t *from = NULL, *edges = NULL;
	struct tree *trees;
	int rc = -1;

	if (!(plan->trees = mem_alloc(f->n_trees, sizeof(struct tree), err)) ||
	    !(plan->nodes = mem_alloc_aligned(f->n_nodes, sizeof(struct node), err)))
		return -1;
	trees = plan->trees;
	for (uint32_t t = 0; t < f->n_trees; t++) {
		uint64_t n = f->tree_start[t + 1] - f->tree_start[t];

		trees[t].node = f->tree_start[t];
		trees[t].value = n_values;
		n_values += (n + 1) / 2; /* every other node has two children */
		if (n > largest)
			largest = n;
	}
	if (!(plan->values = mem_alloc(n_values, sizeof(*plan->values), err)) ||
	    !(from = mem_alloc(largest, sizeof(*from), err)) ||
	    !(edges = mem_alloc(largest, sizeof(*edges), err)))
		goto out;
	for (uint32_t t = 0; t < f->n_trees; t++)
		lay_out_tree(plan, t, from, edges);
	rc = 0;
out:
	free(from);
	free(edges);
	return rc;
}

static bool all_arrived(const struct node *nodes, const uint32_t at[ROWS])
{
	uint32_t moving = 0;

	for (int r = 0; r < ROWS; r++)
		moving |= nodes[at[r]].child ^ at[r];
	return !moving;
}

/* missing is a constant where this is called: rows without NaN do not pay for it. */
static inline __attribute__((always_inline)) void
walk(const struct forest_plan *plan, const float *const x[ROWS], double sum[ROWS], bool missing)
{
	const struct tree *trees = plan->trees;

	for (int r = 0; r < ROWS; r++)
		sum[r] = 0;
	for (uint32_t t = 0; t < plan->forest->n_trees; t++) {
		const struct node *nodes = (const struct node *)plan->nodes + trees[t].node;
		const double *values = plan->values + trees[t].value;
		uint32_t at[ROWS] = {0};

		for (uint32_t step = 1; step <= trees[t].depth; step++) {
			UNROLL for (int r = 0; r < ROWS; r++)
			{
				const struct node *node = &nodes[at[r]];
				float v = x[r][node->feature];
				uint32_t right = v > node->threshold;

				if (missing)
					right |= (v != v) & node->mark;
				at[r] = node->child + right;
			}
			if (step % SETTLE == 0 && all_arrived(nodes, at))
				break;
		}
		UNROLL for (int r = 0; r < ROWS; r++) sum[r] += values[nodes[at[r]].mark / 2];
	}
}

static void walk_complete(const struct forest_plan *plan, const float *const x[ROWS],
			  double sum[ROWS])
{
	walk(plan, x, sum, false);
}

static void walk_missing(const struct forest_plan *plan, const float *const x[ROWS],
			 double sum[ROWS])
{
	walk(plan, x, sum, true);
}

static void depths(const struct forest_plan *plan, const float *x, size_t n_rows, size_t stride,
		   double *depth, void *scratch)
{
	(void)scratch;
	for (size_t i = 0; i < n_rows; i += ROWS) {
		size_t n = n_rows - i < ROWS ? n_rows - i : ROWS;
		const float *row[ROWS];
		double sum[ROWS];

		for (size_t r = 0; r < ROWS; r++)
			row[r] = x + (i + (r < n ? r : n - 1)) * stride;
		if (rows_have_missing(row[0], n, stride, plan->forest->n_features))
			walk_missing(plan, row, sum);
		else
			walk_complete(plan, row, sum);
		for (size_t r = 0; r < n; r++)
			depth[i + r] = sum[r];
	}
}

const struct kernel kernel_interleaved = {"interleaved", available, lay_out, depths};
