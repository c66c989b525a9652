/* What the simulator writes: lines to the byte, what anomalies do, and that labels are true. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/number.h"
#include "lib/sim/layout.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/sim_stream.h"

#define SECOND INT64_C(1000000000)

static const char still[] =
	"{\"sensors\":{\"rows\":[{\"s\":\"a,b\",\"m\":1.5,\"k\":3},{\"s\":\"\\\"q\\\"\","
	"\"m\":-20,\"k\":-1}],"
	"\"count\":3},"
	"\"signals\":{\"x\":{\"process\":\"gaussian\",\"mean\":\"m\",\"sd\":0,\"round\":2},"
	"\"n\":{\"process\":\"gaussian\",\"mean\":41.7,\"sd\":0,\"round\":0},"
	"\"y\":{\"process\":\"gaussian\",\"mean\":0.1,\"sd\":0}},"
	"\"record\":{\"id\":\"%{s}-%{turn:2}/%{sensor}, %{m}%%\",\"s\":\"%{s}\",\"m\":\"%{m}\","
	"\"turn\":\"%{turn}\",\"pad\":\"%{sensor:3}\",\"at\":\"%{time}\",\"o\":{\"x\":\"%{x}\","
	"\"p\":{\"y\":\"%{y}\"}},\"n\":\"%{n}\",\"c\":1,\"d\":2.0,\"e\":null,\"f\":false,\"g.h\":"
	"\"1\","
	"\"l\":\"%{label}\",\"a\":\"%{is_anomaly}\",\"t\":\"%{label_type}\",\"v\":\"%{severity}\","
	"\"#\":\"%{sequence}\",\"k\":\"%{k}\",\"K\":\"%{k:3}.\"}}";

static void test_json_lines(void **state)
{
	static const char *const expected[] = {
		"{\"id\":\"a,b-01/1, 1.5%\",\"s\":\"a,b\",\"m\":1.5,\"turn\":1,\"pad\":\"001\","
		"\"at\":\"2024-01-01T00:00:00.000Z\",\"o\":{\"x\":1.5,\"p\":{\"y\":0.1}},\"n\":42,"
		"\"c\":1,\"d\":2.0,\"e\":null,\"f\":false,\"g.h\":\"1\",\"l\":0,\"a\":false,"
		"\"t\":null,\"v\":null,\"#\":0,\"k\":3,\"K\":\"003.\"}",
		"{\"id\":\"\\\"q\\\"-01/2, -20.0%\",\"s\":\"\\\"q\\\"\",\"m\":-20.0,\"turn\":1,"
		"\"pad\":\"002\",\"at\":\"2024-01-01T00:00:00.000Z\",\"o\":{\"x\":-20.0,\"p\":{"
		"\"y\":"
		"0.1}},\"n\":42,\"c\":1,\"d\":2.0,\"e\":null,\"f\":false,\"g.h\":\"1\",\"l\":0,"
		"\"a\":false,\"t\":null,\"v\":null,\"#\":1,\"k\":-1,\"K\":\"-1.\"}",
		"{\"id\":\"a,b-02/3, 1.5%\",\"s\":\"a,b\",\"m\":1.5,\"turn\":2,\"pad\":\"003\","
		"\"at\":\"2024-01-01T00:00:00.000Z\",\"o\":{\"x\":1.5,\"p\":{\"y\":0.1}},\"n\":42,"
		"\"c\":1,\"d\":2.0,\"e\":null,\"f\":false,\"g.h\":\"1\",\"l\":0,\"a\":false,"
		"\"t\":null,\"v\":null,\"#\":2,\"k\":3,\"K\":\"003.\"}",
	};
	struct sim_stream s;

	(void)state;
	sim_open(&s, sim_profile(still), 0, 0, 250000000);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(sim_line(&s), expected[i]);
	assert_non_null(strstr(sim_line(&s), "\"at\":\"2024-01-01T00:00:00.250Z\""));
	sim_close(&s);
}

static void test_csv_rows(void **state)
{
	struct error err = ERROR_INIT;
	struct profile *p = sim_profile(still);
	struct simulator_options o = {.n_sensors = 2, .csv = true};
	struct simulator *s = simulator_new(p, &o, &err);
	struct buf out = BUF_INIT;

	(void)state;
	assert_non_null(s);
	assert_int_equal(layout_header(p, &out, &err), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(simulator_next(s, -1, &out, &err), 0);
	assert_int_equal(buf_terminate(&out, &err), 0);
	assert_string_equal(
		out.data,
		"id,s,m,turn,pad,at,o.x,o.p.y,n,c,d,e,f,g\\.h,l,a,t,v,#,k,K\n"
		"\"a,b-01/1, "
		"1.5%\",\"a,b\",1.5,1,001,1969-12-31T23:59:59.999Z,1.5,0.1,42,1,2.0,,false,"
		"\"1\",0,false,,,0,3,003.\n"
		"\"\"\"q\"\"-01/2, "
		"-20.0%\",\"\"\"q\"\"\",-20.0,1,002,1969-12-31T23:59:59.999Z,-20.0,0.1,"
		"42,1,2.0,,false,\"1\",0,false,,,1,-1,-1.\n");
	simulator_free(s);
	profile_free(p);
	buf_release(&out);
}

/* Rounded values have the text of the double that they are. */
static void test_rounded_text(void **state)
{
	char text[1000], expected[NUMBER_MAX + 1];
	struct sim_stream s;

	(void)state;
	for (int decimals = 1; decimals <= 9; decimals++) {
		snprintf(text, sizeof(text),
			 "{\"sensors\":{\"draw\":{\"e\":{\"normal\":[0,4]}},\"count\":1},"
			 "\"signals\":{"
			 "\"a\":{\"process\":\"gaussian\",\"mean\":0,\"sd\":30,\"round\":%d},"
			 "\"b\":{\"process\":\"gaussian\",\"mean\":0,\"sd\":0.0001,\"round\":%d},"
			 "\"c\":{\"process\":\"gaussian\",\"mean\":0,\"sd\":1e15,\"round\":%d}},"
			 "\"record\":{\"a\":\"%%{a}\",\"b\":\"%%{b}\",\"c\":\"%%{c}\"}}",
			 decimals, decimals, decimals);
		sim_open(&s, sim_profile(text), 3, 0, 0);
		for (int i = 0; i < 3000; i++) {
			const char *line = sim_line(&s), *p = line + 5;

			for (int k = 0; k < 3; k++) {
				double x;
				unsigned flags;
				const char *end = number_read(p, line + strlen(line), &x, &flags);
				size_t len = number_write_real(expected, x);

				assert_non_null(end);
				expected[len] = '\0';
				if ((size_t)(end - p) != len || memcmp(p, expected, len) != 0)
					fail_msg("%s: %s", line, expected);
				double scaled = x * pow(10, decimals);
				assert_true(k == 2 || fabs(scaled - round(scaled)) < 1e-5);
				p = end + 5;
			}
		}
		sim_close(&s);
	}
}

