/*
 * A trained model in memory, and its file.
 *
 * The file is in safetensors form (https://github.com/huggingface/safetensors): 8 bytes
 * little-endian length N, N bytes of JSON header padded with spaces so that the data starts 64-byte
 * aligned, tensors little-endian, sorted by name, without holes. __metadata__ holds strings only:
 * format "sensorutils-model", format_version "1", config (JSON text) and digest (SHA-256 of the
 * whole file with the digest's own 64 digits as '0'). sensor-model(5) lists the config's keys and
 * the tensors.
 *
 * Reading takes nothing on trust: size, header, digest, every shape, type and offset, every tree.
 * What is wrong is ERROR_CONFIG with the file's name. Unknown major versions and unknown kinds are
 * refused; unknown config keys are ignored.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/model/forest.h"
#include "lib/model/key_ids.h"
#include "lib/model/prepare.h"
#include "lib/stats/sketch.h"

#define MODEL_VERSION_LEN 12 /* hex digits of the digest that records carry */
#define MODEL_FILE_MAX (UINT64_C(4) << 30)
#define MODEL_GROUPS_MAX 10000
#define MODEL_GROUP_ROWS_MIN 256 /* a group of fewer rows is judged by the common forest */

/* What a feature was in training. */
struct model_feature {
	char *name;           /* dotted path */
	double missing_share; /* in [0, 1] */
	struct sketch sketch; /* of the values as read, before preparation */
};

struct model {
	char digest[SHA256_HEX];             /* set by saving and by loading */
	char version[MODEL_VERSION_LEN + 1]; /* its first digits */

	size_t n_features;
	struct model_feature *features; /* [n_features], in the order of the forest's columns */
	struct prepare prepare;
	struct forest *forest;
	double *points; /* what the features' sketches point into */

	/* Anomalous iff -s - offset < 0, with s the paper's score (scikit-learn's offset_). */
	double offset;
	bool contamination_auto; /* offset is -0.5 and no share was given */
	double contamination;    /* the share asked for; NaN when auto */
	/*
	 * Severity: scores s above these are medium, high; -offset <= medium <= high. Of the
	 * training rows past the threshold: the 90th percentile and the largest. Where there were
	 * none both are -offset, since an alarm is then above every training score; where no
	 * training scores are known both are 1, which no score exceeds.
	 */
	double medium, high;
	struct sketch scores; /* of s over the training rows; empty when they are not known */

	/* How it was made. */
	uint64_t n_rows;       /* training rows */
	uint64_t n_rows_seen;  /* rows read; more than n_rows with a reservoir */
	uint32_t max_features; /* columns a tree could use */
	double max_missing;    /* rows that lacked more than this share were left out */
	uint64_t seed;
	char *source; /* who made the forest: "iforest-train", "scikit-learn 1.9.1"; never a path or
			 host */
	char **left_out; /* fields left out, each "name: constant" or "name: all missing" */
	size_t n_left_out;

	/*
	 * Groups: models of their own for the values of the field `by`, NULL: there are none. All
	 * above is of the common model then, learned from all rows, which judges rows of no group.
	 * The model of group_ids' number i is groups[i - 1]: its features are some of the common
	 * ones, in their order, and it has no digest and no groups.
	 */
	char *by;
	struct key_ids group_ids;
	struct model **groups; /* [group_ids.n] */
};

void model_free(struct model *m);

/* Turns a model into the bytes of its file (appended to out, which is empty) and sets digest and
 * version. */
int model_encode(struct model *m, struct buf *out, struct error *err);

/* The model of the file's bytes; name is for messages. */
struct model *model_decode(const void *bytes, size_t n, const char *name, struct error *err);

/* file_read and model_decode; a file that is being replaced is read whole, old or new. */
struct model *model_load(const char *path, struct error *err);

/* Encodes and writes aside, syncs, renames. */
int model_save(struct model *m, const char *path, struct error *err);

/* What a model is, as text for people (ends with a newline) or as one JSON object a line. */
int model_describe(const struct model *m, bool json, struct buf *out, struct error *err);

/*
 * Training, from rows in memory. x is row-major n_rows x n_fields as read, NaN for missing.
 *
 * Constant and all-missing columns are left out and listed in left_out (constant: all values
 * present are equal), then rows that lack more than max_missing of the features, and so on until
 * nothing changes: every feature varies over the rows learned from. Fails with ERROR_DATA when no
 * row or column is left, or a prepared value is beyond float32.
 *
 * Memory beyond x: 16 bytes a row, 24 when rows are left out, at most 32 MiB for prepared rows and
 * columns, 4 KiB a feature for sketches, the forest, and the sub-samples that its threads fit trees
 * to (forest_fit). The same options and rows give the same model for any n_threads.
 */
struct train_options {
	enum impute impute;
	enum scaling scaling;
	uint32_t n_trees;
	double max_samples; /* <= 1: a share of the rows, when max_samples_share; else a number,
			       capped at n_rows; 0: min(256, n) */
	bool max_samples_share;
	double max_features; /* likewise of the columns; 0: all */
	bool max_features_share;
	bool contamination_auto;
	double contamination; /* share in (0, 0.5] */
	double max_missing;   /* training rows that lack more than this share of features are not
				 learned from but counted */
	uint64_t seed;
	unsigned n_threads;
	/* May be NULL; called by the thread that calls model_train. */
	void (*progress)(void *context, const char *stage, double share);
	void *progress_context;
};

struct train_result {
	uint64_t n_rows;         /* learned from */
	uint64_t n_rows_skipped; /* lacked too much */
	uint64_t n_alarms;       /* training rows past the threshold */
	double missing_share;    /* over the features chosen */
};

struct model *model_train(const struct train_options *options, const double *x, uint64_t n_rows,
			  const char *const *names, size_t n_fields, struct train_result *result,
			  struct error *err);

/*
 * Learns the groups of a model, whose common part model_train has made of the same rows with the
 * same options: group[i] is the number of row i in ids (0: of none). Takes ids and the name `by`
 * over on success. A group of fewer than MODEL_GROUP_ROWS_MIN rows, or in which no feature varies,
 * gets no model; *n_small counts them. The same as training each group's rows by themselves, so
 * the seed and the number of threads mean the same; needs the rows of the largest group once more.
 */
int model_train_groups(struct model *m, const struct train_options *options, const double *x,
		       uint64_t n_rows, const char *const *names, size_t n_fields,
		       const uint32_t *group, struct key_ids *ids, const char *by, size_t *n_small,
		       struct error *err);

/* What was learned, for people, a line a fact: rows, threshold, expected alarms, the names of the
 * features and of what was left out. The model has been encoded (its version is known). */
int model_summary(const struct model *m, const struct train_result *result, struct buf *out,
		  struct error *err);

#endif
