/*
 * Databases that records are stored in, behind one interface: SQLite and PostgreSQL.
 *
 * A store takes rows in batches, each of which is one transaction: the rows, and with them, where
 * the records came from Kafka, how far they have come there (struct store_mark). What may pass is
 * tried again until timeout_ms are over: a lost connection, a lock, a server that restarts; one
 * that said nothing for that long, and for as long as it waits for locks, is a lost connection.
 * When the outcome of a COMMIT got lost with its connection it is read back. So a batch is stored
 * once, or not at all.
 *
 * No SQL is built from data: names of tables and columns are quoted by the database's own library,
 * values are bound or copied. Used by one thread.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/record/control_record.h"
#include "lib/store/batch.h"
#include "lib/store/offsets.h"
#include "lib/store/table.h"

struct store_options {
	/*
	 * sqlite:PATH, postgresql://… or postgres://… (libpq's connection URIs; what they leave out
	 * is libpq's to find: environment, service file, password file).
	 */
	const char *url;
	int timeout_ms;
	bool existing; /* a SQLite database that does not exist is not made */
	/* Asked while waiting: true ends a wait early (ERROR_RETRY). Not NULL. */
	bool (*stop)(void *context);
	/* Told once when a wait begins, and that it is over: words for people. Not NULL. */
	void (*note)(void *context, const char *text);
	void *context;
};

struct store;

/* ERROR_UNAVAILABLE: no server answered in time. ERROR_CONFIG: it refuses us, or url is none.
 * NULL with ERROR_NONE: options->existing, and there is no database. */
struct store *store_open(const struct store_options *options, struct error *err);
void store_close(struct store *s);

/* A URL that holds a password, which others may read in the list of processes. */
bool store_url_has_password(const char *url);

/* Fills t->columns, in their order: 1, or 0 when there is no such table. */
int store_describe(struct store *s, struct store_table *t, struct error *err);

/* Runs a script of SQL in one transaction, alone; a script that makes a table fails or does nothing
 * where that is there. */
int store_run(struct store *s, const char *sql, struct error *err);

/* Makes the table with t's columns, and the primary key of those that are keys. What was there
 * already stays as it is. */
int store_create(struct store *s, const struct store_table *t, struct error *err);

/*
 * Adds a row to the batch: cells[t->n] are the values for the columns. ERROR_DATA: one cannot be
 * that of any row, whose batch stays as it was.
 */
int store_add(struct store *s, const struct store_table *t, const struct value *cells,
	      struct store_batch *b, struct error *err);

/* Called for a row that the database refuses, with its own reason in why (ERROR_DATA): 0 leaves the
 * row out, -1 (err, which may be why) fails. Behind the last one of a transaction, before that is
 * committed, it is called once more, with NULL: now what it kept must be durable. */
typedef int store_refused_fn(void *context, const struct store_row *row, const struct error *why,
			     struct error *err);

/* How far Kafka's records have come, to be stored with their rows. */
struct store_mark {
	const struct control_record *record; /* a mark */
	const int64_t *epochs;               /* [record->n] that we hold the partitions by */
};

/*
 * Stores the batch, which is empty then; mark may be NULL. ERROR_RETRY: it took too long, or we are
 * fenced: a partition of the mark is not where the mark begins, or was claimed by another; nothing
 * is stored. ERROR_IO: the disk is full. ERROR_CONFIG: the table or our rights are not what they
 * must be.
 */
int store_commit(struct store *s, const struct store_table *t, struct store_batch *b,
		 const struct store_mark *mark, store_refused_fn *refused, void *context,
		 struct error *err);

/* Answers a question: reads, or claims all of its partitions in one transaction. */
int store_answer(struct store *s, struct store_offsets *o, struct error *err);

struct store_counts {
	uint64_t rows, transactions, repeats; /* stored, committed, transactions begun again */
	uint64_t sent;                        /* rows, again those that were sent again */
};
struct store_counts store_counts(const struct store *s);

#endif
