/*
 * The sink of kafka-produce: records in, messages out, and at the end the truth about them.
 *
 * Without a transactional id each record is a message, and control records are taken out. With one,
 * what comes between marks is one transaction, as lib/kafka/transaction.h has it.
 */
#ifndef CLI_PRODUCE_H
#define CLI_PRODUCE_H

#include <stdint.h>
#include "lib/cli/kafka_options.h"
#include "lib/cli/options.h"
#include "lib/cli/stream.h"
#include "lib/cli/time_options.h"
#include "lib/kafka/outgoing.h"

struct produce_options {
	struct stream_options stream;
	struct kafka_cli_options kafka;
	struct time_options time; /* field NULL: messages have the time when they are produced */
	struct outgoing_options outgoing; /* but its time and headers */
	struct option_list headers;
	const char *topic;
	uint64_t partition;                        /* PRODUCE_ANY_PARTITION */
	const char *partitioner, *compression;     /* librdkafka's names; NULL: default */
	int create_partitions, create_replication; /* 0: no topic is created */
	uint64_t count;                            /* records to take; 0: all */
	const char *unsent;                        /* --unsent FILE; NULL */
	const char *transactional_id;              /* NULL: no transactions */
	int64_t commit_interval_ns;
};

#define PRODUCE_ANY_PARTITION UINT64_MAX

/* Runs until the end of input and returns the exit status. */
int produce_run(const struct program *p, const struct produce_options *o, char *const *paths);

#endif
