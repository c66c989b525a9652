/* A report's data model: threshold, truth, models, the sample of scores past a limit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/rng.h"
#include "lib/base/timestamp.h"
#include "lib/report/figure.h"
#include "lib/report/report.h"
#include "tests/unit/alloc_fail.h"

static struct error err = ERROR_INIT;

static struct report *make(void)
{
	static const char *const names[] = {"x"};
	struct report *r = report_new(names, 1, &err);

	assert_non_null(r);
	return r;
}

static void add(struct report *r, double score, bool anomaly, enum report_truth truth)
{
	double x = score;
	struct report_row row = {.score = score,
				 .is_anomaly = anomaly,
				 .severity = anomaly ? REPORT_LOW : REPORT_NONE,
				 .truth = truth,
				 .has_time = true,
				 .time_ns = (int64_t)r->n * 10 * NS_PER_SECOND,
				 .model_version = "0123456789ab",
				 .features = &x};

	assert_int_equal(report_add(r, &row, &err), 0);
}

static void finish(struct report *r, double threshold)
{
	assert_int_equal(report_finish(r, threshold, &err), 0);
}

static void the_threshold_lies_between_the_verdicts(void **state)
{
	struct report *r = make();

	(void)state;
	add(r, 0.25, false, TRUTH_UNKNOWN);
	add(r, 0.5, false, TRUTH_UNKNOWN);
	add(r, 0.75, true, TRUTH_UNKNOWN);
	finish(r, NAN);
	assert_true(r->separated && !r->lower_is_anomalous && !r->threshold_given);
	assert_true(r->threshold == 0.625);
	report_free(r);
}

static void a_given_threshold_counts(void **state)
{
	struct report *r = make();

	(void)state;
	add(r, 0.25, false, TRUTH_UNKNOWN);
	add(r, 0.75, true, TRUTH_UNKNOWN);
	finish(r, 0.3);
	assert_true(r->threshold_given && r->separated);
	assert_true(r->threshold == 0.3);
	report_free(r);
}

static void mixed_verdicts_have_no_threshold(void **state)
{
	struct report *r = make();

	(void)state;
	add(r, 0.3, false, TRUTH_UNKNOWN);
	add(r, 0.2, true, TRUTH_UNKNOWN);
	add(r, 0.9, true, TRUTH_UNKNOWN);
	finish(r, NAN);
	assert_false(r->separated);
	assert_true(isnan(r->threshold));
	report_free(r);
}

static void verdicts_all_alike_have_no_threshold(void **state)
{
	(void)state;
	for (int anomaly = 0; anomaly < 2; anomaly++) {
		struct report *r = make();

		add(r, 0.3, anomaly, TRUTH_UNKNOWN);
		finish(r, NAN);
		assert_false(r->separated);
		assert_true(isnan(r->threshold));
		report_free(r);
	}
}

static void a_decision_function_runs_the_other_way(void **state)
{
	struct report *r = make();

	(void)state;
	add(r, 0.2, false, TRUTH_NORMAL);
	add(r, 0.1, false, TRUTH_ANOMALY);
	add(r, -0.1, true, TRUTH_ANOMALY);
	finish(r, NAN);
	assert_true(r->lower_is_anomalous && r->separated);
	assert_true(r->threshold == 0);
	assert_true(r->auc == 1);
	assert_true(r->average_precision == 1);
	report_free(r);
}

static void truth_is_counted_where_there_is_any(void **state)
{
	struct report *r = make();

	(void)state;
	add(r, 0.9, true, TRUTH_ANOMALY);
	add(r, 0.8, true, TRUTH_NORMAL);
	add(r, 0.2, false, TRUTH_ANOMALY);
	add(r, 0.1, false, TRUTH_NORMAL);
	add(r, 0.95, true, TRUTH_UNKNOWN);
	finish(r, NAN);
	assert_int_equal(r->n, 5);
	assert_int_equal(r->anomalies, 3);
	assert_int_equal(r->truth[0] + r->truth[1], 4);
	assert_int_equal(r->confusion.tp, 1);
	assert_int_equal(r->confusion.fp, 1);
	/* Pairs: 0.9 beats both, 0.2 beats one. */
	assert_true(r->auc == 0.75);
	/* 1/2 * 1/1 + 1/2 * 2/3. */
	assert_true(fabs(r->average_precision - (0.5 + 1.0 / 3)) < 1e-12);
	assert_true(r->intervals.auc.low <= 0.75);
	assert_false(r->sampled);
	assert_true(report_precision(r, 0.4) == 0.4);
	report_free(r);
}

