/*
 * A consumer of Kafka: librdkafka's, set up so that nothing is skipped and nothing comes twice.
 *
 * In a group (eager rebalancing, no automatic commit or reset) it starts each partition at an
 * explicit offset, and has its owner asked before partitions go. Without one it reads partitions
 * from where it is told. All functions are for one thread, and so are the callbacks; only log may
 * come from any. Defaults that a user may change: session.timeout.ms 10 s, heartbeat.interval.ms 1
 * s, max.poll.interval.ms 5 min.
 */
#ifndef KAFKA_CONSUMER_H
#define KAFKA_CONSUMER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/kafka/client.h"
#include "lib/kafka/membership.h"
#include "lib/kafka/position.h"
#include "lib/kafka/start_offset.h"

struct consumer_options {
	const struct kafka_options *kafka;
	const char *group;         /* NULL: none */
	const char *instance;      /* NULL: none */
	const char *const *topics; /* [n_topics]; "^…" is a regular expression (POSIX extended) */
	size_t n_topics;
	const int32_t *partitions; /* without a group: [n_partitions] of each topic */
	size_t n_partitions;       /* 0: all */
	struct start_offset from;  /* in a group: where nothing is stored */
	const char *offsets_from;  /* a command (offset_store.h); NULL: the group stores offsets */
	int timeout_ms;            /* for a broker to answer at the start */
	int drain_ms;              /* for what a rebalance has to wait for */

	void *context;
	/* The group gave us consumer_positions(), all started; no message of theirs has come. */
	int (*assigned)(void *context, struct error *err);
	/* It takes them away, once this returns; lost: somebody else may have them already. */
	int (*revoked)(void *context, bool lost, struct error *err);
	/* Something to tell, no failure. */
	void (*note)(void *context, const char *text);
	/* Asked while it waits: true ends that. */
	bool (*stop)(void *context);
	void (*log)(const rd_kafka_t *rk, int level, const char *facility, const char *text);
};

struct consumer;

/*
 * Waits for the brokers, checks that the topics are there, joins the group or begins to read.
 * ERROR_USAGE: properties; ERROR_CONFIG: an unknown topic or partition, refused by the brokers;
 * ERROR_UNAVAILABLE; ERROR_NONE: stopped.
 */
struct consumer *consumer_open(const struct consumer_options *o, struct error *err);

/*
 * Leaves the group if that can be done in timeout_ms, without asking `revoked`. To be followed by
 * the program's end: memory and threads are left to that, for rd_kafka_destroy may hang.
 */
void consumer_close(struct consumer *c, int timeout_ms);

/*
 * The next message, the caller's, and its position, which it is behind now: 1; 0 when none came in
 * timeout_ms, or something else than a message did; -1. ERROR_NO_INPUT: the offset is not there any
 * more. ERROR_NONE: stopped while partitions came or went; the group still has them as ours.
 */
int consumer_next(struct consumer *c, int timeout_ms, rd_kafka_message_t **m,
		  const struct position **of, struct error *err);

/* Serves the group in the place of consumer_next when nothing is read any more: a message that
 * comes is thrown away. */
int consumer_idle(struct consumer *c, struct error *err);

/* To be called now and then: errors of brokers, and when they are back. */
int consumer_serve(struct consumer *c, struct error *err);

/* Whether the group has given us partitions (none, perhaps), or there is no group. */
bool consumer_assigned(const struct consumer *c);

/* Those we have; the caller may call what does not add or remove any. Brought up to date: offsets
 * are behind what no message will come of, too. */
struct positions *consumer_positions(struct consumer *c);
int consumer_update_positions(struct consumer *c, struct error *err);

/* Whether others may have our partitions by now. */
bool consumer_lost(const struct consumer *c);

/* Whether we are still the member that we were at the assignment. */
int consumer_membership(struct consumer *c, const struct membership **m, bool *valid,
			struct error *err);

/* How long to wait for that at most: drain_ms, and well below max.poll.interval.ms. */
int consumer_drain_ms(const struct consumer *c);

/* Whether all that marks have told of is committed: 1, 0 not yet or not known, -1. *sum: of the
 * offsets that are; OFFSET_NONE: not known. ERROR_RETRY and ERROR_UNAVAILABLE are of a command that
 * may be asked again. */
int consumer_committed(struct consumer *c, int timeout_ms, int64_t *sum, struct error *err);

/* Commits offsets [n] of the positions with the group. Not waited for unless sync. */
int consumer_commit(struct consumer *c, const int64_t *offsets, bool sync, struct error *err);

/* Fetches nothing for now, or goes on; consumer_next serves the group all the same. */
void consumer_pause(struct consumer *c, bool paused);

struct consumer_counts {
	uint64_t messages, bytes, rebalances, lost;
};
struct consumer_counts consumer_counts(const struct consumer *c);

/* How many offsets the partition has behind the position, by the last answer; -1: not known. */
int64_t consumer_lag(struct consumer *c, const struct position *x);

#endif
