/*
 * Where the offsets of a group are kept: with the group itself, or in a database that a command
 * speaks for. Asked when partitions are assigned, and when a consumer waits for what it handed on
 * to be committed.
 */
#ifndef KAFKA_OFFSET_STORE_H
#define KAFKA_OFFSET_STORE_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include "lib/base/error.h"
#include "lib/kafka/position.h"

struct offset_store {
	rd_kafka_t *rk;
	const char *group;
	const char *command; /* NULL: the group keeps them */
	/* Asked now and then: true ends an operation early. Not NULL. */
	bool (*stop)(void *context);
	void *context;
};

/*
 * Fills stored, epoch, state and added of each partition. From the group the state is the metadata
 * of the committed offset, where that is a JSON object. Tries until the group answers for every one
 * of them, as it does not while an earlier member's transaction is open, but no longer than
 * timeout_ms: ERROR_RETRY. Stopped: ERROR_NONE. A command claims the partitions, and is run once.
 */
int offset_store_claim(const struct offset_store *s, struct positions *p, int timeout_ms,
		       struct error *err);

/* The offsets stored now into offsets[p->n], OFFSET_NONE for none. One attempt: 1, 0 when the group
 * had no answer, -1. */
int offset_store_read(const struct offset_store *s, const struct positions *p, int64_t *offsets,
		      int timeout_ms, struct error *err);

#endif
