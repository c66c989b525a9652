/* The configuration of a model file: everything of a model that is no tensor. */
#ifndef MODEL_MODEL_CONFIG_H
#define MODEL_MODEL_CONFIG_H

#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/model/model.h"

/* Numbers of the configuration that stand elsewhere in memory. */
struct model_sizes {
	uint32_t max_samples; /* of the forest */
	uint64_t n_scores;    /* values that the sketch of scores summarises */
};

/* Appends the configuration as JSON text: fixed order, the same bytes for the same model. */
int model_config_write(const struct model *m, struct buf *out, struct error *err);

/*
 * Reads it into m, which is empty: names and numbers, prepare allocated by impute, scaling and
 * number of features, and sizes. What is allocated on failure is m's. A key that is missing or of
 * the wrong kind is ERROR_CONFIG and named; unknown keys are ignored.
 */
int model_config_read(struct model *m, const char *text, struct model_sizes *sizes,
		      struct error *err);

#endif
