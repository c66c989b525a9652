/*
 * Rows of PostgreSQL: lines of COPY's text format. For --upsert each begins with its number in the
 * batch, goes to a staging table, and is merged from there: of one key the last counts.
 */
#include <stdio.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/base/timestamp.h"
#include "lib/store/postgresql_impl.h"

#define STAGE "pg_temp.sensorutils_stage"
#define NUMBER "_sensorutils_number"

/* Characters that COPY would take for something else; NUL is left to the server to refuse. */
static const char special[] = "\b\f\n\r\t\v\\", escape[] = "bfnrtv\\";

static int add_escaped(struct buf *out, const char *text, size_t len, struct error *err)
{
	if (buf_reserve(out, len * 4, err))
		return -1;
	char *to = out->data + out->len;
	for (size_t i = 0; i < len; i++) {
		const char *x = text[i] ? strchr(special, text[i]) : NULL;
		if (!text[i]) {
			memcpy(to, "\\000", 4);
			to += 4;
		} else if (x) {
			*to++ = '\\';
			*to++ = escape[x - special];
		} else {
			*to++ = text[i];
		}
	}
	out->len = (size_t)(to - out->data);
	return 0;
}

/* The server rounds it to microseconds, as it does text. */
static int add_utc(struct buf *out, int64_t ns, struct error *err)
{
	char text[TIMESTAMP_MAX];
	size_t n = timestamp_format(text, ns);

	ns = (ns % NS_PER_SECOND + NS_PER_SECOND) % NS_PER_SECOND;
	return buf_printf(out, err, "%.*s.%09dZ", (int)n - 5, text, (int)ns);
}

/* A number in a column for times is one as sensor-record(5) has it. */
static int add_time(struct buf *out, const struct value *v, struct error *err)
{
	int64_t ns;

	return timestamp_from_number(v->text, v->len, TIME_UNIT_AUTO, &ns, err) ||
			       add_utc(out, ns, err)
		       ? -1
		       : 0;
}

/* Whether a text is a time at some offset from UTC. */
static bool has_offset(const struct store_text *t, int64_t *ns)
{
	struct error none = ERROR_INIT;
	bool naive;

	return t->len && (t->at[t->len - 1] | 0x20) != 'z' &&
	       !timestamp_parse(t->at, t->len, 0, ns, &naive, &none) && !naive;
}

/* The server takes 3.0 for no integer, which JSON does. */
static int add_number(struct buf *out, const struct store_column *c, const struct value *v,
		      struct error *err)
{
	char text[NUMBER_MAX];
	const double exact = 0x1p53;

	if (c->type == STORE_TIME)
		return add_time(out, v, err);
	if (c->type != STORE_INTEGER || v->integer || !(v->number > -exact && v->number < exact) ||
	    v->number != (double)(int64_t)v->number)
		return buf_add(out, v->text, v->len, err);
	return buf_add(out, text, number_write_int(text, (int64_t)v->number), err);
}

static int add_text(struct postgresql *p, struct buf *out, const struct store_column *c,
		    const struct value *v, struct error *err)
{
	struct store_text t;
	int64_t ns;

	if (c->type == STORE_JSON ? store_json_of(v, &p->room, &t, err)
				  : store_text_of(v, &p->room, &t, err))
		return -1;
	if (c->utc && has_offset(&t, &ns))
		return add_utc(out, ns, err);
	/* A string of JSON that holds no backslash holds none of them; other text may. */
	if (v->kind == VALUE_STRING && !v->csv && t.at != p->room.data && c->type != STORE_JSON)
		return buf_add(out, t.at, t.len, err);
	return add_escaped(out, t.at, t.len, err);
}

static int add_value(struct postgresql *p, struct buf *out, const struct store_column *c,
		     const struct value *v, struct error *err)
{
	bool number = c->type == STORE_INTEGER || c->type == STORE_REAL;

	switch (v->kind) {
	case VALUE_ABSENT:
	case VALUE_NULL:
		return buf_add(out, "\\N", 2, err);
	case VALUE_NUMBER:
		return add_number(out, c, v, err);
	case VALUE_FALSE:
		return buf_add_str(out, number ? "0" : "false", err);
	case VALUE_TRUE:
		return buf_add_str(out, number ? "1" : "true", err);
	default:
		return add_text(p, out, c, v, err);
	}
}

int postgresql_encode(struct store *base, const struct store_table *t, const struct value *cells,
		      struct store_batch *b, uint64_t *absent, struct error *err)
{
	struct postgresql *p = (struct postgresql *)base;
	struct buf *out = &b->encoded;
	size_t filled = 0, n = 0;

