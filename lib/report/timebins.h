/*
 * What happened along time, in a bounded number of equal steps: while records come, the steps grow
 * wider as the span grows, along a fixed ladder of widths (1 ns … 1 s, 5 s, 10 s, 30 s, 1 min …
 * 1 h, 2 h, 6 h, 12 h, 1 d, 7 d, 28 d, 364 d, 3640 d) of which each divides the next. So what a
 * step holds is exact, whatever the order of the records. Steps begin at multiples of their width
 * since 1970-01-01T00:00:00Z; those wider than a day on Mondays.
 */
#ifndef REPORT_TIMEBINS_H
#define REPORT_TIMEBINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

#define NS_PER_HOUR (INT64_C(3600) * 1000000000)
#define NS_PER_DAY (24 * NS_PER_HOUR)

/* One step. Lows are INFINITY, highs -INFINITY where there are no such records. */
struct timebin {
	uint64_t n, anomalies; /* records; those called anomalous */
	double sum;            /* of the scores of all */
	double min, max;       /* of the scores of the normal ones */
	double a_min, a_max;   /* of the scores of the anomalous ones */
};

struct timebins {
	size_t width;  /* place on the ladder: timebins_width_ns() */
	int64_t first; /* steps from 1970 (or its Monday) to bins[0] */
	size_t n, max; /* steps there are, at least one record in the first and the last; most */
	struct timebin *bins;
};

/* smallest_ns is a width of the ladder; max at least 60. */
int timebins_init(struct timebins *t, int64_t smallest_ns, size_t max, struct error *err);
void timebins_release(struct timebins *t);

void timebins_add(struct timebins *t, int64_t ns, double score, bool anomaly);

/* Widens the steps to a place further up the ladder. */
void timebins_coarsen(struct timebins *t, size_t width);

int64_t timebins_width_ns(const struct timebins *t);

/* When step i of bins begins; i may be n: when the last one ends. Saturates at INT64's ends. */
int64_t timebins_start_ns(const struct timebins *t, size_t i);

#endif
