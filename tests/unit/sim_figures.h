/* What the tests of profiles measure by. Each bound is one that a right profile keeps but with a
 * probability below 1e-5. Failures fail the test. */
#ifndef TESTS_SIM_FIGURES_H
#define TESTS_SIM_FIGURES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "lib/sim/profile.h"

#define SIGMAS 5.0

struct sums {
	double n, x, xx;
};

void sums_add(struct sums *s, double x);
double sums_mean(const struct sums *s);
double sums_variance(const struct sums *s);

/* n of so many are this share. */
void assert_share(double n, double of, double share);

/* Of numbers that are normal, or cut at one end. */
void assert_moments(const struct sums *s, double mean, double variance);

/* Of numbers that are evenly between two. */
void assert_uniform(const struct sums *s, double low, double high);

/* Of n readings of the profile these shares have each anomaly, counted by the simulator. */
void assert_shares(const char *path, uint64_t seed, uint64_t n_sensors, int n,
		   const double *shares);

/* The profile of a file, its JSON changed. */
struct profile *sim_changed(const char *path, void (*change)(json_t *));
void sim_remove_anomalies(json_t *profile);

/* The same profile without anomalies: what healthy sensors would say. */
struct profile *sim_healthy(const char *path);

/* A profile whose anomalies begin at these shares of healthy readings, so that there are many. */
struct profile *sim_often(const char *path, const double *shares);

/* A member of a record; "" if it is no text. */
const char *text_at(const json_t *record, const char *name);

/* The names of all its members, in their order, and NULL. */
void assert_fields(const json_t *record, const char *const *names);

/* label and label_type say the same; returns whether it is one. */
bool is_labelled(const json_t *record);

#endif