	if (t->n_keys && buf_printf(out, err, "%zu", b->n))
		return -1;
	n += t->n_keys > 0;
	for (size_t i = 0; i < t->n; i++) {
		const struct store_column *c = &t->columns[i];
		if (store_check_key(c, &cells[i], err))
			return -1;
		size_t nth = filled;
		filled += c->filled;
		if (c->filled && cells[i].kind == VALUE_ABSENT) {
			absent[nth / 64] |= UINT64_C(1) << nth % 64;
			continue;
		}
		if (n++ && buf_add(out, "\t", 1, err))
			return -1;
		if (add_value(p, out, c, &cells[i], err))
			return err->kind == ERROR_DATA ? error_prefix(err, "field '%s'", c->name)
						       : -1;
	}
	return buf_add(out, "\n", 1, err);
}

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
	    buf_add_str(&p->sql, ", 0::bigint AS " NUMBER " FROM ", err) ||
	    postgresql_add_table(p, t, err) || buf_add_str(&p->sql, " WITH NO DATA", err) ||
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
	    buf_add_str(&p->sql, t->n_keys ? " (" NUMBER ", " : " (", err) ||
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
	size_t set = b->rows[from].set;

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
			at += n;
			left -= (size_t)n;
		}
	}
	return 0;
}

static int end_copy(struct postgresql *p, struct error *err)
{
	PGresult *r, *more;

	if (PQputCopyEnd(p->conn, NULL) != 1)
		return postgresql_fail(p, NULL, err);
	r = PQgetResult(p->conn);
	while (r && (more = PQgetResult(p->conn)))
		PQclear(more);
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		return postgresql_fail(p, r, err);
	PQclear(r);
	return 0;
}

static int merge(struct postgresql *p, const struct store_table *t, const uint64_t *absent,
		 struct error *err)
{
	size_t n;

	p->sql.len = 0;
	if (buf_add_str(&p->sql, "INSERT INTO ", err) || postgresql_add_table(p, t, err) ||
	    buf_add_str(&p->sql, " (", err) || add_columns(p, t, absent, ALL, &n, err) ||
	    buf_add_str(&p->sql, ") SELECT DISTINCT ON (", err) ||
	    add_columns(p, t, NULL, KEYS, &n, err) || buf_add_str(&p->sql, ") ", err) ||
	    add_columns(p, t, absent, ALL, &n, err) ||
	    buf_add_str(&p->sql, " FROM " STAGE " ORDER BY ", err) ||
	    add_columns(p, t, NULL, KEYS, &n, err) ||
	    buf_add_str(&p->sql, ", " NUMBER " DESC ON CONFLICT (", err) ||
	    add_columns(p, t, NULL, KEYS, &n, err) || buf_add_str(&p->sql, ") DO UPDATE SET ", err))
		return -1;
	size_t set = p->sql.len;
	if (add_columns(p, t, absent, SET, &n, err))
		return -1;
	if (!n) { /* all are keys */
		p->sql.len = set - strlen("UPDATE SET ");
		if (buf_add_str(&p->sql, "NOTHING", err))
			return -1;
	}
	if (buf_add_str(&p->sql, "; DELETE FROM " STAGE, err) || buf_terminate(&p->sql, err))
		return -1;
	return postgresql_exec(p, p->sql.data, PGRES_COMMAND_OK, err);
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
static int write_run(struct postgresql *p, const struct store_table *t, const struct store_batch *b,
		     size_t from, size_t to, struct error *err)
{
	const uint64_t *absent = store_batch_absent(b, from);
	size_t n;

	p->sql.len = 0;
	if (add_columns(p, t, absent, ALL, &n, err))
		return -1;
	if (!n)
		return insert_defaults(p, t, b, from, to, err);
	if (start_copy(p, t, absent, err) || send_rows(p, b, from, to, err) || end_copy(p, err))
		return -1;
	return t->n_keys ? merge(p, t, absent, err) : 0;
}

/* The row that was the nth line of [from, to), or `to`. */
static size_t row_of_line(const struct store_batch *b, size_t from, size_t to, size_t n)
{
	for (size_t i = from; n && i < to; i++)
		if (is_of(&b->rows[i], b->rows[from].set) && !--n)
			return i;
	return to;
}

static int write_runs(struct postgresql *p, const struct store_table *t,
		      const struct store_batch *b, size_t from, size_t to, size_t *suspect,
		      struct error *err)
{
	if (buf_reserve(&p->written, b->n_sets, err))
		return -1;
	memset(p->written.data, false, b->n_sets);
	for (size_t i = from, end; i < to; i = end) {
		size_t set = b->rows[i].set;
		end = i + 1;
		while (end < to && b->rows[end].set == set)
			end++;
		if (p->written.data[set])
			continue;
		/* Of one key the last counts; else the order is of no account. */
		p->written.data[set] = !t->n_keys;
		if (write_run(p, t, b, i, t->n_keys ? end : to, err)) {
			*suspect = row_of_line(b, i, to, p->line);
			return -1;
		}
	}
	return 0;
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
	if (write_runs(p, t, b, from, to, suspect, err))
		return -1;
	p->savepoint = SAVEPOINT_GOOD;
	return 0;
}
