/*
 * When a stream from Kafka is due its next mark. Nothing of librdkafka, and no clock, here.
 *
 * By the time that has passed, and by the records that have come: pipes and buffers may take tens
 * of thousands in an instant, and a slow filter behind them must see a mark long before the sink's
 * transaction times out. So a mark is also due after as much as came in the last second. How much
 * that is, is counted in bytes, to which each record adds MARK_RECORD_SIZE: a filter may be slow by
 * the byte or by the record.
 */
#ifndef KAFKA_MARK_PACE_H
#define KAFKA_MARK_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARK_RECORD_SIZE 64
#define MARK_SIZE_MIN (64 * 1024)             /* not earlier than after so much */
#define MARK_SIZE_MAX (32 * 1024 * 1024)      /* a mark is due after so much at the latest */
#define MARK_HEARTBEAT_NS INT64_C(1000000000) /* and when nothing happens, at the earliest */

struct mark_pace {
	int64_t interval_ns;
	int64_t last_ns;   /* when the last one was written, by any clock */
	uint64_t size;     /* came since then */
	int64_t second_ns; /* when the second began that is counted now */
	uint64_t counted;  /* told by marks since then */
	uint64_t most;     /* came in the second before it */
};

/* A record of so many bytes has come. */
void mark_pace_record(struct mark_pace *m, size_t bytes);

/* moved: it would have something to tell. */
bool mark_pace_due(const struct mark_pace *m, int64_t now_ns, bool moved);

/* How long that may take if no message comes, at least 0. */
int64_t mark_pace_wait_ns(const struct mark_pace *m, int64_t now_ns, bool moved);

void mark_pace_marked(struct mark_pace *m, int64_t now_ns);

#endif
