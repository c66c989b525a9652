/*
 * Inside forest plans: what kernels share. For lib/model/forest_plan.c and lib/model/kernel_*.c
 * alone.
 */
#ifndef MODEL_FOREST_PLAN_H
#define MODEL_FOREST_PLAN_H

#include "lib/base/mem.h"
#include "lib/model/forest.h"

/*
 * A kernel writes h(x), eq. 1 of forest.h, for any number of rows. All of them add float64 leaf
 * values (forest_leaf) in tree order, so their bits are equal.
 */
struct kernel {
	const char *name;
	bool (*available)(void); /* on this CPU */
	/* Lays the forest out at plan->layout. -1 with ERROR_CONFIG: not for this forest. */
	int (*lay_out)(struct forest_plan *plan, struct error *err);
	void (*depths)(const struct forest_plan *plan, const float *x, size_t n_rows, size_t stride,
		       double *depth, void *scratch);
};

struct forest_plan {
	const struct forest *forest;
	const struct kernel *kernel;
	double denominator; /* T c(psi) */
	void *layout;       /* the kernel's own, one block of memory */
	size_t scratch;     /* bytes */
	double *small_c;    /* c(n), n < FOREST_SMALL_C */
};

#define FOREST_SMALL_C 512

/* What a leaf adds to h(x). */
static inline double forest_leaf(const struct forest_plan *plan, uint32_t edges, uint32_t n_samples)
{
	return edges +
	       (n_samples < FOREST_SMALL_C ? plan->small_c[n_samples] : forest_c(n_samples));
}

extern const struct kernel kernel_scalar;

#endif
