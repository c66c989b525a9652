/*
 * What a report says of scored records, gathered record by record in bounded memory: about 1 MB,
 * 100 bytes a feature, and for records with a label 8 bytes each, up to REPORT_LABELS_MAX a class.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/rng.h"
#include "lib/report/contrast.h"
#include "lib/report/scorebins.h"
#include "lib/report/timebins.h"
#include "lib/stats/bootstrap.h"
#include "lib/stats/confusion.h"
#include "lib/stats/roc.h"

#define REPORT_LABELS_MAX 1000000 /* scores kept of each class; past them a uniform sample */
#define REPORT_MODELS_MAX 8       /* model versions told apart */

enum report_severity {
	REPORT_NONE,
	REPORT_LOW,
	REPORT_MEDIUM,
	REPORT_HIGH,
	REPORT_OTHER,    /* a word that is none of these */
	REPORT_UNSTATED, /* the record has no severity */
	REPORT_SEVERITIES,
};
extern const char *const report_severity_names[REPORT_SEVERITIES];

enum report_truth { TRUTH_UNKNOWN = -1, TRUTH_NORMAL = 0, TRUTH_ANOMALY = 1 };

/* One scored record. */
struct report_row {
	double score; /* finite */
	bool is_anomaly;
	enum report_severity severity;
	enum report_truth truth;
	bool has_time;
	int64_t time_ns;
	const char *model_version; /* NULL where not stated */
	const double *features;    /* in the order of the names; as contrast_add takes them */
};

struct report_model {
	char version[64]; /* cut if longer */
	uint64_t n;
};

/* Read freely; filled by the functions below. */
struct report {
	uint64_t n, anomalies;
	double normal_min, normal_max, anomalous_min, anomalous_max; /* of scores, by verdict */
	double normal_sum, anomalous_sum;
	uint64_t severity[REPORT_SEVERITIES];
	struct scorebins scores;

	uint64_t timed, timed_anomalies; /* records with a time */
	int64_t first_ns, last_ns;
	struct timebins timeline; /* scores along time */
	struct timebins hours;    /* an hour a step or wider */
	struct timebins
		days[24]; /* by hour of the day, UTC; a day a step or wider, the same in all */

	struct contrast contrast;

	uint64_t truth[2]; /* records labelled normal, anomalous */
	struct confusion confusion;
	struct roc roc; /* sorted by report_finish; higher is more anomalous */
	struct rng rng;

	size_t n_models;
	struct report_model models[REPORT_MODELS_MAX];
	uint64_t other_models; /* records of models beyond those */

	/* Known once report_finish was called. */
	bool lower_is_anomalous; /* anomalous records score lower on average: a decision function */
	bool threshold_given;    /* by the user */
	bool separated;          /* one threshold agrees with every verdict, of both kinds */
	double threshold;        /* midway between the classes if separated; NaN where unknown */
	bool sampled;            /* roc holds a sample of some class */
	double auc, average_precision;  /* NaN unless both classes are there */
	struct roc_intervals intervals; /* NaN unless REPORT_BOOTSTRAP_MAX allows */
};

/* Intervals are computed for at most so many labelled records: 1,000 replicates, seed 42. */
#define REPORT_BOOTSTRAP_MAX 100000

struct report *report_new(const char *const *features, size_t n_features, struct error *err);
void report_free(struct report *r);

int report_add(struct report *r, const struct report_row *row, struct error *err);

/* All records are in: threshold (a number given by the user, or NaN: from the verdicts), curves,
 * histograms as they are drawn. Called once. */
int report_finish(struct report *r, double threshold, struct error *err);

/* The precision that the share of anomalies in the data gives a threshold that finds `recall` of
 * them at precision `precision` in the (maybe sampled) roc. */
double report_precision(const struct report *r, double precision);

#endif
