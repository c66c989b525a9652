#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/rng.h"
#include "lib/stats/sketch.h"

#define N_MAX 20000

static double values[N_MAX], tmp[N_MAX], expected[N_MAX], points[SKETCH_POINTS];

static uint64_t bits_of(double x)
{
	uint64_t bits;
	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static double double_of(uint64_t bits)
{
	double x;
	memcpy(&x, &bits, sizeof(x));
	return x;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	if (x != y)
		return x < y ? -1 : 1;
	return (int)signbit(y) - (int)signbit(x) < 0 ? -1 : signbit(x) < signbit(y);
}

/* The kinds of samples, i counting from 0. */
enum kind {
	RANDOM_BITS, /* any double but NaN */
	NORMAL,      /* a bell */
	FEW,         /* three values */
	STEPS,       /* ties in runs of growing length */
	POWERS,      /* over 600 powers of two, both signs */
	EQUAL,
	CLUSTERS,  /* nearly all in one place, the rest far off */
	LAST_BYTE, /* equal but in the last byte */
	N_KINDS
};

static double draw(struct rng *rng, enum kind kind, size_t i)
{
	double u = rng_uniform(rng), sum = u;
	switch (kind) {
	case RANDOM_BITS:
		for (;;) {
			double x = double_of(rng_next(rng));
			if (!isnan(x))
				return x;
		}
	case NORMAL:
		for (int k = 0; k < 11; k++)
			sum += rng_uniform(rng);
		return sum - 6;
	case FEW:
		return (double)rng_below(rng, 3) - 1;
	case STEPS:
		return floor(sqrt((double)i));
	case POWERS:
		return ldexp(u < 0.5 ? -1 : 1, (int)rng_below(rng, 601) - 300);
	case EQUAL:
		return -7.25;
	case LAST_BYTE:
		return double_of(bits_of(1) + rng_below(rng, 256));
	default:
		return u < 0.99 ? 1 + u * 1e-13 : 1e9 * u;
	}
}

static void fill(enum kind kind, size_t n, uint64_t seed)
{
	struct rng rng;
	rng_init(&rng, seed, (uint64_t)kind);
	for (size_t i = 0; i < n; i++)
		values[i] = draw(&rng, kind, i);
}

static void test_sort(void **state)
{
	(void)state;
	static const size_t sizes[] = {0, 1, 2, 3, 47, 48, 49, 50, 255, 256, 257, 1567, N_MAX};
	for (size_t k = 0; k < N_KINDS; k++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
			size_t n = sizes[s];
			fill((enum kind)k, n, s);
			if (n > 10 && k != LAST_BYTE) { /* zeros of both signs and infinities */
				values[1] = 0.0;
				values[n / 2] = -0.0;
				values[n - 1] = 0.0;
				values[2] = INFINITY;
				values[n - 2] = -INFINITY;
			}
			memcpy(expected, values, n * sizeof(*values));
			qsort(expected, n, sizeof(*expected), compare);
			sort_doubles(values, n, tmp);
			assert_memory_equal(values, expected, n * sizeof(*values));
		}
}

/* Each point holds the order statistic nearest to its share of the ranks. */
static void test_points(void **state)
{
	(void)state;
	for (size_t n = SKETCH_POINTS; n <= 5000; n += 71) {
		for (size_t i = 0; i < n; i++)
			values[i] = (double)i;
		sketch_from_sorted(values, n, points);
		for (size_t i = 0; i < SKETCH_POINTS; i++) {
			double rank = (double)i * (double)(n - 1) / (SKETCH_POINTS - 1);
			assert_true(fabs(points[i] - rank) <= 0.5);
		}
	}
}

/* Half way numpy goes back from the upper value; forth from the lower one ends an ulp below. */
static void test_half_way(void **state)
{
	(void)state;
	const double pair[] = {0x1.a064f4f059bcap-1, 0x1.2414efd80fd02p+3};
	assert_true(sorted_quantile(pair, 2, 0.5) == 0x1.3e1b3f27156bfp+2);
}

/* Reference: numpy.percentile of [((i * 7919) % 1009) / 7 - 50 for i in range(n)], numpy 2.4.6;
 * the shares are its own division of the percentage by 100. */
static void test_quantile_is_numpys(void **state)
{
	(void)state;
	static const struct {
		size_t n;
		double q, value;
	} cases[] = {
		{1, 0.001, -0x1.9000000000000p+5},
		{1, 0.1, -0x1.9000000000000p+5},
		{1, 0.33299999999999996, -0x1.9000000000000p+5},
		{1, 0.5, -0x1.9000000000000p+5},
		{1, 0.75, -0x1.9000000000000p+5},
		{1, 0.9, -0x1.9000000000000p+5},
		{1, 0.9990000000000001, -0x1.9000000000000p+5},
		{2, 0.001, -0x1.8f058f1142ffbp+5},
		{2, 0.1, -0x1.2e2be2be2be2cp+5},
		{2, 0.33299999999999996, -0x1.28ec65d09a7a8p+3},
		{2, 0.5, 0x1.6492492492494p+3},
		{2, 0.75, 0x1.4db6db6db6db8p+5},
		{2, 0.9, 0x1.e075075075076p+5},
		{2, 0.9990000000000001, 0x1.20a759d1c6124p+6},
		{3, 0.001, -0x1.8e64a502a215ap+5},
		{3, 0.1, -0x1.dea0ea0ea0ea0p+4},
		{3, 0.33299999999999996, 0x1.0e2ab72653accp+4},
		{3, 0.5, 0x1.936db6db6db6ep+5},
		{3, 0.75, 0x1.eadb6db6db6dcp+5},
		{3, 0.9, 0x1.0fa83a83a83a9p+6},
		{3, 0.9990000000000001, 0x1.20f7ced916873p+6},
		{10, 0.001, -0x1.8f10624dd2f1bp+5},
		{10, 0.1, -0x1.3266666666666p+5},
		{10, 0.33299999999999996, 0x1.a98488ec65d08p+2},
		{10, 0.5, 0x1.1892492492492p+5},
		{10, 0.75, 0x1.e16db6db6db6ep+5},
		{10, 0.9, 0x1.2657c57c57c58p+6},
		{10, 0.9990000000000001, 0x1.54acc3700e0b3p+6},
		{1009, 0.001, -0x1.8ed916872b020p+5},
		{1009, 0.1, -0x1.1ccccccccccccp+5},
		{1009, 0.33299999999999996, -0x1.0624dd2f1aa02p+1},
		{1009, 0.5, 0x1.6000000000000p+4},
		{1009, 0.75, 0x1.d000000000000p+5},
		{1009, 0.9, 0x1.3e66666666668p+6},
		{1009, 0.9990000000000001, 0x1.776c8b4395811p+6},
		{5000, 0.001, -0x1.8edbb89cd17b2p+5},
		{5000, 0.1, -0x1.1caf8af8af8afp+5},
		{5000, 0.33299999999999996, -0x1.0616d210f81b9p+1},
		{5000, 0.5, 0x1.6000000000000p+4},
		{5000, 0.75, 0x1.d000000000000p+5},
		{5000, 0.9, 0x1.3edb6db6db6dcp+6},
		{5000, 0.9990000000000001, 0x1.776ddc4e68bdcp+6},
	};
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		size_t n = cases[c].n;
		for (size_t i = 0; i < n; i++)
			values[i] = (double)(i * 7919 % 1009) / 7 - 50;
		sort_doubles(values, n, tmp);
		double got = sorted_quantile(values, n, cases[c].q);
		if (bits_of(got) != bits_of(cases[c].value))
			fail_msg("n %zu, share %g: %a, not %a", n, cases[c].q, got, cases[c].value);
	}
}

