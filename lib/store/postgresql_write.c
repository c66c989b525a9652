/*
 * Rows into tables of PostgreSQL.
 *
 * For --upsert they go to a staging table, and are merged from there. Of the rows of a key and a
 * set the last counts; those of a key that are of several sets go one after another, each in a wave
 * of its own: so there are at most as many waves as sets, in each of which a statement a set stores
 * the rows of many keys.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/store/postgresql_impl.h"

#define STAGE "pg_temp.sensorutils_stage"
#define NUMBER "_sensorutils_number"
#define SET_OF "_sensorutils_set"
#define WAVE "_sensorutils_wave"

enum columns { ALL, KEYS, SET };

/* Columns with commas between, those absent (or NULL) left out: names, or "x = excluded.x". */
static int add_columns(struct postgresql *p, const struct store_table *t, const uint64_t *absent,
		       enum columns which, size_t *n, struct error *err)
{
	size_t filled = 0;

	*n = 0;
	for (size_t i = 0; i < t->n; i++) {
		const struct store_column *c = &t->columns[i];
		if (c->filled && absent && store_is_absent(absent, filled++))
			continue;
		if ((which == KEYS && !c->key) || (which == SET && c->key))
			continue;
		if (buf_add_str(&p->sql, (*n)++ ? ", " : "", err) ||
		    postgresql_add_name(p, c->name, err))
			return -1;
		if (which == SET && (buf_add_str(&p->sql, " = excluded.", err) ||
				     postgresql_add_name(p, c->name, err)))
			return -1;
	}
	return 0;
}

/* Types alone, for what a column refuses is refused when it is merged. */
static int make_stage(struct postgresql *p, const struct store_table *t, struct error *err)
{
	size_t n;

	if (p->staged)
		return 0;
	p->sql.len = 0;
	if (buf_add_str(&p->sql,
			"CREATE TEMPORARY TABLE IF NOT EXISTS sensorutils_stage ON COMMIT DELETE "
			"ROWS AS SELECT ",
			err) ||
	    add_columns(p, t, NULL, ALL, &n, err) ||
	    buf_add_str(&p->sql,
			", 0::bigint AS " NUMBER ", 0::bigint AS " SET_OF ", 0::bigint AS " WAVE
			" FROM ",
			err) ||
	    postgresql_add_table(p, t, err) || buf_add_str(&p->sql, " WITH NO DATA", err) ||
	    (store_table_filled(t) &&
	     buf_add_str(&p->sql,
			 "; CREATE INDEX IF NOT EXISTS sensorutils_wave ON " STAGE " (" WAVE
			 ", " SET_OF ") WHERE " WAVE " > 0",
			 err)) ||
	    buf_terminate(&p->sql, err) || postgresql_exec(p, p->sql.data, PGRES_COMMAND_OK, err))
		return -1;
	p->staged = true;
	return 0;
}

static int start_copy(struct postgresql *p, const struct store_table *t, const uint64_t *absent,
		      struct error *err)
{
	size_t n;

	p->sql.len = 0;
	if (buf_add_str(&p->sql, p->before, err) || buf_add_str(&p->sql, "COPY ", err) ||
	    (t->n_keys ? buf_add_str(&p->sql, STAGE, err) : postgresql_add_table(p, t, err)) ||
	    buf_add_str(&p->sql, t->n_keys ? " (" NUMBER ", " SET_OF ", " : " (", err) ||
	    add_columns(p, t, absent, ALL, &n, err) || buf_add_str(&p->sql, ") FROM STDIN", err) ||
	    buf_terminate(&p->sql, err))
		return -1;
	p->before = "";
	return postgresql_exec(p, p->sql.data, PGRES_COPY_IN, err);
}

/* Whether a row is to be sent with those of the set. */
static bool is_of(const struct store_row *row, size_t set)
{
	return !row->refused && row->set == set;
}

/* Runs of rows lie side by side. */
static int send_rows(struct postgresql *p, const struct store_batch *b, size_t from, size_t to,
		     struct error *err)
{
	const int piece = 1 << 20;
	size_t set = b->rows[from].set, waiting = 0;

	for (size_t i = from; i < to; i++) {
		size_t first = i;
		while (i < to && is_of(&b->rows[i], set))
			i++;
		if (i == first)
			continue;
		const char *at = b->encoded.data + b->rows[first].at;
		size_t left = b->rows[i - 1].at + b->rows[i - 1].len - b->rows[first].at;
		while (left) {
			int n = left < (size_t)piece ? (int)left : piece;
			if (PQputCopyData(p->conn, at, n) != 1)
				return postgresql_fail(p, NULL, err);
			waiting += (size_t)n;
			if (waiting >= (size_t)piece) {
				postgresql_wait(p);
				waiting = 0;
			}
			at += n;
			left -= (size_t)n;
		}
	}
	return 0;
}

