/* SQLite: the connection, tables, transactions. Its rows are in sqlite_rows.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/store/sqlite_impl.h"

/* A row of offsets per partition; "partition" and "next" are words of SQL, hence the quotes. */
static const char offsets_sql[] =
	"CREATE TABLE IF NOT EXISTS " STORE_OFFSETS_TABLE
	" (grp TEXT NOT NULL, topic TEXT NOT NULL, \"partition\" INTEGER NOT NULL, \"next\" "
	"INTEGER,"
	" epoch INTEGER NOT NULL, state TEXT, mark TEXT, PRIMARY KEY (grp, topic, \"partition\"))"
	" STRICT, WITHOUT ROWID";

static enum error_kind kind_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL: /* many came at once */
		return ERROR_RETRY;
	case SQLITE_FULL:
	case SQLITE_IOERR:
		return ERROR_IO;
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return ERROR_CREATE;
	case SQLITE_NOMEM:
		return ERROR_UNAVAILABLE;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
		return ERROR_DATA;
	default:
		return ERROR_CONFIG;
	}
}

int sqlite_fail(struct sqlite *s, struct error *err, const char *what)
{
	int code = s->db ? sqlite3_extended_errcode(s->db) : SQLITE_NOMEM;
	const char *why = s->db ? sqlite3_errmsg(s->db) : "out of memory";

	if (kind_of(code) == ERROR_RETRY)
		s->base.fault = FAULT_AGAIN;
	error_set(err, kind_of(code), "%s", why);
	return what ? error_prefix(err, "%s '%s'", what, s->path) : -1;
}

int sqlite_exec(struct sqlite *s, const char *sql, struct error *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
								       : sqlite_fail(s, err, NULL);
}

sqlite3_stmt *sqlite_prepare(struct sqlite *s, char *sql, struct error *err)
{
	sqlite3_stmt *statement = NULL;

	if (!sql)
		error_memory(err, 0);
	else if (sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL) != SQLITE_OK)
		sqlite_fail(s, err, NULL);
	sqlite3_free(sql);
	return statement;
}

static struct store *make(const struct store_options *o, struct error *err)
{
	struct sqlite *s = mem_alloc(1, sizeof(*s), err);
	const char *path = o->url + strlen("sqlite:");

	if (!s)
		return NULL;
	if (!strncmp(path, "//", 2))
		path += 2;
	if (!*path) {
		error_set(err, ERROR_USAGE, "the URL names no file: sqlite:PATH");
		free(s);
		return NULL;
	}
	if (!(s->path = mem_strndup(path, strlen(path), err))) {
		free(s);
		return NULL;
	}
	return &s->base;
}

static void finish(struct sqlite *s)
{
	sqlite3_finalize(s->insert);
	sqlite3_finalize(s->move);
	s->insert = s->move = NULL;
	sqlite3_close(s->db);
	s->db = NULL;
}

static void release(struct store *base)
{
	struct sqlite *s = (struct sqlite *)base;

	finish(s);
	free(s->path);
	buf_release(&s->room);
	free(s);
}

