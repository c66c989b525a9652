/*
 * A walk about the weighted average of its own last values: weights grow evenly from 1, of the
 * oldest, to newest_weight. The average takes constant time: sums are carried along, and made anew
 * once in each `window` steps, so that no rounding adds up.
 */
#ifndef SIM_WALK_H
#define SIM_WALK_H

#include <stddef.h>

struct walk {
	double *ring; /* [window], the oldest at `at` */
	size_t window, at;
	double sum, ramp; /* of the values, and of each times its number, the oldest's 0 */
};

/* ring [window], window >= 2, is the caller's. All values so far are `mean`. */
void walk_init(struct walk *w, double *ring, size_t window, double mean);

double walk_average(const struct walk *w, double newest_weight);

void walk_push(struct walk *w, double x);

#endif