/* Gaussian, walking and correlated signals with every kind of anomaly; ANOMALIES is cut for a twin.
 */
static const char lively[] =
	"{\"sensors\":{\"count\":4,\"draw\":{\"base\":{\"uniform\":[10,20]}}},\"signals\":{"
	"\"g\":{\"process\":\"gaussian\",\"mean\":\"base\",\"sd\":1,\"round\":3},"
	"\"w\":{\"process\":\"walk\",\"mean\":5,\"sd\":0.5,\"window\":20,\"round\":3,"
	"\"pull\":{\"probability\":0.1,\"factor\":[0.9,1.1]}},"
	"\"k\":{\"process\":\"gaussian\",\"mean\":50,\"sd\":9,\"clamp\":[40,60],\"round\":0}},"
	"\"correlation\":[[\"g\",\"w\",0.5]],%s"
	"\"record\":{\"id\":\"%%{sensor}\",\"g\":\"%%{g}\",\"w\":\"%%{w}\",\"k\":\"%%{k}\","
	"\"label\":"
	"\"%%{label}\",\"label_type\":\"%%{label_type}\"}}";

static const char all_kinds[] =
	"\"anomalies\":["
	"{\"kind\":\"spike\",\"rate\":0.05,\"length\":[1,3],\"signals\":{\"g\":{\"by\":[3,4],"
	"\"sign\":"
	"\"either\"}}},"
	"{\"kind\":\"level_shift\",\"rate\":0.05,\"length\":10,\"signals\":{\"g\":{\"by\":[2,9]}}},"
	"{\"kind\":\"drift\",\"rate\":0.05,\"length\":[5,30],\"signals\":{\"g\":{\"by\":[0.1,0.2]}}"
	"},"
	"{\"kind\":\"stuck\",\"rate\":0.05,\"length\":[2,9],\"signals\":{\"g\":{},\"w\":{}}},"
	"{\"kind\":\"noise\",\"rate\":0.05,\"length\":[2,9],\"signals\":{\"w\":{\"sd\":7}}},"
	"{\"kind\":\"dropout\",\"rate\":0.05,\"length\":[2,9],\"signals\":{\"w\":{}}},"
	"{\"kind\":\"spike\",\"rate\":0.1,\"label_type\":\"clamped\",\"signals\":{\"k\":{\"by_sd\":"
	"3}}}],";