static int connect_file(struct store *base, struct error *err)
{
	struct sqlite *s = (struct sqlite *)base;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    (base->options.existing ? 0 : SQLITE_OPEN_CREATE);
	int slice = base->options.timeout_ms < 1000 ? base->options.timeout_ms : 1000;

	finish(s);
	if (base->options.existing && access(s->path, F_OK) && errno == ENOENT) {
		base->missing = true;
		return -1;
	}
	if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK)
		return sqlite_fail(s, err, "cannot open");
	sqlite3_extended_result_codes(s->db, 1);
	/* Signals are looked at between slices. */
	sqlite3_busy_timeout(s->db, slice);
	if (sqlite3_exec(s->db,
			 "PRAGMA foreign_keys=ON; PRAGMA journal_mode=WAL;"
			 "PRAGMA synchronous=FULL",
			 NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_fail(s, err, "cannot use");
	return 0;
}

static int create_offsets(struct store *base, struct error *err)
{
	return sqlite_exec((struct sqlite *)base, offsets_sql, err);
}

static int run(struct store *base, const char *sql, struct error *err)
{
	struct sqlite *s = (struct sqlite *)base;

	if (sqlite_exec(s, "BEGIN IMMEDIATE", err) || sqlite_exec(s, sql, err) ||
	    sqlite_exec(s, "COMMIT", err)) {
		if (err->kind == ERROR_DATA)
			err->kind = ERROR_CONFIG;
		return -1;
	}
	return 0;
}

/* The rules of "Determination Of Column Affinity" in SQLite's datatype3.html, and the names of
 * types that it knows no more of. */
static enum store_type type_of(const char *declared)
{
	static const struct {
		const char *part;
		enum store_type type;
	} parts[] = {{"INT", STORE_INTEGER}, {"CHAR", STORE_TEXT},    {"CLOB", STORE_TEXT},
		     {"TEXT", STORE_TEXT},   {"REAL", STORE_REAL},    {"FLOA", STORE_REAL},
		     {"DOUB", STORE_REAL},   {"BOOL", STORE_BOOLEAN}, {"JSON", STORE_JSON}};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (strcasestr(declared, parts[i].part))
			return parts[i].type;
	return STORE_OTHER;
}

static int describe(struct store *base, struct store_table *t, struct error *err)
{
	struct sqlite *s = (struct sqlite *)base;
	sqlite3_stmt *q = sqlite_prepare(
		s,
		sqlite3_mprintf(
			"SELECT name, type, dflt_value IS NOT NULL OR pk = 1 AND type = 'INTEGER'"
			" FROM pragma_table_xinfo(?1, ?2) WHERE hidden = 0 ORDER BY cid"),
		err);
	int code, ret = -1;

	if (!q)
		return -1;
	sqlite3_bind_text(q, 1, t->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 2, t->schema ? t->schema : "main", -1, SQLITE_STATIC);
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		struct store_column *c =
			store_table_add(t, (const char *)sqlite3_column_text(q, 0),
					type_of((const char *)sqlite3_column_text(q, 1)), err);
		if (!c)
			goto out;
		c->filled = sqlite3_column_int(q, 2);
	}
	ret = code == SQLITE_DONE ? t->n > 0 : sqlite_fail(s, err, NULL);
out:
	sqlite3_finalize(q);
	return ret;
}

static int create(struct store *base, const struct store_table *t, struct error *err)
{
	static const char *const types[] = {"TEXT", "INTEGER", "REAL", "INTEGER",
					    "TEXT", "TEXT",    "TEXT", "TEXT"};
	struct sqlite *s = (struct sqlite *)base;
	sqlite3_str *sql = sqlite3_str_new(s->db);
	const char *comma = "";
	char *text;
	int ret;

	sqlite3_str_appendf(sql, "CREATE TABLE IF NOT EXISTS \"%w\".\"%w\" (",
			    t->schema ? t->schema : "main", t->name);
	for (size_t i = 0; i < t->n; i++)
		sqlite3_str_appendf(sql, "%s\"%w\" %s%s", i ? ", " : "", t->columns[i].name,
				    types[t->columns[i].type],
				    t->columns[i].key ? " NOT NULL" : "");
	if (t->n_keys)
		sqlite3_str_appendall(sql, ", PRIMARY KEY (");
	for (size_t i = 0; i < t->n; i++)
		if (t->columns[i].key) {
			sqlite3_str_appendf(sql, "%s\"%w\"", comma, t->columns[i].name);
			comma = ", ";
		}
	sqlite3_str_appendall(sql, t->n_keys ? ")) STRICT" : ") STRICT");
	text = sqlite3_str_finish(sql);
	ret = text ? sqlite_exec(s, text, err) : error_memory(err, 0);
	sqlite3_free(text);
	return ret;
}

static int begin(struct store *base, bool token, struct error *err)
{
	(void)token;
	return sqlite_exec((struct sqlite *)base, "BEGIN IMMEDIATE", err);
}

static int commit(struct store *base, struct error *err)
{
	return sqlite_exec((struct sqlite *)base, "COMMIT", err);
}

