/*
 * How well scores rank two classes: ROC and precision-recall, from all scores at once.
 *
 * The positive class are the anomalies; a higher score is more anomalous (a caller whose scores run
 * the other way negates them). Ties are never broken: records of one score enter together.
 * Functions that read a `const struct roc *` may run in many threads at once.
 */
#ifndef STATS_ROC_H
#define STATS_ROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

/* The scores of one class: 8 bytes each, and up to half as much again while they grow. */
struct roc_class {
	double *scores;
	size_t n, cap;
};

/* Zeroed is empty. Add all, sort once, then ask. */
struct roc {
	struct roc_class pos, neg;
};

void roc_release(struct roc *r);

/* score must be finite. At most INT32_MAX of each class (ERROR_DATA past them). */
int roc_add(struct roc *r, double score, bool positive, struct error *err);

/* Sorts; needs room for the larger class once more meanwhile. */
int roc_sort(struct roc *r, struct error *err);

/* Where a threshold puts the classes: how many of each have score >= threshold. */
struct roc_point {
	double threshold;
	size_t tp, fp;
};

/* Before the first distinct score: nothing is called anomalous. */
#define ROC_POINT_START                       \
	{                                     \
		.threshold = __builtin_inf(), \
	}

/* Lowers p's threshold to the next distinct score; false when there is none. Sorted input. */
bool roc_next(const struct roc *r, struct roc_point *p);

/* Area under the ROC curve: the chance that a positive outranks a negative, ties counting half (the
 * Mann-Whitney U with midranks; Hanley and McNeil 1982). NaN when either class is empty. */
double roc_auc(const struct roc *r);

/* Sum over distinct thresholds of (recall gained) * precision, as scikit-learn's
 * average_precision_score: no interpolation. NaN without positives. */
double roc_average_precision(const struct roc *r);

/* Share of positives among the k highest scores; of scores tied at the kth place, the share of
 * positives stands for those that are in. NaN when k is 0 or more than there are scores. */
double roc_precision_at(const struct roc *r, size_t k);

/* The highest F1 any threshold reaches, and the highest threshold that reaches it; NaN without
 * positives, and *best is left alone. Chosen with the truth in hand: it flatters. */
double roc_best_f1(const struct roc *r, struct roc_point *best);

/* A point of a curve to plot, and the threshold it belongs to. */
struct curve_point {
	double x, y, threshold;
};

/*
 * The ROC curve, x the false positive rate and y the true positive rate, both in [0, 1] and never
 * falling, from (0, 0), threshold +inf, to (1, 1). At most max_points >= 4: all distinct thresholds
 * if they fit, else what is left out lies less than 2/(max_points - 2) (|dx| + |dy|) behind a point
 * that is there. Returns how many; 0 when either class is empty. Join them by straight lines.
 */
size_t roc_curve(const struct roc *r, size_t max_points, struct curve_point *points);

/*
 * The precision-recall curve, x the recall (rising, in (0, 1]) and y the precision at it, a point
 * where a threshold gains positives; no point at recall 0 is made up. At most max_points >= 4: all
 * if they fit, else the first, the last, and between them points at least 1/(max_points - 2) of
 * recall apart. Returns how many; 0 without positives. Draw them as steps: the precision at x holds
 * from the last point to x.
 */
size_t roc_pr_curve(const struct roc *r, size_t max_points, struct curve_point *points);

#endif