static void open_lively(struct sim_stream *s, bool anomalies, uint64_t n_sensors)
{
	char text[4000];

	snprintf(text, sizeof(text), lively, anomalies ? all_kinds : "");
	sim_open(s, sim_profile(text), 11, n_sensors, 0);
}

static const char *type_of(const json_t *record)
{
	const char *type = json_string_value(json_object_get(record, "label_type"));

	assert_int_equal(type != NULL, (int)sim_number(record, "label"));
	return type ? type : "";
}

/* The last reading of a sensor, to compare the next one with. */
struct last {
	char type[20];
	double shift, drift, g, w, healthy_g;
	bool seen;
};

/* Whether what the record has beside its healthy twin is what its label says. */
static void check_kind(const char *type, double dg, double dw, double dk, double g, double w,
		       const struct last *last)
{
	bool goes_on = last->seen && !strcmp(type, last->type);

	if (!strcmp(type, "spike")) {
		assert_true(fabs(dg) > 2.998 && fabs(dg) < 4.002 && dw == 0 && dk == 0);
	} else if (!strcmp(type, "level_shift")) {
		assert_true(dg > 1.998 && dg < 9.002 && dw == 0 && dk == 0);
	} else if (!strcmp(type, "drift")) {
		assert_true(dg > 0.098 && dw == 0 && dk == 0);
		if (goes_on && dg > last->drift)
			assert_true(dg - last->drift < 0.203);
	} else if (!strcmp(type, "stuck")) {
		assert_true((dg != 0 || dw != 0) && dk == 0);
		if (goes_on && g == last->g)
			assert_true(w == last->w);
	} else if (!strcmp(type, "noise")) {
		assert_true(dg == 0 && dw != 0 && dk == 0);
	} else if (!strcmp(type, "dropout")) {
		assert_true(dg == 0 && isnan(w) && dk == 0);
	} else {
		assert_string_equal(type, "clamped");
		assert_true(dg == 0 && dw == 0 && dk > 0 && dk <= 27);
	}
}

