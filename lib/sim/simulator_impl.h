/* The state of simulated sensors, shared by healthy readings and by what goes wrong with them. */
#ifndef SIM_SIMULATOR_IMPL_H
#define SIM_SIMULATOR_IMPL_H

#include "lib/base/timestamp.h"
#include "lib/sim/layout.h"
#include "lib/sim/normal.h"
#include "lib/sim/simulator.h"
#include "lib/sim/walk.h"

struct sensor {
	struct normal healthy, faults;
	size_t active; /* the anomaly; n_anomalies: none */
	uint64_t left; /* readings of it to come */
};

struct simulator {
	const struct profile *profile;
	bool csv;
	size_t n_sensors, turn; /* whose turn it is */
	uint64_t sequence;
	struct layout layout;
	bool *shown; /* [n_signals]: records have it */
	struct sensor *sensors;
	/* For each sensor: */
	double *means, *sds; /* [n_signals] */
	double *last;        /* [n_signals]: its last healthy values; NaN before the first */
	double *states;      /* [most_effects]: what the active anomaly adds, or is stuck at */
	struct walk *walks;  /* [n_walks] */
	size_t n_walks;
	double *rings;
	/* Of the reading being made: */
	double *factors;    /* [n_factors] */
	bool *missing;      /* [n_missing] */
	double *now_means;  /* [n_signals]: with the factors of the hour */
	double *values;     /* [n_signals]: before they are finished; NaN is missing */
	uint64_t *labelled; /* [n_anomalies] */
	struct buf *words;  /* [2 * n_anomalies]: label_type and severity as they are written */
	size_t words_max;
	char time[TIMESTAMP_MAX + 2];
	size_t time_len;
	int64_t time_ms;
};

/* A value as it is written: absolute, clamped, and, if it is to be rounded, a whole number of
 * 10^-decimals. */
double simulator_finish(const struct signal_spec *s, double x);

/* Lets the sensor's anomaly begin, go on or end, keeps its values, which are healthy, in `last`,
 * and changes them. Returns the anomaly that changes what is written, or n_anomalies: whatever
 * befalls signals that records do not show, a reader sees nothing of it. */
size_t anomaly_step(struct simulator *s, size_t sensor);

#endif
