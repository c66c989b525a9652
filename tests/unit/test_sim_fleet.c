/* The profile of the fleet, in numbers; seeds are fixed. Run from the top of the source. */
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
		sums_add(&f->values, x);
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
		sums_add(noise, size);
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
	sim_open(&h, sim_healthy("data/profiles/fleet.json"), 5, SENSORS, 0);
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
		double base = sums_mean(&sensors[i].values);

		assert_true(base > 19.8 && base < 30.2);
		sums_add(&bases, base);
		sums_add(&within, sums_variance(&sensors[i].values));
	}
	assert_moments(&bases, 25, 100.0 / 12 + 0.25 / READINGS);
	assert_true(fabs(sums_mean(&within) - 0.25) <
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
	sim_open(&s, sim_often("data/profiles/fleet.json", shares), 11, SENSORS, 0);
	sim_open(&h, sim_healthy("data/profiles/fleet.json"), 11, SENSORS, 0);
	for (int i = 0; i < SENSORS * READINGS; i++) {
		json_t *r = sim_record(&s), *would = sim_record(&h);
		double x = sim_number(r, "value"), base = sim_number(would, "value"),
		       size = x - base;
		const char *type = text_at(r, "label_type");
		bool goes_on = !strcmp(type, sensors[i % SENSORS].type);

		sums_add(&sensors[i % SENSORS].healthy, base);
		if (!strcmp(type, "spike")) {
			sums_add(&spikes, size > 0);
		} else if (!strcmp(type, "noise")) {
			sums_add(&noise, size);
		} else if (!strcmp(type, "stuck")) {
			if (!goes_on || x != sensors[i % SENSORS].held)
				sums_add(&sensors[i % SENSORS].stuck, x);
		} else if (!strcmp(type, "drift")) {
			double step = goes_on ? size - sensors[i % SENSORS].drift : size;
			/* One drift may begin right behind another. */
			if (fabs(step) < 0.502)
				sums_add(&steps, step);
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
		double base = sums_mean(&sensors[i].healthy);

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

/* One reading in 20, a quarter of each kind. */
static void test_fleet_shares(void **state)
{
	static const double shares[4] = {0.0125, 0.0125, 0.0125, 0.0125};

	(void)state;
	assert_shares("data/profiles/fleet.json", 9, 100, 500000, shares);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fleet),
		cmocka_unit_test(test_fleet_sizes),
		cmocka_unit_test(test_fleet_stuck),
		cmocka_unit_test(test_fleet_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
