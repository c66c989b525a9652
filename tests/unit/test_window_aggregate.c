/* Aggregates: option grammar, exact sums, bounds of percentiles, equal bytes in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/rng.h"
#include "lib/window/aggregate.h"
#include "lib/window/ddsketch.h"
#include "lib/window/sums.h"
#include "tests/unit/alloc_fail.h"

static struct aggregates parsed(const char *text, ...)
{
	struct aggregates a = {.n = 0};
	struct error err = ERROR_INIT;
	va_list list;

	va_start(list, text);
	for (; text; text = va_arg(list, const char *))
		if (aggregates_parse(&a, text, &err))
			fail_msg("%s: %s", text, err.what);
	va_end(list);
	assert_int_equal(aggregates_finish(&a, &err), 0);
	return a;
}

static void grammar(void **state)
{
	struct aggregates a = parsed(" temperature : mean , p99.9 ", "m.x:max as top", "count as n",
				     "as:min as as", "a b:sum as d", NULL);
	static const char *const names[] = {
		"temperature_mean", "temperature_p99_9", "top", "n", "as", "d"};

	(void)state;
	assert_int_equal(a.n, 6);
	for (size_t i = 0; i < a.n; i++)
		assert_string_equal(a.items[i].name, names[i]);
	assert_int_equal(a.n_fields, 4);
	assert_string_equal(a.fields[3].path, "a b");
	aggregates_release(&a);
	a = parsed("x:mean", "x:max", NULL); /* one field, and a count before the others */
	assert_int_equal(a.n_fields, 1);
	assert_int_equal(a.n, 3);
	assert_string_equal(a.items[0].name, "count");
	aggregates_release(&a);
}

static void grammar_refuses(void **state)
{
	static const char *const bad[] = {"",
					  "x",
					  ":mean",
					  "x:",
					  "x:,",
					  "x:mean,",
					  "x:Mean",
					  "x:p",
					  "x:p100.1",
					  "x:p-0",
					  "x:p1e1",
					  "x:mean as ",
					  "x:mean as a..b",
					  "x:mean,max as y",
					  "x\\:mean",
					  "a..b:mean",
					  "counts",
					  "x:p9999999999999999999999"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct aggregates a = {.n = 0};
		struct error err = ERROR_INIT;
		if (!aggregates_parse(&a, bad[i], &err))
			fail_msg("passes: %s", bad[i]);
		assert_int_equal(err.kind, ERROR_USAGE);
		aggregates_release(&a);
	}
}

static void add(const struct aggregates *a, void *cell, double x)
{
	struct aggregate_value v = {.x = x, .kind = AGGREGATE_REAL};
	struct error err = ERROR_INIT;

	assert_int_equal(aggregates_add(a, cell, 0, &v, &err), 0);
}

static double real(const struct aggregates *a, const void *cell, size_t i)
{
	struct aggregate_result r = aggregates_result(a, cell, i);

	assert_int_equal(r.kind, RESULT_REAL);
	return r.real;
}

/* Mean and deviation in long double by two passes: 64 bits, and a sum compensated besides. */
static void exact(const double *x, size_t n, double *mean, double *deviation)
{
	long double sum = 0, rest = 0, squares = 0;

	for (size_t i = 0; i < n; i++) {
		long double t = sum + x[i];
		rest += fabsl(sum) >= fabsl((long double)x[i]) ? (sum - t) + x[i]
							       : (x[i] - t) + sum;
		sum = t;
	}
	long double m = (sum + rest) / (long double)n;
	for (size_t i = 0; i < n; i++)
		squares += (x[i] - m) * (x[i] - m);
	*mean = (double)m;
	*deviation = (double)sqrtl(squares / (long double)(n - 1));
}

/* Normal-like values about `center`; the first one far off, if asked. */
static void fill(double *x, size_t n, double center, double spread, double first)
{
	struct rng rng;

	rng_init(&rng, 7, n);
	for (size_t i = 0; i < n; i++)
		x[i] = center +
		       spread * (rng_uniform(&rng) + rng_uniform(&rng) + rng_uniform(&rng) - 1.5);
	if (first != 0)
		x[0] = first;
}

static void sums_to_1e_12(void **state)
{
	static const struct {
		double center, spread, first;
	} cases[] = {
		{20, 5, 0},   {1e9, 1, 0},  {-1e12, 1, 0},  {20, 0.01, 1e6},
		{0, 1e-9, 0}, {1e6, 5, -3}, {1e15, 1e3, 0}, {1, 1e-6, 1e9},
	};
	static const size_t sizes[] = {2, 3, 63, 64, 65, 1000, 100000};
	struct aggregates a = parsed("x:mean,stddev", NULL);
	double *x = calloc(100000, sizeof(*x));

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (size_t j = 0; j < sizeof(sizes) / sizeof(*sizes); j++)
			for (size_t parts = 1; parts <= 30; parts += 29) {
				size_t n = sizes[j];
				double mean, deviation;
				struct error err = ERROR_INIT;
				char *cells = calloc(parts, a.cell_size);

				fill(x, n, cases[i].center, cases[i].spread, cases[i].first);
				exact(x, n, &mean, &deviation);
				for (size_t k = 0; k < n; k++)
					add(&a, cells + k * parts / n * a.cell_size, x[k]);
				for (size_t k = 1; k < parts; k++)
					assert_int_equal(aggregates_merge(&a, cells,
									  cells + k * a.cell_size,
									  &err),
							 0);
				double scale = fabs(mean) > deviation ? fabs(mean) : deviation;
				assert_true(fabs(real(&a, cells, 1) - mean) <= 1e-15 * scale);
				if (fabs(real(&a, cells, 2) - deviation) > 1e-12 * deviation)
					fail_msg("case %zu, %zu values in %zu parts: %.17g, not "
						 "%.17g",
						 i, n, parts, real(&a, cells, 2), deviation);
				free(cells);
			}
	free(x);
	aggregates_release(&a);
}

