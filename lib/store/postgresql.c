/* PostgreSQL by libpq: the connection, its failures, transactions. */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/base/number.h"
#include "lib/store/postgresql_impl.h"

#define SLICE_MS 50
#define LOCK_TIMEOUT_MS 5000
#define IDLE_TIMEOUT_MS 10000

/* What the server's five characters mean (PostgreSQL's manual, appendix A). */
static enum error_kind kind_of(const char *state, enum store_fault *fault)
{
	static const char *const again[] = {"40", "55P03", "55006", "57014", NULL};
	static const char *const lost[] = {"08", "57P", "25P03", "25006", "53300", NULL};
	/* 23505 and 42P07 of a table that another makes at the same time come to nobody: see
	 * postgresql_alone. */
	static const char *const rows[] = {"22", "23", "44", "54", NULL};
	static const char *const full[] = {"53", "58", NULL};

	for (const char *const *x = again; *x; x++)
		if (!strncmp(state, *x, strlen(*x))) {
			*fault = FAULT_AGAIN;
			return ERROR_RETRY;
		}
	for (const char *const *x = lost; *x; x++)
		if (!strncmp(state, *x, strlen(*x))) {
			*fault = FAULT_LOST;
			return ERROR_RETRY;
		}
	for (const char *const *x = rows; *x; x++)
		if (!strncmp(state, *x, strlen(*x)))
			return ERROR_DATA;
	for (const char *const *x = full; *x; x++)
		if (!strncmp(state, *x, strlen(*x)))
			return ERROR_IO;
	/* Classes that SQL leaves to others: what a trigger raises, P0 by default. */
	if ((*state >= 'I' && strncmp(state, "XX", 2) != 0) ||
	    (*state >= '6' && *state <= '9' && strncmp(state, "72", 2) != 0))
		return ERROR_DATA;
	return ERROR_CONFIG;
}

/* The first line of a message. */
static int line_len(const char *text)
{
	return (int)strcspn(text, "\n");
}

/* Our COPY in what the server says of the place, "COPY t, line 7, column x: …", which comes last,
 * behind what a trigger did; or "". */
static const char *copy_of(const PGresult *r)
{
	const char *where = r ? PQresultErrorField(r, PG_DIAG_CONTEXT) : NULL, *copy = where;

	while (where && (where = strstr(where, "\nCOPY ")) != NULL)
		copy = ++where;
	return copy ? copy : "";
}

/* ", column x: …", or "". */
static const char *column_of(const PGresult *r)
{
	const char *column = strstr(copy_of(r), ", column ");

	return column ? column : "";
}

static size_t line_of(const PGresult *r)
{
	const char *line = strstr(copy_of(r), ", line ");

	return line ? strtoul(line + strlen(", line "), NULL, 10) : 0;
}

int postgresql_fail(struct postgresql *p, PGresult *r, struct error *err)
{
	const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL,
		   *what = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL,
		   *detail = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL) : NULL,
		   *column = column_of(r);
	struct store *s = &p->base;

	p->line = line_of(r);
	if (PQstatus(p->conn) == CONNECTION_BAD) {
		s->fault = FAULT_LOST;
		what = p->silent ? "the server does not answer"
		       : what    ? what
				 : PQerrorMessage(p->conn);
		error_set(err, ERROR_RETRY, "the connection is lost: %.*s", line_len(what), what);
	} else if (state && what) {
		error_set(err, kind_of(state, &s->fault), "%s%s%s%.*s", what, detail ? ": " : "",
			  detail ? detail : "", (int)strcspn(column, ":"), column);
		if (!strcmp(state, "42P10"))
			error_prefix(err, STORE_NO_KEY);
	} else {
		what = PQerrorMessage(p->conn);
		error_set(err, ERROR_CONFIG, "%.*s", line_len(what), what);
	}
	PQclear(r);
	return -1;
}

