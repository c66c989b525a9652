/* The inside of anomaly-score: what it judges by, and the workers that do. */
#ifndef CLI_SCORE_IMPL_H
#define CLI_SCORE_IMPL_H

#include <stdatomic.h>
#include <sys/stat.h>
#include "lib/cli/score.h"
#include "lib/cli/score_series.h"
#include "lib/model/model.h"
#include "lib/model/row.h"
#include "lib/model/rules.h"
#include "lib/model/scorer.h"

/* The fields of a verdict, in their order; ADD_NONE: not of this run's. */
enum score_field {
	ADD_SCORE,
	ADD_ANOMALY,
	ADD_SEVERITY,
	ADD_QUANTILE,
	ADD_REASONS,
	ADD_IMPUTED,
	ADD_MODEL_VERSION,
	ADD_RULES_VERSION,
	ADD_STAMP,
	ADD_LABEL,
	ADD_FIELDS,
};
#define ADD_NONE SIZE_MAX
extern const char *const score_field_names[ADD_FIELDS];

/* A run. */
struct score {
	const struct score_options *options;
	const char *added[ADD_FIELDS];
	size_t n_added;
	size_t place[ADD_FIELDS]; /* among added */
	char *truth_name;         /* --truth without escapes */
	/* The files as they were when they were last loaded, or tried. */
	struct stat model_file, rules_file;
	struct series *series; /* of keyed rules; NULL: none are in use */
	bool in_order;         /* the run can have keyed rules */
	atomic_bool naive;     /* a time without an offset was read */
	bool said_naive;
};

/* A model and rules, with the places of their fields in records. */
struct judge {
	struct score *score;
	/* By a model; NULL: by rules alone. */
	struct scorer *forest;
	size_t *slots; /* [n_features] */
	char **names;
	size_t group_slot; /* with groups */
	/* By rules; NULL: by a model alone. */
	struct rules *rules;
	struct scorer *by_rules;
	size_t *rule_slots;  /* [rules->n_fields] */
	size_t by_slot;      /* with limits by key */
	struct buf *reasons; /* [rules->n] names as JSON text */
	/* Keyed rules. */
	struct series *series;
	size_t n_key, time_slot, topic_slot, partition_slot, offset_slot;
	size_t *key_slots; /* [n_key] */
	const struct fields *fields;
	size_t anomaly_slot, version_slot, truth_slot;
};

/* Loads what the options name, as a plan for the filter whose context is a struct judge. */
struct filter_plan *score_plan_load(struct score *s, struct error *err);

/* The filter's functions. */
void *score_worker_new(const struct filter_plan *plan, struct error *err);
void score_worker_free(void *worker);
int score_take(void *worker, size_t i, const struct record *rec, struct error *err);
void score_judge(void *worker, size_t n);
int score_add(void *worker, size_t i, const struct writer *out, struct buf *b, struct error *err);
int score_control(void *worker, struct control_record *c, struct error *err);
bool score_is_anomaly(void *worker, size_t i);

#endif
