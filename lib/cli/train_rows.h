/*
 * The training rows of a program that learns from records: which fields are features, and what the
 * records have of them. Prints and exits by itself where it cannot go on.
 */
#ifndef CLI_TRAIN_ROWS_H
#define CLI_TRAIN_ROWS_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/cli/stream.h"
#include "lib/model/key_ids.h"
#include "lib/model/row.h"
#include "lib/model/training_rows.h"
#include "lib/record/choice.h"

struct train_rows_options {
	const char *features; /* --features, for messages; NULL: the numeric fields */
	const char *by;       /* the field whose values are groups; NULL: none are */
	bool absent_as_missing;
	uint64_t reservoir, memory, seed, min_records;
};

struct train_rows {
	const struct train_rows_options *options;
	struct row_features features;
	size_t *slots;
	bool *ignored; /* a field that was missing at first and turned out to be no number */
	size_t by_slot;
	struct key_numbers groups;
	struct buf text;
	struct training_rows kept; /* groups are numbers in groups.ids */
};

/* Chooses the features at the first record, and reads all records. choice has its rule. */
void train_rows_read(struct train_rows *rows, const struct train_rows_options *o,
		     struct records *records, struct fields *fields, struct choice *choice);
void train_rows_release(struct train_rows *rows);

#endif
