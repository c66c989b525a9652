/* The profiles that come with sensor-sim, in numbers, but for the fleet; seeds are fixed. Run from
 * the top of the source. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/sim_figures.h"
#include "tests/unit/sim_stream.h"

#define SECOND INT64_C(1000000000)

/* Mean and variance of a normal number that is set to `low` below it. */
static void clamped(double mean, double sd, double low, double *m, double *v)
{
	double a = (low - mean) / sd, below = 0.5 * erfc(-a / sqrt(2));
	double density = exp(-a * a / 2) / sqrt(2 * 3.14159265358979323846);

	*m = low * below + mean * (1 - below) + sd * density;
	*v = low * low * below + (mean * mean + sd * sd) * (1 - below) +
	     sd * (mean + low) * density - *m * *m;
}

static const struct {
	const char *name;
	double latitude, longitude, means[5];
} zones[8] = {
	{"Downtown", 35.9940, -78.8986, {22, 55, 80, 70, 150}},
	{"University District", 36.0014, -78.9382, {21, 60, 45, 55, 80}},
	{"Industrial Park", 35.9751, -78.8654, {24, 50, 120, 85, 200}},
	{"Residential North", 36.0182, -78.9094, {20, 65, 35, 45, 50}},
	{"Residential South", 35.9765, -78.9008, {21, 62, 40, 48, 60}},
	{"Shopping District", 35.9925, -78.8750, {23, 52, 70, 75, 180}},
	{"Tech Hub", 36.0053, -78.9428, {21, 58, 50, 60, 120}},
	{"Medical Center", 35.9890, -78.9200, {22, 55, 42, 52, 90}},
};

static const char *const city_metrics[5] = {"temperature", "humidity", "air_quality_index",
					    "noise_level", "traffic_flow"};
static const double city_sd[5] = {2.5, 5, 15, 8, 25};
static const double city_low[5] = {-10, 0, 0, 0, 0};
static const double city_high[5] = {50, 100, 500, 120, HUGE_VAL};

static double factor_at(int hour)
{
	if (hour >= 7 && hour <= 9)
		return 1.2;
	if (hour >= 11 && hour <= 14)
		return 1.15;
	if (hour >= 17 && hour <= 19)
		return 1.3;
	return hour >= 22 || hour <= 6 ? 0.7 : 1;
}

/* Every metric of every zone in every hour of a day: mean, spread and factor. */
static void test_city(void **state)
{
	static const char *const fields[] = {
		"sensor_id",   "zone",         "latitude", "longitude",
		"timestamp",   "temperature",  "humidity", "air_quality_index",
		"noise_level", "traffic_flow", "label",    "label_type",
		NULL};
	static struct sums sums[8][24][5];
	struct sim_stream s;

	(void)state;
	memset(sums, 0, sizeof(sums));
	sim_open(&s, sim_healthy("data/profiles/city.json"), 1, 0, 24 * SECOND);
	assert_int_equal(s.n_sensors, 8);
	for (int i = 0; i < 8 * 3600; i++) {
		json_t *r = sim_record(&s);
		int zone = i % 8, hour = (i / 8 * 24 / 3600 + 24 - 5) % 24;

		if (i < 8) {
			assert_fields(r, fields);
			assert_string_equal(text_at(r, "zone"), zones[zone].name);
			assert_true(sim_number(r, "latitude") == zones[zone].latitude);
			assert_true(sim_number(r, "longitude") == zones[zone].longitude);
		}
		for (int k = 0; k < 5; k++) {
			double x = sim_number(r, city_metrics[k]);
			assert_true(x >= city_low[k] && x <= city_high[k]);
			sums_add(&sums[zone][hour][k], x);
		}
		json_decref(r);
	}
	for (int zone = 0; zone < 8; zone++) {
		for (int hour = 0; hour < 24; hour++) {
			for (int k = 0; k < 5; k++) {
				bool daily = k == 0 || k == 4;
				double mean = zones[zone].means[k] * (daily ? factor_at(hour) : 1);
				double m, v;

				assert_true(sums[zone][hour][k].n == 150);
				clamped(mean, city_sd[k], city_low[k], &m, &v);
				assert_moments(&sums[zone][hour][k], m, v);
			}
		}
	}
	sim_close(&s);
}