static void test_labels_tell_what_differs(void **state)
{
	struct sim_stream s, twin;
	struct last last[4] = {{.seen = false}};
	uint64_t n = 40000, n_labelled[7] = {0}, clamped = 0;
	double furthest = 0;

	(void)state;
	open_lively(&s, true, 0);
	open_lively(&twin, false, 0);
	for (uint64_t i = 0; i < n; i++) {
		json_t *r = sim_record(&s), *h = sim_record(&twin);
		struct last *l = &last[i % 4];
		const char *type = type_of(r);
		double g = sim_number(r, "g"), w = sim_number(r, "w"), k = sim_number(r, "k");
		double dg = g - sim_number(h, "g"), dw = w - sim_number(h, "w");
		double dk = k - sim_number(h, "k");

		assert_true(json_equal(json_object_get(r, "id"), json_object_get(h, "id")));
		if (!*type)
			assert_true(dg == 0 && dw == 0 && dk == 0);
		else
			check_kind(type, dg, dw, dk, g, w, l);
		*l = (struct last){.drift = dg, .g = g, .w = w, .seen = true};
		snprintf(l->type, sizeof(l->type), "%s", type);
		for (size_t a = 0; a < s.profile->n_anomalies; a++)
			n_labelled[a] += !strcmp(s.profile->anomalies[a].label_type, type);
		clamped += !strcmp(type, "clamped");
		if (!strcmp(type, "drift"))
			furthest = fmax(furthest, dg);
		json_decref(r);
		json_decref(h);
	}
	for (size_t a = 0; a < s.profile->n_anomalies; a++)
		assert_int_equal(n_labelled[a], simulator_labelled(s.simulator)[a]);
	/* Steps of 0.15 add up over 30 readings at most. */
	assert_true(furthest > 3.5 && furthest < 6);
	/* Of those pushed against the clamp at 60 where they stood before, none is labelled: about
	 * one in seven. */
	assert_true((double)clamped < 0.92 * 0.1 * (double)n &&
		    (double)clamped > 0.8 * 0.1 * (double)n);
	sim_close(&s);
	sim_close(&twin);
}

/* What befalls a signal that records do not show is no reader's truth; what befalls it together
 * with one that they show is. */
static void test_hidden_signals_leave_no_label(void **state)
{
	static const char anomalies[] =
		"\"anomalies\":["
		"{\"kind\":\"spike\",\"rate\":0.1,\"label_type\":\"hidden\",\"signals\":{"
		"\"f.0\":{\"by\":50},\"g\":{\"by\":50}}},"
		"{\"kind\":\"dropout\",\"rate\":0.1,\"label_type\":\"both\",\"signals\":{"
		"\"f.*\":{}}}],";
	static const char profile[] =
		"{\"sensors\":{},\"signals\":{\"f\":{\"process\":\"gaussian\",\"bank\":{\"count\":"
		"2,"
		"\"log10_mean\":[0,1],\"log10_spread\":[-2,-1]}},"
		"\"g\":{\"process\":\"gaussian\",\"mean\":0,\"sd\":1}},%s"
		"\"record\":{\"x\":\"%%{f.1}\",\"label\":\"%%{label}\","
		"\"label_type\":\"%%{label_type}\",\"is_anomaly\":\"%%{is_anomaly}\"}}";
	char text[1000];
	struct sim_stream s, twin;
	uint64_t n = 20000, both = 0;

	(void)state;
	snprintf(text, sizeof(text), profile, anomalies);
	sim_open(&s, sim_profile(text), 3, 0, 0);
	snprintf(text, sizeof(text), profile, "");
	sim_open(&twin, sim_profile(text), 3, 0, 0);
	for (uint64_t i = 0; i < n; i++) {
		json_t *r = sim_record(&s), *h = sim_record(&twin);
		const char *type = type_of(r);

		assert_int_equal(json_is_true(json_object_get(r, "is_anomaly")), *type != 0);
		if (*type) {
			assert_string_equal(type, "both");
			assert_true(isnan(sim_number(r, "x")));
			both++;
		} else {
			assert_true(sim_number(r, "x") == sim_number(h, "x"));
		}
		json_decref(r);
		json_decref(h);
	}
	assert_int_equal(simulator_labelled(s.simulator)[0], 0);
	assert_int_equal(simulator_labelled(s.simulator)[1], both);
	assert_true(fabs((double)both - 0.1 * (double)n) < 0.02 * (double)n);
	sim_close(&s);
	sim_close(&twin);
}

