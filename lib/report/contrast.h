/*
 * In which features do anomalous records differ from normal ones? Running moments of each feature
 * in each class, and the features ranked by the standardised difference of means
 *
 *     d = (mean anomalous - mean normal) / s
 *     s = sqrt(((n1 - 1) s1^2 + (n0 - 1) s0^2) / (n1 + n0 - 2))
 *
 * with the pooled standard deviation s (Cohen, "Statistical Power Analysis for the Behavioral
 * Sciences", 2nd edition, section 2.2.1). Missing values are left out of a feature's own figures.
 */
#ifndef REPORT_CONTRAST_H
#define REPORT_CONTRAST_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/error.h"
#include "lib/stats/moments.h"

struct contrast_feature {
	char *name; /* dotted path */
	struct moments normal, anomalous;
	bool not_number; /* some record held something that is no finite number: not compared */
};

struct contrast {
	size_t n;
	struct contrast_feature *features; /* [n] */
};

/* A feature's place in the ranking. */
struct contrast_rank {
	size_t feature;
	double d, sd;
};

/* Copies the names. */
int contrast_init(struct contrast *c, const char *const *names, size_t n, struct error *err);
void contrast_release(struct contrast *c);

/* A record's values, in the order of the features; NaN: missing; infinite: no finite
 * number, which leaves the feature out. */
void contrast_add(struct contrast *c, const double *values, bool anomaly);

/* How the features came out of contrast_rank. */
struct contrast_result {
	size_t n_ranked;   /* entries of ranks */
	size_t compared;   /* features that have a d, ranked or below the top */
	size_t no_values;  /* a class holds no value, or both together fewer than three */
	size_t constant;   /* one value in all records */
	size_t no_spread;  /* constant within each class, but another constant: d is infinite */
	size_t not_number; /* something that is no number, or moments beyond a double */
	struct contrast_rank
		*ranks; /* by falling |d|, then in the order of the features; to free() */
};

/* The `top` features that differ most. */
int contrast_rank(const struct contrast *c, size_t top, struct contrast_result *result,
		  struct error *err);

#endif
