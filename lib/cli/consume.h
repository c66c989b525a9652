/* The source of kafka-consume: messages in, records with marks between them out. */
#ifndef CLI_CONSUME_H
#define CLI_CONSUME_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/cli/kafka_options.h"
#include "lib/cli/options.h"
#include "lib/cli/stream.h"
#include "lib/kafka/start_offset.h"

enum consume_lost { CONSUME_EXIT, CONSUME_RESET };

struct consume_partitions {
	int32_t *items;
	size_t n, cap;
};

struct consume_options {
	struct kafka_cli_options kafka;
	struct stream_options stream; /* rejects, max_rejects, metrics */
	const char *group;            /* NULL: none */
	const char *instance;
	struct option_list topics;
	struct consume_partitions partitions;
	struct start_offset from;
	uint64_t count; /* messages after which to end; 0: no limit */
	bool exit_at_end;
	bool tombstones;
	bool no_provenance; /* neither `_kafka` nor control records */
	bool quiet;
	bool commit_on_write;
	const char *offsets_from;
	int on_lost; /* enum consume_lost */
	uint64_t mark_interval_ms;
	double drain_s; /* for what was handed on to be committed */
};

/* operands: topics, NULL-terminated. Returns the exit status, or dies of SIGINT or SIGPIPE. */
int consume_run(const struct program *p, const struct consume_options *o, char *const *operands);

#endif