static void test_quantile_ends(void **state)
{
	(void)state;
	const double x[] = {-3, 1, 8};
	assert_true(sorted_quantile(x, 3, 0) == -3);
	assert_true(sorted_quantile(x, 3, 1) == 8);
	assert_true(sorted_quantile(x, 3, 0.5) == 1);
	assert_true(sorted_quantile(x, 1, 0.7) == -3);
}

static struct sketch sketch_of(size_t n)
{
	sort_doubles(values, n, tmp);
	sketch_from_sorted(values, n, points);
	return (struct sketch){.n = n, .points = sketch_points(n), .at = points};
}

/* Share of values[0, n), ascending, below x. */
static double true_rank(size_t n, double x)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (values[mid] < x)
			low = mid + 1;
		else
			high = mid;
	}
	return (double)low / (double)n;
}

static void check_rank(const struct sketch *s, double x)
{
	double error = fabs(sketch_rank(s, x) - true_rank(s->n, x));
	double bound = s->n <= SKETCH_POINTS ? 0 : 0.001;
	if (error > bound)
		fail_msg("n %zu, x %a: off by %g", (size_t)s->n, x, error);
}

static void test_rank_error(void **state)
{
	(void)state;
	static const size_t sizes[] = {1,   2,   3,    10,   499,  500,  501,  502,
				       503, 750, 1000, 1001, 1002, 1567, 9973, N_MAX};
	for (size_t k = 0; k < N_KINDS; k++)
		for (size_t c = 0; c < sizeof(sizes) / sizeof(*sizes); c++) {
			size_t n = sizes[c];
			fill((enum kind)k, n, c + 100);
			struct sketch s = sketch_of(n);
			assert_true(s.at[0] == values[0]);
			assert_true(s.at[s.points - 1] == values[n - 1]);
			for (size_t i = 0; i < n; i++) {
				check_rank(&s, values[i]);
				check_rank(&s, nextafter(values[i], INFINITY));
				check_rank(&s, nextafter(values[i], -INFINITY));
			}
			assert_true(sketch_rank(&s, -INFINITY) == 0);
			if (values[n - 1] < INFINITY)
				assert_true(sketch_rank(&s, INFINITY) == 1);
		}
}