void postgresql_wait(struct postgresql *p)
{
	int64_t end_ms = store_clock_ms() + p->silence_ms;
	int unsent;

	while ((unsent = PQflush(p->conn)) > 0 || (!unsent && PQisBusy(p->conn))) {
		int64_t left_ms = end_ms - store_clock_ms();
		struct pollfd fd = {.fd = PQsocket(p->conn),
				    .events = (short)(unsent ? POLLIN | POLLOUT : POLLIN)};
		if (poll(&fd, 1, left_ms > 0 ? (int)left_ms : 0) > 0) {
			if (!PQconsumeInput(p->conn))
				return;
			end_ms = store_clock_ms() + p->silence_ms;
		} else if (left_ms <= 0) {
			p->silent = true;
			shutdown(fd.fd, SHUT_RDWR);
		}
	}
}

PGresult *postgresql_result(struct postgresql *p)
{
	PGresult *r, *kept = NULL;
	bool bad = false;

	for (;;) {
		postgresql_wait(p);
		if (!(r = PQgetResult(p->conn)))
			break;
		ExecStatusType status = PQresultStatus(r);
		if (bad) {
			PQclear(r);
			continue;
		}
		PQclear(kept);
		kept = r;
		if (status == PGRES_COPY_IN || PQstatus(p->conn) == CONNECTION_BAD)
			break;
		bad = status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
		      status != PGRES_EMPTY_QUERY;
	}
	return kept;
}

int postgresql_exec(struct postgresql *p, const char *sql, ExecStatusType wanted, struct error *err)
{
	PGresult *r = PQsendQuery(p->conn, sql) ? postgresql_result(p) : NULL;

	if (!r || PQresultStatus(r) != wanted)
		return postgresql_fail(p, r, err);
	PQclear(r);
	return 0;
}

PGresult *postgresql_query(struct postgresql *p, const char *sql, int n, const char *const *values,
			   struct error *err)
{
	PGresult *r = PQsendQueryParams(p->conn, sql, n, NULL, values, NULL, NULL, 0)
			      ? postgresql_result(p)
			      : NULL;
	ExecStatusType status = PQresultStatus(r);

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		return r;
	postgresql_fail(p, r, err);
	return NULL;
}

int postgresql_add_name(struct postgresql *p, const char *name, struct error *err)
{
	char *quoted = PQescapeIdentifier(p->conn, name, strlen(name));
	int ret;

	if (!quoted)
		return error_set(err, ERROR_CONFIG, "'%s' cannot be a name: %.*s", name,
				 line_len(PQerrorMessage(p->conn)), PQerrorMessage(p->conn));
	ret = buf_add_str(&p->sql, quoted, err);
	PQfreemem(quoted);
	return ret;
}

int postgresql_add_table(struct postgresql *p, const struct store_table *t, struct error *err)
{
	if (t->schema && (postgresql_add_name(p, t->schema, err) || buf_add_str(&p->sql, ".", err)))
		return -1;
	return postgresql_add_name(p, t->name, err);
}

/* What libpq looks at only when it connects: one for each host, or none, or one. */
static bool has_ports(const PQconninfoOption *o)
{
	const char *port, *end;
	int64_t n;

	while (o->keyword && strcmp(o->keyword, "port") != 0)
		o++;
	for (port = o->val; port && *port; port = *end ? end + 1 : end) {
		end = strchrnul(port, ',');
		if (end > port && (number_read_int(port, end, &n) || n < 1 || n > 65535))
			return false;
	}
	return true;
}

static struct store *make(const struct store_options *o, struct error *err)
{
	struct postgresql *p = mem_alloc(1, sizeof(*p), err);
	PQconninfoOption *parsed;

	if (!p)
		return NULL;
	/* libpq's own words would show the URL, and the password in it. */
	if (!(parsed = PQconninfoParse(o->url, NULL)) || !has_ports(parsed)) {
		error_set(err, ERROR_USAGE,
			  "the URL is none that libpq takes: "
			  "postgresql://[USER@][HOST][:PORT][/DATABASE][?NAME=VALUE&...]");
		PQconninfoFree(parsed);
		free(p);
		return NULL;
	}
	PQconninfoFree(parsed);
	return &p->base;
}

