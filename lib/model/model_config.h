/* Inside model files: the configuration, which is everything of a model that is no tensor, and what
 * writing and reading share. */
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
 * number of features, groups likewise, and *sizes, to be freed: those of m, and of each group. What
 * is allocated on failure is m's. A key that is missing or of the wrong kind is ERROR_CONFIG and
 * named; unknown keys are ignored.
 */
int model_config_read(struct model *m, const char *text, struct model_sizes **sizes,
		      struct error *err);

/* What stands before the names of the tensors of group i: "g/<i>/". */
#define MODEL_PREFIX_MAX 32
void model_group_prefix(char prefix[MODEL_PREFIX_MAX], size_t i);

void model_set_digest(struct model *m, const char digest[SHA256_HEX]);

#endif
