/*
 * A verdict against the truth, counted: true and false, positives (anomalies) and negatives.
 */
#ifndef STATS_CONFUSION_H
#define STATS_CONFUSION_H

#include <stdbool.h>
#include <stdint.h>

struct confusion {
	uint64_t tp, fp, fn, tn;
};

void confusion_add(struct confusion *c, bool truth, bool verdict);

/* Shares in [0, 1]; NaN where the denominator is zero, which is "undefined", not 0. */
double confusion_precision(const struct confusion *c); /* tp / (tp + fp) */
double confusion_recall(const struct confusion *c);    /* tp / (tp + fn) */
double confusion_f1(const struct confusion *c);        /* 2 tp / (2 tp + fp + fn) */
double confusion_accuracy(const struct confusion *c);  /* (tp + tn) / all */

/* The accuracy of calling every record normal: (fp + tn) / all. */
double confusion_accuracy_always_normal(const struct confusion *c);

#endif
