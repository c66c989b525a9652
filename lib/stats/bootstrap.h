/*
 * How far chance may have moved ROC-AUC and average precision: percentile bootstrap
 * (Efron and Tibshirani 1993, section 13.3), stratified: each replicate draws as many positives
 * from the positives, and negatives from the negatives, as there are, with replacement. So every
 * replicate has both classes, and the intervals hold for this share of positives, on which average
 * precision depends.
 *
 * Replicate i draws from stream i of the seed: the result depends on neither the number of threads
 * nor the order in which scores were added.
 */
#ifndef STATS_BOOTSTRAP_H
#define STATS_BOOTSTRAP_H

#include <stdint.h>
#include "lib/base/error.h"
#include "lib/stats/roc.h"

#define BOOTSTRAP_COVERAGE 0.95 /* share of replicates inside the interval */

struct interval {
	double low, high; /* NaN where the statistic is undefined, or without replicates */
};

struct roc_intervals {
	struct interval auc, average_precision;
};

/*
 * r must be sorted. Takes 24 bytes a replicate, 12 bytes a distinct score of the positives, and for
 * each of `threads` (at least 1) a byte a score, beside r; its time is proportional to replicates
 * times scores. A thread that cannot be made is done without. Fails for memory alone.
 */
int roc_bootstrap(const struct roc *r, uint64_t replicates, uint64_t seed, unsigned threads,
		  struct roc_intervals *out, struct error *err);

#endif