static void rollback(struct store *base)
{
	struct sqlite *s = (struct sqlite *)base;

	if (s->db && !sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

static void bind_mark(sqlite3_stmt *q, const struct store_mark *m, size_t i, const char *name)
{
	const struct control_partition *p = &m->record->partitions[i];

	sqlite3_bind_int64(q, 1, p->to);
	sqlite3_bind_text(q, 2, p->state, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 3, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 4, m->record->group, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 5, p->topic, -1, SQLITE_STATIC);
	sqlite3_bind_int(q, 6, p->partition);
	sqlite3_bind_int64(q, 7, m->epochs[i]);
	sqlite3_bind_int64(q, 8, p->from);
}

static int move(struct store *base, const struct store_mark *m, const char *name, size_t *moved,
		struct error *err)
{
	static const char sql[] = "UPDATE " STORE_OFFSETS_TABLE
				  " SET \"next\" = ?1, state = ?2, mark = ?3 WHERE grp = ?4"
				  " AND topic = ?5 AND \"partition\" = ?6 AND epoch = ?7"
				  " AND (\"next\" = ?8 OR \"next\" IS NULL)";
	struct sqlite *s = (struct sqlite *)base;
	int code = SQLITE_DONE;

	*moved = 0;
	if (!s->move && !(s->move = sqlite_prepare(s, sqlite3_mprintf("%s", sql), err)))
		return -1;
	for (size_t i = 0; code == SQLITE_DONE && i < m->record->n; i++) {
		bind_mark(s->move, m, i, name);
		code = sqlite3_step(s->move);
		*moved += code == SQLITE_DONE ? (size_t)sqlite3_changes(s->db) : 0;
		sqlite3_reset(s->move);
	}
	sqlite3_clear_bindings(s->move);
	return code == SQLITE_DONE ? 0 : sqlite_fail(s, err, NULL);
}

/* A COMMIT that fails has not been done: its outcome is never lost. */
static int done(struct store *base, const struct store_mark *m, const char *name, struct error *err)
{
	(void)base, (void)m, (void)name, (void)err;
	return 0;
}

static int take_offset(struct sqlite *s, sqlite3_stmt *q, const char *group, struct store_offset *x,
		       struct error *err)
{
	const char *state;
	int code, ret = 0;

	sqlite3_bind_text(q, 1, group, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 2, x->topic, -1, SQLITE_STATIC);
	sqlite3_bind_int(q, 3, x->partition);
	if ((code = sqlite3_step(q)) == SQLITE_ROW) {
		if (sqlite3_column_type(q, 0) != SQLITE_NULL)
			x->next = sqlite3_column_int64(q, 0);
		x->epoch = sqlite3_column_int64(q, 1);
		state = (const char *)sqlite3_column_text(q, 2);
		if (state && !(x->state = mem_strndup(state, strlen(state), err)))
			ret = -1;
		code = sqlite3_step(q); /* RETURNING is done only then */
	}
	if (!ret && code != SQLITE_DONE)
		ret = sqlite_fail(s, err, NULL);
	sqlite3_reset(q);
	return ret;
}

static int offsets(struct store *base, struct store_offsets *o, struct error *err)
{
	static const char claim[] =
		"INSERT INTO " STORE_OFFSETS_TABLE " (grp, topic, \"partition\", epoch)"
		" VALUES (?1, ?2, ?3, 1) ON CONFLICT DO UPDATE SET epoch = epoch + 1"
		" RETURNING \"next\", epoch, state";
	static const char read[] = "SELECT \"next\", epoch, state FROM " STORE_OFFSETS_TABLE
				   " WHERE grp = ?1 AND topic = ?2 AND \"partition\" = ?3";
	struct sqlite *s = (struct sqlite *)base;
	struct store_table table = {.name = (char *)(uintptr_t)STORE_OFFSETS_TABLE};
	sqlite3_stmt *q;
	int ret = describe(base, &table, err);

	store_table_clear(&table);
	free(table.columns);
	if (ret <= 0) /* nobody has claimed anything */
		return ret;
	if (!(q = sqlite_prepare(s, sqlite3_mprintf("%s", o->claim ? claim : read), err)))
		return -1;
	ret = 0;
	for (size_t i = 0; !ret && i < o->n; i++)
		ret = take_offset(s, q, o->group, &o->items[i], err);
	sqlite3_finalize(q);
	return ret;
}

const struct store_ops sqlite_ops = {.schemes = {"sqlite:"},
				     .make = make,
				     .free = release,
				     .connect = connect_file,
				     .describe = describe,
				     .run = run,
				     .create = create,
				     .create_offsets = create_offsets,
				     .encode = sqlite_encode,
				     .begin = begin,
				     .move = move,
				     .write = sqlite_write,
				     .exact = true,
				     .commit = commit,
				     .rollback = rollback,
				     .done = done,
				     .offsets = offsets};
