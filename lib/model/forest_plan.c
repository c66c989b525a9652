#include "lib/model/forest_plan.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/mathfn.h"

/* Best first. */
static const struct kernel *const kernels[] = {&kernel_avx512, &kernel_interleaved, &kernel_scalar};

#define N_KERNELS (sizeof(kernels) / sizeof(*kernels))

const char *const *forest_kernels(void)
{
	static const char *const names[N_KERNELS + 1] = {"avx512", "interleaved", "scalar"};

	return names + !kernel_avx512.available(); /* the others run everywhere */
}

static void drop_layout(struct forest_plan *plan)
{
	free(plan->trees);
	free(plan->nodes);
	free(plan->values);
	plan->trees = plan->nodes = plan->values = NULL;
}

/* By name: that kernel or an error. */
static int lay_out(struct forest_plan *plan, const char *name, struct error *err)
{
	for (size_t i = 0; i < N_KERNELS; i++) {
		if (strcmp(name, kernels[i]->name) != 0)
			continue;
		if (!kernels[i]->available())
			return error_set(err, ERROR_CONFIG, "kernel '%s': not on this processor",
					 name);
		plan->kernel = kernels[i];
		if (kernels[i]->lay_out(plan, err) == 0)
			return 0;
		drop_layout(plan);
		return -1;
	}
	return error_set(err, ERROR_CONFIG, "kernel '%s': unknown", name);
}

/* The best that does not refuse the forest. Scalar never does. */
static int lay_out_best(struct forest_plan *plan, struct error *err)
{
	struct error refusal = ERROR_INIT;

	for (size_t i = 0; i < N_KERNELS; i++) {
		if (lay_out(plan, kernels[i]->name, &refusal) == 0)
			return 0;
		if (refusal.kind != ERROR_CONFIG)
			break;
	}
	*err = refusal;
	return -1;
}

struct forest_plan *forest_plan_new(const struct forest *forest, const char *kernel,
				    struct error *err)
{
	struct forest_plan *plan = mem_alloc(1, sizeof(*plan), err);
	int rc;

	if (!plan)
		return NULL;
	plan->forest = forest;
	plan->denominator = forest->n_trees * forest_c(forest->max_samples);
	for (uint32_t n = 0; n < SMALL_C; n++)
		plan->small_c[n] = forest_c(n);
	if (!kernel || !*kernel || strcmp(kernel, "auto") == 0)
		rc = lay_out_best(plan, err);
	else
		rc = lay_out(plan, kernel, err);
	if (rc < 0) {
		forest_plan_free(plan);
		return NULL;
	}
	return plan;
}

void forest_plan_free(struct forest_plan *plan)
{
	if (!plan)
		return;
	drop_layout(plan);
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

bool rows_have_missing(const float *x, size_t n_rows, size_t stride, size_t n_features)
{
	typedef float floats __attribute__((vector_size(16)));
	typedef int32_t ints __attribute__((vector_size(16)));
	ints missing = {0};

	for (size_t i = 0; i < n_rows; i++, x += stride) {
		size_t j = 0;
		floats v;

		for (; j + 4 <= n_features; j += 4) {
			memcpy(&v, x + j, sizeof(v));
			missing |= v != v;
		}
		for (; j < n_features; j++)
			missing[0] |= x[j] != x[j];
	}
	return missing[0] || missing[1] || missing[2] || missing[3];
}
