/* Confusion, evaluation, and the text and JSON made of it. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "lib/stats/evaluation.h"
#include "tests/unit/alloc_fail.h"

static const struct evaluation_options how = {.replicates = 200, .seed = 42, .threads = 1};

/* n records of one truth, verdict and score. */
struct batch {
	unsigned n;
	bool truth, verdict;
	double score;
};

static void run(struct evaluation *e, const struct evaluation_options *options,
		const struct batch *batches, size_t n)
{
	struct error err = ERROR_INIT;
	struct confusion c = {0};
	struct roc r = {0};

	for (size_t i = 0; i < n; i++) {
		for (unsigned k = 0; k < batches[i].n; k++) {
			confusion_add(&c, batches[i].truth, batches[i].verdict);
			assert_int_equal(roc_add(&r, batches[i].score, batches[i].truth, &err), 0);
		}
	}
	assert_int_equal(evaluate(e, &c, &r, options, &err), 0);
	roc_release(&r);
}

static double value(const struct evaluation *e, enum evaluation_metric m)
{
	return e->metrics[m].value;
}

static const struct batch mixed[] = {
	{30, true, true, 0.9},
	{10, true, false, 0.4},
	{20, false, true, 0.8},
	{140, false, false, 0.3},
};

static void test_confusion(void **state)
{
	struct confusion c = {0};

	(void)state;
	assert_true(isnan(confusion_accuracy(&c)) && isnan(confusion_f1(&c)));
	confusion_add(&c, false, false);
	assert_true(isnan(confusion_precision(&c)) && isnan(confusion_recall(&c)));
	assert_true(isnan(confusion_f1(&c)) && confusion_accuracy(&c) == 1);
	confusion_add(&c, true, false);
	assert_true(isnan(confusion_precision(&c)) && confusion_recall(&c) == 0);
	assert_true(confusion_f1(&c) == 0);
	confusion_add(&c, false, true);
	confusion_add(&c, true, true);
	confusion_add(&c, true, true);
	assert_true(c.tn == 1 && c.fn == 1 && c.fp == 1 && c.tp == 2);
	assert_true(confusion_precision(&c) == 2.0 / 3 && confusion_recall(&c) == 2.0 / 3);
	assert_true(confusion_f1(&c) == 2.0 / 3 && confusion_accuracy(&c) == 0.6);
	assert_true(confusion_accuracy_always_normal(&c) == 0.4);
}

static void test_figures(void **state)
{
	struct evaluation e;

	(void)state;
	run(&e, &how, mixed, 4);
	assert_int_equal(e.positives, 40);
	assert_int_equal(e.negatives, 160);
	assert_true(value(&e, EVALUATION_PRECISION) == 0.6);
	assert_true(value(&e, EVALUATION_RECALL) == 0.75);
	assert_true(value(&e, EVALUATION_ACCURACY) == 0.85);
	assert_true(value(&e, EVALUATION_ACCURACY_ALWAYS_NORMAL) == 0.8);
	assert_true(value(&e, EVALUATION_ROC_AUC) == 0.96875);
	assert_true(value(&e, EVALUATION_PRECISION_AT_K) == 0.75);
	assert_true(value(&e, EVALUATION_BEST_F1) == 60.0 / 70);
	assert_true(e.best_f1_threshold == 0.9);
	assert_int_equal(e.separation, SEPARATION_YES);
	for (unsigned i = 0; i < EVALUATION_METRICS; i++)
		assert_null(e.metrics[i].undefined);
}

static void test_separation(void **state)
{
	static const struct batch even[] = {{25, true, true, 1},
					    {25, true, false, 0},
					    {25, false, true, 1},
					    {25, false, false, 0}};
	static const struct batch reversed[] = {{25, true, true, 0}, {25, false, true, 1}};
	static const struct batch equal[] = {{25, true, true, 1}, {25, false, true, 1}};
	struct evaluation_options off = how;
	struct evaluation e;

	(void)state;
	run(&e, &how, even, 4);
	assert_int_equal(e.separation, SEPARATION_NO);
	run(&e, &how, equal, 2); /* an interval of 0.5 alone */
	assert_true(e.intervals.auc.low == 0.5 && e.intervals.auc.high == 0.5);
	assert_int_equal(e.separation, SEPARATION_NO);
	run(&e, &how, reversed, 2);
	assert_int_equal(e.separation, SEPARATION_REVERSED);
	off.replicates = 0;
	run(&e, &off, even, 4);
	assert_int_equal(e.separation, SEPARATION_UNKNOWN);
	assert_true(isnan(e.intervals.auc.low));
}

static void test_what_cannot_be_said(void **state)
{
	static const struct batch normal[] = {{3, false, false, 1}};
	static const struct batch anomalous[] = {{3, true, true, 1}};
	struct evaluation e;

	(void)state;
	run(&e, &how, normal, 1);
	assert_non_null(e.metrics[EVALUATION_PRECISION].undefined);
	assert_string_equal(e.metrics[EVALUATION_RECALL].undefined,
			    "no record is anomalous in truth");
	assert_non_null(e.metrics[EVALUATION_F1].undefined);
	assert_string_equal(e.metrics[EVALUATION_ROC_AUC].undefined,
			    "no record is anomalous in truth");
	assert_non_null(e.metrics[EVALUATION_PRECISION_AT_K].undefined);
	assert_true(isnan(e.best_f1_threshold));
	assert_true(value(&e, EVALUATION_ACCURACY) == 1);
	assert_int_equal(e.separation, SEPARATION_UNKNOWN);

	run(&e, &how, anomalous, 1);
	assert_true(value(&e, EVALUATION_F1) == 1);
	assert_true(value(&e, EVALUATION_AVERAGE_PRECISION) == 1);
	assert_string_equal(e.metrics[EVALUATION_ROC_AUC].undefined,
			    "no record is normal in truth");
	assert_true(e.intervals.average_precision.low == 1);
}

