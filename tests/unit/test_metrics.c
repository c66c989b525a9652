/* Prometheus text: names, labels, and one HELP for the samples of a metric. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/cli/message.h"
#include "lib/cli/metrics.h"
#include "tests/unit/alloc_fail.h"

static char folder[256], path[300];

static int make_folder(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	message_init("prog");
	snprintf(folder, sizeof(folder), "%s/metrics-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/m.prom", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static const char *written(void)
{
	static char text[2048];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

static void plain(void **state)
{
	const struct metric metrics[] = {{"records_total", "Records read.", "counter", 3},
					 {"queue", "How many wait.", "gauge", 0.5}};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(metrics_write(path, metrics, 2, &err), 0);
	assert_string_equal(written(), "# HELP sensorutils_records_total Records read.\n"
				       "# TYPE sensorutils_records_total counter\n"
				       "sensorutils_records_total{program=\"prog\"} 3.0\n"
				       "# HELP sensorutils_queue How many wait.\n"
				       "# TYPE sensorutils_queue gauge\n"
				       "sensorutils_queue{program=\"prog\"} 0.5\n");
}

static int add_all(struct metrics *all, struct error *err)
{
	const struct metric lag = {"lag", "Messages behind.", "gauge", 7},
			    total = {"total", "All.", "counter", 1};
	const struct metric_label zero[] = {{"topic", "t"}, {"partition", "0"}},
				  odd[] = {{"topic", "a\\b\"c\nd\xc3\xa4"}, {"empty", ""}};

	return metrics_add(all, &lag, zero, 2, err) || metrics_add(all, &lag, odd, 2, err) ||
			       metrics_add(all, &total, NULL, 0, err)
		       ? -1
		       : 0;
}

static void labels(void **state)
{
	static const char expected[] =
		"# HELP sensorutils_lag Messages behind.\n"
		"# TYPE sensorutils_lag gauge\n"
		"sensorutils_lag{program=\"prog\",topic=\"t\",partition=\"0\"} 7.0\n"
		"sensorutils_lag{program=\"prog\",topic=\"a\\\\b\\\"c\\nd\xc3\xa4\",empty=\"\"} "
		"7.0\n"
		"# HELP sensorutils_total All.\n"
		"# TYPE sensorutils_total counter\n"
		"sensorutils_total{program=\"prog\"} 1.0\n";
	struct metrics all = METRICS_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	for (int i = 0; i < 2; i++) { /* the second time as the first */
		assert_int_equal(add_all(&all, &err), 0);
		assert_int_equal(metrics_replace(&all, path, &err), 0);
		assert_string_equal(written(), expected);
	}
	metrics_release(&all);
}

static void nowhere_to_write(void **state)
{
	const struct metric m = {"x", "X.", "gauge", 1};
	struct error err = ERROR_INIT;
	char gone[320];

	(void)state;
	snprintf(gone, sizeof(gone), "%s/gone/m", folder);
	assert_int_equal(metrics_write(gone, &m, 1, &err), -1);
	assert_non_null(strstr(err.what, "cannot write metrics: "));
}

static void due_at_once_then_later_and_at_the_end(void **state)
{
	const struct metric m = {"x", "X.", "gauge", 1};
	struct metrics_clock none = {.path = NULL}, clock = {.path = path};
	struct error err = ERROR_INIT;
	char gone[320];
	int timeout_ms = -1;

	(void)state;
	assert_false(metrics_due(&none, true));
	metrics_wait(&none, &timeout_ms);
	assert_int_equal(timeout_ms, -1);
	assert_true(metrics_due(&clock, false));
	assert_false(metrics_due(&clock, false));
	metrics_wait(&clock, &timeout_ms);
	assert_in_range(timeout_ms, 1, 5000);
	timeout_ms = 0;
	metrics_wait(&clock, &timeout_ms);
	assert_int_equal(timeout_ms, 0);
	assert_true(metrics_due(&clock, true));
	assert_int_equal(metrics_show(&clock, &m, 1, &err), 0);
	/* A failure is not tried again. */
	snprintf(gone, sizeof(gone), "%s/gone/m", folder);
	clock.path = gone;
	assert_true(metrics_due(&clock, true));
	assert_int_equal(metrics_show(&clock, &m, 1, &err), -1);
	assert_false(metrics_due(&clock, true));
}

static int add_and_replace(void *arg, struct error *err)
{
	struct metrics all = METRICS_INIT;
	int ret = add_all(&all, err) || metrics_replace(&all, path, err) ? -1 : 0;

	(void)arg;
	metrics_release(&all);
	return ret;
}

static void memory_runs_out(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(add_and_replace, NULL) > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(labels),
		cmocka_unit_test(nowhere_to_write),
		cmocka_unit_test(due_at_once_then_later_and_at_the_end),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
