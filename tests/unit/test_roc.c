/* ROC, precision-recall and their curves against definitions counted by brute force. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/base/rng.h"
#include "lib/stats/roc.h"
#include "tests/unit/alloc_fail.h"

#define MAX 300

/* A small set of records, as given. */
struct set {
	size_t n;
	double score[MAX];
	bool positive[MAX];
};

static void load(struct roc *r, const struct set *s)
{
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < s->n; i++)
		assert_int_equal(roc_add(r, s->score[i], s->positive[i], &err), 0);
	assert_int_equal(roc_sort(r, &err), 0);
}

/* Scores on `levels` distinct values: few levels, many ties. */
static void draw_set(struct set *s, struct rng *rng, uint64_t levels)
{
	s->n = 1 + rng_below(rng, MAX);
	for (size_t i = 0; i < s->n; i++) {
		s->positive[i] = rng_uniform(rng) < 0.3;
		s->score[i] = (double)rng_below(rng, levels) / 8 - 3;
	}
}

static size_t count(const struct set *s, bool positive, double threshold)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->positive[i] == positive && s->score[i] >= threshold;
	return n;
}

static double auc_of_pairs(const struct set *s)
{
	double won = 0, pairs = 0;

	for (size_t i = 0; i < s->n; i++) {
		for (size_t j = 0; j < s->n; j++) {
			if (!s->positive[i] || s->positive[j])
				continue;
			pairs++;
			won += s->score[i] > s->score[j] ? 1 : s->score[i] == s->score[j] ? 0.5 : 0;
		}
	}
	return won / pairs;
}

/* Each positive's own precision, averaged: the same sum by records instead of thresholds. */
static double average_precision_of_positives(const struct set *s)
{
	double sum = 0;
	size_t positives = count(s, true, -INFINITY);

	for (size_t i = 0; i < s->n; i++) {
		if (s->positive[i]) {
			double tp = (double)count(s, true, s->score[i]);

			sum += tp / (tp + (double)count(s, false, s->score[i]));
		}
	}
	return sum / (double)positives;
}

/* The mean over random orders of ties, computed exactly record by record. */
static double precision_at(const struct set *s, size_t k)
{
	double in = 0;

	for (size_t i = 0; i < s->n; i++) {
		size_t above = 0, tied = 0;

		for (size_t j = 0; j < s->n; j++) {
			above += s->score[j] > s->score[i];
			tied += s->score[j] == s->score[i];
		}
		if (s->positive[i] && above < k)
			in += k - above >= tied ? 1 : (double)(k - above) / (double)tied;
	}
	return in / (double)k;
}

static void test_known_values(void **state)
{
	/* The example of scikit-learn's manual for roc_auc_score and average_precision_score. */
	const struct set s = {4, {0.1, 0.4, 0.35, 0.8}, {false, false, true, true}};
	struct roc r = {0};
	struct roc_point best;

	(void)state;
	load(&r, &s);
	assert_true(roc_auc(&r) == 0.75);
	assert_true(fabs(roc_average_precision(&r) - 5.0 / 6) < 1e-15);
	assert_true(roc_precision_at(&r, 2) == 0.5);
	assert_true(roc_best_f1(&r, &best) == 0.8);
	assert_true(best.threshold == 0.35 && best.tp == 2 && best.fp == 1);
	roc_release(&r);
}

static void test_steps(void **state)
{
	const struct set s = {6, {1, 2, 2, 2, 3, -0.0}, {false, true, false, true, false, true}};
	struct roc r = {0};
	struct roc_point p = ROC_POINT_START;

	(void)state;
	load(&r, &s);
	assert_true(isinf(p.threshold) && p.tp == 0 && p.fp == 0);
	assert_true(roc_next(&r, &p) && p.threshold == 3 && p.tp == 0 && p.fp == 1);
	assert_true(roc_next(&r, &p) && p.threshold == 2 && p.tp == 2 && p.fp == 2);
	assert_true(roc_next(&r, &p) && p.threshold == 1 && p.tp == 2 && p.fp == 3);
	assert_true(roc_next(&r, &p) && p.threshold == 0 && p.tp == 3 && p.fp == 3);
	assert_false(roc_next(&r, &p));
	roc_release(&r);
}

