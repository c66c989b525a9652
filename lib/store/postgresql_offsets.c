/* Kafka's offsets in PostgreSQL. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/store/postgresql_impl.h"

#define PARAMETERS_MAX 65535
#define PER_PARTITION 6 /* topic, partition, from, to, epoch, state */

static int exists(struct postgresql *p, bool *there, struct error *err)
{
	PGresult *r = postgresql_query(
		p, "SELECT to_regclass('" STORE_OFFSETS_TABLE "') IS NOT NULL", 0, NULL, err);

	if (!r)
		return -1;
	*there = *PQgetvalue(r, 0, 0) == 't';
	PQclear(r);
	return 0;
}

int postgresql_create_offsets(struct store *base, struct error *err)
{
	struct postgresql *p = (struct postgresql *)base;
	bool there;

	/* Looked for first: it takes no right to make tables then. */
	if (exists(p, &there, err))
		return -1;
	if (there)
		return 0;
	return postgresql_alone(p,
				"CREATE TABLE IF NOT EXISTS " STORE_OFFSETS_TABLE
				" (grp text, topic text, partition integer, next bigint,"
				" epoch bigint NOT NULL, state text, mark text,"
				" PRIMARY KEY (grp, topic, partition))",
				err);
}

/* Numbers as text: those of a mark's partitions. */
struct numbers {
	char partition[12], from[24], to[24], epoch[24];
};

static int add_values(struct postgresql *p, const struct store_mark *m, struct numbers *text,
		      const char **values, struct error *err)
{
	for (size_t i = 0, k = 2; i < m->record->n; i++, k += PER_PARTITION) {
		const struct control_partition *x = &m->record->partitions[i];
		snprintf(text[i].partition, sizeof(text[i].partition), "%" PRId32, x->partition);
		snprintf(text[i].from, sizeof(text[i].from), "%" PRId64, x->from);
		snprintf(text[i].to, sizeof(text[i].to), "%" PRId64, x->to);
		snprintf(text[i].epoch, sizeof(text[i].epoch), "%" PRId64, m->epochs[i]);
		values[k] = x->topic;
		values[k + 1] = text[i].partition;
		values[k + 2] = text[i].from;
		values[k + 3] = text[i].to;
		values[k + 4] = text[i].epoch;
		values[k + 5] = x->state;
		if (buf_printf(&p->sql, err,
			       "%s($%zu::text, $%zu::integer, $%zu::bigint, $%zu::bigint,"
			       " $%zu::bigint, $%zu::text)",
			       i ? ", " : "", k + 1, k + 2, k + 3, k + 4, k + 5, k + 6))
			return -1;
	}
	return 0;
}

int postgresql_move(struct store *base, const struct store_mark *m, const char *name, size_t *moved,
		    struct error *err)
{
	struct postgresql *p = (struct postgresql *)base;
	size_t n = m->record->n * PER_PARTITION + 2;
	struct numbers *text = mem_alloc(m->record->n, sizeof(*text), err);
	const char **values = mem_alloc(n, sizeof(*values), err);
	PGresult *r;
	int ret = -1;

	p->sql.len = 0;
	if (!text || !values)
		goto out;
	if (n > PARAMETERS_MAX) {
		error_set(err, ERROR_CONFIG, "a mark has more than %d partitions",
			  PARAMETERS_MAX / PER_PARTITION);
		goto out;
	}
	values[0] = m->record->group;
	values[1] = name;
	if (buf_add_str(&p->sql,
			"UPDATE " STORE_OFFSETS_TABLE
			" o SET next = v.next, state = v.state, mark = $2"
			" FROM (VALUES ",
			err) ||
	    add_values(p, m, text, values, err) ||
	    buf_add_str(&p->sql,
			") v (topic, partition, since, next, epoch, state) WHERE o.grp = $1"
			" AND o.topic = v.topic AND o.partition = v.partition AND o.epoch = v.epoch"
			" AND (o.next = v.since OR o.next IS NULL)",
			err) ||
	    buf_terminate(&p->sql, err) ||
	    !(r = postgresql_query(p, p->sql.data, (int)n, values, err)))
		goto out;
	*moved = strtoul(PQcmdTuples(r), NULL, 10);
	PQclear(r);
	ret = 0;
out:
	free(text);
	free(values);
	return ret;
}

