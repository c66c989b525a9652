/* At which offsets reading begins, each checked against what the partition has. */
#ifndef KAFKA_ASSIGNMENT_H
#define KAFKA_ASSIGNMENT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/kafka/position.h"
#include "lib/kafka/start_offset.h"

/* What a partition has: offsets from low up to, not including, high. */
struct extent {
	int64_t low, high;
	int64_t timed; /* where START_TIME leads; high when nothing is so late */
};

/*
 * Starts x (position_start): where its state has it replayed from, else behind what is stored, else
 * where `from` says; but a partition that was added to a topic at its beginning, for its records
 * came while the group was at work. ERROR_NO_INPUT, with what there is and how to go on, when that
 * offset is not there: below low by retention, above high since the topic was made anew; or when
 * nothing is stored and from is START_STORED.
 */
int assignment_start(struct position *x, const struct extent *e, const struct start_offset *from,
		     struct error *err);

/* Whether to ask again: a broker that has just started does not know all topics. */
bool assignment_may_pass(rd_kafka_resp_err_t code);

struct assignment {
	rd_kafka_t *rk;
	const struct start_offset *from;
	int timeout_ms;
	/* true ends it early, with ERROR_NONE. Not NULL. */
	bool (*stop)(void *context);
	void *context;
};

/* Asks the leaders what all partitions have, and starts each. A stored offset above the end is
 * asked for again for some seconds: a new leader may not know yet how far the old one was.
 * ERROR_RETRY when there was no answer in time. */
int assignment_resolve(const struct assignment *a, struct positions *p, struct error *err);

#endif