/* Each kind of anomaly is of its size, on its own metric alone. */
static void test_city_anomalies(void **state)
{
	static const struct {
		const char *type, *metric;
		double low, high;
	} kinds[4] = {{"temperature_spike", "temperature", 10, 20},
		      {"air_quality_spike", "air_quality_index", 100, 200},
		      {"noise_spike", "noise_level", 30, 50},
		      {"traffic_spike", "traffic_flow", 150, 300}};
	static const double shares[4] = {0.1, 0.1, 0.1, 0.1};
	struct sums sizes[4] = {{0}};
	struct sim_stream s, h;
	int n = 20000;

	(void)state;
	sim_open(&s, sim_often("data/profiles/city.json", shares), 2, 0, 12 * SECOND);
	sim_open(&h, sim_healthy("data/profiles/city.json"), 2, 0, 12 * SECOND);
	for (int i = 0; i < n; i++) {
		json_t *r = sim_record(&s), *would = sim_record(&h);
		const char *type = text_at(r, "label_type");

		assert_int_equal(is_labelled(r), *type != '\0');
		for (int k = 0; k < 5; k++) {
			double x = sim_number(r, city_metrics[k]);
			double size = x - sim_number(would, city_metrics[k]);
			int kind = 0;

			while (kind < 4 && strcmp(city_metrics[k], kinds[kind].metric) != 0)
				kind++;
			if (kind == 4 || strcmp(kinds[kind].type, type) != 0) {
				assert_true(size == 0);
				continue;
			}
			if (x < city_high[k])
				assert_true(size > kinds[kind].low - 0.011 &&
					    size < kinds[kind].high + 0.011);
			/* Only where no size is cut by the clamp. */
			if (x - size + kinds[kind].high < city_high[k])
				sums_add(&sizes[kind], size);
		}
		json_decref(r);
		json_decref(would);
	}
	for (int kind = 0; kind < 4; kind++) {
		assert_true(sizes[kind].n > 1000);
		assert_uniform(&sizes[kind], kinds[kind].low, kinds[kind].high);
	}
	sim_close(&s);
	sim_close(&h);
}

/* One reading in 20, a quarter of each kind. */
static void test_city_shares(void **state)
{
	static const double shares[4] = {0.0125, 0.0125, 0.0125, 0.0125};

	(void)state;
	assert_shares("data/profiles/city.json", 8, 0, 400000, shares);
}

static void test_lake(void **state)
{
	static const char *const fields[] = {"sensor_id", "timestamp",  "temperature",
					     "humidity",  "anomaly",    "severity",
					     "label",     "label_type", NULL};
	struct sums t = {0}, h = {0}, spikes = {0}, drops = {0};
	double product = 0;
	struct sim_stream s;
	int n = 15000;

	(void)state;
	sim_open(&s, sim_profile("data/profiles/lake.json"), 3, 0, 0);
	assert_int_equal(s.n_sensors, 5);
	for (int i = 0; i < n; i++) {
		json_t *r = sim_record(&s);
		double temperature = sim_number(r, "temperature"),
		       humidity = sim_number(r, "humidity");
		bool label = is_labelled(r);

		if (!i)
			assert_fields(r, fields);
		assert_int_equal(json_is_true(json_object_get(r, "anomaly")), label);
		assert_string_equal(text_at(r, "severity"), label ? "HIGH" : "");
		assert_string_equal(text_at(r, "label_type"), label ? "spike" : "");
		if (label) {
			assert_true(temperature >= 80 && temperature <= 120);
			assert_true(humidity >= 0 && humidity <= 20);
			sums_add(&spikes, temperature);
			sums_add(&drops, humidity);
		} else {
			sums_add(&t, temperature);
			sums_add(&h, humidity);
			product += (temperature - 22.5) * (humidity - 65);
		}
		json_decref(r);
	}
	assert_share(spikes.n, n, 0.1);
	assert_moments(&t, 22.5, 4);
	assert_moments(&h, 65, 25);
	assert_true(fabs(product / t.n / 10 + 0.4) < SIGMAS * sqrt(1.16 / t.n));
	assert_uniform(&spikes, 80, 120);
	assert_uniform(&drops, 0, 20);
	sim_close(&s);
}

