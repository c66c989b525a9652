/*
 * A table as db-sink sees it: columns that are fields of records, by name.
 *
 * A column takes the field whose dotted path is its name: "meta.unit" that of member "unit" of
 * "meta", and "meta", of a type for JSON, all of it.
 */
#ifndef STORE_TABLE_H
#define STORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/error.h"
#include "lib/record/scanner.h"

enum store_type {
	STORE_TEXT,
	STORE_INTEGER,
	STORE_REAL,
	STORE_BOOLEAN,
	STORE_TIME,
	STORE_JSON,
	STORE_BIG,   /* integers, some beyond 64 bits; of a table that is to be made only */
	STORE_OTHER, /* any other; values go there as text */
};

#define STORE_COLUMNS_MAX 1600

struct store_column {
	char *name;
	enum store_type type;
	bool filled; /* by the database, where a record has no such field */
	bool utc;    /* a time without an offset, which the database would cut off */
	bool exact;  /* store_table_learn: one of its integers is none that a double is */
	bool key;    /* of --upsert: a row replaces the one that has the same keys */
};

struct store_table {
	char *schema; /* NULL: where the database looks first */
	char *name;
	struct store_column *columns;
	size_t n, cap;
	size_t n_keys; /* 0: rows are appended */
};

/* "table" or "schema.table". ERROR_USAGE: empty, or more points. */
int store_table_init(struct store_table *t, const char *name, struct error *err);
void store_table_release(struct store_table *t);

/* The new column, or NULL. name is copied. */
struct store_column *store_table_add(struct store_table *t, const char *name, enum store_type type,
				     struct error *err);
void store_table_clear(struct store_table *t);

/* NULL: there is none. */
struct store_column *store_table_find(const struct store_table *t, const char *name, size_t len);

/* How many columns the database fills. */
size_t store_table_filled(const struct store_table *t);

/* Sets the keys, names with commas between. ERROR_CONFIG: one is no column. */
int store_table_keys(struct store_table *t, const char *names, struct error *err);

/* Whether a path is that of a column, or lies within a column for JSON. */
bool store_table_takes(const struct store_table *t, const char *path);

/*
 * For scanner_walk over the first records, context a struct store_table: adds columns for fields
 * that it does not have yet, and widens those that it has: numbers are real unless all are
 * integers, which are big if one is beyond 64 bits; text in a field named timestamp, window_start,
 * window_end, *_timestamp or *_at is a time where all of it is RFC 3339; what is mixed is text, or
 * JSON once an array or object came.
 * `_kafka` is none. Not to be used on a table that was described.
 */
int store_table_learn(void *context, const char *path, const struct value *v, struct error *err);

/* Where more records may come than were learned from: integers are real, but those of keys, and
 * those that would lose digits. */
void store_table_widen(struct store_table *t);

#endif