static void test_definitions_on_random_sets(void **state)
{
	static const uint64_t levels[] = {1, 2, 5, 40, 1000000};
	struct set s;
	struct rng rng;

	(void)state;
	rng_init(&rng, 7, 0);
	for (unsigned i = 0; i < 100; i++) {
		struct roc r = {0};

		draw_set(&s, &rng, levels[i % 5]);
		load(&r, &s);
		if (r.pos.n && r.neg.n)
			assert_true(fabs(roc_auc(&r) - auc_of_pairs(&s)) < 1e-12);
		if (r.pos.n)
			assert_true(fabs(roc_average_precision(&r) -
					 average_precision_of_positives(&s)) < 1e-12);
		for (size_t k = 1; k <= s.n; k += 1 + k / 3)
			assert_true(fabs(roc_precision_at(&r, k) - precision_at(&s, k)) < 1e-12);
		roc_release(&r);
	}
}

static void test_best_f1_is_the_best(void **state)
{
	struct set s;
	struct rng rng;

	(void)state;
	rng_init(&rng, 8, 0);
	for (unsigned i = 0; i < 50; i++) {
		struct roc r = {0};
		struct roc_point best = ROC_POINT_START;
		double highest = -1, threshold = 0;

		draw_set(&s, &rng, 30);
		s.positive[0] = true;
		load(&r, &s);
		for (size_t j = 0; j < s.n; j++) {
			size_t tp = count(&s, true, s.score[j]), fp = count(&s, false, s.score[j]);
			double f1 = 2.0 * (double)tp / (double)(tp + fp + r.pos.n);

			if (f1 > highest || (f1 == highest && s.score[j] > threshold)) {
				highest = f1;
				threshold = s.score[j];
			}
		}
		assert_true(roc_best_f1(&r, &best) == highest);
		assert_true(best.threshold == threshold);
		assert_int_equal(best.tp, count(&s, true, threshold));
		assert_int_equal(best.fp, count(&s, false, threshold));
		roc_release(&r);
	}
}

/* 2/3 at 5 and at 1: the highest threshold counts. */
static void test_best_f1_twice(void **state)
{
	const struct set s = {4, {5, 3, 2, 1}, {true, false, false, true}};
	struct roc r = {0};
	struct roc_point best;

	(void)state;
	load(&r, &s);
	assert_true(roc_best_f1(&r, &best) == 2.0 / 3);
	assert_true(best.threshold == 5 && best.tp == 1 && best.fp == 0);
	assert_true(isnan(roc_precision_at(&r, 5)));
	roc_release(&r);
}

static void test_too_many_scores(void **state)
{
	struct roc r = {.neg = {.n = INT32_MAX, .cap = INT32_MAX}};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(roc_add(&r, 1, false, &err), -1);
	assert_int_equal(err.kind, ERROR_DATA);
	assert_int_equal(roc_add(&r, 1, true, &err), 0);
	roc_release(&r);
}

static void test_curves_that_just_fit(void **state)
{
	const struct set gains = {5, {5, 4, 3, 2, 1}, {true, true, true, true, false}};
	const struct set late = {5, {5, 4, 3, 2, 1}, {false, false, false, true, false}};
	struct roc r = {0};
	struct curve_point points[6];
	bool corner = false;

	(void)state;
	load(&r, &gains);
	assert_int_equal(roc_pr_curve(&r, 4, points), 4);
	assert_true(points[1].threshold == 4 && points[2].threshold == 3);
	assert_int_equal(roc_curve(&r, 6, points), 6);
	roc_release(&r);

	/* One point too many: the step up is not the one to go. */
	load(&r, &late);
	size_t n = roc_curve(&r, 5, points);
	for (size_t i = 0; i < n; i++)
		corner |= points[i].x == 0.75 && points[i].y == 1;
	assert_true(corner);
	roc_release(&r);
}

static void test_one_class_or_none(void **state)
{
	const struct set positives = {3, {1, 2, 2}, {true, true, true}};
	const struct set negatives = {2, {1, 2}, {false, false}};
	struct roc r = {0};
	struct roc_point best = {.threshold = 5};
	struct curve_point points[4];

	(void)state;
	load(&r, &(struct set){.n = 0});
	assert_true(isnan(roc_auc(&r)) && isnan(roc_average_precision(&r)));
	assert_true(isnan(roc_precision_at(&r, 0)) && isnan(roc_precision_at(&r, 1)));
	assert_true(isnan(roc_best_f1(&r, &best)) && best.threshold == 5);
	assert_int_equal(roc_curve(&r, 4, points), 0);
	assert_int_equal(roc_pr_curve(&r, 4, points), 0);

	load(&r, &positives);
	assert_true(isnan(roc_auc(&r)));
	assert_true(roc_average_precision(&r) == 1);
	assert_true(roc_precision_at(&r, 3) == 1);
	assert_true(roc_best_f1(&r, &best) == 1 && best.threshold == 1);
	assert_int_equal(roc_curve(&r, 4, points), 0);
	assert_int_equal(roc_pr_curve(&r, 4, points), 2);
	roc_release(&r);

	load(&r, &negatives);
	assert_true(isnan(roc_auc(&r)) && isnan(roc_average_precision(&r)));
	assert_true(roc_precision_at(&r, 1) == 0);
	assert_true(isnan(roc_best_f1(&r, &best)));
	assert_int_equal(roc_pr_curve(&r, 4, points), 0);
	roc_release(&r);
}

