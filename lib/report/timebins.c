#include "lib/report/timebins.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/timestamp.h"

/* 1970-01-01 was a Thursday: days from the Monday before it. */
#define MONDAY_DAYS 3

static const int64_t ladder[] = {
	1,
	5,
	10,
	50,
	100,
	500,
	1000,
	5000,
	10000,
	50000,
	100000,
	500000,
	1000000,
	5000000,
	10000000,
	50000000,
	100000000,
	500000000,
	NS_PER_SECOND,
	5 * NS_PER_SECOND,
	10 * NS_PER_SECOND,
	30 * NS_PER_SECOND,
	60 * NS_PER_SECOND,
	300 * NS_PER_SECOND,
	600 * NS_PER_SECOND,
	1800 * NS_PER_SECOND,
	NS_PER_HOUR,
	2 * NS_PER_HOUR,
	6 * NS_PER_HOUR,
	12 * NS_PER_HOUR,
	NS_PER_DAY,
	7 * NS_PER_DAY,
	28 * NS_PER_DAY,
	364 * NS_PER_DAY,
	3640 * NS_PER_DAY,
};

int timebins_init(struct timebins *t, int64_t smallest_ns, size_t max, struct error *err)
{
	*t = (struct timebins){.max = max};
	while (ladder[t->width] < smallest_ns)
		t->width++;
	t->bins = mem_alloc(max, sizeof(*t->bins), err);
	return t->bins ? 0 : -1;
}

void timebins_release(struct timebins *t)
{
	free(t->bins);
	t->bins = NULL;
	t->n = 0;
}

int64_t timebins_width_ns(const struct timebins *t)
{
	return ladder[t->width];
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* The step of one width that holds the start of a step of a smaller one. */
static int64_t wider_step(int64_t step, size_t from, size_t to)
{
	for (size_t w = from; w < to; w++) {
		if (ladder[w] == NS_PER_DAY)
			step += MONDAY_DAYS;
		step = floor_div(step, ladder[w + 1] / ladder[w]);
	}
	return step;
}

static int64_t step_of(const struct timebins *t, int64_t ns)
{
	int64_t width = ladder[t->width];

	if (width <= NS_PER_DAY)
		return floor_div(ns, width);
	return floor_div(floor_div(ns, NS_PER_DAY) + MONDAY_DAYS, width / NS_PER_DAY);
}

int64_t timebins_start_ns(const struct timebins *t, size_t i)
{
	int64_t width = ladder[t->width], step = t->first + (int64_t)i, ns;

	if (__builtin_mul_overflow(step, width, &ns))
		return step < 0 ? INT64_MIN : INT64_MAX;
	if (width > NS_PER_DAY && __builtin_sub_overflow(ns, MONDAY_DAYS * NS_PER_DAY, &ns))
		return INT64_MIN;
	return ns;
}

static const struct timebin empty = {
	.min = INFINITY, .max = -INFINITY, .a_min = INFINITY, .a_max = -INFINITY};

static void merge(struct timebin *to, const struct timebin *from)
{
	to->min = fmin(to->min, from->min);
	to->max = fmax(to->max, from->max);
	to->a_min = fmin(to->a_min, from->a_min);
	to->a_max = fmax(to->a_max, from->a_max);
	to->sum += from->sum;
	to->n += from->n;
	to->anomalies += from->anomalies;
}

void timebins_coarsen(struct timebins *t, size_t width)
{
	int64_t first = wider_step(t->first, t->width, width);
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct timebin bin = t->bins[i];
		size_t to = (size_t)(wider_step(t->first + (int64_t)i, t->width, width) - first);

		for (; n <= to; n++)
			t->bins[n] = empty;
		merge(&t->bins[to], &bin);
	}
	t->first = first;
	t->n = n;
	t->width = width;
}

/* Makes room at both ends for a step; it fits. */
static void extend(struct timebins *t, int64_t step)
{
	size_t before = step < t->first ? (size_t)(t->first - step) : 0;

	if (before) {
		memmove(t->bins + before, t->bins, t->n * sizeof(*t->bins));
		for (size_t i = 0; i < before; i++)
			t->bins[i] = empty;
		t->first = step;
		t->n += before;
	}
	for (; step - t->first >= (int64_t)t->n; t->n++)
		t->bins[t->n] = empty;
}

void timebins_add(struct timebins *t, int64_t ns, double score, bool anomaly)
{
	struct timebin one = empty;
	int64_t step = step_of(t, ns);

	one.n = 1;
	one.anomalies = anomaly;
	one.sum = score;
	*(anomaly ? &one.a_min : &one.min) = score;
	*(anomaly ? &one.a_max : &one.max) = score;
	if (!t->n)
		t->first = step;
	for (;;) {
		int64_t last = t->n ? t->first + (int64_t)t->n - 1 : step;
		int64_t low = step < t->first ? step : t->first;
		int64_t high = step > last ? step : last;

		if ((uint64_t)high - (uint64_t)low < t->max)
			break;
		timebins_coarsen(t, t->width + 1);
		step = step_of(t, ns);
	}
	extend(t, step);
	merge(&t->bins[step - t->first], &one);
}
