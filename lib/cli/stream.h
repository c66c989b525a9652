/*
 * What all programs that read records share: their options, the loop over records, bad records,
 * control records, metrics, and how signals end a program.
 *
 * Programs that conclude something from all their input (a model, metrics, a report) pull records
 * with records_next; filters hand a worker to filter_run (cli/filter.h).
 */
#ifndef CLI_STREAM_H
#define CLI_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/cli/options.h"
#include "lib/record/reader.h"
#include "lib/record/scanner.h"

struct stream_options {
	int from;                /* index in stream_formats: auto, json, csv */
	uint64_t max_line;       /* bytes */
	const char *rejects;     /* --rejects FILE; NULL: a bad record stops the program */
	const char *max_rejects; /* --max-rejects N|SHARE */
	const char *metrics;     /* --metrics FILE */
	bool progress;
};

extern const char *const stream_formats[]; /* "auto", "json", "csv", NULL */

#define STREAM_OPTIONS_INIT                 \
	{                                   \
		.max_line = READER_MAX_LINE \
	}

/* The rows of the option table for the above; o is a struct stream_options with static storage. */
#define STREAM_OPTIONS(o)                                                                       \
	{.name = "from",                                                                        \
	 .kind = OPTION_CHOICE,                                                                 \
	 .arg = "FORMAT",                                                                       \
	 .dest = &(o).from,                                                                     \
	 .choices = stream_formats,                                                             \
	 .help = "input is auto (by its first byte), json (JSON Lines) or csv; default auto"},  \
		{.name = "max-line",                                                            \
		 .kind = OPTION_COUNT,                                                          \
		 .arg = "BYTES",                                                                \
		 .dest = &(o).max_line,                                                         \
		 .min = 64,                                                                     \
		 .max = 1 << 30,                                                                \
		 .help = "longest line that is read, 64 to 1073741824; default 16777216"},      \
		{.name = "rejects",                                                             \
		 .kind = OPTION_STRING,                                                         \
		 .arg = "FILE",                                                                 \
		 .dest = &(o).rejects,                                                          \
		 .help = "append bad records to FILE with the reason and go on; default: stop " \
			 "with 65"},                                                            \
		{.name = "max-rejects",                                                         \
		 .kind = OPTION_STRING,                                                         \
		 .arg = "N|SHARE",                                                              \
		 .dest = &(o).max_rejects,                                                      \
		 .help = "stop with 65 past N bad records, or past a share of all (0.01)"},     \
		{.name = "metrics",                                                             \
		 .kind = OPTION_STRING,                                                         \
		 .arg = "FILE",                                                                 \
		 .dest = &(o).metrics,                                                          \
		 .help = "keep counters in FILE as Prometheus text, replaced atomically"},      \
	{                                                                                       \
		.name = "progress", .kind = OPTION_FLAG, .dest = &(o).progress,                 \
		.help = "show progress on standard error when it is a terminal"                 \
	}

/*
 * Records pulled one at a time by a program that concludes. Bad records (what the scanner refuses
 * and what the program calls bad by records_reject) go to --rejects or end the program; control
 * records are checked, consumed, and never returned. All functions print and exit by themselves
 * when the input cannot be gone on with.
 */
struct records;

/* Fields may be wanted (fields_want) until the first records_next; NULL: none are. */
struct records *records_open(const struct program *p, const struct stream_options *o,
			     char *const *paths, struct fields *fields);

/* Before the first records_next: walks the first good record (scanner_walk), which records_next
 * gives out all the same, so that a program can choose its fields. 1, or 0 when there is none. */
int records_peek(struct records *r, scanner_leaf_fn *leaf, void *context);

/* 1 with a record, 0 at the end of input (complete: control records ended with `end`). */
int records_next(struct records *r, struct record *rec);

/* The file of the current record. */
const char *records_file(const struct records *r);

/* The current record is bad for the reason in err (its place is added where it has none). */
void records_reject(struct records *r, const struct record *rec, struct error *err);

uint64_t records_rejected(const struct records *r);

/* Writes metrics, closes rejects, prints the count of rejected ones; exits on failure (65 past
 * --max-rejects). */
void records_close(struct records *r);

#endif
