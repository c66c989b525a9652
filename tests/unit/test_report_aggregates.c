/* The bounded aggregates of a report: steps of time, bins of scores, moments by class. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/rng.h"
#include "lib/base/timestamp.h"
#include "lib/report/contrast.h"
#include "lib/report/scorebins.h"
#include "lib/report/timebins.h"
#include "tests/unit/alloc_fail.h"

static void timebins_new(struct timebins *t, int64_t smallest, size_t max)
{
	struct error err = ERROR_INIT;

	assert_int_equal(timebins_init(t, smallest, max, &err), 0);
}

static void a_step_counts_what_lies_in_it(void **state)
{
	struct timebins t;

	(void)state;
	timebins_new(&t, NS_PER_HOUR, 100);
	timebins_add(&t, -1, 0.5, false);
	timebins_add(&t, 0, 0.25, false);
	timebins_add(&t, NS_PER_HOUR - 1, 0.75, true);
	timebins_add(&t, 3 * NS_PER_HOUR, 0.1, true);
	assert_int_equal(t.n, 5);
	assert_int_equal(timebins_width_ns(&t), NS_PER_HOUR);
	assert_int_equal(timebins_start_ns(&t, 0), -NS_PER_HOUR);
	assert_int_equal(t.bins[0].n, 1);
	assert_int_equal(t.bins[1].n, 2);
	assert_int_equal(t.bins[1].anomalies, 1);
	assert_true(t.bins[1].min == 0.25 && t.bins[1].max == 0.25);
	assert_true(t.bins[1].a_min == 0.75 && t.bins[1].a_max == 0.75);
	assert_true(t.bins[1].sum == 1.0);
	assert_int_equal(t.bins[2].n, 0);
	assert_int_equal(t.bins[4].anomalies, 1);
	timebins_release(&t);
}

static void steps_wider_than_a_day_begin_on_mondays(void **state)
{
	static const char monday[] = "2024-01-01T00:00:00Z", sunday[] = "2024-01-07T23:59:59Z";
	struct error err = ERROR_INIT;
	struct timebins t;
	int64_t from, to;
	bool naive;

	(void)state;
	assert_int_equal(timestamp_parse(monday, strlen(monday), 0, &from, &naive, &err), 0);
	assert_int_equal(timestamp_parse(sunday, strlen(sunday), 0, &to, &naive, &err), 0);
	timebins_new(&t, 7 * NS_PER_DAY, 60);
	timebins_add(&t, from, 1, false);
	timebins_add(&t, to, 1, false);
	assert_int_equal(t.n, 1);
	assert_int_equal(timebins_start_ns(&t, 0), from);
	timebins_add(&t, to + NS_PER_SECOND, 1, false);
	assert_int_equal(t.n, 2);
	timebins_release(&t);
}

/* The same records in any order give the same steps, and as many as counting at once would. */
static void widening_loses_nothing(void **state)
{
	enum { N = 3000 };
	static int64_t times[N];
	struct timebins t, u;
	struct rng rng;

	(void)state;
	rng_init(&rng, 7, 0);
	for (int i = 0; i < N; i++)
		times[i] = (int64_t)(rng_uniform(&rng) * 4e8) * 1000003 - INT64_C(1000000000000);
	timebins_new(&t, 1, 100);
	timebins_new(&u, 1, 100);
	for (int i = 0; i < N; i++) {
		timebins_add(&t, times[i], i % 10, i % 7 == 0);
		timebins_add(&u, times[N - 1 - i], (N - 1 - i) % 10, (N - 1 - i) % 7 == 0);
	}
	assert_true(t.n <= 100);
	assert_int_equal(t.n, u.n);
	assert_int_equal(t.width, u.width);
	assert_int_equal(t.first, u.first);
	for (size_t b = 0; b < t.n; b++) {
		int64_t from = timebins_start_ns(&t, b), to = timebins_start_ns(&t, b + 1);
		uint64_t n = 0, anomalies = 0;

		for (int i = 0; i < N; i++) {
			n += times[i] >= from && times[i] < to;
			anomalies += times[i] >= from && times[i] < to && i % 7 == 0;
		}
		assert_int_equal(t.bins[b].n, n);
		assert_int_equal(t.bins[b].anomalies, anomalies);
		assert_int_equal(u.bins[b].n, n);
		assert_true(t.bins[b].min == u.bins[b].min && t.bins[b].a_max == u.bins[b].a_max);
	}
	timebins_release(&t);
	timebins_release(&u);
}

