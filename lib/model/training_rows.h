/*
 * The rows that a model will learn from, as they come: all of them, or a uniform sample of fixed
 * size (algorithm R: J. S. Vitter, "Random Sampling with a Reservoir", 1985), within a bound of
 * memory.
 */
#ifndef MODEL_TRAINING_ROWS_H
#define MODEL_TRAINING_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/rng.h"

/* Bytes that a row may take in training beside 8 for each value: see model_train. */
#define TRAINING_ROW_OVERHEAD 24

struct training_rows {
	size_t width;     /* values a row */
	uint64_t n, seen; /* rows kept, rows offered */
	double *x;        /* [n, width] */
	uint32_t *group;  /* [n] the rows' numbers, with `grouped` */
	bool grouped;
	bool *any;          /* [width] a row offered had a value there; NULL before the first */
	uint64_t reservoir; /* sample size; 0: all rows are kept */
	uint64_t limit;     /* bytes that the rows kept may take in training */
	struct rng rng;
	size_t cap, group_cap; /* doubles; numbers */
};

/* The same seed and rows give the same sample. */
void training_rows_init(struct training_rows *r, size_t width, uint64_t reservoir, uint64_t limit,
			uint64_t seed);
void training_rows_release(struct training_rows *r);

/* Rows will have numbers of groups, and the limit counts the copies that model_train_groups makes.
 */
void training_rows_by_group(struct training_rows *r);

/* Offers a row, which is copied if it is kept; group counts with training_rows_by_group alone.
 * ERROR_UNAVAILABLE past the limit. */
int training_rows_add(struct training_rows *r, const double *row, uint32_t group,
		      struct error *err);

/* Whether any row offered had a value in this column. */
bool training_rows_any(const struct training_rows *r, size_t column);

#endif