/* Shares of readings, where hardly any anomaly leaves no trace. */
static void test_rates_and_lengths(void **state)
{
	struct profile *p = sim_profile(
		"{\"sensors\":{},\"signals\":{\"x\":{\"process\":\"gaussian\",\"mean\":0,\"sd\":1}}"
		","
		"\"anomalies\":[{\"kind\":\"level_shift\",\"rate\":0.2,\"length\":[3,7],"
		"\"signals\":{\"x\":"
		"{\"by\":[5,9]}}},{\"kind\":\"spike\",\"rate\":0.1,\"signals\":{\"x\":{\"by\":3}}},"
		"{\"kind\":\"noise\",\"rate\":0.3,\"length\":2,\"signals\":{\"x\":{\"sd\":1}}}],"
		"\"record\":{\"type\":\"%{label_type}\",\"x\":\"%{x}\"}}");
	static const char *const types[] = {"level_shift", "spike", "noise"};
	static const double rates[] = {0.2, 0.1, 0.3};
	uint64_t n = 300000, counts[3] = {0};
	struct sim_stream s;

	(void)state;
	sim_open(&s, p, 4, 0, 0);
	for (uint64_t i = 0; i < n; i++) {
		const char *line = sim_line(&s);
		for (size_t k = 0; k < 3; k++)
			counts[k] += strstr(line, types[k]) != NULL;
	}
	/* Of runs of mean length up to 5, the count's deviation is at most sqrt(5 * 2) times that
	 * of single readings. */
	for (size_t k = 0; k < 3; k++) {
		double expected = rates[k] * (double)n;
		assert_true(fabs((double)counts[k] - expected) < 4 * sqrt(10 * expected));
	}
	sim_close(&s);
}

/* A stuck sensor repeats the reading before, for as long as was drawn; runs of labels have the
 * lengths asked for. */
static void test_stuck_runs(void **state)
{
	struct profile *p = sim_profile("{\"sensors\":{},\"signals\":{\"x\":{\"process\":"
					"\"gaussian\",\"mean\":0,\"sd\":1}},"
					"\"anomalies\":[{\"kind\":\"stuck\",\"rate\":0.05,"
					"\"length\":[2,6],\"signals\":{\"x\":{}}}],"
					"\"record\":{\"x\":\"%{x}\",\"label\":\"%{label}\"}}");
	uint64_t lengths[200] = {0}, run = 0;
	double before = NAN;
	struct sim_stream s;

	(void)state;
	sim_open(&s, p, 4, 0, 0);
	for (int i = 0; i < 60000; i++) {
		json_t *r = sim_record(&s);
		double x = sim_number(r, "x");

		if (sim_number(r, "label") > 0 && x == before) {
			assert_true(++run < 200);
		} else {
			/* Behind the end of a run another one may begin: it holds what the sensor
			 * would have read. */
			assert_true(sim_number(r, "label") == 0 || run >= 2);
			lengths[run]++;
			run = sim_number(r, "label") > 0;
		}
		before = x;
		json_decref(r);
	}
	assert_int_equal(lengths[1], 0);
	for (int length = 2; length <= 6; length++)
		assert_in_range(lengths[length], 80, 250);
	sim_close(&s);
}

static void test_streams(void **state)
{
	struct sim_stream a, b, more, other;
	int differ = 0;

	(void)state;
	open_lively(&a, true, 4);
	open_lively(&b, true, 4);
	open_lively(&more, true, 5);
	open_lively(&other, true, 4);
	sim_close(&other);
	struct profile *p = sim_profile("data/profiles/fleet.json");
	sim_open(&other, p, 12, 4, 0);
	for (int i = 0; i < 4000; i++) {
		const char *line = sim_line(&a);

		assert_string_equal(line, sim_line(&b));
		assert_string_equal(line, sim_line(&more));
		differ += strcmp(line, sim_line(&other)) != 0;
		if (i % 4 == 3)
			sim_line(&more);
	}
	assert_int_equal(differ, 4000);
	sim_close(&a);
	sim_close(&b);
	sim_close(&more);
	sim_close(&other);
}