static void all_of_time_fits(void **state)
{
	struct timebins t;

	(void)state;
	timebins_new(&t, 1, 60);
	timebins_add(&t, INT64_MIN, 1, false);
	timebins_add(&t, INT64_MAX, 1, true);
	timebins_add(&t, 0, 1, true);
	assert_true(t.n <= 60);
	assert_int_equal(t.bins[0].n, 1);
	assert_int_equal(t.bins[t.n - 1].n, 1);
	assert_int_equal(timebins_start_ns(&t, 0), INT64_MIN);
	timebins_release(&t);
}

static void coarsened_steps_agree(void **state)
{
	struct timebins t;

	(void)state;
	timebins_new(&t, NS_PER_DAY, 62);
	for (int day = -10; day < 20; day++)
		timebins_add(&t, day * NS_PER_DAY, 1, day >= 0);
	timebins_coarsen(&t, t.width + 1);
	assert_int_equal(timebins_width_ns(&t), 7 * NS_PER_DAY);
	/* 1969-12-22, ten days before 1970, was a Monday. */
	assert_int_equal(timebins_start_ns(&t, 0), -10 * NS_PER_DAY);
	assert_int_equal(t.n, 5);
	assert_int_equal(t.bins[0].n, 7);
	assert_int_equal(t.bins[1].n, 7);
	assert_int_equal(t.bins[1].anomalies, 4);
	assert_int_equal(t.bins[4].n, 2);
	timebins_release(&t);
}

static void scores_fall_into_their_bins(void **state)
{
	enum { N = 5000 };
	static struct scorebins s, u;
	static double scores[N];
	struct rng rng;
	uint64_t all = 0;

	(void)state;
	memset(&s, 0, sizeof(s));
	memset(&u, 0, sizeof(u));
	rng_init(&rng, 1, 0);
	for (int i = 0; i < N; i++)
		scores[i] = rng_uniform(&rng) * 3 - 1;
	for (int i = 0; i < N; i++) {
		scorebins_add(&s, scores[i], scores[i] > 1);
		scorebins_add(&u, scores[N - 1 - i], scores[N - 1 - i] > 1);
	}
	scorebins_coarsen(&s, 80);
	scorebins_coarsen(&u, 80);
	assert_in_range(s.n, 40, 80);
	assert_true(scorebins_width(&s) == scorebins_width(&u) && s.first == u.first);
	for (size_t b = 0; b < s.n; b++) {
		double from = scorebins_edge(&s, b), to = scorebins_edge(&s, b + 1);
		uint64_t normal = 0, anomalous = 0;

		for (int i = 0; i < N; i++) {
			bool in = scores[i] >= from && scores[i] < to;

			normal += in && scores[i] <= 1;
			anomalous += in && scores[i] > 1;
		}
		assert_int_equal(s.bins[b].normal, normal);
		assert_int_equal(s.bins[b].anomalous, anomalous);
		assert_int_equal(u.bins[b].normal, normal);
		all += normal + anomalous;
	}
	assert_int_equal(all, N);
}

static void scores_may_be_anything_finite(void **state)
{
	static const double scores[] = {0, 1e-300, -1e308, 1e308, 0.5, -0.0, 5e-324};
	static struct scorebins s;
	uint64_t all = 0;

	(void)state;
	memset(&s, 0, sizeof(s));
	for (size_t i = 0; i < sizeof(scores) / sizeof(scores[0]); i++)
		scorebins_add(&s, scores[i], false);
	scorebins_coarsen(&s, 80);
	for (size_t b = 0; b < s.n; b++)
		all += s.bins[b].normal;
	assert_int_equal(all, sizeof(scores) / sizeof(scores[0]));
	assert_in_range(s.n, 2, 80);
}