/* What a plain sum loses is there: 1e16 + 1 - 1e16, many times. */
static void a_sum_that_cancels(void **state)
{
	struct aggregates a = parsed("x:sum,mean", NULL);
	void *cell = calloc(1, a.cell_size);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		add(&a, cell, 1e16);
		add(&a, cell, 1);
		add(&a, cell, -1e16);
	}
	assert_true(real(&a, cell, 1) == 1000);
	free(cell);
	aggregates_release(&a);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of 0 to 100 the N-th percentile is N, whatever N / 100 is as a double. */
static void percentiles_have_their_ranks(void **state)
{
	(void)state;
	for (int percent = 1; percent < 100; percent++) {
		char text[20];
		snprintf(text, sizeof(text), "x:p%d", percent);
		struct aggregates a = parsed(text, NULL);
		void *cell = calloc(1, a.cell_size);
		struct error err = ERROR_INIT;

		for (int i = 0; i <= 100; i++) {
			struct aggregate_value v = {.x = i, .kind = AGGREGATE_REAL};
			assert_int_equal(aggregates_add(&a, cell, i, &v, &err), 0);
		}
		assert_true(fabs(aggregates_result(&a, cell, 1).real - percent) <=
			    0.0100001 * percent);
		aggregates_drop(&a, cell);
		free(cell);
		aggregates_release(&a);
	}
}

/* 0.57 * 10000 / 100 is below 57 as doubles go. */
static void a_percentile_with_a_fraction(void **state)
{
	struct aggregates a = parsed("x:p0.57", NULL);
	void *cell = calloc(1, a.cell_size);

	(void)state;
	for (int i = 0; i <= 10000; i++)
		add(&a, cell, i < 57 ? 1 : 1000);
	assert_true(fabs(real(&a, cell, 1) - 1000) <= 10);
	aggregates_drop(&a, cell);
	free(cell);
	aggregates_release(&a);
}

/* Every percentile within 1 % of the value of its rank, of values over many magnitudes. */
static void percentiles_within_bounds(void **state)
{
	enum { N = 5000 };
	static double x[N];
	struct ddsketch s = {.n = 0};
	struct error err = ERROR_INIT;
	struct rng rng;

	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		rng_init(&rng, 3, (uint64_t)kind);
		ddsketch_clear(&s);
		for (size_t i = 0; i < N; i++) {
			double u = rng_uniform(&rng);
			x[i] = kind == 0   ? 20 + 5 * u
			       : kind == 1 ? exp(30 * u - 15)
			       : kind == 2 ? (u - 0.5) * 1e-300
					   : (u < 0.3   ? 0
					      : u < 0.6 ? -1 / u
							: exp(20 * u));
			assert_int_equal(ddsketch_add(&s, x[i], &err), 0);
		}
		qsort(x, N, sizeof(*x), by_size);
		for (uint64_t rank = 0; rank < N; rank++) {
			double q = ddsketch_quantile(&s, rank);
			if (fabs(q - x[rank]) > DDSKETCH_ERROR * 1.000001 * fabs(x[rank]))
				fail_msg("kind %d, rank %d: %g, not %g", kind, (int)rank, q,
					 x[rank]);
		}
	}
	ddsketch_release(&s);
}

/* Beyond 2048 bins the smallest share one: the others stay within bounds, in any order. */
static void more_magnitudes_than_bins(void **state)
{
	struct ddsketch up = {.n = 0}, down = {.n = 0}, merged = {.n = 0}, part = {.n = 0};
	struct error err = ERROR_INIT;

	(void)state;
	for (int i = 0; i < 600; i++) {
		double x = pow(10, i - 300), y = pow(10, 299 - i);
		assert_int_equal(ddsketch_add(&up, x, &err), 0);
		assert_int_equal(ddsketch_add(&down, y, &err), 0);
		assert_int_equal(ddsketch_add(i % 2 ? &merged : &part, -x, &err), 0);
	}
	assert_int_equal(ddsketch_merge(&merged, &part, &err), 0);
	assert_int_equal(up.positive.n, DDSKETCH_BINS);
	assert_int_equal(up.positive.lowest, down.positive.lowest);
	assert_int_equal(up.positive.lowest, merged.negative.lowest);
	assert_memory_equal(up.positive.counts, down.positive.counts,
			    DDSKETCH_BINS * sizeof(uint64_t));
	assert_memory_equal(up.positive.counts, merged.negative.counts,
			    DDSKETCH_BINS * sizeof(uint64_t));
	assert_int_equal(merged.n, 600);
	for (int i = 0; i < 17; i++) {
		double x = pow(10, 299 - i);
		assert_true(fabs(ddsketch_quantile(&up, (uint64_t)(599 - i)) - x) <= 0.0100001 * x);
	}
	ddsketch_release(&up);
	ddsketch_release(&down);
	ddsketch_release(&merged);
	ddsketch_release(&part);
}

