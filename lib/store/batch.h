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
	size_t set;                /* of columns that it leaves to the database */
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
	/* Sets of n_words words: bit i % 64 of word i / 64 leaves the ith column that the database
	 * fills to it. */
	uint64_t *sets;
	size_t n_sets, n_words, sets_cap;
};

void store_batch_release(struct store_batch *b);
void store_batch_clear(struct store_batch *b);

static inline const uint64_t *store_batch_absent(const struct store_batch *b, size_t row)
{
	return b->sets + b->rows[row].set * b->n_words;
}

static inline bool store_is_absent(const uint64_t *absent, size_t i)
{
	return absent[i / 64] >> i % 64 & 1;
}

/* The number of the set that lies behind the others, which is one of them if it is like one. */
size_t store_batch_add_set(struct store_batch *b);

/* Bytes it holds. */
static inline size_t store_batch_size(const struct store_batch *b)
{
	return b->encoded.len + b->records.len + b->n * sizeof(*b->rows) +
	       b->n_sets * b->n_words * sizeof(*b->sets);
}

#endif