static void one_score_gets_a_bin_that_can_be_seen(void **state)
{
	static struct scorebins s;

	(void)state;
	memset(&s, 0, sizeof(s));
	scorebins_add(&s, 0.5, true);
	scorebins_widen(&s);
	assert_true(scorebins_width(&s) == 1.0 / 64);
	assert_true(scorebins_edge(&s, 0) == 0.5);
	memset(&s, 0, sizeof(s));
	scorebins_add(&s, 0, true);
	scorebins_widen(&s);
	assert_int_equal(s.n, 1);
}

static const char *const names[] = {"same", "apart", "flag", "one", "text", "gone", "below"};
enum { FEATURES = sizeof(names) / sizeof(names[0]) };

/* By hand: apart has 1, 2, 3 in normal and 5, 7 in anomalous records. */
static void features_are_ranked_by_the_standardised_difference(void **state)
{
	static const double normal[][FEATURES] = {
		{1, 1, 0, 7, 1, NAN, 10},
		{2, 2, 0, 7, 1, NAN, 10.5},
		{3, 3, 0, 7, INFINITY, NAN, 11},
	};
	static const double anomalous[][FEATURES] = {
		{1, 5, 1, 7, 2, 1, 1},
		{3, 7, 1, 7, 2, 2, NAN},
	};
	struct contrast c;
	struct contrast_result result;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(contrast_init(&c, names, FEATURES, &err), 0);
	for (size_t i = 0; i < 3; i++)
		contrast_add(&c, normal[i], false);
	for (size_t i = 0; i < 2; i++)
		contrast_add(&c, anomalous[i], true);
	assert_int_equal(contrast_rank(&c, 20, &result, &err), 0);
	assert_int_equal(result.n_ranked, 3);
	assert_int_equal(result.compared, 3);
	assert_int_equal(result.constant, 1);
	assert_int_equal(result.no_spread, 1);
	assert_int_equal(result.no_values, 1);
	assert_int_equal(result.not_number, 1);
	/* below: s = sqrt((0.5 + 0) / 2) = 0.5, d = (1 - 10.5) / 0.5. */
	assert_string_equal(names[result.ranks[0].feature], "below");
	assert_true(fabs(result.ranks[0].d - -19) < 1e-12);
	/* apart: s = sqrt((2 + 2) / 3), d = (6 - 2) / s. */
	assert_string_equal(names[result.ranks[1].feature], "apart");
	assert_true(fabs(result.ranks[1].sd - sqrt(4.0 / 3)) < 1e-12);
	assert_true(fabs(result.ranks[1].d - 4 / sqrt(4.0 / 3)) < 1e-12);
	assert_string_equal(names[result.ranks[2].feature], "same");
	assert_true(result.ranks[2].d == 0);
	free(result.ranks);
	assert_int_equal(contrast_rank(&c, 1, &result, &err), 0);
	assert_int_equal(result.n_ranked, 1);
	assert_int_equal(result.compared, 3);
	free(result.ranks);
	contrast_release(&c);
}

static int make_and_rank(void *arg, struct error *err)
{
	struct contrast c;
	struct contrast_result result;

	(void)arg;
	if (contrast_init(&c, names, FEATURES, err) < 0)
		return -1;
	int status = contrast_rank(&c, 20, &result, err);
	if (status == 0)
		free(result.ranks);
	contrast_release(&c);
	return status;
}

static void contrast_survives_want_of_memory(void **state)
{
	(void)state;
	assert_int_equal(alloc_fail_each(make_and_rank, NULL), FEATURES + 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_counts_what_lies_in_it),
		cmocka_unit_test(steps_wider_than_a_day_begin_on_mondays),
		cmocka_unit_test(widening_loses_nothing),
		cmocka_unit_test(all_of_time_fits),
		cmocka_unit_test(coarsened_steps_agree),
		cmocka_unit_test(scores_fall_into_their_bins),
		cmocka_unit_test(scores_may_be_anything_finite),
		cmocka_unit_test(one_score_gets_a_bin_that_can_be_seen),
		cmocka_unit_test(features_are_ranked_by_the_standardised_difference),
		cmocka_unit_test(contrast_survives_want_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
