/* The profiles that come with sensor-sim, in numbers: each figure within bounds that a right one
 * leaves with a probability below 1e-5; seeds are fixed. Run from the top of the source. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/sim_stream.h"

#define SECOND INT64_C(1000000000)
#define SIGMAS 5.0

struct sums {
	double n, x, xx;
};

static void add(struct sums *s, double x)
{
	s->n++;
	s->x += x;
	s->xx += x * x;
}

static double mean_of(const struct sums *s)
{
	return s->x / s->n;
}

static double variance_of(const struct sums *s)
{
	return (s->xx - s->x * s->x / s->n) / (s->n - 1);
}

/* Mean and variance of a normal number that is set to `low` below it. */
static void clamped(double mean, double sd, double low, double *m, double *v)
{
	double a = (low - mean) / sd, below = 0.5 * erfc(-a / sqrt(2));
	double density = exp(-a * a / 2) / sqrt(2 * 3.14159265358979323846);

	*m = low * below + mean * (1 - below) + sd * density;
	*v = low * low * below + (mean * mean + sd * sd) * (1 - below) +
	     sd * (mean + low) * density - *m * *m;
}

static void assert_share(double n, double of, double share)
{
	if (!(fabs(n - of * share) < SIGMAS * sqrt(of * share * (1 - share))))
		fail_msg("%g of %g are not a share of %g", n, of, share);
}

static void assert_moments(const struct sums *s, double mean, double variance)
{
	if (!(fabs(mean_of(s) - mean) < SIGMAS * sqrt(variance / s->n)))
		fail_msg("mean %g, not %g", mean_of(s), mean);
	/* Kurtosis of what is cut at one end stays below 4. */
	if (!(fabs(variance_of(s) - variance) < SIGMAS * variance * sqrt(3 / s->n)))
		fail_msg("variance %g, not %g", variance_of(s), variance);
}

static void assert_uniform(const struct sums *s, double low, double high)
{
	double mean = (low + high) / 2, variance = (high - low) * (high - low) / 12;

	if (!(fabs(mean_of(s) - mean) < SIGMAS * sqrt(variance / s->n)) ||
	    !(fabs(variance_of(s) - variance) < SIGMAS * variance * sqrt(0.8 / s->n)))
		fail_msg("mean %g and variance %g of %g are not those of %g to %g", mean_of(s),
			 variance_of(s), s->n, low, high);
}

static struct profile *changed(const char *path, void (*change)(json_t *))
{
	json_error_t why;
	json_t *json = json_load_file(path, 0, &why);

	assert_non_null(json);
	change(json);
	char *text = json_dumps(json, 0);
	assert_non_null(text);
	struct profile *p = sim_profile(text);
	/* jansson's own, which knows nothing of the allocator that is counted here. */
	json_free_t release;
	json_get_alloc_funcs(NULL, &release);
	release(text);
	json_decref(json);
	return p;
}

static void remove_anomalies(json_t *profile)
{
	assert_int_equal(json_object_del(profile, "anomalies"), 0);
}

/* The same profile without anomalies: what healthy sensors would say. */
static struct profile *healthy(const char *path)
{
	return changed(path, remove_anomalies);
}

/* A profile whose anomalies begin at these shares of healthy readings, so that there are many. */
static struct profile *often(const char *path, const double *shares)
{
	struct profile *p = sim_profile(path);
	double start = 0;

	for (size_t i = 0; i < p->n_anomalies; i++)
		p->anomalies[i].start = start += shares[i];
	return p;
}

/* How many readings of n have each anomaly, counted by the simulator. */
static void assert_shares(const char *path, uint64_t seed, uint64_t n_sensors, int n,
			  const double *shares)
{
	struct sim_stream s;

	sim_open(&s, sim_profile(path), seed, n_sensors, 0);
	for (int i = 0; i < n; i++)
		sim_line(&s);
	for (size_t i = 0; i < s.profile->n_anomalies; i++) {
		/* Of runs of low to high readings: the mean of their squares by their mean. */
		double low = (double)s.profile->anomalies[i].length[0],
		       high = (double)s.profile->anomalies[i].length[1], mean = (low + high) / 2,
		       squares = mean * mean + ((high - low + 1) * (high - low + 1) - 1) / 12;
		double got = (double)simulator_labelled(s.simulator)[i];

		if (!(fabs(got - n * shares[i]) < SIGMAS * sqrt(n * shares[i] * squares / mean)))
			fail_msg("%s: %g of %d are not a share of %g", path, got, n, shares[i]);
	}
	sim_close(&s);
}