static void release(struct store *base)
{
	struct postgresql *p = (struct postgresql *)base;

	PQfinish(p->conn);
	buf_release(&p->sql);
	buf_release(&p->room);
	buf_release(&p->written);
	free(p);
}

static void ignore_notice(void *context, const PGresult *r)
{
	(void)context, (void)r;
}

/* Until the connection stands or has failed, or it takes too long. */
static PostgresPollingStatusType await(struct postgresql *p)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
		struct pollfd fd = {.fd = PQsocket(p->conn),
				    .events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT};
		if (poll(&fd, 1, SLICE_MS) > 0)
			status = PQconnectPoll(p->conn);
		else if (store_clock_ms() >= p->base.end_ms ||
			 p->base.options.stop(p->base.options.context))
			return PGRES_POLLING_FAILED;
	}
	return status;
}

/*
 * Why there is no connection. A server that was reached has said why not with an SQLSTATE, which
 * libpq gives at this verbosity only, within its text: "FATAL:  28P01: …". A name or a port that
 * nobody answers at may be there later.
 */
static int refused(struct postgresql *p, struct error *err)
{
	const char *text = PQerrorMessage(p->conn), *state = text;
	enum store_fault fault = FAULT_LOST;
	enum error_kind kind = ERROR_RETRY;

	while ((state = strstr(state, ":  ")) != NULL) {
		state += 3;
		if (strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && state[5] == ':') {
			fault = FAULT_NONE;
			kind = kind_of(state, &fault);
			text = state + 7;
			break;
		}
	}
	if (PQconnectionNeedsPassword(p->conn))
		fault = FAULT_NONE;
	p->base.fault = fault;
	if (fault == FAULT_NONE)
		kind = ERROR_CONFIG;
	if (PQstatus(p->conn) != CONNECTION_BAD)
		return error_set(err, kind, "cannot connect: the server does not answer");
	return error_set(err, kind, "cannot connect: %.*s", line_len(text), text);
}

static void read_life(struct postgresql *p)
{
	const char *sql = "SELECT pg_stat_get_bgwriter_stat_reset_time()";
	PGresult *r = PQsendQuery(p->conn, sql) ? postgresql_result(p) : NULL;

	*p->life = '\0';
	if (PQresultStatus(r) == PGRES_TUPLES_OK)
		snprintf(p->life, sizeof(p->life), "%s", PQgetvalue(r, 0, 0));
	PQclear(r);
}

static int connect_server(struct store *base, struct error *err)
{
	struct postgresql *p = (struct postgresql *)base;
	char timeout[24], sql[400];
	int lock_ms = base->options.timeout_ms < LOCK_TIMEOUT_MS ? base->options.timeout_ms
								 : LOCK_TIMEOUT_MS;
	/* What the URL says comes last, and counts. A peer that is dead is found out in time. */
	const char *const names[] = {
		"fallback_application_name", "tcp_user_timeout", "keepalives_idle",
		"client_encoding",           "dbname",           NULL};
	const char *const values[] = {"db-sink", timeout, "30", "UTF8", base->options.url, NULL};
	PostgresPollingStatusType status;

	PQfinish(p->conn);
	p->staged = p->silent = false;
	/* A lock that another holds is the server's to tell. */
	p->silence_ms = (int64_t)base->options.timeout_ms + lock_ms;
	snprintf(timeout, sizeof(timeout), "%d", base->options.timeout_ms);
	p->conn = PQconnectStartParams(names, values, 1);
	if (!p->conn)
		return error_memory(err, 0);
	PQsetErrorVerbosity(p->conn, PQERRORS_VERBOSE);
	PQsetNoticeReceiver(p->conn, ignore_notice, NULL);
	status = PQstatus(p->conn) == CONNECTION_BAD ? PGRES_POLLING_FAILED : await(p);
	if (status != PGRES_POLLING_OK)
		return refused(p, err);
	PQsetnonblocking(p->conn, 1);
	PQsetErrorVerbosity(p->conn, PQERRORS_DEFAULT);
	snprintf(sql, sizeof(sql),
		 "SET lock_timeout = %d; SET idle_in_transaction_session_timeout = %d;"
		 "SET timezone = 'UTC'; SET datestyle = 'ISO, MDY'; SET client_encoding = 'UTF8';"
		 "SET standard_conforming_strings = on; SET bytea_output = 'hex'",
		 lock_ms, IDLE_TIMEOUT_MS);
	if (postgresql_exec(p, sql, PGRES_COMMAND_OK, err))
		return -1;
	read_life(p);
	return 0;
}

