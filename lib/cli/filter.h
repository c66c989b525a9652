/*
 * The loop of a filter: blocks of records in, judged by workers, written in the order they came.
 *
 * One thread reads, `threads` workers each take a block, results are written in order; with one
 * thread all of it happens in the caller. Bad records, control records, --rejects, --metrics and
 * signals are dealt with here. The filter itself is four functions over a batch of records.
 */
#ifndef CLI_FILTER_H
#define CLI_FILTER_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/cli/metrics.h"
#include "lib/cli/options.h"
#include "lib/cli/stream.h"
#include "lib/record/control_record.h"
#include "lib/record/fields.h"
#include "lib/record/scanner.h"
#include "lib/record/writer.h"

#define FILTER_BATCH 512 /* records judged at once, at most */

struct filter_options {
	struct stream_options stream;
	int to;                 /* index in stream_formats */
	const char *csv_fields; /* --csv-fields */
	const char *fields;     /* --fields: what is written of the input; NULL: all */
	const char *output;     /* --output; NULL or "-": standard output */
	uint64_t threads;
};

#define FILTER_OPTIONS_INIT                                 \
	{                                                   \
		.stream = STREAM_OPTIONS_INIT, .threads = 1 \
	}

/* Rows of the option table, behind STREAM_OPTIONS((o).stream). */
#define FILTER_OUTPUT_OPTIONS(o)                                                            \
	{.name = "to",                                                                      \
	 .kind = OPTION_CHOICE,                                                             \
	 .arg = "FORMAT",                                                                   \
	 .dest = &(o).to,                                                                   \
	 .choices = stream_formats,                                                         \
	 .help = "output is auto (as the input), json or csv; default auto"},               \
		{.name = "fields",                                                          \
		 .kind = OPTION_STRING,                                                     \
		 .arg = "PATH,...",                                                         \
		 .dest = &(o).fields,                                                       \
		 .help = "write only these fields of the input, beside what is added; "     \
			 "default: all"},                                                   \
	{                                                                                   \
		.name = "csv-fields", .kind = OPTION_STRING, .arg = "PATH,...",             \
		.dest = &(o).csv_fields,                                                    \
		.help = "columns when JSON becomes CSV; default: the first record's fields" \
	}

/* -o, as lib/cli/output_file.h has it. */
#define FILTER_FILE_OPTION(o)                                                                     \
	{                                                                                         \
		.letter = 'o', .name = "output", .kind = OPTION_STRING, .arg = "FILE",            \
		.dest = &(o).output, .help = "file to write, when whole; default standard output" \
	}

/* All these and -j. */
#define FILTER_OPTIONS(o)                                                           \
	FILTER_OUTPUT_OPTIONS(o), FILTER_FILE_OPTION(o),                            \
	{                                                                           \
		.letter = 'j', .name = "threads", .kind = OPTION_COUNT, .arg = "N", \
		.dest = &(o).threads, .min = 1, .max = 256,                         \
		.help = "work with N threads, 1 to 256, in order; default 1"        \
	}

/* What is needed to judge records, made for one set of fields; replaced as a whole when a model is
 * loaded again. */
struct filter_plan {
	struct fields
		*fields; /* owned; the filter's wants must be in it before filter_run sees it */
	void *context;   /* the filter's, given to its functions */
	void (*release)(void *context);
	/* Below: the loop's own. */
	struct writer *writer;
	size_t kafka_slot;
	bool refuse_unknown;
	unsigned users;
};

struct filter {
	const struct program *program;
	const struct filter_options *options;
	char *const *paths;
	const char *const *added; /* [n_added] fields that judged records get */
	size_t n_added;
	const char *object; /* --as; NULL */

	/* A worker's own state for a plan; NULL with err. */
	void *(*worker_new)(const struct filter_plan *plan, struct error *err);
	void (*worker_free)(void *worker);

	/* Reads what it needs of record i of the batch. -1: a bad record. */
	int (*take)(void *worker, size_t i, const struct record *rec, struct error *err);
	/* Judges the first n records taken. */
	void (*judge)(void *worker, size_t n);
	/* Adds the fields of record i: 1; 0 leaves the record out; -1: a bad record after all. */
	int (*add)(void *worker, size_t i, const struct writer *w, struct buf *out,
		   struct error *err);
	/* For state that follows the records: add (and control) are called for one record after the
	 * other in the order of the input, over all blocks, whatever the number of threads. */
	bool in_order;
	/* A control record but `end`, in its place among the calls of add: 1 if it was changed, 0
	 * if it passes as it came, -1. Only with in_order; NULL: all pass unread. */
	int (*control)(void *worker, struct control_record *c, struct error *err);

	/* Called by the main thread between blocks; *plan (with filter_plan's first part filled)
	 * replaces the plan in use if set. every_ms > 0 has it called at least that often,
	 * on_hangup after SIGHUP. May be NULL. */
	void (*turn)(void *context, bool hangup, struct filter_plan **plan);
	void *turn_context;
	int every_ms;

	const char *counted; /* name of a metric: records that add counted as such, or NULL */
	const char *counted_help;
	bool (*count)(void *worker, size_t i); /* whether record i is one */
};

/* Runs until the end of input and returns the exit status. Takes the plan over. */
int filter_run(const struct filter *f, struct filter_plan *plan);

/* A plan over fields, which it owns. NULL frees nothing. */
struct filter_plan *filter_plan_new(struct fields *fields, void *context, void (*release)(void *),
				    struct error *err);
void filter_plan_free(struct filter_plan *plan);

#endif
