/*
 * The sink of db-sink: records in, rows of a table out.
 *
 * Behind kafka-consume --offsets-from, what comes between two marks is one transaction, with the
 * mark's offsets in it, as lib/kafka/transaction.h orders; other input is stored in batches.
 */
#ifndef CLI_SINK_DB_H
#define CLI_SINK_DB_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/cli/options.h"
#include "lib/cli/stream.h"

struct db_sink_options {
	struct stream_options stream;
	const char *url, *table;
	const char *schema;  /* --schema FILE; NULL */
	bool create;         /* the table from the first records */
	const char *upsert;  /* names of the key's columns with commas between; NULL: append */
	const char *unknown; /* column for fields that have none; NULL: they are refused */
	uint64_t batch;      /* rows of a transaction of plain input */
	int64_t commit_interval_ns;
	double timeout_s;
};

/* Runs until the end of input and returns the exit status. */
int db_sink_run(const struct program *p, const struct db_sink_options *o, char *const *paths);

/* --claim: answers the question on standard input, and returns the exit status. */
int db_sink_claim(const struct program *p, const struct db_sink_options *o);

#endif