static void test_rank_is_monotone(void **state)
{
	(void)state;
	fill(NORMAL, 5000, 1);
	struct sketch s = sketch_of(5000);
	double last = 0;
	for (double x = -7; x < 7; x += 0.001) {
		double rank = sketch_rank(&s, x);
		assert_true(rank >= last && rank <= 1);
		last = rank;
	}
	assert_true(last == 1);
}

static void test_sketch_quantile(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 501; n += 50) {
		fill(NORMAL, n, n);
		struct sketch s = sketch_of(n);
		for (int i = 0; i <= 100; i++) {
			double q = i / 100.0;
			assert_true(bits_of(sketch_quantile(&s, q)) ==
				    bits_of(sorted_quantile(values, n, q)));
		}
	}
	fill(NORMAL, N_MAX, 5);
	struct sketch s = sketch_of(N_MAX);
	for (int i = 0; i <= 1000; i++) {
		double q = i / 1000.0;
		assert_true(fabs(true_rank(N_MAX, sketch_quantile(&s, q)) - q) <= 0.002);
	}
}

static void test_empty(void **state)
{
	(void)state;
	struct sketch s = {0};
	assert_int_equal(sketch_points(0), 0);
	assert_int_equal(sketch_points(501), 501);
	assert_int_equal(sketch_points(UINT64_MAX), 501);
	assert_true(sketch_rank(&s, 1) == 0);
	assert_true(isnan(sketch_quantile(&s, 0.5)));
	sketch_from_sorted(NULL, 0, NULL);
	sort_doubles(NULL, 0, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_half_way),
		cmocka_unit_test(test_quantile_is_numpys),
		cmocka_unit_test(test_quantile_ends),
		cmocka_unit_test(test_rank_error),
		cmocka_unit_test(test_rank_is_monotone),
		cmocka_unit_test(test_sketch_quantile),
		cmocka_unit_test(test_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