static int end_copy(struct postgresql *p, struct error *err)
{
	PGresult *r = PQputCopyEnd(p->conn, NULL) == 1 ? postgresql_result(p) : NULL;

	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		return postgresql_fail(p, r, err);
	PQclear(r);
	return 0;
}

/* Stores what is staged, rows of one set that leave `absent` to the database: the last of each key,
 * or, where `where` says which, these. */
static int merge(struct postgresql *p, const struct store_table *t, const uint64_t *absent,
		 const char *where, struct error *err)
{
	size_t n;

	p->sql.len = 0;
	if (buf_add_str(&p->sql, "INSERT INTO ", err) || postgresql_add_table(p, t, err) ||
	    buf_add_str(&p->sql, " (", err) || add_columns(p, t, absent, ALL, &n, err) ||
	    buf_add_str(&p->sql, ") SELECT ", err) ||
	    (!where &&
	     (buf_add_str(&p->sql, "DISTINCT ON (", err) ||
	      add_columns(p, t, NULL, KEYS, &n, err) || buf_add_str(&p->sql, ") ", err))) ||
	    add_columns(p, t, absent, ALL, &n, err) || buf_add_str(&p->sql, " FROM " STAGE, err) ||
	    (where ? buf_add_str(&p->sql, where, err) || buf_add_str(&p->sql, " ORDER BY ", err)
		   : buf_add_str(&p->sql, " ORDER BY ", err) ||
			     add_columns(p, t, NULL, KEYS, &n, err) ||
			     buf_add_str(&p->sql, ", ", err)) ||
	    buf_add_str(&p->sql, where ? NUMBER : NUMBER " DESC", err) ||
	    buf_add_str(&p->sql, " ON CONFLICT (", err) || add_columns(p, t, NULL, KEYS, &n, err) ||
	    buf_add_str(&p->sql, ") DO UPDATE SET ", err))
		return -1;
	size_t set = p->sql.len;
	if (add_columns(p, t, absent, SET, &n, err))
		return -1;
	if (!n) { /* all are keys */
		p->sql.len = set - strlen("UPDATE SET ");
		if (buf_add_str(&p->sql, "NOTHING", err))
			return -1;
	}
	return buf_terminate(&p->sql, err) || postgresql_exec(p, p->sql.data, PGRES_COMMAND_OK, err)
		       ? -1
		       : 0;
}

/* Numbers the waves; rows that do not count are in none. */
static int find_waves(struct postgresql *p, const struct store_table *t, struct error *err)
{
	size_t n;

	p->sql.len = 0;
	return buf_add_str(&p->sql, "WITH last AS (SELECT DISTINCT ON (", err) ||
			       add_columns(p, t, NULL, KEYS, &n, err) ||
			       buf_add_str(&p->sql, ", " SET_OF ") * FROM " STAGE " ORDER BY ",
					   err) ||
			       add_columns(p, t, NULL, KEYS, &n, err) ||
			       buf_add_str(&p->sql,
					   ", " SET_OF ", " NUMBER
					   " DESC), waves (_sensorutils_n, _sensorutils_w) AS"
					   " (SELECT " NUMBER ", row_number() OVER (PARTITION BY ",
					   err) ||
			       add_columns(p, t, NULL, KEYS, &n, err) ||
			       buf_add_str(&p->sql,
					   " ORDER BY " NUMBER ") FROM last) UPDATE " STAGE
					   " SET " WAVE " = _sensorutils_w FROM waves WHERE " NUMBER
					   " = _sensorutils_n",
					   err) ||
			       buf_terminate(&p->sql, err) ||
			       postgresql_exec(p, p->sql.data, PGRES_COMMAND_OK, err)
		       ? -1
		       : 0;
}

/* Stores what is staged, rows of several sets. */
static int merge_waves(struct postgresql *p, const struct store_table *t,
		       const struct store_batch *b, struct error *err)
{
	char where[160];
	PGresult *r;
	int ret = 0;

	if (find_waves(p, t, err) ||
	    !(r = postgresql_query(p,
				   "SELECT DISTINCT " WAVE ", " SET_OF " FROM " STAGE " WHERE " WAVE
				   " > 0 ORDER BY 1, 2",
				   0, NULL, err)))
		return -1;
	for (int i = 0; !ret && i < PQntuples(r); i++) {
		size_t set = strtoul(PQgetvalue(r, i, 1), NULL, 10);
		snprintf(where, sizeof(where), " WHERE " WAVE " = %s AND " SET_OF " = %zu",
			 PQgetvalue(r, i, 0), set);
		ret = merge(p, t, b->sets + set * b->n_words, where, err);
	}
	PQclear(r);
	return ret;
}

