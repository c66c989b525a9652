/* The inside of the store that is SQLite. */
#ifndef STORE_SQLITE_IMPL_H
#define STORE_SQLITE_IMPL_H

#include <sqlite3.h>
#include "lib/store/store_impl.h"

struct sqlite {
	struct store base;
	char *path;
	sqlite3 *db;
	sqlite3_stmt *insert; /* for the table and the columns that the last row was for */
	const struct store_table *insert_table;
	uint64_t insert_absent[STORE_COLUMNS_MAX / 64 + 1];
	sqlite3_stmt *move;
	struct buf room;
};

/* What SQLite says of its last failure; what, if not NULL, comes before it with the file. */
int sqlite_fail(struct sqlite *s, struct error *err, const char *what);
int sqlite_exec(struct sqlite *s, const char *sql, struct error *err);

/* Frees sql, which came from sqlite3_mprintf and may be NULL. */
sqlite3_stmt *sqlite_prepare(struct sqlite *s, char *sql, struct error *err);

int sqlite_encode(struct store *s, const struct store_table *t, const struct value *cells,
		  struct store_batch *b, size_t set, struct error *err);
int sqlite_write(struct store *s, const struct store_table *t, const struct store_batch *b,
		 size_t from, size_t to, size_t *stood, size_t *suspect, struct error *err);

#endif
