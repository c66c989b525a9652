/* What a database does for a store. A new one is a file with these, and a line in store.c. */
#ifndef STORE_STORE_IMPL_H
#define STORE_STORE_IMPL_H

#include "lib/store/store.h"

/* Before what databases say of ON CONFLICT over columns that are not unique together. */
#define STORE_NO_KEY "'--upsert' takes the columns of a primary key or of a unique index"

/* Whether a failure may pass. */
enum store_fault {
	FAULT_NONE,  /* it will not */
	FAULT_AGAIN, /* the transaction may be begun again */
	FAULT_LOST,  /* the same, once there is a connection again */
};

/*
 * Each returns 0, or -1 with err, and with s->fault set where the failure may pass. A failure that
 * is ERROR_DATA is that of rows. For their order in a transaction see store.c.
 */
struct store_ops {
	const char
		*schemes[4]; /* of URLs, with what separates them from the rest; NULL ends them */

	/* An allocated store that is not connected yet. */
	struct store *(*make)(const struct store_options *o, struct error *err);
	void (*free)(struct store *s);
	/* Anew, too. s->missing: options->existing, and there is no database. */
	int (*connect)(struct store *s, struct error *err);

	/* 1, 0 for no such table, -1. */
	int (*describe)(struct store *s, struct store_table *t, struct error *err);
	int (*run)(struct store *s, const char *sql, struct error *err);
	int (*create)(struct store *s, const struct store_table *t, struct error *err);
	/* The table of offsets, if there is none. */
	int (*create_offsets)(struct store *s, struct error *err);

	/* Appends a row of the set to b->encoded, whose length the caller takes back after a
	 * failure. */
	int (*encode)(struct store *s, const struct store_table *t, const struct value *cells,
		      struct store_batch *b, size_t set, struct error *err);

	/* token: the outcome of COMMIT may have to be found without a mark. */
	int (*begin)(struct store *s, bool token, struct error *err);
	/* As many rows of offsets as were moved. */
	int (*move)(struct store *s, const struct store_mark *m, const char *name, size_t *moved,
		    struct error *err);
	/*
	 * Stores the rows [from, to) but those refused. When that fails with ERROR_DATA: if the
	 * ops are exact, the rows [from, *stood) are in, and *stood is at fault; else none is in
	 * and one of them is at fault, likely *suspect unless that is still `to`.
	 */
	int (*write)(struct store *s, const struct store_table *t, const struct store_batch *b,
		     size_t from, size_t to, size_t *stood, size_t *suspect, struct error *err);
	bool exact;
	int (*commit)(struct store *s, struct error *err);
	/* Whatever is open is void; cannot fail. */
	void (*rollback)(struct store *s);

	/* After a commit whose outcome got lost, on a new connection: 1 it was done, 0 not, -1.
	 * m is NULL where begin had a token. */
	int (*done)(struct store *s, const struct store_mark *m, const char *name,
		    struct error *err);

	/* Fills in what is stored; claims first if o->claim, in a
	 * transaction then. */
	int (*offsets)(struct store *s, struct store_offsets *o, struct error *err);
};

struct store {
	const struct store_ops *ops;
	struct store_options options;
	enum store_fault fault;
	bool missing;
	int64_t end_ms; /* when connecting must have ended */
	struct store_counts counts;
};

extern const struct store_ops sqlite_ops, postgresql_ops;

/* Of a monotonic clock. */
int64_t store_clock_ms(void);

/* A failure that may pass is tried again: kept by the caller from the first failure on. */
struct store_patience {
	int64_t end_ms; /* 0: nothing has failed yet */
	int pause_ms;
};

/* After a failure in err: waits, and connects again if need be. 0: begin again; -1: err is final.
 */
int store_recover(struct store *s, struct store_patience *p, struct error *err);

/* The characters of a string, or the JSON text that stands for a value in a column for JSON: from
 * where they lie if they need no change, else in *room. */
struct store_text {
	const char *at;
	size_t len;
};
int store_text_of(const struct value *v, struct buf *room, struct store_text *t, struct error *err);
int store_json_of(const struct value *v, struct buf *room, struct store_text *t, struct error *err);

/* ERROR_DATA if a key's value is missing. */
int store_check_key(const struct store_column *c, const struct value *v, struct error *err);

#endif
