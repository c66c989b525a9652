/*
 * Which fields are features.
 *
 * Unless named: every numeric field but the time field, *_timestamp, *_at, id, *_id, label*, the
 * verdict's (anomaly_score, is_anomaly, severity, score_quantile, reasons, imputed, model_version,
 * rules_version), latitude, longitude, and names that begin with '_' (the rule looks at each part
 * of a path: "_kafka.offset" is out, and so is "meta.id").
 */
#ifndef RECORD_CHOICE_H
#define RECORD_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/error.h"
#include "lib/record/scanner.h"

/* Whether a numeric field is a feature when none are named. time_field may be NULL: "timestamp". */
bool choice_by_default(const char *path, const char *time_field);

struct choice {
	const char *patterns;   /* "features.*,temperature", or NULL: choice_by_default */
	const char *time_field; /* NULL: "timestamp" */
	char **names;           /* chosen, in the order of the record */
	size_t n, cap;
	size_t n_missing; /* of these, missing in the first record */
};

/* For scanner_walk (records_peek) over the first record, context a struct choice: takes the fields
 * that are numbers or missing there and that the patterns or the rule choose. */
int choice_leaf(void *context, const char *path, const struct value *v, struct error *err);

/* Adds those patterns that are plain names and were not in the record: they are features all the
 * same (it may lack them). */
int choice_finish(struct choice *c, struct error *err);

void choice_release(struct choice *c);

#endif
