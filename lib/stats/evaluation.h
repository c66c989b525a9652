/*
 * All figures about a detector whose truth is known: of its verdicts (confusion.h) and of its
 * scores (roc.h, bootstrap.h). A figure that cannot be had says why, instead of being 0.
 */
#ifndef STATS_EVALUATION_H
#define STATS_EVALUATION_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/stats/bootstrap.h"
#include "lib/stats/confusion.h"
#include "lib/stats/roc.h"

enum evaluation_metric {
	EVALUATION_PRECISION,
	EVALUATION_RECALL,
	EVALUATION_F1,
	EVALUATION_ACCURACY,
	EVALUATION_ACCURACY_ALWAYS_NORMAL,
	EVALUATION_ROC_AUC,
	EVALUATION_AVERAGE_PRECISION,
	EVALUATION_PRECISION_AT_K, /* k: the number of positives */
	EVALUATION_BEST_F1,        /* over all thresholds, chosen on the same data */
	EVALUATION_METRICS,
};

/* Their names for programs: "precision", "roc_auc". */
extern const char *const evaluation_keys[EVALUATION_METRICS];

/* Does the score separate the classes? Judged by the interval of the ROC-AUC. */
enum separation {
	SEPARATION_UNKNOWN,  /* no interval */
	SEPARATION_NO,       /* it contains 0.5 */
	SEPARATION_YES,      /* it lies above 0.5 */
	SEPARATION_REVERSED, /* it lies below 0.5: lower scores are more anomalous */
};

/* With fewer of a class the intervals are too narrow. In trials with normal scores and 14 negatives
 * to a positive, that of the AUC covered 87 to 94 % with 20 positives, 70 to 79 % with 3. */
#define EVALUATION_FEW 20

struct evaluation_options {
	uint64_t replicates, seed; /* of the bootstrap; 0 replicates: no intervals */
	unsigned threads;          /* at least 1 */
	bool lower_is_anomalous;   /* the scores in struct roc are the negated ones */
};

struct evaluation {
	struct evaluation_options options; /* as they were given */
	uint64_t positives, negatives;     /* in truth */
	uint64_t unlabelled, rejected;     /* records that were left out; the caller's to set */
	struct confusion confusion;
	struct metric {
		double value;          /* in [0, 1]; NaN when undefined */
		const char *undefined; /* why, as a clause; NULL when it is defined */
	} metrics[EVALUATION_METRICS];
	struct roc_intervals intervals;
	enum separation separation;
	double best_f1_threshold; /* called anomalous: this score or more (with lower_is_anomalous:
				     or less); NaN when undefined */
};

/* Sorts `roc`, which must hold the scores of the records that `c` counts. Fails for memory alone.
 */
int evaluate(struct evaluation *e, const struct confusion *c, struct roc *roc,
	     const struct evaluation_options *options, struct error *err);

/* Appends the evaluation as text for people, in lines of at most 79 columns. */
int evaluation_add_text(struct buf *out, const struct evaluation *e, struct error *err);

/* Appends it as one JSON object and a newline; its keys stand in anomaly-eval(1). */
int evaluation_add_json(struct buf *out, const struct evaluation *e, struct error *err);

#endif
