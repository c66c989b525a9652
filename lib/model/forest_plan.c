#include "lib/model/forest_plan.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/mathfn.h"

/* Best first. */
static const struct kernel *const kernels[] = {&kernel_scalar};

#define N_KERNELS (sizeof(kernels) / sizeof(*kernels))

const char *const *forest_kernels(void)
{
	static const char *const names[] = {"scalar", NULL};

	return names;
}

static int plan_init(struct forest_plan *plan, const char *kernel, struct error *err)
{
	bool automatic = !kernel || strcmp(kernel, "auto") == 0;

	for (size_t i = 0; i < N_KERNELS; i++) {
		if (!automatic && strcmp(kernel, kernels[i]->name) != 0)
			continue;
		plan->kernel = kernels[i];
		if (!kernels[i]->available()) {
			if (automatic)
				continue;
			return error_set(err, ERROR_CONFIG, "kernel '%s': not on this processor",
					 kernel);
		}

		int rc = kernels[i]->lay_out(plan, err);

		if (rc < 0 && automatic && err->kind == ERROR_CONFIG)
			continue;
		return rc;
	}
	return error_set(err, ERROR_CONFIG, "kernel '%s': unknown", kernel);
}

struct forest_plan *forest_plan_new(const struct forest *forest, const char *kernel,
				    struct error *err)
{
	struct forest_plan *plan = mem_alloc(1, sizeof(*plan), err);

	if (!plan)
		return NULL;
	plan->forest = forest;
	plan->denominator = forest->n_trees * forest_c(forest->max_samples);
	if (!(plan->small_c = mem_alloc(FOREST_SMALL_C, sizeof(*plan->small_c), err)))
		goto fail;
	for (uint32_t n = 0; n < FOREST_SMALL_C; n++)
		plan->small_c[n] = forest_c(n);
	if (plan_init(plan, kernel, err) < 0)
		goto fail;
	return plan;
fail:
	forest_plan_free(plan);
	return NULL;
}

void forest_plan_free(struct forest_plan *plan)
{
	if (!plan)
		return;
	free(plan->small_c);
	free(plan->layout);
	free(plan);
}

const char *forest_plan_kernel(const struct forest_plan *plan)
{
	return plan->kernel->name;
}

size_t forest_plan_scratch(const struct forest_plan *plan)
{
	return plan->scratch;
}

void forest_plan_score(const struct forest_plan *plan, const float *x, size_t n_rows, size_t stride,
		       double *score, void *scratch)
{
	plan->kernel->depths(plan, x, n_rows, stride, score, scratch);
	for (size_t i = 0; i < n_rows; i++) {
		double quotient = plan->denominator > 0 ? score[i] / plan->denominator : 1;

		score[i] = math_exp2(-quotient);
	}
}
