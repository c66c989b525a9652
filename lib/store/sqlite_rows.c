/*
 * Rows of SQLite: a byte for each value's kind, then 8 bytes of a number, or 4 of a length and the
 * bytes of a text. Values that are left to the database are left out.
 */
#include <limits.h>
#include <math.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/store/sqlite_impl.h"

enum { CELL_NULL = 'n', CELL_INTEGER = 'i', CELL_REAL = 'r', CELL_TEXT = 't' };

static int add(struct buf *out, char kind, const void *bytes, size_t n, struct error *err)
{
	if (buf_reserve(out, n + 1, err))
		return -1;
	out->data[out->len++] = kind;
	memcpy(out->data + out->len, bytes, n);
	out->len += n;
	return 0;
}

static int add_text(struct buf *out, const char *text, size_t len, struct error *err)
{
	uint32_t n = (uint32_t)len;

	if (len > INT_MAX)
		return error_set(err, ERROR_DATA, "a text has more than %d bytes", INT_MAX);
	return add(out, CELL_TEXT, &n, sizeof(n), err) || buf_add(out, text, len, err) ? -1 : 0;
}

static int is_beyond(const char *what, const struct store_column *c, const struct value *v,
		     struct error *err)
{
	return error_set(err, ERROR_DATA, "%.*s%s is beyond %s column '%s'",
			 v->len > 40 ? 40 : (int)v->len, v->text, v->len > 40 ? "..." : "", what,
			 c->name);
}

static int add_number(struct buf *out, const struct store_column *c, const struct value *v,
		      struct error *err)
{
	int64_t n;

	/* Text keeps its spelling. */
	if (c->type == STORE_TEXT)
		return add_text(out, v->text, v->len, err);
	if (v->integer && !number_read_int(v->text, v->text + v->len, &n))
		return add(out, CELL_INTEGER, &n, sizeof(n), err);
	if (isinf(v->number) || (v->integer && c->type != STORE_REAL))
		return is_beyond("the range of", c, v, err);
	if (c->type == STORE_INTEGER && fabs(v->number) >= 0x1p53)
		return is_beyond("2^53, and not spelled as an integer, for", c, v, err);
	return add(out, CELL_REAL, &v->number, sizeof(v->number), err);
}

static int add_truth(struct buf *out, const struct store_column *c, bool truth, struct error *err)
{
	int64_t n = truth;

	if (c->type == STORE_TEXT)
		return add_text(out, truth ? "true" : "false", truth ? 4 : 5, err);
	return add(out, CELL_INTEGER, &n, sizeof(n), err);
}

static int add_value(struct sqlite *s, struct buf *out, const struct store_column *c,
		     const struct value *v, struct error *err)
{
	struct store_text t;

	if (v->kind == VALUE_ABSENT || v->kind == VALUE_NULL)
		return add(out, CELL_NULL, "", 0, err);
	if (c->type == STORE_JSON)
		return store_json_of(v, &s->room, &t, err) || add_text(out, t.at, t.len, err) ? -1
											      : 0;
	if (v->kind == VALUE_NUMBER)
		return add_number(out, c, v, err);
	if (v->kind == VALUE_TRUE || v->kind == VALUE_FALSE)
		return add_truth(out, c, v->kind == VALUE_TRUE, err);
	return store_text_of(v, &s->room, &t, err) || add_text(out, t.at, t.len, err) ? -1 : 0;
}

int sqlite_encode(struct store *base, const struct store_table *t, const struct value *cells,
		  struct store_batch *b, size_t set, struct error *err)
{
	(void)set;
	for (size_t i = 0; i < t->n; i++) {
		const struct store_column *c = &t->columns[i];
		if (store_check_key(c, &cells[i], err))
			return -1;
		if (c->filled && cells[i].kind == VALUE_ABSENT)
			continue;
		if (add_value((struct sqlite *)base, &b->encoded, c, &cells[i], err))
			return err->kind == ERROR_DATA ? error_prefix(err, "field '%s'", c->name)
						       : -1;
	}
	return 0;
}

