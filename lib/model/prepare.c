#include "lib/model/prepare.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/stats/sketch.h"

const char *const impute_names[] = {"none", "median", "mean", NULL};
const char *const scaling_names[] = {"none", "standard", "robust", NULL};

int prepare_init(struct prepare *p, enum impute impute, enum scaling scaling, size_t n_features,
		 struct error *err)
{
	*p = (struct prepare){.impute = impute, .scaling = scaling, .n_features = n_features};
	p->fill = mem_alloc(n_features, sizeof(*p->fill), err);
	p->center = p->fill ? mem_alloc(n_features, sizeof(*p->center), err) : NULL;
	p->scale = p->center ? mem_alloc(n_features, sizeof(*p->scale), err) : NULL;
	if (!p->scale) {
		prepare_release(p);
		return -1;
	}
	for (size_t j = 0; j < n_features; j++) {
		p->fill[j] = NAN;
		p->scale[j] = 1;
	}
	return 0;
}

void prepare_release(struct prepare *p)
{
	free(p->fill);
	free(p->center);
	free(p->scale);
	*p = (struct prepare){.fill = NULL};
}

/* A sum and what rounding lost of it (Ogita, Rump, Oishi 2005, Sum2). */
struct sum {
	double high, low;
};

static inline void sum_add(struct sum *s, double x)
{
	double high = s->high + x;
	double part = high - s->high;
	s->low += (s->high - (high - part)) + (x - part);
	s->high = high;
}

static double sum_value(const struct sum *s)
{
	return isfinite(s->high) ? s->high + s->low : s->high;
}

static double mean_of(const double *values, uint64_t n)
{
	struct sum sum = {0, 0};
	for (uint64_t i = 0; i < n; i++)
		sum_add(&sum, values[i]);
	return sum_value(&sum) / (double)n;
}

static double sorted_median(const double *sorted, uint64_t n)
{
	double upper = sorted[n / 2];
	if (n % 2)
		return upper;
	double lower = sorted[n / 2 - 1], sum = lower + upper;
	return isfinite(sum) ? sum / 2 : lower / 2 + upper / 2;
}

/* Mean and population standard deviation. A variance that rounding alone could have made of a
 * constant column counts as 0 (bound of Chan, Golub, LeVeque 1983, as scikit-learn has it). */
static void learn_standard(const double *values, uint64_t n, double *center, double *scale)
{
	double mean = mean_of(values, n), count = (double)n;
	struct sum squares = {0, 0}, rest = {0, 0};
	for (uint64_t i = 0; i < n; i++) {
		double d = values[i] - mean;
		sum_add(&squares, d * d);
		sum_add(&rest, d);
	}
	double off = sum_value(&rest);
	double variance = (sum_value(&squares) - off * off / count) / count;
	double doubt = count * mean * DBL_EPSILON;
	*center = mean;
	*scale = variance <= count * DBL_EPSILON * variance + doubt * doubt ? 1 : sqrt(variance);
}

static void learn_robust(const double *sorted, uint64_t n, double *center, double *scale)
{
	double range = sorted_quantile(sorted, n, 0.75) - sorted_quantile(sorted, n, 0.25);
	*center = sorted_median(sorted, n);
	*scale = range < 10 * DBL_EPSILON ? 1 : range;
}

/* Writes sorted[n] with `count` times fill among them, ascending. */
static void merge_fill(const double *sorted, uint64_t n, double fill, uint64_t count, double *out)
{
	uint64_t low = 0, high = n;
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;
		if (sorted[mid] < fill)
			low = mid + 1;
		else
			high = mid;
	}
	memcpy(out, sorted, low * sizeof(*out));
	for (uint64_t i = 0; i < count; i++)
		out[low + i] = fill;
	memcpy(out + low + count, sorted + low, (n - low) * sizeof(*out));
}

void prepare_column(struct prepare *p, size_t column, double *values, uint64_t n, double *tmp,
		    struct column_summary *summary)
{
	uint64_t present = 0;
	for (uint64_t i = 0; i < n; i++) {
		double value = values[i];
		values[i] = values[present];
		values[present] = value;
		present += isnan(value) ? 0 : 1;
	}
	*summary = (struct column_summary){.n = present,
					   .missing = n - present,
					   .min = NAN,
					   .max = NAN,
					   .mean = NAN,
					   .median = NAN};
	p->fill[column] = NAN;
	p->center[column] = 0;
	p->scale[column] = 1;
	if (present == 0)
		return;

	sort_doubles(values, present, tmp);
	summary->min = values[0];
	summary->max = values[present - 1];
	summary->mean = mean_of(values, present);
	summary->median = sorted_median(values, present);
	if (p->impute != IMPUTE_NONE)
		p->fill[column] = p->impute == IMPUTE_MEAN ? summary->mean : summary->median;

	const double *sorted = values;
	if (p->scaling != SCALING_NONE && p->impute != IMPUTE_NONE && present < n) {
		merge_fill(values, present, p->fill[column], n - present, tmp);
		sorted = tmp;
		present = n;
	}
	if (p->scaling == SCALING_STANDARD)
		learn_standard(sorted, present, &p->center[column], &p->scale[column]);
	else if (p->scaling == SCALING_ROBUST)
		learn_robust(sorted, present, &p->center[column], &p->scale[column]);
}

void prepare_row(const struct prepare *p, double *x)
{
	for (size_t j = 0; j < p->n_features; j++)
		x[j] = prepare_value(p, j, x[j]);
}

enum row_status prepare_row_f32(const struct prepare *p, const double *x, double max_missing,
				float *out, uint32_t *imputed, size_t *column)
{
	uint32_t missing = 0, beyond = 0;
	for (size_t j = 0; j < p->n_features; j++) {
		double value = prepare_value(p, j, x[j]);
		missing += isnan(x[j]) ? 1 : 0;
		beyond |= fabs(value) >= PREPARE_BEYOND_F32;
		out[j] = (float)value;
	}
	*imputed = missing;
	if (missing == p->n_features || (double)missing > max_missing * (double)p->n_features)
		return ROW_TOO_MANY_MISSING;
	if (p->impute == IMPUTE_NONE)
		*imputed = 0;
	if (!beyond)
		return ROW_OK;
	for (*column = 0; !(fabs(prepare_value(p, *column, x[*column])) >= PREPARE_BEYOND_F32);)
		++*column;
	return ROW_BEYOND_FLOAT32;
}
