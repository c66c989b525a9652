/*
 * Preparation of rows, learned in training and kept in the model: missing values are imputed and
 * columns scaled in float64; a forest casts the result to float32 once, as scikit-learn does.
 *
 *     x' = (x - center) / scale,   x = fill where missing
 *
 * scaling "standard": mean and population standard deviation of the imputed column; "robust":
 * median and interquartile range (numpy's percentiles) of it; a scale of 0 counts as 1
 * (scikit-learn's StandardScaler, RobustScaler, SimpleImputer, up to rounding of sums).
 */
#ifndef MODEL_PREPARE_H
#define MODEL_PREPARE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

enum impute { IMPUTE_NONE, IMPUTE_MEDIAN, IMPUTE_MEAN };
enum scaling { SCALING_NONE, SCALING_STANDARD, SCALING_ROBUST };

/* The names as options and configs spell them: "none", "median", "mean"; "none", "standard",
 * "robust". */
extern const char *const impute_names[];
extern const char *const scaling_names[];

struct prepare {
	enum impute impute;
	enum scaling scaling;
	size_t n_features;
	double *fill;   /* [n_features]; NaN when impute is none */
	double *center; /* [n_features]; 0 when scaling is none */
	double *scale;  /* [n_features]; 1 when scaling is none */
};

/* What is known of a column before it is prepared. */
struct column_summary {
	uint64_t n, missing; /* values present; values missing */
	double min, max;     /* of those present; NaN if none */
	double mean, median; /* of those present; NaN if none */
};

/*
 * Learns fill, center and scale of one column from its values as read (NaN: missing), and describes
 * it. values[n] is sorted in place (present values first); tmp has room for n. A column with no
 * value present gets fill NaN. Means are summed compensated, so that they do not depend on order
 * beyond 1 ulp.
 */
void prepare_column(struct prepare *p, size_t column, double *values, uint64_t n, double *tmp,
		    struct column_summary *summary);

int prepare_init(struct prepare *p, enum impute impute, enum scaling scaling, size_t n_features,
		 struct error *err);
void prepare_release(struct prepare *p);

/* One value of a column, prepared; NaN stays NaN when impute is none. */
static inline double prepare_value(const struct prepare *p, size_t column, double value)
{
	double known = isnan(value) ? p->fill[column] : value;
	return (known - p->center[column]) / p->scale[column];
}

/* Values of this size and above round to a float32 infinity; all below to a finite number. */
#define PREPARE_BEYOND_F32 0x1.ffffffp+127

/* Prepares one row in place (float64), for programs that write prepared records. */
void prepare_row(const struct prepare *p, double *x);

/* What became of a row. */
enum row_status {
	ROW_OK,
	ROW_TOO_MANY_MISSING, /* more than max_missing of its features */
	ROW_BEYOND_FLOAT32,   /* a prepared value is beyond FLT_MAX: *column says which */
};

/*
 * Prepares a row to float32: out has n_features. max_missing is a share in [0, 1]; *imputed counts
 * the values filled in. A row with every feature missing is ROW_TOO_MANY_MISSING whatever
 * max_missing is; of such a row *imputed counts the values missing. With impute none NaN stays and
 * counts as missing, but not as imputed. out is written in any case.
 */
enum row_status prepare_row_f32(const struct prepare *p, const double *x, double max_missing,
				float *out, uint32_t *imputed, size_t *column);

#endif