/* Rows that leave all columns to the database, which COPY cannot do. */
static int insert_defaults(struct postgresql *p, const struct store_table *t,
			   const struct store_batch *b, size_t from, size_t to, struct error *err)
{
	for (size_t i = from; i < to; i++) {
		if (!is_of(&b->rows[i], b->rows[from].set))
			continue;
		p->sql.len = 0;
		if (buf_add_str(&p->sql, p->before, err) ||
		    buf_add_str(&p->sql, "INSERT INTO ", err) || postgresql_add_table(p, t, err) ||
		    buf_add_str(&p->sql, " DEFAULT VALUES", err) || buf_terminate(&p->sql, err))
			return -1;
		p->before = "";
		if (postgresql_exec(p, p->sql.data, PGRES_COMMAND_OK, err))
			return -1;
	}
	return 0;
}

/* The rows that leave the same columns to the database as the first. */
static int write_set(struct postgresql *p, const struct store_table *t, const struct store_batch *b,
		     size_t from, size_t to, struct error *err)
{
	const uint64_t *absent = store_batch_absent(b, from);
	size_t n;

	p->sql.len = 0;
	if (add_columns(p, t, absent, ALL, &n, err))
		return -1;
	if (!n)
		return insert_defaults(p, t, b, from, to, err);
	return start_copy(p, t, absent, err) || send_rows(p, b, from, to, err) || end_copy(p, err)
		       ? -1
		       : 0;
}

/* The row that was the nth line of [from, to), or `to`. */
static size_t row_of_line(const struct store_batch *b, size_t from, size_t to, size_t n)
{
	for (size_t i = from; n && i < to; i++)
		if (is_of(&b->rows[i], b->rows[from].set) && !--n)
			return i;
	return to;
}

/* One set after another, into the table or the stage. */
static int write_sets(struct postgresql *p, const struct store_table *t,
		      const struct store_batch *b, size_t from, size_t to, size_t *suspect,
		      struct error *err)
{
	if (buf_reserve(&p->written, b->n_sets, err))
		return -1;
	memset(p->written.data, false, b->n_sets);
	for (size_t i = from; i < to; i++) {
		size_t set = b->rows[i].set;
		if (p->written.data[set])
			continue;
		p->written.data[set] = true;
		if (write_set(p, t, b, i, to, err)) {
			*suspect = row_of_line(b, i, to, p->line);
			return -1;
		}
	}
	return 0;
}

static int upsert(struct postgresql *p, const struct store_table *t, const struct store_batch *b,
		  size_t from, size_t to, size_t *suspect, struct error *err)
{
	bool several = false;

	for (size_t i = from; i < to; i++)
		several |= b->rows[i].set != b->rows[from].set;
	return write_sets(p, t, b, from, to, suspect, err) ||
			       (several ? merge_waves(p, t, b, err)
					: merge(p, t, store_batch_absent(b, from), NULL, err)) ||
			       postgresql_exec(p, "DELETE FROM " STAGE, PGRES_COMMAND_OK, err)
		       ? -1
		       : 0;
}

/* What ends the savepoint of one run of rows goes with the first statement of the next. */
int postgresql_write(struct store *base, const struct store_table *t, const struct store_batch *b,
		     size_t from, size_t to, size_t *stood, size_t *suspect, struct error *err)
{
	static const char *const before[] = {[SAVEPOINT_NONE] = "SAVEPOINT rows; ",
					     [SAVEPOINT_GOOD] = "RELEASE rows; SAVEPOINT rows; ",
					     [SAVEPOINT_FAILED] = "ROLLBACK TO rows; "};
	struct postgresql *p = (struct postgresql *)base;

	(void)stood;
	if (t->n_keys && make_stage(p, t, err))
		return -1;
	p->before = before[p->savepoint];
	p->savepoint = SAVEPOINT_FAILED;
	if (t->n_keys ? upsert(p, t, b, from, to, suspect, err)
		      : write_sets(p, t, b, from, to, suspect, err))
		return -1;
	p->savepoint = SAVEPOINT_GOOD;
	return 0;
}
