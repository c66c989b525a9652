/* The inside of the store that is PostgreSQL. */
#ifndef STORE_POSTGRESQL_IMPL_H
#define STORE_POSTGRESQL_IMPL_H

#include <libpq-fe.h>
#include "lib/store/store_impl.h"

/* Of the run of rows before. */
enum savepoint { SAVEPOINT_NONE, SAVEPOINT_GOOD, SAVEPOINT_FAILED };

struct postgresql {
	struct store base;
	PGconn *conn;
	/*
	 * Since when the server counts its statistics, which it does anew after a crash and at no
	 * clean start (PostgreSQL's manual, "The Cumulative Statistics System"); "": not known.
	 */
	char life[40];
	/* Of the transaction that began last with a token: its number, and the life it is of. */
	char xid[24], xid_life[40];
	int64_t silence_ms; /* after which a server that says nothing is lost */
	bool silent;        /* that is why the connection was lost */
	size_t line;        /* of COPY, that the last failure was about; 0: not known */
	bool staged;        /* this connection has the staging table */
	enum savepoint savepoint;
	const char *before; /* what goes before the next COPY */
	struct buf sql, room;
	struct buf written; /* a bool a set of the batch: its rows were */
};

/* Takes over a result (NULL: there was none) that is not what was wanted: what the server says of
 * it, and whether that may pass. */
int postgresql_fail(struct postgresql *p, PGresult *r, struct error *err);

/* Until what was sent has left, and an answer is there if one is due. A server that was silent for
 * too long is cut off, which the next call to libpq finds. */
void postgresql_wait(struct postgresql *p);

/* The last result of what was sent, or the first that is not as good; NULL: none. */
PGresult *postgresql_result(struct postgresql *p);

/* Runs p->sql, or sql, which has no parameters: 0 if it ends with `wanted`. */
int postgresql_exec(struct postgresql *p, const char *sql, ExecStatusType wanted,
		    struct error *err);

/* The same with text parameters; the result is the caller's to clear, NULL on failure. */
PGresult *postgresql_query(struct postgresql *p, const char *sql, int n, const char *const *values,
			   struct error *err);

/* Text of SQL, put together in p->sql. */
int postgresql_add_name(struct postgresql *p, const char *name, struct error *err);
int postgresql_add_table(struct postgresql *p, const struct store_table *t, struct error *err);

/* postgresql_offsets.c */
int postgresql_create_offsets(struct store *s, struct error *err);
int postgresql_move(struct store *s, const struct store_mark *m, const char *name, size_t *moved,
		    struct error *err);
int postgresql_done(struct store *s, const struct store_mark *m, const char *name,
		    struct error *err);
int postgresql_offsets(struct store *s, struct store_offsets *o, struct error *err);

/* postgresql_table.c */
int postgresql_describe(struct store *s, struct store_table *t, struct error *err);
int postgresql_create(struct store *s, const struct store_table *t, struct error *err);
/* One transaction that only one of those who come at a time is in. */
int postgresql_alone(struct postgresql *p, const char *sql, struct error *err);

/* postgresql_rows.c */
int postgresql_encode(struct store *s, const struct store_table *t, const struct value *cells,
		      struct store_batch *b, size_t set, struct error *err);

/* postgresql_write.c */
int postgresql_write(struct store *s, const struct store_table *t, const struct store_batch *b,
		     size_t from, size_t to, size_t *stood, size_t *suspect, struct error *err);

#endif
