#include "lib/model/forest.h"

#include <math.h>
#include <stdlib.h>
#include "lib/base/mathfn.h"
#include "lib/base/mem.h"

double forest_c(uint64_t n)
{
	const double euler_gamma = 0.57721566490153286061;

	if (n <= 1)
		return 0;
	if (n == 2)
		return 1;

	double m = (double)(n - 1);
	return 2 * (math_log(m) + euler_gamma) - 2 * m / (double)n;
}

struct forest *forest_new(uint32_t n_trees, uint64_t n_nodes, struct error *err)
{
	struct forest *f = mem_alloc(1, sizeof(*f), err);

	if (!f)
		return NULL;
	f->n_trees = n_trees;
	f->n_nodes = n_nodes;
	if (!(f->tree_start = mem_alloc((size_t)n_trees + 1, sizeof(*f->tree_start), err)) ||
	    !(f->feature = mem_alloc(n_nodes, sizeof(*f->feature), err)) ||
	    !(f->left = mem_alloc(n_nodes, sizeof(*f->left), err)) ||
	    !(f->right = mem_alloc(n_nodes, sizeof(*f->right), err)) ||
	    !(f->threshold = mem_alloc(n_nodes, sizeof(*f->threshold), err)) ||
	    !(f->n_samples = mem_alloc(n_nodes, sizeof(*f->n_samples), err)) ||
	    !(f->missing_left = mem_alloc(n_nodes, sizeof(*f->missing_left), err))) {
		forest_free(f);
		return NULL;
	}
	return f;
}

void forest_free(struct forest *f)
{
	if (!f)
		return;
	free(f->tree_start);
	free(f->feature);
	free(f->left);
	free(f->right);
	free(f->threshold);
	free(f->n_samples);
	free(f->missing_left);
	free(f);
}

/* What is wrong with node i of [0, n) of the tree at `start`, seen from the node alone, or NULL. */
static const char *node_fault(const struct forest *f, uint64_t start, uint32_t i, uint32_t n)
{
	uint64_t k = start + i;
	int32_t left = f->left[k], right = f->right[k];

	if (!isfinite(f->threshold[k]))
		return "a threshold that is not finite";
	if (f->missing_left[k] > 1)
		return "a direction of missing values that is neither 0 nor 1";
	if (f->n_samples[k] == 0)
		return "no training rows";
	if (f->feature[k] == -1)
		return left || right ? "children, and no feature" : NULL;
	if (f->feature[k] < 0 || (uint32_t)f->feature[k] >= f->n_features)
		return "a feature out of range";
	if (left < 0 || right < 0 || (uint32_t)left >= n || (uint32_t)right >= n)
		return "a child out of range";
	if ((uint32_t)left <= i || (uint32_t)right <= i)
		return "a child that does not follow it";
	if ((uint64_t)f->n_samples[start + (uint32_t)left] +
		    f->n_samples[start + (uint32_t)right] !=
	    f->n_samples[k])
		return "training rows that are not the sum of its children's";
	return NULL;
}

/*
 * Parents come before children, so one pass sees every node's parent before the node. depth[i] is
 * 1 + the depth of node i, 0 while no parent has named it.
 */
static int tree_check(struct forest *f, uint32_t tree, uint32_t *depth, struct error *err)
{
	uint64_t start = f->tree_start[tree];
	uint32_t n = (uint32_t)(f->tree_start[tree + 1] - start);

	for (uint32_t i = 0; i < n; i++)
		depth[i] = i == 0;
	for (uint32_t i = 0; i < n; i++) {
		const char *fault = node_fault(f, start, i, n);

		if (!fault && !depth[i])
			fault = "no parent";
		if (!fault && f->feature[start + i] >= 0) {
			uint32_t *left = &depth[f->left[start + i]];
			uint32_t *right = &depth[f->right[start + i]];

			if (*left || *right || left == right)
				fault = "a child that has another parent";
			*left = *right = depth[i] + 1;
		}
		if (fault)
			return error_set(err, ERROR_CONFIG, "tree %u, node %u has %s", tree, i,
					 fault);
		if (depth[i] - 1 > f->max_depth)
			f->max_depth = depth[i] - 1;
	}
	return 0;
}

int forest_check(struct forest *f, struct error *err)
{
	uint64_t largest = 0;

	f->max_depth = 0;
	if (f->n_trees < 1 || f->n_trees > FOREST_TREES_MAX)
		return error_set(err, ERROR_CONFIG, "forest has %u trees, not 1 to %u", f->n_trees,
				 FOREST_TREES_MAX);
	if (f->n_features < 1 || f->n_features > INT32_MAX)
		return error_set(err, ERROR_CONFIG, "forest has %u features, not 1 to %d",
				 f->n_features, INT32_MAX);
	if (f->max_samples < 1)
		return error_set(err, ERROR_CONFIG, "forest has a sub-sample size of 0");
	if (f->tree_start[0] != 0 || f->tree_start[f->n_trees] != f->n_nodes)
		return error_set(err, ERROR_CONFIG, "trees do not cover the %llu nodes",
				 (unsigned long long)f->n_nodes);
	for (uint32_t t = 0; t < f->n_trees; t++) {
		uint64_t n = f->tree_start[t + 1] - f->tree_start[t];

		if (f->tree_start[t + 1] <= f->tree_start[t] || f->tree_start[t + 1] > f->n_nodes ||
		    n > INT32_MAX)
			return error_set(err, ERROR_CONFIG, "tree %u begins or ends out of range",
					 t);
		if (n > largest)
			largest = n;
	}

	uint32_t *depth = mem_alloc(largest, sizeof(*depth), err);
	int rc = depth ? 0 : -1;

	for (uint32_t t = 0; t < f->n_trees && rc == 0; t++)
		rc = tree_check(f, t, depth, err);
	free(depth);
	return rc;
}
