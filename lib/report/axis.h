/*
 * Axes of pictures as gnuplot commands: ranges and ticks at round places, labelled by us, so that
 * neither gnuplot's guesses nor a locale decide.
 */
#ifndef REPORT_AXIS_H
#define REPORT_AXIS_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/report/text.h"

/* A y axis for counts from 0 to at least `most`, with about `ticks` ticks at whole numbers. */
void axis_counts(struct text *t, uint64_t most, unsigned ticks);

/* The smallest of 1, 2 or 5 times a power of ten that cuts `range` > 0 into at most n. */
double axis_step(double range, unsigned n);

/* An x or y axis (`axis`) of shares from 0 to 1, labelled 0 to 1. */
void axis_unit(struct text *t, char axis);

/*
 * An x axis of time from first_ns to last_ns >= first_ns, with a margin of 1 % on both sides; its
 * numbers are seconds since first_ns (axis_seconds). Ticks lie at round places of UTC, the date
 * under the first and where it changes; of less than 8 ms they tell the time since first_ns
 * instead, and true is returned.
 */
bool axis_time(struct text *t, int64_t first_ns, int64_t last_ns);
double axis_seconds(int64_t first_ns, int64_t ns);

#endif
