/*
 * A histogram of scores whose range is not known before: at most SCOREBINS_MAX bins, their width a
 * power of two that doubles as the range grows, their edges multiples of the width. Counts are
 * exact, whatever the order of the scores.
 */
#ifndef REPORT_SCOREBINS_H
#define REPORT_SCOREBINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCOREBINS_MAX 2048

/* Zeroed is empty. */
struct scorebins {
	int exponent; /* bins are 2^exponent wide */
	double first; /* widths from 0 to the lower edge of bin 0; whole */
	size_t n;
	struct scorebin {
		uint64_t normal, anomalous;
	} bins[SCOREBINS_MAX];
};

/* score must be finite. */
void scorebins_add(struct scorebins *s, double score, bool anomaly);

/* Doubles the width until there are at most max >= 2 bins. */
void scorebins_coarsen(struct scorebins *s, size_t max);

/* Of a single bin, doubles the width to a 32nd or more of its edges: a width that can be drawn. */
void scorebins_widen(struct scorebins *s);

double scorebins_width(const struct scorebins *s);

/* The lower edge of bin i; i may be n: the upper edge of the last. */
double scorebins_edge(const struct scorebins *s, size_t i);

#endif
