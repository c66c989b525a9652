/*
 * Which fields of a record are features: those that patterns name, else every numeric field but
 * times and identifiers, positions, truth and verdicts.
 */
#ifndef RECORD_FEATURES_H
#define RECORD_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/error.h"

struct feature_rule {
	char **patterns; /* [n]; n 0: the rule below */
	size_t n;
	const char *time_field; /* paths that are no features; NULL: none */
	const char *verdict;    /* with all that lies below it */
};

/* patterns: as path_matches takes them, separated by commas, or NULL. ERROR_USAGE for an empty one.
 * The paths are the caller's, and must stay. */
int feature_rule_init(struct feature_rule *r, const char *patterns, const char *time_field,
		      const char *verdict, struct error *err);
void feature_rule_release(struct feature_rule *r);

/*
 * Is the numeric field of this path a feature? Without patterns: not the time field, not what is in
 * the verdict's object, and nothing in whose path a name is "id", "latitude", "longitude", a
 * verdict's (anomaly_score, is_anomaly, severity, score_quantile, reasons, imputed, model_version,
 * rules_version), begins with "_" or "label", or ends in "_id", "_at" or "_timestamp". With or
 * without patterns: no path with an empty name in it, for it leads to no field.
 */
bool feature_rule_takes(const struct feature_rule *r, const char *path);

#endif