static const char *text_at(const json_t *record, const char *name)
{
	const char *s = json_string_value(json_object_get(record, name));

	return s ? s : "";
}

static void assert_fields(const json_t *record, const char *const *names)
{
	const char *key;
	json_t *value;
	size_t i = 0;

	json_object_foreach((json_t *)(uintptr_t)record, key, value)
	{
		assert_non_null(names[i]);
		assert_string_equal(key, names[i++]);
	}
	assert_null(names[i]);
}

/* label and label_type say the same; returns whether it is one. */
static bool is_labelled(const json_t *record)
{
	bool label = sim_number(record, "label") > 0;

	assert_int_equal(label, json_is_string(json_object_get(record, "label_type")));
	return label;
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
	sim_open(&s, healthy("data/profiles/city.json"), 1, 0, 24 * SECOND);
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
			add(&sums[zone][hour][k], x);
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
	sim_open(&s, often("data/profiles/city.json", shares), 2, 0, 12 * SECOND);
	sim_open(&h, healthy("data/profiles/city.json"), 2, 0, 12 * SECOND);
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
				add(&sizes[kind], size);
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
static void test_shares(void **state)
{
	static const double shares[4] = {0.0125, 0.0125, 0.0125, 0.0125};

	(void)state;
	assert_shares("data/profiles/city.json", 8, 0, 400000, shares);
	assert_shares("data/profiles/fleet.json", 9, 100, 500000, shares);
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
			add(&spikes, temperature);
			add(&drops, humidity);
		} else {
			add(&t, temperature);
			add(&h, humidity);
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
			add(&sums[k], x);
			if (before[i % 25][k] > 0)
				add(&lags[k], (x - means[k]) * (before[i % 25][k] - means[k]));
			before[i % 25][k] = x;
		}
		json_decref(r);
	}
	for (int k = 0; k < 3; k++) {
		double least = 0.8 * sds[k] * sds[k] + 0.2 * 0.01 * means[k] * means[k] / 3;
		double average = mean_of(&lags[k]) / 0.8;

		/* Averages move slowly: 25 walks over 6 windows are some hundred independent ones.
		 */
		assert_true(fabs(mean_of(&sums[k]) - means[k]) < 0.15);
		assert_true(average > 0 && average < 0.1 * least);
		assert_true(fabs(variance_of(&sums[k]) - least - average) < 0.05 * least);
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

	remove_anomalies(profile);
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
	sim_open(&s, changed("data/profiles/factory.json", remove_noise), 10, 1, 0);
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
				add(&pulls, x[k][i] / means[k]);
		}
		json_decref(r);
	}
	assert_share(pulls.n, 3 * N, 0.2);
	assert_uniform(&pulls, 0.9, 1.1);
	sim_close(&s);
}

/* Of a sensor of the fleet, the state of the anomaly it is in. */
struct fleet_sensor {
	struct sums values;
	double last, drift;
	char type[10];
	int run;
};

static void check_fleet(struct fleet_sensor *f, const json_t *r, const json_t *would,
			struct sums *noise, int counts[4])
{
	double x = sim_number(r, "value"), size = x - sim_number(would, "value");
	const char *type = text_at(r, "label_type");
	bool goes_on = !strcmp(type, f->type);

