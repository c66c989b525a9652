/* The inside of the sink of db-sink: its table, its rows, its transactions. */
#ifndef CLI_SINK_DB_IMPL_H
#define CLI_SINK_DB_IMPL_H

#include "lib/cli/intake.h"
#include "lib/cli/metrics.h"
#include "lib/cli/progress.h"
#include "lib/cli/sink_db.h"
#include "lib/kafka/transaction.h"
#include "lib/record/control_record.h"
#include "lib/record/reader.h"
#include "lib/store/store.h"

struct db_sink {
	const struct db_sink_options *options;
	struct store *store;
	struct store_table table;
	struct reader *reader;
	struct intake intake;
	struct progress progress;
	struct metrics_clock metrics;
	bool opened;  /* the database answers */
	bool stopped; /* before the end of input, by a signal */
	bool ending;  /* no record comes any more */

	/* Blocks that wait until a table is made of them (--create). */
	struct block *held;
	size_t n_held, held_cap;
	struct scanner *learner;
	uint64_t n_learned;
	int64_t held_ns; /* when the first came */
	bool hurried;    /* the table is made before enough have come, or the end of input */

	/* Once there is a table. */
	struct fields *fields;
	struct scanner *scanner;
	struct block block;
	const struct csv_header *checked; /* whose columns have been looked for */
	size_t *slots;                    /* [table.n] */
	struct value *cells;              /* [table.n] */
	size_t kafka_slot, replay_slot, topic_slot, partition_slot;
	struct store_column *rest; /* of --unknown */
	bool csv_rest;             /* the header has columns for it */
	struct buf rest_text;
	struct store_batch batch;

	struct transaction transaction;
	struct control_record control;
	/* The epochs that partitions were assigned under. */
	struct db_sink_epoch {
		char *topic;
		int32_t partition;
		int64_t epoch;
	} * epochs;
	size_t n_epochs, epochs_cap;
	int64_t *mark_epochs;
	size_t mark_epochs_cap;
};

int64_t db_sink_clock_ns(void);

/* Opens the database, once it answers; s may be NULL. */
struct store *db_sink_store(const struct db_sink_options *o, struct db_sink *s, bool existing,
			    struct error *err);

/* sink_db_table.c: the table, and what is to be known of records for it. */

/* ERROR_CONFIG: there is no table. */
int db_sink_no_table(const struct db_sink *s, struct error *err);

/* Describes the table, made by --schema if need be: 1, 0 when it is to be made of records. */
int db_sink_find_table(struct db_sink *s, struct error *err);

/* Takes over s->block: 1 when enough have come to make a table. */
int db_sink_learn(struct db_sink *s, struct error *err);
/* Whether a table is to be made of fewer, for time has passed. */
bool db_sink_learned(struct db_sink *s);
int db_sink_make_table(struct db_sink *s, struct error *err);

/* Fields, slots, keys of a table that is there. */
int db_sink_use_table(struct db_sink *s, struct error *err);

/* sink_db_rows.c: records into the batch, and out of it when the database refuses them. */

/* The names of a CSV header that is not known yet. */
int db_sink_check_header(struct db_sink *s, struct error *err);
int db_sink_add(struct db_sink *s, const struct block *b, const struct record *rec,
		struct error *err);
int db_sink_refused(void *context, const struct store_row *row, const struct error *why,
		    struct error *err);

/* sink_db_commit.c: when the batch is stored. */

/* 1: the record is to be stored; 0: not. */
int db_sink_transaction_record(struct db_sink *s, const struct record *rec, struct error *err);
int db_sink_transaction_full(struct db_sink *s, struct error *err);
int db_sink_transaction_control(struct db_sink *s, struct error *err);
int db_sink_transaction_time(struct db_sink *s, struct error *err);
int db_sink_transaction_end(struct db_sink *s, struct error *err);

#endif