/* The mark whose offsets are stored is that of the last transaction. */
static int mark_done(struct postgresql *p, const struct store_mark *m, const char *name,
		     struct error *err)
{
	static const char sql[] = "SELECT mark IS NOT DISTINCT FROM $4 FROM " STORE_OFFSETS_TABLE
				  " WHERE grp = $1 AND topic = $2 AND partition = $3";
	const struct control_partition *x = &m->record->partitions[0];
	char partition[12];
	PGresult *r;
	int ret;

	snprintf(partition, sizeof(partition), "%" PRId32, x->partition);
	r = postgresql_query(
		p, sql, 4, (const char *const[]){m->record->group, x->topic, partition, name}, err);
	if (!r)
		return -1;
	ret = PQntuples(r) == 1 && *PQgetvalue(r, 0, 0) == 't';
	PQclear(r);
	return ret;
}

/*
 * Without a mark the transaction's number tells. A server that crashes may forget a number that no
 * COMMIT made durable, and give it again: one that it does not know, or that was rolled back, is of
 * a transaction that was not committed all the same, but one that is committed may be another's.
 */
static int token_done(struct postgresql *p, struct error *err)
{
	PGresult *r = postgresql_query(p, "SELECT pg_xact_status($1::xid8)", 1,
				       (const char *const[]){p->xid}, err);
	const char *status;
	int ret;

	if (!r)
		return err->kind == ERROR_DATA ? 0 : -1;
	status = PQgetvalue(r, 0, 0);
	if (!*status) {
		ret = error_set(err, ERROR_RETRY, "transaction %s is forgotten by the server",
				p->xid);
	} else if (!strcmp(status, "in progress")) {
		p->base.fault = FAULT_AGAIN;
		ret = error_set(err, ERROR_RETRY, "transaction %s is still in progress", p->xid);
	} else if (strcmp(status, "committed") != 0) {
		ret = 0;
	} else if (!*p->life || strcmp(p->life, p->xid_life) != 0) {
		ret = error_set(err, ERROR_RETRY,
				"transaction %s is committed, but the server may have crashed, and "
				"given that number to another",
				p->xid);
	} else {
		ret = 1;
	}
	PQclear(r);
	return ret;
}

int postgresql_done(struct store *base, const struct store_mark *m, const char *name,
		    struct error *err)
{
	struct postgresql *p = (struct postgresql *)base;

	return m ? mark_done(p, m, name, err) : token_done(p, err);
}

static int take_offset(struct postgresql *p, const char *sql, const char *group,
		       struct store_offset *x, struct error *err)
{
	char partition[12];
	PGresult *r;
	int ret = 0;

	snprintf(partition, sizeof(partition), "%" PRId32, x->partition);
	r = postgresql_query(p, sql, 3, (const char *const[]){group, x->topic, partition}, err);
	if (!r)
		return -1;
	if (PQntuples(r) == 1) {
		if (!PQgetisnull(r, 0, 0))
			x->next = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
		x->epoch = strtoll(PQgetvalue(r, 0, 1), NULL, 10);
		if (!PQgetisnull(r, 0, 2) &&
		    !(x->state =
			      mem_strndup(PQgetvalue(r, 0, 2), strlen(PQgetvalue(r, 0, 2)), err)))
			ret = -1;
	}
	PQclear(r);
	return ret;
}

int postgresql_offsets(struct store *base, struct store_offsets *o, struct error *err)
{
	static const char claim[] =
		"INSERT INTO " STORE_OFFSETS_TABLE " AS o (grp, topic, partition, epoch)"
		" VALUES ($1, $2, $3::integer, 1) ON CONFLICT (grp, topic, partition)"
		" DO UPDATE SET epoch = o.epoch + 1 RETURNING next, epoch, state";
	static const char read[] = "SELECT next, epoch, state FROM " STORE_OFFSETS_TABLE
				   " WHERE grp = $1 AND topic = $2 AND partition = $3::integer";
	struct postgresql *p = (struct postgresql *)base;
	bool there;

	if (exists(p, &there, err))
		return -1;
	if (!there) /* nobody has claimed anything */
		return 0;
	for (size_t i = 0; i < o->n; i++)
		if (take_offset(p, o->claim ? claim : read, o->group, &o->items[i], err))
			return -1;
	return 0;
}