/* Shuffled, and in parts that are merged in another order: the same bytes. */
static void order_does_not_matter(void **state)
{
	enum { N = 300 };
	struct aggregates a = parsed("x:count,min,max,range,first,last,p0,p10,p50,p99,p100", NULL);
	char *cells = calloc(4, a.cell_size);
	struct aggregate_value v[N];
	int64_t times[N];
	struct rng rng;
	struct error err = ERROR_INIT;
	struct aggregate_result want[16];

	(void)state;
	rng_init(&rng, 1, 1);
	for (size_t i = 0; i < N; i++) {
		double u = rng_uniform(&rng);
		times[i] = (int64_t)rng_below(&rng, 20);
		v[i] = (struct aggregate_value){u < 0.1   ? -0.0
						: u < 0.2 ? 0.0
							  : 100 * u - 50,
						u > 0.95 ? AGGREGATE_MISSING : AGGREGATE_REAL};
	}
	for (int turn = 0; turn < 50; turn++) {
		for (size_t i = 0; i < 4; i++)
			aggregates_clear(&a, cells + i * a.cell_size);
		for (size_t i = N; i-- > 1;) {
			size_t j = rng_below(&rng, i + 1);
			struct aggregate_value value = v[i];
			int64_t time = times[i];
			v[i] = v[j];
			v[j] = value;
			times[i] = times[j];
			times[j] = time;
		}
		for (size_t i = 0; i < N; i++)
			assert_int_equal(aggregates_add(&a,
							cells + (turn ? i % 4 : 0) * a.cell_size,
							times[i], &v[i], &err),
					 0);
		for (size_t i = 1; i < 4; i++)
			assert_int_equal(aggregates_merge(&a, cells, cells + i * a.cell_size, &err),
					 0);
		for (size_t i = 0; i < a.n; i++) {
			struct aggregate_result r = aggregates_result(&a, cells, i);
			if (!turn)
				want[i] = r;
			assert_int_equal(r.kind, want[i].kind);
			assert_memory_equal(&r.real, &want[i].real, sizeof(r.real));
			assert_int_equal(r.count, want[i].count);
		}
	}
	for (size_t i = 0; i < 4; i++)
		aggregates_drop(&a, cells + i * a.cell_size);
	free(cells);
	aggregates_release(&a);
}

static int all_of_it(void *arg, struct error *err)
{
	struct aggregates a = {.n = 0};
	struct buf saved = BUF_INIT;
	char *cells = NULL;
	int ret = -1;

	(void)arg;
	if (aggregates_parse(&a, "x:mean,p50", err) || aggregates_parse(&a, "y:max as z", err) ||
	    aggregates_finish(&a, err) || !(cells = mem_alloc(2, a.cell_size, err)))
		goto out;
	ret = 0;
	for (int i = 0; i < 20 && !ret; i++) {
		struct aggregate_value v[2] = {{i - 10, AGGREGATE_REAL},
					       {1e9 * i, AGGREGATE_TRUTH}};
		ret = aggregates_add(&a, cells + (size_t)(i % 2) * a.cell_size, i, v, err);
	}
	if (!ret)
		ret = aggregates_merge(&a, cells, cells + a.cell_size, err);
	if (!ret)
		ret = aggregates_save(&a, cells, &saved, err);
	aggregates_drop(&a, cells + a.cell_size);
	memset(cells + a.cell_size, 0, a.cell_size);
	const char *p = saved.data;
	if (!ret)
		ret = aggregates_load(&a, cells + a.cell_size, &p, p + saved.len, err);
	if (!ret)
		assert_true(real(&a, cells, 2) == real(&a, cells + a.cell_size, 2));
	aggregates_drop(&a, cells);
	aggregates_drop(&a, cells + a.cell_size);
out:
	free(cells);
	buf_release(&saved);
	aggregates_release(&a);
	return ret;
}

static void memory_runs_out(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(all_of_it, NULL) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammar),
		cmocka_unit_test(grammar_refuses),
		cmocka_unit_test(sums_to_1e_12),
		cmocka_unit_test(a_sum_that_cancels),
		cmocka_unit_test(percentiles_have_their_ranks),
		cmocka_unit_test(a_percentile_with_a_fraction),
		cmocka_unit_test(percentiles_within_bounds),
		cmocka_unit_test(more_magnitudes_than_bins),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
