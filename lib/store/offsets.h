/*
 * The other side of --offsets-from (lib/kafka/offset_command.h has the protocol): a question read,
 * its answer written.
 *
 * Offsets are kept in the table sensorutils_offsets, a row a group and partition:
 *
 *     grp, topic, partition    the primary key
 *     next                     the offset to go on at; null: none was stored yet
 *     epoch                    raised by each claim; a mark is stored under the last one only
 *     state                    what stages keep with the offset, an object's text, or null
 *     mark                     the mark that was stored last, as seq/session
 */
#ifndef STORE_OFFSETS_H
#define STORE_OFFSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"

#define STORE_OFFSETS_TABLE "sensorutils_offsets"
#define STORE_QUESTION_MAX (4 << 20) /* bytes of a question */

struct store_offset {
	char *topic;
	int32_t partition;
	int64_t next;  /* -1: null */
	int64_t epoch; /* -1: null */
	char *state;   /* NULL: null */
};

struct store_offsets {
	char *group;
	bool claim; /* else read */
	struct store_offset *items;
	size_t n, cap;
};

void store_offsets_release(struct store_offsets *o);

/* The new one, nothing known of it; NULL. */
struct store_offset *store_offsets_add(struct store_offsets *o, const char *topic,
				       int32_t partition, struct error *err);

/* Forgets what was known of all. */
void store_offsets_clear(struct store_offsets *o);

/* ERROR_DATA says what is wrong with the question. o is empty before. */
int store_question_read(struct store_offsets *o, const char *text, size_t len, struct error *err);

/* Appends the answer, with its newline. */
int store_answer_write(const struct store_offsets *o, struct buf *out, struct error *err);

#endif