static int run(struct store *base, const char *sql, struct error *err)
{
	return postgresql_alone((struct postgresql *)base, sql, err);
}

/* Constraints that may wait for the end are checked at once, while it is known for which row. */
#define BEGIN "BEGIN; SET CONSTRAINTS ALL IMMEDIATE"

static int begin(struct store *base, bool token, struct error *err)
{
	struct postgresql *p = (struct postgresql *)base;
	PGresult *r;

	p->savepoint = SAVEPOINT_NONE;
	if (!token)
		return postgresql_exec(p, BEGIN, PGRES_COMMAND_OK, err);
	r = PQsendQuery(p->conn, BEGIN "; SELECT pg_current_xact_id()") ? postgresql_result(p)
									: NULL;
	if (!r || PQresultStatus(r) != PGRES_TUPLES_OK)
		return postgresql_fail(p, r, err);
	snprintf(p->xid, sizeof(p->xid), "%s", PQgetvalue(r, 0, 0));
	snprintf(p->xid_life, sizeof(p->xid_life), "%s", p->life);
	PQclear(r);
	return 0;
}

static int commit(struct store *base, struct error *err)
{
	struct postgresql *p = (struct postgresql *)base;
	PGresult *r;

	if (p->savepoint == SAVEPOINT_FAILED &&
	    postgresql_exec(p, "ROLLBACK TO rows", PGRES_COMMAND_OK, err))
		return -1;
	r = PQsendQuery(p->conn, "COMMIT") ? postgresql_result(p) : NULL;
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		return postgresql_fail(p, r, err);
	if (strcmp(PQcmdStatus(r), "COMMIT") != 0) {
		PQclear(r);
		return error_set(err, ERROR_INTERNAL, "COMMIT was answered by ROLLBACK");
	}
	PQclear(r);
	return 0;
}

static void rollback(struct store *base)
{
	struct postgresql *p = (struct postgresql *)base;

	p->staged = false; /* it may have been made in that transaction */
	if (PQstatus(p->conn) == CONNECTION_OK && PQtransactionStatus(p->conn) != PQTRANS_IDLE)
		/* A script may have begun a COPY, which PQexec ends. */
		PQclear(PQtransactionStatus(p->conn) == PQTRANS_ACTIVE ? PQexec(p->conn, "ROLLBACK")
			: PQsendQuery(p->conn, "ROLLBACK")             ? postgresql_result(p)
								       : NULL);
}

const struct store_ops postgresql_ops = {.schemes = {"postgresql://", "postgres://"},
					 .make = make,
					 .free = release,
					 .connect = connect_server,
					 .describe = postgresql_describe,
					 .run = run,
					 .create = postgresql_create,
					 .create_offsets = postgresql_create_offsets,
					 .encode = postgresql_encode,
					 .begin = begin,
					 .move = postgresql_move,
					 .write = postgresql_write,
					 .commit = commit,
					 .rollback = rollback,
					 .done = postgresql_done,
					 .offsets = postgresql_offsets};