/* INSERT of all columns but those that are absent, which replaces a row of the same key. */
static char *insert_sql(const struct sqlite *s, const struct store_table *t, const uint64_t *absent)
{
	sqlite3_str *sql = sqlite3_str_new(s->db), *set = sqlite3_str_new(s->db);
	size_t filled = 0, n = 0, n_set = 0;
	const char *comma;

	sqlite3_str_appendf(sql, "INSERT INTO \"%w\".\"%w\"", t->schema ? t->schema : "main",
			    t->name);
	for (size_t i = 0; i < t->n; i++) {
		const struct store_column *c = &t->columns[i];
		if (c->filled && store_is_absent(absent, filled++))
			continue;
		sqlite3_str_appendf(sql, "%s\"%w\"", n++ ? ", " : " (", c->name);
		if (!c->key)
			sqlite3_str_appendf(set, "%s\"%w\" = excluded.\"%w\"", n_set++ ? ", " : "",
					    c->name, c->name);
	}
	sqlite3_str_appendall(sql, n ? ") VALUES (?1" : " DEFAULT VALUES");
	for (size_t i = 2; i <= n; i++)
		sqlite3_str_appendf(sql, ", ?%d", (int)i);
	sqlite3_str_appendall(sql, n ? ")" : "");
	comma = " ON CONFLICT (";
	for (size_t i = 0; t->n_keys && i < t->n; i++)
		if (t->columns[i].key) {
			sqlite3_str_appendf(sql, "%s\"%w\"", comma, t->columns[i].name);
			comma = ", ";
		}
	char *assignments = sqlite3_str_finish(set);
	if (t->n_keys && n_set)
		sqlite3_str_appendf(sql, ") DO UPDATE SET %s", assignments);
	else if (t->n_keys)
		sqlite3_str_appendall(sql, ") DO NOTHING");
	sqlite3_free(assignments);
	return sqlite3_str_finish(sql);
}

static int prepare_insert(struct sqlite *s, const struct store_table *t, const uint64_t *absent,
			  size_t n_words, struct error *err)
{
	size_t size = n_words * sizeof(*absent);

	if (s->insert && s->insert_table == t && !memcmp(s->insert_absent, absent, size))
		return 0;
	sqlite3_finalize(s->insert);
	s->insert = sqlite_prepare(s, insert_sql(s, t, absent), err);
	if (!s->insert && strstr(err->what, "ON CONFLICT clause does not match"))
		error_prefix(err, STORE_NO_KEY);
	s->insert_table = t;
	memcpy(s->insert_absent, absent, size);
	return s->insert ? 0 : -1;
}

static int bind_row(sqlite3_stmt *q, const char *p, const char *end)
{
	int64_t integer;
	double real;
	uint32_t len;
	int code = SQLITE_OK;

	for (int i = 1; p < end && code == SQLITE_OK; i++)
		switch (*p++) {
		case CELL_INTEGER:
			memcpy(&integer, p, sizeof(integer));
			p += sizeof(integer);
			code = sqlite3_bind_int64(q, i, integer);
			break;
		case CELL_REAL:
			memcpy(&real, p, sizeof(real));
			p += sizeof(real);
			code = sqlite3_bind_double(q, i, real);
			break;
		case CELL_TEXT:
			memcpy(&len, p, sizeof(len));
			p += sizeof(len);
			code = sqlite3_bind_text(q, i, p, (int)len, SQLITE_STATIC);
			p += len;
			break;
		default:
			code = sqlite3_bind_null(q, i);
		}
	return code;
}

int sqlite_write(struct store *base, const struct store_table *t, const struct store_batch *b,
		 size_t from, size_t to, size_t *stood, size_t *suspect, struct error *err)
{
	struct sqlite *s = (struct sqlite *)base;
	int code;

	(void)suspect;
	for (size_t i = from; i < to; i++) {
		const struct store_row *row = &b->rows[i];
		*stood = i;
		if (row->refused)
			continue;
		if (prepare_insert(s, t, store_batch_absent(b, i), b->n_words, err))
			return -1;
		code = bind_row(s->insert, b->encoded.data + row->at,
				b->encoded.data + row->at + row->len);
		if (code == SQLITE_OK)
			code = sqlite3_step(s->insert);
		if (code != SQLITE_DONE) {
			sqlite_fail(s, err, NULL);
			sqlite3_reset(s->insert);
			/* A trigger may have ended the whole transaction. */
			if (err->kind == ERROR_DATA && sqlite3_get_autocommit(s->db))
				err->kind = ERROR_CONFIG;
			return -1;
		}
		sqlite3_reset(s->insert);
	}
	return 0;
}