/*
 * A step of the walk is the average of the last 300 and noise of sd s, or, one time in five, the
 * mean m times a factor of 0.9 to 1.1: so its variance is 0.8 (s^2 + that of the average) + 0.2
 * (0.1 m)^2 / 3, and the average's is small.
 */
static void test_factory(void **state)
{
	static const char *const fields[] = {"station_id",  "timestamp",   "humidity",
					     "noise_level", "temperature", "label",
					     "label_type",  NULL};
	static const char *const metrics[3] = {"humidity", "noise_level", "temperature"};
	static const double means[3] = {60, 50, 25}, sds[3] = {3, 3, 2};
	struct sums sums[3] = {{0}}, lags[3] = {{0}};
	double before[25][3] = {{0}}, rates = 0;
	struct sim_stream s;
	int n = 25 * 2000;

	(void)state;
	sim_open(&s, sim_profile("data/profiles/factory.json"), 4, 0, 0);
	assert_int_equal(s.n_sensors, 25);
	for (int i = 0; i < n; i++) {
		json_t *r = sim_record(&s);

		if (!i)
			assert_fields(r, fields);
		if (i == 24)
			assert_string_equal(text_at(r, "station_id"), "station-25");
		for (int k = 0; k < 3 && i >= 25 * 300 && !is_labelled(r); k++) {
			double x = sim_number(r, metrics[k]);

			assert_true(x >= 0);
			sums_add(&sums[k], x);
			if (before[i % 25][k] > 0)
				sums_add(&lags[k], (x - means[k]) * (before[i % 25][k] - means[k]));
			before[i % 25][k] = x;
		}
		json_decref(r);
	}
	for (int k = 0; k < 3; k++) {
		double least = 0.8 * sds[k] * sds[k] + 0.2 * 0.01 * means[k] * means[k] / 3;
		double average = sums_mean(&lags[k]) / 0.8;

		/* Averages move slowly: 25 walks over 6 windows are some hundred independent ones.
		 */
		assert_true(fabs(sums_mean(&sums[k]) - means[k]) < 0.15);
		assert_true(average > 0 && average < 0.1 * least);
		assert_true(fabs(sums_variance(&sums[k]) - least - average) < 0.05 * least);
	}
	for (size_t i = 0; i < s.profile->n_anomalies; i++)
		rates += s.profile->anomalies[i].rate;
	assert_true(fabs(rates - 0.00125) < 1e-12);
	sim_close(&s);
}

static void remove_noise(json_t *profile)
{
	const char *name;
	json_t *signal;

	sim_remove_anomalies(profile);
	json_object_foreach(json_object_get(profile, "signals"), name, signal)
	{
		assert_int_equal(json_object_set_new(signal, "sd", json_integer(0)), 0);
		assert_int_equal(json_object_del(signal, "round"), 0);
	}
}

