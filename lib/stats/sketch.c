#include "lib/stats/sketch.h"

#include <math.h>
#include <string.h>

/* Doubles as integers of the same order: -0.0 just below 0.0. */
static uint64_t key_of(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	return bits ^ ((bits >> 63) ? UINT64_MAX : UINT64_C(1) << 63);
}

static void insertion_sort(double *values, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		double value = values[i];
		uint64_t key = key_of(value);
		size_t j = i;
		for (; j > 0 && key_of(values[j - 1]) > key; j--)
			values[j] = values[j - 1];
		values[j] = value;
	}
}

void sort_doubles(double *values, size_t n, double *tmp)
{
	enum { SMALL = 48, DIGITS = 8, RADIX = 256 };
	if (n <= SMALL) {
		insertion_sort(values, n);
		return;
	}
	size_t count[DIGITS][RADIX] = {0};
	for (size_t i = 0; i < n; i++) {
		uint64_t key = key_of(values[i]);
		for (size_t d = 0; d < DIGITS; d++)
			count[d][key >> (8 * d) & 0xff]++;
	}
	double *from = values, *to = tmp;
	for (unsigned d = 0; d < DIGITS; d++) {
		unsigned shift = 8 * d;
		if (count[d][key_of(from[0]) >> shift & 0xff] == n)
			continue;
		size_t start = 0;
		for (size_t digit = 0; digit < RADIX; digit++) {
			size_t here = count[d][digit];
			count[d][digit] = start;
			start += here;
		}
		for (size_t i = 0; i < n; i++)
			to[count[d][key_of(from[i]) >> shift & 0xff]++] = from[i];
		double *swap = from;
		from = to;
		to = swap;
	}
	if (from != values)
		memcpy(values, from, n * sizeof(*values));
}

uint32_t sketch_points(uint64_t n)
{
	return n < SKETCH_POINTS ? (uint32_t)n : SKETCH_POINTS;
}

/* The order statistic, counted from 0, that point i of a sketch of n values holds. */
static uint64_t point_rank(uint64_t n, uint32_t i)
{
	uint64_t steps = sketch_points(n) - 1;
	if (steps == 0)
		return 0;
	/* i (n - 1) / steps, rounded to nearest, without a product that could overflow. */
	uint64_t whole = (n - 1) / steps, rest = (n - 1) % steps;
	return whole * i + (rest * i + steps / 2) / steps;
}

void sketch_from_sorted(const double *sorted, uint64_t n, double *at)
{
	uint32_t points = sketch_points(n);
	for (uint32_t i = 0; i < points; i++)
		at[i] = sorted[point_rank(n, i)];
}

double sketch_rank(const struct sketch *s, double x)
{
	uint32_t low = 0,
		 high = s->points; /* points [0, low) are below x, [high, points) are not */
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (s->at[mid] < x)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return 0;
	if (low == s->points)
		return 1;
	/* The count of values below x lies between these; their middle is wrong by half a step at
	 * most. */
	uint64_t least = point_rank(s->n, low - 1) + 1, most = point_rank(s->n, low);
	return ((double)least + (double)most) / 2 / (double)s->n;
}

/* Between a and b as numpy does it, so that results are equal to the bit. */
static double lerp(double a, double b, double t)
{
	double step = b - a;
	return t >= 0.5 ? b - step * (1 - t) : a + step * t;
}

double sketch_quantile(const struct sketch *s, double q)
{
	if (s->points == 0)
		return NAN;
	double rank = (double)(s->n - 1) * q;
	uint32_t low = 0, high = s->points - 1; /* rank of point low <= rank < that of point high */
	if (rank >= (double)(s->n - 1))
		return s->at[high];
	if (!(rank > 0))
		return s->at[0];
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;
		if ((double)point_rank(s->n, mid) <= rank)
			low = mid;
		else
			high = mid;
	}
	double from = (double)point_rank(s->n, low), to = (double)point_rank(s->n, high);
	return lerp(s->at[low], s->at[high], (rank - from) / (to - from));
}

double sorted_quantile(const double *sorted, uint64_t n, double q)
{
	double rank = (double)(n - 1) * q;
	if (rank >= (double)(n - 1))
		return sorted[n - 1];
	if (!(rank > 0))
		return sorted[0];
	double below = floor(rank);
	uint64_t i = (uint64_t)below;
	return lerp(sorted[i], sorted[i + 1], rank - below);
}