static void test_correlation(void **state)
{
	struct profile *p = sim_profile(
		"{\"sensors\":{},\"signals\":{\"a\":{\"process\":\"gaussian\",\"mean\":1,\"sd\":2},"
		"\"b\":{\"process\":\"gaussian\",\"mean\":5,\"sd\":1},\"c\":{\"process\":"
		"\"gaussian\","
		"\"mean\":0,\"sd\":3},\"d\":{\"process\":\"gaussian\",\"mean\":0,\"sd\":1}},"
		"\"correlation\":[[\"a\",\"b\",0.7],[\"c\",\"a\",-0.5],[\"b\",\"c\",0.1]],"
		"\"record\":{\"a\":\"%{a}\",\"b\":\"%{b}\",\"c\":\"%{c}\",\"d\":\"%{d}\"}}");
	static const double mean[] = {1, 5, 0, 0}, sd[] = {2, 1, 3, 1};
	static const double expected[4][4] = {
		{1, 0.7, -0.5, 0}, {0.7, 1, 0.1, 0}, {-0.5, 0.1, 1, 0}, {0, 0, 0, 1}};
	double sums[4][4] = {{0}};
	struct sim_stream s;
	int n = 40000;

	(void)state;
	sim_open(&s, p, 6, 0, 0);
	for (int i = 0; i < n; i++) {
		json_t *r = sim_record(&s);
		double z[4];

		for (int k = 0; k < 4; k++) {
			char name[2] = {(char)('a' + k)};
			z[k] = (sim_number(r, name) - mean[k]) / sd[k];
			for (int j = 0; j <= k; j++)
				sums[k][j] += z[k] * z[j];
		}
		json_decref(r);
	}
	for (int k = 0; k < 4; k++)
		for (int j = 0; j <= k; j++)
			assert_true(fabs(sums[k][j] / n - expected[k][j]) < 4 * sqrt(2.0 / n));
	sim_close(&s);
}

/* Factors go by the hour at the profile's offset, before 1970 too. */
static void test_daily(void **state)
{
	struct profile *p = sim_profile("{\"utc_offset\":\"+05:30\",\"sensors\":{},\"daily\":{"
					"\"d\":[0,1,2,3,4,5,6,7,8,9,10,11,12,"
					"13,14,15,16,17,18,19,20,21,22,23]},\"signals\":{\"x\":{"
					"\"process\":\"gaussian\",\"mean\":"
					"10,\"sd\":0,\"daily\":\"d\",\"round\":0}},\"record\":{"
					"\"x\":\"%{x}\",\"t\":\"%{time}\"}}");
	static const struct {
		int64_t second;
		const char *line;
	} cases[] = {
		{0, "{\"x\":50,\"t\":\"1970-01-01T00:00:00.000Z\"}"},
		{1799, "{\"x\":50,\"t\":\"1970-01-01T00:29:59.000Z\"}"},
		{1800, "{\"x\":60,\"t\":\"1970-01-01T00:30:00.000Z\"}"},
		{-1, "{\"x\":50,\"t\":\"1969-12-31T23:59:59.000Z\"}"},
		{-19800, "{\"x\":0,\"t\":\"1969-12-31T18:30:00.000Z\"}"},
		{-19801, "{\"x\":230,\"t\":\"1969-12-31T18:29:59.000Z\"}"},
		{1704067200 + 86400 - 19801, "{\"x\":230,\"t\":\"2024-01-01T18:29:59.000Z\"}"},
	};
	struct sim_stream s;

	(void)state;
	sim_open(&s, p, 0, 0, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		s.n = 0;
		s.start_ns = cases[i].second * SECOND;
		assert_string_equal(sim_line(&s), cases[i].line);
	}
	sim_close(&s);
}

/* Absolute first, then clamped, then rounded; sizes in standard deviations, of either sign, and
 * values that are replaced. */
