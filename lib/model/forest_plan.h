/*
 * Inside forest plans: what the kernels share. For forest_plan.c and kernel_*.c alone.
 */
#ifndef MODEL_FOREST_PLAN_H
#define MODEL_FOREST_PLAN_H

#include "lib/base/mem.h"
#include "lib/model/forest.h"

/*
 * A kernel writes h(x) of any number of rows. All of them add the same float64 leaf values in
 * tree order, so their bits are equal.
 */
struct kernel {
	const char *name;
	bool (*available)(void); /* on this CPU */

	/* Lays the forest out. -1, with ERROR_CONFIG if this kernel cannot run it. */
	int (*lay_out)(struct forest_plan *plan, struct error *err);

	void (*depths)(const struct forest_plan *plan, const float *x, size_t n_rows, size_t stride,
		       double *depth, void *scratch);
};

extern const struct kernel kernel_scalar, kernel_interleaved, kernel_avx512;

#define SMALL_C 512

struct forest_plan {
	const struct forest *forest;
	const struct kernel *kernel;
	double denominator;      /* T c(psi) */
	double small_c[SMALL_C]; /* c(n) */

	/* The kernel's layout; NULL what it has no use for. Freed with the plan, or when laying out
	 * failed. */
	void *trees;
	void *nodes;
	double *values; /* of leaves */
	size_t scratch; /* bytes */
};

/* What a leaf adds to h(x). */
static inline double leaf_value(const struct forest_plan *plan, uint32_t edges, uint32_t n_samples)
{
	return edges + (n_samples < SMALL_C ? plan->small_c[n_samples] : forest_c(n_samples));
}

/* Whether any of the rows has a NaN. */
bool rows_have_missing(const float *x, size_t n_rows, size_t stride, size_t n_features);

#endif
