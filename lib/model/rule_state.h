/*
 * What keyed rules keep of each key, by partition of Kafka; records from elsewhere are all of one
 * partition, and their offsets count them.
 *
 * Records of a key count in the order in which they come, whatever their times are. So what is
 * known of a key after its last record follows from a bounded run of its latest records alone: a
 * replay that begins at the first of them, or at any before, leads to the same. That first one is
 * what `need` gives. What a rule knows of a key is void at a record that comes more than idle_ns
 * of event time after or before the key's last, or more than `forget` offsets behind it; keys
 * without a record among the last `forget` offsets are dropped, which changes no verdict.
 *
 * Used by one thread at a time.
 */
#ifndef MODEL_RULE_STATE_H
#define MODEL_RULE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

struct rule_state_options {
	size_t n_memories; /* a keyed rule has one */
	uint64_t max_keys;
	int64_t idle_ns;
	int64_t forget; /* offsets */
};

/* What one rule knows of a key. Zeroed: nothing. */
struct rule_memory {
	bool any;
	bool reached;            /* a run is as long as the rule wants it */
	uint32_t by;             /* the key's limits: others begin anew */
	double value;            /* rate: the last one; stuck: that of the run */
	int64_t time_ns, offset; /* of the last record that counted */
	/* The run: how many records, and its earliest time. */
	uint32_t records;
	int64_t since_ns;
	int64_t need; /* offset of the first record that must be replayed */
	/* A later place in the run, which becomes `need` once the run is long enough from there. */
	int64_t next, next_ns;
	uint32_t next_records;
};

/* A key. Its memories are the rules' scorer's. */
struct rule_key {
	struct rule_key *chain, *older, *newer;
	uint64_t hash;
	size_t partition, len;
	int64_t offset; /* of its last record */
	const struct rule_state_options *options;
	struct rule_memory memory[]; /* [n_memories], then the key's bytes */
};

struct rule_states;
struct rule_states *rule_states_new(const struct rule_state_options *o, struct error *err);
void rule_states_free(struct rule_states *s);

/* The number of a partition, which is made if it is new; topic NULL: of records from elsewhere. */
int rule_states_partition(struct rule_states *s, const char *topic, size_t len, int32_t partition,
			  size_t *number, struct error *err);

/* Drops all keys of a partition. */
void rule_states_drop(struct rule_states *s, size_t partition);

/*
 * The key of the next record of a partition, made if it is new; offset is the record's own, and
 * becomes the key's. ERROR_UNAVAILABLE: more than max_keys had a record among the last `forget`
 * offsets of their partitions.
 */
struct rule_key *rule_states_at(struct rule_states *s, size_t partition, const char *key,
				size_t len, int64_t offset, struct error *err);

/* The oldest offset that a key of the partition needs, `to` (the next one) if none needs any. */
int64_t rule_states_need(struct rule_states *s, size_t partition, int64_t to);

uint64_t rule_states_keys(const struct rule_states *s);

#endif
