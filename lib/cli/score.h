/*
 * What anomaly-score does: the filter that judges records by a model, by rules, or by both.
 */
#ifndef CLI_SCORE_H
#define CLI_SCORE_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/cli/filter.h"
#include "lib/cli/options.h"
#include "lib/cli/time_options.h"

enum { SCORE_PAPER, SCORE_DECISION };
extern const char *const score_kinds[]; /* "paper", "decision", NULL */

struct score_options {
	struct filter_options filter;
	struct time_options time;
	const char *model, *rules; /* at least one of them */
	const char *as, *truth, *key;
	double max_missing;
	int score;         /* index in score_kinds */
	uint64_t max_keys; /* of keyed rules, as the two below */
	int64_t idle_ns;
	uint64_t forget; /* offsets */
	bool absent_as_missing, overwrite, only_anomalies, stamp, watch, describe, json;
};

#define SCORE_OPTIONS_INIT                                                                    \
	{                                                                                     \
		.filter = FILTER_OPTIONS_INIT, .time = TIME_OPTIONS_INIT, .max_missing = 0.5, \
		.max_keys = 100000, .idle_ns = 3600000000000, .forget = 1000000               \
	}

/* Runs the program p over the files and returns its exit status. Prints and exits by itself where
 * it cannot go on. */
int score_run(const struct program *p, const struct score_options *o, char *const *paths);

/* Prints what model and rules are, and returns the exit status. */
int score_describe(const struct program *p, const struct score_options *o);

#endif
