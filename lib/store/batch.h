/*
 * Rows that wait to be stored: as the database takes them, and the records they were made of, for
 * what is refused.
 */
#ifndef STORE_BATCH_H
#define STORE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/mem.h"

struct store_row {
	size_t at, len;            /* in encoded */
	uint64_t absent;           /* bit i: the ith column that the database fills is left to it */
	const char *file;          /* of the record; not ours */
	uint64_t line;             /* in it */
	size_t record, record_len; /* in records */
	size_t kafka, kafka_len;   /* its `_kafka`, in the record; 0: none */
	bool refused;
};

struct store_batch {
	struct buf encoded; /* in a form of the database */
	struct buf records; /* lines of text */
	struct store_row *rows;
	size_t n, cap;
};

void store_batch_release(struct store_batch *b);
void store_batch_clear(struct store_batch *b);

/* Bytes it holds. */
static inline size_t store_batch_size(const struct store_batch *b)
{
	return b->encoded.len + b->records.len + b->n * sizeof(*b->rows);
}

#endif