	assert_true(json_equal(json_object_get(r, "label_type"),
			       json_object_get(json_object_get(r, "meta"), "anomaly_type")));
	assert_int_equal(is_labelled(r),
			 json_is_true(json_object_get(json_object_get(r, "meta"), "is_anomaly")));
	f->run = goes_on ? f->run + 1 : 1;
	if (!*type) {
		assert_true(size == 0);
		add(&f->values, x);
	} else if (!strcmp(type, "spike")) {
		assert_true(fabs(fabs(size) - 20) < 0.0011);
		counts[0]++;
	} else if (!strcmp(type, "drift")) {
		assert_true(fabs(size - (goes_on && f->run <= 50 ? f->drift : 0)) < 0.502 ||
			    fabs(size) < 0.502);
		counts[1]++;
	} else if (!strcmp(type, "stuck")) {
		counts[2]++;
	} else {
		assert_string_equal(type, "noise");
		add(noise, size);
		counts[3]++;
	}
	f->drift = size;
	f->last = x;
	memcpy(f->type, type, strlen(type) + 1);
}

static void test_fleet(void **state)
{
	static const char *const fields[] = {"sensor_id", "timestamp", "metric",     "value",
					     "meta",      "label",     "label_type", NULL};
	static const char *const meta[] = {"unit", "location", "is_anomaly", "anomaly_type", NULL};
	enum { SENSORS = 100, READINGS = 400 };
	static struct fleet_sensor sensors[SENSORS];
	struct sums bases = {0}, within = {0}, noise = {0};
	struct sim_stream s, h;
	int counts[4] = {0};

	(void)state;
	memset(sensors, 0, sizeof(sensors));
	sim_open(&s, sim_profile("data/profiles/fleet.json"), 5, SENSORS, 0);
	sim_open(&h, healthy("data/profiles/fleet.json"), 5, SENSORS, 0);
	assert_int_equal(s.profile->n_sensors, 10000);
	for (int i = 0; i < SENSORS * READINGS; i++) {
		json_t *r = sim_record(&s), *would = sim_record(&h);

		if (!i) {
			assert_fields(r, fields);
			assert_fields(json_object_get(r, "meta"), meta);
			assert_string_equal(text_at(r, "sensor_id"), "sensor-00001");
		}
		check_fleet(&sensors[i % SENSORS], r, would, &noise, counts);
		json_decref(r);
		json_decref(would);
	}
	for (int i = 0; i < SENSORS; i++) {
		double base = mean_of(&sensors[i].values);

		assert_true(base > 19.8 && base < 30.2);
		add(&bases, base);
		add(&within, variance_of(&sensors[i].values));
	}
	assert_moments(&bases, 25, 100.0 / 12 + 0.25 / READINGS);
	assert_true(fabs(mean_of(&within) - 0.25) <
		    SIGMAS * 0.25 * sqrt(2.0 / (SENSORS * READINGS)));
	assert_moments(&noise, 0, 25);
	for (int k = 0; k < 4; k++)
		assert_true(counts[k] > 0);
	sim_close(&s);
	sim_close(&h);
}

