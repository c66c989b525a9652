/* Tables of PostgreSQL: what they are, and making them. */
#include <stdlib.h>
#include <string.h>
#include "lib/store/postgresql_impl.h"

/* Two who make the same table at once would fail, whatever IF NOT EXISTS says. The number is ours:
 * the first letters of "sensorutils". */
#define LOCK "SELECT pg_advisory_xact_lock(8315168195498373490)"

int postgresql_alone(struct postgresql *p, const char *sql, struct error *err)
{
	if (postgresql_exec(p, "BEGIN", PGRES_COMMAND_OK, err) ||
	    postgresql_exec(p, LOCK, PGRES_TUPLES_OK, err))
		return -1;
	/* A script may end with whatever it likes. */
	PGresult *r = PQexec(p->conn, sql);
	ExecStatusType status = PQresultStatus(r);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
	    status != PGRES_EMPTY_QUERY) {
		postgresql_fail(p, r, err);
		if (err->kind == ERROR_DATA)
			err->kind = ERROR_CONFIG;
		return -1;
	}
	PQclear(r);
	return postgresql_exec(p, "COMMIT", PGRES_COMMAND_OK, err);
}

static enum store_type type_of(const char *name)
{
	static const struct {
		const char *name;
		enum store_type type;
	} types[] = {
		{"bool", STORE_BOOLEAN}, {"int2", STORE_INTEGER},   {"int4", STORE_INTEGER},
		{"int8", STORE_INTEGER}, {"float4", STORE_REAL},    {"float8", STORE_REAL},
		{"numeric", STORE_REAL}, {"text", STORE_TEXT},      {"varchar", STORE_TEXT},
		{"bpchar", STORE_TEXT},  {"json", STORE_JSON},      {"jsonb", STORE_JSON},
		{"date", STORE_TIME},    {"timestamp", STORE_TIME}, {"timestamptz", STORE_TIME}};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(name, types[i].name))
			return types[i].type;
	return STORE_OTHER;
}

int postgresql_describe(struct store *base, struct store_table *t, struct error *err)
{
	/* A domain is of the type that it is based on in the end, and may have a default. */
	static const char sql[] =
		"SELECT a.attname,"
		" (WITH RECURSIVE b AS (SELECT y.typname, y.typtype, y.typbasetype UNION ALL"
		" SELECT z.typname, z.typtype, z.typbasetype FROM b JOIN pg_type z"
		" ON z.oid = b.typbasetype) SELECT typname FROM b WHERE typtype <> 'd'),"
		" a.atthasdef OR a.attidentity = 'd' OR y.typdefault IS NOT NULL"
		" FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid"
		" WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped"
		" AND a.attgenerated = '' AND a.attidentity <> 'a' ORDER BY a.attnum";
	struct postgresql *p = (struct postgresql *)base;
	PGresult *r;
	int ret = -1;

	p->sql.len = 0;
	if (postgresql_add_table(p, t, err) || buf_terminate(&p->sql, err) ||
	    !(r = postgresql_query(p, sql, 1, (const char *const[]){p->sql.data}, err)))
		return -1;
	for (int i = 0; i < PQntuples(r); i++) {
		struct store_column *c =
			store_table_add(t, PQgetvalue(r, i, 0), type_of(PQgetvalue(r, i, 1)), err);
		if (!c)
			goto out;
		c->filled = *PQgetvalue(r, i, 2) == 't';
		c->utc = !strcmp(PQgetvalue(r, i, 1), "timestamp") ||
			 !strcmp(PQgetvalue(r, i, 1), "date");
	}
	ret = t->n > 0;
out:
	PQclear(r);
	return ret;
}

static int add_columns(struct postgresql *p, const struct store_table *t, struct error *err)
{
	static const char *const types[] = {"text",        "bigint", "double precision", "boolean",
					    "timestamptz", "jsonb",  "numeric",          "text"};
	/* PostgreSQL cuts longer names, and two may be the same then. */
	const size_t name_max = 63;

	for (size_t i = 0; i < t->n; i++) {
		if (strlen(t->columns[i].name) > name_max)
			return error_set(err, ERROR_CONFIG,
					 "field '%s' has a name of more than %zu bytes, which no "
					 "column can have",
					 t->columns[i].name, name_max);
		if (buf_add_str(&p->sql, i ? ", " : "", err) ||
		    postgresql_add_name(p, t->columns[i].name, err) ||
		    buf_printf(&p->sql, err, " %s", types[t->columns[i].type]))
			return -1;
	}
	return 0;
}

static int add_keys(struct postgresql *p, const struct store_table *t, struct error *err)
{
	const char *comma = ", PRIMARY KEY (";

	for (size_t i = 0; i < t->n; i++) {
		if (!t->columns[i].key)
			continue;
		if (buf_add_str(&p->sql, comma, err) ||
		    postgresql_add_name(p, t->columns[i].name, err))
			return -1;
		comma = ", ";
	}
	return t->n_keys ? buf_add_str(&p->sql, ")", err) : 0;
}

int postgresql_create(struct store *base, const struct store_table *t, struct error *err)
{
	struct postgresql *p = (struct postgresql *)base;

	p->sql.len = 0;
	if (buf_add_str(&p->sql, "CREATE TABLE IF NOT EXISTS ", err) ||
	    postgresql_add_table(p, t, err) || buf_add_str(&p->sql, " (", err) ||
	    add_columns(p, t, err) || add_keys(p, t, err) || buf_add_str(&p->sql, ")", err) ||
	    buf_terminate(&p->sql, err))
		return -1;
	return postgresql_alone(p, p->sql.data, err);
}
