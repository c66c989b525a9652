#include "tests/unit/sim_figures.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/sim_stream.h"

void sums_add(struct sums *s, double x)
{
	s->n++;
	s->x += x;
	s->xx += x * x;
}

double sums_mean(const struct sums *s)
{
	return s->x / s->n;
}

double sums_variance(const struct sums *s)
{
	return (s->xx - s->x * s->x / s->n) / (s->n - 1);
}

void assert_share(double n, double of, double share)
{
	if (!(fabs(n - of * share) < SIGMAS * sqrt(of * share * (1 - share))))
		fail_msg("%g of %g are not a share of %g", n, of, share);
}

void assert_moments(const struct sums *s, double mean, double variance)
{
	if (!(fabs(sums_mean(s) - mean) < SIGMAS * sqrt(variance / s->n)))
		fail_msg("mean %g, not %g", sums_mean(s), mean);
	/* Kurtosis of what is cut at one end stays below 4. */
	if (!(fabs(sums_variance(s) - variance) < SIGMAS * variance * sqrt(3 / s->n)))
		fail_msg("variance %g, not %g", sums_variance(s), variance);
}

void assert_uniform(const struct sums *s, double low, double high)
{
	double mean = (low + high) / 2, variance = (high - low) * (high - low) / 12;

	if (!(fabs(sums_mean(s) - mean) < SIGMAS * sqrt(variance / s->n)) ||
	    !(fabs(sums_variance(s) - variance) < SIGMAS * variance * sqrt(0.8 / s->n)))
		fail_msg("mean %g and variance %g of %g are not those of %g to %g", sums_mean(s),
			 sums_variance(s), s->n, low, high);
}

struct profile *sim_changed(const char *path, void (*change)(json_t *))
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

void sim_remove_anomalies(json_t *profile)
{
	assert_int_equal(json_object_del(profile, "anomalies"), 0);
}

struct profile *sim_healthy(const char *path)
{
	return sim_changed(path, sim_remove_anomalies);
}

struct profile *sim_often(const char *path, const double *shares)
{
	struct profile *p = sim_profile(path);
	double start = 0;

	for (size_t i = 0; i < p->n_anomalies; i++)
		p->anomalies[i].start = start += shares[i];
	return p;
}

void assert_shares(const char *path, uint64_t seed, uint64_t n_sensors, int n, const double *shares)
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

const char *text_at(const json_t *record, const char *name)
{
	const char *s = json_string_value(json_object_get(record, name));

	return s ? s : "";
}

void assert_fields(const json_t *record, const char *const *names)
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

bool is_labelled(const json_t *record)
{
	bool label = sim_number(record, "label") > 0;

	assert_int_equal(label, json_is_string(json_object_get(record, "label_type")));
	return label;
}