static void test_lower_is_anomalous(void **state)
{
	static const struct batch negated[] = {{20, true, true, 0.25}, {20, false, false, 0}};
	struct evaluation_options lower = how;
	struct evaluation e;

	(void)state;
	lower.lower_is_anomalous = true;
	run(&e, &lower, negated, 2);
	assert_true(e.best_f1_threshold == -0.25);
	assert_true(value(&e, EVALUATION_ROC_AUC) == 1);

	static const struct batch at_zero[] = {{20, true, true, 0}, {20, false, false, -1}};
	run(&e, &lower, at_zero, 2);
	assert_true(e.best_f1_threshold == 0 && !signbit(e.best_f1_threshold));
}

/* The text made of one class of `n` records. */
static bool calls_too_narrow(unsigned n, bool anomalous)
{
	const struct batch one[] = {{n, anomalous, true, 1}};
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;
	struct evaluation e;

	run(&e, &how, one, 1);
	assert_int_equal(evaluation_add_text(&out, &e, &err), 0);
	assert_int_equal(buf_terminate(&out, &err), 0);
	bool says = strstr(out.data, "too narrow") != NULL;
	buf_release(&out);
	return says;
}

static void test_few(void **state)
{
	(void)state;
	assert_true(calls_too_narrow(EVALUATION_FEW - 1, true));
	assert_false(calls_too_narrow(EVALUATION_FEW, true));
	assert_false(calls_too_narrow(EVALUATION_FEW - 1, false)); /* there is no interval */
}

static void test_text_fits_80_columns(void **state)
{
	static const struct batch sets[][2] = {
		{{12, true, true, 0.1}, {2000000 / 100, false, true, 0.12345678901234568}},
		{{1, true, false, 1}, {0, false, false, 0}},
		{{0, true, false, 1}, {3, false, false, -1.2345678901234567e-300}},
		{{30, true, false, -1.2345678901234567e-300}, {30, false, false, -1}},
	};
	struct error err = ERROR_INIT;
	struct evaluation_options options = how;

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		struct buf out = BUF_INIT;
		struct evaluation e;

		options.lower_is_anomalous = i & 1;
		options.replicates = i & 2 ? 0 : 50;
		options.seed = UINT64_C(1) << 53;
		run(&e, &options, sets[i / 4], 2);
		e.unlabelled = 12;
		e.rejected = 3;
		assert_int_equal(evaluation_add_text(&out, &e, &err), 0);
		assert_int_equal(buf_terminate(&out, &err), 0);
		for (const char *line = out.data; *line; line += strcspn(line, "\n") + 1)
			assert_in_range(strcspn(line, "\n"), 0, 79);
		buf_release(&out);
	}
}

static void test_json(void **state)
{
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;
	struct evaluation e;
	json_t *root, *interval;

	(void)state;
	run(&e, &how, mixed, 4);
	assert_int_equal(evaluation_add_json(&out, &e, &err), 0);
	assert_int_equal(out.data[out.len - 1], '\n');
	root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	for (unsigned i = 0; i < EVALUATION_METRICS; i++)
		assert_true(json_real_value(json_object_get(root, evaluation_keys[i])) ==
			    value(&e, i));
	interval = json_object_get(root, "roc_auc_interval");
	assert_true(json_real_value(json_array_get(interval, 0)) == e.intervals.auc.low);
	assert_true(json_real_value(json_array_get(interval, 1)) == e.intervals.auc.high);
	assert_string_equal(json_string_value(json_object_get(root, "separation")), "yes");
	assert_int_equal(json_object_size(json_object_get(root, "undefined")), 0);
	json_decref(root);
	buf_release(&out);
}

static int make_all(void *arg, struct error *err)
{
	struct confusion c = {0};
	struct evaluation e;
	struct buf out = BUF_INIT;
	int rc = -1;

	if (evaluate(&e, &c, arg, &how, err) == 0 && evaluation_add_text(&out, &e, err) == 0 &&
	    evaluation_add_json(&out, &e, err) == 0)
		rc = 0;
	buf_release(&out);
	return rc;
}

static void test_no_memory(void **state)
{
	struct error err = ERROR_INIT;
	struct roc r = {0};

	(void)state;
	for (unsigned i = 0; i < 60; i++)
		assert_int_equal(roc_add(&r, i, i % 3 == 0, &err), 0);
	assert_true(alloc_fail_each(make_all, &r) >= 6);
	roc_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_confusion),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_separation),
		cmocka_unit_test(test_what_cannot_be_said),
		cmocka_unit_test(test_lower_is_anomalous),
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_text_fits_80_columns),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("evaluation", tests, NULL, NULL);
}
