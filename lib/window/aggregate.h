/*
 * What is worked out of the values of a window: --agg, and cells that hold what it takes.
 *
 *     FIELD:OP[,OP ...] [as NAME]      count [as NAME]
 *
 * OP is count, sum, mean, min, max, range, stddev, first, last, or pN, the N-th percentile (N from
 * 0 to 100, with a fraction or without). A result is named FIELD_OP (a point in an OP becomes '_'),
 * or NAME, which only a single OP may have. Names are paths.
 *
 * Missing values are not counted; a result without values is missing itself, but a count is 0.
 * Results are equal, to the byte, whatever the order of the records: all but sum, mean and stddev,
 * which may differ in their last digits.
 *
 *     count    values that are not missing
 *     sum      compensated; of truth values, which are 0 and 1, a count
 *     mean     sum / count
 *     stddev   of the sample (n - 1); missing for fewer than two values
 *     pN       within 1 %, within the values' range: window/ddsketch.h
 *     first    the value of the earliest event; of several the smallest
 *     last     that of the latest; of several the largest
 */
#ifndef WINDOW_AGGREGATE_H
#define WINDOW_AGGREGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"

/* A value larger than this is refused by whoever reads values: sums of squares stay finite. */
#define AGGREGATE_MAX 1e150

enum aggregate_op {
	AGGREGATE_RECORDS, /* count, without a field */
	AGGREGATE_COUNT,
	AGGREGATE_SUM,
	AGGREGATE_MEAN,
	AGGREGATE_MIN,
	AGGREGATE_MAX_OF,
	AGGREGATE_RANGE,
	AGGREGATE_STDDEV,
	AGGREGATE_FIRST,
	AGGREGATE_LAST,
	AGGREGATE_QUANTILE,
};

struct aggregates {
	/* The fields that are read, each once. */
	struct aggregate_field {
		char *path;
		unsigned parts; /* bits of what a cell holds */
		uint32_t at, range, sum, spread, first, last, sketch; /* where, from its start */
	} * fields;
	size_t n_fields, fields_cap;
	/* The results, in the order they were asked for. */
	struct aggregate {
		char *name;
		enum aggregate_op op;
		size_t field;
		double percent; /* AGGREGATE_QUANTILE */
	} * items;
	size_t n, cap;
	size_t cell_size; /* bytes; a multiple of 8 */
};

void aggregates_release(struct aggregates *a);

/* Adds what one --agg asks for. ERROR_USAGE. */
int aggregates_parse(struct aggregates *a, const char *text, struct error *err);

/* After the last one: lays out the cells. A count of records named `count` goes first unless one
 * was asked for. */
int aggregates_finish(struct aggregates *a, struct error *err);

/* What a record has of a field. */
struct aggregate_value {
	double x;
	enum { AGGREGATE_MISSING, AGGREGATE_REAL, AGGREGATE_TRUTH } kind;
};

/*
 * A cell is cell_size bytes at a multiple of 8, zeroed at first; aggregates_clear empties one that
 * is used again, aggregates_drop frees what it holds.
 */
void aggregates_clear(const struct aggregates *a, void *cell);
void aggregates_drop(const struct aggregates *a, void *cell);

/* Adds a record of this time with values [n_fields]. -1: memory. */
int aggregates_add(const struct aggregates *a, void *cell, int64_t time_ns,
		   const struct aggregate_value *values, struct error *err);
int aggregates_merge(const struct aggregates *a, void *cell, const void *from, struct error *err);

uint64_t aggregates_records(const void *cell);

struct aggregate_result {
	enum { RESULT_MISSING, RESULT_COUNT, RESULT_REAL } kind;
	uint64_t count;
	double real;
};
struct aggregate_result aggregates_result(const struct aggregates *a, const void *cell, size_t i);

/* A cell as bytes for a file of this machine's kind, appended; and back, into an empty cell, from
 * what must be all of it: *p is moved behind it. ERROR_DATA: it cannot be one. */
int aggregates_save(const struct aggregates *a, const void *cell, struct buf *out,
		    struct error *err);
int aggregates_load(const struct aggregates *a, void *cell, const char **p, const char *end,
		    struct error *err);

#endif