/* Sizes: spikes of 20 either way, drifts in steps of up to 0.5, stuck within 5, noise of sd 5. */
static void test_fleet_sizes(void **state)
{
	enum { SENSORS = 100, READINGS = 400 };
	static const double shares[4] = {0.02, 0.01, 0.05, 0.05};
	static struct {
		struct sums healthy, stuck;
		double held, drift;
		char type[10];
	} sensors[SENSORS];
	struct sums spikes = {0}, steps = {0}, noise = {0}, stuck = {0};
	double leaps = 0;
	struct sim_stream s, h;

	(void)state;
	memset(sensors, 0, sizeof(sensors));
	sim_open(&s, often("data/profiles/fleet.json", shares), 11, SENSORS, 0);
	sim_open(&h, healthy("data/profiles/fleet.json"), 11, SENSORS, 0);
	for (int i = 0; i < SENSORS * READINGS; i++) {
		json_t *r = sim_record(&s), *would = sim_record(&h);
		double x = sim_number(r, "value"), base = sim_number(would, "value"),
		       size = x - base;
		const char *type = text_at(r, "label_type");
		bool goes_on = !strcmp(type, sensors[i % SENSORS].type);

		add(&sensors[i % SENSORS].healthy, base);
		if (!strcmp(type, "spike")) {
			add(&spikes, size > 0);
		} else if (!strcmp(type, "noise")) {
			add(&noise, size);
		} else if (!strcmp(type, "stuck")) {
			if (!goes_on || x != sensors[i % SENSORS].held)
				add(&sensors[i % SENSORS].stuck, x);
		} else if (!strcmp(type, "drift")) {
			double step = goes_on ? size - sensors[i % SENSORS].drift : size;
			/* One drift may begin right behind another. */
			if (fabs(step) < 0.502)
				add(&steps, step);
			else
				leaps++;
		}
		sensors[i % SENSORS].held = x;
		sensors[i % SENSORS].drift = size;
		memcpy(sensors[i % SENSORS].type, type, strlen(type) + 1);
		json_decref(r);
		json_decref(would);
	}
	for (int i = 0; i < SENSORS; i++) {
		const struct sums *values = &sensors[i].stuck;
		double base = mean_of(&sensors[i].healthy);

		stuck.n += values->n;
		stuck.x += values->x - values->n * base;
		stuck.xx += values->xx - 2 * base * values->x + values->n * base * base;
	}
	assert_true(spikes.n > 300 && steps.n > 4000 && stuck.n > 800 && noise.n > 4000);
	assert_share(spikes.x, spikes.n, 0.5);
	assert_true(leaps < 0.01 * steps.n);
	assert_uniform(&steps, -0.5, 0.5);
	assert_uniform(&stuck, -5, 5);
	assert_moments(&noise, 0, 25);
	sim_close(&s);
	sim_close(&h);
}

/* Stuck sensors: one value within 5 of the base, for at most 10 readings; each run, recomputed. */
static void test_fleet_stuck(void **state)
{
	char types[100][10] = {{0}};
	double held[100] = {0};
	int runs[100] = {0}, n_stuck = 0, lengths[11] = {0};
	struct sim_stream s;

	(void)state;
	struct profile *p = sim_profile("data/profiles/fleet.json");
	for (size_t i = 0; i < p->n_anomalies; i++) /* stuck alone, so that runs stay apart */
		p->anomalies[i].start = i < 2 ? 0 : 0.004;
	sim_open(&s, p, 6, 100, 0);
	for (int i = 0; i < 100 * 400; i++) {
		json_t *r = sim_record(&s);
		int k = i % 100;
		double x = sim_number(r, "value");
		const char *type = text_at(r, "label_type");

		if (!strcmp(type, "stuck") && !strcmp(types[k], "stuck") && x == held[k]) {
			runs[k]++;
		} else {
			if (runs[k])
				lengths[runs[k]]++;
			runs[k] = !strcmp(type, "stuck");
		}
		if (!strcmp(type, "stuck")) {
			assert_true(x > 15 - 0.01 && x < 35 + 0.01);
			assert_true(runs[k] >= 1 && runs[k] <= 10);
			n_stuck++;
		}
		held[k] = x;
		memcpy(types[k], type, strlen(type) + 1);
		json_decref(r);
	}
	assert_true(n_stuck > 500);
	for (int length = 1; length <= 10; length++)
		assert_in_range(lengths[length], 2, 40);
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
				add(&z[k], deviation / specs[k].sd.value);
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
			outside += fabs(mean_of(&z[k])) > 3 / sqrt(z[k].n) ||
				   fabs(variance_of(&z[k]) - 1) > 3 * sqrt(2 / z[k].n);
	}
	assert_int_equal(constant, 116);
	assert_true(outside < 12); /* of some 450, and they are correlated */
	sim_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_city),        cmocka_unit_test(test_city_anomalies),
		cmocka_unit_test(test_shares),      cmocka_unit_test(test_lake),
		cmocka_unit_test(test_factory),     cmocka_unit_test(test_factory_average),
		cmocka_unit_test(test_fleet),       cmocka_unit_test(test_fleet_sizes),
		cmocka_unit_test(test_fleet_stuck), cmocka_unit_test(test_secom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