static void test_finish_and_sizes(void **state)
{
	struct profile *p = sim_profile(
		"{\"sensors\":{},\"signals\":{"
		"\"a\":{\"process\":\"gaussian\",\"mean\":0,\"sd\":2,\"absolute\":true,\"clamp\":["
		"1,3.26],"
		"\"round\":1},"
		"\"b\":{\"process\":\"gaussian\",\"mean\":10,\"sd\":0.5},"
		"\"c\":{\"process\":\"gaussian\",\"mean\":0,\"sd\":0,\"clamp\":[-5,5]}},"
		"\"anomalies\":[{\"kind\":\"spike\",\"rate\":0.1,\"signals\":{\"b\":{\"by_sd\":[20,"
		"30],"
		"\"sign\":\"either\"}}},{\"kind\":\"level_shift\",\"rate\":0.1,\"length\":3,"
		"\"label_type\":"
		"\"to\",\"signals\":{\"b\":{\"to\":[100,200]},\"c\":{\"to\":9}}}],"
		"\"record\":{\"a\":\"%{a}\",\"b\":\"%{b}\",\"c\":\"%{c}\",\"type\":\"%{label_type}"
		"\"}}");
	int n_low = 0, n_high = 0, n_up = 0, n_down = 0, run = 0;
	struct sim_stream s;
	double held = 0;

	(void)state;
	sim_open(&s, p, 8, 0, 0);
	for (int i = 0; i < 5000; i++) {
		json_t *r = sim_record(&s);
		const char *type = json_string_value(json_object_get(r, "type"));
		double a = sim_number(r, "a"), b = sim_number(r, "b"), c = sim_number(r, "c");

		assert_true(a >= 1 && a <= 3.3);
		n_low += a == 1;
		n_high += a == 3.3;
		if (!type) {
			assert_true(b > 7 && b < 13 && c == 0);
		} else if (!strcmp(type, "spike")) {
			assert_true(fabs(b - 10) > 7.5 && fabs(b - 10) < 18 && c == 0);
			n_up += b > 10;
			n_down += b < 10;
		} else {
			assert_true(b >= 100 && b <= 200 && c == 5);
			if (run > 0 && run % 3)
				assert_true(b == held);
		}
		run = type && !strcmp(type, "to") ? run + 1 : 0;
		held = b;
		json_decref(r);
	}
	/* |a| is below 1.05 with probability 0.4, above 3.25 with 0.104. */
	assert_in_range(n_low, 1825, 2175);
	assert_in_range(n_high, 420, 620);
	assert_in_range(n_up, 180, 320);
	assert_in_range(n_down, 180, 320);
	sim_close(&s);
}

/* Walks go on from their absolute values: about a mean of 0 they get away from there. */
static void test_absolute_walk(void **state)
{
	struct profile *p = sim_profile(
		"{\"sensors\":{\"count\":20},\"signals\":{\"x\":{\"process\":\"walk\",\"mean\":0,"
		"\"sd\":1,"
		"\"window\":100,\"absolute\":true}},\"record\":{\"x\":\"%{x}\",\"y\":0}}");
	struct sim_stream s;
	double sum = 0;

	(void)state;
	sim_open(&s, p, 3, 0, 0);
	for (int i = 0; i < 600 * 20; i++) {
		json_t *r = sim_record(&s);
		double x = sim_number(r, "x");

		assert_true(x >= 0);
		sum += i < 300 * 20 ? 0 : x;
		json_decref(r);
	}
	/* From values with their signs it would be about 0.9, here 1.4. */
	assert_true(sum / (300 * 20) > 1.15);
	sim_close(&s);
}

struct making {
	struct profile *profile;
	bool csv;
};

static int make(void *arg, struct error *err)
{
	struct making *m = arg;
	struct simulator_options o = {.n_sensors = 3, .csv = m->csv};
	struct simulator *s = simulator_new(m->profile, &o, err);
	struct buf out = BUF_INIT;
	int ret = !s || simulator_next(s, 0, &out, err) ? -1 : 0;

	buf_release(&out);
	simulator_free(s);
	return ret;
}

static void test_memory(void **state)
{
	char text[4000];
	struct making m = {.csv = false};

	(void)state;
	snprintf(text, sizeof(text), lively, all_kinds);
	m.profile = sim_profile(text);
	assert_true(alloc_fail_each(make, &m) > 20);
	m.csv = true;
	assert_true(alloc_fail_each(make, &m) > 20);
	profile_free(m.profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_lines),
		cmocka_unit_test(test_csv_rows),
		cmocka_unit_test(test_rounded_text),
		cmocka_unit_test(test_labels_tell_what_differs),
		cmocka_unit_test(test_hidden_signals_leave_no_label),
		cmocka_unit_test(test_rates_and_lengths),
		cmocka_unit_test(test_stuck_runs),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_correlation),
		cmocka_unit_test(test_daily),
		cmocka_unit_test(test_finish_and_sizes),
		cmocka_unit_test(test_absolute_walk),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