static void one_class_of_truth_gives_no_curve(void **state)
{
	struct report *r = make();

	(void)state;
	add(r, 0.9, true, TRUTH_ANOMALY);
	finish(r, NAN);
	assert_true(isnan(r->auc) && isnan(r->average_precision));
	report_free(r);
}

/* Normals in tenfold of what is kept: curves stay those of all records. */
static void a_sample_stands_for_all(void **state)
{
	enum { NORMAL = 3000000, ANOMALOUS = 3000 };
	struct report *r = make();
	struct rng rng;

	(void)state;
	rng_init(&rng, 3, 0);
	for (int i = 0; i < NORMAL; i++) {
		/* Uniform scores; anomalies in the upper half. */
		double score = rng_uniform(&rng);

		add(r, score, score > 0.9, TRUTH_NORMAL);
		if (i % (NORMAL / ANOMALOUS) == 0) {
			score = 0.5 + rng_uniform(&rng) / 2;
			add(r, score, score > 0.9, TRUTH_ANOMALY);
		}
	}
	finish(r, NAN);
	assert_true(r->sampled);
	assert_int_equal(r->roc.neg.n, REPORT_LABELS_MAX);
	assert_int_equal(r->truth[0], NORMAL);
	/* Of an anomaly uniform in (0.5, 1): beats 0.75 of the normals on average. */
	assert_true(fabs(r->auc - 0.75) < 0.01);
	/* Precision at threshold t >= 0.5 is 0.001 * 2 (1-t) / (0.001 * 2 (1-t) + (1-t)) = 1/501.
	 */
	assert_true(fabs(r->average_precision - 1.0 / 501) < 0.0005);
	assert_true(fabs(report_precision(r, 0.5) - 1.0 / 4) < 1e-12);
	assert_true(isnan(r->intervals.auc.low));
	report_free(r);
}

static void models_are_told_apart_up_to_a_number(void **state)
{
	struct report *r = make();
	double x = 0;

	(void)state;
	for (int i = 0; i < 2 * REPORT_MODELS_MAX; i++) {
		char version[80];

		/* Two records each; longer ones are told apart by what is kept. */
		snprintf(version, sizeof(version), "%03d%070d", i % (REPORT_MODELS_MAX + 1), 0);
		struct report_row row = {.score = 1,
					 .truth = TRUTH_UNKNOWN,
					 .model_version = version,
					 .features = &x};
		assert_int_equal(report_add(r, &row, &err), 0);
	}
	assert_int_equal(r->n_models, REPORT_MODELS_MAX);
	assert_int_equal(r->models[0].n, 2);
	assert_int_equal(strlen(r->models[0].version), 63);
	assert_int_equal(r->other_models, 1);
	report_free(r);
}

static void hours_of_the_day_keep_one_step(void **state)
{
	struct report *r = make();
	double x = 0;

	(void)state;
	/* One record in hour 3 for a year, one day in hour 5, none elsewhere. */
	for (int day = 0; day < 365; day++) {
		struct report_row row = {.score = 1,
					 .truth = TRUTH_UNKNOWN,
					 .has_time = true,
					 .time_ns = day * NS_PER_DAY + 3 * NS_PER_HOUR,
					 .features = &x};

		assert_int_equal(report_add(r, &row, &err), 0);
		row.time_ns = 700 * NS_PER_DAY + 5 * NS_PER_HOUR;
		if (day == 0)
			assert_int_equal(report_add(r, &row, &err), 0);
	}
	finish(r, NAN);
	for (int hour = 0; hour < 24; hour++)
		assert_int_equal(r->days[hour].width, r->days[0].width);
	int64_t end = r->days[5].first + (int64_t)r->days[5].n;
	assert_true(end - r->days[3].first <= 62);
	assert_int_equal(r->days[5].bins[0].n, 1);
	report_free(r);
}