/* Area under points joined by straight lines. */
static double area(const struct curve_point *p, size_t n)
{
	double sum = 0;

	for (size_t i = 1; i < n; i++)
		sum += (p[i].x - p[i - 1].x) * (p[i].y + p[i - 1].y) / 2;
	return sum;
}

static void test_whole_curves_carry_the_areas(void **state)
{
	struct curve_point points[MAX + 1];
	struct set s;
	struct rng rng;

	(void)state;
	rng_init(&rng, 9, 0);
	for (unsigned i = 0; i < 20; i++) {
		struct roc r = {0};
		double steps = 0, x = 0;

		draw_set(&s, &rng, 60);
		s.n = s.n < 2 ? 2 : s.n;
		s.positive[0] = true, s.score[0] = 1;
		s.positive[1] = false, s.score[1] = 1;
		load(&r, &s);
		size_t n = roc_curve(&r, MAX + 1, points);

		assert_true(points[0].x == 0 && points[0].y == 0 && isinf(points[0].threshold));
		assert_true(points[n - 1].x == 1 && points[n - 1].y == 1);
		assert_true(fabs(area(points, n) - roc_auc(&r)) < 1e-12);

		n = roc_pr_curve(&r, MAX + 1, points);
		for (size_t j = 0; j < n; x = points[j++].x)
			steps += (points[j].x - x) * points[j].y;
		assert_true(x == 1);
		assert_true(fabs(steps - roc_average_precision(&r)) < 1e-12);
		roc_release(&r);
	}
}

static void test_thinned_curves_keep_their_shape(void **state)
{
	enum { N = 20000, POINTS = 100 };
	struct curve_point points[POINTS];
	struct roc r = {0};
	struct roc_point p = ROC_POINT_START;
	struct error err = ERROR_INIT;
	struct rng rng;
	double x = 0;
	size_t n, at = 0;

	(void)state;
	rng_init(&rng, 10, 0);
	for (unsigned i = 0; i < N; i++) {
		bool positive = i % 10 == 0;

		assert_int_equal(roc_add(&r, rng_uniform(&rng) + 0.3 * positive, positive, &err),
				 0);
	}
	assert_int_equal(roc_sort(&r, &err), 0);

	n = roc_curve(&r, POINTS, points);
	assert_in_range(n, POINTS / 2, POINTS);
	assert_true(points[n - 1].x == 1 && points[n - 1].y == 1);
	while (roc_next(&r, &p)) {
		double px = (double)p.fp / (double)r.neg.n, py = (double)p.tp / (double)r.pos.n;

		while (at + 1 < n && points[at + 1].threshold >= p.threshold)
			at++;
		assert_true(px >= points[at].x && py >= points[at].y);
		assert_true(px - points[at].x + py - points[at].y < 2.0 / (POINTS - 2));
	}
	assert_true(fabs(area(points, n) - roc_auc(&r)) < 0.001);

	n = roc_pr_curve(&r, POINTS, points);
	assert_in_range(n, POINTS / 2, POINTS);
	for (size_t j = 0; j < n; x = points[j++].x)
		assert_true(points[j].x > x && points[j].y > 0 && points[j].y <= 1);
	assert_true(x == 1 && points[n - 1].y >= 0.1);
	roc_release(&r);
}

static int fill_and_sort(void *arg, struct error *err)
{
	struct roc r = {0};
	int rc = -1;

	(void)arg;
	for (unsigned i = 0; i < 100; i++)
		if (roc_add(&r, i, i % 3, err) < 0)
			goto out;
	rc = roc_sort(&r, err);
out:
	roc_release(&r);
	return rc;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(fill_and_sort, NULL) >= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_definitions_on_random_sets),
		cmocka_unit_test(test_best_f1_is_the_best),
		cmocka_unit_test(test_best_f1_twice),
		cmocka_unit_test(test_too_many_scores),
		cmocka_unit_test(test_curves_that_just_fit),
		cmocka_unit_test(test_one_class_or_none),
		cmocka_unit_test(test_whole_curves_carry_the_areas),
		cmocka_unit_test(test_thinned_curves_keep_their_shape),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("roc", tests, NULL, NULL);
}