/* Without its noise a step that is not pulled is the average, of 300 weighed 1 to 1.5, as it is. */
static void test_factory_average(void **state)
{
	static const char *const metrics[3] = {"humidity", "noise_level", "temperature"};
	static const double means[3] = {60, 50, 25};
	enum { N = 3000, WINDOW = 300 };
	static double x[3][WINDOW + N];
	struct sums pulls = {0};
	struct sim_stream s;

	(void)state;
	sim_open(&s, sim_changed("data/profiles/factory.json", remove_noise), 10, 1, 0);
	for (int k = 0; k < 3; k++)
		for (int i = 0; i < WINDOW; i++)
			x[k][i] = means[k];
	for (int i = WINDOW; i < WINDOW + N; i++) {
		json_t *r = sim_record(&s);

		for (int k = 0; k < 3; k++) {
			double sum = 0, weights = 0;
			for (int j = 0; j < WINDOW; j++) {
				double weight = 1 + 0.5 * j / (WINDOW - 1);
				sum += weight * x[k][i - WINDOW + j];
				weights += weight;
			}
			x[k][i] = sim_number(r, metrics[k]);
			if (fabs(x[k][i] - sum / weights) > 1e-9 * means[k])
				sums_add(&pulls, x[k][i] / means[k]);
		}
		json_decref(r);
	}
	assert_share(pulls.n, 3 * N, 0.2);
	assert_uniform(&pulls, 0.9, 1.1);
	sim_close(&s);
}

/* Each reading of SECOM's stand-in against what the bank drew for it; gaps in groups; labels. */
static void test_secom(void **state)
{
	static const char *const fields[] = {"timestamp",  "sample_id", "label",
					     "label_type", "features",  NULL};
	static struct sums z[590];
	static int lacking[590];
	struct sim_stream s;
	size_t constant = 0, n_labelled = 0, outside = 0, n_missing = 0;
	const int n = 500;

	(void)state;
	memset(z, 0, sizeof(z));
	memset(lacking, 0, sizeof(lacking));
	sim_open(&s, sim_profile("data/profiles/secom.json"), 7, 0, 0);
	const struct signal_spec *specs = s.profile->signals;
	assert_int_equal(s.profile->n_signals, 590);
	for (int i = 0; i < n; i++) {
		json_t *r = sim_record(&s), *features = json_object_get(r, "features"), *x;
		bool label = is_labelled(r), missing[40] = {false};
		const char *key;
		size_t k = 0;

		if (!i)
			assert_fields(r, fields);
		assert_true(sim_number(r, "sample_id") == i);
		n_labelled += label;
		assert_int_equal(json_object_size(features), 590);
		json_object_foreach(features, key, x)
		{
			int group = specs[k].missing;

			assert_true(group >= 0 && group < 40);
			assert_string_equal(key, specs[k].name + strlen("features."));
			assert_true(json_is_null(x) || json_is_real(x));
			/* Those of a group lack the same rows. */
			if (k && specs[k - 1].missing == group)
				assert_int_equal(json_is_null(x), missing[group]);
			missing[group] = json_is_null(x);
			lacking[k] += missing[group];
			n_missing += missing[group];
			double deviation = json_real_value(x) - specs[k].mean.value;
			if (!missing[group] && specs[k].sd.value == 0)
				assert_true(fabs(deviation) <= 0.00005001);
			else if (!missing[group] && specs[k].sd.value > 0.01 && !label)
				sums_add(&z[k], deviation / specs[k].sd.value);
			k++;
		}
		json_decref(r);
	}
	assert_share((double)n_labelled, n, 0.0664);
	/* The groups are 36 draws a row: the share of one row has a deviation of 0.018. */
	assert_true(fabs((double)n_missing / n / 590 - 0.0454) < 0.004);
	for (size_t k = 0; k < 590; k++) {
		constant += specs[k].sd.value == 0;
		assert_share(lacking[k], n + 1e-9, s.profile->missing[specs[k].missing] + 1e-3);
		if (z[k].n > 100)
			outside += fabs(sums_mean(&z[k])) > 3 / sqrt(z[k].n) ||
				   fabs(sums_variance(&z[k]) - 1) > 3 * sqrt(2 / z[k].n);
	}
	assert_int_equal(constant, 116);
	assert_true(outside < 12); /* of some 450, and they are correlated */
	sim_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_city),        cmocka_unit_test(test_city_anomalies),
		cmocka_unit_test(test_city_shares), cmocka_unit_test(test_lake),
		cmocka_unit_test(test_factory),     cmocka_unit_test(test_factory_average),
		cmocka_unit_test(test_secom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