/* Every line of a script that holds data begins with a number, so that no name can end its block or
 * be a command, and names are there without what gnuplot reads. */
static void names_stay_data(void **state)
{
	static const char *const names[] = {"EOD", "\"; system(\"x\")", "`x`", "a\nplot sin(x)",
					    "@$x\t\\n"};
	struct report *r = report_new(names, 5, &err);
	struct contrast_result ranking;
	struct figure f = {.kind = FIGURE_FEATURES};

	(void)state;
	assert_non_null(r);
	for (int i = 0; i < 40; i++) {
		double x[5] = {i % 5, i % 7, i % 3, i % 11, i};
		struct report_row row = {
			.score = i, .is_anomaly = i > 30, .truth = TRUTH_UNKNOWN, .features = x};

		assert_int_equal(report_add(r, &row, &err), 0);
	}
	finish(r, NAN);
	assert_int_equal(contrast_rank(&r->contrast, 20, &ranking, &err), 0);
	assert_int_equal(ranking.n_ranked, 5);
	assert_int_equal(figure_build(&f, r, &ranking, &err), 0);
	assert_true(figure_is_drawn(&f));
	assert_int_equal(buf_terminate(&f.script.buf, &err), 0);
	char *line = strstr(f.script.buf.data, "$features << EOD\n");
	assert_non_null(line);
	for (int i = 0; i < 5; i++) {
		line = strchr(line, '\n') + 1;
		assert_int_equal(line[0], '0' + i);
		assert_null(memchr(line, '"', strcspn(line, "\n")));
		assert_null(memchr(line, '`', strcspn(line, "\n")));
		assert_null(memchr(line, '\\', strcspn(line, "\n")));
	}
	line = strchr(line, '\n') + 1;
	assert_memory_equal(line, "EOD\nset ", 8);
	free(ranking.ranks);
	figure_release(&f);
	report_free(r);
}

static int whole_report(void *arg, struct error *e)
{
	static const char *const names[] = {"a", "b"};
	struct report *r = report_new(names, 2, e);
	int status = -1;

	(void)arg;
	if (!r)
		return -1;
	for (int i = 0; i < 40; i++) {
		double x[2] = {i, -i};
		struct report_row row = {.score = i / 40.0,
					 .is_anomaly = i > 30,
					 .severity = i > 30 ? REPORT_HIGH : REPORT_NONE,
					 .truth = i > 25 ? TRUTH_ANOMALY : TRUTH_NORMAL,
					 .has_time = true,
					 .time_ns = i * NS_PER_HOUR,
					 .features = x};

		if (report_add(r, &row, e) < 0)
			goto out;
	}
	struct contrast_result ranking;
	if (report_finish(r, NAN, e) < 0 || contrast_rank(&r->contrast, 20, &ranking, e) < 0)
		goto out;
	status = 0;
	for (int i = 0; i < FIGURES && status == 0; i++) {
		struct figure f = {.kind = (enum figure_kind)i};

		status = figure_build(&f, r, &ranking, e);
		figure_release(&f);
	}
	free(ranking.ranks);
out:
	report_free(r);
	return status;
}

static void a_report_survives_want_of_memory(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(whole_report, NULL) > 30);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_threshold_lies_between_the_verdicts),
		cmocka_unit_test(a_given_threshold_counts),
		cmocka_unit_test(mixed_verdicts_have_no_threshold),
		cmocka_unit_test(verdicts_all_alike_have_no_threshold),
		cmocka_unit_test(a_decision_function_runs_the_other_way),
		cmocka_unit_test(truth_is_counted_where_there_is_any),
		cmocka_unit_test(one_class_of_truth_gives_no_curve),
		cmocka_unit_test(a_sample_stands_for_all),
		cmocka_unit_test(models_are_told_apart_up_to_a_number),
		cmocka_unit_test(hours_of_the_day_keep_one_step),
		cmocka_unit_test(names_stay_data),
		cmocka_unit_test(a_report_survives_want_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
