/* The bootstrap against resampling written out, and what it promises. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/rng.h"
#include "lib/stats/bootstrap.h"
#include "lib/stats/sketch.h"
#include "tests/unit/alloc_fail.h"

static void add(struct roc *r, double score, bool positive)
{
	struct error err = ERROR_INIT;

	assert_int_equal(roc_add(r, score, positive, &err), 0);
}

static void sort(struct roc *r)
{
	struct error err = ERROR_INIT;

	assert_int_equal(roc_sort(r, &err), 0);
}

/* Scores rounded so that there are ties within and between the classes. */
static void fill(struct roc *r, size_t n_pos, size_t n_neg, double shift)
{
	struct rng rng;

	rng_init(&rng, 3, 0);
	for (size_t i = 0; i < n_pos; i++)
		add(r, floor(40 * (rng_uniform(&rng) + shift)), true);
	for (size_t i = 0; i < n_neg; i++)
		add(r, floor(40 * rng_uniform(&rng)), false);
	sort(r);
}

static struct roc_intervals bootstrap(const struct roc *r, uint64_t replicates, uint64_t seed,
				      unsigned threads)
{
	struct roc_intervals out;
	struct error err = ERROR_INIT;

	assert_int_equal(roc_bootstrap(r, replicates, seed, threads, &out, &err), 0);
	return out;
}

/* n scores drawn from the n of a class, counted from the highest. */
static void resample(struct roc *to, const struct roc_class *c, bool positive, struct rng *rng)
{
	for (size_t i = 0; i < c->n; i++)
		add(to, c->scores[c->n - 1 - rng_below(rng, c->n)], positive);
}

static void test_resampling_written_out(void **state)
{
	enum { N = 97 };
	double auc[N], ap[N], tmp[N];
	struct roc r = {0};

	(void)state;
	fill(&r, 23, 61, 0.2);
	for (unsigned i = 0; i < N; i++) {
		struct roc drawn = {0};
		struct rng rng;

		rng_init(&rng, 11, i);
		resample(&drawn, &r.pos, true, &rng);
		resample(&drawn, &r.neg, false, &rng);
		sort(&drawn);
		auc[i] = roc_auc(&drawn);
		ap[i] = roc_average_precision(&drawn);
		roc_release(&drawn);
	}
	sort_doubles(auc, N, tmp);
	sort_doubles(ap, N, tmp);

	struct roc_intervals out = bootstrap(&r, N, 11, 1);

	assert_true(out.auc.low == sorted_quantile(auc, N, 0.025));
	assert_true(out.auc.high == sorted_quantile(auc, N, 0.975));
	assert_true(fabs(out.average_precision.low - sorted_quantile(ap, N, 0.025)) < 1e-14);
	assert_true(fabs(out.average_precision.high - sorted_quantile(ap, N, 0.975)) < 1e-14);
	roc_release(&r);
}

static void test_neither_threads_nor_order_matter(void **state)
{
	struct roc r = {0}, reversed = {0};
	struct roc_intervals one, other;

	(void)state;
	fill(&r, 50, 400, 0.1);
	for (size_t i = r.neg.n; i-- > 0;)
		add(&reversed, r.neg.scores[i], false);
	for (size_t i = r.pos.n; i-- > 0;)
		add(&reversed, r.pos.scores[i], true);
	sort(&reversed);

	one = bootstrap(&r, 200, 42, 1);
	for (unsigned threads = 2; threads <= 5; threads++) {
		other = bootstrap(&reversed, 200, 42, threads);
		assert_memory_equal(&one, &other, sizeof(one));
	}
	other = bootstrap(&r, 200, 43, 1);
	assert_true(one.auc.low != other.auc.low);
	roc_release(&r);
	roc_release(&reversed);
}

static void test_interval_holds_the_estimate(void **state)
{
	struct roc r = {0};
	struct roc_intervals out;

	(void)state;
	fill(&r, 100, 1000, 0.2);
	out = bootstrap(&r, 1000, 42, 2);
	assert_true(out.auc.low < roc_auc(&r) && roc_auc(&r) < out.auc.high);
	assert_true(out.auc.low > 0.5);
	assert_true(out.average_precision.low < roc_average_precision(&r));
	assert_true(out.average_precision.high > roc_average_precision(&r));

	/* Hanley and McNeil 1982, equation 1: the standard error, which a normal interval is 1.96
	 * of. */
	double a = roc_auc(&r), q1 = a / (2 - a), q2 = 2 * a * a / (1 + a);
	double se = sqrt((a * (1 - a) + 99 * (q1 - a * a) + 999 * (q2 - a * a)) / (100.0 * 1000.0));

	assert_true(fabs((out.auc.high - out.auc.low) / (2 * 1.96 * se) - 1) < 0.15);
	roc_release(&r);
}

static void test_scores_without_spread(void **state)
{
	struct roc tied = {0}, apart = {0};
	struct roc_intervals out;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		add(&tied, 0.5, i % 4 == 0);
		add(&apart, i % 4 == 0 ? 2 : 1, i % 4 == 0);
	}
	sort(&tied);
	sort(&apart);
	out = bootstrap(&tied, 100, 1, 1);
	assert_true(out.auc.low == 0.5 && out.auc.high == 0.5);
	assert_true(out.average_precision.low == 0.25 && out.average_precision.high == 0.25);
	out = bootstrap(&apart, 100, 1, 1);
	assert_true(out.auc.low == 1 && out.auc.high == 1);
	assert_true(out.average_precision.low == 1 && out.average_precision.high == 1);
	roc_release(&tied);
	roc_release(&apart);
}

static void test_degenerate(void **state)
{
	struct roc r = {0};
	struct roc_intervals out;

	(void)state;
	sort(&r);
	out = bootstrap(&r, 100, 1, 1);
	assert_true(isnan(out.auc.low) && isnan(out.average_precision.high));
	add(&r, 1, false);
	add(&r, 2, false);
	sort(&r);
	out = bootstrap(&r, 100, 1, 1);
	assert_true(isnan(out.auc.low) && isnan(out.average_precision.high));
	roc_release(&r);
	add(&r, 1, true);
	sort(&r);
	out = bootstrap(&r, 100, 1, 1);
	assert_true(isnan(out.auc.low) && isnan(out.auc.high));
	assert_true(out.average_precision.low == 1 && out.average_precision.high == 1);
	add(&r, 0, false);
	sort(&r);
	out = bootstrap(&r, 0, 1, 1);
	assert_true(isnan(out.auc.low) && isnan(out.average_precision.low));
	out = bootstrap(&r, 1, 1, 8);
	assert_true(out.auc.low == 1 && out.auc.high == 1);
	roc_release(&r);
}

static int run(void *arg, struct error *err)
{
	struct roc_intervals out;

	return roc_bootstrap(arg, 20, 1, 3, &out, err);
}

static void test_no_memory(void **state)
{
	struct roc r = {0};

	(void)state;
	fill(&r, 10, 20, 0);
	assert_true(alloc_fail_each(run, &r) >= 6);
	roc_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resampling_written_out),
		cmocka_unit_test(test_neither_threads_nor_order_matter),
		cmocka_unit_test(test_interval_holds_the_estimate),
		cmocka_unit_test(test_scores_without_spread),
		cmocka_unit_test(test_degenerate),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("bootstrap", tests, NULL, NULL);
}
