/* Which fields are features. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "lib/record/features.h"
#include "tests/unit/alloc_fail.h"

static struct error err = ERROR_INIT;

static void by_default_numbers_that_are_measured(void **state)
{
	static const char *const features[] = {"temperature", "features.0",  "a.b.c",
					       "identity",    "timestamp2",  "x_ids",
					       "at",          "verdict.sum", "ts2"};
	static const char *const others[] = {
		"id",       "sample_id",     "a.sensor_id", "created_at",    "kafka_timestamp",
		"label",    "label_type",    "labels.x",    "latitude",      "a.longitude",
		"_x",       "_kafka.offset", "is_anomaly",  "anomaly_score", "score_quantile",
		"imputed",  "model_version", "ts",          "v.x",           "v",
		"v.a.b",    "severity",      "reasons",     "rules_version", "x.id.y",
		"a\\.b_id", "n.id"};
	struct feature_rule r;

	(void)state;
	assert_int_equal(feature_rule_init(&r, NULL, "ts", "v", &err), 0);
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		if (!feature_rule_takes(&r, features[i]))
			fail_msg("%s is a feature", features[i]);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (feature_rule_takes(&r, others[i]))
			fail_msg("%s is no feature", others[i]);
	}
	assert_false(feature_rule_takes(&r, ""));
	assert_false(feature_rule_takes(&r, "a."));
	assert_false(feature_rule_takes(&r, "a..b"));
	/* "id" behind an escaped dot is the end of a longer name. */
	assert_true(feature_rule_takes(&r, "a\\.id"));
	feature_rule_release(&r);
}

static void patterns_decide_alone(void **state)
{
	struct feature_rule r;

	(void)state;
	assert_int_equal(feature_rule_init(&r, "features.*,temperature,x_id", "t", NULL, &err), 0);
	assert_true(feature_rule_takes(&r, "features.12"));
	assert_true(feature_rule_takes(&r, "temperature"));
	assert_true(feature_rule_takes(&r, "x_id"));
	assert_false(feature_rule_takes(&r, "humidity"));
	assert_false(feature_rule_takes(&r, "features"));
	assert_false(feature_rule_takes(&r, "features.1.2"));
	assert_false(feature_rule_takes(&r, "features."));
	feature_rule_release(&r);
}

static void empty_patterns_are_refused(void **state)
{
	static const char *const bad[] = {"", ",", "a,,b", ",a", "a,"};
	struct feature_rule r;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(feature_rule_init(&r, bad[i], NULL, NULL, &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
	}
}

static int make(void *arg, struct error *e)
{
	struct feature_rule r;

	(void)arg;
	if (feature_rule_init(&r, "a,b,c", NULL, NULL, e) < 0)
		return -1;
	feature_rule_release(&r);
	return 0;
}

static void want_of_memory_is_an_error(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(make, NULL) >= 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_default_numbers_that_are_measured),
		cmocka_unit_test(patterns_decide_alone),
		cmocka_unit_test(empty_patterns_are_refused),
		cmocka_unit_test(want_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
