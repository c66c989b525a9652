/*
 * What to simulate: a profile, read from JSON. sensor-profile(5) describes the form and what each
 * member means; here is what became of it.
 */
#ifndef SIM_PROFILE_H
#define SIM_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

#define PROFILE_BYTES_MAX (16 << 20)
#define PROFILE_SENSORS_MAX 10000000
#define PROFILE_SIGNALS_MAX 10000
#define PROFILE_DECIMALS_MAX 9

struct json_t;

/* What sets sensors apart, by name. */
struct attribute {
	char *name;
	enum attribute_kind {
		ATTRIBUTE_NUMBERS, /* of the rows, by turns */
		ATTRIBUTE_TEXTS,   /* the same */
		ATTRIBUTE_UNIFORM, /* drawn once for each sensor, from [a, b) */
		ATTRIBUTE_NORMAL,  /* with mean a and standard deviation b */
		ATTRIBUTE_CHOICE,  /* one of the texts */
	} kind;
	double *numbers;
	bool whole;         /* all of them are integers in the JSON */
	const char **texts; /* the JSON's */
	size_t n;
	double a, b;
};

/* A number, or an attribute whose number is meant. */
struct parameter {
	double value;
	int attribute; /* -1: none */
};

enum process { PROCESS_GAUSSIAN, PROCESS_WALK };

struct signal_spec {
	char *name; /* of a bank's: "features.12" */
	enum process process;
	struct parameter mean, sd;
	const double *daily; /* [24] factors of the mean, or NULL */
	struct {
		size_t window;
		double newest_weight;
		double pull_probability, pull_factor[2];
	} walk;
	/* z = sum of loadings * factors + own * a draw of its own, with variance 1. */
	const double *loadings; /* [n_loadings], of the factors from first_factor on */
	size_t first_factor, n_loadings;
	double own;
	int missing; /* which of the shares of missing; -1: never */
	bool absolute, rounded;
	unsigned decimals;
	double low, high; /* clamp; infinite: none */
};

enum anomaly_kind {
	ANOMALY_SPIKE,
	ANOMALY_LEVEL_SHIFT,
	ANOMALY_DRIFT,
	ANOMALY_STUCK,
	ANOMALY_NOISE,
	ANOMALY_DROPOUT
};

/* What an anomaly does to one signal. */
struct effect {
	size_t signal;
	enum effect_mode {
		EFFECT_NONE,  /* dropout; stuck at the last value */
		EFFECT_BY,    /* so much is added */
		EFFECT_BY_SD, /* so many standard deviations are */
		EFFECT_TO,    /* the value is replaced */
		EFFECT_ABOUT, /* stuck at the mean and so much */
		EFFECT_SD     /* noise is added */
	} mode;
	double range[2];
	bool either_sign;
};

struct anomaly {
	enum anomaly_kind kind;
	const char *label_type; /* the JSON's, as severity, which may be NULL */
	const char *severity;
	double rate; /* share of the readings that lie in it */
	uint64_t length[2];
	struct effect *effects;
	size_t n_effects;
	double start; /* that it, or one before it in the list, begins at a healthy reading */
};

struct daily {
	const char *name;
	double factors[24];
};

struct profile {
	struct json_t *root; /* of which `record` lays records out */
	int64_t step_ns;     /* from one reading of a sensor to the next */
	int32_t utc_offset_s;
	size_t n_sensors;
	uint64_t draw_seed; /* of what is drawn once for each sensor */
	struct attribute *attributes;
	size_t n_attributes, cap_attributes, n_rows; /* of the list of sensors; 0: none */
	struct daily *daily;
	size_t n_daily;
	struct signal_spec *signals;
	size_t n_signals, cap_signals;
	size_t n_factors;
	double **loadings; /* the memory of the signals' */
	size_t n_loadings, cap_loadings;
	double *missing; /* shares, each of a group of signals that lack the same readings */
	size_t n_missing, cap_missing;
	struct anomaly *anomalies;
	size_t n_anomalies;
	size_t most_effects; /* of any anomaly */
};

/* Bytes of JSON; `name` is the file's, for messages. ERROR_CONFIG with the place. */
struct profile *profile_parse(const char *text, size_t len, const char *name, struct error *err);
void profile_free(struct profile *p);

/* The signal or attribute of a name, or -1. */
int profile_signal(const struct profile *p, const char *name);
int profile_attribute(const struct profile *p, const char *name);

#endif
