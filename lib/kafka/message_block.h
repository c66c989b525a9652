/*
 * Messages into records: collected, their values scanned as one block, and written as lines of JSON
 * with where they came from.
 *
 * A value must be a JSON object. A line break in it is white space, or it were no JSON: inside it
 * becomes a space, behind it it is dropped. A member `_kafka` of it is cut. All else stays as it
 * came.
 */
#ifndef KAFKA_MESSAGE_BLOCK_H
#define KAFKA_MESSAGE_BLOCK_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/record/scanner.h"

struct message_block_options {
	bool provenance; /* records get `_kafka` */
	bool tombstones; /* a message without a value becomes a record; otherwise it is a bad one */
	/*
	 * A message that makes no record: why (ERROR_DATA, its file is TOPIC[PARTITION]@OFFSET),
	 * its value as it came (NULL: it has none), its provenance. Those that are replayed are
	 * passed over. -1 ends message_block_write with err.
	 */
	int (*bad)(void *context, const struct error *why, const struct record *rec,
		   const struct value *kafka, struct error *err);
	void *context;
};

struct message_block;

/* To the end of the process. */
struct message_block *message_block_new(const struct message_block_options *o, struct error *err);

/* Takes a message over; replay: it was processed before. On failure it is destroyed. */
int message_block_add(struct message_block *b, rd_kafka_message_t *m, bool replay,
		      struct error *err);

/* How many there are, and the bytes of their values, each with a newline. */
size_t message_block_count(const struct message_block *b);
size_t message_block_bytes(const struct message_block *b);

/* Appends the records of all messages and forgets these; on failure those from the one that it is
 * about are kept. *bad is set to how many were bad, replayed ones not counted. */
int message_block_write(struct message_block *b, struct buf *out, size_t *bad, struct error *err);

/* The offset of the first message of a partition that is not written; -1: there is none. */
int64_t message_block_first(const struct message_block *b, const char *topic, int32_t partition);

#endif
