/* One row, one tree, one node at a time, from the forest as it is: what the others must equal. */
#include "lib/model/forest_plan.h"

static bool available(void)
{
	return true;
}

static int lay_out(struct forest_plan *plan, struct error *err)
{
	(void)plan;
	(void)err;
	return 0;
}

static double row_depth(const struct forest_plan *plan, const float *x)
{
	const struct forest *f = plan->forest;
	double depth = 0;

	for (uint32_t t = 0; t < f->n_trees; t++) {
		uint64_t start = f->tree_start[t], i = start;
		uint32_t edges = 0;

		for (; f->feature[i] >= 0; edges++) {
			float v = x[f->feature[i]];
			bool left = v <= f->threshold[i] || (v != v && f->missing_left[i]);

			i = start + (uint32_t)(left ? f->left[i] : f->right[i]);
		}
		depth += leaf_value(plan, edges, f->n_samples[i]);
	}
	return depth;
}

static void depths(const struct forest_plan *plan, const float *x, size_t n_rows, size_t stride,
		   double *depth, void *scratch)
{
	(void)scratch;
	for (size_t i = 0; i < n_rows; i++)
		depth[i] = row_depth(plan, x + i * stride);
}

const struct kernel kernel_scalar = {"scalar", available, lay_out, depths};
