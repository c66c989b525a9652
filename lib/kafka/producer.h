/*
 * A producer for one topic: librdkafka's, with our defaults, that waits where its queue is full and
 * tells of each message that was not delivered.
 *
 * Defaults, all of which a user may change: acks=all, idempotence, zstd, linger 10 ms, the Java
 * client's murmur2, a queue of 16 MiB and 10,000 messages. All functions are for one thread, and
 * so are the callbacks; only log may come from any.
 */
#ifndef KAFKA_PRODUCER_H
#define KAFKA_PRODUCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/kafka/client.h"
#include "lib/record/control_record.h"
#include "lib/record/provenance.h"

#define PRODUCER_ANY_PARTITION (-1)
#define PRODUCER_NOW 0 /* a message's time: when it is produced */

struct message {
	const void *key; /* NULL: none */
	size_t key_len;
	const void *value; /* NULL: none, a tombstone */
	size_t value_len;
	const struct provenance_header *headers; /* names end with NUL */
	size_t n_headers;
	int64_t timestamp_ms;
};

/* A message that was not delivered, or not for sure. */
struct undelivered {
	struct message message; /* good during the call */
	int32_t partition;      /* PRODUCER_ANY_PARTITION: not chosen yet */
	uint64_t tag;           /* as given to producer_send */
	rd_kafka_resp_err_t code;
	bool maybe; /* it was sent, and what came of it is not known */
};

struct producer_options {
	const struct kafka_options *kafka;
	const char *topic;
	int32_t partition;                         /* or PRODUCER_ANY_PARTITION */
	const char *partitioner;                   /* librdkafka's name; NULL: murmur2_random */
	const char *compression;                   /* NULL: zstd */
	const char *transactional_id;              /* NULL: none */
	int create_partitions, create_replication; /* 0: the topic is not created */
	int timeout_ms;                            /* for a broker to answer at the start */

	void (*undelivered)(void *context, const struct undelivered *u);
	/* While it waits: true ends that. */
	bool (*stop)(void *context);
	void *context;
	void (*log)(const rd_kafka_t *rk, int level, const char *facility, const char *text);
	int wake_fd; /* an eventfd(2) that is written to when producer_poll has work; -1: none */
};

/* What the topic's configuration says, and where that could not be asked the defaults. */
struct topic_limits {
	bool asked;
	int32_t n_partitions;
	int64_t max_message_bytes; /* of a batch */
	int64_t retention_ms;      /* -1: for ever */
	bool append_time;          /* the broker's time takes the place of the message's */
	bool needs_key;            /* it is compacted */
	/* Between the broker's time and an earlier or later one of a message; INT64_MAX: any. */
	int64_t max_before_ms, max_after_ms;
	int found_partitions; /* the topic to create existed, with another number of them; else 0 */
};

struct producer;

/*
 * Waits for a broker, creates the topic if asked to, reads its configuration, and begins a session
 * of the transactional id. ERROR_UNAVAILABLE, ERROR_CONFIG, ERROR_USAGE (properties); ERROR_NONE
 * when stop ended it.
 */
struct producer *producer_open(const struct producer_options *o, struct topic_limits *limits,
			       struct error *err);

/* Whatever was not delivered is forgotten: producer_flush and producer_purge come before. */
void producer_close(struct producer *p);

/*
 * Takes a copy of the message, which is on its way after producer_poll at the latest. 1; 0: stop
 * ended the wait for room in the queue; -1: ERROR_DATA, the message is too large, or the topic is
 * known to refuse it for its time or for want of a key.
 */
int producer_send(struct producer *p, const struct message *m, uint64_t tag, struct error *err);

/* Sends on what was taken, and calls the callbacks that are due; 0, or -1 when librdkafka has
 * failed for good. To be called before waiting for anything else. */
int producer_poll(struct producer *p, struct error *err);

/* Calls the callbacks that are due, waiting for at most timeout_ms while none is. */
void producer_wait(struct producer *p, int timeout_ms);

/* Waits until all was delivered or has failed, or stop. Returns how many messages are left. */
int producer_flush(struct producer *p);

/* Whether brokers say that the topic is there no more; they have a second to answer. */
bool producer_topic_gone(struct producer *p);

/* Gives up on what is in the queue and on what was sent (in_flight): each is told as undelivered.
 */
void producer_purge(struct producer *p, bool in_flight);

/* Messages taken and not delivered yet. */
int producer_queued(const struct producer *p);

/* The last that librdkafka said of its troubles: see kafka_reasons_last. */
rd_kafka_resp_err_t producer_reason(struct producer *p, char *text, size_t size);

/*
 * Transactions, as lib/kafka/transaction.h orders them. Retriable errors are retried for at most
 * the transaction's time-out.
 */
int producer_begin(struct producer *p, struct error *err);

/* After so long brokers abort an open transaction. */
int64_t producer_transaction_timeout_ms(const struct producer *p);

/* Commits what was sent and, with mark, its offsets, which must have a member and a generation. 0;
 * 1: the group has fenced its consumer, producer_abort must follow (err says why); -1: failed,
 * ERROR_RETRY, or ERROR_CONFIG for a state that is too long. */
int producer_commit(struct producer *p, const struct control_record *mark, struct error *err);
int producer_abort(struct producer *p, struct error *err);

/* Aborts for the last time: when brokers do not answer soon they will abort by themselves, at the
 * transaction's time-out or when the next producer of its id begins. */
void producer_give_up(struct producer *p);

#endif
